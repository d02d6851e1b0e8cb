//! Who looked at which data: records in a chain, each with the hash of the one before.
//!
//! The head of the chain stands in the ledger and in a file beside it. Whoever can write both can make a new chain: its head, kept
//! elsewhere, shows that, too.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{
    Ledger, LedgerError,
    head::ACCESS_FILE,
    values::{parsed, stamp, unfit},
};
use crate::{domain::digest::sha256, files};

/// A record of the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// Its place, from 1 on without gaps.
    pub seq: i64,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// What it says.
    pub body: Value,
    /// SHA-256 over the hash before, place, time and text, in hexadecimal.
    pub hash: String,
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// Number of records.
    pub seq: i64,
    /// Hash of the last one; empty before there is any.
    pub hash: String,
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// A record is missing, or out of its place.
    #[error("record {expected} is missing: record {found} follows record {}", expected - 1)]
    Gap {
        /// The place that should come.
        expected: i64,
        /// The place that comes.
        found: i64,
    },
    /// A record is not what was written.
    #[error("record {seq} was altered after it was written")]
    Altered {
        /// Its place.
        seq: i64,
    },
    /// The chain ends elsewhere than it should.
    #[error("the chain ends at record {found}, and {place} knows it up to record {expected}")]
    End {
        /// Who knows better.
        place: &'static str,
        /// Where it should end.
        expected: i64,
        /// Where it ends.
        found: i64,
    },
    /// The chain has the right length, and another content than it should.
    #[error("record {seq} is not the one that {place} knows: the chain was written anew")]
    Replaced {
        /// Who knows better.
        place: &'static str,
        /// The last place.
        seq: i64,
    },
}

impl Ledger {
    /// Adds a record to the chain.
    ///
    /// # Errors
    /// When the ledger or the file of its head cannot be written.
    pub fn note_access(&mut self, body: &Value, at: DateTime<Utc>) -> Result<Access, LedgerError> {
        let access = self.change(|connection| append(connection, body, at))?;
        self.write_head(&access)?;
        Ok(access)
    }

    /// Writes the end of the chain into the file beside the ledger.
    pub(super) fn write_head(&self, access: &Access) -> Result<(), LedgerError> {
        files::write(&self.head_file(), format!("{} {}\n", access.seq, access.hash).as_bytes())
            .map_err(|error| LedgerError::Folder { path: error.path, source: error.source })
    }

    /// Returns the records since `since`, in order.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn accesses(&self, since: DateTime<Utc>) -> Result<Vec<Access>, LedgerError> {
        self.with(|connection| {
            connection
                .prepare("SELECT seq, at, body, hash FROM access_log WHERE at >= ? ORDER BY seq")?
                .query_map([stamp(since)], |row| {
                    let body: String = row.get("body")?;
                    Ok(Access {
                        seq: row.get("seq")?,
                        at: parsed(&row.get::<_, String>("at")?)?,
                        body: serde_json::from_str(&body).map_err(|error| unfit(2, error))?,
                        hash: row.get("hash")?,
                    })
                })?
                .collect()
        })
    }

    /// Walks the whole chain, and holds its end against what the ledger's head, the file beside it and `known` say.
    ///
    /// # Errors
    /// When the ledger cannot be read; within, where the chain is broken.
    pub fn verify_accesses(&self, known: Option<&ChainHead>) -> Result<Result<ChainHead, ChainBreak>, LedgerError> {
        let written = std::fs::read_to_string(self.head_file()).ok().and_then(|text| {
            let (seq, hash) = text.trim().split_once(' ')?;
            Some(ChainHead { seq: seq.parse().ok()?, hash: hash.to_owned() })
        });
        self.with(|connection| {
            let rows: Vec<(i64, String, String, String)> = connection
                .prepare("SELECT seq, at, body, hash FROM access_log ORDER BY seq")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect::<Result<_, _>>()?;
            let told = head(connection)?;
            Ok(walk(
                &rows,
                &[("the ledger's head", told.as_ref()), ("the file beside the ledger", written.as_ref()), ("what you expect", known)],
            ))
        })
    }

    fn head_file(&self) -> PathBuf {
        self.path.with_file_name(ACCESS_FILE)
    }
}

