//! Makes the tables of `queries/staging` and `queries/marts` from the raw answers.
//!
//! Everything that these queries join belongs to one person: chains, conversations, turns, ratings. A customer is a person, under all
//! identities that are linked (`state.person`). So a load makes again only the rows of the customers that it changed. The queries do not
//! know this: they run, as they are, in a database in memory that holds the raw rows of some customers under the same names, and what
//! comes out takes the place of those customers' rows. A whole rebuild is the same with everybody changed, so many at a time that memory
//! stays bounded. The few tables that are not of customers (queues, sectors, days) are made whole each time.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use chrono::NaiveDate;
use duckdb::params;

use super::{
    MARTS, STAGING, Store, StoreError, TableCheck,
    checks::digest_of_checks,
    tables::{CUT, KEPT, OF_CUSTOMERS, OWNERS, SHARED},
};
use crate::domain::period::DigestsByMonth;

/// Tickets whose customers are worked on at once: enough that the queries' own cost vanishes, few enough for a small memory.
const TICKETS_AT_ONCE: i64 = 25_000;

/// Up to so many customers are one part without their tickets being counted.
const CUSTOMERS_UNCOUNTED: i64 = 2_000;

/// Mark of what the customers' tables were made with, and of what the others were made from.
const BASIS: &str = "marts_basis";
const GLOBAL_BASIS: &str = "marts_global_basis";

/// What a refresh counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MartReport {
    /// Tickets that were staged.
    pub tickets: i64,
    /// Records of any kind that were set aside because they could not be understood.
    pub quarantined: i64,
}

