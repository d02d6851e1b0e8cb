//! What could not be read although it was asked for often enough.

use std::collections::BTreeSet;

use super::IngestError;
use crate::{
    blip::{BlipError, ErrorKind},
    store::Resource,
};

/// So many failures in a row show Blip to be out of reach: the run ends rather than ask on.
pub const TOO_MANY: usize = 5;

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

/// What is asked of which key.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What kind of record.
    pub resource: Resource,
    /// Name of the key.
    pub key: &'a str,
    /// Beginning of the URI, one for all commands of a kind.
    pub path: &'static str,
}

impl Source<'_> {
    /// Name of the mark that a key has answered this before.
    fn mark(&self) -> String {
        format!("{ANSWERED}{}:{}", self.key, self.path)
    }
}

/// Beginning of the marks of what keys have answered.
pub const ANSWERED: &str = "answered:";

/// Resources without which a load is of no use: that they are not offered is always a failure.
const ESSENTIAL: [&str; 2] = [TICKETS, "/event-track"];

const TICKETS: &str = "/tickets";

/// The gaps of a run.
#[derive(Debug, Default)]
pub struct Gaps {
    /// What is missing.
    pub missing: Vec<Gap>,
    /// What this contract does not offer.
    pub not_offered: Vec<String>,
    /// Marks of what keys have answered, in this run or an earlier one.
    answered: BTreeSet<String>,
    in_a_row: usize,
    /// Whether anything is missing on which figures rest.
    has_lost_figures: bool,
}

impl Gaps {
    /// Begins a run, given the marks of what keys have answered in earlier ones.
    pub fn new(answered: BTreeSet<String>) -> Gaps {
        Gaps { answered, ..Gaps::default() }
    }

    /// Returns the marks of everything that keys have answered so far.
    pub fn answered(&self) -> impl Iterator<Item = &str> {
        self.answered.iter().map(String::as_str)
    }

    /// Returns whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    /// Returns whether everything was read on which figures of tickets, messages and answers rest.
    pub fn are_figures_whole(&self) -> bool {
        !self.has_lost_figures
    }

    /// Returns how many things could not be read so far.
    pub fn count(&self) -> usize {
        self.missing.len()
    }

    /// Notes that something was read.
    pub fn note_success(&mut self, source: &Source<'_>) {
        self.in_a_row = 0;
        let mark = source.mark();
        if !self.answered.contains(&mark) {
            self.answered.insert(mark);
        }
    }

    /// Notes a failure that does not end the run: no figure of tickets or messages rests on it.
    pub fn miss(&mut self, source: &Source<'_>, what: impl Into<String>, error: &BlipError) {
        let what = what.into();
        tracing::warn!(ingest.resource = source.resource.name(), what, %error, "left out of this run");
        self.missing.push(Gap { resource: source.resource, what, reason: error.to_string() });
    }

    /// Notes what waits for something that is not known yet: no figure of tickets or messages rests on it.
    pub fn wait(&mut self, source: &Source<'_>, what: impl Into<String>, reason: impl Into<String>) {
        self.missing.push(Gap { resource: source.resource, what: what.into(), reason: reason.into() });
    }

    /// Notes a failure, or ends the run where asking on has no use.
    ///
    /// A resource that the key has answered before is not missing from the contract: Blip refuses a malformed request with the same code, so that
    /// refusal is a failure like any other.
    pub fn note(&mut self, source: &Source<'_>, what: impl Into<String>, error: BlipError) -> Result<(), IngestError> {
        let resource = source.resource;
        match error.kind() {
            ErrorKind::NotOffered if !ESSENTIAL.contains(&source.path) && !self.answered.contains(&source.mark()) => {
                tracing::info!(ingest.resource = resource.name(), blip.path = source.path, %error, "not offered by this contract");
                if !self.not_offered.iter().any(|known| known == source.path) {
                    self.not_offered.push(source.path.to_owned());
                }
                Ok(())
            }
            ErrorKind::Denied => Err(error.into()),
            kind => {
                // Without tickets a load is of no use; without anything else it is.
                if kind != ErrorKind::NotOffered || source.path == TICKETS {
                    self.in_a_row += 1;
                }
                if self.in_a_row >= TOO_MANY {
                    return Err(error.into());
                }
                let what = what.into();
                tracing::warn!(ingest.resource = resource.name(), what, %error, "left out of this run");
                self.missing.push(Gap { resource, what, reason: error.to_string() });
                self.has_lost_figures = true;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64) -> BlipError {
        BlipError::Refused { command: "get /x".into(), key: "desk".into(), code: Some(code), description: "no processor found".into() }
    }

    #[test]
    fn what_a_key_has_answered_before_is_not_missing_from_the_contract() {
        let monitoring = Source { resource: Resource::Report, key: "desk", path: "/monitoring" };
        let mut gaps = Gaps::default();
        gaps.note(&monitoring, "today", refused(62)).unwrap();
        assert_eq!((gaps.missing.len(), gaps.not_offered.as_slice()), (0, ["/monitoring".to_owned()].as_slice()));
        gaps.note_success(&monitoring);
        let mut next = Gaps::new(gaps.answered().map(str::to_owned).collect());
        next.note(&monitoring, "today", refused(62)).unwrap();
        assert_eq!((next.not_offered.len(), next.missing[0].what.as_str()), (0, "today"));
        assert!(next.missing[0].reason.contains("no processor found (code 62)"), "{}", next.missing[0].reason);
        // Another key has not answered it.
        next.note(&Source { key: "other", ..monitoring }, "today", refused(63)).unwrap();
        assert_eq!(next.not_offered, ["/monitoring"]);
    }

    #[test]
    fn a_refused_survey_is_missing_and_does_not_end_the_run() {
        let mut gaps = Gaps::default();
        for day in 0..2 * TOO_MANY {
            gaps.note(&Source { resource: Resource::Event, key: "desk", path: "/event-track" }, day.to_string(), refused(62)).unwrap();
        }
        assert_eq!((gaps.missing.len(), gaps.are_figures_whole()), (2 * TOO_MANY, false));
        let tickets = Source { resource: Resource::Ticket, key: "desk", path: "/tickets" };
        assert!((0..TOO_MANY).any(|day| gaps.note(&tickets, day.to_string(), refused(62)).is_err()));
    }

    #[test]
    fn tickets_and_survey_answers_are_never_passed_over_as_not_offered() {
        for path in ["/tickets", "/event-track"] {
            let mut gaps = Gaps::default();
            gaps.note(&Source { resource: Resource::Ticket, key: "desk", path }, "2026-10-05", refused(62)).unwrap();
            assert_eq!((gaps.missing.len(), gaps.not_offered.len()), (1, 0), "{path}");
        }
    }
}
