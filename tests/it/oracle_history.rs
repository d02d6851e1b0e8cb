//! The second implementation of what is of an instant: backlog, unanswered and open conversations of months that are over, while conversations are
//! transferred and attendants move between loads. It shares no code and no SQL with the reports.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use relato::{
    domain::Period,
    ingest::IngestRequest,
    query::{Catalogue, Engine, Parameters},
    sim::World,
    snapshot::{Catalog, Snapshot},
};
use uuid::Uuid;

use crate::support::{Sandbox, everything, now, serve, settings, world, zone};

/// The day from which on attendants had these queues, in order.
type Memberships = Vec<(NaiveDate, Vec<BTreeSet<String>>)>;

const MONTHS: [&str; 3] = ["2026-09", "2026-10", "2026-11"];

fn sector_of(queue: &str) -> String {
    if queue == "Cobrança" { "Financeiro".to_owned() } else { queue.to_owned() }
}

fn memberships(world: &World) -> Vec<BTreeSet<String>> {
    let queues = |teams: &[Cow<'static, str>]| teams.iter().map(|team| team.clone().into_owned()).collect();
    world.attendants.iter().map(|attendant| queues(&attendant.teams)).collect()
}

/// The only sector that an attendant had on a day; what was before the first load was as that saw it.
fn only_sector(known: &Memberships, attendant: usize, day: NaiveDate) -> Option<String> {
    let (_, then) = known.iter().rev().find(|(from, _)| *from <= day).unwrap_or(&known[0]);
    let sectors: BTreeSet<String> = then[attendant].iter().filter(|queue| *queue != "Default").map(|queue| sector_of(queue)).collect();
    if sectors.len() == 1 { sectors.into_iter().next() } else { None }
}

fn sector(world: &World, known: &Memberships, place: usize) -> String {
    let ticket = &world.tickets[place];
    if ticket.team == "Default" {
        return "Sem roteamento".to_owned();
    }
    let mut above = Some(place);
    let mut saw_default = false;
    while let Some(at) = above {
        match world.tickets[at].team.as_ref() {
            "DIRECT_TRANSFER" => {}
            "Default" => saw_default = true,
            queue => return sector_of(queue),
        }
        above = world.tickets[at].parent;
    }
    let day = zone().day(ticket.created_at);
    let own = ticket.agent.and_then(|attendant| only_sector(known, attendant, day));
    own.unwrap_or_else(|| if saw_default { "Sem roteamento" } else { "Não resolvido" }.to_owned())
}

/// Tickets by the place of the first of their conversation, each in order of creation.
fn conversations(world: &World) -> BTreeMap<usize, Vec<usize>> {
    let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in 0..world.tickets.len() {
        let mut root = place;
        while let Some(parent) = world.tickets[root].parent {
            root = parent;
        }
        found.entry(root).or_default().push(place);
    }
    for tickets in found.values_mut() {
        tickets.sort_by_key(|place| (world.tickets[*place].created_at, world.tickets[*place].sequential_id));
    }
    found
}

/// Open, unanswered and not over, by sector; none is all of them.
type Counts = BTreeMap<Option<String>, (i64, i64)>;

/// Returns what was open and unanswered at the end of a month, and how many conversations keep the month open.
fn recounted(world: &World, known: &Memberships, month: Period) -> (Counts, i64) {
    let [start, end] = [month.start, month.end].map(|day| zone().day_start(day));
    let is_in = |at: DateTime<Utc>| at >= start && at < end;
    let is_later = |at: Option<DateTime<Utc>>| at.is_none_or(|at| at >= end);
    let mut counts = Counts::new();
    let mut add = |sector: String, open: i64, unanswered: i64| {
        for key in [None, Some(sector)] {
            let counted = counts.entry(key).or_default();
            *counted = (counted.0 + open, counted.1 + unanswered);
        }
    };
    for (place, ticket) in world.tickets.iter().enumerate() {
        if ticket.created_at < end && is_later(ticket.closed_at) {
            add(sector(world, known, place), 1, 0);
        }
    }
    let mut not_over = 0;
    for (root, tickets) in conversations(world) {
        let of = |place: &usize| &world.tickets[*place];
        let last = of(tickets.last().expect("a ticket"));
        let is_over = tickets.iter().all(|place| of(place).closed_at.is_some()) && last.status != "Transferred";
        let ended = if is_over { tickets.iter().filter_map(|place| of(place).closed_at).max() } else { None };
        let responded = tickets.iter().filter_map(|place| of(place).first_response_at).min();
        let started = world.tickets[root].created_at;
        if started < end && is_later(ended) && is_later(responded) {
            let holder = tickets.iter().rfind(|place| of(place).created_at < end).expect("the first ticket");
            add(sector(world, known, *holder), 0, 1);
        }
        let is_open_then = tickets.iter().any(|place| of(place).closed_at.is_none() && is_in(of(place).created_at));
        not_over += i64::from((!is_over && is_in(started)) || is_open_then);
    }
    (counts, not_over)
}

/// The same by the queries.
fn reported(sandbox: &Sandbox, month: Period, at: DateTime<Utc>) -> (Counts, i64) {
    let project = sandbox.project();
    let snapshot = Snapshot::open(&Catalog::of(&project).expect("a catalog"), None).expect("a snapshot");
    let engine = Engine::open(&snapshot, Catalogue::new(&project.query_texts().expect("queries")).expect("headers")).expect("an engine");
    let parameters = |sector: Option<&String>| Parameters {
        period: month,
        sector: sector.cloned(),
        dimension: None,
        as_of: at,
        others: BTreeMap::new(),
    };
    let sectors = engine.sectors().expect("sectors");
    let mut counts = Counts::new();
    for sector in [None].into_iter().chain(sectors.iter().map(Some)) {
        let backlog = engine.run("backlog_by_sector", &parameters(sector)).expect("a backlog");
        let total = (0..backlog.row_count()).find(|row| backlog.get(*row, "row_kind").text() == Some("total"));
        let open = total.and_then(|row| backlog.get(row, "open_end").int()).unwrap_or(0);
        let ages = engine.run("unanswered_by_age", &parameters(sector)).expect("ages");
        let unanswered: i64 = (0..ages.row_count()).filter_map(|row| ages.get(row, "conversations").int()).sum();
        let overview = engine.run("overview", &parameters(sector)).expect("an overview");
        assert_eq!(overview.get(0, "unanswered").int(), Some(unanswered), "{sector:?}");
        assert_eq!(overview.get(0, "open_end").int(), Some(open), "{sector:?}");
        if (open, unanswered) != (0, 0) {
            counts.insert(sector.cloned(), (open, unanswered));
        }
    }
    let completeness = engine.run("completeness", &parameters(None)).expect("completeness");
    (counts, completeness.get(0, "conversations_open").int().expect("a count"))
}

/// Leaves every ninth ticket open and unanswered, and makes every seventh a direct transfer of which nobody knows where it came from.
fn begun(seed: u64) -> World {
    let mut world = World::clone(&world(seed, 240));
    for (place, ticket) in world.tickets.iter_mut().enumerate().filter(|(_, ticket)| ticket.parent.is_none()) {
        if place % 9 == 0 && ticket.status != "Transferred" {
            (ticket.status, ticket.agent) = ("Waiting", None);
            (ticket.opened_at, ticket.first_response_at, ticket.closed_at) = (None, None, None);
        } else if place % 7 == 0 {
            ticket.team = Cow::Borrowed("DIRECT_TRANSFER");
        }
    }
    for (place, attendant) in world.attendants.iter_mut().enumerate() {
        attendant.teams.truncate(if place % 3 == 0 { 2 } else { 1 });
    }
    world
}

/// A day goes by: conversations that wait go on elsewhere, some end, attendants move.
fn goes_on(world: &mut World, step: usize, at: DateTime<Utc>) {
    const QUEUES: [&str; 4] = ["Suporte", "Cobrança", "Ouvidoria", "DIRECT_TRANSFER"];
    world.now = at;
    let waiting: Vec<usize> = (0..world.tickets.len()).filter(|place| world.tickets[*place].closed_at.is_none()).collect();
    for (number, place) in waiting.into_iter().enumerate().filter(|(number, _)| number % 3 == step % 3) {
        let moment = at - TimeDelta::minutes(90) + TimeDelta::seconds(i64::try_from(number).expect("a small number"));
        world.tickets[place].closed_at = Some(moment);
        if number % 2 == 0 {
            world.tickets[place].status = "ClosedClient";
            continue;
        }
        world.tickets[place].status = "Transferred";
        let id = Uuid::from_u128(u128::try_from(world.tickets.len()).expect("a count") + 1);
        let customer = world.tickets[place].customer;
        let next = world.add_ticket(id, customer, Cow::Borrowed(QUEUES[number % QUEUES.len()]), Some(place));
        world.tickets[next].created_at = moment;
    }
    let count = world.attendants.len();
    for pick in 0..count / 2 {
        let attendant = &mut world.attendants[(pick * 2 + step) % count];
        attendant.teams = vec![Cow::Borrowed(QUEUES[(pick + step) % 3])];
    }
    world.retain_tickets(|_| true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_open_on_a_past_day_equals_a_second_implementation_whatever_moves_later() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let mut world = begun(75);
    let mut known: Memberships = Vec::new();
    let mut moved = BTreeSet::new();
    for step in 0..3_usize {
        let at = now() + TimeDelta::days(i64::try_from(step).expect("a small number"));
        if step > 0 {
            goes_on(&mut world, step, at);
        }
        known.push((zone().day(at), memberships(&world)));
        let shared = Arc::new(World::clone(&world));
        let server = serve(&shared, &[]).await;
        sandbox.write("relato.toml", &settings(&server.base_url));
        sandbox.load(IngestRequest { now: at, ..everything() }).await;
        for month in MONTHS {
            let period = Period::parse(month, zone().day(at)).expect("a month");
            let expected = recounted(&world, &known, period);
            assert_eq!(reported(&sandbox, period, at), expected, "{month} after step {step}");
            assert!(expected.0.len() > 4 && expected.1 > 0, "{month} after step {step}: {expected:?}");
            // What was open at the end of a month that is over does not change, only what keeps it open.
            if month != MONTHS[2] {
                moved.insert((month, format!("{:?}", expected.0)));
            }
        }
    }
    assert_eq!(moved.len(), 2, "each month that is over has one backlog");
}
