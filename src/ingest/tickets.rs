//! Tickets: one local day of creation at a time, all pages of it; and one by one those that were still open.
//!
//! Position: the day. Checkpoint: the day's coverage. A day is settled once it was read some days after it was over, nothing was
//! missing and nothing moved meanwhile: until then it is read again for what is changed after the close. Blip offers no cursor over
//! changes, so a ticket that is open in the store is asked for by its id until it has ended, however old it is.

use std::{collections::BTreeSet, ops::RangeInclusive, sync::Arc};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;

use super::{
    IngestError, Pseudonyms,
    days::{Reader, days_holding},
    gaps::{Gaps, Source},
    pipeline::{Ahead, Batch, doubted, read_ahead},
    tunnels::MetTunnels,
};
use crate::{
    blip::{
        BlipError, Client, Entry, ErrorKind,
        desk::{self, Ticket, TicketList},
        identity, time,
    },
    store::{Coverage, OpenTicket, Resource, Store, StoreError, TicketRow, UnlistedTicket, Written},
};

/// Rows per transaction: what a transaction has written stays in memory until it ends.
const BATCH_ROWS: usize = 10_000;

/// Days that are read at once, and nearly as many that wait meanwhile for others to be written: as many as hold about so many tickets,
/// within bounds. Even of full days two are read at once, for each is asked for page by page.
const TICKETS_AT_ONCE: usize = 8_000;
const DAYS_AT_ONCE: RangeInclusive<usize> = 2..=16;

/// After so many rounds of days it is looked again how many tickets days hold.
const DAYS_BETWEEN_LOOKS: usize = 4;

/// So many days are what a load reads that is not the first.
const FEW_DAYS: usize = 14;

/// Mark of which lists a key's tickets are in.
const LISTS: &str = "ticket_lists";

/// What one day gave.
struct Day {
    rows: Vec<TicketRow>,
    rejected: Vec<(String, String)>,
    coverage: Coverage,
}

/// Reads the days of `span` that are not settled, then the tickets that were open.
pub async fn read(
    client: &Arc<Client>,
    store: &mut Store,
    pseudonyms: &Arc<Pseudonyms>,
    reader: &Reader<'_>,
    gaps: &mut Gaps,
    (span, met): ((NaiveDate, NaiveDate), &Arc<MetTunnels>),
) -> Result<ReadTickets, IngestError> {
    let source = Source { resource: Resource::Ticket, key: client.key_name(), path: "/tickets" };
    let days = reader.days(store, Resource::Ticket, client.key_name(), span)?;
    store.expect_little(days.len() <= FEW_DAYS)?;
    let lists = lists(client, store, reader).await?;
    let mut open: Vec<_> = store
        .open_tickets(client.key_name())?
        .into_iter()
        .chain(gone_lately(client, store, reader)?)
        .filter(|ticket| ticket.created_at.is_none_or(|at| !days.contains(&reader.zone.day(at))))
        .map(|ticket| ticket.ticket_id)
        .collect();
    reader.progress.start("tickets by day", Some(days.len()));
    let count = days.len();
    let mut asked = days
        .into_iter()
        .map(|day| Asked {
            day,
            bounds: reader.bounds(day),
            is_over: reader.is_over(day),
            is_settled: reader.is_settled(day),
            lists: lists.clone(),
        })
        .peekable();
    let mut read = ReadTickets { days: count, ..ReadTickets::default() };
    let mut batch = Batch::new(BATCH_ROWS);
    let mut days_at_once = *DAYS_AT_ONCE.start();
    while asked.peek().is_some() {
        let mut answers = {
            let (client, pseudonyms, met) = (Arc::clone(client), Arc::clone(pseudonyms), Arc::clone(met));
            let ahead = Ahead { concurrency: days_at_once, waiting: days_at_once - 1 };
            read_ahead(asked.by_ref().take(DAYS_BETWEEN_LOOKS * days_at_once).collect(), ahead, move |asked| {
                let (client, pseudonyms, met) = (Arc::clone(&client), Arc::clone(&pseudonyms), Arc::clone(&met));
                async move {
                    let day = asked.day;
                    (day, read_day(&client, &pseudonyms, &met, asked).await)
                }
            })
        };
        let mut most_tickets = 0;
        while let Some((day, answer)) = answers.recv().await {
            reader.progress.advance(1);
            match answer {
                Ok(day) => {
                    gaps.note_success(&source);
                    let size = day.rows.len() + 1;
                    most_tickets = most_tickets.max(size);
                    if let Some(full) = batch.add(day, size) {
                        read.add(write(store, reader, full)?, &mut open);
                    }
                }
                Err(error) => gaps.note(&source, day.to_string(), error)?,
            }
        }
        days_at_once = days_holding(TICKETS_AT_ONCE, most_tickets, DAYS_AT_ONCE);
    }
    read.add(write(store, reader, batch.take())?, &mut open);
    let (written, gone) = read_open(client, store, pseudonyms, reader, gaps, (open, met)).await?;
    read.written += written;
    read.gone = gone;
    Ok(read)
}

