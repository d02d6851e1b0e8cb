//! Which planned times there are, when they are due, and what becomes of those that passed while nothing ran.

use chrono::{DateTime, Days, TimeDelta, Utc};

use crate::{
    config::{Holidays, Missed, ScheduleSpec},
    domain::{
        Period,
        calendar::{Calendars, DayKind},
        period::{PeriodError, Unit},
    },
    ledger::{NewRun, RunKind, RunState},
};

/// A time that is looked at this much later was missed, not late by a breath.
const GRACE: TimeDelta = TimeDelta::minutes(10);

/// Days that are looked at for one with business hours.
const MOST_DAYS: u64 = 60;

/// Returns a run for each planned time after `through` up to `now`, in order.
pub fn runs(spec: &ScheduleSpec, calendars: &Calendars, through: DateTime<Utc>, now: DateTime<Utc>) -> Vec<NewRun> {
    let mut runs: Vec<NewRun> = Vec::new();
    for (planned_at, _) in spec.cron.after(through, spec.timezone).take_while(|(planned_at, _)| *planned_at <= now) {
        let due_at = due(spec, calendars, planned_at);
        let period = period(spec, planned_at);
        let reason = match (&period, due_at) {
            // On the first of a month no part of it is over.
            (Err(error), _) => Some(error.to_string()),
            (Ok(_), None) => Some("a holiday".to_owned()),
            (Ok(_), Some(_)) => None,
        };
        runs.push(NewRun {
            schedule: spec.name.clone(),
            kind: RunKind::Scheduled,
            planned_at,
            due_at: due_at.unwrap_or(planned_at),
            report: spec.report.clone(),
            period: period.map_or_else(|_| spec.period.clone(), |period| period.to_string()),
            state: if reason.is_none() { RunState::Planned } else { RunState::Skipped },
            reason,
            only_to: None,
            again: false,
        });
    }
    let last = runs.iter().rposition(|run| run.state == RunState::Planned);
    for (place, run) in runs.iter_mut().enumerate() {
        let is_made_up_for = match spec.missed {
            Missed::All => true,
            Missed::Last => Some(place) == last,
            Missed::Skip => false,
        };
        if run.state == RunState::Planned && run.due_at + GRACE < now && !is_made_up_for {
            run.state = RunState::Missed;
            run.reason = Some("nothing ran at that time".to_owned());
        }
    }
    runs
}

/// Returns up to when planned times may be noted, where it is known until `heard` what time it is at Blip: not beyond the first whose period is not
/// over by then. So a clock that is wrong plans nothing for good. None: nothing at all, since the last one that was noted waits for that.
pub fn limit(spec: &ScheduleSpec, through: DateTime<Utc>, heard: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let waits = |planned_at: DateTime<Utc>| ends_after(spec, period(spec, planned_at).ok(), heard);
    let times = |after: DateTime<Utc>| spec.cron.after(after, spec.timezone).map(|(planned_at, _)| planned_at);
    if times(through - TimeDelta::seconds(1)).next() == Some(through) && waits(through) {
        return None;
    }
    Some(times(through).take_while(|planned_at| *planned_at <= now).find(|planned_at| waits(*planned_at)).unwrap_or(now))
}

/// Returns whether a period goes on after an instant. A part of a month ends at what is loaded: it is over once its last day has begun.
pub fn ends_after(spec: &ScheduleSpec, period: Option<Period>, instant: DateTime<Utc>) -> bool {
    period.is_some_and(|period| {
        let end = if period.unit == Unit::MonthToDate { period.end - Days::new(1) } else { period.end };
        spec.timezone.day_start(end) > instant
    })
}

/// Returns when a planned time is due; none on a holiday that is left out.
pub fn due(spec: &ScheduleSpec, calendars: &Calendars, planned_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = spec.timezone.local(planned_at);
    let kind = calendars.kind_of(local.date());
    match spec.holidays {
        Holidays::Skip if kind == DayKind::Holiday => None,
        Holidays::NextBusinessDay if kind != DayKind::Business => {
            let days = (1..=MOST_DAYS).map(|days| local.date() + Days::new(days));
            let day = days.into_iter().find(|day| calendars.kind_of(*day) == DayKind::Business);
            Some(day.map_or(planned_at, |day| spec.timezone.instant(day.and_time(local.time()))))
        }
        Holidays::Skip | Holidays::Send | Holidays::NextBusinessDay => Some(planned_at),
    }
}

/// Returns the period that a planned time means, however late it is made.
///
/// # Errors
/// When there is none, such as the part of a month before its first day is over.
pub fn period(spec: &ScheduleSpec, planned_at: DateTime<Utc>) -> Result<Period, PeriodError> {
    Period::parse(&spec.period, spec.timezone.day(planned_at))
}
