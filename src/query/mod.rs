//! Runs the SQL files of `queries/reports` and `queries/checks` on a snapshot.
//!
//! A file's header declares parameters and columns; the catalogue reads it, the engine holds the result to it. Nothing here
//! knows reports, labels or formats.

mod answer;
mod catalogue;
mod check;
mod cluster;
mod comparison;
mod dialect;
mod difference;
mod engine;
mod error;
mod launcher;
mod mask;
mod rows_file;

pub use answer::{AnswerColumn, AnswerFile, FileReader, UnwrittenError, plain, write_answer};
pub use catalogue::{Behind, Catalogue, Check, DeclaredColumn, HeaderError, MEMBER, Query, Rows};
pub use check::{CheckOutcome, CheckStrength};
pub use cluster::{Cluster, ClusterError, ClusterNews, Literal, Watcher};
pub use comparison::{CellDifference, Comparison};
pub use difference::{ChangedConversation, Difference};
pub use engine::{Engine, KeptRows, Parameters};
pub use error::QueryError;
pub use mask::mask;
pub use rows_file::write_rows;
