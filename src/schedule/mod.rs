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
mod standing;
mod ways;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use chrono::{DateTime, Datelike, Months, TimeDelta, Utc};

pub use notices::{About, Trouble};
pub use outbox::{Outbox, Stored};
pub use plan::{due, period};
pub use reports::{Order, ProjectReports, Reports, Seen, Write};
pub use standing::Standing;
pub use ways::{ProjectWays, Ways};

use crate::{
    config::{Access, Condition, ConfigError, Gate, HoldUntil, NoAccess, Problem, Project, Recipients, ScheduleSpec, filled},
    deliver::{DeliveryError, Parcel},
    domain::{Period, Zone, calendar::Calendars, digest::sha256, report_data::CompletenessState},
    ledger::{
        Channel, Delivery, DeliveryState, Ledger, LedgerError, NewDelivery, NewRun, Notice, Outcome, Progress, Publication, Run, RunState,
    },
    render::{Locale, notice},
    report::slug,
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

/// A report of a run, made and on its way, or why not.
struct Scope<'a> {
    name: String,
    sector: Option<&'a str>,
    made: Result<(Seen, Write<'a>), String>,
}

/// To whom by which way, before it is known whether.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mailing {
    channel: Channel,
    recipient: String,
    sector: Option<String>,
}

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
        // A schedule that is new begins now: it did not miss what was before it.
        let Some(through) = self.ledger.planned_through(&spec.name)? else {
            return Ok(self.ledger.plan(&spec.name, now, &[], now)?);
        };
        // A clock that was set back has nothing new.
        if through >= now {
            return Ok(());
        }
        let runs = match plan::runs(spec, &self.house.calendars, through, now) {
            Ok(runs) => runs,
            Err(error) => {
                tracing::error!(schedule.name = spec.name, %error, "no period for a planned time");
                return Ok(());
            }
        };
        let missed: Vec<&NewRun> = runs.iter().filter(|run| run.state == RunState::Missed).collect();
        if let Some(last) = missed.last() {
            tracing::warn!(schedule.name = spec.name, missed = missed.len(), "planned times passed while nothing ran");
            let about = About { spec, planned_at: last.planned_at, period: &last.period, key: "" };
            let notices = notices::notices(about, &Trouble::Missed, &self.house.operations, &self.locale);
            self.ledger.tell(&notices, now)?;
        }
        if !runs.is_empty() || now - through > TimeDelta::minutes(1) {
            self.ledger.plan(&spec.name, now, &runs, now)?;
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

    /// Makes the files of a run and notes its deliveries; or notes why it waits, ends or is to be tried again.
    fn render(&mut self, spec: &ScheduleSpec, run: &Run, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        let period = match period_of(spec, run) {
            Ok(period) => period,
            Err(cause) => return self.give_up(spec, run, &cause, now),
        };
        let mailings = match self.mailings(spec, run, period) {
            Ok(mailings) => mailings,
            Err(error) => return self.give_up(spec, run, &error.to_string(), now),
        };
        let deadline = run.due_at + if let Gate::Hold { at_most, .. } = spec.gate { at_most } else { TimeDelta::zero() };
        if run.state == RunState::Waiting && now < deadline && self.reports.newest_snapshot().ok().flatten() == run.snapshot {
            let next_at = (now + LOOK_AGAIN).min(deadline);
            return Ok(self.ledger.progress(run.id, &Progress { next_at, ..progress_of(run) }, &[], now)?);
        }

        let mut deliveries: Vec<NewDelivery> = Vec::new();
        let mut wanted: Vec<Mailing> = Vec::new();
        for mailing in mailings {
            match self.why_not(spec, run, &mailing, now)? {
                Some(why) => deliveries.push(delivery_of(spec, run, &mailing, DeliveryState::Skipped, Some(why))),
                None => wanted.push(mailing),
            }
        }
        let sectors: BTreeSet<Option<String>> = wanted.iter().map(|mailing| mailing.sector.clone()).collect();
        let reports = self.reports;
        let scopes: Vec<Scope<'_>> = (0..)
            .zip(&sectors)
            .map(|(place, sector): (usize, _)| {
                let sector = sector.as_deref();
                let made = reports.make(Order { spec, period, sector, planned_at: run.planned_at });
                (self.step)(Step::Built);
                Scope { name: format!("{place}-{}", sector.map_or_else(|| "all".to_owned(), slug)), sector, made }
            })
            .collect();
        let errors: Vec<String> =
            scopes.iter().filter_map(|scope| Some(format!("{}{}", of_sector(scope.sector), scope.made.as_ref().err()?))).collect();
        let made = scopes.len() - errors.len();
        let tries = if made == 0 { spec.retries } else { spec.retries.min(TRIES_FOR_ALL) };
        if let Some(cause) = errors.first()
            && run.attempts < tries
        {
            tracing::warn!(schedule.name = spec.name, cause, "the report could not be made; it is tried again");
            let attempts = run.attempts + 1;
            let again = Progress { attempts, reason: Some(cause.clone()), next_at: now + wait_after(attempts), ..progress_of(run) };
            return Ok(self.ledger.progress(run.id, &again, &[], now)?);
        }
        if made == 0 && !errors.is_empty() {
            return self.give_up(spec, run, &errors.join("; "), now);
        }

        let open = scopes.iter().filter_map(|scope| scope.made.as_ref().ok()).map(|(seen, _)| seen).find(|seen| {
            let Gate::Hold { until, .. } = spec.gate else { return false };
            match until {
                HoldUntil::Closed => seen.completeness != CompletenessState::Closed,
                HoldUntil::Complete => seen.completeness == CompletenessState::Incomplete,
            }
        });
        let mut notices = Vec::new();
        if let Some(open) = open {
            if now < deadline {
                let wait = Progress {
                    state: RunState::Waiting,
                    reason: Some(open.sentence.clone()),
                    snapshot: Some(open.snapshot.clone()),
                    next_at: (now + LOOK_AGAIN).min(deadline),
                    ..progress_of(run)
                };
                return Ok(self.ledger.progress(run.id, &wait, &[], now)?);
            }
            notices = self.notices(spec, run, "", &Trouble::Held { cause: open.sentence.clone() });
        }

        let has_banner = spec.gate != Gate::Send;
        let (mut publications, mut snapshot): (Vec<Publication>, Option<String>) = (Vec::new(), None);
        for scope in scopes {
            let of_scope: Vec<&Mailing> = wanted.iter().filter(|mailing| mailing.sector.as_deref() == scope.sector).collect();
            let (seen, write) = match scope.made {
                Ok(made) => made,
                Err(cause) => {
                    deliveries
                        .extend(of_scope.iter().map(|mailing| delivery_of(spec, run, mailing, DeliveryState::Failed, Some(cause.clone()))));
                    continue;
                }
            };
            snapshot.get_or_insert_with(|| seen.snapshot.clone());
            let mut going = Vec::new();
            for mailing in of_scope {
                let delivery = delivery_of(spec, run, mailing, DeliveryState::Pending, None);
                let unmet = if run.only_to.is_some() { None } else { self.unmet(spec, &seen, &delivery.subject)? };
                match unmet {
                    Some(why) => deliveries.push(NewDelivery { state: DeliveryState::Skipped, answer: Some(why), ..delivery }),
                    None => going.push(delivery),
                }
            }
            if going.is_empty() {
                continue;
            }
            let folder = self.outbox.begin(run.id, &scope.name)?;
            let stored = match write(&folder, has_banner) {
                Ok(stored) => stored,
                Err(cause) => {
                    deliveries.extend(going.into_iter().map(|delivery| NewDelivery {
                        state: DeliveryState::Failed,
                        answer: Some(cause.clone()),
                        ..delivery
                    }));
                    continue;
                }
            };
            let parcel = self.outbox.complete(run.id, &scope.name, &stored)?;
            (self.step)(Step::Written);
            // What goes out again on purpose is another thing than what went out.
            let on_purpose = if run.again { run.id.to_string() } else { String::new() };
            if run.only_to.is_none() {
                publications.push(seen.publication.clone());
            }
            deliveries.extend(going.into_iter().map(|delivery| NewDelivery {
                idempotency_key: digest(&[&delivery.subject, &seen.content_sha256, &on_purpose]),
                parcel: Some(parcel.clone()),
                content_sha256: Some(seen.content_sha256.clone()),
                ..delivery
            }));
        }
        let rendered = Progress { state: RunState::Rendered, reason: None, snapshot, attempts: 0, next_at: now };
        self.ledger.rendered(run.id, &rendered, (&deliveries, &publications), &notices, now)?;
        (self.step)(Step::Rendered);
        Ok(())
    }

    /// Sends what is pending of a run, and ends it when nothing is.
    fn send(&mut self, spec: &ScheduleSpec, run: &Run, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        for delivery in self.ledger.deliveries(run.id)? {
            if delivery.state != DeliveryState::Pending || delivery.next_at > now {
                continue;
            }
            if let Some(why) = self.no_access(delivery.channel, &delivery.recipient, now) {
                self.ledger.skip(delivery.id, why, now)?;
                continue;
            }
            if !self.ledger.claim(delivery.id, now)? {
                self.ledger.skip(delivery.id, "the same went out already", now)?;
                continue;
            }
            (self.step)(Step::Claimed);
            let delivered = self.deliver(spec, run, &delivery, now);
            (self.step)(Step::Delivered);
            let outcome = outcome(delivered, delivery.attempts + 1, spec.retries, now);
            tracing::info!(schedule.name = spec.name, delivery.to = delivery.recipient, outcome = ?outcome, "tried to deliver");
            self.ledger.settle(delivery.id, &outcome, now)?;
            (self.step)(Step::Settled);
        }
        let deliveries = self.ledger.deliveries(run.id)?;
        if let Some(next_at) = deliveries.iter().filter(|one| one.state == DeliveryState::Pending).map(|one| one.next_at).min() {
            let reason = deliveries.iter().find(|one| one.state == DeliveryState::Pending).and_then(|one| one.answer.clone());
            return Ok(self.ledger.progress(run.id, &Progress { reason, next_at, ..progress_of(run) }, &[], now)?);
        }
        self.finish(spec, run, &deliveries, now)
    }

    fn finish(&mut self, spec: &ScheduleSpec, run: &Run, deliveries: &[Delivery], now: DateTime<Utc>) -> Result<(), ScheduleError> {
        let of = |state: DeliveryState| deliveries.iter().filter(move |delivery| delivery.state == state);
        let (sent, failed, maybe) =
            (of(DeliveryState::Sent).count(), of(DeliveryState::Failed).count(), of(DeliveryState::MaybeSent).count());
        let state = match (sent, failed, maybe) {
            (0, 0, 0) => RunState::Skipped,
            (_, 0, 0) => RunState::Sent,
            (0, _, 0) => RunState::Failed,
            _ => RunState::Partial,
        };
        let said = |delivery: &Delivery| format!("{}: {}", delivery.recipient, delivery.answer.clone().unwrap_or_default());
        let causes = |state: DeliveryState| {
            let mut causes: Vec<String> = of(state).filter_map(|delivery| delivery.answer.clone()).collect();
            causes.dedup();
            causes.join("; ")
        };
        let without: Vec<String> = of(DeliveryState::Failed).map(|delivery| delivery.recipient.clone()).collect();
        let mut notices = Vec::new();
        if state == RunState::Failed {
            notices.extend(self.notices(spec, run, "", &Trouble::Failed { cause: causes(DeliveryState::Failed) }));
        } else if failed > 0 {
            notices.extend(self.notices(spec, run, "", &Trouble::Partial { cause: causes(DeliveryState::Failed), without }));
        }
        for delivery in of(DeliveryState::MaybeSent) {
            let trouble = Trouble::Maybe { cause: delivery.answer.clone().unwrap_or_default(), recipient: delivery.recipient.clone() };
            notices.extend(self.notices(spec, run, &delivery.recipient, &trouble));
        }
        let reason = match state {
            RunState::Sent => format!("{sent} delivered"),
            RunState::Skipped => causes(DeliveryState::Skipped),
            _ => of(DeliveryState::Failed).chain(of(DeliveryState::MaybeSent)).map(said).collect::<Vec<_>>().join("; "),
        };
        self.end(run, state, &reason, &notices, now)
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

    fn mailings(&self, spec: &ScheduleSpec, run: &Run, period: Period) -> Result<Vec<Mailing>, ConfigError> {
        if let Some(address) = &run.only_to {
            return Ok(vec![Mailing { channel: Channel::Email, recipient: address.clone(), sector: None }]);
        }
        let people = spec.mailings(&self.house.recipients)?;
        let mut mailings: Vec<Mailing> =
            people.into_iter().map(|(recipient, sector)| Mailing { channel: Channel::Email, recipient, sector }).collect();
        if let Some(folder) = &spec.folder {
            let place = places(spec, period, None);
            let recipient = filled(&folder.path, &place).unwrap_or_else(|_| folder.path.clone());
            mailings.push(Mailing { channel: Channel::Folder, recipient, sector: None });
        }
        if let Some(webhook) = &spec.webhook {
            mailings.push(Mailing { channel: Channel::Webhook, recipient: webhook.url.clone(), sector: None });
        }
        Ok(mailings)
    }

    /// Why a recipient gets nothing of a run, before anything is made of it.
    fn why_not(&self, spec: &ScheduleSpec, run: &Run, mailing: &Mailing, now: DateTime<Utc>) -> Result<Option<String>, ScheduleError> {
        if let Some(why) = self.no_access(mailing.channel, &mailing.recipient, now) {
            return Ok(Some(why.to_owned()));
        }
        if run.again || run.only_to.is_some() || spec.when == Condition::Changed {
            return Ok(None);
        }
        let subject = delivery_of(spec, run, mailing, DeliveryState::Pending, None).subject;
        let is_out = self.ledger.went_out(&subject)?.is_some();
        Ok(is_out.then(|| "this period went out already; `relato schedule run … --send --again` sends it again".to_owned()))
    }

    fn no_access(&self, channel: Channel, recipient: &str, now: DateTime<Utc>) -> Option<&'static str> {
        if channel != Channel::Email {
            return None;
        }
        match self.house.access.require(recipient, self.house.zone.day(now)) {
            Ok(()) => None,
            Err(NoAccess::Unknown) => Some("not among the people of [access]"),
            Err(NoAccess::Gone) => Some("no longer active in [access]"),
        }
    }

    /// Why the schedule's condition does not hold; none when it does.
    fn unmet(&self, spec: &ScheduleSpec, seen: &Seen, subject: &str) -> Result<Option<String>, ScheduleError> {
        Ok(match &spec.when {
            Condition::Always => None,
            Condition::Data => (!seen.has_data).then(|| "the period has no data".to_owned()),
            Condition::TargetMissed => seen.missed.is_empty().then(|| "no target is missed".to_owned()),
            Condition::Changed => {
                let last = self.ledger.went_out(subject)?.flatten();
                (last.as_ref() == Some(&seen.content_sha256)).then(|| "nothing changed since it went out".to_owned())
            }
            Condition::Figure { figure, below, above } => {
                let value = seen.figures.get(figure).copied().flatten();
                let crosses =
                    value.is_some_and(|value| below.is_some_and(|limit| value < limit) || above.is_some_and(|limit| value > limit));
                let shown = value.map_or_else(|| "no value".to_owned(), |value| value.to_string());
                (!crosses).then(|| format!("`{figure}` is within its limit: {shown}"))
            }
        })
    }

    fn deliver(&self, spec: &ScheduleSpec, run: &Run, delivery: &Delivery, now: DateTime<Utc>) -> Result<String, DeliveryError> {
        let gone = |error: io::Error| DeliveryError::Never(format!("what was to be sent is not in the outbox any more: {error}"));
        let stored = self.outbox.read(delivery.parcel.as_deref().unwrap_or_default()).map_err(gone)?;
        let way = self.ways.way(delivery.channel, Some(spec)).map_err(DeliveryError::Again)?;
        let mut files = stored.files;
        if delivery.channel == Channel::Folder {
            let Some(folder) = &spec.folder else { return Err(DeliveryError::Never("the schedule has no folder any more".to_owned())) };
            let period = period_of(spec, run).map_err(DeliveryError::Never)?;
            let stem = filled(&folder.file, &places(spec, period, delivery.sector.as_deref()))
                .map_err(|place| DeliveryError::Never(format!("unknown place `{place}`")))?;
            for file in &mut files {
                let rest = file.name.strip_prefix(&stored.stem).unwrap_or(&file.name);
                file.name = format!("{}{rest}", stem.trim_end_matches('_'));
            }
        }
        let parcel =
            Parcel { key: delivery.idempotency_key.clone(), to: delivery.recipient.clone(), mail: stored.mail, files, facts: stored.facts };
        way.deliver(&parcel, now)
    }
}

