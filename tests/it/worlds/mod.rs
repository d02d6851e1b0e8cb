//! Random worlds: every figure recomputed from raw rows by a second implementation, written from the dictionary and not from the SQL.
//!
//! Rows are followed by hand, one conversation at a time; means, medians and percentiles are polars'. A world is a handful of
//! customers, whose tickets and messages fall on a coarse grid of times, so that ties, borders and impossible orders are common.

mod others;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use polars::prelude::{ChunkAgg, ChunkQuantile, Float64Chunked, NewChunkedArray, QuantileMethod};
use proptest::{collection::vec, option, prelude::*, test_runner::Config};
use relato::{
    config::Project,
    domain::{Cell, Period, Table},
    query::{Catalogue, Engine, Parameters},
    store::{MART_TABLES, MARTS, Store},
};

/// Milliseconds since the beginning of the grid: 28 September 2026, 00:00 UTC.
type At = i64;

#[derive(Debug, Clone)]
struct RawTicket {
    parent: Option<usize>,
    queue: usize,
    agent: usize,
    status: usize,
    created: At,
    opened: Option<At>,
    answered: Option<At>,
    closed: At,
}

#[derive(Debug, Clone)]
struct RawMessage {
    at: At,
    from_customer: bool,
    is_human: bool,
    is_content: bool,
}

/// What the survey asks for.
#[derive(Debug, Clone, Copy)]
enum Scale {
    /// 1 to 5, satisfied from 4.
    Csat,
    /// 0 to 10, satisfied from 9.
    Nps,
}

impl Scale {
    fn holds(self, score: i64) -> bool {
        match self {
            Scale::Csat => (1..=5).contains(&score),
            Scale::Nps => (0..=10).contains(&score),
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Scale::Csat => "'1-5', 1, 5, 4",
            Scale::Nps => "'0-10', 0, 10, 9",
        }
    }
}

#[derive(Debug, Clone)]
struct Customer {
    tickets: Vec<RawTicket>,
    messages: Vec<RawMessage>,
    /// When, which of [`ANSWERS`], and which of [`QUEUES`] it names.
    answers: Vec<(At, usize, Option<usize>)>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    Number(i64),
    Nothing,
    NoScore,
}

/// What an answer is worth on a scale, and whether it is none: 0 is none where the scale does not have it.
fn worth(answer: usize, scale: Scale) -> (Option<i64>, bool) {
    match ANSWERS[answer].1 {
        Meaning::Number(score) if scale.holds(score) => (Some(score), false),
        Meaning::Number(score) => (None, score == 0),
        Meaning::Nothing => (None, true),
        Meaning::NoScore => (None, false),
    }
}

const QUEUES: [&str; 5] = ["A", "B", "C", "Default", "DIRECT_TRANSFER"];
const STATUSES: [&str; 6] = ["Waiting", "Open", "ClosedAttendant", "ClosedClient", "ClosedClientInactivity", "Transferred"];
const ANSWERS: [(&str, Meaning); 22] = [
    ("1", Meaning::Number(1)),
    ("2", Meaning::Number(2)),
    ("3", Meaning::Number(3)),
    ("4", Meaning::Number(4)),
    ("5", Meaning::Number(5)),
    ("9", Meaning::Number(9)),
    ("0", Meaning::Number(0)),
    ("7", Meaning::Number(7)),
    ("10", Meaning::Number(10)),
    ("4,0", Meaning::Number(4)),
    ("5.0", Meaning::Number(5)),
    ("Nota: 3", Meaning::Number(3)),
    ("ótimo ", Meaning::Number(5)),
    ("Outro", Meaning::Nothing),
    ("N/A", Meaning::Nothing),
    ("3.5", Meaning::NoScore),
    ("4,5", Meaning::NoScore),
    ("0.5", Meaning::NoScore),
    ("0x4", Meaning::NoScore),
    ("1e0", Meaning::NoScore),
    ("-1", Meaning::NoScore),
    ("otimo", Meaning::NoScore),
];
/// The mean that Blip sends with tickets whose messages are not here.
const MEAN_OF_TICKETS: &str = "response_by_ticket";
const UNROUTED: &str = "Sem roteamento";
const UNRESOLVED: &str = "Não resolvido";
const DAY: At = 86_400_000;

/// Times of forty days on a grid: whole hours mostly, sometimes a second or a few milliseconds off, so that many fall together.
fn at() -> impl Strategy<Value = At> {
    (0_i64..40, 0_i64..24, prop_oneof![4 => Just(0_i64), 1 => Just(999), 1 => Just(1_000), 1 => Just(59_001), 1 => Just(1_800_500)])
        .prop_map(|(day, hour, rest)| day * DAY + hour * 3_600_000 + rest)
}

fn shortly() -> impl Strategy<Value = At> {
    prop_oneof![
        Just(0_i64),
        Just(400),
        Just(1_000),
        Just(60_000),
        Just(61_999),
        Just(600_000),
        Just(7_200_000),
        Just(93_600_000),
        Just(-60_000)
    ]
}

fn ticket() -> impl Strategy<Value = RawTicket> {
    (
        option::weighted(0.4, 0_usize..6),
        0..QUEUES.len(),
        0_usize..3,
        0..STATUSES.len(),
        at(),
        option::weighted(0.8, shortly()),
        option::weighted(0.7, shortly()),
        shortly(),
    )
        .prop_map(|(parent, queue, agent, status, created, opened, answered, closed)| {
            let opened = opened.map(|later| created + later);
            let answered = answered.map(|later| opened.unwrap_or(created) + later);
            RawTicket { parent, queue, agent, status, created, opened, answered, closed: created + closed.abs() + 60_000 }
        })
}

