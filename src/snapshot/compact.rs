//! Merges small parts of what several owners of a lake have: a scan of many small files costs more than one of few large ones.
//!
//! Owners' own parts stay, for their snapshots name them; a merged part says of which it was made, and is named in their place for as long
//! as all of them are.

use std::collections::{BTreeMap, BTreeSet};

use duckdb::Connection;

use super::{
    Catalog, Manifest, Part, RESTRICTED, Snapshot, SnapshotError, TableManifest,
    catalog::Draft,
    combine::{combine_now, turn},
    publish::id_of,
    sql_path,
};
use crate::domain::Zone;

/// Parts smaller than this are merged, in bytes.
const SMALL: u64 = 64 << 20;

/// Merged parts have about this size, in bytes.
const TARGET: u64 = 128 << 20;

/// What was merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Parts that are named no more.
    pub before: usize,
    /// Parts that are named in their place.
    pub after: usize,
}

/// Merges small parts of the months, in `zone`, before the one that is being loaded in the newest of what all owners have, as a snapshot of its
/// own: the same rows in fewer files. `tables` are told with the order of their rows, `queries` as for combining.
///
/// # Errors
/// As combining, and when a part cannot be read or written.
pub fn compact(
    lake: &Catalog,
    queries: &BTreeMap<String, String>,
    tables: &[(&str, Option<&str>, &str)],
    zone: Zone,
) -> Result<Compacted, SnapshotError> {
    let _turn = turn(lake)?;
    combine_now(lake, queries)?;
    let newest = Snapshot::open(lake, None)?;
    let loaded = zone.day(newest.manifest.loaded_until.unwrap_or(newest.manifest.published_at));
    let month = loaded.format("%Y-%m").to_string();
    let draft = lake.draft()?;
    let engine = Connection::open_in_memory()?;
    let mut compacted = Compacted::default();
    let mut manifest = newest.manifest.clone();
    for (table, _, order) in tables.iter().filter(|(table, column, _)| column.is_some() && !RESTRICTED.contains(table)) {
        let Some(contents) = manifest.tables.get_mut(*table) else { continue };
        let (merged, count) = merge(&engine, &newest, &draft, (table, order), &contents.parts, &month)?;
        compacted.after += merged.len();
        compacted.before += count;
        contents.parts = stand_in(&contents.parts, &merged);
    }
    if compacted.before == 0 {
        return Ok(compacted);
    }
    manifest.id = id_of(manifest.published_at, Some(&newest.manifest), &manifest.tables);
    manifest.previous = Some(newest.manifest.id.clone());
    draft.publish(&manifest)?;
    Ok(compacted)
}

/// Merges parts of a table; returns what was made, and of how many.
fn merge(
    engine: &Connection,
    snapshot: &Snapshot,
    draft: &Draft<'_>,
    (table, order): (&str, &str),
    parts: &[Part],
    before: &str,
) -> Result<(Vec<Part>, usize), SnapshotError> {
    let mut groups: BTreeMap<&str, Vec<Vec<&Part>>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.bytes < SMALL) {
        let Some(month) = part.month.as_deref().filter(|month| *month < before) else { continue };
        let groups = groups.entry(month).or_default();
        match groups.last_mut().filter(|group| group.iter().map(|part| part.bytes).sum::<u64>() + part.bytes <= TARGET) {
            Some(group) => group.push(part),
            None => groups.push(vec![part]),
        }
    }
    let (mut merged, mut count) = (Vec::new(), 0);
    for (month, group) in groups.into_iter().flat_map(|(month, groups)| groups.into_iter().map(move |group| (month, group))) {
        if group.len() < 2 {
            continue;
        }
        count += group.len();
        let files: Vec<String> = snapshot.files(group.iter().copied())?.iter().map(|file| sql_path(file)).collect();
        let rows = format!("read_parquet([{}], union_by_name = true, hive_partitioning = false)", files.join(", "));
        let place = format!("{table}/month={month}");
        let written = draft.target().write(engine, table, &place, &format!("SELECT * FROM {rows} ORDER BY {order}"))?;
        let expected: i64 = group.iter().map(|part| part.rows).sum();
        if written.rows != expected {
            return Err(SnapshotError::RowsLost { table: table.to_owned(), expected, found: written.rows });
        }
        merged.push(Part {
            path: format!("{place}/{}", written.name),
            month: Some(month.to_owned()),
            rows: written.rows,
            bytes: written.bytes,
            fingerprint: written.sha256.clone(),
            sha256: written.sha256,
            days: days_of(&group),
            // A part that was merged before is what it was made of.
            made_of: group
                .iter()
                .flat_map(|part| if part.made_of.is_empty() { vec![part.path.clone()] } else { part.made_of.clone() })
                .collect(),
        });
    }
    Ok((merged, count))
}

/// Returns the first and last day of several parts, as far as all of them tell.
fn days_of(parts: &[&Part]) -> Option<(chrono::NaiveDate, Option<chrono::NaiveDate>)> {
    let days: Option<Vec<_>> = parts.iter().map(|part| part.days).collect();
    let days = days?;
    let ends: Option<Vec<_>> = days.iter().map(|(_, last)| *last).collect();
    Some((days.iter().map(|(first, _)| *first).min()?, ends.and_then(|ends| ends.into_iter().max())))
}

/// Returns `parts` with merged ones in place of those of which they were made, where all of these are there.
pub(super) fn stand_in<'a>(parts: &[Part], merged: impl IntoIterator<Item = &'a Part>) -> Vec<Part> {
    // What a part is made of at the bottom: itself, where it was not merged.
    let sources = |part: &Part| if part.made_of.is_empty() { vec![part.path.clone()] } else { part.made_of.clone() };
    let there: BTreeSet<String> = parts.iter().flat_map(sources).collect();
    let standing: Vec<&Part> = merged.into_iter().filter(|part| part.made_of.iter().all(|name| there.contains(name))).collect();
    let replaced: BTreeSet<&String> = standing.iter().flat_map(|part| &part.made_of).collect();
    let kept = parts.iter().filter(|part| !sources(part).iter().any(|name| replaced.contains(name)));
    kept.chain(standing.iter().copied()).cloned().collect()
}

/// Returns the merged parts that a manifest names, by table.
pub(super) fn merged_in<'a>(manifest: Option<&'a Manifest>, table: &str) -> impl Iterator<Item = &'a Part> {
    let contents: Option<&TableManifest> = manifest.and_then(|manifest| manifest.tables.get(table));
    contents.into_iter().flat_map(|contents| &contents.parts).filter(|part| !part.made_of.is_empty())
}
