//! Backups: a folder of copied files with a manifest of their hashes, which is there whole or not at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{FileError, PrivateFolder, open_unlinked};
use crate::domain::digest::{Hashing, sha256_of};

/// Name of the manifest within a backup.
pub const MANIFEST: &str = "backup.json";

/// Version of the manifest's form.
const FORMAT: u32 = 1;

/// A backup that cannot be made, read or believed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// A file could not be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is something where the backup should be.
    #[error("`{}` is there already: a backup is a new folder", .0.display())]
    Exists(PathBuf),
    /// The folder is no backup.
    #[error("`{}` is no backup: {why}", path.display())]
    NotABackup {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Files are not as they were written.
    #[error("`{}` is not as it was made: {}", path.display(), problems.join("; "))]
    Altered {
        /// The folder.
        path: PathBuf,
        /// What is wrong with which file.
        problems: Vec<String>,
    },
}

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    /// Version of this form.
    pub format: u32,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Version of the program that made it.
    pub version: String,
    /// The newest snapshot at that moment.
    pub snapshot: Option<String>,
    /// Whether key files are in it.
    pub has_keys: bool,
    /// Its files, by their path within the backup.
    pub files: BTreeMap<String, BackedUpFile>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUpFile {
    /// Size.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// What a manifest says beside the files.
#[derive(Debug, Clone)]
pub struct BackupFacts {
    /// When the backup is made.
    pub made_at: DateTime<Utc>,
    /// The newest snapshot.
    pub snapshot: Option<String>,
    /// Whether key files are in it.
    pub has_keys: bool,
}

/// A backup that is being made, in a folder beside its place that the next one clears if this process is killed.
#[derive(Debug)]
pub struct BackupWriter {
    private: PrivateFolder,
    target: PathBuf,
    files: BTreeMap<String, BackedUpFile>,
}

impl BackupWriter {
    /// Begins a backup that will be the folder `target`, which must not exist or be empty.
    ///
    /// # Errors
    /// [`BackupError::Exists`], and when the folder above cannot be written.
    pub fn begin(target: &Path) -> Result<BackupWriter, BackupError> {
        if fs::symlink_metadata(target).is_ok() && !fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none()) {
            return Err(BackupError::Exists(target.to_owned()));
        }
        let place = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        super::make_folder(place)?;
        let private = PrivateFolder::make_in(place).map_err(FileError::of(place))?;
        let writer = BackupWriter { private, target: target.to_owned(), files: BTreeMap::new() };
        super::make_folder(&writer.folder())?;
        Ok(writer)
    }

    /// Returns the folder that becomes the backup.
    pub fn folder(&self) -> PathBuf {
        self.private.path().join("backup")
    }

    /// Copies a file to the path `name` within the backup; returns its hash.
    ///
    /// # Errors
    /// When it cannot be read, or its copy cannot be written.
    pub fn add(&mut self, source: &Path, name: &str) -> Result<&BackedUpFile, BackupError> {
        let copied = copy(source, &self.folder().join(name))?;
        self.files.insert(name.to_owned(), copied);
        Ok(&self.files[name])
    }

    /// Takes in a file that was made at the path `name` within the backup.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn adopt(&mut self, name: &str) -> Result<(), BackupError> {
        let path = self.folder().join(name);
        self.files.insert(name.to_owned(), measured(&path)?);
        Ok(())
    }

    /// Writes the manifest, reads every copy again, and lets the backup appear.
    ///
    /// # Errors
    /// [`BackupError::Altered`] where a copy is not what was written; when the system refuses. There is no backup then.
    pub fn finish(self, facts: BackupFacts) -> Result<BackupManifest, BackupError> {
        let BackupFacts { made_at, snapshot, has_keys } = facts;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let manifest = BackupManifest { format: FORMAT, made_at, version, snapshot, has_keys, files: self.files.clone() };
        let text = serde_json::to_vec_pretty(&manifest).expect("a manifest has only texts and numbers");
        super::write(&self.folder().join(MANIFEST), &text)?;
        verify(&self.folder())?;
        fs::rename(self.folder(), &self.target).map_err(FileError::of(&self.target))?;
        Ok(manifest)
    }
}

/// Copies a file into a new one; links are not followed. Returns its hash.
///
/// # Errors
/// When it cannot be read, or its copy cannot be written.
pub fn copy(source: &Path, target: &Path) -> Result<BackedUpFile, BackupError> {
    super::make_folder(target.parent().unwrap_or(target))?;
    let mut from = open_unlinked(source).map_err(|error| BackupError::Read { path: source.to_owned(), source: error })?;
    let failed = FileError::of(target);
    let out = OpenOptions::new().write(true).create_new(true).open(target).map_err(&failed)?;
    let mut out = Hashing::new(out);
    let bytes = io::copy(&mut from, &mut out).map_err(&failed)?;
    let (mut file, sha256) = out.finish();
    file.flush().and_then(|()| file.sync_all()).map_err(&failed)?;
    Ok(BackedUpFile { bytes, sha256 })
}