fn customer() -> impl Strategy<Value = Customer> {
    let message = (0_usize..6, shortly(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.8));
    let tickets = vec(ticket(), 0..6);
    let messages = vec(message, 0..14);
    (tickets, messages, vec((at(), 0..ANSWERS.len(), option::weighted(0.4, 0..QUEUES.len())), 0..4), any::<bool>()).prop_map(
        |(mut tickets, messages, answers, has_marks)| {
            // Whoever comes later in the list may be the child of an earlier one, mostly right after its end.
            for index in 0..tickets.len() {
                if let Some(parent) = tickets[index].parent.filter(|parent| *parent < index) {
                    let shift = tickets[parent].closed - tickets[index].created;
                    let ticket = &mut tickets[index];
                    ticket.created += shift;
                    ticket.closed += shift;
                    ticket.opened = ticket.opened.map(|at| at + shift);
                    ticket.answered = ticket.answered.map(|at| at + shift);
                    tickets[parent].status = if index % 3 == 0 { tickets[parent].status } else { 5 };
                }
            }
            let messages = messages
                .into_iter()
                .enumerate()
                .map(|(place, (ticket, later, from_customer, is_human, is_content))| {
                    let anchor = tickets.get(ticket % tickets.len().max(1)).map_or(0, |ticket| ticket.answered.unwrap_or(ticket.created));
                    RawMessage {
                        at: anchor + later.abs() + i64::try_from(place).unwrap_or(0) * 30_000,
                        from_customer,
                        is_human: is_human && has_marks,
                        is_content,
                    }
                })
                .collect();
            Customer { tickets, messages, answers }
        },
    )
}

fn instant(at: At) -> DateTime<Utc> {
    "2026-09-28T00:00:00Z".parse::<DateTime<Utc>>().expect("an instant") + TimeDelta::milliseconds(at)
}

/// Open hours as seconds of the grid: sector A works at night, over midnight and every day; the others from Monday to Saturday with a
/// break at noon. Local time is three hours behind.
fn open_hours(sector: &str) -> Vec<(i64, i64)> {
    let shifts: &[(i64, i64)] = if sector == "A" { &[(22, 30)] } else { &[(8, 12), (13, 18)] };
    let days = (-30_i64..120).filter(|day| sector == "A" || day.rem_euclid(7) != 6);
    days.flat_map(|day| shifts.iter().map(move |(from, to)| (day * 86_400 + (from + 3) * 3_600, day * 86_400 + (to + 3) * 3_600))).collect()
}

/// Seconds from `from` to `to`, both cut to the second, in which a sector is open.
fn open_seconds(sector: &str, from: At, to: At) -> i64 {
    let (from, to) = (second(from), second(to));
    open_hours(sector).into_iter().map(|(opens, closes)| (closes.min(to) - opens.max(from)).max(0)).sum()
}

/// Whatever can have a target: each also within business hours.
const AIMED: [&str; 6] = ["queue_wait", "first_response", "whole_wait", "response", "handling", "resolution"];

/// Targets of each of them: sector, first day, day after the last, seconds.
const TARGETS: [(Option<&str>, &str, Option<&str>, i64); 3] =
    [(None, "2026-09-01", Some("2026-10-08"), 3_600), (None, "2026-10-08", None, 60), (Some("A"), "2026-10-03", None, 600)];

fn target(sector: &str, day: NaiveDate) -> Option<i64> {
    let parsed = |text: &str| text.parse::<NaiveDate>().expect("a day");
    let holds = |from: &str, until: Option<&str>| parsed(from) <= day && until.is_none_or(|until| day < parsed(until));
    let of =
        |asked: Option<&str>| TARGETS.iter().find(|(named, from, until, _)| *named == asked && holds(from, *until)).map(|target| target.3);
    of(Some(sector)).or_else(|| of(None))
}

fn second(at: At) -> i64 {
    at.div_euclid(1000)
}

fn local_day(at: At) -> NaiveDate {
    (instant(at) - TimeDelta::hours(3)).date_naive()
}

/// A ticket as the dictionary speaks of it.
struct Ticket {
    id: String,
    sequence: i64,
    parent: Option<usize>,
    queue: &'static str,
    status: &'static str,
    agent: Option<String>,
    created: At,
    opened: Option<At>,
    answered: Option<At>,
    closed: Option<At>,
    /// Seconds that Blip says the attendant took for a response on average.
    response_mean: Option<i64>,
    sector: String,
    root: usize,
}

impl Ticket {
    fn outcome(&self) -> &'static str {
        match (self.status, self.opened) {
            ("Transferred", _) => "transferred",
            ("ClosedAttendant", _) => "attended",
            ("ClosedClient", None) => "lost",
            ("ClosedClient", Some(_)) => "abandoned",
            ("ClosedClientInactivity", _) => "inactive",
            _ => "pending",
        }
    }

    fn queue_wait(&self) -> Option<i64> {
        self.opened.map(|opened| second(opened) - second(self.created)).filter(|wait| *wait >= 0)
    }

    /// One ticket in three has its messages; the others stand for those that Blip no longer has.
    fn has_messages(&self) -> bool {
        self.sequence % 3 == 0
    }

    fn handling(&self) -> Option<i64> {
        Some(second(self.closed?) - second(self.opened?)).filter(|time| *time >= 0)
    }
}

struct Turn {
    sector: String,
    own: i64,
    whole: i64,
    own_open: i64,
    whole_open: i64,
    replied: At,
}

struct Conversation {
    tickets: Vec<usize>,
    start: At,
    end: Option<At>,
    first_sector: String,
    last_sector: String,
    answered: Option<At>,
    answering_sector: Option<String>,
    turns: Vec<Turn>,
    /// When the customer asked what nobody has answered yet.
    asked: Option<At>,
    changes: usize,
    transfers: usize,
    messages: usize,
}

