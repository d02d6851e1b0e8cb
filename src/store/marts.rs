//! Makes the tables of `queries/staging` and `queries/marts` from the raw answers.

use std::collections::BTreeMap;

use super::{Store, StoreError};

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

/// What a rebuild counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MartReport {
    /// Tickets that were staged.
    pub tickets: i64,
    /// Tickets that were set aside because they could not be understood.
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

    /// Makes all staged tables and marts.
    ///
    /// # Errors
    /// Names the query that failed, or says how many rows were lost on the way.
    pub fn rebuild_marts(&self, queries: &BTreeMap<String, String>) -> Result<MartReport, StoreError> {
        self.rebuild_staging(queries)?;
        MARTS.iter().try_for_each(|name| self.make("marts", name, queries))?;
        let (raw, tickets, quarantined, placed): (i64, i64, i64, i64) = self.connection.query_row(
            "SELECT
                 (SELECT count(DISTINCT ticket_id) FROM raw.ticket),
                 (SELECT count(*) FROM staging.ticket),
                 (SELECT count(*) FROM staging.quarantine),
                 (SELECT count(*) FROM marts.ticket)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        if raw != tickets + quarantined {
            return Err(StoreError::RowsLost { what: "tickets", expected: raw, lost: raw - tickets - quarantined });
        }
        if placed != tickets {
            return Err(StoreError::RowsLost { what: "staged tickets", expected: tickets, lost: tickets - placed });
        }
        Ok(MartReport { tickets, quarantined })
    }

    fn make(&self, layer: &str, name: &str, queries: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let path = format!("{layer}/{name}.sql");
        let sql = queries.get(&path).ok_or_else(|| StoreError::MissingQuery(path.clone()))?;
        self.connection
            .execute_batch(&format!("CREATE OR REPLACE TABLE {layer}.{name} AS\n{sql}"))
            .map_err(|source| StoreError::Query { name: path, source })
    }
}
