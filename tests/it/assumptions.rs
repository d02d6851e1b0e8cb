//! What Relato assumes about Blip, turned the other way by the simulator's switches: a load ends right, or reports what is not known.
//!
//! `docs/blip.md` lists the same cases and is held to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    sync::Arc,
};

use relato::{
    blip::unconfirmed::Unconfirmed,
    domain::Period,
    ingest::{
        IngestSummary,
        contract::{Contract, Question},
    },
    query::{Catalogue, Engine, Parameters},
    sim::{FaultKind, World, WorldSpec},
    snapshot::{Catalog, Snapshot},
    store::{MART_TABLES, Store},
};

use crate::{
    oracle,
    support::{Sandbox, everything, now, root, serve, settings, with_router_roles, zone},
};

/// A switch of the simulator and what a load of that contract ends with, beside a load of the default one.
struct Case {
    /// As on the command line.
    switch: &'static str,
    /// Published tables that differ; Blip's own figures are not compared.
    differing: &'static [&'static str],
    /// What the load reports that the other one does not.
    reported: &'static [&'static str],
}

const fn case(switch: &'static str, differing: &'static [&'static str], reported: &'static [&'static str]) -> Case {
    Case { switch, differing, reported }
}

/// Tables that are made from messages, those that are made from survey answers, and those that lack what was set aside.
const OF_MESSAGES: &[&str] = &["conversation", "coverage", "sector_stay", "ticket", "turn"];
const OF_TURNS: &[&str] = &["conversation", "sector_stay", "turn"];
const OF_ANSWERS: &[&str] = &["comment", "coverage", "rating"];
const OF_TICKETS: &[&str] =
    &["calendar_day", "comment", "conversation", "coverage", "rating", "sector_stay", "ticket", "ticket_tag", "turn"];

const CASES: [Case; 33] = [
    case("no-total=1", &[], &["total of /tickets: absent"]),
    case("full-total=1", &[], &["total of /tickets: matches"]),
    case("empty-not-found=1", &[], &[]),
    case("item-type=1", &[], &[]),
    case("oldest-first=1", &[], &[]),
    case("no-lt=1", &[], &["end of a filter on /tickets: le"]),
    case("ended-in-history=1", &[], &["total of /tickets: not known"]),
    case("exclusive-end=1", &[], &["endDate of event counters: exclusive", "endDate of reports: exclusive"]),
    case("no-reports=1", &[], &["Not offered", "endDate of reports: not known"]),
    case("short-reports=1", &[], &[]),
    case("wait-to-answer=1", &[], &[]),
    case("missed-unopened=1", &[], &[]),
    case("response-by-turn=1", &[], &[]),
    case("attendance-from-open=1", &[], &[]),
    case("retention=1", OF_MESSAGES, &["Out of reach"]),
    case("no-transcription=1", &[], &["attendanceTranscriptionOnly: no"]),
    case("plain-ids=1", &[], &[]),
    case("no-message-agent=1", &[], &["marks of messages"]),
    case("no-emitter=1", &[], &["marks of messages"]),
    case("no-emitter=0.5", OF_TURNS, &["Not marked"]),
    case("external-marks=1", &[], &[]),
    case("no-bsuid=1", &[], &[]),
    case("no-tunnel-marks=1", &[], &["marks of messages"]),
    case("no-tunnels=1", &[], &[]),
    case("tunnel-extras=1", &[], &[]),
    case("desk-surveys=1", OF_ANSWERS, &["No answers", "endDate of event counters: not known"]),
    case("no-date=1", &["coverage"], &["No date"]),
    case("native-survey=1", &[], &[]),
    case("decoded-identity=1", &[], &[]),
    case("left-attendant=0.3", &["agent"], &[]),
    case("unknown-status=0.05", OF_TICKETS, &["Set aside"]),
    case("open-portal=1", &[], &[]),
    case("invites-wait=1", &[], &[]),
];

/// Switches that are tried together always; others are drawn.
const TOGETHER: [(&str, &str); 5] = [
    ("no-tunnels=1", "no-tunnel-marks=1"),
    ("no-tunnels=1", "tunnel-extras=1"),
    ("no-reports=1", "ended-in-history=1"),
    ("exclusive-end=1", "ended-in-history=1"),
    ("plain-ids=1", "no-emitter=0.5"),
];

/// Tables of which a report in the load's output explains that rows are missing.
const EXPLAINED: [(&str, &[&str]); 6] = [
    ("No date", &["coverage"]),
    ("Not joined", OF_ANSWERS),
    ("No answers", OF_ANSWERS),
    ("Out of reach", OF_MESSAGES),
    ("Not marked", OF_TURNS),
    ("Set aside", OF_TICKETS),
];

/// A directory without those who left: reports then show an address in place of a name, and no figure changes.
const NOT_POORER: &str = "agent";

/// Drawn pairs of switches; `make soak` asks for more.
const PAIRS: u64 = 12;

/// A world of two months, small enough to be loaded in a second.
fn small(seed: u64) -> Arc<World> {
    Arc::new(World::draw(&WorldSpec { seed, tickets: 300, months: 2, now: now() }, zone()))
}

/// What a load gave.
struct Loaded {
    tables: BTreeMap<&'static str, String>,
    reported: BTreeSet<String>,
    answers: BTreeMap<&'static str, Option<String>>,
}

async fn loaded(world: &Arc<World>, switches: &[&str]) -> Loaded {
    let server = serve(world, switches).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (summary, _) = sandbox.load(everything()).await;
    Loaded { tables: digests(&sandbox.store()), reported: warnings(&summary), answers: answers(&summary) }
}

/// Returns a digest of the facts of each published table: Blip's own figures, how an attendant is known, whether surveys were seen, and the keys of
/// answers are not compared.
fn digests(store: &Store) -> BTreeMap<&'static str, String> {
    let digest = |table: &'static str| {
        let left_out = match table {
            "turn" => "EXCLUDE (agent_basis)",
            "rating" => "EXCLUDE (rating_id, was_asked)",
            "comment" => "EXCLUDE (rating_id)",
            "conversation" => "EXCLUDE (surveys_sent)",
            _ => "",
        };
        let sql = format!("SELECT count(*) || ' ' || coalesce(sum(hash(t)), 0) FROM (SELECT * {left_out} FROM marts.{table}) AS t");
        (table, store.connection().query_row(&sql, [], |row| row.get(0)).expect("a digest"))
    };
    MART_TABLES.iter().map(|(table, ..)| *table).filter(|table| !["blip_figure", "quality"].contains(table)).map(digest).collect()
}

