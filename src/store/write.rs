//! Writes of received rows. Each is harmless when repeated: a row that is known already is not written again.

use chrono::{DateTime, Utc};
use duckdb::params;

use super::{AttendantRow, Coverage, EventRow, MessageRow, MessageTask, Resource, Store, StoreError, TicketRow};

/// What a run changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Answers about tickets that are new or differ from the last one.
    pub ticket_answers: usize,
    /// New messages.
    pub messages: usize,
    /// New events.
    pub events: usize,
    /// Attendants and queues that are new, changed or gone.
    pub directory: usize,
    /// Records that could not be read at all.
    pub rejected: usize,
}

impl Written {
    /// Returns whether anything changed.
    pub fn is_empty(&self) -> bool {
        *self == Written::default()
    }
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Written) {
        self.ticket_answers += other.ticket_answers;
        self.messages += other.messages;
        self.events += other.events;
        self.directory += other.directory;
        self.rejected += other.rejected;
    }
}

impl Store {
    /// Keeps answers about tickets that differ from the newest known one; returns how many did.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_tickets(&self, rows: &[TicketRow], run_id: &str) -> Result<usize, StoreError> {
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE incoming_ticket (ticket_id VARCHAR, customer_key VARCHAR, body VARCHAR, key_name VARCHAR)",
        )?;
        let mut appender = self.connection.appender("incoming_ticket")?;
        for row in rows {
            appender.append_row(params![row.ticket_id, row.customer_key, row.body, row.key_name])?;
        }
        appender.flush()?;
        drop(appender);
        Ok(self.connection.execute(
            "INSERT INTO raw.ticket
             SELECT nextval('raw.version'), incoming.ticket_id, incoming.customer_key, incoming.body, incoming.key_name, ?
             FROM (SELECT DISTINCT ON (ticket_id) * FROM incoming_ticket ORDER BY ticket_id) AS incoming
             WHERE NOT EXISTS (
                 SELECT 1
                 FROM (
                     SELECT ticket_id, max_by(body, version) AS body
                     FROM raw.ticket
                     WHERE ticket_id IN (SELECT ticket_id FROM incoming_ticket)
                     GROUP BY ticket_id
                 ) AS known
                 WHERE known.ticket_id = incoming.ticket_id AND known.body = incoming.body
             )
             ORDER BY incoming.ticket_id",
            params![run_id],
        )?)
    }

    /// Keeps new messages of the customers of `tasks` and notes which tickets are covered by the read.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_messages(&self, reads: &[(MessageTask, Vec<MessageRow>)], run_id: &str) -> Result<usize, StoreError> {
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE incoming_message (
                 owner VARCHAR, customer_key VARCHAR, message_id VARCHAR, direction VARCHAR, author VARCHAR, content BOOLEAN, sent_at TIMESTAMP
             );
             CREATE OR REPLACE TEMP TABLE incoming_read (ticket_id VARCHAR, is_final BOOLEAN)",
        )?;
        let mut messages = self.connection.appender("incoming_message")?;
        let mut covered = self.connection.appender("incoming_read")?;
        for (task, rows) in reads {
            for row in rows {
                let sent_at = row.sent_at.naive_utc();
                messages.append_row(params![
                    task.owner,
                    task.customer_key,
                    row.message_id,
                    row.direction,
                    row.author,
                    row.content,
                    sent_at
                ])?;
            }
            for (ticket_id, is_final) in &task.tickets {
                covered.append_row(params![ticket_id, is_final])?;
            }
        }
        messages.flush()?;
        covered.flush()?;
        drop(messages);
        drop(covered);
        self.connection.execute("DELETE FROM raw.message_read WHERE ticket_id IN (SELECT ticket_id FROM incoming_read)", [])?;
        self.connection.execute("INSERT INTO raw.message_read SELECT ticket_id, is_final, ? FROM incoming_read", params![run_id])?;
        Ok(self.connection.execute(
            "INSERT INTO raw.message
             SELECT incoming.owner, incoming.customer_key, incoming.message_id, incoming.direction, incoming.author, incoming.content,
                 incoming.sent_at, ?
             FROM (
                 SELECT DISTINCT ON (owner, customer_key, message_id) *
                 FROM incoming_message
                 ORDER BY owner, customer_key, message_id
             ) AS incoming
             ANTI JOIN raw.message AS known
                 ON known.owner = incoming.owner AND known.customer_key = incoming.customer_key AND known.message_id = incoming.message_id
             ORDER BY incoming.owner, incoming.customer_key, incoming.sent_at, incoming.message_id",
            params![run_id],
        )?)
    }

    /// Keeps new events; their comments go to the restricted area.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_events(&self, rows: &[EventRow], run_id: &str) -> Result<usize, StoreError> {
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE incoming_event (
                 event_id VARCHAR, category VARCHAR, action VARCHAR, recorded_at TIMESTAMP, customer_key VARCHAR, queue VARCHAR, comment VARCHAR
             )",
        )?;
        let mut appender = self.connection.appender("incoming_event")?;
        for row in rows {
            let recorded_at = row.recorded_at.naive_utc();
            appender.append_row(params![row.event_id, row.category, row.action, recorded_at, row.customer_key, row.queue, row.comment])?;
        }
        appender.flush()?;
        drop(appender);
        self.connection.execute_batch(
            "INSERT INTO restricted.comment
             SELECT incoming.event_id, incoming.comment
             FROM incoming_event AS incoming
             ANTI JOIN raw.event AS known ON known.event_id = incoming.event_id
             WHERE incoming.comment IS NOT NULL
             ORDER BY incoming.event_id",
        )?;
        Ok(self.connection.execute(
            "INSERT INTO raw.event
             SELECT incoming.event_id, incoming.category, incoming.action, incoming.recorded_at, incoming.customer_key, incoming.queue, ?
             FROM incoming_event AS incoming
             ANTI JOIN raw.event AS known ON known.event_id = incoming.event_id
             ORDER BY incoming.recorded_at, incoming.event_id",
            params![run_id],
        )?)
    }

    /// Keeps what is new about attendants, and the list of queues; returns how many rows changed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_directory(&self, attendants: &[AttendantRow], queues: &[String], run_id: &str) -> Result<usize, StoreError> {
        let mut changed = 0;
        for row in attendants {
            let joined = (!row.queues.is_empty()).then(|| row.queues.join("|"));
            changed += self.connection.execute(
                "INSERT INTO raw.attendant
                 SELECT nextval('raw.version'), new.agent, new.name, new.queues, ?
                 FROM (SELECT CAST(? AS VARCHAR) AS agent, CAST(? AS VARCHAR) AS name, CAST(? AS VARCHAR) AS queues) AS new
                 WHERE NOT EXISTS (
                     SELECT 1
                     FROM (SELECT * FROM raw.attendant AS known WHERE known.agent = new.agent ORDER BY known.version DESC LIMIT 1) AS newest
                     WHERE newest.name IS NOT DISTINCT FROM new.name AND newest.queues IS NOT DISTINCT FROM new.queues
                 )",
                params![run_id, row.agent, row.name, joined],
            )?;
        }
        let known: Vec<String> = {
            let mut statement = self.connection.prepare("SELECT queue FROM raw.queue ORDER BY queue")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut listed = queues.to_vec();
        listed.sort();
        listed.dedup();
        if listed != known {
            self.connection.execute("DELETE FROM raw.queue", [])?;
            for queue in &listed {
                self.connection.execute("INSERT INTO raw.queue VALUES (?)", params![queue])?;
            }
            changed += listed.len().abs_diff(known.len()).max(1);
        }
        Ok(changed)
    }

    /// Keeps the fingerprints of records that could not be read at all.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_rejected(&self, resource: Resource, rejected: &[(String, String)], run_id: &str) -> Result<usize, StoreError> {
        let mut written = 0;
        for (reason, fingerprint) in rejected {
            written += self.connection.execute(
                "INSERT INTO raw.rejected
                 SELECT new.* FROM (SELECT CAST(? AS VARCHAR) AS resource, CAST(? AS VARCHAR) AS reason, CAST(? AS VARCHAR) AS fingerprint, ?) AS new
                 WHERE NOT EXISTS (
                     SELECT 1 FROM raw.rejected AS known WHERE known.resource = new.resource AND known.fingerprint = new.fingerprint
                 )",
                params![resource.name(), reason, fingerprint, run_id],
            )?;
        }
        Ok(written)
    }

    /// Notes what was read of some days.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_coverage(&self, coverage: &[Coverage]) -> Result<(), StoreError> {
        for day in coverage {
            self.connection.execute(
                "DELETE FROM raw.coverage WHERE resource = ? AND key_name = ? AND day = ?",
                params![day.resource.name(), day.key_name, day.day],
            )?;
            self.connection.execute(
                "INSERT INTO raw.coverage VALUES (?, ?, ?, ?, ?, ?, ?)",
                params![day.resource.name(), day.key_name, day.day, day.reported, day.stored, day.still_open, day.day_was_over],
            )?;
        }
        Ok(())
    }

    /// Notes a run that changed something.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_load(&self, run_id: &str, finished_at: DateTime<Utc>, written: &Written) -> Result<(), StoreError> {
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.connection.execute(
            "INSERT INTO raw.load VALUES (?, ?, ?, ?, ?)",
            params![run_id, finished_at.naive_utc(), count(written.ticket_answers), count(written.messages), count(written.events)],
        )?;
        Ok(())
    }

    /// Reads a mark, such as the instant until which everything was asked for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn mark(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare("SELECT max(value) FROM raw.mark WHERE name = ?")?;
        Ok(statement.query_row(params![name], |row| row.get(0))?)
    }

    /// Sets a mark.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_mark(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM raw.mark WHERE name = ?", params![name])?;
        self.connection.execute("INSERT INTO raw.mark VALUES (?, ?)", params![name, value])?;
        Ok(())
    }
}
