//! What is held about one customer, and how it is unlinked from them.
//!
//! Facts stay, so that totals stay: the customer's pseudonym is replaced by a random one that nothing leads to. A list of the pseudonyms
//! that were unlinked keeps them so when a source tells the same records again.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use duckdb::params;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::domain::digest::sha256;

/// How the receipts of unlinkings begin that nobody asked for: records were kept long enough.
pub const RETENTION: &str = "retention-";

/// How a pseudonym begins that leads to nobody; those of customers are hexadecimal.
pub const UNLINKED: char = 'x';

/// Returns a pseudonym that leads to nobody.
pub(super) fn of_nobody() -> String {
    format!("{UNLINKED}{}", &Uuid::new_v4().simple().to_string()[1..])
}

/// Returns what is kept of a pseudonym that was unlinked: it is known again when a source tells of it, and cannot be turned back.
pub fn erased_digest(customer_key: &str) -> String {
    sha256(format!("erased:{customer_key}").as_bytes())
}

/// Customers that are going to be unlinked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnlinkingPlan {
    /// The pseudonyms before and after. One person can have several.
    pub pairs: Vec<(String, String)>,
    /// Number of persons.
    pub persons: usize,
    /// Answers whose comments go.
    pub answers_without_comment: Vec<String>,
}

/// What was unlinked.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Unlinked {
    /// Customers.
    pub customers: usize,
    /// Their tickets.
    pub tickets: usize,
    /// Their survey answers.
    pub answers: usize,
    /// Their comments, which are gone.
    pub comments: usize,
}

/// Tables of what sources told, by customer.
const BY_CUSTOMER: [&str; 11] = [
    "raw.ticket",
    "raw.imported_ticket",
    "raw.imported_rating",
    "raw.event",
    "raw.thread",
    "state.ticket",
    "state.unsettled",
    "state.former_customer",
    "state.open_tunnel",
    "state.unnamed_customer",
    "raw.identity_link",
];

