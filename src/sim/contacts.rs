//! What bots know of customers: contacts, and the tunnels behind which a sub-bot meets them.
//!
//! Each bot knows a customer by an identity of its own and keeps a contact of its own. A contact is derived from the world until a
//! command writes it.

use serde_json::{Map, Value, json};

use super::{
    envelope::{Method, Outcome, Query, Reason, Resource, collection},
    fault::{FaultKind, Faults},
    filter::{self, Fields, Filter, Kind},
    server::ROUTER_BOT,
    world::World,
};
use crate::blip::time::{instant, parse_instant};

const CONTACT_TYPE: &str = "application/vnd.lime.contact+json";

/// Largest `$skip` + `$take` of a filtered list.
const FILTERED_REACH: usize = 10_000;

const FIELDS: Fields = &[
    ("identity", Kind::Text),
    ("name", Kind::Text),
    ("email", Kind::Text),
    ("phonenumber", Kind::Text),
    ("city", Kind::Text),
    ("group", Kind::Text),
    ("source", Kind::Text),
    ("lastmessagedate", Kind::Instant),
];

/// Answers a read of contacts.
pub fn answer(world: &World, faults: &Faults, query: &Query<'_>, is_router: bool) -> Outcome {
    let contacts = Contacts { world, faults, is_router };
    match query.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["contacts"] => contacts.list(query),
        ["contacts", identity] => Ok(Resource::new(CONTACT_TYPE, &contacts.known(identity).ok_or_else(Reason::not_found)?)),
        _ => Err(Reason::unsupported()),
    }
}

/// Writes a contact: `set` replaces it, `merge` changes only the fields that are sent.
pub fn write(world: &mut World, faults: &Faults, method: Method, body: &Value, is_router: bool) -> Outcome {
    let missing = || Reason::new(21, "The field identity is required");
    let identity = body["identity"].as_str().ok_or_else(missing)?.to_owned();
    let sent = body.as_object().ok_or_else(missing)?;
    let before = Contacts { world, faults, is_router }.known(&identity).filter(|_| method == Method::Merge);
    let mut contact = before.and_then(|value| value.as_object().cloned()).unwrap_or_default();
    merge(&mut contact, sent);
    world.contacts.insert((is_router, identity), contact.into());
    Ok(Resource::none())
}

