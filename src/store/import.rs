//! Rows of imported files. What the API says of a ticket stands beside them and wins when tables are made.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::params;

use super::{Run, Store, StoreError, columns, erased_digest, subject::of_nobody};

/// A ticket of an exported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedTicket {
    /// Blip's id.
    pub ticket_id: String,
    /// Pseudonym of the customer.
    pub customer_key: String,
    /// The pseudonym that an earlier version made of the same text; none where it is the same.
    pub earlier_key: Option<String>,
    /// The ticket in the shape of the API's answers, redacted like them.
    pub body: String,
}

/// A survey answer of an exported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRating {
    /// Made from the content; of an answer that names neither ticket nor customer also from its number among equal ones of its file.
    pub rating_id: String,
    /// The id that an earlier version made of the same row; none where it is the same, or another row has it.
    pub earlier_id: Option<String>,
    /// The ticket that was rated, where it is named.
    pub ticket_id: Option<String>,
    /// Pseudonym of the customer, where one is named.
    pub customer_key: Option<String>,
    /// The pseudonym that an earlier version made of the same text; none where it is the same.
    pub earlier_key: Option<String>,
    /// The answer as given.
    pub answer: String,
    /// Queue, where one is named.
    pub queue: Option<String>,
    /// When it was given; none is the close of its ticket.
    pub answered_at: Option<DateTime<Utc>>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportVerdict {
    /// It is kept.
    New,
    /// It is kept in place of what an earlier file said.
    Changed,
    /// An earlier row said the same.
    Same,
    /// The API has told of the ticket.
    KnownByApi,
}

/// Returns whether one of some pseudonyms was unlinked.
fn is_unlinked(unlinked: &HashMap<String, DateTime<Utc>>, keys: [Option<&String>; 2]) -> bool {
    !unlinked.is_empty() && keys.into_iter().flatten().any(|key| unlinked.contains_key(&erased_digest(key)))
}

impl Store {
    /// Runs `work` in a transaction that is kept, or rolled back for a trial.
    ///
    /// # Errors
    /// That of `work`, or of the commit.
    pub fn transaction_or_trial<T, E: From<StoreError>>(
        &mut self,
        is_trial: bool,
        work: impl FnOnce(&Store) -> Result<T, E>,
    ) -> Result<T, E> {
        let run = |sql: &str| self.connection.execute_batch(sql).map_err(|error| E::from(StoreError::from(error)));
        run("BEGIN TRANSACTION")?;
        let done = work(self);
        match done {
            Ok(done) => run(if is_trial { "ROLLBACK" } else { "COMMIT" }).map(|()| done),
            Err(error) => {
                // The first error is the one to tell; a failed rollback leaves the transaction to die with the connection.
                if let Err(rollback) = self.connection.execute_batch("ROLLBACK") {
                    tracing::debug!(error = %rollback, "rolling back failed");
                }
                Err(error)
            }
        }
    }