impl Conversation {
    fn whole_wait(&self) -> Option<i64> {
        self.answered.filter(|at| *at >= self.start).map(|at| second(at) - second(self.start))
    }
}

struct Rating {
    sector: Option<String>,
    score: Option<i64>,
    is_no_answer: bool,
    counted: bool,
    day: NaiveDate,
}

/// One customer, followed through.
struct Followed {
    tickets: Vec<Ticket>,
    conversations: Vec<Conversation>,
    ratings: Vec<Rating>,
}

fn follow(number: usize, customer: &Customer, scale: Scale) -> Followed {
    let mut tickets: Vec<Ticket> = customer
        .tickets
        .iter()
        .enumerate()
        .map(|(index, raw)| {
            let status = STATUSES[raw.status];
            Ticket {
                id: format!("t{number}-{index}"),
                sequence: sequence(number, index),
                parent: None,
                queue: QUEUES[raw.queue],
                status,
                // A ticket can be assigned and never opened.
                agent: (raw.opened.is_some() || raw.agent == 2).then(|| format!("agent {}", raw.agent)),
                created: raw.created,
                opened: raw.opened,
                answered: raw.answered,
                closed: (raw.status >= 2).then_some(raw.closed),
                response_mean: raw.answered.filter(|_| raw.agent != 1).map(|answered| 30 + answered.rem_euclid(101)),
                sector: String::new(),
                root: index,
            }
        })
        .collect();
    for child in 0..tickets.len() {
        let Some(named) = customer.tickets[child].parent else { continue };
        let key = |index: usize, tickets: &[Ticket]| (tickets[index].created, tickets[index].sequence);
        // Numbers are not used again within a customer here, so at most one ticket carries the named one.
        tickets[child].parent =
            (named < tickets.len() && named != child).then_some(named).filter(|parent| key(*parent, &tickets) < key(child, &tickets));
    }
    for index in 0..tickets.len() {
        let mut at = index;
        while let Some(parent) = tickets[at].parent {
            at = parent;
        }
        tickets[index].root = at;
        tickets[index].sector = sector(&tickets, index);
    }
    let mut conversations = Vec::new();
    for root in (0..tickets.len()).filter(|index| tickets[*index].root == *index) {
        conversations.push(converse(&tickets, root));
    }
    assign_messages(customer, &tickets, &mut conversations);
    let ratings = rate(customer, &tickets, &conversations, scale);
    Followed { tickets, conversations, ratings }
}

fn sequence(number: usize, index: usize) -> i64 {
    i64::try_from(number * 100 + index + 1).expect("a small number")
}

/// The nearest ticket upwards with a real queue; else `Default` where one was there; else it cannot be told. No attendant has a sector.
fn sector(tickets: &[Ticket], index: usize) -> String {
    if tickets[index].queue == "Default" {
        return UNROUTED.to_owned();
    }
    let (mut at, mut was_unrouted) = (Some(index), false);
    while let Some(index) = at {
        match tickets[index].queue {
            "Default" => was_unrouted = true,
            "DIRECT_TRANSFER" => {}
            queue => return queue.to_owned(),
        }
        at = tickets[index].parent;
    }
    if was_unrouted { UNROUTED } else { UNRESOLVED }.to_owned()
}

fn converse(tickets: &[Ticket], root: usize) -> Conversation {
    let mut members: Vec<usize> = (0..tickets.len()).filter(|index| tickets[*index].root == root).collect();
    members.sort_by_key(|index| (tickets[*index].created, tickets[*index].sequence));
    let last = &tickets[*members.last().expect("a root")];
    let all_closed = members.iter().all(|index| tickets[*index].closed.is_some());
    let first_answer = members
        .iter()
        .filter_map(|index| tickets[*index].answered.map(|at| (at, tickets[*index].created, &tickets[*index].id, *index)))
        .min()
        .map(|(at, _, _, index)| (at, tickets[index].sector.clone()));
    Conversation {
        start: tickets[root].created,
        end: (all_closed && last.status != "Transferred")
            .then(|| members.iter().filter_map(|index| tickets[*index].closed).max())
            .flatten(),
        first_sector: tickets[root].sector.clone(),
        last_sector: last.sector.clone(),
        answered: first_answer.as_ref().map(|(at, _)| *at),
        answering_sector: first_answer.map(|(_, sector)| sector),
        turns: Vec::new(),
        asked: None,
        changes: members.windows(2).filter(|pair| tickets[pair[0]].sector != tickets[pair[1]].sector).count(),
        transfers: members.iter().filter(|index| tickets[**index].status == "Transferred").count(),
        messages: 0,
        tickets: members,
    }
}

/// Stretches in one sector: from, until (none: holds it still), sector.
fn stretches(tickets: &[Ticket], conversation: &Conversation) -> Vec<(At, Option<At>, String)> {
    let mut found: Vec<(At, Option<At>, String)> = Vec::new();
    for index in &conversation.tickets {
        let ticket = &tickets[*index];
        if found.last().is_none_or(|(_, _, sector)| *sector != ticket.sector) {
            if let Some(last) = found.last_mut() {
                last.1 = Some(ticket.created);
            }
            found.push((ticket.created, None, ticket.sector.clone()));
        }
    }
    if let Some(last) = found.last_mut() {
        last.1 = conversation.end;
    }
    found
}

/// Seconds of a wait by the hours of whoever held the conversation; only those of one holder, or all.
fn held_open(held: &[(At, Option<At>, String)], only: Option<&str>, from: At, to: At) -> i64 {
    let meant = held.iter().filter(|(_, _, holder)| only.is_none_or(|only| only == holder));
    meant.map(|(since, until, holder)| open_seconds(holder, (*since).max(from), until.unwrap_or(to).min(to))).sum()
}

