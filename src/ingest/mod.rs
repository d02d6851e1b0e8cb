//! Turns Blip's answers into rows, day by day, and never twice.
//!
//! Resources are read in this order: attendants and queues; Blip's own figures by day, against which the rest is held; tickets by
//! local day of creation, and one by one those that were still open; messages of the customers whose tickets are new or have
//! changed; survey events by day; today's numbers. What Blip is about to forget comes first, the oldest of it at the front. What was
//! read and what it covers are written in one transaction, so a run that breaks off leaves whole days or nothing, and the next
//! run goes on there. Two runs at once cannot be: the database belongs to one process. Reading a day again changes nothing when
//! Blip says the same, and nothing that Blip no longer has is ever removed here.

mod bots;
mod clients;
mod clock;
pub mod contract;
mod days;
mod directory;
mod error;
mod events;
mod gaps;
mod identities;
mod import;
mod live;
mod messages;
mod pipeline;
mod progress;
mod pseudonym;
mod publish;
mod reports;
mod subject;
mod tickets;
mod tunnels;
mod warnings;

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use secrecy::SecretString;

use crate::{
    config::{Project, SatisfactionSource, Settings},
    files::{self, lock::Holder},
    query::Catalogue,
    store::{MartReport, Resource, SettingsRows, Store, StoreError, Written},
};

pub use bots::{foreign, foreign_of, remove as remove_bot};
pub use clients::Clients;
pub use clock::require_clock;
pub use error::IngestError;
pub use gaps::Gap;
pub use identities::Pass;
pub use import::{
    DateOrder, Import, ImportError, Importer, Line, Reading, Sheet, Stretch, Verdict, ZoneFrom, is_error_value, is_name, join_list,
    shortened, split_list,
};
pub use live::LiveView;
pub use pipeline::doubted;
pub use progress::{Progress, Silent};
pub use pseudonym::Pseudonyms;
pub use publish::{Lack, Superseding, publish, supersede, words as lack_in_words};
pub use subject::{Forgotten, Held, erase, held_about, opened_for_receipts, receipts_of, retain};
pub use warnings::{Alarm, Warnings, days_until_forgotten};

use self::{
    contract::Contract,
    days::Reader,
    gaps::{ANSWERED, Gaps},
    tunnels::MetTunnels,
};

/// How far a first load looks back where the oldest ticket is not known: a full year for comparisons, and the month before it.
const BACKFILL_MONTHS: u32 = 13;

/// Of this many tickets some are answered by the customer, wherever there is a survey.
const ANSWERED_BY_SOME: i64 = 50;

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct IngestRequest {
    /// The present.
    pub now: DateTime<Utc>,
    /// Takes `now` for the time at Blip, for trials in which time passes faster than there.
    pub is_trial: bool,
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
    /// Tunnels and business-scoped ids behind which a customer was looked for, with one command each.
    pub tunnels: usize,
    /// What the pass over the identities of earlier loads gave; none where it was not due.
    pub identities: Option<Pass>,
    /// What the tables hold now.
    pub marts: MartReport,
    /// What a person must know.
    pub warnings: Warnings,
    /// Today's numbers as Blip shows them; none where it does not offer them.
    pub live: Vec<LiveView>,
    /// What was found out about the contract in this run, by name of the key.
    pub contracts: Vec<(String, Contract)>,
}

/// Mark of the instant until which everything was asked for, in RFC 3339.
pub const LOADED_UNTIL: &str = "loaded_until";

/// Mark of the local day with which the first load began that was not told one: until everything since then is here, loads go on towards it.
const FIRST_DAY: &str = "first_day";

/// Mark of the key of the pseudonyms: a fingerprint of it.
const PSEUDONYM_KEY: &str = "pseudonym_key";

/// Mark of the event extras that were kept.
const SURVEY_EXTRAS: &str = "survey_extras";

