//! Files that appear whole or not at all: written under a temporary name beside their place, then renamed.

pub mod lock;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

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
    let failed = FileError::of(path);
    let temporary = temporary_name(path);
    let mut out = Hashing::new(BufWriter::new(File::create(&temporary).map_err(&failed)?));
    let filled = fill(&mut out).and_then(|()| {
        let (buffered, sha256) = out.finish();
        let written = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
        written.sync_all().and_then(|()| fs::rename(&temporary, path)).map_err(&failed)?;
        Ok(sha256)
    });
    filled.inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

/// Lets `save` make a file at the place it is told; returns the SHA-256 of its bytes in hexadecimal.
///
/// # Errors
/// Those of `save`, and when the system refuses; nothing is left then.
pub fn place<E: From<FileError>>(path: &Path, save: impl FnOnce(&Path) -> Result<(), E>) -> Result<String, E> {
    let failed = FileError::of(path);
    let temporary = temporary_name(path);
    let placed = save(&temporary).and_then(|()| {
        let mut file = File::open(&temporary).map_err(&failed)?;
        let (sha256, _) = sha256_of(&mut file).map_err(&failed)?;
        file.sync_all().and_then(|()| fs::rename(&temporary, path)).map_err(&failed)?;
        Ok(sha256)
    });
    placed.inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

/// Returns the random secret in a file that only its owner reads; makes it where it is missing.
///
/// # Errors
/// When it can be neither read nor made.
pub fn own_secret(path: &Path) -> Result<String, FileError> {
    let failed = FileError::of(path);
    if !path.exists() {
        let secret = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        place::<FileError>(path, |temporary| {
            let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(temporary).map_err(&failed)?;
            file.write_all(secret.as_bytes()).map_err(&failed)
        })?;
    }
    fs::read_to_string(path).map_err(&failed)
}

/// Makes a folder and those above it.
///
/// # Errors
/// When the system refuses.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(FileError::of(path))
}

fn temporary_name(path: &Path) -> PathBuf {
    path.with_file_name(format!(".writing-{}-{}", std::process::id(), path.file_name().unwrap_or_default().to_string_lossy()))
}
