//! Results of many rows: they stay in the engine, which computes the last of them while the first are read.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    panic,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use chrono::Days;
use duckdb::Connection;

use super::{
    ALL, CUT, Engine, Parameters,
    held::{rows_of_held, with_condition},
    log_done, parts_of, tables_in, values, without_rows,
};
use crate::{
    domain::{Period, Table},
    query::{Query, QueryError, cluster::Literal, dialect::in_duckdbs_words},
    snapshot::{by_one_thread, sql_name, sql_path},
};

/// Rows that an engine keeps, of one query. When it goes, it waits for what is being computed.
pub struct KeptRows {
    query: Query,
    table: String,
    /// Of its own: what else the engine is asked does not change what is read here.
    connection: Connection,
    filling: Arc<Filling>,
}

impl fmt::Debug for KeptRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeptRows").field("query", &self.query.name).field("table", &self.table).finish_non_exhaustive()
    }
}

/// A table that another thread fills.
struct Filling(Mutex<Progress>);

struct Progress {
    /// How many rows are there now, told after each statement; nobody tells any more when the table is filled.
    told: Option<Receiver<usize>>,
    rows: usize,
    filler: Option<JoinHandle<Result<(), QueryError>>>,
    /// How it ended.
    end: Option<Result<(), Arc<QueryError>>>,
}

impl Filling {
    /// Waits until so many rows are there, or all that there will be. That these are all is said only of rows that are what the query's
    /// header promises.
    fn wait_for(&self, rows: usize) -> Result<(), Arc<QueryError>> {
        let mut progress = self.progress();
        while progress.rows < rows && progress.end.is_none() {
            if let Some(Ok(rows)) = progress.told.as_ref().map(Receiver::recv) {
                progress.rows = rows;
                continue;
            }
            let filler = progress.filler.take().expect("a filler that has not broken off");
            progress.end = Some(filler.join().unwrap_or_else(|panic| panic::resume_unwind(panic)).map_err(Arc::new));
        }
        progress.end.clone().unwrap_or(Ok(()))
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        let mut progress = self.progress();
        // With nobody to tell it ends after the statement that runs.
        progress.told = None;
        if let Some(filler) = progress.filler.take() {
            // Nobody asks for these rows any more, or how they ended.
            let _ = filler.join();
        }
    }
}

impl Engine {
    /// Has the rows of the query called `name` computed and kept in the engine, where there can be millions: those whose columns have the
    /// values of `filter`, told as text. They are held to the header as those of [`Engine::run`] are, and computed by a thread of their own,
    /// over views of their own.
    ///
    /// # Errors
    /// As [`Engine::run`], but what the query's statements or rows are wrong in is told to who reads them.
    pub fn keep(&self, name: &str, parameters: &Parameters, filter: &BTreeMap<String, String>) -> Result<KeptRows, QueryError> {
        let query = self.query(name)?.clone();
        let filter: Vec<String> = filter
            .iter()
            .map(|(column, value)| {
                let value = Literal::Text(value.clone()).in_sql();
                format!("CAST({} AS VARCHAR) = {value}", sql_name(column))
            })
            .collect();
        let condition = if filter.is_empty() { ALL.to_owned() } else { filter.join(" AND ") };
        let connection = self.connection.try_clone().map_err(QueryError::Snapshot)?;
        let (table, statements) = if self.cluster.is_some() {
            (self.held(&query, parameters, &condition)?, Vec::new())
        } else {
            self.cut.set(query.rows.days(parameters.period));
            self.ready(&query.sql)?;
            let table = self.computed(name, &without_rows(&query.sql), &values(&query, parameters)?, ALL)?;
            let statements = self.fillings(&query, parameters, &condition, &table)?;
            (table, statements)
        };
        let beside = connection.try_clone().map_err(QueryError::Snapshot)?;
        let filling = filled_by_a_thread(beside, Arc::clone(&self.by_one), &query, &table, statements);
        Ok(KeptRows { query, table, connection, filling })
    }

