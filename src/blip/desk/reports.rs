//! Blip's own figures by period, against which ours are held.
//!
//! Days are cut at UTC−3. Both days of a range are meant to be included; whether Blip reads them so is found out (see `readings`), and until
//! then one day more is asked for. An average is absent, not zero, where no ticket is behind it.

use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;

use super::{DESK, directory::readable};
use crate::blip::{BlipError, Client, Listing, Record, readings::end_date, time::wire::optional_span};

/// Tickets of one day by how they ended.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaySummary {
    /// Instant at which the day begins.
    pub date: String,
    /// Nobody had them yet.
    pub waiting: Option<i64>,
    /// Being attended.
    pub open: Option<i64>,
    /// Ended.
    pub closed: Option<i64>,
    /// Ended by the attendant.
    pub closed_attendant: Option<i64>,
    /// Ended by the customer after somebody had them.
    pub closed_client: Option<i64>,
    /// Ended by a transfer.
    pub transferred: Option<i64>,
    /// Ended by the customer before anybody had them.
    pub missed: Option<i64>,
}

/// Averages that several summaries share.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TeamSummary {
    /// Name.
    pub name: String,
    /// Tickets that nobody has yet.
    pub waiting_tickets: Option<i64>,
    /// Tickets being attended.
    pub opened_tickets: Option<i64>,
    /// Tickets ended in the period.
    pub closed_tickets: Option<i64>,
    /// From pick-up to first answer.
    #[serde(default, deserialize_with = "optional_span")]
    pub average_first_response_time: Option<TimeDelta>,
    /// From creation to first answer.
    #[serde(default, deserialize_with = "optional_span")]
    pub average_wait_time: Option<TimeDelta>,
    /// From first answer to close.
    #[serde(default, deserialize_with = "optional_span")]
    pub average_attendance_time: Option<TimeDelta>,
    /// To answer a customer's message.
    #[serde(default, deserialize_with = "optional_span")]
    pub average_response_time: Option<TimeDelta>,
}

/// An attendant's figures.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttendantSummary {
    /// Identity, in either of its forms.
    pub identity: String,
    /// Tickets ended in the period.
    pub closed_tickets: Option<i64>,
    /// To answer a customer's message.
    #[serde(default, deserialize_with = "optional_span")]
    pub average_response_time: Option<TimeDelta>,
}

/// An attendant's time by state.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentProductivity {
    /// Identity, in either of its forms.
    pub identity: String,
    /// Online.
    #[serde(default, deserialize_with = "optional_span")]
    pub online: Option<TimeDelta>,
    /// In a pause.
    #[serde(default, deserialize_with = "optional_span")]
    pub paused: Option<TimeDelta>,
}

/// A tag's figures.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagSummary {
    /// Name.
    pub name: String,
    /// Tickets ended in the period.
    pub closed_tickets: Option<i64>,
}

/// Times of the whole bot.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// Mean time in the queue.
    #[serde(default, deserialize_with = "optional_span")]
    pub avg_queue_time: Option<TimeDelta>,
    /// Mean time from pick-up to first answer.
    #[serde(default, deserialize_with = "optional_span")]
    pub avg_first_response_time: Option<TimeDelta>,
    /// Mean time from creation to first answer.
    #[serde(default, deserialize_with = "optional_span")]
    pub avg_wait_time: Option<TimeDelta>,
    /// Mean time to answer a customer's message.
    #[serde(default, deserialize_with = "optional_span")]
    pub avg_response_time: Option<TimeDelta>,
    /// Mean time from first answer to close.
    #[serde(default, deserialize_with = "optional_span")]
    pub avg_attendance_time: Option<TimeDelta>,
}

impl Timings {
    /// Returns whether no time is known.
    pub fn is_empty(&self) -> bool {
        let Timings { avg_queue_time, avg_first_response_time, avg_wait_time, avg_response_time, avg_attendance_time } = self;
        [avg_queue_time, avg_first_response_time, avg_wait_time, avg_response_time, avg_attendance_time].into_iter().all(Option::is_none)
    }
}

/// Time of attendance of the whole bot.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttendanceTime {
    /// The time.
    #[serde(default, deserialize_with = "optional_span")]
    pub attendance_time: Option<TimeDelta>,
}

impl Record for DaySummary {
    const KIND: &'static str = "day summary";
    const PASSED_OVER: &'static [&'static str] = &["inAttendance"];

    fn is_same(&self, other: &DaySummary) -> bool {
        self.date == other.date
    }
}

