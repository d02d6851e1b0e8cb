//! Who may read what this program makes: its owner alone, but in places that several users share.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::OnceLock};

use nix::sys::stat::{Mode, umask};

use super::FileError;

/// Permissions of a file in a shared place, such as `0640`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMode(u32);

/// The permissions that the shell had told the process to leave out when it started.
static STARTED_WITH: OnceLock<u32> = OnceLock::new();

/// Keeps everything that this process makes from now on to its owner alone. Call it before anything is made.
pub fn keep_to_owner() {
    let before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    STARTED_WITH.get_or_init(|| before.bits());
}

impl FileMode {
    /// The owner alone.
    pub const PRIVATE: FileMode = FileMode(0o600);

    /// Reads permissions as `chmod` writes them, such as `0640`.
    ///
    /// # Errors
    /// What is accepted: the owner reads and writes, nobody executes.
    pub fn parse(text: &str) -> Result<FileMode, String> {
        let is_octal = text.len() == 4 && text.starts_with('0') && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let mode = if is_octal { u32::from_str_radix(text, 8).unwrap_or_default() } else { 0 };
        if mode & 0o600 == 0o600 && mode & 0o111 == 0 {
            return Ok(FileMode(mode));
        }
        Err(format!(
            "file mode `{text}` is not accepted (accepted: 0600, 0640, 0644, 0660, 0664 and others in which the owner reads and writes)"
        ))
    }

    /// Returns the permissions that files would have had without [`keep_to_owner`]; none where it was not called.
    pub fn usual() -> Option<FileMode> {
        STARTED_WITH.get().map(|left_out| FileMode(0o666 & !left_out))
    }

    /// Returns the permissions of a file.
    pub fn of_file(self) -> u32 {
        self.0
    }

    /// Returns the permissions of a folder: whoever may read may enter, too.
    pub fn of_folder(self) -> u32 {
        self.0 | ((self.0 & 0o444) >> 2)
    }

    /// Gives a finished file these permissions.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_file(self, path: &Path) -> Result<(), FileError> {
        fs::set_permissions(path, fs::Permissions::from_mode(self.of_file())).map_err(FileError::of(path))
    }

    /// Gives a folder these permissions.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_folder(self, path: &Path) -> Result<(), FileError> {
        fs::set_permissions(path, fs::Permissions::from_mode(self.of_folder())).map_err(FileError::of(path))
    }
}

/// Makes a folder and those above it; those that were missing get the permissions of `mode`.
///
/// # Errors
/// When the system refuses.
pub fn make_shared_folder(path: &Path, mode: Option<FileMode>) -> Result<(), FileError> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    super::make_folder(path)?;
    let Some(mode) = mode else { return Ok(()) };
    missing.into_iter().rev().try_for_each(|folder| mode.set_folder(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_and_leave_the_file_to_its_owner() {
        assert_eq!(FileMode::parse("0640").map(FileMode::of_folder), Ok(0o750));
        assert_eq!(FileMode::parse("0660").map(FileMode::of_folder), Ok(0o770));
        assert_eq!(FileMode::parse("0600"), Ok(FileMode::PRIVATE));
        for refused in ["640", "0440", "0755", "1640", "0o40", "0689", ""] {
            assert!(FileMode::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn only_folders_that_were_missing_get_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        make_shared_folder(&folder.path().join("a/b"), Some(FileMode(0o640))).unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(""), mode("a"), mode("a/b")], [0o700, 0o750, 0o750]);
    }
}
