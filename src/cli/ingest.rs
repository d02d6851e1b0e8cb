//! `relato ingest`: load what is new and publish a snapshot.

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Exit, Failure, Global, Printed, output};
use crate::{
    config::Project,
    domain::period::{PeriodError, parse_day},
    ingest::{self, Clients, IngestRequest, IngestSummary, LOADED_UNTIL, OnlyResource, Progress},
    snapshot::{self, Published, Stamp},
    store::{MART_TABLES, Store},
};

/// Load what is new from Blip and publish a snapshot
///
/// Days are read again until they are over and none of their tickets is open, so a second run changes nothing unless Blip
/// says something new. The first run goes back 13 months.
#[derive(Args)]
pub struct IngestArgs {
    /// First local day
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<NaiveDate>,
    /// Last local day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<NaiveDate>,
    /// Read days again that are settled
    #[arg(long)]
    full: bool,
    /// Read only this resource
    #[arg(long, value_name = "RESOURCE")]
    only: Option<Only>,
    /// How to print the outcome
    #[arg(long, default_value = "text")]
    format: Printed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Only {
    /// Attendants and queues
    Directory,
    /// Tickets
    Tickets,
    /// Messages of tickets
    Messages,
    /// Survey answers
    Events,
}

fn day(text: &str) -> Result<NaiveDate, PeriodError> {
    parse_day(text)
}

pub async fn run(global: &Global, args: &IngestArgs) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let clients = Clients::of_project(&project, None)?;
    let request = IngestRequest {
        now: global.now(),
        from: args.from,
        to: args.to,
        full: args.full,
        only: args.only.map(|only| match only {
            Only::Directory => OnlyResource::Directory,
            Only::Tickets => OnlyResource::Tickets,
            Only::Messages => OnlyResource::Messages,
            Only::Events => OnlyResource::Events,
        }),
    };
    let summary = load(&project, &clients, &request, global.progress().as_ref()).await?;
    let published = publish(&project, request.now, &summary)?;
    print(&summary, &published, args.format)?;
    Ok(if summary.marts.quarantined > 0 { Exit::Warnings } else { Exit::Done })
}

/// Loads what `request` asks for.
pub async fn load(
    project: &Project,
    clients: &Clients,
    request: &IngestRequest,
    progress: &dyn Progress,
) -> Result<IngestSummary, Failure> {
    let queries = project.query_texts()?;
    let summary = ingest::run(project, clients, &queries, request, progress).await;
    progress.finish();
    Ok(summary?)
}

/// Publishes what was loaded.
pub fn publish(project: &Project, now: DateTime<Utc>, summary: &IngestSummary) -> Result<Published, Failure> {
    let store = Store::open(&project.store_file())?;
    let loaded_until = store.mark(LOADED_UNTIL)?.and_then(|text| text.parse().ok());
    let stamp = Stamp { now, loaded_until, timezone: project.settings.organization.timezone, quarantined: summary.marts.quarantined };
    Ok(snapshot::publish(store.connection(), &MART_TABLES, &project.snapshot_dir(), &stamp)?)
}

fn print(summary: &IngestSummary, published: &Published, format: Printed) -> Result<(), Failure> {
    let written = &summary.written;
    if format == Printed::Json {
        return output::print_json(&json!({
            "ticket_days_read": summary.ticket_days,
            "customers_read": summary.customers,
            "event_days_read": summary.event_days,
            "ticket_answers_new_or_changed": written.ticket_answers,
            "messages_new": written.messages,
            "events_new": written.events,
            "attendants_or_queues_changed": written.directory,
            "records_rejected": written.rejected,
            "tickets": summary.marts.tickets,
            "records_quarantined": summary.marts.quarantined,
            "snapshot": published.manifest.id,
            "snapshot_is_new": published.is_new,
        }));
    }
    let (quarantined, id) = (summary.marts.quarantined, &published.manifest.id);
    let read = format!(
        "Read {} days of tickets, {} customers' messages, {} days of survey answers.\n",
        summary.ticket_days, summary.customers, summary.event_days
    );
    let changed = format!(
        "New or changed: {} tickets, {} messages, {} survey answers, {} attendants or queues.\n",
        written.ticket_answers, written.messages, written.events, written.directory
    );
    let set_aside = match quarantined {
        0 => String::new(),
        _ => format!("Set aside: {quarantined} records could not be understood; they are kept and counted, and no figure includes them.\n"),
    };
    let outcome = if published.is_new {
        format!("Published snapshot {id} ({} new parts).\n", published.parts_written)
    } else {
        format!("Nothing changed: snapshot {id} is still the newest.\n")
    };
    output::print(&[read, changed, set_aside, outcome].concat())
}
