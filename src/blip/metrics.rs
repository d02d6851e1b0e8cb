//! Usage metrics of the analytics extension: people and messages by day.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{BlipError, Client, Entry, Record, identity, time};

const ANALYTICS: Option<&str> = Some("postmaster@analytics.msging.net");

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indicator {
    /// Unique people who sent or received.
    ActiveIdentity,
    /// Unique people who sent.
    EngagedIdentity,
    /// Messages from the bot's side.
    SentMessages,
    /// Messages to the bot's side.
    ReceivedMessages,
    /// Messages sent outside the channel's window.
    ActiveMessages,
}

impl Indicator {
    const fn name(self) -> &'static str {
        match self {
            Indicator::ActiveIdentity => "active-identity",
            Indicator::EngagedIdentity => "engaged-identity",
            Indicator::SentMessages => "sent-messages",
            Indicator::ReceivedMessages => "received-messages",
            Indicator::ActiveMessages => "active-messages",
        }
    }
}

/// The count of one day.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DayCount {
    /// Start of the day.
    pub interval_start: String,
    /// The count.
    pub count: i64,
}

impl Record for DayCount {
    const KIND: &'static str = "metric";
    const PASSED_OVER: &'static [&'static str] = &["intervalEnd", "domain"];

    fn is_same(&self, other: &DayCount) -> bool {
        self.interval_start == other.interval_start
    }
}

/// Counts by day of `[from, until)`.
///
/// # Errors
/// As [`Client::get`].
pub async fn by_day(client: &Client, indicator: Indicator, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<DayCount>, BlipError> {
    let bound = |at| identity::encode(&time::instant(at));
    let uri = format!("/metrics/{}/D?startDate={}&endDate={}", indicator.name(), bound(from), bound(until));
    let page = client.page(ANALYTICS, &uri).await?;
    Ok(page.entries.into_iter().filter_map(|entry| if let Entry::Record(count) = entry { Some(count) } else { None }).collect())
}
