//! Queues, people, rules and tags.

use serde::Deserialize;

use super::{DESK, TAKE};
use crate::blip::{BlipError, Client, Entry, Listing, Record};

/// An attendant and their queues.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attendant {
    /// Identity, in either of its forms.
    pub identity: String,
    /// Name.
    pub full_name: Option<String>,
    /// Queues by name.
    pub teams: Option<Vec<String>>,
    /// Tickets at a time; reported by others, not documented.
    pub agent_slots: Option<u32>,
    /// Whether the person may attend; reported by others, not documented.
    pub is_enabled: Option<bool>,
}

/// A queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Its id.
    pub id: Option<String>,
    /// Name.
    pub name: String,
    /// Whether it takes tickets.
    pub is_active: Option<bool>,
}

/// A queue as the list of teams shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// Name.
    pub name: String,
    /// Attendants who are online.
    pub agents_online: Option<i64>,
}

/// A rule that sends tickets to a queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its id.
    pub id: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Queue by name.
    pub team: Option<String>,
    /// Whether it is applied.
    pub is_active: Option<bool>,
}

/// A tag that attendants may put on tickets.
#[derive(Debug, Clone, Deserialize)]
pub struct Tag {
    /// Name.
    pub name: String,
}

impl Record for Attendant {
    const KIND: &'static str = "attendant";
    const PASSED_OVER: &'static [&'static str] = &["email", "status", "lastServiceDate", "ticketsInService"];

    fn is_same(&self, other: &Attendant) -> bool {
        self.identity == other.identity
    }
}

impl Record for Queue {
    const KIND: &'static str = "queue";
    const PASSED_OVER: &'static [&'static str] =
        &["ownerIdentity", "storageDate", "Priority", "priority", "uniqueId", "numberAttendants", "attendanceHourId"];

    fn is_same(&self, other: &Queue) -> bool {
        self.name == other.name
    }
}

impl Record for Team {
    const KIND: &'static str = "team";

    fn is_same(&self, other: &Team) -> bool {
        self.name == other.name
    }
}

impl Record for Rule {
    const KIND: &'static str = "rule";
    const PASSED_OVER: &'static [&'static str] =
        &["ownerIdentity", "operator", "conditions", "priority", "storageDate", "queueId", "property", "relation", "values"];

    fn is_same(&self, other: &Rule) -> bool {
        self.id == other.id && self.id.is_some()
    }
}

impl Record for Tag {
    const KIND: &'static str = "tag";
    const PASSED_OVER: &'static [&'static str] = &["closedTickets", "ticketsCount"];

    fn is_same(&self, other: &Tag) -> bool {
        self.name == other.name
    }
}

async fn all<T: Record>(client: &Client, path: &str) -> Result<Listing<Entry<T>>, BlipError> {
    client.list(DESK, path, TAKE, |_| false).await
}

/// Returns the records that could be read.
pub(super) fn readable<T>(listing: Listing<Entry<T>>) -> Vec<T> {
    listing.entries.into_iter().filter_map(|entry| if let Entry::Record(record) = entry { Some(record) } else { None }).collect()
}

/// All attendants of the bot.
///
/// # Errors
/// That of any page.
pub async fn attendants(client: &Client) -> Result<Listing<Entry<Attendant>>, BlipError> {
    all(client, "/attendants").await
}

/// All queues of the bot.
///
/// # Errors
/// That of any page.
pub async fn queues(client: &Client) -> Result<Listing<Entry<Queue>>, BlipError> {
    all(client, "/attendance-queues").await
}

/// All teams, with the number of people online.
///
/// # Errors
/// That of any page.
pub async fn teams(client: &Client) -> Result<Vec<Team>, BlipError> {
    // This list takes no page parameters.
    let page = client.page(DESK, "/teams").await?;
    Ok(readable(Listing { entries: page.entries, total: page.total, is_steady: true }))
}

/// All rules that send tickets to queues.
///
/// # Errors
/// That of any page.
pub async fn rules(client: &Client) -> Result<Vec<Rule>, BlipError> {
    all(client, "/rules").await.map(readable)
}

/// All tags that may be used.
///
/// # Errors
/// As [`Client::get`].
pub async fn tags(client: &Client) -> Result<Vec<Tag>, BlipError> {
    let page = client.page(DESK, "/tags/active").await?;
    Ok(readable(Listing { entries: page.entries, total: page.total, is_steady: true }))
}