/// Reads everything that `request` asks for and makes the tables from it. Returns the open store, to publish from.
///
/// `queries` are the texts of `queries/` by path. Nothing is written before the first answers have come. What could not be read
/// although it was asked for often enough is told in the summary, and read by the next run.
///
/// # Errors
/// That of a command that the key may not give or that shows Blip to be out of reach, of the configuration, or of the database.
pub async fn run(
    project: &Project,
    clients: &Clients,
    queries: &BTreeMap<String, String>,
    request: &IngestRequest,
    progress: &dyn Progress,
) -> Result<(Store, IngestSummary), IngestError> {
    let settings = &project.settings;
    let pseudonyms = Arc::new(pseudonyms(project)?);
    if clients.desk.is_empty() {
        return Err(IngestError::NoDeskKey);
    }
    bots::require_distinct(clients)?;
    crate::store::require_free(&project.data_dir())?;
    if !project.store_file().exists() {
        publish::require_newest(project, None)?;
    }
    let wants = |resource: OnlyResource| request.only.is_none_or(|only| only == resource);
    let mut written = Written::default();

    progress.start("attendants and queues", None);
    let directory =
        if wants(OnlyResource::Directory) { Some(directory::read(&clients.desk, &clients.channel, &pseudonyms).await?) } else { None };
    let blip_time = if request.is_trial { Some(request.now) } else { clock::blip_time(clients, request.now).await? };
    let mut store = open_newest(project, &pseudonyms, request.now, "relato ingest")?;
    bots::remember(clients, &mut store)?;
    bots::reopen(&mut store)?;
    if let Some(blip) = blip_time {
        files::write(&project.heard_file(), blip.to_rfc3339().as_bytes())?;
    }
    let ahead = blip_time.map(|blip| clock::reopen(&mut store, settings.organization.timezone, blip)).transpose()?.flatten();
    let run = store.begin_run(request.now)?;
    let mut gaps = Gaps::new(store.marks(ANSWERED)?);
    let quarantined_before = store.quarantined()?;
    let extras = survey_extras(project);
    store.transaction(|store| {
        store.write_settings(&SettingsRows::new(settings))?;
        if store.mark(SURVEY_EXTRAS)?.is_some_and(|earlier| earlier != extras) {
            // What was not kept of an event is not here: the days have to be read again.
            store.forget_coverage(Resource::Event)?;
        }
        store.set_mark(SURVEY_EXTRAS, &extras)?;
        if let Some(directory) = &directory {
            let channels = directory.channels.iter().map(|(channel, health)| (channel.domain(), health.word(), health.missing()));
            store.write_channels(&channels.collect::<Vec<_>>())?;
            let changed = Written {
                directory: store.write_directory(&directory.attendants, &directory.queues, run)?,
                rejected: store.write_rejected(Resource::Directory, &directory.rejected, run)?,
                ..Written::default()
            };
            store.write_load(run, &changed)?;
            written += changed;
        }
        Ok(())
    })?;

    let zone = settings.organization.timezone;
    let today = zone.day(request.now);
    let last = request.to.unwrap_or(today).min(today);
    let (contracts, first_month) = contracts(&mut store, clients, settings, request, progress).await?;
    let backfill = first_month.unwrap_or(today.with_day(1).expect("every month has a first day") - Months::new(BACKFILL_MONTHS));
    if request.from.is_none() {
        store.transaction(|store| aim(store, backfill))?;
    }
    let span = |store: &Store, resource: Resource| -> Result<(NaiveDate, NaiveDate), IngestError> {
        Ok((request.from.map_or_else(|| first_day(store, resource), |from| Ok(Some(from)))?.unwrap_or(backfill), last))
    };
    let over_until = blip_time.map(|blip| blip.min(request.now));
    let reader = Reader { zone, now: request.now, over_until, full: request.full, run, progress };

    let met = Arc::new(MetTunnels::default());
    let (mut ticket_days, mut customers, mut event_days) = (0, 0, 0);
    let (mut unjoined_answers, mut unmarked_messages) = (0, 0);
    let (mut unlisted, mut gone) = (0, 0);
    if wants(OnlyResource::Tickets) {
        let span = span(&store, Resource::Ticket)?;
        for client in &clients.desk {
            written += {
                let has_old_reports = Contract::remembered(&store, client.key_name())?.has_old_reports();
                reports::read(client, &mut store, &reader, &mut gaps, (span, has_old_reports)).await?
            };
            let read = tickets::read(client, &mut store, &pseudonyms, &reader, &mut gaps, (span, &met)).await?;
            ticket_days += read.days;
            written += read.written;
            unlisted += read.unlisted;
            gone += read.gone;
        }
    }
    if wants(OnlyResource::Messages) {
        // Each key sees the tickets of its own bot only; with another one their messages would be an empty thread.
        for client in &clients.desk {
            let done = messages::read(client, clients.channel.first(), &mut store, &pseudonyms, &reader, (&mut gaps, &met)).await?;
            customers += done.customers;
            unmarked_messages += done.unmarked;
            written += done.written;
        }
    }
    let has_events = settings.satisfaction.source == SatisfactionSource::Events;
    let survey = has_events.then(|| Arc::new(events::Survey::new(settings)));
    if let Some(survey) = survey.as_ref().filter(|_| wants(OnlyResource::Events)) {
        let span = span(&store, Resource::Event)?;
        for client in &clients.events {
            let (days, more) = events::read(client, &mut store, &pseudonyms, &reader, &mut gaps, survey, span).await?;
            event_days += days;
            written += more;
        }
    }
    let identities = match request.only {
        None => identities::read(clients, &mut store, &pseudonyms, &reader, &mut gaps, (&met, survey.as_deref())).await?,
        Some(_) => None,
    };
    let mut tunnels = 0;
    if wants(OnlyResource::Events) {
        let category = survey.as_ref().map(|survey| survey.category.as_str());
        for client in &clients.desk {
            let resolved = tunnels::read(client, &mut store, &pseudonyms, &reader, &mut gaps, (&met, category)).await?;
            tunnels += resolved.tunnels;
            unjoined_answers = unjoined_answers.max(resolved.unjoined_answers);
        }
    }
    let live =
        if request.only.is_none() && last == today { live::sample(clients, &mut store, request.now, &mut gaps).await? } else { Vec::new() };
    let unknown_fields = clients.take_unknown_fields();

    let marts = tokio::task::block_in_place(|| refresh(&mut store, queries, progress))?;
    store.transaction(|store| {
        let fields = unknown_fields.iter().map(|((resource, field), seen)| (*resource, field.as_str(), *seen));
        store.write_unknown_fields(fields, run)?;
        gaps.answered().try_for_each(|mark| store.set_mark(mark, "yes"))?;
        if last == today
            && request.only.is_none()
            && gaps.are_figures_whole()
            && let Some(until) = over_until
        {
            store.set_mark(LOADED_UNTIL, &until.to_rfc3339())?;
        }
        store.finish_run(run, request.now, if gaps.is_empty() { "complete" } else { "partial" })
    })?;
    progress.finish();
    let newly_set_aside = marts.quarantined - quarantined_before;
    let silent_survey = if wants(OnlyResource::Events) { silent_survey(&store, clients, settings, marts.tickets)? } else { None };
    let warnings = Warnings {
        unjoined_answers,
        silent_survey,
        unmarked_messages,
        unlisted,
        gone,
        foreign: bots::foreign(&store)?,
        is_untimed: over_until.is_none(),
        ahead,
        ..warnings::gather(&store, &reader, gaps, &unknown_fields, newly_set_aside)?
    };
    Ok((store, IngestSummary { written, ticket_days, customers, event_days, tunnels, identities, marts, warnings, live, contracts }))
}

