//! The engine: DuckDB in memory, with the snapshot's parts as views, which computes results itself or holds those of a cluster.

mod held;
mod kept;

use std::{
    cell::{Cell as StdCell, RefCell},
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use chrono::{DateTime, Utc};
use df_interchange::Interchange;
use duckdb::{
    Connection,
    arrow::{datatypes::SchemaRef, record_batch::RecordBatch},
};
use polars::prelude::DataFrame;

pub use kept::KeptRows;
pub(super) use kept::promised;

use super::{
    Catalogue, Check, CheckOutcome, CheckStrength, DeclaredColumn, Query, QueryError,
    cluster::{Cluster, Literal, Watcher},
    comparison::Comparison,
    dialect::{in_duckdbs_words, parameters_of},
};
use crate::{
    domain::{Cell, Column, Period, Table},
    snapshot::{Part, RESTRICTED, Snapshot, SnapshotError, TableManifest, in_todays_form, sql_path},
    store::digest_of_checks,
};

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
    /// The days to which large tables are cut down; none is all.
    cut: StdCell<Option<Period>>,
    /// The tables that there are views of, and the days to which these are cut down.
    viewed: RefCell<BTreeMap<String, Option<Period>>>,
    /// How many results were kept.
    kept: StdCell<usize>,
    /// Rows of the largest table that one statement reads, about, of a query that can be asked a few days at a time.
    rows_at_once: u64,
    /// Held by who has the engine work with one thread: the setting is one for all its connections.
    by_one: Arc<Mutex<()>>,
    /// What computes results; none is this engine itself.
    cluster: Option<Cluster>,
    /// What was compared, where both compute.
    compared: Option<RefCell<Comparison>>,
}

/// As many take a quarter of a second.
const ROWS_AT_ONCE: u64 = 500_000;

/// Tables whose parts are passed over when they hold no row that was there in the period. Their rows name the days from the start of their
/// conversation on; those of other tables can be needed by a row of these whatever days they name, or are few.
const CUT: [&str; 3] = ["ticket", "conversation", "turn"];

/// Columns that queries read and snapshots of earlier versions do not have: table, column, and what it is made from there. A conversation's
/// tickets lie in one part; of whose messages were stored, earlier versions say nothing that figures rest on.
const LATER_COLUMNS: [(&str, &str, &str); 15] = [
    ("ticket", "conversation_tickets", "count(*) OVER (PARTITION BY conversation_id)"),
    ("ticket", "blip_answered_wait_s", "CAST(NULL AS BIGINT)"),
    ("ticket", "blip_response_s", "CAST(NULL AS BIGINT)"),
    ("ticket", "messages", "'here'"),
    // Attendants were known by the ticket that was open then.
    ("turn", "agent_basis", "CASE WHEN agent IS NOT NULL THEN 'time' END"),
    // Types of messages were not read.
    ("conversation", "surveys_sent", "CAST(NULL AS BIGINT)"),
    ("rating", "was_asked", "CAST(NULL AS BOOLEAN)"),
    // Open cases were not known within business hours, nor while they are handled.
    ("ticket", "queued_business_mark_s", "CAST(NULL AS BIGINT)"),
    ("ticket", "in_hand_since_s", "CAST(NULL AS BIGINT)"),
    ("ticket", "in_hand_business_mark_s", "CAST(NULL AS BIGINT)"),
    ("turn", "own_since_s", "CAST(NULL AS BIGINT)"),
    ("turn", "own_business_mark_s", "CAST(NULL AS BIGINT)"),
    ("conversation", "open_since_s", "CAST(NULL AS BIGINT)"),
    ("conversation", "open_business_mark_s", "CAST(NULL AS BIGINT)"),
    // Imported files were not kept by name.
    ("coverage", "files", "CAST(NULL AS STRING)"),
];

/// Tables that queries read and snapshots of earlier versions do not have, and what stands in for them: nothing.
const LATER_TABLES: [(&str, &str); 2] = [
    ("channel_state", "'' AS channel, '' AS state, '' AS missing"),
    ("business_span", "'' AS calendar, CAST(0 AS BIGINT) AS from_s, CAST(0 AS BIGINT) AS until_s, CAST(0 AS BIGINT) AS before_s"),
];

