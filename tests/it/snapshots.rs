//! Published states: as of any of them, byte for byte.

use relato::{
    query::{Catalogue, Engine},
    snapshot::{Catalog, Snapshot},
    store::digest_of_checks,
};

use crate::support::{Sandbox, damaged, everything, now, serve, world};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_snapshot_gives_the_same_bytes_again() {
    let world = world(11, 500);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (_, first) = sandbox.load(everything()).await;
    let report = |out: &str| {
        let as_of = &first.manifest.id;
        let folder = sandbox.dir().join(out);
        let folder = folder.to_str().expect("a plain path").to_owned();
        sandbox
            .relato(&[
                "report",
                "atendimento-mensal",
                "--period",
                "2026-10",
                "--format",
                "xlsx,pdf,json,csv",
                "--as-of",
                as_of,
                "--out",
                &folder,
            ])
            .assert()
            .success();
        let mut files: Vec<_> = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.file_name().map(ToOwned::to_owned), std::fs::read(path).expect("a file"))).collect::<Vec<_>>()
    };
    let before = report("before");
    // A later day, and a settings change, make a new snapshot; the old one stays what it was.
    let later = now() + chrono::TimeDelta::days(1);
    let (_, second) = sandbox.load(relato::ingest::IngestRequest { now: later, ..everything() }).await;
    assert_ne!(first.manifest.id, second.manifest.id);
    let after = report("after");
    assert!(before.len() >= 10, "{}", before.len());
    assert!(before == after, "the same snapshot gives the same bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_part_is_found_and_named() {
    let world = world(12, 150);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (_, published) = sandbox.load(everything()).await;
    sandbox.relato(&["snapshot", "verify"]).assert().success();
    let folder = sandbox.project().snapshot_dir();
    let part = &published.manifest.tables["ticket"].parts[0].path;
    let mut bytes = std::fs::read(folder.join(part)).expect("the part");
    bytes[100] ^= 1;
    std::fs::write(folder.join(part), bytes).expect("a writable part");
    let output = sandbox.relato(&["snapshot", "verify"]).assert().code(1).get_output().stdout.clone();
    assert!(String::from_utf8_lossy(&output).contains(part.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_keeps_what_the_newest_needs() {
    let world = world(13, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    for day in 0..3 {
        let now = now() + chrono::TimeDelta::days(day);
        sandbox.load(relato::ingest::IngestRequest { now, ..everything() }).await;
    }
    let before = sandbox.report("2026-10", None);
    sandbox.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    let folder = sandbox.project().snapshot_dir();
    assert_eq!(Catalog::at(&folder).list().expect("a list").len(), 1);
    let snapshot = Snapshot::open(&Catalog::at(&folder), None).expect("the newest");
    assert_eq!(damaged(&snapshot), Vec::<String>::new());
    let after = sandbox.report("2026-10", None);
    assert_eq!(serde_json::to_value(before).expect("json"), serde_json::to_value(after).expect("json"));
}

#[test]
fn a_folder_without_snapshots_says_what_to_do() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let output = sandbox.relato(&["report", "atendimento-mensal"]).assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&output).contains("run `relato ingest` first"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_that_ran_before_a_snapshot_was_published_are_believed_and_others_run_again() {
    let world = world(14, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let texts = sandbox.project().query_texts().expect("queries");
    let snapshot = Snapshot::open(&Catalog::at(&sandbox.project().snapshot_dir()), None).expect("a snapshot");
    let catalogue = |texts| Catalogue::new(texts).expect("headers");
    let check = |snapshot: &Snapshot, texts| Engine::open(snapshot, catalogue(texts)).expect("an engine").check();
    let with = |checks: Option<String>| {
        let mut other = snapshot.clone();
        other.manifest.checks = checks;
        other
    };
    assert_eq!(snapshot.manifest.checks, Some(digest_of_checks(&catalogue(&texts).table_checks())));
    let believed = check(&snapshot, &texts).expect("sound tables");
    assert!(believed.len() >= 20, "{}", believed.len());
    assert_eq!(believed, check(&with(None), &texts).expect("sound tables"));
    // A check that always fails, under the name of one that was in order.
    let mut failing = texts.clone();
    let text = failing.get_mut("checks/every_ticket_has_one_outcome.sql").expect("a check");
    let header: Vec<&str> = text.lines().take_while(|line| line.starts_with("--")).collect();
    *text = format!("{}\nSELECT 7 AS offending", header.join("\n"));
    let error = check(&snapshot, &failing).expect_err("another check than the one that ran").to_string();
    assert!(error.contains("check `every_ticket_has_one_outcome` failed: 7 "), "{error}");
    let as_if_it_ran = with(Some(digest_of_checks(&catalogue(&failing).table_checks())));
    assert_eq!(check(&as_if_it_ran, &failing).expect("what the tables say"), believed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_an_earlier_version_gives_the_same_figures() {
    let server = serve(&world(14, 300), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let figures = || serde_json::to_value(sandbox.report("2026-10", None).blocks).expect("JSON");
    let before = figures();
    let snapshot = Snapshot::open(&Catalog::at(&sandbox.project().snapshot_dir()), None).expect("a snapshot");
    let connection = duckdb::Connection::open_in_memory().expect("an engine");
    for part in &snapshot.manifest.tables["ticket"].parts {
        let path = snapshot.folder.join(&part.path);
        let (path, earlier) = (path.display().to_string(), path.with_extension("earlier").display().to_string());
        let later = "conversation_tickets, message_state, messages, blip_answered_wait_s, blip_response_s";
        let without = format!("SELECT * EXCLUDE (file_row_number, {later})");
        let rows = format!("{without} FROM read_parquet('{path}', file_row_number = true) ORDER BY file_row_number");
        connection.execute_batch(&format!("COPY ({rows}) TO '{earlier}' (FORMAT parquet)")).expect("a part");
        std::fs::rename(earlier, path).expect("the part");
    }
    assert_eq!(figures(), before);
}