/// Notes the day with which a first load begins, and an earlier one when the oldest ticket is found out later. A project that began with a day that
/// it was told goes on where it is.
fn aim(store: &Store, backfill: NaiveDate) -> Result<(), StoreError> {
    let is_first = || -> Result<bool, StoreError> {
        Ok(store.first_covered_day(Resource::Ticket)?.is_none() && store.first_covered_day(Resource::Event)?.is_none())
    };
    let known = aimed_at(store)?;
    if known.map_or_else(is_first, |known| Ok(backfill < known))? {
        store.set_mark(FIRST_DAY, &backfill.to_string())?;
    }
    Ok(())
}

fn aimed_at(store: &Store) -> Result<Option<NaiveDate>, StoreError> {
    Ok(store.mark(FIRST_DAY)?.and_then(|day| day.parse().ok()))
}

/// Returns the first day that a load without a day of its own reads of a resource.
fn first_day(store: &Store, resource: Resource) -> Result<Option<NaiveDate>, StoreError> {
    Ok(aimed_at(store)?.into_iter().chain(store.first_covered_day(resource)?).min())
}

/// Tells the clients what is known of their contract, and finds out first what is not: everything at a first load, later only what figures
/// depend on. Returns what is new, and the first day of the month of the oldest ticket, where that is known.
async fn contracts(
    store: &mut Store,
    clients: &Clients,
    settings: &Settings,
    request: &IngestRequest,
    progress: &dyn Progress,
) -> Result<(Vec<(String, Contract)>, Option<NaiveDate>), IngestError> {
    let category = (settings.satisfaction.source == SatisfactionSource::Events).then_some(settings.satisfaction.category.as_str());
    let (mut new, mut first_month) = (Vec::new(), None);
    progress.start("what this contract answers", None);
    for client in &clients.all {
        let has = |list: &[Arc<crate::blip::Client>]| list.iter().any(|one| Arc::ptr_eq(one, client));
        let known = Contract::remembered(store, client.key_name())?;
        let scope = contract::Scope {
            has_desk: has(&clients.desk),
            category: category.filter(|_| has(&clients.events)),
            is_thorough: known.is_empty(),
        };
        let found = contract::find_out(client, scope, known, request.now).await?;
        client.set_readings(found.readings());
        first_month = first_month.into_iter().chain(found.first_month()).min();
        if found.commands > 0 {
            store.transaction(|store| found.remember(store, client.key_name()))?;
            new.push((client.key_name().to_owned(), found));
        }
    }
    Ok((new, first_month))
}

