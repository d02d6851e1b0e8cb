//! How rows become files of Parquet: the same rows are the same bytes.

use std::{
    fs::{self, File},
    path::Path,
};

use duckdb::Connection;

use super::{RESTRICTED, SnapshotError, sql_path};
use crate::{
    domain::digest::sha256_of,
    files::{self, FileMode},
};

/// A file of rows as it was written.
pub(super) struct Written {
    /// Name of the file in its folder.
    pub name: String,
    pub rows: i64,
    pub bytes: u64,
    pub sha256: String,
}

/// What a month may take at most that does not fit into the memory that loads are held to: encoding cannot spill as sorting does.
const MOST_MEMORY_MB: u64 = 4096;

/// Does `work` with one thread, and again with twice the memory for as long as there was too little.
///
/// Several threads cut groups of rows otherwise where memory runs short, so that the same rows could be other bytes; and each needs memory
/// of its own.
///
/// # Errors
/// That of `work`, or of a setting.
pub fn by_one_thread<T>(connection: &Connection, work: impl Fn() -> duckdb::Result<T>) -> duckdb::Result<T> {
    let is_too_little = |error: &duckdb::Error| error.to_string().contains("Out of Memory");
    let (threads, usual, bytes): (i64, String, f64) = connection.query_row(
        "SELECT current_setting('threads'), current_setting('memory_limit'), CAST(parse_formatted_bytes(current_setting('memory_limit')) AS DOUBLE)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    connection.execute_batch("SET threads = 1")?;
    let mut done = work();
    let mut usual_settings = format!("SET threads = {threads}");
    // A limit is a few hundred megabytes: no precision is lost.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let mut limit_mb = (bytes / 1e6) as u64;
    while done.as_ref().is_err_and(is_too_little) && limit_mb < MOST_MEMORY_MB {
        limit_mb *= 2;
        connection.execute_batch(&format!("SET memory_limit = '{limit_mb}MB'"))?;
        usual_settings = format!("SET threads = {threads}; SET memory_limit = '{usual}'");
        done = work();
    }
    connection.execute_batch(&usual_settings)?;
    done
}

/// How parts are written: the first level of zstd takes two thirds of the time of the third for a twentieth more bytes, and a group of rows
/// is in memory as a whole until it is written.
pub const PARQUET: &str = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 20480";

/// Folder into which parts are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub folder: &'a Path,
    /// Permissions of the files, where others are to read them.
    pub sharing: Option<FileMode>,
}

impl Target<'_> {
    /// Writes the rows of `sql` as a part of `table` below the folder `place`: under a temporary name, then under its content's.
    pub fn write(&self, connection: &Connection, table: &str, place: &str, sql: &str) -> Result<Written, SnapshotError> {
        let folder = self.folder.join(place);
        files::make_shared_folder(&folder, self.sharing).map_err(|error| SnapshotError::file("created", &error.path)(error.source))?;
        let mode = if RESTRICTED.contains(&table) { Some(FileMode::PRIVATE) } else { self.sharing };
        write_file(connection, &folder, mode, sql)
    }
}

fn write_file(connection: &Connection, folder: &Path, mode: Option<FileMode>, sql: &str) -> Result<Written, SnapshotError> {
    let temporary = files::temporary_name(&folder.join("part")).with_extension("parquet");
    let copy = format!("COPY ({sql}) TO {} ({PARQUET})", sql_path(&temporary));
    let rows = by_one_thread(connection, || connection.query_row(&copy, [], |row| row.get(0)))?;
    let mut file = File::open(&temporary).map_err(SnapshotError::file("read", &temporary))?;
    let (hash, bytes) = sha256_of(&mut file).map_err(SnapshotError::file("read", &temporary))?;
    file.sync_all().map_err(SnapshotError::file("written", &temporary))?;
    let set = |mode: FileMode| mode.set_file(&temporary).map_err(|error| SnapshotError::file("restricted", &temporary)(error.source));
    mode.map_or(Ok(()), set)?;
    let name = format!("{}.parquet", &hash[..16]);
    let finished = folder.join(&name);
    fs::rename(&temporary, &finished).map_err(SnapshotError::file("renamed", &finished))?;
    Ok(Written { name, rows, bytes, sha256: hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_memory_nor_threads_make_the_same_rows_other_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open_in_memory().unwrap();
        // Four full groups of rows and a few more, which several threads put into a group of their own or not.
        let sql = "CREATE SCHEMA marts;
             CREATE TABLE marts.big AS
             SELECT i AS id, md5(CAST(i AS VARCHAR)) AS a, md5(CAST(i + 1 AS VARCHAR)) AS b FROM range(165236) AS t(i)";
        connection.execute_batch(sql).unwrap();
        let written = |threads: i64, memory: &str| {
            connection.execute_batch(&format!("SET threads = {threads}; SET memory_limit = '{memory}'")).unwrap();
            write_file(&connection, folder.path(), None, "SELECT * FROM marts.big ORDER BY a").unwrap().sha256
        };
        let usual = written(4, "1GB");
        assert_eq!([written(2, "40MB"), written(4, "40MB"), written(1, "40MB")], [usual.clone(), usual.clone(), usual]);
    }
}
