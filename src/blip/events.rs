//! Event tracking of the analytics extension: what a bot's flow recorded.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer};

use super::{BlipError, Client, identity};

const ANALYTICS: Option<&str> = Some("postmaster@analytics.msging.net");

/// Counters come in pages of at most 10,000, details of at most 500.
const TAKE_COUNTERS: usize = 1_000;
const TAKE_DETAILS: usize = 500;

/// How often an action was recorded on a day.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counter {
    /// Instant at which the day begins, at UTC−3.
    pub storage_date: String,
    /// The action.
    pub action: String,
    /// How often; sent as text.
    #[serde(deserialize_with = "number_or_text")]
    pub count: u64,
}

/// One recorded event.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Category.
    pub category: String,
    /// Action; in a survey, the answer.
    pub action: String,
    /// When it was recorded.
    pub storage_date: String,
    /// Whom it is about.
    pub contact: Option<Contact>,
    /// Older form of the contact.
    pub identity: Option<String>,
    /// The message that caused it.
    pub message_id: Option<String>,
    /// The flow's own fields.
    #[serde(default)]
    pub extras: Option<HashMap<String, String>>,
}

/// Whom an event is about.
#[derive(Debug, Clone, Deserialize)]
pub struct Contact {
    /// Identity, in clear: pseudonymised before it is stored.
    pub identity: Option<String>,
}

/// Counters of a category for whole days, both included, by day and action.
///
/// # Errors
/// That of any page.
pub async fn counters(client: &Client, category: &str, first: NaiveDate, last: NaiveDate) -> Result<Vec<Counter>, BlipError> {
    let uri = format!("/event-track/{}?startDate={first}&endDate={last}", identity::encode(category));
    match client.get_all(ANALYTICS, &uri, TAKE_COUNTERS).await {
        // A category that was never recorded is an empty resource.
        Err(error) if error.reason_code() == Some(67) => Ok(Vec::new()),
        other => other.map(|(counters, _)| counters),
    }
}

/// Events of a category and action for whole days, both included.
///
/// # Errors
/// That of any page.
pub async fn details(client: &Client, category: &str, action: &str, first: NaiveDate, last: NaiveDate) -> Result<Vec<Event>, BlipError> {
    let uri = format!("/event-track/{}/{}?startDate={first}&endDate={last}", identity::encode(category), identity::encode(action));
    Ok(client.get_all(ANALYTICS, &uri, TAKE_DETAILS).await?.0)
}

fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_may_be_text_or_a_number() {
        for count in ["\"12\"", "12"] {
            let json = format!(r#"{{"storageDate":"2026-02-03T03:00:00.000Z","category":"c","action":"4","count":{count}}}"#);
            assert_eq!(serde_json::from_str::<Counter>(&json).unwrap().count, 12);
        }
    }
}
