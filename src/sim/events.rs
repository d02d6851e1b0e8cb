//! The analytics extension's event tracking.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    envelope::{Outcome, Query, Reason, collection},
    fault::{FaultKind, Faults},
    world::{Event, World},
};
use crate::blip::time::{blip_day, blip_day_start, instant, parse_instant};

/// How much later than it was recorded a late event is listed.
const LATE_DAYS: i64 = 2;

const EVENT_TYPE: &str = "application/vnd.iris.eventTrack+json";

/// Answers an event-track command. Events belong to the bot that recorded them: the other key sees none.
pub fn answer(world: &World, faults: &Faults, query: &Query<'_>, is_desk: bool) -> Outcome {
    let sees_events = is_desk != faults.has(FaultKind::RouterSurveys);
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let is_listed = |event: &Event| {
        let is_late = faults.of_record(FaultKind::LateEvent, u128::from(event.at.timestamp_millis().unsigned_abs()) << 40);
        sees_events && (!is_late || event.at + TimeDelta::days(LATE_DAYS) <= world.now)
    };
    match path.as_slice() {
        ["event-track"] => {
            let mut categories: Vec<&str> =
                world.events.iter().filter(|event| is_listed(event)).map(|event| event.category.as_ref()).collect();
            categories.sort_unstable();
            categories.dedup();
            let (skip, take) = query.page(20, 10_000)?;
            let items = categories.into_iter().skip(skip).take(take).map(|category| json!({"category": category}));
            Ok(collection(EVENT_TYPE, items, None))
        }
        ["event-track", category] => {
            let (skip, take) = query.page(20, 10_000)?;
            let span = span(world, faults, query)?;
            let mut counts: BTreeMap<(NaiveDate, &str), usize> = BTreeMap::new();
            let of_category = |event: &&Event| event.category == *category && span.contains(&event.at) && is_listed(event);
            for event in world.events.iter().filter(of_category) {
                *counts.entry((blip_day(event.at), &event.action)).or_default() += 1;
            }
            let items = counts.into_iter().rev().skip(skip).take(take).map(|((day, action), count)| {
                json!({"storageDate": format!("{day}T03:00:00.000Z"), "category": category, "action": action, "count": count.to_string()})
            });
            Ok(collection(EVENT_TYPE, items, None))
        }
        ["event-track", category, action] => {
            let (skip, take) = query.page(20, 500)?;
            let span = span(world, faults, query)?;
            let is_asked =
                |event: &&Event| event.category == *category && event.action == *action && span.contains(&event.at) && is_listed(event);
            let found: Vec<&Event> = world.events.iter().filter(is_asked).collect();
            let total = found.len();
            let items = found.into_iter().rev().skip(skip).take(take).map(|event| detail(world, faults, event));
            Ok(collection(EVENT_TYPE, items, Some(total)))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// An event as it travels: at the router with the customer's identity on the channel, else with that of the tunnel.
fn detail(world: &World, faults: &Faults, event: &Event) -> Value {
    let tunnel = &world.customers[event.customer].identity;
    let is_at_router = faults.has(FaultKind::RouterSurveys);
    let mut extras = Map::new();
    if let Some(queue) = &event.queue {
        extras.insert("fila".into(), queue.as_ref().into());
    }
    if let Some(comment) = &event.comment {
        extras.insert("comentario".into(), comment.as_ref().into());
    }
    if is_at_router && faults.has(FaultKind::TunnelExtras) {
        extras.insert("#tunnelIdentity".into(), tunnel.as_str().into());
        extras.insert("#tunnelOriginator".into(), world.channel_identity(event.customer).into());
    }
    let identity = if is_at_router { world.channel_identity(event.customer) } else { tunnel.clone() };
    let mut item = json!({
        "category": event.category,
        "action": event.action,
        "storageDate": instant(event.at),
        "contact": {"identity": identity},
    });
    if !extras.is_empty() {
        item["extras"] = extras.into();
    }
    item
}

/// Reads the bounds: whole days in UTC−3, the last one included by default, or instants; without dates only today.
fn span(world: &World, faults: &Faults, query: &Query<'_>) -> Result<std::ops::Range<DateTime<Utc>>, Reason> {
    let bound = |name: &str, days_after: u64| -> Result<Option<DateTime<Utc>>, Reason> {
        let Some(text) = query.get(name) else { return Ok(None) };
        if let Ok(day) = text.parse::<NaiveDate>() {
            return Ok(Some(blip_day_start(day + Days::new(days_after))));
        }
        parse_instant(text).map(Some).ok_or_else(|| Reason::new(64, format!("The {name} parameter is invalid")))
    };
    let today = blip_day_start(blip_day(world.now));
    Ok(bound("startDate", 0)?.unwrap_or(today)
        ..bound("endDate", u64::from(!faults.has(FaultKind::ExclusiveEnd)))?.unwrap_or(today + Days::new(1)))
}
