//! The Desk extension's directory: queues, attendants, opening hours, rules, tags.

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use serde_json::{Map, Value, json};

use super::{
    calendar,
    envelope::{Outcome, Query, Reason, Resource, collection},
    fault::{FaultKind, Faults},
    filter::{self, Fields, Filter, Kind},
    world::World,
};
use crate::{
    blip::time::{instant, time_span},
    domain::holiday,
};

/// When everything was set up.
const SET_UP: &str = "2024-01-08T12:00:00.000Z";

/// Blip's id of the opening hours that all queues have.
const HOURS_ID: &str = "5f0a8c1e-0000-4000-8000-000000000001";

const QUEUE_FIELDS: Fields = &[("name", Kind::Text), ("isactive", Kind::Bool), ("id", Kind::Text)];

/// Answers a command of the directory, or nothing where it is about something else. The router's key is refused.
pub fn answer(world: &World, faults: &Faults, query: &Query<'_>, path: &[&str], is_desk: bool) -> Option<Outcome> {
    Some(match path {
        ["teams"] | ["teams", "agents-online"] => Ok(teams(world)),
        ["tags", "active"] => Ok(tags(world, is_desk)),
        ["attendance-queues" | "attendants" | "rules" | "attendance-hour" | "attendance-hour-container", ..] if !is_desk => {
            Err(Reason::not_found())
        }
        ["attendance-queues"] => queues(world, query),
        ["attendance-queues", id] => {
            let place = world.queues.iter().position(|name| World::queue_id(name) == *id);
            place.map(|place| Resource::new(QUEUE_TYPE, &queue(world, place))).ok_or_else(Reason::not_found)
        }
        ["attendants"] => attendants(world, faults, query),
        ["rules"] => query.page(20, 100).map(|(skip, take)| {
            let items = world.rules.iter().skip(skip).take(take);
            collection("application/vnd.iris.desk.rule+json", items, Some(world.rules.len()))
        }),
        ["attendance-hour"] => Ok(collection(HOURS_TYPE, std::iter::once(hours(world)), Some(1))),
        ["attendance-hour-container", HOURS_ID] => {
            Ok(Resource::new("application/vnd.iris.desk.attendance-hour-container+json", &container(world)))
        }
        ["attendance-queues" | "attendants" | "rules" | "attendance-hour" | "attendance-hour-container", ..] => Err(Reason::not_found()),
        _ => return None,
    })
}

const QUEUE_TYPE: &str = "application/vnd.iris.desk.attendancequeue+json";
const HOURS_TYPE: &str = "application/vnd.iris.desk.attendance-hour+json";

fn teams(world: &World) -> Resource {
    let items = world.queues.iter().map(|name| {
        let online = world.attendants.iter().filter(|attendant| attendant.is_listed && attendant.teams.contains(name)).count();
        json!({"name": name, "agentsOnline": online})
    });
    collection("application/vnd.iris.desk.team+json", items, Some(world.queues.len()))
}

fn tags(world: &World, is_desk: bool) -> Resource {
    let mut names: Vec<&str> =
        if is_desk { world.tickets.iter().flat_map(|ticket| &ticket.tags).map(Cow::as_ref).collect() } else { Vec::new() };
    names.sort_unstable();
    names.dedup();
    let items = names.iter().map(|name| json!({"name": name, "ticketsCount": 0, "closedTickets": 0}));
    collection("application/vnd.iris.desk.tag+json", items, Some(names.len()))
}

fn queues(world: &World, query: &Query<'_>) -> Outcome {
    let (skip, take) = query.page(20, 100)?;
    let filter = Filter::parse(query.get("$filter").unwrap_or_default(), QUEUE_FIELDS)?;
    let passes = |queue: &Value| {
        filter.passes(&|name| match name {
            "name" => filter::Value::Text(queue["name"].as_str().unwrap_or_default().to_owned()),
            "id" => filter::Value::Text(queue["id"].as_str().unwrap_or_default().to_owned()),
            _ => filter::Value::Bool(queue["isActive"] == true),
        })
    };
    let mut found: Vec<Value> = (0..world.queues.len()).map(|place| queue(world, place)).filter(passes).collect();
    if query.get("$ascending") == Some("false") {
        found.reverse();
    }
    let total = found.len();
    Ok(collection(QUEUE_TYPE, found.into_iter().skip(skip).take(take), Some(total)))
}

