//! `relato status`: how fresh and complete the data are.

use clap::Args;
use serde_json::json;

use super::{Exit, Failure, Global, Printed, output};
use crate::{
    config::Project,
    snapshot::{self, Snapshot, SnapshotError},
};

/// Tell how fresh and complete the data are
///
/// Exit code 3 when the newest snapshot is older than a day.
#[derive(Args)]
pub struct StatusArgs {
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

pub fn run(global: &Global, args: &StatusArgs) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let folder = project.snapshot_dir();
    let manifest = match Snapshot::open(&folder, None) {
        Ok(snapshot) => snapshot.manifest,
        Err(SnapshotError::None(_)) => {
            return Err(Failure::told(Exit::Warnings, "nothing has been loaded yet", Some("run `relato ingest`")));
        }
        Err(error) => return Err(error.into()),
    };
    let zone = project.settings.organization.timezone;
    let count = snapshot::list(&folder)?.len();
    let loaded = manifest.loaded_until.unwrap_or(manifest.published_at);
    let age = global.now().signed_duration_since(loaded);
    let rows = |table: &str| manifest.tables.get(table).map_or(0, |table| table.rows);
    if args.format == Printed::Json {
        output::print_json(&json!({
            "snapshot": manifest.id,
            "published_at": manifest.published_at,
            "loaded_until": manifest.loaded_until,
            "age_s": age.num_seconds(),
            "snapshots": count,
            "tickets": rows("ticket"),
            "conversations": rows("conversation"),
            "turns": rows("turn"),
            "ratings": rows("rating"),
            "quarantined": manifest.quarantined,
        }))?;
    } else {
        output::print(&format!(
            "Snapshot      {} ({count} kept)\nLoaded until  {} ({} h ago)\nTickets       {} in {} conversations, {} quarantined\nTurns         {}\nRatings       {}\n",
            manifest.id,
            zone.local(loaded).format("%Y-%m-%d %H:%M"),
            age.num_hours(),
            rows("ticket"),
            rows("conversation"),
            manifest.quarantined,
            rows("turn"),
            rows("rating"),
        ))?;
    }
    Ok(if age.num_hours() >= 24 { Exit::Warnings } else { Exit::Done })
}
