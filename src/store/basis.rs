//! What the tables were made with: digests by which a change of queries or settings is noticed.

use std::collections::BTreeMap;

use super::{Store, StoreError, tables::SHARED};
use crate::domain::digest::sha256;

impl Store {
    /// Returns a digest of what every customer's rows depend on: queries, settings and who answers in which queue.
    pub(super) fn basis(&self, queries: &BTreeMap<String, String>) -> Result<String, StoreError> {
        let settings = SHARED.iter().filter(|(schema, _)| *schema == "settings");
        let mut parts: Vec<String> = settings.map(|(_, name)| digest_of(&format!("settings.{name}"), "rows", "")).collect();
        // Another name of an attendant changes no ticket.
        let changes = "QUALIFY queues IS DISTINCT FROM lag(queues, 1, 'none yet') OVER (PARTITION BY agent ORDER BY version)";
        parts.push(digest_of("raw.attendant", "agent, queues, run", changes));
        let rows = self.digest(&parts)?;
        let own = queries.iter().filter(|(path, _)| path.starts_with("staging/") || path.starts_with("marts/"));
        let texts: String = own.flat_map(|(path, text)| [path, "\0", text, "\0"]).collect();
        Ok(sha256(format!("{rows}\0{texts}").as_bytes()))
    }

    /// Returns a digest of what the tables that are made whole depend on, beside the customers' tables.
    pub(super) fn global_basis(&self) -> Result<String, StoreError> {
        let parts = [
            digest_of("raw.queue", "rows", ""),
            digest_of("raw.channel_setting", "rows", ""),
            digest_of("settings.target", "rows", ""),
            digest_of("raw.coverage", "rows", ""),
            digest_of("settings.source", "rows", ""),
            digest_of("raw.imported_range", "file, first_day, last_day", ""),
            digest_of("raw.report", "key_name, report, day, body, is_final", ""),
            digest_of("raw.rejected", "resource, reason, fingerprint", ""),
            digest_of("raw.attendant", "agent, name, queues", ""),
            digest_of("state.unnamed_customer", "customer_key", ""),
        ];
        Ok(sha256(self.digest(&parts)?.as_bytes()))
    }

    fn digest(&self, parts: &[String]) -> Result<String, StoreError> {
        let sql = format!("SELECT string_agg(part || '=' || digest, ';' ORDER BY part) FROM ({})", parts.join(" UNION ALL "));
        Ok(self.connection.query_row(&sql, [], |row| row.get(0))?)
    }
}

/// Returns the SQL of an order-free digest of some columns of a table.
fn digest_of(table: &str, columns: &str, qualify: &str) -> String {
    format!(
        "SELECT '{table} {columns}' AS part, coalesce(CAST(count(*) AS VARCHAR) || '-' || CAST(sum(digest) AS VARCHAR), '') AS digest
         FROM (SELECT hash({columns}) AS digest FROM {table} AS rows {qualify})"
    )
}
