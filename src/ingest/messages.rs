//! Messages of tickets: who wrote when, never what.
//!
//! Blip answers with all messages of a ticket's customer, so each customer is asked for once, by the newest ticket. Position:
//! the customer. Checkpoint: the tickets that the read covers, each with where its messages came from; one that was still open is
//! read again, and so is one without any message. Blip documents that a ticket's messages can be read for a month, and threads
//! for three: what is older than the one is asked for as a thread, by the customer's identity on the channel and the router's
//! key; what is older than the other is noted as no longer there.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    IngestError, Pseudonyms,
    days::Reader,
    gaps::{Gaps, Source},
    pipeline::{Ahead, Batch, doubted, read_ahead},
    tunnels::MetTunnels,
};
use crate::{
    blip::{BlipError, Client, Entry, Listing, desk, identity, threads, tunnels},
    store::{KnownMessages, MessageRead, MessageRow, MessageSource, MessageTask, OtherIdentities, Resource, Store, TaskTicket, Written},
};

/// Messages per transaction.
const BATCH_ROWS: usize = 60_000;

/// Customers whose messages wait to be written: enough to go on asking while a batch is written.
const WAITING: usize = 2_000;

/// Customers that are planned at once, so that memory does not grow with history.
const PLANNED: usize = 20_000;

/// Of so many customers the messages that are here are looked up while Blip answers; of more, as they are written, so that not all are held.
const FEW: usize = 2_000;

/// How long Blip documents to keep messages of tickets, and threads.
pub const TICKET_MESSAGES_DAYS: i64 = 31;
const THREAD_DAYS: i64 = 92;

/// The first message of a ticket is the one that made the bot open it, so it is a little older.
const BEFORE_TICKET: TimeDelta = TimeDelta::minutes(15);

/// Time within which something is said once a ticket exists, be it by the bot.
const OPENING: TimeDelta = TimeDelta::minutes(1);

/// What one customer gave.
struct Read {
    kept: MessageRead,
    rejected: Vec<(String, String)>,
    unmarked: usize,
}

/// What was read of a key's messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadMessages {
    /// Customers whose messages were read.
    pub customers: usize,
    /// Messages that seem to be an attendant's and are not marked, beside others of the same customer that are.
    pub unmarked: usize,
    /// What changed.
    pub written: Written,
}

/// Reads the messages of all customers with uncovered tickets.
pub async fn read(
    client: &Arc<Client>,
    channel: Option<&Arc<Client>>,
    store: &mut Store,
    pseudonyms: &Arc<Pseudonyms>,
    reader: &Reader<'_>,
    (gaps, met): (&mut Gaps, &Arc<MetTunnels>),
) -> Result<ReadMessages, IngestError> {
    let source = Source { resource: Resource::Message, key: client.key_name(), path: "/tickets/{id}/messages" };
    let mut done = ReadMessages::default();
    let mut batch = Batch::new(BATCH_ROWS);
    let mut last: Option<MessageTask> = None;
    loop {
        let tasks = store.message_tasks(client.key_name(), channel.is_some(), last.as_ref(), PLANNED)?;
        let is_last = tasks.len() < PLANNED;
        if last.is_none() {
            let total = if is_last { tasks.len() } else { store.message_task_count(client.key_name(), channel.is_some())? };
            reader.progress.start("messages by customer", Some(total));
        }
        last = tasks.last().cloned();
        let is_little = tasks.len() <= FEW;
        store.expect_little(is_little)?;
        let threads = is_little.then(|| threads_of(&tasks));
        let mut answers = {
            let (client, channel, pseudonyms, met) = (Arc::clone(client), channel.cloned(), Arc::clone(pseudonyms), Arc::clone(met));
            let (ahead, now) = (Ahead { concurrency: client.concurrency(), waiting: WAITING }, reader.now);
            read_ahead(tasks, ahead, move |task| {
                let (client, channel, pseudonyms, met) = (Arc::clone(&client), channel.clone(), Arc::clone(&pseudonyms), Arc::clone(&met));
                async move { read_customer((&client, channel.as_deref()), (&pseudonyms, &met), task, now).await }
            })
        };
        let known = threads.map(|threads| tokio::task::block_in_place(|| store.known_messages(threads))).transpose()?;
        while let Some(answer) = answers.recv().await {
            reader.progress.advance(1);
            done.customers += 1;
            match answer {
                Ok(read) => {
                    gaps.note_success(&source);
                    done.unmarked += read.unmarked;
                    let size = read.kept.rows.len() + 1;
                    if let Some(full) = batch.add(read, size) {
                        done.written += write(store, reader, known.as_ref(), full)?;
                    }
                }
                Err((task, error)) => gaps.note(&source, format!("messages of ticket {}", task.newest_ticket_id), error)?,
            }
        }
        done.written += write(store, reader, known.as_ref(), batch.take())?;
        if is_last {
            return Ok(done);
        }
    }
}

