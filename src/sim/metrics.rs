//! Usage metrics of the analytics extension: people and messages by interval.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use serde_json::json;

use super::{
    envelope::{Outcome, Query, Reason, collection},
    world::{Author, Message, World},
};
use crate::blip::time::{blip_day_start, instant, parse_instant};

/// Start and end of an interval; the end is excluded.
type Step = (DateTime<Utc>, DateTime<Utc>);

/// Maximum number of intervals in one answer.
const MOST_STEPS: usize = 5_000;

/// Answers `/metrics/{indicator}/{interval}`: by day (`D`), by month (`M`) or as one figure (`NI`).
///
/// Bounds are half-open. Days and months step from the start, the last one may be shorter.
pub fn answer(world: &World, query: &Query<'_>) -> Outcome {
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let ["metrics", indicator, interval] = path.as_slice() else { return Err(Reason::unsupported()) };
    let counts = counted(indicator).ok_or_else(Reason::unsupported)?;
    let steps = steps(interval, bound(query, "startDate")?, bound(query, "endDate")?)?;
    let is_people = indicator.ends_with("identity");
    let is_by_domain = indicator.ends_with("-per-domain");
    let mut found: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    if !is_by_domain {
        found.extend((0..steps.len()).map(|step| ((step, ""), 0)));
    }
    for (customer, messages) in world.messages.iter().enumerate() {
        let domain = if is_by_domain { world.customers[customer].channel } else { "" };
        for (step, count) in in_steps(messages, &steps, counts) {
            *found.entry((step, domain)).or_default() += if is_people { 1 } else { count };
        }
    }
    let item_type = if is_people {
        "application/vnd.iris.analytics.metric-identity+json"
    } else {
        "application/vnd.iris.analytics.metric-indicators+json"
    };
    let items = found.into_iter().map(|((step, domain), count)| {
        let (start, end) = steps[step];
        let mut item = json!({"intervalStart": instant(start), "intervalEnd": instant(end), "count": count});
        if is_by_domain {
            item["domain"] = domain.into();
        }
        item
    });
    Ok(collection(item_type, items, None))
}

/// Returns which messages an indicator counts.
fn counted(indicator: &str) -> Option<fn(Author) -> bool> {
    Some(match indicator {
        "active-identity" => |_| true,
        "engaged-identity" | "received-messages" => |author| author == Author::Customer,
        "sent-messages" | "active-messages" | "active-messages-per-domain" => |author| author != Author::Customer,
        _ => return None,
    })
}

/// Reads a bound: an instant, or a day in UTC−3.
fn bound(query: &Query<'_>, name: &str) -> Result<DateTime<Utc>, Reason> {
    let text = query.get(name).unwrap_or_default();
    let day = text.parse::<NaiveDate>().ok().map(blip_day_start);
    day.or_else(|| parse_instant(text)).ok_or_else(|| Reason::new(64, format!("The {name} parameter is invalid")))
}

/// Cuts a range into its intervals.
fn steps(interval: &str, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Step>, Reason> {
    let start_of = |step: usize| -> Option<DateTime<Utc>> {
        match interval {
            "D" => from.checked_add_days(Days::new(step as u64)),
            "M" => from.checked_add_months(Months::new(u32::try_from(step).ok()?)),
            _ => Some(if step == 0 { from } else { until }),
        }
    };
    if !["D", "M", "NI"].contains(&interval) {
        return Err(Reason::new(64, "The interval is invalid"));
    }
    let starts = (0..MOST_STEPS).map_while(start_of).take_while(|start| *start < until);
    Ok(starts.enumerate().map(|(step, start)| (start, start_of(step + 1).unwrap_or(until).min(until))).collect())
}

/// Counts the messages of one customer by step; steps without any are left out.
fn in_steps(messages: &[Message], steps: &[Step], counts: fn(Author) -> bool) -> Vec<(usize, usize)> {
    let (Some((from, _)), Some((_, until))) = (steps.first(), steps.last()) else { return Vec::new() };
    let first = messages.partition_point(|message| message.at < *from);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for message in messages[first..].iter().take_while(|message| message.at < *until).filter(|message| counts(message.author)) {
        let step = steps.partition_point(|(_, end)| *end <= message.at);
        match found.last_mut() {
            Some((last, count)) if *last == step => *count += 1,
            _ => found.push((step, 1)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_step_from_the_start_and_the_last_one_is_cut() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let found = steps("M", at("2026-01-05T00:00:00Z"), at("2026-03-01T00:00:00Z")).unwrap();
        assert_eq!(
            found,
            [(at("2026-01-05T00:00:00Z"), at("2026-02-05T00:00:00Z")), (at("2026-02-05T00:00:00Z"), at("2026-03-01T00:00:00Z"))]
        );
        let whole = (at("2026-01-05T00:00:00Z"), at("2026-03-01T00:00:00Z"));
        assert_eq!(steps("NI", whole.0, whole.1).unwrap(), [whole]);
        assert_eq!(steps("D", whole.0, whole.1).unwrap().len(), 55);
        assert!(steps("W", whole.0, whole.1).is_err());
    }
}
