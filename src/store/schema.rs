//! Steps that bring the live database to the current schema. A step that has run is never changed; a new one is added.

use duckdb::Connection;

use super::StoreError;

const STEPS: [&str; 1] = ["
CREATE SCHEMA raw;
CREATE SCHEMA settings;
CREATE SCHEMA staging;
CREATE SCHEMA marts;
CREATE SCHEMA restricted;

CREATE SEQUENCE raw.version;
CREATE TABLE raw.ticket (
    version BIGINT NOT NULL, ticket_id VARCHAR NOT NULL, customer_key VARCHAR NOT NULL, body VARCHAR NOT NULL,
    key_name VARCHAR NOT NULL, run_id VARCHAR NOT NULL
);
CREATE TABLE raw.rejected (resource VARCHAR NOT NULL, reason VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, run_id VARCHAR NOT NULL);
CREATE TABLE raw.message (
    owner VARCHAR NOT NULL, customer_key VARCHAR NOT NULL, message_id VARCHAR NOT NULL, direction VARCHAR NOT NULL,
    author VARCHAR, content BOOLEAN NOT NULL, sent_at TIMESTAMP NOT NULL, run_id VARCHAR NOT NULL
);
CREATE TABLE raw.message_read (ticket_id VARCHAR NOT NULL, is_final BOOLEAN NOT NULL, run_id VARCHAR NOT NULL);
CREATE TABLE raw.event (
    event_id VARCHAR NOT NULL, category VARCHAR NOT NULL, action VARCHAR NOT NULL, recorded_at TIMESTAMP NOT NULL,
    customer_key VARCHAR, queue VARCHAR, run_id VARCHAR NOT NULL
);
CREATE TABLE restricted.comment (event_id VARCHAR NOT NULL, comment VARCHAR NOT NULL);
CREATE TABLE raw.attendant (version BIGINT NOT NULL, agent VARCHAR NOT NULL, name VARCHAR, queues VARCHAR, run_id VARCHAR NOT NULL);
CREATE TABLE raw.queue (queue VARCHAR NOT NULL);
CREATE TABLE raw.coverage (
    resource VARCHAR NOT NULL, key_name VARCHAR NOT NULL, day DATE NOT NULL, reported BIGINT NOT NULL, stored BIGINT NOT NULL,
    still_open BIGINT NOT NULL, day_was_over BOOLEAN NOT NULL
);
CREATE TABLE raw.load (
    run_id VARCHAR NOT NULL, finished_at TIMESTAMP NOT NULL, ticket_answers BIGINT NOT NULL, messages BIGINT NOT NULL, events BIGINT NOT NULL
);
CREATE TABLE raw.mark (name VARCHAR NOT NULL, value VARCHAR NOT NULL);

CREATE TABLE settings.queue_sector (queue VARCHAR NOT NULL, sector VARCHAR NOT NULL);
CREATE TABLE settings.rule (direct_transfer VARCHAR NOT NULL, default_queue VARCHAR NOT NULL, unresolved VARCHAR NOT NULL);
CREATE TABLE settings.survey (
    category VARCHAR NOT NULL, scale VARCHAR NOT NULL, lowest BIGINT NOT NULL, highest BIGINT NOT NULL, satisfied_from BIGINT NOT NULL
);
CREATE TABLE settings.answer (answer VARCHAR NOT NULL, score BIGINT NOT NULL);
CREATE TABLE settings.offset_span (from_at TIMESTAMP NOT NULL, until_at TIMESTAMP NOT NULL, offset_s BIGINT NOT NULL);
"];

/// Runs the steps that the database has not seen yet.
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
