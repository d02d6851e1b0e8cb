//! The embedded engine: DuckDB in memory, with the snapshot's parts as views.

use std::{
    cell::Cell as StdCell,
    collections::{BTreeMap, HashSet},
    ops::Range,
    path::Path,
};

use chrono::{DateTime, NaiveDate, Utc};
use df_interchange::Interchange;
use duckdb::{
    Connection, ToSql,
    arrow::{datatypes::SchemaRef, record_batch::RecordBatch},
    params_from_iter,
};
use polars::prelude::DataFrame;

use super::{Catalogue, Check, CheckOutcome, CheckStrength, DeclaredColumn, HeaderError, Query};
use crate::{
    domain::{Cell, Column, Period, Table, table::TableError},
    snapshot::{Part, RESTRICTED, Snapshot, sql_path},
    store::digest_of_checks,
};

/// A query that could not be run, or whose result is not what its header says.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No query has this name.
    #[error("unknown query `{asked}` (known: {known})")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// All names.
        known: String,
    },
    /// A header is wrong.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// DuckDB refused the query.
    #[error("query `{name}` failed")]
    Run {
        /// The query.
        name: String,
        /// What DuckDB says.
        source: duckdb::Error,
    },
    /// The snapshot can not be opened as tables.
    #[error("the snapshot cannot be read")]
    Snapshot(#[source] duckdb::Error),
    /// The query names a parameter that no report has.
    #[error("query `{name}` has the parameter `{parameter}`, which its header does not declare")]
    Parameter {
        /// The query.
        name: String,
        /// The parameter.
        parameter: String,
    },
    /// The result's columns are not the declared ones.
    #[error("query `{name}` does not give what its header declares")]
    Declaration {
        /// The query.
        name: String,
        /// The difference.
        source: TableError,
    },
    /// A result could not be carried over from DuckDB.
    #[error("the result of query `{name}` cannot be carried over: {reason}")]
    Transfer {
        /// The query.
        name: String,
        /// What the bridge says.
        reason: String,
    },
    /// The result breaks a promise of the header.
    #[error("query `{name}` breaks its own check: {broken}")]
    Promise {
        /// The query.
        name: String,
        /// What is wrong.
        broken: String,
    },
    /// A check of strength *fail* found something.
    #[error("check `{name}` failed: {offending} {message}; no report is made from this snapshot")]
    Check {
        /// The check.
        name: String,
        /// Rows that break the rule.
        offending: i64,
        /// What is wrong.
        message: String,
    },
}

/// Values of a report's parameters.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// The days.
    pub period: Period,
    /// Only this sector; none is all.
    pub sector: Option<String>,
    /// What the rows are of, such as `agent` or `week`; none where a query has no choice.
    pub dimension: Option<String>,
    /// Until when everything is loaded; clocks that run are read then.
    pub as_of: DateTime<Utc>,
    /// Further parameters of a saved query, by name; one that is not here is null.
    pub others: BTreeMap<String, String>,
}

/// A snapshot opened for queries.
pub struct Engine {
    connection: Connection,
    catalogue: Catalogue,
    /// None where the tables are those of the connection.
    snapshot: Option<Snapshot>,
    /// The days to which the views are cut down; none is all.
    cut: StdCell<Option<Period>>,
    /// How many results were kept.
    kept: StdCell<usize>,
}

/// Rows that an engine keeps, by the query that gave them.
#[derive(Debug)]
pub struct KeptRows {
    query: String,
    table: String,
    /// How many there are.
    pub row_count: usize,
}

/// Tables whose parts are passed over when they hold no row that was there in the period. Their rows name the days from the start of their
/// conversation on; those of other tables can be needed by a row of these whatever days they name, or are few.
const CUT: [&str; 3] = ["ticket", "conversation", "turn"];

/// Columns that queries read and snapshots of earlier versions do not have: table, column, and what it is made from there. A conversation's
/// tickets lie in one part.
const LATER_COLUMNS: [(&str, &str, &str); 1] = [("ticket", "conversation_tickets", "count(*) OVER (PARTITION BY conversation_id)")];

/// Tables that queries read and snapshots of earlier versions do not have, and what stands in for them: nothing.
const LATER_TABLES: [(&str, &str); 1] = [("channel_state", "'' AS channel, '' AS state, '' AS missing")];

