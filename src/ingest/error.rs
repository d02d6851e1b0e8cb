//! Why a run broke off.

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
    /// No key can read tickets.
    #[error("no [[blip.key]] has the role `desk`: tickets can not be read")]
    NoDeskKey,
}

impl From<Problem> for IngestError {
    fn from(problem: Problem) -> IngestError {
        IngestError::Configuration(problem)
    }
}
