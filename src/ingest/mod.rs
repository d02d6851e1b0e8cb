//! Turns Blip's answers into rows, day by day, and never twice.
//!
//! Resources are read in this order: attendants and queues; tickets by local day of creation; messages of the customers whose
//! tickets are new or have changed; survey events by day. What was read and what it covers are written in one transaction, so
//! a run that breaks off leaves whole days or nothing, and the next run goes on there. Two runs at once cannot be: the
//! database belongs to one process. Reading a day again changes nothing when Blip says the same.

mod days;
mod error;
mod events;
mod messages;
mod progress;
mod pseudonym;
mod tickets;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    blip::{Client, desk, identity},
    config::{KeyRole, Project, SatisfactionSource},
    store::{AttendantRow, MartReport, Resource, SettingsRows, Store, Written},
};

pub use error::IngestError;
pub use progress::{Progress, Silent};
pub use pseudonym::Pseudonyms;

/// How far a first load looks back: a full year for comparisons, and the month before it.
const BACKFILL_MONTHS: u32 = 13;

/// Commands under way at once for one key; its rate is limited apart from that.
const CONCURRENCY: usize = 8;

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct IngestRequest {
    /// The present.
    pub now: DateTime<Utc>,
    /// First local day; none goes on where the store begins.
    pub from: Option<NaiveDate>,
    /// Last local day; none is today.
    pub to: Option<NaiveDate>,
    /// Reads settled days again, too.
    pub full: bool,
    /// Reads only this resource; none reads all.
    pub only: Option<OnlyResource>,
}

/// A resource by the name that the command line gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnlyResource {
    /// Attendants and queues.
    Directory,
    /// Tickets.
    Tickets,
    /// Messages of tickets.
    Messages,
    /// Survey events.
    Events,
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct IngestSummary {
    /// Rows that are new or changed.
    pub written: Written,
    /// Days of tickets that were read.
    pub ticket_days: usize,
    /// Customers whose messages were read.
    pub customers: usize,
    /// Days of events that were read.
    pub event_days: usize,
    /// What the tables hold now.
    pub marts: MartReport,
}

/// The clients of a project, by role.
pub struct Clients {
    /// Keys that see tickets.
    pub desk: Vec<Client>,
    /// Keys that see events.
    pub events: Vec<Client>,
}

impl Clients {
    /// Makes the clients of all keys; `base_url` replaces the configured address of each (a simulator's, say).
    ///
    /// # Errors
    /// Names the key whose secret is missing or unusable.
    pub fn of_project(project: &Project, base_url: Option<&str>) -> Result<Clients, IngestError> {
        let make = |role: KeyRole| -> Result<Vec<Client>, IngestError> {
            project
                .settings
                .keys_with(role)
                .map(|key| {
                    let secret = key.secret.fetch(&project.dir, &format!("key `{}`", key.name))?;
                    let options = crate::blip::ClientOptions { commands_per_second: key.commands_per_second, ..Default::default() };
                    Ok(Client::new(&key.name, base_url.unwrap_or(&key.base_url), &secret, options)?)
                })
                .collect()
        };
        Ok(Clients { desk: make(KeyRole::Desk)?, events: make(KeyRole::Events)? })
    }
}

