//! The command line: arguments, printing, exit codes. One file a command.

mod answers;
mod asker;
mod audit;
mod backup;
mod bot;
mod calendar;
mod channel;
mod check;
mod demo;
mod failure;
mod import;
mod ingest;
mod init;
mod months;
mod officer;
mod ops;
mod output;
mod progress;
mod proposed_hours;
mod query;
mod readers;
mod rebuild;
mod report;
mod restore;
mod schedule;
mod serve;
mod sim;
mod snapshot;
mod status;
mod subject;
mod supersede;
mod team;
mod unknown;
mod words;

use std::{
    ffi::OsString,
    io::IsTerminal,
    path::{Path, PathBuf},
    process,
};

use chrono::{DateTime, Utc};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use tracing_subscriber::filter::LevelFilter;

pub use failure::{Exit, Failure};

use crate::{
    config::Project,
    domain::period::parse_day,
    files,
    snapshot::{Catalog, Snapshot},
};

/// Long memory and trustworthy reports for service desks run on Blip
///
/// Collects conversations and satisfaction from Blip into a local database, publishes them as immutable snapshots, and makes
/// reports in Excel and PDF whose every figure can be repeated.
///
/// Results go to standard output, everything else to standard error.
/// Exit codes: 0 done · 1 failed · 2 wrong use or configuration · 3 done, with warnings that a person must read ·
/// 4 refused by a guard · 5 Blip refused or unreachable.
#[derive(Parser)]
#[command(name = "relato", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args)]
struct Global {
    /// Folder with relato.toml
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    /// Log errors only
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Log every step
    #[arg(long, short, global = true)]
    verbose: bool,
    /// Show no progress bars
    #[arg(long, global = true)]
    no_progress: bool,
    /// Act as if it were this instant, such as 2026-11-22T15:00:00Z
    #[arg(long, global = true, value_name = "INSTANT")]
    now: Option<DateTime<Utc>>,
    /// How often the command line names a project.
    #[arg(skip)]
    projects: usize,
}

impl Global {
    fn now(&self) -> DateTime<Utc> {
        self.now.unwrap_or_else(Utc::now)
    }

    fn progress(&self) -> Box<dyn crate::ingest::Progress> {
        progress::of_terminal(!self.no_progress && !self.quiet)
    }
}

// What a command's help says stands at its own type.
#[derive(Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Check(check::CheckArgs),
    Ingest(ingest::IngestArgs),
    Rebuild(rebuild::RebuildArgs),
    Import(import::ImportArgs),
    #[command(subcommand)]
    Bot(bot::BotCommand),
    #[command(subcommand)]
    Calendar(calendar::CalendarCommand),
    Report(report::ReportArgs),
    Query(query::QueryArgs),
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    #[command(subcommand)]
    Subject(subject::SubjectCommand),
    #[command(subcommand)]
    Team(team::TeamCommand),
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    Serve(serve::ServeArgs),
    #[command(subcommand)]
    Snapshot(snapshot::SnapshotCommand),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Status(status::StatusArgs),
    Sim(sim::SimArgs),
    /// Answer one question that another process passed on
    #[command(hide = true)]
    AnswerQuestion {
        /// Process that waits for the answer
        asked_by: i32,
    },
}

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Printed {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// Runs the command line and returns its exit code.
pub fn run() -> process::ExitCode {
    files::keep_to_owner();
    let mut cli = Cli::parse();
    cli.global.projects = one_project(std::env::args_os().skip(1)).unwrap_or_else(|error| error.exit());
    start_logging(&cli.global);
    let done = dispatch(cli);
    report::clear_scratch();
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => failure.print(),
    }
}

