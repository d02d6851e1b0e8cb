//! The simulated Blip seen from outside: what it answers over HTTP, by default and with each switch.

mod contract;
mod expectations;

use std::sync::Arc;

use relato::sim::{Server, World};
use serde_json::{Value, json};

use crate::support::{serve, world};

pub const DESK: Option<&str> = Some("postmaster@desk.msging.net");
pub const ANALYTICS: Option<&str> = Some("postmaster@analytics.msging.net");
pub const CRM: Option<&str> = Some("postmaster@crm.msging.net");
pub const TUNNEL: Option<&str> = Some("postmaster@tunnel.msging.net");

/// A simulator and somebody who asks it.
pub struct Peer {
    pub server: Server,
    pub world: Arc<World>,
    http: reqwest::Client,
}

impl Peer {
    /// Starts a contract of 500 tickets with these faults and switches.
    pub async fn start(faults: &[&str]) -> Peer {
        Peer::of(world(5, 500), faults).await
    }

    pub async fn of(world: Arc<World>, faults: &[&str]) -> Peer {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = serve(&world, faults).await;
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Peer { server, world, http }
    }

    /// Posts a text with an `Authorization` header; returns the HTTP status and the body, null where it is not JSON.
    pub async fn post(&self, path: &str, authorization: Option<&str>, body: String) -> (u16, Value) {
        let mut request = self.http.post(format!("{}{path}", self.server.base_url)).body(body);
        if let Some(value) = authorization {
            request = request.header("Authorization", value);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.expect("a body")).unwrap_or(Value::Null))
    }

    pub fn desk_key(&self) -> String {
        format!("Key {}", self.server.keys.desk)
    }

    pub fn router_key(&self) -> String {
        format!("Key {}", self.server.keys.router)
    }

    /// Sends a command with one of the keys; returns the envelope of the answer.
    pub async fn send(&self, key: &str, to: Option<&str>, method: &str, uri: &str, resource: Option<Value>) -> Value {
        let mut command = json!({"id": "1", "method": method, "uri": uri});
        if let Some(to) = to {
            command["to"] = to.into();
        }
        if let Some(resource) = resource {
            command["resource"] = resource;
        }
        let (status, answer) = self.post("/commands", Some(key), command.to_string()).await;
        assert_eq!(status, 200, "{method} {uri}: {answer}");
        answer
    }

    /// Reads a resource with the desk's key.
    pub async fn get(&self, to: Option<&str>, uri: &str) -> Value {
        resource(&self.send(&self.desk_key(), to, "get", uri, None).await)
    }

    /// Reads a resource with the router's key.
    pub async fn get_routed(&self, to: Option<&str>, uri: &str) -> Value {
        resource(&self.send(&self.router_key(), to, "get", uri, None).await)
    }

    /// Returns the reason code for which the desk's key is refused.
    pub async fn refusal(&self, to: Option<&str>, uri: &str) -> i64 {
        let answer = self.send(&self.desk_key(), to, "get", uri, None).await;
        assert_eq!(answer["status"], "failure", "{uri}: {answer}");
        answer["reason"]["code"].as_i64().expect("a code")
    }
}

/// Returns the resource of a success.
pub fn resource(answer: &Value) -> Value {
    assert_eq!(answer["status"], "success", "{answer}");
    answer["resource"].clone()
}

pub fn items(resource: &Value) -> &Vec<Value> {
    resource["items"].as_array().unwrap_or_else(|| panic!("no items: {resource}"))
}

/// Returns one field of each item as a text.
pub fn texts<'a>(resource: &'a Value, field: &str) -> Vec<&'a str> {
    items(resource).iter().map(|item| item[field].as_str().unwrap_or_default()).collect()
}

/// Percent-encodes a value of a query.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}
