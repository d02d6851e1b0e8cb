//! `relato schedule`: which reports are due when, what became of them, and one by hand.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use comfy_table::{Table as TextTable, presets::UTF8_BORDERS_ONLY};
use serde_json::json;

use super::{
    Exit, Failure, Global, Printed, output,
    report::scratch,
    serve::{right_to_send, scheduler},
};
use crate::{
    config::{Project, ScheduleSpec, require_address},
    files,
    ledger::{Delivery, Ledger, NewRun, Run, RunKind, RunState},
    schedule::{self, House, Order, ProjectReports, ProjectWays, Reports},
};

/// List, foretell, run or look back at scheduled reports
#[derive(Subcommand)]
pub enum ScheduleCommand {
    /// List the schedules there are
    List(ListArgs),
    /// Tell what is due next, in local time and UTC
    Next(NextArgs),
    Run(RunArgs),
    /// Tell what became of each planned time
    History(HistoryArgs),
}

#[derive(Args)]
pub struct ListArgs {
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

#[derive(Args)]
pub struct NextArgs {
    /// How many times to tell
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

/// Make a schedule's report now; send it only when told to
///
/// Without --send the files and the mail are written to the project's folder `output`, and nobody gets anything. With it, recipients get
/// what they have not got yet; --again sends also what went out before, and the mail says what changed since.
#[derive(Args)]
pub struct RunArgs {
    /// Name of the schedule
    name: String,
    /// The planned time that is meant, such as 2026-11-09T11:00:00Z; without it the last one
    #[arg(long = "for", value_name = "INSTANT")]
    instant: Option<DateTime<Utc>>,
    /// Send it
    #[arg(long)]
    send: bool,
    /// Send it also to those who have it
    #[arg(long, requires = "send")]
    again: bool,
    /// Send it only to the address in the environment variable `RELATO_EMAIL`
    #[arg(long, requires = "send", conflicts_with = "again")]
    to_me: bool,
}

#[derive(Args)]
pub struct HistoryArgs {
    /// Only this schedule
    name: Option<String>,
    /// How many runs to tell
    #[arg(long, value_name = "N", default_value_t = 20)]
    count: usize,
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

pub fn run(global: &Global, command: &ScheduleCommand) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    match command {
        ScheduleCommand::List(args) => list(&project, args),
        ScheduleCommand::Next(args) => next(global, &project, args),
        ScheduleCommand::Run(args) if args.send => send(global, &project, args),
        ScheduleCommand::Run(args) => trial(global, &project, args),
        ScheduleCommand::History(args) => history(&project, args),
    }
}

fn list(project: &Project, args: &ListArgs) -> Result<Exit, Failure> {
    let schedules = project.schedules()?;
    let describe = |spec: &ScheduleSpec| {
        json!({"name": spec.name, "report": spec.report, "cron": spec.cron.text(), "timezone": spec.timezone.to_string(),
            "period": spec.period, "formats": spec.formats, "is_delivered": spec.is_delivered(), "owner": spec.owner})
    };
    if args.format == Printed::Json {
        output::print_json(&schedules.values().map(describe).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let line = |spec: &ScheduleSpec| {
        let nobody = if spec.is_delivered() { "" } else { " · goes to nobody yet" };
        let ScheduleSpec { name, report, timezone, period, .. } = spec;
        format!("{name:24} {report} · {} {timezone} · {period} · {}{nobody}\n", spec.cron.text(), spec.formats.join(", "))
    };
    output::print(&schedules.values().map(line).collect::<String>())?;
    Ok(Exit::Done)
}

/// A time that comes.
struct Coming<'a> {
    spec: &'a ScheduleSpec,
    planned_at: DateTime<Utc>,
    planned_local: NaiveDateTime,
    /// None on a holiday that is left out.
    due_at: Option<DateTime<Utc>>,
}

fn next(global: &Global, project: &Project, args: &NextArgs) -> Result<Exit, Failure> {
    let schedules = project.schedules()?;
    let count = usize::try_from(args.count).unwrap_or(usize::MAX);
    let calendars = &project.settings.calendars;
    let mut coming: Vec<Coming<'_>> = schedules
        .values()
        .flat_map(|spec| {
            spec.cron.after(global.now(), spec.timezone).take(count).map(move |(planned_at, planned_local)| Coming {
                spec,
                planned_at,
                planned_local,
                due_at: schedule::due(spec, calendars, planned_at),
            })
        })
        .collect();
    coming.sort_by_key(|one| (one.planned_at, one.spec.name.clone()));
    coming.truncate(count);
    let period = |one: &Coming<'_>| schedule::period(one.spec, one.planned_at).map(|period| period.to_string()).unwrap_or_default();
    if args.format == Printed::Json {
        let listed: Vec<_> = coming
            .iter()
            .map(|one| {
                json!({"schedule": one.spec.name, "report": one.spec.report, "period": period(one), "planned_at": one.planned_at,
                    "due_at": one.due_at, "due_local": one.due_at.map(|due_at| one.spec.timezone.local(due_at)),
                    "timezone": one.spec.timezone.to_string()})
            })
            .collect();
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    let line = |one: &Coming<'_>| {
        let when = match one.due_at {
            None => format!("{} {}  a holiday: left out", one.planned_local.format("%a %Y-%m-%d %H:%M"), one.spec.timezone),
            Some(due_at) => {
                let shifted = if due_at == one.planned_at { "" } else { "  moved to a day with business hours" };
                let local = one.spec.timezone.local(due_at).format("%a %Y-%m-%d %H:%M");
                format!("{local} {}  ({}){shifted}", one.spec.timezone, due_at.format("%Y-%m-%dT%H:%MZ"))
            }
        };
        format!("{when}  {} {}\n", one.spec.name, period(one))
    };
    output::print(&coming.iter().map(line).collect::<String>())?;
    Ok(Exit::Done)
}

/// Returns the schedule, and the planned time that is meant.
fn meant(global: &Global, project: &Project, args: &RunArgs) -> Result<(ScheduleSpec, DateTime<Utc>), Failure> {
    let mut schedules = project.schedules()?;
    let known: Vec<String> = schedules.keys().cloned().collect();
    let spec = schedules
        .remove(&args.name)
        .ok_or_else(|| Failure::told(Exit::Usage, format!("unknown schedule `{}` (known: {})", args.name, known.join(", ")), None))?;
    // Two months back there was a planned time of nearly every schedule.
    let last = || {
        let from = global.now() - chrono::TimeDelta::days(62);
        spec.cron.after(from, spec.timezone).map(|(planned_at, _)| planned_at).take_while(|planned_at| *planned_at <= global.now()).last()
    };
    let planned_at = args.instant.or_else(last).unwrap_or_else(|| global.now());
    Ok((spec, planned_at))
}

/// Writes files and mail, and sends nothing.
fn trial(global: &Global, project: &Project, args: &RunArgs) -> Result<Exit, Failure> {
    let (spec, planned_at) = meant(global, project, args)?;
    let period = schedule::period(&spec, planned_at).map_err(|error| Failure::new(Exit::Usage, error))?;
    let reports = ProjectReports { project, scratch: &scratch };
    let folder = project.dir.join("output").join(&spec.name);
    files::make_folder(&folder)?;
    let failed = |cause: String| Failure::told(Exit::Failed, cause, None);
    let (seen, write) = reports.make(Order { spec: &spec, period, sector: None, planned_at }).map_err(failed)?;
    let stored = write(&folder, spec.gate != crate::config::Gate::Send).map_err(failed)?;
    let mut paths: Vec<_> = stored.files.iter().map(|file| file.path.clone()).collect();
    let mut put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        files::write(&path, bytes)?;
        paths.push(path);
        Ok::<(), Failure>(())
    };
    put("mail.txt", stored.mail.text.as_bytes())?;
    // A browser looks for the picture beside the page, a mail program within the mail.
    put("mail.html", stored.mail.html.replace("cid:chart", "chart.png").as_bytes())?;
    if let Some(picture) = &stored.mail.picture {
        put("chart.png", picture)?;
    }
    let lines: Vec<String> = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    let people = spec.mailings(&project.recipients()?)?.len();
    output::print(&format!(
        "{}\nSubject: {}\nData: {}\nNothing was sent. With --send it goes to {people} people{}{}.\n",
        lines.concat(),
        stored.mail.subject,
        seen.sentence,
        if spec.folder.is_some() { ", into a folder" } else { "" },
        if spec.webhook.is_some() { ", to a program" } else { "" },
    ))?;
    Ok(Exit::Done)
}

fn send(global: &Global, project: &Project, args: &RunArgs) -> Result<Exit, Failure> {
    let (spec, planned_at) = meant(global, project, args)?;
    let now = global.now();
    let only_to = if args.to_me { Some(own_address()?) } else { None };
    if only_to.is_none() && !spec.is_delivered() {
        return Err(Failure::told(
            Exit::Usage,
            format!("schedule `{}` goes to nobody", spec.name),
            Some("name people with `to`, a `folder` or a `webhook` in its file"),
        ));
    }
    House::of(project)?;
    let period = schedule::period(&spec, planned_at).map_err(|error| Failure::new(Exit::Usage, error))?;
    let run = NewRun {
        schedule: spec.name.clone(),
        kind: RunKind::Manual,
        planned_at,
        due_at: now,
        report: spec.report.clone(),
        period: period.to_string(),
        state: RunState::Planned,
        reason: None,
        only_to,
        again: args.again,
    };
    let id = Ledger::open(&project.ledger_file())?.ask(&run, now)?;
    let _right = match right_to_send(project, "relato schedule run", now) {
        Ok(right) => right,
        Err(failure) if failure.exit() == Exit::Refused => {
            output::print("Noted: the running `relato serve` sends it within half a minute; `relato schedule history` tells.\n")?;
            return Ok(Exit::Done);
        }
        Err(failure) => return Err(failure),
    };
    let (reports, ways) = (ProjectReports { project, scratch: &scratch }, ProjectWays { project });
    let mut scheduler = scheduler(project, (&reports, &ways), &|_| {}, now)?;
    let Some(run) = scheduler.work(id, now)? else { return Ok(Exit::Done) };
    let deliveries = scheduler.ledger().deliveries(id)?;
    let line = |one: &Delivery| format!("  {:10} {}  {}\n", one.state.to_string(), one.recipient, one.answer.clone().unwrap_or_default());
    let lines: String = deliveries.iter().map(line).collect();
    output::print(&format!("{} {}: {}\n{lines}", run.schedule, run.period, told(&run)))?;
    Ok(match run.state {
        RunState::Sent => Exit::Done,
        RunState::Skipped => Exit::Refused,
        RunState::Failed => Exit::Failed,
        _ => Exit::Warnings,
    })
}

fn own_address() -> Result<String, Failure> {
    let text = std::env::var("RELATO_EMAIL").unwrap_or_default();
    require_address(&text).map_err(|_| {
        Failure::told(
            Exit::Usage,
            "--to-me needs your address in the environment variable RELATO_EMAIL",
            Some("export RELATO_EMAIL=name@domain"),
        )
    })
}

/// How a run stands, and why.
fn told(run: &Run) -> String {
    let reason = run.reason.as_ref().filter(|reason| !reason.is_empty()).map(|reason| format!(": {reason}")).unwrap_or_default();
    let next = if run.state.is_final() { String::new() } else { format!(", again at {}", stamp(run.next_at)) };
    format!("{}{reason}{next}", run.state)
}

fn stamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn history(project: &Project, args: &HistoryArgs) -> Result<Exit, Failure> {
    let path = project.ledger_file();
    let runs = if path.exists() { Ledger::open(&path)?.history(args.name.as_deref(), args.count)? } else { Vec::new() };
    if args.format == Printed::Json {
        let ledger = Ledger::open(&path)?;
        let mut listed = Vec::new();
        for run in &runs {
            let deliveries: Vec<_> = ledger
                .deliveries(run.id)?
                .iter()
                .map(|one| {
                    json!({"channel": one.channel.word(), "recipient": one.recipient, "sector": one.sector, "state": one.state.word(),
                        "attempts": one.attempts, "content_sha256": one.content_sha256, "updated_at": one.updated_at, "answer": one.answer})
                })
                .collect();
            listed.push(json!({"run": run.id, "schedule": run.schedule, "kind": run.kind.word(), "planned_at": run.planned_at,
                "due_at": run.due_at, "report": run.report, "period": run.period, "state": run.state.word(), "reason": run.reason,
                "snapshot": run.snapshot, "updated_at": run.updated_at, "deliveries": deliveries}));
        }
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        output::print("No planned time has come yet: `relato serve` notes them.\n")?;
        return Ok(Exit::Done);
    }
    let zone = project.settings.organization.timezone;
    let mut table = TextTable::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(["planned", "schedule", "period", "state", "why"]);
    for run in &runs {
        let kind = if run.kind == RunKind::Manual { " (by hand)" } else { "" };
        table.add_row([
            format!("{}{kind}", zone.local(run.planned_at).format("%Y-%m-%d %H:%M")),
            run.schedule.clone(),
            run.period.clone(),
            run.state.to_string(),
            run.reason.clone().unwrap_or_default(),
        ]);
    }
    output::print(&format!("{table}\n"))?;
    Ok(Exit::Done)
}
