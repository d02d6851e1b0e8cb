//! Messages as they travel: those of a ticket's customer, transcripts of one attendance, threads on the channel.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{
    envelope::{Outcome, Query, Reason, collection},
    fault::{self, FaultKind, Faults},
    server::ROUTER_BOT,
    world::{Author, Message, Ticket, World},
};
use crate::blip::time::{instant, parse_instant};

/// Days for which messages of tickets are kept where the contract forgets.
const TICKET_MESSAGES_DAYS: i64 = 31;

/// Days for which threads are kept where the contract forgets.
const THREAD_DAYS: i64 = 92;

/// One in this many WhatsApp customers is known by a user id.
const BSUID_SHARE: u64 = 5;

/// Start of the stream that gives customers their user ids.
const BSUID_SEED: u64 = 0xB5_0001;

const ITEM_TYPE: &str = "application/vnd.iris.thread-message+json";
const TICKET_TYPE: &str = "application/vnd.iris.ticket+json";
const SURVEY_TYPE: &str = "application/vnd.lime.satisfaction-survey+json";

/// Answers `/tickets/{id}/messages`: all messages of the ticket's customer, or the transcript of the attendance alone. Only the
/// transcript is answered to the router's key.
pub fn of_ticket(world: &World, faults: &Faults, query: &Query<'_>, id: &str, is_desk: bool) -> Outcome {
    let page = query.page(20, 100)?;
    let place = id.parse().ok().and_then(|id| world.ticket(id)).ok_or_else(Reason::not_found)?;
    let ticket = &world.tickets[place];
    let wants_transcript = query.get("attendanceTranscriptionOnly") == Some("true");
    if wants_transcript && faults.has(FaultKind::NoTranscription) {
        return Err(Reason::unsupported());
    }
    let view = View::new(world, faults, ticket.customer, is_desk);
    if wants_transcript {
        return Ok(view.transcript(ticket, page));
    }
    if !is_desk {
        return Err(Reason::unsupported());
    }
    let has_tunnel = world.customers[ticket.customer].identity != world.channel_identity(ticket.customer);
    if has_tunnel && query.get("getFromOwnerIfTunnel") != Some("true") {
        // Behind a router, the sub-bot's own side of the thread is empty.
        return Ok(collection(ITEM_TYPE, std::iter::empty::<()>(), None));
    }
    let mut all = world.messages_of(ticket.customer);
    if faults.has(FaultKind::Retention) {
        let is_forgotten = |at: DateTime<Utc>| world.now - at > TimeDelta::days(TICKET_MESSAGES_DAYS);
        all = if is_forgotten(ticket.created_at) { &[] } else { &all[all.partition_point(|message| is_forgotten(message.at))..] };
    }
    let ascending = query.get("$ascending") == Some("true");
    let (skip, take) = page;
    let items = (skip..all.len().min(skip.saturating_add(take)))
        .map(|index| view.message(&all[if ascending { index } else { all.len() - 1 - index }]));
    Ok(collection(ITEM_TYPE, items, None))
}

/// Answers with the thread of a customer; without one, with a thread without messages.
pub fn thread(world: &World, faults: &Faults, query: &Query<'_>, customer: Option<usize>, is_desk: bool) -> Outcome {
    let (_, take) = query.page(20, 100)?;
    let Some(customer) = customer else {
        return Ok(collection(ITEM_TYPE, std::iter::empty::<()>(), None));
    };
    let view = View::new(world, faults, customer, is_desk);
    let mut all = world.messages_of(customer);
    if faults.has(FaultKind::Retention) {
        all = &all[all.partition_point(|message| world.now - message.at > TimeDelta::days(THREAD_DAYS))..];
    }
    let bound = match query.get("storageDate") {
        None => None,
        Some(text) => Some(parse_instant(text).ok_or_else(|| Reason::new(64, "The storageDate parameter is invalid"))?),
    };
    let items: Vec<_> = if query.get("direction") == Some("asc") {
        all.iter().filter(|message| bound.is_none_or(|bound| message.at >= bound)).take(take).collect()
    } else {
        all.iter().rev().filter(|message| bound.is_none_or(|bound| message.at <= bound)).take(take).collect()
    };
    Ok(collection(ITEM_TYPE, items.into_iter().map(|message| view.message(message)), None))
}

/// Returns the WhatsApp user id of a customer: `BR.` and letters and digits. About a fifth of the people on WhatsApp have one.
fn bsuid(world: &World, faults: &Faults, customer: usize) -> Option<String> {
    let has_one = world.customers[customer].channel == "wa.gw.msging.net" && !faults.has(FaultKind::NoBsuid);
    let bits = fault::bits(BSUID_SEED, customer as u64);
    (has_one && bits.is_multiple_of(BSUID_SHARE)).then(|| format!("BR.{bits:016X}"))
}

