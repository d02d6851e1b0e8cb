//! The ledger as tables that questions can read: what was published, delivered, asked and changed.

use rusqlite::types::ValueRef;

use super::{Ledger, LedgerError};

/// A value of such a table.
#[derive(Debug, Clone, PartialEq)]
pub enum LedgerValue {
    /// None.
    Null,
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Words; instants are UTC as `2026-11-02 11:00:00`.
    Text(String),
}

/// A table of the ledger, described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerTable {
    /// Name.
    pub name: &'static str,
    /// What a row is.
    pub grain: &'static str,
    /// Columns: name, kind (`text`, `count`, `number`, `date` or `local_time`) and meaning.
    pub columns: &'static [(&'static str, &'static str, &'static str)],
    sql: &'static str,
}

/// Every table of the ledger that questions can read. Its rows are those of now, whatever snapshot is asked.
pub const LEDGER_TABLES: [LedgerTable; 4] = [
    LedgerTable {
        name: "published_figure",
        grain: "one row per key figure of a report that went out",
        columns: &[
            ("report", "text", "name of the report"),
            ("period", "text", "days that it covers"),
            ("period_start", "date", "the first of them"),
            ("sector", "text", "only this sector; null: all"),
            ("snapshot", "text", "what it was made from"),
            ("published_at", "local_time", "UTC, when that snapshot was published"),
            ("content_sha256", "text", "SHA-256 of the report's content"),
            ("block", "text", "part of the report"),
            ("figure", "text", "column of the part's query"),
            ("value", "number", "in the figure's unit; null: no value"),
        ],
        sql: "SELECT report, period, period_start, sector, snapshot, strftime('%Y-%m-%d %H:%M:%S', published_at), content_sha256, block,
                  figure, value
              FROM published_figure INNER JOIN publication USING (publication_id) WHERE went_out
              ORDER BY snapshot, publication_id, block, figure",
    },
    LedgerTable {
        name: "delivery",
        grain: "one row per report of a run for one recipient by one way",
        columns: &[
            ("delivery_id", "count", "key"),
            ("schedule", "text", "name of the schedule"),
            ("planned_at", "local_time", "UTC"),
            ("report", "text", "name of the report"),
            ("period", "text", "days that it covers"),
            ("sector", "text", "only this sector; null: all"),
            ("channel", "text", "email, folder or webhook"),
            ("recipient", "text", "who"),
            ("state", "text", "pending, sending, sent, maybe_sent, failed or skipped"),
            ("attempts", "count", "tries"),
            ("updated_at", "local_time", "UTC, the last change of the state"),
            ("answer", "text", "what the other side said, or why it was not sent; null: nothing"),
            ("snapshot", "text", "what it was made from; null: nothing yet"),
            ("content_sha256", "text", "SHA-256 of its content; null: nothing yet"),
        ],
        sql: "SELECT delivery_id, schedule, strftime('%Y-%m-%d %H:%M:%S', planned_at), report, period, sector, channel, recipient,
                  delivery.state, delivery.attempts, strftime('%Y-%m-%d %H:%M:%S', delivery.updated_at), answer, snapshot, content_sha256
              FROM delivery INNER JOIN run USING (run_id) ORDER BY delivery_id",
    },
    LedgerTable {
        name: "access",
        grain: "one row per question that was asked or refused",
        columns: &[
            ("record", "count", "number in the chain of records"),
            ("asked_at", "local_time", "UTC"),
            ("person", "text", "declared person; null: nobody"),
            ("os_user", "text", "operating-system user"),
            ("name", "text", "saved question; null: SQL of their own"),
            ("sql", "text", "what ran"),
            ("sha256", "text", "its SHA-256"),
            ("parameters", "text", "JSON"),
            ("tables", "text", "JSON, tables that it read"),
            ("columns", "text", "JSON, columns that it named"),
            ("snapshot", "text", "what was asked"),
            ("reason", "text", "why; null: not said"),
            ("outcome", "text", "answered, failed, refused or broken off"),
            ("rows", "count", "rows that were handed out; null: none"),
            ("duration_ms", "count", "milliseconds; null: refused, or broken off"),
            ("result_sha256", "text", "SHA-256 of what was handed out; null: nothing"),
            ("export", "text", "file that it went to; null: none"),
            ("told", "text", "why it was refused or failed; null: it was not"),
            ("uid_user", "text", "operating-system user that the program ran as; null: not noted then"),
            ("identity", "text", "how the person is known: os_user, or declared, unproven; null: nobody, or not noted then"),
        ],
        // The ends are looked up by number: they are set down once, so that the join need not read JSON for each pair.
        sql: "WITH ended AS MATERIALIZED (
                  SELECT body ->> '$.asked' AS asked, body FROM access_log WHERE body ->> '$.event' IN ('answered', 'failed')
              )
              SELECT asked.seq, strftime('%Y-%m-%d %H:%M:%S', asked.at), asked.body ->> '$.person', asked.body ->> '$.os_user',
                  asked.body ->> '$.name', asked.body ->> '$.sql', asked.body ->> '$.sha256', asked.body -> '$.parameters',
                  asked.body -> '$.tables', asked.body -> '$.columns', asked.body ->> '$.snapshot', asked.body ->> '$.reason',
                  CASE WHEN asked.body ->> '$.event' = 'refused' THEN 'refused' ELSE coalesce(ended.body ->> '$.event', 'broken off') END,
                  ended.body ->> '$.rows', ended.body ->> '$.duration_ms', ended.body ->> '$.result_sha256', ended.body ->> '$.export',
                  coalesce(asked.body ->> '$.refusal', ended.body ->> '$.error'), asked.body ->> '$.uid_user', asked.body ->> '$.identity'
              FROM access_log AS asked
              LEFT JOIN ended ON ended.asked = asked.seq
              WHERE asked.body ->> '$.event' IN ('asked', 'refused')
              ORDER BY asked.seq",
    },
    LedgerTable {
        name: "change",
        grain: "one row per change of permissions, channels or personal data that was applied",
        columns: &[
            ("record", "count", "number in the chain of records"),
            ("changed_at", "local_time", "UTC"),
            ("person", "text", "declared person; null: nobody"),
            ("os_user", "text", "operating-system user"),
            ("subject", "text", "what was changed"),
            ("before", "text", "as it was; null: nothing, or not to be kept"),
            ("after", "text", "as it is; null: nothing"),
            ("reason", "text", "why; null: not said"),
            ("plan", "text", "SHA-256 of the plan, or the receipt; null: none"),
            ("uid_user", "text", "operating-system user that the program ran as; null: not noted then"),
            ("identity", "text", "how the person is known: os_user, or declared, unproven; null: nobody, or not noted then"),
        ],
        sql: "SELECT seq, strftime('%Y-%m-%d %H:%M:%S', at), body ->> '$.person', body ->> '$.os_user', body ->> '$.subject',
                  body ->> '$.before', body ->> '$.after', body ->> '$.reason', body ->> '$.plan', body ->> '$.uid_user',
                  body ->> '$.identity'
              FROM access_log WHERE body ->> '$.event' = 'changed' ORDER BY seq",
    },
];

impl Ledger {
    /// Returns the rows of one of [`LEDGER_TABLES`], with a value for each of its columns.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn rows_of(&self, table: &LedgerTable) -> Result<Vec<Vec<LedgerValue>>, LedgerError> {
        let failed = |source| LedgerError::Database { path: self.path.clone(), source };
        let mut statement = self.connection.prepare(table.sql).map_err(failed)?;
        let rows = statement.query_map([], |row| {
            (0..table.columns.len())
                .map(|column| {
                    Ok(match row.get_ref(column)? {
                        ValueRef::Integer(value) => LedgerValue::Int(value),
                        ValueRef::Real(value) => LedgerValue::Float(value),
                        ValueRef::Text(text) => LedgerValue::Text(String::from_utf8_lossy(text).into_owned()),
                        ValueRef::Null | ValueRef::Blob(_) => LedgerValue::Null,
                    })
                })
                .collect()
        });
        rows.and_then(Iterator::collect).map_err(failed)
    }
}
