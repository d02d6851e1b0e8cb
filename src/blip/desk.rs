//! The Desk extension: tickets, their messages, queues, attendants.
//!
//! Everything here is documented by Blip, but for two facts that are only reported: a sub-bot behind a router sees messages
//! only with `getFromOwnerIfTunnel`, and an attendant's messages are marked `#messageEmitter`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use super::{BlipError, Client, identity};

const DESK: Option<&str> = Some("postmaster@desk.msging.net");

/// Blip refuses more than 100 tickets or messages a page.
const TAKE: usize = 100;

/// A ticket as Blip sends it; only the fields that are kept. Absent fields are null.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Blip's id.
    pub id: Option<String>,
    /// The number that people see.
    pub sequential_id: Option<i64>,
    /// Number of the ticket that was transferred.
    pub parent_sequential_id: Option<i64>,
    /// The bot that owns the ticket.
    pub owner_identity: Option<String>,
    /// The customer, in clear: pseudonymised before it is stored.
    pub customer_identity: Option<String>,
    /// Domain of the channel.
    pub customer_domain: Option<String>,
    /// The attendant.
    pub agent_identity: Option<String>,
    /// The desk that attends: `Lime` is Blip's own.
    pub provider: Option<String>,
    /// Status by name.
    pub status: Option<String>,
    /// Creation.
    pub storage_date: Option<String>,
    /// Pick-up.
    pub open_date: Option<String>,
    /// First answer.
    pub first_response_date: Option<String>,
    /// Last change of status.
    pub status_date: Option<String>,
    /// Close.
    pub close_date: Option<String>,
    /// Rating of the attendant; 0 means none.
    pub rating: Option<i64>,
    /// Queue by name.
    pub team: Option<String>,
    /// Whether it has ended.
    pub closed: Option<bool>,
    /// Tags by name.
    pub tags: Option<Vec<String>>,
    /// 0 is none.
    pub priority: Option<i64>,
}

/// A message of a customer's thread. Its content is never read.
#[derive(Debug, Clone, Deserialize)]
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

/// What the platform adds to a message; all other marks are passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct Marks {
    /// `Human` for an attendant.
    #[serde(rename = "#messageEmitter")]
    pub emitter: Option<String>,
}

impl Message {
    /// Returns who the platform says wrote the message, where it says so.
    pub fn emitter(&self) -> Option<&str> {
        self.metadata.as_ref()?.emitter.as_deref()
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

/// An attendant and their queues.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attendant {
    /// Identity, in either of its forms.
    pub identity: String,
    /// Name.
    pub full_name: Option<String>,
    /// Queues by name.
    #[serde(default)]
    pub teams: Option<Vec<String>>,
}

/// A queue.
#[derive(Debug, Clone, Deserialize)]
pub struct Queue {
    /// Name.
    pub name: String,
}

/// Tickets created in `[from, until)` and the number that Blip said there are.
///
/// # Errors
/// That of any page.
pub async fn tickets(client: &Client, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<(Vec<Ticket>, Option<u64>), BlipError> {
    let bound = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let filter = format!("storageDate ge datetimeoffset'{}' and storageDate lt datetimeoffset'{}'", bound(from), bound(until));
    client.get_all(DESK, &format!("/tickets?$filter={}", identity::encode(&filter)), TAKE).await
}

/// Messages of the customer of a ticket, newest first, down to `not_before`.
///
/// A ticket's messages are all messages of its customer; reading stops at the first page that reaches below the bound.
///
/// # Errors
/// That of any page.
pub async fn messages(client: &Client, ticket_id: &str, not_before: DateTime<Utc>) -> Result<Vec<Message>, BlipError> {
    let path = format!("/tickets/{}/messages", identity::encode(ticket_id));
    let mut messages: Vec<Message> = Vec::new();
    loop {
        let uri = format!("{path}?$skip={}&$take={TAKE}&$ascending=false&getFromOwnerIfTunnel=true", messages.len());
        let page: Vec<Message> = match client.get_page(DESK, &uri).await {
            // An empty resource is answered as "not found".
            Err(error) if error.reason_code() == Some(67) => Vec::new(),
            other => other?,
        };
        let is_last = page.len() < TAKE
            || page.iter().filter_map(|message| message.date.as_deref()?.parse().ok()).any(|at: DateTime<Utc>| at < not_before);
        messages.extend(page);
        if is_last {
            return Ok(messages);
        }
    }
}

/// All attendants of the bot.
///
/// # Errors
/// That of any page.
pub async fn attendants(client: &Client) -> Result<Vec<Attendant>, BlipError> {
    Ok(client.get_all(DESK, "/attendants", TAKE).await?.0)
}

/// All queues of the bot.
///
/// # Errors
/// That of any page.
pub async fn queues(client: &Client) -> Result<Vec<Queue>, BlipError> {
    Ok(client.get_all(DESK, "/attendance-queues", TAKE).await?.0)
}
