//! Removes old snapshots, and what no snapshot names.
//!
//! Others may keep files of their own beside the snapshots. Only what a manifest named is removed, and what has a name that this program
//! gives, in a folder of a table that it published; never through a link.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Catalog, Manifest, SnapshotError,
    bucket::Bucket,
    catalog::{MANIFEST_FOLDER, OWNER, Remote},
    combine::turn,
    folder::{files_below, remove_file},
    lease::{self, LEASE_FOLDER},
};
use crate::files::WRITING;

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
    let _turn = if catalog.is_lake()? { Some(turn(catalog)?) } else { None };
    match &catalog.remote {
        Some(remote) => prune_bucket(catalog, remote, keep),
        None => prune_folder(catalog, keep),
    }
}

fn prune_folder(catalog: &Catalog, keep: usize) -> Result<Pruned, SnapshotError> {
    let mut pruned = Pruned::default();
    let mut combined = Vec::new();
    let (removed, kept) = lease::with_readers(catalog, |read| {
        let chosen = remove_old(catalog, keep, read, &mut pruned)?;
        combined = combined_of(catalog)?;
        Ok(chosen)
    })?;
    pruned.parts = remove_unnamed(catalog, &removed, &kept, &combined)?;
    Ok(pruned)
}

fn prune_bucket(catalog: &Catalog, remote: &Remote, keep: usize) -> Result<Pruned, SnapshotError> {
    let mut pruned = Pruned::default();
    let now = time_of(&remote.bucket)?;
    let (removed, mut kept) = remove_old(catalog, keep, &lease::read_now(&remote.bucket, now)?, &mut pruned)?;
    // Who began to read before a manifest went has said so by now, and reads its parts.
    let read = lease::read_now(&remote.bucket, now)?;
    kept.extend(removed.iter().filter(|manifest| read.contains(&manifest.id)).cloned());
    // Who combines reads an owner's snapshot for as long as its parts are not named yet.
    let combined = combined_of(catalog)?;
    pruned.parts = remove_unnamed(catalog, &removed, &kept, &combined)?;
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

/// Removes every part that none of `kept` names, and none of the `combined` snapshots of the lake; returns how many there were. `gone` are
/// manifests that were removed, whose parts are known by them.
pub(super) fn remove_unnamed(
    catalog: &Catalog,
    gone: &[Manifest],
    kept: &[Manifest],
    combined: &[Manifest],
) -> Result<usize, SnapshotError> {
    let prefix = catalog.name_in_lake("");
    let of_combined = |manifest: &Manifest| -> Vec<String> {
        manifest.parts().filter_map(|part| part.path.strip_prefix(&prefix)).map(str::to_owned).collect()
    };
    let mut named: BTreeSet<String> = kept.iter().flat_map(|manifest| manifest.parts().map(|part| part.path.clone())).collect();
    named.extend(combined.iter().flat_map(of_combined));
    let ours = Ours::of(gone.iter().chain(kept).chain(combined));
    let Some(remote) = &catalog.remote else {
        let name_of = |path: &Path| path.strip_prefix(&catalog.folder).ok().map(|name| name.to_string_lossy().into_owned());
        let is_unnamed = |path: &PathBuf| name_of(path).is_some_and(|name| !named.contains(&name) && ours.has(&name));
        let unnamed: Vec<PathBuf> = files_below(&catalog.folder, is_own)?.into_iter().filter(is_unnamed).collect();
        unnamed.iter().try_for_each(|path| remove_file(path))?;
        return Ok(unnamed.len());
    };
    let now = time_of(&remote.bucket)?;
    let unnamed: Vec<String> = remote
        .bucket
        .list("")?
        .into_iter()
        .filter(|object| ours.has(&object.name) && !named.contains(&object.name) && now - object.written_at > PUBLISHERS_TIME)
        .map(|object| object.name)
        .collect();
    remote.bucket.remove(&unnamed)?;
    Ok(unnamed.len())
}

/// What this program has made below a catalog, by its name there.
struct Ours {
    /// Parts of manifests that were removed.
    parts: BTreeSet<String>,
    /// Tables that were published.
    tables: BTreeSet<String>,
}

impl Ours {
    fn of<'a>(manifests: impl Iterator<Item = &'a Manifest>) -> Ours {
        let mut ours = Ours { parts: BTreeSet::new(), tables: BTreeSet::new() };
        for manifest in manifests {
            ours.parts.extend(manifest.parts().map(|part| part.path.clone()));
            ours.tables.extend(manifest.tables.keys().cloned());
        }
        ours
    }

    /// Returns whether a file is one of a manifest, or has the name of a part, or of a file that was being written when a run broke off.
    fn has(&self, name: &str) -> bool {
        if self.parts.contains(name) {
            return true;
        }
        match name.split('/').collect::<Vec<_>>().as_slice() {
            [folder, file] if *folder == MANIFEST_FOLDER => is_unfinished(file),
            [table, file] => self.tables.contains(*table) && is_part(file),
            [table, month, file] => self.tables.contains(*table) && month.starts_with("month=") && is_part(file),
            _ => false,
        }
    }
}

/// Returns whether a file is named as a part: by the beginning of its content's hash.
fn is_part(file: &str) -> bool {
    let of_hash = |name: &str| name.len() == 16 && name.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    is_unfinished(file) || file.strip_suffix(".parquet").is_some_and(of_hash)
}

/// Returns whether a file has the name of one that is being written, as this version or an earlier one gives it.
fn is_unfinished(file: &str) -> bool {
    let of_earlier = |(_, process): (&str, &str)| !process.is_empty() && process.bytes().all(|digit| digit.is_ascii_digit());
    file.starts_with(WRITING) || file.split_once(".writing-").is_some_and(of_earlier)
}

/// Returns whether a folder holds what this catalog's snapshots name: not what owners have, and not what says who reads.
fn is_own(folder: &Path) -> bool {
    !folder.ends_with(LEASE_FOLDER) && !folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OWNER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_this_program_gives_are_ours() {
        let ours = Ours { parts: BTreeSet::from(["old/any.parquet".to_owned()]), tables: BTreeSet::from(["ticket".to_owned()]) };
        for name in [
            "old/any.parquet",
            "ticket/0123456789abcdef.parquet",
            "ticket/month=2026-10/0123456789abcdef.parquet",
            "ticket/month=2026-10/.writing-7c9e6679f1d74d1f8c2fd5ab3a1d92a1.parquet",
            "ticket/.writing-4711-0.parquet",
            "manifests/20261124T150000Z-00000000.writing-4711",
        ] {
            assert!(ours.has(name), "{name}");
        }
        for name in [
            "jobs/job-1/result-0000/0123456789abcdef.parquet",
            "ticket/report.pdf",
            "ticket/month=2026-10/notes.parquet",
            "ticket/month=2026-10/copies/0123456789abcdef.parquet",
            "other/0123456789abcdef.parquet",
            "manifests/zz copia.json",
            "0123456789abcdef.parquet",
        ] {
            assert!(!ours.has(name), "{name}");
        }
    }
}
