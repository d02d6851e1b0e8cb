//! Who is behind a tunnel: what joins an answer that the router recorded to the conversation that the desk behind it had.
//!
//! A message of the customer names their identity on the channel, so a customer whose messages were read is linked without a further command.
//! The others are asked for here, with one command for each tunnel: without it one person is as many customers as there are desks, and is not
//! found by the telephone number. A customer known by WhatsApp's business-scoped id is asked for as a contact. What Blip does not know is noted,
//! and not asked for again. Position: the customer. Checkpoint: the link.

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
    store::{BSUID, IdentityLink, ORIGINATOR, PARENT, Resource, Store},
};

/// Tunnels that a run remembers, so that each needs one command: of more, the newest ticket is asked whose it is.
const REMEMBERED: usize = 500_000;

/// Number of tunnels that are tried to find out how customers behind them can be named.
const TRIED: usize = 3;

/// Mark of how a key names the customers behind its tunnels.
const WAY: &str = "tunnels_told_by";

/// Links per transaction.
const BATCH: usize = 2_000;

/// Identities that a run has met and behind which there is another, by the customer's pseudonym. They are never written.
#[derive(Default)]
pub struct MetTunnels {
    names: Mutex<HashMap<u128, Met>>,
    new: Mutex<HashSet<u128>>,
}

/// An identity behind which there is another.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Met {
    /// Name of a tunnel.
    Tunnel(Uuid),
    /// WhatsApp's business-scoped id.
    Bsuid(Box<str>),
}

impl Met {
    fn of(identity: &str) -> Option<Met> {
        let tunnel = identity::tunnel_name(identity).and_then(|name| Uuid::try_parse(name).ok()).map(Met::Tunnel);
        tunnel.or_else(|| identity::bsuid_of(identity).map(|id| Met::Bsuid(id.into())))
    }

    fn identity(&self) -> String {
        match self {
            Met::Tunnel(name) => identity::tunnel(&name.to_string()),
            Met::Bsuid(id) => identity::on_whatsapp(id),
        }
    }
}

impl MetTunnels {
    /// Remembers the tunnel or the business-scoped id that `identity` is, as long as there is room. Returns whether it is one.
    pub fn remember(&self, customer_key: &str, identity: &str) -> bool {
        if let (Some(met), Ok(key)) = (Met::of(identity), u128::from_str_radix(customer_key, 16)) {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            if names.len() < REMEMBERED {
                names.insert(key, met);
                self.new.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
            }
        }
        identity::tunnel_name(identity).is_some() || identity::bsuid_of(identity).is_some()
    }

    /// Returns the pseudonyms of customers whose tunnels were met since the last call.
    fn take_new(&self) -> Vec<String> {
        let new = std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner));
        new.into_iter().map(|key| format!("{key:032x}")).collect()
    }

    /// Returns the tunnel of a customer who was met, in clear.
    pub fn identity_of(&self, customer_key: &str) -> Option<String> {
        let key = u128::from_str_radix(customer_key, 16).ok()?;
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(Met::identity)
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
    /// Tunnels and business-scoped ids that were asked for.
    pub tunnels: usize,
    /// Survey answers that name a customer whom no ticket names, where these are most of all answers or Blip does not report who is behind a tunnel.
    pub unjoined_answers: i64,
}

/// Who is behind one identity, as pseudonyms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Behind {
    originator: Option<String>,
    bsuid: Option<String>,
    parent: Option<String>,
    /// The pseudonym that an earlier version made of the originator, with the one of today.
    renamed: Option<(String, String)>,
}

impl Behind {
    fn of_originator(identity: Option<&str>, pseudonyms: &Pseudonyms) -> Behind {
        let originator = identity.map(|identity| pseudonyms.customer(identity));
        Behind { originator, renamed: identity.and_then(|identity| pseudonyms.renamed(identity)), ..Behind::default() }
    }

    fn of_contact(contact: &contacts::OnWhatsapp, pseudonyms: &Pseudonyms) -> Behind {
        let id = |id: &Option<String>| id.as_deref().filter(|id| !id.trim().is_empty()).map(|id| pseudonyms.customer(id));
        let number = contact.number.as_deref().filter(|number| number.chars().any(|char| char.is_ascii_digit()));
        Behind {
            bsuid: id(&contact.bsuid),
            parent: id(&contact.parent),
            ..Behind::of_originator(number.map(identity::on_whatsapp).as_deref(), pseudonyms)
        }
    }
}

