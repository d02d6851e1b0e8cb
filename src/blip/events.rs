//! Event tracking of the analytics extension: what a bot's flow recorded.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Deserialize;

use super::{BlipError, Client, Entry, Listing, Record, error::or_empty, identity, readings::end_date, time::wire::text_number};

const ANALYTICS: Option<&str> = Some("postmaster@analytics.msging.net");

/// Counters come in pages of at most 10,000, details of at most 500.
const TAKE_COUNTERS: usize = 1_000;
const TAKE_DETAILS: usize = 500;

/// A category of events.
#[derive(Debug, Clone, Deserialize)]
struct Category {
    category: String,
}

/// How often an action was recorded on a day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counter {
    /// Instant at which the day begins, at UTC−3.
    pub storage_date: String,
    /// The action.
    pub action: String,
    /// How often; sent as text.
    #[serde(deserialize_with = "text_number")]
    pub count: u64,
}

/// One recorded event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contact {
    /// Identity, in clear: pseudonymised before it is stored.
    pub identity: Option<String>,
}

impl Record for Category {
    const KIND: &'static str = "event category";

    fn is_same(&self, other: &Category) -> bool {
        self.category == other.category
    }
}

impl Record for Counter {
    const KIND: &'static str = "event counter";
    const PASSED_OVER: &'static [&'static str] = &["category"];

    fn is_same(&self, other: &Counter) -> bool {
        self == other
    }
}

impl Record for Event {
    const KIND: &'static str = "event";
    const PASSED_OVER: &'static [&'static str] = &["label", "value"];

    fn is_same(&self, other: &Event) -> bool {
        self == other
    }
}

/// Extras in which a router's flow names the customer as the desk knows them. Reported by others, not documented.
const TUNNEL_EXTRAS: [&str; 2] = ["#tunnelIdentity", "tunnelIdentity"];

impl Event {
    /// Returns the tunnel that the extras name, in clear; none where they name none.
    pub fn tunnel(&self) -> Option<&str> {
        let extras = self.extras.as_ref()?;
        let name = TUNNEL_EXTRAS.iter().find_map(|name| extras.get(*name))?;
        identity::tunnel_name(name).map(|_| name.as_str())
    }
}

/// Categories in which the bot recorded anything.
///
/// # Errors
/// That of any page.
pub async fn categories(client: &Client) -> Result<Vec<String>, BlipError> {
    let listing: Listing<Entry<Category>> = client.list(ANALYTICS, "/event-track", TAKE_COUNTERS, |_| false).await?;
    let name = |entry| if let Entry::Record(Category { category }) = entry { Some(category) } else { None };
    Ok(listing.entries.into_iter().filter_map(name).collect())
}

/// Counters of a category for whole days, both included, by day and action; the day after the last can be there, too. A category that was
/// never recorded has none.
///
/// # Errors
/// That of any page.
pub async fn counters(client: &Client, category: &str, first: NaiveDate, last: NaiveDate) -> Result<Listing<Entry<Counter>>, BlipError> {
    counters_between(client, category, (first, end_date(client.readings().events_end, last))).await
}

/// Counters of a category, with the dates as Blip reads them.
///
/// # Errors
/// That of any page.
pub async fn counters_between(
    client: &Client,
    category: &str,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Listing<Entry<Counter>>, BlipError> {
    client.list(ANALYTICS, &of_category(category, (first, last)), TAKE_COUNTERS, |_| false).await
}

/// The first page of the counters of a category, with the dates as Blip reads them. One command.
///
/// # Errors
/// That of the command.
pub async fn some_counters(client: &Client, category: &str, span: (NaiveDate, NaiveDate)) -> Result<Vec<Counter>, BlipError> {
    let uri = format!("{}&$skip=0&$take={TAKE_COUNTERS}", of_category(category, span));
    Ok(or_empty(client.page(ANALYTICS, &uri).await)?.into_records())
}

/// The first page of the events of a category and action, with the dates as Blip reads them. One command.
///
/// # Errors
/// That of the command.
pub async fn some_details(client: &Client, category: &str, action: &str, span: (NaiveDate, NaiveDate)) -> Result<Vec<Event>, BlipError> {
    let uri = format!("{}&$skip=0&$take={TAKE_DETAILS}", of_action(category, action, span));
    Ok(or_empty(client.page(ANALYTICS, &uri).await)?.into_records())
}

fn of_category(category: &str, (first, last): (NaiveDate, NaiveDate)) -> String {
    format!("/event-track/{}?startDate={first}&endDate={last}", identity::encode(category))
}

fn of_action(category: &str, action: &str, (first, last): (NaiveDate, NaiveDate)) -> String {
    format!("/event-track/{}/{}?startDate={first}&endDate={last}", identity::encode(category), identity::encode(action))
}

/// Events of a category and action for whole days, both included, or of each what `keep` makes of it; those of the day after the last can
/// be there, too.
///
/// # Errors
/// That of any page.
pub async fn details<E>(
    client: &Client,
    category: &str,
    action: &str,
    (first, last): (NaiveDate, NaiveDate),
    keep: impl Fn(Entry<Event>) -> E,
) -> Result<Listing<E>, BlipError> {
    let end = end_date(client.readings().events_end, last);
    client.list_kept(ANALYTICS, &of_action(category, action, (first, end)), TAKE_DETAILS, |_| false, keep).await
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