fn assign_messages(customer: &Customer, tickets: &[Ticket], conversations: &mut [Conversation]) {
    let mut placed: Vec<Vec<(At, usize)>> = vec![Vec::new(); conversations.len()];
    for (number, message) in customer.messages.iter().enumerate() {
        let begun = (0..conversations.len()).filter(|index| conversations[*index].start <= message.at);
        let Some(place) = begun.max_by_key(|index| (conversations[*index].start, tickets[conversations[*index].tickets[0]].id.clone()))
        else {
            continue;
        };
        if conversations[place].end.is_none_or(|end| message.at <= end) {
            placed[place].push((message.at, number));
        }
    }
    for (place, mut numbers) in placed.into_iter().enumerate() {
        numbers.sort_unstable();
        let conversation = &mut conversations[place];
        conversation.messages = numbers.len();
        let Some(first) = conversation.answered else { continue };
        let has_marks = numbers.iter().any(|(_, number)| customer.messages[*number].is_human);
        let is_attended = |at: At| {
            let last = conversation
                .tickets
                .iter()
                .filter(|index| tickets[**index].created <= at)
                .max_by_key(|index| (tickets[**index].created, tickets[**index].sequence));
            last.is_some_and(|index| {
                tickets[*index].opened.is_some_and(|opened| opened <= at) && tickets[*index].closed.is_none_or(|closed| at <= closed)
            })
        };
        let mut turns = Vec::new();
        let mut asked: Option<At> = None;
        for (at, number) in numbers.iter().filter(|(at, _)| *at > first) {
            let message = &customer.messages[*number];
            let is_person = !message.from_customer && if has_marks { message.is_human } else { message.is_content && is_attended(*at) };
            if message.from_customer && message.is_content {
                asked = asked.or(Some(*at));
            } else if is_person && let Some(from) = asked.take() {
                turns.push((from, *at));
            }
        }
        conversation.asked = asked.filter(|_| conversation.end.is_none());
        let held = stretches(tickets, conversation);
        conversation.turns = turns
            .into_iter()
            .map(|(from, to)| {
                let sector = held.iter().rfind(|(since, _, _)| *since <= to).expect("a holder").2.clone();
                let own = held
                    .iter()
                    .filter(|(_, _, name)| *name == sector)
                    .map(|(since, until, _)| (second(until.unwrap_or(to).min(to)) - second((*since).max(from))).max(0))
                    .sum();
                let open = |only: Option<&str>| held_open(&held, only, from, to);
                Turn { own, whole: second(to) - second(from), own_open: open(Some(&sector)), whole_open: open(None), replied: to, sector }
            })
            .collect();
    }
}

fn rate(customer: &Customer, tickets: &[Ticket], conversations: &[Conversation], scale: Scale) -> Vec<Rating> {
    let mut last: BTreeMap<String, (At, usize)> = BTreeMap::new();
    let mut ratings: Vec<Rating> = Vec::new();
    for (number, (at, answer, queue)) in customer.answers.iter().enumerate() {
        let about = conversations
            .iter()
            .filter(|conversation| conversation.end.is_some_and(|end| end <= *at))
            .max_by_key(|conversation| (conversation.end, conversation.start, tickets[conversation.tickets[0]].id.clone()));
        let (score, is_no_answer) = worth(*answer, scale);
        let key = about.map_or_else(|| format!("alone {number}"), |conversation| tickets[conversation.tickets[0]].id.clone());
        if score.is_some() && last.get(&key).is_none_or(|best| *best <= (*at, number)) {
            last.insert(key, (*at, number));
        }
        let of_conversation = about.map(|conversation| conversation.last_sector.clone());
        let sector = match queue.map(|queue| QUEUES[queue]) {
            Some("Default") => Some(UNROUTED.to_owned()),
            Some("DIRECT_TRANSFER") => of_conversation.or(Some(UNRESOLVED.to_owned())),
            Some(queue) => Some(queue.to_owned()),
            None => of_conversation,
        };
        ratings.push(Rating {
            sector,
            score,
            is_no_answer,
            counted: false,
            day: local_day(about.and_then(|conversation| conversation.end).unwrap_or(*at)),
        });
    }
    for (_, number) in last.values() {
        ratings[*number].counted = true;
    }
    ratings
}

