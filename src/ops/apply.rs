//! Applies a plan: checks that nothing has changed, leaves a way back, does one step after the other, and looks at what came of it.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::{
    OpsError,
    draft::{Draft, as_text},
    guard::{Guard, Watched},
    plan::{Chore, Plan, Step, applied},
    read::Seen,
    state::{Place, State},
    target::Target,
};
use crate::{
    config::ConfigError,
    files,
    ledger::{JournalStep, Ledger, Operation, StepState},
};

/// A place in the work at which a process may die; tests have it die there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The way back is written.
    UndoWritten,
    /// The journal knows the plan.
    Begun,
    /// The journal knows that a step is about to be sent.
    StepBegun(usize),
    /// The step was sent, and answered.
    StepSent(usize),
    /// The journal knows the answer.
    StepNoted(usize),
    /// Everything was read back.
    ReadBack,
    /// The journal knows the end.
    Ended,
}

/// How long to wait for Blip to show what was written.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often to look in all.
    pub looks: u32,
    /// How long to wait between two looks.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { looks: 4, pause: Duration::from_secs(3) }
    }
}

/// Something that was changed, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Where, and whom or what.
    pub subject: String,
    /// As it was.
    pub before: Option<String>,
    /// As it is.
    pub after: Option<String>,
}

/// What it takes to apply a plan.
pub struct Application<'a> {
    /// People or channels.
    pub target: &'a Target<'a>,
    /// The plan.
    pub plan: &'a Plan,
    /// Guards that are set aside.
    pub forced: &'a BTreeSet<Guard>,
    /// The person who applies it, by address.
    pub acting: Option<&'a str>,
    /// Where the way back is written.
    pub undo_file: PathBuf,
    /// How long to wait for what was written to show.
    pub patience: Patience,
    /// Makes the record of a change for the access log.
    pub record: &'a dyn Fn(&Changed) -> Json,
    /// The clock.
    pub now: &'a dyn Fn() -> DateTime<Utc>,
    /// Is told how far the work is.
    pub moment: &'a dyn Fn(Moment),
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Where it stands.
    pub state: StepState,
    /// What was said of it.
    pub answer: Option<String>,
}

/// What became of a plan.
#[derive(Debug)]
pub struct Applied {
    /// Of each step.
    pub steps: Vec<Ended>,
    /// What comparing once more leads to; none where the plan takes another back.
    pub rest: Option<Draft>,
    /// What is left for hands of what Blip refused.
    pub checklist: Vec<Chore>,
    /// Whether an earlier process had begun it.
    pub was_resumed: bool,
    /// How it is now.
    pub seen: Seen,
}

impl Applied {
    /// Tells whether every step is as planned, or waits for a person only.
    pub fn is_whole(&self) -> bool {
        self.steps.iter().all(|step| is_settled(step.state))
    }
}

fn is_settled(state: StepState) -> bool {
    matches!(state, StepState::Verified | StepState::Waiting)
}

/// Applies a plan.
///
/// # Errors
/// When the plan is stale, guards refuse it, or nothing can be read: then nothing was changed. A step that fails is no error: see
/// [`Applied::steps`].
pub async fn apply(work: &Application<'_>, ledger: &mut Ledger) -> Result<Applied, OpsError> {
    let Application { target, plan, .. } = *work;
    if plan.subject != target.subject() {
        return Err(OpsError::OtherSubject(plan.subject.name()));
    }
    let seen = target.read().await?;
    require_places(plan, &seen)?;
    let known = ledger.operation(&plan.sha256)?;
    let base = Seen { state: before(plan, known.as_ref(), &seen), ..seen.clone() };
    let administrators = require_fresh(work, ledger, known.as_ref(), &base)?;
    let watched = Watched { acting: work.acting, declared: administrators };
    let (forced, refused): (Vec<_>, Vec<_>) =
        target.violations(&base, &plan.steps, &watched).into_iter().partition(|violation| work.forced.contains(&violation.guard));
    if !refused.is_empty() {
        return Err(OpsError::Guarded(refused));
    }

    let everything: BTreeSet<usize> = (0..plan.steps.len()).collect();
    let undo = plan.undo(&everything, &applied(&base.state, &plan.steps), (work.now)());
    files::write(&work.undo_file, undo.text().as_bytes())?;
    (work.moment)(Moment::UndoWritten);
    let rows: Vec<(String, String, Option<String>)> = plan.steps.iter().map(row).collect();
    let id = ledger.begin_operation(&plan.sha256, plan.subject.name(), &rows, (work.now)())?;
    (work.moment)(Moment::Begun);
    for violation in &forced {
        let changed = Changed {
            subject: format!("guard {}", violation.guard),
            before: Some(violation.message.clone()),
            after: Some("set aside".to_owned()),
        };
        ledger.note_access(&(work.record)(&changed), (work.now)())?;
    }

    let mut run = Run { work, ledger, id, seen, steps: Vec::new() };
    run.take_up(known.as_ref());
    run.send_all().await?;
    run.read_back().await?;
    (work.moment)(Moment::ReadBack);
    run.finish(known.is_some())
}