    /// Keeps which local days a file covers, as ranges with both ends inclusive. What is known is not kept again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_imported_days(&self, file: &str, ranges: &[(NaiveDate, NaiveDate)], run: Run) -> Result<(), StoreError> {
        for (first, last) in ranges {
            self.connection.execute(
                "INSERT INTO raw.imported_range (file, first_day, last_day, run)
                 SELECT $1, $2, $3, $4 WHERE NOT EXISTS (
                     SELECT 1 FROM raw.imported_range AS known WHERE known.file = $1 AND known.first_day <= $2 AND known.last_day >= $3
                 )",
                params![file, first, last, run.number],
            )?;
        }
        Ok(())
    }

    /// Keeps imported tickets; returns what became of each, in order. Of rows about one ticket the last counts.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_imported_tickets(&self, rows: &[ImportedTicket], run: Run) -> Result<Vec<ImportVerdict>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.fill_temporary("incoming_id", rows.iter().map(|row| row.ticket_id.as_str()))?;
        let mut known: HashMap<String, (String, String)> = self.pairs(
            "SELECT ticket_id, body, customer_key FROM raw.imported_ticket SEMI JOIN incoming_id ON incoming_id.text = imported_ticket.ticket_id",
        )?;
        let told: HashSet<String> =
            self.texts("SELECT ticket_id FROM state.ticket SEMI JOIN incoming_id ON incoming_id.text = ticket.ticket_id")?;
        let unlinked = self.unlinked_since()?;
        // What a file tells of customers who were unlinked leads to nobody still.
        let nobody = |row: &ImportedTicket| match known.get(&row.ticket_id) {
            Some((_, customer)) => customer.clone(),
            None => of_nobody(),
        };
        // A ticket that is known under the pseudonym of an earlier version stays that customer's: a link says who they are.
        let is_known_as_earlier = |row: &ImportedTicket| {
            row.earlier_key.is_some() && known.get(&row.ticket_id).map(|(_, customer)| customer) == row.earlier_key.as_ref()
        };
        let led = |row: &ImportedTicket| {
            let customer_key = match &row.earlier_key {
                earlier if is_unlinked(&unlinked, [Some(&row.customer_key), earlier.as_ref()]) => nobody(row),
                Some(earlier) if is_known_as_earlier(row) => earlier.clone(),
                _ => row.customer_key.clone(),
            };
            ImportedTicket { customer_key, ..row.clone() }
        };
        self.write_renamed(rows.iter().filter_map(|row| Some((row.earlier_key.as_deref()?, row.customer_key.as_str()))))?;
        let rows: Vec<ImportedTicket> = rows.iter().map(led).collect();
        let mut verdicts = Vec::with_capacity(rows.len());
        // The place of the row that counts for each ticket that changes.
        let mut changed: HashMap<&str, usize> = HashMap::new();
        let mut customers: BTreeSet<String> = BTreeSet::new();
        for (place, row) in rows.iter().enumerate() {
            let earlier = known.insert(row.ticket_id.clone(), (row.body.clone(), row.customer_key.clone()));
            let is_same = earlier.as_ref().is_some_and(|(body, customer)| *body == row.body && *customer == row.customer_key);
            let was_known = earlier.is_some();
            if !is_same {
                changed.insert(&row.ticket_id, place);
                customers.extend(earlier.map(|(_, customer)| customer));
                customers.insert(row.customer_key.clone());
            }
            verdicts.push(match (told.contains(&row.ticket_id), is_same, was_known) {
                (true, ..) => ImportVerdict::KnownByApi,
                (_, true, _) => ImportVerdict::Same,
                (.., true) => ImportVerdict::Changed,
                _ => ImportVerdict::New,
            });
        }
        self.fill_temporary("incoming_id", changed.keys().copied())?;
        self.connection.execute_batch("DELETE FROM raw.imported_ticket WHERE ticket_id IN (SELECT text FROM incoming_id)")?;
        let mut appender = self.connection.appender_to_catalog_and_db("imported_ticket", &self.catalog, "raw")?;
        for (place, row) in rows.iter().enumerate() {
            if changed.get(row.ticket_id.as_str()) == Some(&place) {
                appender.append_row(params![row.ticket_id, row.customer_key, row.body, run.number])?;
            }
        }
        appender.flush()?;
        drop(appender);
        self.note_changed(customers.iter().map(String::as_str))?;
        self.fill_temporary("imported_customer", customers.iter().map(String::as_str))?;
        // Which identity names a person depends on which of them have tickets.
        self.connection.execute_batch(
            "INSERT INTO state.changed_link
             SELECT customer_key FROM state.person WHERE customer_key IN (SELECT text FROM imported_customer)",
        )?;
        Ok(verdicts)
    }

    /// Begins a file: answers of one file stand beside each other, in however many pieces they come.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn begin_imported_file(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("CREATE OR REPLACE TEMP TABLE answer_of_file (text VARCHAR)")?)
    }

    /// Keeps imported answers of the file that was begun last; returns what became of each, in order. One about the same ticket, or of the same
    /// customer and queue, and of the same time as one of an earlier file takes its place.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_imported_ratings(&self, rows: &[ImportedRating], run: Run) -> Result<Vec<ImportVerdict>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids = rows.iter().flat_map(|row| [Some(&row.rating_id), row.earlier_id.as_ref()]).flatten();
        self.fill_temporary("incoming_id", ids.map(String::as_str))?;
        self.connection.execute_batch("INSERT INTO answer_of_file SELECT text FROM incoming_id")?;
        let mut known: HashMap<String, Option<String>> = {
            let sql =
                "SELECT rating_id, queue FROM raw.imported_rating SEMI JOIN incoming_id ON incoming_id.text = imported_rating.rating_id";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let unlinked = self.unlinked_since()?;
        self.write_renamed(rows.iter().filter_map(|row| row.earlier_key.as_deref().zip(row.customer_key.as_deref())))?;
        let mut verdicts = Vec::with_capacity(rows.len());
        let mut appender = self.connection.appender_to_catalog_and_db("imported_rating", &self.catalog, "raw")?;
        for row in rows {
            let was_known = row.earlier_id.as_ref().is_some_and(|id| known.get(id).is_some_and(|queue| *queue == row.queue));
            let is_new = !was_known && known.insert(row.rating_id.clone(), row.queue.clone()).is_none();
            verdicts.push(if is_new { ImportVerdict::New } else { ImportVerdict::Same });
            if is_new {
                let answered_at = row.answered_at.map(|at| at.naive_utc());
                appender.append_row(params![
                    row.rating_id,
                    row.ticket_id,
                    row.customer_key.as_ref().filter(|customer| !is_unlinked(&unlinked, [Some(*customer), row.earlier_key.as_ref()])),
                    row.answer,
                    row.queue,
                    answered_at,
                    run.number
                ])?;
            }
        }
        appender.flush()?;
        drop(appender);
        let is_new = |(row, verdict): (&'_ ImportedRating, &ImportVerdict)| (*verdict == ImportVerdict::New).then(|| row.rating_id.clone());
        let corrected = self.replace_corrected(&rows.iter().zip(&verdicts).filter_map(is_new).collect::<Vec<_>>())?;
        for (row, verdict) in rows.iter().zip(&mut verdicts) {
            if *verdict == ImportVerdict::New && corrected.contains(&row.rating_id) {
                *verdict = ImportVerdict::Changed;
            }
        }
        // An answer about a ticket belongs to whoever the ticket is known to belong to.
        self.connection.execute(
            "INSERT INTO state.changed_customer
             SELECT DISTINCT coalesce(ticket.customer_key, imported_ticket.customer_key, rating.customer_key, '')
             FROM raw.imported_rating AS rating
             SEMI JOIN incoming_id ON incoming_id.text = rating.rating_id
             LEFT JOIN state.ticket ON ticket.ticket_id = rating.ticket_id
             LEFT JOIN raw.imported_ticket ON imported_ticket.ticket_id = rating.ticket_id
             WHERE rating.run = ?",
            params![run.number],
        )?;
        // Which identity names a person without tickets depends on which of them have answers.
        self.connection.execute(
            "INSERT INTO state.changed_link
             SELECT person.customer_key
             FROM state.person
             SEMI JOIN (SELECT customer_key FROM raw.imported_rating WHERE run = ?) AS rating ON rating.customer_key = person.customer_key
             ANTI JOIN state.ticket ON ticket.customer_key = person.person_key",
            params![run.number],
        )?;
        Ok(verdicts)
    }

    /// Removes answers of earlier files that some of `new` correct; returns the ids of those that do.
    fn replace_corrected(&self, new: &[String]) -> Result<HashSet<String>, StoreError> {
        self.fill_temporary("new_id", new.iter().map(String::as_str))?;
        // Several answers of one file stand beside each other: a survey can ask more than one question.
        self.connection.execute_batch(
            "CREATE OR REPLACE TEMP TABLE corrected AS
             WITH answer AS (
                 SELECT
                     rating_id,
                     coalesce('ticket ' || ticket_id, 'customer ' || customer_key || ' ' || coalesce(queue, '')) AS about,
                     answered_at,
                     rating_id IN (SELECT text FROM new_id) AS is_new,
                     rating_id IN (SELECT text FROM answer_of_file) AS is_of_file
                 FROM raw.imported_rating
             )
             SELECT later.rating_id AS text, earlier.rating_id AS earlier_id
             FROM answer AS later
             INNER JOIN answer AS earlier ON earlier.about = later.about AND earlier.answered_at IS NOT DISTINCT FROM later.answered_at
             WHERE later.is_new AND NOT earlier.is_of_file;
             DELETE FROM raw.imported_rating WHERE rating_id IN (SELECT earlier_id FROM corrected)",
        )?;
        self.texts("SELECT DISTINCT text FROM corrected")
    }

    fn note_changed<'a>(&self, customers: impl Iterator<Item = &'a str>) -> Result<(), StoreError> {
        let mut appender = self.connection.appender_to_catalog_and_db("changed_customer", &self.catalog, "state")?;
        for customer in customers {
            appender.append_row(params![customer])?;
        }
        Ok(appender.flush()?)
    }

    /// Makes a temporary table with the one column `text`.
    pub(super) fn fill_temporary<'a>(&self, table: &str, texts: impl Iterator<Item = &'a str>) -> Result<(), StoreError> {
        self.connection.execute_batch(&format!("CREATE OR REPLACE TEMP TABLE {table} (text VARCHAR)"))?;
        columns::append(self.connection.appender(table)?, vec![columns::texts(texts)])
    }

    pub(super) fn texts(&self, sql: &str) -> Result<HashSet<String>, StoreError> {
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn pairs(&self, sql: &str) -> Result<HashMap<String, (String, String)>, StoreError> {
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
