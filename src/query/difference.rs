//! What two snapshots tell differently about some days, row by row.
//!
//! Parts are named by their content: those that both snapshots name are not read.

use std::collections::BTreeSet;

use duckdb::{Connection, params};

use super::{QueryError, engine::rows_of};
use crate::{
    domain::Period,
    snapshot::{Part, Snapshot},
};

/// Rows about a period by what became of them between two snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Difference {
    /// Tickets that only the later snapshot has, read from Blip.
    pub tickets_added: i64,
    /// Tickets that only the later snapshot has, read from imported files.
    pub tickets_imported: i64,
    /// Tickets that both have, not alike.
    pub tickets_changed: i64,
    /// Tickets that only the earlier snapshot has.
    pub tickets_removed: i64,
    /// Survey answers that only the later snapshot has, read from Blip.
    pub answers_added: i64,
    /// Survey answers that only the later snapshot has, read from imported files.
    pub answers_imported: i64,
    /// Survey answers that both have, not alike, or that only the earlier one has.
    pub answers_changed: i64,
    /// Conversations whose own row or turns are not alike, without a difference in their tickets.
    pub conversations_changed: i64,
}

impl Difference {
    /// Returns whether the snapshots tell the same.
    pub fn is_empty(&self) -> bool {
        *self == Difference::default()
    }

    /// Compares what `earlier` and `later` tell about the days of `period`, of one sector or all: tickets that were there on one of
    /// these days, conversations that began or ended in it or held such tickets, answers about conversations that ended in it.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn between(earlier: &Snapshot, later: &Snapshot, period: Period, sector: Option<&str>) -> Result<Difference, QueryError> {
        let connection = opened(earlier, later)?;
        let sql = format!("{PAIRS}{COUNTS}");
        let row = connection.query_row(&sql, params![period.start, period.end, sector], |row| {
            Ok(Difference {
                tickets_added: row.get(0)?,
                tickets_imported: row.get(1)?,
                tickets_changed: row.get(2)?,
                tickets_removed: row.get(3)?,
                answers_added: row.get(4)?,
                answers_imported: row.get(5)?,
                answers_changed: row.get(6)?,
                conversations_changed: row.get(7)?,
            })
        });
        row.map_err(failed)
    }
}

/// A conversation that two snapshots tell differently.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ChangedConversation {
    /// The conversation; of an answer without one, the answer's own id.
    pub conversation_id: String,
    /// Tickets that only the later snapshot has.
    pub tickets_added: i64,
    /// Tickets that both have, not alike.
    pub tickets_changed: i64,
    /// Tickets that only the earlier snapshot has.
    pub tickets_removed: i64,
    /// Survey answers that only the later snapshot has.
    pub answers_added: i64,
    /// Survey answers that both have, not alike, or that only the earlier one has.
    pub answers_changed: i64,
    /// Whether its own row or turns are not alike.
    pub is_moved: bool,
}

impl ChangedConversation {
    /// Returns the conversations behind [`Difference::between`], in the order of their ids.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn between(
        earlier: &Snapshot,
        later: &Snapshot,
        period: Period,
        sector: Option<&str>,
    ) -> Result<Vec<ChangedConversation>, QueryError> {
        let connection = opened(earlier, later)?;
        let mut statement = connection.prepare(&format!("{PAIRS}{CONVERSATIONS}")).map_err(failed)?;
        let rows = statement.query_map(params![period.start, period.end, sector], |row| {
            Ok(ChangedConversation {
                conversation_id: row.get(0)?,
                tickets_added: row.get(1)?,
                tickets_changed: row.get(2)?,
                tickets_removed: row.get(3)?,
                answers_added: row.get(4)?,
                answers_changed: row.get(5)?,
                is_moved: row.get(6)?,
            })
        });
        rows.and_then(Iterator::collect).map_err(failed)
    }
}

fn failed(source: duckdb::Error) -> QueryError {
    QueryError::Run { name: "difference".to_owned(), source }
}

/// Opens the parts of two snapshots that not both have.
fn opened(earlier: &Snapshot, later: &Snapshot) -> Result<Connection, QueryError> {
    let connection = Connection::open_in_memory().map_err(QueryError::Snapshot)?;
    for table in ["ticket", "conversation", "turn", "rating"] {
        for (name, one, other) in [("earlier", earlier, later), ("later", later, earlier)] {
            let own = own_parts(one, other, table);
            // Where nothing is to be compared, any part gives the columns.
            let source = match own.as_slice() {
                [] => format!("{} LIMIT 0", rows_of(one, parts(one, table).iter().take(1))?),
                own => rows_of(one, own.iter().copied())?,
            };
            connection.execute_batch(&format!("CREATE VIEW {name}_{table} AS {source}")).map_err(QueryError::Snapshot)?;
        }
    }
    Ok(connection)
}

fn parts<'a>(snapshot: &'a Snapshot, table: &str) -> &'a [Part] {
    snapshot.manifest.tables.get(table).map_or(&[], |table| &table.parts)
}

/// Returns the parts of `table` that `snapshot` has and `other` has not.
fn own_parts<'a>(snapshot: &'a Snapshot, other: &Snapshot, table: &str) -> Vec<&'a Part> {
    let shared: BTreeSet<&str> = parts(other, table).iter().map(|part| part.path.as_str()).collect();
    parts(snapshot, table).iter().filter(|part| !shared.contains(part.path.as_str())).collect()
}

