//! Deliveries of runs.
//!
//! What is being sent is claimed first: a claim that a dead process left shows that the other side may have it, and is never taken up
//! again by itself.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Ledger, LedgerError,
    values::{instant, stamp, words},
};

words! {
    /// By which way something goes.
    Channel {
        /// A mail to one person.
        Email = "email",
        /// Files in a folder.
        Folder = "folder",
        /// A signed message to a program.
        Webhook = "webhook",
    }
}

words! {
    /// Where a delivery or a notice stands.
    DeliveryState {
        /// To be sent.
        Pending = "pending",
        /// Being sent by a process, or by one that has died meanwhile.
        Sending = "sending",
        /// Taken by the other side.
        Sent = "sent",
        /// The other side may have it; nobody can know.
        MaybeSent = "maybe_sent",
        /// Given up.
        Failed = "failed",
        /// Not to be sent.
        Skipped = "skipped",
    }
}

/// A delivery to be noted.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// By which way.
    pub channel: Channel,
    /// To whom: an address, a folder, a URL.
    pub recipient: String,
    /// Only this sector; none is all.
    pub sector: Option<String>,
    /// What must not go out again by itself.
    pub subject: String,
    /// What can not go out twice at all.
    pub idempotency_key: String,
    /// Where it stands from the beginning.
    pub state: DeliveryState,
    /// Folder of what is sent, within the outbox.
    pub parcel: Option<String>,
    /// SHA-256 of the report's content.
    pub content_sha256: Option<String>,
    /// Why it stands there, for people.
    pub answer: Option<String>,
}

/// A delivery as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub id: i64,
    /// Number of its run.
    pub run: i64,
    /// By which way.
    pub channel: Channel,
    /// To whom.
    pub recipient: String,
    /// Only this sector; none is all.
    pub sector: Option<String>,
    /// What can not go out twice at all.
    pub idempotency_key: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Folder of what is sent, within the outbox.
    pub parcel: Option<String>,
    /// SHA-256 of the report's content.
    pub content_sha256: Option<String>,
    /// Tries so far.
    pub attempts: u32,
    /// Nothing is done before.
    pub next_at: DateTime<Utc>,
    /// When it came to stand where it stands.
    pub updated_at: DateTime<Utc>,
    /// What the other side said, or why it was not sent.
    pub answer: Option<String>,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took it, and said this.
    Sent(String),
    /// The other side may have it.
    MaybeSent(String),
    /// Not sent; to be tried again then.
    Again(String, DateTime<Utc>),
    /// Not sent, for good.
    Failed(String),
}

impl Outcome {
    pub(super) fn parts(&self) -> (DeliveryState, &str) {
        match self {
            Outcome::Sent(answer) => (DeliveryState::Sent, answer),
            Outcome::MaybeSent(answer) => (DeliveryState::MaybeSent, answer),
            Outcome::Again(answer, _) => (DeliveryState::Pending, answer),
            Outcome::Failed(answer) => (DeliveryState::Failed, answer),
        }
    }
}

