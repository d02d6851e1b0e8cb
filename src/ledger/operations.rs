//! The journal of plans that are applied: what was begun, what became of it, what is waited for.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{
    Ledger, LedgerError, accesses,
    values::{instant, parsed, stamp, words},
};

words! {
    /// Where a write of a plan stands.
    StepState {
        /// Not begun.
        Planned = "planned",
        /// About to be sent; a dead process may have sent it.
        Begun = "begun",
        /// Blip said that it is done.
        Done = "done",
        /// Read back, and as planned.
        Verified = "verified",
        /// Done, and shown once the person has accepted.
        Waiting = "waiting",
        /// Blip said no: it is not done.
        Refused = "refused",
        /// It may have been done: no answer came.
        Unclear = "unclear",
        /// Read back, and otherwise than planned.
        Differs = "differs",
    }
}

/// A write of a plan, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalStep {
    /// Where, as text.
    pub place: String,
    /// Whom or what.
    pub subject: String,
    /// What should be there, as JSON; none is nothing.
    pub after: Option<String>,
    /// Where it stands.
    pub state: StepState,
    /// What was said of it.
    pub answer: Option<String>,
    /// Since when.
    pub updated_at: DateTime<Utc>,
}

/// A plan that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its number.
    pub id: i64,
    /// When it ended; none is under way, or broken off.
    pub ended_at: Option<DateTime<Utc>>,
    /// Its writes, in order.
    pub steps: Vec<JournalStep>,
}

impl Ledger {
    /// Returns what is known of a plan, by its SHA-256.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn operation(&self, plan: &str) -> Result<Option<Operation>, LedgerError> {
        self.with(|connection| {
            let found = connection
                .query_row("SELECT operation_id, ended_at FROM operation WHERE plan = ?", [plan], |row| {
                    Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.as_deref().map(parsed).transpose()?))
                })
                .optional()?;
            let Some((id, ended_at)) = found else { return Ok(None) };
            let steps = connection
                .prepare("SELECT * FROM operation_step WHERE operation_id = ? ORDER BY number")?
                .query_map([id], step_of_row)?
                .collect::<Result<_, _>>()?;
            Ok(Some(Operation { id, ended_at, steps }))
        })
    }

    /// Writes down a plan that is going to be applied; returns its number. One that is known already is begun anew.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn begin_operation(
        &mut self,
        plan: &str,
        kind: &str,
        steps: &[(String, String, Option<String>)],
        now: DateTime<Utc>,
    ) -> Result<i64, LedgerError> {
        self.change(|connection| {
            connection.execute(
                "INSERT INTO operation (plan, kind, begun_at) VALUES (?, ?, ?) ON CONFLICT (plan) DO UPDATE SET ended_at = NULL",
                params![plan, kind, stamp(now)],
            )?;
            let id = connection.query_row("SELECT operation_id FROM operation WHERE plan = ?", [plan], |row| row.get(0))?;
            for (number, (place, subject, after)) in (0_i64..).zip(steps) {
                connection.execute(
                    "INSERT OR IGNORE INTO operation_step (operation_id, number, place, subject, after, state, updated_at)
                     VALUES (?, ?, ?, ?, ?, 'planned', ?)",
                    params![id, number, place, subject, after, stamp(now)],
                )?;
            }
            Ok(id)
        })
    }

    /// Notes where a write stands and, in the same transaction, a record for the access log.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_step(
        &mut self,
        operation: i64,
        number: usize,
        (state, answer): (StepState, Option<&str>),
        record: Option<&Value>,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let access = self.change(|connection| {
            connection.execute(
                "UPDATE operation_step SET state = ?3, answer = ?4, updated_at = ?5 WHERE operation_id = ?1 AND number = ?2",
                params![operation, number, state.word(), answer, stamp(now)],
            )?;
            record.map(|body| accesses::append(connection, body, now)).transpose()
        })?;
        access.map_or(Ok(()), |access| self.write_head(&access))
    }

    /// Notes that a plan has ended.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn end_operation(&mut self, operation: i64, now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.change(|connection| {
            connection.execute("UPDATE operation SET ended_at = ?2 WHERE operation_id = ?1", params![operation, stamp(now)]).map(|_| ())
        })
    }

    /// Returns the newest write of each subject at a place that people are waited for.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn waited_for(&self) -> Result<Vec<JournalStep>, LedgerError> {
        self.with(|connection| {
            connection
                .prepare(
                    "WITH newest AS (
                         SELECT *, row_number() OVER (PARTITION BY place, subject ORDER BY operation_id DESC, number DESC) AS age
                         FROM operation_step WHERE state IN ('done', 'verified', 'waiting')
                     )
                     SELECT * FROM newest WHERE age = 1 AND state = 'waiting' ORDER BY place, subject",
                )?
                .query_map([], step_of_row)?
                .collect()
        })
    }

    /// Returns a plan that was begun and has not ended, if there is one.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn broken_off(&self) -> Result<Option<(String, DateTime<Utc>)>, LedgerError> {
        self.with(|connection: &Connection| {
            connection
                .query_row("SELECT plan, begun_at FROM operation WHERE ended_at IS NULL ORDER BY operation_id DESC", [], |row| {
                    Ok((row.get(0)?, parsed(&row.get::<_, String>(1)?)?))
                })
                .optional()
        })
    }
}

fn step_of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<JournalStep> {
    Ok(JournalStep {
        place: row.get("place")?,
        subject: row.get("subject")?,
        after: row.get("after")?,
        state: StepState::of_row(row, "state")?,
        answer: row.get("answer")?,
        updated_at: instant(row, "updated_at")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_write_and_its_record_are_noted_together_and_waits_end_with_the_next_write() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let at = |minute: i64| DateTime::from_timestamp(minute * 60, 0).unwrap();
        let steps = [("desk".to_owned(), "ana".to_owned(), Some("{}".to_owned())), ("desk".to_owned(), "bruno".to_owned(), None)];
        let id = ledger.begin_operation("plan 1", "team", &steps, at(0)).unwrap();
        assert_eq!(ledger.broken_off().unwrap(), Some(("plan 1".to_owned(), at(0))));
        ledger.note_step(id, 0, (StepState::Waiting, None), Some(&json!({"event": "changed"})), at(1)).unwrap();
        ledger.note_step(id, 1, (StepState::Refused, Some("code 66")), None, at(1)).unwrap();
        ledger.end_operation(id, at(2)).unwrap();
        let operation = ledger.operation("plan 1").unwrap().unwrap();
        assert_eq!((operation.ended_at, operation.steps[1].answer.as_deref()), (Some(at(2)), Some("code 66")));
        assert_eq!(ledger.verify_accesses(None).unwrap().unwrap().seq, 1);
        assert_eq!(ledger.waited_for().unwrap().len(), 1);
        assert_eq!(ledger.begin_operation("plan 1", "team", &steps, at(3)).unwrap(), id, "begun anew");
        assert_eq!(ledger.operation("plan 1").unwrap().unwrap().steps[0].state, StepState::Waiting);
        let other = ledger.begin_operation("plan 2", "team", &steps[..1], at(4)).unwrap();
        ledger.note_step(other, 0, (StepState::Verified, None), None, at(5)).unwrap();
        assert!(ledger.waited_for().unwrap().is_empty());
    }
}
