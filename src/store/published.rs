//! Which snapshots this database has published: one that does not know the newest is older than that.

use duckdb::params;

use super::{Store, StoreError};

impl Store {
    /// Notes that this database publishes the snapshot `id`, or goes on from it. Called before readers can see the snapshot, so that a process
    /// that dies between the two leaves a database that knows a snapshot too many, never one too few.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_published(&self, id: &str) -> Result<(), StoreError> {
        if !self.has_published(id)? {
            self.connection.execute("INSERT INTO state.published_snapshot VALUES (?)", params![id])?;
        }
        Ok(())
    }

    /// Returns whether this database has published the snapshot `id`, or was told to go on from it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_published(&self, id: &str) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare("SELECT count(*) > 0 FROM state.published_snapshot WHERE snapshot_id = ?")?;
        Ok(statement.query_row(params![id], |row| row.get(0))?)
    }

    /// Returns whether this database knows any snapshot that it published: earlier versions noted none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn knows_what_it_published(&self) -> Result<bool, StoreError> {
        Ok(self.connection.query_row("SELECT count(*) > 0 FROM state.published_snapshot", [], |row| row.get(0))?)
    }

    /// Returns the number of rows of the published table `table`; 0 where it was not made yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn mart_rows(&self, table: &str) -> Result<i64, StoreError> {
        let is_there: bool = self.connection.query_row(
            "SELECT count(*) > 0 FROM duckdb_tables()
             WHERE database_name = current_database() AND schema_name = 'marts' AND table_name = ?",
            params![table],
            |row| row.get(0),
        )?;
        if !is_there {
            return Ok(0);
        }
        Ok(self.connection.query_row(&format!("SELECT count(*) FROM marts.\"{table}\""), [], |row| row.get(0))?)
    }
}