impl Engine {
    /// Opens `snapshot` with the queries of `catalogue`.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn open(snapshot: &Snapshot, catalogue: Catalogue) -> Result<Engine, QueryError> {
        let connection = Connection::open_in_memory().map_err(QueryError::Snapshot)?;
        // A report asks the same parts many times, and parts never change: their statistics are read once.
        connection.execute_batch("SET parquet_metadata_cache = true").map_err(QueryError::Snapshot)?;
        let engine = Engine {
            connection,
            catalogue,
            snapshot: Some(snapshot.clone()),
            cut: StdCell::new(None),
            viewed: RefCell::default(),
            kept: StdCell::new(0),
            rows_at_once: ROWS_AT_ONCE,
            by_one: Arc::default(),
            cluster: None,
            compared: None,
        };
        for (table, columns) in missing_tables(snapshot) {
            let sql = format!("CREATE VIEW {table} AS SELECT {columns} WHERE FALSE");
            engine.connection.execute_batch(&sql).map_err(QueryError::Snapshot)?;
        }
        Ok(engine)
    }

    /// Makes the tables ready that `sql` can read: those whose names are among its words. Parts that nobody asks for are not opened, and on
    /// object storage not brought here.
    fn ready(&self, sql: &str) -> Result<(), QueryError> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        for (table, contents) in tables_in(snapshot, sql) {
            let cut = self.cut.get().filter(|_| CUT.contains(&table));
            if self.viewed.borrow().get(table) == Some(&cut) {
                continue;
            }
            let mut parts = parts_of(table, &contents.parts, cut);
            // Where a cluster computes, this engine needs to know the columns.
            if self.cluster.is_some() && self.compared.is_none() && CUT.contains(&table) {
                parts.truncate(1);
            }
            let rows = self.rows_to_view(snapshot, table, parts)?;
            self.connection.execute_batch(&format!("CREATE OR REPLACE VIEW {table} AS {rows}")).map_err(QueryError::Snapshot)?;
            self.viewed.borrow_mut().insert(table.to_owned(), cut);
        }
        Ok(())
    }

    /// Returns the SQL of all rows of some parts of `table`, with the columns that queries read.
    fn rows_to_view(&self, snapshot: &Snapshot, table: &str, parts: Vec<&Part>) -> Result<String, QueryError> {
        let is_empty = parts.iter().all(|part| part.rows == 0);
        let mut rows = rows_of(snapshot, parts)?;
        if is_empty {
            // What is joined to it need not be read either.
            rows.push_str(" WHERE FALSE");
        }
        for (_, column, made) in LATER_COLUMNS.iter().filter(|(of, ..)| *of == table) {
            let sql = format!("SELECT count(*) FROM (DESCRIBE {rows}) WHERE column_name = '{column}'");
            let is_there: bool = self.connection.query_row(&sql, [], |row| Ok(row.get::<_, i64>(0)? > 0)).map_err(QueryError::Snapshot)?;
            if !is_there {
                rows = format!("SELECT *, {made} AS {column} FROM ({rows})");
            }
        }
        Ok(in_todays_form(table, rows))
    }

    /// Opens an engine on tables that `connection` holds already, for tests of single queries.
    pub fn on(connection: Connection, catalogue: Catalogue) -> Engine {
        Engine {
            connection,
            catalogue,
            snapshot: None,
            cut: StdCell::new(None),
            viewed: RefCell::default(),
            kept: StdCell::new(0),
            rows_at_once: ROWS_AT_ONCE,
            by_one: Arc::default(),
            cluster: None,
            compared: None,
        }
    }

    /// Has `cluster` compute the results from now on; where `with_comparison`, this engine, too.
    ///
    /// A result that is not there yet has one row of no meaning, so that whoever reads it asks all that it will: it then has [`Engine::submit`]
    /// bring what is missing, and reads again.
    #[must_use]
    pub fn on_cluster(self, cluster: Cluster, with_comparison: bool) -> Engine {
        Engine { cluster: Some(cluster), compared: with_comparison.then(RefCell::default), ..self }
    }

    /// Has the cluster compute what was asked of it since the last time, as one job, and returns whether there was anything.
    ///
    /// # Errors
    /// When the cluster does not answer all of it.
    pub fn submit(&self, watcher: &Watcher<'_>) -> Result<bool, QueryError> {
        let Some(cluster) = &self.cluster else { return Ok(false) };
        let has_run = cluster.submit((&LATER_COLUMNS, self.snapshot.iter().flat_map(missing_tables).collect()), watcher)?;
        if has_run && let Some(compared) = &self.compared {
            // All of it is read again, and compared again.
            compared.take();
        }
        Ok(has_run)
    }

    /// Returns what was compared since the last job, where both engines compute.
    pub fn comparison(&self) -> Option<Comparison> {
        self.compared.as_ref().map(|compared| compared.borrow().clone())
    }

    /// Has kept rows computed by statements that read about so many rows of the largest table, but at least those of a day.
    #[must_use]
    pub fn with_rows_at_once(self, rows: u64) -> Engine {
        Engine { rows_at_once: rows, ..self }
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
        let query = self.query(name)?;
        let table = if self.cluster.is_none() {
            self.run_sql(query, &query.sql, parameters)?
        } else {
            let held = self.held(query, parameters, ALL)?;
            let table = held::rows_of_held(&self.connection, query, &held, ALL)?;
            self.connection.execute_batch(&format!("DROP TABLE {held}")).map_err(QueryError::Snapshot)?;
            table
        };
        match broken_promise(query, &table) {
            None => Ok(table),
            Some(broken) => Err(QueryError::Promise { name: name.to_owned(), broken }),
        }
    }

    /// Returns the table that [`Engine::run`] would, without its rows: what it has columns for is known at no cost.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn shape(&self, name: &str, parameters: &Parameters) -> Result<Table, QueryError> {
        let query = self.query(name)?;
        self.run_sql(query, &without_rows(&query.sql), parameters)
    }

    /// Returns the parts of the tables that `sql` can read now, as the workers of `cluster` name them.
    fn parts(&self, cluster: &Cluster, sql: &str) -> BTreeMap<String, Vec<String>> {
        let Some(snapshot) = &self.snapshot else { return BTreeMap::new() };
        let named = |(table, contents): (&str, &TableManifest)| {
            let parts = parts_of(table, &contents.parts, self.cut.get());
            (table.to_owned(), parts.into_iter().map(|part| cluster.path(snapshot, part)).collect())
        };
        tables_in(snapshot, sql).map(named).collect()
    }

    /// Lets large results go to files in `folder` instead of filling the memory beyond `megabytes`.
    ///
    /// # Errors
    /// When DuckDB refuses the setting.
    pub fn spill_to(&self, folder: &Path, megabytes: u32) -> Result<(), QueryError> {
        let settings = format!("SET temp_directory = {}; SET memory_limit = '{megabytes}MB'", sql_path(folder));
        self.connection.execute_batch(&settings).map_err(QueryError::Snapshot)
    }

    /// Returns what this engine computes.
    fn run_sql(&self, query: &Query, sql: &str, parameters: &Parameters) -> Result<Table, QueryError> {
        self.cut.set(query.rows.days(parameters.period));
        self.ready(sql)?;
        let run_error = |source| QueryError::Run { name: query.name.clone(), source };
        let began = Instant::now();
        let mut statement = self.connection.prepare(&in_duckdbs_words(sql, &values(query, parameters)?)).map_err(run_error)?;
        let table = table_of(query, statement.query_arrow([]).map_err(run_error)?)?;
        log_done(&query.name, table.row_count(), began);
        Ok(table)
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
        self.cut.set(None);
        self.ready(&check.sql)?;
        let run_error = |source| QueryError::Run { name: check.name.clone(), source };
        let Some(cluster) = &self.cluster else {
            return self.connection.query_row(&check.sql, [], |row| row.get(0)).map_err(run_error);
        };
        match self.brought(cluster, &check.name, &check.sql, &BTreeMap::new(), ALL)? {
            (held, true) => self.connection.query_row(&format!("SELECT * FROM {held}"), [], |row| row.get(0)).map_err(run_error),
            // What has not run yet has found nothing.
            (_, false) => Ok(0),
        }
    }

    /// Returns what the checks of this catalogue found in the tables of the snapshot, by name; nothing where others ran, or none.
    fn known_findings(&self) -> Result<BTreeMap<String, i64>, QueryError> {
        let ran = self.snapshot.as_ref().and_then(|snapshot| snapshot.manifest.checks.as_deref());
        if ran != Some(&digest_of_checks(&self.catalogue.table_checks())) {
            return Ok(BTreeMap::new());
        }
        let sql = "SELECT check_name, found FROM quality WHERE resource = 'table'";
        self.ready(sql)?;
        let mut statement = self.connection.prepare(sql).map_err(QueryError::Snapshot)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(QueryError::Snapshot)?;
        rows.collect::<Result<_, _>>().map_err(QueryError::Snapshot)
    }

    /// Returns the names of all queues in the snapshot, each with whether Blip lists it.
    ///
    /// # Errors
    /// When the snapshot cannot be read.
    pub fn queues(&self) -> Result<Vec<(String, bool)>, QueryError> {
        let sql = "SELECT queue, is_listed FROM queue ORDER BY queue";
        self.ready(sql)?;
        let mut statement = self.connection.prepare(sql).map_err(QueryError::Snapshot)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(QueryError::Snapshot)?;
        rows.collect::<Result<_, _>>().map_err(QueryError::Snapshot)
    }

    /// Returns the names of all sectors in the snapshot.
    ///
    /// # Errors
    /// When the snapshot cannot be read.
    pub fn sectors(&self) -> Result<Vec<String>, QueryError> {
        let sql = "SELECT sector FROM sector ORDER BY sector";
        self.ready(sql)?;
        let mut statement = self.connection.prepare(sql).map_err(QueryError::Snapshot)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(QueryError::Snapshot)?;
        rows.collect::<Result<_, _>>().map_err(QueryError::Snapshot)
    }
}

