//! Folders in the system's temporary folder that one process has for itself, and that are cleared when it was killed.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use tempfile::TempDir;

use super::open_unlinked;

/// How the names of these folders begin.
const PREFIX: &str = "relato-private-";

/// File whose lock says that a process still uses the folder.
const ALIVE: &str = "alive";

/// A folder that its owner alone may enter. It is removed when this value is dropped; where its process is killed, by the next process that
/// makes one.
#[derive(Debug)]
pub struct PrivateFolder {
    folder: TempDir,
    _alive: File,
}

impl PrivateFolder {
    /// Makes a folder, and removes those that killed processes of the same user left.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn make() -> io::Result<PrivateFolder> {
        PrivateFolder::make_in(&tempfile::env::temp_dir())
    }

    /// As [`PrivateFolder::make`], in the folder `place`.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn make_in(place: &Path) -> io::Result<PrivateFolder> {
        let folder = tempfile::Builder::new().prefix(PREFIX).permissions(fs::Permissions::from_mode(0o700)).tempdir_in(place)?;
        clear(place, fs::metadata(folder.path())?.uid());
        // Under its name the file is locked from the first moment on.
        let (new, name) = (folder.path().join("alive.new"), folder.path().join(ALIVE));
        let alive = File::create_new(&new)?;
        alive.lock()?;
        fs::rename(new, name)?;
        Ok(PrivateFolder { folder, _alive: alive })
    }

    /// Returns its place.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of the user `uid` that no process holds any more. What cannot be read or removed stays: another run may.
fn clear(place: &Path, uid: u32) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_ours = || fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir() && found.uid() == uid);
        let is_abandoned = || open_unlinked(&path.join(ALIVE)).is_ok_and(|file| file.try_lock().is_ok());
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_ours() && is_abandoned() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_nobody_holds_is_cleared_and_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let left = place.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join(ALIVE), "").unwrap();
        fs::write(left.join("answer.arrow"), "rows").unwrap();
        let foreign = place.path().join("somebody-elses");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join(ALIVE), "").unwrap();
        std::os::unix::fs::symlink(&foreign, place.path().join(format!("{PREFIX}link"))).unwrap();
        let held = PrivateFolder::make_in(place.path()).unwrap();
        assert!(!left.exists(), "its process is gone");
        assert!(foreign.join(ALIVE).exists(), "no link is followed");
        assert_eq!(fs::metadata(held.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let other = PrivateFolder::make_in(place.path()).unwrap();
        assert!(held.path().exists(), "its process lives");
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
    }
}
