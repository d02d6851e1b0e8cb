//! Writes of received rows. Each is harmless when repeated: a row that is known already is not written again.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use duckdb::params;

use super::{AttendantRow, Coverage, EventRow, ORIGINATOR, ReportRow, Resource, Store, StoreError, TicketRow, columns};

/// What a run changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Answers about tickets that are new or differ from the last one.
    pub ticket_answers: usize,
    /// New messages.
    pub messages: usize,
    /// New events.
    pub events: usize,
    /// Attendants and queues that are new or changed.
    pub directory: usize,
    /// Days of Blip's own figures that are new or changed.
    pub reports: usize,
    /// Records that could not be read at all.
    pub rejected: usize,
}

impl Written {
    /// Returns whether anything changed.
    pub fn is_empty(&self) -> bool {
        *self == Written::default()
    }
}

impl std::ops::Add for Written {
    type Output = Written;

    fn add(mut self, other: Written) -> Written {
        self += other;
        self
    }
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Written) {
        self.ticket_answers += other.ticket_answers;
        self.messages += other.messages;
        self.events += other.events;
        self.directory += other.directory;
        self.reports += other.reports;
        self.rejected += other.rejected;
    }
}

/// A run, by which rows are known to have come.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Its number, counted from 1.
    pub number: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// Joins names by `|`; as a JSON list where a name holds one, or begins as such a list does.
