//! Removes old snapshots, and what no snapshot names.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Catalog, Manifest, SnapshotError,
    bucket::Bucket,
    catalog::{MANIFEST_FOLDER, OWNER, Remote, files_below, remove_file},
    combine::turn,
    lease::{self, LEASE_FOLDER},
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

/// How long an object that no manifest names stays on object storage: its publisher may be about to name it.
const PUBLISHERS_TIME: TimeDelta = TimeDelta::hours(6);

/// Keeps the newest `keep` snapshots, and those that are being read. Manifests go first, so that no reader finds one whose parts are gone.
///
/// In a folder nobody may publish meanwhile: a part that is written before its manifest would be taken for one that nobody names. On object
/// storage such parts stay for some hours.
///
/// # Errors
/// When a file cannot be removed; what is left is still whole.
pub fn prune(catalog: &Catalog, keep: usize) -> Result<Pruned, SnapshotError> {
    // In a lake nobody combines meanwhile.
    let _turn = if catalog.is_lake()? { Some(turn(&catalog.folder)?) } else { None };
    match &catalog.remote {
        Some(remote) => prune_bucket(catalog, remote, keep),
        None => prune_folder(catalog, keep),
    }
}

fn prune_folder(catalog: &Catalog, keep: usize) -> Result<Pruned, SnapshotError> {
    let mut pruned = Pruned::default();
    let mut combined = Vec::new();
    let kept = lease::with_readers(&catalog.folder, |read| {
        let kept = remove_old(catalog, keep, read, &mut pruned)?.1;
        combined = combined_of(catalog)?;
        Ok(kept)
    })?;
    pruned.parts = remove_unnamed(catalog, &kept, &combined)?;
    Ok(pruned)
}

fn prune_bucket(catalog: &Catalog, remote: &Remote, keep: usize) -> Result<Pruned, SnapshotError> {
    let mut pruned = Pruned::default();
    let now = time_of(&remote.bucket)?;
    let (removed, mut kept) = remove_old(catalog, keep, &lease::read_now(&remote.bucket, now)?, &mut pruned)?;
    // Who began to read before a manifest went has said so by now, and reads its parts.
    let read = lease::read_now(&remote.bucket, now)?;
    kept.extend(removed.into_iter().filter(|manifest| read.contains(&manifest.id)));
    // Who combines reads an owner's snapshot for as long as its parts are not named yet.
    let combined = combined_of(catalog)?;
    pruned.parts = remove_unnamed(catalog, &kept, &combined)?;
    catalog.refresh()?;
    Ok(pruned)
}

/// Removes the manifests of old snapshots that are not being read; returns those, and all others.
fn remove_old(
    catalog: &Catalog,
    keep: usize,
    read: &BTreeSet<String>,
    pruned: &mut Pruned,
) -> Result<(Vec<Manifest>, Vec<Manifest>), SnapshotError> {
    let mut old = catalog.list()?;
    let mut kept = old.split_off(old.len().saturating_sub(keep.max(1)));
    let (in_use, removed): (Vec<_>, Vec<_>) = old.into_iter().partition(|manifest| read.contains(&manifest.id));
    pruned.in_use = in_use.len();
    pruned.snapshots = removed.len();
    kept.extend(in_use);
    catalog.remove_manifests(&removed.iter().map(|manifest| manifest.id.clone()).collect::<Vec<_>>())?;
    Ok((removed, kept))
}

/// Returns the combined snapshots that can name parts of this owner.
pub(super) fn combined_of(catalog: &Catalog) -> Result<Vec<Manifest>, SnapshotError> {
    catalog.lake()?.map_or_else(|| Ok(Vec::new()), |lake| lake.list())
}

/// Returns the time by the storage's own clock.
fn time_of(bucket: &Bucket) -> Result<DateTime<Utc>, SnapshotError> {
    let name = format!("clock-{}", uuid::Uuid::new_v4().simple());
    bucket.create(&name, b"1")?;
    let now = bucket.written_at(&name)?;
    bucket.remove(&[name])?;
    Ok(now.unwrap_or_default())
}

/// Removes every part that none of `kept` names, and none of the `combined` snapshots of the lake; returns how many there were.
pub(super) fn remove_unnamed(catalog: &Catalog, kept: &[Manifest], combined: &[Manifest]) -> Result<usize, SnapshotError> {
    let prefix = catalog.name_in_lake("");
    let of_combined = |manifest: &Manifest| -> Vec<String> {
        manifest.parts().filter_map(|part| part.path.strip_prefix(&prefix)).map(str::to_owned).collect()
    };
    let mut named: BTreeSet<String> = kept.iter().flat_map(|manifest| manifest.parts().map(|part| part.path.clone())).collect();
    named.extend(combined.iter().flat_map(of_combined));
    let Some(remote) = &catalog.remote else {
        named.extend(kept.iter().map(|manifest| format!("{MANIFEST_FOLDER}/{}.json", manifest.id)));
        let is_named = |path: &Path| path.strip_prefix(&catalog.folder).is_ok_and(|name| named.contains(&*name.to_string_lossy()));
        let unnamed: Vec<PathBuf> = files_below(&catalog.folder, is_own)?.into_iter().filter(|path| !is_named(path)).collect();
        unnamed.iter().try_for_each(|path| remove_file(path))?;
        return Ok(unnamed.len());
    };
    let now = time_of(&remote.bucket)?;
    let is_part = |name: &str| ![MANIFEST_FOLDER, LEASE_FOLDER, OWNER].iter().any(|folder| name.starts_with(folder));
    let unnamed: Vec<String> = remote
        .bucket
        .list("")?
        .into_iter()
        .filter(|object| is_part(&object.name) && !named.contains(&object.name) && now - object.written_at > PUBLISHERS_TIME)
        .map(|object| object.name)
        .collect();
    remote.bucket.remove(&unnamed)?;
    Ok(unnamed.len())
}

/// Returns whether a folder holds what this catalog's snapshots name: not what owners have, and not what says who reads.
fn is_own(folder: &Path) -> bool {
    !folder.ends_with(LEASE_FOLDER) && !folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OWNER))
}
