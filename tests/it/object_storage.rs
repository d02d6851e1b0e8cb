//! What object storage can do wrong, and what is made of it then: nothing.

use chrono::TimeDelta;
use relato::{
    ingest::IngestRequest,
    sim::Server,
    snapshot::{Catalog, Snapshot},
};

use crate::{
    bucket::{KEY, Storage},
    support::{Sandbox, damaged, everything, now, one_line, serve, settings, world},
};

/// An owner's project whose lake is on `storage`.
fn project(storage: &Storage, base_url: &str) -> Sandbox {
    let sandbox = Sandbox::with_settings(&format!("{}\n[storage]\n{}", settings(base_url), storage.settings(Some("acme"))));
    sandbox.write("keys/s3.id", KEY);
    sandbox.write("keys/s3.key", "of no meaning here");
    sandbox
}

async fn loaded() -> (Storage, Server, Sandbox) {
    let (storage, server) = (Storage::start(), serve(&world(3, 60), &[]).await);
    let sandbox = project(&storage, &server.base_url);
    sandbox.load(everything()).await;
    (storage, server, sandbox)
}

fn make_report(sandbox: &Sandbox) -> (Option<i32>, String) {
    let run = sandbox.relato(&["report", "volume", "--period", "2026-10"]).output().unwrap();
    (run.status.code(), one_line(&run.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_refused_or_damaged_is_told_and_nothing_is_made() {
    let (storage, _server, sandbox) = loaded().await;
    let text = std::fs::read_to_string(sandbox.dir().join("relato.toml")).unwrap();
    let endpoint = text.lines().find(|line| line.starts_with("endpoint")).unwrap().to_owned();
    let require = |what: &str, code: i32, told: &str| {
        // What this machine keeps does not hide what became of the rest.
        let _ = std::fs::remove_dir_all(sandbox.dir().join("data/lake"));
        let (found, said) = make_report(&sandbox);
        assert!(found == Some(code) && said.contains(told), "{what}: {found:?} {said}");
        assert!(!sandbox.dir().join("output").exists(), "{what}: something was made");
        assert!(!said.contains("of no meaning here"), "{what}: {said}");
    };

    sandbox.write("relato.toml", &text.replace(&endpoint, "endpoint = \"http://127.0.0.1:9\""));
    require("gone", 1, "`s3://lake/team/owner=acme/manifests` cannot be listed: Connection refused");
    sandbox.write("relato.toml", &text.replace("s3://lake/", "s3://sea/"));
    require("no bucket", 1, "cannot be listed: NoSuchBucket");
    sandbox.write("relato.toml", &text);
    sandbox.write("keys/s3.id", "SOMEBODY");
    require("wrong key", 1, "the keys are refused (InvalidAccessKeyId)");
    sandbox.write("keys/s3.id", "");
    require("no key", 2, "the id of the key of s3://lake/team: the file is missing or empty");
    sandbox.write("keys/s3.id", KEY);

    let manifest = "team/owner=acme/manifests/0000000001.json";
    let damage = |key: &str, change: &dyn Fn(&mut Vec<u8>)| -> Vec<u8> {
        let mut objects = storage.objects();
        let (bytes, _) = objects.by_key.get_mut(key).expect("an object");
        let whole = bytes.clone();
        change(bytes);
        whole
    };
    let whole = damage(manifest, &|bytes| bytes.truncate(bytes.len() / 2));
    require("half a manifest", 1, "manifest `s3://lake/team/owner=acme/manifests/0000000001.json` cannot be understood");
    damage(manifest, &|bytes| bytes.clone_from(&whole));

    let part = storage.keys("/ticket/month=2026-10/").pop().unwrap();
    let whole = damage(&part, &|bytes| bytes[100] ^= 1);
    require("a damaged part", 1, "is not what was published: its SHA-256 is another");
    let verified = sandbox.relato(&["snapshot", "verify"]).assert().code(1);
    assert!(one_line(&verified.get_output().stdout).contains("ticket/month=2026-10"));
    storage.objects().by_key.remove(&part).unwrap();
    require("a missing part", 1, "is not there: it was pruned since, or lost");

    // The owner's next load writes it again, and everything is as it was.
    sandbox.load(everything()).await;
    assert!(storage.objects().by_key.get(&part).is_some_and(|(bytes, _)| *bytes == whole));
    assert_eq!(storage.keys("/manifests/").len(), 1);
    assert_eq!(make_report(&sandbox).0, Some(0));
    sandbox.relato(&["snapshot", "verify"]).assert().success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_publishers_at_the_same_time_one_is_refused_and_nothing_is_overwritten() {
    let (storage, _server, sandbox) = loaded().await;
    let first = storage.objects().by_key["team/owner=acme/manifests/0000000001.json"].0.clone();
    let other = String::from_utf8(first).unwrap().replace("\"quarantined\": ", "\"quarantined\": 7");
    storage.objects().rival = Some(("manifests/0000000002.json".to_owned(), other.clone().into_bytes()));
    sandbox.set_clock(now() + TimeDelta::days(1));
    let later = (now() + TimeDelta::days(1)).to_rfc3339();
    let ingest = ["--now", &later, "ingest", "--from", "2026-08-25"];
    let mut command = assert_cmd::Command::cargo_bin("relato").unwrap();
    let run = command.arg("--project").arg(sandbox.dir()).args(ingest).assert().code(4);
    let said = one_line(&run.get_output().stderr);
    assert!(said.contains("somebody else published into `s3://lake/team/owner=acme` at the same time"), "{said}");
    assert_eq!(storage.objects().by_key["team/owner=acme/manifests/0000000002.json"].0, other.as_bytes());
    assert_eq!(storage.keys("/manifests/").len(), 2);

    // What was loaded is not lost: it is published after what the other published.
    let mut command = assert_cmd::Command::cargo_bin("relato").unwrap();
    command.arg("--project").arg(sandbox.dir()).args(ingest).assert().success();
    assert_eq!(storage.keys("/manifests/").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storage_that_is_busy_is_asked_again_and_one_that_keeps_no_conditions_is_told() {
    let (storage, server) = (Storage::start(), serve(&world(3, 60), &[]).await);
    let sandbox = project(&storage, &server.base_url);
    {
        let mut objects = storage.objects();
        objects.busy = 2;
        objects.keeps_conditions = false;
    }
    let run = sandbox.relato(&["ingest", "--from", "2026-08-25"]).output().unwrap();
    let said = one_line(&run.stderr);
    assert!(said.contains("this storage overwrites what it is told to keep"), "{said}");
    assert_eq!(storage.objects().busy, 0);
    assert_eq!((storage.keys("/manifests/").len(), storage.keys("condition-").len()), (1, 0));
    assert_eq!(make_report(&sandbox).0, Some(0));
    let told = |lines: &[&str]| {
        let run = sandbox.relato(&["check"]).output().unwrap();
        let said = one_line(&run.stdout);
        assert!(lines.iter().all(|line| said.contains(line)), "{said}");
        run.status.code()
    };
    assert_eq!(told(&["Lake at s3://lake/team/owner=acme snapshots 1 record writing allowed → this storage overwrites"]), Some(3));
    storage.objects().keeps_conditions = true;
    assert_eq!(told(&["writing allowed, and what is there is kept"]), Some(0));
    sandbox.write("keys/s3.id", "READER");
    assert_eq!(told(&["writing refused → the key must be allowed to write"]), Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_read_reads_and_says_nothing_of_it() {
    let (storage, _server, sandbox) = loaded().await;
    let reader = Sandbox::with_settings(&format!("{}\n[storage]\n{}", settings("http://127.0.0.1:9"), storage.settings(None)));
    reader.write("keys/s3.key", "of no meaning here");
    reader.write("keys/s3.id", "READER");
    let (code, said) = make_report(&reader);
    assert!(code == Some(2) && said.contains("no snapshot in `s3://lake/team`"), "nothing is combined yet: {said}");
    reader.write("keys/s3.id", KEY);
    assert_eq!(make_report(&reader).0, Some(0));
    reader.write("keys/s3.id", "READER");
    assert_eq!(make_report(&reader).0, Some(0));
    sandbox.load(IngestRequest { now: now() + TimeDelta::days(1), ..everything() }).await;
    let before = storage.keys("");
    assert_eq!(make_report(&reader).0, Some(0));
    assert_eq!(storage.keys(""), before);
    // Who reads leaves nothing behind.
    assert_eq!(storage.keys("/readers/"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_read_is_not_pruned_and_what_is_young_may_be_a_publishers() {
    let (storage, _server, sandbox) = loaded().await;
    let project = sandbox.project();
    let reading = Snapshot::newest(&project).unwrap();
    sandbox.load(IngestRequest { now: now() + TimeDelta::days(1), ..everything() }).await;
    storage.wait(TimeDelta::hours(7));
    let now = storage.objects().now;
    storage.objects().by_key.insert("team/owner=acme/ticket/month=2026-10/00000000000000ff.parquet".to_owned(), (Vec::new(), now));
    let run = sandbox.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    assert!(one_line(&run.get_output().stdout).contains("1 old ones are being read and stay"));
    assert_eq!(damaged(&reading), Vec::<String>::new());
    drop(reading);
    sandbox.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    assert_eq!((storage.keys("/manifests/").len(), storage.keys("00000000000000ff").len()), (1, 1));
    // A reader that died counts for a day.
    let id = Catalog::of(&project).unwrap().list().unwrap()[0].id.clone();
    storage.objects().by_key.insert(format!("team/owner=acme/readers/{id}.dead"), (Vec::new(), now));
    storage.wait(TimeDelta::hours(25));
    sandbox.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    assert_eq!((storage.keys("/readers/").len(), storage.keys("00000000000000ff").len()), (0, 0));
    sandbox.relato(&["snapshot", "verify"]).assert().success();
}
