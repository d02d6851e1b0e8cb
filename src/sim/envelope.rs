//! LIME command envelopes as Blip answers them.

use serde::{Deserialize, Serialize};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

/// A command as a client sends it.
#[derive(Debug, Deserialize)]
pub struct Command {
    /// Echoed in the answer.
    #[serde(default)]
    pub id: Option<String>,
    /// The extension; none is the core server.
    #[serde(default)]
    pub to: Option<String>,
    /// `get`, `set`, …
    pub method: String,
    /// Path and query, `$` in clear, values percent-encoded.
    pub uri: String,
    /// Body of a write.
    #[serde(default)]
    pub resource: Value,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Set,
    Merge,
    Delete,
    Subscribe,
    Unsubscribe,
    Observe,
}

impl Command {
    /// Returns the method, in whatever case it was sent; none where it is not one of the protocol's.
    pub fn method(&self) -> Option<Method> {
        let known = [
            ("get", Method::Get),
            ("set", Method::Set),
            ("merge", Method::Merge),
            ("delete", Method::Delete),
            ("subscribe", Method::Subscribe),
            ("unsubscribe", Method::Unsubscribe),
            ("observe", Method::Observe),
        ];
        known.into_iter().find(|(name, _)| self.method.eq_ignore_ascii_case(name)).map(|(_, method)| method)
    }
}

/// Outcome of a command before it is put into an envelope.
pub type Outcome = Result<Resource, Reason>;

/// A successful resource with its MIME type.
pub struct Resource {
    mime: &'static str,
    body: Option<Box<RawValue>>,
}

impl Resource {
    /// Makes a resource of anything that can be written as JSON.
    pub fn new(mime: &'static str, body: &impl Serialize) -> Resource {
        Resource { mime, body: Some(to_raw_value(body).expect("answers have no maps with odd keys")) }
    }

    /// A success with nothing to say.
    pub fn none() -> Resource {
        Resource { mime: "", body: None }
    }
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Reason code.
    pub code: i64,
    /// Text for people.
    pub description: String,
}

impl Reason {
    pub fn new(code: i64, description: impl Into<String>) -> Reason {
        Reason { code, description: description.into() }
    }

    /// A failure of the service behind an extension; only the text carries its HTTP status.
    pub fn behind(text: &str) -> Reason {
        Reason::new(2105, format!("An error occurred while calling the backend service: {text}"))
    }

    pub fn unsupported() -> Reason {
        Reason::new(62, "The resource is not supported")
    }

    /// The resource exists, but not for this method.
    pub fn not_for_method() -> Reason {
        Reason::new(63, "The method is not supported")
    }

    pub fn not_found() -> Reason {
        Reason::new(67, "The requested resource was not found")
    }
}

/// Makes a collection resource; `total` is left out where Blip leaves it out.
pub fn collection<T: Serialize>(item_type: &'static str, items: impl Iterator<Item = T>, total: Option<usize>) -> Resource {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Collection<T> {
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<usize>,
        item_type: &'static str,
        items: Vec<T>,
    }
    Resource::new("application/vnd.lime.collection+json", &Collection { total, item_type, items: items.collect() })
}

/// What is done to a collection on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slip {
    /// Its `total` is left out.
    NoTotal,
    /// Without items it is answered as "not found".
    EmptyNotFound,
    /// It declares another type than its items have.
    ItemType,
}

/// Makes a slip in an outcome that is a collection.
pub fn slip(outcome: Outcome, slip: Slip) -> Outcome {
    let Ok(Resource { mime: "application/vnd.lime.collection+json", body: Some(body) }) = &outcome else { return outcome };
    let Ok(mut collection) = serde_json::from_str::<Value>(body.get()) else { return outcome };
    match slip {
        Slip::NoTotal => {
            collection.as_object_mut().map(|fields| fields.remove("total"));
        }
        Slip::ItemType => collection["itemType"] = "application/vnd.iris.desk.open-ticket-summary+json".into(),
        Slip::EmptyNotFound if collection["items"].as_array().is_some_and(Vec::is_empty) => return Err(Reason::not_found()),
        Slip::EmptyNotFound => {}
    }
    Ok(Resource::new("application/vnd.lime.collection+json", &collection))
}

/// Puts an outcome into the envelope that answers `command`, as JSON text.
pub fn answer(command: &Command, bot: &str, outcome: Outcome) -> String {
    #[derive(Serialize)]
    struct Envelope<'a> {
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        mime: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resource: Option<Box<RawValue>>,
        method: &'a str,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        from: String,
        to: &'a str,
        metadata: Value,
    }
    let extension = command.to.as_deref().unwrap_or("postmaster@msging.net");
    let (mime, resource, status, reason) = match outcome {
        Ok(Resource { mime, body }) => (body.is_some().then_some(mime), body, "success", None),
        Err(Reason { code, description }) => (None, None, "failure", Some(json!({"code": code, "description": description}))),
    };
    let envelope = Envelope {
        mime,
        resource,
        method: &command.method,
        status,
        reason,
        id: command.id.as_deref(),
        from: format!("{extension}/#az-iris4"),
        to: bot,
        metadata: json!({"#command.uri": if command.uri.starts_with("lime://") { command.uri.clone() } else { format!("lime://{bot}{}", command.uri) }}),
    };
    serde_json::to_string(&envelope).expect("an envelope has only texts")
}

/// Path and query of a command's URI, values decoded.
pub struct Query<'a> {
    /// Path segments, decoded once.
    pub path: Vec<String>,
    pairs: Vec<(&'a str, String)>,
}

impl<'a> Query<'a> {
    pub fn parse(uri: &'a str) -> Query<'a> {
        // An address in full names the node first.
        let uri = uri.strip_prefix("lime://").map_or(uri, |full| full.find('/').map_or("", |slash| &full[slash..]));
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        Query {
            path: path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect(),
            pairs: query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name, decode(value))).collect(),
        }
    }

    /// Moves the page that is asked for by some records, or to the start.
    pub fn move_page(&mut self, skip: impl Fn(usize) -> usize) {
        for (name, value) in &mut self.pairs {
            if *name == "$skip" {
                *value = skip(value.parse().unwrap_or(0)).to_string();
            }
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    /// Reads `$skip` and `$take` within the limits of a resource.
    pub fn page(&self, default_take: usize, max_take: usize) -> Result<(usize, usize), Reason> {
        let number = |name: &str, default: usize| match self.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Reason::new(64, format!("The {name} parameter is invalid"))),
        };
        let (skip, take) = (number("$skip", 0)?, number("$take", default_take)?);
        if take > max_take {
            return Err(Reason::new(64, format!("The take parameter can not be greater than {max_take}")));
        }
        Ok((skip, take))
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
