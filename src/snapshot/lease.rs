//! Snapshots that are being read: nobody removes them meanwhile.
//!
//! In a folder a reader holds the system's lock on a file of its own, named after the snapshot. The lock ends with its process, however that
//! ends. On object storage it writes an object of that name, which counts for a day if its process cannot take it back.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Catalog, SnapshotError, bucket::Bucket, folder::lock_file, publish::is_id};
use crate::files::{FileMode, open_unlinked};

/// Folder of the readers' files within the snapshot folder.
pub const LEASE_FOLDER: &str = "readers";

/// File whose lock keeps readers from beginning while snapshots are chosen for removal.
const DOOR: &str = "door";

/// How long an object says that its snapshot is being read.
const OBJECT_COUNTS: TimeDelta = TimeDelta::hours(24);

/// A snapshot that is being read, until this value is dropped.
#[derive(Debug)]
pub(super) enum Lease {
    /// In a folder.
    File { path: PathBuf, _file: File },
    /// On object storage.
    Object { bucket: Bucket, name: String },
}

impl Drop for Lease {
    fn drop(&mut self) {
        // One that stays is taken away with the snapshot, or when it does not count any more.
        match self {
            Lease::File { path, .. } => drop(fs::remove_file(path)),
            Lease::Object { bucket, name } => drop(bucket.remove(std::slice::from_ref(name))),
        }
    }
}

/// Notes that the snapshot `id` is being read; nothing where it is not there any more. A folder that nobody may write is one where nobody
/// removes anything either; on object storage, who may not write is not waited for.
pub(super) fn take(catalog: &Catalog, id: &str) -> Result<Option<Lease>, SnapshotError> {
    if let Some(remote) = &catalog.remote {
        let name = format!("{LEASE_FOLDER}/{id}.{}", Uuid::new_v4().simple());
        return match remote.bucket.create(&name, id.as_bytes()) {
            Ok(_) => Ok(Some(Lease::Object { bucket: remote.bucket.clone(), name })),
            Err(SnapshotError::Storage { is_refused: true, .. }) => Ok(None),
            Err(error) => Err(error),
        };
    }
    let folder = &catalog.folder;
    let Some(_door) = door(folder, catalog.sharing)? else { return Ok(None) };
    if !catalog.manifest_file(id).exists() {
        return Ok(None);
    }
    let path = folder.join(LEASE_FOLDER).join(format!("{id}.{}", Uuid::new_v4().simple()));
    let file = File::create_new(&path).map_err(SnapshotError::file("created", &path))?;
    let mode = catalog.sharing.map_or(Ok(()), |mode| mode.set_file(&path));
    mode.map_err(|error| SnapshotError::file("restricted", &path)(error.source))?;
    file.lock_shared().map_err(SnapshotError::file("locked", &path))?;
    Ok(Some(Lease::File { path, _file: file }))
}

/// Returns the snapshots that are being read from object storage at the time `now` of its clock; removes what does not count any more.
pub(super) fn read_now(bucket: &Bucket, now: DateTime<Utc>) -> Result<BTreeSet<String>, SnapshotError> {
    let (counting, old): (Vec<_>, Vec<_>) =
        bucket.list(LEASE_FOLDER)?.into_iter().partition(|object| now - object.written_at < OBJECT_COUNTS);
    bucket.remove(&old.into_iter().map(|object| object.name).collect::<Vec<_>>())?;
    let id = |name: &str| name.rsplit('/').next()?.split_once('.').map(|(id, _)| id.to_owned());
    Ok(counting.iter().filter_map(|object| id(&object.name)).collect())
}

/// Calls `choose` with the snapshots that are being read, while no reader begins.
pub(super) fn with_readers<T>(
    catalog: &Catalog,
    choose: impl FnOnce(&BTreeSet<String>) -> Result<T, SnapshotError>,
) -> Result<T, SnapshotError> {
    let readers = catalog.folder.join(LEASE_FOLDER);
    let door_path = readers.join(DOOR);
    let door = lock_file(&door_path, catalog.sharing)?;
    door.lock().map_err(SnapshotError::file("locked", &door_path))?;
    let mut read = BTreeSet::new();
    for entry in fs::read_dir(&readers).map_err(SnapshotError::file("listed", &readers))? {
        let path = entry.map_err(SnapshotError::file("listed", &readers))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What has another name is no reader's.
        let Some((id, _)) = name.split_once('.').filter(|(id, _)| is_id(id)) else { continue };
        // A reader that ended between the two has given its file back.
        let Ok(file) = open_unlinked(&path) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        } else {
            read.insert(id.to_owned());
        }
    }
    choose(&read)
}

fn door(folder: &Path, sharing: Option<FileMode>) -> Result<Option<File>, SnapshotError> {
    let path = folder.join(LEASE_FOLDER).join(DOOR);
    match lock_file(&path, sharing) {
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
