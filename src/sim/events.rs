//! The analytics extension's event tracking.
//!
//! Events belong to the bot that recorded them: the other key sees none. Survey answers of the world are at one bot, by a switch at
//! the router; events that commands record are at the bot of their key.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    envelope::{Outcome, Query, Reason, Resource, collection},
    fault::{FaultKind, Faults},
    record::Tracked,
    world::{Event, World},
};
use crate::blip::time::{blip_day, blip_day_start, instant, parse_instant};

/// How much later than it was recorded a late event is listed.
const LATE_DAYS: i64 = 2;

const EVENT_TYPE: &str = "application/vnd.iris.eventTrack+json";

/// Answers an event-track command.
pub fn answer(world: &World, faults: &Faults, query: &Query<'_>, is_desk: bool) -> Outcome {
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let log = Log { world, faults, is_desk };
    match path.as_slice() {
        ["event-track"] => {
            let mut categories: Vec<&str> = log.listed().map(Entry::category).collect();
            categories.sort_unstable();
            categories.dedup();
            let (skip, take) = query.page(20, 10_000)?;
            let items = categories.into_iter().skip(skip).take(take).map(|category| json!({"category": category}));
            Ok(collection(EVENT_TYPE, items, None))
        }
        ["event-track", category] => {
            let (skip, take) = query.page(20, 10_000)?;
            let mut counts: BTreeMap<(NaiveDate, &str), usize> = BTreeMap::new();
            for one in log.within(category, log.span(query)?) {
                *counts.entry((blip_day(one.at()), one.action())).or_default() += 1;
            }
            let items = counts.into_iter().rev().skip(skip).take(take).map(|((day, action), count)| {
                json!({"storageDate": format!("{day}T03:00:00.000Z"), "category": category, "action": action, "count": count.to_string()})
            });
            Ok(collection(EVENT_TYPE, items, None))
        }
        ["event-track", category, action] => {
            let (skip, take) = query.page(20, 500)?;
            let mut found: Vec<Entry<'_>> = log.within(category, log.span(query)?).filter(|one| one.action() == *action).collect();
            // Those of the world are in time already.
            found.sort_by_key(Entry::at);
            let total = found.len();
            let items = found.into_iter().rev().skip(skip).take(take).map(|one| log.detail(one));
            Ok(collection(EVENT_TYPE, items, Some(total)))
        }
        ["event-track-count", category] => {
            let span = log.span(query)?;
            let count = log.within(category, span.clone()).count();
            let body = json!({"intervalStart": instant(span.start), "intervalEnd": instant(span.end), "count": count});
            Ok(Resource::new("application/vnd.iris.analytics.metric-indicators+json", &body))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Records an event. Neither a contact nor a known one is required.
pub fn track(world: &mut World, body: &Value, is_desk: bool) -> Outcome {
    let text = |name: &str| {
        let found = body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        found.ok_or_else(|| Reason::new(21, format!("The field {name} is required")))
    };
    let at = body["storageDate"].as_str().and_then(parse_instant).unwrap_or(world.now);
    let (category, action) = (text("category")?, text("action")?);
    world.tracked.push(Tracked { is_desk, category, action, at, body: body.clone() });
    Ok(Resource::none())
}

/// Removes a category of the key's bot with all its events.
pub fn remove(world: &mut World, faults: &Faults, category: &str, is_desk: bool) {
    if has_surveys(faults, is_desk) {
        world.events.retain(|event| event.category != category);
    }
    world.tracked.retain(|event| event.category != category || event.is_desk != is_desk);
}

/// Returns whether the survey's answers are at a bot.
fn has_surveys(faults: &Faults, is_desk: bool) -> bool {
    is_desk == faults.has(FaultKind::DeskSurveys)
}

/// The events of one bot.
struct Log<'a> {
    world: &'a World,
    faults: &'a Faults,
    is_desk: bool,
}

/// One event: a survey answer of the world, or one that a command recorded.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Answer(&'a Event),
    Tracked(&'a Tracked),
}

impl<'a> Entry<'a> {
    fn category(self) -> &'a str {
        match self {
            Entry::Answer(event) => &event.category,
            Entry::Tracked(event) => &event.category,
        }
    }

    fn action(self) -> &'a str {
        match self {
            Entry::Answer(event) => &event.action,
            Entry::Tracked(event) => &event.action,
        }
    }

    fn at(&self) -> DateTime<Utc> {
        match self {
            Entry::Answer(event) => event.at,
            Entry::Tracked(event) => event.at,
        }
    }
}

