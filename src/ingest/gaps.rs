//! What could not be read although it was asked for often enough.

use super::IngestError;
use crate::{
    blip::{BlipError, ErrorKind},
    store::Resource,
};

/// So many failures in a row show Blip to be out of reach: the run ends rather than ask on.
const TOO_MANY: usize = 5;

/// Something that the next run has to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What kind of record.
    pub resource: Resource,
    /// Which: a day, a ticket, a customer's thread.
    pub what: String,
    /// Why, in Blip's or the network's words.
    pub reason: String,
}

/// The gaps of a run.
#[derive(Debug, Default)]
pub struct Gaps {
    /// What is missing.
    pub missing: Vec<Gap>,
    /// What this contract does not offer.
    pub not_offered: Vec<String>,
    in_a_row: usize,
}

impl Gaps {
    /// Returns whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    /// Notes that something was read.
    pub fn note_success(&mut self) {
        self.in_a_row = 0;
    }

    /// Notes a failure, or ends the run where asking on has no use.
    pub fn note(&mut self, resource: Resource, what: impl Into<String>, error: BlipError) -> Result<(), IngestError> {
        let what = what.into();
        match error.kind() {
            ErrorKind::NotOffered => {
                tracing::info!(ingest.resource = resource.name(), what, %error, "not offered by this contract");
                if !self.not_offered.contains(&what) {
                    self.not_offered.push(what);
                }
                Ok(())
            }
            ErrorKind::Denied => Err(error.into()),
            _ => {
                self.in_a_row += 1;
                if self.in_a_row >= TOO_MANY {
                    return Err(error.into());
                }
                tracing::warn!(ingest.resource = resource.name(), what, %error, "left out of this run");
                self.missing.push(Gap { resource, what, reason: error.to_string() });
                Ok(())
            }
        }
    }
}
