//! Who is behind a tunnel: what joins an answer that the router recorded to the conversation that the desk behind it had.
//!
//! A message of the customer names their identity on the channel, so a customer whose messages were read is linked without a further command.
//! The others are asked for here, with one command for each tunnel, and only where some survey answer names a customer whom no ticket names. What
//! Blip does not know is noted, and not asked for again. Position: the customer. Checkpoint: the link.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

use super::{
    IngestError, Pseudonyms,
    days::Reader,
    gaps::{Gaps, Source, TOO_MANY},
    pipeline::{Ahead, read_ahead},
};
use crate::{
    blip::{BlipError, Client, ErrorKind, contacts, desk, identity, tunnels},
    store::{ORIGINATOR, Resource, Store},
};

/// Tunnels that a run remembers, so that each needs one command: of more, the newest ticket is asked whose it is.
const REMEMBERED: usize = 500_000;

/// Number of tunnels that are tried to find out how customers behind them can be named.
const TRIED: usize = 3;

/// Mark of how a key names the customers behind its tunnels.
const WAY: &str = "tunnels_told_by";

/// Links per transaction.
const BATCH: usize = 2_000;

/// Names of tunnels that a run has met, by the customer's pseudonym. They are never written.
#[derive(Default)]
pub struct MetTunnels {
    names: Mutex<HashMap<u128, Uuid>>,
    new: Mutex<HashSet<u128>>,
}

impl MetTunnels {
    /// Remembers the tunnel behind `identity`, as long as there is room; any other identity is passed over.
    pub fn remember(&self, customer_key: &str, identity: &str) {
        let name = identity::tunnel_name(identity).and_then(|name| Uuid::try_parse(name).ok());
        if let (Some(name), Ok(key)) = (name, u128::from_str_radix(customer_key, 16)) {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            if names.len() < REMEMBERED {
                names.insert(key, name);
                self.new.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
            }
        }
    }

    /// Returns the pseudonyms of customers whose tunnels were met since the last call.
    fn take_new(&self) -> Vec<String> {
        let new = std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner));
        new.into_iter().map(|key| format!("{key:032x}")).collect()
    }

    /// Returns the tunnel of a customer who was met, in clear.
    pub fn identity_of(&self, customer_key: &str) -> Option<String> {
        let key = u128::from_str_radix(customer_key, 16).ok()?;
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(|name| identity::tunnel(&name.to_string()))
    }
}

/// How a key names the customer behind a tunnel.
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
    /// Survey answers that name a customer whom no ticket names, where these are most of all answers or Blip does not report who is behind a tunnel.
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
    // Tickets that were loaded before customers were linked are met by reading their days again.
    store.transaction(|store| store.note_tunnels(&met.take_new()))?;
    let open = store.open_tunnels(client.key_name())?;
    let (strangers, _) = store.answers_of_strangers(category)?;
    if strangers == 0 {
        return Ok(Resolved::default());
    }
    if open.is_empty() {
        return unjoined(store, category, 0);
    }
    let source = Source { resource: Resource::Event, key: client.key_name(), path: "/tunnels" };
    reader.progress.start("customers behind the router", Some(open.len()));
    let (way, first) = match way(client, store, met, &open).await? {
        Ok(Some(found)) => found,
        Ok(None) => {
            tracing::warn!(blip.key = client.key_name(), answers = strangers, "Blip does not report who is behind the tunnels");
            return Ok(Resolved { tunnels: 0, unjoined_answers: strangers });
        }
        Err(error) => {
            gaps.miss(&source, "customers behind the router", &error);
            return Ok(Resolved::default());
        }
    };
    let tunnels = open.len();
    let mut links: Vec<(String, Option<String>)> = Vec::new();
    // The tunnel by which the way was found is not asked for again.
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
    let mut failures = 0;
    while let Some((customer_key, ticket_id, answer)) = answers.recv().await {
        reader.progress.advance(1);
        match answer {
            Ok(identity) => {
                failures = 0;
                links.push((customer_key, identity.map(|identity| pseudonyms.customer(&identity))));
            }
            // This tunnel is refused for good; the others may be known.
            Err(error) if error.kind() == ErrorKind::Final => links.push((customer_key, None)),
            Err(error) => {
                failures += 1;
                gaps.miss(&source, format!("the customer of ticket {ticket_id}"), &error);
            }
        }
        if failures >= TOO_MANY {
            // The next run finds out anew which way there is.
            store.transaction(|store| store.set_mark(&way_mark(client), ""))?;
            break;
        }
        if links.len() >= BATCH {
            write(store, &links)?;
            links.clear();
        }
    }
    write(store, &links)?;
    unjoined(store, category, tunnels)
}

/// Returns how many answers are left without a ticket's customer. Some are as a rule: people without a ticket answer, too. Where there is a router
/// and they are most of all answers, nothing joins them.
fn unjoined(store: &Store, category: &str, tunnels: usize) -> Result<Resolved, IngestError> {
    let (strangers, all) = store.answers_of_strangers(category)?;
    let is_too_many = strangers * 2 > all && store.has_tunnels()?;
    Ok(Resolved { tunnels, unjoined_answers: if is_too_many { strangers } else { 0 } })
}

fn way_mark(client: &Client) -> String {
    format!("{WAY}:{}", client.key_name())
}

/// A customer's pseudonym and their identity on the channel, in clear.
type Told = (String, String);

/// Finds out once for a key which way names the customer behind a tunnel: the first that does so for one of the newest tunnels. Returns the way,
/// and the customer whom it named where it was found out just now; or the failure that kept it from being found out.
async fn way(
    client: &Client,
    store: &mut Store,
    met: &MetTunnels,
    open: &[(String, String)],
) -> Result<Result<Option<(Way, Option<Told>)>, BlipError>, IngestError> {
    let mark = way_mark(client);
    match store.mark(&mark)?.as_deref() {
        Some("tunnels") => return Ok(Ok(Some((Way::Tunnels, None)))),
        Some("contacts") => return Ok(Ok(Some((Way::Contacts, None)))),
        _ => {}
    }
    for (customer_key, ticket_id) in open.iter().take(TRIED) {
        for (way, name) in [(Way::Tunnels, "tunnels"), (Way::Contacts, "contacts")] {
            match originator(client, way, met.identity_of(customer_key), ticket_id).await {
                Ok(Some(identity)) => {
                    store.transaction(|store| store.set_mark(&mark, name))?;
                    return Ok(Ok(Some((way, Some((customer_key.clone(), identity))))));
                }
                // An outage says nothing of the way; a refusal says that it is not one.
                Err(error) if matches!(error.kind(), ErrorKind::Passing | ErrorKind::Throttled(_)) => return Ok(Err(error)),
                Ok(None) | Err(_) => {}
            }
        }
    }
    Ok(Ok(None))
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
