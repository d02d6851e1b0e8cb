//! Speed of the monthly report's queries on a large lake, and whether a month costs the same however long the history.
//!
//! Usage: `cargo bench --bench reports -- [TICKETS A MONTH] [MONTHS,MONTHS,…] [LAKE] [ROUNDS]`, 83333, 1,13,60 and 3 where nothing is said: five million
//! tickets at the end. With no rounds it makes the lake and measures nothing. Tables are filled with invented rows and published as usual; the queries then run as a report runs them, and beside them, where
//! `RELATO_BENCH_PYTHON` names an interpreter with duckdb and polars, the same figures written by hand. Where LAKE names a
//! folder, the snapshots are left there, for other commands to be measured on. Prints Markdown.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use chrono::{DateTime, Months, NaiveDate, Utc};
use relato::{
    config::Project,
    domain::{Period, period::DigestsByMonth},
    files::lock::Holder,
    query::{Catalogue, Engine, Parameters},
    snapshot::{self, Catalog, Snapshot, Stamp},
    store::{MART_TABLES, Store, digest_of_checks},
};

/// The queries of `reports/atendimento-mensal.toml`, and completeness, which every report asks for.
const QUERIES: [(&str, Option<&str>); 9] = [
    ("completeness", None),
    ("overview", None),
    ("volume_by_day", None),
    ("summary_by", Some("sector")),
    ("trend_by_month", None),
    ("load_by_hour", None),
    ("volume_by", Some("sector")),
    ("times_by", Some("sector")),
    ("satisfaction_by", Some("sector")),
];