fn joined(names: &[String]) -> String {
    let is_plain = |name: &String| !name.contains('|') && !name.starts_with("[\"");
    if names.iter().all(is_plain) { names.join("|") } else { serde_json::json!(names).to_string() }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Store {
    /// Begins a run. Nothing is written for one that changes nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn begin_run(&self, started_at: DateTime<Utc>) -> Result<Run, StoreError> {
        let number = self.connection.query_row("SELECT coalesce(max(run), 0) + 1 FROM raw.load", [], |row| row.get(0))?;
        Ok(Run { number, started_at })
    }

    /// Adds to what a run has changed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_load(&self, run: Run, written: &Written) -> Result<(), StoreError> {
        if written.is_empty() {
            return Ok(());
        }
        self.connection.execute(
            "INSERT INTO raw.load
             SELECT new.run, new.started_at, NULL, NULL, 0, 0, 0, 0
             FROM (SELECT CAST(? AS BIGINT) AS run, CAST(? AS TIMESTAMP) AS started_at) AS new
             WHERE NOT EXISTS (SELECT 1 FROM raw.load AS known WHERE known.run = new.run)",
            params![run.number, run.started_at.naive_utc()],
        )?;
        self.connection.execute(
            "UPDATE raw.load SET ticket_answers = ticket_answers + ?, messages = messages + ?, events = events + ? WHERE run = ?",
            params![count(written.ticket_answers), count(written.messages), count(written.events), run.number],
        )?;
        Ok(())
    }

    /// Notes how a run ended, if it changed anything.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish_run(&self, run: Run, finished_at: DateTime<Utc>, outcome: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE raw.load SET finished_at = ?, outcome = ? WHERE run = ?",
            params![finished_at.naive_utc(), outcome, run.number],
        )?;
        Ok(())
    }

    /// Keeps answers about tickets that differ from the newest known one; returns how many did.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_tickets(&self, rows: &[TicketRow], run: Run) -> Result<usize, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE incoming_ticket (
                 ticket_id VARCHAR, owner VARCHAR, customer_key VARCHAR, body VARCHAR, key_name VARCHAR, created_at TIMESTAMP, is_closed BOOLEAN,
                 closed_at TIMESTAMP, has_other_identity BOOLEAN, earlier_key VARCHAR
             )",
        )?;
        let columns = vec![
            columns::texts(rows.iter().map(|row| row.ticket_id.as_str())),
            columns::texts(rows.iter().map(|row| row.owner.as_str())),
            columns::texts(rows.iter().map(|row| row.customer_key.as_str())),
            columns::texts(rows.iter().map(|row| row.body.as_str())),
            columns::texts(rows.iter().map(|row| row.key_name.as_str())),
            columns::instants(rows.iter().map(|row| row.created_at)),
            columns::flags(rows.iter().map(|row| row.is_closed)),
            columns::instants(rows.iter().map(|row| row.closed_at)),
            columns::flags(rows.iter().map(|row| row.has_other_identity)),
            columns::texts_or_none(rows.iter().map(|row| row.earlier_key.as_deref())),
        ];
        columns::append(self.connection.appender("incoming_ticket")?, columns)?;
        self.keep_tickets_unlinked()?;
        self.write_renamed(rows.iter().filter_map(|row| Some((row.earlier_key.as_deref()?, row.customer_key.as_str()))))?;
        if rows.iter().any(|row| row.earlier_key.is_some()) {
            // A ticket that is known under the pseudonym of an earlier version stays that customer's: the link says who they are.
            self.connection.execute_batch(
                "UPDATE incoming_ticket SET customer_key = known.customer_key
                 FROM state.ticket AS known
                 WHERE known.ticket_id = incoming_ticket.ticket_id AND known.customer_key = incoming_ticket.earlier_key",
            )?;
        }
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE changed_ticket AS
             SELECT incoming.*, known.rowid AS place, known.customer_key AS earlier_customer, known.closed_at AS earlier_end
             FROM (SELECT DISTINCT ON (ticket_id) *, hash(body) AS digest FROM incoming_ticket ORDER BY ticket_id) AS incoming
             LEFT JOIN state.ticket AS known ON known.ticket_id = incoming.ticket_id
             -- The answer as it is stored does not say whose the ticket is.
             WHERE known.digest IS DISTINCT FROM incoming.digest OR known.customer_key <> incoming.customer_key",
        )?;
        let changed = self.connection.execute(
            "INSERT INTO raw.ticket (version, ticket_id, customer_key, body, key_name, run)
             SELECT nextval('raw.version'), ticket_id, customer_key, body, key_name, ? FROM changed_ticket ORDER BY created_at, ticket_id",
            params![run.number],
        )?;
        if changed > 0 {
            self.connection.execute_batch(
                "-- Which identity names a person depends on which of them have tickets.
                 INSERT INTO state.changed_link
                 SELECT person.customer_key
                 FROM state.person
                 SEMI JOIN changed_ticket AS changed
                     ON changed.customer_key = person.customer_key AND changed.customer_key IS DISTINCT FROM changed.earlier_customer
                 ANTI JOIN state.ticket AS known ON known.customer_key = person.customer_key
                 UNION
                 SELECT person.customer_key
                 FROM state.person
                 SEMI JOIN changed_ticket AS changed
                     ON changed.earlier_customer = person.customer_key AND changed.customer_key IS DISTINCT FROM changed.earlier_customer;
                 DELETE FROM state.ticket WHERE rowid IN (SELECT place FROM changed_ticket);
                 INSERT INTO state.ticket (ticket_id, owner, customer_key, key_name, created_at, is_closed, digest, closed_at)
                 SELECT ticket_id, owner, customer_key, key_name, created_at, is_closed, digest, closed_at
                 FROM changed_ticket
                 ORDER BY created_at, ticket_id;
                 DELETE FROM state.former_customer USING changed_ticket AS changed
                 WHERE changed.ticket_id = former_customer.ticket_id AND changed.customer_key = former_customer.customer_key;
                 INSERT INTO state.former_customer
                 SELECT ticket_id, earlier_customer FROM changed_ticket WHERE earlier_customer <> customer_key;
                 CREATE OR REPLACE TEMP TABLE earlier_unsettled AS
                 SELECT rowid AS place, * FROM state.unsettled WHERE ticket_id IN (SELECT ticket_id FROM changed_ticket);
                 DELETE FROM state.unsettled WHERE rowid IN (SELECT place FROM earlier_unsettled);
                 -- What is known and not unsettled has its messages, unless it is open again or has ended anew. What another customer wrote is
                 -- not what this one did.
                 CREATE OR REPLACE TEMP TABLE covered_ticket AS
                 SELECT
                     changed.*,
                     CASE
                         WHEN changed.earlier_customer IS DISTINCT FROM changed.customer_key THEN FALSE
                         WHEN earlier.ticket_id IS NOT NULL THEN earlier.has_all_messages
                         ELSE changed.is_closed AND coalesce(changed.closed_at = changed.earlier_end, TRUE)
                     END AS has_all_messages,
                     CASE WHEN changed.earlier_customer = changed.customer_key THEN earlier.message_source END AS message_source
                 FROM changed_ticket AS changed
                 LEFT JOIN earlier_unsettled AS earlier ON earlier.ticket_id = changed.ticket_id;
                 DELETE FROM raw.message_read
                 WHERE ticket_id IN (SELECT ticket_id FROM covered_ticket WHERE earlier_customer <> customer_key);
                 UPDATE covered_ticket SET message_source = message_read.source
                 FROM raw.message_read
                 WHERE message_read.ticket_id = covered_ticket.ticket_id
                     AND covered_ticket.earlier_customer IS NOT NULL AND NOT covered_ticket.has_all_messages
                     AND covered_ticket.message_source IS NULL;
                 INSERT INTO state.unsettled
                 SELECT ticket_id, owner, customer_key, key_name, created_at, is_closed, has_all_messages, message_source
                 FROM covered_ticket
                 WHERE NOT (is_closed AND has_all_messages AND message_source IS DISTINCT FROM 'no_key')
                 ORDER BY created_at, ticket_id;
                 INSERT INTO state.open_tunnel
                 SELECT DISTINCT customer_key FROM changed_ticket WHERE has_other_identity AND earlier_customer IS DISTINCT FROM customer_key;
                 INSERT INTO state.changed_customer
                 SELECT DISTINCT customer_key FROM changed_ticket
                 UNION
                 SELECT earlier_customer FROM changed_ticket WHERE earlier_customer IS NOT NULL
                 UNION
                 SELECT customer_key FROM raw.imported_ticket WHERE ticket_id IN (SELECT ticket_id FROM changed_ticket)
                 UNION
                 SELECT coalesce(customer_key, '') FROM raw.imported_rating WHERE ticket_id IN (SELECT ticket_id FROM changed_ticket)",
            )?;
        }
        Ok(changed)
    }

    /// Keeps new events; their comments go to the restricted area. A known event whose queue is read from another extra now is corrected.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_events(&self, rows: &[EventRow], run: Run) -> Result<usize, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE incoming_event (
                 event_id VARCHAR, category VARCHAR, action VARCHAR, recorded_at TIMESTAMP, customer_key VARCHAR, queue VARCHAR, comment VARCHAR,
                 earlier_key VARCHAR
             )",
        )?;
        let columns = vec![
            columns::texts(rows.iter().map(|row| row.event_id.as_str())),
            columns::texts(rows.iter().map(|row| row.category.as_str())),
            columns::texts(rows.iter().map(|row| row.action.as_str())),
            columns::instants(rows.iter().map(|row| Some(row.recorded_at))),
            columns::texts_or_none(rows.iter().map(|row| row.customer_key.as_deref())),
            columns::texts_or_none(rows.iter().map(|row| row.queue.as_deref())),
            columns::texts_or_none(rows.iter().map(|row| row.comment.as_deref())),
            columns::texts_or_none(rows.iter().map(|row| row.earlier_key.as_deref())),
        ];
        columns::append(self.connection.appender("incoming_event")?, columns)?;
        self.keep_events_unlinked()?;
        self.write_renamed(rows.iter().flat_map(EventRow::renamed))?;
        let links = rows.iter().filter_map(|row| Some((row.customer_key.as_deref()?, ORIGINATOR, Some(row.originator_key.as_deref()?))));
        self.write_links(&links.collect::<Vec<_>>())?;
        // An event's id is made from its time, too: what is known of other times is none of these, and is passed over.
        let times = || rows.iter().map(|row| row.recorded_at.timestamp_micros());
        let (first, last) = times().min().zip(times().max()).unwrap_or_default();
        let of_these_times = format!("event.recorded_at BETWEEN make_timestamp({first}) AND make_timestamp({last})");
        self.connection.execute_batch(&format!(
            "DELETE FROM raw.event
             USING incoming_event AS incoming
             WHERE incoming.event_id = event.event_id AND incoming.queue IS DISTINCT FROM event.queue AND {of_these_times};
             CREATE OR REPLACE TEMP TABLE new_event AS
             SELECT incoming.* FROM incoming_event AS incoming
             ANTI JOIN (SELECT event_id FROM raw.event WHERE {of_these_times}) AS known ON known.event_id = incoming.event_id;
             DELETE FROM restricted.comment WHERE event_id IN (SELECT event_id FROM new_event);
             INSERT INTO restricted.comment
             SELECT event_id, comment FROM new_event WHERE comment IS NOT NULL ORDER BY event_id;
             INSERT INTO state.changed_customer SELECT DISTINCT coalesce(customer_key, '') FROM new_event;
             -- Which identity names a person without tickets depends on which of them have answers.
             INSERT INTO state.changed_link
             SELECT person.customer_key
             FROM state.person
             SEMI JOIN new_event AS new ON new.customer_key = person.customer_key
             ANTI JOIN state.ticket ON ticket.customer_key = person.person_key"
        ))?;
        Ok(self.connection.execute(
            "INSERT INTO raw.event (event_id, category, action, recorded_at, customer_key, queue, run)
             SELECT event_id, category, action, recorded_at, customer_key, queue, ? FROM new_event ORDER BY recorded_at, event_id",
            params![run.number],
        )?)
    }

    /// Keeps what is new about attendants and queues; returns how many rows changed. Who is not listed any more stays.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_directory(&self, attendants: &[AttendantRow], queues: &[String], run: Run) -> Result<usize, StoreError> {
        let newest: HashMap<String, (Option<String>, Option<String>)> = {
            let mut statement = self.connection.prepare(
                "SELECT agent, name, queues FROM raw.attendant QUALIFY row_number() OVER (PARTITION BY agent ORDER BY version DESC) = 1",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut changed = 0;
        for row in attendants {
            let joined = (!row.queues.is_empty()).then(|| joined(&row.queues));
            if newest.get(&row.agent).is_some_and(|(name, queues)| *name == row.name && *queues == joined) {
                continue;
            }
            changed += self.connection.execute(
                "INSERT INTO raw.attendant (version, agent, name, queues, run) SELECT nextval('raw.version'), ?, ?, ?, ?",
                params![row.agent, row.name, joined, run.number],
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

    /// Keeps how channels are set: domain, state and what is missing. An empty list leaves what is known.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_channels(&self, channels: &[(&str, &str, Option<String>)]) -> Result<(), StoreError> {
        if channels.is_empty() {
            return Ok(());
        }
        self.connection.execute("DELETE FROM raw.channel_setting", [])?;
        for (channel, state, missing) in channels {
            self.connection.execute("INSERT INTO raw.channel_setting VALUES (?, ?, ?)", params![channel, state, missing])?;
        }
        Ok(())
    }

    /// Keeps Blip's own figures that are new or have changed; returns how many did.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_reports(&self, rows: &[ReportRow], run: Run) -> Result<usize, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE incoming_report (key_name VARCHAR, report VARCHAR, day DATE, body VARCHAR, is_final BOOLEAN)",
        )?;
        let columns = vec![
            columns::texts(rows.iter().map(|row| row.key_name.as_str())),
            columns::texts(rows.iter().map(|row| row.report)),
            columns::days(rows.iter().map(|row| row.day)),
            columns::texts(rows.iter().map(|row| row.body.as_str())),
            columns::flags(rows.iter().map(|row| row.is_final)),
        ];
        columns::append(self.connection.appender("incoming_report")?, columns)?;
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE changed_report AS
             SELECT * FROM incoming_report ANTI JOIN raw.report USING (key_name, report, day, body, is_final);
             DELETE FROM raw.report
             USING changed_report AS changed
             WHERE changed.key_name = report.key_name AND changed.report = report.report AND changed.day = report.day",
        )?;
        Ok(self.connection.execute(
            "INSERT INTO raw.report (key_name, report, day, body, is_final, run)
             SELECT key_name, report, day, body, is_final, ? FROM changed_report ORDER BY key_name, report, day",
            params![run.number],
        )?)
    }

    /// Lets Blip's own figures of a key be read again that were stored for days whose bounds were not known: absent days, and figures without a date.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn reopen_reports(&self, key: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE raw.report SET is_final = FALSE WHERE key_name = ? AND (body = '{}' OR report IN ('teams', 'timings'))",
            params![key],
        )?;
        Ok(())
    }

    /// Keeps a sample of today's numbers.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_sample(&self, key_name: &str, sampled_at: DateTime<Utc>, body: &str) -> Result<(), StoreError> {
        self.connection.execute("INSERT INTO raw.sample VALUES (?, ?, ?)", params![key_name, sampled_at.naive_utc(), body])?;
        Ok(())
    }

    /// Counts fields that nobody documented; returns how many were not known before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_unknown_fields<'a>(&self, fields: impl Iterator<Item = (&'a str, &'a str, u64)>, run: Run) -> Result<usize, StoreError> {
        let mut new = 0;
        for (resource, field, seen) in fields {
            let seen = i64::try_from(seen).unwrap_or(i64::MAX);
            let known = self
                .connection
                .execute("UPDATE raw.unknown_field SET seen = seen + ? WHERE resource = ? AND field = ?", params![seen, resource, field])?;
            if known == 0 {
                new += self
                    .connection
                    .execute("INSERT INTO raw.unknown_field VALUES (?, ?, ?, ?)", params![resource, field, seen, run.number])?;
            }
        }
        Ok(new)
    }

    /// Keeps the fingerprints of records that could not be read at all.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_rejected(&self, resource: Resource, rejected: &[(String, String)], run: Run) -> Result<usize, StoreError> {
        let mut written = 0;
        for (reason, fingerprint) in rejected {
            written += self.connection.execute(
                "INSERT INTO raw.rejected (resource, reason, fingerprint, run)
                 SELECT new.* FROM (SELECT CAST(? AS VARCHAR) AS resource, CAST(? AS VARCHAR) AS reason, CAST(? AS VARCHAR) AS fingerprint, ?) AS new
                 WHERE NOT EXISTS (
                     SELECT 1 FROM raw.rejected AS known WHERE known.resource = new.resource AND known.fingerprint = new.fingerprint
                 )",
                params![resource.name(), reason, fingerprint, run.number],
            )?;
        }
        Ok(written)
    }

    /// Notes what was read of some days.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_coverage(&self, coverage: &[Coverage]) -> Result<(), StoreError> {
        if coverage.is_empty() {
            return Ok(());
        }
        self.connection.execute_batch("CREATE OR REPLACE TEMP TABLE incoming_coverage AS SELECT * FROM raw.coverage LIMIT 0")?;
        let columns = vec![
            columns::texts(coverage.iter().map(|day| day.resource.name())),
            columns::texts(coverage.iter().map(|day| day.key_name.as_str())),
            columns::days(coverage.iter().map(|day| day.day)),
            columns::numbers(coverage.iter().map(|day| day.reported)),
            columns::numbers(coverage.iter().map(|day| day.stored)),
            columns::numbers(coverage.iter().map(|day| day.still_open)),
            columns::flags(coverage.iter().map(|day| day.day_was_over)),
            columns::numbers(coverage.iter().map(|day| day.set_aside)),
            columns::flags(coverage.iter().map(|day| day.is_steady)),
            columns::flags(coverage.iter().map(|day| day.is_settled)),
        ];
        columns::append(self.connection.appender("incoming_coverage")?, columns)?;
        self.connection.execute_batch(
            "DELETE FROM raw.coverage
             USING incoming_coverage AS incoming
             WHERE incoming.resource = coverage.resource AND incoming.key_name = coverage.key_name AND incoming.day = coverage.day;
             INSERT INTO raw.coverage SELECT * FROM incoming_coverage ORDER BY resource, key_name, day",
        )?;
        Ok(())
    }

    /// Forgets that days of a resource were read, so that they are read again; what came with them stays.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_coverage(&self, resource: Resource) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM raw.coverage WHERE resource = ?", params![resource.name()])?;
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

    /// Returns the names of all marks that begin with `beginning`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn marks(&self, beginning: &str) -> Result<BTreeSet<String>, StoreError> {
        let mut statement = self.connection.prepare("SELECT name FROM raw.mark WHERE starts_with(name, ?)")?;
        let names = statement.query_map(params![beginning], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Sets a mark.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_mark(&self, name: &str, value: &str) -> Result<(), StoreError> {
        if self.mark(name)?.as_deref() == Some(value) {
            return Ok(());
        }
        self.connection.execute("DELETE FROM raw.mark WHERE name = ?", params![name])?;
        self.connection.execute("INSERT INTO raw.mark VALUES (?, ?)", params![name, value])?;
        Ok(())
    }
}
