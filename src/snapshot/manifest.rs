//! The manifest: what a snapshot consists of, in JSON with a fixed order of keys.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::Period;

/// Version of the manifest's form.
pub const FORMAT: u32 = 1;

/// A published state of all tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u32,
    /// `{time of publication}-{content}`; sorts by time.
    pub id: String,
    /// Time of publication.
    pub published_at: DateTime<Utc>,
    /// Everything Blip had until then was asked for.
    pub loaded_until: Option<DateTime<Utc>>,
    /// The snapshot before.
    pub previous: Option<String>,
    /// IANA name of the zone in which local columns were computed.
    pub timezone: String,
    /// Records set aside because they could not be understood.
    pub quarantined: i64,
    /// Digest of the checks that ran on these tables before they were published; what they found is in the table `quality`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<String>,
    /// When records in it were unlinked from customers after it was published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erasures: Vec<Erasure>,
    /// Who was unlinked on request before it was published, as far as snapshots know: an older copy of the database learns it from here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<Erasure>,
    /// The newest snapshot of each owner, by owner, of which it was made; none where it is of one owner itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<String, String>,
    /// The tables by name.
    pub tables: BTreeMap<String, TableManifest>,
}

impl Manifest {
    /// Returns all unlinkings on request that this snapshot knows of, each once by its receipt, the earliest first.
    pub fn known_erasures(&self) -> Vec<Erasure> {
        let mut seen = std::collections::BTreeSet::new();
        let all = self.forgotten.iter().chain(&self.erasures).filter(|erasure| !erasure.customers.is_empty());
        all.filter(|erasure| seen.insert(&erasure.receipt)).cloned().collect()
    }

    /// Returns the parts of all tables.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.tables.values().flat_map(|table| &table.parts)
    }
}

/// Parts of a snapshot were written again without what led to some customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// When.
    pub at: DateTime<Utc>,
    /// The receipt.
    pub receipt: String,
    /// What is kept of the customers' pseudonyms, in hexadecimal: a database that still holds one knows it by this, and nothing else does. Empty
    /// for customers who were unlinked for the age of their records, and in manifests of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customers: Vec<String>,
}

/// One table of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableManifest {
    /// Rows in all parts.
    pub rows: i64,
    /// The parts by month; at least one, so that an empty table keeps its columns.
    pub parts: Vec<Part>,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Path below the snapshot folder.
    pub path: String,
    /// Local month, `yyyy-mm`; none for small tables in one part.
    pub month: Option<String>,
    /// Rows.
    pub rows: i64,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The first of all local days that its rows name, and the last: outside of them no row was there. No last day when rows have no end
    /// yet; nothing in parts of earlier versions, of which this is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<(NaiveDate, Option<NaiveDate>)>,
    /// Digest of the columns and an order-free one of the rows, by which an unchanged month is recognised without writing it; months of several
    /// parts have one.
    pub fingerprint: String,
    /// The owners' parts of which it was merged, as the lake names them; none where it was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_of: Vec<String>,
}

impl Part {
    /// Returns whether a row of it can have been there on a day of `period`: between the first and the last day that it names.
    pub fn was_there(&self, period: Period) -> bool {
        self.days.is_none_or(|(first, last)| first < period.end && last.is_none_or(|last| last >= period.start))
    }
}