impl Store {
    /// Brings all tables up to what the raw answers, the settings and the queries make of them now.
    ///
    /// A break-off in between leaves the rest to the next refresh; nobody reads the tables meanwhile but that one. `workers` parts of the
    /// customers are worked on side by side, each with one thread and as much memory as one has alone.
    ///
    /// # Errors
    /// Names the query that failed, or says how many rows were lost on the way.
    pub fn refresh_marts(
        &mut self,
        queries: &BTreeMap<String, String>,
        checks: &[TableCheck],
        workers: usize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<MartReport, StoreError> {
        self.transaction(Store::join_persons)?;
        let basis = self.basis(queries)?;
        if self.mark(BASIS)?.as_deref() != Some(basis.as_str()) {
            self.begin_again(queries, &basis)?;
        }
        self.forget_results_of_others(checks)?;
        let parts = self.with_enough_memory(|store| store.plan(workers))?;
        // Many parts are as fast with one thread as with two, and need less memory: what each is made of is small.
        self.set_threads(if parts > 1 { 1 } else { self.threads })?;
        if workers.min(parts) > 1 {
            self.refresh_side_by_side(queries, checks, parts, workers.min(parts), progress)?;
        } else {
            let turn = Mutex::new(());
            for part in 0..parts {
                self.with_enough_memory(|store| store.refresh_part(queries, checks, part, &turn))?;
                progress(part + 1, parts);
            }
        }
        if parts > 1 {
            self.sort_by_month()?;
        }
        self.set_threads(self.threads)?;
        let global_basis = format!("{basis}-{}-{}", self.global_basis()?, digest_of_checks(checks));
        if self.mark(GLOBAL_BASIS)?.as_deref() != Some(global_basis.as_str()) {
            self.with_enough_memory(|store| {
                store.transaction(|store| {
                    let (last, others) = MARTS[OF_CUSTOMERS..].split_last().expect("tables that are made whole");
                    others.iter().try_for_each(|name| store.make("marts", name, queries))?;
                    // What the checks find is part of the last table.
                    store.run_checks(checks)?;
                    store.make("marts", last, queries)?;
                    store.set_mark(GLOBAL_BASIS, &global_basis)
                })
            })?;
        }
        let (tickets, quarantined) = self.connection.query_row(
            "SELECT
                 (SELECT count(*) FROM marts.ticket),
                 (SELECT count(*) FROM staging.quarantine) + (SELECT count(*) FROM raw.rejected)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(MartReport { tickets, quarantined })
    }

    /// Makes the parts of the changed customers by several workers at once. What they make is written by one at a time.
    fn refresh_side_by_side(
        &self,
        queries: &BTreeMap<String, String>,
        checks: &[TableCheck],
        parts: usize,
        workers: usize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), StoreError> {
        self.set_memory(workers)?;
        let (next, turn) = (AtomicUsize::new(0), Mutex::new(()));
        let (tell, told) = mpsc::channel();
        let stores: Vec<Store> = (0..workers).map(|number| self.beside(number)).collect::<Result<_, _>>()?;
        let done = std::thread::scope(|scope| {
            let (next, turn) = (&next, &turn);
            let work = |mut store: Store| {
                let tell = tell.clone();
                scope.spawn(move || -> Result<(), StoreError> {
                    loop {
                        let part = next.fetch_add(1, Ordering::SeqCst);
                        if part >= parts {
                            return Ok(());
                        }
                        store.refresh_part(queries, checks, part, turn).inspect_err(|_| next.store(parts, Ordering::SeqCst))?;
                        // Whoever listens may have gone because another worker failed.
                        let _ = tell.send(());
                    }
                })
            };
            let running: Vec<_> = stores.into_iter().map(work).collect();
            drop(tell);
            for (made, ()) in (1..).zip(told) {
                progress(made, parts);
            }
            running.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        self.set_memory(1)?;
        done
    }

    /// Makes every table at once and in place: what a refresh must equal, and a start for tests of single queries.
    ///
    /// # Errors
    /// Names the query that failed.
    pub fn make_all_tables(&self, queries: &BTreeMap<String, String>) -> Result<(), StoreError> {
        STAGING.iter().try_for_each(|name| self.make("staging", name, queries))?;
        MARTS.iter().try_for_each(|name| self.make("marts", name, queries))
    }

    /// Lets the next refresh make every row again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_marts(&mut self) -> Result<(), StoreError> {
        self.transaction(|store| store.set_mark(BASIS, "forgotten"))
    }

    /// Lets the next refresh make the rows again of every customer with a ticket in a local month from `first` to `last`, each told by its
    /// first day.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_months(&mut self, first: NaiveDate, last: NaiveDate) -> Result<(), StoreError> {
        self.transaction(|store| {
            let sql = "INSERT INTO state.changed_customer
                       SELECT DISTINCT customer_key FROM marts.ticket WHERE date_trunc('month', started_day) BETWEEN ? AND ?";
            store.connection.execute(sql, params![first, last])?;
            Ok(())
        })
    }

    /// Returns a digest of the rows of each month of the tables of customers, by which an unchanged month is known without reading it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn month_digests(&self) -> Result<DigestsByMonth, StoreError> {
        let tables: Vec<&str> = KEPT.iter().filter(|(_, _, month, _)| month.is_some()).map(|(_, name, ..)| *name).collect();
        let sums: Vec<String> = tables.iter().map(|name| format!("CAST(sum({name}) AS VARCHAR)")).collect();
        let mut statement = self.connection.prepare(&format!(
            "SELECT strftime(month, '%Y-%m'), {} FROM state.customer_digest GROUP BY month ORDER BY month",
            sums.join(", ")
        ))?;
        let mut digests: DigestsByMonth = tables.iter().map(|name| ((*name).to_owned(), BTreeMap::new())).collect();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for (place, name) in (1..).zip(&tables) {
                if let (Some(months), Some(digest)) = (digests.get_mut(*name), row.get::<_, Option<String>>(place)?) {
                    months.insert(row.get(0)?, digest);
                }
            }
        }
        Ok(digests)
    }

    /// Empties the customers' tables, with the columns that the queries give them now, and counts everybody as changed.
    fn begin_again(&mut self, queries: &BTreeMap<String, String>, basis: &str) -> Result<(), StoreError> {
        self.scoped("SELECT '' AS customer_key WHERE FALSE", queries, None, |store| {
            let scope = &store.scope;
            for (schema, name, ..) in KEPT {
                store
                    .connection
                    .execute_batch(&format!("CREATE OR REPLACE TABLE {schema}.{name} AS SELECT * FROM {scope}.{schema}.{name}"))?;
            }
            store.connection.execute_batch(
                "DELETE FROM state.check_result;
                 DELETE FROM state.customer_digest;
                 DELETE FROM state.changed_customer;
                 INSERT INTO state.changed_customer
                 SELECT customer_key FROM state.ticket
                 UNION SELECT customer_key FROM raw.imported_ticket
                 UNION SELECT coalesce(customer_key, '') FROM raw.event
                 UNION SELECT coalesce(customer_key, '') FROM raw.imported_rating",
            )?;
            store.set_mark(BASIS, basis)
        })
    }

