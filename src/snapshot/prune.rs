//! Removes old snapshots, and what no snapshot names.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{Manifest, SnapshotError, list, reader::MANIFEST_FOLDER};

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Manifests.
    pub snapshots: usize,
    /// Parts that no kept manifest names, and files that were being written when a run broke off.
    pub parts: usize,
}

/// Keeps the newest `keep` snapshots. Manifests go first, so that no reader finds one whose parts are gone.
///
/// Nobody may publish meanwhile: a part that is written before its manifest would be taken for one that nobody names.
///
/// # Errors
/// When a file cannot be removed; what is left is still whole.
pub fn prune(folder: &Path, keep: usize) -> Result<Pruned, SnapshotError> {
    let manifests = list(folder)?;
    let (old, kept) = manifests.split_at(manifests.len().saturating_sub(keep.max(1)));
    for manifest in old {
        remove(&manifest_path(folder, manifest))?;
    }
    let named: BTreeSet<PathBuf> = kept
        .iter()
        .flat_map(|manifest| manifest.tables.values().flat_map(|table| &table.parts).map(|part| folder.join(&part.path)))
        .chain(kept.iter().map(|manifest| manifest_path(folder, manifest)))
        .collect();
    let mut pruned = Pruned { snapshots: old.len(), parts: 0 };
    for path in files(folder)? {
        if !named.contains(&path) {
            remove(&path)?;
            pruned.parts += 1;
        }
    }
    Ok(pruned)
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
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    Ok(found)
}
