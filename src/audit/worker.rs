//! The process that answers one question, and can do nothing else.
//!
//! It is told on standard input which files make which table, sees the tables that the question names and no others, has no environment,
//! and is held by the operating system to the memory and the bytes on disk that it may use. Whatever a question does to it, whoever
//! asked lives on.

use std::{
    any::Any,
    collections::BTreeMap,
    error::Error,
    fmt::Write as _,
    io::{self, Read},
    iter,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    time::Instant,
};

use chrono::NaiveDate;
use duckdb::{Connection, ToSql, arrow::datatypes::FieldRef, core::LogicalTypeId, params_from_iter};
use nix::{
    sys::resource::{Resource, setrlimit},
    unistd::getppid,
};
use serde::{Deserialize, Serialize};

use crate::{
    config::QueryLimits,
    query::{self, AnswerColumn, UnwrittenError},
    snapshot::{in_todays_form, sql_name, sql_path},
};

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// None.
    Null,
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A day.
    Date(NaiveDate),
    /// Words.
    Text(String),
}

impl Value {
    /// Reads a value as people write it: a whole number, a number with a point, a day such as 2026-10-05, otherwise words. Between
    /// apostrophes it is words, whatever it looks like.
    pub fn parse(text: &str) -> Value {
        if let Some(words) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return Value::Text(words.to_owned());
        }
        let looks_like_number = text.starts_with(|char: char| char.is_ascii_digit() || char == '-');
        let int = || text.parse().ok().map(Value::Int);
        let float = || text.parse().ok().filter(|value: &f64| looks_like_number && value.is_finite()).map(Value::Float);
        let date = || text.parse().ok().map(Value::Date);
        int().or_else(float).or_else(date).unwrap_or_else(|| Value::Text(text.to_owned()))
    }

    fn bound(&self) -> Box<dyn ToSql> {
        match self {
            Value::Null => Box::new(None::<String>),
            Value::Int(value) => Box::new(*value),
            Value::Float(value) => Box::new(*value),
            Value::Date(day) => Box::new(*day),
            Value::Text(text) => Box::new(text.clone()),
        }
    }
}

/// A question, as the process that answers it is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The SQL: one query, read by the gate before.
    pub sql: String,
    /// Files by table; at least one each.
    pub tables: BTreeMap<String, Vec<PathBuf>>,
    /// Values by name of a parameter.
    pub parameters: BTreeMap<String, Value>,
    /// Where the answer goes; the engine itself does not reach it.
    pub answer: PathBuf,
    /// Where work that does not fit into memory goes.
    pub spill: PathBuf,
    /// What it may use.
    pub limits: QueryLimits,
}

/// How a question ended in the process that answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer is in its file.
    Answered {
        /// Its rows.
        rows: u64,
        /// Its columns, in order.
        columns: Vec<AnswerColumn>,
        /// Milliseconds that the engine took, from the SQL to the file.
        engine_ms: f64,
    },
    /// It has more rows than it may.
    TooManyRows,
    /// The engine refused it.
    Failed {
        /// What the engine says.
        message: String,
        /// Where in the SQL, in bytes.
        at: Option<usize>,
    },
}

/// Memory that the process needs before it works, and beside the engine's: code, threads, buffers of files.
const BASE_MB: u64 = 768;

/// Reads a job from standard input, does it, and tells the outcome on standard output. It ends with the process `asked_by`, however that ends.
///
/// # Errors
/// When the job cannot be read or the outcome not told.
pub fn work(asked_by: i32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    // Who asked may have ended before the system was told.
    if getppid().as_raw() != asked_by {
        return Ok(());
    }
    // The engine is up before it is known what is asked.
    let connection = Connection::open_in_memory();
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    if text.is_empty() {
        return Ok(());
    }
    let job: Job = serde_json::from_str(&text)?;
    let outcome = match limit(&job.limits) {
        Ok(()) => {
            connection.map_err(Into::into).and_then(|connection| answer(&connection, &job)).unwrap_or_else(|error| told(&*error, &job))
        }
        Err(error) => Outcome::Failed { message: error.to_string(), at: None },
    };
    serde_json::to_writer(io::stdout(), &outcome)?;
    Ok(())
}

/// Has the operating system hold this process to its limits.
fn limit(limits: &QueryLimits) -> io::Result<()> {
    let most = |resource, most: u64| setrlimit(resource, most, most);
    most(Resource::RLIMIT_DATA, (limits.memory_mb * 2 + BASE_MB) << 20)?;
    most(Resource::RLIMIT_FSIZE, (limits.memory_mb * 4) << 20)?;
    most(Resource::RLIMIT_CPU, (limits.seconds + 1) * u64::from(limits.threads + 1))?;
    most(Resource::RLIMIT_CORE, 0)?;
    Ok(())
}

fn answer(connection: &Connection, job: &Job) -> Result<Outcome, Box<dyn Error>> {
    lock(connection, job)?;
    let began = Instant::now();
    keep(connection, job)?;
    let mut casts = BTreeMap::new();
    let (rows, columns) = loop {
        match written(connection, job, &casts) {
            // Known when the columns are seen, and of some only when their values are.
            Err(UnwrittenError::Kinds(kinds)) => casts.extend(kinds),
            Err(UnwrittenError::Failed(error)) => return Err(error),
            Ok(written) => break written,
        }
    };
    if rows as u64 > job.limits.rows {
        return Ok(Outcome::TooManyRows);
    }
    Ok(Outcome::Answered { rows: rows as u64, columns, engine_ms: began.elapsed().as_secs_f64() * 1_000.0 })
}