/// A plan that is being applied.
struct Run<'a> {
    work: &'a Application<'a>,
    ledger: &'a mut Ledger,
    id: i64,
    seen: Seen,
    steps: Vec<Ended>,
}

impl Run<'_> {
    /// Takes up what the journal knows.
    fn take_up(&mut self, known: Option<&Operation>) {
        let planned = Ended { state: StepState::Planned, answer: None };
        self.steps = (0..self.work.plan.steps.len())
            .map(|number| {
                let noted = known.and_then(|known| known.steps.get(number));
                noted.map_or_else(|| planned.clone(), |step| Ended { state: step.state, answer: step.answer.clone() })
            })
            .collect();
    }

    /// Sends every step that is not done yet, in order. One that fails does not keep the others from being done,
    /// but for those of its layer that have no chance then.
    async fn send_all(&mut self) -> Result<(), OpsError> {
        let Application { target, plan, .. } = *self.work;
        let mut lost = Vec::new();
        for (number, step) in plan.steps.iter().enumerate() {
            if is_there(&self.seen, step) {
                // Done by an earlier process, or by somebody else with the same in mind.
                let is_news = !matches!(self.steps[number].state, StepState::Done | StepState::Verified | StepState::Waiting);
                self.note(number, StepState::Done, None, is_news.then(|| changed(step)))?;
                continue;
            }
            if self.steps[number].state == StepState::Waiting || lost.contains(&step.place.layer()) {
                continue;
            }
            if !self.work.forced.contains(&Guard::MinAdministrators)
                && step.is_loss()
                && let Some(why) = target.leaves_too_few(&self.seen, step)
            {
                // What was to come before did not come: a guard that held for the whole plan does not hold for what is left of it.
                self.note(number, StepState::Refused, Some(format!("not sent: {why}")), None)?;
                continue;
            }
            self.note(number, StepState::Begun, None, None)?;
            (self.work.moment)(Moment::StepBegun(number));
            let handle = self.seen.handles.get(&(step.place.clone(), step.key.clone()));
            let sent = target.write(step, handle).await;
            (self.work.moment)(Moment::StepSent(number));
            match sent {
                Ok(()) => {
                    self.seen.state.put(&step.place, &step.key, super::guard::after_of(step));
                    self.note(number, StepState::Done, None, Some(changed(step)))?;
                }
                Err(failure) => {
                    let state = if failure.is_unclear { StepState::Unclear } else { StepState::Refused };
                    tracing::warn!(step = number, what = %step.key, error = failure.text, "a step was not done");
                    self.note(number, state, Some(failure.text), None)?;
                    // Where a key is refused the next step of the layer is, too; and nobody goes into a queue that was not made.
                    if failure.is_fatal || matches!(step.place, Place::Queue(_)) {
                        lost.push(step.place.layer());
                    }
                }
            }
            (self.work.moment)(Moment::StepNoted(number));
        }
        Ok(())
    }

    /// Notes where a step stands and, where it changed something, records that.
    fn note(&mut self, number: usize, state: StepState, answer: Option<String>, change: Option<Changed>) -> Result<(), OpsError> {
        let record = change.map(|change| (self.work.record)(&change));
        self.ledger.note_step(self.id, number, (state, answer.as_deref()), record.as_ref(), (self.work.now)())?;
        self.steps[number] = Ended { state, answer };
        Ok(())
    }

    /// Looks at what came of the steps: a few times, because what was written may take a moment to show.
    async fn read_back(&mut self) -> Result<(), OpsError> {
        let Application { target, plan, patience, .. } = *self.work;
        for look in 1..=patience.looks.max(1) {
            self.seen = target.read().await?;
            require_places(plan, &self.seen)?;
            let is_open = |(ended, step): (&Ended, &Step)| {
                let may_be_invited = step.before.is_none() && step.place.is_of_invited();
                matches!(ended.state, StepState::Done | StepState::Unclear) && !is_there(&self.seen, step) && !may_be_invited
            };
            if look == patience.looks.max(1) || !self.steps.iter().zip(&plan.steps).any(is_open) {
                break;
            }
            tokio::time::sleep(patience.pause).await;
        }
        for (number, step) in plan.steps.iter().enumerate() {
            let ended = self.steps[number].clone();
            let there = is_there(&self.seen, step);
            let found = self.seen.state.get(&step.place, &step.key);
            let (state, answer) = match ended.state {
                StepState::Planned | StepState::Refused if !there => continue,
                _ if there => (StepState::Verified, None),
                // Blip took it, and shows the person once they have an account.
                StepState::Done | StepState::Waiting if step.before.is_none() && found.is_none() && step.place.is_of_invited() => {
                    (StepState::Waiting, None)
                }
                _ => {
                    let found = found.map_or_else(|| "nothing".to_owned(), ToString::to_string);
                    let said = ended.answer.map(|answer| format!("{answer}; ")).unwrap_or_default();
                    let state = if ended.state == StepState::Done { StepState::Differs } else { ended.state };
                    (state, Some(format!("{said}read back: {found}")))
                }
            };
            // A write without an answer that shows to be done is a change like any other; one that was recorded and shows otherwise is set right.
            let is_news = state == StepState::Verified && matches!(ended.state, StepState::Unclear | StepState::Begun | StepState::Differs);
            let otherwise = (state == StepState::Differs).then(|| Changed {
                subject: changed(step).subject,
                before: changed(step).after,
                after: found.map(ToString::to_string),
            });
            let record = is_news.then(|| changed(step)).or(otherwise);
            self.note(number, state, answer, record)?;
        }
        Ok(())
    }

    fn finish(self, was_resumed: bool) -> Result<Applied, OpsError> {
        let Application { target, plan, .. } = *self.work;
        let done: BTreeSet<usize> = (0..).zip(&self.steps).filter(|(_, step)| is_settled(step.state)).map(|(number, _)| number).collect();
        let undo = plan.undo(&done, &self.seen.state, (self.work.now)());
        files::write(&self.work.undo_file, undo.text().as_bytes())?;
        self.ledger.end_operation(self.id, (self.work.now)())?;
        (self.work.moment)(Moment::Ended);
        let waited_for = self.ledger.waited_for()?;
        let rest = if plan.takes_back.is_some() { None } else { Some(target.draft(&self.seen, &waited_for)?) };
        let refused = self.steps.iter().zip(&plan.steps).filter(|(ended, _)| ended.state == StepState::Refused);
        let checklist = refused.filter_map(|(_, step)| target.chore(step)).collect();
        Ok(Applied { steps: self.steps, rest, checklist, was_resumed, seen: self.seen })
    }
}

