//! Why a run broke off.

use super::ImportError;
use crate::{blip::BlipError, config::Problem, store::StoreError};

/// A failed run.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Blip gave no usable answer.
    #[error(transparent)]
    Blip(#[from] BlipError),
    /// A secret is missing.
    #[error("{0}")]
    Configuration(Problem),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A query's header does not say what it must.
    #[error(transparent)]
    Header(#[from] crate::query::HeaderError),
    /// No key can read tickets.
    #[error("no [[blip.key]] has the role `desk`: tickets can not be read")]
    NoDeskKey,
    /// The key sees neither attendants nor queues.
    #[error("key `{key}`{} sees no attendants and no queues: it does not belong to the bot that attends", of_owner(.owner.as_ref()))]
    SeesNoDesk {
        /// Name of the key.
        key: String,
        /// The bot that the key names.
        owner: Option<String>,
    },
    /// A file cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The published snapshots cannot be written again.
    #[error(transparent)]
    Snapshot(#[from] crate::snapshot::SnapshotError),
    /// A query file of the project cannot be read.
    #[error(transparent)]
    Queries(#[from] crate::config::ConfigError),
    /// The store holds pseudonyms of another key.
    #[error("the key of the customers' pseudonyms is not the one that the stored data were made with")]
    PseudonymKey,
}

fn of_owner(owner: Option<&String>) -> String {
    owner.map_or_else(String::new, |owner| format!(" (of bot `{owner}`)"))
}

impl From<Problem> for IngestError {
    fn from(problem: Problem) -> IngestError {
        IngestError::Configuration(problem)
    }
}