/// What stands before the question where its rows are kept.
const BEFORE: &str = "CREATE TEMP TABLE answer AS SELECT * FROM (\n";

/// Keeps the rows in a table, whose columns have names of their own. Rows that come straight from the question would cost a second plan:
/// what reads files is planned again when it is run.
fn keep(connection: &Connection, job: &Job) -> duckdb::Result<()> {
    let kept = format!("{BEFORE}{}\n) AS asked", job.sql);
    if job.parameters.is_empty() {
        return connection.execute_batch(&kept);
    }
    let mut statement = connection.prepare(&kept)?;
    let names = (1..=statement.parameter_count()).map(|index| statement.parameter_name(index)).collect::<duckdb::Result<Vec<_>>>()?;
    let value = |name: &String| job.parameters.get(name).unwrap_or(&Value::Null).bound();
    statement.execute(params_from_iter(names.iter().map(value).collect::<Vec<Box<dyn ToSql>>>())).map(|_| ())
}

/// Writes the answer with some columns cast, in the order of the question: the engine keeps the order of a table's rows.
fn written(connection: &Connection, job: &Job, casts: &BTreeMap<String, &str>) -> Result<(usize, Vec<AnswerColumn>), UnwrittenError> {
    let cast = |(name, kind): (&String, &&str)| format!("CAST({0} AS {kind}) AS {0}", sql_name(name));
    let casts: Vec<String> = casts.iter().map(cast).collect();
    let replaced = if casts.is_empty() { String::new() } else { format!(" REPLACE ({})", casts.join(", ")) };
    let failed = |error: duckdb::Error| UnwrittenError::Failed(error.into());
    let mut statement = connection.prepare(&format!("SELECT *{replaced} FROM answer")).map_err(failed)?;
    let schema = statement.stream_arrow([]).map_err(failed)?.get_schema();
    // To Arrow the widest integers without a sign look like those with one.
    let of_place = |(place, field): (usize, &FieldRef)| {
        let is_unsigned = statement.column_logical_type(place).id() == LogicalTypeId::UHugeint;
        is_unsigned.then(|| (field.name().clone(), "VARCHAR"))
    };
    let unsigned: Vec<_> = schema.fields().iter().enumerate().filter_map(of_place).collect();
    if !unsigned.is_empty() {
        return Err(UnwrittenError::Kinds(unsigned));
    }
    let mut rows = statement.stream_arrow([]).map_err(failed)?;
    // The iterator panics where the engine fails in the middle, with what the engine says.
    let next = || panic::catch_unwind(AssertUnwindSafe(|| rows.next())).map_err(|told| words_of(told).into()).transpose();
    query::write_answer(&job.answer, &schema, iter::from_fn(next), usize::try_from(job.limits.rows).unwrap_or(usize::MAX))
}

fn words_of(panic: Box<dyn Any + Send>) -> String {
    panic.downcast().map_or_else(|_| "the engine failed".to_owned(), |text| *text)
}

/// Has the database reach the files of the job and nothing else, for good.
fn lock(connection: &Connection, job: &Job) -> duckdb::Result<()> {
    let allowed: Vec<String> = job.tables.values().flatten().map(|file| sql_path(file)).collect();
    let QueryLimits { memory_mb, threads, .. } = job.limits;
    let mut script = format!(
        "SET threads = {threads}; SET memory_limit = '{memory_mb}MB'; SET temp_directory = {}; SET max_temp_directory_size = '{}MB';
         SET allowed_paths = [{}]; SET enable_external_access = false;
         SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; SET allow_community_extensions = false; SET errors_as_json = true;
         SET parquet_metadata_cache = true;",
        sql_path(&job.spill),
        memory_mb * 4,
        allowed.join(", ")
    );
    for (table, files) in &job.tables {
        let files: Vec<String> = files.iter().map(|file| sql_path(file)).collect();
        let _ = write!(
            script,
            "CREATE VIEW {} AS {};",
            sql_name(table),
            in_todays_form(table, format!("SELECT * FROM read_parquet([{}], hive_partitioning = false)", files.join(", ")))
        );
    }
    script.push_str("SET lock_configuration = true");
    connection.execute_batch(&script)
}

/// Returns what the engine says, without the places of files.
fn told(error: &dyn Error, job: &Job) -> Outcome {
    let mut message = error.to_string();
    let mut at = None;
    if let Some(told) = message.find('{').and_then(|start| serde_json::from_str::<serde_json::Value>(&message[start..]).ok()) {
        at = told["position"].as_str().and_then(|text| text.parse::<usize>().ok());
        let kind = told["exception_type"].as_str().unwrap_or_default();
        message = format!("{kind}: {}", told["exception_message"].as_str().unwrap_or_default());
        // The place is counted from where the kept table's statement begins.
        at = at.and_then(|at| at.checked_sub(BEFORE.len()));
    }
    let files = job.tables.values().flatten().chain([&job.answer, &job.spill]);
    for file in files {
        message = message.replace(&*file.to_string_lossy(), "…");
    }
    Outcome::Failed { message, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        for (text, value) in [
            ("12", Value::Int(12)),
            ("-1.5", Value::Float(-1.5)),
            ("2026-10-05", Value::Date(NaiveDate::from_ymd_opt(2026, 10, 5).unwrap())),
            ("'2026-10-05'", Value::Text("2026-10-05".to_owned())),
            ("Financeiro", Value::Text("Financeiro".to_owned())),
            ("inf", Value::Text("inf".to_owned())),
            ("", Value::Text(String::new())),
        ] {
            assert_eq!(Value::parse(text), value, "{text}");
        }
    }
}
