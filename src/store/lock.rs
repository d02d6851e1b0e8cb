//! One writer at a time of the live database.

use std::{fs, path::Path};

use super::StoreError;
use crate::files::lock::{self, Holder, Lock, LockError};

const FILE: &str = "live.lock";

/// Takes the lock of the database in `folder`, without opening it.
///
/// # Errors
/// [`StoreError::Held`] with the holder, when another process has it.
pub fn hold(folder: &Path, holder: &Holder) -> Result<Lock, StoreError> {
    lock::hold(&folder.join(FILE), holder).map_err(|error| of_lock(folder, error))
}

/// As [`hold`], but waits for another process; `told` is called with who has it, before the waiting begins.
///
/// # Errors
/// When the lock cannot be used.
pub fn wait(folder: &Path, holder: &Holder, told: impl FnOnce(Option<Holder>)) -> Result<Lock, StoreError> {
    lock::wait(&folder.join(FILE), holder, told).map_err(|error| of_lock(folder, error))
}

/// Fails when another process holds the database in `folder`; takes and makes nothing.
///
/// # Errors
/// As [`hold`].
pub fn require_free(folder: &Path) -> Result<(), StoreError> {
    lock::require_free(&folder.join(FILE)).map_err(|error| of_lock(folder, error))
}

/// Makes the folder of the database.
pub fn make_folder(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: folder.to_owned(), source })
}

fn of_lock(folder: &Path, error: LockError) -> StoreError {
    match error {
        LockError::Held(holder) => StoreError::Held { folder: folder.to_owned(), holder },
        LockError::File(error) => StoreError::Folder { path: error.path, source: error.source },
    }
}
