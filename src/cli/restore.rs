//! `relato restore`: put a backup in the place of a project's data.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Exit, Failure, Global,
    asker::asker,
    backup::{DATA, PROJECT, SNAPSHOTS},
    output, serve,
};
use crate::{
    audit,
    config::Project,
    files::{
        self, FileError,
        backup::{self, BackupManifest},
        lock::Holder,
    },
    ledger::Ledger,
    snapshot::Catalog,
    store,
};

/// Put the data of a backup in their place; nothing is ever overwritten or removed
///
/// Every file is compared with its hash first. Where the project has data, they are refused, or with --replace moved into a folder beside the data
/// folder. Settings, definitions and keys come back only where there is no relato.toml, and replace nothing. Snapshots of a lake outside the data
/// folder stay as they are where it has any: they can be newer than the backup. Nobody may load or serve meanwhile. The restore stands in the
/// access log.
///
/// Exit code 3 when something needs a person: customers who were forgotten after the backup, missing keys, reports sent since.
#[derive(Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// Move data that are there aside
    #[arg(long)]
    replace: bool,
    /// Why, for the access log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Names in the data folder that stay: the locks that this process holds.
const LOCKS: [&str; 2] = ["live.lock", "serve.lock"];

pub fn run(global: &Global, args: &RestoreArgs) -> Result<Exit, Failure> {
    let manifest = backup::verify(&args.backup)?;
    restore_declared(&args.backup, &manifest, &global.project)?;
    let project = Project::open(&global.project)?;
    let (data, now) = (project.data_dir(), global.now());
    let _serving = serve::right_to_send(&project, "relato restore", now)?;
    let _lock = store::hold(&data, &Holder::new("relato restore", now))?;
    let there = there(&data)?;
    if !there.is_empty() && !args.replace {
        let message = format!("there are data in `{}` already: {}", data.display(), there.iter().cloned().collect::<Vec<_>>().join(", "));
        return Err(Failure::told(Exit::Refused, message, Some("nothing was changed; --replace moves them into a folder beside it")));
    }
    let mut notes = forgotten_since(&project, &args.backup)?;
    let aside = set_aside(&data, &there, &now.format("%Y%m%dT%H%M%SZ").to_string())?;
    put(&args.backup, &manifest, (DATA, &data))?;
    notes.extend(restore_snapshots(&args.backup, &manifest, &project)?);
    notes.extend(missing_keys(&project));
    notes.push(format!("What was sent after {} can be sent again: see `relato schedule history` before you serve.", manifest.made_at));
    let who = asker(&project.settings.access);
    let before = aside.as_ref().map(|folder| folder.display().to_string());
    let after = format!("the backup of {}", manifest.made_at);
    let change = audit::Change {
        subject: "data restored",
        before: before.as_deref(),
        after: Some(&after),
        reason: args.reason.as_deref(),
        plan: manifest.snapshot.as_deref().unwrap_or_default(),
    };
    audit::note_change(&mut Ledger::open(&project.ledger_file())?, &who, None, &change, now)?;
    let moved = before.map(|folder| format!("What was there is in {folder}.\n")).unwrap_or_default();
    let notes = notes.into_iter().map(|note| format!("  → {note}\n")).collect::<Vec<_>>().concat();
    output::print(&format!("Restored {} files of {} into {}.\n{moved}{notes}", manifest.files.len(), manifest.made_at, data.display()))?;
    Ok(Exit::Warnings)
}

/// Puts settings and definitions into a folder that has none.
fn restore_declared(backup: &Path, manifest: &BackupManifest, project: &Path) -> Result<(), Failure> {
    let is_empty = !project.join(Project::SETTINGS_FILE).exists();
    for name in manifest.files.keys() {
        let Some(within) = name.strip_prefix(PROJECT).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let target = project.join(within);
        if is_empty && !target.exists() {
            backup::copy(&backup.join(name), &target)?;
        }
    }
    Ok(())
}

/// Returns what the data folder has, but for locks.
fn there(data: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(data).map_err(FileError::of(data))? {
        let name = entry.map_err(FileError::of(data))?.file_name().to_string_lossy().into_owned();
        if !LOCKS.contains(&name.as_str()) {
            names.insert(name);
        }
    }
    Ok(names)
}

/// Moves what is in the data folder into one beside it; returns that folder, where there was anything.
fn set_aside(data: &Path, names: &BTreeSet<String>, stamp: &str) -> Result<Option<PathBuf>, Failure> {
    if names.is_empty() {
        return Ok(None);
    }
    let name = format!("{}.before-restore-{stamp}", data.file_name().unwrap_or_default().to_string_lossy());
    let (mut aside, mut count) = (data.with_file_name(&name), 1);
    while aside.exists() {
        count += 1;
        aside = data.with_file_name(format!("{name}-{count}"));
    }
    files::make_folder(&aside)?;
    for name in names {
        fs::rename(data.join(name), aside.join(name)).map_err(FileError::of(&data.join(name)))?;
    }
    backup::settle(&aside)?;
    Ok(Some(aside))
}

/// Copies the files below `from` in the backup into the folder `to`.
fn put(backup: &Path, manifest: &BackupManifest, (from, to): (&str, &Path)) -> Result<(), Failure> {
    for (name, expected) in &manifest.files {
        let Some(within) = name.strip_prefix(from).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let copied = backup::copy(&backup.join(name), &to.join(within))?;
        if copied != *expected {
            let message = format!("`{name}` of the backup changed while it was restored");
            return Err(Failure::told(Exit::Failed, message, Some("do it again with --replace: nothing was lost")));
        }
    }
    Ok(())
}

/// Puts snapshots back; returns what is to be told.
fn restore_snapshots(backup: &Path, manifest: &BackupManifest, project: &Project) -> Result<Option<String>, Failure> {
    let folder = project.snapshot_dir();
    if project.bucket().is_some() {
        return Ok(Some("Snapshots on object storage stay as they are.".to_owned()));
    }
    if !folder.starts_with(project.data_dir()) && Catalog::at(&folder).latest()?.is_some() {
        return Ok(Some(format!("The snapshots in {} stay as they are: the next load tells if they are newer.", folder.display())));
    }
    put(backup, manifest, (SNAPSHOTS, &folder))?;
    Ok(None)
}

/// Tells of customers who were forgotten after the backup was made, as far as the snapshots that are there know.
fn forgotten_since(project: &Project, backup: &Path) -> Result<Vec<String>, Failure> {
    let receipts = |catalog: &Catalog| -> Result<BTreeSet<String>, Failure> {
        let manifests = catalog.list()?;
        Ok(manifests.into_iter().flat_map(|manifest| manifest.erasures).map(|erasure| erasure.receipt).collect())
    };
    let now = receipts(&Catalog::at(&project.snapshot_dir()))?;
    let then = receipts(&Catalog::at(&backup.join(SNAPSHOTS)))?;
    let since: Vec<&String> = now.difference(&then).collect();
    Ok(since
        .into_iter()
        .map(|receipt| format!("Forgotten after the backup, and here again: receipt {receipt}. Erase that customer once more."))
        .collect())
}

fn missing_keys(project: &Project) -> Vec<String> {
    let missing = project.secret_files().into_iter().filter(|file| !file.exists());
    missing.map(|file| format!("Key file {} is missing: put it back.", file.display())).collect()
}
