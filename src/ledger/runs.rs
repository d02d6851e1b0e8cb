//! Runs of schedules, their deliveries, and notices of failure.
//!
//! Every change is one transaction. What is being sent is claimed first: a claim that a dead process left shows that the other side may
//! have it, and is never taken up again by itself.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::{Ledger, LedgerError, Publication, publications, unfit};

/// Makes a set of states with the words that the ledger keeps.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            /// Returns the word that the ledger keeps.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            fn of_row(row: &Row<'_>, column: &str) -> rusqlite::Result<$name> {
                let word: String = row.get(column)?;
                match word.as_str() {
                    $($word => Ok($name::$variant),)+
                    _ => Err(unfit(0, Unknown(word))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.word())
            }
        }
    };
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no word of this version")]
struct Unknown(String);

words! {
    /// Why there is a run.
    RunKind {
        /// Its time came.
        Scheduled = "scheduled",
        /// Somebody asked for it.
        Manual = "manual",
    }
}

words! {
    /// Where a run stands.
    RunState {
        /// Its time is known.
        Planned = "planned",
        /// It waits for data.
        Waiting = "waiting",
        /// Its files are made, and on their way.
        Rendered = "rendered",
        /// Everybody has it.
        Sent = "sent",
        /// Some have it.
        Partial = "partial",
        /// Nobody has it.
        Failed = "failed",
        /// Nobody was to have it: a condition, a holiday, people who left.
        Skipped = "skipped",
        /// Its time passed while nothing ran.
        Missed = "missed",
    }
}

impl RunState {
    /// Returns whether nothing will be done about it any more.
    pub const fn is_final(self) -> bool {
        !matches!(self, RunState::Planned | RunState::Waiting | RunState::Rendered)
    }
}

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

/// A run to be noted.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Name of the schedule.
    pub schedule: String,
    /// Why there is a run.
    pub kind: RunKind,
    /// The instant that the schedule means.
    pub planned_at: DateTime<Utc>,
    /// Nothing is done before.
    pub due_at: DateTime<Utc>,
    /// Name of the report.
    pub report: String,
    /// The days, as commands take them.
    pub period: String,
    /// Where it stands from the beginning.
    pub state: RunState,
    /// Why, for people.
    pub reason: Option<String>,
    /// To whom alone.
    pub only_to: Option<String>,
    /// Whether what went out before may go out again.
    pub again: bool,
}

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// Name of the schedule.
    pub schedule: String,
    /// Why there is a run.
    pub kind: RunKind,
    /// The instant that the schedule means.
    pub planned_at: DateTime<Utc>,
    /// Nothing was to be done before.
    pub due_at: DateTime<Utc>,
    /// Name of the report.
    pub report: String,
    /// The days, as commands take them.
    pub period: String,
    /// Where it stands.
    pub state: RunState,
    /// Why, for people.
    pub reason: Option<String>,
    /// The snapshot that it was made from, or was looked at last.
    pub snapshot: Option<String>,
    /// Failed tries to make it.
    pub attempts: u32,
    /// Nothing is done before.
    pub next_at: DateTime<Utc>,
    /// When it came to stand where it stands.
    pub updated_at: DateTime<Utc>,
    /// To whom alone.
    pub only_to: Option<String>,
    /// Whether what went out before may go out again.
    pub again: bool,
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
    fn parts(&self) -> (DeliveryState, &str) {
        match self {
            Outcome::Sent(answer) => (DeliveryState::Sent, answer),
            Outcome::MaybeSent(answer) => (DeliveryState::MaybeSent, answer),
            Outcome::Again(answer, _) => (DeliveryState::Pending, answer),
            Outcome::Failed(answer) => (DeliveryState::Failed, answer),
        }
    }
}

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

/// How a run goes on.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Where it stands now.
    pub state: RunState,
    /// Why, for people.
    pub reason: Option<String>,
    /// The snapshot that was looked at.
    pub snapshot: Option<String>,
    /// Failed tries so far.
    pub attempts: u32,
    /// Nothing is done before.
    pub next_at: DateTime<Utc>,
}