fn queue(world: &World, place: usize) -> Value {
    let name = &world.queues[place];
    let people = world.attendants.iter().filter(|attendant| attendant.is_listed && attendant.teams.contains(name)).count();
    json!({
        "id": World::queue_id(name), "uniqueId": World::queue_id(name), "ownerIdentity": world.desk_bot, "name": name,
        "isActive": !world.inactive_queues.iter().any(|inactive| inactive == name),
        "storageDate": SET_UP, "Priority": place, "numberAttendants": people, "attendanceHourId": HOURS_ID,
    })
}

fn attendants(world: &World, faults: &Faults, query: &Query<'_>) -> Outcome {
    let (skip, take) = query.page(20, 200)?;
    let has_left = |index: usize| faults.of_record(FaultKind::LeftAttendant, (index as u128) << 40);
    let mut listed: Vec<usize> =
        (0..world.attendants.len()).filter(|index| world.attendants[*index].is_listed && !has_left(*index)).collect();
    if query.get("$ascending") == Some("false") {
        listed.reverse();
    }
    let total = listed.len();
    let work = work(world);
    let items = listed.into_iter().skip(skip).take(take).map(|index| {
        let attendant = &world.attendants[index];
        let is_decoded = faults.of_record(FaultKind::DecodedIdentity, (index as u128) << 40);
        let identity = if is_decoded { format!("{}@blip.ai", attendant.email) } else { world.attendant_identity(index) };
        let (open, last) = work.get(&index).copied().unwrap_or_default();
        let mut item = json!({
            "identity": identity, "fullName": attendant.name, "email": attendant.email, "teams": attendant.teams,
            "status": "Online", "agentSlots": attendant.slots, "ticketsInService": open, "isEnabled": true,
        });
        if let Some(last) = last {
            item["lastServiceDate"] = instant(last).into();
        }
        item
    });
    Ok(collection("application/vnd.iris.desk.attendant+json", items, Some(total)))
}

/// Returns open tickets and the last pick-up by attendant.
fn work(world: &World) -> BTreeMap<usize, (usize, Option<DateTime<Utc>>)> {
    let mut work: BTreeMap<usize, (usize, Option<DateTime<Utc>>)> = BTreeMap::new();
    for ticket in &world.tickets {
        if let Some(agent) = ticket.agent {
            let (open, last) = work.entry(agent).or_default();
            *open += usize::from(!ticket.is_closed());
            *last = (*last).max(ticket.opened_at);
        }
    }
    work
}

fn hours(world: &World) -> Value {
    json!({
        "id": HOURS_ID, "title": "Horário padrão", "description": "Segunda a sábado", "isMain": true, "ownerIdentity": world.desk_bot,
        "storageDate": SET_UP, "modifyDate": SET_UP, "timeZoneId": "E. South America Standard Time",
    })
}

/// Opening hours with their week, the national holidays of the world's year, and the queues that keep them.
fn container(world: &World) -> Value {
    // A week without holidays: hours of a weekday are the same all year.
    let week = NaiveDate::from_ymd_opt(2026, 3, 2).into_iter().flat_map(|monday| monday.iter_days().take(7));
    let week: Vec<Value> = week
        .filter_map(|day| calendar::opening(day).map(|(opens, closes)| (day.weekday(), opens, closes)))
        .map(|(weekday, opens, closes)| {
            let clock = |minutes: i64| time_span(TimeDelta::minutes(minutes));
            json!({"id": format!("hours-{}", weekday.number_from_monday()), "dayOfWeek": english(weekday), "startTime": clock(opens), "endTime": clock(closes)})
        })
        .collect();
    let first = NaiveDate::from_ymd_opt(world.now.year(), 1, 1).into_iter();
    let off: Vec<Value> = first
        .flat_map(|first| first.iter_days().take_while(move |day| day.year() == first.year()))
        .filter(|day| holiday::is_national(*day))
        .map(|day| json!({"id": format!("off-{day}"), "reason": "Feriado", "startDate": format!("{day}T03:00:00.000Z"), "endDate": format!("{}T02:59:59.000Z", day.succ_opt().unwrap_or(day))}))
        .collect();
    let queues = world.queues.iter().map(|name| json!({"id": World::queue_id(name), "name": name}));
    let mut body = Map::new();
    body.insert("attendanceHour".into(), hours(world));
    body.insert("attendanceHourScheduleItems".into(), week.into());
    body.insert("attendanceHourOffItems".into(), off.into());
    body.insert("queues".into(), queues.collect());
    body.into()
}

fn english(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}
