//! Today's numbers: what Blip shows on its live screens. None of them is kept for other days.

use chrono::TimeDelta;
use serde::Deserialize;

use super::{DESK, directory::readable};
use crate::blip::{
    BlipError, Client, Listing, Record,
    time::wire::{optional_span, optional_text_number},
};

/// Tickets by state, for the bot.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TicketsNow {
    /// Nobody has them yet.
    pub waiting: Option<i64>,
    /// Being attended.
    pub open: Option<i64>,
    /// Ended today.
    pub closed: Option<i64>,
    /// Ended today by a transfer.
    pub transferred: Option<i64>,
    /// Ended today by the customer before anybody had them.
    pub missed: Option<i64>,
}

/// Times of today, for the bot. An absent one has no ticket behind it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TicketMetrics {
    /// Longest time in the queue.
    #[serde(default, deserialize_with = "optional_span")]
    pub max_queue_time: Option<TimeDelta>,
    /// Mean time in the queue.
    #[serde(default, deserialize_with = "optional_span")]
    pub avg_queue_time: Option<TimeDelta>,
    /// Mean time from pick-up to first answer.
    #[serde(default, deserialize_with = "optional_span")]
    pub avg_first_response_time: Option<TimeDelta>,
    /// Mean time to answer a customer.
    #[serde(default, deserialize_with = "optional_span")]
    pub avg_response_time: Option<TimeDelta>,
    /// Tickets for each attendant; documented as text, sent as a number.
    #[serde(default, deserialize_with = "optional_text_number")]
    pub tickets_per_attendant: Option<f64>,
}

/// A queue right now.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TeamNow {
    /// Name.
    pub name: String,
    /// Tickets that nobody has yet.
    pub waiting_tickets: Option<i64>,
    /// Tickets being attended.
    pub opened_tickets: Option<i64>,
    /// Tickets ended today.
    pub closed_tickets: Option<i64>,
}

/// An attendant right now.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttendantNow {
    /// Identity, in either of its forms.
    pub identity: String,
    /// `Offline`, `Pause`, `Online` or `Invisible`.
    pub status: Option<String>,
    /// Tickets being attended.
    pub opened_tickets: Option<i64>,
}

/// A ticket that is waiting or being attended.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenTicket {
    /// Blip's id.
    pub id: Option<String>,
    /// Queue by name.
    pub team: Option<String>,
    /// Time in the queue so far.
    #[serde(default, deserialize_with = "optional_span")]
    pub queue_time: Option<TimeDelta>,
}

/// Tickets created in an hour of today.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HourCount {
    /// Start of the hour.
    pub storage_date: String,
    /// Number.
    pub ticket_by_hour: i64,
}

impl Record for TeamNow {
    const KIND: &'static str = "team summary";
    const PASSED_OVER: &'static [&'static str] = &["averageAttendanceTime", "averageResponseTime"];

    fn is_same(&self, other: &TeamNow) -> bool {
        self.name == other.name
    }
}

impl Record for AttendantNow {
    const KIND: &'static str = "attendant summary";
    const PASSED_OVER: &'static [&'static str] = &["closedTickets", "averageAttendanceTime", "averageResponseTime"];

    fn is_same(&self, other: &AttendantNow) -> bool {
        self.identity == other.identity
    }
}

impl Record for OpenTicket {
    const KIND: &'static str = "open ticket";
    const PASSED_OVER: &'static [&'static str] = &[
        "sequentialId",
        "agentIdentity",
        "customerIdentity",
        "firstResponseTime",
        "agentName",
        "customerName",
        "priority",
        "hasQueueTimeExceeded",
        "hasFirstResponseTimeExceeded",
    ];

    fn is_same(&self, other: &OpenTicket) -> bool {
        self.id == other.id && self.id.is_some()
    }
}

impl Record for HourCount {
    const KIND: &'static str = "hour";

    fn is_same(&self, other: &HourCount) -> bool {
        self.storage_date == other.storage_date
    }
}

async fn items<T: Record>(client: &Client, name: &str) -> Result<Vec<T>, BlipError> {
    let page = client.page(DESK, &format!("/monitoring/{name}?version=2")).await?;
    Ok(readable(Listing { entries: page.entries, total: page.total, is_steady: true }))
}

/// Tickets of today by state.
///
/// # Errors
/// As [`Client::get`].
pub async fn tickets_now(client: &Client) -> Result<TicketsNow, BlipError> {
    client.get(DESK, "/monitoring/tickets?version=2").await
}

/// Times of today.
///
/// # Errors
/// As [`Client::get`].
pub async fn ticket_metrics(client: &Client) -> Result<TicketMetrics, BlipError> {
    client.get(DESK, "/monitoring/ticket-metrics?version=2").await
}

/// Queues right now.
///
/// # Errors
/// As [`Client::get`].
pub async fn teams_now(client: &Client) -> Result<Vec<TeamNow>, BlipError> {
    items(client, "teams").await
}

/// Attendants right now.
///
/// # Errors
/// As [`Client::get`].
pub async fn attendants_now(client: &Client) -> Result<Vec<AttendantNow>, BlipError> {
    items(client, "attendants").await
}

/// Tickets that are being attended.
///
/// # Errors
/// As [`Client::get`].
pub async fn open_tickets(client: &Client) -> Result<Vec<OpenTicket>, BlipError> {
    items(client, "open-tickets").await
}

/// Tickets that nobody has yet.
///
/// # Errors
/// As [`Client::get`].
pub async fn waiting_tickets(client: &Client) -> Result<Vec<OpenTicket>, BlipError> {
    items(client, "waiting-tickets").await
}

/// Tickets created in each hour of today.
///
/// # Errors
/// As [`Client::get`].
pub async fn tickets_per_hour(client: &Client) -> Result<Vec<HourCount>, BlipError> {
    items(client, "tickets-per-hour").await
}
