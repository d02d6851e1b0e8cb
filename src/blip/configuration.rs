//! Configuration entries: what a bot has set at its channels.
//!
//! Listing them is documented; setting and removing them is not: see [`Unconfirmed::Configuration`](super::unconfirmed::Unconfirmed). Values of
//! secrets travel in clear: whoever reads them keeps them out of every message.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{BlipError, Client, Entry, Listing, Record, Repeat, client::Request, envelope::Method, error::or_empty, identity::encode};
use crate::config::ChannelName;

/// Entries a page.
const TAKE: usize = 100;

/// An entry.
#[derive(Debug, Clone, Deserialize)]
pub struct Setting {
    /// The channel's or extension's address.
    pub owner: String,
    /// Key.
    pub name: String,
    /// Always a text; `null` in words is a cleared one. Kept as a secret, because nobody but the name tells which are.
    #[serde(default, deserialize_with = "value")]
    pub value: Option<SecretString>,
}

/// Reads a value, whatever JSON it is, as the text that Blip means.
fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) if text == "null" || text.is_empty() => None,
        Value::String(text) => Some(text.into()),
        other => Some(other.to_string().into()),
    })
}

impl Record for Setting {
    const KIND: &'static str = "configuration entry";
    const PASSED_OVER: &'static [&'static str] = &["caller"];

    fn is_same(&self, other: &Setting) -> bool {
        self.owner == other.owner && self.name == other.name
    }
}

/// How a channel is set, from the best to the least.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// What identifies it is set.
    Connected,
    /// Something is set, and this is missing or switched off.
    Misconfigured(Vec<String>),
    /// Nothing is set.
    Absent,
}

impl Health {
    /// Tells how a channel is set from the keys of its owner that have a value; `is_off` tells of a key that its value is `false`.
    ///
    /// Blip publishes no state of channels: that an identifying key and no switch that is off mean "connected" is an assumption.
    pub fn of(channel: ChannelName, keys: &BTreeSet<&str>, is_off: impl Fn(&str) -> bool) -> Health {
        if keys.is_empty() {
            return if channel.identifying().is_empty() { Health::Connected } else { Health::Absent };
        }
        let mut amiss = Vec::new();
        if !channel.identifying().is_empty() && !channel.identifying().iter().any(|key| keys.contains(key)) {
            amiss.push(channel.identifying().join(" or "));
        }
        if keys.contains("isChannelActive") && is_off("isChannelActive") {
            amiss.push("isChannelActive".to_owned());
        }
        if amiss.is_empty() { Health::Connected } else { Health::Misconfigured(amiss) }
    }

    /// Returns the keys that are missing or switched off, joined.
    pub fn missing(&self) -> Option<String> {
        if let Health::Misconfigured(keys) = self { Some(keys.join(", ")) } else { None }
    }

    /// Returns the word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Health::Absent => "absent",
            Health::Connected => "connected",
            Health::Misconfigured(_) => "misconfigured",
        }
    }
}

/// Tells how every channel is set by these entries.
pub fn health(entries: &[Setting]) -> BTreeMap<ChannelName, Health> {
    let of = |channel: ChannelName| {
        let own = entries.iter().filter(|entry| entry.owner.eq_ignore_ascii_case(&channel.owner()) && entry.value.is_some());
        let values: BTreeMap<&str, &Setting> = own.map(|entry| (entry.name.as_str(), entry)).collect();
        let is_off = |key: &str| {
            let value = values.get(key).and_then(|entry| entry.value.as_ref());
            value.is_some_and(|value| value.expose_secret().eq_ignore_ascii_case("false"))
        };
        (channel, Health::of(channel, &values.keys().copied().collect(), is_off))
    };
    ChannelName::ALL.into_iter().map(of).collect()
}

/// Every entry with the key's bot as its caller.
///
/// # Errors
/// That of any page.
pub async fn settings(client: &Client) -> Result<Listing<Entry<Setting>>, BlipError> {
    client.list(None, "/configuration/caller", TAKE, |_| false).await
}

/// Sets an entry of `bot` at `owner`, such as `postmaster@telegram.gw.msging.net`.
///
/// # Errors
/// As those of any write.
pub async fn set(client: &Client, owner: &str, bot: &str, name: &str, value: &SecretString) -> Result<(), BlipError> {
    let body = json!({name: value.expose_secret()});
    let uri = format!("lime://{owner}/configuration?caller={}", encode(bot));
    let request = Request { method: Method::Set, to: Some(owner), uri: &uri, body: Some(("application/json", &body)) };
    client.change(request, Repeat::Safe).await
}

/// Removes an entry. One that is not there is no error.
///
/// # Errors
/// As those of any write.
pub async fn delete(client: &Client, owner: &str, bot: &str, name: &str) -> Result<(), BlipError> {
    let uri = format!("lime://{owner}/configuration?name={}&caller={}", encode(name), encode(bot));
    or_empty(client.change(Request { method: Method::Delete, to: Some(owner), uri: &uri, body: None }, Repeat::Safe).await)
}
