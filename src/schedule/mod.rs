//! Reports that arrive: when they are due, whether they go, to whom, and what is told when they do not.
//!
//! [`Scheduler::tick`] does at an instant all that is to be done by then, and may be stopped between any two steps: what was done is in
//! the ledger, and the next tick goes on there. Planned times are noted before anything is made of them; files are made before their
//! deliveries are noted; a delivery is claimed before it is sent and settled after. So nothing is lost and nothing is sent twice, but for
//! one window: a claim that was never settled may have arrived. It is marked so, told, and not repeated.

mod notices;
mod outbox;
mod plan;
mod reports;
mod run;
mod standing;
mod ways;

use std::io;

use chrono::{DateTime, Months, TimeDelta, Utc};

pub use notices::{About, Trouble};
pub use outbox::{Outbox, Stored};
pub use plan::{due, limit, period};
pub use reports::{Order, ProjectReports, Reports, Seen, Write};
pub use standing::Standing;
pub use ways::{ProjectWays, Ways};

use crate::{
    config::{Access, ConfigError, Gate, Problem, Project, Recipients, ScheduleSpec},
    deliver::{DeliveryError, Parcel},
    domain::{Zone, calendar::Calendars, digest::sha256},
    ledger::{Channel, Ledger, LedgerError, NewRun, Notice, Outcome, Progress, Run, RunState},
    render::{Locale, notice},
};

/// What a scheduler knows of its organisation.
#[derive(Debug, Clone)]
pub struct House {
    /// The schedules.
    pub schedules: Vec<ScheduleSpec>,
    /// Who receives what is of a sector, and groups of people.
    pub recipients: Recipients,
    /// Who may have reports at all.
    pub access: Access,
    /// When the organisation works.
    pub calendars: Calendars,
    /// The organisation's zone.
    pub zone: Zone,
    /// The language of notices.
    pub language: crate::domain::Language,
    /// Who is told of every failure.
    pub operations: Vec<String>,
    /// Days for which files are kept.
    pub keep_files_days: u32,
    /// Months for which runs are remembered.
    pub keep_history_months: u32,
}

impl House {
    /// Reads what a project declares.
    ///
    /// # Errors
    /// Every mistake in its schedules and recipients.
    pub fn of(project: &Project) -> Result<House, ConfigError> {
        let settings = &project.settings;
        let recipients = project.recipients()?;
        let schedules: Vec<ScheduleSpec> = project.schedules()?.into_values().collect();
        let problems: Vec<Problem> =
            schedules.iter().filter_map(|spec| spec.mailings(&recipients).err()).flat_map(|error| error.problems).collect();
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        Ok(House {
            schedules,
            recipients,
            access: settings.access.clone(),
            calendars: settings.calendars.clone(),
            zone: settings.organization.timezone,
            language: settings.organization.locale,
            operations: settings.delivery.operations.clone(),
            keep_files_days: settings.delivery.keep_files_days,
            keep_history_months: settings.delivery.keep_history_months,
        })
    }
}

/// Between which steps a scheduler can be stopped; a test stops it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Planned times are noted.
    Planned,
    /// A report is built.
    Built,
    /// Its files are in the outbox.
    Written,
    /// Its deliveries are noted.
    Rendered,
    /// A delivery is claimed.
    Claimed,
    /// The other side has it.
    Delivered,
    /// That is noted.
    Settled,
    /// The run's end is noted.
    Finished,
    /// A notice is claimed.
    NoticeClaimed,
    /// The other side has it.
    NoticeDelivered,
}

/// The scheduler cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The outbox cannot be written.
    #[error("the outbox cannot be used: {0}")]
    Outbox(#[from] io::Error),
}

/// Does what schedules say.
pub struct Scheduler<'a> {
    house: House,
    ledger: Ledger,
    outbox: Outbox,
    reports: &'a dyn Reports,
    ways: &'a dyn Ways,
    locale: Locale,
    step: &'a dyn Fn(Step),
}

/// How often a gate looks whether its period has closed.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(5);

/// A run that is still on its way so long after it was due is told to be late; a wait that its schedule asked for comes on top.
const LATE: TimeDelta = TimeDelta::hours(2);

/// Tries after which what can be made goes out without what cannot.
const TRIES_FOR_ALL: u32 = 3;

/// Tries of a notice: with waits up to an hour, some three days.
const NOTICE_TRIES: u32 = 78;

