//! A second implementation of the headline figures, in plain Rust and from the simulator's own world: it shares no code and no SQL
//! with the reports, and must agree with them exactly.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Timelike, Utc};
use relato::{
    domain::{Cell, Period, ReportData, Table, report_data::Content},
    query::{Catalogue, Engine, Parameters, Rows},
    sim::{
        ANSWER_WORDS, World,
        world::{Author, Ticket},
    },
    snapshot::{Catalog, Snapshot},
};

use crate::support::{Sandbox, everything, now, serve, world, zone};

#[derive(Debug, Default, PartialEq, Clone)]
pub struct Figures {
    conversations: i64,
    tickets: i64,
    responses: i64,
    response_mean_s: Option<f64>,
    ratings: i64,
    csat_share: Option<f64>,
}

#[derive(Default)]
struct Sums {
    conversations: BTreeSet<usize>,
    tickets: i64,
    turns_s: Vec<i64>,
    scores: Vec<i64>,
}

pub fn sector_of_queue(queue: &str) -> String {
    match queue {
        "Cobrança" | "Financeiro" => "Financeiro",
        "Default" => "Sem roteamento",
        other => other,
    }
    .to_owned()
}

/// Root of a ticket's chain.
fn root(world: &World, mut ticket: usize) -> usize {
    while let Some(parent) = world.tickets[ticket].parent {
        ticket = parent;
    }
    ticket
}

/// The configured rule: a direct transfer belongs to the nearest ticket above it with a real queue, else to `Default`.
pub fn sector(world: &World, ticket: usize) -> String {
    let mut at = Some(ticket);
    let mut saw_default = false;
    while let Some(index) = at {
        let Ticket { team, parent, .. } = &world.tickets[index];
        match team.as_ref() {
            "Default" if index == ticket => return sector_of_queue("Default"),
            "Default" => saw_default = true,
            "DIRECT_TRANSFER" => {}
            queue => return sector_of_queue(queue),
        }
        at = *parent;
    }
    assert!(saw_default, "the world has no direct transfer without a queue above it");
    sector_of_queue("Default")
}

fn whole_second(at: DateTime<Utc>) -> i64 {
    at.with_nanosecond(0).expect("a whole second").timestamp()
}

/// A conversation: a first ticket and those that carried it on.
pub struct Chain {
    /// Positions of its tickets, by creation.
    pub tickets: Vec<usize>,
    started: DateTime<Utc>,
    /// None while it goes on.
    pub ended: Option<DateTime<Utc>>,
    first_response: Option<DateTime<Utc>>,
    /// Position of the customer.
    pub customer: usize,
}

pub fn chains(world: &World) -> BTreeMap<usize, Chain> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for ticket in 0..world.tickets.len() {
        members.entry(root(world, ticket)).or_default().push(ticket);
    }
    members
        .into_iter()
        .map(|(root, tickets)| {
            let of = |index: &usize| &world.tickets[*index];
            let is_open = tickets.iter().any(|ticket| of(ticket).closed_at.is_none())
                || of(tickets.last().expect("a chain has a ticket")).status == "Transferred";
            let chain = Chain {
                started: world.tickets[root].created_at,
                ended: if is_open { None } else { tickets.iter().filter_map(|ticket| of(ticket).closed_at).max() },
                first_response: tickets.iter().filter_map(|ticket| of(ticket).first_response_at).min(),
                customer: world.tickets[root].customer,
                tickets,
            };
            (root, chain)
        })
        .collect()
}

/// Sector that holds a conversation at each change: from an instant on.
fn holders(world: &World, chain: &Chain) -> Vec<(DateTime<Utc>, String)> {
    let mut holders: Vec<(DateTime<Utc>, String)> = Vec::new();
    for ticket in &chain.tickets {
        let name = sector(world, *ticket);
        if holders.last().is_none_or(|(_, last)| *last != name) {
            holders.push((world.tickets[*ticket].created_at, name));
        }
    }
    holders
}

