//! Steps that bring the live database to the current schema. A step that has run is never changed; a new one is added.

use duckdb::Connection;

use super::StoreError;

const STEPS: [&str; 2] = [include_str!("steps/1.sql"), include_str!("steps/2.sql")];

/// Runs the steps that the database has not seen yet, each in one transaction.
pub fn migrate(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("CREATE TABLE IF NOT EXISTS main.schema_step (step BIGINT NOT NULL)")?;
    let done: i64 = connection.query_row("SELECT count(*) FROM main.schema_step", [], |row| row.get(0))?;
    let known = i64::try_from(STEPS.len()).expect("a handful of steps");
    if done > known {
        return Err(StoreError::TooNew { found: done, known });
    }
    for (step, sql) in (1_i64..).zip(STEPS).skip(usize::try_from(done).expect("a count")) {
        connection.execute_batch(&format!("BEGIN TRANSACTION; {sql}; INSERT INTO main.schema_step VALUES ({step}); COMMIT"))?;
    }
    Ok(())
}
