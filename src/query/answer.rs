//! Rows of a Parquet file that answers a question, read a stretch at a time.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use duckdb::Connection;

use super::{QueryError, engine::to_frame};
use crate::domain::{
    Cell, Column, Table,
    report_data::{DetailRows, RowsError},
};

/// An answer in its file.
pub struct AnswerFile {
    connection: Connection,
    path: PathBuf,
    columns: Vec<Column>,
    row_count: usize,
}

impl std::fmt::Debug for AnswerFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.fmt(formatter)
    }
}

impl AnswerFile {
    /// Opens the file in `path`, which has `columns` and `row_count` rows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path, columns: Vec<Column>, row_count: usize) -> Result<AnswerFile, QueryError> {
        let connection = Connection::open_in_memory().map_err(QueryError::Snapshot)?;
        Ok(AnswerFile { connection, path: path.to_owned(), columns, row_count })
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
            "SELECT count(*), count(DISTINCT ({})), {} FROM read_parquet('{}')",
            quoted(unique, &|column| column, ", "),
            if nulls.is_empty() { "0" } else { &nulls },
            self.path_literal()
        );
        let (rows, keys, nulls): (i64, i64, i64) =
            self.connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(failed)?;
        if rows == keys && nulls == 0 {
            return Ok(());
        }
        let broken = format!("of {rows} rows {} repeat {} and {nulls} lack a value", rows - keys, unique.join(", "));
        Err(QueryError::Promise { name: name.to_owned(), broken })
    }

    fn path_literal(&self) -> String {
        self.path.to_string_lossy().replace('\'', "''")
    }

    fn read(&self, range: Range<usize>) -> Result<Table, RowsError> {
        let failed = |error: duckdb::Error| RowsError(Box::new(error));
        let columns: Vec<String> = self.columns.iter().map(|column| format!("\"{}\"", column.name.replace('"', "\"\""))).collect();
        let sql = format!(
            "SELECT {} FROM read_parquet('{}', file_row_number = true) WHERE file_row_number >= {} AND file_row_number < {}
             ORDER BY file_row_number",
            columns.join(", "),
            self.path_literal(),
            range.start,
            range.end
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let arrow = statement.query_arrow([]).map_err(failed)?;
        let frame = to_frame(arrow.get_schema(), arrow.collect()).map_err(|reason| RowsError(reason.into()))?;
        Table::new(self.columns.clone(), frame).map_err(|error| RowsError(Box::new(error)))
    }
}

impl DetailRows for AnswerFile {
    fn row_count(&self) -> usize {
        self.row_count
    }

    fn rows(&self, range: Range<usize>) -> Result<Table, RowsError> {
        self.read(range)
    }

    fn save_parquet(&self, path: &Path) -> Result<(), RowsError> {
        fs::copy(&self.path, path).map(|_| ()).map_err(|error| RowsError(Box::new(error)))
    }
}

/// Returns a cell as it is, for columns of which nobody has said what they mean.
pub fn plain(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => text.to_owned(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
        Cell::Date(day) => day.to_string(),
        Cell::Time(time) => time.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
        Cell::Bool(flag) => flag.to_string(),
    }
}
