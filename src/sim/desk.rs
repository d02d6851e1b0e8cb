//! The Desk extension: tickets; their messages, the directory and Blip's own figures are answered by other modules.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;

use super::{
    directory,
    envelope::{Outcome, Query, Reason, Resource, collection},
    fault::{FaultKind, Faults},
    filter::{self, Fields, Filter, Kind},
    messages, reports,
    world::{Ticket, World},
};
use crate::blip::time::instant;

/// Identity of the bot that owns the tickets, unless the world says otherwise.
pub const DESK_BOT: &str = "exemplodesk@msging.net";

const TICKET_FIELDS: Fields = &[
    ("id", Kind::Text),
    ("status", Kind::Status),
    ("customeridentity", Kind::Text),
    ("agentidentity", Kind::Text),
    ("team", Kind::Text),
    ("closed", Kind::Bool),
    ("sequentialid", Kind::Number),
    ("storagedate", Kind::Instant),
    ("opendate", Kind::Instant),
    ("firstresponsedate", Kind::Instant),
    ("statusdate", Kind::Instant),
    ("closedate", Kind::Instant),
];

/// Answers a Desk command. `sees_tickets` is false for the router's key, which gets empty lists and refusals.
pub fn answer(world: &World, faults: &Faults, query: &Query<'_>, sees_tickets: bool) -> Outcome {
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    if let Some(outcome) = directory::answer(world, faults, query, &path, sees_tickets) {
        return outcome;
    }
    match path.as_slice() {
        ["tickets"] | ["tickets", "history"] | ["tickets", "history", "metadata"] => {
            tickets(world, faults, query, sees_tickets, path.len() > 1)
        }
        ["ticket", id] => {
            let id = id.parse().ok().filter(|id| sees_tickets && !world.forgotten.contains(id));
            let place = id.and_then(|id| world.ticket(id)).ok_or_else(Reason::not_found)?;
            Ok(Resource::new("application/vnd.iris.ticket+json", &ticket_json(world, faults, &world.tickets[place])))
        }
        ["tickets", id, "messages"] => messages::of_ticket(world, faults, query, id, sees_tickets),
        ["monitoring", name] => reports::monitoring(world, faults, query, name, sees_tickets),
        ["analytics", "reports", ..] if faults.has(FaultKind::NoReports) => Err(Reason::unsupported()),
        ["analytics", "reports", name @ ..] => reports::period(world, faults, query, name, sees_tickets),
        _ => Err(Reason::unsupported()),
    }
}

fn tickets(world: &World, faults: &Faults, query: &Query<'_>, sees_tickets: bool, ended_only: bool) -> Outcome {
    let (skip, take) = query.page(20, 100)?;
    let filter = Filter::parse(query.get("$filter").unwrap_or_default(), TICKET_FIELDS)?;
    if faults.has(FaultKind::NoLt) && filter.has_lt() {
        return Err(Reason::unsupported());
    }
    if !sees_tickets {
        return Ok(collection("application/vnd.iris.ticket+json", std::iter::empty::<()>(), None));
    }
    let ended_only = ended_only || query.get("$closed") == Some("true");
    let open_only = !ended_only && faults.has(FaultKind::EndedInHistory);
    // Tickets are sorted by creation: only the stretch that can pass is looked at.
    let from = filter.earliest().map_or(0, |at| world.tickets.partition_point(|ticket| ticket.created_at < at));
    let until = filter.latest().map_or(world.tickets.len(), |at| world.tickets.partition_point(|ticket| ticket.created_at <= at));
    let mut found: Vec<&Ticket> = world
        .tickets
        .get(from..until)
        .unwrap_or_default()
        .iter()
        .rev()
        .filter(|ticket| !world.forgotten.contains(&ticket.id))
        .filter(|ticket| !ended_only || ticket.is_closed())
        .filter(|ticket| !open_only || !ticket.is_closed())
        .filter(|ticket| filter.passes(&|name| field(world, ticket, name)))
        .collect();
    if faults.has(FaultKind::OldestFirst) {
        found.reverse();
    }
    let on_page = found.len().saturating_sub(skip).min(take);
    let total = if faults.has(FaultKind::FullTotal) { found.len() } else { on_page };
    let items = found.into_iter().skip(skip).take(take).map(|ticket| ticket_json(world, faults, ticket));
    Ok(collection("application/vnd.iris.ticket+json", items, Some(total)))
}

