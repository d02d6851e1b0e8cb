//! Why the live database could not be read or written.

use std::path::PathBuf;

/// A failure of the live database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made.
    #[error("data folder `{}` cannot be created", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file cannot be opened, most often because another process writes it.
    #[error("database `{}` cannot be opened; is another `relato ingest` or `relato serve` running on this project?", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What DuckDB says.
        source: duckdb::Error,
    },
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
    Database(#[from] duckdb::Error),
}
