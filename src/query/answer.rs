//! Rows of a Parquet file that answers a question, read a stretch at a time.

use std::{
    cell::Cell,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    rc::Rc,
};

use duckdb::Connection;

use super::{QueryError, engine::to_frame};
use crate::{
    domain::{
        Cell as Value, Column, Table,
        report_data::{DetailRows, RowsError},
    },
    snapshot::sql_path,
};

/// Reads Parquet files that this program wrote.
#[derive(Clone)]
pub struct FileReader {
    connection: Rc<Connection>,
}

impl FileReader {
    /// Opens the engine.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn new() -> Result<FileReader, QueryError> {
        Ok(FileReader::with(Connection::open_in_memory().map_err(QueryError::Snapshot)?))
    }

    /// Starts the engine in a thread of its own.
    pub fn start() -> impl FnOnce() -> Result<FileReader, QueryError> {
        let opening = std::thread::spawn(Connection::open_in_memory);
        move || match opening.join() {
            Ok(opened) => Ok(FileReader::with(opened.map_err(QueryError::Snapshot)?)),
            Err(_) => FileReader::new(),
        }
    }

    fn with(connection: Connection) -> FileReader {
        FileReader { connection: Rc::new(connection) }
    }

    /// Returns the columns of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn columns_of(&self, file: &Path) -> Result<Vec<String>, QueryError> {
        let failed = QueryError::Snapshot;
        let sql = format!("SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet({}, hive_partitioning = false))", sql_path(file));
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Returns the rows of a query with these columns.
    fn table(&self, sql: &str, columns: Vec<Column>) -> Result<Table, RowsError> {
        let failed = |error: duckdb::Error| RowsError(Box::new(error));
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let arrow = statement.query_arrow([]).map_err(failed)?;
        let frame = to_frame(arrow.get_schema(), arrow.collect()).map_err(|reason| RowsError(reason.into()))?;
        Table::new(columns, frame).map_err(|error| RowsError(Box::new(error)))
    }
}

/// Rows that are read at once; an answer with more is kept by the engine while it is read.
const FIRST: usize = 20_000;

/// An answer in its file.
pub struct AnswerFile {
    reader: FileReader,
    path: PathBuf,
    row_count: usize,
    /// The first rows.
    first: Table,
    is_kept: Cell<bool>,
}

impl std::fmt::Debug for AnswerFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.fmt(formatter)
    }
}

impl AnswerFile {
    /// Opens the file in `path`, which has `columns` and `row_count` rows. What does not fit into memory goes to the file's folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(reader: &FileReader, path: &Path, columns: Vec<Column>, row_count: usize) -> Result<AnswerFile, RowsError> {
        let sql = format!("SELECT * FROM read_parquet({}, hive_partitioning = false) LIMIT {FIRST}", sql_path(path));
        let first = reader.table(&sql, columns)?;
        Ok(AnswerFile { reader: reader.clone(), path: path.to_owned(), row_count, first, is_kept: Cell::new(false) })
    }

    /// Has the engine keep all rows, once.
    fn keep(&self) -> duckdb::Result<()> {
        if !self.is_kept.replace(true) {
            self.reader.connection.execute_batch(&format!(
                "SET temp_directory = {}; CREATE OR REPLACE TEMP TABLE answer AS SELECT * FROM read_parquet({}, hive_partitioning = false)",
                sql_path(&self.path.with_file_name("spill")),
                sql_path(&self.path)
            ))?;
        }
        Ok(())
    }

    /// Holds the rows to what a query's header promises.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn require(&self, name: &str, unique: &[String], not_null: &[String]) -> Result<(), QueryError> {
        let failed = |source| QueryError::Run { name: name.to_owned(), source };
        let quoted = |columns: &[String], of: &dyn Fn(String) -> String, between: &str| {
            columns.iter().map(|column| of(format!("\"{column}\""))).collect::<Vec<_>>().join(between)
        };
        let nulls = quoted(not_null, &|column| format!("(count(*) - count({column}))"), " + ");
        let sql = format!(
            "SELECT count(*), count(DISTINCT ({})), {} FROM read_parquet({})",
            quoted(unique, &|column| column, ", "),
            if nulls.is_empty() { "0" } else { &nulls },
            sql_path(&self.path)
        );
        let (rows, keys, nulls): (i64, i64, i64) =
            self.reader.connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(failed)?;
        if rows == keys && nulls == 0 {
            return Ok(());
        }
        let broken = format!("of {rows} rows {} repeat {} and {nulls} lack a value", rows - keys, unique.join(", "));
        Err(QueryError::Promise { name: name.to_owned(), broken })
    }
}

impl DetailRows for AnswerFile {
    fn row_count(&self) -> usize {
        self.row_count
    }

    fn rows(&self, range: Range<usize>) -> Result<Table, RowsError> {
        if range.end <= self.first.row_count() {
            return Ok(self.first.slice(range));
        }
        self.keep().map_err(|error| RowsError(Box::new(error)))?;
        let sql = format!("SELECT * FROM answer WHERE rowid >= {} AND rowid < {} ORDER BY rowid", range.start, range.end);
        self.reader.table(&sql, self.first.columns().to_vec())
    }

    fn save_parquet(&self, path: &Path) -> Result<(), RowsError> {
        fs::copy(&self.path, path).map(|_| ()).map_err(|error| RowsError(Box::new(error)))
    }
}

/// Returns a cell as it is, for columns of which nobody has said what they mean.
pub fn plain(cell: Value<'_>) -> String {
    match cell {
        Value::Null => String::new(),
        Value::Text(text) => text.to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Date(day) => day.to_string(),
        Value::Time(time) => time.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
        Value::Bool(flag) => flag.to_string(),
    }
}
