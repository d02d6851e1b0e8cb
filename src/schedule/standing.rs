//! Whether reports arrive, seen from outside: also when nothing runs that could tell.

use chrono::{DateTime, TimeDelta, Utc};

use super::{House, due, late_after};
use crate::ledger::{Ledger, LedgerError, Notice, Run, RunState};

/// How the sending of reports stands.
#[derive(Debug, Default)]
pub struct Standing {
    /// When a process last looked for work.
    pub looked_at: Option<DateTime<Utc>>,
    /// Whether any report is to be sent at all.
    pub is_wanted: bool,
    /// Planned times that nobody took up, or that are long on their way: schedule, planned time, since when it is late.
    pub late: Vec<(String, DateTime<Utc>, DateTime<Utc>)>,
    /// Runs of late that did not reach everybody, and whose period did not either later on.
    pub amiss: Vec<Run>,
    /// Notices of late that did not reach anybody.
    pub untold: Vec<Notice>,
    /// What comes next: schedule and instant.
    pub next: Vec<(String, DateTime<Utc>)>,
}

/// Days back that are looked at.
const DAYS: i64 = 14;

/// A process looks for work twice a minute.
const SILENT_AFTER: TimeDelta = TimeDelta::minutes(30);

impl Standing {
    /// Looks at a project's schedules and ledger at `now`; there may be no ledger yet.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(house: &House, ledger: Option<&Ledger>, now: DateTime<Utc>) -> Result<Standing, LedgerError> {
        let mut standing = Standing::default();
        let wanted: Vec<_> = house.schedules.iter().filter(|spec| spec.is_delivered()).collect();
        standing.is_wanted = !wanted.is_empty();
        for spec in &wanted {
            let coming = spec.cron.after(now, spec.timezone).find_map(|(planned_at, _)| due(spec, &house.calendars, planned_at));
            standing.next.extend(coming.map(|due_at| (spec.name.clone(), due_at)));
        }
        standing.next.sort_by_key(|(_, instant)| *instant);
        let Some(ledger) = ledger else { return Ok(standing) };
        standing.looked_at = ledger.last_beat()?;
        for spec in &wanted {
            let Some(through) = ledger.planned_through(&spec.name)? else { continue };
            for (planned_at, _) in spec.cron.after(through, spec.timezone).take_while(|(planned_at, _)| *planned_at <= now) {
                let late_at = due(spec, &house.calendars, planned_at).map(|due_at| late_after(spec, due_at));
                if let Some(late_at) = late_at.filter(|late_at| *late_at <= now) {
                    standing.late.push((spec.name.clone(), planned_at, late_at));
                }
            }
        }
        let since = now - TimeDelta::days(DAYS);
        let runs = ledger.history(None, 1_000)?;
        for run in &runs {
            let spec = wanted.iter().find(|spec| spec.name == run.schedule);
            if let Some(spec) = spec.filter(|_| !run.state.is_final())
                && late_after(spec, run.due_at) <= now
            {
                standing.late.push((run.schedule.clone(), run.planned_at, late_after(spec, run.due_at)));
            }
            let is_amiss = matches!(run.state, RunState::Failed | RunState::Partial | RunState::Missed) && run.updated_at >= since;
            let is_made_good = runs.iter().any(|other| {
                other.schedule == run.schedule && other.period == run.period && other.state == RunState::Sent && other.id > run.id
            });
            if is_amiss && !is_made_good {
                standing.amiss.push(run.clone());
            }
        }
        standing.untold = ledger.untold(since)?;
        Ok(standing)
    }

    /// Returns whether something that should send reports does not run.
    pub fn is_silent(&self, now: DateTime<Utc>) -> bool {
        self.is_wanted && self.looked_at.is_none_or(|looked_at| now - looked_at > SILENT_AFTER)
    }

    /// Returns whether a person must look.
    pub fn is_well(&self, now: DateTime<Utc>) -> bool {
        !self.is_silent(now) && self.late.is_empty() && self.amiss.is_empty() && self.untold.is_empty()
    }
}