/// Returns the period that a run was noted for, with the name it had then.
fn period_of(spec: &ScheduleSpec, run: &Run) -> Result<Period, String> {
    // Written out, a part of a month reads as any other days.
    if let Ok(period) = plan::period(spec, run.planned_at)
        && period.to_string() == run.period
    {
        return Ok(period);
    }
    Period::parse(&run.period, spec.timezone.day(run.planned_at)).map_err(|error| error.to_string())
}

/// Returns a delivery as it is noted, before its content is known.
fn delivery_of(spec: &ScheduleSpec, run: &Run, mailing: &Mailing, state: DeliveryState, answer: Option<String>) -> NewDelivery {
    // A trial counts for nobody.
    let purpose = if run.only_to.is_some() { format!("trial {}", run.id) } else { String::new() };
    let sector = mailing.sector.as_deref().unwrap_or_default();
    let formats = format!("{} {}", spec.formats.join(","), spec.details);
    let subject = digest(&[&run.report, &run.period, sector, &formats, mailing.channel.word(), &mailing.recipient, &purpose]);
    NewDelivery {
        channel: mailing.channel,
        recipient: mailing.recipient.clone(),
        sector: mailing.sector.clone(),
        // Filled in with the content; what is not sent needs none.
        idempotency_key: digest(&[&subject, &run.id.to_string()]),
        subject,
        state,
        parcel: None,
        content_sha256: None,
        answer,
    }
}