impl Record for TeamSummary {
    const KIND: &'static str = "team summary";
    const PASSED_OVER: &'static [&'static str] = &["ticketsCount"];

    fn is_same(&self, other: &TeamSummary) -> bool {
        self.name == other.name
    }
}

impl Record for AttendantSummary {
    const KIND: &'static str = "attendant summary";
    const PASSED_OVER: &'static [&'static str] =
        &["status", "openedTickets", "averageFirstResponseTime", "averageWaitTime", "averageAttendanceTime"];

    fn is_same(&self, other: &AttendantSummary) -> bool {
        self.identity == other.identity
    }
}

impl Record for AgentProductivity {
    const KIND: &'static str = "productivity";
    const PASSED_OVER: &'static [&'static str] = &["invisible", "offline", "total"];

    fn is_same(&self, other: &AgentProductivity) -> bool {
        self.identity == other.identity
    }
}

impl Record for TagSummary {
    const KIND: &'static str = "tag summary";
    const PASSED_OVER: &'static [&'static str] =
        &["averageFirstResponseTime", "averageWaitTime", "averageAttendanceTime", "averageResponseTime"];

    fn is_same(&self, other: &TagSummary) -> bool {
        self.name == other.name
    }
}

fn uri(client: &Client, name: &str, first: NaiveDate, last: NaiveDate) -> String {
    uri_between(name, first, end_date(client.readings().reports_end, last))
}

fn uri_between(name: &str, first: NaiveDate, end: NaiveDate) -> String {
    format!("/analytics/reports/{name}?beginDate={first}&endDate={end}")
}

async fn items<T: Record>(client: &Client, name: &str, first: NaiveDate, last: NaiveDate) -> Result<Vec<T>, BlipError> {
    let page = client.page(DESK, &uri(client, name, first, last)).await?;
    Ok(readable(Listing { entries: page.entries, total: page.total, is_steady: true }))
}

/// Tickets by day, with the dates as Blip reads them.
///
/// # Errors
/// As [`Client::get`].
pub async fn day_summaries_between(client: &Client, begin: NaiveDate, end: NaiveDate) -> Result<Vec<DaySummary>, BlipError> {
    let page = client.page(DESK, &uri_between("tickets", begin, end)).await?;
    Ok(readable(Listing { entries: page.entries, total: page.total, is_steady: true }))
}

/// Tickets by day, both days included; the day after the last can be there, too.
///
/// # Errors
/// As [`Client::get`].
pub async fn day_summaries(client: &Client, first: NaiveDate, last: NaiveDate) -> Result<Vec<DaySummary>, BlipError> {
    items(client, "tickets", first, last).await
}

/// Figures by queue, both days included.
///
/// # Errors
/// As [`Client::get`].
pub async fn team_summaries(client: &Client, first: NaiveDate, last: NaiveDate) -> Result<Vec<TeamSummary>, BlipError> {
    items(client, "teams", first, last).await
}

/// Figures by attendant, both days included.
///
/// # Errors
/// As [`Client::get`].
pub async fn attendant_summaries(client: &Client, first: NaiveDate, last: NaiveDate) -> Result<Vec<AttendantSummary>, BlipError> {
    items(client, "attendants", first, last).await
}

/// Time of attendants by state, both days included.
///
/// # Errors
/// As [`Client::get`].
pub async fn productivity(client: &Client, first: NaiveDate, last: NaiveDate) -> Result<Vec<AgentProductivity>, BlipError> {
    items(client, "attendants/productivity", first, last).await
}

/// Figures by tag, both days included.
///
/// # Errors
/// As [`Client::get`].
pub async fn tag_summaries(client: &Client, first: NaiveDate, last: NaiveDate) -> Result<Vec<TagSummary>, BlipError> {
    items(client, "tags", first, last).await
}

/// Times of the whole bot, both days included.
///
/// # Errors
/// As [`Client::get`].
pub async fn timings(client: &Client, first: NaiveDate, last: NaiveDate) -> Result<Timings, BlipError> {
    client.get(DESK, &uri(client, "timings", first, last)).await
}

/// Time of attendance of the whole bot, both days included.
///
/// # Errors
/// As [`Client::get`].
pub async fn attendance_time(client: &Client, first: NaiveDate, last: NaiveDate) -> Result<AttendanceTime, BlipError> {
    client.get(DESK, &uri(client, "attendancetime", first, last)).await
}