/// Returns how each line of warnings begins that the command would print.
fn warnings(summary: &IngestSummary) -> BTreeSet<String> {
    let found = &summary.warnings;
    let lines = [
        ("Missing", !found.gaps.is_empty()),
        ("Alarm", !found.alarms.is_empty()),
        ("Hurry", found.risk.is_some()),
        ("Out of reach", found.need_router_key > 0),
        ("Set aside", found.set_aside > 0),
        ("Not joined", found.unjoined_answers > 0),
        ("No answers", found.silent_survey.is_some()),
        ("Not marked", found.unmarked_messages > 0),
        ("No date", found.is_untimed),
        ("Not offered", !found.not_offered.is_empty()),
    ];
    lines.into_iter().filter(|(_, is_there)| *is_there).map(|(line, _)| line.to_owned()).collect()
}

/// Returns what was found out, by title: of the desk's key, and of the router's the question that concerns events.
fn answers(summary: &IngestSummary) -> BTreeMap<&'static str, Option<String>> {
    let of_key = |key: &str| summary.contracts.iter().find(|(name, _)| name == key).map(|(_, contract)| contract);
    let (desk, router) = (of_key("desk").expect("a first load"), of_key("router").expect("a first load"));
    let answer = |question: Question| {
        let contract: &Contract = if question == Question::EventsEnd { router } else { desk };
        (question.title(), contract.answer(question).map(str::to_owned))
    };
    Question::ALL.into_iter().map(answer).collect()
}