impl<'a> Scheduler<'a> {
    /// Takes up work where it was left: what a dead process was sending is marked as maybe sent. Only who holds the right to send may
    /// make a scheduler. `step` is called after each step.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn begin(
        house: House,
        mut ledger: Ledger,
        outbox: Outbox,
        (reports, ways): (&'a dyn Reports, &'a dyn Ways),
        step: &'a dyn Fn(Step),
        now: DateTime<Utc>,
    ) -> Result<Scheduler<'a>, ScheduleError> {
        for delivery in ledger.abandoned(now)? {
            tracing::warn!(delivery.id = delivery.id, delivery.to = delivery.recipient, "maybe sent: the process ended meanwhile");
        }
        let locale = Locale::new(house.language);
        Ok(Scheduler { house, ledger, outbox, reports, ways, locale, step })
    }

    /// Does all that is to be done by `now`; returns when there is more to do.
    ///
    /// # Errors
    /// When the ledger or the outbox cannot be used.
    pub fn tick(&mut self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, ScheduleError> {
        self.ledger.beat(now)?;
        let schedules: Vec<ScheduleSpec> = self.house.schedules.iter().filter(|spec| spec.is_delivered()).cloned().collect();
        for spec in &schedules {
            self.plan(spec, now)?;
        }
        for run in self.ledger.open_runs(now)? {
            let Some(spec) = self.house.schedules.iter().find(|spec| spec.name == run.schedule).cloned() else {
                self.end(&run, RunState::Skipped, "the schedule is gone", &[], now)?;
                continue;
            };
            self.work_on(&spec, &run, now)?;
            self.tell_if_late(&spec, run.id, now)?;
        }
        self.send_notices(now)?;
        let planned = schedules.iter().filter_map(|spec| spec.cron.after(now, spec.timezone).next().map(|(instant, _)| instant)).min();
        Ok(self.ledger.next_work()?.into_iter().chain(planned).min())
    }

    /// Does what is to be done about one run, and sends what there is to tell; returns how it stands.
    ///
    /// # Errors
    /// When the ledger or the outbox cannot be used.
    pub fn work(&mut self, run: i64, now: DateTime<Utc>) -> Result<Option<Run>, ScheduleError> {
        if let Some(found) = self.ledger.run(run)?
            && let Some(spec) = self.house.schedules.iter().find(|spec| spec.name == found.schedule).cloned()
        {
            self.work_on(&spec, &found, now)?;
        }
        self.send_notices(now)?;
        Ok(self.ledger.run(run)?)
    }

    /// Forgets what is older than the house keeps: files of runs, and runs.
    ///
    /// # Errors
    /// When the ledger or the outbox cannot be used.
    pub fn tidy(&mut self, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        let kept = self.ledger.runs_with_files(now - TimeDelta::days(self.house.keep_files_days.into()))?;
        self.outbox.clear(&kept.into_iter().collect())?;
        if let Some(limit) = now.checked_sub_months(Months::new(self.house.keep_history_months)) {
            self.ledger.forget(limit)?;
        }
        Ok(())
    }

    /// Returns the ledger, to be asked.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    fn plan(&mut self, spec: &ScheduleSpec, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        // What cannot be read now is told by the run that needs it.
        let heard = self.reports.heard_until().ok().flatten();
        // A schedule that is new begins now: it did not miss what was before it.
        let Some(through) = self.ledger.planned_through(&spec.name)? else {
            let begins = heard.map_or(now, |heard| heard.min(now));
            return Ok(self.ledger.plan(&spec.name, begins, &[], now)?);
        };
        // A clock that was set back has nothing new.
        if through >= now {
            return Ok(());
        }
        let Some(until) = heard.map_or(Some(now), |heard| plan::limit(spec, through, heard, now)) else { return Ok(()) };
        let runs = plan::runs(spec, &self.house.calendars, through, until);
        let missed: Vec<&NewRun> = runs.iter().filter(|run| run.state == RunState::Missed).collect();
        if let Some(last) = missed.last() {
            tracing::warn!(schedule.name = spec.name, missed = missed.len(), "planned times passed while nothing ran");
            let about = About { spec, planned_at: last.planned_at, period: &last.period, key: "" };
            let notices = notices::notices(about, &Trouble::Missed, &self.house.operations, &self.locale);
            self.ledger.tell(&notices, now)?;
        }
        if !runs.is_empty() || until - through > TimeDelta::minutes(1) {
            self.ledger.plan(&spec.name, until, &runs, now)?;
            (self.step)(Step::Planned);
        }
        Ok(())
    }

    fn work_on(&mut self, spec: &ScheduleSpec, run: &Run, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        let mut run = run.clone();
        if matches!(run.state, RunState::Planned | RunState::Waiting) {
            self.render(spec, &run, now)?;
            run = self.ledger.run(run.id)?.unwrap_or(run);
        }
        if run.state == RunState::Rendered {
            self.send(spec, &run, now)?;
        }
        Ok(())
    }

    /// Notes that a run is to be tried again.
    fn try_again(&mut self, run: &Run, cause: &str, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        tracing::warn!(schedule.name = run.schedule, cause, "the report could not be made; it is tried again");
        let attempts = run.attempts + 1;
        let again = Progress { reason: Some(cause.to_owned()), attempts, next_at: now + wait_after(attempts), ..progress_of(run) };
        Ok(self.ledger.progress(run.id, &again, &[], now)?)
    }

    /// Ends a run of which nothing could be made.
    fn give_up(&mut self, spec: &ScheduleSpec, run: &Run, cause: &str, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        let notices = self.notices(spec, run, "", &Trouble::Failed { cause: cause.to_owned() });
        self.end(run, RunState::Failed, cause, &notices, now)
    }

    fn end(&mut self, run: &Run, state: RunState, reason: &str, notices: &[Notice], now: DateTime<Utc>) -> Result<(), ScheduleError> {
        if matches!(state, RunState::Failed | RunState::Partial) {
            tracing::error!(schedule.name = run.schedule, run.state = %state, reason, "a report did not reach everybody");
        }
        let done = Progress { state, reason: Some(reason.to_owned()), ..progress_of(run) };
        self.ledger.progress(run.id, &done, notices, now)?;
        (self.step)(Step::Finished);
        Ok(())
    }

    fn notices(&self, spec: &ScheduleSpec, run: &Run, key: &str, trouble: &Trouble) -> Vec<Notice> {
        // A run that somebody asked for may fail in its own way again.
        let key = if run.kind == crate::ledger::RunKind::Manual { format!("{key}#{}", run.id) } else { key.to_owned() };
        notices::notices(About::run(spec, run, &key), trouble, &self.house.operations, &self.locale)
    }

    /// Tells that a run is still on its way long after it was due.
    fn tell_if_late(&mut self, spec: &ScheduleSpec, run: i64, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        let Some(run) = self.ledger.run(run)?.filter(|run| !run.state.is_final()) else { return Ok(()) };
        let limit = late_after(spec, run.due_at);
        if now < limit {
            return Ok(());
        }
        let due = self.locale.time(spec.timezone.local(limit));
        let cause = run.reason.clone().unwrap_or_else(|| run.state.to_string());
        let notices = self.notices(spec, &run, "", &Trouble::Late { due, cause });
        Ok(self.ledger.tell(&notices, now)?)
    }

    fn send_notices(&mut self, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        for told in self.ledger.pending_notices(now)? {
            if !self.ledger.claim_notice(told.id, now)? {
                continue;
            }
            (self.step)(Step::NoticeClaimed);
            let parcel = Parcel {
                key: digest(&["notice", &told.about, &told.recipient]),
                to: told.recipient.clone(),
                mail: notice(self.house.language, &told.subject, &told.body),
                files: Vec::new(),
                facts: crate::deliver::Facts {
                    report: String::new(),
                    title: told.subject.clone(),
                    period: String::new(),
                    sector: None,
                    snapshot: String::new(),
                    completeness: String::new(),
                    content_sha256: String::new(),
                    schedule: String::new(),
                    planned_at: now,
                    restated_figures: 0,
                },
            };
            let delivered = match self.ways.way(Channel::Email, None) {
                Ok(way) => way.deliver(&parcel, now),
                Err(cause) => Err(DeliveryError::Again(cause)),
            };
            (self.step)(Step::NoticeDelivered);
            let outcome = outcome(delivered, told.attempts + 1, NOTICE_TRIES, now);
            if !matches!(outcome, Outcome::Sent(_)) {
                tracing::error!(notice.to = told.recipient, notice.subject = told.subject, outcome = ?outcome, "a notice did not go out");
            }
            self.ledger.settle_notice(told.id, &outcome, now)?;
        }
        Ok(())
    }
}