/// Returns the threads that were read before.
fn threads_of<'a>(tasks: impl IntoIterator<Item = &'a MessageTask>) -> Vec<i64> {
    tasks.into_iter().filter_map(|task| task.thread_id).collect()
}

async fn read_customer(
    (client, channel): (&Client, Option<&Client>),
    (pseudonyms, met): (&Pseudonyms, &MetTunnels),
    task: MessageTask,
    now: DateTime<Utc>,
) -> Result<Read, (MessageTask, BlipError)> {
    let from = task.not_before - BEFORE_TICKET;
    let listing = match doubted(|| desk::messages(client, &task.newest_ticket_id, from)).await {
        Ok(listing) => listing,
        Err(error) => return Err((task, error)),
    };
    let is_steady = listing.is_steady;
    let unmarked = unmarked(&listing.entries);
    let mut identities = identities(&listing.entries, pseudonyms);
    let (mut rows, mut rejected) = kept(listing.entries, pseudonyms);
    let age_days = |ticket: &TaskTicket| (now - ticket.created_at).num_days();
    let reaches = |ticket: &TaskTicket, rows: &[MessageRow]| rows.iter().any(|row| row.sent_at <= ticket.created_at + OPENING);
    let mut sources: Vec<MessageSource> = task
        .tickets
        .iter()
        .map(|ticket| {
            // Within the month any message shows that the thread is there; beyond it, only one from before the ticket does.
            let is_here = if age_days(ticket) < TICKET_MESSAGES_DAYS { !rows.is_empty() } else { reaches(ticket, &rows) };
            if is_here && is_steady { MessageSource::Ticket } else { MessageSource::None }
        })
        .collect();
    let is_kept_as_thread = |ticket: &TaskTicket| (TICKET_MESSAGES_DAYS..THREAD_DAYS).contains(&age_days(ticket));
    let missing =
        |sources: &[MessageSource]| -> Vec<usize> { (0..sources.len()).filter(|place| sources[*place] == MessageSource::None).collect() };
    let mut has_key = channel.is_some();
    if missing(&sources).iter().any(|place| is_kept_as_thread(&task.tickets[*place])) {
        let thread = match thread((client, channel), met, &task, from).await {
            Ok(found) => found,
            Err(error) => return Err((task, error)),
        };
        has_key = thread.has_key;
        identities.originator = identities.originator.or(thread.originator.map(|originator| pseudonyms.customer(&originator)));
        let of_thread = self::identities(&thread.entries, pseudonyms);
        identities.bsuid = identities.bsuid.or(of_thread.bsuid);
        let (found, unreadable) = kept(thread.entries, pseudonyms);
        for place in missing(&sources) {
            if reaches(&task.tickets[place], &found) {
                sources[place] = MessageSource::Thread;
            }
        }
        // The thread continues where the tickets' messages end: the router may know the same message by another id.
        let known_from = rows.iter().map(|row| row.sent_at).chain(task.known_from).min();
        rows.extend(found.into_iter().filter(|row| known_from.is_none_or(|from| row.sent_at < from)));
        rejected.extend(unreadable);
    }
    for place in missing(&sources) {
        let age = age_days(&task.tickets[place]);
        sources[place] = match age {
            // Messages moved while they were read: some can be missing.
            _ if !is_steady => MessageSource::None,
            _ if age >= THREAD_DAYS => MessageSource::Expired,
            _ if age >= TICKET_MESSAGES_DAYS && has_key => MessageSource::Expired,
            _ if age >= TICKET_MESSAGES_DAYS => MessageSource::NoKey,
            _ => MessageSource::None,
        };
    }
    Ok(Read { kept: MessageRead { task, rows, sources, identities }, rejected, unmarked })
}

