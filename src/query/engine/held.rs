//! Results that stay in the engine: those of many rows, and those that a cluster computed.

use std::{collections::BTreeMap, ops::Range, path::Path, time::Instant};

use duckdb::Connection;

use super::{ALL, Engine, Parameters, log_done, table_of, values, without_rows};
use crate::{
    domain::{Kind, Table},
    query::{
        DeclaredColumn, Query, QueryError,
        cluster::{Answer, Cluster, ClusterError, Literal, Request},
        comparison::compare,
        dialect::in_duckdbs_words,
    },
    snapshot::{by_one_thread, sql_name, sql_path},
};

/// Rows that an engine keeps, by the query that gave them.
#[derive(Debug)]
pub struct KeptRows {
    query: String,
    table: String,
    /// How many there are.
    pub row_count: usize,
}

impl Engine {
    /// Runs the query called `name` and keeps its rows in the engine, where there can be millions: those whose columns have the values of
    /// `filter`, told as text. They are held to the header as those of [`Engine::run`] are.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn keep(&self, name: &str, parameters: &Parameters, filter: &BTreeMap<String, String>) -> Result<KeptRows, QueryError> {
        let query = self.query(name)?;
        let began = Instant::now();
        let run_error = |source| QueryError::Run { name: name.to_owned(), source };
        let filter: Vec<String> = filter
            .iter()
            .map(|(column, value)| {
                let value = Literal::Text(value.clone()).in_sql();
                format!("CAST({} AS VARCHAR) = {value}", sql_name(column))
            })
            .collect();
        let condition = if filter.is_empty() { ALL.to_owned() } else { filter.join(" AND ") };
        let kept = KeptRows { query: name.to_owned(), table: self.held(query, parameters, &condition)?, row_count: 0 };
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
        let row_count = usize::try_from(rows).unwrap_or(0);
        log_done(name, row_count, began);
        Ok(KeptRows { row_count, ..kept })
    }

    /// Returns what reads kept rows at a range, in the query's order, over a connection of its own: also in another thread.
    ///
    /// # Errors
    /// When no further connection can be had; of what it returns, when the rows cannot be read.
    pub fn kept_rows(&self, kept: &KeptRows) -> Result<impl FnMut(Range<usize>) -> Result<Table, QueryError> + Send + use<>, QueryError> {
        let connection = self.connection.try_clone().map_err(QueryError::Snapshot)?;
        let (query, table) = (self.query(&kept.query)?.clone(), kept.table.clone());
        Ok(move |range: Range<usize>| {
            rows_of_held(&connection, &query, &table, &format!("rowid >= {} AND rowid < {}", range.start, range.end))
        })
    }

    /// Returns the name of a table that holds the result of `query`, in its order: those rows for which `condition` is true.
    pub(super) fn held(&self, query: &Query, parameters: &Parameters, condition: &str) -> Result<String, QueryError> {
        self.cut.set(query.rows.days(parameters.period));
        self.ready(&query.sql)?;
        let values = values(query, parameters)?;
        match &self.cluster {
            None => self.computed(&query.name, &query.sql, &values, condition),
            Some(cluster) => {
                let (held, is_there) = self.brought(cluster, &query.name, &query.sql, &values, condition)?;
                if !is_there {
                    self.stand_in(query, &held).map_err(QueryError::Snapshot)?;
                }
                Ok(held)
            }
        }
    }

    /// Holds what this engine computes.
    fn computed(&self, name: &str, sql: &str, values: &BTreeMap<String, Literal>, condition: &str) -> Result<String, QueryError> {
        let run_error = |source| QueryError::Run { name: name.to_owned(), source };
        let held = format!("held_{}", self.kept.replace(self.kept.get() + 1));
        let sql = in_duckdbs_words(sql, values);
        // Not a temporary one: those are seen by one connection only.
        let fill = format!("CREATE TABLE {held} AS SELECT * FROM (\n{sql}\n) AS found WHERE {condition}");
        self.connection.execute(&fill, []).map_err(run_error)?;
        Ok(held)
    }

    /// Holds what `cluster` computed, in the types that this engine would give it; nothing where it has not yet, which is told.
    pub(super) fn brought(
        &self,
        cluster: &Cluster,
        name: &str,
        sql: &str,
        values: &BTreeMap<String, Literal>,
        condition: &str,
    ) -> Result<(String, bool), QueryError> {
        let held = self.computed(name, &without_rows(sql), values, ALL)?;
        let request = Request { name: name.to_owned(), sql: sql.to_owned(), parameters: values.clone(), tables: self.parts(cluster, sql) };
        let Some(Answer { files, rows }) = cluster.answer(request) else { return Ok((held, false)) };
        let damaged = |reason: String| ClusterError::Result { query: name.to_owned(), reason };
        if !files.is_empty() {
            let list: Vec<String> = files.iter().map(|file| sql_path(file)).collect();
            let source = format!("read_parquet([{}], hive_partitioning = false)", list.join(", "));
            // Column by column, each into the type that it has here: what does not fit is an error, not another value.
            let fill = format!("INSERT INTO {held} BY NAME SELECT * FROM {source} WHERE {condition}");
            self.connection.execute_batch(&fill).map_err(|error| damaged(error.to_string()))?;
            let count = format!("SELECT count(*) FROM {source}");
            let found: u64 = self.connection.query_row(&count, [], |row| row.get(0)).map_err(|error| damaged(error.to_string()))?;
            if found != rows {
                return Err(damaged(format!("{found} rows are there, {rows} were written")).into());
            }
        } else if rows > 0 {
            return Err(damaged(format!("nothing is there, {rows} rows were written")).into());
        }
        if let Some(compared) = &self.compared {
            let here = self.computed(name, sql, values, condition)?;
            let compare = compare(&self.connection, name, &here, &held).map_err(QueryError::Snapshot);
            compared.borrow_mut().add(compare?);
            self.connection.execute_batch(&format!("DROP TABLE {here}")).map_err(QueryError::Snapshot)?;
        }
        Ok((held, true))
    }

    /// Puts a row into an empty table of results that has some value in each column.
    fn stand_in(&self, query: &Query, table: &str) -> duckdb::Result<()> {
        let value = |column: &DeclaredColumn| match column.kind {
            Kind::Text => "''",
            // More days than any period has: there is something to compare with.
            Kind::Count => "1000",
            Kind::Number | Kind::Share | Kind::Duration | Kind::Weekday | Kind::Hour => "1",
            Kind::Date => "DATE '2000-01-01'",
            Kind::LocalTime => "TIMESTAMP '2000-01-01 00:00:00'",
            Kind::Flag => "TRUE",
        };
        let values: Vec<&str> = query.columns.iter().map(value).collect();
        self.connection.execute_batch(&format!("INSERT INTO {table} VALUES ({})", values.join(", ")))
    }

    /// Writes kept rows to `path` as Parquet, in the query's order.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_parquet(&self, kept: &KeptRows, path: &Path) -> Result<(), QueryError> {
        let copy = format!("COPY (SELECT * FROM {} ORDER BY rowid) TO {} (FORMAT parquet, COMPRESSION zstd)", kept.table, sql_path(path));
        by_one_thread(&self.connection, || self.connection.execute_batch(&copy))
            .map_err(|source| QueryError::Run { name: kept.query.clone(), source })
    }
}

/// Returns those rows of a held result for which `condition` is true, in the query's order.
pub(super) fn rows_of_held(connection: &Connection, query: &Query, held: &str, condition: &str) -> Result<Table, QueryError> {
    let run_error = |source| QueryError::Run { name: query.name.clone(), source };
    let sql = format!("SELECT * FROM {held} WHERE {condition} ORDER BY rowid");
    let mut statement = connection.prepare(&sql).map_err(run_error)?;
    table_of(query, statement.query_arrow([]).map_err(run_error)?)
}
