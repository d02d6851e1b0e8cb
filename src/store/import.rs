//! Rows of imported files. What the API says of a ticket stands beside them and wins when tables are made.

use chrono::{DateTime, Utc};
use duckdb::params;

use super::{Run, Store, StoreError};

/// A ticket of an exported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedTicket {
    /// Blip's id.
    pub ticket_id: String,
    /// Pseudonym of the customer.
    pub customer_key: String,
    /// The ticket in the shape of the API's answers, redacted like them.
    pub body: String,
}

/// A survey answer of an exported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRating {
    /// Made from the content.
    pub rating_id: String,
    /// The ticket that was rated, where it is named.
    pub ticket_id: Option<String>,
    /// Pseudonym of the customer, where one is named.
    pub customer_key: Option<String>,
    /// The answer as given.
    pub answer: String,
    /// Queue, where one is named.
    pub queue: Option<String>,
    /// When it was given; none is the close of its ticket.
    pub answered_at: Option<DateTime<Utc>>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportVerdict {
    /// It is kept.
    New,
    /// It is kept in place of what an earlier file said.
    Changed,
    /// An earlier row said the same.
    Same,
    /// The API has told of the ticket.
    KnownByApi,
}

impl Store {
    /// Runs `work` in a transaction that is kept, or rolled back for a trial.
    ///
    /// # Errors
    /// That of `work`, or of the commit.
    pub fn transaction_or_trial<T>(&mut self, is_trial: bool, work: impl FnOnce(&Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if !is_trial {
            return self.transaction(work);
        }
        self.connection.execute_batch("BEGIN TRANSACTION")?;
        let done = work(self);
        self.connection.execute_batch("ROLLBACK")?;
        done
    }

    /// Keeps imported tickets; returns what became of each, in order.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_imported_tickets(&self, rows: &[ImportedTicket], run: Run) -> Result<Vec<ImportVerdict>, StoreError> {
        let mut verdicts = Vec::with_capacity(rows.len());
        for row in rows {
            let known: Option<(String, String)> = {
                let mut statement =
                    self.connection.prepare_cached("SELECT body, customer_key FROM raw.imported_ticket WHERE ticket_id = ?")?;
                let mut found = statement.query_map(params![row.ticket_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                found.next().transpose()?
            };
            let is_told: bool = {
                let mut statement = self.connection.prepare_cached("SELECT count(*) > 0 FROM state.ticket WHERE ticket_id = ?")?;
                statement.query_row(params![row.ticket_id], |row| row.get(0))?
            };
            let is_same = known.as_ref().is_some_and(|(body, customer)| *body == row.body && *customer == row.customer_key);
            if !is_same {
                self.connection.execute("DELETE FROM raw.imported_ticket WHERE ticket_id = ?", params![row.ticket_id])?;
                self.connection.execute(
                    "INSERT INTO raw.imported_ticket VALUES (?, ?, ?, ?)",
                    params![row.ticket_id, row.customer_key, row.body, run.number],
                )?;
                for customer in known.iter().map(|(_, customer)| customer).chain([&row.customer_key]) {
                    self.connection.execute("INSERT INTO state.changed_customer VALUES (?)", params![customer])?;
                }
            }
            verdicts.push(match (is_told, is_same, known.is_some()) {
                (true, ..) => ImportVerdict::KnownByApi,
                (_, true, _) => ImportVerdict::Same,
                (.., true) => ImportVerdict::Changed,
                _ => ImportVerdict::New,
            });
        }
        Ok(verdicts)
    }

    /// Keeps imported answers; returns what became of each, in order.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_imported_ratings(&self, rows: &[ImportedRating], run: Run) -> Result<Vec<ImportVerdict>, StoreError> {
        let mut verdicts = Vec::with_capacity(rows.len());
        for row in rows {
            let is_known: bool = {
                let mut statement = self.connection.prepare_cached("SELECT count(*) > 0 FROM raw.imported_rating WHERE rating_id = ?")?;
                statement.query_row(params![row.rating_id], |row| row.get(0))?
            };
            verdicts.push(if is_known { ImportVerdict::Same } else { ImportVerdict::New });
            if is_known {
                continue;
            }
            let answered_at = row.answered_at.map(|at| at.naive_utc());
            self.connection.execute(
                "INSERT INTO raw.imported_rating VALUES (?, ?, ?, ?, ?, ?, ?)",
                params![row.rating_id, row.ticket_id, row.customer_key, row.answer, row.queue, answered_at, run.number],
            )?;
            self.connection.execute(
                "INSERT INTO state.changed_customer
                 SELECT coalesce(
                     (SELECT max(customer_key) FROM state.ticket WHERE ticket_id = ?),
                     (SELECT max(customer_key) FROM raw.imported_ticket WHERE ticket_id = ?),
                     CAST(? AS VARCHAR),
                     ''
                 )",
                params![row.ticket_id, row.ticket_id, row.customer_key],
            )?;
        }
        Ok(verdicts)
    }
}
