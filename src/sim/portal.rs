//! What the portal knows: members of the contract, members of the bots and their permissions, entries of channels.
//!
//! A bot's key is refused by default, as Blip documents nothing else; [`FaultKind::OpenPortal`](super::FaultKind) opens it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    envelope::{Outcome, Query, Reason, Resource, collection},
    world::World,
};
use crate::blip::identity::{attendant, attendant_email};

/// Name of the simulated contract.
pub const CONTRACT: &str = "exemplo";

/// Members and entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portal {
    /// Role and status of the contract's members, by address.
    pub members: BTreeMap<String, (String, String)>,
    /// Actions by permission of the members of each bot, by bot and address.
    pub bots: BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<String>>>>,
    /// Values of entries, by bot, owner and key.
    pub entries: BTreeMap<(String, String, String), String>,
    /// Addresses of people who have an account; an empty list is everybody.
    pub accounts: Vec<String>,
}

impl Portal {
    /// A contract with two administrators and the attendants as guests, and a router with two channels.
    pub fn new<'a>(router: &str, attendants: impl Iterator<Item = &'a str>) -> Portal {
        let mut portal = Portal::default();
        for email in ["direcao@exemplo.org.br", "ti@exemplo.org.br"] {
            portal.members.insert(email.to_owned(), ("admin".to_owned(), "Accepted".to_owned()));
        }
        for email in attendants {
            portal.members.insert(email.to_owned(), ("guest".to_owned(), "Accepted".to_owned()));
        }
        let mut entry = |owner: &str, key: &str, value: &str| {
            portal.entries.insert((router.to_owned(), owner.to_owned(), key.to_owned()), value.to_owned());
        };
        entry("postmaster@wa.gw.msging.net", "PhoneNumber", "551130000000");
        entry("postmaster@wa.gw.msging.net", "WhatsAppBusinessAccountId", "100200300");
        entry("postmaster@wa.gw.msging.net", "BusinessSystemUserAccessToken", "wa-token-of-the-simulator");
        entry("postmaster@messenger.gw.msging.net", "PageId", "700800900");
        entry("postmaster@messenger.gw.msging.net", "PageAccessToken", "page-token-of-the-simulator");
        entry("postmaster@messenger.gw.msging.net", "isChannelActive", "True");
        entry("postmaster@desk.msging.net", "DefaultProvider", "Lime");
        portal
    }

    fn has_account(&self, email: &str) -> bool {
        self.accounts.is_empty() || self.accounts.iter().any(|known| known == email)
    }

    /// Has everybody who was invited make an account and accept.
    pub fn accept_all(&mut self) {
        self.accounts.clear();
        for (_, status) in self.members.values_mut() {
            "Accepted".clone_into(status);
        }
    }
}