/// Returns how many messages carry no mark and seem to be an attendant's all the same, where others of the customer are marked as a person's:
/// the desk handed them on, or they stand between an attendant's for one ticket. They count as the bot's.
fn unmarked(entries: &[Entry<desk::Message>]) -> usize {
    let messages = || entries.iter().filter_map(|entry| if let Entry::Record(message) = entry { Some(message) } else { None });
    let mut has_person = false;
    let mut attended: HashMap<&str, (DateTime<Utc>, DateTime<Utc>)> = HashMap::new();
    for message in messages().filter(|message| message.emitter() == Some(HUMAN)) {
        has_person = true;
        let ticket = message.metadata.as_ref().and_then(|marks| marks.ticket_id.as_deref());
        if let (Some(ticket), Some(at)) = (ticket, message.sent_at()) {
            let span = attended.entry(ticket).or_insert((at, at));
            *span = (span.0.min(at), span.1.max(at));
        }
    }
    if !has_person {
        return 0;
    }
    let seems_attendants = |message: &desk::Message| {
        message.id.as_deref().is_some_and(|id| id.starts_with(HANDED_ON_BY_DESK))
            || message.sent_at().is_some_and(|at| attended.values().any(|(first, last)| *first < at && at < *last))
    };
    let is_sent = |message: &desk::Message| message.direction.as_deref() == Some("sent") && message.is_content();
    messages().filter(|message| message.emitter().is_none() && is_sent(message) && seems_attendants(message)).count()
}

/// Returns what the newest of some messages, which come first, say of the customer's other identities.
fn identities(entries: &[Entry<desk::Message>], pseudonyms: &Pseudonyms) -> OtherIdentities {
    let newest = |mark: fn(&desk::Marks) -> Option<&String>, is_one: fn(&str) -> bool| {
        let marks = entries.iter().filter_map(|entry| if let Entry::Record(message) = entry { message.metadata.as_ref() } else { None });
        marks.filter_map(mark).find(|text| is_one(text)).map(|identity| pseudonyms.customer(identity))
    };
    OtherIdentities {
        originator: newest(|marks| marks.originator.as_ref(), identity::is_on_channel),
        bsuid: newest(|marks| marks.bsuid.as_ref(), identity::is_bsuid),
        parent: newest(|marks| marks.parent.as_ref(), identity::is_parent_bsuid),
    }
}

/// A customer's thread.
struct Thread {
    entries: Vec<Entry<desk::Message>>,
    /// Who the customer is on the channel, where the desk knows them by a tunnel.
    originator: Option<String>,
    /// Whether there is a key of the bot that has the thread.
    has_key: bool,
}

/// Returns the customer's thread. Of those behind a tunnel the router has it; of those who write to the desk's bot itself, that bot.
async fn thread(
    (client, channel): (&Client, Option<&Client>),
    met: &MetTunnels,
    task: &MessageTask,
    from: DateTime<Utc>,
) -> Result<Thread, BlipError> {
    let nothing = |has_key| Thread { entries: Vec::new(), originator: None, has_key };
    let met = met.identity_of(&task.customer_key);
    if met.is_some() && channel.is_none() {
        return Ok(nothing(false));
    }
    let customer = match met {
        Some(tunnel) => Some(tunnel),
        None => desk::ticket(client, &task.newest_ticket_id).await?.and_then(|ticket| ticket.customer_identity),
    };
    let Some(customer) = customer else { return Ok(nothing(channel.is_some())) };
    let is_tunnel = identity::tunnel_name(&customer).is_some();
    let Some(keeper) = (if is_tunnel { channel } else { Some(client) }) else { return Ok(nothing(false)) };
    let originator = if is_tunnel { tunnels::tunnel(client, &customer).await?.map(|tunnel| tunnel.originator) } else { None };
    let on_channel = originator.clone().unwrap_or(customer);
    let listing = doubted(|| async {
        let entries = threads::messages(keeper, &on_channel, from).await?;
        Ok(Listing { entries, total: None, is_steady: true })
    });
    Ok(Thread { entries: listing.await?.entries, originator, has_key: true })
}

