//! How many changes a ledger has seen, as the file beside it knows: a ledger that was lost, or restored from before, is noticed before anything is
//! written into it.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use super::{Access, Ledger, LedgerError, accesses};
use crate::files;

/// Name of the file with the number of changes.
pub const CHANGES_FILE: &str = "ledger.head";

/// Name of the file with the last record of the access log.
pub const ACCESS_FILE: &str = "access.head";

/// What a file beside the ledger knows, and the ledger does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// What is counted.
    pub what: &'static str,
    /// How many the file knows.
    pub known: i64,
    /// How many the ledger has.
    pub found: i64,
}

/// Returns what the files beside the ledger at `path` know and the ledger does not. They are written after the ledger, so they never know more.
pub(super) fn loss(path: &Path, connection: &Connection) -> rusqlite::Result<Option<Loss>> {
    let number = |name: &str| -> Option<i64> {
        // What cannot be read as a number says nothing.
        fs::read_to_string(path.with_file_name(name)).ok()?.split_whitespace().next()?.parse().ok()
    };
    let records = || connection.query_row("SELECT coalesce(max(seq), 0) FROM access_log", [], |row| row.get(0));
    if let Some(known) = number(ACCESS_FILE) {
        let found = records()?;
        if known > found {
            return Ok(Some(Loss { what: "records of the access log", known, found }));
        }
    }
    if let Some(known) = number(CHANGES_FILE) {
        let found = changes(connection)?;
        if known > found {
            return Ok(Some(Loss { what: "changes", known, found }));
        }
    }
    Ok(None)
}

fn changes(connection: &Connection) -> rusqlite::Result<i64> {
    Ok(connection.query_row("SELECT changes FROM ledger_head", [], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Counts one more change within a transaction, or goes on from `at_least`; returns the number.
pub(super) fn count(connection: &Connection, at_least: i64) -> rusqlite::Result<i64> {
    let next = changes(connection)?.max(at_least) + 1;
    connection.execute("INSERT OR REPLACE INTO ledger_head VALUES (1, ?)", [next])?;
    Ok(next)
}

/// Writes the number of changes beside the ledger. Without it only the noticing of a loss is lost: it does not wait for the disk.
pub(super) fn write(path: &Path, changes: i64) -> Result<(), LedgerError> {
    let file = path.with_file_name(CHANGES_FILE);
    let temporary = files::temporary_name(&file);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|mut out| writeln!(out, "{changes}"))
        .and_then(|()| fs::rename(&temporary, &file));
    written.map_err(|source| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        LedgerError::Folder { path: file, source }
    })
}

impl Ledger {
    /// Returns what the files beside the ledger know and it does not; none for one that lost nothing.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn loss(&self) -> Result<Option<Loss>, LedgerError> {
        self.with(|connection| loss(&self.path, connection))
    }

    /// Goes on with a ledger that lost something: the loss becomes a record of the access log, with `who` and `reason`. Returns that record.
    ///
    /// # Errors
    /// When the ledger or a file beside it cannot be written.
    pub fn accept_loss(&mut self, lost: Loss, (who, reason): (&str, Option<&str>), at: DateTime<Utc>) -> Result<Access, LedgerError> {
        let known = fs::read_to_string(self.path.with_file_name(ACCESS_FILE)).unwrap_or_default();
        let changes_known = fs::read_to_string(self.path.with_file_name(CHANGES_FILE)).ok().and_then(|text| text.trim().parse().ok());
        let body = json!({
            "event": "changed",
            "subject": "ledger that lost records goes on",
            "before": format!("{} {}; access log {}", lost.known, lost.what, known.trim()),
            "after": format!("{} {}", lost.found, lost.what),
            "os_user": who,
            "reason": reason,
        });
        let failed = Self::failed(&self.path);
        let transaction = self.begin()?;
        let access = accesses::append(&transaction, &body, at).map_err(&failed)?;
        let changes = count(&transaction, changes_known.unwrap_or(0)).map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        self.write_head(&access)?;
        write(&self.path, changes)?;
        Ok(access)
    }

    /// Copies the ledger and the files beside it into `folder`, as they are at one moment; other processes may write meanwhile. Returns the copies.
    ///
    /// # Errors
    /// When the ledger cannot be read or the copies cannot be written.
    pub fn copy_to(path: &Path, folder: &Path) -> Result<Vec<PathBuf>, LedgerError> {
        let mut copies = Vec::new();
        // The files first: they may know less than the ledger, never more.
        for name in [ACCESS_FILE, CHANGES_FILE] {
            let (from, to) = (path.with_file_name(name), folder.join(name));
            match fs::copy(&from, &to) {
                Ok(_) => copies.push(to),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(LedgerError::Folder { path: to, source }),
            }
        }
        let to = folder.join(path.file_name().unwrap_or_default());
        let failed = Self::failed(path);
        let connection = Connection::open(path).map_err(&failed)?;
        connection.busy_timeout(super::BUSY).map_err(&failed)?;
        connection.execute("VACUUM INTO ?", [to.to_string_lossy()]).map_err(&failed)?;
        copies.push(to);
        Ok(copies)
    }
}
