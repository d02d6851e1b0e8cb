//! Files that appear whole or not at all: written under a temporary name beside their place, then renamed.
//!
//! Temporary names are random, and what has one is created anew: a link that somebody put there is never followed.

pub mod backup;
pub mod lock;
mod mode;
mod private;

pub use mode::{FileMode, keep_to_owner, make_shared_folder};
pub use private::PrivateFolder;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;
use uuid::Uuid;

use crate::domain::digest::{Hashing, sha256_of};

/// A file or folder that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be written: {source}", path.display())]
pub struct FileError {
    /// Its place.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl FileError {
    /// Returns what makes an error of the system's word about `path`.
    pub fn of(path: &Path) -> impl Fn(io::Error) -> FileError + '_ {
        move |source| FileError { path: path.to_owned(), source }
    }
}

/// Refuses a place where no file can be written.
///
/// # Errors
/// When the system refuses; nothing is left in either case.
pub fn require_writable(path: &Path) -> Result<(), FileError> {
    let beside = temporary_name(path);
    File::create_new(&beside).map_err(FileError::of(path))?;
    fs::remove_file(&beside).map_err(FileError::of(path))
}

/// Writes a file.
///
/// # Errors
/// When the system refuses; nothing is left then.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    fill(path, |out| out.write_all(bytes).map_err(FileError::of(path))).map(|_| ())
}

/// Lets `fill` write a file; returns the SHA-256 of its bytes in hexadecimal.
///
/// # Errors
/// Those of `fill`, and when the system refuses; nothing is left then.
pub fn fill<E: From<FileError>>(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), E>) -> Result<String, E> {
    fill_as(path, None, fill)
}

/// As [`fill`]; the file gets the permissions of `mode`, where there is one.
///
/// # Errors
/// As [`fill`].
pub fn fill_as<E: From<FileError>>(
    path: &Path,
    mode: Option<FileMode>,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), E>,
) -> Result<String, E> {
    let failed = FileError::of(path);
    let temporary = temporary_name(path);
    let new = OpenOptions::new().write(true).create_new(true).open(&temporary).map_err(&failed)?;
    let mut out = Hashing::new(BufWriter::new(new));
    let filled = fill(&mut out).and_then(|()| {
        let (buffered, sha256) = out.finish();
        let written = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
        if let Some(mode) = mode {
            written.set_permissions(fs::Permissions::from_mode(mode.of_file())).map_err(&failed)?;
        }
        written.sync_all().and_then(|()| fs::rename(&temporary, path)).map_err(&failed)?;
        Ok(sha256)
    });
    filled.inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

/// Lets `save` make a file at the place it is told; returns the SHA-256 of its bytes in hexadecimal. That place is in a folder which nobody
/// else may enter, so that nobody can put a link there meanwhile.
///
/// # Errors
/// Those of `save`, and when the system refuses; nothing is left then.
pub fn place<E: From<FileError>>(path: &Path, save: impl FnOnce(&Path) -> Result<(), E>) -> Result<String, E> {
    let failed = FileError::of(path);
    let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = fs::Permissions::from_mode(0o700);
    let private = tempfile::Builder::new().prefix(WRITING).permissions(permissions).tempdir_in(beside).map_err(&failed)?;
    let temporary = private.path().join("file");
    save(&temporary)?;
    let mut file = open_unlinked(&temporary).map_err(&failed)?;
    let (sha256, _) = sha256_of(&mut file).map_err(&failed)?;
    file.sync_all().and_then(|()| fs::rename(&temporary, path)).map_err(&failed)?;
    Ok(sha256)
}

/// Opens a file to read it; a link in its place is refused.
///
/// # Errors
/// When the system refuses.
pub fn open_unlinked(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)
}

/// Returns the random secret in a file that only its owner reads; makes it where it is missing.
///
/// # Errors
/// When it can be neither read nor made.
pub fn own_secret(path: &Path) -> Result<String, FileError> {
    if !path.exists() {
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        fill_as(path, Some(FileMode::PRIVATE), |out| out.write_all(secret.as_bytes()).map_err(FileError::of(path)))?;
    }
    fs::read_to_string(path).map_err(FileError::of(path))
}

/// Makes a folder and those above it.
///
/// # Errors
/// When the system refuses.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(FileError::of(path))
}

/// How the names of files begin that are being written.
pub const WRITING: &str = ".writing-";

/// Returns a name beside `path` that nobody can know before.
pub fn temporary_name(path: &Path) -> PathBuf {
    path.with_file_name(format!("{WRITING}{}", Uuid::new_v4().simple()))
}
