//! Notices of failure: mails about runs that did not reach anybody. They are claimed as deliveries are.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::{DeliveryState, Ledger, LedgerError, Outcome, values::stamp};

/// A mail about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its number; 0 before it is kept.
    pub id: i64,
    /// What it is about: the same is told to the same person once.
    pub about: String,
    /// To whom.
    pub recipient: String,
    /// Subject of the mail.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// What the other side said.
    pub answer: Option<String>,
}

impl Ledger {
    /// Notes mails about failures.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn tell(&mut self, notices: &[Notice], now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.change(|connection| insert(connection, notices, now))
    }

    /// Returns the notices that are to be sent by `now`.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn pending_notices(&self, now: DateTime<Utc>) -> Result<Vec<Notice>, LedgerError> {
        self.with(|connection| {
            connection
                .prepare("SELECT * FROM notice WHERE state = 'pending' AND next_at <= ? ORDER BY notice_id")?
                .query_map([stamp(now)], notice_of_row)?
                .collect()
        })
    }

    /// Claims a notice before it is sent; false when another has it.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn claim_notice(&mut self, notice: i64, now: DateTime<Utc>) -> Result<bool, LedgerError> {
        self.change(|connection| {
            let claimed = connection.execute(
                "UPDATE notice SET state = 'sending', attempts = attempts + 1, updated_at = ?2 WHERE notice_id = ?1 AND state = 'pending'",
                params![notice, stamp(now)],
            )?;
            Ok(claimed == 1)
        })
    }

    /// Notes what became of a claimed notice.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn settle_notice(&mut self, notice: i64, outcome: &Outcome, now: DateTime<Utc>) -> Result<(), LedgerError> {
        let (state, answer) = outcome.parts();
        let next_at = if let Outcome::Again(_, at) = outcome { *at } else { now };
        self.change(|connection| {
            connection.execute(
                "UPDATE notice SET state = ?2, answer = ?3, next_at = ?4, updated_at = ?5 WHERE notice_id = ?1",
                params![notice, state.word(), answer, stamp(next_at), stamp(now)],
            )?;
            Ok(())
        })
    }

    /// Returns notices that did not reach anybody, or may not have, since `since`.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn untold(&self, since: DateTime<Utc>) -> Result<Vec<Notice>, LedgerError> {
        self.with(|connection| {
            connection
                .prepare("SELECT * FROM notice WHERE state <> 'sent' AND updated_at >= ? ORDER BY notice_id")?
                .query_map([stamp(since)], notice_of_row)?
                .collect()
        })
    }
}

pub(super) fn insert(connection: &Connection, notices: &[Notice], now: DateTime<Utc>) -> rusqlite::Result<()> {
    for notice in notices {
        connection.execute(
            "INSERT OR IGNORE INTO notice (about, recipient, subject, body, state, next_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![notice.about, notice.recipient, notice.subject, notice.body, notice.state.word(), stamp(now), stamp(now)],
        )?;
    }
    Ok(())
}

fn notice_of_row(row: &Row<'_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        id: row.get("notice_id")?,
        about: row.get("about")?,
        recipient: row.get("recipient")?,
        subject: row.get("subject")?,
        body: row.get("body")?,
        state: DeliveryState::of_row(row, "state")?,
        attempts: row.get("attempts")?,
        answer: row.get("answer")?,
    })
}
