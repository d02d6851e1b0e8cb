//! The analytics extension's event tracking, and the tunnel extension.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    desk::{DESK_BOT, instant},
    envelope::{Outcome, Query, Reason, Resource, collection},
    world::{Event, World},
};

const EVENT_TYPE: &str = "application/vnd.iris.eventTrack+json";

/// Answers an event-track command. Events belong to the bot that recorded them: the router's key sees none.
pub fn answer(world: &World, query: &Query<'_>, sees_events: bool) -> Outcome {
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let events: &[Event] = if sees_events { &world.events } else { &[] };
    match path.as_slice() {
        ["event-track"] => {
            let mut categories: Vec<&str> = events.iter().map(|event| event.category).collect();
            categories.sort_unstable();
            categories.dedup();
            let (skip, take) = query.page(20, 10_000)?;
            let items = categories.into_iter().skip(skip).take(take).map(|category| json!({"category": category}));
            Ok(collection(EVENT_TYPE, items, None))
        }
        ["event-track", category] => {
            let (skip, take) = query.page(20, 10_000)?;
            let span = span(world, query)?;
            let mut counts: BTreeMap<(NaiveDate, &str), usize> = BTreeMap::new();
            for event in events.iter().filter(|event| event.category == *category && span.contains(&event.at)) {
                *counts.entry((blip_day(event.at), &event.action)).or_default() += 1;
            }
            let items = counts.into_iter().rev().skip(skip).take(take).map(|((day, action), count)| {
                json!({"storageDate": format!("{day}T03:00:00.000Z"), "category": category, "action": action, "count": count.to_string()})
            });
            Ok(collection(EVENT_TYPE, items, None))
        }
        ["event-track", category, action] => {
            let (skip, take) = query.page(20, 500)?;
            let span = span(world, query)?;
            let found: Vec<&Event> =
                events.iter().filter(|event| event.category == *category && event.action == *action && span.contains(&event.at)).collect();
            let total = found.len();
            let items = found.into_iter().rev().skip(skip).take(take).map(|event| detail(world, event));
            Ok(collection(EVENT_TYPE, items, Some(total)))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Answers a tunnel command: who is behind a tunnel identity.
pub fn tunnel(world: &World, query: &Query<'_>) -> Outcome {
    let [first, id] = query.path.as_slice() else { return Err(Reason::unsupported()) };
    let identity = format!("{id}@tunnel.msging.net");
    let found = world.customers.iter().position(|customer| customer.identity == identity && first == "tunnels");
    let customer = found.ok_or_else(Reason::not_found)?;
    let body = json!({
        "owner": super::server::ROUTER_BOT,
        "originator": format!("55319{customer:08}@{}", world.customers[customer].channel),
        "destination": DESK_BOT,
    });
    Ok(Resource::new("application/vnd.iris.tunnel+json", &body))
}

fn detail(world: &World, event: &Event) -> Value {
    let mut extras = Map::new();
    if let Some(queue) = event.queue {
        extras.insert("fila".into(), queue.into());
    }
    if let Some(comment) = event.comment {
        extras.insert("comentario".into(), comment.into());
    }
    let mut item = json!({
        "category": event.category,
        "action": event.action,
        "storageDate": instant(event.at),
        "contact": {"identity": world.customers[event.customer].identity},
    });
    if !extras.is_empty() {
        item["extras"] = extras.into();
    }
    item
}

fn blip_day(at: DateTime<Utc>) -> NaiveDate {
    (at - TimeDelta::hours(3)).date_naive()
}

/// Reads the bounds: whole days in UTC−3, or instants; without dates only today.
fn span(world: &World, query: &Query<'_>) -> Result<std::ops::Range<DateTime<Utc>>, Reason> {
    let bound = |name: &str, days_after: u64| -> Result<Option<DateTime<Utc>>, Reason> {
        let Some(text) = query.get(name) else { return Ok(None) };
        if let Ok(day) = text.parse::<NaiveDate>() {
            return Ok(Some((day + Days::new(days_after)).and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(3)));
        }
        let instant = text.parse::<DateTime<Utc>>().or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc()));
        instant.map(Some).map_err(|_| Reason::new(64, format!("The {name} parameter is invalid")))
    };
    let today = (blip_day(world.now)).and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(3);
    Ok(bound("startDate", 0)?.unwrap_or(today)..bound("endDate", 1)?.unwrap_or(today + Days::new(1)))
}
