//! LIME envelopes as they travel: what is sent, and how an answer is opened.

use serde::{Deserialize, Serialize};

/// A command.
#[derive(Serialize)]
pub struct Command<'a> {
    /// Ties the answer to the question.
    pub id: String,
    /// The extension; omitted for the core server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'a str>,
    /// What is to be done.
    pub method: Method,
    /// Path and query.
    pub uri: &'a str,
    /// MIME type of the body.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub mime: Option<&'a str>,
    /// Body of a write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<&'a serde_json::Value>,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Reads.
    Get,
    /// Makes, or replaces.
    Set,
    /// Removes.
    Delete,
}

impl std::fmt::Display for Method {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Method::Get => "get",
            Method::Set => "set",
            Method::Delete => "delete",
        })
    }
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
