//! Makes the tables of `queries/staging` and `queries/marts` from the raw answers.

use std::collections::BTreeMap;

use super::{Store, StoreError};
use crate::domain::digest::sha256;

/// Staged tables, in the order in which they are made.
const STAGING: [&str; 2] = ["ticket", "quarantine"];

/// Marts, in the order in which they are made: each reads only what stands before it.
pub const MARTS: [&str; 12] = [
    "ticket_chain",
    "agent",
    "ticket",
    "conversation",
    "stay",
    "turn",
    "sector_stay",
    "rating",
    "queue",
    "sector",
    "calendar_day",
    "coverage",
];

/// Marts that snapshots publish, with the column whose local month places a row in a part; none for small tables.
pub const MART_TABLES: [(&str, Option<&str>); 10] = [
    ("ticket", Some("started_day")),
    ("conversation", Some("started_day")),
    ("turn", Some("started_day")),
    ("sector_stay", Some("started_day")),
    ("rating", Some("period_day")),
    ("agent", None),
    ("queue", None),
    ("sector", None),
    ("calendar_day", Some("day")),
    ("coverage", Some("day")),
];

/// Mark of what the marts were made from.
const BASIS: &str = "marts_basis";

/// What a rebuild counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MartReport {
    /// Tickets that were staged.
    pub tickets: i64,
    /// Records of any kind that were set aside because they could not be understood.
    pub quarantined: i64,
}

impl Store {
    /// Makes the staged tables, so that the next reads can be planned.
    ///
    /// # Errors
    /// Names the query that failed.
    pub fn rebuild_staging(&self, queries: &BTreeMap<String, String>) -> Result<(), StoreError> {
        STAGING.iter().try_for_each(|name| self.make("staging", name, queries))
    }

    /// Makes all staged tables and marts, unless nothing that they are made from has changed since the last time.
    ///
    /// # Errors
    /// Names the query that failed, or says how many rows were lost on the way.
    pub fn rebuild_marts(&self, queries: &BTreeMap<String, String>) -> Result<MartReport, StoreError> {
        if !self.is_current(queries)? {
            self.rebuild_staging(queries)?;
            MARTS.iter().try_for_each(|name| self.make("marts", name, queries))?;
            self.set_mark(BASIS, &self.basis(queries)?)?;
        }
        let (raw, tickets, quarantined, placed, rejected): (i64, i64, i64, i64, i64) = self.connection.query_row(
            "SELECT
                 (SELECT count(DISTINCT ticket_id) FROM raw.ticket),
                 (SELECT count(*) FROM staging.ticket),
                 (SELECT count(*) FROM staging.quarantine),
                 (SELECT count(*) FROM marts.ticket),
                 (SELECT count(*) FROM raw.rejected)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )?;
        if raw != tickets + quarantined {
            return Err(StoreError::RowsLost { what: "tickets", expected: raw, lost: raw - tickets - quarantined });
        }
        if placed != tickets {
            return Err(StoreError::RowsLost { what: "staged tickets", expected: tickets, lost: tickets - placed });
        }
        Ok(MartReport { tickets, quarantined: quarantined + rejected })
    }

    /// Returns whether staged tables and marts are what the queries make of the raw answers as they are now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_current(&self, queries: &BTreeMap<String, String>) -> Result<bool, StoreError> {
        Ok(self.mark(BASIS)? == Some(self.basis(queries)?))
    }

    /// Returns a digest of everything that the marts are made from: queries, settings and raw answers. Tables that only grow are
    /// known by their number of rows, the others by their rows.
    fn basis(&self, queries: &BTreeMap<String, String>) -> Result<String, StoreError> {
        const GROWING: [&str; 4] = ["raw.ticket", "raw.message", "raw.event", "raw.attendant"];
        // Which run read the messages of a ticket makes no difference, so that column is left out.
        const CHANGING: [(&str, &str); 8] = [
            ("raw.queue", "rows"),
            ("raw.coverage", "rows"),
            ("raw.message_read", "ticket_id, is_final"),
            ("settings.queue_sector", "rows"),
            ("settings.rule", "rows"),
            ("settings.survey", "rows"),
            ("settings.answer", "rows"),
            ("settings.offset_span", "rows"),
        ];
        let grown = GROWING.map(|table| format!("SELECT '{table}' AS part, CAST(count(*) AS VARCHAR) AS digest FROM {table}"));
        let changed = CHANGING
            .map(|(table, what)| format!("SELECT '{table}', coalesce(CAST(sum(hash({what})) AS VARCHAR), '') FROM {table} AS rows"));
        let parts: Vec<String> = grown.into_iter().chain(changed).collect();
        let sql = format!("SELECT string_agg(part || '=' || digest, ';' ORDER BY part) FROM ({})", parts.join(" UNION ALL "));
        let rows: String = self.connection.query_row(&sql, [], |row| row.get(0))?;
        let texts: String = queries.iter().flat_map(|(path, text)| [path, "\0", text, "\0"]).collect();
        Ok(sha256(format!("{rows}\0{texts}").as_bytes()))
    }

    fn make(&self, layer: &str, name: &str, queries: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let path = format!("{layer}/{name}.sql");
        let sql = queries.get(&path).ok_or_else(|| StoreError::MissingQuery(path.clone()))?;
        self.connection
            .execute_batch(&format!("CREATE OR REPLACE TABLE {layer}.{name} AS\n{sql}"))
            .map_err(|source| StoreError::Query { name: path, source })
    }
}
