//! The Desk extension: tickets, their messages, queues, attendants, day summaries.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    envelope::{Outcome, Query, Reason, Resource, collection},
    filter::{self, Filter},
    profile::{ATTENDANTS, DEFAULT_QUEUE, QUEUES},
    world::{Author, Message, Ticket, World},
};

/// Identity of the bot that owns the tickets.
pub const DESK_BOT: &str = "exemplodesk@msging.net";

/// Answers a Desk command. `sees_tickets` is false for the router's key, which gets empty lists and refusals.
pub fn answer(world: &World, query: &Query<'_>, sees_tickets: bool) -> Outcome {
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["tickets"] | ["tickets", "history", "metadata"] => tickets(world, query, sees_tickets, path.len() > 1),
        ["ticket", id] => {
            let found = world.tickets.iter().find(|ticket| ticket.id.to_string() == *id).filter(|_| sees_tickets);
            let ticket = found.ok_or_else(Reason::not_found)?;
            Ok(Resource::new("application/vnd.iris.ticket+json", &ticket_json(world, ticket)))
        }
        ["tickets", id, "messages"] if sees_tickets => messages(world, query, id),
        ["teams"] => {
            let items = teams().map(|name| json!({"name": name, "agentsOnline": 3}));
            Ok(collection("application/vnd.iris.desk.team+json", items, Some(QUEUES.len() + 1)))
        }
        ["attendance-queues"] if sees_tickets => queues(query),
        ["attendants"] if sees_tickets => attendants(query),
        ["attendants" | "attendance-queues", ..] => Err(Reason::not_found()),
        ["analytics", "reports", report] => {
            let span = report_span(query)?;
            let tickets: Vec<&Ticket> = if sees_tickets { world.tickets.iter().collect() } else { Vec::new() };
            match *report {
                "tickets" => Ok(day_summaries(&tickets, span)),
                "teams" => Ok(team_summaries(&tickets, span)),
                "timings" => Ok(timings(&tickets, span)),
                _ => Err(Reason::unsupported()),
            }
        }
        _ => Err(Reason::unsupported()),
    }
}

fn teams() -> impl Iterator<Item = &'static str> {
    QUEUES.iter().map(|queue| queue.name).chain([DEFAULT_QUEUE.0])
}

fn tickets(world: &World, query: &Query<'_>, sees_tickets: bool, ended_only: bool) -> Outcome {
    let (skip, take) = query.page(20, 100)?;
    let filter = Filter::parse(query.get("$filter").unwrap_or_default())?;
    if !sees_tickets {
        return Ok(collection("application/vnd.iris.ticket+json", std::iter::empty::<()>(), None));
    }
    // Tickets are sorted by creation: only the stretch that can pass is looked at.
    let from = filter.earliest().map_or(0, |at| world.tickets.partition_point(|ticket| ticket.created_at < at));
    let until = filter.latest().map_or(world.tickets.len(), |at| world.tickets.partition_point(|ticket| ticket.created_at <= at));
    let found: Vec<&Ticket> = world
        .tickets
        .get(from..until)
        .unwrap_or_default()
        .iter()
        .rev()
        .filter(|ticket| !ended_only || ticket.is_closed())
        .filter(|ticket| filter.passes(&|name| field(world, ticket, name)))
        .collect();
    let total = found.len();
    let items = found.into_iter().skip(skip).take(take).map(|ticket| ticket_json(world, ticket));
    Ok(collection("application/vnd.iris.ticket+json", items, Some(total)))
}