fn walk(rows: &[(i64, String, String, String)], known: &[(&'static str, Option<&ChainHead>)]) -> Result<ChainHead, ChainBreak> {
    let mut last = ChainHead { seq: 0, hash: String::new() };
    let mut hashes = vec![String::new()];
    for (seq, at, body, hash) in rows {
        if *seq != last.seq + 1 {
            return Err(ChainBreak::Gap { expected: last.seq + 1, found: *seq });
        }
        if *hash != hash_of(&last.hash, *seq, at, body) {
            return Err(ChainBreak::Altered { seq: *seq });
        }
        last = ChainHead { seq: *seq, hash: hash.clone() };
        hashes.push(hash.clone());
    }
    for (place, head) in known.iter().filter_map(|(place, head)| Some((*place, (*head)?))) {
        // What is kept elsewhere may be of an earlier day.
        let is_here = usize::try_from(head.seq).ok().and_then(|seq| hashes.get(seq));
        match is_here {
            None => return Err(ChainBreak::End { place, expected: head.seq, found: last.seq }),
            Some(hash) if *hash != head.hash => return Err(ChainBreak::Replaced { place, seq: head.seq }),
            Some(_) => {}
        }
    }
    // The ledger's own head is of the last record.
    match known.first() {
        Some((place, Some(head))) if head.seq != last.seq => Err(ChainBreak::End { place, expected: head.seq, found: last.seq }),
        Some((place, None)) if last.seq > 0 => Err(ChainBreak::End { place, expected: 0, found: last.seq }),
        _ => Ok(last),
    }
}

/// Adds a record within a transaction.
pub(super) fn append(connection: &Connection, body: &Value, at: DateTime<Utc>) -> rusqlite::Result<Access> {
    let head = head(connection)?.unwrap_or(ChainHead { seq: 0, hash: String::new() });
    let (seq, text) = (head.seq + 1, body.to_string());
    let hash = hash_of(&head.hash, seq, &stamp(at), &text);
    connection.execute("INSERT INTO access_log VALUES (?, ?, ?, ?)", params![seq, stamp(at), text, hash])?;
    connection.execute("INSERT OR REPLACE INTO access_head VALUES (1, ?, ?)", params![seq, hash])?;
    Ok(Access { seq, at, body: body.clone(), hash })
}

fn head(connection: &Connection) -> rusqlite::Result<Option<ChainHead>> {
    connection.query_row("SELECT seq, hash FROM access_head", [], |row| Ok(ChainHead { seq: row.get(0)?, hash: row.get(1)? })).optional()
}

fn hash_of(before: &str, seq: i64, at: &str, body: &str) -> String {
    sha256([before, "\n", &seq.to_string(), "\n", at, "\n", body].concat().as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn chain(length: i64) -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        for number in 0..length {
            ledger.note_access(&json!({"number": number}), DateTime::from_timestamp(number * 60, 0).unwrap()).unwrap();
        }
        (folder, ledger)
    }

    #[test]
    fn a_chain_that_nobody_touched_is_whole_and_grows() {
        let (_folder, mut ledger) = chain(3);
        let head = ledger.verify_accesses(None).unwrap().unwrap();
        assert_eq!(head.seq, 3);
        ledger.note_access(&json!({"number": 3}), DateTime::from_timestamp(300, 0).unwrap()).unwrap();
        assert_eq!(ledger.verify_accesses(Some(&head)).unwrap().unwrap().seq, 4, "an earlier head is still known");
        assert_eq!(ledger.accesses(DateTime::from_timestamp(120, 0).unwrap()).unwrap().len(), 2);
        let (_folder, empty) = chain(0);
        assert_eq!(empty.verify_accesses(None).unwrap().unwrap(), ChainHead { seq: 0, hash: String::new() });
    }

    #[test]
    fn a_chain_that_was_written_anew_is_known_by_a_head_that_was_kept_elsewhere() {
        let (_folder, ledger) = chain(3);
        let head = ledger.verify_accesses(None).unwrap().unwrap();
        let (folder, mut other) = chain(2);
        other.note_access(&json!({"number": "another"}), DateTime::from_timestamp(120, 0).unwrap()).unwrap();
        assert!(other.verify_accesses(None).unwrap().is_ok(), "in itself it is sound");
        assert_eq!(other.verify_accesses(Some(&head)).unwrap(), Err(ChainBreak::Replaced { place: "what you expect", seq: 3 }));
        std::fs::write(folder.path().join("access.head"), format!("3 {}\n", head.hash)).unwrap();
        assert_eq!(other.verify_accesses(None).unwrap(), Err(ChainBreak::Replaced { place: "the file beside the ledger", seq: 3 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn whatever_is_done_to_a_record_shows(length in 2..9_i64, at in 0..8_i64, kind in 0..7_usize) {
            let (_folder, ledger) = chain(length);
            let seq = 1 + at % length;
            let other = 1 + seq % length;
            let sql = match kind {
                0 => format!("UPDATE access_log SET body = body || ' ' WHERE seq = {seq}"),
                1 => format!("UPDATE access_log SET at = '2030-01-01T00:00:00Z' WHERE seq = {seq}"),
                2 => format!("DELETE FROM access_log WHERE seq = {seq}"),
                3 => format!("DELETE FROM access_log WHERE seq >= {seq}"),
                4 => format!(
                    "UPDATE access_log SET body = (SELECT body FROM access_log WHERE seq = {other}),
                         hash = (SELECT hash FROM access_log WHERE seq = {other}) WHERE seq = {seq}"
                ),
                5 => format!("UPDATE access_log SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = {seq}"),
                _ => "DELETE FROM access_log; DELETE FROM access_head".to_owned(),
            };
            ledger.connection.execute_batch(&sql).unwrap();
            prop_assert!(ledger.verify_accesses(None).unwrap().is_err(), "{}", sql);
        }
    }
}
