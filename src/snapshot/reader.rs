//! Finds and opens published snapshots.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::NaiveDate;

use super::{
    Manifest, SnapshotError,
    lease::{self, Lease},
};
use crate::domain::Zone;

/// Folder of the manifests within the snapshot folder.
pub const MANIFEST_FOLDER: &str = "manifests";

/// A published snapshot, ready to be read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The snapshot folder.
    pub folder: PathBuf,
    /// What the snapshot consists of.
    pub manifest: Manifest,
    /// Keeps it from being removed; nothing where nobody can.
    _lease: Option<Arc<Lease>>,
}

impl Snapshot {
    /// Opens a snapshot: the one whose id is or begins with `asked`, or the newest.
    ///
    /// # Errors
    /// When there is none, none of that name, or several.
    pub fn open(folder: &Path, asked: Option<&str>) -> Result<Snapshot, SnapshotError> {
        Snapshot::open_one(folder, |ids| choose(folder, ids, asked))
    }

    /// Opens the snapshot that was the newest at the end of the local day `day`.
    ///
    /// # Errors
    /// When nothing had been published by then.
    pub fn open_as_known_on(folder: &Path, day: NaiveDate, zone: Zone) -> Result<Snapshot, SnapshotError> {
        let end = zone.day_start(day.succ_opt().unwrap_or(day));
        Snapshot::open_one(folder, |ids| {
            let mut known = None;
            for id in ids {
                if read(folder, id)?.published_at < end {
                    known = Some(id.clone());
                }
            }
            known.ok_or_else(|| match ids.first() {
                None => SnapshotError::None(folder.to_owned()),
                Some(first) => SnapshotError::NotYet { day, first: first.clone() },
            })
        })
    }

    fn open_one(folder: &Path, choose: impl Fn(&[String]) -> Result<String, SnapshotError>) -> Result<Snapshot, SnapshotError> {
        // One that is removed while it is chosen is not there the second time.
        for _ in 0..3 {
            let id = choose(&ids(folder)?)?;
            let is_there = || folder.join(MANIFEST_FOLDER).join(format!("{id}.json")).exists();
            let lease = lease::take(folder, &id, is_there)?;
            if is_there() {
                return Ok(Snapshot { folder: folder.to_owned(), manifest: read(folder, &id)?, _lease: lease.map(Arc::new) });
            }
        }
        Err(SnapshotError::None(folder.to_owned()))
    }
}

fn choose(folder: &Path, ids: &[String], asked: Option<&str>) -> Result<String, SnapshotError> {
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
    Ok(id.clone())
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