/// Returns how often a command line names a project: once at most. One before the command and one after it would not be the same, and whoever
/// may only add arguments at the end must not choose.
fn one_project(arguments: impl Iterator<Item = OsString>) -> Result<usize, clap::Error> {
    let is_project = |argument: &OsString| argument == "--project" || argument.as_encoded_bytes().starts_with(b"--project=");
    let projects = arguments.take_while(|argument| argument != "--").filter(is_project).count();
    if projects > 1 {
        let message = "the argument '--project <DIR>' cannot be used multiple times";
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    Ok(projects)
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Demo(args) => wait(demo::run(global, &args)),
        Command::Init(args) => init::run(&args),
        Command::Check(args) => wait(check::run(global, &args)),
        Command::Ingest(args) => wait(ingest::run(global, &args)),
        Command::Rebuild(args) => rebuild::run(global, &args),
        Command::Import(args) => import::run(global, &args),
        Command::Bot(command) => bot::run(global, &command),
        Command::Calendar(command) => wait(calendar::run(global, &command)),
        Command::Report(args) => report::run(global, &args),
        Command::Query(args) => query::run(global, &args),
        Command::AnswerQuestion { asked_by } => query::answer(asked_by),
        Command::Schedule(command) => schedule::run(global, &command),
        Command::Audit(command) => audit::run(global, &command),
        Command::Subject(command) => subject::run(global, &command),
        Command::Team(command) => wait(team::run(global, &command)),
        Command::Channel(command) => wait(channel::run(global, &command)),
        Command::Serve(args) => serve::run(global, &args),
        Command::Snapshot(command) => snapshot::run(global, &command),
        Command::Backup(args) => backup::run(global, &args),
        Command::Restore(args) => restore::run(global, &args),
        Command::Status(args) => status::run(global, &args),
        Command::Sim(args) => wait(sim::run(global, &args)),
    }
}

/// Opens a project that has data of its own.
fn collector(dir: &Path) -> Result<Project, Failure> {
    let project = Project::open(dir)?;
    if project.reads_all_owners() {
        let message = "this project reads what all owners of a lake have and has nothing of its own: [storage] has no owner";
        return Err(Failure::told(Exit::Usage, message, Some("do it in the project of an owner, or give this one a name: owner = \"…\"")));
    }
    Ok(project)
}

/// Opens the snapshot that `as_of` asks for: one by its id, the one that was known at the end of a day, or the newest.
fn snapshot_of(project: &Project, as_of: Option<&str>) -> Result<Snapshot, Failure> {
    Ok(match as_of.map(parse_day) {
        Some(Ok(day)) => Snapshot::open_as_known_on(&Catalog::of(project)?, day, project.settings.organization.timezone)?,
        None => Snapshot::newest(project)?,
        Some(Err(_)) => Snapshot::open(&Catalog::of(project)?, as_of)?,
    })
}

fn wait<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::new(Exit::Failed, error))?;
    Ok(runtime.block_on(work)?)
}

fn start_logging(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (_, true) => LevelFilter::INFO,
        _ => LevelFilter::WARN,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // People read lines, programs read JSON.
    if std::io::stderr().is_terminal() {
        builder.without_time().with_target(false).init();
    } else {
        builder.json().init();
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Cli, one_project};

    #[test]
    fn a_command_line_names_one_project() {
        let named = |line: &str| one_project(line.split(' ').map(Into::into)).ok();
        assert_eq!(named("query .tables"), Some(0));
        assert_eq!(named("--project a query .tables"), Some(1));
        assert_eq!(named("--project a query --project b .tables"), None);
        assert_eq!(named("--project=a query .tables --project=a"), None);
        assert_eq!(named("--project a query -- --project"), Some(1), "a question is no option");
    }

    #[test]
    fn every_command_says_what_it_does_and_its_help_says_more() {
        fn walk(command: &clap::Command, found: &mut Vec<(String, String)>) {
            for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
                let about = sub.get_about().unwrap_or_else(|| panic!("`{}` says what it does", sub.get_name()));
                let more = sub.get_long_about().unwrap_or(about);
                found.push((sub.get_name().to_owned(), more.to_string()));
                walk(sub, found);
            }
        }
        let (command, mut found) = (Cli::command(), Vec::new());
        command.clone().debug_assert();
        walk(&command, &mut found);
        for (name, words) in [
            ("ingest", "Exit code 3"),
            ("check", "Exit code 2"),
            ("status", "Exit code 3"),
            ("apply", "Exit code 0"),
            ("erase", "--yes"),
            ("run", "--send"),
            ("team", "team.toml"),
        ] {
            assert!(found.iter().any(|(known, more)| known == name && more.contains(words)), "the help of `{name}` has `{words}`");
        }
    }
}
