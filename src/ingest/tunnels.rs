//! Who is behind a tunnel: what joins an answer that the router recorded to the conversation that the desk behind it had.
//!
//! A message of the customer names their identity on the channel, so a customer whose messages were read is linked without a further command.
//! The others are asked for here, with one command for each tunnel, and only where some survey answer names a customer whom no ticket names. What
//! Blip does not know is noted, and not asked for again. Position: the customer. Checkpoint: the link.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

use super::{
    IngestError, Pseudonyms,
    days::Reader,
    gaps::{Gaps, Source},
    pipeline::{Ahead, read_ahead},
};
use crate::{
    blip::{BlipError, Client, contacts, desk, identity, tunnels},
    store::{ORIGINATOR, Resource, Store},
};

/// Tunnels that a run remembers, so that each needs one command: of more, the newest ticket is asked whose it is.
const REMEMBERED: usize = 500_000;

/// Tunnels by which it is found out who tells what is behind them.
const TRIED: usize = 3;

/// Mark of who tells what is behind a key's tunnels.
const WAY: &str = "tunnels_told_by";

/// Links per transaction.
const BATCH: usize = 2_000;

/// Names of tunnels that a run has met, by the customer's pseudonym. They are never written.
#[derive(Default)]
pub struct MetTunnels(Mutex<HashMap<u128, Uuid>>);

impl MetTunnels {
    /// Remembers the tunnel behind `identity`, as long as there is room; any other identity is passed over.
    pub fn remember(&self, customer_key: &str, identity: &str) {
        let name = identity::tunnel_name(identity).and_then(|name| Uuid::try_parse(name).ok());
        if let (Some(name), Ok(key)) = (name, u128::from_str_radix(customer_key, 16)) {
            let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if met.len() < REMEMBERED {
                met.insert(key, name);
            }
        }
    }

    fn identity_of(&self, customer_key: &str) -> Option<String> {
        let key = u128::from_str_radix(customer_key, 16).ok()?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(|name| identity::tunnel(&name.to_string()))
    }
}

/// How a key tells who is behind a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The tunnel extension, which is documented.
    Tunnels,
    /// The extras of the desk's contact; reported by others.
    Contacts,
}

/// What came of a run's tunnels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Tunnels that were asked for.
    pub tunnels: usize,
    /// Survey answers that name a customer whom no ticket names, where Blip tells of no tunnel who is behind it.
    pub unjoined_answers: i64,
}

/// Asks for the tunnels of `client`'s desk that no message has named, where an answer of the survey's `category` waits for it.
///
/// # Errors
/// That of a command that shows Blip to be out of reach, or of the database.
pub async fn read(
    client: &Arc<Client>,
    store: &mut Store,
    pseudonyms: &Arc<Pseudonyms>,
    reader: &Reader<'_>,
    gaps: &mut Gaps,
    (met, category): (&Arc<MetTunnels>, &str),
) -> Result<Resolved, IngestError> {
    let open = store.open_tunnels(client.key_name())?;
    let strangers = if open.is_empty() { 0 } else { store.answers_of_strangers(category)? };
    if strangers == 0 {
        return Ok(Resolved::default());
    }
    let source = Source { resource: Resource::Event, key: client.key_name(), path: "/tunnels" };
    reader.progress.start("customers behind the router", Some(open.len()));
    let Some((way, first)) = way(client, store, met, &open).await? else {
        tracing::warn!(blip.key = client.key_name(), answers = strangers, "nobody tells who is behind the tunnels");
        return Ok(Resolved { tunnels: 0, unjoined_answers: strangers });
    };
    let tunnels = open.len();
    let mut links: Vec<(String, Option<String>)> = Vec::new();
    // By this one it was found out: it is not asked for again.
    links.extend(first.map(|(customer_key, identity)| (customer_key, Some(pseudonyms.customer(&identity)))));
    let open = open.into_iter().filter(|(customer_key, _)| links.iter().all(|(known, _)| known != customer_key)).collect();
    let mut answers = {
        let (client, met) = (Arc::clone(client), Arc::clone(met));
        let ahead = Ahead { concurrency: client.concurrency(), waiting: BATCH };
        read_ahead(open, ahead, move |(customer_key, ticket_id)| {
            let (client, met) = (Arc::clone(&client), Arc::clone(&met));
            async move {
                let answer = originator(&client, way, met.identity_of(&customer_key), &ticket_id).await;
                (customer_key, ticket_id, answer)
            }
        })
    };
    while let Some((customer_key, ticket_id, answer)) = answers.recv().await {
        reader.progress.advance(1);
        match answer {
            Ok(identity) => {
                gaps.note_success(&source);
                links.push((customer_key, identity.map(|identity| pseudonyms.customer(&identity))));
            }
            Err(error) => gaps.note(&source, format!("the customer of ticket {ticket_id}"), error)?,
        }
        if links.len() >= BATCH {
            write(store, &links)?;
            links.clear();
        }
    }
    write(store, &links)?;
    Ok(Resolved { tunnels, unjoined_answers: 0 })
}

/// A customer's pseudonym and their identity on the channel, in clear.
type Told = (String, String);

/// Finds out once for a key which way tells who is behind its tunnels: the first that tells it of one of the newest tunnels. Returns the way,
/// and whom it told of where it was found out just now.
async fn way(
    client: &Client,
    store: &mut Store,
    met: &MetTunnels,
    open: &[(String, String)],
) -> Result<Option<(Way, Option<Told>)>, IngestError> {
    let mark = format!("{WAY}:{}", client.key_name());
    match store.mark(&mark)?.as_deref() {
        Some("tunnels") => return Ok(Some((Way::Tunnels, None))),
        Some("contacts") => return Ok(Some((Way::Contacts, None))),
        _ => {}
    }
    for (customer_key, ticket_id) in open.iter().take(TRIED) {
        for (way, name) in [(Way::Tunnels, "tunnels"), (Way::Contacts, "contacts")] {
            // A refusal here says that this way is not one; an outage is met again by the tunnels themselves.
            if let Ok(Some(identity)) = originator(client, way, met.identity_of(customer_key), ticket_id).await {
                store.transaction(|store| store.set_mark(&mark, name))?;
                return Ok(Some((way, Some((customer_key.clone(), identity)))));
            }
        }
    }
    Ok(None)
}

/// Returns the customer's identity on the channel; none where Blip does not know the tunnel, or the ticket names no tunnel any more. Without
/// the tunnel's name at hand its ticket is asked first.
async fn originator(client: &Client, way: Way, met: Option<String>, ticket_id: &str) -> Result<Option<String>, BlipError> {
    let identity = match met {
        Some(identity) => Some(identity),
        None => desk::ticket(client, ticket_id).await?.and_then(|ticket| ticket.customer_identity),
    };
    let Some(identity) = identity.filter(|identity| identity::tunnel_name(identity).is_some()) else { return Ok(None) };
    match way {
        Way::Tunnels => Ok(tunnels::tunnel(client, &identity).await?.map(|tunnel| tunnel.originator)),
        Way::Contacts => contacts::originator(client, &identity).await,
    }
}

fn write(store: &mut Store, links: &[(String, Option<String>)]) -> Result<(), IngestError> {
    let links: Vec<_> = links.iter().map(|(customer, originator)| (customer.as_str(), ORIGINATOR, originator.as_deref())).collect();
    Ok(tokio::task::block_in_place(|| store.transaction(|store| store.write_links(&links)))?)
}
