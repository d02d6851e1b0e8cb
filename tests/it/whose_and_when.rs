//! Whose clock and whose data: what a load does where this machine's clock is wrong, a key is another bot's, and lists do not tell everything.

use chrono::{DateTime, TimeDelta, Utc};
use predicates::str::contains;
use relato::{
    domain::report_data::CompletenessState,
    ingest::{IngestError, IngestRequest, LOADED_UNTIL},
};

use crate::support::{Sandbox, differences, everything, now, one_line, serve, settings, with_router_roles, world};

fn number(sandbox: &Sandbox, sql: &str) -> i64 {
    sandbox.store().connection().query_row(sql, [], |row| row.get(0)).expect("a number")
}

fn at(now: DateTime<Utc>) -> IngestRequest {
    IngestRequest { now, ..everything() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_not_blips_is_refused_before_anything_is_written() {
    let server = serve(&world(41, 60), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    for wrong in [TimeDelta::minutes(6), TimeDelta::days(6), TimeDelta::days(-31)] {
        match sandbox.load_by_own_clock(at(now() + wrong)).await {
            Err(IngestError::Clock { here, blip, .. }) => assert_eq!((here, (blip - now()).num_minutes()), (now() + wrong, 0)),
            other => panic!("{wrong}: {other:?}"),
        }
        assert!(sandbox.data_files().is_empty());
    }
    let mut command = assert_cmd::Command::cargo_bin("relato").expect("the binary");
    command.args(["--now", "2026-12-24T15:00:00Z", "--project"]).arg(sandbox.dir()).arg("ingest").env("NO_COLOR", "1");
    let refused = command.assert().code(4);
    let said = one_line(&refused.get_output().stderr);
    assert!(said.contains("this machine's clock says 2026-12-24T15:00:00Z, Blip's says 2026-11-24T1"), "{said}");
    assert!(said.contains("nothing was read or written"), "{said}");
    // Within five minutes the earlier clock decides.
    let (_, published) = sandbox.load_by_own_clock(at(now() + TimeDelta::minutes(4))).await.expect("a load");
    let until = published.manifest.loaded_until.expect("a whole load");
    assert!(until < now() + TimeDelta::minutes(1), "{until}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_date_no_day_is_over_and_that_is_reported() {
    let server = serve(&world(42, 60), &["no-date=1"]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (summary, published) = sandbox.load(everything()).await;
    assert!(summary.warnings.is_untimed && !summary.warnings.is_empty());
    assert_eq!(published.manifest.loaded_until, None);
    assert_eq!(number(&sandbox, "SELECT count(*) FROM raw.coverage WHERE is_settled OR day_was_over"), 0);
    assert_eq!(sandbox.report("2026-10", None).completeness.state, CompletenessState::Incomplete);
    sandbox.relato(&["ingest"]).assert().code(3).stdout(contains("No date: "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_that_a_clock_ahead_of_blips_has_settled_are_read_again() {
    let world = world(43, 200);
    let server = serve(&world, &[]).await;
    let calm = Sandbox::new(&server.base_url);
    let calm = calm.load(everything()).await.1.manifest;
    let sandbox = Sandbox::new(&server.base_url);
    let late = "2026-11-10T03:00:00Z".parse::<DateTime<Utc>>().unwrap();
    server.change(|world| world.forgotten = world.tickets.iter().filter(|one| one.created_at >= late).map(|one| one.id).collect());
    sandbox.load(everything()).await;
    server.change(|world| world.forgotten.clear());
    // What an earlier version left that ran a month ahead: days settled before their tickets were there.
    let store = sandbox.store();
    store
        .connection()
        .execute_batch("UPDATE raw.coverage SET is_settled = TRUE, day_was_over = TRUE WHERE day >= DATE '2026-11-10'")
        .unwrap();
    store.set_mark(LOADED_UNTIL, "2026-12-24T15:00:00+00:00").unwrap();
    drop(store);
    let (summary, _) = sandbox.load(everything()).await;
    assert_eq!(summary.warnings.ahead, Some(now() + TimeDelta::days(30)));
    assert!(!summary.warnings.is_empty());
    let (summary, published) = sandbox.load(everything()).await;
    assert_eq!(summary.warnings.ahead, None);
    assert_eq!(differences(&published.manifest, &calm), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_tickets_that_only_the_history_lists_are_found_where_nothing_ended_lately() {
    let mut world = (*world(44, 200)).clone();
    // Nothing happened for eight days: holidays.
    let quiet = now() - TimeDelta::days(8);
    world.forgotten = world
        .tickets
        .iter()
        .filter(|one| one.created_at >= quiet || one.closed_at.is_some_and(|at| at >= quiet))
        .map(|one| one.id)
        .collect();
    let kept = world.tickets.len() - world.forgotten.len();
    let world = std::sync::Arc::new(world);
    for switches in [&["ended-in-history=1"][..], &[]] {
        let server = serve(&world, switches).await;
        let sandbox = Sandbox::new(&server.base_url);
        sandbox.load(everything()).await;
        assert_eq!(usize::try_from(number(&sandbox, "SELECT count(*) FROM state.ticket")).unwrap(), kept, "{switches:?}");
    }
}

const CLOSED: &str = "SELECT count(*) FROM marts.ticket WHERE outcome NOT IN ('transferred', 'gone', 'pending')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_blip_does_not_know_any_more_leaves_the_backlog_and_stays() {
    let mut world = (*world(45, 300)).clone();
    // One is open for weeks: its day is settled, and not read again.
    let old = world.tickets.iter().position(|ticket| ticket.status == "ClosedAttendant").expect("a ticket");
    (world.tickets[old].status, world.tickets[old].closed_at) = ("Open", None);
    let world = std::sync::Arc::new(world);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let before = number(&sandbox, CLOSED);
    let open: Vec<_> = world.tickets.iter().filter(|one| !one.is_closed()).map(|one| one.id).collect();
    let ended: Vec<_> = world.tickets.iter().filter(|one| one.is_closed()).rev().take(3).map(|one| one.id).collect();
    assert!(!open.is_empty());
    server.change(|world| world.forgotten = open.iter().chain(&ended).copied().collect());
    let (summary, _) = sandbox.load(IngestRequest { full: true, ..everything() }).await;
    assert_eq!((summary.warnings.gone, summary.warnings.unlisted), (open.len(), open.len() + ended.len()));
    assert!(!summary.warnings.is_empty());
    assert_eq!(number(&sandbox, "SELECT count(*) FROM state.ticket"), i64::try_from(world.tickets.len()).unwrap());
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.ticket WHERE outcome = 'gone'"), i64::try_from(open.len()).unwrap());
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.ticket WHERE outcome = 'pending'"), 0);
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.conversation WHERE ended_at IS NULL"), 0);
    // They close nothing: what was closed is what it was.
    let after = number(&sandbox, CLOSED);
    assert!(after > 0 && after == before, "{after} and {before}");
    // Once told, and not again.
    let (summary, _) = sandbox.load(everything()).await;
    assert_eq!(summary.warnings.gone, 0);

    // What Blip knows again is a ticket as before, without being asked for all of them.
    server.change(|world| world.forgotten.clear());
    let (summary, _) = sandbox.load(everything()).await;
    assert_eq!((summary.warnings.gone, summary.warnings.unlisted), (0, 0));
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.ticket WHERE outcome = 'gone'"), 0);
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.ticket WHERE outcome = 'pending'"), i64::try_from(open.len()).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_write_to_the_desks_bot_itself_have_their_threads_read_with_its_key() {
    let mut world = (*world(46, 300)).clone();
    for place in 0..world.customers.len() {
        world.customers[place].identity = world.channel_identity(place);
    }
    let server = serve(&std::sync::Arc::new(world), &["retention=1", "desk-surveys=1"]).await;
    let own = settings(&server.base_url).replacen("[\"desk\"]", "[\"desk\", \"events\"]", 1);
    let sandbox = Sandbox::with_settings(&own);
    let (summary, _) = sandbox.load(everything()).await;
    assert_eq!(summary.warnings.need_router_key, 0);
    let old = "FROM marts.ticket WHERE created_at BETWEEN TIMESTAMP '2026-09-01' AND TIMESTAMP '2026-10-20'";
    let here = number(&sandbox, &format!("SELECT count(*) {old} AND messages = 'here'"));
    assert!(here > 0 && here == number(&sandbox, &format!("SELECT count(*) {old}")), "{here}");
    // Behind a router the desk's key reads none of them.
    let server = serve(&crate::support::world(46, 300), &["retention=1"]).await;
    let sandbox = Sandbox::new(&server.base_url);
    assert!(sandbox.load(everything()).await.0.warnings.need_router_key > 0);
    let sandbox = Sandbox::with_settings(&with_router_roles(&settings(&server.base_url), "\"channel\"", ""));
    assert_eq!(sandbox.load(everything()).await.0.warnings.need_router_key, 0);
}

/// Returns a key of another bot, in the form of Blip's.
fn key_of(bot: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(format!("{bot}:a secret"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_bot_under_a_known_name_is_refused() {
    let server = serve(&world(47, 60), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let before = sandbox.data_files();
    sandbox.write("keys/router.key", &key_of("outrorouter"));
    let refused = sandbox.try_load(everything()).await;
    assert!(
        matches!(&refused, Err(IngestError::OtherBot { key, found, known }) if (key.as_str(), found.as_str(), known.as_str()) == ("router", "outrorouter", "exemplorouter")),
        "{refused:?}"
    );
    assert_eq!(sandbox.data_files().len(), before.len());
    sandbox.relato(&["ingest"]).assert().code(4).stderr(contains("outrorouter"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_renamed_goes_on_with_what_it_has_read() {
    let server = serve(&world(47, 120), &[]).await;
    let calm = Sandbox::new(&server.base_url);
    calm.load(everything()).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let text = settings(&server.base_url);
    sandbox.write("relato.toml", &text.replace("name = \"desk\"", "name = \"mesa\""));
    sandbox.load(everything()).await;
    let figures = |sandbox: &Sandbox| serde_json::to_value(&sandbox.report("2026-10", None).blocks).expect("figures");
    assert_eq!(figures(&sandbox), figures(&calm));
    let by_key = "SELECT string_agg(DISTINCT key_name, ' ' ORDER BY key_name) FROM raw.coverage";
    let keys: String = sandbox.store().connection().query_row(by_key, [], |row| row.get(0)).expect("names");
    assert_eq!(keys, "mesa router");
    // And back again.
    sandbox.write("relato.toml", &text);
    sandbox.load(everything()).await;
    assert_eq!(number(&sandbox, "SELECT count(*) FROM raw.report WHERE key_name = 'mesa'"), 0);
    assert_eq!(number(&sandbox, "SELECT count(*) FROM raw.mark WHERE name LIKE '%:mesa%'"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keys_of_one_bot_are_refused() {
    let server = serve(&world(47, 60), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.write("keys/router.key", &relato::sim::Keys::new().desk);
    sandbox.relato(&["ingest"]).assert().code(4).stderr(contains("are both of bot `exemplodesk`"));
    assert!(sandbox.data_files().is_empty());
    sandbox.relato(&["check"]).assert().code(4).stdout(contains("Keys `desk` and `router` are both of bot `exemplodesk`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_of_another_bot_are_named_and_a_command_removes_them() {
    let world = world(48, 200);
    let server = serve(&world, &[]).await;
    let calm = Sandbox::new(&server.base_url).load(everything()).await.1.manifest;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    // What an earlier version loaded with another bot's key, in days that count as settled.
    let store = sandbox.store();
    store
        .connection()
        .execute_batch(
            "UPDATE state.ticket SET owner = 'outrodesk@msging.net' WHERE created_at < TIMESTAMP '2026-10-01';
             UPDATE raw.thread SET owner = 'outrodesk@msging.net'
             WHERE customer_key IN (SELECT customer_key FROM state.ticket WHERE owner = 'outrodesk@msging.net')
                 AND customer_key NOT IN (SELECT customer_key FROM state.ticket WHERE owner <> 'outrodesk@msging.net');
             UPDATE raw.ticket SET body = replace(body, 'exemplodesk@msging.net', 'outrodesk@msging.net')
             WHERE ticket_id IN (SELECT ticket_id FROM state.ticket WHERE owner = 'outrodesk@msging.net')",
        )
        .unwrap();
    let foreign: i64 = store
        .connection()
        .query_row("SELECT count(*) FROM state.ticket WHERE owner = 'outrodesk@msging.net'", [], |row| row.get(0))
        .unwrap();
    drop(store);
    let (summary, _) = sandbox.load(everything()).await;
    assert_eq!(summary.warnings.foreign.iter().map(|one| one.tickets).collect::<Vec<_>>(), [foreign]);
    // The days are read again by themselves; whose tickets go is for a person to say.
    let read = number(&sandbox, "SELECT count(*) FROM raw.mark WHERE name = 'bot_reopened:desk'");
    assert_eq!(read, 1);
    sandbox.relato(&["bot", "list"]).assert().code(3).stdout(contains(format!("desk: {foreign} tickets of bot outrodesk@msging.net")));
    sandbox.relato(&["bot", "remove", "outrodesk@msging.net"]).assert().code(0).stdout(contains("Nothing was removed"));
    sandbox.relato(&["bot", "remove", "exemplodesk@msging.net", "--yes"]).assert().code(2);
    sandbox
        .relato(&["bot", "remove", "outrodesk@msging.net", "--yes"])
        .assert()
        .code(0)
        .stdout(contains(format!("Removed {foreign} tickets")));
    assert_eq!(number(&sandbox, "SELECT count(*) FROM raw.ticket WHERE contains(body, 'outrodesk')"), 0);
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.ticket WHERE owner = 'outrodesk@msging.net'"), 0);
    let (summary, published) = sandbox.load(everything()).await;
    assert!(summary.warnings.foreign.is_empty());
    assert_eq!(differences(&published.manifest, &calm), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_period_of_which_blips_own_reports_have_more_is_not_closed() {
    let mut world = (*world(49, 200)).clone();
    let is_in_october = |at: DateTime<Utc>| at.to_rfc3339().starts_with("2026-10-1");
    world.forgotten = world.tickets.iter().filter(|one| one.closed_at.is_some_and(is_in_october)).take(2).map(|one| one.id).collect();
    let server = serve(&std::sync::Arc::new(world), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let completeness = sandbox.report("2026-10", None).completeness;
    assert_eq!(completeness.state, CompletenessState::Incomplete);
    assert!(completeness.sentence.starts_with("Incompleto: os relatórios da própria Blip têm 2 tickets"), "{}", completeness.sentence);
    assert_eq!(sandbox.report("2026-09", None).completeness.state, CompletenessState::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_load_that_breaks_off_is_finished_by_the_next() {
    let world = world(50, 150);
    let server = serve(&world, &[]).await;
    let calm = Sandbox::new(&server.base_url);
    let whole = calm.load(IngestRequest { from: None, ..everything() }).await.1.manifest;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(IngestRequest { from: None, ..everything() }).await;
    // As if it had been stopped after the newest months: those come first.
    sandbox
        .store()
        .connection()
        .execute_batch(
            "INSERT INTO state.changed_customer SELECT customer_key FROM state.ticket WHERE created_at < TIMESTAMP '2026-10-01';
             DELETE FROM raw.coverage WHERE day < DATE '2026-10-01'",
        )
        .unwrap();
    let (summary, published) = sandbox.load(IngestRequest { from: None, ..everything() }).await;
    assert!(summary.ticket_days > 30, "{}", summary.ticket_days);
    assert_eq!(differences(&published.manifest, &whole), Vec::<String>::new());
    // A project that was told where to begin does not go further back.
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(IngestRequest { from: Some("2026-11-01".parse().unwrap()), ..everything() }).await;
    let (summary, _) = sandbox.load(IngestRequest { from: None, ..everything() }).await;
    assert!(summary.ticket_days < 10, "{}", summary.ticket_days);
}
