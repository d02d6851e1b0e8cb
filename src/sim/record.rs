//! What commands leave in the world.

use chrono::{DateTime, Utc};

/// What became of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Id of the message.
    pub message: String,
    /// Addressee of the message.
    pub to: String,
    /// MIME type of the message.
    pub mime: String,
    /// `accepted`, `dispatched`, `received`, `consumed` or `failed`.
    pub event: &'static str,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// An event that a command recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    /// Whether the Desk bot's key recorded it; otherwise the router's.
    pub is_desk: bool,
    /// Category.
    pub category: String,
    /// Action.
    pub action: String,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// All fields as they were sent.
    pub body: serde_json::Value,
}

/// A write, as it was received.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The extension; none is the core server.
    pub to: Option<String>,
    /// Method in lower case.
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// Its body.
    pub body: serde_json::Value,
    /// Whether it was answered with success.
    pub is_done: bool,
}
