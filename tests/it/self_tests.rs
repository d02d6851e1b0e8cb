//! What a contract is asked to find out how it reads dates, filters and totals: few commands, and once.

use std::sync::Arc;

use relato::{
    blip::Client,
    ingest::contract::{self, Contract, MOST_COMMANDS, Question, Scope},
    sim::{SURVEY_CATEGORY, World, WorldSpec},
};

use crate::support::{Sandbox, everything, impatient, now, serve, world, zone};

/// Everything that a key with all roles can be asked.
const ALL: Scope<'static> = Scope { has_desk: true, category: Some(SURVEY_CATEGORY), is_thorough: true };

/// A world of two tickets a day over some months.
fn long(months: u32) -> Arc<World> {
    let tickets = usize::try_from(months * 60).expect("a count");
    Arc::new(World::draw(&WorldSpec { seed: 96, tickets, months, now: now() }, zone()))
}

/// Contracts: months of history, switches, what is found of the oldest ticket and of reports.
const CONTRACTS: [(u32, &[&str], &str, &str); 4] = [
    (5, &["desk-surveys=1"], "2025-10-01", "beyond"),
    (5, &["desk-surveys=1", "short-reports=1", "exclusive-end=1"], "2025-10-01", "90 days"),
    (30, &["desk-surveys=1", "no-lt=1", "exclusive-end=1", "no-transcription=1"], "2024-06-01", "beyond"),
    (30, &["desk-surveys=1", "ended-in-history=1", "no-lt=1", "exclusive-end=1"], "2024-06-01", "beyond"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_about_a_key_is_found_out_with_few_commands_and_never_again() {
    for (months, switches, oldest, reports) in CONTRACTS {
        let world = long(months);
        let server = serve(&world, switches).await;
        let client = Client::new("desk", &server.base_url, &server.keys.desk.clone().into(), impatient()).expect("a client");
        let found = contract::find_out(&client, ALL, Contract::default(), now()).await.expect("answers");
        assert_eq!(usize::try_from(server.command_count()).ok(), Some(found.commands), "{switches:?}");
        assert!(found.commands <= MOST_COMMANDS, "{switches:?}: {} commands", found.commands);
        println!("{months} {switches:?} {found:?}");
        let answer = |question| found.answer(question).unwrap_or_default();
        assert_eq!((answer(Question::TicketsReach), answer(Question::ReportsReach)), (oldest, reports), "{switches:?}");
        let end = if switches.contains(&"exclusive-end=1") { "exclusive" } else { "inclusive" };
        assert_eq!((answer(Question::ReportsEnd), answer(Question::EventsEnd)), (end, end), "{switches:?}");
        assert_eq!(answer(Question::UpperBound), if switches.contains(&"no-lt=1") { "le" } else { "lt" });
        // What is known is not asked again; what was tried with all commands can be.
        let open = Question::ALL.into_iter().filter(|question| found.answer(*question).is_none()).count();
        let before = server.command_count();
        let again = contract::find_out(&client, Scope { is_thorough: false, ..ALL }, found.clone(), now()).await.expect("answers");
        assert_eq!((server.command_count() - before, again.commands), (0, 0), "{switches:?}: {open} questions are open");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_whose_page_holds_a_few_hours_is_found_out_too() {
    let world = Arc::new(World::draw(&WorldSpec { seed: 98, tickets: 20_000, months: 2, now: now() }, zone()));
    for (switches, end) in
        [(&["oldest-first=1"][..], "inclusive"), (&[][..], "inclusive"), (&["exclusive-end=1", "ended-in-history=1"][..], "exclusive")]
    {
        let server = serve(&world, switches).await;
        let client = Client::new("desk", &server.base_url, &server.keys.desk.clone().into(), impatient()).expect("a client");
        let scope = Scope { category: None, ..ALL };
        let found = contract::find_out(&client, scope, Contract::default(), now()).await.expect("answers");
        assert_eq!(found.answer(Question::ReportsEnd), Some(end), "{switches:?}: {found:?}");
        assert!(found.commands <= MOST_COMMANDS, "{switches:?}: {} commands", found.commands);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_load_asks_each_key_once_and_later_loads_ask_nothing() {
    let world = world(97, 300);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (first, _) = sandbox.load(everything()).await;
    let keys: Vec<&str> = first.contracts.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["desk", "router"]);
    assert!(first.contracts.iter().all(|(_, contract)| (1..=MOST_COMMANDS).contains(&contract.commands)), "{:?}", first.contracts);
    let mut counts = Vec::new();
    for _ in 0..2 {
        let before = server.command_count();
        let (later, _) = sandbox.load(everything()).await;
        assert!(later.contracts.is_empty(), "{:?}", later.contracts);
        counts.push(server.command_count() - before);
    }
    assert_eq!(counts[0], counts[1], "nothing but what can have changed is asked for");
    // The answers are the database's: `relato check` repeats them without asking.
    sandbox.relato(&["check"]).assert().stdout(predicates::str::contains("as it was found out before:"));
}