impl Engine {
    /// Opens `snapshot` with the queries of `catalogue`.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn open(snapshot: &Snapshot, catalogue: Catalogue) -> Result<Engine, QueryError> {
        let connection = Connection::open_in_memory().map_err(QueryError::Snapshot)?;
        // A report asks the same parts many times, and parts never change: their statistics are read once.
        connection.execute_batch("SET parquet_metadata_cache = true").map_err(QueryError::Snapshot)?;
        let engine = Engine { connection, catalogue, snapshot: Some(snapshot.clone()), cut: StdCell::new(None), kept: StdCell::new(0) };
        // What is mailed must not be able to hold what is restricted.
        for (table, contents) in snapshot.manifest.tables.iter().filter(|(table, _)| !RESTRICTED.contains(&table.as_str())) {
            engine.view(snapshot, table, contents.parts.iter())?;
        }
        for (table, columns) in LATER_TABLES.iter().filter(|(table, _)| !snapshot.manifest.tables.contains_key(*table)) {
            let sql = format!("CREATE VIEW {table} AS SELECT {columns} WHERE FALSE");
            engine.connection.execute_batch(&sql).map_err(QueryError::Snapshot)?;
        }
        Ok(engine)
    }

    fn view<'a>(&self, snapshot: &Snapshot, table: &str, parts: impl Iterator<Item = &'a Part>) -> Result<(), QueryError> {
        let mut rows = rows_of(snapshot, parts);
        for (_, column, made) in LATER_COLUMNS.iter().filter(|(of, ..)| *of == table) {
            let sql = format!("SELECT count(*) FROM (DESCRIBE {rows}) WHERE column_name = '{column}'");
            let is_there: bool = self.connection.query_row(&sql, [], |row| Ok(row.get::<_, i64>(0)? > 0)).map_err(QueryError::Snapshot)?;
            if !is_there {
                rows = format!("SELECT *, {made} AS {column} FROM ({rows})");
            }
        }
        self.connection.execute_batch(&format!("CREATE OR REPLACE VIEW {table} AS {rows}")).map_err(QueryError::Snapshot)
    }

    /// Cuts the large tables down to the parts with rows that were there in `period`, or opens them up again.
    fn cut_to(&self, period: Option<Period>) -> Result<(), QueryError> {
        let Some(snapshot) = self.snapshot.as_ref().filter(|_| self.cut.get() != period) else { return Ok(()) };
        for (table, contents) in snapshot.manifest.tables.iter().filter(|(table, _)| CUT.contains(&table.as_str())) {
            let was_there = |part: &&Part| period.is_none_or(|period| part.was_there(period));
            // A table keeps its columns even where none of its rows matters.
            let any = contents.parts.iter().take(usize::from(!contents.parts.iter().any(|part| was_there(&part))));
            self.view(snapshot, table, contents.parts.iter().filter(was_there).chain(any))?;
        }
        self.cut.set(period);
        Ok(())
    }

    /// Opens an engine on tables that `connection` holds already, for tests of single queries.
    pub fn on(connection: Connection, catalogue: Catalogue) -> Engine {
        Engine { connection, catalogue, snapshot: None, cut: StdCell::new(None), kept: StdCell::new(0) }
    }

    /// Returns the queries and checks.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Returns the report query or saved query called `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn query(&self, name: &str) -> Result<&Query, QueryError> {
        self.catalogue.get(name).or_else(|| self.catalogue.saved().get(name)).ok_or_else(|| QueryError::Unknown {
            asked: name.to_owned(),
            known: self.catalogue.iter().map(|query| query.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Runs the query called `name` and holds the result to its header; labels are the columns' names.
    ///
    /// # Errors
    /// When the query fails, or its result is not what the header declares.
    pub fn run(&self, name: &str, parameters: &Parameters) -> Result<Table, QueryError> {
        self.run_sql(name, &self.query(name)?.sql, parameters)
    }

    /// Returns the table that [`Engine::run`] would, without its rows: what it has columns for is known at no cost.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn shape(&self, name: &str, parameters: &Parameters) -> Result<Table, QueryError> {
        self.run_sql(name, &format!("SELECT * FROM (\n{}\n) AS shape LIMIT 0", self.query(name)?.sql), parameters)
    }

    /// Runs the query called `name` and keeps its rows in the engine, where there can be millions: those whose columns have the values of
    /// `filter`, told as text. They are held to the header as those of [`Engine::run`] are.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn keep(&self, name: &str, parameters: &Parameters, filter: &BTreeMap<String, String>) -> Result<KeptRows, QueryError> {
        let query = self.query(name)?;
        self.cut_to(query.rows.days(parameters.period))?;
        let run_error = |source| QueryError::Run { name: name.to_owned(), source };
        let filter: Vec<String> = filter
            .iter()
            .map(|(column, value)| format!("CAST(\"{}\" AS VARCHAR) = '{}'", column.replace('"', "\"\""), value.replace('\'', "''")))
            .collect();
        let condition = if filter.is_empty() { "TRUE".to_owned() } else { filter.join(" AND ") };
        let kept = KeptRows { query: name.to_owned(), table: format!("kept_{}", self.kept.replace(self.kept.get() + 1)), row_count: 0 };
        let sql = format!("CREATE TEMP TABLE {} AS SELECT * FROM (\n{}\n) AS found WHERE {condition}", kept.table, query.sql);
        let mut statement = self.connection.prepare(&sql).map_err(run_error)?;
        let values = values(query, &statement, parameters)?;
        statement.execute(params_from_iter(values)).map_err(run_error)?;
        let nulls = query.not_null.iter().map(|name| format!("count(*) - count(\"{name}\")"));
        let nulls = std::iter::once("0".to_owned()).chain(nulls).collect::<Vec<_>>().join(" + ");
        let key = query.unique.join("\", \"");
        let (rows, keys, nulls): (i64, i64, i64) = self
            .connection
            .query_row(&format!("SELECT count(*), count(DISTINCT (\"{key}\")), {nulls} FROM {}", kept.table), [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .map_err(run_error)?;
        if rows != keys || nulls > 0 {
            let broken = format!("of {rows} rows {} repeat {} and {nulls} lack a value", rows - keys, query.unique.join(", "));
            return Err(QueryError::Promise { name: name.to_owned(), broken });
        }
        Ok(KeptRows { row_count: usize::try_from(rows).unwrap_or(0), ..kept })
    }

    /// Returns kept rows at `range`, in the query's order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn kept_rows(&self, kept: &KeptRows, range: Range<usize>) -> Result<Table, QueryError> {
        let run_error = |source| QueryError::Run { name: kept.query.clone(), source };
        let sql = format!("SELECT * FROM {} WHERE rowid >= {} AND rowid < {} ORDER BY rowid", kept.table, range.start, range.end);
        let mut statement = self.connection.prepare(&sql).map_err(run_error)?;
        table_of(self.query(&kept.query)?, statement.query_arrow([]).map_err(run_error)?)
    }

    /// Writes kept rows to `path` as Parquet, in the query's order.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_parquet(&self, kept: &KeptRows, path: &Path) -> Result<(), QueryError> {
        let copy = format!("COPY (SELECT * FROM {} ORDER BY rowid) TO {} (FORMAT parquet, COMPRESSION zstd)", kept.table, sql_path(path));
        self.connection.execute_batch(&copy).map_err(|source| QueryError::Run { name: kept.query.clone(), source })
    }

    /// Lets large results go to files in `folder` instead of filling the memory beyond `megabytes`.
    ///
    /// # Errors
    /// When DuckDB refuses the setting.
    pub fn spill_to(&self, folder: &Path, megabytes: u32) -> Result<(), QueryError> {
        let settings = format!("SET temp_directory = {}; SET memory_limit = '{megabytes}MB'", sql_path(folder));
        self.connection.execute_batch(&settings).map_err(QueryError::Snapshot)
    }

    fn run_sql(&self, name: &str, sql: &str, parameters: &Parameters) -> Result<Table, QueryError> {
        let query = self.query(name)?;
        self.cut_to(query.rows.days(parameters.period))?;
        let run_error = |source| QueryError::Run { name: name.to_owned(), source };
        let mut statement = self.connection.prepare(sql).map_err(run_error)?;
        let values = values(query, &statement, parameters)?;
        let table = table_of(query, statement.query_arrow(params_from_iter(values)).map_err(run_error)?)?;
        match broken_promise(query, &table) {
            None => Ok(table),
            Some(broken) => Err(QueryError::Promise { name: name.to_owned(), broken }),
        }
    }

    /// Returns what all checks find: as it was found before the snapshot was published where these very checks ran then, since the parts
    /// have not changed; otherwise they run now.
    ///
    /// # Errors
    /// When a check of strength *fail* finds something, or a check cannot be run.
    pub fn check(&self) -> Result<Vec<CheckOutcome>, QueryError> {
        let known = self.known_findings()?;
        let mut outcomes = Vec::new();
        for check in self.catalogue.checks() {
            let offending = match known.get(&check.name) {
                Some(offending) => *offending,
                None => self.offending(check)?,
            };
            if offending > 0 && check.strength == CheckStrength::Fail {
                return Err(QueryError::Check { name: check.name.clone(), offending, message: check.message.clone() });
            }
            outcomes.push(CheckOutcome { name: check.name.clone(), strength: check.strength, message: check.message.clone(), offending });
        }
        Ok(outcomes)
    }

    fn offending(&self, check: &Check) -> Result<i64, QueryError> {
        self.cut_to(None)?;
        let found = self.connection.query_row(&check.sql, [], |row| row.get(0));
        found.map_err(|source| QueryError::Run { name: check.name.clone(), source })
    }

    /// Returns what the checks of this catalogue found in the tables of the snapshot, by name; nothing where others ran, or none.
    fn known_findings(&self) -> Result<BTreeMap<String, i64>, QueryError> {
        let ran = self.snapshot.as_ref().and_then(|snapshot| snapshot.manifest.checks.as_deref());
        if ran != Some(&digest_of_checks(&self.catalogue.table_checks())) {
            return Ok(BTreeMap::new());
        }
        let sql = "SELECT check_name, found FROM quality WHERE resource = 'table'";
        let mut statement = self.connection.prepare(sql).map_err(QueryError::Snapshot)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(QueryError::Snapshot)?;
        rows.collect::<Result<_, _>>().map_err(QueryError::Snapshot)
    }

    /// Returns the names of all sectors in the snapshot.
    ///
    /// # Errors
    /// When the snapshot cannot be read.
    pub fn sectors(&self) -> Result<Vec<String>, QueryError> {
        let mut statement = self.connection.prepare("SELECT sector FROM sector ORDER BY sector").map_err(QueryError::Snapshot)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(QueryError::Snapshot)?;
        rows.collect::<Result<_, _>>().map_err(QueryError::Snapshot)
    }
}

