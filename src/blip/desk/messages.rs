//! Messages of tickets. Their content is never read.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{DESK, TAKE};
use crate::blip::{BlipError, Client, Entry, Listing, Record, identity, time};

/// A message of a customer's thread.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: Option<String>,
    /// `received` from the customer or `sent` to them.
    pub direction: Option<String>,
    /// MIME type of the content.
    #[serde(rename = "type")]
    pub mime: Option<String>,
    /// When it was stored.
    pub date: Option<String>,
    /// Marks of the platform.
    pub metadata: Option<Marks>,
}

/// What the platform adds to a message; all other marks are passed over. None of them is confirmed by Blip's documentation for every answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Marks {
    /// `Human` for an attendant; other values occur.
    #[serde(rename = "#messageEmitter")]
    pub emitter: Option<String>,
    /// Identity of the attendant who wrote it, in either of its forms.
    #[serde(rename = "#message.agentIdentity")]
    pub agent: Option<String>,
    /// Id of the ticket for which it was written.
    #[serde(rename = "#message.ticketId")]
    pub ticket_id: Option<String>,
    /// The customer's identity on the channel, in clear, where the thread goes through a tunnel: pseudonymised before it is stored.
    #[serde(rename = "#tunnel.originator")]
    pub originator: Option<String>,
    /// WhatsApp's business-scoped id of the customer, in clear: pseudonymised before it is stored.
    #[serde(rename = "#wa.bsuid")]
    pub bsuid: Option<String>,
    /// The id that joins the customer's business-scoped ids of several businesses, in clear: pseudonymised before it is stored.
    #[serde(rename = "#wa.parentId")]
    pub parent: Option<String>,
}

impl Record for Message {
    const KIND: &'static str = "message";
    const PASSED_OVER: &'static [&'static str] = &["content", "status", "reason"];

    fn is_same(&self, other: &Message) -> bool {
        self.id == other.id && self.id.is_some()
    }
}

impl Message {
    /// Returns who the platform says wrote the message, where it says so.
    pub fn emitter(&self) -> Option<&str> {
        self.metadata.as_ref()?.emitter.as_deref()
    }

    /// Returns when the message was stored.
    pub fn sent_at(&self) -> Option<DateTime<Utc>> {
        time::parse_instant(self.date.as_deref()?)
    }

    /// Returns whether the message is a satisfaction survey that was sent to the customer. Only its type is read.
    pub fn is_survey(&self) -> bool {
        const SURVEY: &str = "application/vnd.lime.satisfaction-survey+json";
        self.direction.as_deref() == Some("sent") && self.mime.as_deref() == Some(SURVEY)
    }

    /// Returns whether the message says something to a person, unlike typing states, redirections and ticket events.
    pub fn is_content(&self) -> bool {
        const SILENT: [&str; 4] = [
            "application/vnd.lime.chatstate+json",
            "application/vnd.lime.redirect+json",
            "application/vnd.iris.ticket+json",
            "application/vnd.lime.command+json",
        ];
        self.mime.as_deref().is_none_or(|mime| !SILENT.contains(&mime))
    }
}

/// Messages of the customer of a ticket, newest first, at least down to `not_before`.
///
/// A ticket's messages are all messages of its customer; reading stops at the first page that reaches below the bound. Blip keeps
/// them for a month: an older ticket gives nothing. Nothing is also what a sub-bot gets where the owner's side was asked for and
/// there is no tunnel, so an empty answer is asked for once more without it.
///
/// # Errors
/// That of any page.
pub async fn messages(client: &Client, ticket_id: &str, not_before: DateTime<Utc>) -> Result<Listing<Entry<Message>>, BlipError> {
    let path = format!("/tickets/{}/messages?$ascending=false", identity::encode(ticket_id));
    let reaches = |message: &Message| message.sent_at().is_some_and(|at| at < not_before);
    let of_owner = client.list(DESK, &format!("{path}&getFromOwnerIfTunnel=true"), TAKE, reaches).await?;
    if !of_owner.entries.is_empty() {
        return Ok(of_owner);
    }
    client.list(DESK, &path, TAKE, reaches).await
}
