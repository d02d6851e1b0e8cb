//! What is still to be read, as the database knows it.

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::params;

use super::{
    MessageTask, OtherIdentities, Resource, Store, StoreError, TaskTicket, TicketRow, columns,
    rows::{flags, numbers, texts},
};

/// A ticket that had not ended when it was read last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTicket {
    /// Blip's id.
    pub ticket_id: String,
    /// Creation.
    pub created_at: Option<DateTime<Utc>>,
}

/// Name of a key, and a span of time `[from, until)`.
pub type KeySpan<'a> = (&'a str, (DateTime<Utc>, DateTime<Utc>));

/// A stored ticket that Blip does not list any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlistedTicket {
    /// Blip's id.
    pub ticket_id: String,
    /// Whether it had ended when it was read last.
    pub is_closed: bool,
}

/// Status of tickets that Blip does not know any more, in place of Blip's own.
pub const GONE: &str = "Gone";

/// Tickets whose messages are not here and will be forgotten by Blip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRisk {
    /// Number of tickets.
    pub tickets: i64,
    /// Creation of the oldest.
    pub oldest: DateTime<Utc>,
}

impl Store {
    /// Returns the days of `[first, last]` that must be read, in order: those that are not settled.
    ///
    /// A day is settled when it was read so long after it was over that nothing can have come late, nothing was missing and nothing
    /// moved meanwhile.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unsettled_days(
        &self,
        resource: Resource,
        key: &str,
        (first, last): (NaiveDate, NaiveDate),
    ) -> Result<Vec<NaiveDate>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT CAST(day AS DATE)
             FROM (SELECT unnest(generate_series(CAST(? AS DATE), CAST(? AS DATE), INTERVAL 1 DAY)) AS day) AS asked
             WHERE NOT EXISTS (
                 SELECT 1 FROM raw.coverage
                 WHERE coverage.resource = ? AND coverage.key_name = ? AND coverage.day = CAST(asked.day AS DATE)
                   AND coverage.is_settled AND coverage.stored >= coverage.reported AND coverage.is_steady
             )
             ORDER BY day",
        )?;
        let days = statement.query_map(params![first, last, resource.name(), key], |row| row.get(0))?;
        Ok(days.collect::<Result<_, _>>()?)
    }

    /// Returns the tickets of the key called `key` that had not ended when they were read last, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_tickets(&self, key: &str) -> Result<Vec<OpenTicket>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT ticket_id, created_at FROM state.unsettled WHERE key_name = ? AND NOT is_closed ORDER BY created_at, ticket_id",
        )?;
        let tickets = statement.query_map(params![key], |row| Ok(OpenTicket { ticket_id: row.get(0)?, created_at: row.get(1)? }))?;
        Ok(tickets.collect::<Result<_, _>>()?)
    }

    /// Returns the tickets of the key called `key` that Blip did not know any more when it was asked at `since` or later, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gone_tickets(&self, key: &str, since: DateTime<Utc>) -> Result<Vec<OpenTicket>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT known.ticket_id, known.created_at
             FROM state.ticket AS known
             SEMI JOIN (SELECT ticket_id FROM state.gone_ticket WHERE noticed_at >= ?) AS gone ON gone.ticket_id = known.ticket_id
             WHERE known.key_name = ?
             ORDER BY known.created_at, known.ticket_id",
        )?;
        let tickets = statement
            .query_map(params![since.naive_utc(), key], |row| Ok(OpenTicket { ticket_id: row.get(0)?, created_at: row.get(1)? }))?;
        Ok(tickets.collect::<Result<_, _>>()?)
    }

    /// Notes which tickets Blip did not know any more at `at`, and that it has told of others.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_gone<'a>(
        &self,
        (gone, at): (impl Iterator<Item = &'a str>, Option<DateTime<Utc>>),
        told: impl Iterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        self.fill_temporary("told_now", told)?;
        self.connection.execute_batch("DELETE FROM state.gone_ticket WHERE ticket_id IN (SELECT text FROM told_now)")?;
        let Some(at) = at else { return Ok(()) };
        self.fill_temporary("gone_now", gone)?;
        let sql = "INSERT INTO state.gone_ticket SELECT text, CAST(? AS TIMESTAMP) FROM gone_now";
        self.connection.execute(sql, params![at.naive_utc()])?;
        Ok(())
    }

    /// Returns the tickets that are stored for spans `[from, until)` of keys and are not among `rows`, in order.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn unlisted_tickets(&self, spans: &[KeySpan<'_>], rows: &[TicketRow]) -> Result<Vec<UnlistedTicket>, StoreError> {
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE read_span (key_name VARCHAR, from_at TIMESTAMP, until_at TIMESTAMP);
             CREATE OR REPLACE TEMP TABLE listed_ticket (ticket_id VARCHAR)",
        )?;
        let columns = vec![
            columns::texts(spans.iter().map(|(key, _)| *key)),
            columns::instants(spans.iter().map(|(_, (from, _))| Some(*from))),
            columns::instants(spans.iter().map(|(_, (_, until))| Some(*until))),
        ];
        columns::append(self.connection.appender("read_span")?, columns)?;
        columns::append(self.connection.appender("listed_ticket")?, vec![columns::texts(rows.iter().map(|row| row.ticket_id.as_str()))])?;
        let mut statement = self.connection.prepare(&format!(
            "WITH unlisted AS (
             SELECT ticket.ticket_id, ticket.is_closed, ticket.created_at
             FROM state.ticket
             INNER JOIN read_span AS span
                 ON span.key_name = ticket.key_name AND ticket.created_at >= span.from_at AND ticket.created_at < span.until_at
             ANTI JOIN listed_ticket AS listed ON listed.ticket_id = ticket.ticket_id
             ),
             -- What is gone was told when that was noticed.
             gone AS (
                 SELECT ticket_id
                 FROM raw.ticket
                 WHERE ticket_id IN (SELECT ticket_id FROM unlisted)
                 GROUP BY ticket_id
                 HAVING (max_by(body, version) ->> '$.status') = '{GONE}'
             )
             SELECT ticket_id, is_closed FROM unlisted WHERE ticket_id NOT IN (SELECT ticket_id FROM gone) ORDER BY created_at, ticket_id"
        ))?;
        let tickets = statement.query_map([], |row| Ok(UnlistedTicket { ticket_id: row.get(0)?, is_closed: row.get(1)? }))?;
        Ok(tickets.collect::<Result<_, _>>()?)
    }

    /// Returns what is to be stored of open tickets that Blip does not know any more, as noticed at `at`: their last answer with the status
    /// [`GONE`]. Of those that have it already nothing is.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn tickets_gone(&self, ids: &[String], at: DateTime<Utc>) -> Result<Vec<TicketRow>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.fill_temporary("gone_now", ids.iter().map(String::as_str))?;
        let mut statement = self.connection.prepare(
            "SELECT
                 known.ticket_id, known.owner, known.customer_key, known.key_name, known.created_at,
                 CAST(json_merge_patch(CAST(newest.body AS JSON), CAST(? AS JSON)) AS VARCHAR) AS body
             FROM state.ticket AS known
             SEMI JOIN gone_now ON gone_now.text = known.ticket_id
             INNER JOIN (
                 SELECT ticket_id, max_by(body, version) AS body
                 FROM raw.ticket
                 WHERE ticket_id IN (SELECT text FROM gone_now)
                 GROUP BY ticket_id
                 HAVING coalesce(max_by(body, version) ->> '$.status', '') <> 'Gone'
             ) AS newest ON newest.ticket_id = known.ticket_id
             ORDER BY known.ticket_id",
        )?;
        let noticed = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let status = serde_json::json!({"status": GONE, "statusDate": noticed}).to_string();
        let rows = statement.query_map(params![status], |row| {
            Ok(TicketRow {
                ticket_id: row.get(0)?,
                owner: row.get(1)?,
                customer_key: row.get(2)?,
                key_name: row.get(3)?,
                created_at: row.get(4)?,
                body: row.get(5)?,
                is_closed: true,
                closed_at: Some(at),
                has_other_identity: false,
                earlier_key: None,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns whose messages must be read with the key called `key`, at most `limit`, the oldest first and beginning after the task
    /// `after`: customers of tickets that it sees and whose messages were never read, or were read before the ticket was closed, or,
    /// with a router's key at hand, were out of reach without it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message_tasks(
        &self,
        key: &str,
        has_router_key: bool,
        after: Option<&MessageTask>,
        limit: usize,
    ) -> Result<Vec<MessageTask>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "WITH uncovered AS (
                 SELECT owner, customer_key, ticket_id, is_closed, created_at
                 FROM state.unsettled
                 WHERE {} AND key_name = ? AND created_at IS NOT NULL
             ),
             -- Only what fits into a row of fixed width is gathered of everybody: it can be put aside when there are many.
             picked AS (
                 SELECT owner, customer_key, min(created_at) AS not_before
                 FROM uncovered
                 GROUP BY owner, customer_key
                 HAVING (min(created_at), owner, customer_key) > (CAST(? AS TIMESTAMP), CAST(? AS VARCHAR), CAST(? AS VARCHAR))
                 ORDER BY not_before, owner, customer_key
                 LIMIT ?
             ),
             task AS (
                 SELECT
                     picked.owner,
                     picked.customer_key,
                     max_by(uncovered.ticket_id, (uncovered.created_at, uncovered.ticket_id)) AS newest_ticket_id,
                     max(uncovered.created_at) AS newest_at,
                     any_value(picked.not_before) AS not_before,
                     list(uncovered.ticket_id ORDER BY uncovered.ticket_id) AS ticket_ids,
                     list(uncovered.is_closed ORDER BY uncovered.ticket_id) AS closed,
                     list(epoch_us(uncovered.created_at) ORDER BY uncovered.ticket_id) AS created
                 FROM picked
                 INNER JOIN uncovered ON uncovered.owner = picked.owner AND uncovered.customer_key = picked.customer_key
                 GROUP BY picked.owner, picked.customer_key
             )
             SELECT task.*, thread.thread_id, {}, originator.linked_key, bsuid.linked_key, parent.linked_key
             FROM task
             LEFT JOIN raw.identity_link AS originator ON originator.customer_key = task.customer_key AND originator.kind = 'originator'
             LEFT JOIN raw.identity_link AS bsuid ON bsuid.customer_key = task.customer_key AND bsuid.kind = 'bsuid'
             LEFT JOIN raw.identity_link AS parent ON parent.customer_key = task.customer_key AND parent.kind = 'parent'
             LEFT JOIN raw.thread ON thread.owner = task.owner AND thread.customer_key = task.customer_key
             ORDER BY task.not_before, task.owner, task.customer_key",
            to_be_read(has_router_key),
            // Looked up only where there is something to continue: it means to look at every message.
            if has_router_key && self.tickets_for_router_key()? > 0 {
                "(SELECT min(message.sent_at) FROM raw.message WHERE message.thread_id = thread.thread_id) AS known_from"
            } else {
                "CAST(NULL AS TIMESTAMP) AS known_from"
            }
        ))?;
        let (from, owner, customer) =
            after.map_or((DateTime::<Utc>::UNIX_EPOCH, "", ""), |task| (task.not_before, &task.owner, &task.customer_key));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let tasks = statement.query_map(params![key, from.naive_utc(), owner, customer, limit], |row| {
            let (ids, closed, created) = (texts(row.get(5)?), flags(row.get(6)?), numbers(row.get(7)?));
            let tickets = ids.into_iter().zip(closed).zip(created).map(|((ticket_id, is_closed), micros)| TaskTicket {
                ticket_id,
                is_closed,
                created_at: DateTime::from_timestamp_micros(micros).unwrap_or_default(),
            });
            Ok(MessageTask {
                owner: row.get(0)?,
                customer_key: row.get(1)?,
                newest_ticket_id: row.get(2)?,
                newest_at: row.get(3)?,
                not_before: row.get(4)?,
                tickets: tickets.collect(),
                thread_id: row.get(8)?,
                known_from: row.get(9)?,
                identities: OtherIdentities { originator: row.get(10)?, bsuid: row.get(11)?, parent: row.get(12)? },
            })
        })?;
        Ok(tasks.collect::<Result<_, _>>()?)
    }

    /// Returns how many customers [`Store::message_tasks`] will name in all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message_task_count(&self, key: &str, has_router_key: bool) -> Result<usize, StoreError> {
        let count: i64 = self.connection.query_row(
            &format!(
                "SELECT count(*)
                 FROM (
                     SELECT DISTINCT owner, customer_key
                     FROM state.unsettled
                     WHERE {} AND key_name = ? AND created_at IS NOT NULL
                 )",
                to_be_read(has_router_key)
            ),
            params![key],
            |row| row.get(0),
        )?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Returns the ended tickets created since `since` whose messages are not here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message_risk(&self, since: DateTime<Utc>) -> Result<Option<MessageRisk>, StoreError> {
        let (tickets, oldest): (i64, Option<DateTime<Utc>>) = self.connection.query_row(
            "SELECT count(*), min(created_at) FROM state.unsettled WHERE created_at >= ? AND coalesce(message_source, 'none') = 'none'",
            params![since.naive_utc()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(oldest.map(|oldest| MessageRisk { tickets, oldest }))
    }

    /// Returns the number of tickets whose messages only a router's key could read.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tickets_for_router_key(&self) -> Result<i64, StoreError> {
        Ok(self.connection.query_row("SELECT count(*) FROM raw.message_read WHERE source = 'no_key'", [], |row| row.get(0))?)
    }

    /// Returns the checks that failed for days from `first` on: name, day, what was to be expected, what is here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alarms(&self, first: NaiveDate) -> Result<Vec<(String, NaiveDate, i64, i64)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT check_name, day, said, found FROM marts.quality
             WHERE day >= ? AND (state = 'fail' OR (state = 'warn' AND resource <> 'table' AND check_name NOT IN ('read', 'identities')))
             ORDER BY day, check_name",
        )?;
        let rows = statement.query_map(params![first], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns how many records are set aside; 0 before there are any tables.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn quarantined(&self) -> Result<i64, StoreError> {
        let has_tables: bool = self.connection.query_row(
            "SELECT count(*) > 0 FROM duckdb_tables() WHERE schema_name = 'staging' AND table_name = 'quarantine'",
            [],
            |row| row.get(0),
        )?;
        let staged: i64 =
            if has_tables { self.connection.query_row("SELECT count(*) FROM staging.quarantine", [], |row| row.get(0))? } else { 0 };
        let rejected: i64 = self.connection.query_row("SELECT count(*) FROM raw.rejected", [], |row| row.get(0))?;
        Ok(staged + rejected)
    }

    /// Returns the first day that any coverage of a resource begins with.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn first_covered_day(&self, resource: Resource) -> Result<Option<NaiveDate>, StoreError> {
        let mut statement = self.connection.prepare("SELECT min(day) FROM raw.coverage WHERE resource = ?")?;
        Ok(statement.query_row(params![resource.name()], |row| row.get(0))?)
    }

    /// Returns the number of days in `[first, until)` on which tickets ended by Blip's own report of the key called `key`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn days_with_ended(&self, key: &str, (first, until): (NaiveDate, NaiveDate)) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM raw.report
                   WHERE key_name = ? AND report = 'tickets' AND day >= ? AND day < ? AND CAST(body ->> '$.closed' AS BIGINT) > 0";
        Ok(self.connection.query_row(sql, params![key, first, until], |row| row.get(0))?)
    }

    /// Returns the days from `first` to `last` whose report is not here in its final state.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn missing_report_days(&self, key: &str, report: &str, first: NaiveDate, last: NaiveDate) -> Result<Vec<NaiveDate>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT CAST(day AS DATE)
             FROM (SELECT unnest(generate_series(CAST(? AS DATE), CAST(? AS DATE), INTERVAL 1 DAY)) AS day) AS asked
             WHERE NOT EXISTS (
                 SELECT 1 FROM raw.report
                 WHERE report.key_name = ? AND report.report = ? AND report.day = CAST(asked.day AS DATE) AND report.is_final
             )
             ORDER BY day",
        )?;
        let days = statement.query_map(params![first, last, key, report], |row| row.get(0))?;
        Ok(days.collect::<Result<_, _>>()?)
    }
}

/// Returns the SQL of the condition that a ticket's messages are to be asked for.
fn to_be_read(has_router_key: bool) -> &'static str {
    if has_router_key { "(NOT has_all_messages OR message_source = 'no_key')" } else { "NOT has_all_messages" }
}
