//! Tickets: lists by creation, and one alone.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{DESK, TAKE};
use crate::blip::{BlipError, Client, Entry, Listing, Record, identity};

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
    /// Used in place of the owner where present.
    pub routing_owner_identity: Option<String>,
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
    /// Tags by name.
    pub tags: Option<Vec<String>>,
    /// 0 is none.
    pub priority: Option<i64>,
    /// Mean time of the attendant's answers, seen in the history only; assumed to be seconds.
    pub average_agent_response_time: Option<f64>,
}

impl Record for Ticket {
    const KIND: &'static str = "ticket";
    const PASSED_OVER: &'static [&'static str] = &[
        "closed",
        "closedBy",
        "customerInput",
        "distributionType",
        "expirationDate",
        "externalId",
        "folderId",
        "CampaignId",
        "isAutomaticDistribution",
        "metadata",
        "queuePosition",
        "sequentialSuffix",
        "unreadMessages",
    ];

    fn is_same(&self, other: &Ticket) -> bool {
        self.id == other.id && self.id.is_some()
    }
}

/// Which list of tickets is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketList {
    /// `/tickets`: any status.
    All,
    /// `/tickets/history/metadata`: ended ones. Not confirmed by Blip's documentation: its fields.
    History,
}

/// Tickets created in `[from, until)`, or of each what `keep` makes of it.
///
/// # Errors
/// That of any page.
pub async fn tickets<E>(
    client: &Client,
    list: TicketList,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    keep: impl Fn(Entry<Ticket>) -> E,
) -> Result<Listing<E>, BlipError> {
    let filter = client.created_filter(from, until);
    let path = match list {
        TicketList::All => "/tickets",
        TicketList::History => "/tickets/history/metadata",
    };
    client.list_kept(DESK, &format!("{path}?$filter={}", identity::encode(&filter)), TAKE, |_| false, keep).await
}

/// One ticket by its id; none where Blip does not know it any more.
///
/// # Errors
/// As [`Client::get`].
pub async fn ticket(client: &Client, id: &str) -> Result<Option<Ticket>, BlipError> {
    crate::blip::error::or_empty(client.get(DESK, &format!("/ticket/{}", identity::encode(id))).await.map(Some))
}