fn field(world: &World, ticket: &Ticket, name: &str) -> filter::Value {
    use filter::Value as V;
    let instant = |at: Option<DateTime<Utc>>| at.map_or(V::Null, V::Instant);
    match name {
        "id" => V::Text(ticket.id.to_string()),
        "status" => V::Text(ticket.status.to_owned()),
        "customeridentity" => V::Text(world.customers[ticket.customer].identity.clone()),
        "agentidentity" => ticket.agent.map_or(V::Null, |agent| V::Text(agent_identity(agent))),
        "team" => V::Text(ticket.team.to_owned()),
        "closed" => V::Bool(ticket.is_closed()),
        "sequentialid" => V::Number(ticket.sequential_id),
        "storagedate" => V::Instant(ticket.created_at),
        "opendate" => instant(ticket.opened_at),
        "closedate" => instant(ticket.closed_at),
        "statusdate" => V::Instant(status_at(ticket)),
        _ => V::Null,
    }
}

fn status_at(ticket: &Ticket) -> DateTime<Utc> {
    ticket.closed_at.or(ticket.opened_at).unwrap_or(ticket.created_at)
}

/// Formats an instant as Blip does.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn agent_identity(agent: usize) -> String {
    format!("{}@blip.ai", World::agent_email(agent).replace('@', "%40"))
}

/// A ticket as it travels; absent fields are left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TicketJson<'a> {
    id: String,
    sequential_id: i64,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_sequential_id: Option<i64>,
    customer_input: Document<'a>,
    priority: i64,
    is_automatic_distribution: bool,
    distribution_type: &'a str,
}

/// A typed value.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'a str,
    value: &'a str,
}

