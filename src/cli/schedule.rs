//! `relato schedule`: which reports are due when.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Exit, Failure, Global, Printed, output};
use crate::config::{Project, ScheduleSpec};

/// List schedules, or tell what is due next
#[derive(Subcommand)]
pub enum ScheduleCommand {
    /// List the schedules there are
    List(ListArgs),
    /// Tell what is due next, in local time and UTC
    Next(NextArgs),
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

pub fn run(global: &Global, command: &ScheduleCommand) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let schedules = project.schedules()?;
    match command {
        ScheduleCommand::List(args) => {
            let describe = |spec: &ScheduleSpec| {
                json!({"name": spec.name, "report": spec.report, "cron": spec.cron.text(), "timezone": spec.timezone.to_string(),
                    "period": spec.period, "formats": spec.formats})
            };
            if args.format == Printed::Json {
                output::print_json(&schedules.values().map(describe).collect::<Vec<_>>())?;
            } else {
                let line = |spec: &ScheduleSpec| {
                    format!(
                        "{:24} {} · {} {} · {} · {}\n",
                        spec.name,
                        spec.report,
                        spec.cron.text(),
                        spec.timezone,
                        spec.period,
                        spec.formats.join(", ")
                    )
                };
                output::print(&schedules.values().map(line).collect::<String>())?;
            }
        }
        ScheduleCommand::Next(args) => {
            let count = usize::try_from(args.count).unwrap_or(usize::MAX);
            let mut due: Vec<_> = schedules
                .values()
                .flat_map(|spec| {
                    spec.cron.after(global.now(), spec.timezone).take(count).map(move |(instant, local)| (instant, local, spec))
                })
                .collect();
            due.sort_by_key(|(instant, _, spec)| (*instant, spec.name.clone()));
            due.truncate(count);
            if args.format == Printed::Json {
                let listed: Vec<_> = due
                    .iter()
                    .map(|(instant, local, spec)| json!({"schedule": spec.name, "report": spec.report, "due_at": instant, "due_local": local, "timezone": spec.timezone.to_string()}))
                    .collect();
                output::print_json(&listed)?;
            } else {
                let line = |(instant, local, spec): &(chrono::DateTime<chrono::Utc>, chrono::NaiveDateTime, &ScheduleSpec)| {
                    format!(
                        "{} {}  ({})  {}\n",
                        local.format("%a %Y-%m-%d %H:%M"),
                        spec.timezone,
                        instant.format("%Y-%m-%dT%H:%MZ"),
                        spec.name
                    )
                };
                output::print(&due.iter().map(line).collect::<String>())?;
            }
        }
    }
    Ok(Exit::Done)
}
