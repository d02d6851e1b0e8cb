//! LIME command envelopes as Blip answers them.

use serde::Deserialize;
use serde_json::{Map, Value, json};

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
}

/// Outcome of a command before it is put into an envelope.
pub type Outcome = Result<Resource, Reason>;

/// A successful resource with its MIME type.
pub struct Resource {
    /// MIME type.
    pub mime: &'static str,
    /// Body.
    pub body: Value,
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

    pub fn unsupported() -> Reason {
        Reason::new(62, "The resource is not supported")
    }

    pub fn not_found() -> Reason {
        Reason::new(67, "The requested resource was not found")
    }
}

/// Makes a collection resource; `total` is left out where Blip leaves it out.
pub fn collection(item_type: &'static str, items: Vec<Value>, total: Option<usize>) -> Resource {
    let mut body = Map::new();
    if let Some(total) = total {
        body.insert("total".into(), total.into());
    }
    body.insert("itemType".into(), item_type.into());
    body.insert("items".into(), items.into());
    Resource { mime: "application/vnd.lime.collection+json", body: body.into() }
}

/// Puts an outcome into the envelope that answers `command`.
pub fn answer(command: &Command, bot: &str, outcome: Outcome) -> Value {
    let extension = command.to.as_deref().unwrap_or("postmaster@msging.net");
    let mut envelope = Map::new();
    let mut put = |name: &str, value: Value| envelope.insert(name.to_owned(), value);
    match outcome {
        Ok(resource) => {
            put("type", resource.mime.into());
            put("resource", resource.body);
            put("method", command.method.as_str().into());
            put("status", "success".into());
        }
        Err(reason) => {
            put("method", command.method.as_str().into());
            put("status", "failure".into());
            put("reason", json!({"code": reason.code, "description": reason.description}));
        }
    }
    put("id", command.id.clone().into());
    put("from", format!("{extension}/#az-iris4").into());
    put("to", bot.into());
    put("metadata", json!({"#command.uri": format!("lime://{bot}{}", command.uri)}));
    envelope.retain(|_, value| !value.is_null());
    envelope.into()
}

/// Path and query of a command's URI, values decoded.
pub struct Query<'a> {
    /// Path segments, decoded once.
    pub path: Vec<String>,
    pairs: Vec<(&'a str, String)>,
}

impl<'a> Query<'a> {
    pub fn parse(uri: &'a str) -> Query<'a> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        Query {
            path: path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect(),
            pairs: query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name, decode(value))).collect(),
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
