//! What the project remembers of its own doings, in `SQLite`: small transactions by several processes at once.
//!
//! Nothing here can be made again from Blip's answers, and nothing here holds a customer's data: figures, names of files, who ran what.

mod accesses;
mod deliveries;
mod head;
mod notices;
mod operations;
mod publications;
mod runs;
mod tables;
mod values;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use accesses::{Access, ChainBreak, ChainHead};
pub use deliveries::{Channel, Delivery, DeliveryState, NewDelivery, Outcome};
pub use head::Loss;
pub use notices::Notice;
pub use operations::{JournalStep, Operation, StepState};
pub use publications::{Publication, PublishedFigure, PublishedFile};
pub use runs::{NewRun, Progress, Run, RunKind, RunState};
pub use tables::{LEDGER_TABLES, LedgerTable, LedgerValue};

const STEPS: [&str; 6] = [
    include_str!("steps/1.sql"),
    include_str!("steps/2.sql"),
    include_str!("steps/3.sql"),
    include_str!("steps/4.sql"),
    include_str!("steps/5.sql"),
    include_str!("steps/6.sql"),
];

/// How long a process waits for another one's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// The ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The folder cannot be made.
    #[error("{} cannot be created", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// `SQLite` refused.
    #[error("the ledger {} cannot be used", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What `SQLite` says.
        source: rusqlite::Error,
    },
    /// The ledger lacks what a file beside it knows that it had.
    #[error(
        "the ledger {} has {} {}, and the files beside it know that it had {}: it was lost, or restored from before",
        path.display(), .loss.found, .loss.what, .loss.known
    )]
    Behind {
        /// The file.
        path: PathBuf,
        /// What is missing.
        loss: Loss,
    },
    /// A later version of this program wrote the file.
    #[error("the ledger {} is of a later version (step {found}, known: {known}): use that version of relato", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Steps that the file has seen.
        found: i64,
        /// Steps that this program knows.
        known: i64,
    },
}

/// The open ledger.
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
}

impl Ledger {
    /// Opens the ledger in `path`, creating it or bringing it to the current schema.
    ///
    /// # Errors
    /// When the file cannot be read or written, or a later version wrote it.
    pub fn open(path: &Path) -> Result<Ledger, LedgerError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| LedgerError::Folder { path: folder.to_owned(), source })?;
        }
        let failed = |source| LedgerError::Database { path: path.to_owned(), source };
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        // A record is there for good once it is told to be, whatever happens to the machine.
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        let known = i64::try_from(STEPS.len()).expect("a handful of steps");
        let step = |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
        // Whoever only reads a ledger that is up to date needs no right to write.
        if step(&connection).map_err(failed)? == known {
            return Ok(Ledger { connection, path: path.to_owned() });
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = step(&transaction).map_err(failed)?;
        if done > known {
            return Err(LedgerError::TooNew { path: path.to_owned(), found: done, known });
        }
        for sql in STEPS.iter().skip(usize::try_from(done).expect("a count")) {
            transaction.execute_batch(sql).map_err(failed)?;
        }
        transaction.pragma_update(None, "user_version", known).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(Ledger { connection, path: path.to_owned() })
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        read(&self.connection).map_err(|source| LedgerError::Database { path: self.path.clone(), source })
    }

    /// Does `write` in one transaction, and counts it, unless the ledger has lost something.
    fn change<T>(&mut self, write: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        let path = self.path.clone();
        let failed = Self::failed(&path);
        let transaction = self.begin()?;
        if let Some(loss) = head::loss(&path, &transaction).map_err(&failed)? {
            return Err(LedgerError::Behind { path: path.clone(), loss });
        }
        let value = write(&transaction).map_err(&failed)?;
        let changes = head::count(&transaction, 0).map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        head::write(&path, changes)?;
        Ok(value)
    }

    fn begin(&mut self) -> Result<Transaction<'_>, LedgerError> {
        let failed = Self::failed(&self.path);
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)
    }

    fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> LedgerError + use<> {
        let path = path.to_owned();
        move |source| LedgerError::Database { path: path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_of_a_later_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        drop(Ledger::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Ledger::open(&path), Err(LedgerError::TooNew { found: 99, known: 6, .. })));
    }
}