/// Reads everything that `request` asks for and makes the marts from it.
///
/// `queries` are the texts of `queries/` by path. Nothing is written before the first answers have come.
///
/// # Errors
/// That of the first command which no retry could save, of the configuration, or of the database.
pub async fn run(
    project: &Project,
    clients: &Clients,
    queries: &std::collections::BTreeMap<String, String>,
    request: &IngestRequest,
    progress: &dyn Progress,
) -> Result<IngestSummary, IngestError> {
    let settings = &project.settings;
    let pseudonym_key: SecretString = settings.privacy.pseudonym_key.fetch(&project.dir, "key of the customers' pseudonyms")?;
    let pseudonyms = Pseudonyms::new(&pseudonym_key);
    if clients.desk.is_empty() {
        return Err(IngestError::NoDeskKey);
    }
    let wants = |resource: OnlyResource| request.only.is_none_or(|only| only == resource);
    let run_id = Uuid::new_v4().to_string();
    let mut written = Written::default();

    progress.start("attendants and queues", None);
    let directory = if wants(OnlyResource::Directory) { Some(read_directory(&clients.desk).await?) } else { None };
    let mut store = Store::open(&project.store_file())?;
    store.transaction(|store| {
        store.write_settings(&SettingsRows::new(settings))?;
        if let Some((attendants, queues)) = &directory {
            written.directory = store.write_directory(attendants, queues, &run_id)?;
        }
        Ok(())
    })?;

    let zone = settings.organization.timezone;
    let today = zone.day(request.now);
    let last = request.to.unwrap_or(today).min(today);
    let backfill = today.with_day(1).expect("every month has a first day") - Months::new(BACKFILL_MONTHS);
    let span = |store: &Store, resource: Resource| -> Result<(NaiveDate, NaiveDate), IngestError> {
        Ok((request.from.or(store.first_covered_day(resource)?).unwrap_or(backfill), last))
    };
    let reader = days::Reader { zone, now: request.now, full: request.full, run_id: &run_id, progress };

    let mut summary = (0, 0, 0);
    if wants(OnlyResource::Tickets) {
        let span = span(&store, Resource::Ticket)?;
        for client in &clients.desk {
            let (days, more) = tickets::read(client, &mut store, &pseudonyms, &reader, span).await?;
            summary.0 += days;
            written += more;
        }
    }
    if wants(OnlyResource::Messages) {
        // Which messages are missing is read off the staged tickets.
        if !store.is_current(queries)? {
            store.rebuild_staging(queries)?;
        }
        // Each key sees the tickets of its own bot only; with another one their messages would be an empty thread.
        for client in &clients.desk {
            let (customers, more) = messages::read(client, &mut store, &pseudonyms, &reader).await?;
            summary.1 += customers;
            written += more;
        }
    }
    if wants(OnlyResource::Events) && settings.satisfaction.source == SatisfactionSource::Events {
        let span = span(&store, Resource::Event)?;
        for client in &clients.events {
            let (days, more) =
                events::read(client, &mut store, &pseudonyms, &reader, &settings.satisfaction, settings.privacy.keep_comments, span)
                    .await?;
            summary.2 += days;
            written += more;
        }
    }

    progress.start("tables", None);
    let now = request.now;
    let marts = store.transaction(|store| {
        if !written.is_empty() {
            store.write_load(&run_id, now, &written)?;
        }
        if last == today && request.only.is_none() {
            store.set_mark(LOADED_UNTIL, &now.to_rfc3339())?;
        }
        store.rebuild_marts(queries)
    })?;
    progress.finish();
    let (ticket_days, customers, event_days) = summary;
    Ok(IngestSummary { written, ticket_days, customers, event_days, marts })
}

/// Mark of the instant until which everything was asked for, in RFC 3339.
pub const LOADED_UNTIL: &str = "loaded_until";

async fn read_directory(clients: &[Client]) -> Result<(Vec<AttendantRow>, Vec<String>), IngestError> {
    let (mut attendants, mut queues) = (Vec::new(), Vec::new());
    for client in clients {
        let (found_attendants, found_queues) = tokio::try_join!(desk::attendants(client), desk::queues(client))?;
        queues.extend(found_queues.into_iter().map(|queue| queue.name));
        attendants.extend(found_attendants.into_iter().map(|attendant| {
            let mut queues = attendant.teams.unwrap_or_default();
            queues.sort();
            AttendantRow { agent: identity::attendant_email(&attendant.identity), name: attendant.full_name, queues }
        }));
    }
    attendants.sort_by(|a, b| a.agent.cmp(&b.agent));
    attendants.dedup_by(|a, b| a.agent == b.agent);
    Ok((attendants, queues))
}
