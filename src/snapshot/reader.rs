//! Finds and opens published snapshots.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Manifest, SnapshotError};

/// Folder of the manifests within the snapshot folder.
pub const MANIFEST_FOLDER: &str = "manifests";

/// A published snapshot, ready to be read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The snapshot folder.
    pub folder: PathBuf,
    /// What the snapshot consists of.
    pub manifest: Manifest,
}

impl Snapshot {
    /// Opens a snapshot: the one whose id is or begins with `asked`, or the newest.
    ///
    /// # Errors
    /// When there is none, none of that name, or several.
    pub fn open(folder: &Path, asked: Option<&str>) -> Result<Snapshot, SnapshotError> {
        let ids = ids(folder)?;
        let newest = ids.last().ok_or_else(|| SnapshotError::None(folder.to_owned()))?;
        let id = match asked {
            None => newest,
            Some(asked) => {
                let found: Vec<&String> = ids.iter().filter(|id| id.starts_with(asked)).collect();
                match found.as_slice() {
                    [] => return Err(SnapshotError::Unknown { asked: asked.to_owned(), newest: newest.clone() }),
                    [id] => *id,
                    several => {
                        let candidates: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
                        return Err(SnapshotError::Ambiguous { asked: asked.to_owned(), candidates: candidates.join(", ") });
                    }
                }
            }
        };
        Ok(Snapshot { folder: folder.to_owned(), manifest: read(folder, id)? })
    }
}

/// Returns the manifests of all snapshots, oldest first.
///
/// # Errors
/// When one cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Manifest>, SnapshotError> {
    ids(folder)?.iter().map(|id| read(folder, id)).collect()
}

/// Returns the newest manifest, if any.
pub(super) fn latest(folder: &Path) -> Result<Option<Manifest>, SnapshotError> {
    ids(folder)?.last().map(|id| read(folder, id)).transpose()
}

fn ids(folder: &Path) -> Result<Vec<String>, SnapshotError> {
    let manifests = folder.join(MANIFEST_FOLDER);
    let entries = match fs::read_dir(&manifests) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SnapshotError::file("listed", manifests)(error)),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let path = entry.map_err(SnapshotError::file("listed", &manifests))?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            ids.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    ids.sort();
    Ok(ids)
}

fn read(folder: &Path, id: &str) -> Result<Manifest, SnapshotError> {
    let path = folder.join(MANIFEST_FOLDER).join(format!("{id}.json"));
    let text = fs::read(&path).map_err(SnapshotError::file("read", &path))?;
    serde_json::from_slice(&text).map_err(|source| SnapshotError::Manifest { path, source })
}
