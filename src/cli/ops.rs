//! What `relato team` and `relato channel` have in common: plans as people read them, and applying one.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::{
    Exit, Failure, Global, Printed,
    asker::asker,
    officer::{Officer, officer},
    output,
};
use crate::{
    audit,
    blip::ClientOptions,
    config::{Layer, Project},
    files::{
        self,
        lock::{self, Holder, LockError},
    },
    ingest::Clients,
    ledger::{Ledger, StepState},
    ops::{
        self, Application, Applied, Changed, Chore, Draft, Guard, Look, Moment, NoteKind, Patience, Plan, Seen, Step, Subject, Target,
        Violation,
    },
};

#[derive(Args)]
pub struct PlanArgs {
    /// Where to write the plan; without it, the data folder
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to print
    #[arg(long, default_value = "text")]
    pub format: Printed,
}

#[derive(Args)]
pub struct ApplyArgs {
    /// The plan, as `plan` wrote it, or the undo file that an earlier `apply` left
    plan: PathBuf,
    /// Set this guard aside; needs --reason, and is recorded
    #[arg(long, value_name = "GUARD", requires = "reason")]
    force: Vec<Guard>,
    /// Why, for the access log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

/// Makes the clients of a project.
pub fn clients(project: &Project) -> Result<Clients, Failure> {
    Ok(Clients::of_project(project, None, ClientOptions::default())?)
}

/// A comparison, and who would be refused.
pub struct Compared {
    pub plan: Plan,
    pub violations: Vec<Violation>,
    pub look: Look,
}

/// Reads and compares, and keeps what was found for `relato status`.
pub async fn compare(
    project: &Project,
    target: &Target<'_>,
    acting: Option<&str>,
    invites_again: bool,
    now: DateTime<Utc>,
) -> Result<Compared, Failure> {
    let knows = project.ledger_file().exists() && !invites_again;
    let waited_for = if knows { Ledger::open(&project.ledger_file())?.waited_for()? } else { Vec::new() };
    let seen = target.read().await?;
    let draft = target.draft(&seen, &waited_for)?;
    compared(project, target, &seen, draft, (acting, invites_again), now)
}

fn compared(
    project: &Project,
    target: &Target<'_>,
    seen: &Seen,
    draft: Draft,
    (acting, invites_again): (Option<&str>, bool),
    now: DateTime<Utc>,
) -> Result<Compared, Failure> {
    let violations = target.guards(seen, &draft, acting);
    let plan = ops::planned(target, seen, draft, invites_again, now);
    let look = ops::look(seen, Some(&plan), now);
    keep_look(project, target.subject(), &look)?;
    Ok(Compared { plan, violations, look })
}

/// Keeps what a comparison found.
pub fn keep_look(project: &Project, subject: Subject, look: &Look) -> Result<(), Failure> {
    files::make_folder(&project.ops_dir())?;
    let text = serde_json::to_vec_pretty(look).map_err(|error| Failure::new(Exit::Failed, error))?;
    Ok(files::write(&project.look_file(subject.name()), &text)?)
}

/// Returns what the last comparison found, where there was one.
pub fn last_look(project: &Project, subject: Subject) -> Option<Look> {
    fs::read(project.look_file(subject.name())).ok().and_then(|text| serde_json::from_slice(&text).ok())
}

/// Compares everything that is declared; returns what differs, in sentences.
pub async fn compare_all(project: &Project, now: DateTime<Utc>) -> Vec<(Subject, Result<Vec<String>, Failure>)> {
    let mut found = Vec::new();
    for subject in [Subject::Team, Subject::Channels] {
        if declared_file(project, subject).exists() {
            found.push((subject, compare_one(project, subject, now).await));
        }
    }
    found
}

async fn compare_one(project: &Project, subject: Subject, now: DateTime<Utc>) -> Result<Vec<String>, Failure> {
    let day = project.settings.organization.timezone.day(now);
    let target = match subject {
        Subject::Team => Target::team(project, clients(project)?, Some(project.team()?), day)?,
        Subject::Channels => Target::channels(project, clients(project)?, Some(project.channels()?), day)?,
    };
    Ok(compare(project, &target, None, false, now).await?.look.differs.unwrap_or_default())
}

/// Returns the file that declares people or channels.
pub fn declared_file(project: &Project, subject: Subject) -> PathBuf {
    project.dir.join(subject.file())
}

/// Compares, prints the plan, and writes it where there is anything to apply.
pub async fn plan(global: &Global, project: &Project, target: &Target<'_>, args: &PlanArgs, invites_again: bool) -> Result<Exit, Failure> {
    let now = global.now();
    args.out.as_ref().map_or(Ok(()), |out| output::require_place(project, out))?;
    let access = &project.settings.access;
    let acting = audit::acting(access, &asker(access));
    let found = compare(project, target, acting.as_deref(), invites_again, now).await?;
    show(project, &found, args, now)
}

/// Prints a plan, writes it where there is anything to apply, and says how it stands.
pub fn show(project: &Project, found: &Compared, args: &PlanArgs, now: DateTime<Utc>) -> Result<Exit, Failure> {
    let plan = &found.plan;
    let file = if plan.steps.is_empty() {
        None
    } else {
        let name = format!("{}-{}-{}.json", plan.subject.name(), now.format("%Y%m%dT%H%M%S"), &plan.sha256[..8]);
        let file = args.out.clone().unwrap_or_else(|| project.ops_dir().join(name));
        files::write(&file, plan.text().as_bytes())?;
        Some(file)
    };
    if args.format == Printed::Json {
        let mut document = serde_json::to_value(plan).map_err(|error| Failure::new(Exit::Failed, error))?;
        document["guards"] = json!(found.violations);
        document["file"] = json!(file);
        output::print_json(&document)?;
    } else {
        let mut text = plan_text(plan, &found.violations);
        if let Some(file) = &file {
            let _ = writeln!(
                text,
                "\nWritten to {0}\nApply it:   relato {1} apply {0}{2}",
                shown(file),
                plan.subject.name(),
                of_project(project)
            );
        }
        output::print(&text)?;
    }
    Ok(standing(found))
}

/// Prints a plan that is not written.
pub fn preview(found: &Compared) -> Result<Exit, Failure> {
    output::print(&plan_text(&found.plan, &found.violations))?;
    Ok(standing(found))
}

/// Returns how a path is shown in a command that can be copied.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    text.strip_prefix("./").map(str::to_owned).unwrap_or(text)
}

