//! Reads how it is: people and queues at Blip, entries of channels, files of the project.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    OpsError, installation,
    plan::{Note, NoteKind},
    state::{Place, State, Value},
};
use crate::{
    blip::{BlipError, Client, Entry, ErrorKind, Listing, Record, configuration, desk, identity, portal, unconfirmed::Unconfirmed},
    config::{ChannelName, Layer, Project, is_secret_key},
    ingest::{Clients, Pseudonyms, doubted},
};

/// What a row needs to be written that is no part of it.
#[derive(Debug, Clone, Default)]
pub struct Handle {
    /// A person's identity, as it was read.
    pub identity: Option<String>,
    /// A queue's id.
    pub id: Option<String>,
    /// Whether the person may attend, where Blip said.
    pub is_enabled: Option<bool>,
    /// Permissions with nothing in them are left out of rows, and are named when all are set.
    pub permissions: BTreeSet<String>,
}

/// How it is.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Rows of all places that could be read.
    pub state: State,
    /// Names of people, by address.
    pub names: BTreeMap<String, String>,
    /// What rows need to be written.
    pub handles: BTreeMap<(Place, String), Handle>,
    /// Layers that could not be read whole, and why.
    pub unread: BTreeMap<Layer, String>,
    /// Schedules with an owner, and the owner's address.
    pub owners: Vec<(String, String)>,
    /// What else there is to say.
    pub notes: Vec<Note>,
}

impl Seen {
    /// Returns what could not be read, layers with the same reason together, such as `layers contract, bot`.
    pub fn unread_by_reason(&self) -> Vec<(String, &str)> {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (layer, why) in &self.unread {
            by_reason.entry(why).or_default().push(layer.name());
        }
        let named = |layers: Vec<&str>| format!("layer{} {}", if layers.len() == 1 { "" } else { "s" }, layers.join(", "));
        by_reason.into_iter().map(|(why, layers)| (named(layers), why)).collect()
    }
}

/// Why a list cannot be relied on.
enum Unreliable {
    /// Blip does not offer it, or refuses it.
    Refused(String),
    /// Asking failed.
    Failed(BlipError),
}

/// Reads where people are.
///
/// # Errors
/// When Blip cannot be reached or refuses the key, or a file of the project cannot be read. What Blip does not offer is told in
/// [`Seen::unread`] instead.
pub async fn team(project: &Project, clients: &Clients) -> Result<Seen, OpsError> {
    let mut seen = Seen::default();
    for client in &clients.desk {
        if let Err(why) = desk_of(client, &mut seen).await {
            unread(&mut seen, Layer::Desk, why)?;
        }
    }
    if clients.desk.is_empty() {
        seen.unread.insert(Layer::Desk, "no [[blip.key]] has the role desk".to_owned());
    }
    let settings = &project.settings.team;
    match (settings.unconfirmed, &settings.contract, clients.portal.first()) {
        (true, Some(contract), Some(client)) => {
            if let Err(why) = contract_of(client, contract, &mut seen).await {
                unread(&mut seen, Layer::Contract, why)?;
            }
            for bot in bots(clients) {
                if let Err(why) = bot_of(client, &bot, &mut seen).await {
                    unread(&mut seen, Layer::Bot, why)?;
                }
            }
        }
        (switched_on, ..) => {
            let missing = if switched_on { "no [[blip.key]] has the role portal" } else { "[team] unconfirmed is not switched on" };
            let why = format!("{}; {missing}", Unconfirmed::Portal.message());
            seen.unread.insert(Layer::Contract, why.clone());
            seen.unread.insert(Layer::Bot, why);
        }
    }
    // A layer that is known in part would look as if people had left it, whichever part was read first.
    let places: Vec<Place> =
        seen.state.places().filter(|place| place.layer().is_some_and(|layer| seen.unread.contains_key(&layer))).cloned().collect();
    for place in &places {
        seen.state.forget(place);
    }
    seen.owners = installation::read(project, &mut seen.state)?;
    Ok(seen)
}