/// Makes the tables from raw rows.
fn load(customers: &[Customer], followed: &[Followed], scale: Scale) -> Engine {
    let texts = Project::embedded_query_texts();
    let store = Store::in_memory().expect("a database");
    let connection = store.connection();
    let time = |at: At| format!("TIMESTAMP '{}'", instant(at).format("%Y-%m-%d %H:%M:%S%.3f"));
    let maybe = |at: Option<At>| at.map_or_else(|| "NULL".to_owned(), time);
    let settings = "INSERT INTO settings.offset_span VALUES (TIMESTAMP '2010-01-01', TIMESTAMP '2045-01-01', -10800);
         INSERT INTO settings.rule VALUES ('inherit', 'Sem roteamento', 'Não resolvido', 10);
         INSERT INTO settings.survey VALUES ('pesquisa', SCALE, 'events');";
    connection.execute_batch(&settings.replace("SCALE", scale.setting())).expect("settings");
    connection
        .execute_batch("INSERT INTO settings.no_answer VALUES ('outro'), ('n a'); INSERT INTO settings.answer VALUES ('Ótimo', 5)")
        .expect("settings");
    for (calendar, sector) in [("*", ""), ("A", "A")] {
        connection.execute_batch(&format!("INSERT INTO settings.calendar VALUES ('{calendar}')")).expect("a calendar");
        let mut before = 0;
        for (opens, closes) in open_hours(sector) {
            let (from, to) = (time(opens * 1_000), time(closes * 1_000));
            connection
                .execute_batch(&format!("INSERT INTO settings.business_span VALUES ('{calendar}', {from}, {to}, {before})"))
                .expect("a shift");
            before += closes - opens;
        }
    }
    for (sector, from, until, value) in TARGETS {
        let quoted = |text: Option<&str>| text.map_or_else(|| "NULL".to_owned(), |text| format!("'{text}'"));
        let metrics = AIMED.iter().flat_map(|name| [format!("{name}_s"), format!("{name}_business_s")]);
        let row = |metric| format!("('{metric}', {}, DATE '{from}', CAST({} AS DATE), {value})", quoted(sector), quoted(until));
        let rows: Vec<String> = metrics.map(row).collect();
        connection.execute_batch(&format!("INSERT INTO settings.target VALUES {}", rows.join(", "))).expect("targets");
    }
    store.make_all_tables(&texts).expect("empty tables");
    let (mut tickets, mut messages, mut events, mut messages_read) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, (customer, followed)) in customers.iter().zip(followed).enumerate() {
        for (index, ticket) in followed.tickets.iter().enumerate() {
            let parent = customer.tickets[index].parent.map_or_else(|| "NULL".to_owned(), |parent| sequence(number, parent).to_string());
            let agent = ticket.agent.as_ref().map_or_else(|| "NULL".to_owned(), |agent| format!("'{agent}'"));
            tickets.push(format!(
                "('{}', 'bot', {}, {parent}, 'c{number}', 'wa', '{}', {agent}, '{}', {}, {created}, {created} - INTERVAL 3 HOUR, {}, {}, {closed},
                 CAST({closed} - INTERVAL 3 HOUR AS DATE), {})",
                ticket.id,
                ticket.sequence,
                ticket.queue,
                ticket.status,
                ticket.closed.is_some(),
                maybe(ticket.opened),
                maybe(ticket.answered),
                ticket.response_mean.map_or_else(|| "NULL".to_owned(), |seconds| seconds.to_string()),
                created = time(ticket.created),
                closed = ticket.closed.map_or_else(|| "CAST(NULL AS TIMESTAMP)".to_owned(), time),
            ));
        }
        let have_messages = followed.tickets.iter().filter(|ticket| ticket.has_messages());
        messages_read.extend(have_messages.map(|ticket| format!("('{}', TRUE, 'ticket')", ticket.id)));
        for (index, message) in customer.messages.iter().enumerate() {
            let author = if message.is_human { "'Human'" } else { "NULL" };
            messages.push(format!(
                "('bot', 'c{number}', '00000000-0000-0000-0000-{index:012}', {}, {author}, {}, {})",
                message.from_customer,
                message.is_content,
                time(message.at),
            ));
        }
        for (index, (at, answer, queue)) in customer.answers.iter().enumerate() {
            let queue = queue.map_or_else(|| "NULL".to_owned(), |queue| format!("'{}'", QUEUES[queue]));
            events.push(format!("('e{number}-{index:03}', 'pesquisa', '{}', {}, 'c{number}', {queue}, 1)", ANSWERS[*answer].0, time(*at)));
        }
    }
    let (mut coverage, mut reports) = (Vec::new(), Vec::new());
    for blip in others::blip_days(followed) {
        let day = format!("DATE '{}'", blip.day);
        coverage.push(format!("('ticket', 'desk', {day}, 0, 0, 0, TRUE, 0, {}, TRUE)", blip.is_complete));
        reports.extend(blip.bodies().map(|(report, body)| format!("('desk', '{report}', {day}, '{body}', TRUE, 1)")));
    }
    let columns =
        "(ticket_id, owner, sequential_id, parent_sequential_id, customer_key, channel, queue, agent, status, is_closed, created_at,
        created_local, opened_at, first_response_at, closed_at, closed_day, response_mean_s)";
    for (table, rows) in [
        (format!("staging.ticket {columns}"), tickets),
        ("staging.message (owner, customer_key, message_id, is_received, author, content, sent_at)".to_owned(), messages),
        ("raw.event (event_id, category, action, recorded_at, customer_key, queue, run)".to_owned(), events),
        ("raw.message_read (ticket_id, is_final, source)".to_owned(), messages_read),
        ("raw.coverage".to_owned(), coverage),
        ("raw.report".to_owned(), reports),
    ] {
        if !rows.is_empty() {
            connection.execute_batch(&format!("INSERT INTO {table} VALUES {}", rows.join(", "))).expect("rows");
        }
    }
    for mart in MARTS {
        let text = &texts[&format!("marts/{mart}.sql")];
        connection
            .execute_batch(&format!("CREATE OR REPLACE TABLE marts.{mart} AS {text}"))
            .unwrap_or_else(|error| panic!("{mart}: {error}"));
    }
    for (table, ..) in MART_TABLES {
        connection.execute_batch(&format!("CREATE VIEW {table} AS SELECT * FROM marts.{table}")).expect("a view");
    }
    Engine::on(connection.try_clone().expect("a connection"), Catalogue::new(&texts).expect("headers"))
}

/// A figure as text: six digits after the point are more than any report shows, and fewer than the last bits that interpolation leaves.
fn shown(value: Option<f64>) -> String {
    // A mean over a power of two can end in just half of the last digit: a hair more keeps the last bit of a sum from deciding.
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.6}", value + 1.7e-8))
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn column(values: &[i64]) -> Float64Chunked {
    let values: Vec<f64> = values.iter().map(|value| *value as f64).collect();
    Float64Chunked::from_slice("value".into(), &values)
}