/// Returns the SQL of all rows of some parts; at least one is needed, for the columns.
pub(super) fn rows_of<'a>(snapshot: &Snapshot, parts: impl Iterator<Item = &'a Part>) -> String {
    let list: Vec<String> = parts.map(|part| sql_path(&snapshot.folder.join(&part.path))).collect();
    format!("SELECT * FROM read_parquet([{}], hive_partitioning = false)", list.join(", "))
}

impl Parameters {
    fn value(&self, name: &str) -> Option<Box<dyn ToSql>> {
        let day = |day: NaiveDate| -> Box<dyn ToSql> { Box::new(day) };
        Some(match name {
            "period_start" => day(self.period.start),
            "period_end" => day(self.period.end),
            "sector" => Box::new(self.sector.clone()),
            "dimension" => Box::new(self.dimension.clone()),
            "as_of_s" => Box::new(self.as_of.timestamp()),
            _ => return None,
        })
    }
}

/// Returns the values of a statement's parameters, in its order.
fn values(query: &Query, statement: &duckdb::Statement<'_>, parameters: &Parameters) -> Result<Vec<Box<dyn ToSql>>, QueryError> {
    (1..=statement.parameter_count())
        .map(|index| {
            let name = &query.name;
            let parameter = statement.parameter_name(index).map_err(|source| QueryError::Run { name: name.clone(), source })?;
            let is_declared = query.parameters.iter().any(|(known, _)| *known == parameter);
            let other = || -> Box<dyn ToSql> { Box::new(parameters.others.get(&parameter).cloned()) };
            let value = parameters.value(&parameter).or_else(|| is_declared.then(other));
            value.ok_or_else(|| QueryError::Parameter { name: name.clone(), parameter })
        })
        .collect()
}