/// Answered turns of a conversation: replying sector, seconds in its hands, seconds in all.
fn turns(world: &World, chain: &Chain) -> Vec<(String, i64, i64)> {
    let Some(first_response) = chain.first_response else { return Vec::new() };
    let holders = holders(world, chain);
    let mut turns = Vec::new();
    let mut asked = None;
    for message in world.messages_of(chain.customer) {
        let belongs = message.at > first_response && message.at >= chain.started && chain.ended.is_none_or(|ended| message.at <= ended);
        match message.author {
            _ if !belongs => {}
            Author::Customer => asked = asked.or(Some(message.at)),
            Author::Attendant => {
                if let Some(from) = asked.take() {
                    let replying = &holders.iter().rfind(|(since, _)| *since <= message.at).expect("a holder").1;
                    let own: i64 = holders
                        .iter()
                        .enumerate()
                        .filter(|(_, (_, name))| name == replying)
                        .map(|(index, (since, _))| {
                            let until = holders.get(index + 1).map_or(message.at, |(next, _)| *next).min(message.at);
                            (whole_second(until) - whole_second(from.max(*since))).max(0)
                        })
                        .sum();
                    turns.push((replying.clone(), own, whole_second(message.at) - whole_second(from)));
                }
            }
            Author::Bot | Author::Survey | Author::System => {}
        }
    }
    turns
}

pub fn score(action: &str) -> Option<i64> {
    (1..).zip(ANSWER_WORDS).find(|(_, word)| *word == action).map(|(score, _)| score).or_else(|| action.parse().ok())
}

/// Recomputes the month's figures by sector, with the total under no name.
pub fn recompute(world: &World, month: &str) -> BTreeMap<Option<String>, Figures> {
    let in_month = |at: DateTime<Utc>| zone().day(at).format("%Y-%m").to_string() == month;
    let chains = chains(world);
    let mut sums: BTreeMap<Option<String>, Sums> = BTreeMap::new();
    for (root, chain) in &chains {
        for ticket in &chain.tickets {
            for name in [Some(sector(world, *ticket)), None] {
                let sums = sums.entry(name).or_default();
                if in_month(chain.started) {
                    sums.conversations.insert(*root);
                }
                sums.tickets += i64::from(in_month(world.tickets[*ticket].created_at));
            }
        }
        if in_month(chain.started) {
            for (name, own, whole) in turns(world, chain) {
                sums.entry(Some(name)).or_default().turns_s.push(own);
                sums.entry(None).or_default().turns_s.push(whole);
            }
        }
    }
    for (name, score) in counted_ratings(world, &chains, &in_month) {
        sums.entry(Some(name)).or_default().scores.push(score);
        sums.entry(None).or_default().scores.push(score);
    }
    sums.into_iter().map(|(name, sums)| (name, figures(&sums))).collect()
}

/// The last valid answer about each conversation that ended in the month: sector and score.
fn counted_ratings(world: &World, chains: &BTreeMap<usize, Chain>, in_month: &impl Fn(DateTime<Utc>) -> bool) -> Vec<(String, i64)> {
    let mut last: BTreeMap<usize, (DateTime<Utc>, String, i64)> = BTreeMap::new();
    for event in &world.events {
        let about = chains
            .iter()
            .filter(|(_, chain)| chain.customer == event.customer)
            .filter_map(|(root, chain)| Some((chain.ended?, *root)))
            .filter(|(ended, _)| *ended <= event.at)
            .max()
            .expect("the world asks only after an end");
        let Some(score) = score(&event.action).filter(|score| (1..=5).contains(score)) else { continue };
        let chain = &chains[&about.1];
        let name = event.queue.as_deref().map_or_else(|| sector(world, *chain.tickets.last().expect("a ticket")), sector_of_queue);
        if last.get(&about.1).is_none_or(|(at, _, _)| *at <= event.at) {
            last.insert(about.1, (event.at, name, score));
        }
    }
    last.into_iter().filter(|(root, _)| chains[root].ended.is_some_and(in_month)).map(|(_, (_, name, score))| (name, score)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn figures(sums: &Sums) -> Figures {
    let mean = |sum: i64, count: usize| (count > 0).then(|| sum as f64 / count as f64);
    let satisfied = sums.scores.iter().filter(|score| **score >= 4).count();
    Figures {
        conversations: i64::try_from(sums.conversations.len()).expect("a count"),
        tickets: sums.tickets,
        responses: i64::try_from(sums.turns_s.len()).expect("a count"),
        response_mean_s: mean(sums.turns_s.iter().sum(), sums.turns_s.len()),
        ratings: i64::try_from(sums.scores.len()).expect("a count"),
        csat_share: mean(i64::try_from(satisfied).expect("a count"), sums.scores.len()),
    }
}

pub fn table<'a>(data: &'a ReportData, id: &str) -> &'a Table {
    let block = data.blocks.iter().find(|block| block.id == id).expect("the block");
    match &block.content {
        Content::Table(view) => &view.table,
        Content::Chart(chart) => &chart.table,
        Content::HeatMap(heat_map) => &heat_map.table,
        _ => panic!("`{id}` has no table"),
    }
}

