//! Figures that are no count or time of a sector: satisfaction with its interval, promoters, routing, who waits unanswered, who was
//! served, and what Blip itself would report.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use relato::{
    domain::{Cell, Period, Table},
    query::{Engine, Parameters},
};

use super::{At, Conversation, DAY, Figures, Followed, Scale, Ticket, UNRESOLVED, instant, local_day, second, shown};

/// What Blip tells of one day: its counts, and its means where a ticket is behind them.
pub struct BlipDay {
    pub day: NaiveDate,
    counts: BTreeMap<&'static str, f64>,
    means: BTreeMap<&'static str, f64>,
    pub is_complete: bool,
}

const COUNTS: [(&str, &str); 5] = [
    ("closed", "closed"),
    ("closed_attendant", "closedAttendant"),
    ("closed_client", "closedClient"),
    ("transferred", "transferred"),
    ("missed", "missed"),
];
/// Counts that have a second reading, and its name.
const BY_PICKUP: [(&str, &str); 3] =
    [("closed_attendant", "closed_attendant_by_pickup"), ("closed_client", "closed_client_by_pickup"), ("missed", "missed_by_pickup")];
const MEANS: [(&str, &str); 5] = [
    ("queue", "avgQueue_s"),
    ("first_response", "avgFirstResponse_s"),
    ("wait", "avgWait_s"),
    ("response", "avgResponse_s"),
    ("attendance", "avgAttendance_s"),
];
/// Our means, and which of Blip's each is held against.
const OUR_MEANS: [(&str, &str); 7] = [
    ("queue", "queue"),
    ("first_response", "first_response"),
    ("wait", "wait"),
    ("wait_of_answered", "wait"),
    ("response", "response"),
    ("attendance_from_pickup", "attendance"),
    ("attendance_from_answer", "attendance"),
];

impl BlipDay {
    /// Returns the counts and the means as the answers are stored.
    pub fn bodies(&self) -> [(&'static str, String); 2] {
        let body = |names: &[(&'static str, &str)], values: &BTreeMap<&'static str, f64>| {
            let fields = names.iter().filter_map(|(name, field)| Some(((*field).to_owned(), serde_json::json!(values.get(name)?))));
            serde_json::Value::Object(fields.collect()).to_string()
        };
        [("tickets", body(&COUNTS, &self.counts)), ("timings", body(&MEANS, &self.means))]
    }
}

fn first_reported() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 1).expect("a day")
}

fn tickets_closed_on(followed: &[Followed], day: NaiveDate) -> impl Iterator<Item = &Ticket> {
    followed.iter().flat_map(|one| &one.tickets).filter(move |ticket| ticket.closed.map(local_day) == Some(day))
}

/// Blip's own counts in both readings: by who closed the ticket and whether it had an attendant, and by whether anybody picked it up.
fn counts_of(followed: &[Followed], day: NaiveDate) -> BTreeMap<&'static str, i64> {
    let names = COUNTS.iter().map(|(name, _)| *name).chain(BY_PICKUP.iter().map(|(_, name)| *name));
    let mut counts: BTreeMap<&'static str, i64> = names.map(|name| (name, 0)).collect();
    for ticket in tickets_closed_on(followed, day) {
        let by_side = match (ticket.status, &ticket.agent) {
            ("Transferred", _) => "transferred",
            ("ClosedAttendant", _) => "closed_attendant",
            (_, None) => "missed",
            _ => "closed_client",
        };
        let by_pickup = match (ticket.status, ticket.opened) {
            ("Transferred", _) => None,
            (_, None) => Some("missed_by_pickup"),
            ("ClosedAttendant", _) => Some("closed_attendant_by_pickup"),
            _ => Some("closed_client_by_pickup"),
        };
        for name in ["closed", by_side].into_iter().chain(by_pickup) {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

/// A time by Blip's definition, and whether the record is one that the definition cannot use.
fn time_of(ticket: &Ticket, figure: &str) -> (Option<i64>, bool) {
    let between = |from: Option<At>, to: Option<At>| Some(second(to?) - second(from?));
    let not_negative = |time: Option<i64>| time.filter(|time| *time >= 0);
    let wait = between(Some(ticket.created), ticket.opened);
    let response = between(ticket.opened, ticket.answered);
    let (wait_rejected, early) = (wait.is_some_and(|time| time < 0), response.is_some_and(|time| time < 0));
    match figure {
        "queue" => (not_negative(wait), wait_rejected),
        "first_response" => (response.map(|time| time.max(0)), early),
        "wait" => (not_negative(between(Some(ticket.created), ticket.answered.or(ticket.closed))), wait_rejected),
        "wait_of_answered" => (not_negative(between(Some(ticket.created), ticket.answered)), wait_rejected),
        "response" => (ticket.response_mean, false),
        "attendance_from_pickup" => (not_negative(between(ticket.opened, ticket.closed)), wait_rejected),
        "attendance_from_answer" => (not_negative(between(ticket.answered, ticket.closed)), early),
        _ => unreachable!("{figure}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn mean(values: &[i64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<i64>() as f64 / values.len() as f64)
}

/// Blip's reports of October: right on most days, a ticket or some seconds off on others, and some days that were not read in full.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub fn blip_days(followed: &[Followed]) -> Vec<BlipDay> {
    let days = (0..31).map(|offset| (offset, first_reported() + TimeDelta::days(offset)));
    days.map(|(offset, day)| {
        let off_by = [0.0, 0.0, 2.0, -1.0][usize::try_from(offset % 4).expect("a small number")];
        let counts = counts_of(followed, day).into_iter().map(|(name, count)| (name, (count as f64 + off_by).max(0.0))).collect();
        let seconds_off = [0.4, 10.0, 0.0][usize::try_from(offset % 3).expect("a small number")];
        let means = MEANS.iter().filter_map(|(name, _)| {
            let figure = if *name == "attendance" { "attendance_from_pickup" } else { name };
            let values: Vec<i64> = tickets_closed_on(followed, day).filter_map(|ticket| time_of(ticket, figure).0).collect();
            Some((*name, mean(&values)? + seconds_off))
        });
        BlipDay { day, counts, means: means.collect(), is_complete: offset % 7 != 3 }
    })
    .collect()
}

/// The explanation of the largest difference: what nothing explains first, then what a rule does.
fn of_the_largest<'a>(days: &[Compared<'a>]) -> &'a str {
    let rank = |explanation: &str| match explanation {
        "unexplained" => 0,
        "equal" => 2,
        _ => 1,
    };
    let largest = days
        .iter()
        .min_by(|one, other| rank(one.0).cmp(&rank(other.0)).then(other.1.abs().total_cmp(&one.1.abs())).then(one.2.cmp(&other.2)));
    largest.expect("a day").0
}

/// A day compared: how its difference is explained, the difference, the day.
type Compared<'a> = (&'a str, f64, NaiveDate);