fn log_done(name: &str, rows: usize, began: Instant) {
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(query.name = name, rows, duration_ms, "query done");
}

/// Returns the SQL of all rows of some parts; at least one is needed, for the columns.
pub(super) fn rows_of<'a>(snapshot: &Snapshot, parts: impl IntoIterator<Item = &'a Part>) -> Result<String, SnapshotError> {
    let list: Vec<String> = snapshot.files(parts)?.iter().map(|file| sql_path(file)).collect();
    Ok(format!("SELECT * FROM read_parquet([{}], hive_partitioning = false)", list.join(", ")))
}

/// Returns the tables that `sql` can read: those whose names are among its words. What is mailed must not be able to hold what is restricted.
fn tables_in<'a>(snapshot: &'a Snapshot, sql: &'a str) -> impl Iterator<Item = (&'a str, &'a TableManifest)> {
    let words: HashSet<&str> = sql.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').collect();
    let tables = snapshot.manifest.tables.iter().map(|(table, contents)| (table.as_str(), contents));
    tables.filter(move |(table, _)| words.contains(table) && !RESTRICTED.contains(table))
}

impl Parameters {
    fn value(&self, name: &str) -> Option<Literal> {
        Some(match name {
            "period_start" => Literal::Date(self.period.start),
            "period_end" => Literal::Date(self.period.end),
            "sector" => self.sector.clone().into(),
            "dimension" => self.dimension.clone().into(),
            "as_of_s" => Literal::Int(self.as_of.timestamp()),
            _ => return None,
        })
    }
}

