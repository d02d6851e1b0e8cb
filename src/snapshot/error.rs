//! Why a snapshot could not be published or read.

use std::path::PathBuf;

use chrono::NaiveDate;

/// A failure of the snapshot folder.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file or folder cannot be read or written.
    #[error("`{}` cannot be {action}", path.display())]
    File {
        /// What was tried: read, written, renamed, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A manifest is not what this version writes.
    #[error("manifest `{}` cannot be understood", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Where reading stopped.
        source: serde_json::Error,
    },
    /// Nothing has been published.
    #[error("no snapshot in `{}`: run `relato ingest` first", .0.display())]
    None(PathBuf),
    /// No snapshot has the asked-for name.
    #[error("no snapshot `{asked}` (newest: {newest}; see `relato snapshot list`)")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// The newest there is.
        newest: String,
    },
    /// Several snapshots begin with the asked-for name.
    #[error("`{asked}` names several snapshots: {candidates}")]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The candidates.
        candidates: String,
    },
    /// Nothing had been published by a day.
    #[error("nothing was published by {day}: the first snapshot that is kept is `{first}`")]
    NotYet {
        /// The day.
        day: NaiveDate,
        /// The first snapshot that is kept.
        first: String,
    },
    /// Owners of a lake publish what cannot be put together.
    #[error("the owners of the lake differ in their {what}: {one}, {other}")]
    Owners {
        /// In what.
        what: &'static str,
        /// One owner and its value.
        one: String,
        /// Another.
        other: String,
    },
    /// The queries that put small tables together cannot be read.
    #[error("the queries cannot be read: {0}")]
    Queries(String),
    /// DuckDB could not write or read a part.
    #[error("the database refused to write or read a part")]
    Database(#[from] duckdb::Error),
}

impl SnapshotError {
    /// Returns a function that makes the error of a failed file operation.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> SnapshotError {
        let path = path.into();
        move |source| SnapshotError::File { action, path, source }
    }
}