impl Store {
    /// Returns everything that is held about the customer with these pseudonyms, and under all that are linked to them, by kind of record; empty
    /// lists where there is nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn held_about(&self, customer_keys: &[String]) -> Result<Map<String, Value>, StoreError> {
        let keys = self.keys_of_persons(customer_keys.iter().map(String::as_str))?;
        self.fill_temporary("held_customer", keys.iter().map(String::as_str))?;
        let mut held = Map::new();
        for (name, sql) in [
            ("conversations", "SELECT * FROM marts.conversation WHERE customer_key IN (SELECT text FROM held_customer) ORDER BY started_at, conversation_id"),
            ("tickets", "SELECT * FROM marts.ticket WHERE customer_key IN (SELECT text FROM held_customer) ORDER BY created_at, ticket_id"),
            ("ticket_answers", "SELECT version, ticket_id, body, key_name FROM raw.ticket WHERE customer_key IN (SELECT text FROM held_customer) ORDER BY version"),
            ("imported_tickets", "SELECT ticket_id, body FROM raw.imported_ticket WHERE customer_key IN (SELECT text FROM held_customer) ORDER BY ticket_id"),
            (
                "messages",
                "SELECT thread.owner, message.message_id, message.is_received, message.author, message.content AS has_content, message.sent_at, message.is_survey
                 FROM raw.message INNER JOIN raw.thread USING (thread_id) WHERE thread.customer_key IN (SELECT text FROM held_customer)
                 ORDER BY message.sent_at, message.message_id",
            ),
            (
                "survey_answers",
                "SELECT event.event_id, event.category, event.action AS answer, event.queue, event.recorded_at, comment.comment
                 FROM raw.event LEFT JOIN restricted.comment USING (event_id) WHERE event.customer_key IN (SELECT text FROM held_customer)
                 ORDER BY event.recorded_at, event.event_id",
            ),
            ("imported_answers", "SELECT rating_id, ticket_id, answer, queue, answered_at FROM raw.imported_rating WHERE customer_key IN (SELECT text FROM held_customer)"),
            ("erasures", "SELECT erased_at, receipt FROM restricted.erasure WHERE customer_digest IN (SELECT sha256('erased:' || text) FROM held_customer) GROUP BY erased_at, receipt ORDER BY erased_at, receipt"),
        ] {
            let sql = format!("SELECT CAST(to_json(one) AS VARCHAR) FROM ({sql}) AS one");
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            // What would be no JSON is told as it is.
            let parsed = rows.map(|row| row.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))));
            held.insert(name.to_owned(), json!(parsed.collect::<duckdb::Result<Vec<Value>>>()?));
        }
        Ok(held)
    }

    /// Returns how the customers with these pseudonyms, who are `persons`, will be unlinked under all the pseudonyms to which links lead, and which
    /// comments will go.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn plan_unlinking(&self, customers: &[String], persons: usize) -> Result<UnlinkingPlan, StoreError> {
        let customers = self.keys_of_persons(customers.iter().map(String::as_str))?;
        self.fill_temporary("unlinking_customer", customers.iter().map(String::as_str))?;
        let answers_without_comment = self.texts(
            "SELECT comment.event_id FROM restricted.comment INNER JOIN raw.event USING (event_id)
             WHERE event.customer_key IN (SELECT text FROM unlinking_customer)",
        )?;
        let pairs = customers.into_iter().map(|customer| (customer, of_nobody())).collect();
        let mut answers_without_comment: Vec<String> = answers_without_comment.into_iter().collect();
        answers_without_comment.sort();
        Ok(UnlinkingPlan { pairs, persons, answers_without_comment })
    }

    /// Unlinks all records of some customers from them. Belongs into a transaction; tables are to be refreshed after it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn unlink(&self, plan: &UnlinkingPlan, at: DateTime<Utc>, receipt: &str) -> Result<Unlinked, StoreError> {
        let mut unlinked = Unlinked { customers: plan.persons, ..Unlinked::default() };
        self.connection.execute_batch("CREATE OR REPLACE TEMP TABLE unlinking (customer_key VARCHAR, new_key VARCHAR)")?;
        {
            let mut appender = self.connection.appender("unlinking")?;
            plan.pairs.iter().try_for_each(|(customer, new_key)| appender.append_row(params![customer, new_key]))?;
            appender.flush()?;
        }
        unlinked.comments = self.connection.execute(
            "DELETE FROM restricted.comment
             WHERE event_id IN (SELECT event_id FROM raw.event WHERE customer_key IN (SELECT customer_key FROM unlinking))",
            [],
        )?;
        // Their messages are not asked for again: with them would come whose they are.
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE unlinked_ticket AS
             SELECT ticket_id FROM state.ticket WHERE customer_key IN (SELECT customer_key FROM unlinking);
             UPDATE raw.message_read SET is_final = TRUE WHERE ticket_id IN (SELECT ticket_id FROM unlinked_ticket);
             INSERT INTO raw.message_read (ticket_id, is_final, source)
             SELECT ticket_id, TRUE, 'expired' FROM unlinked_ticket
             WHERE ticket_id NOT IN (SELECT ticket_id FROM raw.message_read);
             DELETE FROM state.unsettled WHERE is_closed AND ticket_id IN (SELECT ticket_id FROM unlinked_ticket);
             UPDATE state.unsettled SET has_all_messages = TRUE, message_source = coalesce(message_source, 'expired')
             WHERE ticket_id IN (SELECT ticket_id FROM unlinked_ticket);
             INSERT INTO state.changed_customer SELECT customer_key FROM unlinking UNION ALL SELECT new_key FROM unlinking;
             -- One person stays one, by links between pseudonyms that lead to nobody.
             INSERT INTO state.changed_link SELECT customer_key FROM unlinking UNION ALL SELECT new_key FROM unlinking;
             UPDATE raw.identity_link SET linked_key = unlinking.new_key FROM unlinking WHERE unlinking.customer_key = identity_link.linked_key",
        )?;
        for table in BY_CUSTOMER {
            let changed = self.connection.execute(
                &format!(
                    "UPDATE {table} SET customer_key = unlinking.new_key FROM unlinking WHERE unlinking.customer_key = {table}.customer_key"
                ),
                [],
            )?;
            match table {
                "state.ticket" | "raw.imported_ticket" => unlinked.tickets += changed,
                "raw.event" | "raw.imported_rating" => unlinked.answers += changed,
                _ => {}
            }
        }
        self.connection.execute(
            "INSERT INTO restricted.erasure (customer_digest, erased_at, receipt) SELECT sha256('erased:' || customer_key), ?, ? FROM unlinking",
            params![at.naive_utc(), receipt],
        )?;
        Ok(unlinked)
    }

    /// Returns the customers of whom nothing is later than `before`, and who are not unlinked yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn customers_silent_since(&self, before: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "WITH seen AS (
                 SELECT customer_key, coalesce(closed_at, TIMESTAMP '9999-01-01') AS last_at FROM marts.ticket
                 UNION ALL
                 SELECT customer_key, recorded_at FROM raw.event WHERE customer_key IS NOT NULL
                 UNION ALL
                 SELECT customer_key, answered_at FROM raw.imported_rating WHERE customer_key IS NOT NULL AND answered_at IS NOT NULL
             )
             SELECT coalesce(person.person_key, seen.customer_key)
             FROM seen
             LEFT JOIN state.person ON person.customer_key = seen.customer_key
             WHERE NOT starts_with(seen.customer_key, '{UNLINKED}')
             GROUP BY coalesce(person.person_key, seen.customer_key)
             HAVING max(seen.last_at) < ?
             ORDER BY coalesce(person.person_key, seen.customer_key)"
        ))?;
        let rows = statement.query_map(params![before.naive_utc()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes tickets that a source sends again for unlinked customers lead to nobody: to the pseudonym that the ticket has here, or to
    /// one of its own.
    pub(super) fn keep_tickets_unlinked(&self) -> Result<(), StoreError> {
        self.keep_unlinked(
            "incoming_ticket",
            "created_at",
            &format!(
                "customer_key = coalesce(
                     (SELECT any_value(known.customer_key) FROM state.ticket AS known WHERE known.ticket_id = incoming_ticket.ticket_id),
                     '{UNLINKED}' || substr(md5(CAST(random() AS VARCHAR) || ticket_id), 2)
                 )"
            ),
        )
    }

    /// Makes survey answers that a source sends again for unlinked customers name nobody.
    pub(super) fn keep_events_unlinked(&self) -> Result<(), StoreError> {
        self.keep_unlinked("incoming_event", "recorded_at", "customer_key = NULL, comment = NULL")
    }

    fn keep_unlinked(&self, incoming: &str, told_at: &str, set: &str) -> Result<(), StoreError> {
        let any: bool = self.connection.query_row("SELECT count(*) > 0 FROM restricted.erasure", [], |row| row.get(0))?;
        if any {
            // Who was unlinked by an earlier version is known by the pseudonym of that version.
            for column in ["customer_key", "earlier_key"] {
                self.connection.execute_batch(&format!(
                    "UPDATE {incoming} SET {set}
                     FROM (SELECT customer_digest, max(erased_at) AS erased_at FROM restricted.erasure GROUP BY customer_digest) AS erasure
                     WHERE erasure.customer_digest = sha256('erased:' || {incoming}.{column})
                         AND coalesce({incoming}.{told_at} < erasure.erased_at, TRUE)"
                ))?;
            }
        }
        Ok(())
    }

    /// Returns since when each customer who was unlinked has no earlier records, by what is kept of the pseudonym ([`erased_digest`]).
    pub(super) fn unlinked_since(&self) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let mut statement =
            self.connection.prepare("SELECT customer_digest, max(erased_at) FROM restricted.erasure GROUP BY customer_digest")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, NaiveDateTime>(1)?.and_utc())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the receipts of all unlinkings that the database knows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn erasure_receipts(&self) -> Result<HashSet<String>, StoreError> {
        self.texts("SELECT DISTINCT receipt FROM restricted.erasure")
    }

    /// Returns the pseudonyms in the database that are among those that were unlinked, given as [`erased_digest`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn customers_of_digests(&self, digests: &[String]) -> Result<Vec<String>, StoreError> {
        self.fill_temporary("erased_digest", digests.iter().map(String::as_str))?;
        let sources: Vec<String> =
            BY_CUSTOMER.iter().map(|table| format!("SELECT customer_key FROM {table} WHERE customer_key IS NOT NULL")).collect();
        let found = self.texts(&format!(
            "SELECT customer_key FROM ({} UNION SELECT linked_key FROM raw.identity_link WHERE linked_key IS NOT NULL)
             WHERE sha256('erased:' || customer_key) IN (SELECT text FROM erased_digest)",
            sources.join(" UNION ")
        ))?;
        let mut found: Vec<String> = found.into_iter().collect();
        found.sort();
        Ok(found)
    }

    /// Returns customers with tickets from before somebody was unlinked on request, who turn out to be that person and are not unlinked: each with when
    /// that was and its receipt.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn customers_of_erased(&self) -> Result<Vec<(String, DateTime<Utc>, String)>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT link.customer_key, max(erasure.erased_at), max_by(erasure.receipt, erasure.erased_at)
             FROM raw.identity_link AS link
             INNER JOIN restricted.erasure ON erasure.customer_digest = sha256('erased:' || link.linked_key)
             WHERE NOT starts_with(link.customer_key, '{UNLINKED}')
                 -- Who was unlinked for the age of their records may write again.
                 AND NOT starts_with(erasure.receipt, '{RETENTION}')
                 AND EXISTS (
                     SELECT 1 FROM state.ticket WHERE ticket.customer_key = link.customer_key AND ticket.created_at < erasure.erased_at
                 )
                 AND sha256('erased:' || link.customer_key) NOT IN (SELECT customer_digest FROM restricted.erasure)
             GROUP BY link.customer_key
             ORDER BY link.customer_key"
        ))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, NaiveDateTime>(1)?.and_utc(), row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes customers as unlinked, by what is kept of their pseudonyms, beside those that [`Store::unlink`] noted under the same receipt.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_erased(&self, digests: &[String], at: DateTime<Utc>, receipt: &str) -> Result<(), StoreError> {
        self.fill_temporary("erased_digest", digests.iter().map(String::as_str))?;
        self.connection.execute(
            "INSERT INTO restricted.erasure (customer_digest, erased_at, receipt)
             SELECT text, ?, ? FROM erased_digest
             WHERE text NOT IN (SELECT customer_digest FROM restricted.erasure WHERE receipt = ?)",
            params![at.naive_utc(), receipt, receipt],
        )?;
        Ok(())
    }
}
