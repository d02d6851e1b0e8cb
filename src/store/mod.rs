//! The live database: raw answers as received (redacted), and the tables that SQL makes of them.
//!
//! One process writes it at a time, and holds a lock for as long. Schemas: `raw` holds what Blip said, append-only; `state` what is
//! known of each ticket now, made from it; `settings` what the configuration says; `staging` and `marts` are made by `queries/` and
//! can be made again at any time. Nothing but `ingest` writes here, and nothing but `snapshot` reads from here: reports read
//! snapshots.

mod basis;
mod bots;
mod checks;
mod columns;
mod error;
mod identities;
mod import;
mod lock;
mod marts;
mod messages;
mod published;
mod receipts;
mod rewrite;
mod rows;
mod schema;
mod settings;
mod subject;
mod tables;
mod tasks;
mod write;

use std::path::{Path, PathBuf};

use duckdb::Connection;

use crate::files::lock::{Holder, Lock};

pub use bots::{BotTickets, Removed};
pub use checks::{TableCheck, digest_of_checks};
pub use error::StoreError;
pub use identities::{BSUID, IdentityLink, ORIGINATOR, PARENT};
pub use import::{ImportVerdict, ImportedRating, ImportedTicket};
pub use lock::{hold, require_free, wait};
pub use marts::MartReport;
pub use messages::{KnownMessages, MessageRead};
pub use receipts::KeptReceipt;
pub use rows::{
    AttendantRow, Coverage, EventRow, MessageRow, MessageSource, MessageTask, OtherIdentities, ReportRow, Resource, TaskTicket, TicketRow,
};
pub use settings::SettingsRows;
pub use subject::{RETENTION, Unlinked, UnlinkingPlan, erased_digest};
pub use tables::{MART_TABLES, MARTS, STAGING};
pub use tasks::{GONE, MessageRisk, OpenTicket, UnlistedTicket};
pub use write::{Run, Written};

/// Above this DuckDB spills to disk beside the database, so that memory does not grow with history. What it holds outside of its pool
/// comes on top, about as much as one thread needs: more threads were no faster where parts are small.
const MEMORY_MB: usize = 160;

/// As much as making the tables of a very long history may take at most, as a multiple.
const MOST_TIMES: usize = 32;

/// Threads at most: each needs memory of its own, also on a machine that has many.
const MOST_THREADS: i64 = 4;

/// The live database.
pub struct Store {
    connection: Connection,
    /// Name under which the database's own catalogue is known, beside those that are attached for a while.
    catalog: String,
    /// Name of the database in memory in which tables of some customers are made.
    scope: String,
    /// Threads of the database for what is not done by one.
    threads: i64,
    /// DuckDB's log of what is not in the file yet; none for a database in memory.
    log: Option<PathBuf>,
    _lock: Option<Lock>,
}

/// Up to this size the log is left for the next opening to read, a hundredth of a second for a megabyte: moving a few rows into the file
/// costs more than a small load, and the more the larger the file is.
const SMALL_LOG_BYTES: u64 = 48 << 20;

impl Drop for Store {
    fn drop(&mut self) {
        let size = self.log.as_ref().and_then(|log| std::fs::metadata(log).ok()).map_or(0, |log| log.len());
        if size > SMALL_LOG_BYTES {
            // Whatever goes wrong here is in the log still.
            if let Err(error) = self.connection.execute_batch("CHECKPOINT") {
                tracing::debug!(%error, "the log was left for the next opening");
            }
        }
    }
}

