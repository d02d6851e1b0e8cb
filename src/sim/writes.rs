//! Commands that change something. What they change is seen by the reads that follow.

use std::borrow::Cow;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    envelope::{Command, Outcome, Query, Reason, Resource},
    world::{Attendant, Event, World},
};
use crate::blip::{identity::attendant_email, time::parse_instant};

/// Answers a `set`, `merge` or `delete`. The router's key changes nothing of the desk.
pub fn answer(world: &mut World, command: &Command, is_desk: bool) -> Outcome {
    let query = Query::parse(&command.uri);
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let (is_set, body) = (command.method.eq_ignore_ascii_case("set"), &command.resource);
    match (command.to.as_deref(), path.as_slice()) {
        (Some("postmaster@portal.blip.ai"), _) => Err(Reason::new(66, "The operation is not allowed")),
        (Some("postmaster@desk.msging.net"), _) if !is_desk => Err(Reason::not_found()),
        (Some("postmaster@desk.msging.net"), path) => desk(world, path, is_set, body),
        (Some("postmaster@analytics.msging.net"), ["event-track"]) if is_set => track(world, body),
        (Some("postmaster@analytics.msging.net"), ["event-track", category]) if !is_set => {
            world.events.retain(|event| event.category != *category);
            Ok(Resource::none())
        }
        (Some(_), _) => Err(Reason::unsupported()),
        (None, _) => Err(Reason::new(63, "The method is not supported")),
    }
}

fn desk(world: &mut World, path: &[&str], is_set: bool, body: &Value) -> Outcome {
    match (path, is_set) {
        (["tickets"], true) => open_ticket(world, body),
        (["tickets", "change-status" | "change-status-without-redirect"], true) => change_status(world, body),
        (["tickets", id, "close"], true) => {
            // Finishes a ticket that has ended already; one that has not is refused.
            let ticket = &world.tickets[place(world, id)?];
            if ticket.is_closed() { Ok(Resource::none()) } else { Err(Reason::new(64, "The ticket is not closed")) }
        }
        (["tickets", id, "transfer"], true) => transfer(world, id, body),
        (["tickets", id, "change-tags"], true) => {
            let place = place(world, id)?;
            world.tickets[place].tags = texts(&body["tags"]);
            Ok(Resource::none())
        }
        (["attendants"], true) => {
            let bodies = body["items"].as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
            bodies.iter().try_for_each(|body| set_attendant(world, body)).map(|()| Resource::none())
        }
        (["attendants", identity], false) => {
            let email = attendant_email(identity);
            let found = world.attendants.iter_mut().find(|attendant| attendant.email == email && attendant.is_listed);
            found.ok_or_else(Reason::not_found)?.is_listed = false;
            Ok(Resource::none())
        }
        (["attendance-queues"], true) => {
            let name = text(body, "name")?;
            if !world.queues.iter().any(|queue| *queue == name) {
                world.queues.push(name.clone().into());
            }
            let id = format!("queue-{}", world.queues.iter().position(|queue| *queue == name).unwrap_or(0));
            Ok(Resource::new("application/vnd.iris.desk.attendancequeue+json", &json!({"id": id, "name": name, "isActive": true})))
        }
        (["attendance-queues", id], false) => {
            let place = id.strip_prefix("queue-").and_then(|place| place.parse::<usize>().ok()).filter(|place| *place < world.queues.len());
            world.queues.remove(place.ok_or_else(Reason::not_found)?);
            Ok(Resource::none())
        }
        (["rules"], true) => {
            let id = body["id"].as_str().map_or_else(|| format!("rule-{}", world.rules.len()), str::to_owned);
            let mut rule = body.clone();
            rule["id"] = id.clone().into();
            world.rules.retain(|known| known["id"] != id.as_str());
            world.rules.push(rule.clone());
            Ok(Resource::new("application/vnd.iris.desk.rule+json", &rule))
        }
        (["rules", id], false) => {
            let before = world.rules.len();
            world.rules.retain(|known| known["id"] != *id);
            if world.rules.len() < before { Ok(Resource::none()) } else { Err(Reason::not_found()) }
        }
        _ => Err(Reason::unsupported()),
    }
}

fn text(body: &Value, name: &str) -> Result<String, Reason> {
    body[name]
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Reason::new(21, format!("The field {name} is required")))
}

fn texts(list: &Value) -> Vec<Cow<'static, str>> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str()).map(|text| Cow::Owned(text.to_owned())).collect()
}

