//! Takes questions: who asks, what may be reached, what comes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

use super::{QueryArgs, QueryFormat, print};
use crate::{
    audit::{self, Answered, Asker, Ending, Named, Question, Reach, Reached, Value},
    cli::{Exit, Failure, Global, asker::asker, output::require_place, progress, snapshot_of},
    config::{Access, EngineKind, Person, Project, QueryLimits},
    domain::{
        Column, Kind, Period,
        digest::sha256,
        report_data::{Detail, DetailRows, RowsError, TableView},
    },
    ledger::Ledger,
    query::{AnswerFile, Catalogue, Cluster, ClusterError, FileReader, Literal, Query, Watcher},
    snapshot::Snapshot,
};

/// A question as it was given.
pub enum Wanted<'a> {
    /// The name of a saved one.
    Saved(&'a str),
    /// SQL.
    Sql(&'a str),
}

/// Where questions are taken.
pub struct Desk<'a> {
    global: &'a Global,
    pub args: &'a QueryArgs,
    pub format: QueryFormat,
    pub out: Option<PathBuf>,
    pub project: Project,
    texts: BTreeMap<String, String>,
    pub catalogue: Catalogue,
    pub snapshot: Snapshot,
    asker: Asker,
    program: PathBuf,
    state: Arc<AtomicU8>,
}

/// An answer and what is to be said of it.
pub struct Found<'a> {
    /// Name of the saved question.
    pub name: Option<&'a str>,
    /// The SQL that ran.
    pub sql: &'a str,
    /// Its SHA-256.
    pub sha256: &'a str,
    /// The rows.
    pub detail: Detail,
    /// How many there are.
    pub rows: usize,
    /// What the parameters were.
    pub parameters: &'a serde_json::Value,
    /// Person and user.
    pub who: String,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
}

/// A question that can be run.
struct Prepared<'a> {
    name: Option<&'a str>,
    sql: String,
    sha256: String,
    /// The header of a saved one.
    header: Option<Query>,
    parameters: BTreeMap<String, Value>,
    told: serde_json::Value,
}