/// A figure of ours over a period: its name, the name of Blip's, what both say, and its days.
type Readings<'a> = (&'static str, &'static str, String, Vec<Compared<'a>>);

fn told(days: &[Compared]) -> String {
    let count = |wanted: fn(&str) -> bool| days.iter().filter(|(explanation, ..)| wanted(explanation)).count();
    let (equal, unexplained) = (count(|text| text == "equal"), count(|text| text == "unexplained"));
    format!("equal {equal} explained {} unexplained {unexplained} {}", days.len() - equal - unexplained, of_the_largest(days))
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
fn expected_parity(followed: &[Followed], reported: &[BlipDay], figures: &mut Figures) {
    let mut compared: Vec<Readings> = Vec::new();
    let by_side = COUNTS.iter().map(|(name, _)| (*name, *name));
    for (blips_name, name) in by_side.chain(BY_PICKUP) {
        let (mut ours, mut blips, mut days) = (0, 0.0, Vec::new());
        for blip in reported {
            let (own, theirs) = (counts_of(followed, blip.day)[name], blip.counts[blips_name]);
            let difference = own as f64 - theirs;
            let explanation = if difference == 0.0 {
                "equal"
            } else if difference < 0.0 && blip.day < first_reported() + TimeDelta::days(7) {
                "history"
            } else if blip.is_complete {
                "unexplained"
            } else {
                "incomplete"
            };
            (ours, blips) = (ours + own, blips + theirs);
            days.push((explanation, difference, blip.day));
        }
        if !days.is_empty() {
            compared.push((name, blips_name, format!("{} days {ours} {}", days.len(), blips as i64), days));
        }
    }
    for (figure, named) in OUR_MEANS {
        let (mut days, mut tickets, mut ours, mut blips) = (Vec::new(), 0, 0.0, 0.0);
        for blip in reported {
            let times: Vec<(Option<i64>, bool)> = tickets_closed_on(followed, blip.day).map(|ticket| time_of(ticket, figure)).collect();
            let values: Vec<i64> = times.iter().filter_map(|(value, _)| *value).collect();
            let (Some(own), Some(theirs)) = (mean(&values), blip.means.get(named)) else { continue };
            let explanation = if (own - theirs).abs() <= 1.0 {
                "equal"
            } else if times.iter().any(|(_, is_rejected)| *is_rejected) {
                "rejected"
            } else if blip.is_complete {
                "unexplained"
            } else {
                "incomplete"
            };
            tickets += values.len();
            ours += own * values.len() as f64;
            blips += theirs * values.len() as f64;
            days.push((explanation, own - theirs, blip.day));
        }
        if !days.is_empty() {
            let [ours, blips] = [ours, blips].map(|sum| shown(Some(sum / tickets as f64)));
            compared.push((figure, named, format!("{} days {tickets} tickets {ours} {blips}", days.len()), days));
        }
    }
    // Blip follows one of its two readings of a figure; the other one, which fits fewer days, is no contradiction.
    let equal = |days: &[Compared]| days.iter().filter(|(explanation, ..)| *explanation == "equal").count();
    for (figure, named, text, days) in &compared {
        let best = compared.iter().filter(|(_, other, ..)| other == named).map(|(.., days)| equal(days)).max().unwrap_or(0);
        let fits = equal(days);
        let told =
            if fits < best { format!("equal {fits} explained {} unexplained 0 other_definition", days.len() - fits) } else { told(days) };
        figures.insert(format!("parity/{figure}"), format!("{text} {told}"));
    }
}

/// Wilson's interval at 95 % of `satisfied` out of `answers`.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn wilson(satisfied: usize, answers: usize) -> [f64; 2] {
    let (n, p, z) = (answers as f64, satisfied as f64 / answers as f64, 1.959_963_984_540_054_f64);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let bound = |sign: f64| ((p + z * z / (2.0 * n) + sign * half) / (1.0 + z * z / n)).clamp(0.0, 1.0);
    [bound(-1.0), bound(1.0)]
}

