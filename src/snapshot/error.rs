//! Why a snapshot could not be published or read.

use std::path::PathBuf;

use chrono::NaiveDate;

use crate::config::ConfigError;

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
    #[error("manifest `{path}` cannot be understood")]
    Manifest {
        /// The file or object.
        path: String,
        /// Where reading stopped.
        source: serde_json::Error,
    },
    /// A manifest has another form than this version reads.
    #[error("manifest `{path}` has format {format}; this version reads format {known}")]
    Format {
        /// The file or object.
        path: String,
        /// The format that it names.
        format: u32,
        /// The format that is read.
        known: u32,
    },
    /// A manifest lies under another name than its own.
    #[error("manifest `{path}` is that of snapshot `{id}`, whose file is `{id}.json`")]
    Misnamed {
        /// The file.
        path: String,
        /// The id in it.
        id: String,
    },
    /// Nothing has been published.
    #[error("no snapshot in `{0}`: run `relato ingest` first")]
    None(String),
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
    /// Object storage did not do what was asked of it.
    #[error("`{path}` cannot be {action}: {why}")]
    Storage {
        /// What was tried: read, written, listed, …
        action: &'static str,
        /// The bucket or the object.
        path: String,
        /// What the storage says.
        why: String,
        /// Whether it refuses whoever asks.
        is_refused: bool,
    },
    /// The keys of object storage cannot be had.
    #[error(transparent)]
    Keys(ConfigError),
    /// A part is not on the object storage any more.
    #[error("part `{0}` is not there: it was pruned since, or lost; nothing was made of what is left")]
    PartGone(String),
    /// A part on the object storage is not what was published.
    #[error("part `{0}` is not what was published: its SHA-256 is another; nothing was made of it")]
    PartDamaged(String),
    /// Not all parts that are needed at once may be kept here.
    #[error(
        "the parts that are needed at once are {needed_mb} MB, and only {limit_mb} MB of the lake may be kept here: [storage.s3] cache_mb"
    )]
    NoRoom {
        /// What is needed.
        needed_mb: u64,
        /// What is allowed.
        limit_mb: u64,
    },
    /// Somebody else published at the same time.
    #[error("somebody else published into `{0}` at the same time: nothing was overwritten, and this was not published")]
    Overtaken(String),
    /// Among the manifests on object storage is something else.
    #[error("`{0}` is no manifest of a lake")]
    Foreign(String),
    /// Parts that were merged have not the rows of those of which they were made.
    #[error("parts of `{table}` have {expected} rows, and {found} once merged: nothing was published")]
    RowsLost {
        /// The table.
        table: String,
        /// What manifests say.
        expected: i64,
        /// What was written.
        found: i64,
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