    /// Shares the changed customers out over parts, at least one a worker; returns their number.
    fn plan(&self, workers: usize) -> Result<usize, StoreError> {
        // Customers who are one person are worked on together, whichever of them changed. Every worker's connection sees the plan.
        self.connection.execute_batch(
            "ATTACH IF NOT EXISTS ':memory:' AS plan;
             INSERT INTO state.changed_customer
             SELECT member.customer_key
             FROM state.person AS member
             WHERE member.person_key IN (
                 SELECT person.person_key
                 FROM state.person
                 SEMI JOIN state.changed_customer AS changed ON changed.customer_key = person.customer_key
             )",
        )?;
        let customers: i64 =
            self.connection.query_row("SELECT count(DISTINCT customer_key) FROM state.changed_customer", [], |row| row.get(0))?;
        if customers <= CUSTOMERS_UNCOUNTED && workers == 1 {
            self.connection.execute_batch(
                "CREATE OR REPLACE TABLE plan.main.part_of_customer AS
                 SELECT DISTINCT customer_key, CAST(0 AS BIGINT) AS part FROM state.changed_customer",
            )?;
            return Ok(usize::from(customers > 0));
        }
        self.connection.execute_batch(&format!(
            "CREATE OR REPLACE TABLE plan.main.part_of_customer AS
             WITH changed AS (
                 SELECT DISTINCT customer_key FROM state.changed_customer
             ),
             threaded AS (
                 SELECT customer_key, min(thread_id) AS thread_id FROM raw.thread GROUP BY customer_key
             ),
             person AS (
                 SELECT changed.customer_key, coalesce(known.person_key, changed.customer_key) AS person
                 FROM changed
                 LEFT JOIN state.person AS known ON known.customer_key = changed.customer_key
             ),
             sized AS (
                 SELECT person.person, min(threaded.thread_id) AS thread_id, count(ticket.customer_key) AS tickets
                 FROM person
                 LEFT JOIN threaded ON threaded.customer_key = person.customer_key
                 LEFT JOIN (
                     SELECT customer_key FROM state.ticket UNION ALL SELECT customer_key FROM raw.imported_ticket
                 ) AS ticket ON ticket.customer_key = person.customer_key
                 GROUP BY person.person
             ),
             placed AS (
                 SELECT
                     person,
                     CAST(
                         floor(
                             (sum(tickets) OVER (ORDER BY thread_id, person) - tickets)
                             / least({TICKETS_AT_ONCE}, greatest(1, ceil(sum(tickets) OVER () / {workers})))
                         ) AS BIGINT
                     ) AS part
                 FROM sized
             )
             SELECT person.customer_key, placed.part
             FROM person
             INNER JOIN placed ON placed.person = person.person"
        ))?;
        let parts: i64 =
            self.connection.query_row("SELECT coalesce(max(part) + 1, 0) FROM plan.main.part_of_customer", [], |row| row.get(0))?;
        Ok(usize::try_from(parts).unwrap_or(0))
    }