fn merge(known: &mut Map<String, Value>, sent: &Map<String, Value>) {
    for (name, value) in sent {
        match (known.get_mut(name), value) {
            (_, Value::Null) => {
                known.remove(name);
            }
            (Some(Value::Object(known)), Value::Object(sent)) => merge(known, sent),
            _ => {
                known.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Answers a tunnel command: who is behind a tunnel identity.
pub fn tunnel(world: &World, faults: &Faults, query: &Query<'_>) -> Outcome {
    let [first, id] = query.path.as_slice() else { return Err(Reason::unsupported()) };
    if first != "tunnels" {
        return Err(Reason::unsupported());
    }
    let found = world.behind_tunnel(&format!("{id}@tunnel.msging.net")).filter(|_| !faults.has(FaultKind::NoTunnels));
    let customer = found.ok_or_else(Reason::not_found)?;
    let body = json!({"owner": world.router_bot, "originator": world.channel_identity(customer), "destination": world.desk_bot});
    Ok(Resource::new("application/vnd.iris.tunnel+json", &body))
}

/// Answers `/accounts/{+number}` on WhatsApp: any number has an identity.
pub fn whatsapp_account(query: &Query<'_>, is_router: bool) -> Outcome {
    let [first, number] = query.path.as_slice() else { return Err(Reason::unsupported()) };
    if first != "accounts" {
        return Err(Reason::unsupported());
    }
    if !is_router {
        return Err(Reason::new(81, "The WhatsApp account of the sender could not be determined"));
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let identity = format!("{digits}@wa.gw.msging.net");
    let body = json!({"fullName": "…", "identity": identity, "alternativeAccount": identity});
    Ok(Resource::new("application/vnd.lime.account+json", &body))
}

/// Contacts as one bot has them.
struct Contacts<'a> {
    world: &'a World,
    faults: &'a Faults,
    is_router: bool,
}

impl Contacts<'_> {
    fn list(&self, query: &Query<'_>) -> Outcome {
        let (skip, take) = query.page(100, 30_000)?;
        let filter = Filter::parse(query.get("$filter").unwrap_or_default(), FIELDS)?;
        let customers = self.world.customers.len();
        let added: Vec<&Value> = self.added().collect();
        let all = customers + added.len();
        let contact = |place: usize| if place < customers { self.of_customer(place) } else { added[place - customers].clone() };
        if matches!(filter, Filter::All) {
            return Ok(collection(CONTACT_TYPE, (0..all).skip(skip).take(take).map(contact), Some(all)));
        }
        if skip.saturating_add(take) > FILTERED_REACH {
            return Err(Reason::new(64, format!("A filtered list ends after {FILTERED_REACH} contacts")));
        }
        let found: Vec<Value> = (0..all).map(contact).filter(|contact| filter.passes(&|name| field(contact, name))).collect();
        let total = found.len();
        Ok(collection(CONTACT_TYPE, found.into_iter().skip(skip).take(take), Some(total)))
    }

    fn known(&self, identity: &str) -> Option<Value> {
        let written = self.world.contacts.get(&(self.is_router, identity.to_owned())).cloned();
        written.or_else(|| self.customer(identity).map(|customer| self.drawn(customer)))
    }

    fn customer(&self, identity: &str) -> Option<usize> {
        if self.is_router { self.world.on_channel(identity) } else { self.world.behind_tunnel(identity) }
    }

    fn identity(&self, customer: usize) -> String {
        if self.is_router { self.world.channel_identity(customer) } else { self.world.customers[customer].identity.clone() }
    }

    /// Contacts that were written for people who never wrote.
    fn added(&self) -> impl Iterator<Item = &Value> {
        let is_added =
            |((of_router, identity), _): &(&(bool, String), &Value)| *of_router == self.is_router && self.customer(identity).is_none();
        self.world.contacts.iter().filter(is_added).map(|(_, contact)| contact)
    }

    fn of_customer(&self, customer: usize) -> Value {
        if self.world.contacts.is_empty() {
            return self.drawn(customer);
        }
        self.world.contacts.get(&(self.is_router, self.identity(customer))).cloned().unwrap_or_else(|| self.drawn(customer))
    }

    /// A contact as the platform makes it; that of a sub-bot names who is behind the tunnel.
    fn drawn(&self, customer: usize) -> Value {
        let channel = self.world.channel_identity(customer);
        let source = match self.world.customers[customer].channel {
            "wa.gw.msging.net" => "WhatsApp",
            "0mn.io" => "Blip Chat",
            "messenger.gw.msging.net" => "Messenger",
            "telegram.gw.msging.net" => "Telegram",
            _ => "E-mail",
        };
        let mut contact = json!({"identity": self.identity(customer), "name": "…", "source": source});
        if let Some(last) = self.world.messages_of(customer).last() {
            contact["lastMessageDate"] = instant(last.at).into();
        }
        if let Some(number) = channel.strip_suffix("@wa.gw.msging.net") {
            contact["phoneNumber"] = format!("+{number}").into();
        }
        if !self.is_router && !self.faults.has(FaultKind::NoTunnelMarks) {
            contact["extras"] = json!({"tunnel.originator": channel, "tunnel.owner": ROUTER_BOT});
        }
        contact
    }
}

fn field(contact: &Value, name: &str) -> filter::Value {
    let fields = contact.as_object().into_iter().flatten();
    let text = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).find_map(|(_, value)| value.as_str());
    match (text, name) {
        (Some(text), "lastmessagedate") => parse_instant(text).map_or(filter::Value::Null, filter::Value::Instant),
        (Some(text), _) => filter::Value::Text(text.to_owned()),
        (None, _) => filter::Value::Null,
    }
}
