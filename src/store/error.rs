//! Why the live database could not be read or written.

use std::path::{Path, PathBuf};

use crate::files::lock::Holder;

/// A failure of the live database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made or written.
    #[error("`{}` cannot be created or written", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process writes.
    #[error("the data in `{}` are being written by {}", folder.display(), describe(.holder.as_ref()))]
    Held {
        /// The data folder.
        folder: PathBuf,
        /// Who has it, where it could be read.
        holder: Option<Holder>,
    },
    /// The file cannot be opened.
    #[error("database `{}` cannot be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What DuckDB says.
        source: duckdb::Error,
    },
    /// The file is no database, or its content contradicts its checksums.
    #[error("database `{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What DuckDB says.
        source: duckdb::Error,
    },
    /// There is no room for what should be written.
    #[error("there is no room left to write the database")]
    Full(#[source] duckdb::Error),
    /// The database was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}; use a newer Relato")]
    TooNew {
        /// Schema in the file.
        found: i64,
        /// Newest schema known here.
        known: i64,
    },
    /// A query of `queries/staging` or `queries/marts` failed.
    #[error("query `{name}` failed")]
    Query {
        /// Path within `queries/`.
        name: String,
        /// What DuckDB says.
        source: duckdb::Error,
    },
    /// A query that the marts need does not exist.
    #[error("query `{0}` is missing")]
    MissingQuery(String),
    /// Rows were lost between two layers: a mistake of the program or of an own query.
    #[error("{lost} of {expected} {what} were lost between raw answers and staged tables; nothing was kept")]
    RowsLost {
        /// What was counted.
        what: &'static str,
        /// Number before.
        expected: i64,
        /// Difference.
        lost: i64,
    },
    /// Any other failure.
    #[error("the database refused an operation")]
    Database(#[source] duckdb::Error),
}

fn describe(holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => {
            format!("`{}` (process {}) since {} UTC", holder.command, holder.pid, holder.since.format("%Y-%m-%d %H:%M:%S"))
        }
        None => "another process".to_owned(),
    }
}

/// DuckDB tells the system's errors in words only.
fn is_full(text: &str) -> bool {
    ["No space left", "File too large", "Disk quota exceeded", "maximum swap space", "max_temp_directory_size"]
        .iter()
        .any(|sign| text.contains(sign))
}

fn is_damaged(text: &str) -> bool {
    ["not a valid DuckDB database", "checksum", "Corrupt", "corrupt", "Serialization Error", "TProtocolException"]
        .iter()
        .any(|sign| text.contains(sign))
}

impl StoreError {
    /// Returns whether an operation needed more memory than it might have.
    pub fn is_out_of_memory(&self) -> bool {
        match self {
            StoreError::Database(source) | StoreError::Query { source, .. } => source.to_string().contains("Out of Memory"),
            _ => false,
        }
    }

    /// Says why the database at `path` could not be opened.
    pub(super) fn opening(path: &Path, source: duckdb::Error) -> StoreError {
        let text = source.to_string();
        let path = path.to_owned();
        if is_full(&text) {
            StoreError::Full(source)
        } else if is_damaged(&text) {
            StoreError::Damaged { path, source }
        } else {
            StoreError::Open { path, source }
        }
    }
}

impl From<duckdb::Error> for StoreError {
    fn from(source: duckdb::Error) -> StoreError {
        if is_full(&source.to_string()) { StoreError::Full(source) } else { StoreError::Database(source) }
    }
}