    /// Returns what is to be run, one after the other, to fill the table `held` with the result of `query`.
    fn fillings(&self, query: &Query, parameters: &Parameters, condition: &str, held: &str) -> Result<Vec<String>, QueryError> {
        let mut viewed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut statements = Vec::new();
        for period in self.runs(query, parameters.period) {
            let mut batch = Vec::new();
            let tables = self.snapshot.iter().flat_map(|snapshot| tables_in(snapshot, &query.sql).map(move |found| (snapshot, found)));
            for (snapshot, (table, contents)) in tables {
                let parts = parts_of(table, &contents.parts, query.rows.days(period));
                let paths: Vec<&str> = parts.iter().map(|part| part.path.as_str()).collect();
                if viewed.get(table) != Some(&paths) {
                    let rows = self.rows_to_view(snapshot, table, parts)?;
                    batch.push(format!("CREATE OR REPLACE TEMP VIEW {table} AS {rows}"));
                    viewed.insert(table, paths);
                }
            }
            let values = values(query, &Parameters { period, ..parameters.clone() })?;
            let rows = with_condition(&in_duckdbs_words(&query.sql, &values), condition);
            batch.push(format!("INSERT INTO {held} {rows}"));
            statements.push(batch.join(";\n"));
        }
        Ok(statements)
    }

    /// Cuts `period` into the days that are computed together: few at first, so that whoever reads need not wait, then as many as have
    /// about [`Engine::rows_at_once`].
    fn runs(&self, query: &Query, period: Period) -> Vec<Period> {
        let days = (period.end - period.start).num_days().unsigned_abs();
        let rows_of =
            |table, parts| parts_of(table, parts, query.rows.days(period)).iter().map(|part| part.rows.unsigned_abs()).sum::<u64>();
        let tables = self.snapshot.iter().flat_map(|snapshot| tables_in(snapshot, &query.sql));
        let largest = tables.filter(|(table, _)| CUT.contains(table)).map(|(table, contents)| rows_of(table, &contents.parts)).max();
        let rows = largest.unwrap_or(0);
        if !query.is_day_by_day || rows <= self.rows_at_once {
            return vec![period];
        }
        let most = (days * self.rows_at_once / rows).max(1);
        let (mut runs, mut start, mut length) = (Vec::new(), period.start, 1);
        while start < period.end {
            let end = start.checked_add_days(Days::new(length)).map_or(period.end, |end| end.min(period.end));
            runs.push(Period { start, end, ..period });
            (start, length) = (end, (length * 2).min(most));
        }
        runs
    }

    /// Returns what reads kept rows at a range, in the query's order, over a connection of its own: also in another thread. It waits for rows
    /// that are not there yet, and returns fewer than asked for where there are no more.
    ///
    /// # Errors
    /// When no further connection can be had; of what it returns, when the rows cannot be computed, are not what the query's header says, or
    /// cannot be read.
    pub fn kept_rows(
        &self,
        kept: &KeptRows,
    ) -> Result<impl FnMut(Range<usize>) -> Result<Table, Arc<QueryError>> + Send + use<>, QueryError> {
        let connection = kept.connection.try_clone().map_err(QueryError::Snapshot)?;
        let (query, table, filling) = (kept.query.clone(), kept.table.clone(), Arc::clone(&kept.filling));
        Ok(move |range: Range<usize>| {
            filling.wait_for(range.end)?;
            Ok(rows_of_held(&connection, &query, &table, &format!("rowid >= {} AND rowid < {}", range.start, range.end))?)
        })
    }

    /// Writes kept rows to `path` as Parquet, in the query's order.
    ///
    /// # Errors
    /// When they cannot be computed, are not what the query's header says, or the file cannot be written.
    pub fn save_parquet(&self, kept: &KeptRows, path: &Path) -> Result<(), Arc<QueryError>> {
        kept.filling.wait_for(usize::MAX)?;
        let copy = format!("COPY (SELECT * FROM {} ORDER BY rowid) TO {} (FORMAT parquet, COMPRESSION zstd)", kept.table, sql_path(path));
        let written = alone_by_one_thread(&self.by_one, &kept.connection, &copy);
        written.map_err(|source| Arc::new(QueryError::Run { name: kept.query.name.clone(), source }))
    }
}

/// Runs `sql` with one thread, while nobody else has the engine work so: the setting is one for all its connections.
fn alone_by_one_thread(by_one: &Mutex<()>, connection: &Connection, sql: &str) -> duckdb::Result<()> {
    let _alone = by_one.lock().unwrap_or_else(PoisonError::into_inner);
    by_one_thread(connection, || connection.execute_batch(sql))
}