/// What was read of a key's tickets.
#[derive(Debug, Default)]
pub struct ReadTickets {
    /// Days that were read.
    pub days: usize,
    /// What changed.
    pub written: Written,
    /// Tickets that are stored for the days that were read and that Blip does not list any more.
    pub unlisted: usize,
    /// Open tickets that Blip does not know any more.
    pub gone: usize,
}

impl ReadTickets {
    fn add(&mut self, (written, unlisted): (Written, Vec<UnlistedTicket>), open: &mut Vec<String>) {
        self.written += written;
        self.unlisted += unlisted.len();
        open.extend(unlisted.into_iter().filter(|ticket| !ticket.is_closed).map(|ticket| ticket.ticket_id));
    }
}

/// Days in which a ticket that Blip did not know any more is asked for again: what was an outage of theirs, or a right of the key that was taken, is
/// over by then.
const GONE_DAYS: i64 = 30;

fn gone_lately(client: &Client, store: &Store, reader: &Reader<'_>) -> Result<Vec<OpenTicket>, StoreError> {
    store.gone_tickets(client.key_name(), reader.now - TimeDelta::days(GONE_DAYS))
}

/// Asks one by one for tickets that had not ended, so that no close is missed however old the ticket. One that Blip does not know any more leaves
/// the backlog, and stays with a status of its own. Returns what changed, and the number of those.
async fn read_open(
    client: &Arc<Client>,
    store: &mut Store,
    pseudonyms: &Arc<Pseudonyms>,
    reader: &Reader<'_>,
    gaps: &mut Gaps,
    (open, met): (Vec<String>, &MetTunnels),
) -> Result<(Written, usize), IngestError> {
    let source = Source { resource: Resource::Ticket, key: client.key_name(), path: "/ticket" };
    reader.progress.start("open tickets", Some(open.len()));
    let asked = Arc::clone(client);
    let ahead = Ahead { concurrency: client.concurrency(), waiting: BATCH_ROWS };
    let mut answers = read_ahead(open, ahead, move |id| {
        let client = Arc::clone(&asked);
        async move {
            let mut answer = desk::ticket(&client, &id).await;
            // An answer without a ticket is doubted like an empty list.
            if matches!(answer, Ok(None)) {
                answer = desk::ticket(&client, &id).await;
            }
            (id, answer)
        }
    });
    let (mut rows, mut rejected, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    while let Some((id, answer)) = answers.recv().await {
        reader.progress.advance(1);
        match answer {
            Ok(None) => {
                gaps.note_success(&source);
                gone.push(id);
            }
            Ok(Some(ticket)) => {
                gaps.note_success(&source);
                match row(&ticket, client.key_name(), pseudonyms, met) {
                    Ok(row) if row.ticket_id == id => rows.push(row),
                    Ok(_) => rejected.push(("another ticket than asked for".to_owned(), pseudonyms.rejected(&ticket))),
                    Err(reason) => rejected.push((reason.to_owned(), pseudonyms.rejected(&ticket))),
                }
            }
            Err(error) => gaps.note(&source, format!("/ticket/{id}"), error)?,
        }
    }
    Ok(tokio::task::block_in_place(|| {
        // Without Blip's time nothing says when they went: the next load that knows it asks again.
        let gone = reader.over_until.map(|at| store.tickets_gone(&gone, at)).transpose()?.unwrap_or_default();
        let (told_count, gone_count) = (rows.len(), gone.len());
        rows.extend(gone);
        let (written, ()) = write_in_pieces(store, reader, (&rows, &rejected), |store| {
            let (told, gone) = rows.split_at(told_count);
            store.note_gone((ids(gone), reader.over_until), ids(told))
        })?;
        Ok::<_, StoreError>((written, gone_count))
    })?)
}

/// Finds out in which lists a key's tickets are: `/tickets` alone, or ended ones in the history only. As long as no ticket that ended within a week
/// shows it, both are read.
///
/// Not confirmed by Blip's documentation: some contracts are reported to list only open tickets in `/tickets`.
pub async fn lists(client: &Client, store: &mut Store, reader: &Reader<'_>) -> Result<Vec<TicketList>, IngestError> {
    let mark = format!("{LISTS}:{}", client.key_name());
    match store.mark(&mark)?.as_deref() {
        Some("all") => return Ok(vec![TicketList::All]),
        Some("history") => return Ok(vec![TicketList::All, TicketList::History]),
        _ => {}
    }
    let week = (reader.now - chrono::TimeDelta::days(7), reader.now);
    let has_ended = |entry| matches!(entry, Entry::Record(ticket) if is_closed(&ticket));
    let all = doubted(|| desk::tickets(client, TicketList::All, week.0, week.1, has_ended)).await?;
    let found = if all.entries.contains(&true) {
        "all"
    } else {
        match desk::tickets(client, TicketList::History, week.0, week.1, has_ended).await {
            Ok(history) if history.entries.contains(&true) => "history",
            Ok(_) => return Ok(vec![TicketList::All, TicketList::History]),
            // Where there is no history, the documented list is all there is.
            Err(error) if matches!(error.kind(), ErrorKind::NotOffered | ErrorKind::Final) => return Ok(vec![TicketList::All]),
            Err(error) => return Err(error.into()),
        }
    };
    store.transaction(|store| store.set_mark(&mark, found))?;
    if found == "history" {
        tracing::info!(blip.key = client.key_name(), "{}", crate::blip::unconfirmed::Unconfirmed::TicketHistory.message());
    }
    Ok(if found == "all" { vec![TicketList::All] } else { vec![TicketList::All, TicketList::History] })
}

/// A day that is asked for.
struct Asked {
    day: NaiveDate,
    bounds: (DateTime<Utc>, DateTime<Utc>),
    is_over: bool,
    is_settled: bool,
    lists: Vec<TicketList>,
}

/// Returns the tickets that are stored for whole days and missing from the lists of these days.
fn unlisted(store: &Store, reader: &Reader<'_>, days: &[Coverage], rows: &[TicketRow]) -> Result<Vec<UnlistedTicket>, StoreError> {
    let whole = days.iter().filter(|day| day.is_steady && day.stored >= day.reported);
    let spans: Vec<_> = whole.map(|day| (day.key_name.as_str(), reader.bounds(day.day))).collect();
    store.unlisted_tickets(&spans, rows)
}

async fn read_day(client: &Client, pseudonyms: &Pseudonyms, met: &MetTunnels, asked: Asked) -> Result<Day, BlipError> {
    let (from, until) = asked.bounds;
    let keep = |entry| match entry {
        Entry::Record(ticket) => {
            row(&ticket, client.key_name(), pseudonyms, met).map_err(|reason| (reason.to_owned(), pseudonyms.rejected(&ticket)))
        }
        Entry::Unreadable(one) => Err(pseudonyms.unreadable(&one)),
    };
    let mut entries = Vec::new();
    let (mut missing, mut is_steady) = (0, true);
    for list in asked.lists {
        let listing = doubted(|| desk::tickets(client, list, from, until, keep)).await?;
        is_steady &= listing.is_steady;
        missing += listing.total.unwrap_or(0).saturating_sub(listing.entries.len() as u64);
        entries.extend(listing.entries);
    }
    let mut rows: Vec<TicketRow> = Vec::with_capacity(entries.len());
    let mut rejected = Vec::new();
    for entry in entries {
        match entry {
            Ok(row) => rows.push(row),
            Err(reason) => rejected.push(reason),
        }
    }
    // A ticket that ended while it was read can be in both lists: what is read later is newer.
    let mut seen = BTreeSet::new();
    rows.reverse();
    rows.retain(|row| seen.insert(row.ticket_id.clone()));
    rows.sort_by(|a, b| a.ticket_id.cmp(&b.ticket_id));
    let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    let stored = count(rows.len() + rejected.len());
    let coverage = Coverage {
        resource: Resource::Ticket,
        key_name: client.key_name().to_owned(),
        day: asked.day,
        reported: stored + i64::try_from(missing).unwrap_or(i64::MAX),
        stored,
        set_aside: count(rejected.len()),
        still_open: count(rows.iter().filter(|row| !row.is_closed).count()),
        day_was_over: asked.is_over,
        is_settled: asked.is_settled,
        is_steady,
    };
    Ok(Day { rows, rejected, coverage })
}

/// Keeps what days gave. Returns what changed, and the tickets that are stored and not listed any more.
///
/// Rows of a very full day are kept in several transactions, and that the day was read in the last one: what is not all there does not
/// count as read.
fn write(store: &mut Store, reader: &Reader<'_>, days: Vec<Day>) -> Result<(Written, Vec<UnlistedTicket>), IngestError> {
    let (mut rows, mut rejected, mut coverage) = (Vec::new(), Vec::new(), Vec::new());
    for day in days {
        rows.extend(day.rows);
        rejected.extend(day.rejected);
        coverage.push(day.coverage);
    }
    Ok(tokio::task::block_in_place(|| {
        write_in_pieces(store, reader, (&rows, &rejected), |store| {
            store.write_coverage(&coverage)?;
            unlisted(store, reader, &coverage, &rows)
        })
    })?)
}

/// Keeps rows and what was set aside, in transactions of [`BATCH_ROWS`]; `conclude` belongs to the last of them. Returns what changed.
fn write_in_pieces<T>(
    store: &mut Store,
    reader: &Reader<'_>,
    (rows, rejected): (&[TicketRow], &[(String, String)]),
    conclude: impl Fn(&Store) -> Result<T, StoreError>,
) -> Result<(Written, T), StoreError> {
    let run = reader.run;
    let (first, last) = rows.split_at(rows.len().saturating_sub(1) / BATCH_ROWS * BATCH_ROWS);
    let mut all = Written::default();
    for piece in first.chunks(BATCH_ROWS) {
        all += store.transaction_with_enough_memory(|store| {
            let written = Written { ticket_answers: store.write_tickets(piece, run)?, ..Written::default() };
            store.write_load(run, &written)?;
            Ok(written)
        })?;
    }
    store.transaction_with_enough_memory(|store| {
        let concluded = conclude(store)?;
        let written = Written {
            ticket_answers: store.write_tickets(last, run)?,
            rejected: store.write_rejected(Resource::Ticket, rejected, run)?,
            ..Written::default()
        };
        store.write_load(run, &written)?;
        Ok((all + written, concluded))
    })
}

fn ids(rows: &[TicketRow]) -> impl Iterator<Item = &str> {
    rows.iter().map(|row| row.ticket_id.as_str())
}

fn is_closed(ticket: &Ticket) -> bool {
    ticket.status.as_deref().is_some_and(|status| status == "Transferred" || status.starts_with("Closed"))
}

/// What is kept of an answer, under Blip's names. What Blip left out is left out here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_sequential_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routing_owner_identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_response_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    average_agent_response_time: Option<f64>,
}

