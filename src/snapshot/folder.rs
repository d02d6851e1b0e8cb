//! Files and folders of a catalog: what is below one, and how one appears, goes, or is waited for.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use super::SnapshotError;
use crate::files::{self, FileMode};

/// Returns the names of the folders directly below one.
pub(super) fn folders(folder: &Path) -> Result<Vec<String>, SnapshotError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SnapshotError::file("listed", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(SnapshotError::file("listed", folder))?.path();
        if path.is_dir() {
            names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    Ok(names)
}

/// Returns every file below a folder, but for those in folders that `enters` refuses. Links are neither followed nor listed.
pub(super) fn files_below(root: &Path, enters: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, SnapshotError> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(SnapshotError::file("listed", folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(SnapshotError::file("listed", &folder))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(SnapshotError::file("listed", &folder))?);
            if kind.is_file() {
                found.push(path);
            } else if kind.is_dir() && enters(&path) {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

/// Makes a folder and those above it.
pub(super) fn make_folder(folder: &Path, sharing: Option<FileMode>) -> Result<(), SnapshotError> {
    files::make_shared_folder(folder, sharing).map_err(|error| SnapshotError::file("created", &error.path)(error.source))
}

/// Writes a file so that it is there in full or not at all.
pub(super) fn write_renamed(path: &Path, bytes: &[u8], sharing: Option<FileMode>) -> Result<(), SnapshotError> {
    let written = files::fill_as(path, sharing, |out| out.write_all(bytes).map_err(files::FileError::of(path)));
    written.map(|_| ()).map_err(|error| SnapshotError::file("written", &error.path)(error.source))
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove_file(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SnapshotError::file("removed", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a folder with all that is in it; one that is not there is no error.
pub(super) fn remove_folder(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SnapshotError::file("removed", path)(error)),
        _ => Ok(()),
    }
}

/// Waits for the lock of the file `name` in `folder`, which is made where it is missing.
pub(super) fn locked(folder: &Path, name: &str, sharing: Option<FileMode>) -> Result<File, SnapshotError> {
    let path = folder.join(name);
    let file = lock_file(&path, sharing)?;
    file.lock().map_err(SnapshotError::file("locked", &path))?;
    Ok(file)
}

/// Opens a file of which only the lock matters; makes it where it is missing.
pub(super) fn lock_file(path: &Path, sharing: Option<FileMode>) -> Result<File, SnapshotError> {
    make_folder(path.parent().unwrap_or(path), sharing)?;
    let failed = SnapshotError::file("opened", path);
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => {
            let mode = sharing.map_or(Ok(()), |mode| mode.set_file(path).map_err(|error| error.source));
            mode.map(|()| file).map_err(failed)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => OpenOptions::new().write(true).open(path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}
