//! Writes the database's file anew.
//!
//! What is deleted or changed stays in a file as bytes that nothing names, until something is written over them. Where it must be gone, everything
//! that is there goes into a new file, which takes the place of the old one by renaming. A break-off before that leaves the old file.

use std::{fs, path::Path};

use duckdb::Connection;
use uuid::Uuid;

use super::{Store, StoreError};

/// Name under which the new file is attached.
const FRESH: &str = "fresh_file";

impl Store {
    /// Puts a new file with everything that is there in place of the database's file. Nothing may be open in it but this.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn rewrite(&mut self) -> Result<(), StoreError> {
        let Some(path) = self.log.as_ref().map(|log| log.with_extension("")) else { return Ok(()) };
        let fresh = path.with_file_name(format!(".{}.duckdb", Uuid::new_v4().simple()));
        let written = self.with_enough_memory(|store| {
            remove(&fresh)?;
            store.copy_into(&fresh)
        });
        let done = written.and_then(|()| {
            self.checkpoint()?;
            // The old file is closed before the new one has its name.
            drop(std::mem::replace(&mut self.connection, Connection::open_in_memory()?));
            let renamed = self.log.as_ref().map_or(Ok(()), |log| remove(log)).and_then(|()| take_the_place(&fresh, &path));
            self.connection = Connection::open(&path).map_err(|source| StoreError::opening(&path, source))?;
            Store::set_up(&self.connection)?;
            renamed
        });
        if done.is_err() {
            remove(&fresh)?;
        }
        done
    }

    fn copy_into(&self, fresh: &Path) -> Result<(), StoreError> {
        let next: i64 = self.connection.query_row("SELECT coalesce(max(version), 0) + 1 FROM raw.ticket", [], |row| row.get(0))?;
        let newest: i64 = self.connection.query_row("SELECT coalesce(max(version), 0) + 1 FROM raw.attendant", [], |row| row.get(0))?;
        self.connection.execute_batch(&format!("ATTACH '{}' AS {FRESH}", fresh.display().to_string().replace('\'', "''")))?;
        let copied = self.connection.execute_batch(&format!(
            "COPY FROM DATABASE \"{}\" TO {FRESH};
             CREATE OR REPLACE SEQUENCE {FRESH}.raw.version START WITH {};
             CHECKPOINT {FRESH}",
            self.catalog,
            next.max(newest)
        ));
        self.connection.execute_batch(&format!("USE \"{}\"; DETACH {FRESH}", self.catalog))?;
        Ok(copied?)
    }
}

/// Renames a file to the name of another, whose permissions it gets.
fn take_the_place(fresh: &Path, path: &Path) -> Result<(), StoreError> {
    let done = fs::metadata(path).and_then(|old| fs::set_permissions(fresh, old.permissions())).and_then(|()| fs::rename(fresh, path));
    done.map_err(|source| StoreError::Folder { path: path.to_owned(), source })
}

/// Removes a file that may not be there.
fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(StoreError::Folder { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::lock::Holder;

    #[test]
    fn a_file_that_is_written_anew_holds_what_is_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.duckdb");
        let mut store = Store::open(&path, &Holder::new("a test", chrono::DateTime::UNIX_EPOCH)).unwrap();
        let rows = "INSERT INTO raw.ticket
                    SELECT nextval('raw.version'), 't' || i, 'customer-that-goes-' || i, '{}', 'desk', 1 FROM range(3000) AS t(i)";
        store.connection().execute_batch(rows).unwrap();
        store.checkpoint().unwrap();
        store
            .connection()
            .execute_batch("DELETE FROM raw.ticket WHERE version > 2; UPDATE raw.ticket SET customer_key = 'nobody'")
            .unwrap();
        store.rewrite().unwrap();
        let number = |sql: &str| -> i64 { store.connection().query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!((number("SELECT count(*) FROM raw.ticket"), number("SELECT nextval('raw.version')")), (2, 3));
        assert_eq!(number("SELECT count(*) FROM main.schema_step"), number("SELECT max(step) FROM main.schema_step"));
        assert!(!String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("customer-that-goes"));
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().starts_with('.') || name.to_string_lossy().contains("lock")), "{names:?}");
    }
}