    fn refresh_part(
        &mut self,
        queries: &BTreeMap<String, String>,
        checks: &[TableCheck],
        part: usize,
        turn: &Mutex<()>,
    ) -> Result<(), StoreError> {
        let customers = format!("SELECT customer_key FROM plan.main.part_of_customer WHERE part = {part}");
        self.scoped(&customers, queries, Some(turn), |store| {
            let (connection, scope) = (&store.connection, &store.scope);
            let kept = store.kept_checks(checks)?;
            for (check, offending) in kept.iter().zip(store.offending(&kept, scope)?) {
                if offending > 0 {
                    connection.execute("DELETE FROM state.check_result WHERE check_name = ?", params![check.name])?;
                }
            }
            // Names are compared once: the rows are then known by their place.
            let find = |into: &str, columns: &str, of: String| {
                connection.execute_batch(&format!("CREATE OR REPLACE TEMP TABLE {into} AS SELECT rowid AS place{columns} FROM {of}"))
            };
            let of_customers = format!("coalesce(customer_key, '') IN (SELECT customer_key FROM {scope}.main.customer)");
            for (owner, id) in OWNERS {
                find(&format!("gone_{owner}"), &format!(", {id}"), format!("marts.{owner} WHERE {of_customers}"))?;
            }
            for (schema, name, _, key) in KEPT {
                let is_owner = OWNERS.iter().any(|(owner, _)| *owner == name);
                let gone_rows = if is_owner { format!("gone_{name}") } else { "gone".to_owned() };
                if !is_owner {
                    let owned = OWNERS
                        .iter()
                        .find(|(_, id)| *id == key)
                        .map_or_else(|| of_customers.clone(), |(owner, id)| format!("{id} IN (SELECT {id} FROM gone_{owner})"));
                    find(&gone_rows, "", format!("{schema}.{name} WHERE {owned}"))?;
                }
                connection.execute_batch(&format!(
                    "DELETE FROM {schema}.{name} WHERE rowid IN (SELECT place FROM {gone_rows});
                     INSERT INTO {schema}.{name} SELECT * FROM {scope}.{schema}.{name}"
                ))?;
            }
            connection.execute_batch(&format!(
                "DELETE FROM state.customer_digest WHERE customer_key IN (SELECT customer_key FROM {scope}.main.customer);
                 {};
                 DELETE FROM state.changed_customer WHERE customer_key IN (SELECT customer_key FROM {scope}.main.customer)",
                insert_digests(scope)
            ))?;
            // From here on the tables that are made whole are behind, whether this refresh comes to them or another.
            store.set_mark(GLOBAL_BASIS, "behind")
        })
    }

    /// Brings rows that came by customer into the order of months, in which publishing looks for them: a month's rows then lie together,
    /// as those of later loads do by themselves.
    fn sort_by_month(&mut self) -> Result<(), StoreError> {
        for (schema, name, month, _) in KEPT {
            if let Some(month) = month {
                self.transaction(|store| store.copy_by_month(schema, name, month))?;
            }
        }
        Ok(())
    }

    /// Copies a table month by month, which needs no more memory for a long history than for a short one; a sort would.
    fn copy_by_month(&self, schema: &str, name: &str, month: &str) -> Result<(), StoreError> {
        let connection = &self.connection;
        connection.execute_batch(&format!("CREATE TABLE {schema}.sorted_{name} AS SELECT * FROM {schema}.{name} LIMIT 0"))?;
        let of_row = format!("CAST(date_trunc('month', {month}) AS DATE)");
        let months: Vec<Option<NaiveDate>> = {
            let mut statement = connection.prepare(&format!("SELECT DISTINCT {of_row} AS month FROM {schema}.{name} ORDER BY month"))?;
            let months = statement.query_map([], |row| row.get(0))?;
            months.collect::<Result<_, _>>()?
        };
        for month in months {
            connection.execute(
                &format!("INSERT INTO {schema}.sorted_{name} SELECT * FROM {schema}.{name} WHERE {of_row} IS NOT DISTINCT FROM ?"),
                params![month],
            )?;
        }
        Ok(connection.execute_batch(&format!("DROP TABLE {schema}.{name}; ALTER TABLE {schema}.sorted_{name} RENAME TO {name}"))?)
    }

    /// Runs the queries for the customers that `customers` selects in a database of their own, then `work` in one transaction
    /// on this one, for which it waits its turn.
    fn scoped(
        &mut self,
        customers: &str,
        queries: &BTreeMap<String, String>,
        turn: Option<&Mutex<()>>,
        work: impl FnOnce(&Store) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let scope = self.scope.clone();
        self.connection.execute_batch(&format!(
            "ATTACH ':memory:' AS {scope};
             CREATE TABLE {scope}.main.customer AS {customers};
             CREATE SCHEMA {scope}.raw; CREATE SCHEMA {scope}.restricted; CREATE SCHEMA {scope}.settings;
             CREATE SCHEMA {scope}.state; CREATE SCHEMA {scope}.staging; CREATE SCHEMA {scope}.marts"
        ))?;
        let done = self.fill_scope(queries).and_then(|()| {
            let _turn = turn.map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
            self.transaction(work)
        });
        // Whatever happened, the next scope begins from nothing.
        self.connection.execute_batch(&format!("USE \"{}\"; DETACH {scope}", self.catalog))?;
        done
    }