fn field(world: &World, ticket: &Ticket, name: &str) -> filter::Value {
    use filter::Value as V;
    let instant = |at: Option<DateTime<Utc>>| at.map_or(V::Null, V::Instant);
    match name {
        "id" => V::Text(ticket.id.to_string()),
        "status" => V::Text(ticket.status.to_owned()),
        "customeridentity" => V::Text(world.customers[ticket.customer].identity.clone()),
        "agentidentity" => ticket.agent.map_or(V::Null, |agent| V::Text(world.attendant_identity(agent))),
        "team" => V::Text(ticket.team.clone().into_owned()),
        "closed" => V::Bool(ticket.is_closed()),
        "sequentialid" => V::Number(ticket.sequential_id),
        "storagedate" => V::Instant(ticket.created_at),
        "opendate" => instant(ticket.opened_at),
        "firstresponsedate" => instant(ticket.first_response_at),
        "closedate" => instant(ticket.closed_at),
        "statusdate" => V::Instant(status_at(ticket)),
        _ => V::Null,
    }
}

fn status_at(ticket: &Ticket) -> DateTime<Utc> {
    ticket.closed_at.or(ticket.opened_at).unwrap_or(ticket.created_at)
}

/// A ticket as it travels; absent fields are left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TicketJson<'a> {
    id: String,
    sequential_id: serde_json::Value,
    owner_identity: &'a str,
    customer_identity: &'a str,
    customer_domain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_identity: Option<String>,
    provider: &'a str,
    status: &'a str,
    storage_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_response_date: Option<String>,
    status_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_date: Option<String>,
    external_id: String,
    rating: i64,
    team: &'a str,
    unread_messages: i64,
    closed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Cow<'static, str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_sequential_id: Option<i64>,
    customer_input: Document<'a>,
    priority: i64,
    is_automatic_distribution: bool,
    distribution_type: &'a str,
    #[serde(rename = "CampaignId", skip_serializing_if = "Option::is_none")]
    campaign_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    average_agent_response_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentiment_score: Option<f64>,
}

/// A typed value.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'a str,
    value: &'a str,
}

fn ticket_json<'a>(world: &'a World, faults: &Faults, ticket: &'a Ticket) -> TicketJson<'a> {
    let customer = &world.customers[ticket.customer];
    let number = ticket.id.as_u128();
    let closed_by = ticket.closed_at.map(|_| match (ticket.status, ticket.agent) {
        ("ClosedClient", _) => customer.identity.clone(),
        (_, Some(agent)) => world.attendant_identity(agent),
        _ => world.desk_bot.clone(),
    });
    let is_skewed = faults.of_record(FaultKind::Skew, number);
    let by_another_clock = |at| if is_skewed { ticket.created_at - TimeDelta::seconds(2) } else { at };
    let opened_at = ticket.opened_at.map(by_another_clock);
    let closed_at = if opened_at.is_none() { ticket.closed_at.map(by_another_clock) } else { ticket.closed_at };
    TicketJson {
        id: ticket.id.to_string(),
        sequential_id: if faults.of_record(FaultKind::BadRecord, number) { json!("unknown") } else { ticket.sequential_id.into() },
        owner_identity: &world.desk_bot,
        customer_identity: &customer.identity,
        customer_domain: customer.channel,
        agent_identity: ticket.agent.map(|agent| world.attendant_identity(agent)),
        provider: "Lime",
        status: if faults.of_record(FaultKind::UnknownStatus, number) { "Parked" } else { ticket.status },
        storage_date: instant(ticket.created_at),
        open_date: opened_at.map(instant),
        first_response_date: ticket.first_response_at.map(instant),
        status_date: instant(status_at(ticket)),
        close_date: closed_at.map(instant),
        external_id: ticket.id.to_string(),
        rating: 0,
        team: &ticket.team,
        unread_messages: 0,
        closed: ticket.is_closed(),
        closed_by,
        tags: &ticket.tags,
        parent_sequential_id: ticket.parent_sequential_id,
        customer_input: Document { r#type: "text/plain", value: "Quero falar com um atendente" },
        priority: 0,
        is_automatic_distribution: true,
        distribution_type: "Redis",
        campaign_id: number.is_multiple_of(40).then_some("campaign-1"),
        average_agent_response_time: reports::mean_response_s(world, ticket),
        sentiment_score: faults.of_record(FaultKind::ExtraField, number).then_some(0.4),
    }
}
