//! One process at a time: who holds a lock, and since when.
//!
//! The lock is the operating system's on a file, so it ends with its process however that ends. The file's text is for people only.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use chrono::{DateTime, Utc};
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use super::FileError;

/// Who holds a lock.
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

/// A lock; it is given back when this value is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// A lock that could not be taken.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it; who, where that can be read.
    Held(Option<Holder>),
    /// The file cannot be used.
    File(FileError),
}

/// Takes the lock of `path`.
///
/// # Errors
/// [`LockError::Held`] with the holder, when another process has it.
pub fn hold(path: &Path, holder: &Holder) -> Result<Lock, LockError> {
    hold_or(path, holder, |file| Err(LockError::Held(holder_of(file))))
}

/// Waits for the lock of `path`; `told` is called with who has it, before the waiting begins.
///
/// # Errors
/// [`LockError::File`].
pub fn wait(path: &Path, holder: &Holder, told: impl FnOnce(Option<Holder>)) -> Result<Lock, LockError> {
    hold_or(path, holder, |file| {
        told(holder_of(file));
        file.lock().map_err(|source| LockError::File(FileError { path: path.to_owned(), source }))
    })
}

fn hold_or(path: &Path, holder: &Holder, held: impl FnOnce(&mut File) -> Result<(), LockError>) -> Result<Lock, LockError> {
    let failed = |source| LockError::File(FileError { path: path.to_owned(), source });
    // The file is cut to the holder's text: through a link that would be another file.
    let no_link = OFlag::O_NOFOLLOW.bits();
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).custom_flags(no_link).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => held(&mut file)?,
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let text = serde_json::to_string(holder).expect("a holder has only texts and numbers");
    file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| file.write_all(text.as_bytes())).map_err(failed)?;
    Ok(Lock { _file: file })
}

/// Fails when another process holds the lock of `path`; takes and makes nothing.
///
/// # Errors
/// [`LockError::Held`].
pub fn require_free(path: &Path) -> Result<(), LockError> {
    let Ok(mut file) = File::open(path) else { return Ok(()) };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Err(LockError::Held(holder_of(&mut file))),
        _ => Ok(()),
    }
}

fn holder_of(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok())
}