impl<'a> Desk<'a> {
    pub fn open(global: &'a Global, args: &'a QueryArgs) -> Result<Desk<'a>, Failure> {
        let project = Project::open(&global.project)?;
        let texts = project.query_texts()?;
        let catalogue = Catalogue::new(&texts)?;
        let snapshot = snapshot_of(&project, args.as_of.as_deref())?;
        let program = std::env::current_exe().map_err(|error| Failure::new(Exit::Failed, error))?;
        let state = Arc::new(AtomicU8::new(0));
        let asker = asker(&project.settings.access);
        listen(&state);
        Ok(Desk { global, args, format: args.format, out: args.out.clone(), project, texts, catalogue, snapshot, asker, program, state })
    }

    /// Says how and where answers go; returns what was said before.
    pub fn set_output(&mut self, format: QueryFormat, out: Option<PathBuf>) -> (QueryFormat, Option<PathBuf>) {
        (std::mem::replace(&mut self.format, format), std::mem::replace(&mut self.out, out))
    }

    fn access(&self) -> &Access {
        &self.project.settings.access
    }

    /// Returns what `person` reaches.
    fn reach(&self, person: Option<&Person>) -> Reach {
        let reach = Reach::of(person.map(|person| person.profile), self.access());
        Reach { comments: reach.comments && !self.args.restricted, ..reach }
    }

    /// Answers, prints and records one question.
    pub fn ask(&mut self, wanted: &Wanted<'_>) -> Result<Exit, Failure> {
        self.out.as_ref().map_or(Ok(()), |out| require_place(&self.project, out))?;
        let now = self.global.now();
        let today = self.project.settings.organization.timezone.day(now);
        let text = match wanted {
            Wanted::Saved(name) => self.texts.get(&format!("audit/{name}.sql")).cloned().unwrap_or_default(),
            Wanted::Sql(sql) => (*sql).to_owned(),
        };
        // Both take as long to start as the question to be looked at.
        let ready = audit::Ready::start(&self.program).map_err(|error| Failure::of_session(error, &text))?;
        let reader = FileReader::start();
        let named = audit::read(&text);
        let prepared = match (&named, wanted) {
            (Ok(named), _) => self.prepare(wanted, &text, named, today)?,
            // What cannot be read is recorded as it was given.
            (Err(_), Wanted::Sql(sql)) => Prepared::of_text(sql),
            (Err(_), Wanted::Saved(name)) => {
                self.header(name)?;
                Prepared::of_text(&text)
            }
        };
        let snapshot_id = self.snapshot.manifest.id.clone();
        let mut question = Question {
            name: prepared.name,
            sql: &prepared.sql,
            sha256: &prepared.sha256,
            parameters: prepared.told.clone(),
            tables: named.as_ref().map(|named| named.tables.clone()).unwrap_or_default(),
            columns: BTreeSet::new(),
            snapshot: &snapshot_id,
            reason: self.args.reason.as_deref(),
        };
        let mut ledger = Ledger::open(&self.project.ledger_file())?;
        let (person, reach) = match audit::permitted(self.access(), &self.asker, self.args.reason.as_deref(), today) {
            Ok(person) => (person.map(|person| person.email.clone()), self.reach(person)),
            Err(refusal) => {
                audit::refuse(&mut ledger, &self.asker, None, &question, &refusal.to_string(), now)?;
                return Err(refusal.into());
            }
        };
        if let Some(sector) = &self.args.sector {
            self.require_sector(sector)?;
        }
        let person = person.as_deref();
        let named = match named {
            Ok(named) => named,
            Err(rejection) => {
                audit::refuse(&mut ledger, &self.asker, person, &question, &rejection.to_string(), now)?;
                return Err(Failure::of_rejection(&rejection, &text));
            }
        };
        let reader = reader()?;
        let reached =
            match audit::reached(&self.snapshot, &ledger, &named.tables, reach, &self.project.data_dir(), (&reader, self.args.engine)) {
                Ok(reached) => reached,
                Err(error) => {
                    audit::refuse(&mut ledger, &self.asker, person, &question, &error.to_string(), now)?;
                    return Err(error.into());
                }
            };
        question.columns = reached.touched(&named);
        let began = Instant::now();
        let asked = audit::begin(&mut ledger, &self.asker, person, &question, now)?;
        let who = person.map_or_else(|| self.asker.os_user.clone(), |person| format!("{person} ({})", self.asker.os_user));
        let done = self.answer((ready, &reader), &prepared, &named, &reached, who, now);
        let error = done.as_ref().err().map(Failure::summary).unwrap_or_default();
        let export = self.out.as_ref().map(|file| file.display().to_string());
        let ending = match &done {
            Ok((rows, hash)) => Ending::Answered { rows: *rows, sha256: hash, export: export.as_deref() },
            Err(_) => Ending::Failed { error: &error },
        };
        audit::end(&mut ledger, &asked, &ending, began.elapsed(), self.global.now())?;
        done.map(|_| Exit::Done)
    }

    /// Returns the number of rows that were handed out, and the SHA-256 of the bytes.
    fn answer(
        &self,
        (ready, reader): (audit::Ready, &FileReader),
        prepared: &Prepared<'_>,
        named: &Named,
        reached: &Reached,
        who: String,
        now: DateTime<Utc>,
    ) -> Result<(usize, String), Failure> {
        let missing = named.parameters.iter().find(|name| !prepared.parameters.contains_key(*name));
        if let Some(name) = missing {
            let message = format!("parameter `${name}` has no value");
            return Err(Failure::told(Exit::Usage, message, Some(&format!("--param {name}=VALUE"))));
        }
        let values = prepared.parameters.iter().filter(|(name, _)| named.parameters.contains(*name));
        let values = values.map(|(name, value)| (name.clone(), value.clone())).collect();
        let answered =
            self.run(ready, &prepared.sql[..named.length], reached, values).map_err(|error| Failure::of_session(error, &prepared.sql))?;
        tracing::info!(query.rows = answered.rows, query.engine_ms = answered.engine_ms, "answered");
        let rows = usize::try_from(answered.rows).unwrap_or(usize::MAX);
        let columns = match &prepared.header {
            Some(header) => declared(header, &answered)?,
            None => answered.columns.iter().map(|column| plain_column(&column.name, &column.kind)).collect(),
        };
        let unreadable = |error: RowsError| Failure::new(Exit::Failed, error);
        let file = AnswerFile::open(reader, &answered.file, columns, rows).map_err(unreadable)?;
        if let Some(header) = &prepared.header {
            file.require(&header.name, &header.unique, &header.not_null)?;
        }
        let empty = file.rows(0..0).map_err(unreadable)?;
        let shown = empty.columns().iter().map(|column| column.name.clone()).collect();
        let name = prepared.name.unwrap_or("consulta");
        let detail = Detail {
            id: name.to_owned(),
            title: name.to_owned(),
            note: None,
            view: TableView::plain(empty, shown, None),
            rows: Rc::new(file),
        };
        let found = Found {
            name: prepared.name,
            sql: &prepared.sql,
            sha256: &prepared.sha256,
            detail,
            rows,
            parameters: &prepared.told,
            who,
            asked_at: now,
        };
        Ok((rows, print::hand_out(self, &found)?))
    }

    fn run(
        &self,
        ready: audit::Ready,
        sql: &str,
        reached: &Reached,
        values: BTreeMap<String, Value>,
    ) -> Result<Answered, audit::SessionError> {
        let limits: QueryLimits = self.project.settings.query;
        self.state.store(WAITED_FOR, Ordering::SeqCst);
        if self.args.engine == EngineKind::Spark {
            let answered = self.run_on_cluster(ready, sql, reached, values);
            self.state.store(0, Ordering::SeqCst);
            return answered;
        }
        let bar = progress::of_terminal(!self.global.no_progress && !self.global.quiet);
        let mut is_shown = false;
        let mut keep_waiting = |waited: Duration| {
            if !is_shown && waited > Duration::from_millis(500) {
                is_shown = true;
                bar.start(&format!("asking (at most {} s, Ctrl-C cancels)", limits.seconds), None);
            }
            self.state.load(Ordering::SeqCst) != CANCELLED
        };
        let answered = audit::ask(ready, sql, reached, values, limits, &mut keep_waiting);
        self.state.store(0, Ordering::SeqCst);
        bar.finish();
        answered
    }

    /// Has a cluster answer; its answer is read as that of any question, within the same limits.
    fn run_on_cluster(
        &self,
        ready: audit::Ready,
        sql: &str,
        reached: &Reached,
        values: BTreeMap<String, Value>,
    ) -> Result<Answered, audit::SessionError> {
        let failed = |message: String| audit::SessionError::Engine { message, at: None };
        let cluster = Cluster::of(&self.project).map_err(|error| failed(error.to_string()))?;
        let watch = progress::ClusterWatch::of_terminal(!self.global.no_progress && !self.global.quiet);
        let parameters = values.into_iter().map(|(name, value)| (name, literal(value))).collect();
        let watcher = Watcher { told: &|news| watch.hear(news), is_wanted: &|| self.state.load(Ordering::SeqCst) != CANCELLED };
        let mut tables = BTreeMap::new();
        for table in reached.files.keys() {
            if reached.made_here.contains(table) {
                return Err(failed(ClusterError::Local(table.clone()).to_string()));
            }
            let parts = self.snapshot.manifest.tables.get(table).map_or(&[][..], |contents| &contents.parts);
            tables.insert(table.clone(), parts.iter().map(|part| cluster.path(&self.snapshot, part)).collect());
        }
        let files = cluster.ask(sql, parameters, tables, &watcher);
        watch.finish();
        let files = files.map_err(|error| match error {
            ClusterError::Cancelled => audit::SessionError::Cancelled,
            error => failed(error.to_string()),
        })?;
        let result = Reached { files: BTreeMap::from([("result".to_owned(), files)]), ..Reached::default() };
        let mut keep_waiting = |_| self.state.load(Ordering::SeqCst) != CANCELLED;
        audit::ask(ready, "SELECT * FROM result", &result, BTreeMap::new(), self.project.settings.query, &mut keep_waiting)
    }

    /// Returns the saved question called `name`.
    fn header(&self, name: &str) -> Result<&Query, Failure> {
        let known = || self.catalogue.saved().keys().cloned().collect::<Vec<_>>().join(", ");
        let unknown =
            || Failure::told(Exit::Usage, format!("unknown saved query `{name}` (known: {})", known()), Some("`relato query .saved`"));
        self.catalogue.saved().get(name).ok_or_else(unknown)
    }

    fn prepare<'b>(&self, wanted: &Wanted<'b>, text: &str, named: &Named, today: NaiveDate) -> Result<Prepared<'b>, Failure> {
        let usage = |message: String| Failure::told(Exit::Usage, message, None);
        let args = self.args;
        let period = Period::parse(&args.period, today).map_err(|error| usage(error.to_string()))?;
        let as_of = self.snapshot.manifest.loaded_until.unwrap_or(self.snapshot.manifest.published_at);
        let text_or_null = |text: Option<&String>| text.map_or(Value::Null, |text| Value::Text(text.clone()));
        let mut parameters = BTreeMap::from([
            ("period_start".to_owned(), Value::Date(period.start)),
            ("period_end".to_owned(), Value::Date(period.end)),
            ("sector".to_owned(), text_or_null(args.sector.as_ref())),
            ("as_of_s".to_owned(), Value::Int(as_of.timestamp())),
        ]);
        let mut given: BTreeMap<String, String> = args.parameters.iter().cloned().collect();
        let mut told = json!({});
        if named.parameters.iter().any(|name| name.starts_with("period_")) {
            told["period"] = json!(period.to_string());
        }
        if named.parameters.contains("sector") {
            told["sector"] = json!(args.sector);
        }
        let (name, header) = match wanted {
            Wanted::Sql(_) => {
                let unused = given.keys().find(|name| !named.parameters.contains(*name));
                if let Some(name) = unused {
                    return Err(usage(format!("the question has no parameter `${name}`")));
                }
                parameters.extend(given.iter().map(|(name, value)| (name.clone(), Value::parse(value))));
                told["parameters"] = json!(given);
                (None, None)
            }
            Wanted::Saved(name) => {
                let header = self.header(name)?;
                require_parameters(name, header, &given)?;
                let dimension = given.remove("dimension").or_else(|| header.dimensions.first().cloned());
                for (parameter, kind) in header.parameters.iter().map(|(name, _)| name).zip(&header.parameter_kinds) {
                    let value =
                        given.get(parameter).map(|text| if kind == "text" { Value::Text(text.clone()) } else { Value::parse(text) });
                    parameters.entry(parameter.clone()).or_insert(value.unwrap_or(Value::Null));
                }
                parameters.insert("dimension".to_owned(), text_or_null(dimension.as_ref()));
                told["dimension"] = json!(dimension);
                told["parameters"] = json!(given);
                (Some(*name), Some(header.clone()))
            }
        };
        Ok(Prepared { name, sql: text.to_owned(), sha256: sha256(text.as_bytes()), header, parameters, told })
    }

    fn require_sector(&self, sector: &str) -> Result<(), Failure> {
        let engine = crate::query::Engine::open(&self.snapshot, self.catalogue.clone())?;
        let sectors = engine.sectors()?;
        if sectors.iter().any(|known| known == sector) {
            return Ok(());
        }
        Err(Failure::told(Exit::Usage, format!("unknown sector `{sector}` (known: {})", sectors.join(", ")), None))
    }

    /// Tells what a command of the prompt tells.
    pub fn command(&self, command: &str) -> Result<Exit, Failure> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let access = self.access();
        let today = self.project.settings.organization.timezone.day(self.global.now());
        // What is not to be read is not described either; who may not ask at all sees what an auditor sees.
        let person = audit::permitted(access, &self.asker, Some("a look at the tables"), today).ok().flatten();
        let reach = self.reach(person);
        let tables = audit::described(&self.snapshot, &self.texts);
        let text = match words.as_slice() {
            [".tables"] => print::tables(tables.iter().filter(|table| reach.has(&table.name)), &self.snapshot),
            [".describe", name] => {
                let Some(table) = tables.iter().find(|table| table.name == *name && reach.has(name)) else {
                    let known: Vec<&str> = tables.iter().map(|table| table.name.as_str()).filter(|table| reach.has(table)).collect();
                    return Err(Failure::told(Exit::Usage, format!("there is no table `{name}` (tables: {})", known.join(", ")), None));
                };
                print::described(table, reach)
            }
            [".saved"] => print::saved(self.catalogue.saved().values(), &self.texts),
            [".saved", name] => {
                self.header(name)?;
                self.texts.get(&format!("audit/{name}.sql")).cloned().unwrap_or_default()
            }
            [".functions"] => print::functions(),
            _ => {
                let accepted = "accepted: .tables, .describe TABLE, .saved [NAME], .functions";
                return Err(Failure::told(Exit::Usage, format!("unknown command `{command}` ({accepted})"), None));
            }
        };
        super::page(&text, self.args.restricted)?;
        Ok(Exit::Done)
    }

    /// Returns the names that a question can hold: tables, columns, saved questions.
    pub fn names(&self) -> Vec<String> {
        let tables = audit::described(&self.snapshot, &self.texts);
        let columns = tables.iter().flat_map(|table| table.columns.iter().map(|column| column.name.clone()));
        let names: BTreeSet<String> =
            columns.chain(tables.iter().map(|table| table.name.clone())).chain(self.catalogue.saved().keys().cloned()).collect();
        names.into_iter().collect()
    }
}

