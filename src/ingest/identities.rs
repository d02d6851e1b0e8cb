//! Whose earlier records are: one pass over what Blip still tells of customers.
//!
//! Earlier versions made pseudonyms of identities as received, so that one person could be several customers. A pseudonym cannot be turned back:
//! where a ticket or a survey answer is told again, its identity gives the earlier pseudonym and the one of today, and a link between the two. The
//! pass is made once by the first load of this version. It writes links only; what Blip no longer tells is counted. Position: weeks. Checkpoint:
//! the whole pass, which is made again when it breaks off.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{NaiveDate, TimeDelta};

use super::{
    Clients, IngestError, Pseudonyms,
    days::Reader,
    events::{self, Survey},
    gaps::{Gaps, Source},
    tickets,
    tunnels::MetTunnels,
};
use crate::{
    blip::{Client, Entry, desk},
    store::{Resource, Store},
};

/// Mark of whether the pass is due.
const IDENTITIES: &str = "identities";

/// Days that are asked for at once.
const DAYS: i64 = 7;

/// What the pass gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Commands that it took.
    pub commands: u64,
    /// Earlier pseudonyms that are linked now.
    pub linked: usize,
    /// Customers of earlier loads whose identity Blip no longer tells.
    pub unnamed: usize,
}

/// What is told of customers: earlier pseudonyms, each with the one of today, and all that were named.
#[derive(Default)]
struct Told {
    renamed: BTreeMap<String, String>,
    named: BTreeSet<String>,
}

impl Told {
    fn add(&mut self, today: String, earlier: Option<String>) {
        if let Some(earlier) = earlier {
            self.named.insert(earlier.clone());
            self.renamed.insert(earlier, today.clone());
        }
        self.named.insert(today);
    }
}

/// Makes the pass where it is due; none where it is not, or where some of it could not be read.
///
/// # Errors
/// That of a command that shows Blip to be out of reach, or of the database.
pub async fn read(
    clients: &Clients,
    store: &mut Store,
    pseudonyms: &Pseudonyms,
    reader: &Reader<'_>,
    gaps: &mut Gaps,
    (met, survey): (&MetTunnels, Option<&Survey>),
) -> Result<Option<Pass>, IngestError> {
    if store.mark(IDENTITIES)?.as_deref() != Some("due") {
        return Ok(None);
    }
    let sent = || clients.all.iter().map(|client| client.sent()).sum::<u64>();
    let (before, missing_before) = (sent(), gaps.count());
    let mut told = Told::default();
    let last = reader.zone.day(reader.now);
    let weeks = |first: Option<NaiveDate>| first.map(|first| weeks(first, last)).unwrap_or_default();
    for client in &clients.desk {
        let lists = tickets::lists(client, store, reader).await?;
        let weeks = weeks(store.first_covered_day(Resource::Ticket)?);
        reader.progress.start("identities of earlier loads", Some(weeks.len()));
        for week in weeks {
            read_tickets(client, &lists, pseudonyms, reader, gaps, (week, met, &mut told)).await?;
        }
    }
    for client in survey.iter().flat_map(|_| &clients.events) {
        for week in weeks(store.first_covered_day(Resource::Event)?) {
            let source = Source { resource: Resource::Event, key: client.key_name(), path: "/event-track" };
            match events::read_run(client, pseudonyms, survey.expect("there is one"), week).await {
                Ok(read) => read.rows.into_iter().for_each(|row| {
                    row.customer_key.into_iter().for_each(|today| told.add(today, row.earlier_key.clone()));
                    row.originator_key.into_iter().for_each(|today| told.add(today, row.earlier_originator_key.clone()));
                }),
                Err(error) => gaps.note(&source, format!("identities of {}..{}", week.0, week.1), error)?,
            }
        }
    }
    if gaps.count() > missing_before {
        return Ok(None);
    }
    let commands = sent() - before;
    let pass = tokio::task::block_in_place(|| {
        store.transaction(|store| {
            let linked = store.write_renamed(told.renamed.iter().map(|(earlier, today)| (earlier.as_str(), today.as_str())))?;
            let unnamed = store.note_unnamed(told.named.iter().map(String::as_str))?;
            store.set_mark(IDENTITIES, "done")?;
            Ok(Pass { commands, linked, unnamed })
        })
    })?;
    tracing::info!(commands = pass.commands, linked = pass.linked, unnamed = pass.unnamed, "identities of earlier loads");
    Ok(Some(pass))
}

/// Returns the first and the last days of the weeks from `first` to `last`, the newest first: what is met then is known by its newest form.
fn weeks(first: NaiveDate, last: NaiveDate) -> Vec<(NaiveDate, NaiveDate)> {
    let starts = std::iter::successors(Some(first), |day| Some(*day + TimeDelta::days(DAYS))).take_while(|day| *day <= last);
    let mut weeks: Vec<_> = starts.map(|start| (start, (start + TimeDelta::days(DAYS - 1)).min(last))).collect();
    weeks.reverse();
    weeks
}

async fn read_tickets(
    client: &Arc<Client>,
    lists: &[desk::TicketList],
    pseudonyms: &Pseudonyms,
    reader: &Reader<'_>,
    gaps: &mut Gaps,
    (week, met, told): ((NaiveDate, NaiveDate), &MetTunnels, &mut Told),
) -> Result<(), IngestError> {
    let source = Source { resource: Resource::Ticket, key: client.key_name(), path: "/tickets" };
    let (from, until) = (reader.bounds(week.0).0, reader.bounds(week.1).1);
    let keep = |entry: Entry<desk::Ticket>| match entry {
        Entry::Record(ticket) => ticket.customer_identity.map(|identity| {
            let today = pseudonyms.customer(&identity);
            met.remember(&today, &identity);
            (today, pseudonyms.earlier(&identity))
        }),
        Entry::Unreadable(_) => None,
    };
    for list in lists {
        match desk::tickets(client, *list, from, until, keep).await {
            Ok(listing) => listing.entries.into_iter().flatten().for_each(|(today, earlier)| told.add(today, earlier)),
            Err(error) => gaps.note(&source, format!("identities of {}..{}", week.0, week.1), error)?,
        }
    }
    reader.progress.advance(1);
    Ok(())
}
