//! Exit codes, and errors as people read them.

use std::{error::Error, fmt, process, sync::Arc};

use miette::{Diagnostic, GraphicalReportHandler, LabeledSpan, NamedSource, SourceCode};

use super::output;
use crate::{
    audit::{self, ReachError, Refusal, Rejection, RejectionKind, SessionError},
    blip::BlipError,
    config::{ConfigError, Problem},
    domain::report_data::RowsError,
    files::FileError,
    ingest::IngestError,
    ledger::LedgerError,
    ops::{OpsError, PlanError},
    query::{ClusterError, HeaderError, QueryError},
    render::RenderError,
    report::{MakingError, ReportError},
    schedule::ScheduleError,
    snapshot::SnapshotError,
    store::StoreError,
};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong use or configuration.
    Usage = 2,
    /// Done, with warnings that a person must read.
    Warnings = 3,
    /// Refused by a guard.
    Refused = 4,
    /// Blip refused or is unreachable.
    Blip = 5,
}

impl Exit {
    /// Returns the graver of two endings that are no failure.
    #[must_use]
    pub fn max_with(self, other: Exit) -> Exit {
        if other as u8 > self as u8 { other } else { self }
    }
}

impl From<Exit> for process::ExitCode {
    fn from(exit: Exit) -> process::ExitCode {
        process::ExitCode::from(exit as u8)
    }
}

/// A command that failed: its exit code and what to tell.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    tellings: Vec<Telling>,
}

/// How an error ends a command, and what may help.
type Verdict = (Exit, Option<&'static str>);

impl Failure {
    /// Makes a failure of an error and its causes.
    pub fn new(exit: Exit, error: impl Error + Send + Sync + 'static) -> Failure {
        Failure { exit, tellings: vec![Telling::of_error(&error, None)] }
    }

    /// Makes a failure of a sentence.
    pub fn told(exit: Exit, message: impl Into<String>, help: Option<&str>) -> Failure {
        Failure {
            exit,
            tellings: vec![Telling { message: message.into(), causes: Vec::new(), help: help.map(str::to_owned), place: None }],
        }
    }

    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what happened in one line.
    pub fn summary(&self) -> String {
        self.tellings.iter().map(|telling| telling.to_string().replace("\n  because", ";")).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn judged((exit, help): Verdict, error: impl Error + Send + Sync + 'static) -> Failure {
        let failure = Failure::new(exit, error);
        match help {
            Some(help) => failure.with_help(help),
            None => failure,
        }
    }

    fn with_help(mut self, help: &str) -> Failure {
        if let Some(telling) = self.tellings.first_mut() {
            telling.help.get_or_insert_with(|| help.to_owned());
        }
        self
    }

    /// Prints the failure on standard error and returns its exit code.
    pub fn print(&self) -> process::ExitCode {
        for telling in self.tellings.iter().map(Telling::visible) {
            let mut text = String::new();
            if GraphicalReportHandler::new().with_width(110).render_report(&mut text, &telling).is_err() {
                text = telling.to_string();
            }
            eprint!("{text}");
        }
        self.exit.into()
    }
}

/// One error with its place and remedy.
#[derive(Debug)]
struct Telling {
    message: String,
    causes: Vec<String>,
    help: Option<String>,
    place: Option<(NamedSource<String>, LabeledSpan)>,
}

impl Telling {
    fn of_error(error: &(dyn Error + 'static), help: Option<String>) -> Telling {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(inner) = cause {
            causes.push(inner.to_string());
            cause = inner.source();
        }
        Telling { message: error.to_string(), causes, help, place: None }
    }

    /// Returns it as a terminal may see it: parts of it are what somebody else wrote.
    fn visible(&self) -> Telling {
        let visible = |text: &String| output::visible(text).into_owned();
        // Marks stand at bytes: what takes the place of a character is as long.
        let in_place = |char: char| match char {
            '\n' | '\t' => char.to_string(),
            char if output::is_code(char) => "?".repeat(char.len_utf8()),
            char => char.to_string(),
        };
        let place = self.place.as_ref().map(|(source, label)| {
            let name = output::foreign(source.name()).into_owned();
            (NamedSource::new(name, source.inner().chars().map(in_place).collect::<String>()), label.clone())
        });
        Telling {
            message: visible(&self.message),
            causes: self.causes.iter().map(visible).collect(),
            help: self.help.as_ref().map(visible),
            place,
        }
    }

    fn of_problem(problem: &Problem) -> Telling {
        let place = problem.place.as_ref().map(|(text, span)| {
            let source = NamedSource::new(problem.file.to_string_lossy(), text.to_string()).with_language("TOML");
            (source, LabeledSpan::underline(span.clone()))
        });
        Telling { message: problem.to_string(), causes: Vec::new(), help: problem.help.clone(), place }
    }
}

impl fmt::Display for Telling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(formatter, "\n  because: {cause}"))
    }
}

