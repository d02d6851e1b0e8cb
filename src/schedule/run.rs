//! One run: what is made for whom, whether it goes, and how it goes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::{LOOK_AGAIN, Order, ScheduleError, Scheduler, Seen, Step, TRIES_FOR_ALL, Trouble, Write, digest, outcome, plan, progress_of};
use crate::{
    config::{Condition, ConfigError, Gate, HoldUntil, NoAccess, ScheduleSpec, filled},
    deliver::{DeliveryError, Parcel, ParcelFile},
    domain::{Period, report_data::CompletenessState},
    ledger::{Channel, Delivery, DeliveryState, NewDelivery, Progress, Publication, PublishedFile, Run, RunKind, RunState},
    report::slug,
};

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

impl Scheduler<'_> {
    /// Makes the files of a run and notes its deliveries; or notes why it waits, ends or is to be tried again.
    pub(super) fn render(&mut self, spec: &ScheduleSpec, run: &Run, now: DateTime<Utc>) -> Result<(), ScheduleError> {
        let period = match period_of(spec, run) {
            Ok(period) => period,
            Err(cause) => return self.give_up(spec, run, &cause, now),
        };
        if run.kind == RunKind::Scheduled
            && let Some(heard) = self.reports.heard_until().ok().flatten()
            && plan::ends_after(spec, Some(period), heard)
        {
            let heard = self.locale.time(spec.timezone.local(heard));
            let reason = self.locale.text_with("run-not-over", &[("heard", &heard)]);
            // Not a while from now: `now` may be by the clock that is wrong.
            let next_at = spec.timezone.day_start(period.end).min(now + LOOK_AGAIN);
            let wait = Progress { state: RunState::Waiting, reason: Some(reason), next_at, ..progress_of(run) };
            return Ok(self.ledger.progress(run.id, &wait, &[], now)?);
        }
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
            return self.try_again(run, cause, now);
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
            let (parcel, files) = match self.store(run.id, &scope.name, write, has_banner) {
                Ok(stored) => stored,
                Err(cause) if run.attempts < spec.retries => return self.try_again(run, &cause, now),
                Err(cause) => {
                    let failed = |delivery| NewDelivery { state: DeliveryState::Failed, answer: Some(cause.clone()), ..delivery };
                    deliveries.extend(going.into_iter().map(failed));
                    continue;
                }
            };
            (self.step)(Step::Written);
            // What goes out again on purpose is another thing than what went out.
            let on_purpose = if run.again { run.id.to_string() } else { String::new() };
            if run.only_to.is_none() {
                publications.push(Publication { files, ..seen.publication.clone() });
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

    /// Writes the files and the mail of a scope into the outbox; returns its place there, and what the files are known by.
    fn store(&self, run: i64, scope: &str, write: Write<'_>, has_banner: bool) -> Result<(String, Vec<PublishedFile>), String> {
        let refused = |error: io::Error| format!("the outbox cannot be written: {error}");
        let folder = self.outbox.begin(run, scope).map_err(refused)?;
        let stored = write(&folder, has_banner)?;
        let parcel = self.outbox.complete(run, scope, &stored).map_err(refused)?;
        let published = |file: &ParcelFile| PublishedFile { name: file.name.clone(), sha256: file.sha256.clone() };
        Ok((parcel, stored.files.iter().map(published).collect()))
    }

    /// Sends what is pending of a run, and ends it when nothing is.
    pub(super) fn send(&mut self, spec: &ScheduleSpec, run: &Run, now: DateTime<Utc>) -> Result<(), ScheduleError> {
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

fn of_sector(sector: Option<&str>) -> String {
    sector.map(|sector| format!("{sector}: ")).unwrap_or_default()
}