/// Wald's interval of the NPS at 95 %, with three answers added of which half are passive; it holds the NPS itself.
fn bounds_of_nps(promoters: f64, detractors: f64, n: f64) -> [f64; 2] {
    let (for_it, against, n_more) = (promoters + 0.75, detractors + 0.75, n + 3.0);
    let mean = (for_it - against) / n_more;
    let half = 1.959_963_984_540_054 * (((for_it + against) / n_more - mean.powi(2)) / n_more).sqrt();
    let nps = 100.0 * (promoters - detractors) / n;
    [(100.0 * (mean - half)).max(-100.0).min(nps), (100.0 * (mean + half)).min(100.0).max(nps)]
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn expected_satisfaction(followed: &[Followed], period: &Period, scale: Scale, figures: &mut Figures) {
    let is_in = |day: NaiveDate| period.start <= day && day < period.end;
    let (mut scores, mut closed): (BTreeMap<String, Vec<i64>>, BTreeMap<String, usize>) = (BTreeMap::new(), BTreeMap::new());
    for one in followed {
        for rating in one.ratings.iter().filter(|rating| rating.counted && is_in(rating.day)) {
            for sector in [rating.sector.as_deref().unwrap_or("-"), "*"] {
                scores.entry(sector.to_owned()).or_default().extend(rating.score);
            }
        }
        let ended = |ticket: &&Ticket| ticket.outcome() != "transferred" && ticket.closed.map(local_day).is_some_and(is_in);
        for ticket in one.tickets.iter().filter(ended) {
            for sector in [ticket.sector.as_str(), "*"] {
                *closed.entry(sector.to_owned()).or_default() += 1;
            }
        }
    }
    for (sector, scores) in scores {
        let count = |is_meant: &dyn Fn(i64) -> bool| scores.iter().filter(|score| is_meant(**score)).count();
        let (n, closed) = (scores.len(), closed.get(&sector).copied().unwrap_or(0));
        let (promoters, detractors) = (count(&|score| score >= 9), count(&|score| score <= 6));
        let opinion = match scale {
            Scale::Csat => {
                let [low, high] = wilson(count(&|score| score >= 4), n).map(|bound| shown(Some(bound)));
                format!("between {low} and {high}, no promoters, nps - between - and -")
            }
            Scale::Nps => {
                let nps = 100.0 * (promoters as f64 - detractors as f64) / n as f64;
                let [low, high] = bounds_of_nps(promoters as f64, detractors as f64, n as f64).map(|bound| shown(Some(bound)));
                format!("between - and -, {promoters} promoters, nps {} between {low} and {high}", shown(Some(nps)))
            }
        };
        let rate = shown((closed > 0).then(|| n as f64 / closed as f64));
        figures.insert(
            format!("satisfaction/{sector}"),
            format!("{n} mean {} {opinion}, of closed {rate}, few {}", shown(mean(&scores)), n < 30),
        );
    }
}

fn routing(ticket: &Ticket) -> &'static str {
    match ticket.queue {
        "Default" => "default",
        "DIRECT_TRANSFER" if ticket.sector == UNRESOLVED => "unresolved",
        "DIRECT_TRANSFER" => "direct",
        _ => "queue",
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn expected_routing(followed: &[Followed], period: &Period, figures: &mut Figures) {
    let created = |ticket: &&Ticket| period.start <= local_day(ticket.created) && local_day(ticket.created) < period.end;
    let tickets: Vec<&Ticket> = followed.iter().flat_map(|one| &one.tickets).filter(created).collect();
    let mut groups: BTreeMap<(&str, &str), Vec<&Ticket>> = BTreeMap::new();
    for ticket in &tickets {
        groups.entry((ticket.queue, routing(ticket))).or_default().push(ticket);
    }
    let share = |part: usize, whole: usize| shown((whole > 0).then(|| part as f64 / whole as f64));
    for ((queue, routing), group) in &groups {
        let sectors: BTreeSet<&str> = group.iter().map(|ticket| ticket.sector.as_str()).collect();
        let moved = group.iter().filter(|ticket| ticket.outcome() == "transferred").count();
        let text = format!("{} {} {} {}", sectors.len(), group.len(), share(group.len(), tickets.len()), share(moved, group.len()));
        figures.insert(format!("routing/{queue}/{routing}"), text);
    }
    for (name, wanted) in [("default_share", "default"), ("unresolved_share", "unresolved")] {
        figures.insert(name.to_owned(), share(tickets.iter().filter(|ticket| routing(ticket) == wanted).count(), tickets.len()));
    }
    let silent = |ticket: &&&Ticket| ticket.outcome() == "abandoned" && ticket.answered.is_none();
    figures.insert("abandoned_unanswered".to_owned(), tickets.iter().filter(silent).count().to_string());
}

fn expected_waiting(followed: &[Followed], period: &Period, figures: &mut Figures) {
    let is_waiting = |conversation: &&Conversation| {
        let after = |at: Option<At>| at.is_none_or(|at| local_day(at) >= period.end);
        local_day(conversation.start) < period.end && after(conversation.end) && after(conversation.answered)
    };
    let began: Vec<NaiveDate> =
        followed.iter().flat_map(|one| &one.conversations).filter(is_waiting).map(|conversation| local_day(conversation.start)).collect();
    // Ages of a running period end at the last day that is known.
    let created = followed.iter().flat_map(|one| &one.tickets).map(|ticket| local_day(ticket.created));
    let known = created.chain(blip_days(followed).into_iter().map(|blip| blip.day)).max();
    let last_day = (period.end - TimeDelta::days(1)).min(known.unwrap_or(period.end));
    for (from, to) in [(0, Some(0)), (1, Some(1)), (2, Some(3)), (4, Some(7)), (8, Some(30)), (31, None)] {
        let age = |day: &NaiveDate| (last_day - *day).num_days();
        let group: Vec<&NaiveDate> = began.iter().filter(|day| age(day) >= from && to.is_none_or(|to| age(day) <= to)).collect();
        if let Some(oldest) = group.iter().min() {
            figures.insert(format!("unanswered from {from} days"), format!("{} since {oldest}", group.len()));
        }
    }
    figures.insert("unanswered".to_owned(), began.len().to_string());
    let is_in = |at: At| period.start <= local_day(at) && local_day(at) < period.end;
    let served = followed.iter().filter(|one| {
        one.conversations
            .iter()
            .any(|conversation| conversation.answered.is_some_and(is_in) || conversation.turns.iter().any(|turn| is_in(turn.replied)))
    });
    figures.insert("served".to_owned(), served.count().to_string());
}

fn reported(engine: &Engine, period: &Period, scale: Scale) -> Figures {
    let run = |name: &str| -> Table {
        let parameters = Parameters {
            period: *period,
            sector: None,
            dimension: Some("sector".to_owned()),
            as_of: instant(60 * DAY),
            others: BTreeMap::new(),
        };
        engine.run(name, &parameters).unwrap_or_else(|error| panic!("{name}: {error:?}"))
    };
    let mut figures = Figures::new();
    let number = |table: &Table, row: usize, name: &str| shown(table.get(row, name).number());
    let count = |table: &Table, row: usize, name: &str| table.get(row, name).int().expect("a count");
    let text = |table: &Table, row: usize, name: &str| table.get(row, name).text().unwrap_or("-").to_owned();
    let explained = |table: &Table, row: usize| {
        let [equal, explained, unexplained] = ["days_equal", "days_explained", "days_unexplained"].map(|name| count(table, row, name));
        format!("equal {equal} explained {explained} unexplained {unexplained} {}", text(table, row, "explanation"))
    };
    let counts = run("parity_counts");
    for row in 0..counts.row_count() {
        let [days, ours, blips] = ["days", "ours", "blips"].map(|name| count(&counts, row, name));
        figures
            .insert(format!("parity/{}", text(&counts, row, "figure")), format!("{days} days {ours} {blips} {}", explained(&counts, row)));
    }
    let times = run("parity_times");
    for row in 0..times.row_count() {
        let [days, tickets] = ["days", "tickets"].map(|name| count(&times, row, name));
        let [ours, blips] = ["ours_s", "blips_s"].map(|name| number(&times, row, name));
        let text = format!("{days} days {tickets} tickets {ours} {blips} {}", explained(&times, row));
        figures.insert(format!("parity/{}", times.get(row, "figure").text().expect("a figure")), text);
    }
    let satisfaction = run("satisfaction_by");
    for row in (0..satisfaction.row_count()).filter(|row| count(&satisfaction, *row, "ratings") > 0) {
        let sector = match satisfaction.get(row, "row_kind") {
            Cell::Text("total") => "*".to_owned(),
            _ => text(&satisfaction, row, "member"),
        };
        let promoters = match scale {
            Scale::Csat => "no".to_owned(),
            Scale::Nps => count(&satisfaction, row, "promoters").to_string(),
        };
        let [mean, low, high, nps, nps_low, nps_high, rate] =
            ["csat_mean", "csat_low", "csat_high", "nps", "nps_low", "nps_high", "response_rate"]
                .map(|name| number(&satisfaction, row, name));
        let Cell::Bool(few) = satisfaction.get(row, "few") else { panic!("few is a flag") };
        let text = format!(
            "{} mean {mean} between {low} and {high}, {promoters} promoters, nps {nps} between {nps_low} and {nps_high}, of closed {rate}, few {few}",
            count(&satisfaction, row, "ratings")
        );
        figures.insert(format!("satisfaction/{sector}"), text);
    }
    let queues = run("routing_by_queue");
    for row in 0..queues.row_count() {
        let [sectors, tickets] = ["sectors", "tickets"].map(|name| count(&queues, row, name));
        let [share, moved] = ["tickets_share", "moved_share"].map(|name| number(&queues, row, name));
        let name = format!("routing/{}/{}", text(&queues, row, "queue"), text(&queues, row, "routing"));
        figures.insert(name, format!("{sectors} {tickets} {share} {moved}"));
    }
    let ages = run("unanswered_by_age");
    for row in 0..ages.row_count() {
        let oldest = ages.get(row, "oldest_day").date().expect("a day");
        let name = format!("unanswered from {} days", count(&ages, row, "age_days_from"));
        figures.insert(name, format!("{} since {oldest}", count(&ages, row, "conversations")));
    }
    let overview = run("overview");
    for name in ["unanswered", "served", "abandoned_unanswered"] {
        figures.insert(name.to_owned(), count(&overview, 0, name).to_string());
    }
    for name in ["default_share", "unresolved_share"] {
        figures.insert(name.to_owned(), number(&overview, 0, name));
    }
    figures
}

/// Holds these figures of a period against the second implementation.
pub fn compare(engine: &Engine, followed: &[Followed], period: &Period, scale: Scale) -> Result<(), TestCaseError> {
    let mut expected = Figures::new();
    let within: Vec<BlipDay> = blip_days(followed).into_iter().filter(|blip| period.start <= blip.day && blip.day < period.end).collect();
    expected_parity(followed, &within, &mut expected);
    expected_satisfaction(followed, period, scale, &mut expected);
    expected_routing(followed, period, &mut expected);
    expected_waiting(followed, period, &mut expected);
    super::require_equal(&reported(engine, period, scale), &expected)
}
