//! A lake of several owners: each publishes into a folder of its own, and what all of them have is one snapshot more.
//!
//! `owner=NAME` below the lake is a snapshot folder like any other, so that owners neither wait for nor overwrite one another. A combined
//! snapshot lies in the lake itself: it names the parts of each owner's newest snapshot, and holds small tables that are made of those of
//! all owners (`queries/lake`). Whoever reads the lake has it made first.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
};

use duckdb::Connection;

use super::{
    Catalog, Manifest, Part, Snapshot, SnapshotError, TableManifest,
    catalog::{Draft, OWNER},
    compact::{merged_in, stand_in},
    folder::locked,
    lease::LEASE_FOLDER,
    manifest::FORMAT,
    publish::id_of,
    sql_path,
};
use crate::config::Project;

/// Folder of the queries that make a small table of those of all owners, within `queries/`.
const QUERIES: &str = "lake/";

/// How often it is tried again because somebody else combined at the same time.
const TRIES: usize = 5;

impl Snapshot {
    /// Opens the newest snapshot of a project. Where it reads a lake of several owners, that is what their newest ones make together.
    ///
    /// # Errors
    /// When there is none, and when what owners have does not go together.
    pub fn newest(project: &Project) -> Result<Snapshot, SnapshotError> {
        let catalog = Catalog::of(project)?;
        if project.reads_all_owners() {
            let queries = project.query_texts().map_err(|error| SnapshotError::Queries(error.to_string()))?;
            match combine(&catalog, &queries) {
                // Whoever may only read gets what was combined last.
                Err(SnapshotError::File { source, .. })
                    if matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {}
                Err(SnapshotError::Storage { action: "written", is_refused: true, .. }) => {}
                combined => combined?,
            }
        }
        Snapshot::open(&catalog, None)
    }
}

/// Makes a snapshot of the newest ones of all owners, unless the newest combined one is that already.
///
/// # Errors
/// When an owner's snapshot cannot be read, or when two of them do not go together.
pub fn combine(lake: &Catalog, queries: &BTreeMap<String, String>) -> Result<(), SnapshotError> {
    let _turn = turn(lake)?;
    // On object storage others combine without waiting for this one.
    for _ in 1..TRIES {
        match combine_now(lake, queries) {
            Err(SnapshotError::Overtaken(_)) => lake.refresh()?,
            done => return done,
        }
    }
    combine_now(lake, queries)
}

pub(super) fn combine_now(lake: &Catalog, queries: &BTreeMap<String, String>) -> Result<(), SnapshotError> {
    // What is read here is not removed meanwhile.
    let mut owners = BTreeMap::new();
    for (name, catalog) in lake.owners()? {
        match Snapshot::open(&catalog, None) {
            Ok(snapshot) => owners.insert(name, snapshot),
            Err(SnapshotError::None(_)) => None,
            Err(error) => return Err(error),
        };
    }
    let previous = lake.latest()?;
    let newest: BTreeMap<String, String> = owners.iter().map(|(name, snapshot)| (name.clone(), snapshot.manifest.id.clone())).collect();
    if owners.is_empty() || previous.as_ref().is_some_and(|manifest| manifest.owners == newest) {
        return Ok(());
    }
    let manifests: Vec<&Manifest> = owners.values().map(|snapshot| &snapshot.manifest).collect();
    let timezone = one_timezone(&owners)?;
    let mut tables = BTreeMap::new();
    let draft = lake.draft()?;
    let engine = Connection::open_in_memory()?;
    engine.execute_batch("CREATE SCHEMA owned")?;
    for table in manifests.iter().flat_map(|manifest| manifest.tables.keys()).collect::<BTreeSet<_>>() {
        let parts = if let Some(sql) = queries.get(&format!("{QUERIES}{table}.sql")) {
            vec![made_of_all(&engine, &draft, &owners, table, sql)?]
        } else {
            let parts: Vec<Part> = owners.iter().flat_map(|(name, snapshot)| parts_of(name, &snapshot.manifest, table)).collect();
            stand_in(&parts, merged_in(previous.as_ref(), table))
        };
        tables.insert(table.clone(), TableManifest { rows: parts.iter().map(|part| part.rows).sum(), parts });
    }
    let checks: Vec<_> = manifests.iter().map(|manifest| manifest.checks.clone()).collect();
    let published_at = manifests.iter().map(|manifest| manifest.published_at).max().unwrap_or_default();
    let manifest = Manifest {
        format: FORMAT,
        id: id_of(published_at, previous.as_ref(), &tables),
        published_at,
        // As far as all of them are loaded; one that does not say makes it unknown.
        loaded_until: manifests.iter().map(|manifest| manifest.loaded_until).min().flatten(),
        previous: previous.map(|manifest| manifest.id),
        timezone,
        quarantined: manifests.iter().map(|manifest| manifest.quarantined).sum(),
        checks: checks.first().filter(|first| checks.iter().all(|other| other == *first)).cloned().flatten(),
        erasures: manifests.iter().flat_map(|manifest| manifest.erasures.clone()).collect(),
        // Each owner's own snapshots know it.
        forgotten: Vec::new(),
        owners: newest,
        tables,
    };
    draft.publish(&manifest)
}

