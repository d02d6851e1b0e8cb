//! `relato query`: questions of a snapshot, in SQL or by the name of a saved one.

mod desk;
mod print;
mod prompt;

use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use self::desk::{Desk, Wanted};
use super::{Exit, Failure, Global, asker::says_sudo, output};
use crate::{audit, config::EngineKind};

/// Ask a question of a snapshot: SQL, a saved question, or the conversations behind a figure
///
/// A question is SQL that reads the tables of a snapshot (`.tables`, `.describe TABLE`), or the name of a saved one (`.saved`): the files of
/// queries/audit, the project's own included. Without one, a terminal gets a prompt, and what is piped in is read.
///
/// `relato query "SELECT sector, count(*) AS tickets FROM ticket GROUP BY sector"`
///
/// `relato query conversas_de --period 2026-10 --param measure=whole_wait --param member=Suporte`
///
/// `relato query -f question.sql --param from=2026-10-01 --format xlsx --out answer.xlsx`
///
/// Nothing but one SELECT is run, on the files of that snapshot alone, within the limits of `[query]` in relato.toml. Who asked what, why and
/// with which outcome goes to the access log: `relato audit log`.
#[derive(Args)]
pub struct QueryArgs {
    /// SQL, the name of a saved question, or .tables, .describe TABLE, .saved NAME, .functions
    question: Vec<String>,
    /// File with SQL; `-` is standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "question")]
    file: Option<PathBuf>,
    /// Days that it is asked about: `$period_start` and `$period_end` (the day after the last)
    #[arg(long, default_value = "last-month")]
    period: String,
    /// Only this sector: `$sector`
    #[arg(long)]
    sector: Option<String>,
    /// A parameter, such as measure=response for `$measure`; a value between apostrophes is always words
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// How to print
    #[arg(long, default_value = "table")]
    format: QueryFormat,
    /// File to write instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Why it is asked, for the access log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Snapshot to ask, or the day as known at whose end it is asked; the beginning of an id is enough, none is the newest
    #[arg(long, value_name = "SNAPSHOT|DATE")]
    as_of: Option<String>,
    /// What computes the answer: duckdb, within the limits of its settings, or spark
    #[arg(long, value_name = "ENGINE", default_value = "duckdb", value_parser = engine)]
    engine: EngineKind,
    /// Give nothing but answers, for use through sudo: no pager, no files written or read, no comments, only the project of the one --project
    #[arg(long)]
    restricted: bool,
}

fn engine(text: &str) -> Result<EngineKind, String> {
    match text {
        "duckdb" => Ok(EngineKind::Duckdb),
        "spark" => Ok(EngineKind::Spark),
        other => Err(format!("unknown engine `{other}` (accepted: duckdb, spark)")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum QueryFormat {
    /// Columns for people
    Table,
    /// Values with a header, as reports write them: texts cannot become formulas
    Csv,
    /// One JSON document
    Json,
    /// A workbook with a cover that says what was asked; needs --out
    Xlsx,
    /// A file for other engines; needs --out
    Parquet,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is no parameter (accepted: NAME=VALUE)"))?;
    Ok((name.trim_start_matches('$').to_owned(), value.to_owned()))
}

/// What was given as a question.
enum Asked {
    /// The name of a saved one.
    Saved(String),
    /// SQL.
    Sql(String),
    /// A command of the prompt.
    Command(String),
}

impl Asked {
    fn read(text: &str) -> Asked {
        let text = text.trim();
        let is_word = text.chars().all(|char| char.is_alphanumeric() || char == '_');
        match text {
            command if command.starts_with('.') => Asked::Command(command.to_owned()),
            name if is_word => Asked::Saved(name.to_owned()),
            sql => Asked::Sql(sql.to_owned()),
        }
    }
}

/// Fails where a restricted question would reach more than answers.
fn require_restricted(global: &Global, args: &QueryArgs) -> Result<(), Failure> {
    let file = args.file.as_ref().is_some_and(|file| file.as_os_str() != "-");
    let refused = [
        (args.out.is_some(), "--out: nothing is written"),
        (file, "-f FILE: nothing is read but standard input, `-f -`"),
        (global.now.is_some(), "--now: the record tells the real time"),
        (args.engine == EngineKind::Spark, "--engine spark: no other program is started"),
        (global.projects != 1, "a command line without --project: it names the one project that is asked"),
    ];
    match refused.into_iter().find(|(is_asked, _)| *is_asked) {
        Some((_, what)) => Err(Failure::told(Exit::Refused, format!("--restricted does not allow {what}"), None)),
        None => Ok(()),
    }
}

pub fn run(global: &Global, args: &QueryArgs) -> Result<Exit, Failure> {
    if args.restricted {
        require_restricted(global, args)?;
    }
    if args.out.is_none() && matches!(args.format, QueryFormat::Xlsx | QueryFormat::Parquet) {
        return Err(Failure::told(Exit::Usage, "workbooks and Parquet are files", Some("say where with --out FILE")));
    }
    let mut desk = Desk::open(global, args)?;
    let text = match (&args.file, args.question.as_slice()) {
        (Some(file), _) if file.as_os_str() != "-" => {
            let text = std::fs::read_to_string(file);
            text.map_err(|error| Failure::told(Exit::Usage, format!("`{}` cannot be read: {error}", file.display()), None))?
        }
        (None, []) if std::io::stdin().is_terminal() => return prompt::run(&mut desk),
        (_, []) => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| Failure::new(Exit::Usage, error))?;
            text
        }
        (_, words) => words.join(" "),
    };
    if text.trim().is_empty() {
        return desk.command(".saved");
    }
    match if args.file.is_some() { Asked::Sql(text) } else { Asked::read(&text) } {
        Asked::Command(command) => desk.command(&command),
        Asked::Saved(name) => desk.ask(&Wanted::Saved(&name)),
        Asked::Sql(sql) => desk.ask(&Wanted::Sql(&sql)),
    }
}

/// Answers one question, in a process of its own.
pub fn answer(asked_by: i32) -> Result<Exit, Failure> {
    audit::work(asked_by).map_err(|error| Failure::new(Exit::Failed, error))?;
    Ok(Exit::Done)
}

/// Prints what can be longer than a screen: through a pager where a person reads, and may start programs.
fn page(text: &str, is_restricted: bool) -> Result<(), Failure> {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    if is_restricted || !std::io::stdout().is_terminal() {
        return output::print(text);
    }
    // By default one that ends by itself where a screen is enough.
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.is_empty()).unwrap_or_else(|| "less -FRSX".to_owned());
    let mut words = pager.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("less"));
    if says_sudo() {
        // From the pager of another user nobody is to start programs or write files.
        command.env("LESSSECURE", "1");
    }
    let spawned = command.args(words).stdin(Stdio::piped()).spawn();
    let Ok(mut pager) = spawned else { return output::print(text) };
    if let Some(mut stdin) = pager.stdin.take() {
        // Whoever leaves the pager early has seen enough.
        let _ = stdin.write_all(output::visible(text).as_bytes());
    }
    pager.wait().map(|_| ()).map_err(|error| Failure::new(Exit::Failed, error))
}
