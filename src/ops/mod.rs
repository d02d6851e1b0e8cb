//! People and channels as declared: what a file says is compared with how it is, the difference becomes a plan, and a plan is applied.
//!
//! Nothing else in the program writes to Blip. A plan is bound to the state it was made from, is held by guards, leaves a way back before it
//! begins, and is written down step by step, so that a process that dies can be followed by another.

mod apply;
mod checklist;
mod csv;
mod draft;
mod guard;
mod installation;
mod plan;
mod pull;
mod read;
mod state;
mod target;

pub use apply::{Application, Applied, Changed, Ended, Moment, Patience, apply};
pub use csv::{LineVerdict, Merged, Verdict, merge, people_csv};
pub use draft::{Draft, PERMISSIONS, told};
pub use guard::{Guard, Violation};
pub use plan::{Chore, FORMAT, Note, NoteKind, Plan, PlanError, Step, Subject, Write};
pub use pull::{channels_toml, team_toml};
pub use read::Seen;
pub use state::{Place, State, Value, change};
pub use target::{Look, Target, look, planned};

use crate::{
    blip::BlipError,
    config::{ConfigError, Problem},
    files::FileError,
    ingest::IngestError,
    ledger::LedgerError,
};

/// Why a plan was not made or not applied.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// A file of the project is wrong.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// Blip cannot be reached or refuses the key.
    #[error(transparent)]
    Blip(#[from] BlipError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] IngestError),
    /// The journal cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// No key can speak for channels.
    #[error("no [[blip.key]] has the role channel: channels are those of the bot that customers write to")]
    NoChannelKey,
    /// Entries of channels cannot be listed whole.
    #[error("the entries of the channels of key `{key}` cannot be read: {why}")]
    ChannelsUnread {
        /// Name of the key.
        key: String,
        /// Why.
        why: String,
    },
    /// The plan was made from another state, file or day.
    #[error("the plan is stale: {0}")]
    Stale(String),
    /// The plan is for another subject.
    #[error("this is a plan of `relato {0}`")]
    OtherSubject(&'static str),
    /// What the plan changes cannot be read now.
    #[error("what the plan changes cannot be read now: {0}")]
    Unread(String),
    /// Guards refuse the plan.
    #[error("refused by {}", .0.iter().map(|violation| format!("the guard {}: {}", violation.guard, violation.message)).collect::<Vec<_>>().join("; "))]
    Guarded(Vec<Violation>),
}

impl From<Problem> for OpsError {
    fn from(problem: Problem) -> OpsError {
        ConfigError::from(problem).into()
    }
}