fn times(values: &[(i64, i64)]) -> String {
    let (seconds, open): (Vec<i64>, Vec<i64>) = values.iter().copied().unzip();
    let (seconds, open) = (column(&seconds), column(&open));
    let percentile = |column: &Float64Chunked, share| shown(column.quantile(share, QuantileMethod::Linear).expect("a share"));
    let whole = format!("{} {} {} {}", values.len(), shown(seconds.mean()), percentile(&seconds, 0.5), percentile(&seconds, 0.9));
    format!("{whole} open {} {} {}", shown(open.mean()), percentile(&open, 0.5), percentile(&open, 0.9))
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn share(part: usize, whole: usize) -> String {
    shown((whole > 0).then(|| part as f64 / whole as f64))
}

/// Everything that is compared, by name: `measure/sector`, the total under `*`.
type Figures = BTreeMap<String, String>;

fn expected(followed: &[Followed], period: &Period, scale: Scale) -> Figures {
    let is_in = |day: NaiveDate| period.start <= day && day < period.end;
    let in_period = |at: At| is_in(local_day(at));
    let mut values: BTreeMap<(&str, String), Vec<(i64, i64)>> = BTreeMap::new();
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut touched: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // Each with its seconds within business hours.
    let mut measure = |name: &'static str, sector: &str, own: (i64, i64), whole: (i64, i64)| {
        values.entry((name, sector.to_owned())).or_default().push(own);
        values.entry((name, "*".to_owned())).or_default().push(whole);
    };
    let mut count = |name: &'static str, sector: &str, is_counted: bool| {
        for sector in [sector, "*"] {
            *counts.entry((name, sector.to_owned())).or_default() += usize::from(is_counted);
        }
    };
    for one in followed {
        for ticket in &one.tickets {
            let begun = in_period(one.tickets[ticket.root].created);
            if begun {
                for sector in [ticket.sector.as_str(), "*"] {
                    touched.entry(sector.to_owned()).or_default().insert(one.tickets[ticket.root].id.clone());
                }
                if let Some((wait, opened)) = ticket.queue_wait().zip(ticket.opened) {
                    let wait = (wait, open_seconds(&ticket.sector, ticket.created, opened));
                    measure("queue_wait", &ticket.sector, wait, wait);
                }
                if let Some(mean) = ticket.response_mean.filter(|_| ticket.closed.is_some() && !ticket.has_messages()) {
                    measure(MEAN_OF_TICKETS, &ticket.sector, (mean, 0), (mean, 0));
                }
                if let Some((opened, answered)) = ticket.opened.zip(ticket.answered) {
                    let time = ((second(answered) - second(opened)).max(0), open_seconds(&ticket.sector, opened, answered));
                    measure("first_response", &ticket.sector, time, time);
                }
            }
            let created = in_period(ticket.created);
            count("tickets", &ticket.sector, created);
            count("lost", &ticket.sector, created && ticket.outcome() == "lost");
            count("abandoned", &ticket.sector, created && ticket.outcome() == "abandoned");
            if ticket.closed.is_some_and(in_period) {
                count("closed", &ticket.sector, ticket.outcome() != "transferred");
                count("transferred", &ticket.sector, ticket.outcome() == "transferred");
                count("inactive", &ticket.sector, ticket.outcome() == "inactive");
                if let (Some(time), Some(opened), Some(closed)) = (ticket.handling(), ticket.opened, ticket.closed) {
                    let time = (time, open_seconds(&ticket.sector, opened, closed));
                    measure("handling", &ticket.sector, time, time);
                }
            }
        }
        for conversation in &one.conversations {
            let held = stretches(&one.tickets, conversation);
            if in_period(conversation.start) {
                if let (Some(wait), Some(sector), Some(answered)) =
                    (conversation.whole_wait(), &conversation.answering_sector, conversation.answered)
                {
                    // An answer that comes after the end, as records have it at times, came from whoever held the conversation last.
                    let mut held = held.clone();
                    if let Some(last) = held.last_mut() {
                        last.1 = None;
                    }
                    let wait = (wait, held_open(&held, None, conversation.start, answered));
                    measure("whole_wait", sector, wait, wait);
                }
                for turn in &conversation.turns {
                    measure("response", &turn.sector, (turn.own, turn.own_open), (turn.whole, turn.whole_open));
                }
                count("moved", "*", conversation.changes > 0);
            }
            let Some(end) = conversation.end.filter(|end| in_period(*end)) else { continue };
            let time = (second(end) - second(conversation.start), held_open(&held, None, conversation.start, end));
            measure("resolution", &conversation.last_sector, time, time);
            let again = one
                .conversations
                .iter()
                .filter(|later| later.start > end && later.first_sector == conversation.last_sector)
                .map(|later| second(later.start) - second(end))
                .min();
            let within = one
                .conversations
                .iter()
                .any(|later| later.start > end && later.start <= end + 7 * DAY && later.first_sector == conversation.last_sector);
            count("ended", &conversation.last_sector, true);
            count("returned_24h", &conversation.last_sector, within && again.is_some_and(|after| after <= 86_400));
            count("returned_7d", &conversation.last_sector, within);
            count("touches_known", &conversation.last_sector, conversation.messages > 0);
            let is_one_touch = conversation.messages > 0
                && conversation.tickets.len() == 1
                && conversation.answered.is_some()
                && conversation.turns.is_empty();
            count("one_touch", &conversation.last_sector, is_one_touch);
            count("transfers", &conversation.last_sector, false);
            for _ in 0..conversation.transfers {
                count("transfers", &conversation.last_sector, true);
            }
        }
        for rating in one.ratings.iter().filter(|rating| is_in(rating.day)) {
            let sector = rating.sector.as_deref().unwrap_or("-");
            count("invalid", sector, rating.score.is_none() && !rating.is_no_answer);
            count("no_answer", sector, rating.is_no_answer);
            if let Some(score) = rating.score.filter(|_| rating.counted) {
                measure("score", sector, (score, 0), (score, 0));
                count("satisfied", sector, score >= 4);
            }
        }
    }
    let mut figures = Figures::new();
    for ((name, sector), values) in &values {
        let text = times(values);
        // Blip does not say which seconds lie within business hours.
        let whole = text.split(" open ").next().unwrap_or_default();
        let text = if *name == MEAN_OF_TICKETS { format!("{whole} open - - -") } else { text };
        figures.insert(format!("{name}/{sector}"), text);
    }
    for (sector, conversations) in &touched {
        figures.insert(format!("conversations/{sector}"), conversations.len().to_string());
    }
    let found = |name: &'static str, sector: &str| counts.get(&(name, sector.to_owned())).copied().unwrap_or(0);
    for sector in counts.keys().map(|(_, sector)| sector.clone()).collect::<BTreeSet<_>>() {
        for name in [
            "tickets",
            "lost",
            "abandoned",
            "closed",
            "transferred",
            "inactive",
            "ended",
            "returned_24h",
            "returned_7d",
            "touches_known",
            "invalid",
            "no_answer",
        ] {
            if found(name, &sector) > 0 {
                figures.insert(format!("{name}/{sector}"), found(name, &sector).to_string());
            }
        }
        let ratings = values.get(&("score", sector.clone())).map_or(0, Vec::len);
        if ratings > 0 {
            // Satisfaction is of the scale of 1 to 5 alone.
            let csat = match scale {
                Scale::Csat => share(found("satisfied", &sector), ratings),
                Scale::Nps => shown(None),
            };
            figures.insert(format!("csat/{sector}"), csat);
        }
        if found("touches_known", &sector) > 0 {
            figures.insert(format!("one_touch/{sector}"), share(found("one_touch", &sector), found("touches_known", &sector)));
        }
        if found("ended", &sector) > 0 {
            figures.insert(format!("transfers_mean/{sector}"), share(found("transfers", &sector), found("ended", &sector)));
        }
    }
    figures
}

