//! Configuration entries: what a bot has set at its channels.
//!
//! Listing them is documented; setting and removing them is not: see [`Unconfirmed::Configuration`](super::unconfirmed::Unconfirmed). Values of
//! secrets travel in clear: whoever reads them keeps them out of every message.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{BlipError, Client, Entry, Listing, Record, Repeat, client::Request, envelope::Method, error::or_empty, identity::encode};

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