/// Answers a read of the portal.
pub fn read(world: &World, query: &Query<'_>) -> Outcome {
    let portal = &world.portal;
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let (skip, take) = query.page(20, 500)?;
    match path.as_slice() {
        ["tenants", CONTRACT, "users"] => {
            let items = portal.members.iter().skip(skip).take(take).map(|(email, (role, status))| {
                json!({"tenantId": CONTRACT, "userIdentity": attendant(email), "fullName": email, "roleId": role, "userStatus": status})
            });
            Ok(collection("application/vnd.iris.portal.tenant-user-information+json", items, Some(portal.members.len())))
        }
        ["applications", bot, "users"] => {
            let members = portal.bots.get(*bot);
            let items = members.into_iter().flatten().skip(skip).take(take).map(|(email, _)| json!({"userIdentity": attendant(email)}));
            Ok(collection("application/vnd.iris.portal.user+json", items, Some(members.map_or(0, BTreeMap::len))))
        }
        ["applications", bot, "permissions"] => {
            let all: Vec<Value> = portal
                .bots
                .get(*bot)
                .into_iter()
                .flatten()
                .flat_map(|(email, permissions)| {
                    let item = move |(id, actions): (&String, &Vec<String>)| {
                        json!({"userIdentity": attendant(email), "permissionId": id, "actions": actions, "updateDate": "2026-01-01T00:00:00Z"})
                    };
                    permissions.iter().map(item)
                })
                .collect();
            let total = all.len();
            let items = all.into_iter().skip(skip).take(take);
            Ok(collection("application/vnd.iris.portal.user-permission+json", items, Some(total)))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Answers a write of the portal.
pub fn write(world: &mut World, path: &[&str], is_set: bool, body: &Value) -> Outcome {
    let person = |identity: &Value| identity.as_str().map(attendant_email).ok_or_else(|| Reason::new(25, "The identity is invalid"));
    match (path, is_set) {
        (["tenants", CONTRACT, "users"], true) => {
            for item in body["items"].as_array().into_iter().flatten() {
                let email = person(&item["userIdentity"])?;
                let role = item["roleId"].as_str().ok_or_else(|| Reason::new(21, "The field roleId is required"))?.to_owned();
                let accepted = world.portal.members.get(&email).is_some_and(|(_, status)| status == "Accepted");
                let status = if accepted || world.portal.has_account(&email) { "Accepted" } else { "PendingUser" };
                world.portal.members.insert(email, (role, status.to_owned()));
            }
            Ok(Resource::none())
        }
        (["tenants", CONTRACT, "users", identity], false) => {
            world.portal.members.remove(&attendant_email(identity)).map(|_| Resource::none()).ok_or_else(Reason::not_found)
        }
        (["applications", bot, "users"], true) => {
            let email = person(body)?;
            world.portal.bots.entry((*bot).to_owned()).or_default().entry(email).or_default();
            Ok(Resource::none())
        }
        (["applications", bot, "users", identity], false) => {
            let members = world.portal.bots.get_mut(*bot).ok_or_else(Reason::not_found)?;
            members.remove(&attendant_email(identity)).map(|_| Resource::none()).ok_or_else(Reason::not_found)
        }
        (["applications", bot, "users", identity, "permissions"], true) => {
            let members = world.portal.bots.get_mut(*bot).ok_or_else(Reason::not_found)?;
            let held = members.get_mut(&attendant_email(identity)).ok_or_else(Reason::not_found)?;
            for item in body["items"].as_array().into_iter().flatten() {
                let id = item["permissionId"].as_str().ok_or_else(|| Reason::new(21, "The field permissionId is required"))?;
                let actions = item["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                held.insert(id.to_owned(), actions.collect());
            }
            Ok(Resource::none())
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Answers the list of a bot's entries.
pub fn entries(world: &World, query: &Query<'_>, bot: &str) -> Outcome {
    let (skip, take) = query.page(100, 1_000)?;
    let own: Vec<_> = world.portal.entries.iter().filter(|((caller, ..), _)| caller == bot).collect();
    let total = own.len();
    let items = own
        .into_iter()
        .skip(skip)
        .take(take)
        .map(|((caller, owner, key), value)| json!({"owner": owner, "caller": caller, "name": key, "value": value}));
    Ok(collection("application/vnd.iris.configuration+json", items, Some(total)))
}

/// Answers a write of a bot's entries at `owner`.
pub fn write_entries(world: &mut World, owner: &str, query: &Query<'_>, is_set: bool, body: &Value) -> Outcome {
    let bot = query.get("caller").ok_or_else(|| Reason::new(64, "The caller parameter is required"))?;
    let place = |key: &str| (bot.to_owned(), owner.to_owned(), key.to_owned());
    if is_set {
        for (key, value) in body.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            world.portal.entries.insert(place(key), text);
        }
        return Ok(Resource::none());
    }
    let key = query.get("name").ok_or_else(|| Reason::new(64, "The name parameter is required"))?;
    world.portal.entries.remove(&place(key)).map(|_| Resource::none()).ok_or_else(Reason::not_found)
}