/// Carries a result over; labels are the columns' names.
fn table_of(query: &Query, arrow: duckdb::Arrow<'_>) -> Result<Table, QueryError> {
    let name = &query.name;
    let schema = arrow.get_schema();
    let frame = to_frame(schema, arrow.collect()).map_err(|reason| QueryError::Transfer { name: name.clone(), reason })?;
    let column = |column: &DeclaredColumn| Column {
        name: column.name.clone(),
        label: column.name.clone(),
        kind: column.kind,
        metric: column.metric.clone(),
    };
    Table::new(query.columns.iter().map(column).collect(), frame).map_err(|source| QueryError::Declaration { name: name.clone(), source })
}

pub(super) fn to_frame(schema: SchemaRef, mut batches: Vec<RecordBatch>) -> Result<DataFrame, String> {
    if batches.is_empty() {
        // The bridge takes the columns from a batch; without rows it needs an empty one.
        batches.push(RecordBatch::new_empty(schema));
    }
    Interchange::from_arrow_58(batches).and_then(Interchange::to_polars_0_53).map_err(|error| error.to_string())
}

fn broken_promise(query: &Query, table: &Table) -> Option<String> {
    for name in &query.not_null {
        let position = table.position(name)?;
        if let Some(row) = (0..table.row_count()).find(|row| table.cell(*row, position) == Cell::Null) {
            return Some(format!("`{name}` has no value in row {}", row + 1));
        }
    }
    let key: Vec<usize> = query.unique.iter().filter_map(|name| table.position(name)).collect();
    let mut seen = HashSet::new();
    for row in 0..table.row_count() {
        let values: Vec<String> = key.iter().map(|column| format!("{:?}", table.cell(row, *column))).collect();
        if !seen.insert(values.join("\0")) {
            return Some(format!("row {} repeats {} = {}", row + 1, query.unique.join(", "), values.join(", ")));
        }
    }
    None
}