fn reported(engine: &Engine, period: Period) -> Figures {
    let run = |name: &str| -> Table {
        let parameters =
            Parameters { period, sector: None, dimension: Some("sector".to_owned()), as_of: instant(60 * DAY), others: BTreeMap::new() };
        engine.run(name, &parameters).unwrap_or_else(|error| panic!("{name}: {error:?}"))
    };
    let mut figures = Figures::new();
    let sector = |table: &Table, row: usize| match (table.get(row, "row_kind"), table.get(row, "member")) {
        (Cell::Text("total"), _) => "*".to_owned(),
        (_, Cell::Text(sector)) => sector.to_owned(),
        _ => "-".to_owned(),
    };
    let number = |table: &Table, row: usize, name: &str| shown(table.get(row, name).number());
    let mut counts = |table: &Table, row: usize, names: &[&str]| {
        for name in names {
            if let Some(value) = table.get(row, name).int().filter(|value| *value > 0) {
                figures.insert(format!("{}/{}", name.replace("one_touch_n", "touches_known"), sector(table, row)), value.to_string());
            }
        }
    };
    let (volume, outcome, satisfaction, all_times) = (run("volume_by"), run("outcome_by"), run("satisfaction_by"), run("times_by"));
    for row in 0..volume.row_count() {
        counts(&volume, row, &["conversations", "tickets", "closed", "transferred", "inactive"]);
    }
    for row in 0..outcome.row_count() {
        counts(&outcome, row, &["ended", "returned_24h", "returned_7d", "one_touch_n"]);
    }
    for row in 0..satisfaction.row_count() {
        counts(&satisfaction, row, &["invalid", "no_answer"]);
    }
    for row in 0..volume.row_count() {
        // Shares of the tickets created, back to counts.
        let tickets = volume.get(row, "tickets").int().unwrap_or(0);
        for (name, column) in [("lost", "lost_share"), ("abandoned", "abandoned_share")] {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let count = volume.get(row, column).number().map_or(0.0, |share| share * tickets as f64).round();
            if count > 0.0 {
                figures.insert(format!("{name}/{}", sector(&volume, row)), count.to_string());
            }
        }
    }
    for row in 0..outcome.row_count() {
        let name = sector(&outcome, row);
        if outcome.get(row, "one_touch_n").int().unwrap_or(0) > 0 {
            figures.insert(format!("one_touch/{name}"), number(&outcome, row, "one_touch_share"));
        }
        if outcome.get(row, "ended").int().unwrap_or(0) > 0 {
            figures.insert(format!("transfers_mean/{name}"), number(&outcome, row, "ended_transfers_mean"));
        }
    }
    for row in 0..satisfaction.row_count() {
        if satisfaction.get(row, "ratings").int().unwrap_or(0) > 0 {
            figures.insert(format!("csat/{}", sector(&satisfaction, row)), number(&satisfaction, row, "csat_share"));
        }
    }
    for row in 0..all_times.row_count() {
        let name = format!("{}/{}", all_times.get(row, "measure").text().expect("a measure"), sector(&all_times, row));
        let [n, mean, median, p90] = ["n", "mean_s", "median_s", "p90_s"].map(|column| number(&all_times, row, column));
        let open = ["business_mean_s", "business_median_s", "business_p90_s"].map(|column| number(&all_times, row, column));
        let n = n.split('.').next().expect("a count");
        figures.insert(name, format!("{n} {mean} {median} {p90} open {}", open.join(" ")));
    }
    let targets = run("target_attainment");
    for row in 0..targets.row_count() {
        let name = targets.get(row, "sector").text().unwrap_or("*").to_owned();
        for column in ["met", "breached", "running"] {
            if let Some(value) = targets.get(row, column).int().filter(|value| *value > 0) {
                let metric = targets.get(row, "metric").text().expect("a metric");
                figures.insert(format!("{column} of {metric}/{name}"), value.to_string());
            }
        }
    }
    figures
}

