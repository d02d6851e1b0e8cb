//! Writes rows from elsewhere as a Parquet file, so that questions read them like any table.

use std::path::Path;

use duckdb::{Connection, ToSql, appender_params_from_iter};

use super::QueryError;
use crate::snapshot::sql_path;

/// Writes `rows` to `path`. Columns are names and kinds, as headers of queries name these; a value is null or text that the engine reads as
/// its column's kind.
///
/// # Errors
/// When a value does not fit, or the file cannot be written.
pub fn write_rows(path: &Path, columns: &[(&str, &str)], rows: &[Vec<Option<String>>]) -> Result<(), QueryError> {
    written(path, columns, rows).map_err(|source| QueryError::Run { name: path.to_string_lossy().into_owned(), source })
}

fn written(path: &Path, columns: &[(&str, &str)], rows: &[Vec<Option<String>>]) -> duckdb::Result<()> {
    let connection = Connection::open_in_memory()?;
    let listed = |of: &dyn Fn(&str, &str) -> String| columns.iter().map(|(name, kind)| of(name, kind)).collect::<Vec<_>>().join(", ");
    connection.execute_batch(&format!("CREATE TABLE given ({})", listed(&|name, _| format!("\"{name}\" VARCHAR"))))?;
    {
        let mut appender = connection.appender("given")?;
        for row in rows {
            appender.append_row(appender_params_from_iter(row.iter().map(|value| value as &dyn ToSql)))?;
        }
    }
    let typed = listed(&|name, kind| {
        let kind = match kind {
            "count" => "BIGINT",
            "number" => "DOUBLE",
            "date" => "DATE",
            "local_time" => "TIMESTAMP",
            _ => "VARCHAR",
        };
        format!("CAST(\"{name}\" AS {kind}) AS \"{name}\"")
    });
    connection.execute_batch(&format!("COPY (SELECT {typed} FROM given ORDER BY rowid) TO {} (FORMAT parquet)", sql_path(path)))
}
