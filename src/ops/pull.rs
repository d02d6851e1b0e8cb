//! How it is, written as the files that declare how it should be.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::{
    read::Seen,
    state::{Place, Value},
};
use crate::{
    blip::portal::Role,
    config::{ChannelName, Layer, TeamProfile},
};

/// A person as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonNow {
    /// Name, where Blip tells one.
    pub name: Option<String>,
    /// What they seem to be.
    pub profile: TeamProfile,
    /// Queues of all desks.
    pub queues: BTreeSet<String>,
    /// Tickets at a time.
    pub slots: Option<u32>,
}

/// Returns everybody, by address. Who is no attendant and no administrator sees.
pub fn people(seen: &Seen) -> BTreeMap<String, PersonNow> {
    let mut people: BTreeMap<String, PersonNow> = BTreeMap::new();
    for place in seen.state.places() {
        if !place.is_of_invited() {
            continue;
        }
        for (email, row) in seen.state.rows(place) {
            let person = people.entry(email.clone()).or_insert_with(|| PersonNow {
                name: seen.names.get(email).cloned(),
                profile: TeamProfile::Visualizador,
                queues: BTreeSet::new(),
                slots: None,
            });
            match row {
                Value::Attendant { queues, slots } => {
                    person.queues.extend(queues.iter().cloned());
                    person.slots = person.slots.or(*slots);
                    if person.profile == TeamProfile::Visualizador {
                        person.profile = TeamProfile::Atendente;
                    }
                }
                Value::Member { role: Role::Admin, .. } => person.profile = TeamProfile::Administrador,
                Value::Permissions(permissions) if permissions.get("team").is_some_and(|actions| actions.contains("write")) => {
                    person.profile = TeamProfile::Administrador;
                }
                _ => {}
            }
        }
    }
    people
}

/// Returns `team.toml` as it is. Attendants' tickets at a time are left out: they stay as they are until somebody declares them.
pub fn team_toml(seen: &Seen) -> String {
    let mut document = DocumentMut::new();
    let mut managed = Table::new();
    managed["layers"] = value(Array::from_iter(["desk", "relato"]));
    managed["undeclared"] = value("report");
    document["managed"] = Item::Table(managed);
    let mut tables = ArrayOfTables::new();
    for (email, person) in people(seen) {
        tables.push(person_table(person.name.as_deref(), &email, person.profile, &person.queues));
    }
    document["person"] = Item::ArrayOfTables(tables);
    let mut unread = String::new();
    for (layers, why) in seen.unread_by_reason() {
        unread += &["# Not read: ", &layers, ": ", why, ".\n"].concat();
    }
    let guess = if seen.unread.contains_key(&Layer::Contract) {
        "# Who is an administrador or a visualizador shows nowhere else: name them here.\n"
    } else {
        ""
    };
    format!(
        "# Who may do what, as it should be. `relato team plan` tells what differs from Blip; docs/team.md explains every key.\n\
         # layers: what may be changed, of desk, contract, bot and relato; everything else is told and left alone.\n\
         # undeclared: report people whom Blip has and this file does not, or remove them from those layers.\n{unread}{guess}\n{document}"
    )
}

/// Returns the table of one person.
fn person_table(name: Option<&str>, email: &str, profile: TeamProfile, queues: &BTreeSet<String>) -> Table {
    let mut table = Table::new();
    if let Some(name) = name {
        table["name"] = value(name);
    }
    table["email"] = value(email);
    table["profile"] = value(profile.name());
    if !queues.is_empty() {
        table["queues"] = value(queues.iter().map(String::as_str).collect::<Array>());
    }
    table
}

/// Returns `channels.toml` as it is: secrets as references to variables that are to be filled.
pub fn channels_toml(seen: &Seen) -> String {
    let mut document = DocumentMut::new();
    document["managed"] = value(Array::new());
    let mut channels = Table::new();
    channels.set_implicit(true);
    for channel in ChannelName::ALL {
        let rows: Vec<(&String, &Value)> = seen.state.rows(&Place::Channel(channel)).collect();
        if rows.is_empty() {
            continue;
        }
        let (mut table, mut settings, mut secrets) = (Table::new(), Table::new(), Table::new());
        table["connected"] = value(true);
        for (key, row) in rows {
            match row {
                Value::Secret(_) => {
                    let mut place = toml_edit::InlineTable::new();
                    place.insert("env", format!("{}_{}", channel.name().to_uppercase(), screaming(key)).into());
                    secrets[key] = value(place);
                }
                Value::Entry(text) => settings[key] = value(text),
                _ => {}
            }
        }
        if !settings.is_empty() {
            table["settings"] = Item::Table(settings);
        }
        if !secrets.is_empty() {
            table["secrets"] = Item::Table(secrets);
        }
        channels[channel.name()] = Item::Table(table);
    }
    document["channel"] = Item::Table(channels);
    format!(
        "# How the bot's channels should be set. `relato channel plan` tells what differs from Blip; docs/team.md explains every key.\n\
         # managed: channels that may be changed; the others are told and left alone. Secrets stand in variables or files, never here.\n\n{document}"
    )
}

/// Returns `PageAccessToken` as `PAGE_ACCESS_TOKEN`.
fn screaming(key: &str) -> String {
    let mut name = String::new();
    let mut was_lower = false;
    for char in key.chars() {
        if char.is_uppercase() && was_lower {
            name.push('_');
        }
        was_lower = char.is_lowercase();
        if char.is_alphanumeric() {
            name.extend(char.to_uppercase());
        } else {
            name.push('_');
        }
    }
    name
}
