//! Removes old snapshots, and what no snapshot names.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    Manifest, SnapshotError,
    combine::{combined_of, is_lake, is_owner, turn},
    lease::{self, LEASE_FOLDER},
    list,
    reader::MANIFEST_FOLDER,
};

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Manifests.
    pub snapshots: usize,
    /// Parts that no kept manifest names, and files that were being written when a run broke off.
    pub parts: usize,
    /// Old snapshots that were being read, and stayed.
    pub in_use: usize,
}

/// Keeps the newest `keep` snapshots, and those that are being read. Manifests go first, so that no reader finds one whose parts are gone.
///
/// Nobody may publish meanwhile: a part that is written before its manifest would be taken for one that nobody names.
///
/// # Errors
/// When a file cannot be removed; what is left is still whole.
pub fn prune(folder: &Path, keep: usize) -> Result<Pruned, SnapshotError> {
    let mut pruned = Pruned::default();
    // In a lake nobody combines meanwhile.
    let _turn = if is_lake(folder)? { Some(turn(folder)?) } else { None };
    let mut combined = Vec::new();
    let kept: Vec<Manifest> = lease::with_readers(folder, |read| {
        let manifests = list(folder)?;
        let old = manifests.len().saturating_sub(keep.max(1));
        let mut kept = Vec::new();
        for (place, manifest) in (0..).zip(manifests) {
            if place >= old {
                kept.push(manifest);
            } else if read.contains(&manifest.id) {
                pruned.in_use += 1;
                kept.push(manifest);
            } else {
                remove(&manifest_path(folder, &manifest))?;
                pruned.snapshots += 1;
            }
        }
        combined = combined_of(folder)?;
        Ok(kept)
    })?;
    pruned.parts = remove_unnamed(folder, &kept, &combined)?;
    Ok(pruned)
}

/// Removes every file that none of `kept` names, and none of the `combined` snapshots of the lake; returns how many there were.
pub(super) fn remove_unnamed(folder: &Path, kept: &[Manifest], combined: &[Manifest]) -> Result<usize, SnapshotError> {
    let parts = |folder: PathBuf| {
        move |manifest: &Manifest| -> Vec<PathBuf> {
            manifest.tables.values().flat_map(|table| &table.parts).map(|part| folder.join(&part.path)).collect()
        }
    };
    let lake = folder.parent().unwrap_or(folder).to_owned();
    let named: BTreeSet<PathBuf> = kept
        .iter()
        .flat_map(parts(folder.to_owned()))
        .chain(combined.iter().flat_map(parts(lake)))
        .chain(kept.iter().map(|manifest| manifest_path(folder, manifest)))
        .collect();
    let unnamed: Vec<PathBuf> = files(folder)?.into_iter().filter(|path| !named.contains(path)).collect();
    unnamed.iter().try_for_each(|path| remove(path))?;
    Ok(unnamed.len())
}

fn manifest_path(folder: &Path, manifest: &Manifest) -> PathBuf {
    folder.join(MANIFEST_FOLDER).join(format!("{}.json", manifest.id))
}

fn remove(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SnapshotError::file("removed", path)(error)),
        _ => Ok(()),
    }
}

/// Returns every file below `folder`.
fn files(folder: &Path) -> Result<Vec<PathBuf>, SnapshotError> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(SnapshotError::file("listed", folder)(error)),
        };
        for entry in entries {
            let path = entry.map_err(SnapshotError::file("listed", &folder))?.path();
            match path.is_dir() {
                true if path.ends_with(LEASE_FOLDER) || is_owner(&path) => {}
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    Ok(found)
}