/// Returns the bots of all keys, such as `acmebot@msging.net`.
fn bots(clients: &Clients) -> BTreeSet<String> {
    clients.all.iter().filter_map(|client| client.owner()).map(|owner| format!("{owner}@msging.net")).collect()
}

fn unread(seen: &mut Seen, layer: Layer, why: Unreliable) -> Result<(), OpsError> {
    match why {
        Unreliable::Failed(error) => Err(error.into()),
        Unreliable::Refused(why) => {
            seen.unread.insert(layer, why);
            Ok(())
        }
    }
}

/// Returns the records of a list that is whole. A refusal is an answer.
async fn whole<T: Record, F>(ask: impl Fn() -> F) -> Result<Vec<T>, Unreliable>
where
    F: Future<Output = Result<Listing<Entry<T>>, BlipError>>,
{
    let listing = doubted(ask).await.map_err(|error| match error.kind() {
        ErrorKind::NotOffered | ErrorKind::Denied => Unreliable::Refused(error.to_string()),
        _ => Unreliable::Failed(error),
    })?;
    let (count, total) = (listing.entries.len(), listing.total);
    if !listing.is_steady || total.is_some_and(|total| total > count as u64) {
        let said = total.map_or_else(|| "another number".to_owned(), |total| total.to_string());
        return Err(Unreliable::Refused(format!(
            "the list of each {} kept changing while it was read ({count} of {said}); try again",
            T::KIND
        )));
    }
    let mut records = Vec::with_capacity(count);
    for entry in listing.entries {
        match entry {
            Entry::Record(record) => records.push(record),
            Entry::Unreadable(one) => {
                return Err(Unreliable::Refused(format!("a record of kind {} cannot be read: field `{}`", T::KIND, one.field)));
            }
        }
    }
    Ok(records)
}

async fn desk_of(client: &Client, seen: &mut Seen) -> Result<(), Unreliable> {
    let desk = client.key_name().to_owned();
    // Who the key is, is settled first: one that is wrong can do nothing, and is to be told so.
    client.ping().await.map_err(Unreliable::Failed)?;
    let queues = whole(|| desk::queues(client)).await?;
    let attendants = whole(|| desk::attendants(client)).await?;
    if queues.is_empty() && attendants.is_empty() {
        return Err(Unreliable::Refused(format!("key `{desk}` sees neither queues nor attendants: it may be a router's")));
    }
    let place = Place::Queue(desk.clone());
    seen.state.open(place.clone());
    for queue in queues {
        let handle = Handle { id: queue.id.clone(), ..Handle::default() };
        seen.handles.insert((place.clone(), queue.name.clone()), handle);
        seen.state.put(&place, &queue.name, Some(Value::Queue { active: queue.is_active.unwrap_or(true) }));
    }
    let place = Place::Attendant(desk);
    seen.state.open(place.clone());
    for attendant in attendants {
        let email = identity::attendant_email(&attendant.identity);
        let mut queues: BTreeSet<String> = attendant.teams.unwrap_or_default().into_iter().collect();
        if let Some(Value::Attendant { queues: others, .. }) = seen.state.get(&place, &email) {
            queues.extend(others.iter().cloned());
            seen.notes.push(Note { kind: NoteKind::Warning, text: format!("{place}: `{email}` is listed twice, in two ways of writing") });
        } else {
            let handle = Handle { identity: Some(attendant.identity), is_enabled: attendant.is_enabled, ..Handle::default() };
            seen.handles.insert((place.clone(), email.clone()), handle);
        }
        seen.names.extend(attendant.full_name.filter(|name| !name.trim().is_empty()).map(|name| (email.clone(), name)));
        seen.state.put(&place, &email, Some(Value::Attendant { queues, slots: attendant.agent_slots }));
    }
    Ok(())
}

