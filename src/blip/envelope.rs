//! LIME envelopes as they travel: what is sent, and how an answer is opened.

use serde::{Deserialize, Serialize};

/// A `get` command.
#[derive(Serialize)]
pub struct GetCommand<'a> {
    /// Ties the answer to the question.
    pub id: String,
    /// The extension; omitted for the core server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'a str>,
    /// Always `get`.
    pub method: &'static str,
    /// Path and query.
    pub uri: &'a str,
}

/// An answer: HTTP 200 carries successes and failures alike.
#[derive(Deserialize)]
pub struct Answer<T> {
    /// The outcome.
    pub status: Status,
    /// The body of a success; absent where there is nothing to say.
    pub resource: Option<T>,
    /// Why it failed.
    pub reason: Option<Reason>,
}

/// Outcome of a command.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Done.
    Success,
    /// Not done; see the reason.
    Failure,
}

/// Why a command failed.
#[derive(Deserialize)]
pub struct Reason {
    /// Reason code; some extensions send none.
    pub code: Option<i64>,
    /// Text for people.
    pub description: Option<String>,
}

/// A collection resource.
#[derive(Deserialize)]
pub struct Collection<T> {
    /// Number that matches; left out by some resources.
    pub total: Option<u64>,
    /// This page.
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
}
