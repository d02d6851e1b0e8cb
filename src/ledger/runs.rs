//! Runs of schedules: what is planned, where each stands, and what is to be done next.
//!
//! Every change is one transaction.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Ledger, LedgerError, NewDelivery, Notice, Publication, deliveries, notices, publications,
    values::{instant, parsed, stamp, words},
};

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
            notices::insert(connection, notices, now)
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
                deliveries::insert(connection, run, delivery, now)?;
            }
            update_run(connection, run, progress, now)?;
            notices::insert(connection, notices, now)
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
