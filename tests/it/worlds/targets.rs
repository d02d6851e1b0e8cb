//! Which cases met their target, which are beyond it, and which are open and can still meet it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use relato::domain::Period;

use super::{AIMED, At, Conversation, DAY, Figures, Followed, Ticket, held_open, local_day, open_seconds, second, stretches, target};

/// The instant up to which everything is loaded.
const NOW: At = 60 * DAY;

/// A case of one measure: its sector, the day on which its clock started, and its seconds, whole and within business hours.
struct Case {
    metric: &'static str,
    sector: String,
    day: NaiveDate,
    /// None: it has none, and goes on no more.
    time: Option<(i64, i64)>,
    /// Seconds so far of an open case.
    so_far: Option<(i64, i64)>,
}

fn of_ticket(ticket: &Ticket, begun: bool, period: &Period, cases: &mut Vec<Case>) {
    let is_in = |day: NaiveDate| period.start <= day && day < period.end;
    let between = |from: At, to: At| (second(to) - second(from), open_seconds(&ticket.sector, from, to));
    let day = local_day(ticket.created);
    let is_open = ticket.closed.is_none();
    let mut case = |metric, time, so_far| cases.push(Case { metric, sector: ticket.sector.clone(), day, time, so_far });
    if begun {
        let waited = ticket.queue_wait().and(ticket.opened).map(|opened| between(ticket.created, opened));
        case("queue_wait", waited, (is_open && ticket.opened.is_none()).then(|| between(ticket.created, NOW)));
        let answered = ticket.opened.zip(ticket.answered).map(|(opened, answered)| {
            let (whole, open) = between(opened, answered);
            (whole.max(0), open)
        });
        case("first_response", answered, ticket.opened.filter(|_| is_open && ticket.answered.is_none()).map(|opened| between(opened, NOW)));
    }
    match ticket.closed {
        Some(closed) if is_in(local_day(closed)) => {
            case("handling", ticket.handling().and(ticket.opened).map(|opened| between(opened, closed)), None);
        }
        None if is_in(day) => case("handling", None, ticket.opened.map(|opened| between(opened, NOW))),
        _ => {}
    }
}

fn of_conversation(tickets: &[Ticket], conversation: &Conversation, period: &Period, cases: &mut Vec<Case>) {
    let is_in = |day: NaiveDate| period.start <= day && day < period.end;
    let held = stretches(tickets, conversation);
    let day = local_day(conversation.start);
    let last = &conversation.last_sector;
    let since_start = (second(NOW) - second(conversation.start), held_open(&held, None, conversation.start, NOW));
    let mut case = |metric, sector: &String, time, so_far| cases.push(Case { metric, sector: sector.clone(), day, time, so_far });
    if is_in(day) {
        let waited = conversation.whole_wait().zip(conversation.answered).map(|(wait, answered)| {
            let mut held = held.clone();
            if let Some(last) = held.last_mut() {
                last.1 = None;
            }
            (wait, held_open(&held, None, conversation.start, answered))
        });
        let waits = conversation.answered.is_none() && conversation.end.is_none();
        case("whole_wait", conversation.answering_sector.as_ref().unwrap_or(last), waited, waits.then_some(since_start));
        for turn in &conversation.turns {
            case("response", &turn.sector, Some((turn.own, turn.own_open)), None);
        }
        if let Some(asked) = conversation.asked {
            let own = held.iter().filter(|(_, _, sector)| sector == last);
            let own = own.map(|(since, until, _)| (second(until.unwrap_or(NOW)) - second((*since).max(asked))).max(0)).sum();
            case("response", last, None, Some((own, held_open(&held, Some(last), asked, NOW))));
        }
    }
    match conversation.end {
        Some(end) if is_in(local_day(end)) => {
            let time = (second(end) - second(conversation.start), held_open(&held, None, conversation.start, end));
            case("resolution", last, Some(time), None);
        }
        None if is_in(day) => case("resolution", last, None, Some(since_start)),
        _ => {}
    }
}

/// Adds the cases of each target, by sector.
pub fn expected(followed: &[Followed], period: &Period, figures: &mut Figures) {
    let mut cases = Vec::new();
    for one in followed {
        for ticket in &one.tickets {
            let begun = local_day(one.tickets[ticket.root].created);
            of_ticket(ticket, period.start <= begun && begun < period.end, period, &mut cases);
        }
        for conversation in &one.conversations {
            of_conversation(&one.tickets, conversation, period, &mut cases);
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in &cases {
        assert!(AIMED.contains(&case.metric));
        let Some(aim) = target(&case.sector, case.day) else { continue };
        let both = |times: Option<(i64, i64)>| [times.map(|(whole, _)| whole), times.map(|(_, open)| open)];
        for (unit, (time, so_far)) in ["s", "business_s"].into_iter().zip(both(case.time).into_iter().zip(both(case.so_far))) {
            let state = match (time, so_far) {
                (Some(time), _) if time <= aim => "met",
                (Some(_), _) => "breached",
                (None, Some(so_far)) if so_far > aim => "breached",
                (None, Some(_)) => "running",
                (None, None) => continue,
            };
            for sector in [case.sector.as_str(), "*"] {
                *counts.entry(format!("{state} of {}_{unit}/{sector}", case.metric)).or_default() += 1;
            }
        }
    }
    figures.extend(counts.into_iter().map(|(name, count)| (name, count.to_string())));
}
