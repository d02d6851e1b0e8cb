//! Snapshots that are being read: nobody removes them meanwhile.
//!
//! A reader holds the system's lock on a file of its own, named after the snapshot. The lock ends with its process, however that ends.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::SnapshotError;

/// Folder of the readers' files within the snapshot folder.
pub const LEASE_FOLDER: &str = "readers";

/// File whose lock keeps readers from beginning while snapshots are chosen for removal.
const DOOR: &str = "door";

/// A snapshot that is being read, until this value is dropped.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    _file: File,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // One that stays is taken away with the snapshot.
        let _ = fs::remove_file(&self.path);
    }
}

/// Notes that the snapshot `id` is being read; nothing where `is_there` says that it is not there any more. A folder that nobody may write
/// is one where nobody removes anything either.
pub(super) fn take(folder: &Path, id: &str, is_there: impl FnOnce() -> bool) -> Result<Option<Lease>, SnapshotError> {
    let Some(_door) = door(folder)? else { return Ok(None) };
    if !is_there() {
        return Ok(None);
    }
    let path = folder.join(LEASE_FOLDER).join(format!("{id}.{}", Uuid::new_v4().simple()));
    let file = File::create(&path).map_err(SnapshotError::file("created", &path))?;
    file.lock_shared().map_err(SnapshotError::file("locked", &path))?;
    Ok(Some(Lease { path, _file: file }))
}

/// Calls `choose` with the snapshots that are being read, while no reader begins.
pub(super) fn with_readers<T>(
    folder: &Path,
    choose: impl FnOnce(&BTreeSet<String>) -> Result<T, SnapshotError>,
) -> Result<T, SnapshotError> {
    let door_path = folder.join(LEASE_FOLDER).join(DOOR);
    let door = open(&door_path)?;
    door.lock().map_err(SnapshotError::file("locked", &door_path))?;
    let readers = folder.join(LEASE_FOLDER);
    let mut read = BTreeSet::new();
    for entry in fs::read_dir(&readers).map_err(SnapshotError::file("listed", &readers))? {
        let path = entry.map_err(SnapshotError::file("listed", &readers))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((id, _)) = name.split_once('.') else { continue };
        // A reader that ended between the two has given its file back.
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        } else {
            read.insert(id.to_owned());
        }
    }
    choose(&read)
}

fn door(folder: &Path) -> Result<Option<File>, SnapshotError> {
    let path = folder.join(LEASE_FOLDER).join(DOOR);
    match open(&path) {
        Ok(door) => {
            door.lock_shared().map_err(SnapshotError::file("locked", &path))?;
            Ok(Some(door))
        }
        Err(SnapshotError::File { source, .. }) if matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn open(path: &Path) -> Result<File, SnapshotError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(SnapshotError::file("created", folder))?;
    OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(SnapshotError::file("opened", path))
}