fn kept(entries: Vec<Entry<desk::Message>>, pseudonyms: &Pseudonyms) -> (Vec<MessageRow>, Vec<(String, String)>) {
    let (mut rows, mut rejected) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in entries {
        match entry {
            Entry::Record(message) => match row(&message) {
                Ok(row) => rows.push(row),
                Err(reason) => rejected.push((reason.to_owned(), pseudonyms.rejected(&message))),
            },
            Entry::Unreadable(one) => rejected.push(pseudonyms.unreadable(&one)),
        }
    }
    (rows, rejected)
}

/// Writes what is not among the `known` messages, which are looked up where they are not at hand.
fn write(store: &mut Store, reader: &Reader<'_>, known: Option<&KnownMessages>, batch: Vec<Read>) -> Result<Written, IngestError> {
    if batch.is_empty() {
        return Ok(Written::default());
    }
    let (mut reads, mut rejected) = (Vec::with_capacity(batch.len()), Vec::new());
    for read in batch {
        reads.push(read.kept);
        rejected.extend(read.rejected);
    }
    let run = reader.run;
    Ok(tokio::task::block_in_place(|| {
        store.transaction_with_enough_memory(|store| {
            let looked_up;
            let known = if let Some(known) = known {
                known
            } else {
                looked_up = store.known_messages(threads_of(reads.iter().map(|read| &read.task)))?;
                &looked_up
            };
            let written = Written {
                messages: store.write_messages(&reads, known, run)?,
                rejected: store.write_rejected(Resource::Message, &rejected, run)?,
                ..Written::default()
            };
            store.write_load(run, &written)?;
            Ok(written)
        })
    })?)
}

/// Keeps what a turn needs; a message without id, direction or time can not take part in one.
fn row(message: &desk::Message) -> Result<MessageRow, &'static str> {
    let marks = message.metadata.as_ref();
    let (message_id, handed_on) = message_id(message.id.as_deref().ok_or("no id")?);
    Ok(MessageRow {
        sent_at: message.sent_at().ok_or("no readable time")?,
        message_id,
        handed_on,
        is_received: match message.direction.as_deref() {
            Some("received") => true,
            Some("sent") => false,
            Some(_) => return Err("an unknown direction"),
            None => return Err("no direction"),
        },
        author: message.emitter().map(str::to_owned),
        content: message.is_content(),
        agent: marks.and_then(|marks| marks.agent.as_deref()).map(identity::attendant_email),
        ticket_id: marks.and_then(|marks| marks.ticket_id.as_deref()).and_then(|id| Uuid::try_parse(id).ok()),
        is_survey: message.is_survey(),
    })
}

/// How the id of a message begins that was handed on, once for each time: an attendant's message is `fwd:fwd:{id}` in the customer's thread.
const FORWARDED: &str = "fwd:";
const HANDED_ON_BY_DESK: &str = "fwd:fwd:";

/// Mark of a message by a person.
const HUMAN: &str = "Human";