/// Returns the survey's category where no answer of it was ever read although there are many tickets.
fn silent_survey(store: &Store, clients: &Clients, settings: &Settings, tickets: i64) -> Result<Option<String>, IngestError> {
    let survey = &settings.satisfaction;
    if survey.source != SatisfactionSource::Events || clients.events.is_empty() || tickets < ANSWERED_BY_SOME {
        return Ok(None);
    }
    Ok((!store.has_answers(&survey.category)?).then(|| survey.category.clone()))
}

/// What is made again from what is stored, and how.
#[derive(Debug, Clone, Copy)]
pub struct Rebuild {
    /// First days of the first and the last month whose customers' rows are made; none is everybody's.
    pub months: Option<(NaiveDate, NaiveDate)>,
    /// How many parts of the customers are worked on side by side.
    pub workers: usize,
}

/// Makes tables again from what is stored, without asking Blip anything. Returns the open store, to publish from.
///
/// # Errors
/// Those of the configuration or of the database.
pub fn rebuild(
    project: &Project,
    queries: &BTreeMap<String, String>,
    wanted: Rebuild,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<(Store, MartReport), IngestError> {
    let mut store = open_newest(project, &pseudonyms(project)?, now, "relato rebuild")?;
    store.transaction(|store| store.write_settings(&SettingsRows::new(&project.settings)))?;
    match wanted.months {
        None => store.forget_marts()?,
        Some((first, last)) => store.forget_months(first, last)?,
    }
    let marts = refresh_by(&mut store, queries, wanted.workers, progress)?;
    progress.finish();
    Ok((store, marts))
}

fn refresh(store: &mut Store, queries: &BTreeMap<String, String>, progress: &dyn Progress) -> Result<MartReport, IngestError> {
    refresh_by(store, queries, 1, progress)
}

fn refresh_by(
    store: &mut Store,
    queries: &BTreeMap<String, String>,
    workers: usize,
    progress: &dyn Progress,
) -> Result<MartReport, IngestError> {
    progress.start("tables", None);
    let mut is_told = false;
    let checks = Catalogue::new(queries)?.table_checks();
    Ok(store.refresh_marts(queries, &checks, workers, &mut |_, parts| {
        if !is_told && parts > 1 {
            progress.start("tables", Some(parts));
            is_told = true;
        }
        progress.advance(1);
    })?)
}

fn pseudonyms(project: &Project) -> Result<Pseudonyms, IngestError> {
    let key: SecretString = project.settings.privacy.pseudonym_key.fetch(&project.dir, "key of the customers' pseudonyms")?;
    Ok(Pseudonyms::new(&key))
}

/// Opens the store, and refuses to mix pseudonyms of two keys in it. Whom snapshots know to be forgotten, and the database does not because it is an
/// older copy, is forgotten again.
///
/// # Errors
/// As [`Store::open`], and [`IngestError::PseudonymKey`].
fn open(project: &Project, pseudonyms: &Pseudonyms, now: DateTime<Utc>, command: &str) -> Result<Store, IngestError> {
    let mut store = Store::open(&project.store_file(), &Holder::new(command, now))?;
    let fingerprint = pseudonyms.keyed("fingerprint of the key", "");
    match store.mark(PSEUDONYM_KEY)? {
        Some(known) if known != fingerprint => return Err(IngestError::PseudonymKey),
        Some(_) => {}
        None => store.transaction(|store| store.set_mark(PSEUDONYM_KEY, &fingerprint))?,
    }
    subject::erase_again(project, &mut store)?;
    Ok(store)
}

/// As [`open`], of a database from which may be published.
///
/// # Errors
/// As [`open`], and [`IngestError::KnowsLess`].
fn open_newest(project: &Project, pseudonyms: &Pseudonyms, now: DateTime<Utc>, command: &str) -> Result<Store, IngestError> {
    if !project.store_file().exists() {
        publish::require_newest(project, None)?;
    }
    let store = open(project, pseudonyms, now, command)?;
    publish::require_newest(project, Some(&store))?;
    Ok(store)
}

fn survey_extras(project: &Project) -> String {
    let survey = &project.settings.satisfaction;
    format!("{}|{:?}|{:?}|{}", survey.category, survey.sector_extra, survey.comment_extra, project.settings.privacy.keep_comments)
}
