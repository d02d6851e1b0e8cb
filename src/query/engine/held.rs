//! Results that stay in the engine: those that a cluster computed, and what they are compared with.

use std::collections::BTreeMap;

use duckdb::Connection;

use super::{ALL, Engine, Parameters, table_of, values, without_rows};
use crate::{
    domain::{Kind, Table},
    query::{
        DeclaredColumn, Query, QueryError,
        cluster::{Answer, Cluster, ClusterError, Literal, Request},
        comparison::compare,
        dialect::in_duckdbs_words,
    },
    snapshot::sql_path,
};

impl Engine {
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

    /// Returns a name for a table of results that no other has.
    fn next_held(&self) -> String {
        format!("held_{}", self.kept.replace(self.kept.get() + 1))
    }

    /// Holds what this engine computes.
    pub(super) fn computed(
        &self,
        name: &str,
        sql: &str,
        values: &BTreeMap<String, Literal>,
        condition: &str,
    ) -> Result<String, QueryError> {
        let run_error = |source| QueryError::Run { name: name.to_owned(), source };
        let held = self.next_held();
        let sql = in_duckdbs_words(sql, values);
        // Not a temporary one: those are seen by one connection only.
        let fill = format!("CREATE TABLE {held} AS {}", with_condition(&sql, condition));
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
}

/// Returns a query of those rows of `sql` for which `condition` is true, in their order.
pub(super) fn with_condition(sql: &str, condition: &str) -> String {
    format!("SELECT * FROM (\n{sql}\n) AS found WHERE {condition}")
}

/// Returns those rows of a held result for which `condition` is true, in the query's order.
pub(super) fn rows_of_held(connection: &Connection, query: &Query, held: &str, condition: &str) -> Result<Table, QueryError> {
    let run_error = |source| QueryError::Run { name: query.name.clone(), source };
    let sql = format!("SELECT * FROM {held} WHERE {condition} ORDER BY rowid");
    let mut statement = connection.prepare(&sql).map_err(run_error)?;
    table_of(query, statement.query_arrow([]).map_err(run_error)?)
}
