//! One interface for every way in which a report leaves: mail, a folder, a message to a program.
//!
//! A way says of each try whether the other side has it, has it not, or may have it. Only who has not may be tried again.

mod email;
mod folder;
mod webhook;

use std::{collections::BTreeMap, path::PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use email::Mailer;
pub use folder::Folder;
pub use webhook::Webhook;

use crate::{config::Problem, render::Mail};

/// What is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// What can not go out twice: the other side can know a repetition by it.
    pub key: String,
    /// An address, a folder, a URL.
    pub to: String,
    /// The text of a mail.
    pub mail: Mail,
    /// The files, in order.
    pub files: Vec<ParcelFile>,
    /// What the report is.
    pub facts: Facts,
}

/// A file of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelFile {
    /// Its name for the reader.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Whether it is small enough to come along with a mail.
    pub attached: bool,
}

/// What a report is, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Name of the definition.
    pub report: String,
    /// Its title.
    pub title: String,
    /// The days, as commands take them.
    pub period: String,
    /// Only this sector; none is all.
    pub sector: Option<String>,
    /// The snapshot that it was made from.
    pub snapshot: String,
    /// `closed`, `provisional` or `incomplete`.
    pub completeness: String,
    /// SHA-256 of the content, as every format prints it.
    pub content_sha256: String,
    /// Name of the schedule.
    pub schedule: String,
    /// The instant that the schedule means.
    pub planned_at: DateTime<Utc>,
    /// How many published figures changed since.
    pub restated_figures: usize,
}

/// Why a parcel was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The other side has it not; later it may take it.
    #[error("{0}")]
    Again(String),
    /// The other side has it not, and will not take it.
    #[error("{0}")]
    Never(String),
    /// The other side may have it.
    #[error("{0}")]
    Unknown(String),
}

impl From<Problem> for DeliveryError {
    /// A secret that is missing can be put there.
    fn from(problem: Problem) -> DeliveryError {
        DeliveryError::Again(problem.to_string())
    }
}

/// A way in which reports leave.
pub trait Deliver {
    /// Delivers a parcel at `now`; returns what the other side said.
    ///
    /// # Errors
    /// Whether the other side has it not, or may have it.
    fn deliver(&self, parcel: &Parcel, now: DateTime<Utc>) -> Result<String, DeliveryError>;
}

/// Media types of the files that reports are.
fn media_type(name: &str) -> &'static str {
    let types: BTreeMap<&str, &str> = [
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("pdf", "application/pdf"),
        ("csv", "text/csv"),
        ("json", "application/json"),
        ("parquet", "application/vnd.apache.parquet"),
    ]
    .into();
    name.rsplit_once('.').and_then(|(_, ending)| types.get(ending)).unwrap_or(&"application/octet-stream")
}
