//! The live database: raw answers as received (redacted), and the tables that SQL makes of them.
//!
//! One process writes it at a time. Schemas: `raw` holds what Blip said, append-only; `settings` what the configuration says;
//! `staging` and `marts` are made by `queries/` and can be made again at any time. Nothing but `ingest` writes here, and
//! nothing but `snapshot` reads from here: reports read snapshots.

mod error;
mod marts;
mod rows;
mod schema;
mod settings;
mod write;

use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::{Connection, params};

pub use error::StoreError;
pub use marts::{MART_TABLES, MARTS, MartReport};
pub use rows::{AttendantRow, Coverage, EventRow, MessageRow, MessageTask, Resource, TicketRow};
pub use settings::SettingsRows;
pub use write::Written;

/// Above this DuckDB spills to disk beside the database. Loads of 200,000 tickets stay below it.
const MEMORY_LIMIT: &str = "1500MB";

/// The live database.
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the database, creating it or bringing it to the current schema.
    ///
    /// # Errors
    /// When another process holds it, or the file cannot be read or written.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: folder.to_owned(), source })?;
        }
        let connection = Connection::open(path).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        Store::with(connection)
    }

    /// Opens a database in memory, for tests of the SQL.
    ///
    /// # Errors
    /// When DuckDB cannot be set up.
    pub fn in_memory() -> Result<Store, StoreError> {
        Store::with(Connection::open_in_memory()?)
    }

    fn with(connection: Connection) -> Result<Store, StoreError> {
        // Times are plain UTC timestamps throughout: nothing depends on the session's zone.
        connection.execute_batch(&format!("SET preserve_insertion_order = true; SET memory_limit = '{MEMORY_LIMIT}'"))?;
        schema::migrate(&connection)?;
        Ok(Store { connection })
    }

    /// Returns the connection, for publishing a snapshot.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the days of `[first, last]` that must be read, in order: those that are not settled.
    ///
    /// A day is settled when it was read after it was over, nothing was missing and, for tickets, none of it is still open.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unsettled_days(&self, resource: Resource, key: &str, first: NaiveDate, last: NaiveDate) -> Result<Vec<NaiveDate>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT CAST(day AS DATE)
             FROM (SELECT unnest(generate_series(CAST(? AS DATE), CAST(? AS DATE), INTERVAL 1 DAY)) AS day) AS asked
             WHERE NOT EXISTS (
                 SELECT 1 FROM raw.coverage
                 WHERE coverage.resource = ? AND coverage.key_name = ? AND coverage.day = CAST(asked.day AS DATE)
                   AND coverage.day_was_over AND coverage.stored >= coverage.reported AND coverage.still_open = 0
             )
             ORDER BY day",
        )?;
        let days = statement.query_map(params![first, last, resource.name(), key], |row| row.get(0))?;
        Ok(days.collect::<Result<_, _>>()?)
    }

    /// Returns which customers' messages must be read with the key called `key`: of tickets that it sees and whose messages were never
    /// read, or read before the ticket was closed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message_tasks(&self, key: &str) -> Result<Vec<MessageTask>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT
                 ticket.owner,
                 ticket.customer_key,
                 max_by(ticket.ticket_id, (ticket.created_at, ticket.ticket_id)) AS newest_ticket_id,
                 min(ticket.created_at) AS not_before,
                 list(ticket.ticket_id ORDER BY ticket.ticket_id) AS ticket_ids,
                 list(ticket.is_closed ORDER BY ticket.ticket_id) AS closed
             FROM staging.ticket
             INNER JOIN (
                 SELECT ticket_id, max_by(key_name, version) AS key_name FROM raw.ticket GROUP BY ticket_id
             ) AS seen ON seen.ticket_id = ticket.ticket_id
             LEFT JOIN raw.message_read ON message_read.ticket_id = ticket.ticket_id
             WHERE seen.key_name = ? AND (message_read.ticket_id IS NULL OR NOT message_read.is_final)
             GROUP BY ticket.owner, ticket.customer_key
             ORDER BY not_before, newest_ticket_id",
        )?;
        let tasks = statement.query_map(params![key], |row| {
            let ids: duckdb::types::Value = row.get(4)?;
            let closed: duckdb::types::Value = row.get(5)?;
            Ok(MessageTask {
                owner: row.get(0)?,
                customer_key: row.get(1)?,
                newest_ticket_id: row.get(2)?,
                not_before: row.get::<_, DateTime<Utc>>(3)?,
                tickets: rows::texts(ids).into_iter().zip(rows::flags(closed)).collect(),
            })
        })?;
        Ok(tasks.collect::<Result<_, _>>()?)
    }

    /// Returns the first day that any coverage of a resource begins with.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn first_covered_day(&self, resource: Resource) -> Result<Option<NaiveDate>, StoreError> {
        let mut statement = self.connection.prepare("SELECT min(day) FROM raw.coverage WHERE resource = ?")?;
        Ok(statement.query_row(params![resource.name()], |row| row.get(0))?)
    }

    /// Runs `work` in one transaction: all of it is kept, or nothing.
    ///
    /// # Errors
    /// That of `work`, or of the commit.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.connection.execute_batch("BEGIN TRANSACTION")?;
        match work(self) {
            Ok(value) => {
                self.connection.execute_batch("COMMIT")?;
                Ok(value)
            }
            Err(error) => {
                // The first error is the one to tell; a failed rollback leaves the transaction to die with the connection.
                if let Err(rollback) = self.connection.execute_batch("ROLLBACK") {
                    tracing::warn!(error = %rollback, "rolling back failed");
                }
                Err(error)
            }
        }
    }
}