/// Returns the id under which a message was written first, and how often it was handed on since. Blip's ids are UUIDs; any other text is told apart
/// by its digest.
fn message_id(id: &str) -> (Uuid, u8) {
    let first = id.trim_start_matches(FORWARDED);
    let times = (id.len() - first.len()) / FORWARDED.len();
    match Uuid::try_parse(first) {
        Ok(uuid) => (uuid, u8::try_from(times).unwrap_or(u8::MAX)),
        Err(_) => (Uuid::from_slice(&Sha256::digest(id.as_bytes())[..16]).expect("sixteen bytes"), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_can_not_take_part_in_a_turn_is_set_aside_with_its_reason() {
        let row = |json| row(&serde_json::from_str::<desk::Message>(json).unwrap()).map(|row| row.is_received);
        assert_eq!(row(r#"{"id":"m","direction":"sent","date":"2026-02-03T13:01:10.420Z"}"#), Ok(false));
        assert_eq!(row(r#"{"id":"m","direction":"sent","date":"yesterday"}"#), Err("no readable time"));
        assert_eq!(row(r#"{"direction":"sent","date":"2026-02-03T13:01:10.420Z"}"#), Err("no id"));
        assert_eq!(row(r#"{"id":"m","direction":"sideways","date":"2026-02-03T13:01:10.420Z"}"#), Err("an unknown direction"));
        assert_eq!(row(r#"{"id":"m","date":"2026-02-03T13:01:10.420Z"}"#), Err("no direction"));
    }

    #[test]
    fn unmarked_messages_count_only_beside_marked_ones_and_where_they_seem_an_attendants() {
        let message = |id: &str, minute: u32, metadata: &str| {
            let json = format!(r#"{{"id":"{id}","direction":"sent","date":"2026-02-03T13:{minute:02}:00Z","metadata":{metadata}}}"#);
            Entry::Record(serde_json::from_str::<desk::Message>(&json).unwrap())
        };
        let marked = |minute| message("m", minute, r##"{"#messageEmitter":"Human","#message.ticketId":"t"}"##);
        assert_eq!(unmarked(&[marked(10), message("fwd:fwd:2", 30, "null"), message("3", 31, "null")]), 1);
        // Between an attendant's for one ticket nobody else writes.
        assert_eq!(unmarked(&[marked(10), message("2", 15, "null"), marked(20), message("3", 25, "null")]), 1);
        assert_eq!(unmarked(&[message("fwd:fwd:2", 15, "null"), message("3", 20, "null")]), 0);
    }

    #[test]
    fn the_newest_message_names_the_customers_other_identities() {
        let message = |json: &str| Entry::Record(serde_json::from_str::<desk::Message>(json).unwrap());
        let pseudonyms = Pseudonyms::new(&"k".into());
        let found = identities(
            &[
                message(r##"{"id":"3","metadata":{"#wa.bsuid":"BR.new","#wa.parentId":"BR.ENT.1"}}"##),
                message(r##"{"id":"2","metadata":{"#wa.bsuid":"BR.old","#tunnel.originator":"5531900000001@wa.gw.msging.net"}}"##),
                message(r#"{"id":"1"}"#),
            ],
            &pseudonyms,
        );
        let expected = OtherIdentities {
            originator: Some(pseudonyms.customer("5531900000001@wa.gw.msging.net")),
            bsuid: Some(pseudonyms.customer("BR.new")),
            parent: Some(pseudonyms.customer("BR.ENT.1")),
        };
        assert_eq!(found, expected);
        assert_eq!(identities(&[message(r#"{"id":"1"}"#)], &pseudonyms), OtherIdentities::default());
    }

    #[test]
    fn a_message_keeps_who_wrote_it_and_for_which_ticket() {
        let row = |metadata: &str| {
            let json = format!(r#"{{"id":"m","direction":"sent","date":"2026-02-03T13:01:10.420Z","metadata":{metadata}}}"#);
            row(&serde_json::from_str::<desk::Message>(&json).unwrap()).map(|row| (row.agent, row.ticket_id.map(|id| id.to_string())))
        };
        let id = "0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11";
        assert_eq!(
            row(&format!(r##"{{"#message.agentIdentity":"Ana%40acme.example@blip.ai","#message.ticketId":"{id}"}}"##)),
            Ok((Some("ana@acme.example".to_owned()), Some(id.to_owned())))
        );
        assert_eq!(row(r##"{"#message.ticketId":"7"}"##), Ok((None, None)));
    }

    #[test]
    fn a_survey_is_known_by_its_type_and_only_when_it_is_sent() {
        let is_survey = |direction: &str, mime: &str| {
            let json = format!(r#"{{"id":"m","direction":"{direction}","date":"2026-02-03T13:01:10.420Z","type":"{mime}","content":"5"}}"#);
            row(&serde_json::from_str::<desk::Message>(&json).unwrap()).map(|row| (row.is_survey, row.content))
        };
        let survey = "application/vnd.lime.satisfaction-survey+json";
        assert_eq!(is_survey("sent", survey), Ok((true, true)));
        assert_eq!(is_survey("received", survey), Ok((false, true)));
        assert_eq!(is_survey("sent", "text/plain"), Ok((false, true)));
    }

    #[test]
    fn ids_stay_what_they_are_and_other_texts_stay_apart() {
        let uuid = Uuid::try_parse("0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11").unwrap();
        assert_eq!(message_id("0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11"), (uuid, 0));
        assert_eq!(message_id("fwd:fwd:0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11"), (uuid, 2));
        assert_ne!(message_id("fwd:1"), message_id("fwd:2"));
        assert_eq!(message_id("fwd:1"), message_id("fwd:1"));
    }
}
