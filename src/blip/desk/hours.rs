//! Opening hours: see [`Unconfirmed::OpeningHours`](crate::blip::unconfirmed::Unconfirmed).

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::{DESK, directory::readable};
use crate::blip::{
    BlipError, Client, Listing, Record,
    identity::encode,
    time::{parse_instant, wire::optional_span},
};

/// Opening hours, as the list of them shows them.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HoursEntry {
    id: String,
}

impl Record for HoursEntry {
    const KIND: &'static str = "opening hours";
    const PASSED_OVER: &'static [&'static str] =
        &["title", "description", "isMain", "ownerIdentity", "storageDate", "modifyDate", "timeZoneId"];

    fn is_same(&self, other: &HoursEntry) -> bool {
        self.id == other.id
    }
}

/// Opening hours with their week, the days off and the queues that keep them.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpeningHours {
    #[serde(rename = "attendanceHour")]
    about: About,
    /// Stretches of the week, by the local clock.
    #[serde(default, rename = "attendanceHourScheduleItems")]
    pub week: Vec<OpenStretch>,
    /// Days off.
    #[serde(default, rename = "attendanceHourOffItems")]
    pub off: Vec<DaysOff>,
    #[serde(default)]
    queues: Vec<NamedQueue>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    title: Option<String>,
    is_main: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
struct NamedQueue {
    name: Option<String>,
}

/// A stretch of one weekday.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenStretch {
    /// English name.
    pub day_of_week: String,
    /// Since midnight.
    #[serde(default, deserialize_with = "optional_span")]
    pub start_time: Option<TimeDelta>,
    /// Since midnight.
    #[serde(default, deserialize_with = "optional_span")]
    pub end_time: Option<TimeDelta>,
}

/// A stretch of time off.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaysOff {
    /// Why, in the words of who wrote it.
    pub reason: Option<String>,
    start_date: String,
    end_date: String,
}

impl OpeningHours {
    /// Returns what they are called.
    pub fn title(&self) -> &str {
        self.about.title.as_deref().unwrap_or("without a title")
    }

    /// Returns whether they are those of every queue without hours of its own.
    pub fn is_main(&self) -> bool {
        self.about.is_main.unwrap_or_default()
    }

    /// Returns the queues that keep them, by name.
    pub fn queues(&self) -> impl Iterator<Item = &str> {
        self.queues.iter().filter_map(|queue| queue.name.as_deref())
    }
}

impl DaysOff {
    /// Returns when it begins and ends; none where Blip writes no instants.
    pub fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        parse_instant(&self.start_date).zip(parse_instant(&self.end_date))
    }
}

/// All opening hours of the bot.
///
/// # Errors
/// As [`Client::get`].
pub async fn opening_hours(client: &Client) -> Result<Vec<OpeningHours>, BlipError> {
    let page = client.page::<HoursEntry>(DESK, "/attendance-hour").await?;
    let entries = readable(Listing { entries: page.entries, total: page.total, is_steady: true });
    let mut hours = Vec::with_capacity(entries.len());
    for entry in entries {
        hours.push(client.get(DESK, &format!("/attendance-hour-container/{}", encode(&entry.id))).await?);
    }
    Ok(hours)
}