impl Ledger {
    /// Returns the deliveries of a run.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn deliveries(&self, run: i64) -> Result<Vec<Delivery>, LedgerError> {
        self.with(|connection| {
            connection.prepare("SELECT * FROM delivery WHERE run_id = ? ORDER BY delivery_id")?.query_map([run], delivery_of_row)?.collect()
        })
    }

    /// Returns the content of the last delivery of `subject` that went out or may have; none when none did.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn went_out(&self, subject: &str) -> Result<Option<Option<String>>, LedgerError> {
        self.with(|connection| {
            connection
                .query_row(
                    "SELECT content_sha256 FROM delivery WHERE subject = ? AND state IN ('sending', 'sent', 'maybe_sent')
                     ORDER BY updated_at DESC, delivery_id DESC LIMIT 1",
                    [subject],
                    |row| row.get(0),
                )
                .optional()
        })
    }

    /// Claims a delivery before it is sent; false when another has it, or the same went out already.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn claim(&mut self, delivery: i64, now: DateTime<Utc>) -> Result<bool, LedgerError> {
        self.change(|connection| {
            let claimed = connection.execute(
                "UPDATE OR IGNORE delivery SET state = 'sending', attempts = attempts + 1, updated_at = ?2
                 WHERE delivery_id = ?1 AND state = 'pending'",
                params![delivery, stamp(now)],
            )?;
            if claimed == 1 {
                connection.execute("INSERT INTO attempt (delivery_id, began_at) VALUES (?, ?)", params![delivery, stamp(now)])?;
            }
            Ok(claimed == 1)
        })
    }

    /// Notes what became of a claimed delivery. What went out makes its publication count.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn settle(&mut self, delivery: i64, outcome: &Outcome, now: DateTime<Utc>) -> Result<(), LedgerError> {
        let (state, answer) = outcome.parts();
        let next_at = if let Outcome::Again(_, at) = outcome { *at } else { now };
        self.change(|connection| {
            connection.execute(
                "UPDATE delivery SET state = ?2, answer = ?3, next_at = ?4, updated_at = ?5 WHERE delivery_id = ?1",
                params![delivery, state.word(), answer, stamp(next_at), stamp(now)],
            )?;
            connection.execute(
                "UPDATE attempt SET ended_at = ?2, outcome = ?3, answer = ?4 WHERE delivery_id = ?1 AND ended_at IS NULL",
                params![delivery, stamp(now), state.word(), answer],
            )?;
            if matches!(state, DeliveryState::Sent | DeliveryState::MaybeSent) {
                connection.execute(
                    "UPDATE publication SET went_out = 1
                     WHERE (report, period, snapshot) = (
                         SELECT run.report, run.period, run.snapshot FROM run INNER JOIN delivery USING (run_id) WHERE delivery_id = ?1
                     ) AND sector IS (SELECT sector FROM delivery WHERE delivery_id = ?1)",
                    [delivery],
                )?;
            }
            Ok(())
        })
    }

    /// Gives up a delivery that was not claimed, saying why.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn skip(&mut self, delivery: i64, why: &str, now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.change(|connection| {
            connection.execute(
                "UPDATE delivery SET state = 'skipped', answer = ?2, updated_at = ?3 WHERE delivery_id = ?1 AND state = 'pending'",
                params![delivery, why, stamp(now)],
            )?;
            Ok(())
        })
    }

    /// Marks what a dead process was sending as maybe sent, and returns it. Only who holds the right to send may call this.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn abandoned(&mut self, now: DateTime<Utc>) -> Result<Vec<Delivery>, LedgerError> {
        self.change(|connection| {
            let found: Vec<Delivery> = connection
                .prepare("SELECT * FROM delivery WHERE state = 'sending'")?
                .query_map([], delivery_of_row)?
                .collect::<Result<_, _>>()?;
            let why = "the process ended while it was being sent";
            connection.execute(
                "UPDATE delivery SET state = 'maybe_sent', answer = ?1, updated_at = ?2 WHERE state = 'sending'",
                params![why, stamp(now)],
            )?;
            connection.execute(
                "UPDATE notice SET state = 'maybe_sent', answer = ?1, updated_at = ?2 WHERE state = 'sending'",
                params![why, stamp(now)],
            )?;
            Ok(found)
        })
    }
}

pub(super) fn insert(connection: &Connection, run: i64, delivery: &NewDelivery, now: DateTime<Utc>) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO delivery
         (run_id, channel, recipient, sector, subject, idempotency_key, state, parcel, content_sha256, next_at, updated_at, answer)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            run,
            delivery.channel.word(),
            delivery.recipient,
            delivery.sector,
            delivery.subject,
            delivery.idempotency_key,
            delivery.state.word(),
            delivery.parcel,
            delivery.content_sha256,
            stamp(now),
            stamp(now),
            delivery.answer
        ],
    )?;
    Ok(())
}

fn delivery_of_row(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get("delivery_id")?,
        run: row.get("run_id")?,
        channel: Channel::of_row(row, "channel")?,
        recipient: row.get("recipient")?,
        sector: row.get("sector")?,
        idempotency_key: row.get("idempotency_key")?,
        state: DeliveryState::of_row(row, "state")?,
        parcel: row.get("parcel")?,
        content_sha256: row.get("content_sha256")?,
        attempts: row.get("attempts")?,
        next_at: instant(row, "next_at")?,
        updated_at: instant(row, "updated_at")?,
        answer: row.get("answer")?,
    })
}
