//! Threads of the core server: a customer's messages of the last three months, by channel identity and the router's key.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{BlipError, Client, Entry, Record, desk::Message, error::or_empty, identity, record::Page, time};

/// Blip refuses more than 100 messages a page.
const TAKE: usize = 100;

/// A conversation of the bot.
#[derive(Debug, Clone, Deserialize)]
pub struct Thread {
    /// The customer's identity, in clear: never stored.
    pub identity: String,
}

impl Record for Thread {
    const KIND: &'static str = "thread";
    const PASSED_OVER: &'static [&'static str] = &["ownerIdentity", "lastMessage", "lastMessages", "unreadMessages"];

    fn is_same(&self, other: &Thread) -> bool {
        self.identity == other.identity
    }
}

/// The newest conversations of the bot, at most 50.
///
/// # Errors
/// As [`Client::get`].
pub async fn threads(client: &Client) -> Result<Vec<Thread>, BlipError> {
    let page = client.page(None, "/threads?$skip=0&$take=50").await?;
    Ok(page.entries.into_iter().filter_map(|entry| if let Entry::Record(thread) = entry { Some(thread) } else { None }).collect())
}

/// Messages of a customer, newest first, at least down to `not_before`.
///
/// Pages follow one another by time, as Blip documents for more than 100 messages; a page that brings nothing new ends the list.
///
/// # Errors
/// That of any page.
pub async fn messages(client: &Client, customer: &str, not_before: DateTime<Utc>) -> Result<Vec<Entry<Message>>, BlipError> {
    let path = format!("/threads/{}?$take={TAKE}&direction=desc", identity::encode(customer));
    let mut found: Vec<Entry<Message>> = Vec::new();
    let mut before: Option<DateTime<Utc>> = None;
    for _ in 0..client.most_pages() {
        let uri = match before {
            None => path.clone(),
            Some(at) => format!("{path}&storageDate={}", identity::encode(&time::instant(at))),
        };
        let page: Page<Message> = or_empty(client.page(None, &uri).await)?;
        let count = page.entries.len();
        let known = found.len();
        for entry in page.entries {
            let is_known = match &entry {
                Entry::Record(message) => {
                    found.iter().rev().take(TAKE).any(|earlier| matches!(earlier, Entry::Record(earlier) if earlier.is_same(message)))
                }
                Entry::Unreadable(_) => found.contains(&entry),
            };
            if !is_known {
                found.push(entry);
            }
        }
        let oldest = found.iter().filter_map(|entry| if let Entry::Record(message) = entry { message.sent_at() } else { None }).min();
        let is_last = count < TAKE || found.len() == known || oldest.is_none_or(|oldest| oldest < not_before);
        if is_last {
            return Ok(found);
        }
        before = oldest;
    }
    Err(client.endless(&path))
}
