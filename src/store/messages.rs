//! Messages as they are written: each once, whatever was read before.

use std::collections::{HashMap, HashSet};

use duckdb::params;
use uuid::Uuid;

use super::{MessageRow, MessageSource, MessageTask, OtherIdentities, Run, Store, StoreError, TaskTicket, columns, erased_digest};
use crate::domain::digest::sha256;

/// What the messages of one customer gave.
#[derive(Debug)]
pub struct MessageRead {
    /// What was asked for.
    pub task: MessageTask,
    /// The messages.
    pub rows: Vec<MessageRow>,
    /// Where the messages of each ticket of the task came from, in its order.
    pub sources: Vec<MessageSource>,
    /// Other identities of the customer that the messages name.
    pub identities: OtherIdentities,
}

/// Messages by thread and id.
pub type KnownMessages = HashSet<(i64, Uuid)>;

/// Returns whether a message is here: under its id, or under the digest of the id that it travelled under, as earlier versions kept it.
fn is_known(known: &KnownMessages, thread_id: i64, row: &MessageRow) -> bool {
    let digest = || {
        let travelled = format!("{}{}", "fwd:".repeat(row.handed_on.into()), row.message_id);
        Uuid::try_parse(&sha256(travelled.as_bytes())[..32]).expect("32 hexadecimal digits")
    };
    !known.is_empty() && (known.contains(&(thread_id, row.message_id)) || (row.handed_on > 0 && known.contains(&(thread_id, digest()))))
}

