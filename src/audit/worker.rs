//! The process that answers one question, and can do nothing else.
//!
//! It is told on standard input which files make which table, sees the tables that the question names and no others, has no environment,
//! and is held by the operating system to the memory and the bytes on disk that it may use. Whatever a question does to it, whoever
//! asked lives on.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Read},
    path::PathBuf,
    time::Instant,
};

use chrono::NaiveDate;
use duckdb::{Connection, ToSql, params_from_iter};
use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};

use crate::{config::QueryLimits, snapshot::sql_path};

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
    /// Where the answer goes, as Parquet.
    pub answer: PathBuf,
    /// Where work that does not fit into memory goes.
    pub spill: PathBuf,
    /// What it may use.
    pub limits: QueryLimits,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerColumn {
    /// Name.
    pub name: String,
    /// The engine's name of its type in the file.
    pub kind: String,
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

/// Reads a job from standard input, does it, and tells the outcome on standard output.
///
/// # Errors
/// When the job cannot be read or the outcome not told.
pub fn work() -> io::Result<()> {
    // The engine is up before it is known what is asked.
    let connection = Connection::open_in_memory();
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    if text.is_empty() {
        return Ok(());
    }
    let job: Job = serde_json::from_str(&text)?;
    let outcome = match limit(&job.limits) {
        Ok(()) => connection.and_then(|connection| answer(&connection, &job)).unwrap_or_else(|error| told(&error, &job)),
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

fn answer(connection: &Connection, job: &Job) -> duckdb::Result<Outcome> {
    lock(connection, job)?;
    let began = Instant::now();
    let kept = format!("{BEFORE}{}\n) AS asked", job.sql);
    if job.parameters.is_empty() {
        // Planned once; a statement that is prepared is planned again when it is run.
        connection.execute_batch(&kept)?;
    } else {
        let mut statement = connection.prepare(&kept)?;
        let names = (1..=statement.parameter_count()).map(|index| statement.parameter_name(index)).collect::<duckdb::Result<Vec<_>>>()?;
        let value = |name: &String| job.parameters.get(name).unwrap_or(&Value::Null).bound();
        statement.execute(params_from_iter(names.iter().map(value).collect::<Vec<Box<dyn ToSql>>>()))?;
    }
    let columns = columns(connection)?;
    let list: Vec<String> = columns.iter().map(|(column, cast)| cast.replace('?', &identifier(&column.name))).collect();
    // In the order of the question: the engine keeps the order of a table's rows.
    let copy = format!(
        "COPY (SELECT {} FROM answer LIMIT {}) TO {} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
        list.join(", "),
        job.limits.rows + 1,
        sql_path(&job.answer)
    );
    let rows = connection.execute(&copy, [])? as u64;
    if rows > job.limits.rows {
        return Ok(Outcome::TooManyRows);
    }
    let engine_ms = began.elapsed().as_secs_f64() * 1_000.0;
    Ok(Outcome::Answered { rows, columns: columns.into_iter().map(|(column, _)| column).collect(), engine_ms })
}

/// What stands before the question where its rows are kept.
const BEFORE: &str = "CREATE TEMP TABLE answer AS SELECT * FROM (\n";

/// Has the database reach the files of the job and nothing else, for good.
fn lock(connection: &Connection, job: &Job) -> duckdb::Result<()> {
    let files = job.tables.values().flatten().map(PathBuf::as_path);
    let allowed: Vec<String> = files.chain([job.answer.as_path()]).map(sql_path).collect();
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
            "CREATE VIEW {} AS SELECT * FROM read_parquet([{}], hive_partitioning = false);",
            identifier(table),
            files.join(", ")
        );
    }
    script.push_str("SET lock_configuration = true");
    connection.execute_batch(&script)
}

/// Returns the columns of the answer, each with the expression that makes of it what a file and its readers can hold.
fn columns(connection: &Connection) -> duckdb::Result<Vec<(AnswerColumn, String)>> {
    // Not from duckdb_columns(), which opens every file of every table to describe all there is.
    let mut statement = connection.prepare("PRAGMA table_info('answer')")?;
    let found = statement.query_map([], |row| Ok((row.get::<_, String>("name")?, row.get::<_, String>("type")?)))?;
    found
        .map(|column| {
            let (name, kind) = column?;
            let (kind, cast) = match kind.as_str() {
                "BOOLEAN" | "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "DOUBLE" | "DATE" | "TIMESTAMP" | "VARCHAR" => {
                    (kind.as_str(), "?")
                }
                "UTINYINT" | "USMALLINT" | "UINTEGER" => ("BIGINT", "CAST(? AS BIGINT) AS ?"),
                "HUGEINT" | "UHUGEINT" | "UBIGINT" if is_small(connection, &name)? => ("BIGINT", "CAST(? AS BIGINT) AS ?"),
                "FLOAT" => ("DOUBLE", "CAST(? AS DOUBLE) AS ?"),
                decimal if decimal.starts_with("DECIMAL") => ("DOUBLE", "CAST(? AS DOUBLE) AS ?"),
                stamp if stamp.starts_with("TIMESTAMP") => ("TIMESTAMP", "CAST(? AS TIMESTAMP) AS ?"),
                _ => ("VARCHAR", "CAST(? AS VARCHAR) AS ?"),
            };
            Ok((AnswerColumn { name, kind: kind.to_owned() }, cast.to_owned()))
        })
        .collect()
}

/// Returns whether 64 bits hold every value of a column.
fn is_small(connection: &Connection, name: &str) -> duckdb::Result<bool> {
    let column = identifier(name);
    connection.query_row(&format!("SELECT count(TRY_CAST({column} AS BIGINT)) = count({column}) FROM answer"), [], |row| row.get(0))
}

/// Returns what the engine says, without the places of files.
fn told(error: &duckdb::Error, job: &Job) -> Outcome {
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

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
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