/// Returns the tables that queries read and `snapshot` does not have, and what stands in for them.
fn missing_tables(snapshot: &Snapshot) -> impl Iterator<Item = (&'static str, &'static str)> {
    LATER_TABLES.into_iter().filter(|(table, _)| !snapshot.manifest.tables.contains_key(*table))
}

/// The condition that every row meets.
const ALL: &str = "TRUE";

/// Returns a query with the columns of `sql` and none of its rows.
fn without_rows(sql: &str) -> String {
    format!("SELECT * FROM (\n{sql}\n) AS shape LIMIT 0")
}

/// Returns the parts of a table with rows that can matter for `period`: at least one, so that it keeps its columns.
fn parts_of<'a>(table: &str, parts: &'a [Part], period: Option<Period>) -> Vec<&'a Part> {
    let matters = |part: &&Part| !CUT.contains(&table) || period.is_none_or(|period| part.was_there(period));
    let found: Vec<&Part> = parts.iter().filter(matters).collect();
    if found.is_empty() { parts.iter().take(1).collect() } else { found }
}

/// Returns the parameters of `query` and their values.
fn values(query: &Query, parameters: &Parameters) -> Result<BTreeMap<String, Literal>, QueryError> {
    let value = |parameter: String| {
        let is_declared = query.parameters.iter().any(|(known, _)| *known == parameter);
        let other = || parameters.others.get(&parameter).cloned().into();
        match parameters.value(&parameter).or_else(|| is_declared.then(other)) {
            Some(value) => Ok((parameter, value)),
            None => Err(QueryError::Parameter { name: query.name.clone(), parameter }),
        }
    };
    parameters_of(&query.sql).into_iter().map(value).collect()
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