/// Invented rows of one month: `{n}` tickets over `{days}` days from `{day}` on, numbered from `{first}`.
const FILL: &str = "
CREATE OR REPLACE TEMP TABLE drawn AS
SELECT
    {first} + i AS number,
    'ticket-' || ({first} + i) AS id,
    'customer-' || (hash({first} + i) % 1500000) AS customer,
    'Setor ' || (hash(i * 7) % 12) AS sector,
    'agente' || (hash(i * 11) % 80) || '@exemplo.org' AS agent,
    DATE '{day}' + CAST(i * {days} // {n} AS INTEGER) AS day,
    CAST(hash(i * 13) % 1500 AS BIGINT) AS wait,
    CAST(hash(i * 17) % 400 AS BIGINT) AS response,
    CAST(hash(i * 19) % 4000 AS BIGINT) AS handling,
    TIMESTAMP '{day} 11:00:00' + to_seconds(CAST(i * {days} * 86400 // {n} AS BIGINT)) AS moment
FROM range({n}) AS t(i);
INSERT INTO marts.ticket BY NAME
SELECT
    id AS ticket_id, 'bot' AS owner, number AS sequential_id, id AS conversation_id, 1 AS conversation_tickets, customer AS customer_key, 'wa.gw.msging.net' AS channel,
    sector AS queue, sector, agent, 'ClosedAttendant' AS status, 'attended' AS outcome, moment AS created_at, moment - INTERVAL 3 HOUR AS created_local,
    day AS created_day, CAST(isodow(day) AS INTEGER) AS created_weekday, CAST(hour(moment) AS INTEGER) AS created_hour, day AS started_day,
    moment + to_seconds(wait) AS opened_at, moment + to_seconds(wait + response) AS first_response_at, moment + to_seconds(wait + handling) AS closed_at,
    day AS closed_day, wait AS queue_wait_s, response AS first_response_s, handling AS handling_s, wait // 2 AS queue_wait_business_s,
    response // 2 AS first_response_business_s, handling // 2 AS handling_business_s, 'queue' AS routing, FALSE AS queue_wait_rejected,
    FALSE AS first_response_early, FALSE AS is_short_loss
FROM drawn;
INSERT INTO marts.conversation BY NAME
SELECT
    id AS conversation_id, id AS root_ticket_id, 'bot' AS owner, customer AS customer_key, 'wa.gw.msging.net' AS channel, sector AS first_sector,
    sector AS last_sector, 1 AS ticket_count, 0 AS transfer_count, 0 AS sector_change_count, moment AS started_at, moment - INTERVAL 3 HOUR AS started_local,
    day AS started_day, CAST(isodow(day) AS INTEGER) AS started_weekday, CAST(hour(moment) AS INTEGER) AS started_hour,
    moment + to_seconds(wait + response) AS first_response_at, day AS first_response_day, sector AS first_response_sector, agent AS first_response_agent,
    agent AS last_agent, wait + response AS whole_wait_s, wait // 2 AS whole_wait_business_s, moment + to_seconds(wait + handling) AS ended_at, day AS ended_day,
    wait + handling AS resolution_s, wait + handling AS full_resolution_s, 3 AS answered_turns, 10 AS message_count, FALSE AS is_one_touch,
    'attended' AS last_outcome, FALSE AS truncated_chain
FROM drawn;
INSERT INTO marts.turn BY NAME
SELECT
    id AS conversation_id, turn AS turn_number, sector, agent, 'wa.gw.msging.net' AS channel, moment + to_seconds(wait + turn * 100) AS started_at,
    moment + to_seconds(wait + turn * 100 + response) AS replied_at, day AS replied_day, response AS own_s, response AS whole_s, response // 2 AS own_business_s,
    response // 2 AS whole_business_s, 'answered' AS state, day AS started_day
FROM drawn CROSS JOIN (SELECT unnest([1, 2, 3]) AS turn);
INSERT INTO marts.sector_stay BY NAME
SELECT id AS conversation_id, 1 AS stay_number, sector, moment AS from_at, moment + to_seconds(wait + handling) AS to_at, wait + response * 4 AS waiting_s, day AS started_day
FROM drawn;
INSERT INTO marts.rating BY NAME
SELECT
    'answer-' || id AS rating_id, id AS conversation_id, customer AS customer_key, sector, agent, 'wa.gw.msging.net' AS channel, 'events' AS source, '1-5' AS scale,
    CAST(1 + response % 5 AS VARCHAR) AS raw_answer, CAST(1 + response % 5 AS DOUBLE) AS score, 'valid' AS validity, 1 + response % 5 >= 4 AS is_satisfied, TRUE AS counted,
    moment + INTERVAL 1 HOUR AS answered_at, day AS period_day
FROM drawn WHERE number % 4 = 0;
INSERT INTO marts.coverage BY NAME
SELECT 'ticket' AS resource, day, count(*) AS reported, count(*) AS stored, 0 AS set_aside, TRUE AS is_complete FROM drawn GROUP BY day;
INSERT INTO marts.calendar_day BY NAME
SELECT sector, day, CAST(isodow(day) AS INTEGER) AS weekday, count(*) AS created, count(*) AS closed, 0 AS open_end FROM drawn GROUP BY sector, day;
";

/// Returns the seconds of the figures written by hand, after holding them against the report's own.
fn by_hand(lake: &Path, texts: &BTreeMap<String, String>, now: DateTime<Utc>) -> String {
    let Some(python) = std::env::var_os("RELATO_BENCH_PYTHON") else { return "– | –".to_owned() };
    let snapshot = Snapshot::open(&Catalog::at(lake), None).expect("a snapshot");
    let script = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("a run by cargo")).join("benches/by_hand.py");
    let manifest = lake.join("manifests").join(format!("{}.json", snapshot.manifest.id));
    let output = Command::new(python).arg(script).arg(lake).arg(manifest).arg("2026-10").output().expect("an interpreter");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let engine = Engine::open(&snapshot, Catalogue::new(texts).expect("headers")).expect("an engine");
    let period = Period::parse("2026-10", "2026-11-22".parse().expect("a day")).expect("a month");
    let parameters = Parameters { period, sector: None, dimension: None, as_of: now, others: BTreeMap::new() };
    let own = engine.run("overview", &parameters).expect("rows");
    for figure in ["tickets", "served", "response_mean_s", "csat_share"] {
        let (own, theirs) = (own.get(0, figure).number().expect("a value"), found[figure].as_f64().expect("a value"));
        assert!((own - theirs).abs() < 1e-9 * own.abs().max(1.0), "{figure}: {own} and {theirs}");
    }
    let seconds = |name: &str| format!("{:.2} s", found[name].as_f64().expect("seconds"));
    format!("{} | {}", seconds("duckdb"), seconds("polars"))
}

/// Digests of the rows of each month, as the live database keeps them; another `version` says that the newest month changed.
fn digests(months: u32, version: &str) -> DigestsByMonth {
    let month = |back: u32| (NaiveDate::from_ymd_opt(2026, 10, 1).expect("a day") - Months::new(back)).format("%Y-%m").to_string();
    let of_month = |back: u32| (Some(month(back)), if back == 0 { version.to_owned() } else { "1".to_owned() });
    let tables = ["ticket", "ticket_tag", "conversation", "turn", "sector_stay", "rating"];
    tables.into_iter().map(|table| (table.to_owned(), (0..months).map(of_month).collect())).collect()
}

/// Runs the queries of a month's report; returns the engine, the seconds of all, and the longest with its seconds.
fn queries(snapshot: &Snapshot, texts: &BTreeMap<String, String>, now: DateTime<Utc>) -> (Engine, f64, (f64, &'static str)) {
    let began = Instant::now();
    let engine = Engine::open(snapshot, Catalogue::new(texts).expect("headers")).expect("an engine");
    let mut longest = (0.0, "");
    for (query, dimension) in QUERIES {
        let period = Period::parse("2026-10", "2026-11-22".parse().expect("a day")).expect("a month");
        let parameters = Parameters { period, sector: None, dimension: dimension.map(str::to_owned), as_of: now, others: BTreeMap::new() };
        let one = Instant::now();
        let table = engine.run(query, &parameters).expect("rows");
        assert!(table.row_count() > 0, "{query} gives rows");
        let took = one.elapsed().as_secs_f64();
        if took > longest.0 {
            longest = (took, query);
        }
    }
    (engine, began.elapsed().as_secs_f64(), longest)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let tickets: u64 = arguments.first().map_or(83_333, |text| text.parse().expect("a number of tickets"));
    let steps = arguments.get(1).map_or("1,13,60", String::as_str);
    let steps: Vec<u32> = steps.split(',').map(|text| text.parse().expect("numbers of months")).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lake = arguments.get(2).map_or_else(|| folder.path().join("lake"), PathBuf::from);
    let rounds: u32 = arguments.get(3).map_or(3, |text| text.parse().expect("a number of rounds"));
    let texts = Project::embedded_query_texts();
    let now: DateTime<Utc> = "2026-11-22T15:00:00Z".parse().expect("an instant");
    let store = Store::open(&folder.path().join("live.duckdb"), &Holder::new("bench", now)).expect("a store");
    store.make_all_tables(&texts).expect("tables");
    // What a load leaves with the tables: that the checks found nothing. Below they run, and are measured.
    let checks = Catalogue::new(&texts).expect("headers").table_checks();
    let checks_digest = digest_of_checks(&checks);
    for check in &checks {
        let found = "INSERT INTO marts.quality BY NAME SELECT ? AS check_name, 'table' AS resource, DATE '2026-10-31' AS day, 0 AS found, 'ok' AS state";
        store.connection().execute(found, [&check.name]).expect("a finding");
    }
    println!(
        "| months | tickets | queries of a month's report | of these the slowest | by hand in DuckDB | by hand in polars | checks | publish | one month again |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let first: NaiveDate = "2021-11-01".parse().expect("a day");
    let mut filled = 0;
    let mut histories: Vec<(u32, Snapshot)> = Vec::new();
    for months in steps {
        while filled < months {
            // The newest month is the one that is reported; earlier ones come before it.
            let day = first + Months::new(59 - filled);
            let sql = FILL.replace("{n}", &tickets.to_string()).replace("{first}", &(u64::from(filled) * tickets).to_string());
            let days = (day + Months::new(1) - day).num_days();
            let sql = sql.replace("{day}", &day.to_string()).replace("{days}", &days.to_string());
            store.connection().execute_batch(&sql).expect("rows");
            filled += 1;
        }
        let stamp = Stamp {
            now,
            loaded_until: Some(now),
            timezone: "America/Sao_Paulo".parse().expect("a zone"),
            quarantined: 0,
            checks: Some(checks_digest.clone()),
        };
        let began = Instant::now();
        let publish = |version: &str| {
            let digests = digests(months, version);
            snapshot::publish(store.connection(), &MART_TABLES, &Catalog::at(&lake), &stamp, &digests).expect("a snapshot")
        };
        publish("1");
        let publishing = began.elapsed();
        if rounds == 0 {
            continue;
        }
        let newest = "(SELECT max(sequential_id) FROM marts.ticket WHERE started_day >= DATE '2026-10-01')";
        let touch = format!("UPDATE marts.ticket SET handling_s = handling_s + 1 WHERE sequential_id = {newest}");
        store.connection().execute_batch(&touch).expect("a changed row");
        let began = Instant::now();
        assert!(publish("2").is_new, "a month with a changed row is published again");
        let again = began.elapsed();
        let (mut best, mut slowest, mut checks) = (f64::MAX, String::new(), f64::MAX);
        for _ in 0..rounds {
            let mut snapshot = Snapshot::open(&Catalog::at(&lake), None).expect("a snapshot");
            snapshot.manifest.checks = None;
            let (engine, took, longest) = queries(&snapshot, &texts, now);
            if took < best {
                best = took;
                slowest = format!("{} {:.2} s", longest.1, longest.0);
            }
            let began = Instant::now();
            engine.check().expect("sound tables");
            checks = checks.min(began.elapsed().as_secs_f64());
        }
        histories.push((months, Snapshot::open(&Catalog::at(&lake), None).expect("a snapshot")));
        let by_hand = by_hand(&lake, &texts, now);
        println!(
            "| {months} | {} | {best:.2} s | {slowest} | {by_hand} | {checks:.2} s | {:.1} s | {:.1} s |",
            u64::from(filled) * tickets,
            publishing.as_secs_f64(),
            again.as_secs_f64()
        );
    }
    // Earlier snapshots are still there: they take turns, so that what the machine does meanwhile falls on all of them alike.
    let mut best: Vec<f64> = vec![f64::MAX; histories.len()];
    for _ in 0..=rounds * 2 {
        for (place, (_, snapshot)) in histories.iter().enumerate() {
            best[place] = best[place].min(queries(snapshot, &texts, now).1);
        }
    }
    for ((months, _), took) in histories.iter().zip(&best) {
        println!("\nIn turns, a history of {months} months: {took:.2} s, {:.2} of the shortest history", took / best[0]);
    }
}
