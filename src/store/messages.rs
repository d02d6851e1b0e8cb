//! Messages as they are written: each once, whatever was read before.

use std::collections::HashSet;

use uuid::Uuid;

use super::{MessageRow, MessageSource, MessageTask, Run, Store, StoreError, TaskTicket, columns};

/// What the messages of one customer gave.
#[derive(Debug)]
pub struct MessageRead {
    /// What was asked for.
    pub task: MessageTask,
    /// The messages.
    pub rows: Vec<MessageRow>,
    /// Where the messages of each ticket of the task came from, in its order.
    pub sources: Vec<MessageSource>,
}

/// Messages by thread and id.
pub type KnownMessages = HashSet<(i64, Uuid)>;

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
            let unlinked = unlinked.get(&task.customer_key);
            let before = messages.len();
            messages.extend(
                rows.into_iter()
                    .filter(|row| unlinked.is_none_or(|since| row.sent_at >= *since))
                    .filter(|row| seen.insert(row.message_id) && !known.contains(&(thread_id, row.message_id)))
                    .map(|row| (thread_id, row)),
            );
            if messages.len() > before {
                changed.push(task.customer_key.as_str());
            }
            covered.extend(task.tickets.iter().zip(&read.sources).map(|(ticket, source)| (ticket, *source, task.customer_key.as_str())));
        }
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
        ];
        columns::append(self.connection.appender_to_catalog_and_db("message", &self.catalog, "raw")?, messages)?;
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
            "CREATE OR REPLACE TEMP TABLE earlier_read AS
             SELECT rowid AS place, ticket_id, source FROM raw.message_read WHERE ticket_id IN (SELECT ticket_id FROM incoming_read);
             INSERT INTO state.changed_customer
             SELECT DISTINCT incoming.customer_key
             FROM incoming_read AS incoming
             LEFT JOIN earlier_read AS earlier ON earlier.ticket_id = incoming.ticket_id
             WHERE earlier.source IS DISTINCT FROM incoming.source;
             DELETE FROM raw.message_read WHERE rowid IN (SELECT place FROM earlier_read);
             INSERT INTO raw.message_read (ticket_id, is_final, source) SELECT ticket_id, is_final, source FROM incoming_read",
        )?;
        Ok(written)
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
    use chrono::{DateTime, Utc};

    use super::*;

    #[test]
    fn whoever_gets_no_message_but_another_reason_for_it_has_changed() {
        let store = Store::in_memory().unwrap();
        let at: DateTime<Utc> = "2026-10-05T12:00:00Z".parse().unwrap();
        let run = store.begin_run(at).unwrap();
        let ticket = TaskTicket { ticket_id: "t1".to_owned(), is_closed: true, created_at: at };
        let task = MessageTask {
            owner: "bot".to_owned(),
            customer_key: "ana".to_owned(),
            newest_ticket_id: "t1".to_owned(),
            newest_at: at,
            not_before: at,
            thread_id: Some(1),
            known_from: None,
            tickets: vec![ticket],
        };
        let changed = |source| -> i64 {
            let read = MessageRead { task: task.clone(), rows: Vec::new(), sources: vec![source] };
            assert_eq!(store.write_messages(&[read], &KnownMessages::new(), run).unwrap(), 0);
            let changed = store.connection().query_row("SELECT count(*) FROM state.changed_customer", [], |row| row.get(0)).unwrap();
            store.connection().execute_batch("DELETE FROM state.changed_customer").unwrap();
            changed
        };
        let found = [MessageSource::NoKey, MessageSource::NoKey, MessageSource::Expired, MessageSource::Expired].map(changed);
        assert_eq!(found, [1, 0, 1, 0]);
    }
}