impl<'a> Log<'a> {
    fn listed(&self) -> impl Iterator<Item = Entry<'a>> {
        let (world, faults, is_desk) = (self.world, self.faults, self.is_desk);
        let is_listed = move |event: &&Event| {
            let is_late = faults.of_record(FaultKind::LateEvent, u128::from(event.at.timestamp_millis().unsigned_abs()) << 40);
            !is_late || event.at + TimeDelta::days(LATE_DAYS) <= world.now
        };
        let answers = if has_surveys(faults, is_desk) { world.events.as_slice() } else { &[] };
        let tracked = world.tracked.iter().filter(move |event| event.is_desk == is_desk);
        answers.iter().filter(is_listed).map(Entry::Answer).chain(tracked.map(Entry::Tracked))
    }

    fn within(&self, category: &str, span: std::ops::Range<DateTime<Utc>>) -> impl Iterator<Item = Entry<'a>> {
        self.listed().filter(move |one| one.category() == category && span.contains(&one.at()))
    }

    fn detail(&self, one: Entry<'_>) -> Value {
        match one {
            Entry::Answer(event) => self.answer(event),
            Entry::Tracked(event) => {
                let mut item = event.body.clone();
                item["storageDate"] = instant(event.at).into();
                item
            }
        }
    }

    /// A survey answer as it travels: at the router with the customer's identity on the channel, else with that of the tunnel.
    fn answer(&self, event: &Event) -> Value {
        let tunnel = &self.world.customers[event.customer].identity;
        let channel = || self.world.channel_identity(event.customer);
        let mut extras = Map::new();
        if let Some(queue) = &event.queue {
            extras.insert("fila".into(), queue.as_ref().into());
        }
        if let Some(comment) = &event.comment {
            extras.insert("comentario".into(), comment.as_ref().into());
        }
        if !self.is_desk && self.faults.has(FaultKind::TunnelExtras) {
            extras.insert("#tunnelIdentity".into(), tunnel.as_str().into());
            extras.insert("#tunnelOriginator".into(), channel().into());
        }
        let mut item = json!({
            "category": event.category,
            "action": event.action,
            "storageDate": instant(event.at),
            "contact": {"identity": if self.is_desk { tunnel.clone() } else { channel() }},
        });
        if !extras.is_empty() {
            item["extras"] = extras.into();
        }
        item
    }

    /// Reads the bounds: whole days in UTC−3, the last one included by default, or instants; without dates only today.
    fn span(&self, query: &Query<'_>) -> Result<std::ops::Range<DateTime<Utc>>, Reason> {
        let bound = |name: &str, days_after: u64| -> Result<Option<DateTime<Utc>>, Reason> {
            let Some(text) = query.get(name) else { return Ok(None) };
            if let Ok(day) = text.parse::<NaiveDate>() {
                return Ok(Some(blip_day_start(day + Days::new(days_after))));
            }
            parse_instant(text).map(Some).ok_or_else(|| Reason::new(64, format!("The {name} parameter is invalid")))
        };
        let today = blip_day_start(blip_day(self.world.now));
        let days_after = u64::from(!self.faults.has(FaultKind::ExclusiveEnd));
        Ok(bound("startDate", 0)?.unwrap_or(today)..bound("endDate", days_after)?.unwrap_or(today + Days::new(1)))
    }
}