/// Asks for the tunnels of `client`'s desk that no message has named, each once, and for the telephone numbers of business-scoped ids. Answers of
/// the survey's `category` that find no customer afterwards are counted.
///
/// # Errors
/// That of a command that shows Blip to be out of reach, or of the database.
pub async fn read(
    client: &Arc<Client>,
    store: &mut Store,
    pseudonyms: &Arc<Pseudonyms>,
    reader: &Reader<'_>,
    gaps: &mut Gaps,
    (met, category): (&Arc<MetTunnels>, Option<&str>),
) -> Result<Resolved, IngestError> {
    // Tickets that were loaded before customers were linked are met by reading their days again.
    store.transaction(|store| store.note_tunnels(&met.take_new()))?;
    let open = store.open_tunnels(client.key_name())?;
    if open.is_empty() {
        return unjoined(store, category, 0);
    }
    let source = Source { resource: Resource::Event, key: client.key_name(), path: "/tunnels" };
    reader.progress.start("customers behind the router", Some(open.len()));
    let (way, first) = match way(client, store, met, &open).await? {
        Ok(Some((way, first))) => (Some(way), first),
        Ok(None) => (None, None),
        Err(error) => {
            gaps.miss(&source, "customers behind the router", &error);
            return Ok(Resolved::default());
        }
    };
    // The tunnel by which the way was found is not asked for again.
    let mut found: Vec<(String, Behind)> =
        first.map(|(customer_key, identity)| (customer_key, Behind::of_originator(Some(&identity), pseudonyms))).into_iter().collect();
    let mut tunnels = found.len();
    let open = open.into_iter().filter(|(customer_key, _)| found.iter().all(|(known, _)| known != customer_key)).collect();
    let mut answers = {
        let (client, met, pseudonyms) = (Arc::clone(client), Arc::clone(met), Arc::clone(pseudonyms));
        let ahead = Ahead { concurrency: client.concurrency(), waiting: BATCH };
        read_ahead(open, ahead, move |(customer_key, ticket_id)| {
            let (client, met, pseudonyms) = (Arc::clone(&client), Arc::clone(&met), Arc::clone(&pseudonyms));
            async move {
                let answer = behind(&client, way, met.identity_of(&customer_key), &ticket_id, &pseudonyms).await;
                (customer_key, ticket_id, answer)
            }
        })
    };
    let mut failures = 0;
    while let Some((customer_key, ticket_id, answer)) = answers.recv().await {
        reader.progress.advance(1);
        match answer {
            Ok(None) => {}
            Ok(Some(one)) => {
                failures = 0;
                tunnels += 1;
                found.push((customer_key, one));
            }
            // This tunnel is refused for good; the others may be known.
            Err(error) if error.kind() == ErrorKind::Final => {
                tunnels += 1;
                found.push((customer_key, Behind::default()));
            }
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
        if found.len() >= BATCH {
            write(store, &found)?;
            found.clear();
        }
    }
    write(store, &found)?;
    let resolved = unjoined(store, category, tunnels)?;
    match category {
        Some(category) if way.is_none() => {
            let (strangers, _) = store.answers_of_strangers(category)?;
            if strangers > 0 {
                tracing::warn!(blip.key = client.key_name(), answers = strangers, "Blip does not report who is behind the tunnels");
            }
            Ok(Resolved { unjoined_answers: strangers, ..resolved })
        }
        _ => Ok(resolved),
    }
}

/// Returns how many answers are left without a ticket's customer. Some are as a rule: people without a ticket answer, too. Where there is a router
/// and they are most of all answers, nothing joins them.
fn unjoined(store: &Store, category: Option<&str>, tunnels: usize) -> Result<Resolved, IngestError> {
    let Some(category) = category else { return Ok(Resolved { tunnels, unjoined_answers: 0 }) };
    let (strangers, all) = store.answers_of_strangers(category)?;
    let is_too_many = strangers * 2 > all && store.has_tunnels()?;
    Ok(Resolved { tunnels, unjoined_answers: if is_too_many { strangers } else { 0 } })
}

fn way_mark(client: &Client) -> String {
    format!("{WAY}:{}", client.key_name())
}

/// A customer's pseudonym and their identity on the channel, in clear.
type NamedCustomer = (String, String);

/// Finds out once for a key which way names the customer behind a tunnel: the first that does so for one of the newest tunnels. Returns the way,
/// and the customer whom it named where it was found out just now; or the failure that kept it from being found out.
async fn way(
    client: &Client,
    store: &mut Store,
    met: &MetTunnels,
    open: &[(String, String)],
) -> Result<Result<Option<(Way, Option<NamedCustomer>)>, BlipError>, IngestError> {
    let mark = way_mark(client);
    match store.mark(&mark)?.as_deref() {
        Some("tunnels") => return Ok(Ok(Some((Way::Tunnels, None)))),
        Some("contacts") => return Ok(Ok(Some((Way::Contacts, None)))),
        _ => {}
    }
    let is_tunnel = |identity: &Option<String>| identity.as_deref().is_none_or(|identity| identity::tunnel_name(identity).is_some());
    let tried =
        open.iter().map(|(key, ticket)| (key, ticket, met.identity_of(key))).filter(|(.., identity)| is_tunnel(identity)).take(TRIED);
    for (customer_key, ticket_id, known) in tried {
        let identity = match identity(client, known, ticket_id).await {
            Ok(Some(identity)) => identity,
            Err(error) if matches!(error.kind(), ErrorKind::Passing | ErrorKind::Throttled(_)) => return Ok(Err(error)),
            Ok(None) | Err(_) => continue,
        };
        if identity::tunnel_name(&identity).is_none() {
            continue;
        }
        for (way, name) in [(Way::Tunnels, "tunnels"), (Way::Contacts, "contacts")] {
            match originator(client, way, &identity).await {
                Ok(Some(originator)) => {
                    store.transaction(|store| store.set_mark(&mark, name))?;
                    return Ok(Ok(Some((way, Some((customer_key.clone(), originator))))));
                }
                // An outage says nothing of the way; a refusal says that it is not one.
                Err(error) if matches!(error.kind(), ErrorKind::Passing | ErrorKind::Throttled(_)) => return Ok(Err(error)),
                Ok(None) | Err(_) => {}
            }
        }
    }
    Ok(Ok(None))
}

/// Returns the identity of a ticket's customer in clear: the one that was met, else the one that the ticket names now; none where Blip does not
/// know the ticket any more.
async fn identity(client: &Client, met: Option<String>, ticket_id: &str) -> Result<Option<String>, BlipError> {
    match met {
        Some(identity) => Ok(Some(identity)),
        None => Ok(desk::ticket(client, ticket_id).await?.and_then(|ticket| ticket.customer_identity)),
    }
}

/// Returns who is behind the identity of a ticket's customer; none where that stays open, because nothing tells who is behind a tunnel.
async fn behind(
    client: &Client,
    way: Option<Way>,
    met: Option<String>,
    ticket_id: &str,
    pseudonyms: &Pseudonyms,
) -> Result<Option<Behind>, BlipError> {
    let Some(identity) = identity(client, met, ticket_id).await? else { return Ok(Some(Behind::default())) };
    if identity::bsuid_of(&identity).is_some() {
        return Ok(Some(Behind::of_contact(&contacts::on_whatsapp(client, &identity).await?, pseudonyms)));
    }
    if identity::tunnel_name(&identity).is_none() {
        return Ok(Some(Behind::default()));
    }
    let Some(way) = way else { return Ok(None) };
    Ok(Some(Behind::of_originator(originator(client, way, &identity).await?.as_deref(), pseudonyms)))
}

/// Returns who is behind the tunnel that `identity` is; none where Blip does not know it.
async fn originator(client: &Client, way: Way, identity: &str) -> Result<Option<String>, BlipError> {
    match way {
        Way::Tunnels => Ok(tunnels::tunnel(client, identity).await?.map(|tunnel| tunnel.originator)),
        Way::Contacts => contacts::originator(client, identity).await,
    }
}

fn write(store: &mut Store, found: &[(String, Behind)]) -> Result<(), IngestError> {
    let mut links: Vec<IdentityLink<'_>> = Vec::with_capacity(found.len());
    for (customer, one) in found {
        links.push((customer, ORIGINATOR, one.originator.as_deref()));
        links.extend(one.bsuid.as_deref().map(|id| (customer.as_str(), BSUID, Some(id))));
        links.extend(one.parent.as_deref().map(|id| (customer.as_str(), PARENT, Some(id))));
    }
    let renamed = || found.iter().filter_map(|(_, one)| one.renamed.as_ref()).map(|(earlier, today)| (earlier.as_str(), today.as_str()));
    Ok(tokio::task::block_in_place(|| {
        store.transaction(|store| {
            store.write_renamed(renamed())?;
            store.write_links(&links)
        })
    })?)
}