fn changed(step: &Step) -> Changed {
    Changed {
        subject: format!("{}: {}", step.place, step.key),
        before: step.before.as_ref().map(ToString::to_string),
        after: step.after.as_ref().map(ToString::to_string),
    }
}

fn row(step: &Step) -> (String, String, Option<String>) {
    let (place, after) = as_text(step);
    (place, step.key.clone(), after)
}

/// Tells whether what a step leads to is there.
fn is_there(seen: &Seen, step: &Step) -> bool {
    match (seen.state.get(&step.place, &step.key), &step.after) {
        (Some(found), Some(wanted)) => found.is_settled(wanted),
        (None, None) => true,
        _ => false,
    }
}

/// Fails unless every place that steps change can be read.
fn require_places(plan: &Plan, seen: &Seen) -> Result<(), OpsError> {
    for place in plan.steps.iter().map(|step| &step.place) {
        if !seen.state.knows(place) {
            let why = place.layer().and_then(|layer| seen.unread.get(&layer)).cloned();
            return Err(OpsError::Unread(why.map_or_else(|| place.to_string(), |why| format!("{place}: {why}"))));
        }
    }
    Ok(())
}

/// Returns how it was before any step of the plan, as far as the journal knows which were done.
fn before(plan: &Plan, known: Option<&Operation>, seen: &Seen) -> State {
    let mut state = seen.state.clone();
    let steps = known.map_or(&[][..], |known| &known.steps);
    for (noted, step) in steps.iter().zip(&plan.steps) {
        let is_ours = match noted.state {
            StepState::Planned | StepState::Refused => false,
            // Half of it may be there.
            StepState::Begun | StepState::Unclear | StepState::Differs => true,
            StepState::Done | StepState::Verified | StepState::Waiting => {
                let is_invited = step.before.is_none() && step.place.is_of_invited() && seen.state.get(&step.place, &step.key).is_none();
                is_there(seen, step) || is_invited
            }
        };
        if is_ours {
            state.put(&step.place, &step.key, step.before.clone());
        }
    }
    state
}

/// Fails unless the plan fits how it is, and what is declared today; returns the declared administrators.
fn require_fresh(
    work: &Application<'_>,
    ledger: &Ledger,
    known: Option<&Operation>,
    base: &Seen,
) -> Result<Option<BTreeSet<String>>, OpsError> {
    let plan = work.plan;
    if base.state.digest(&plan.places) != plan.seen {
        return Err(OpsError::Stale("something has changed since it was made".to_owned()));
    }
    if plan.takes_back.is_some() {
        return Ok(None);
    }
    let own = |waited: &JournalStep| {
        known.is_some_and(|known| known.steps.iter().any(|step| step.place == waited.place && step.subject == waited.subject))
    };
    let waited_for = if plan.invites_again { Vec::new() } else { ledger.waited_for()? };
    let waited_for: Vec<JournalStep> = waited_for.into_iter().filter(|waited| !own(waited)).collect();
    let draft = work.target.draft(base, &waited_for).map_err(|error: ConfigError| OpsError::Stale(error.to_string()))?;
    if draft.steps != plan.steps {
        return Err(OpsError::Stale("what is declared leads to another plan today".to_owned()));
    }
    Ok(draft.administrators)
}