/// Runs `statements`, which fill `table`, in a thread that then looks whether the rows are what the header of `query` promises.
fn filled_by_a_thread(connection: Connection, by_one: Arc<Mutex<()>>, query: &Query, table: &str, statements: Vec<String>) -> Arc<Filling> {
    let (tell, told) = mpsc::channel();
    let (query, table) = (query.clone(), table.to_owned());
    let filler = thread::spawn(move || {
        let began = Instant::now();
        let run_error = |source| QueryError::Run { name: query.name.clone(), source };
        for (index, statement) in statements.iter().enumerate() {
            // Somebody waits for the first rows; beside those who write them, two threads would take more than they give.
            let has_run =
                if index == 0 { connection.execute_batch(statement) } else { alone_by_one_thread(&by_one, &connection, statement) };
            has_run.map_err(run_error)?;
            let count = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).map_err(run_error)?;
            if tell.send(count).is_err() {
                return Ok(());
            }
        }
        let rows = promised(&connection, &table, &query.name, &query.unique, &query.not_null)?;
        log_done(&query.name, rows, began);
        // Of rows that were there from the start nobody has been told.
        let _ = tell.send(rows);
        Ok(())
    });
    Arc::new(Filling(Mutex::new(Progress { told: Some(told), rows: 0, filler: Some(filler), end: None })))
}

/// Returns how many rows `table` has, which are what a header promises of the query called `name`: told apart by `unique`, none without a
/// value in `not_null`.
///
/// # Errors
/// The promise that is broken, and when the table cannot be read.
pub(in crate::query) fn promised(
    connection: &Connection,
    table: &str,
    name: &str,
    unique: &[String],
    not_null: &[String],
) -> Result<usize, QueryError> {
    let nulls = not_null.iter().map(|name| format!("count(*) - count(\"{name}\")"));
    let nulls = std::iter::once("0".to_owned()).chain(nulls).collect::<Vec<_>>().join(" + ");
    let key = unique.join("\", \"");
    let sql = format!("SELECT count(*), count(DISTINCT (\"{key}\")), {nulls} FROM {table}");
    let found = connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (rows, keys, nulls): (i64, i64, i64) = found.map_err(|source| QueryError::Run { name: name.to_owned(), source })?;
    if rows != keys || nulls > 0 {
        let broken = format!("of {rows} rows {} repeat {} and {nulls} lack a value", rows - keys, unique.join(", "));
        return Err(QueryError::Promise { name: name.to_owned(), broken });
    }
    Ok(usize::try_from(rows).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::{panic::AssertUnwindSafe, sync::mpsc::Sender};

    use super::*;

    /// A table that is filled as `fill` does it.
    fn filled_by(fill: impl FnOnce(&Sender<usize>) -> Result<(), QueryError> + Send + 'static) -> Filling {
        let (tell, told) = mpsc::channel();
        let filler = thread::spawn(move || fill(&tell));
        Filling(Mutex::new(Progress { told: Some(told), rows: 0, filler: Some(filler), end: None }))
    }

    fn broken() -> QueryError {
        QueryError::Promise { name: "q".to_owned(), broken: "of 7 rows 1 repeat id".to_owned() }
    }

    #[test]
    fn rows_that_are_there_are_not_waited_for() {
        let (go_on, wait) = mpsc::channel::<()>();
        let filling = filled_by(move |tell| {
            for rows in [5, 7] {
                tell.send(rows).unwrap();
            }
            wait.recv().unwrap();
            Err(broken())
        });
        filling.wait_for(5).unwrap();
        filling.wait_for(7).unwrap();
        assert_eq!(filling.progress().rows, 7);
        go_on.send(()).unwrap();
        // Whether these are all, and what is wrong with them, is known at the end alone, and then to all who ask.
        for rows in [8, 8, 1] {
            assert_eq!(filling.wait_for(rows).unwrap_err().to_string(), broken().to_string());
        }
    }

    #[test]
    fn a_filler_that_broke_off_is_not_done() {
        let filling = filled_by(|_| panic!("broken off"));
        assert!(panic::catch_unwind(AssertUnwindSafe(|| filling.wait_for(1))).is_err());
    }

    #[test]
    fn nobody_computes_for_nobody() {
        let (done, told) = mpsc::channel();
        drop(filled_by(move |tell| {
            while tell.send(1).is_ok() {}
            done.send("over").unwrap();
            Ok(())
        }));
        assert_eq!(told.try_recv(), Ok("over"));
    }
}