impl<'a> Prepared<'a> {
    fn of_text(text: &str) -> Prepared<'a> {
        let (sql, sha256) = (text.to_owned(), sha256(text.as_bytes()));
        Prepared { name: None, sql, sha256, header: None, parameters: BTreeMap::new(), told: json!({}) }
    }
}

fn require_parameters(name: &str, query: &Query, given: &BTreeMap<String, String>) -> Result<(), Failure> {
    let usage = |message: String| Err(Failure::told(Exit::Usage, message, None));
    for (parameter, value) in given {
        let declared: Vec<&str> = query.parameters.iter().map(|(name, _)| name.as_str()).collect();
        let Some((_, accepted)) = query.parameters.iter().find(|(known, _)| known == parameter) else {
            return usage(format!("`{name}` has no parameter `{parameter}` (it has {})", declared.join(", ")));
        };
        if !accepted.is_empty() && !accepted.contains(value) {
            return usage(format!("parameter `{parameter}` is `{value}` (accepted: {})", accepted.join(", ")));
        }
    }
    let missing = query.parameters.iter().find(|(name, accepted)| !accepted.is_empty() && name != "dimension" && !given.contains_key(name));
    match missing {
        Some((parameter, accepted)) => usage(format!("`{name}` needs --param {parameter}=… (accepted: {})", accepted.join(", "))),
        None => Ok(()),
    }
}