pub fn reported(data: &ReportData) -> BTreeMap<Option<String>, Figures> {
    let table = table(data, "setores");
    (0..table.row_count())
        .map(|row| {
            let int = |name: &str| table.get(row, name).int().expect("a count");
            let figures = Figures {
                conversations: int("conversations"),
                tickets: int("tickets"),
                responses: int("response_n"),
                response_mean_s: table.get(row, "response_mean_s").number(),
                ratings: int("ratings"),
                csat_share: table.get(row, "csat_share").number(),
            };
            (table.get(row, "sector").text().map(str::to_owned), figures)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn volume_response_time_and_satisfaction_equal_a_second_implementation() {
    for seed in [1, 2] {
        let world = world(seed, 1_500);
        let server = serve(&world, &[]).await;
        let sandbox = Sandbox::new(&server.base_url);
        sandbox.load(everything()).await;
        for month in ["2026-09", "2026-10"] {
            let (expected, found) = (recompute(&world, month), reported(&sandbox.report(month, None)));
            assert_eq!(expected, found, "seed {seed}, {month}");
            assert!(found[&None].responses > 500 && found[&None].ratings > 50, "the world is large enough to mean something");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_figure_is_the_same_wherever_it_is_shown() {
    let world = world(3, 1_200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let data = sandbox.report("2026-10", None);
    let (summary, volume) = (table(&data, "setores"), table(&data, "volume"));
    let (times, satisfaction) = (table(&data, "tempos"), table(&data, "satisfacao"));
    let row_of = |table: &Table, sector: Option<&str>, measure: Option<&str>| {
        (0..table.row_count()).find(|row| {
            table.get(*row, "sector").text() == sector && measure.is_none_or(|measure| table.get(*row, "measure").text() == Some(measure))
        })
    };
    // A sector without a row in the other table has nothing there: no value, or none of them.
    let same = |summary: &Table, row: usize, column: &str, other: &Table, other_row: Option<usize>, other_column: &str| {
        let (left, right) = (summary.get(row, column), other_row.map_or(Cell::Null, |row| other.get(row, other_column)));
        let right = if right == Cell::Null && left == Cell::Int(0) { left } else { right };
        assert_eq!(left, right, "{:?} {column}", summary.get(row, "sector"));
    };
    let daily: i64 = {
        let days = table(&data, "volume-diario");
        (0..days.row_count()).map(|row| days.get(row, "conversations").int().expect("a count")).sum()
    };
    for row in 0..summary.row_count() {
        let sector = summary.get(row, "sector").text();
        for column in ["conversations", "tickets"] {
            same(summary, row, column, volume, row_of(volume, sector, None), column);
        }
        for column in ["ratings", "csat_share"] {
            same(summary, row, column, satisfaction, row_of(satisfaction, sector, None), column);
        }
        let pairs = [("response_n", "n"), ("response_mean_s", "mean_s"), ("response_median_s", "median_s"), ("response_p90_s", "p90_s")];
        for (column, other) in pairs {
            same(summary, row, column, times, row_of(times, sector, Some("response")), other);
        }
        if sector.is_none() {
            assert_eq!(summary.get(row, "conversations").int(), Some(daily));
            let details = crate::support::with_rows(&data.details[0]).table;
            assert_eq!(i64::try_from(details.row_count()).ok(), Some(daily));
        }
    }
    // One sector alone shows what it shows among the others.
    let alone = sandbox.report("2026-10", Some("Financeiro"));
    let alone = table(&alone, "setores");
    let among = row_of(summary, Some("Financeiro"), None).expect("the sector");
    for column in ["conversations", "tickets", "response_n", "response_mean_s", "ratings", "csat_share", "queue_wait_median_s"] {
        assert_eq!(alone.get(0, column), summary.get(among, column), "{column}");
        assert_eq!(alone.get(1, column), summary.get(among, column), "total of one sector: {column}");
    }
}

/// Column of a report, its query, the measure that `conversas_de` knows it by, and the column that holds its mean.
const CELLS: [(&str, &str, &str, Option<&str>); 14] = [
    ("volume_by", "conversations", "conversations", None),
    ("volume_by", "tickets", "tickets", None),
    ("volume_by", "closed", "closed", None),
    ("volume_by", "inactive", "inactive", None),
    ("summary_by", "queue_wait_n", "queue_wait", None),
    ("summary_by", "whole_wait_n", "whole_wait", Some("whole_wait_mean_s")),
    ("summary_by", "response_n", "response", Some("response_mean_s")),
    ("summary_by", "ratings", "ratings", None),
    ("outcome_by", "ended", "resolution", Some("resolution_mean_s")),
    ("outcome_by", "returned_24h", "returned_24h", None),
    ("outcome_by", "returned_7d", "returned_7d", None),
    ("satisfaction_by", "ratings", "ratings", Some("csat_mean")),
    ("satisfaction_by", "closed", "closed", None),
    ("volume_by", "transferred", "transferred", None),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cell_leads_to_exactly_the_conversations_behind_it() {
    let world = world(5, 1_200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), None).expect("a snapshot");
    let engine = Engine::open(&snapshot, Catalogue::new(&project.query_texts().expect("queries")).expect("headers")).expect("an engine");
    let parameters = |dimension: &str, others: &[(&str, &str)]| Parameters {
        period: Period::parse("2026-10", zone().day(now())).expect("a month"),
        sector: None,
        dimension: Some(dimension.to_owned()),
        as_of: now(),
        others: others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let mut cells = 0;
    for dimension in ["sector", "agent", "channel", "tag"] {
        for (query, column, measure, mean) in CELLS {
            let table = engine.run(query, &parameters(dimension, &[])).expect("a report query");
            for row in 0..table.row_count() {
                let is_total = table.get(row, "row_kind").text() == Some("total");
                let member = table.get(row, "member").text();
                if member.is_none() && !is_total {
                    continue;
                }
                let asked: Vec<(&str, &str)> = [("measure", measure)].into_iter().chain(member.map(|member| ("member", member))).collect();
                let behind = engine.run("conversas_de", &parameters(dimension, &asked)).expect("the conversations");
                let place = format!("{query} by {dimension}, {member:?}: {column}");
                let count: i64 = (0..behind.row_count()).map(|row| behind.get(row, "cases").int().expect("a count")).sum();
                assert_eq!(Some(count), table.get(row, column).int(), "{place}");
                if let Some(mean) = mean.filter(|_| count > 0) {
                    let sum: f64 = (0..behind.row_count()).filter_map(|row| behind.get(row, "value_sum").number()).sum();
                    #[expect(clippy::cast_precision_loss, reason = "a small count")]
                    let found = sum / count as f64;
                    let shown = table.get(row, mean).number().expect("a mean");
                    assert!((found - shown).abs() < 1e-6, "{place}: {found} and {shown}");
                }
                cells += 1;
            }
        }
    }
    assert!(cells > 400, "{cells} cells were followed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_passed_over_for_a_period_changes_no_figure() {
    let world = world(71, 500);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let texts = project.query_texts().expect("queries");
    let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), None).expect("a snapshot");
    let mut whole = snapshot.clone();
    whole.manifest.tables.values_mut().flat_map(|table| &mut table.parts).for_each(|part| part.days = None);
    let passed_over = |period: Period| {
        let parts = snapshot.manifest.tables.values().flat_map(|table| &table.parts);
        parts.filter(|part| !part.was_there(period)).count()
    };
    let open = |snapshot: &Snapshot| Engine::open(snapshot, Catalogue::new(&texts).expect("headers")).expect("an engine");
    let (engine, reference) = (open(&snapshot), open(&whole));
    let queries: Vec<_> = Catalogue::new(&texts).expect("headers").iter().filter(|query| query.rows != Rows::All).cloned().collect();
    assert!(queries.len() >= 10, "{}", queries.len());
    let sectors = reference.sectors().expect("sectors");
    let mut skipped = 0;
    for period in ["2026-10", "2026-09-30..2026-09-30", "2026-10-31..2026-11-01"] {
        let period = Period::parse(period, zone().day(now())).expect("a period");
        skipped += passed_over(period);
        for sector in [None, sectors.first().cloned()] {
            for query in &queries {
                let dimensions =
                    if query.dimensions.is_empty() { vec![None] } else { query.dimensions.iter().cloned().map(Some).collect() };
                for dimension in dimensions {
                    let parameters =
                        Parameters { period, sector: sector.clone(), dimension, as_of: now(), others: std::collections::BTreeMap::new() };
                    let text = |engine: &Engine| serde_json::to_string(&engine.run(&query.name, &parameters).expect("rows")).expect("JSON");
                    assert_eq!(text(&engine), text(&reference), "{} {parameters:?}", query.name);
                }
            }
        }
    }
    assert!(skipped > 10, "{skipped}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_computed_a_day_at_a_time_are_those_of_the_whole_period() {
    let world = world(72, 500);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), None).expect("a snapshot");
    let catalogue = Catalogue::new(&project.query_texts().expect("queries")).expect("headers");
    let engine = Engine::open(&snapshot, catalogue.clone()).expect("an engine").with_rows_at_once(1);
    let sectors = engine.sectors().expect("sectors");
    let queries: Vec<_> = catalogue.iter().filter(|query| query.is_day_by_day).collect();
    let mut compared = 0;
    for period in ["2026-10", "2026-09-20..2026-11-10", "2026-10-07..2026-10-07"] {
        for sector in [None, sectors.first().cloned()] {
            let parameters = Parameters {
                period: Period::parse(period, zone().day(now())).expect("a period"),
                sector,
                dimension: None,
                as_of: now(),
                others: BTreeMap::new(),
            };
            for query in &queries {
                let whole = engine.run(&query.name, &parameters).expect("rows");
                compared += whole.row_count();
                let kept = engine.keep(&query.name, &parameters, &BTreeMap::new()).expect("rows to come");
                let mut read = engine.kept_rows(&kept).expect("a connection");
                // Other views meanwhile, of other days, are none of its own.
                let other = Parameters { period: Period::parse("2026-08", zone().day(now())).expect("a month"), ..parameters.clone() };
                engine.run(&query.name, &other).expect("rows");
                let first = read(0..10).expect("the first rows");
                let others = read(10..usize::MAX).expect("all others");
                let found = first.followed_by([others].iter());
                assert_eq!(serde_json::to_string(&found).unwrap(), serde_json::to_string(&whole).unwrap(), "{} {parameters:?}", query.name);
                assert_eq!(read(whole.row_count()..usize::MAX).expect("nothing").row_count(), 0);
            }
        }
    }
    assert!(compared > 300, "{compared} rows were compared");
}
