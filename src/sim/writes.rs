//! Commands that change something. What they change is seen by the reads that follow.

use std::borrow::Cow;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    contacts,
    envelope::{Command, Method, Outcome, Query, Reason, Resource},
    events,
    fault::{FaultKind, Faults},
    portal,
    record::Written,
    world::{Attendant, World},
};
use crate::blip::identity::attendant_email;

const ANALYTICS: &str = "postmaster@analytics.msging.net";
const DESK: &str = "postmaster@desk.msging.net";
const PORTAL: &str = "postmaster@portal.blip.ai";

/// Answers a command that is not a `get`, and keeps it. The router's key changes nothing of the desk.
pub fn answer(
    world: &mut World,
    faults: &Faults,
    (command, method): (&Command, Method),
    is_desk: bool,
    fault: Option<FaultKind>,
) -> Outcome {
    let outcome = match fault {
        Some(FaultKind::RefusedWrite) => Err(Reason::new(66, "The operation is not allowed")),
        Some(FaultKind::HalfWrite) => done(world, faults, &halved(command), method, is_desk),
        _ => done(world, faults, command, method, is_desk),
    };
    world.writes.push(Written {
        to: command.to.clone(),
        method: command.method.to_lowercase(),
        uri: command.uri.clone(),
        body: command.resource.clone(),
        is_done: outcome.is_ok(),
    });
    outcome
}

/// Returns a command with half of what it lists.
fn halved(command: &Command) -> Command {
    let mut resource = command.resource.clone();
    for list in ["teams", "items"] {
        if let Some(items) = resource.get_mut(list).and_then(Value::as_array_mut) {
            items.truncate(items.len() / 2);
        }
    }
    Command { id: command.id.clone(), to: command.to.clone(), method: command.method.clone(), uri: command.uri.clone(), resource }
}

fn done(world: &mut World, faults: &Faults, command: &Command, method: Method, is_desk: bool) -> Outcome {
    let query = Query::parse(&command.uri);
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let body = &command.resource;
    if matches!(method, Method::Subscribe | Method::Unsubscribe) {
        return Err(Reason::not_for_method());
    }
    let (is_set, to) = (method == Method::Set, command.to.as_deref());
    let is_core = matches!(to, None | Some("postmaster@crm.msging.net" | "postmaster@msging.net"));
    match (to, path.as_slice(), method) {
        (Some(ANALYTICS), ["event-track"], Method::Set | Method::Observe) => events::track(world, body, is_desk),
        (Some(ANALYTICS), ["event-track", category], Method::Delete) => {
            events::remove(world, faults, category, is_desk);
            Ok(Resource::none())
        }
        (_, ["contacts"], Method::Set | Method::Merge) if is_core => contacts::write(world, faults, method, body, !is_desk),
        (Some(DESK), ..) if !is_desk => Err(Reason::not_found()),
        (Some(DESK), ["attendants", identity], Method::Merge) => merge_attendant(world, identity, body),
        _ if is_core || to == Some(ANALYTICS) || !matches!(method, Method::Set | Method::Delete) => Err(Reason::not_for_method()),
        (Some(PORTAL), path, _) if faults.has(FaultKind::OpenPortal) => portal::write(world, path, is_set, body),
        (Some(PORTAL), ..) => Err(Reason::new(66, "The operation is not allowed")),
        (Some(owner), ["configuration"], _) if faults.has(FaultKind::OpenPortal) => {
            portal::write_entries(world, owner, &query, is_set, body)
        }
        (Some(DESK), path, _) => desk(world, faults, path, is_set, body),
        _ => Err(Reason::unsupported()),
    }
}

fn desk(world: &mut World, faults: &Faults, path: &[&str], is_set: bool, body: &Value) -> Outcome {
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
            let waits = faults.has(FaultKind::InvitesWait);
            bodies.iter().try_for_each(|body| set_attendant(world, body, waits)).map(|()| Resource::none())
        }
        (["attendants", identity], false) => {
            let email = attendant_email(identity);
            let is_found = |attendant: &&mut Attendant| attendant.email.eq_ignore_ascii_case(&email) && attendant.is_listed;
            world.attendants.iter_mut().find(is_found).ok_or_else(Reason::not_found)?.is_listed = false;
            Ok(Resource::none())
        }
        (["attendance-queues"], true) => {
            let name = text(body, "name")?;
            if !world.queues.iter().any(|queue| *queue == name) {
                world.queues.push(name.clone().into());
            }
            let is_active = body["isActive"].as_bool().unwrap_or(true);
            world.inactive_queues.retain(|queue| *queue != name);
            if !is_active {
                world.inactive_queues.push(name.clone());
            }
            let queue = json!({"id": World::queue_id(&name), "name": name, "isActive": is_active});
            Ok(Resource::new("application/vnd.iris.desk.attendancequeue+json", &queue))
        }
        (["attendance-queues", id], false) => {
            let place = world.queues.iter().position(|name| World::queue_id(name) == *id).ok_or_else(Reason::not_found)?;
            let name = world.queues.remove(place);
            world.inactive_queues.retain(|queue| *queue != name);
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
        (["tickets" | "ticket" | "teams" | "attendance-queues" | "attendants" | "rules" | "tags" | "monitoring" | "analytics", ..], _) => {
            Err(Reason::not_for_method())
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Changes only what is sent of an attendant.
fn merge_attendant(world: &mut World, identity: &str, body: &Value) -> Outcome {
    let email = attendant_email(identity);
    let is_found = |attendant: &&mut Attendant| attendant.email.eq_ignore_ascii_case(&email) && attendant.is_listed;
    let known = world.attendants.iter_mut().find(is_found).ok_or_else(Reason::not_found)?;
    if body["teams"].is_array() {
        known.teams = texts(&body["teams"]);
    }
    if let Some(slots) = body["agentSlots"].as_u64().and_then(|slots| u32::try_from(slots).ok()) {
        known.slots = slots;
    }
    Ok(Resource::none())
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
    let customer = world.behind_tunnel(&identity).ok_or_else(Reason::not_found)?;
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

/// The list of queues that is sent replaces the one before. Who has no account yet is invited, and is not listed before accepting.
fn set_attendant(world: &mut World, body: &Value, waits: bool) -> Result<(), Reason> {
    let email = attendant_email(&text(body, "identity")?);
    let teams = texts(&body["teams"]);
    let slots = body["agentSlots"].as_u64().and_then(|slots| u32::try_from(slots).ok());
    match world.attendants.iter_mut().find(|attendant| attendant.email.eq_ignore_ascii_case(&email)) {
        Some(known) => {
            known.is_listed |= !waits || world.portal.members.contains_key(&email);
            (known.teams, known.slots) = (teams, slots.unwrap_or(known.slots));
        }
        None => world.attendants.push(Attendant { name: email.clone(), email, teams, is_listed: !waits, slots: slots.unwrap_or(5) }),
    }
    Ok(())
}