/// Returns the columns that a saved question's header declares.
fn declared(header: &Query, answered: &Answered) -> Result<Vec<Column>, Failure> {
    let found: Vec<&str> = answered.columns.iter().map(|column| column.name.as_str()).collect();
    let promised: Vec<&str> = header.columns.iter().map(|column| column.name.as_str()).collect();
    if found != promised {
        let message = format!("`{}` gives the columns {}, its header declares {}", header.name, found.join(", "), promised.join(", "));
        return Err(Failure::told(Exit::Failed, message, None));
    }
    let column = |column: &crate::query::DeclaredColumn| Column {
        name: column.name.clone(),
        label: column.name.clone(),
        kind: column.kind,
        metric: column.metric.clone(),
    };
    Ok(header.columns.iter().map(column).collect())
}

/// Returns a column of which only the type is known.
fn plain_column(name: &str, kind: &str) -> Column {
    let kind = match kind {
        "BOOLEAN" => Kind::Flag,
        "BIGINT" => Kind::Count,
        "DOUBLE" => Kind::Number,
        "DATE" => Kind::Date,
        "TIMESTAMP" => Kind::LocalTime,
        _ => Kind::Text,
    };
    Column { name: name.to_owned(), label: name.to_owned(), kind, metric: None }
}

/// Whether somebody waits for an answer.
const WAITED_FOR: u8 = 1;

/// Whether Ctrl-C was pressed meanwhile.
const CANCELLED: u8 = 2;

/// Has Ctrl-C cancel the question that somebody waits for, instead of ending the program unrecorded.
fn listen(state: &Arc<AtomicU8>) {
    let state = Arc::clone(state);
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        while runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            if state.compare_exchange(WAITED_FOR, CANCELLED, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                // As the shell tells of a program that was interrupted.
                std::process::exit(130);
            }
        }
    });
}

fn literal(value: Value) -> Literal {
    match value {
        Value::Null => Literal::Null(()),
        Value::Int(number) => Literal::Int(number),
        Value::Float(number) => Literal::Float(number),
        Value::Date(day) => Literal::Date(day),
        Value::Text(text) => Literal::Text(text),
    }
}
