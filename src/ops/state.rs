//! What stands where: people in queues, members of a contract, entries of a channel, as plain rows that can be compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use crate::{
    blip::portal::Role,
    config::{ChannelName, Layer},
    domain::digest::sha256,
};

/// Where a row stands. All rows of one place are of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Queues of the desk that a key sees, by name.
    Queue(String),
    /// Attendants of the desk that a key sees, by address.
    Attendant(String),
    /// Members of the contract, by address.
    Contract(String),
    /// Members of a bot, by address.
    Bot(String),
    /// People of `[access]` in `relato.toml`, by address.
    Access,
    /// Addresses in a list of a file of the project.
    List {
        /// The file, relative to the project.
        file: String,
        /// Keys to the list.
        keys: Vec<String>,
    },
    /// Entries of a channel, by key.
    Channel(ChannelName),
}

impl Place {
    /// Returns the layer of the team that it belongs to; none is of channels.
    pub fn layer(&self) -> Option<Layer> {
        match self {
            Place::Queue(_) | Place::Attendant(_) => Some(Layer::Desk),
            Place::Contract(_) => Some(Layer::Contract),
            Place::Bot(_) => Some(Layer::Bot),
            Place::Access | Place::List { .. } => Some(Layer::Relato),
            Place::Channel(_) => None,
        }
    }

    /// Returns whether people stand there who may have to accept an invitation first.
    pub fn is_of_invited(&self) -> bool {
        matches!(self, Place::Attendant(_) | Place::Contract(_) | Place::Bot(_))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Queue(desk) => write!(formatter, "queues of desk `{desk}`"),
            Place::Attendant(desk) => write!(formatter, "attendants of desk `{desk}`"),
            Place::Contract(contract) => write!(formatter, "members of contract `{contract}`"),
            Place::Bot(bot) => write!(formatter, "members of bot `{bot}`"),
            Place::Access => formatter.write_str("people of [access]"),
            Place::List { file, keys } => write!(formatter, "{file}, {}", keys.join(".")),
            Place::Channel(channel) => write!(formatter, "channel {}", channel.name()),
        }
    }
}

/// What stands there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A queue.
    Queue {
        /// Whether it takes tickets.
        active: bool,
    },
    /// An attendant.
    Attendant {
        /// Queues by name.
        queues: BTreeSet<String>,
        /// Tickets at a time; none is not said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        slots: Option<u32>,
    },
    /// A member of the contract.
    Member {
        /// What they may do.
        role: Role,
        /// Whether the person has still to accept.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        pending: bool,
    },
    /// A member of a bot: actions by permission, none that is empty.
    Permissions(BTreeMap<String, BTreeSet<String>>),
    /// A person of this installation.
    Access {
        /// Whether they get and may ask anything.
        active: bool,
    },
    /// An address in a list.
    Listed,
    /// A value in clear.
    Entry(String),
    /// A secret, by a keyed fingerprint.
    Secret(String),
}

impl Value {
    /// Returns whether two values are the same but for what only time can change.
    pub fn is_settled(&self, wanted: &Value) -> bool {
        match (self, wanted) {
            (Value::Member { role, .. }, Value::Member { role: other, .. }) => role == other,
            // What was not asked for is whatever it is.
            (Value::Attendant { queues, .. }, Value::Attendant { queues: other, slots: None }) => queues == other,
            _ => self == wanted,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Queue { active: true } => formatter.write_str("active"),
            Value::Queue { active: false } => formatter.write_str("inactive"),
            Value::Attendant { queues, slots } => {
                let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
                formatter.write_str(if queues.is_empty() { "no queue" } else { "" })?;
                formatter.write_str(&queues.join(", "))?;
                slots.map_or(Ok(()), |slots| write!(formatter, " ({slots} at a time)"))
            }
            Value::Member { role, pending } => {
                formatter.write_str(role.name())?;
                formatter.write_str(if *pending { " (has not accepted yet)" } else { "" })
            }
            Value::Permissions(permissions) if permissions.is_empty() => formatter.write_str("member without permissions"),
            Value::Permissions(permissions) => {
                let mut by_actions: BTreeMap<String, Vec<&str>> = BTreeMap::new();
                for (id, actions) in permissions {
                    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
                    by_actions.entry(actions.join("+")).or_default().push(id);
                }
                let parts: Vec<String> = by_actions.iter().map(|(actions, ids)| format!("{actions} on {}", told(ids))).collect();
                formatter.write_str(&parts.join("; "))
            }
            Value::Access { active: true } | Value::Listed => formatter.write_str("yes"),
            Value::Access { active: false } => formatter.write_str("no longer active"),
            Value::Entry(text) => formatter.write_str(text),
            Value::Secret(_) => formatter.write_str("••••••"),
        }
    }
}

/// Says how one value becomes another, without what stays.
pub fn change(before: &Value, after: &Value) -> String {
    match (before, after) {
        (Value::Attendant { queues: were, slots: before }, Value::Attendant { queues: are, slots: after }) if before == after => {
            let plain = |queues: &BTreeSet<String>| Value::Attendant { queues: queues.clone(), slots: None }.to_string();
            format!("{} → {}", plain(were), plain(are))
        }
        _ => format!("{before} → {after}"),
    }
}

/// So many names are told; of more, how many there are.
const TOLD: usize = 12;

fn told(names: &[&str]) -> String {
    let rest = names.len().saturating_sub(TOLD);
    let shown = names[..names.len() - rest].join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} others") }
}

/// Rows by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State(BTreeMap<Place, BTreeMap<String, Value>>);

impl State {
    /// Makes a place known, with rows or without.
    pub fn open(&mut self, place: Place) -> &mut BTreeMap<String, Value> {
        self.0.entry(place).or_default()
    }

    /// Makes a place unknown.
    pub fn forget(&mut self, place: &Place) {
        self.0.remove(place);
    }

    /// Returns the places that are known.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.keys()
    }

    /// Returns whether a place is known.
    pub fn knows(&self, place: &Place) -> bool {
        self.0.contains_key(place)
    }

    /// Returns the rows of a place; none where it is not known.
    pub fn rows(&self, place: &Place) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(place).into_iter().flatten()
    }

    /// Returns a row.
    pub fn get(&self, place: &Place, key: &str) -> Option<&Value> {
        self.0.get(place)?.get(key)
    }

    /// Puts a row in its place, or takes it out.
    pub fn put(&mut self, place: &Place, key: &str, value: Option<Value>) {
        let rows = self.0.entry(place.clone()).or_default();
        match value {
            Some(value) => drop(rows.insert(key.to_owned(), value)),
            None => drop(rows.remove(key)),
        }
    }

    /// Returns the SHA-256 of all rows of `places`. Only what time changes by itself is left out.
    pub fn digest(&self, places: &BTreeSet<Place>) -> String {
        let rows: Vec<(&Place, &String, Value)> = places
            .iter()
            .flat_map(|place| self.rows(place).map(move |(key, value)| (place, key, value.clone())))
            .map(|(place, key, value)| match value {
                Value::Member { role, .. } => (place, key, Value::Member { role, pending: false }),
                value => (place, key, value),
            })
            .collect();
        sha256(&serde_json::to_vec(&(places, rows)).expect("rows can be written as JSON"))
    }
}
