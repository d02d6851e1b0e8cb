//! One writer at a time: who holds the live database, and since when.
//!
//! The lock is the operating system's on a file beside the database, so it ends with its process however that ends. The file's
//! text is for people only.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::StoreError;

const FILE: &str = "live.lock";

/// Who holds the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What it does, such as `relato ingest`.
    pub command: String,
    /// Its process.
    pub pid: u32,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Holder {
    /// Describes this process.
    pub fn new(command: &str, now: DateTime<Utc>) -> Holder {
        Holder { command: command.to_owned(), pid: std::process::id(), since: now }
    }
}

/// The lock; it is given back when this value is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock of the database in `folder`, without opening it.
///
/// # Errors
/// [`StoreError::Held`] with the holder, when another process has it.
pub fn hold(folder: &Path, holder: &Holder) -> Result<Lock, StoreError> {
    let path = folder.join(FILE);
    let failed = |source| StoreError::Folder { path: path.clone(), source };
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let known = file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
            return Err(StoreError::Held { folder: folder.to_owned(), holder: known });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let text = serde_json::to_string(holder).expect("a holder has only texts and numbers");
    file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| file.write_all(text.as_bytes())).map_err(failed)?;
    Ok(Lock { _file: file })
}

/// Fails when another process holds the database in `folder`; takes and makes nothing.
///
/// # Errors
/// As [`hold`].
pub fn require_free(folder: &Path) -> Result<(), StoreError> {
    let Ok(mut file) = File::open(folder.join(FILE)) else { return Ok(()) };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let known = file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
            Err(StoreError::Held { folder: folder.to_owned(), holder: known })
        }
        _ => Ok(()),
    }
}

/// Makes the folder of the database.
pub fn make_folder(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: folder.to_owned(), source })
}
