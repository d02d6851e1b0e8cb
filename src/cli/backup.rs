//! `relato backup`: one consistent copy of all that a project cannot make again.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use chrono::SecondsFormat;
use clap::Args;
use serde_json::json;

use super::{Exit, Failure, Global, Printed, output};
use crate::{
    config::Project,
    files::{
        WRITING,
        backup::{self, BackupError, BackupFacts, BackupManifest, BackupWriter},
        lock::Holder,
    },
    ledger::Ledger,
    snapshot::Catalog,
    store,
};

/// Copy all data and settings of a project into a new folder, whole or not at all
///
/// The copy has the live database with its write-ahead log, the ledger, the snapshots (of a lake on object storage: the manifests), today's
/// numbers, plans, mails that are on their way, settings, schedules, reports and queries. It is of one moment: `serve` may run, a load that is under
/// way is waited for. Each file's SHA-256 is in backup.json, and every copy is read again before the backup appears under its name. Only its
/// owner can read it. Keys are not in it, unless --with-keys is given: keep them elsewhere, also the key of the pseudonyms.
///
/// Exit code 3 when a part of a snapshot was damaged before it was copied.
#[derive(Args)]
pub struct BackupArgs {
    /// Folder to make, such as /srv/backups/relato-2026-11-24
    #[arg(long, value_name = "DIR", required_unless_present = "verify")]
    out: Option<PathBuf>,
    /// Copy the files with keys, too
    #[arg(long, requires = "out")]
    with_keys: bool,
    /// Compare every file of a backup with its hash instead
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    verify: Option<PathBuf>,
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

/// Folder of declarations within a backup, by their path within the project.
pub const PROJECT: &str = "project";

/// Folder of data within a backup, by their path within the data folder.
pub const DATA: &str = "data";

/// Folder of snapshots within a backup.
pub const SNAPSHOTS: &str = "snapshots";

pub fn run(global: &Global, args: &BackupArgs) -> Result<Exit, Failure> {
    if let Some(folder) = &args.verify {
        let manifest = backup::verify(folder)?;
        print(folder, &manifest, &[], args.format)?;
        return Ok(Exit::Done);
    }
    let project = Project::open(&global.project)?;
    let target = args.out.as_deref().unwrap_or(Path::new("backup"));
    output::require_place(&project, target)?;
    let (manifest, damaged) = made(&project, target, args.with_keys, global)?;
    print(target, &manifest, &damaged, args.format)?;
    Ok(if damaged.is_empty() { Exit::Done } else { Exit::Warnings })
}

/// Makes a backup; returns its manifest, and the parts of snapshots that were damaged or missing before.
fn made(project: &Project, target: &Path, with_keys: bool, global: &Global) -> Result<(BackupManifest, Vec<String>), Failure> {
    let data = project.data_dir();
    if !project.store_file().exists() && !project.ledger_file().exists() {
        let message = format!("there are no data in `{}` yet: nothing to back up", data.display());
        return Err(Failure::told(Exit::Usage, message, Some("run `relato ingest` first")));
    }
    let mut writer = BackupWriter::begin(target)?;
    let holder = Holder::new("relato backup", global.now());
    // Who loads, publishes, prunes or forgets holds this lock: until the end database and snapshots stay as they are.
    let _lock = store::wait(&data, &holder, |other| {
        let other = other.map_or_else(|| "another process".to_owned(), |other| format!("`{}` (process {})", other.command, other.pid));
        tracing::warn!("waiting until {other} has finished with the data");
    })?;
    add_declared(&mut writer, project, with_keys)?;
    // The ledger first: whatever it says of a snapshot is true of the snapshots that are copied after it.
    add_ledger(&mut writer, project)?;
    add_data(&mut writer, project)?;
    let damaged = add_snapshots(&mut writer, project)?;
    let newest = Catalog::at(&project.snapshot_dir()).latest()?.map(|manifest| manifest.id);
    let facts = BackupFacts { made_at: global.now(), snapshot: newest, has_keys: with_keys };
    Ok((writer.finish(facts)?, damaged))
}

fn add_declared(writer: &mut BackupWriter, project: &Project, with_keys: bool) -> Result<(), Failure> {
    let secrets = project.secret_files();
    let mut declared = BTreeMap::new();
    for place in project.declared_places() {
        if place.is_dir() {
            let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let files = backup::files_below(&place, |_| true)?;
            declared.extend(files.into_iter().map(|(within, path)| (format!("{name}/{within}"), path)));
        } else {
            declared.extend(within(project, &place).map(|name| (name, place)));
        }
    }
    // A key may lie in a folder of declarations.
    declared.retain(|_, path| !secrets.contains(path));
    if with_keys {
        declared.extend(secrets.into_iter().filter(|path| path.exists()).filter_map(|path| Some((within(project, &path)?, path))));
    }
    for (name, path) in declared {
        // What is declared through a link is its target.
        let path = path.canonicalize().unwrap_or(path);
        writer.add(&path, &format!("{PROJECT}/{name}"))?;
    }
    Ok(())
}

/// Returns the path of a file within the project; none for one that lies elsewhere, which is told.
fn within(project: &Project, path: &Path) -> Option<String> {
    let own = project.dir.canonicalize().unwrap_or_else(|_| project.dir.clone());
    let name = path.strip_prefix(&project.dir).or_else(|_| path.strip_prefix(&own)).ok();
    let name = name.filter(|name| name.components().all(|part| matches!(part, std::path::Component::Normal(_))));
    if name.is_none() {
        tracing::warn!(file = %path.display(), "a file that the settings name lies outside of the project and is not in the backup");
    }
    name.map(|name| name.to_string_lossy().into_owned())
}

fn add_ledger(writer: &mut BackupWriter, project: &Project) -> Result<(), Failure> {
    if !project.ledger_file().exists() {
        return Ok(());
    }
    let folder = writer.folder().join(DATA);
    crate::files::make_folder(&folder)?;
    for copy in Ledger::copy_to(&project.ledger_file(), &folder)? {
        writer.adopt(&format!("{DATA}/{}", copy.file_name().unwrap_or_default().to_string_lossy()))?;
    }
    Ok(())
}

/// Names within the data folder that are copied in another way, or are of one process or machine only.
const NOT_COPIED: [&str; 9] =
    ["live.lock", "serve.lock", "access.head", "ledger.head", "live.duckdb.tmp", "snapshots", "lake", "cluster", "masked"];

fn is_copied(within: &str) -> bool {
    let first = within.split('/').next().unwrap_or_default();
    let last = within.rsplit('/').next().unwrap_or_default();
    !NOT_COPIED.contains(&first) && !first.starts_with("ledger.sqlite") && !last.starts_with(WRITING)
}

fn add_data(writer: &mut BackupWriter, project: &Project) -> Result<(), Failure> {
    // A lake or a folder of jobs may have been put here, too.
    let elsewhere = [project.snapshot_dir(), project.cluster_dir()];
    let data = project.data_dir();
    let files = backup::files_below(&data, |within| is_copied(within) && !elsewhere.contains(&data.join(within)))?;
    for (name, path) in files {
        match writer.add(&path, &format!("{DATA}/{name}")) {
            // A mail that went out meanwhile is not on its way any more.
            Err(BackupError::Read { source, .. }) if source.kind() == ErrorKind::NotFound && !name.starts_with("live.") => {}
            other => drop(other?),
        }
    }
    Ok(())
}

/// Copies snapshots, of which others may keep parts; returns the parts that are not what their manifest says.
fn add_snapshots(writer: &mut BackupWriter, project: &Project) -> Result<Vec<String>, Failure> {
    // Object storage keeps its parts, and the owners of a lake keep theirs.
    let has_parts = project.bucket().is_none() && !project.reads_all_owners();
    let folder = project.snapshot_dir();
    let (mut seen, mut damaged) = (BTreeSet::new(), Vec::new());
    for manifest in Catalog::at(&folder).list()? {
        let name = format!("manifests/{}.json", manifest.id);
        writer.add(&folder.join(&name), &format!("{SNAPSHOTS}/{name}"))?;
        let parts = manifest.parts().filter(|part| has_parts && seen.insert(part.path.clone()));
        for part in parts.cloned().collect::<Vec<_>>() {
            let is_whole = match writer.add(&folder.join(&part.path), &format!("{SNAPSHOTS}/{}", part.path)) {
                Err(BackupError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => false,
                copied => copied?.sha256 == part.sha256,
            };
            if !is_whole {
                damaged.push(format!("{}: {}", manifest.id, part.path));
            }
        }
    }
    Ok(damaged)
}

fn print(folder: &Path, manifest: &BackupManifest, damaged: &[String], format: Printed) -> Result<(), Failure> {
    let bytes: u64 = manifest.files.values().map(|file| file.bytes).sum();
    if format == Printed::Json {
        return output::print_json(&json!({
            "folder": folder, "made_at": manifest.made_at, "version": manifest.version, "snapshot": manifest.snapshot,
            "has_keys": manifest.has_keys, "files": manifest.files.len(), "bytes": bytes, "damaged_before": damaged,
        }));
    }
    let snapshot = manifest.snapshot.as_deref().unwrap_or("none");
    let keys = if manifest.has_keys { "with keys" } else { "without keys" };
    let damaged: Vec<String> = damaged.iter().map(|part| format!("Damaged before it was copied: {part}\n")).collect();
    output::print(&format!(
        "{}: {} files, {} kB, {keys}, of {}, newest snapshot {snapshot}. Every file is as its hash says.\n{}",
        folder.display(),
        manifest.files.len(),
        bytes.div_ceil(1024),
        manifest.made_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        damaged.concat()
    ))
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Failure {
        let verdict = match &error {
            BackupError::Write(_) => (Exit::Failed, Some("no backup was made; is there room, and who may write there?")),
            BackupError::Read { .. } => (Exit::Failed, Some("no backup was made; who may read the file?")),
            BackupError::Exists(_) => (Exit::Usage, Some("name a folder that is not there yet; nothing was overwritten")),
            BackupError::NotABackup { .. } => (Exit::Usage, Some("name the folder that `relato backup --out` made; nothing was changed")),
            BackupError::Altered { .. } => (Exit::Failed, Some("nothing was restored from it: take another backup")),
        };
        Failure::judged(verdict, error)
    }
}
