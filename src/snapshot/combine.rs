//! A lake of several owners: each publishes into a folder of its own, and what all of them have is one snapshot more.
//!
//! `owner=NAME` below the lake is a snapshot folder like any other, so that owners neither wait for nor overwrite one another. A combined
//! snapshot lies in the lake itself: it names the parts of each owner's newest snapshot, and holds small tables that are made of those of
//! all owners (`queries/lake`). Whoever reads the lake has it made first.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use duckdb::Connection;

use super::{
    Manifest, Part, Snapshot, SnapshotError, TableManifest,
    lease::LEASE_FOLDER,
    manifest::FORMAT,
    publish::{id_of, write_file, write_manifest},
    reader::{MANIFEST_FOLDER, latest, list},
    sql_path,
};
use crate::config::Project;

/// How folders of owners begin.
const OWNER: &str = "owner=";

/// Folder of the queries that make a small table of those of all owners, within `queries/`.
const QUERIES: &str = "lake/";

/// Returns the folder of an owner's snapshots within the lake.
pub(super) fn is_owner(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OWNER))
}

/// Returns whether owners have folders below this one.
pub(super) fn is_lake(folder: &Path) -> Result<bool, SnapshotError> {
    Ok(!owner_folders(folder)?.is_empty())
}

impl Snapshot {
    /// Opens the newest snapshot of a project. Where it reads a lake of several owners, that is what their newest ones make together.
    ///
    /// # Errors
    /// When there is none, and when what owners have does not go together.
    pub fn newest(project: &Project) -> Result<Snapshot, SnapshotError> {
        let folder = project.snapshot_dir();
        if project.reads_all_owners() {
            let queries = project.query_texts().map_err(|error| SnapshotError::Queries(error.to_string()))?;
            match combine(&folder, &queries) {
                // Whoever may only read gets what was combined last.
                Err(SnapshotError::File { source, .. })
                    if matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {}
                combined => combined?,
            }
        }
        Snapshot::open(&folder, None)
    }
}

/// Makes a snapshot of the newest ones of all owners, unless the newest combined one is that already.
///
/// # Errors
/// When an owner's snapshot cannot be read, or when two of them do not go together.
pub fn combine(lake: &Path, queries: &BTreeMap<String, String>) -> Result<(), SnapshotError> {
    let _turn = turn(lake)?;
    // What is read here is not removed meanwhile.
    let mut owners = BTreeMap::new();
    for (name, folder) in owner_folders(lake)? {
        match Snapshot::open(&folder, None) {
            Ok(snapshot) => owners.insert(name, snapshot),
            Err(SnapshotError::None(_)) => None,
            Err(error) => return Err(error),
        };
    }
    let previous = latest(lake)?;
    let newest: BTreeMap<String, String> = owners.iter().map(|(name, snapshot)| (name.clone(), snapshot.manifest.id.clone())).collect();
    if owners.is_empty() || previous.as_ref().is_some_and(|manifest| manifest.owners == newest) {
        return Ok(());
    }
    let manifests: Vec<&Manifest> = owners.values().map(|snapshot| &snapshot.manifest).collect();
    let timezone = one_timezone(&owners)?;
    let mut tables = BTreeMap::new();
    let engine = Connection::open_in_memory()?;
    engine.execute_batch("CREATE SCHEMA owned")?;
    for table in manifests.iter().flat_map(|manifest| manifest.tables.keys()).collect::<BTreeSet<_>>() {
        let parts: Vec<Part> = match queries.get(&format!("{QUERIES}{table}.sql")) {
            Some(sql) => vec![made_of_all(&engine, lake, &owners, table, sql)?],
            None => owners.iter().flat_map(|(name, snapshot)| parts_of(name, &snapshot.manifest, table)).collect(),
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
        owners: newest,
        tables,
    };
    let folder = lake.join(MANIFEST_FOLDER);
    fs::create_dir_all(&folder).map_err(SnapshotError::file("created", &folder))?;
    write_manifest(lake, &manifest)
}

/// Waits until nobody else combines or prunes in the lake.
pub(super) fn turn(lake: &Path) -> Result<fs::File, SnapshotError> {
    let folder = lake.join(LEASE_FOLDER);
    fs::create_dir_all(&folder).map_err(SnapshotError::file("created", &folder))?;
    let path = folder.join("combine");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(SnapshotError::file("opened", &path))?;
    file.lock().map_err(SnapshotError::file("locked", &path))?;
    Ok(file)
}

/// Returns the owners of a lake with their folders.
fn owner_folders(lake: &Path) -> Result<BTreeMap<String, PathBuf>, SnapshotError> {
    let entries = match fs::read_dir(lake) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(SnapshotError::file("listed", lake)(error)),
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(SnapshotError::file("listed", lake))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(owner) = name.strip_prefix(OWNER).filter(|_| path.is_dir()) {
            found.insert(owner.to_owned(), path.clone());
        }
    }
    Ok(found)
}

/// Returns an owner's parts of a table as the lake names them.
fn parts_of(owner: &str, manifest: &Manifest, table: &str) -> Vec<Part> {
    let in_lake = |part: &Part| Part { path: format!("{OWNER}{owner}/{}", part.path), ..part.clone() };
    manifest.tables.get(table).map(|contents| contents.parts.iter().map(in_lake).collect()).unwrap_or_default()
}

/// Makes a table of those of all owners and writes it as one part.
fn made_of_all(
    engine: &Connection,
    lake: &Path,
    owners: &BTreeMap<String, Snapshot>,
    table: &str,
    sql: &str,
) -> Result<Part, SnapshotError> {
    let rows_of = |(name, snapshot): (&String, &Snapshot)| {
        let parts = parts_of(name, &snapshot.manifest, table);
        let files: Vec<String> = parts.iter().map(|part| sql_path(&lake.join(&part.path))).collect();
        let files = files.join(", ");
        (!parts.is_empty()).then(|| format!("SELECT *, '{name}' AS lake_owner FROM read_parquet([{files}], hive_partitioning = false)"))
    };
    let rows: Vec<String> = owners.iter().filter_map(rows_of).collect();
    engine.execute_batch(&format!("CREATE VIEW owned.{table} AS {}", rows.join(" UNION ALL BY NAME ")))?;
    let target = lake.join(table);
    fs::create_dir_all(&target).map_err(SnapshotError::file("created", &target))?;
    let written = write_file(engine, &target, sql)?;
    Ok(Part {
        path: format!("{table}/{}", written.name),
        month: None,
        rows: written.rows,
        bytes: written.bytes,
        fingerprint: written.sha256.clone(),
        sha256: written.sha256,
        days: None,
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

/// Returns the combined snapshots that can name parts of the owner whose folder this is.
pub(super) fn combined_of(folder: &Path) -> Result<Vec<Manifest>, SnapshotError> {
    match folder.parent().filter(|_| is_owner(folder)) {
        Some(lake) if lake.join(MANIFEST_FOLDER).is_dir() => list(lake),
        _ => Ok(Vec::new()),
    }
}

/// Returns how combined snapshots name a part of the owner whose folder this is.
pub(super) fn name_in_lake(folder: &Path, part: &str) -> String {
    format!("{}/{part}", folder.file_name().unwrap_or_default().to_string_lossy())
}