fn place(world: &World, id: &str) -> Result<usize, Reason> {
    id.parse().ok().and_then(|id: Uuid| world.ticket(id)).ok_or_else(Reason::not_found)
}

fn new_id(world: &World) -> Uuid {
    // Drawn from the number of the ticket, so that the same writes give the same world.
    uuid::Builder::from_random_bytes((0x5EED_0000_u128 << 64 | world.tickets.len() as u128).to_be_bytes()).into_uuid()
}

fn ticket(world: &World, place: usize) -> Resource {
    let ticket = &world.tickets[place];
    let body = json!({
        "id": ticket.id.to_string(), "sequentialId": ticket.sequential_id, "status": ticket.status, "team": ticket.team,
        "customerIdentity": world.customers[ticket.customer].identity, "parentSequentialId": ticket.parent_sequential_id,
    });
    Resource::new("application/vnd.iris.ticket+json", &body)
}

fn open_ticket(world: &mut World, body: &Value) -> Outcome {
    let identity = text(body, "customerIdentity")?;
    let customer = world.customers.iter().position(|customer| customer.identity == identity).ok_or_else(Reason::not_found)?;
    let team = body["team"].as_str().unwrap_or("Default").to_owned();
    let id = new_id(world);
    let place = world.add_ticket(id, customer, team.into(), None);
    Ok(ticket(world, place))
}

fn change_status(world: &mut World, body: &Value) -> Outcome {
    let place = place(world, &text(body, "id")?)?;
    if world.tickets[place].is_closed() {
        return Err(Reason::new(64, "The ticket is closed"));
    }
    let (now, status) = (world.now, text(body, "status")?);
    match status.as_str() {
        "Open" => {
            let email = attendant_email(&text(body, "agentIdentity")?);
            let agent = world.attendants.iter().position(|attendant| attendant.email == email).ok_or_else(Reason::not_found)?;
            let ticket = &mut world.tickets[place];
            (ticket.status, ticket.agent, ticket.opened_at) = ("Open", Some(agent), ticket.opened_at.or(Some(now)));
        }
        "ClosedAttendant" | "ClosedClient" => {
            let ticket = &mut world.tickets[place];
            ticket.status = if status == "ClosedAttendant" { "ClosedAttendant" } else { "ClosedClient" };
            ticket.closed_at = Some(now);
            if body["tags"].is_array() {
                ticket.tags = texts(&body["tags"]);
            }
        }
        _ => return Err(Reason::new(64, "The status is invalid")),
    }
    Ok(Resource::none())
}

fn transfer(world: &mut World, id: &str, body: &Value) -> Outcome {
    let place = place(world, id)?;
    if world.tickets[place].is_closed() {
        return Err(Reason::new(64, "The ticket is closed"));
    }
    let (now, customer) = (world.now, world.tickets[place].customer);
    let team = if body["agentIdentity"].is_string() { "DIRECT_TRANSFER".to_owned() } else { text(body, "team")? };
    (world.tickets[place].status, world.tickets[place].closed_at) = ("Transferred", Some(now));
    let id = new_id(world);
    let child = world.add_ticket(id, customer, team.into(), Some(place));
    Ok(ticket(world, child))
}

/// The list of queues that is sent replaces the one before.
fn set_attendant(world: &mut World, body: &Value) -> Result<(), Reason> {
    let email = attendant_email(&text(body, "identity")?);
    let teams = texts(&body["teams"]);
    match world.attendants.iter_mut().find(|attendant| attendant.email == email) {
        Some(known) => (known.teams, known.is_listed) = (teams, true),
        None => world.attendants.push(Attendant { name: email.clone(), email, teams, is_listed: true }),
    }
    Ok(())
}

fn track(world: &mut World, body: &Value) -> Outcome {
    let (category, action) = (text(body, "category")?, text(body, "action")?);
    let identity = body["contact"]["identity"].as_str().unwrap_or_default();
    let customer = world.customers.iter().position(|customer| customer.identity == identity).ok_or_else(Reason::not_found)?;
    let extra = |name: &str| body["extras"][name].as_str().map(|text| Cow::Owned(text.to_owned()));
    let at = body["storageDate"].as_str().and_then(parse_instant).unwrap_or(world.now);
    world.events.push(Event { category: category.into(), action, at, customer, queue: extra("fila"), comment: extra("comentario") });
    Ok(Resource::none())
}