const OPEN: &str = "('planned', 'waiting', 'rendered')";

impl Ledger {
    /// Returns up to where the planned times of a schedule are known.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn planned_through(&self, schedule: &str) -> Result<Option<DateTime<Utc>>, LedgerError> {
        self.with(|connection| {
            connection
                .query_row("SELECT instant FROM planned_through WHERE schedule = ?", [schedule], |row| instant(row, "instant"))
                .optional()
        })
    }

    /// Notes runs and up to where the planned times of their schedule are known now. A time that is known already stays as it is.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn plan(&mut self, schedule: &str, through: DateTime<Utc>, runs: &[NewRun], now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.change(|connection| {
            for run in runs {
                insert_run(connection, run, now)?;
            }
            connection.execute("INSERT OR REPLACE INTO planned_through VALUES (?, ?)", params![schedule, stamp(through)])?;
            Ok(())
        })
    }

    /// Notes a run that somebody asked for, and returns its number.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn ask(&mut self, run: &NewRun, now: DateTime<Utc>) -> Result<i64, LedgerError> {
        self.change(|connection| {
            insert_run(connection, run, now)?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// Returns the runs about which something is to be done by `now`, the oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open_runs(&self, now: DateTime<Utc>) -> Result<Vec<Run>, LedgerError> {
        self.with(|connection| {
            let sql = format!("SELECT * FROM run WHERE state IN {OPEN} AND next_at <= ? ORDER BY due_at, run_id");
            connection.prepare(&sql)?.query_map([stamp(now)], run_of_row)?.collect()
        })
    }

    /// Returns one run.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn run(&self, id: i64) -> Result<Option<Run>, LedgerError> {
        self.with(|connection| connection.query_row("SELECT * FROM run WHERE run_id = ?", [id], run_of_row).optional())
    }

    /// Returns runs, the latest planned first: of one schedule or all, at most `limit`.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn history(&self, schedule: Option<&str>, limit: usize) -> Result<Vec<Run>, LedgerError> {
        self.with(|connection| {
            connection
                .prepare("SELECT * FROM run WHERE ?1 IS NULL OR schedule = ?1 ORDER BY planned_at DESC, run_id DESC LIMIT ?2")?
                .query_map(params![schedule, i64::try_from(limit).unwrap_or(i64::MAX)], run_of_row)?
                .collect()
        })
    }

    /// Notes how a run goes on, and whom to tell.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn progress(&mut self, run: i64, progress: &Progress, notices: &[Notice], now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.change(|connection| {
            update_run(connection, run, progress, now)?;
            insert_notices(connection, notices, now)
        })
    }

    /// Notes that the files of a run are made: its deliveries, and the publications that they will be.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn rendered(
        &mut self,
        run: i64,
        progress: &Progress,
        (deliveries, publications): (&[NewDelivery], &[Publication]),
        notices: &[Notice],
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        self.change(|connection| {
            for publication in publications {
                publications::write(connection, publication, false)?;
            }
            for delivery in deliveries {
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
            }
            update_run(connection, run, progress, now)?;
            insert_notices(connection, notices, now)
        })
    }

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

    /// Notes mails about failures.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn tell(&mut self, notices: &[Notice], now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.change(|connection| insert_notices(connection, notices, now))
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

    /// Returns the next instant at which something is to be done about an open run, a delivery or a notice.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn next_work(&self) -> Result<Option<DateTime<Utc>>, LedgerError> {
        self.with(|connection| {
            connection.query_row(
                &format!(
                    "SELECT min(next_at) AS next_at FROM (
                         SELECT next_at FROM run WHERE state IN {OPEN}
                         UNION ALL SELECT next_at FROM notice WHERE state = 'pending'
                     )"
                ),
                [],
                |row| row.get::<_, Option<String>>("next_at")?.map(|text| parsed(&text)).transpose(),
            )
        })
    }

    /// Notes that a process looks for work.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn beat(&mut self, now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.change(|connection| {
            connection.execute("INSERT OR REPLACE INTO heartbeat VALUES (1, ?, ?)", params![stamp(now), std::process::id()])?;
            Ok(())
        })
    }

    /// Returns when a process last looked for work.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn last_beat(&self) -> Result<Option<DateTime<Utc>>, LedgerError> {
        self.with(|connection| connection.query_row("SELECT at FROM heartbeat", [], |row| instant(row, "at")).optional())
    }

    /// Forgets finished runs and notices from before `limit`. What went out must be known for as long as its period can come up again:
    /// `limit` is years back.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn forget(&mut self, limit: DateTime<Utc>) -> Result<usize, LedgerError> {
        self.change(|connection| {
            let runs = connection.execute(
                &format!("DELETE FROM run WHERE state NOT IN {OPEN} AND updated_at < ? AND planned_at < ?"),
                params![stamp(limit), stamp(limit)],
            )?;
            let notices = connection.execute("DELETE FROM notice WHERE state <> 'pending' AND updated_at < ?", [stamp(limit)])?;
            Ok(runs + notices)
        })
    }

    /// Returns the folders within the outbox that are needed still: of open runs, and of those that changed since `since`.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn runs_with_files(&self, since: DateTime<Utc>) -> Result<Vec<i64>, LedgerError> {
        self.with(|connection| {
            connection
                .prepare(&format!("SELECT run_id FROM run WHERE state IN {OPEN} OR updated_at >= ?"))?
                .query_map([stamp(since)], |row| row.get(0))?
                .collect()
        })
    }

    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        read(&self.connection).map_err(|source| LedgerError::Database { path: self.path.clone(), source })
    }

    pub(super) fn change<T>(&mut self, write: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        let path = &self.path;
        let done = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        done.map_err(|source| LedgerError::Database { path: path.clone(), source })
    }
}