/// Returns the tables in which two loads differ, and what the second reports that the first does not.
fn compared(calm: &Loaded, other: &Loaded) -> (Vec<&'static str>, BTreeSet<String>) {
    let differing = calm.tables.iter().filter(|(table, digest)| other.tables[*table] != **digest).map(|(table, _)| *table).collect();
    let answers = other.answers.iter().filter(|(title, answer)| calm.answers[*title] != **answer).map(|(title, answer)| match answer {
        // Names of marks are many.
        Some(names) if names.contains('#') || names.is_empty() => (*title).to_owned(),
        Some(answer) => format!("{title}: {answer}"),
        None => format!("{title}: not known"),
    });
    (differing, answers.chain(other.reported.difference(&calm.reported).cloned()).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_assumption_turned_the_other_way_ends_right_or_is_reported() {
    let world = small(91);
    let calm = loaded(&world, &[]).await;
    assert!(calm.reported.is_empty(), "{:?}", calm.reported);
    for case in CASES {
        let (differing, reported) = compared(&calm, &loaded(&world, &[case.switch]).await);
        assert_eq!(differing, case.differing, "{}: tables", case.switch);
        let expected: BTreeSet<String> = case.reported.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(reported, expected, "{}: what is reported", case.switch);
        assert!(are_explained(&differing, &reported), "{} is silently poorer", case.switch);
    }
}

/// Returns whether what is reported names everything that is missing.
fn are_explained(differing: &[&str], reported: &BTreeSet<String>) -> bool {
    let explains = |table: &str| EXPLAINED.iter().any(|(line, tables)| reported.contains(*line) && tables.contains(&table));
    differing.iter().all(|table| *table == NOT_POORER || explains(table))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_of_assumptions_turned_the_other_way_end_right_or_are_reported() {
    let world = small(92);
    let calm = loaded(&world, &[]).await;
    for (one, other) in pairs() {
        let (differing, reported) = compared(&calm, &loaded(&world, &[one, other]).await);
        println!("{one} {other}: {differing:?} {reported:?}");
        let may_differ = |table: &&str| CASES.iter().any(|case| [one, other].contains(&case.switch) && case.differing.contains(table));
        assert!(are_explained(&differing, &reported), "{one} {other} is silently poorer: {differing:?} {reported:?}");
        let is_joined = !reported.contains("Not joined");
        assert!(!is_joined || differing.iter().all(may_differ), "{one} {other}: {differing:?}");
    }
}

/// Returns the pairs of switches to try: some always, the others by a fixed stream of numbers.
fn pairs() -> Vec<(&'static str, &'static str)> {
    let count = std::env::var("RELATO_SOAK_PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(PAIRS);
    let mut state = 0x5EED_u64;
    let mut index = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % CASES.len()
    };
    let drawn = (0..count).map(|_| (CASES[index()].switch, CASES[index()].switch));
    let name = |switch: &str| switch.split('=').next().map(str::to_owned);
    let drawn: Vec<_> = drawn.filter(|(one, other)| name(one) != name(other)).collect();
    TOGETHER.into_iter().chain(drawn).collect()
}

/// Number of answers that count and how many of them are satisfied, by member of a dimension.
type Satisfaction = BTreeMap<String, (i64, i64)>;

/// Returns satisfaction by sector and by attendant of a month, from the world alone.
fn truth(world: &World, month: &str) -> [Satisfaction; 2] {
    let chains = oracle::chains(world);
    let mut last: BTreeMap<usize, (chrono::DateTime<chrono::Utc>, String, Option<String>, i64)> = BTreeMap::new();
    for event in &world.events {
        let ended = |(root, chain): (&usize, &oracle::Chain)| Some((chain.ended.filter(|ended| *ended <= event.at)?, *root));
        let (_, root) = chains.iter().filter(|(_, chain)| chain.customer == event.customer).filter_map(ended).max().expect("an end");
        let Some(score) = oracle::score(&event.action).filter(|score| (1..=5).contains(score)) else { continue };
        let ticket = *chains[&root].tickets.last().expect("a ticket");
        let sector = event.queue.as_deref().map_or_else(|| oracle::sector(world, ticket), oracle::sector_of_queue);
        let agent = world.tickets[ticket].agent.map(|agent| world.attendants[agent].email.clone());
        // Events are in time: a later answer takes the place of an earlier one.
        last.insert(root, (event.at, sector, agent, score));
    }
    let mut sums = [Satisfaction::new(), Satisfaction::new()];
    for (root, (_, sector, agent, score)) in last {
        let ended = chains[&root].ended.expect("a rated conversation has ended");
        if zone().day(ended).format("%Y-%m").to_string() != month {
            continue;
        }
        for (sums, member) in sums.iter_mut().zip([Some(sector), agent]) {
            let Some(member) = member else { continue };
            let sum = sums.entry(member).or_default();
            *sum = (sum.0 + 1, sum.1 + i64::from(score >= 4));
        }
    }
    sums
}

/// Returns satisfaction by a dimension of a month, as reports show it.
fn shown(sandbox: &Sandbox, dimension: &str, month: &str) -> Satisfaction {
    let project = sandbox.project();
    let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), None).expect("a snapshot");
    let engine = Engine::open(&snapshot, Catalogue::new(&project.query_texts().expect("queries")).expect("headers")).expect("an engine");
    let parameters = Parameters {
        period: Period::parse(month, zone().day(now())).expect("a month"),
        sector: None,
        dimension: Some(dimension.to_owned()),
        as_of: now(),
        others: BTreeMap::new(),
    };
    let table = engine.run("satisfaction_by", &parameters).expect("a report query");
    let members = (0..table.row_count()).filter_map(|row| {
        let member = table.get(row, "member").text()?.to_owned();
        let ratings = table.get(row, "ratings").int().filter(|ratings| *ratings > 0)?;
        let satisfied = table.get(row, "score_4").int()? + table.get(row, "score_5").int()?;
        Some((member, (ratings, satisfied)))
    });
    members.collect()
}

/// Each way in which answers find their conversations: switches, and what `relato check` calls it.
const WAYS: [(&[&str], &str); 4] = [
    (&[], "`#tunnel.originator` of messages; where messages are gone, one command a tunnel"),
    (&["no-tunnel-marks=1"], "`/tunnels`, with one command a tunnel"),
    (&["tunnel-extras=1", "no-tunnels=1", "no-tunnel-marks=1"], "the extra `#tunnelIdentity` of the answers"),
    (&["desk-surveys=1"], "the same identity in both"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn satisfaction_by_sector_and_attendant_is_the_worlds_in_every_way_of_joining() {
    let world = Arc::new(World::draw(&WorldSpec { seed: 93, tickets: 900, months: 2, now: now() }, zone()));
    let [by_sector, by_agent] = truth(&world, "2026-10");
    assert!(by_sector.len() > 4 && by_agent.len() > 10 && by_sector.values().map(|(count, _)| count).sum::<i64>() > 80);
    let customers: BTreeSet<usize> = world.tickets.iter().map(|ticket| ticket.customer).collect();
    let mut calm_commands = 0;
    for (switches, way) in WAYS {
        let server = serve(&world, switches).await;
        // Both bots can record surveys, so both keys read events.
        let both = settings(&server.base_url).replacen("roles = [\"desk\"]", "roles = [\"desk\", \"events\"]", 1);
        let sandbox = Sandbox::with_settings(&both);
        let (summary, _) = sandbox.load(everything()).await;
        let commands = server.command_count();
        assert!(warnings(&summary).is_empty(), "{switches:?}: {:?}", warnings(&summary));
        assert_eq!(shown(&sandbox, "sector", "2026-10"), by_sector, "{switches:?}");
        assert_eq!(shown(&sandbox, "agent", "2026-10"), by_agent, "{switches:?}");
        assert_eq!(oracle::reported(&sandbox.report("2026-10", None)), oracle::recompute(&world, "2026-10"), "{switches:?}");
        match switches {
            [] => calm_commands = commands,
            // No message names who is behind a tunnel: each is asked for once.
            ["no-tunnel-marks=1"] => {
                let more = usize::try_from(commands - calm_commands).expect("a count");
                assert!((1..=customers.len()).contains(&more), "{more} commands more for {} tunnels", customers.len());
            }
            _ => {}
        }
        sandbox.relato(&["check"]).assert().stdout(predicates::str::contains(format!("{:34} {way}\n", "joined by")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nothing_joins_are_reported_with_what_to_do() {
    let world = small(94);
    let server = serve(&world, &["no-tunnels=1", "no-tunnel-marks=1"]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let advice = "Record the survey in the bot that attends";
    let is_advised = predicates::str::contains(format!("{:34} nothing\n", "joined by"));
    let check = sandbox.relato(&["check"]).assert().code(3).stdout(is_advised);
    assert!(String::from_utf8_lossy(&check.get_output().stdout).contains(advice));
    for _ in 0..2 {
        let (summary, _) = sandbox.load(everything()).await;
        assert_eq!(usize::try_from(summary.warnings.unjoined_answers).ok(), Some(world.events.len()));
        assert!(!summary.warnings.is_empty());
    }
    sandbox.relato(&["ingest"]).assert().code(3).stdout(predicates::str::contains("Not joined: "));
    // Who reads the report only is told, too.
    let notes = sandbox.report("2026-10", None).notes.join("\n");
    assert!(notes.contains("resposta(s) à pesquisa não pertencem a nenhuma conversa"), "{notes}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_without_any_answer_is_reported_until_one_comes() {
    let world = small(95);
    let server = serve(&world, &["desk-surveys=1"]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.relato(&["ingest"]).assert().code(3).stdout(predicates::str::contains("No answers: no key with the role `events`"));
    sandbox.write(
        "relato.toml",
        &with_router_roles(&settings(&server.base_url), "\"channel\"", "").replacen("[\"desk\"]", "[\"desk\", \"events\"]", 1),
    );
    let (summary, _) = sandbox.load(everything()).await;
    assert_eq!(summary.warnings.silent_survey, None);
    assert_eq!(summary.written.events, world.events.len());
}

const BEGIN: &str = "<!-- made by `make docs` from tests/it/assumptions.rs: do not edit -->\n";
const END: &str = "<!-- end -->\n";

/// Returns the table of the cases as `docs/blip.md` shows it.
fn table_of_cases() -> String {
    let mut text = "\n| switch | published tables | the load reports |\n|---|---|---|\n".to_owned();
    let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    for case in CASES {
        let tables = match case.differing {
            [] => "the same".to_owned(),
            [NOT_POORER] => format!("the same but {}: addresses in place of names", names(case.differing)),
            differing => format!("fewer or other rows in {}", names(differing)),
        };
        let reported = if case.reported.is_empty() { "nothing more".to_owned() } else { case.reported.join("; ") };
        let _ = writeln!(text, "| `{}` | {tables} | {reported} |", case.switch);
    }
    text + "\n"
}

#[test]
fn the_documentation_says_what_each_switch_leads_to() {
    let path = root().join("docs/blip.md");
    let text = fs::read_to_string(&path).expect("the documentation");
    let (before, rest) = text.split_once(BEGIN).expect("where the made part begins");
    let (found, after) = rest.split_once(END).expect("where the made part ends");
    let made = table_of_cases();
    if std::env::var_os("RELATO_MAKE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{made}{END}{after}")).expect("a writable file");
    } else {
        assert_eq!(found, made, "docs/blip.md is not what the tests hold: run `make docs`");
    }
}

#[test]
fn every_assumption_and_every_switch_of_a_contract_is_documented_and_tried() {
    let text = fs::read_to_string(root().join("docs/blip.md")).expect("the documentation");
    let (_, after) = text.split_once("## Assumptions\n").expect("the assumptions");
    let rows: Vec<&str> = after.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= Unconfirmed::ALL.len() + Question::ALL.len(), "{}", rows.len());
    for row in &rows {
        assert_eq!(row.matches(" | ").count(), 4, "{row}");
        assert!(["[documented]", "[reported]", "[assumed]"].iter().any(|mark| row.contains(mark)), "without evidence: {row}");
    }
    for one in Unconfirmed::ALL {
        let message = one.message();
        let (_, what) = message.split_once(": ").expect("a sentence");
        assert!(rows.iter().any(|row| row.starts_with(&format!("| {what} |"))), "no row says: {what}");
    }
    for question in Question::ALL {
        assert!(rows.iter().any(|row| row.contains(&format!("“{}”", question.title()))), "no row names {question:?}");
    }
    let listing = FaultKind::listing();
    let (_, switches) = listing.split_once("Switches of the contract").expect("the switches");
    let names = switches.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    for name in names {
        assert!(CASES.iter().any(|case| case.switch.split('=').next() == Some(name)), "`{name}` is not tried");
    }
    for case in CASES {
        let (name, _) = case.switch.split_once('=').expect("a rate");
        assert!(rows.iter().any(|row| row.contains(&format!("`{name}`"))), "no row names `{name}`");
    }
}