fn ticket_json<'a>(world: &'a World, ticket: &'a Ticket) -> TicketJson<'a> {
    let customer = &world.customers[ticket.customer];
    let closed_by = ticket.closed_at.map(|_| match (ticket.status, ticket.agent) {
        ("ClosedClient", _) => customer.identity.clone(),
        (_, Some(agent)) => agent_identity(agent),
        _ => DESK_BOT.to_owned(),
    });
    TicketJson {
        id: ticket.id.to_string(),
        sequential_id: ticket.sequential_id,
        owner_identity: DESK_BOT,
        customer_identity: &customer.identity,
        customer_domain: customer.channel,
        agent_identity: ticket.agent.map(agent_identity),
        provider: "Lime",
        status: ticket.status,
        storage_date: instant(ticket.created_at),
        open_date: ticket.opened_at.map(instant),
        first_response_date: ticket.first_response_at.map(instant),
        status_date: instant(status_at(ticket)),
        close_date: ticket.closed_at.map(instant),
        external_id: ticket.id.to_string(),
        rating: 0,
        team: ticket.team,
        unread_messages: 0,
        closed: ticket.is_closed(),
        closed_by,
        tags: ticket.tag.map(|tag| [tag]),
        parent_sequential_id: ticket.parent_sequential_id,
        customer_input: Document { r#type: "text/plain", value: "Quero falar com um atendente" },
        priority: 0,
        is_automatic_distribution: true,
        distribution_type: "Redis",
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into(),
        other => other,
    }
}

fn messages(world: &World, query: &Query<'_>, ticket_id: &str) -> Outcome {
    let (skip, take) = query.page(20, 100)?;
    let id: Uuid = ticket_id.parse().map_err(|_| Reason::not_found())?;
    let customer = world.ticket_customer(id).ok_or_else(Reason::not_found)?;
    let item_type = "application/vnd.iris.thread-message+json";
    if query.get("getFromOwnerIfTunnel") != Some("true") {
        // Behind a router, the sub-bot's own side of the thread is empty.
        return Ok(collection(item_type, std::iter::empty::<()>(), None));
    }
    let all = world.messages_of(customer);
    let ascending = query.get("$ascending") == Some("true");
    let items = (skip..all.len().min(skip + take)).map(|index| message_json(&all[if ascending { index } else { all.len() - 1 - index }]));
    Ok(collection(item_type, items, None))
}

/// A message as it travels.
#[derive(Serialize)]
struct MessageJson {
    id: String,
    direction: &'static str,
    r#type: &'static str,
    content: &'static str,
    date: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MessageMarks>,
}

/// What the platform adds to a message.
#[derive(Serialize)]
struct MessageMarks {
    #[serde(rename = "#messageEmitter")]
    emitter: &'static str,
}

fn message_json(message: &Message) -> MessageJson {
    MessageJson {
        id: Uuid::from_u128(message.id).to_string(),
        direction: if message.author == Author::Customer { "received" } else { "sent" },
        r#type: if message.author == Author::System { "application/vnd.iris.ticket+json" } else { "text/plain" },
        content: "…",
        date: instant(message.at),
        status: "consumed",
        metadata: (message.author == Author::Attendant).then_some(MessageMarks { emitter: "Human" }),
    }
}

fn queues(query: &Query<'_>) -> Outcome {
    let (skip, take) = query.page(20, 100)?;
    let items = teams().enumerate().skip(skip).take(take).map(|(index, name)| {
        json!({
            "id": format!("queue-{index}"), "ownerIdentity": DESK_BOT, "name": name, "isActive": true,
            "storageDate": "2024-01-08T12:00:00.000Z", "Priority": index
        })
    });
    Ok(collection("application/vnd.iris.desk.attendancequeue+json", items, Some(QUEUES.len() + 1)))
}

fn attendants(query: &Query<'_>) -> Outcome {
    let (skip, take) = query.page(20, 200)?;
    let items = ATTENDANTS.iter().enumerate().skip(skip).take(take).map(|(index, (name, queues))| {
        let teams: Vec<_> = queues.iter().map(|queue| QUEUES[*queue].name).collect();
        json!({
            "identity": agent_identity(index), "fullName": name, "email": World::agent_email(index), "teams": teams,
            "status": "Online", "agentSlots": 5, "ticketsInService": 2
        })
    });
    Ok(collection("application/vnd.iris.desk.attendant+json", items, Some(ATTENDANTS.len())))
}

/// Blip cuts the days of its reports at UTC−3.
fn blip_day(at: DateTime<Utc>) -> NaiveDate {
    (at - TimeDelta::hours(3)).date_naive()
}

fn report_span(query: &Query<'_>) -> Result<(NaiveDate, NaiveDate), Reason> {
    let day = |name: &str| {
        let text = query.get(name).ok_or_else(|| Reason::new(64, format!("The {name} parameter is required")))?;
        text.parse().map_err(|_| Reason::new(64, format!("The {name} parameter is invalid")))
    };
    Ok((day("beginDate")?, day("endDate")?))
}

fn is_in((first, last): (NaiveDate, NaiveDate), at: Option<DateTime<Utc>>) -> bool {
    at.is_some_and(|at| (first..=last).contains(&blip_day(at)))
}

fn day_summaries(tickets: &[&Ticket], span: (NaiveDate, NaiveDate)) -> Resource {
    let mut days: BTreeMap<NaiveDate, Vec<&Ticket>> = BTreeMap::new();
    for ticket in tickets.iter().filter(|ticket| is_in(span, ticket.closed_at.or(Some(ticket.created_at)))) {
        days.entry(blip_day(ticket.closed_at.unwrap_or(ticket.created_at))).or_default().push(ticket);
    }
    let items: Vec<Value> = days
        .into_iter()
        .map(|(day, tickets)| {
            let count = |test: &dyn Fn(&Ticket) -> bool| tickets.iter().filter(|ticket| test(ticket)).count();
            let missed = |ticket: &Ticket| ticket.is_closed() && ticket.opened_at.is_none();
            let by_client = |ticket: &Ticket| ticket.status.starts_with("ClosedClient") && ticket.opened_at.is_some();
            json!({
                "date": format!("{day}T03:00:00.000Z"),
                "waiting": count(&|ticket| !ticket.is_closed() && ticket.opened_at.is_none()),
                "open": count(&|ticket| !ticket.is_closed() && ticket.opened_at.is_some()),
                "closed": count(&Ticket::is_closed),
                "closedAttendant": count(&|ticket| ticket.status == "ClosedAttendant"),
                "closedClient": count(&by_client),
                "transferred": count(&|ticket| ticket.status == "Transferred"),
                "missed": count(&missed),
            })
        })
        .collect();
    let total = items.len();
    collection("application/vnd.iris.desk.ticketssummary+json", items.into_iter(), Some(total))
}

fn team_summaries(tickets: &[&Ticket], span: (NaiveDate, NaiveDate)) -> Resource {
    let mut teams: BTreeMap<&str, Vec<&Ticket>> = BTreeMap::new();
    for ticket in tickets {
        teams.entry(ticket.team).or_default().push(ticket);
    }
    let items: Vec<Value> = teams
        .into_iter()
        .map(|(name, tickets)| {
            let closed: Vec<&Ticket> = tickets.iter().copied().filter(|ticket| is_in(span, ticket.closed_at)).collect();
            without_nulls(json!({
                "name": name,
                "waitingTickets": tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.opened_at.is_none()).count(),
                "openedTickets": tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.opened_at.is_some()).count(),
                "closedTickets": closed.len(),
                "averageFirstResponseTime": mean(&closed, |ticket| Some(ticket.first_response_at? - ticket.opened_at?)),
                "averageWaitTime": mean(&closed, |ticket| Some(ticket.first_response_at? - ticket.created_at)),
                "averageAttendanceTime": mean(&closed, |ticket| Some(ticket.closed_at? - ticket.first_response_at?)),
            }))
        })
        .collect();
    let total = items.len();
    collection("application/vnd.iris.desk.teamticketssummary+json", items.into_iter(), Some(total))
}