/// Holds each day of the series against the day recomputed alone, and weeks against their days.
fn compare_series(engine: &Engine, followed: &[Followed], period: Period, scale: Scale) -> Result<(), TestCaseError> {
    let run = |dimension: &str| {
        let parameters =
            Parameters { period, sector: None, dimension: Some(dimension.to_owned()), as_of: instant(60 * DAY), others: BTreeMap::new() };
        engine.run("series", &parameters).unwrap_or_else(|error| panic!("series: {error:?}"))
    };
    let days = run("day");
    for row in 0..days.row_count() {
        let day = days.get(row, "from_day").date().expect("a day");
        let alone = expected(followed, &Period::parse(&format!("{day}..{day}"), day).expect("a day"), scale);
        for name in ["conversations", "tickets", "closed"] {
            let value = alone.get(&format!("{name}/*")).map_or(0, |text| text.parse().expect("a count"));
            prop_assert_eq!(days.get(row, name).int(), Some(value), "{} on {}", name, day);
        }
        for name in ["whole_wait", "response", "handling"] {
            let value = alone
                .get(&format!("{name}/*"))
                .map_or_else(|| "0 -".to_owned(), |text| text.split(' ').take(2).collect::<Vec<_>>().join(" "));
            let n = days.get(row, &format!("{name}_n")).int().expect("a count");
            let found = format!("{n} {}", shown(days.get(row, &format!("{name}_mean_s")).number()));
            prop_assert_eq!(found, value, "{} on {}", name, day);
        }
        let csat = alone.get("csat/*").cloned().unwrap_or_else(|| "-".to_owned());
        prop_assert_eq!(shown(days.get(row, "csat_share").number()), csat, "satisfaction on {}", day);
        let is_open = |ticket: &&Ticket| local_day(ticket.created) <= day && ticket.closed.is_none_or(|closed| local_day(closed) > day);
        let open = followed.iter().flat_map(|one| &one.tickets).filter(is_open).count();
        prop_assert_eq!(days.get(row, "open_end").int(), i64::try_from(open).ok(), "open at the end of {}", day);
    }
    let weeks = run("week");
    let sum = |table: &Table, name: &str| (0..table.row_count()).filter_map(|row| table.get(row, name).int()).sum::<i64>();
    for name in ["days", "conversations", "tickets", "closed", "response_n", "ratings"] {
        prop_assert_eq!(sum(&weeks, name), sum(&days, name), "{}", name);
    }
    Ok(())
}

/// Fails with every figure that is not the same in both.
fn require_equal(found: &Figures, expected: &Figures) -> Result<(), TestCaseError> {
    let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let differing: Vec<String> = names
        .into_iter()
        .filter(|name| found.get(*name) != expected.get(*name))
        .map(|name| format!("{name}: the SQL says {:?}, the dictionary {:?}", found.get(name), expected.get(name)))
        .collect();
    prop_assert!(differing.is_empty(), "{differing:#?}");
    Ok(())
}

fn compare(customers: &[Customer], scale: Scale) -> Result<(), TestCaseError> {
    let followed: Vec<Followed> = customers.iter().enumerate().map(|(number, customer)| follow(number, customer, scale)).collect();
    let engine = load(customers, &followed, scale);
    // Checks of strength *fail* must hold in every world, however odd.
    engine.check().map_err(|error| TestCaseError::fail(error.to_string()))?;
    let today = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day");
    // The last of them goes on beyond what is loaded.
    for text in ["2026-10", "2026-10-05..2026-10-11", "2026-11"] {
        let period = Period::parse(text, today).expect("a period");
        others::compare(&engine, &followed, &period, scale)?;
        let mut expected = expected(&followed, &period, scale);
        targets::expected(&followed, &period, &mut expected);
        // Means of scores are compared as satisfaction; nobody's answers have a row of their own.
        expected.retain(|name, _| !name.starts_with("score/") && !name.starts_with("moved/"));
        require_equal(&reported(&engine, period), &expected)?;
    }
    compare_series(&engine, &followed, Period::parse("2026-10-05..2026-10-20", today).expect("a period"), scale)
}

fn scale() -> impl Strategy<Value = Scale> {
    prop_oneof![Just(Scale::Csat), Just(Scale::Nps)]
}

proptest! {
    #![proptest_config(Config { cases: worlds("RELATO_WORLDS", 20), max_shrink_iters: 150, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_figure_equals_a_second_implementation_in_random_worlds(customers in vec(customer(), 0..200), scale in scale()) {
        compare(&customers, scale)?;
    }
}

proptest! {
    #![proptest_config(Config { cases: worlds("RELATO_SOAK_SEEDS", 50), max_shrink_iters: 150, failure_persistence: None, ..Config::default() })]

    /// Of few tickets a figure is seldom hidden by others: up to 30 of them.
    #[test]
    fn every_figure_equals_a_second_implementation_in_small_worlds(customers in vec(customer(), 0..6), scale in scale()) {
        compare(&customers, scale)?;
    }
}

/// How many worlds: batches of up to 200 of one customer each, or small ones.
fn worlds(variable: &str, usual: u32) -> u32 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_world_is_only_as_wide_as_its_period() {
    // The grid covers the month before, the month itself and the one after.
    assert_eq!((local_day(0).month(), local_day(39 * DAY).month()), (9, 11));
}