/// A customer's messages as one bot sees them.
struct View<'a> {
    world: &'a World,
    faults: &'a Faults,
    customer: usize,
    /// Identity on the channel, where messages name who is behind a tunnel.
    originator: Option<String>,
    bsuid: Option<String>,
}

/// A message as it travels.
#[derive(Serialize)]
struct MessageJson<'a> {
    id: String,
    direction: &'static str,
    r#type: &'static str,
    content: &'static str,
    date: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Marks::is_empty")]
    metadata: Marks<'a>,
}

/// What the platform adds to a message; keys are not documented.
#[derive(Default, PartialEq, Eq, Serialize)]
struct Marks<'a> {
    #[serde(rename = "#messageEmitter", skip_serializing_if = "Option::is_none")]
    emitter: Option<&'static str>,
    #[serde(rename = "#message.agentIdentity", skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(rename = "#message.ticketId", skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    #[serde(rename = "#tunnel.owner", skip_serializing_if = "Option::is_none")]
    tunnel_owner: Option<&'static str>,
    #[serde(rename = "#tunnel.originator", skip_serializing_if = "Option::is_none")]
    tunnel_originator: Option<&'a str>,
    #[serde(rename = "#wa.bsuid", skip_serializing_if = "Option::is_none")]
    bsuid: Option<&'a str>,
}

impl Marks<'_> {
    fn is_empty(&self) -> bool {
        *self == Marks::default()
    }
}

impl<'a> View<'a> {
    fn new(world: &'a World, faults: &'a Faults, customer: usize, is_desk: bool) -> View<'a> {
        let has_tunnel = world.customers[customer].identity != world.channel_identity(customer);
        let is_behind_tunnel = is_desk && has_tunnel && !faults.has(FaultKind::NoTunnelMarks);
        let originator = is_behind_tunnel.then(|| world.channel_identity(customer));
        View { world, faults, customer, originator, bsuid: bsuid(world, faults, customer) }
    }

    fn message(&self, message: &Message) -> MessageJson<'_> {
        let id = Uuid::from_u128(message.id);
        let is_forwarded = message.author == Author::Attendant && !self.faults.has(FaultKind::PlainIds);
        MessageJson {
            id: if is_forwarded { format!("fwd:fwd:{id}") } else { id.to_string() },
            direction: if message.author == Author::Customer { "received" } else { "sent" },
            r#type: match message.author {
                Author::System => TICKET_TYPE,
                Author::Survey if self.faults.has(FaultKind::NativeSurvey) => SURVEY_TYPE,
                _ => "text/plain",
            },
            content: "…",
            date: instant(message.at),
            status: "consumed",
            metadata: self.marks(message),
        }
    }

    fn marks(&self, message: &Message) -> Marks<'_> {
        let faults = self.faults;
        match message.author {
            Author::Customer => Marks {
                tunnel_owner: self.originator.as_ref().map(|_| ROUTER_BOT),
                tunnel_originator: self.originator.as_deref(),
                bsuid: self.bsuid.as_deref(),
                ..Marks::default()
            },
            Author::Attendant if faults.of_record(FaultKind::NoEmitter, message.id) => Marks::default(),
            Author::Attendant => {
                let names_agent = !faults.has(FaultKind::NoMessageAgent);
                Marks {
                    emitter: Some("Human"),
                    agent: message.agent.filter(|_| names_agent).map(|agent| self.world.attendant_identity(agent)),
                    ticket: message.ticket.filter(|_| names_agent).map(|ticket| ticket.to_string()),
                    ..Marks::default()
                }
            }
            Author::Bot | Author::Survey => {
                Marks { emitter: faults.has(FaultKind::ExternalMarks).then_some("externalMessages"), ..Marks::default() }
            }
            Author::System => Marks::default(),
        }
    }

    /// The opening event and the messages from the creation of a ticket to its close, oldest first.
    fn transcript(&self, ticket: &Ticket, (skip, take): (usize, usize)) -> super::envelope::Resource {
        let until = ticket.closed_at.unwrap_or(self.world.now);
        let opening = MessageJson {
            id: format!("Ticket:{}:Waiting", ticket.id),
            direction: "sent",
            r#type: TICKET_TYPE,
            content: "…",
            date: instant(ticket.created_at),
            status: "consumed",
            metadata: Marks::default(),
        };
        let of_attendance = |message: &&Message| (ticket.created_at..=until).contains(&message.at) && message.author != Author::System;
        let said = self.world.messages_of(self.customer).iter().filter(of_attendance).map(|message| self.message(message));
        collection(ITEM_TYPE, std::iter::once(opening).chain(said).skip(skip).take(take), None)
    }
}
