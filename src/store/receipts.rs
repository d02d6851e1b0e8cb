//! Receipts of unlinkings on request: noted before an unlinking begins, and kept until somebody has it in hand.

use chrono::{DateTime, NaiveDateTime, Utc};
use duckdb::params;
use serde_json::{Value, json};

use super::{Store, StoreError};

/// A receipt as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptReceipt {
    /// Its id.
    pub receipt: String,
    /// When the unlinking began.
    pub begun_at: DateTime<Utc>,
    /// What was unlinked; none where it broke off before that was known.
    pub document: Option<Value>,
    /// Whether somebody has it.
    pub is_issued: bool,
}

impl Store {
    /// Notes that an unlinking begins, of customers by what is kept of their pseudonyms.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn begin_receipt(&self, receipt: &str, digests: &[String], at: DateTime<Utc>) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO restricted.receipt (receipt, begun_at, customers, document, is_issued) VALUES (?, ?, ?, NULL, FALSE)",
            params![receipt, at.naive_utc(), digests.join("|")],
        )?;
        Ok(())
    }

    /// Notes what was unlinked. Belongs into the transaction of the unlinking.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_receipt(
        &self,
        receipt: &str,
        unlinked: &impl serde::Serialize,
        snapshots: &impl serde::Serialize,
    ) -> Result<(), StoreError> {
        let document = json!({"unlinked": unlinked, "snapshots": snapshots}).to_string();
        self.connection.execute("UPDATE restricted.receipt SET document = ? WHERE receipt = ?", params![document, receipt])?;
        Ok(())
    }

    /// Keeps a receipt as it is handed out, and notes those that it replaces as handed out, too.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn issue_receipt(&self, receipt: &str, document: &Value, replaced: &[KeptReceipt]) -> Result<(), StoreError> {
        for other in replaced {
            self.connection.execute("UPDATE restricted.receipt SET is_issued = TRUE WHERE receipt = ?", params![other.receipt])?;
        }
        let document = document.to_string();
        self.connection
            .execute("UPDATE restricted.receipt SET document = ?, is_issued = TRUE WHERE receipt = ?", params![document, receipt])?;
        Ok(())
    }

    /// Returns the receipts of some customers, by what is kept of their pseudonyms; the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn receipts_of(&self, digests: &[String]) -> Result<Vec<KeptReceipt>, StoreError> {
        self.fill_temporary("erased_digest", digests.iter().map(String::as_str))?;
        let mut statement = self.connection.prepare(
            "SELECT receipt, begun_at, document, is_issued
             FROM restricted.receipt
             WHERE list_has_any(string_split(customers, '|'), (SELECT list(text) FROM erased_digest))
             ORDER BY begun_at, receipt",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(KeptReceipt {
                receipt: row.get(0)?,
                begun_at: row.get::<_, NaiveDateTime>(1)?.and_utc(),
                document: row.get::<_, Option<String>>(2)?.and_then(|text| serde_json::from_str(&text).ok()),
                is_issued: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