/// Waits until nobody else on this file system combines or prunes in the lake.
pub(super) fn turn(lake: &Catalog) -> Result<fs::File, SnapshotError> {
    locked(&lake.folder.join(LEASE_FOLDER), "combine", lake.sharing)
}

/// Returns an owner's parts of a table as the lake names them.
fn parts_of(owner: &str, manifest: &Manifest, table: &str) -> Vec<Part> {
    let in_lake = |part: &Part| Part { path: format!("{OWNER}{owner}/{}", part.path), ..part.clone() };
    manifest.tables.get(table).map(|contents| contents.parts.iter().map(in_lake).collect()).unwrap_or_default()
}

/// Makes a table of those of all owners and writes it as one part.
fn made_of_all(
    engine: &Connection,
    draft: &Draft<'_>,
    owners: &BTreeMap<String, Snapshot>,
    table: &str,
    sql: &str,
) -> Result<Part, SnapshotError> {
    let mut rows = Vec::with_capacity(owners.len());
    for (name, snapshot) in owners {
        let parts = snapshot.manifest.tables.get(table).map_or(&[][..], |contents| &contents.parts);
        let files: Vec<String> = snapshot.files(parts)?.iter().map(|file| sql_path(file)).collect();
        if !files.is_empty() {
            let files = files.join(", ");
            rows.push(format!("SELECT *, '{name}' AS lake_owner FROM read_parquet([{files}], hive_partitioning = false)"));
        }
    }
    engine.execute_batch(&format!("CREATE VIEW owned.{table} AS {}", rows.join(" UNION ALL BY NAME ")))?;
    let written = draft.target().write(engine, table, table, sql)?;
    Ok(Part {
        path: format!("{table}/{}", written.name),
        month: None,
        rows: written.rows,
        bytes: written.bytes,
        fingerprint: written.sha256.clone(),
        sha256: written.sha256,
        days: None,
        made_of: Vec::new(),
    })
}

/// Returns the time zone of all owners.
fn one_timezone(owners: &BTreeMap<String, Snapshot>) -> Result<String, SnapshotError> {
    let mut zones = owners.iter().map(|(owner, snapshot)| (owner, &snapshot.manifest.timezone));
    let Some((first, zone)) = zones.next() else { return Ok(String::new()) };
    match zones.find(|(_, other)| *other != zone) {
        None => Ok(zone.clone()),
        Some((owner, other)) => {
            Err(SnapshotError::Owners { what: "timezone", one: format!("{first}: {zone}"), other: format!("{owner}: {other}") })
        }
    }
}
