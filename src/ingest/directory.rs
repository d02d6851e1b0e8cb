//! Attendants and queues. The list of attendants is what tells a desk's key from a router's.

use std::sync::Arc;

use super::{IngestError, Pseudonyms, pipeline::doubted};
use crate::{
    blip::{Client, Entry, Listing, Record, desk, identity},
    store::AttendantRow,
};

/// What the keys know of people and queues.
#[derive(Default)]
pub struct Directory {
    pub attendants: Vec<AttendantRow>,
    pub queues: Vec<String>,
    pub rejected: Vec<(String, String)>,
}

/// Reads what all `clients` know.
pub async fn read(clients: &[Arc<Client>], pseudonyms: &Pseudonyms) -> Result<Directory, IngestError> {
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
