//! Changes of people and queues. Each carries its own key, so that a second one of the same content changes nothing.

use serde_json::json;

use super::{Attendant, DESK, Queue};
use crate::blip::{
    BlipError, Client, Repeat,
    client::Request,
    envelope::Method,
    error::or_empty,
    identity::{encode, in_path, normalized},
};

/// Makes an attendant, or replaces what one may: the list of queues is the whole of it. Blip invites a person without an account by mail.
///
/// Fields that Blip's documentation does not name are sent only where they are given: those that were read should be sent back.
///
/// # Errors
/// As those of any write.
pub async fn set_attendant(client: &Client, attendant: &Attendant) -> Result<(), BlipError> {
    let mut body = json!({"identity": normalized(&attendant.identity), "teams": attendant.teams.clone().unwrap_or_default()});
    if let Some(slots) = attendant.agent_slots {
        body["agentSlots"] = json!(slots);
    }
    if let Some(is_enabled) = attendant.is_enabled {
        body["isEnabled"] = json!(is_enabled);
    }
    let body = Some(("application/vnd.iris.desk.attendant+json", &body));
    client.change(Request { method: Method::Set, to: DESK, uri: "/attendants", body }, Repeat::Safe).await
}

/// Takes a person out of the desk. One who is not there is no error.
///
/// # Errors
/// As those of any write.
pub async fn delete_attendant(client: &Client, identity: &str) -> Result<(), BlipError> {
    let uri = format!("/attendants/{}", in_path(&normalized(identity)));
    or_empty(client.change(Request { method: Method::Delete, to: DESK, uri: &uri, body: None }, Repeat::Safe).await)
}

/// Makes a queue, or changes the one with the same id.
///
/// # Errors
/// As those of any write.
pub async fn set_queue(client: &Client, queue: &Queue) -> Result<(), BlipError> {
    let mut body = json!({"name": queue.name, "isActive": queue.is_active.unwrap_or(true)});
    if let Some(owner) = client.owner() {
        body["ownerIdentity"] = json!(format!("{owner}@msging.net"));
    }
    // Without an id Blip may make a second queue of the same name: a repeat is not safe.
    let repeat = match &queue.id {
        Some(id) => {
            body["id"] = json!(id);
            Repeat::Safe
        }
        None => Repeat::Never,
    };
    let body = Some(("application/vnd.iris.desk.attendancequeue+json", &body));
    client.change(Request { method: Method::Set, to: DESK, uri: "/attendance-queues", body }, repeat).await
}

/// Removes a queue. One that is not there is no error.
///
/// # Errors
/// As those of any write.
pub async fn delete_queue(client: &Client, id: &str) -> Result<(), BlipError> {
    let uri = format!("/attendance-queues/{}", encode(id));
    or_empty(client.change(Request { method: Method::Delete, to: DESK, uri: &uri, body: None }, Repeat::Safe).await)
}