impl Store {
    /// Opens the database in `path` for writing, creating it or bringing it to the current schema.
    ///
    /// # Errors
    /// When another process holds it, or the file cannot be read or written.
    pub fn open(path: &Path, holder: &Holder) -> Result<Store, StoreError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        lock::make_folder(folder)?;
        let lock = lock::hold(folder, holder)?;
        let connection = Connection::open(path).map_err(|source| StoreError::opening(path, source))?;
        let log = path.with_file_name(format!("{}.wal", path.file_name().unwrap_or_default().to_string_lossy()));
        let store = Store::with(connection, Some(log), Some(lock));
        store.map_err(|error| match error {
            StoreError::Database(source) => StoreError::opening(path, source),
            other => other,
        })
    }

    /// Opens a database in memory, for tests of the SQL.
    ///
    /// # Errors
    /// When DuckDB cannot be set up.
    pub fn in_memory() -> Result<Store, StoreError> {
        Store::with(Connection::open_in_memory()?, None, None)
    }

    fn with(connection: Connection, log: Option<PathBuf>, lock: Option<Lock>) -> Result<Store, StoreError> {
        let threads = Store::set_up(&connection)?;
        schema::migrate(&connection)?;
        let catalog = connection.query_row("SELECT current_database()", [], |row| row.get(0))?;
        Ok(Store { connection, catalog, scope: "scope".to_owned(), threads, log, _lock: lock })
    }

    /// Prepares a new connection; returns how many threads it may use.
    fn set_up(connection: &Connection) -> Result<i64, StoreError> {
        // Times are plain UTC timestamps throughout: nothing depends on the session's zone. What DuckDB no longer needs goes back to the
        // system at once: by itself it waits for more than it may hold here.
        connection.execute_batch(&format!(
            "SET preserve_insertion_order = true; SET memory_limit = '{MEMORY_MB}MB'; SET checkpoint_threshold = '256MB';
             SET allocator_flush_threshold = '1MB'; SET allocator_bulk_deallocation_flush_threshold = '4MB';
             PRAGMA disable_checkpoint_on_shutdown"
        ))?;
        let cores: i64 = connection.query_row("SELECT CAST(current_setting('threads') AS BIGINT)", [], |row| row.get(0))?;
        let threads = cores.min(MOST_THREADS);
        // One thread needs the least memory, and much is read while it writes: see `Store::expect_little`.
        connection.execute_batch("SET threads = 1")?;
        Ok(threads)
    }

    /// Returns another way into the same database, for the worker of this number.
    fn beside(&self, number: usize) -> Result<Store, StoreError> {
        let (connection, catalog) = (self.connection.try_clone()?, self.catalog.clone());
        connection.execute_batch(&format!("USE \"{catalog}\""))?;
        Ok(Store { connection, catalog, scope: format!("scope_{number}"), threads: self.threads, log: None, _lock: None })
    }

    /// Says whether little is read from now on, so that looking up what is known is most of the work and gets all threads. Where there is much,
    /// one thread writes: the other cores have answers to read.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn expect_little(&self, is_little: bool) -> Result<(), StoreError> {
        self.set_threads(if is_little { self.threads } else { 1 })
    }

    fn set_threads(&self, threads: i64) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch(&format!("SET threads = {threads}"))?)
    }

    /// Allows as much memory as so many workers need.
    fn set_memory(&self, workers: usize) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch(&format!("SET memory_limit = '{}MB'", MEMORY_MB * workers))?)
    }

    /// Does `work`, and again with twice the memory for as long as there was too little: not everything can spill.
    fn with_enough_memory<T>(&mut self, work: impl Fn(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (mut done, mut times) = (work(self), 1);
        while let Err(error) = &done
            && error.is_out_of_memory()
            && times < MOST_TIMES
        {
            times *= 2;
            tracing::debug!(%error, times, "once more with more memory");
            self.set_memory(times)?;
            done = work(self);
        }
        if times > 1 {
            self.set_memory(1)?;
        }
        done
    }

    /// Moves everything from the log into the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("CHECKPOINT")?)
    }

    /// Returns the connection, for publishing a snapshot.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// As [`Store::transaction`], and again with more memory for as long as there was too little.
    ///
    /// # Errors
    /// As [`Store::transaction`].
    pub fn transaction_with_enough_memory<T>(&mut self, work: impl Fn(&Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.with_enough_memory(|store| store.transaction(&work))
    }

    /// Runs `work` in one transaction: all of it is kept, or nothing.
    ///
    /// # Errors
    /// That of `work`, or of the commit.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.connection.execute_batch("BEGIN TRANSACTION")?;
        let done = work(self).and_then(|value| {
            self.connection.execute_batch("COMMIT")?;
            Ok(value)
        });
        done.inspect_err(|_| {
            // The first error is the one to tell; a failed rollback leaves the transaction to die with the connection.
            if let Err(rollback) = self.connection.execute_batch("ROLLBACK") {
                tracing::debug!(error = %rollback, "rolling back failed");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn what_cannot_spill_gets_more_memory_for_as_long_as_it_takes() {
        let mut store = Store::in_memory().unwrap();
        let limit = |store: &Store| -> i64 {
            let sql = "SELECT CAST(round(CAST(parse_formatted_bytes(current_setting('memory_limit')) AS DOUBLE) / 1e6) AS BIGINT)";
            store.connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let seen = RefCell::new(Vec::new());
        let done = store.with_enough_memory(|store| {
            seen.borrow_mut().push(limit(store));
            if seen.borrow().len() < 3 {
                // All of the rows are held until the last has come.
                store.connection.execute_batch("SET memory_limit = '1MB'")?;
                store
                    .connection
                    .execute_batch("CREATE OR REPLACE TEMP TABLE held AS SELECT list(i) AS all_rows FROM range(1000000) AS t(i)")?;
            }
            Ok(7)
        });
        assert_eq!(done.unwrap(), 7);
        let usual = i64::try_from(MEMORY_MB).unwrap();
        assert_eq!(*seen.borrow(), [usual, 2 * usual, 4 * usual]);
        assert_eq!(limit(&store), usual);
        assert!(matches!(
            store.with_enough_memory(|_| Err::<(), _>(StoreError::MissingQuery("q".to_owned()))),
            Err(StoreError::MissingQuery(_))
        ));
    }
}
