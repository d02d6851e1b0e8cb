//! Removes old snapshots.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{Manifest, SnapshotError, list, reader::MANIFEST_FOLDER};

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Manifests.
    pub snapshots: usize,
    /// Parts that no kept manifest names.
    pub parts: usize,
}

/// Keeps the newest `keep` snapshots. Manifests go first, so that no reader finds one whose parts are gone.
///
/// # Errors
/// When a file cannot be removed; what is left is still whole.
pub fn prune(folder: &Path, keep: usize) -> Result<Pruned, SnapshotError> {
    let manifests = list(folder)?;
    let (old, kept) = manifests.split_at(manifests.len().saturating_sub(keep.max(1)));
    let parts = |manifests: &[Manifest]| -> BTreeSet<PathBuf> {
        manifests
            .iter()
            .flat_map(|manifest| manifest.tables.values())
            .flat_map(|table| &table.parts)
            .map(|part| folder.join(&part.path))
            .collect()
    };
    for manifest in old {
        let path = folder.join(MANIFEST_FOLDER).join(format!("{}.json", manifest.id));
        fs::remove_file(&path).map_err(SnapshotError::file("removed", path))?;
    }
    let mut removed = 0;
    for path in parts(old).difference(&parts(kept)) {
        match fs::remove_file(path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(SnapshotError::file("removed", path)(error)),
        }
    }
    Ok(Pruned { snapshots: old.len(), parts: removed })
}