/// Returns when a run that was due then is late.
pub fn late_after(spec: &ScheduleSpec, due_at: DateTime<Utc>) -> DateTime<Utc> {
    due_at + LATE + if let Gate::Hold { at_most, .. } = spec.gate { at_most } else { TimeDelta::zero() }
}

/// What stands in the places of a template.
fn places<'a>(spec: &'a ScheduleSpec, period: Period, sector: Option<&'a str>) -> impl Fn(&str) -> Option<String> + 'a {
    let of: BTreeMap<&str, String> = [
        ("report", spec.report.clone()),
        ("schedule", spec.name.clone()),
        ("period", period.to_string()),
        ("sector", sector.map(slug).unwrap_or_default()),
        ("year", period.start.year().to_string()),
        ("month", format!("{:02}", period.start.month())),
        ("day", format!("{:02}", period.start.day())),
    ]
    .into();
    move |place| of.get(place).cloned()
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

fn of_sector(sector: Option<&str>) -> String {
    sector.map(|sector| format!("{sector}: ")).unwrap_or_default()
}

/// Returns a digest of texts, each apart from the next.
fn digest(texts: &[&str]) -> String {
    let joined: String = texts.iter().flat_map(|text| [text, "\0"]).collect();
    sha256(joined.as_bytes())[..32].to_owned()
}
