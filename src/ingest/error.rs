//! Why a run broke off.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{
    ImportError,
    publish::{Lack, words},
};
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
    /// A file of the data folder cannot be written.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    /// A query file of the project cannot be read.
    #[error(transparent)]
    Queries(#[from] crate::config::ConfigError),
    /// This machine's clock is not Blip's.
    #[error("this machine's clock says {}, Blip's says {} (key `{key}`): days would be taken for over that are not, or for open", time(*.here), time(*.blip))]
    Clock {
        /// Name of the key that was asked.
        key: String,
        /// The time here.
        here: DateTime<Utc>,
        /// The time at Blip.
        blip: DateTime<Utc>,
    },
    /// This machine's clock is behind what Blip's said before.
    #[error("this machine's clock says {}, Blip's said {} at the last load: it is behind", time(*.here), time(*.heard))]
    Behind {
        /// The time here.
        here: DateTime<Utc>,
        /// The time at Blip, when it was heard last.
        heard: DateTime<Utc>,
    },
    /// A key belongs to another bot than the one whose data were loaded with it.
    #[error("key `{key}` is of bot `{found}`, but what was loaded under this name is of bot `{known}`")]
    OtherBot {
        /// Name of the key.
        key: String,
        /// The bot that the key names.
        found: String,
        /// The bot of what is stored.
        known: String,
    },
    /// Two keys of one bot.
    #[error("keys `{one}` and `{other}` are both of bot `{bot}`: everything would be read and counted twice")]
    SameBot {
        /// Name of a key.
        one: String,
        /// Name of another.
        other: String,
        /// Their bot.
        bot: String,
    },
    /// There is nothing to remove.
    #[error("there are no tickets of bot `{bot}` beside another bot's: nothing was removed")]
    NotForeign {
        /// The bot that was named.
        bot: String,
    },
    /// The newest snapshot was not published by this database: it was restored, or begun anew.
    #[error(
        "the newest snapshot `{snapshot}` (of {}) was not published by this database, which has {}",
        time(*.published_at),
        words(.lacks)
    )]
    KnowsLess {
        /// The snapshot.
        snapshot: String,
        /// When it was published.
        published_at: DateTime<Utc>,
        /// What the database lacks of it; nothing where it has as many rows of every table.
        lacks: Vec<Lack>,
    },
    /// The store holds pseudonyms of another key.
    #[error("the key of the customers' pseudonyms is not the one that the stored data were made with")]
    PseudonymKey,
}

fn of_owner(owner: Option<&String>) -> String {
    owner.map_or_else(String::new, |owner| format!(" (of bot `{owner}`)"))
}

fn time(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl From<Problem> for IngestError {
    fn from(problem: Problem) -> IngestError {
        IngestError::Configuration(problem)
    }
}