/// Returns when a run that was due then is late.
pub fn late_after(spec: &ScheduleSpec, due_at: DateTime<Utc>) -> DateTime<Utc> {
    due_at + LATE + if let Gate::Hold { at_most, .. } = spec.gate { at_most } else { TimeDelta::zero() }
}

/// Returns how long to wait after so many failed tries: a minute, doubled up to an hour.
fn wait_after(attempts: u32) -> TimeDelta {
    TimeDelta::minutes(1 << attempts.saturating_sub(1).min(6)).min(TimeDelta::hours(1))
}

fn outcome(delivered: Result<String, DeliveryError>, attempts: u32, retries: u32, now: DateTime<Utc>) -> Outcome {
    match delivered {
        Ok(answer) => Outcome::Sent(answer),
        Err(DeliveryError::Unknown(why)) => Outcome::MaybeSent(why),
        Err(DeliveryError::Never(why)) => Outcome::Failed(why),
        Err(DeliveryError::Again(why)) if attempts > retries => Outcome::Failed(format!("given up after {attempts} tries: {why}")),
        Err(DeliveryError::Again(why)) => Outcome::Again(why, now + wait_after(attempts)),
    }
}

fn progress_of(run: &Run) -> Progress {
    Progress { state: run.state, reason: run.reason.clone(), snapshot: None, attempts: run.attempts, next_at: run.next_at }
}

/// Returns a digest of texts, each apart from the next.
fn digest(texts: &[&str]) -> String {
    let joined: String = texts.iter().flat_map(|text| [text, "\0"]).collect();
    sha256(joined.as_bytes())[..32].to_owned()
}