async fn contract_of(client: &Client, contract: &str, seen: &mut Seen) -> Result<(), Unreliable> {
    let members = whole(|| portal::contract_members(client, contract)).await?;
    let place = Place::Contract(contract.to_owned());
    seen.state.open(place.clone());
    for member in members {
        let email = identity::attendant_email(&member.user_identity);
        let pending = match member.user_status {
            Some(portal::MemberStatus::Rejected) => continue,
            Some(portal::MemberStatus::PendingTenant | portal::MemberStatus::PendingUser) => true,
            Some(portal::MemberStatus::Accepted) | None => false,
        };
        seen.names.extend(member.full_name.filter(|name| !name.trim().is_empty()).map(|name| (email.clone(), name)));
        let handle = Handle { identity: Some(member.user_identity), ..Handle::default() };
        seen.handles.insert((place.clone(), email.clone()), handle);
        seen.state.put(&place, &email, Some(Value::Member { role: member.role_id, pending }));
    }
    Ok(())
}

async fn bot_of(client: &Client, bot: &str, seen: &mut Seen) -> Result<(), Unreliable> {
    let members = whole(|| portal::bot_members(client, bot)).await?;
    let permissions = whole(|| portal::permissions(client, bot)).await?;
    let place = Place::Bot(bot.to_owned());
    seen.state.open(place.clone());
    let mut by_person: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for member in members {
        let email = identity::attendant_email(&member.user_identity);
        let handle = Handle { identity: Some(member.user_identity), ..Handle::default() };
        seen.handles.insert((place.clone(), email.clone()), handle);
        by_person.entry(email).or_default();
    }
    for permission in permissions {
        let email = identity::attendant_email(&permission.user_identity);
        let Some(person) = by_person.get_mut(&email) else {
            let text = format!("{place}: `{email}` has the permission `{}` and is no member", permission.permission_id);
            seen.notes.push(Note { kind: NoteKind::Warning, text });
            continue;
        };
        let handle = seen.handles.entry((place.clone(), email)).or_default();
        handle.permissions.insert(permission.permission_id.clone());
        let actions: BTreeSet<String> = permission.actions.into_iter().filter(|action| action != "none").collect();
        if !actions.is_empty() {
            person.insert(permission.permission_id, actions);
        }
    }
    for (email, permissions) in by_person {
        seen.state.put(&place, &email, Some(Value::Permissions(permissions)));
    }
    Ok(())
}

/// Reads the entries of all channels. What is named like a secret, or `is_secret` tells to be one, becomes a fingerprint by `pseudonyms`.
///
/// # Errors
/// When Blip cannot be reached, or refuses: then nothing can be said of channels.
pub async fn channels(
    client: &Arc<Client>,
    is_secret: impl Fn(ChannelName, &str) -> bool,
    pseudonyms: &Pseudonyms,
) -> Result<Seen, OpsError> {
    let mut seen = Seen::default();
    let entries = match whole(|| configuration::settings(client)).await {
        Ok(entries) => entries,
        Err(Unreliable::Failed(error)) => return Err(error.into()),
        Err(Unreliable::Refused(why)) => return Err(OpsError::ChannelsUnread { key: client.key_name().to_owned(), why }),
    };
    for channel in ChannelName::ALL {
        seen.state.open(Place::Channel(channel));
    }
    for entry in entries {
        let Some(channel) = ChannelName::ALL.into_iter().find(|channel| channel.owner().eq_ignore_ascii_case(&entry.owner)) else {
            continue;
        };
        let is_secret = is_secret_key(&entry.name) || is_secret(channel, &entry.name);
        let value = entry.value.as_ref().map(|value| {
            if is_secret { secret_value(&entry.name, value, pseudonyms) } else { Value::Entry(value.expose_secret().to_owned()) }
        });
        seen.state.put(&Place::Channel(channel), &entry.name, value);
    }
    Ok(seen)
}

/// Returns a secret as a row holds it: as its fingerprint.
pub fn secret_value(name: &str, value: &SecretString, pseudonyms: &Pseudonyms) -> Value {
    Value::Secret(pseudonyms.keyed(name, value.expose_secret()))
}
