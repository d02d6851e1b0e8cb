//! Checks on the live tables, after every load that changed something.
//!
//! What a check found is kept. One that holds for each customer by itself and that nothing broke is looked at again only where
//! customers changed.

use std::collections::BTreeSet;

use duckdb::params;

use super::{Store, StoreError};
use crate::domain::digest::sha256;

/// Mark of the checks whose results are kept.
const CHECKS_BASIS: &str = "checks_basis";

/// A check that every load runs on the tables.
#[derive(Debug, Clone)]
pub struct TableCheck {
    /// Its name.
    pub name: String,
    /// `fail` or `warn`.
    pub strength: &'static str,
    /// One row with the number of rows that break the rule, from tables without a schema.
    pub sql: String,
    /// Whether nothing breaks it when no customer's own rows do. What was in order then needs to be looked at only where it changed.
    pub by_customer: bool,
}

impl Store {
    /// Returns the digest of the checks whose results the tables hold, after a refresh.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn checks_digest(&self) -> Result<Option<String>, StoreError> {
        self.mark(CHECKS_BASIS)
    }

    /// Looks at all rows with those checks of which it is not known that nothing breaks them.
    pub(super) fn run_checks(&self, checks: &[TableCheck]) -> Result<(), StoreError> {
        let kept = self.kept_checks(checks)?;
        let open: Vec<&TableCheck> = checks.iter().filter(|check| !kept.iter().any(|kept| kept.name == check.name)).collect();
        let found = self.offending(&open, &self.catalog)?;
        for (check, offending) in open.iter().zip(found) {
            self.connection.execute("DELETE FROM state.check_result WHERE check_name = ?", params![check.name])?;
            self.connection.execute("INSERT INTO state.check_result VALUES (?, ?, ?)", params![check.name, check.strength, offending])?;
        }
        Ok(())
    }

    /// Returns the checks by customer that nothing broke and, since each change of a customer looked again, nothing breaks.
    pub(super) fn kept_checks<'a>(&self, checks: &'a [TableCheck]) -> Result<Vec<&'a TableCheck>, StoreError> {
        let mut statement = self.connection.prepare("SELECT check_name FROM state.check_result WHERE offending = 0")?;
        let names: BTreeSet<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(checks.iter().filter(|check| check.by_customer && names.contains(&check.name)).collect())
    }

    /// Returns how many rows of the marts in `catalog` break each check.
    pub(super) fn offending(&self, checks: &[&TableCheck], catalog: &str) -> Result<Vec<i64>, StoreError> {
        self.connection.execute_batch(&format!("USE \"{catalog}\".marts"))?;
        let found = checks.iter().map(|check| {
            let offending = self.connection.query_row(&check.sql, [], |row| row.get(0));
            offending.map_err(|source| StoreError::Query { name: format!("checks/{}.sql", check.name), source })
        });
        let found = found.collect::<Result<Vec<i64>, StoreError>>();
        let back = self.connection.execute_batch(&format!("USE \"{}\"", self.catalog));
        // After a query that failed nothing works in the transaction: the query's error is the one to tell.
        let found = found?;
        back?;
        Ok(found)
    }

    /// Forgets what checks found whose text has changed since.
    pub(super) fn forget_results_of_others(&mut self, checks: &[TableCheck]) -> Result<(), StoreError> {
        let digest = digest_of_checks(checks);
        if self.mark(CHECKS_BASIS)?.as_deref() == Some(digest.as_str()) {
            return Ok(());
        }
        self.transaction(|store| {
            store.connection.execute("DELETE FROM state.check_result", [])?;
            store.set_mark(CHECKS_BASIS, &digest)
        })
    }
}

/// Returns a digest of the checks and their texts.
pub fn digest_of_checks(checks: &[TableCheck]) -> String {
    sha256(format!("{checks:?}").as_bytes())
}