impl Store {
    /// Keeps new messages, those that are not `known`, and notes which tickets are covered by the read.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_messages(&self, reads: &[MessageRead], known: &KnownMessages, run: Run) -> Result<usize, StoreError> {
        if reads.is_empty() {
            return Ok(0);
        }
        let mut next: i64 = self.connection.query_row("SELECT coalesce(max(thread_id), 0) + 1 FROM raw.thread", [], |row| row.get(0))?;
        let unlinked = self.unlinked_since()?;
        let (mut threads, mut messages, mut changed, mut covered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for read in reads {
            let task = &read.task;
            let thread_id = task.thread_id.unwrap_or_else(|| {
                threads.push((next, task));
                next += 1;
                next - 1
            });
            // One order, whatever the order of pages; a message that came twice counts once.
            let mut rows: Vec<&MessageRow> = read.rows.iter().collect();
            rows.sort_by_key(|row| (row.sent_at, row.message_id));
            let mut seen = HashSet::with_capacity(rows.len());
            let unlinked = if unlinked.is_empty() { None } else { unlinked.get(&erased_digest(&task.customer_key)) };
            let before = messages.len();
            messages.extend(
                rows.into_iter()
                    .filter(|row| unlinked.is_none_or(|since| row.sent_at >= *since))
                    .filter(|row| seen.insert(row.message_id) && !is_known(known, thread_id, row))
                    .map(|row| (thread_id, row)),
            );
            if messages.len() > before {
                changed.push(task.customer_key.as_str());
            }
            covered.extend(task.tickets.iter().zip(&read.sources).map(|(ticket, source)| (ticket, *source, task.customer_key.as_str())));
        }
        let authors = self.authors(messages.iter().filter_map(|(_, row)| row.agent.as_deref()))?;
        let (written, run) = (messages.len(), run.number);
        let threads = vec![
            columns::numbers(threads.iter().map(|(number, _)| *number)),
            columns::texts(threads.iter().map(|(_, task)| task.owner.as_str())),
            columns::texts(threads.iter().map(|(_, task)| task.customer_key.as_str())),
        ];
        columns::append(self.connection.appender_to_catalog_and_db("thread", &self.catalog, "raw")?, threads)?;
        let messages = vec![
            columns::numbers(messages.iter().map(|(thread, _)| *thread)),
            columns::uuids(messages.iter().map(|(_, row)| &row.message_id)),
            columns::flags(messages.iter().map(|(_, row)| row.is_received)),
            columns::texts_or_none(messages.iter().map(|(_, row)| row.author.as_deref())),
            columns::flags(messages.iter().map(|(_, row)| row.content)),
            columns::instants(messages.iter().map(|(_, row)| Some(row.sent_at))),
            columns::numbers(messages.iter().map(|_| run)),
            columns::small_numbers_or_none(messages.iter().map(|(_, row)| authors.get(row.agent.as_deref()?).copied())),
            // Only where nothing names the author is the ticket of any use.
            columns::uuids_or_none(messages.iter().map(|(_, row)| row.ticket_id.as_ref().filter(|_| row.agent.is_none()))),
            columns::flags(messages.iter().map(|(_, row)| row.is_survey)),
        ];
        columns::append(self.connection.appender_to_catalog_and_db("message", &self.catalog, "raw")?, messages)?;
        self.write_identities(reads.iter().map(|read| (read.task.customer_key.as_str(), &read.task.identities, &read.identities)))?;
        let changed = vec![columns::texts(changed)];
        columns::append(self.connection.appender_to_catalog_and_db("changed_customer", &self.catalog, "state")?, changed)?;
        let is_final = |(ticket, source, _): &(&TaskTicket, MessageSource, &str)| ticket.is_closed && *source != MessageSource::None;
        let covered = vec![
            columns::texts(covered.iter().map(|(ticket, ..)| ticket.ticket_id.as_str())),
            columns::flags(covered.iter().map(is_final)),
            columns::texts(covered.iter().map(|(_, source, _)| source.name())),
            columns::texts(covered.iter().map(|(.., customer_key)| *customer_key)),
        ];
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE incoming_read (ticket_id VARCHAR, is_final BOOLEAN, source VARCHAR, customer_key VARCHAR)",
        )?;
        columns::append(self.connection.appender("incoming_read")?, covered)?;
        self.connection.execute_batch(
            "-- Messages that came stay here when Blip forgets them.
             CREATE OR REPLACE TEMP TABLE changed_read AS
             SELECT
                 incoming.ticket_id,
                 incoming.is_final,
                 incoming.customer_key,
                 earlier.message_source AS earlier_source,
                 CASE
                     WHEN earlier.message_source IN ('ticket', 'thread') AND incoming.source NOT IN ('ticket', 'thread')
                         THEN earlier.message_source
                     ELSE incoming.source
                 END AS kept_source
             FROM incoming_read AS incoming
             LEFT JOIN state.unsettled AS earlier ON earlier.ticket_id = incoming.ticket_id
             WHERE kept_source IS DISTINCT FROM earlier_source OR earlier.has_all_messages IS DISTINCT FROM incoming.is_final;
             INSERT INTO state.changed_customer
             SELECT DISTINCT customer_key FROM changed_read WHERE kept_source IS DISTINCT FROM earlier_source;
             DELETE FROM raw.message_read WHERE ticket_id IN (SELECT ticket_id FROM changed_read WHERE earlier_source IS NOT NULL);
             INSERT INTO raw.message_read (ticket_id, is_final, source) SELECT ticket_id, is_final, kept_source FROM changed_read;
             DELETE FROM state.unsettled
             WHERE ticket_id IN (SELECT ticket_id FROM changed_read WHERE is_final AND kept_source <> 'no_key');
             UPDATE state.unsettled SET has_all_messages = changed.is_final, message_source = changed.kept_source
             FROM changed_read AS changed
             WHERE changed.ticket_id = unsettled.ticket_id",
        )?;
        Ok(written)
    }

    /// Returns the numbers of attendants by e-mail address, new ones for those that were unknown.
    fn authors<'a>(&self, agents: impl Iterator<Item = &'a str>) -> Result<HashMap<String, i32>, StoreError> {
        let mut statement = self.connection.prepare("SELECT agent, author_id FROM raw.author")?;
        let known = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut authors: HashMap<String, i32> = known.collect::<Result<_, _>>()?;
        for agent in agents {
            if !authors.contains_key(agent) {
                let number = i32::try_from(authors.len() + 1).expect("attendants are few");
                self.connection.execute("INSERT INTO raw.author (author_id, agent) VALUES (?, ?)", params![number, agent])?;
                authors.insert(agent.to_owned(), number);
            }
        }
        Ok(authors)
    }

    /// Returns the messages of `threads` that are here already.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn known_messages(&self, threads: Vec<i64>) -> Result<KnownMessages, StoreError> {
        let mut known = KnownMessages::new();
        if threads.is_empty() {
            return Ok(known);
        }
        self.connection.execute_batch("CREATE OR REPLACE TEMP TABLE known_thread (thread_id BIGINT)")?;
        columns::append(self.connection.appender("known_thread")?, vec![columns::numbers(threads)])?;
        let mut statement = self
            .connection
            .prepare("SELECT thread_id, CAST(message_id AS VARCHAR) FROM raw.message SEMI JOIN known_thread USING (thread_id)")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        for row in rows {
            let (thread_id, id) = row?;
            known.insert((thread_id, Uuid::try_parse(&id).expect("the column holds UUIDs only")));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::store::TicketRow;

    /// What happens to one ticket of Ana's.
    struct Ticket {
        store: Store,
        at: DateTime<Utc>,
    }

    impl Ticket {
        fn new() -> Ticket {
            Ticket { store: Store::in_memory().unwrap(), at: "2026-10-05T12:00:00Z".parse().unwrap() }
        }

        fn is_told(&self, customer_key: &str, body: &str, ended_after_minutes: Option<i64>) {
            let row = TicketRow {
                ticket_id: "t1".to_owned(),
                owner: "bot".to_owned(),
                customer_key: customer_key.to_owned(),
                earlier_key: None,
                body: body.to_owned(),
                key_name: "desk".to_owned(),
                created_at: Some(self.at),
                is_closed: ended_after_minutes.is_some(),
                closed_at: ended_after_minutes.map(|minutes| self.at + TimeDelta::minutes(minutes)),
                has_other_identity: false,
            };
            self.store.write_tickets(&[row], self.store.begin_run(self.at).unwrap()).unwrap();
        }

        /// Returns whose messages are to be read.
        fn task(&self, has_router_key: bool) -> Option<MessageTask> {
            self.store.message_tasks("desk", has_router_key, None, 9).unwrap().pop()
        }

        /// Has the read of its messages end like this; returns how many customers have changed by it.
        fn is_read(&self, source: MessageSource) -> i64 {
            self.store.connection().execute_batch("DELETE FROM state.changed_customer").unwrap();
            let read = MessageRead {
                task: self.task(true).expect("a task"),
                rows: Vec::new(),
                sources: vec![source],
                identities: OtherIdentities::default(),
            };
            let run = self.store.begin_run(self.at).unwrap();
            assert_eq!(self.store.write_messages(&[read], &KnownMessages::new(), run).unwrap(), 0);
            self.number("SELECT count(*) FROM state.changed_customer")
        }

        fn number(&self, sql: &str) -> i64 {
            self.store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
        }
    }

    #[test]
    fn whoever_gets_no_message_but_another_reason_for_it_has_changed() {
        let ticket = Ticket::new();
        ticket.is_told("ana", "{}", Some(10));
        let found = [MessageSource::NoKey, MessageSource::NoKey, MessageSource::Expired].map(|source| ticket.is_read(source));
        assert_eq!(found, [1, 0, 1]);
    }

    #[test]
    fn messages_are_asked_for_until_they_are_here_and_again_when_they_go_on() {
        let ticket = Ticket::new();
        let asked = || (ticket.task(false).is_some(), ticket.task(true).is_some());
        ticket.is_told("ana", "open", None);
        ticket.is_read(MessageSource::None);
        assert_eq!(asked(), (true, true), "nothing came");
        ticket.is_told("ana", "closed", Some(10));
        ticket.is_read(MessageSource::NoKey);
        assert_eq!(asked(), (false, true));
        ticket.is_told("ana", "closed, another tag", Some(10));
        assert_eq!(asked(), (false, true));
        ticket.is_read(MessageSource::Thread);
        ticket.is_told("ana", "closed, a third tag", Some(10));
        assert_eq!(asked(), (false, false));
        assert_eq!(ticket.number("SELECT count(*) FROM state.unsettled"), 0);
        let here = "SELECT count(*) FROM raw.message_read WHERE source = 'thread'";
        for (body, minute) in [("open again", None), ("closed again", Some(20)), ("closed anew", Some(30))] {
            ticket.is_told("ana", body, minute);
            assert_eq!(asked(), (true, true), "{body}");
            // What came before is here, whatever comes now.
            ticket.is_read(MessageSource::Expired);
            assert_eq!((ticket.number(here), ticket.number("SELECT count(*) FROM raw.message_read")), (1, 1), "{body}");
        }
        assert_eq!(asked(), (false, false));
        // The same answer about another customer is about other messages.
        ticket.is_told("leo", "closed anew", Some(30));
        assert_eq!((asked(), ticket.number("SELECT count(*) FROM raw.message_read")), ((true, true), 0));
    }
}