/// Rows of one side are told from those of the other by a digest of all their columns. A pair counts when either side is about the period.
const PAIRS: &str = "
WITH ticket_pair AS (
    SELECT
        coalesce(later.conversation_id, earlier.conversation_id) AS conversation_id,
        earlier.ticket_id IS NULL AS is_new,
        later.ticket_id IS NULL AS is_gone,
        coalesce(later.origin = 'import', FALSE) AS is_imported
    FROM (
        SELECT
            ticket_id, conversation_id, hash(rows) AS digest,
            created_day < $2 AND (closed_day IS NULL OR closed_day >= $1) AND ($3 IS NULL OR sector = $3) AS is_meant
        FROM earlier_ticket AS rows
    ) AS earlier
    FULL JOIN (
        SELECT
            ticket_id, conversation_id, origin, hash(rows) AS digest,
            created_day < $2 AND (closed_day IS NULL OR closed_day >= $1) AND ($3 IS NULL OR sector = $3) AS is_meant
        FROM later_ticket AS rows
    ) AS later ON later.ticket_id = earlier.ticket_id
    WHERE later.digest IS DISTINCT FROM earlier.digest AND (earlier.is_meant OR later.is_meant)
),

answer_pair AS (
    SELECT
        coalesce(later.conversation_id, earlier.conversation_id, later.rating_id, earlier.rating_id) AS conversation_id,
        earlier.rating_id IS NULL AS is_new,
        coalesce(later.source = 'import', FALSE) AS is_imported
    FROM (
        SELECT
            rating_id, conversation_id, hash(rows) AS digest,
            period_day >= $1 AND period_day < $2 AND ($3 IS NULL OR sector = $3) AS is_meant
        FROM earlier_rating AS rows
    ) AS earlier
    FULL JOIN (
        SELECT
            rating_id, conversation_id, source, hash(rows) AS digest,
            period_day >= $1 AND period_day < $2 AND ($3 IS NULL OR sector = $3) AS is_meant
        FROM later_rating AS rows
    ) AS later ON later.rating_id = earlier.rating_id
    WHERE later.digest IS DISTINCT FROM earlier.digest AND (earlier.is_meant OR later.is_meant)
),

-- Turns and conversations that only one side knows in this very form.
moved AS (
    SELECT conversation_id
    FROM (
        SELECT conversation_id, hash(rows) AS digest FROM earlier_turn AS rows
        WHERE started_day < $2 AND (replied_day IS NULL OR replied_day >= $1 OR started_day >= $1) AND ($3 IS NULL OR sector = $3)
        UNION ALL
        SELECT conversation_id, hash(rows) AS digest FROM later_turn AS rows
        WHERE started_day < $2 AND (replied_day IS NULL OR replied_day >= $1 OR started_day >= $1) AND ($3 IS NULL OR sector = $3)
        UNION ALL
        SELECT conversation_id, hash(rows) AS digest FROM earlier_conversation AS rows
        WHERE started_day < $2 AND (ended_day IS NULL OR ended_day >= $1) AND ($3 IS NULL OR first_sector = $3 OR last_sector = $3)
        UNION ALL
        SELECT conversation_id, hash(rows) AS digest FROM later_conversation AS rows
        WHERE started_day < $2 AND (ended_day IS NULL OR ended_day >= $1) AND ($3 IS NULL OR first_sector = $3 OR last_sector = $3)
    )
    GROUP BY conversation_id, digest
    HAVING count(*) = 1
)";

/// What came of all pairs.
const COUNTS: &str = ",

ticket_counts AS (
    SELECT
        count(*) FILTER (is_new AND NOT is_imported) AS added,
        count(*) FILTER (is_new AND is_imported) AS imported,
        count(*) FILTER (NOT is_new AND NOT is_gone) AS changed,
        count(*) FILTER (is_gone) AS removed
    FROM ticket_pair
),

answer_counts AS (
    SELECT
        count(*) FILTER (is_new AND NOT is_imported) AS added,
        count(*) FILTER (is_new AND is_imported) AS imported,
        count(*) FILTER (NOT is_new) AS changed
    FROM answer_pair
),

conversation_counts AS (
    SELECT count(DISTINCT moved.conversation_id) AS changed
    FROM moved
    ANTI JOIN ticket_pair ON ticket_pair.conversation_id = moved.conversation_id
)

SELECT
    ticket_counts.added, ticket_counts.imported, ticket_counts.changed, ticket_counts.removed,
    answer_counts.added, answer_counts.imported, answer_counts.changed,
    conversation_counts.changed
FROM ticket_counts, answer_counts, conversation_counts";

/// The conversations of all pairs.
const CONVERSATIONS: &str = ",

told AS (
    SELECT
        conversation_id,
        CAST(is_new AS BIGINT) AS tickets_added,
        CAST(NOT is_new AND NOT is_gone AS BIGINT) AS tickets_changed,
        CAST(is_gone AS BIGINT) AS tickets_removed,
        0 AS answers_added,
        0 AS answers_changed,
        FALSE AS is_moved
    FROM ticket_pair
    UNION ALL
    SELECT conversation_id, 0, 0, 0, CAST(is_new AS BIGINT), CAST(NOT is_new AS BIGINT), FALSE FROM answer_pair
    UNION ALL
    SELECT conversation_id, 0, 0, 0, 0, 0, TRUE FROM moved
)

SELECT
    conversation_id,
    CAST(sum(tickets_added) AS BIGINT),
    CAST(sum(tickets_changed) AS BIGINT),
    CAST(sum(tickets_removed) AS BIGINT),
    CAST(sum(answers_added) AS BIGINT),
    CAST(sum(answers_changed) AS BIGINT),
    bool_or(is_moved)
FROM told
GROUP BY conversation_id
ORDER BY conversation_id";
