//! Writes a part again with other words in some of its columns.

use std::{collections::BTreeSet, path::Path};

use duckdb::{Connection, params};

use super::QueryError;
use crate::snapshot::{PARQUET, sql_path};

/// Writes the rows of `source` to `target` in their order, each word in `columns` replaced by what `mask` makes of it.
///
/// # Errors
/// When a file cannot be read or written.
pub fn mask(source: &Path, columns: &[String], mask: &dyn Fn(&str) -> String, target: &Path) -> Result<(), QueryError> {
    let connection = Connection::open_in_memory().map_err(QueryError::Snapshot)?;
    masked(&connection, source, columns, mask, target).map_err(|source| QueryError::Run { name: "mask".to_owned(), source })
}

fn masked(connection: &Connection, source: &Path, columns: &[String], mask: &dyn Fn(&str) -> String, target: &Path) -> duckdb::Result<()> {
    let rows = format!("read_parquet({}, file_row_number = true, hive_partitioning = false)", sql_path(source));
    let mut words: BTreeSet<String> = BTreeSet::new();
    for column in columns {
        let mut statement = connection.prepare(&format!("SELECT DISTINCT \"{column}\" FROM {rows} WHERE \"{column}\" IS NOT NULL"))?;
        let found = statement.query_map([], |row| row.get(0))?;
        words.extend(found.collect::<duckdb::Result<Vec<String>>>()?);
    }
    connection.execute_batch("CREATE TABLE word (plain VARCHAR, masked VARCHAR)")?;
    let mut insert = connection.prepare("INSERT INTO word VALUES (?, ?)")?;
    words.iter().try_for_each(|word| insert.execute(params![word, mask(word)]).map(|_| ()))?;
    let replaced: Vec<String> =
        columns.iter().map(|column| format!("(SELECT masked FROM word WHERE plain = part.\"{column}\") AS \"{column}\"")).collect();
    connection.execute_batch(&format!(
        "COPY (SELECT * EXCLUDE (file_row_number) REPLACE ({}) FROM {rows} AS part ORDER BY file_row_number)
         TO {} ({PARQUET})",
        replaced.join(", "),
        sql_path(target)
    ))
}