fn timings(tickets: &[&Ticket], span: (NaiveDate, NaiveDate)) -> Resource {
    let closed: Vec<&Ticket> = tickets.iter().copied().filter(|ticket| is_in(span, ticket.closed_at)).collect();
    let queue = |ticket: &Ticket| Some(ticket.opened_at? - ticket.created_at);
    let first = |ticket: &Ticket| Some(ticket.first_response_at? - ticket.opened_at?);
    let longest = |value: &dyn Fn(&Ticket) -> Option<TimeDelta>| closed.iter().filter_map(|ticket| value(ticket)).max().map(time_span);
    let body = json!({
        "maxQueueTime": longest(&queue),
        "maxFirstResponseTime": longest(&first),
        "avgQueueTime": mean(&closed, queue),
        "avgFirstResponseTime": mean(&closed, first),
        "avgWaitTime": mean(&closed, |ticket| Some(ticket.first_response_at? - ticket.created_at)),
        "avgAttendanceTime": mean(&closed, |ticket| Some(ticket.closed_at? - ticket.first_response_at?)),
    });
    Resource::new("application/vnd.iris.desk.tickets-metrics-summary+json", &without_nulls(body))
}

fn mean(tickets: &[&Ticket], value: impl Fn(&Ticket) -> Option<TimeDelta>) -> Option<String> {
    let values: Vec<TimeDelta> = tickets.iter().filter_map(|ticket| value(ticket)).collect();
    let count = i32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(time_span(values.into_iter().sum::<TimeDelta>() / count))
}

/// Formats a duration as .NET's TimeSpan: `[d.]hh:mm:ss[.fffffff]`.
fn time_span(duration: TimeDelta) -> String {
    let seconds = duration.num_seconds();
    let ticks = duration.subsec_nanos() / 100;
    let days = if seconds >= 86_400 { format!("{}.", seconds / 86_400) } else { String::new() };
    let fraction = if ticks > 0 { format!(".{ticks:07}") } else { String::new() };
    format!("{days}{:02}:{:02}:{:02}{fraction}", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_have_days_and_seven_digits() {
        assert_eq!(time_span(TimeDelta::seconds(432)), "00:07:12");
        assert_eq!(time_span(TimeDelta::seconds(98_405)), "1.03:20:05");
        assert_eq!(time_span(TimeDelta::milliseconds(41_127)), "00:00:41.1270000");
    }
}
