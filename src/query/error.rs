//! What can go wrong with a query.

use super::{ClusterError, HeaderError};
use crate::{domain::table::TableError, snapshot::SnapshotError};

/// A query that could not be run, or whose result is not what its header says.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No query has this name.
    #[error("unknown query `{asked}` (known: {known})")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// All names.
        known: String,
    },
    /// A header is wrong.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A cluster did not answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Parts of the snapshot could not be brought here.
    #[error(transparent)]
    Parts(#[from] SnapshotError),
    /// DuckDB refused the query.
    #[error("query `{name}` failed")]
    Run {
        /// The query.
        name: String,
        /// What DuckDB says.
        source: duckdb::Error,
    },
    /// The snapshot can not be opened as tables.
    #[error("the snapshot cannot be read")]
    Snapshot(#[source] duckdb::Error),
    /// The query names a parameter that no report has.
    #[error("query `{name}` has the parameter `{parameter}`, which its header does not declare")]
    Parameter {
        /// The query.
        name: String,
        /// The parameter.
        parameter: String,
    },
    /// The result's columns are not the declared ones.
    #[error("query `{name}` does not give what its header declares")]
    Declaration {
        /// The query.
        name: String,
        /// The difference.
        source: TableError,
    },
    /// A result could not be carried over from DuckDB.
    #[error("the result of query `{name}` cannot be carried over: {reason}")]
    Transfer {
        /// The query.
        name: String,
        /// What the bridge says.
        reason: String,
    },
    /// The result breaks a promise of the header.
    #[error("query `{name}` breaks its own check: {broken}")]
    Promise {
        /// The query.
        name: String,
        /// What is wrong.
        broken: String,
    },
    /// A check of strength *fail* found something.
    #[error("check `{name}` failed: {offending} {message}; no report is made from this snapshot")]
    Check {
        /// The check.
        name: String,
        /// Rows that break the rule.
        offending: i64,
        /// What is wrong.
        message: String,
    },
}
