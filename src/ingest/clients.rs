//! The clients of a project, by what they are good for.

use std::{collections::BTreeMap, sync::Arc};

use super::IngestError;
use crate::{
    blip::{Client, ClientOptions},
    config::{KeyRole, Project},
};

/// One client a key: a key with several roles has one pace.
#[derive(Clone)]
pub struct Clients {
    /// Keys that see tickets.
    pub desk: Vec<Arc<Client>>,
    /// Keys that see events.
    pub events: Vec<Arc<Client>>,
    /// Keys that see customers by their identity on the channel: routers.
    pub channel: Vec<Arc<Client>>,
    /// Keys that are tried with the portal's commands.
    pub portal: Vec<Arc<Client>>,
    /// Every key.
    pub all: Vec<Arc<Client>>,
}

impl Clients {
    /// Makes the clients of all keys; `base_url` replaces the configured address of each (a simulator's, say).
    ///
    /// # Errors
    /// Names the key whose secret is missing or unusable.
    pub fn of_project(project: &Project, base_url: Option<&str>, options: ClientOptions) -> Result<Clients, IngestError> {
        let mut clients = Clients { desk: Vec::new(), events: Vec::new(), channel: Vec::new(), portal: Vec::new(), all: Vec::new() };
        for key in &project.settings.blip_keys {
            let secret = key.secret.fetch(&project.dir, &format!("key `{}`", key.name))?;
            let options =
                ClientOptions { commands_per_second: key.commands_per_second, timeout: key.timeout.unwrap_or(options.timeout), ..options };
            let client = Arc::new(Client::new(&key.name, base_url.unwrap_or(&key.base_url), &secret, options)?);
            clients.all.push(Arc::clone(&client));
            for (role, list) in [
                (KeyRole::Desk, &mut clients.desk),
                (KeyRole::Events, &mut clients.events),
                (KeyRole::Channel, &mut clients.channel),
                (KeyRole::Portal, &mut clients.portal),
            ] {
                if key.roles.contains(&role) {
                    list.push(Arc::clone(&client));
                }
            }
        }
        Ok(clients)
    }

    /// Returns how often a field that nobody documented was seen, by kind of record and name.
    pub(super) fn take_unknown_fields(&self) -> BTreeMap<(&'static str, String), u64> {
        let mut fields = BTreeMap::new();
        for client in &self.all {
            for (field, count) in client.take_unknown_fields() {
                *fields.entry(field).or_default() += count;
            }
        }
        fields
    }
}