impl Error for Telling {}

impl Diagnostic for Telling {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|(source, _)| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.place.as_ref().map(|(_, label)| Box::new(std::iter::once(label.clone())) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure { exit: Exit::Usage, tellings: error.problems.iter().map(Telling::of_problem).collect() }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        ConfigError::from(problem).into()
    }
}

impl From<BlipError> for Failure {
    fn from(error: BlipError) -> Failure {
        let help = match &error {
            BlipError::Unreachable { .. } => {
                "check base_url in relato.toml and this machine's way to it; what was loaded before is kept as it was"
            }
            BlipError::Unauthorized { .. } => {
                "copy the key again from the portal (bot settings, connection information) into the variable or file that relato.toml names"
            }
            BlipError::Throttled { .. } => "lower commands_per_second of this key in relato.toml",
            BlipError::Refused { code: Some(67 | 62), .. } => {
                "the key may belong to another bot than the one that has this; `relato check` tells what each key sees"
            }
            BlipError::NotJson { .. } => "something between here and Blip answered instead of it: a proxy, a gateway, a sign-in page",
            BlipError::Redirected { .. } => {
                "nothing was sent on: is base_url the address that Blip's portal shows, and is a proxy in between?"
            }
            BlipError::Refused { .. } | BlipError::Http { .. } | BlipError::Malformed { .. } => {
                "try again later; what was loaded before is kept as it was"
            }
            BlipError::TooLarge { .. } | BlipError::Endless { .. } => {
                "nothing of it was kept; something between here and Blip may have answered instead of it, or Blip has a fault: ask its support"
            }
            BlipError::KeyText { .. } => "the key is one line of base64 text",
            BlipError::Address { .. } => "it begins with https:// and a host, as the portal shows it for the contract",
            BlipError::Setup(_) => "check this machine's certificates",
        };
        let exit = if matches!(error, BlipError::KeyText { .. } | BlipError::Address { .. }) { Exit::Usage } else { Exit::Blip };
        Failure::new(exit, error).with_help(help)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let (exit, help) = match &error {
            StoreError::Held { .. } => (Exit::Refused, "wait until it has finished; nothing was read or written"),
            StoreError::Damaged { .. } => (
                Exit::Failed,
                "put it aside and restore a copy from a backup of the data folder; without one, a new load fetches what Blip still has. \
                 Published snapshots are files of their own: `relato snapshot verify` tells that they are whole",
            ),
            StoreError::Full(_) => (Exit::Failed, "make room and run it again: what was written before is kept, the rest is read again"),
            StoreError::Folder { .. } => (Exit::Failed, "check storage.dir in relato.toml, and who may write there"),
            StoreError::Open { .. } => (Exit::Failed, "check who may read and write the file, and whether another program has it open"),
            StoreError::TooNew { .. } => (Exit::Failed, "nothing was changed"),
            _ => return Failure::new(Exit::Failed, error),
        };
        Failure::new(exit, error).with_help(help)
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Failure {
        match error {
            SnapshotError::Keys(error) => error.into(),
            error => Failure::judged(verdict_of_snapshot(&error), error),
        }
    }
}

fn verdict_of_snapshot(error: &SnapshotError) -> Verdict {
    match error {
        SnapshotError::Storage { is_refused: true, .. } => {
            (Exit::Failed, Some("may the key of [storage.s3] read and write there? docs/scale.md says what it needs"))
        }
        SnapshotError::Storage { .. } => {
            (Exit::Failed, Some("nothing was made of what is left; is [storage] lake there, and [storage.s3] endpoint right?"))
        }
        SnapshotError::Manifest { .. } | SnapshotError::Foreign(_) => (
            Exit::Failed,
            Some("nothing was made of it; if nobody is writing it now, remove it or restore it: the snapshots before it are whole"),
        ),
        SnapshotError::Format { .. } => (Exit::Failed, Some("nothing was changed; a later version of relato wrote it: use that one")),
        SnapshotError::Misnamed { .. } => {
            (Exit::Failed, Some("nothing was changed; somebody put a copy among the manifests: move it to another folder"))
        }
        SnapshotError::PartGone(_) | SnapshotError::PartDamaged(_) => (
            Exit::Failed,
            Some("`relato snapshot verify` tells what else; an owner whose part is missing writes it again with its next load"),
        ),
        SnapshotError::Overtaken(_) => {
            (Exit::Refused, Some("each owner of a lake has one project that publishes: give this one another `owner`"))
        }
        SnapshotError::Keys(_)
        | SnapshotError::Unknown { .. }
        | SnapshotError::Ambiguous { .. }
        | SnapshotError::None(_)
        | SnapshotError::NotYet { .. } => (Exit::Usage, None),
        _ => (Exit::Failed, None),
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Failure {
        let help = match &error {
            LedgerError::Folder { .. } => "check storage.dir in relato.toml, and who may write there",
            LedgerError::Database { .. } => {
                "check who may read and write the file; if it is damaged, restore it from a backup, for nothing else knows what was published"
            }
            LedgerError::TooNew { .. } => "nothing was changed",
            LedgerError::Behind { .. } => {
                "nothing was recorded, sent or answered. Put the ledger back, best with `relato restore`; where there is none, `relato audit accept-loss` \
                 records the loss and lets this one go on (docs/reliability.md)"
            }
        };
        let exit = if matches!(error, LedgerError::Behind { .. }) { Exit::Refused } else { Exit::Failed };
        Failure::new(exit, error).with_help(help)
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Failure {
        match error {
            IngestError::Snapshot(error) => error.into(),
            IngestError::Queries(error) => error.into(),
            IngestError::File(error) => error.into(),
            IngestError::Blip(error) => error.into(),
            IngestError::Configuration(problem) => problem.into(),
            IngestError::Store(error) => error.into(),
            IngestError::Header(error) => error.into(),
            IngestError::SeesNoDesk { .. } => Failure::new(Exit::Blip, error).with_help(
                "it may be the router's key, which sees tickets nowhere: take the key of the bot that attends; `relato check` tells what each key sees",
            ),
            IngestError::Import(error) => Failure::new(Exit::Usage, error).with_help("nothing was imported, of none of the files"),
            IngestError::PseudonymKey => Failure::new(Exit::Refused, error).with_help(
                "with another key every customer would be counted as a new person; put the earlier key back, or begin again in another storage.dir",
            ),
            IngestError::KnowsLess { .. } => Failure::new(Exit::Refused, error).with_help(
                "nothing was written or published. Put back the database that belongs to the snapshots, best with `relato restore`; where there \
                 is none, `relato snapshot supersede` shows what would be lost and lets this one go on (docs/reliability.md)",
            ),
            IngestError::Clock { .. } | IngestError::Behind { .. } => Failure::new(Exit::Refused, error)
                .with_help("nothing was read or written; set this machine's clock, best by a time service, or leave out --now"),
            IngestError::OtherBot { .. } => Failure::new(Exit::Refused, error).with_help(
                "nothing was written; put the earlier bot's key back, or give this one a [[blip.key]] of its own under another name",
            ),
            IngestError::SameBot { .. } => Failure::new(Exit::Refused, error)
                .with_help("nothing was read; keep one of the two [[blip.key]], with the roles of both"),
            IngestError::NotForeign { .. } => Failure::new(Exit::Usage, error).with_help("`relato bot list` shows whose tickets are stored"),
            IngestError::NoDeskKey => {
                Failure::new(Exit::Usage, error).with_help("add roles = [\"desk\"] to the key of the bot that attends")
            }
        }
    }
}

impl From<HeaderError> for Failure {
    fn from(error: HeaderError) -> Failure {
        Failure::new(Exit::Usage, error)
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Failure {
        match error {
            QueryError::Parts(error) => error.into(),
            error => Failure::judged(verdict_of_query(&error), error),
        }
    }
}

fn verdict_of_query(error: &QueryError) -> Verdict {
    match error {
        QueryError::Unknown { .. } | QueryError::Header(_) | QueryError::Parameter { .. } | QueryError::Declaration { .. } => {
            (Exit::Usage, None)
        }
        QueryError::Cluster(ClusterError::Undeclared) => (Exit::Usage, Some("docs/scale.md tells how; `--engine duckdb` needs none")),
        QueryError::Check { .. } | QueryError::Promise { .. } => (Exit::Refused, None),
        QueryError::Parts(error) => verdict_of_snapshot(error),
        QueryError::Run { .. } | QueryError::Snapshot(_) | QueryError::Transfer { .. } => (Exit::Failed, None),
        QueryError::Cluster(error) => {
            let help = match error {
                ClusterError::Launcher { .. } => "name it in [engine.spark] command; `--engine duckdb` needs no cluster",
                ClusterError::Job { .. } => {
                    "nothing was made; is the master of [engine.spark] there, and does every worker see the snapshots and work_dir?"
                }
                ClusterError::TooLong(_) => "nothing was made; [engine.spark] max_seconds says how long it may take",
                _ => "nothing was made; `relato snapshot verify` tells whether every part is there and whole",
            };
            (Exit::Failed, Some(help))
        }
    }
}

/// Rows that are computed while they are written end a command as the query's error does, which all their readers share.
fn verdict_of_rows(error: &RowsError) -> Verdict {
    error.0.downcast_ref::<Arc<QueryError>>().map_or((Exit::Failed, None), |error| verdict_of_query(error))
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Failure {
        match error {
            ReportError::Query(error) => error.into(),
            ReportError::Definition(error) => error.into(),
            ReportError::Sector { .. } => Failure::new(Exit::Usage, error),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        // The system's word is part of the sentence.
        Failure::told(Exit::Failed, error.to_string(), None)
    }
}

impl From<MakingError> for Failure {
    fn from(error: MakingError) -> Failure {
        match error {
            MakingError::Report(error) => error.into(),
            MakingError::Configuration(error) => error.into(),
            MakingError::Header(error) => error.into(),
            MakingError::Query(error) => error.into(),
            MakingError::Snapshot(error) => error.into(),
            MakingError::Ledger(error) => error.into(),
            MakingError::Render(error) => error.into(),
            MakingError::File(error) => error.into(),
            MakingError::Rows(error) => Failure::judged(verdict_of_rows(&error), error),
            MakingError::NoDetails(_) => {
                Failure::new(Exit::Usage, error).with_help("figures are in the other formats; leave out --no-details")
            }
        }
    }
}

impl From<ScheduleError> for Failure {
    fn from(error: ScheduleError) -> Failure {
        match error {
            ScheduleError::Ledger(error) => error.into(),
            ScheduleError::Outbox(_) => {
                Failure::new(Exit::Failed, error).with_help("check the folder `outbox` in storage.dir, and its room")
            }
        }
    }
}

impl From<Refusal> for Failure {
    fn from(error: Refusal) -> Failure {
        Failure::new(Exit::Refused, error).with_help("what was asked is recorded, and that it was refused: `relato audit log`")
    }
}

impl From<ReachError> for Failure {
    fn from(error: ReachError) -> Failure {
        match error {
            ReachError::Unknown { .. } => Failure::new(Exit::Usage, error).with_help("`relato query .tables` describes them"),
            ReachError::Restricted(_) => Failure::new(Exit::Refused, error),
            ReachError::Query(_) | ReachError::Mask(_) | ReachError::Folder(_) => Failure::new(Exit::Failed, error),
            ReachError::Ledger(error) => error.into(),
            ReachError::Snapshot(error) => error.into(),
        }
    }
}

impl Failure {
    /// Makes a failure of a question that is not run, with its place in the SQL.
    pub fn of_rejection(rejection: &Rejection, sql: &str) -> Failure {
        let exit = if rejection.kind == RejectionKind::Syntax { Exit::Usage } else { Exit::Refused };
        Failure::in_sql(exit, rejection.to_string(), rejection.help.clone(), rejection.span(sql), sql)
    }

    /// Makes a failure of a question that came to no answer, with its place in the SQL where that is known.
    pub fn of_session(error: SessionError, sql: &str) -> Failure {
        let longer = "ask for less, or let `[query]` in relato.toml allow more";
        match &error {
            SessionError::Engine { message, at } => {
                let span = audit::word_at(sql, *at);
                let is_about_a_column = message.starts_with("Binder: ") && message.contains(" column ");
                let help = is_about_a_column.then(|| {
                    "`.describe TABLE` lists the columns of this version; a snapshot that an earlier one published can have fewer"
                        .to_owned()
                });
                Failure::in_sql(Exit::Failed, message.clone(), help, span, sql)
            }
            SessionError::TooManyRows(_) | SessionError::TooLong(_) | SessionError::Died { .. } => {
                Failure::new(Exit::Failed, error).with_help(longer)
            }
            SessionError::Cancelled | SessionError::Process(_) => Failure::new(Exit::Failed, error),
        }
    }

    fn in_sql(exit: Exit, message: String, help: Option<String>, span: Option<std::ops::Range<usize>>, sql: &str) -> Failure {
        let place = span.map(|span| (NamedSource::new("SQL", sql.to_owned()), LabeledSpan::underline(span)));
        Failure { exit, tellings: vec![Telling { message, causes: Vec::new(), help, place }] }
    }
}

impl From<OpsError> for Failure {
    fn from(error: OpsError) -> Failure {
        match error {
            OpsError::Configuration(error) => error.into(),
            OpsError::Blip(error) => error.into(),
            OpsError::Keys(error) => error.into(),
            OpsError::Ledger(error) => error.into(),
            OpsError::File(error) => error.into(),
            OpsError::NoChannelKey => {
                Failure::new(Exit::Usage, error).with_help("add roles = [\"channel\"] to the key of the bot that customers write to")
            }
            OpsError::ChannelsUnread { .. } => {
                Failure::new(Exit::Blip, error).with_help("nothing was changed; nothing can be said of channels")
            }
            OpsError::Stale(_) => Failure::new(Exit::Refused, error).with_help("nothing was changed; make a new plan, and look at it"),
            OpsError::OtherSubject(_) => Failure::new(Exit::Usage, error),
            OpsError::Unread(_) => {
                Failure::new(Exit::Blip, error).with_help("what is already done stays; the same plan can be applied again")
            }
            OpsError::Guarded(_) => {
                Failure::new(Exit::Refused, error).with_help("nothing was changed; a guard is set aside with --force GUARD --reason TEXT")
            }
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Failure {
        let exit = if matches!(error, PlanError::Altered { .. }) { Exit::Refused } else { Exit::Usage };
        Failure::new(exit, error).with_help("make a new plan; nothing was changed")
    }
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Failure {
        let verdict = if let RenderError::Rows { source, .. } = &error { verdict_of_rows(source) } else { (Exit::Failed, None) };
        Failure::judged(verdict, error)
    }
}