fn measured(path: &Path) -> Result<BackedUpFile, BackupError> {
    let failed = |source| BackupError::Read { path: path.to_owned(), source };
    let (sha256, bytes) = open_unlinked(path).and_then(|mut file| sha256_of(&mut file)).map_err(failed)?;
    Ok(BackedUpFile { bytes, sha256 })
}

/// Compares every file of the backup in `folder` with its manifest.
///
/// # Errors
/// [`BackupError::NotABackup`]; [`BackupError::Altered`] where a file is missing, altered, or not in the manifest.
pub fn verify(folder: &Path) -> Result<BackupManifest, BackupError> {
    let not_one = |why: String| BackupError::NotABackup { path: folder.to_owned(), why };
    let text = match open_unlinked(&folder.join(MANIFEST)).and_then(|file| io::read_to_string(&file)) {
        Ok(text) => text,
        Err(error) => return Err(not_one(format!("its `{MANIFEST}` cannot be read: {error}"))),
    };
    let manifest: BackupManifest =
        serde_json::from_str(&text).map_err(|error| not_one(format!("its `{MANIFEST}` cannot be understood: {error}")))?;
    if manifest.format != FORMAT {
        return Err(not_one(format!("it has format {}, this version reads format {FORMAT}", manifest.format)));
    }
    let mut problems = Vec::new();
    for (name, expected) in &manifest.files {
        // A manifest that somebody else wrote must not lead out of the folder.
        if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(not_one(format!("it names `{name}`, which is no path within it")));
        }
        match measured(&folder.join(name)) {
            Ok(found) if found == *expected => {}
            Ok(_) => problems.push(format!("`{name}` was altered")),
            Err(_) => problems.push(format!("`{name}` is missing")),
        }
    }
    let named: BTreeSet<&str> = manifest.files.keys().map(String::as_str).chain([MANIFEST]).collect();
    let others = files_below(folder, |_| true)?.into_keys().filter(|name| !named.contains(name.as_str()));
    problems.extend(others.map(|name| format!("`{name}` is not of the backup")));
    if problems.is_empty() { Ok(manifest) } else { Err(BackupError::Altered { path: folder.to_owned(), problems }) }
}

/// Returns the files below `root` by their path within it; not those in folders, or with names, that `takes` refuses. Links are left out. A folder
/// that is not there has none.
///
/// # Errors
/// When a folder cannot be listed.
pub fn files_below(root: &Path, takes: impl Fn(&str) -> bool) -> Result<BTreeMap<String, PathBuf>, BackupError> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![String::new()]);
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let failed = |source| BackupError::Read { path: path.clone(), source };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let within = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && takes(&within) {
                folders.push(within);
            } else if kind.is_file() && takes(&within) {
                files.insert(within, entry.path());
            }
        }
    }
    Ok(files)
}

/// Makes sure that what was renamed into `folder` is there after the machine failed.
///
/// # Errors
/// When the system refuses.
pub fn settle(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::of(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(place: &Path) -> PathBuf {
        let source = place.join("source");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("a"), "one").unwrap();
        let target = place.join("copy");
        let mut writer = BackupWriter::begin(&target).unwrap();
        writer.add(&source.join("a"), "data/a").unwrap();
        let facts = BackupFacts { made_at: DateTime::UNIX_EPOCH, snapshot: None, has_keys: false };
        assert_eq!(writer.finish(facts).unwrap().files.len(), 1);
        target
    }

    #[test]
    fn whatever_is_done_to_a_backup_shows() {
        let place = tempfile::tempdir().unwrap();
        let backup = made(place.path());
        assert!(verify(&backup).is_ok());
        let said = |backup: &Path| verify(backup).unwrap_err().to_string();
        fs::write(backup.join("data/b"), "more").unwrap();
        assert!(said(&backup).contains("`data/b` is not of the backup"));
        fs::remove_file(backup.join("data/b")).unwrap();
        fs::write(backup.join("data/a"), "two").unwrap();
        assert!(said(&backup).contains("`data/a` was altered"));
        fs::remove_file(backup.join("data/a")).unwrap();
        assert!(said(&backup).contains("`data/a` is missing"));
        fs::remove_file(backup.join(MANIFEST)).unwrap();
        assert!(said(&backup).contains("is no backup"));
    }

    #[test]
    fn a_backup_takes_no_ones_place_and_leads_nowhere_else() {
        let place = tempfile::tempdir().unwrap();
        let backup = made(place.path());
        assert!(matches!(BackupWriter::begin(&backup), Err(BackupError::Exists(_))));
        let manifest = fs::read_to_string(backup.join(MANIFEST)).unwrap();
        fs::write(backup.join(MANIFEST), manifest.replace("data/a", "../source/a")).unwrap();
        assert!(verify(&backup).unwrap_err().to_string().contains("no path within it"));
    }

    #[test]
    fn one_that_was_not_finished_is_not_there() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("copy");
        drop(BackupWriter::begin(&target).unwrap());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