fn of_project(project: &Project) -> String {
    if project.dir == Path::new(".") { String::new() } else { format!(" --project {}", project.dir.display()) }
}

fn standing(found: &Compared) -> Exit {
    let told = |kind: NoteKind| found.plan.notes.iter().any(|note| note.kind == kind);
    if !found.violations.is_empty() {
        Exit::Refused
    } else if told(NoteKind::Warning) || found.look.unread.contains_key(&Layer::Desk) {
        Exit::Warnings
    } else {
        Exit::Done
    }
}

/// Returns a plan in words.
fn plan_text(plan: &Plan, violations: &[Violation]) -> String {
    let mut text = String::new();
    let what = if plan.takes_back.is_some() { "Taking back an earlier plan" } else { "Plan" };
    let count = match plan.steps.len() {
        0 => "nothing to change".to_owned(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    let _ = writeln!(text, "{what} for {}: {count}", plan.organization);
    text.push_str(&steps_text(&plan.steps, |_| String::new()));
    for (kind, title) in [
        (NoteKind::Warning, "Look at this"),
        (NoteKind::Waiting, "Waiting for people"),
        (NoteKind::Unmanaged, "Differs, and is left alone"),
        (NoteKind::Unread, "Not read"),
        (NoteKind::Told, "To know"),
    ] {
        let notes: Vec<&str> = plan.notes.iter().filter(|note| note.kind == kind).map(|note| note.text.as_str()).collect();
        if !notes.is_empty() {
            let _ = writeln!(text, "\n{title} ({})", notes.len());
        }
        for note in notes {
            let _ = writeln!(text, "  {note}");
        }
    }
    if !violations.is_empty() {
        let _ = writeln!(text, "\nRefused by guards ({})", violations.len());
        for violation in violations {
            let _ = writeln!(text, "  {}: {}", violation.guard, violation.message);
        }
        let _ = writeln!(text, "  One can be set aside when it is applied: --force GUARD --reason TEXT");
    }
    text.push_str(&checklist_text(&plan.checklist));
    text
}

/// Returns steps by place, each with what `ending` says of it.
fn steps_text(steps: &[Step], ending: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    let width = steps.iter().map(|step| step.key.chars().count()).max().unwrap_or(0).min(40);
    let mut places: Vec<&ops::Place> = steps.iter().map(|step| &step.place).collect();
    places.sort();
    places.dedup();
    for place in places {
        let mut title = place.to_string();
        if let Some(first) = title.get(..1) {
            title = first.to_uppercase() + &title[1..];
        }
        let _ = writeln!(text, "\n{title}");
        for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.place == *place) {
            let (sign, change) = match (&step.before, &step.after) {
                (None, Some(after)) => ('+', after.to_string()),
                (Some(before), None) => ('-', format!("had {before}")),
                (Some(before), Some(after)) => ('~', ops::change(before, after)),
                (None, None) => (' ', String::new()),
            };
            let ending = ending(number);
            let gap = if ending.is_empty() { "" } else { "  " };
            let _ = writeln!(text, "  {sign} {:width$}  {change}{gap}{ending}", step.key);
        }
    }
    text
}

fn checklist_text(chores: &[Chore]) -> String {
    let mut text = String::new();
    if !chores.is_empty() {
        let _ = writeln!(text, "\nBy hand, because no key may ({})", chores.len());
    }
    for chore in chores {
        let _ = writeln!(text, "  [ ] {}\n      {}: {}", chore.path, chore.text, chore.of.join(", "));
    }
    text
}

/// Reads a plan and applies it.
pub async fn apply(global: &Global, project: &Project, target: &Target<'_>, args: &ApplyArgs) -> Result<Exit, Failure> {
    let name = args.plan.display().to_string();
    let text = fs::read_to_string(&args.plan).map_err(|error| {
        Failure::told(Exit::Usage, format!("`{name}` cannot be read: {error}"), Some("`plan` writes one and tells where"))
    })?;
    let plan = Plan::read(&name, &text)?;
    if !args.force.is_empty() && args.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Failure::told(Exit::Usage, "--force needs a reason: --reason TEXT", None));
    }
    let command = format!("{} apply", plan.subject.name());
    let mut officer = officer(project, &command, args.reason.as_deref(), global.now())?;
    files::make_folder(&project.ops_dir())?;
    let _lock = lock::hold(&project.ops_dir().join("apply.lock"), &Holder::new(&command, global.now())).map_err(|error| match error {
        LockError::File(error) => Failure::from(error),
        LockError::Held(_) => {
            Failure::told(Exit::Refused, "another plan is being applied", Some("wait until it has ended; nothing was changed"))
        }
    })?;
    let forced: BTreeSet<Guard> = args.force.iter().copied().collect();
    let undo_file = args.plan.with_extension("undo.json");
    if args.plan.parent().map(Path::canonicalize).and_then(Result::ok) != project.ops_dir().canonicalize().ok() {
        output::require_place(project, &undo_file)?;
    }
    let progress = global.progress();
    progress.start(&command, Some(plan.steps.len()));
    let moment = |moment: Moment| {
        if let Moment::StepNoted(_) = moment {
            progress.advance(1);
        }
    };
    let applied = {
        let Officer { asker, person, ledger } = &mut officer;
        let acting = person.clone().or_else(|| asker.declared.clone());
        let record = |changed: &Changed| {
            let change = audit::Change {
                subject: &changed.subject,
                before: changed.before.as_deref(),
                after: changed.after.as_deref(),
                reason: args.reason.as_deref(),
                plan: &plan.sha256,
            };
            audit::change_record(asker, person.as_deref(), &change)
        };
        let work = Application {
            target,
            plan: &plan,
            forced: &forced,
            acting: acting.as_deref(),
            undo_file: undo_file.clone(),
            patience: Patience::default(),
            record: &record,
            now: &|| global.now(),
            moment: &moment,
        };
        ops::apply(&work, ledger).await
    };
    progress.finish();
    let applied = applied?;
    let acting = officer.email().map(str::to_owned);
    // After a plan that takes another back, too, it is told how it stands against what is declared.
    let rest = match applied.rest.clone() {
        Some(rest) => rest,
        None => target.draft(&applied.seen, &officer.ledger.waited_for()?)?,
    };
    let rest = compared(project, target, &applied.seen, rest, (acting.as_deref(), false), global.now())?;
    tell(project, &plan, &applied, &rest.plan, &undo_file, args.format)?;
    let is_clear = applied.rest.is_none() || rest.plan.steps.is_empty();
    Ok(match (applied.is_whole(), is_clear) {
        (true, true) => Exit::Done,
        (true, false) => Exit::Warnings,
        (false, _) => Exit::Blip,
    })
}

