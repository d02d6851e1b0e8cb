//! What a collector must survive: faults of every kind, a second collector, a kill at any moment, a full disk.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use proptest::test_runner::{Config, TestRunner};
use relato::{
    ingest::{IngestError, IngestRequest},
    sim::{SimOptions, World},
    snapshot::{Catalog, Manifest},
};

use crate::support::{Sandbox, damaged, differences, digests, everything, now, serve, serve_with, settings, with_router_roles, world};

/// Every fault that strikes commands, thirty per cent in all.
const STORM: [&str; 11] = [
    "failure=0.05",
    "server-error=0.03",
    "timeout=0.03",
    "reset=0.03",
    "truncate=0.03",
    "html=0.03",
    "throttle=0.005",
    "empty=0.02",
    "repeat-page=0.025",
    "shift-page=0.025",
    "no-total=0.025",
];

fn storm(seed: u64) -> SimOptions {
    let faults = STORM.iter().map(|fault| fault.parse().expect("a fault")).collect();
    SimOptions { faults, fault_seed: seed, throttle: Duration::from_millis(30), ..SimOptions::default() }
}

fn customers(world: &World) -> BTreeSet<usize> {
    world.tickets.iter().map(|ticket| ticket.customer).collect()
}

#[test]
fn thirty_per_cent_of_faults_end_complete_or_partial_and_never_wrong() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let world = world(31, 250);
    let calm = runtime.block_on(async {
        let server = serve(&world, &[]).await;
        let sandbox = Sandbox::new(&server.base_url);
        sandbox.load(everything()).await.1.manifest
    });
    let partial_runs = std::cell::Cell::new(0);
    // `make soak` asks for more.
    let cases = std::env::var("RELATO_SOAK_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&(0_u64..1_000_000), |seed| {
            runtime.block_on(async {
                let server = serve_with(&world, storm(seed)).await;
                let sandbox = Sandbox::new(&server.base_url);
                for attempt in 0..12 {
                    match sandbox.try_load(everything()).await {
                        Ok((summary, published)) if summary.warnings.gaps.is_empty() && summary.warnings.alarms.is_empty() => {
                            assert_eq!(differences(&published.manifest, &calm), Vec::<String>::new(), "seed {seed}, attempt {attempt}");
                            return;
                        }
                        // What is there is labelled as not all, and the next run goes on.
                        Ok(_) => partial_runs.set(partial_runs.get() + 1),
                        Err(IngestError::Blip(_) | IngestError::SeesNoDesk { .. }) => {}
                        Err(other) => panic!("seed {seed}: {other:?}"),
                    }
                }
                panic!("seed {seed}: not complete after twelve runs");
            });
            Ok(())
        })
        .expect("every seed ends with the same tables");
    println!("{} runs ended with a partial state first", partial_runs.get());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_behind_an_extension_that_fail_for_a_while_change_nothing() {
    let world = world(47, 300);
    let (calm, rough) = (serve(&world, &[]).await, serve(&world, &["backend=0.1"]).await);
    let (one, other) = (Sandbox::new(&calm.base_url), Sandbox::new(&rough.base_url));
    let (_, expected) = one.load(everything()).await;
    let (summary, published) = other.load(everything()).await;
    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
    assert_eq!(differences(&published.manifest, &expected.manifest), Vec::<String>::new());
    let repeated = rough.command_count() - calm.command_count();
    assert!(repeated > calm.command_count() / 20, "{repeated} commands were repeated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_behind_an_extension_is_named_and_read_by_a_later_load() {
    let world = world(48, 300);
    let calm = serve(&world, &[]).await;
    let undisturbed = Sandbox::new(&calm.base_url);
    let (_, expected) = undisturbed.load(everything()).await;
    // Some seeds strike a command without which a load is of no use; one that strikes others is soon found.
    for fault_seed in 0..50 {
        let faults = vec!["backend-missing=0.01".parse().expect("a fault")];
        let server = serve_with(&world, SimOptions { faults, fault_seed, ..SimOptions::default() }).await;
        let sandbox = Sandbox::new(&server.base_url);
        let Ok((summary, _)) = sandbox.try_load(everything()).await else { continue };
        let gaps = &summary.warnings.gaps;
        if gaps.is_empty() {
            continue;
        }
        for gap in gaps {
            assert!(gap.reason.contains("404 (Not Found)") && gap.reason.contains("code 2105"), "{gap:?}");
            assert!(gap.what.contains("20") || gap.what.contains("ticket"), "a day or a ticket: {gap:?}");
        }
        assert!(!summary.warnings.not_offered.iter().any(|path| path == "/tickets"), "{:?}", summary.warnings.not_offered);
        sandbox.write("relato.toml", &settings(&calm.base_url));
        let (later, published) = sandbox.load(everything()).await;
        assert!(later.warnings.is_empty(), "{:?}", later.warnings);
        assert_eq!(differences(&published.manifest, &expected.manifest), Vec::<String>::new());
        return;
    }
    panic!("no seed struck a day or a ticket");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_oddity_of_records_is_taken_for_what_it_is() {
    let world = world(32, 600);
    let oddities = [
        "item-type=0.1",
        "empty-not-found=0.5",
        "unknown-status=0.02",
        "bad-record=0.02",
        "extra-field=0.3",
        "decoded-identity=0.5",
        "skew=0.05",
    ];
    let server = serve(&world, &oddities).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (summary, _) = sandbox.load(everything()).await;
    let warnings = &summary.warnings;
    assert!(warnings.gaps.is_empty(), "{:?}", warnings.gaps);
    // Nothing is lost: what is not among the tickets is set aside and counted.
    let total = i64::try_from(world.tickets.len()).expect("a count");
    assert_eq!(summary.marts.tickets + summary.marts.quarantined, total);
    assert!(summary.marts.quarantined >= total / 50, "{}", summary.marts.quarantined);
    assert_eq!(warnings.set_aside, summary.marts.quarantined);
    let fields: Vec<_> = warnings.unknown_fields.iter().map(|(kind, field, _)| format!("{kind}.{field}")).collect();
    assert_eq!(fields, ["ticket.sentimentScore"]);
    let store = sandbox.store();
    let agents: i64 = store.connection().query_row("SELECT count(*) FROM marts.agent", [], |row| row.get(0)).expect("a count");
    assert_eq!(usize::try_from(agents).expect("a count"), world.attendants.len(), "both forms of an identity are one person");
    let skewed: i64 =
        store.connection().query_row("SELECT count(*) FROM marts.ticket WHERE queue_wait_rejected", [], |row| row.get(0)).expect("a count");
    assert!(skewed > 0, "a wait that cannot be is kept apart");
    let backwards: i64 = store
        .connection()
        .query_row("SELECT count(*) FROM marts.conversation WHERE ended_at < started_at AND resolution_s IS NULL", [], |row| row.get(0))
        .expect("a count");
    assert!(backwards > 0, "an end that cannot be takes no time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_tickets_are_found_where_the_contract_lists_them() {
    let world = world(33, 400);
    let (usual, other) = (serve(&world, &[]).await, serve(&world, &["ended-in-history=1"]).await);
    let (one, two) = (Sandbox::new(&usual.base_url), Sandbox::new(&other.base_url));
    let (_, expected) = one.load(everything()).await;
    let (_, found) = two.load(everything()).await;
    assert!(expected.manifest.tables["ticket"] == found.manifest.tables["ticket"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_this_contract_does_not_offer_is_said_and_stops_nothing() {
    let world = world(34, 200);
    let server = serve(&world, &["no-reports=1"]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (summary, _) = sandbox.load(everything()).await;
    assert!(summary.warnings.gaps.is_empty());
    assert!(summary.warnings.not_offered.contains(&"/analytics/reports/tickets".to_owned()), "{:?}", summary.warnings.not_offered);
    assert_eq!(usize::try_from(summary.marts.tickets).expect("a count"), world.tickets.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_answers_arrive_with_a_later_run() {
    let world = world(35, 800);
    let server = serve(&world, &["late-event=0.5"]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (first, _) = sandbox.load(everything()).await;
    assert!(first.written.events < world.events.len(), "some answers are late");
    drop(server);
    let later = now() + chrono::TimeDelta::days(3);
    let mut grown = World::clone(&world);
    grown.now = later;
    let server = serve(&Arc::new(grown), &["late-event=0.5"]).await;
    sandbox.write("relato.toml", &settings(&server.base_url));
    let (second, _) = sandbox.load(IngestRequest { now: later, ..everything() }).await;
    assert_eq!(first.written.events + second.written.events, world.events.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_older_than_a_month_come_from_threads_with_the_routers_key() {
    let world = world(36, 500);
    let server = serve(&world, &["retention=1"]).await;
    let with_router = with_router_roles(&settings(&server.base_url), "\"channel\"", "");
    let sources = |sandbox: &Sandbox| -> std::collections::BTreeMap<String, i64> {
        let store = sandbox.store();
        let mut statement = store.connection().prepare("SELECT source, count(*) FROM raw.message_read GROUP BY source").expect("a query");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let sandbox = Sandbox::new(&server.base_url);
    let (summary, _) = sandbox.load(everything()).await;
    let without = sources(&sandbox);
    assert!(without["ticket"] > 0 && without["no_key"] > 0 && !without.contains_key("thread"), "{without:?}");
    assert_eq!(summary.warnings.need_router_key, without["no_key"]);
    // The router's key, once it has the role, fetches what the desk's could not.
    sandbox.write("relato.toml", &with_router);
    sandbox.load(everything()).await;
    let with = sources(&sandbox);
    assert_eq!(with["thread"], without["no_key"], "{with:?}");
    assert_eq!(with["ticket"], without["ticket"]);
    // Both ways lead to what a contract that forgets nothing gives.
    let calm = serve(&world, &[]).await;
    let other = Sandbox::new(&calm.base_url);
    let (_, everything_kept) = other.load(everything()).await;
    let (_, published) = sandbox.load(everything()).await;
    let different = differences(&everything_kept.manifest, &published.manifest);
    // The router's key tells of the channels, too.
    assert!(different.iter().all(|part| part.starts_with("quality") || part.starts_with("channel_state")), "{different:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_keeps_to_its_throughput() {
    let world = world(37, 400);
    let options = SimOptions { commands_per_second: Some(150), ..SimOptions::default() };
    let server = serve_with(&world, options).await;
    let limited = settings(&server.base_url).replace("commands_per_second = 50000", "commands_per_second = 150");
    let sandbox = Sandbox::with_settings(&limited);
    sandbox.load(everything()).await;
    assert!(server.command_count() > 2 * 150, "{} commands are enough to exceed it", server.command_count());
    assert_eq!(server.throttled_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_comes_ends_by_time_out() {
    let world = world(38, 60);
    let server = serve(&world, &["hang=0.01"]).await;
    let short = settings(&server.base_url).replace("commands_per_second = 50000", "commands_per_second = 50000\ntimeout_s = 1");
    let sandbox = Sandbox::with_settings(&short);
    let (summary, _) = sandbox.load(everything()).await;
    assert!(summary.warnings.gaps.is_empty());
    assert_eq!(usize::try_from(summary.marts.tickets).expect("a count"), world.tickets.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_without_tickets_where_some_are_usual_is_an_alarm() {
    let world = world(39, 4_000);
    let mut quiet = World::clone(&world);
    // A Wednesday, six days before the tests' present.
    let silent: chrono::NaiveDate = "2026-11-18".parse().expect("a day");
    quiet.retain_tickets(|ticket| crate::support::zone().day(ticket.created_at) != silent);
    let server = serve(&Arc::new(quiet), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox
        .relato(&["ingest", "--from", "2026-08-25"])
        .assert()
        .code(3)
        .stdout(contains("no ticket at all on 2026-11-18").and(contains("are usual")));
    // It is remembered with the data, and told when asked.
    sandbox.relato(&["status"]).assert().code(3).stdout(contains("2026-11-18"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_made_again_from_what_is_stored_are_the_same() {
    let world = world(40, 500);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (_, published) = sandbox.load(IngestRequest { to: "2026-10-20".parse().ok(), ..everything() }).await;
    assert!(published.is_new);
    let (_, published) = sandbox.load(everything()).await;
    drop(server);
    // No Blip is there any more.
    sandbox.relato(&["ingest", "--rebuild"]).assert().success().stdout(contains("Nothing changed").and(contains(published.manifest.id)));
    for by in [&["--workers", "3"][..], &["--months", "2026-09..2026-10", "--workers", "2"], &["--months", "2026-10"]] {
        let arguments = [&["rebuild"][..], by].concat();
        sandbox.relato(&arguments).assert().success().stdout(contains("Nothing changed"));
    }
    sandbox.relato(&["rebuild", "--months", "2026-13"]).assert().code(2).stderr(contains("is not a month (accepted: YYYY-MM)"));
    sandbox.relato(&["rebuild", "--months", "2026-10..2026-09"]).assert().code(2).stderr(contains("ends before it begins"));
    // What was made customer by customer, by several workers at once, is what one statement over everything gives.
    let store = sandbox.store();
    let by_customer = digests(&store);
    store.make_all_tables(&sandbox.project().query_texts().expect("queries")).expect("tables");
    assert_eq!(by_customer, digests(&store));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pseudonyms_of_two_keys_are_never_mixed() {
    let world = world(41, 60);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    sandbox.write("keys/pseudonym.key", "another secret");
    sandbox.relato(&["ingest"]).assert().code(4).stderr(contains("pseudonyms").and(contains("put the earlier key back")));
    std::fs::remove_file(sandbox.dir().join("keys/pseudonym.key")).expect("the key");
    sandbox.relato(&["ingest"]).assert().code(2).stderr(contains("pseudonym.key").and(contains("missing or empty")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_collector_is_told_who_is_at_work() {
    let world = world(42, 60);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let held = sandbox.store();
    let commands = server.command_count();
    sandbox.relato(&["ingest"]).assert().code(4).stderr(contains("`a test` (process").and(contains("since 2026-11-24")));
    assert_eq!(server.command_count(), commands, "nothing was asked");
    drop(held);
    sandbox.relato(&["ingest"]).assert().success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_or_newer_database_is_told_and_left_alone() {
    let world = world(43, 60);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let file = sandbox.project().store_file();
    sandbox.store().connection().execute_batch("INSERT INTO main.schema_step VALUES (99)").expect("a later step");
    let before = std::fs::read(&file).expect("the database");
    sandbox.relato(&["ingest"]).assert().code(1).stderr(contains("schema").and(contains("use a newer Relato")));
    assert!(std::fs::read(&file).expect("the database") == before);
    std::fs::write(&file, b"this is no database, however long the text is made to be ".repeat(300)).expect("a file");
    let garbage = std::fs::read(&file).expect("the file");
    sandbox.relato(&["ingest"]).assert().code(1).stderr(contains("is damaged").and(contains("backup")));
    assert!(std::fs::read(&file).expect("the file") == garbage, "nothing is overwritten");
    sandbox.relato(&["snapshot", "verify"]).assert().success();
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    // Nobody, not even root, makes folders there.
    let text = settings("http://127.0.0.1:9") + "[storage]\ndir = \"/proc/relato\"\n";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let world = world(44, 30);
        let server = serve(&world, &[]).await;
        let sandbox = Sandbox::with_settings(&text.replace("http://127.0.0.1:9", &server.base_url));
        sandbox.relato(&["ingest"]).assert().code(1).stderr(contains("/proc/relato").and(contains("storage.dir")));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_the_next_run_goes_on() {
    let world = world(45, 600);
    let server = serve(&world, &[]).await;
    let (full, roomy) = (Sandbox::new(&server.base_url), Sandbox::new(&server.base_url));
    // Files of at most 1 MiB are what a disk with no more room looks like to the database.
    let binary = assert_cmd::cargo::cargo_bin("relato");
    let script = format!(
        "ulimit -f 1024; trap '' XFSZ; exec '{}' --now {} --project '{}' ingest --from 2026-08-25",
        binary.display(),
        crate::support::NOW,
        full.dir().display()
    );
    let output = tokio::task::spawn_blocking(move || Command::new("bash").args(["-c", &script]).env("NO_COLOR", "1").output())
        .await
        .expect("a task")
        .expect("bash");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("no room left") && told.contains("make room"), "{told}");
    let (_, published) = full.load(everything()).await;
    let (_, undisturbed) = roomy.load(everything()).await;
    assert_eq!(differences(&published.manifest, &undisturbed.manifest), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    // `make soak` asks for hundreds, over one load that is long enough for them.
    let kills: u64 = std::env::var("RELATO_SOAK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let world = world(46, if kills > 50 { 12_000 } else { 400 });
    let server = serve(&world, &[]).await;
    let calm = Sandbox::new(&server.base_url);
    let (_, expected) = calm.load(everything()).await;
    let mut killed = Sandbox::new(&server.base_url);
    let (mut done, mut attempt, mut loads) = (0, 0_u64, 1);
    while done < kills {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("relato"))
            .args(["--now", crate::support::NOW, "--project"])
            .arg(killed.dir())
            .args(["ingest", "--from", "2026-08-25"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary");
        attempt += 1;
        let moment = 40 + attempt.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 1_600;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        let has_ended = child.try_wait().expect("a status").is_some();
        child.kill().expect("a kill");
        child.wait().expect("an end");
        // Whoever reads meanwhile finds a whole snapshot or none.
        if let Ok(snapshot) = relato::snapshot::Snapshot::open(&Catalog::at(&killed.project().snapshot_dir()), None) {
            assert_eq!(damaged(&snapshot), Vec::<String>::new());
        }
        if has_ended && done < kills {
            same_as_undisturbed(&killed, &calm, &expected.manifest, &world).await;
            killed = Sandbox::new(&server.base_url);
            loads += 1;
        } else {
            done += 1;
        }
    }
    same_as_undisturbed(&killed, &calm, &expected.manifest, &world).await;
    println!("{done} kills over {loads} loads");
}

/// Ends the load of `killed` and compares everything with that of `calm`.
async fn same_as_undisturbed(killed: &Sandbox, calm: &Sandbox, expected: &Manifest, world: &World) {
    let (summary, published) = killed.load(everything()).await;
    assert!(summary.warnings.gaps.is_empty());
    // Parts are named by their content: the same names are the same bytes.
    assert_eq!(differences(&published.manifest, expected), Vec::<String>::new());
    let stored = |sandbox: &Sandbox| -> (i64, i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM raw.ticket), (SELECT count(*) FROM raw.message), (SELECT count(*) FROM raw.event)";
        sandbox.store().connection().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("counts")
    };
    assert_eq!(stored(killed), stored(calm), "nothing twice, nothing missing");
    let messages: usize = customers(world).iter().map(|customer| world.messages_of(*customer).len()).sum();
    assert_eq!(usize::try_from(stored(killed).1).expect("a count"), messages);
    // What the kills left behind is cleared by pruning.
    killed.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    let folder = killed.project().snapshot_dir();
    let parts = published.manifest.tables.values().flat_map(|table| &table.parts).map(|part| folder.join(&part.path));
    let manifest = folder.join(format!("manifests/{}.json", published.manifest.id));
    let named: BTreeSet<_> = parts.chain([manifest, folder.join("readers/door")]).collect();
    let left: BTreeSet<_> = killed.data_files().into_iter().map(|(path, _)| path).filter(|path| path.starts_with(&folder)).collect();
    assert_eq!(left, named);
}

/// A Blip whose lists go on for ever, or whose answers do.
async fn without_end(answer: fn(skip: usize) -> String) -> (String, tokio::task::JoinHandle<()>) {
    use axum::{Router, body::Bytes, routing::post};
    let app = Router::new().route(
        "/commands",
        post(move |body: Bytes| async move {
            let command: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let uri = command["uri"].as_str().unwrap();
            let skip = uri.split("$skip=").nth(1).and_then(|rest| rest.split('&').next()?.parse().ok()).unwrap_or(0);
            format!(r#"{{"id":{},"status":"success","resource":{}}}"#, command["id"], answer(skip))
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (address, tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_and_an_answer_that_do_not_end_are_failures_and_not_waited_for() {
    use relato::blip::{BlipError, Client, ClientOptions, desk};
    let few = ClientOptions { most_pages: 20, largest_answer: 1_000_000, ..crate::support::impatient() };
    let list = |skip: usize| {
        let item = |place: usize| format!(r#"{{"id":"t{place}","storageDate":"2026-11-01T12:00:00Z"}}"#);
        format!(r#"{{"total":500,"items":[{}]}}"#, (skip..skip + 100).map(item).collect::<Vec<_>>().join(","))
    };
    let (address, server) = without_end(list).await;
    let client = Client::new("desk", &address, &"a2V5OnNlY3JldA==".into(), few).unwrap();
    let endless = desk::tickets(&client, desk::TicketList::All, now() - chrono::TimeDelta::days(1), now(), |_| ()).await;
    assert!(matches!(&endless, Err(BlipError::Endless { pages: 20, .. })), "{endless:?}");
    server.abort();

    let (address, server) = without_end(|_| format!("\"{}\"", "x".repeat(3_000_000))).await;
    let client = Client::new("desk", &address, &"a2V5OnNlY3JldA==".into(), few).unwrap();
    let large = client.ping().await;
    assert!(matches!(&large, Err(BlipError::TooLarge { limit: 1_000_000, .. })), "{large:?}");
    assert!(large.unwrap_err().to_string().contains("is larger than 1 MB"));
    server.abort();
}
