//! `relato snapshot`: list, show, verify, prune.

use clap::{Args, Subcommand};

use super::{Exit, Failure, Global, Printed, output};
use crate::{
    config::Project,
    files::lock::Holder,
    snapshot::{self, Snapshot},
    store,
};

/// List, show, verify or prune published snapshots
#[derive(Subcommand)]
pub enum SnapshotCommand {
    /// List all snapshots, oldest first
    List(ListArgs),
    /// Print the manifest of a snapshot
    Show(ShowArgs),
    /// Compare every part of every snapshot with its hash
    Verify,
    /// Remove old snapshots and the parts that only they name
    Prune(PruneArgs),
}

#[derive(Args)]
pub struct ListArgs {
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

#[derive(Args)]
pub struct ShowArgs {
    /// Snapshot; the beginning of its id is enough
    id: String,
}

#[derive(Args)]
pub struct PruneArgs {
    /// How many of the newest to keep
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
}

pub fn run(global: &Global, command: &SnapshotCommand) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let folder = project.snapshot_dir();
    match command {
        SnapshotCommand::List(args) => {
            let manifests = snapshot::list(&folder)?;
            if args.format == Printed::Json {
                output::print_json(&manifests)?;
            } else {
                let zone = project.settings.organization.timezone;
                let lines: Vec<String> = manifests
                    .iter()
                    .map(|manifest| {
                        let rows = |table: &str| manifest.tables.get(table).map_or(0, |table| table.rows);
                        let published = zone.local(manifest.published_at).format("%Y-%m-%d %H:%M");
                        format!(
                            "{}  {published}  {} tickets, {} conversations, {} ratings\n",
                            manifest.id,
                            rows("ticket"),
                            rows("conversation"),
                            rows("rating")
                        )
                    })
                    .collect();
                output::print(&lines.concat())?;
            }
            Ok(Exit::Done)
        }
        SnapshotCommand::Show(args) => {
            output::print_json(&Snapshot::open(&folder, Some(&args.id))?.manifest)?;
            Ok(Exit::Done)
        }
        SnapshotCommand::Verify => verify(&folder),
        SnapshotCommand::Prune(args) => {
            // Whoever publishes writes parts before the manifest that names them.
            let _lock = store::hold(&project.data_dir(), &Holder::new("relato snapshot prune", global.now()))?;
            let pruned = snapshot::prune(&folder, usize::try_from(args.keep).unwrap_or(usize::MAX))?;
            let in_use = match pruned.in_use {
                0 => String::new(),
                count => format!(" {count} old ones are being read and stay."),
            };
            output::print(&format!("Removed {} snapshots and {} files that no other names.{in_use}\n", pruned.snapshots, pruned.parts))?;
            Ok(Exit::Done)
        }
    }
}

fn verify(folder: &std::path::Path) -> Result<Exit, Failure> {
    let manifests = snapshot::list(folder)?;
    let mut damaged = Vec::new();
    for manifest in &manifests {
        let snapshot = Snapshot::open(folder, Some(&manifest.id))?;
        damaged.extend(snapshot.damaged_parts()?.into_iter().map(|part| format!("{}: {part}\n", manifest.id)));
    }
    if damaged.is_empty() {
        output::print(&format!("{} snapshots, every part as it was published.\n", manifests.len()))?;
        return Ok(Exit::Done);
    }
    output::print(&damaged.concat())?;
    Err(Failure::told(
        Exit::Failed,
        format!("{} parts are missing or altered", damaged.len()),
        Some("restore them from a backup of the snapshot folder"),
    ))
}
