//! Attendants and queues. The list of attendants is what tells a desk's key from a router's.

use std::{collections::BTreeMap, sync::Arc};

use super::{IngestError, Pseudonyms, pipeline::doubted};
use crate::{
    blip::{
        Client, Entry, Listing, Record,
        configuration::{self, Health},
        desk, identity,
    },
    config::ChannelName,
    store::AttendantRow,
};

/// What the keys know of people and queues.
#[derive(Default)]
pub struct Directory {
    pub attendants: Vec<AttendantRow>,
    pub queues: Vec<String>,
    pub rejected: Vec<(String, String)>,
    /// How channels are set; none where Blip does not tell.
    pub channels: BTreeMap<ChannelName, Health>,
}

/// Returns how the channels of a bot are set. No figure depends on it: where Blip does not tell, nothing is known.
async fn channels(client: &Client) -> BTreeMap<ChannelName, Health> {
    match doubted(|| configuration::settings(client)).await {
        Ok(listing) if listing.entries.is_empty() => BTreeMap::new(),
        Ok(listing) => {
            let readable = |entry| if let Entry::Record(record) = entry { Some(record) } else { None };
            configuration::health(&listing.entries.into_iter().filter_map(readable).collect::<Vec<_>>())
        }
        Err(error) => {
            tracing::info!(blip.key = client.key_name(), %error, "how channels are set is not known");
            BTreeMap::new()
        }
    }
}

/// Reads what all desks know, and how the channels of `routers` are set.
pub async fn read(clients: &[Arc<Client>], routers: &[Arc<Client>], pseudonyms: &Pseudonyms) -> Result<Directory, IngestError> {
    let mut directory = Directory::default();
    for client in clients {
        let (attendants, queues) = tokio::try_join!(doubted(|| desk::attendants(client)), doubted(|| desk::queues(client)))?;
        if attendants.entries.is_empty() && queues.entries.is_empty() {
            let owner = client.owner().map(str::to_owned);
            return Err(IngestError::SeesNoDesk { key: client.key_name().to_owned(), owner });
        }
        for queue in kept(queues, pseudonyms, &mut directory.rejected) {
            directory.queues.push(queue.name);
        }
        for attendant in kept(attendants, pseudonyms, &mut directory.rejected) {
            let mut queues = attendant.teams.unwrap_or_default();
            queues.sort();
            let agent = identity::attendant_email(&attendant.identity);
            directory.attendants.push(AttendantRow { agent, name: attendant.full_name, queues });
        }
    }
    directory.attendants.sort_by(|a, b| a.agent.cmp(&b.agent));
    directory.attendants.dedup_by(|a, b| a.agent == b.agent);
    for client in routers {
        for (channel, health) in channels(client).await {
            // A channel is as well as the bot that has it best.
            let known = directory.channels.entry(channel).or_insert_with(|| health.clone());
            *known = health.min(known.clone());
        }
    }
    Ok(directory)
}

fn kept<T: Record>(listing: Listing<Entry<T>>, pseudonyms: &Pseudonyms, rejected: &mut Vec<(String, String)>) -> Vec<T> {
    let mut records = Vec::new();
    for entry in listing.entries {
        match entry {
            Entry::Record(record) => records.push(record),
            Entry::Unreadable(one) => {
                let (reason, fingerprint) = pseudonyms.unreadable(&one);
                rejected.push((format!("{}: {reason}", T::KIND), fingerprint));
            }
        }
    }
    records
}