fn tell(project: &Project, plan: &Plan, applied: &Applied, rest: &Plan, undo: &Path, format: Printed) -> Result<(), Failure> {
    if format == Printed::Json {
        let step = |(step, ended): (&Step, &ops::Ended)| -> Value {
            json!({"place": step.place, "key": step.key, "state": ended.state.word(), "answer": ended.answer})
        };
        return output::print_json(&json!({
            "plan": plan.sha256,
            "is_whole": applied.is_whole(),
            "was_resumed": applied.was_resumed,
            "steps": plan.steps.iter().zip(&applied.steps).map(step).collect::<Vec<_>>(),
            "undo": undo,
            "rest": if applied.rest.is_some() { json!(rest.steps) } else { Value::Null },
            "checklist": applied.checklist,
        }));
    }
    let mut text = String::new();
    if applied.was_resumed {
        text.push_str("This plan was begun before; what was done then was not done again.\n");
    }
    let ending = |number: usize| {
        let ended = &applied.steps[number];
        let word = match ended.state {
            StepState::Verified => "done, and read back".to_owned(),
            StepState::Waiting => "sent; waiting for the person".to_owned(),
            StepState::Planned => "not sent".to_owned(),
            StepState::Refused => "REFUSED".to_owned(),
            StepState::Unclear | StepState::Begun => "UNCLEAR".to_owned(),
            StepState::Differs => "DIFFERS".to_owned(),
            StepState::Done => "done".to_owned(),
        };
        ended.answer.as_ref().map_or_else(|| format!("[{word}]"), |answer| format!("[{word}: {answer}]"))
    };
    let done = applied.steps.iter().filter(|step| matches!(step.state, StepState::Verified | StepState::Waiting)).count();
    let _ = writeln!(text, "Done: {done} of {}", plan.steps.len());
    text.push_str(&steps_text(&plan.steps, ending));
    text.push_str(&checklist_text(&applied.checklist));
    if applied.rest.is_some() {
        text.push('\n');
        text.push_str(if rest.steps.is_empty() {
            "A second plan is empty: it is as declared.\n"
        } else if applied.is_whole() {
            "A second plan is not empty: something else has changed meanwhile.\n"
        } else {
            "What is not done stays in the next plan; the same plan can be applied again, and goes on where it stopped.\n"
        });
    }
    if done > 0 {
        let _ = writeln!(text, "\nThe way back: relato {} apply {}{}", plan.subject.name(), shown(undo), of_project(project));
    }
    output::print(&text)
}