/// Makes the stored row of an answer: known fields only, the customer as a pseudonym, attendants as e-mail addresses.
fn row(ticket: &Ticket, key_name: &str, pseudonyms: &Pseudonyms, met: &MetTunnels) -> Result<TicketRow, &'static str> {
    let ticket_id = ticket.id.clone().ok_or("no id")?;
    let customer = ticket.customer_identity.as_deref().ok_or("no customer")?;
    let agent = ticket.agent_identity.as_deref().map(identity::attendant_email);
    let body = Body {
        id: &ticket_id,
        sequential_id: ticket.sequential_id,
        parent_sequential_id: ticket.parent_sequential_id,
        owner_identity: ticket.owner_identity.as_deref(),
        routing_owner_identity: ticket.routing_owner_identity.as_deref(),
        customer_domain: ticket.customer_domain.as_deref(),
        agent_identity: agent.as_deref(),
        provider: ticket.provider.as_deref(),
        status: ticket.status.as_deref(),
        storage_date: ticket.storage_date.as_deref(),
        open_date: ticket.open_date.as_deref(),
        first_response_date: ticket.first_response_date.as_deref(),
        status_date: ticket.status_date.as_deref(),
        close_date: ticket.close_date.as_deref(),
        rating: ticket.rating,
        team: ticket.team.as_deref(),
        tags: ticket.tags.as_deref(),
        priority: ticket.priority,
        average_agent_response_time: ticket.average_agent_response_time,
    };
    let customer_key = pseudonyms.customer(customer);
    let has_other_identity = met.remember(&customer_key, customer);
    let body = serde_json::to_string(&body).expect("texts and numbers are always JSON");
    Ok(TicketRow {
        ticket_id,
        owner: ticket.owner_identity.clone().unwrap_or_default(),
        customer_key,
        earlier_key: pseudonyms.earlier(customer),
        body,
        key_name: key_name.to_owned(),
        created_at: ticket.storage_date.as_deref().and_then(time::parse_instant),
        is_closed: is_closed(ticket),
        closed_at: ticket.close_date.as_deref().and_then(time::parse_instant),
        has_other_identity,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{files::lock::Holder, ingest::Silent};

    #[test]
    fn a_day_that_does_not_fit_into_one_transaction_is_kept_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let now: DateTime<Utc> = "2026-07-02T02:30:00Z".parse().unwrap();
        let mut store = Store::open(&folder.path().join("live.duckdb"), &Holder::new("a test", now)).unwrap();
        let row = |number: usize| TicketRow {
            ticket_id: format!("{number:036}"),
            owner: "bot".to_owned(),
            customer_key: format!("{number:032}"),
            body: format!(r#"{{"id":"{number:036}","text":"{}"}}"#, crate::domain::digest::sha256(&number.to_le_bytes()).repeat(6)),
            key_name: "desk".to_owned(),
            created_at: Some(now),
            is_closed: true,
            closed_at: Some(now),
            earlier_key: None,
            has_other_identity: false,
        };
        let rows: Vec<TicketRow> = (0..30_000).map(row).collect();
        let run = store.begin_run(now).unwrap();
        // As little as for the real limit a day of 80,000 is too much.
        store.connection().execute_batch("SET memory_limit = '40MB'").unwrap();
        assert!(
            store.transaction(|store| store.write_tickets(&rows, run)).unwrap_err().is_out_of_memory(),
            "the limit is what it is about"
        );
        let zone = "America/Sao_Paulo".parse().unwrap();
        let reader = Reader { zone, now, over_until: Some(now), full: false, run, progress: &Silent };
        let known =
            |store: &Store| -> usize { store.connection().query_row("SELECT count(*) FROM state.ticket", [], |row| row.get(0)).unwrap() };
        let (written, at_the_end) = write_in_pieces(&mut store, &reader, (&rows, &[]), |store| Ok(known(store))).unwrap();
        assert_eq!((written.ticket_answers, at_the_end), (30_000, 20_000), "what concludes belongs to the last piece");
        assert_eq!(known(&store), 30_000);
    }

    #[test]
    fn the_stored_row_holds_no_customer_and_no_text() {
        let ticket: Ticket = serde_json::from_str(
            r#"{"id":"t1","sequentialId":7,"customerIdentity":"5531900000001@wa.gw.msging.net","closedBy":"5531900000001@wa.gw.msging.net",
                "agentIdentity":"ana%40acme.example@blip.ai","status":"ClosedClient","team":"Financeiro",
                "customerInput":{"type":"text/plain","value":"meu CPF é 1"},"someNewField":1}"#,
        )
        .unwrap();
        let row = row(&ticket, "desk", &Pseudonyms::new(&"k".into()), &MetTunnels::default()).unwrap();
        assert_eq!(
            row.body,
            r#"{"id":"t1","sequentialId":7,"agentIdentity":"ana@acme.example","status":"ClosedClient","team":"Financeiro"}"#
        );
        assert!(row.is_closed);
    }

    #[test]
    fn a_ticket_without_id_or_customer_is_set_aside() {
        let ticket = |json| serde_json::from_str::<Ticket>(json).unwrap();
        let row = |json| row(&ticket(json), "desk", &Pseudonyms::new(&"k".into()), &MetTunnels::default());
        assert_eq!(row(r#"{"customerIdentity":"c"}"#), Err("no id"));
        assert_eq!(row(r#"{"id":"t"}"#), Err("no customer"));
    }
}
