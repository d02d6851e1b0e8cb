//! `relato snapshot`: list, show, compare, verify, prune, compact.

use std::{collections::BTreeMap, fmt::Write};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Exit, Failure, Global, Printed, output, report::scratch, snapshot_of, supersede};
use crate::{
    audit::Masks,
    config::Project,
    domain::{Column, Period},
    files::lock::Holder,
    query::ChangedConversation,
    render::Locale,
    report::{self, Wanted},
    snapshot::{self, Catalog, Compacted, Snapshot},
    store::{self, MART_TABLES},
};

/// List, show, compare, verify, prune or compact published snapshots
#[derive(Subcommand)]
pub enum SnapshotCommand {
    /// List all snapshots, oldest first
    List(ListArgs),
    /// Print the manifest of a snapshot
    Show(ShowArgs),
    /// Tell which figures of a report two snapshots tell differently, and through which conversations
    Diff(DiffArgs),
    /// Compare every part of every snapshot with its hash
    Verify,
    /// Remove old snapshots and the parts that only they name
    Prune(PruneArgs),
    Supersede(supersede::SupersedeArgs),
    /// Merge small parts of months that are over, of what all owners of a lake have
    Compact,
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
pub struct DiffArgs {
    /// Earlier snapshot, or the day as known at whose end; the beginning of an id is enough
    #[arg(value_name = "SNAPSHOT|DATE")]
    earlier: String,
    /// Later snapshot; none is the newest
    #[arg(value_name = "SNAPSHOT|DATE")]
    later: Option<String>,
    /// Report whose figures are compared
    #[arg(long, value_name = "NAME", default_value = "atendimento-mensal")]
    report: String,
    /// Days that it covers; none is the report's own
    #[arg(long, value_name = "P")]
    period: Option<String>,
    /// Only this sector
    #[arg(long, value_name = "S")]
    sector: Option<String>,
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

#[derive(Args)]
pub struct PruneArgs {
    /// How many of the newest to keep
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
}

pub fn run(global: &Global, command: &SnapshotCommand) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let catalog = Catalog::of(&project)?;
    match command {
        SnapshotCommand::Supersede(args) => supersede::run(global, args),
        SnapshotCommand::List(args) => {
            let manifests = catalog.list()?;
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
            output::print_json(&Snapshot::open(&catalog, Some(&args.id))?.manifest)?;
            Ok(Exit::Done)
        }
        SnapshotCommand::Diff(args) => diff(global, &project, args),
        SnapshotCommand::Verify => verify(&catalog),
        SnapshotCommand::Compact => compact(&project, &catalog),
        SnapshotCommand::Prune(args) => {
            // Whoever publishes writes parts before the manifest that names them. Combined snapshots have a lock of their own.
            let holder = Holder::new("relato snapshot prune", global.now());
            let _lock = (!project.reads_all_owners()).then(|| store::hold(&project.data_dir(), &holder)).transpose()?;
            let pruned = snapshot::prune(&catalog, usize::try_from(args.keep).unwrap_or(usize::MAX))?;
            if pruned.in_use == 0 {
                Masks::clear(&project.data_dir())?;
            }
            let in_use = match pruned.in_use {
                0 => String::new(),
                count => format!(" {count} old ones are being read and stay."),
            };
            output::print(&format!("Removed {} snapshots and {} files that no other names.{in_use}\n", pruned.snapshots, pruned.parts))?;
            Ok(Exit::Done)
        }
    }
}

fn compact(project: &Project, catalog: &Catalog) -> Result<Exit, Failure> {
    if !project.reads_all_owners() {
        let message = "only what all owners of a lake have is compacted: this project has snapshots of its own";
        return Err(Failure::told(Exit::Usage, message, Some("run it in the project that reads all of them; docs/scale.md tells why")));
    }
    let compacted = snapshot::compact(catalog, &project.query_texts()?, &MART_TABLES, project.settings.organization.timezone)?;
    output::print(&match compacted {
        Compacted { before: 0, .. } => "Nothing to merge.\n".to_owned(),
        Compacted { before, after } => format!("Merged {before} parts into {after}.\n"),
    })?;
    Ok(Exit::Done)
}

fn diff(global: &Global, project: &Project, args: &DiffArgs) -> Result<Exit, Failure> {
    let reports = project.reports()?;
    let known = || reports.keys().cloned().collect::<Vec<_>>().join(", ");
    let unknown = || Failure::told(Exit::Usage, format!("unknown report `{}` (known: {})", args.report, known()), None);
    let spec = reports.get(&args.report).ok_or_else(unknown)?;
    let (earlier, later) = (snapshot_of(project, Some(&args.earlier))?, snapshot_of(project, args.later.as_deref())?);
    if earlier.manifest.id >= later.manifest.id {
        let message = format!("`{}` is not earlier than `{}`", earlier.manifest.id, later.manifest.id);
        return Err(Failure::told(Exit::Usage, message, Some("`relato snapshot list` lists them, oldest first")));
    }
    let today = project.settings.organization.timezone.day(global.now());
    let period = Period::parse(args.period.as_ref().unwrap_or(&spec.period), today).map_err(|error| Failure::new(Exit::Usage, error))?;
    let made = |snapshot: &Snapshot| {
        let as_of = Some(snapshot.manifest.id.as_str());
        report::make(
            project,
            spec,
            &Wanted { period, sector: args.sector.clone(), as_of, with_details: false, scratch: scratch(), compares_parts: false },
        )
    };
    let figures = report::changes(&made(&earlier)?.data, &made(&later)?.data);
    let conversations = ChangedConversation::between(&earlier, &later, period, args.sector.as_deref())?;
    if args.format == Printed::Json {
        output::print_json(&json!({
            "report": args.report, "period": period, "sector": args.sector, "earlier": earlier.manifest.id, "later": later.manifest.id,
            "figures": figures, "conversations": conversations,
        }))?;
        return Ok(Exit::Done);
    }
    let locale = Locale::new(project.settings.organization.locale);
    let value =
        |column: &Column, value: Option<f64>| value.map_or_else(|| locale.text("no-data"), |value| locale.value(column.kind, value));
    let mut text = format!("{} · {period}: {} → {}\n", args.report, earlier.manifest.id, later.manifest.id);
    let mut title = "";
    for figure in &figures {
        if figure.title != title {
            let _ = writeln!(text, "\n{}", figure.title);
            title = &figure.title;
        }
        let (before, after) = (value(&figure.column, figure.before), value(&figure.column, figure.after));
        // Two values that are printed alike differ in what is not printed.
        let exact = if before == after { format!(" ({:?} → {:?})", figure.before, figure.after) } else { String::new() };
        let row = if figure.row.is_empty() { String::new() } else { format!("{}: ", figure.row) };
        let _ = writeln!(text, "  {row}{} {before} → {after}{exact}", figure.column.label);
    }
    let _ = writeln!(text, "\n{} figures differ, through {} conversations", figures.len(), conversations.len());
    for one in conversations.iter().take(CONVERSATIONS_TOLD) {
        let counted = [
            (one.tickets_added, "tickets new"),
            (one.tickets_changed, "tickets changed"),
            (one.tickets_removed, "tickets gone"),
            (one.answers_added, "answers new"),
            (one.answers_changed, "answers changed"),
            (i64::from(one.is_moved), "messages, waits or returns"),
        ];
        let told: Vec<String> = counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let _ = writeln!(text, "  {}  {}", one.conversation_id, told.join(", "));
    }
    if conversations.len() > CONVERSATIONS_TOLD {
        let _ = writeln!(text, "  … and {} more: --format json", conversations.len() - CONVERSATIONS_TOLD);
    }
    output::print(&text)?;
    Ok(Exit::Done)
}

/// Conversations that are told one by one to people.
const CONVERSATIONS_TOLD: usize = 50;

fn verify(catalog: &Catalog) -> Result<Exit, Failure> {
    let manifests = catalog.list()?;
    // Snapshots share most of their parts.
    let mut known = BTreeMap::new();
    let mut damaged = Vec::new();
    for manifest in &manifests {
        let snapshot = Snapshot::open(catalog, Some(&manifest.id))?;
        damaged.extend(snapshot.damaged_parts(&mut known)?.into_iter().map(|part| format!("{}: {part}\n", manifest.id)));
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