fn insert_run(connection: &Connection, run: &NewRun, now: DateTime<Utc>) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR IGNORE INTO run (schedule, kind, planned_at, due_at, report, period, state, reason, next_at, updated_at, only_to, again)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            run.schedule,
            run.kind.word(),
            stamp(run.planned_at),
            stamp(run.due_at),
            run.report,
            run.period,
            run.state.word(),
            run.reason,
            stamp(run.due_at),
            stamp(now),
            run.only_to,
            run.again
        ],
    )?;
    Ok(())
}

fn update_run(connection: &Connection, run: i64, progress: &Progress, now: DateTime<Utc>) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE run SET state = ?2, reason = ?3, snapshot = coalesce(?4, snapshot), attempts = ?5, next_at = ?6, updated_at = ?7
         WHERE run_id = ?1",
        params![run, progress.state.word(), progress.reason, progress.snapshot, progress.attempts, stamp(progress.next_at), stamp(now)],
    )?;
    Ok(())
}

fn insert_notices(connection: &Connection, notices: &[Notice], now: DateTime<Utc>) -> rusqlite::Result<()> {
    for notice in notices {
        connection.execute(
            "INSERT OR IGNORE INTO notice (about, recipient, subject, body, state, next_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![notice.about, notice.recipient, notice.subject, notice.body, notice.state.word(), stamp(now), stamp(now)],
        )?;
    }
    Ok(())
}

fn run_of_row(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get("run_id")?,
        schedule: row.get("schedule")?,
        kind: RunKind::of_row(row, "kind")?,
        planned_at: instant(row, "planned_at")?,
        due_at: instant(row, "due_at")?,
        report: row.get("report")?,
        period: row.get("period")?,
        state: RunState::of_row(row, "state")?,
        reason: row.get("reason")?,
        snapshot: row.get("snapshot")?,
        attempts: row.get("attempts")?,
        next_at: instant(row, "next_at")?,
        updated_at: instant(row, "updated_at")?,
        only_to: row.get("only_to")?,
        again: row.get("again")?,
    })
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

/// Instants are kept to the second in one form, so that they sort as texts.
pub(super) fn stamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn instant(row: &Row<'_>, column: &str) -> rusqlite::Result<DateTime<Utc>> {
    parsed(&row.get::<_, String>(column)?)
}

pub(super) fn parsed(text: &str) -> rusqlite::Result<DateTime<Utc>> {
    text.parse().map_err(|error| unfit(0, error))
}