    fn fill_scope(&self, queries: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let (own, scope) = (&self.catalog, &self.scope);
        let shared =
            SHARED.map(|(schema, name)| format!("CREATE VIEW {scope}.{schema}.{name} AS SELECT * FROM \"{own}\".{schema}.{name};"));
        let cut = CUT.map(|(name, filter)| {
            // What several queries read is cut once.
            let kind = if ["ticket", "imported_ticket", "thread"].contains(&name) { "TABLE" } else { "VIEW" };
            format!(
                "CREATE {kind} {scope}.raw.{name} AS SELECT * FROM \"{own}\".raw.{name} WHERE {};",
                filter.replace("LIVE", &format!("\"{own}\"")).replace("SCOPE", scope)
            )
        });
        let persons = format!(
            "CREATE TABLE {scope}.state.person AS
             SELECT * FROM \"{own}\".state.person WHERE customer_key IN (SELECT customer_key FROM {scope}.main.customer);"
        );
        self.connection.execute_batch(&format!("{}{}{persons} USE {scope}", shared.concat(), cut.concat()))?;
        let made = STAGING
            .iter()
            .try_for_each(|name| self.make("staging", name, queries))
            .and_then(|()| MARTS[..OF_CUSTOMERS].iter().try_for_each(|name| self.make("marts", name, queries)))
            .and_then(|()| self.require_nothing_lost());
        self.connection.execute_batch(&format!("USE \"{own}\""))?;
        made
    }

    fn require_nothing_lost(&self) -> Result<(), StoreError> {
        let scope = &self.scope;
        let (raw, tickets, quarantined, placed): (i64, i64, i64, i64) = self.connection.query_row(
            &format!(
                "SELECT
                 (SELECT count(DISTINCT ticket_id) FROM (
                     SELECT ticket_id FROM {scope}.raw.ticket UNION ALL SELECT ticket_id FROM {scope}.raw.imported_ticket
                 )),
                 (SELECT count(*) FROM {scope}.staging.ticket),
                 (SELECT count(*) FROM {scope}.staging.quarantine),
                 (SELECT count(*) FROM {scope}.marts.ticket)"
            ),
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        if raw != tickets + quarantined {
            return Err(StoreError::RowsLost { what: "tickets", expected: raw, lost: raw - tickets - quarantined });
        }
        if placed != tickets {
            return Err(StoreError::RowsLost { what: "staged tickets", expected: tickets, lost: tickets - placed });
        }
        Ok(())
    }

    fn make(&self, layer: &str, name: &str, queries: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let path = format!("{layer}/{name}.sql");
        let sql = queries.get(&path).ok_or_else(|| StoreError::MissingQuery(path.clone()))?;
        self.connection
            .execute_batch(&format!("CREATE OR REPLACE TABLE {layer}.{name} AS\n{sql}"))
            .map_err(|source| StoreError::Query { name: path, source })
    }
}

/// Returns the SQL that keeps digests of the rows of the customers at work.
fn insert_digests(scope: &str) -> String {
    let monthly = KEPT.iter().filter_map(|(_, name, month, key)| Some((name, (*month)?, key)));
    let (mut names, mut sums, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for (name, month, key) in monthly {
        let (owner, join) = OWNERS.iter().find(|(_, id)| id == key).map_or_else(
            || ("kept", String::new()),
            |(owner, id)| ("owner", format!("INNER JOIN {scope}.marts.{owner} AS owner ON owner.{id} = kept.{id}")),
        );
        names.push((*name).to_owned());
        sums.push(format!("sum(digest) FILTER (name = '{name}')"));
        rows.push(format!(
            "SELECT
                 coalesce({owner}.customer_key, '') AS customer_key,
                 CAST(date_trunc('month', kept.{month}) AS DATE) AS month,
                 '{name}' AS name,
                 hash(kept) AS digest
             FROM {scope}.marts.{name} AS kept {join}"
        ));
    }
    format!(
        "INSERT INTO state.customer_digest (customer_key, month, {})
         SELECT customer_key, month, {} FROM ({}) GROUP BY customer_key, month",
        names.join(", "),
        sums.join(", "),
        rows.join(" UNION ALL ")
    )
}
