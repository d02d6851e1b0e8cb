//! Steps that bring the live database to the current schema. A step that has run is never changed; a new one is added.

use duckdb::Connection;

use super::StoreError;

const STEPS: [&str; 17] = [
    include_str!("steps/1.sql"),
    include_str!("steps/2.sql"),
    include_str!("steps/3.sql"),
    include_str!("steps/4.sql"),
    include_str!("steps/5.sql"),
    include_str!("steps/6.sql"),
    include_str!("steps/7.sql"),
    include_str!("steps/8.sql"),
    include_str!("steps/9.sql"),
    include_str!("steps/10.sql"),
    include_str!("steps/11.sql"),
    include_str!("steps/12.sql"),
    include_str!("steps/13.sql"),
    include_str!("steps/14.sql"),
    include_str!("steps/15.sql"),
    include_str!("steps/16.sql"),
    include_str!("steps/17.sql"),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_the_first_version_keeps_what_it_holds() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(&format!(
                "CREATE TABLE main.schema_step (step BIGINT NOT NULL);
                 BEGIN; {}; INSERT INTO main.schema_step VALUES (1); COMMIT;
                 INSERT INTO raw.ticket VALUES
                     (1, 't1', 'ana', '{{\"id\":\"t1\",\"ownerIdentity\":\"bot\",\"status\":\"Open\",\"storageDate\":\"2026-10-05T12:00:00Z\"}}', 'desk', 'r'),
                     (2, 't1', 'ana', '{{\"id\":\"t1\",\"ownerIdentity\":\"bot\",\"status\":\"Transferred\",\"storageDate\":\"2026-10-05T12:00:00Z\"}}', 'desk', 'r'),
                     (3, 't2', 'ana', '{{\"id\":\"t2\",\"ownerIdentity\":\"bot\",\"status\":\"Open\",\"storageDate\":\"2026-10-05T13:00:00Z\"}}', 'desk', 'r'),
                     (4, 't2', 'leo', '{{\"id\":\"t2\",\"ownerIdentity\":\"bot\",\"status\":\"Open\",\"storageDate\":\"2026-10-05T13:00:00Z\"}}', 'desk', 'r');
                 INSERT INTO raw.message VALUES
                     ('bot', 'ana', '0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11', 'received', NULL, TRUE, TIMESTAMP '2026-10-05 12:00:01', 'r'),
                     ('bot', 'ana', 'fwd:1', 'sent', 'Human', TRUE, TIMESTAMP '2026-10-05 12:00:02', 'r'),
                     ('bot', 'leo', 'fwd:1', 'sent', NULL, FALSE, TIMESTAMP '2026-10-05 12:00:03', 'r');
                 INSERT INTO raw.message_read VALUES ('t1', TRUE, 'r');
                 INSERT INTO raw.event VALUES ('e1', 'c', '4', TIMESTAMP '2026-10-05 13:00:00', 'ana', NULL, 'r');
                 INSERT INTO raw.coverage VALUES ('ticket', 'desk', DATE '2026-10-05', 1, 1, 0, TRUE)",
                STEPS[0]
            ))
            .unwrap();
        migrate(&connection).unwrap();
        let text = |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(
            text(
                "SELECT string_agg(CAST(t AS VARCHAR), ' ') FROM (SELECT ticket_id, owner, is_closed FROM state.ticket ORDER BY ticket_id) AS t"
            ),
            "{'ticket_id': t1, 'owner': bot, 'is_closed': true} {'ticket_id': t2, 'owner': bot, 'is_closed': false}"
        );
        assert_eq!(text("SELECT string_agg(ticket_id || ' ' || customer_key, ', ') FROM state.former_customer"), "t2 ana");
        assert_eq!(
            text("SELECT CAST(count(*) AS VARCHAR) FROM raw.message INNER JOIN raw.thread USING (thread_id) WHERE customer_key = 'ana'"),
            "2"
        );
        assert_eq!(
            text(
                "SELECT string_agg(DISTINCT CAST(message_id AS VARCHAR), ' ' ORDER BY CAST(message_id AS VARCHAR)) FROM raw.message WHERE is_received"
            ),
            "0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11"
        );
        // Ids that are no UUIDs get the same digest as those that are read from now on.
        let digest = crate::domain::digest::sha256(b"fwd:1");
        assert_eq!(
            text("SELECT DISTINCT replace(CAST(message_id AS VARCHAR), '-', '') FROM raw.message WHERE NOT is_received"),
            digest[..32]
        );
        assert_eq!(
            text(
                "SELECT string_agg(version || ' ' || ticket_id || ' ' || run || ' ' || (body ->> 'status'), ', ' ORDER BY version) FROM raw.ticket"
            ),
            "1 t1 0 Open, 2 t1 0 Transferred, 3 t2 0 Open, 4 t2 0 Open"
        );
        assert_eq!(text("SELECT source FROM raw.message_read"), "ticket");
        assert_eq!(text("SELECT string_agg(ticket_id || ' ' || has_all_messages, ', ') FROM state.unsettled"), "t2 false");
        assert_eq!(text("SELECT CAST(bool_and(is_steady AND set_aside = 0) AS VARCHAR) FROM raw.coverage"), "true");
        migrate(&connection).unwrap();
    }
}
