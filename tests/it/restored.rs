//! Data that were lost, restored or copied: what knows less than what readers have is noticed, and a backup brings everything back.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use chrono::TimeDelta;
use predicates::{prelude::PredicateBooleanExt, str::contains};
use relato::{
    ingest::{IngestError, IngestRequest},
    ledger::{ChainBreak, Ledger},
    snapshot::Catalog,
};

use crate::support::{Sandbox, differences, everything, files_below, now, one_line, serve, world};

fn until(day: &str) -> IngestRequest {
    IngestRequest { to: day.parse().ok(), ..everything() }
}

/// Copies the live database as it is, to be put back later.
fn database(sandbox: &Sandbox) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let is_database = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("live.duckdb"));
    sandbox.data_files().into_iter().filter(|(path, _)| is_database(path)).collect()
}

fn remove_database(sandbox: &Sandbox) {
    for (path, _) in database(sandbox) {
        fs::remove_file(path).expect("the database");
    }
}

fn put_back(sandbox: &Sandbox, files: &[(std::path::PathBuf, Vec<u8>)]) {
    remove_database(sandbox);
    for (path, bytes) in files {
        fs::write(path, bytes).expect("the database");
    }
}

fn manifests(sandbox: &Sandbox) -> usize {
    Catalog::of(&sandbox.project()).expect("a catalog").list().expect("manifests").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_database_is_noticed_before_blip_is_asked() {
    let server = serve(&world(71, 120), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let newest = sandbox.load(everything()).await.1.manifest;
    remove_database(&sandbox);
    let (commands, files) = (server.command_count(), sandbox.data_files());
    let refused = sandbox.relato(&["ingest"]).assert().code(4);
    let said = one_line(&refused.get_output().stderr);
    let tickets = newest.tables["ticket"].rows;
    assert!(said.contains(&newest.id) && said.contains(&format!("0 of {tickets} rows of `ticket`")), "{said}");
    assert!(said.contains("relato restore") && said.contains("relato snapshot supersede"), "{said}");
    assert_eq!(server.command_count(), commands, "Blip was not asked");
    assert!(sandbox.data_files() == files, "nothing was written");
    for other in [&["rebuild"][..], &["bot", "remove", "exemplodesk", "--yes"]] {
        sandbox.relato(other).assert().code(4);
    }
    sandbox.write("old.csv", "Ticket,Criado em,Fila\n1,2026-07-01 10:00,Financeiro\n");
    sandbox.relato(&["import"]).arg(sandbox.dir().join("old.csv")).assert().code(4);
    assert!(sandbox.data_files() == files, "nothing was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_from_before_publishes_nothing_until_it_is_told_to() {
    let world = world(72, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(until("2026-10-20")).await;
    let before = database(&sandbox);
    let newest = sandbox.load(everything()).await.1.manifest;
    put_back(&sandbox, &before);
    match sandbox.try_load(everything()).await {
        Err(IngestError::KnowsLess { snapshot, lacks, .. }) => {
            assert_eq!(snapshot, newest.id);
            let lack = lacks.iter().find(|lack| lack.table == "ticket").expect("tickets");
            assert!(lack.stored > 0 && lack.stored < lack.published, "{lack:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(manifests(&sandbox), 2, "nothing was published");
    for command in [&["ingest", "--rebuild"][..], &["subject", "erase", "5531900000000@wa.gw.msging.net", "--yes"]] {
        sandbox.relato(command).assert().code(4).stderr(contains("was not published by this"));
    }
    // Asked only, it changes nothing; told to, it goes on, and the access log says so.
    sandbox.relato(&["snapshot", "supersede"]).assert().success().stdout(contains("Nothing was changed").and(contains(&newest.id)));
    sandbox.relato(&["ingest"]).assert().code(4);
    sandbox.relato(&["snapshot", "supersede", "--yes"]).assert().code(3).stdout(contains("rows of `ticket`"));
    sandbox.relato(&["audit", "log"]).assert().success().stdout(contains(&newest.id[..20]));
    let (_, published) = sandbox.load(everything()).await;
    // Blip still has everything here: in the end it is the same snapshot.
    assert_eq!(published.manifest, newest);
    sandbox.relato(&["snapshot", "supersede"]).assert().success().stdout(contains("nothing to supersede"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_project_does_with_its_own_snapshots_stays_allowed() {
    let world = world(73, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(until("2026-10-20")).await;
    sandbox.load(everything()).await;
    let identity = &world.customers[world.tickets[0].customer].identity;
    sandbox.relato(&["rebuild"]).assert().success();
    sandbox.relato(&["subject", "erase", identity, "--yes"]).assert().success();
    sandbox.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    sandbox.relato(&["ingest"]).assert().success();
    // A process that died between writing its database and publishing has published nothing, and goes on.
    sandbox.store().note_published("20261124T150001Z-00000000").expect("a note");
    sandbox.relato(&["ingest", "--full"]).assert().success();
    // Snapshots from before know less than the database.
    let catalog = sandbox.project().snapshot_dir();
    sandbox.load(IngestRequest { now: now() + TimeDelta::days(1), ..everything() }).await;
    let newest = Catalog::at(&catalog).latest().expect("manifests").expect("a snapshot");
    fs::remove_file(catalog.join(format!("manifests/{}.json", newest.id))).expect("the manifest");
    sandbox.load(IngestRequest { now: now() + TimeDelta::days(1), ..everything() }).await;
    assert_eq!(Catalog::at(&catalog).latest().expect("manifests").expect("a snapshot").previous, newest.previous);
}

fn ledger(sandbox: &Sandbox) -> Ledger {
    Ledger::open(&sandbox.project().ledger_file()).expect("the ledger")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_lost_records_takes_no_more() {
    let server = serve(&world(74, 120), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let file = sandbox.project().ledger_file();
    let ask = || sandbox.relato(&["query", "SELECT count(*) FROM ticket"]);
    ask().assert().success();
    let before = fs::read(&file).expect("the ledger");
    ask().assert().success();
    let head = fs::read_to_string(sandbox.dir().join("data/access.head")).expect("the head");
    for lost in [Some(before), None] {
        match &lost {
            Some(bytes) => fs::write(&file, bytes).expect("a ledger from before"),
            None => fs::remove_file(&file).expect("the ledger"),
        }
        let found = if lost.is_some() { 2 } else { 0 };
        let is_broken =
            || matches!(ledger(&sandbox).verify_accesses(None), Ok(Err(ChainBreak::End { expected: 4, found: end, .. })) if end == found);
        assert!(is_broken());
        let said = one_line(&ask().assert().code(4).get_output().stderr);
        assert!(said.contains(&format!("has {found} records of the access log")) && said.contains("it had 4"), "{said}");
        assert!(said.contains("relato restore") && said.contains("relato audit accept-loss"), "{said}");
        assert!(is_broken(), "no record was written");
        assert_eq!(fs::read_to_string(sandbox.dir().join("data/access.head")).expect("the head"), head);
        sandbox.relato(&["audit", "verify"]).assert().code(1).stderr(contains("broken"));
    }
    // Publications and deliveries are in it, too.
    let made = ["report", "atendimento-mensal", "--period", "2026-10", "--format", "csv"];
    sandbox.relato(&made).assert().code(4);
    sandbox.relato(&["audit", "accept-loss"]).assert().success().stdout(contains("Nothing was changed"));
    sandbox.relato(&["audit", "accept-loss", "--yes", "--reason", "disk died"]).assert().code(3);
    sandbox.relato(&["audit", "verify"]).assert().success().stdout(contains("The chain of 1 records is whole"));
    sandbox.relato(&["audit", "verify", "--expect", &head.trim().replace(' ', ":")]).assert().code(1);
    sandbox.relato(&["audit", "log"]).assert().success().stdout(contains("disk died").and(contains("4 records of the")));
    ask().assert().success();
    sandbox.relato(&made).assert().success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_from_before_a_publication_is_noticed_although_nobody_asked_anything() {
    let server = serve(&world(75, 120), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let made = ["report", "atendimento-mensal", "--period", "2026-10", "--format", "csv"];
    sandbox.relato(&made).assert().success();
    let file = sandbox.project().ledger_file();
    let before = fs::read(&file).expect("the ledger");
    sandbox.relato(&["report", "satisfacao", "--period", "2026-10", "--format", "csv"]).assert().success();
    fs::write(&file, before).expect("a ledger from before");
    sandbox.relato(&made).assert().code(4).stderr(contains("changes"));
}

fn modes_below(folder: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).chain([folder.clone()]) {
            let mode = fs::metadata(&path).expect("metadata").permissions().mode() & 0o777;
            if mode != if path.is_dir() { 0o700 } else { 0o600 } {
                wrong.push(format!("{} {mode:o}", path.display()));
            }
            if path.is_dir() && path != folder {
                folders.push(path);
            }
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_restored_elsewhere_and_goes_on_to_the_same_bytes() {
    let world = world(76, 250);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(until("2026-10-20")).await;
    sandbox.relato(&["query", "SELECT count(*) FROM ticket"]).assert().success();
    let place = tempfile::tempdir().expect("a folder");
    let backup = place.path().join("monday");
    sandbox.relato(&["backup", "--out"]).arg(&backup).assert().success().stdout(contains("Every file is as its hash says"));
    assert_eq!(modes_below(&backup), Vec::<String>::new());
    let names: Vec<_> = files_below(&backup).into_iter().map(|(path, _)| path.display().to_string()).collect();
    assert!(names.iter().any(|name| name.ends_with("data/live.duckdb.wal")), "what is not in the file yet is in its log: {names:?}");
    let endings = ["key", "lock"].map(|ending| Some(std::ffi::OsStr::new(ending)));
    assert!(!names.iter().any(|name| endings.contains(&Path::new(name).extension())), "{names:?}");
    let expected = sandbox.load(everything()).await.1.manifest;

    let folder = tempfile::tempdir().expect("a folder");
    let other = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("relato").expect("the binary");
        command.args(["--now", crate::support::NOW, "--project"]).arg(folder.path()).args(arguments).env("NO_COLOR", "1");
        command
    };
    other(&["restore"]).arg(&backup).assert().code(3).stdout(contains("keys/desk.key is missing"));
    for key in ["desk", "router", "pseudonym"] {
        let name = format!("keys/{key}.key");
        fs::create_dir_all(folder.path().join("keys")).expect("a folder");
        fs::copy(sandbox.dir().join(&name), folder.path().join(&name)).expect("a key");
    }
    other(&["snapshot", "verify"]).assert().success();
    other(&["audit", "verify"]).assert().success().stdout(contains("The chain of 3 records is whole"));
    other(&["ingest", "--from", "2026-08-25"]).assert().success();
    let found = Catalog::at(&folder.path().join("data/snapshots")).latest().expect("manifests").expect("a snapshot");
    assert_eq!(differences(&found, &expected), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_overwrites_nothing_and_believes_no_altered_backup() {
    let server = serve(&world(77, 100), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let place = tempfile::tempdir().expect("a folder");
    let backup = place.path().join("monday");
    sandbox.relato(&["backup", "--with-keys", "--out"]).arg(&backup).assert().success().stdout(contains("with keys"));
    assert!(backup.join("project/keys/desk.key").exists());
    sandbox.relato(&["backup", "--out"]).arg(&backup).assert().code(2).stderr(contains("is there already"));
    sandbox.relato(&["backup", "--out"]).arg(sandbox.dir().join("data/backup")).assert().code(4);
    let files = sandbox.data_files();
    sandbox.relato(&["restore"]).arg(&backup).assert().code(4).stderr(contains("--replace"));
    let unlocked = |files: Vec<(std::path::PathBuf, Vec<u8>)>| -> Vec<_> {
        files.into_iter().filter(|(path, _)| path.extension().is_none_or(|ending| ending != "lock")).collect()
    };
    assert!(unlocked(sandbox.data_files()) == unlocked(files.clone()), "nothing was changed");
    // A customer is forgotten after the backup: whoever restores it must do so again, and is told.
    let identity = &server.world().customers[server.world().tickets[0].customer].identity.clone();
    sandbox.relato(&["subject", "erase", identity, "--yes"]).assert().success();
    sandbox
        .relato(&["restore", "--replace"])
        .arg(&backup)
        .assert()
        .code(3)
        .stdout(contains("Forgotten after the backup").and(contains("data.before-restore-")));
    let aside = sandbox.dir().join("data.before-restore-20261124T150000Z");
    assert!(aside.join("live.duckdb").exists() && aside.join("ledger.sqlite").exists());
    sandbox.relato(&["ingest"]).assert().success();
    // One bit, anywhere.
    sandbox.relato(&["backup", "--verify"]).arg(&backup).assert().success();
    let part = backup.join("data/live.duckdb.wal");
    let mut bytes = fs::read(&part).expect("a file");
    bytes[1000] ^= 1;
    fs::write(&part, bytes).expect("a file");
    sandbox.relato(&["backup", "--verify"]).arg(&backup).assert().code(1).stderr(contains("live.duckdb.wal` was altered"));
    let files = unlocked(sandbox.data_files());
    sandbox.relato(&["restore", "--replace"]).arg(&backup).assert().code(1);
    assert!(unlocked(sandbox.data_files()) == files, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_killed_leaves_none_and_the_next_is_whole() {
    let server = serve(&world(78, 300), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    // Something that takes a while to be copied.
    fs::create_dir_all(sandbox.dir().join("data/outbox")).expect("a folder");
    fs::write(sandbox.dir().join("data/outbox/large.pdf"), vec![7_u8; 200 << 20]).expect("a file");
    let place = tempfile::tempdir().expect("a folder");
    let backup = place.path().join("monday");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("relato"))
        .args(["--now", crate::support::NOW, "--project"])
        .arg(sandbox.dir())
        .args(["backup", "--out"])
        .arg(&backup)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    // Half-way: the first files are copied.
    let is_half_way = || files_named(place.path(), "large.pdf");
    while !is_half_way() {
        assert!(child.try_wait().expect("a status").is_none(), "it ended before it was killed");
        std::thread::yield_now();
    }
    child.kill().expect("a kill");
    child.wait().expect("an end");
    assert!(!backup.exists());
    sandbox.relato(&["backup", "--verify"]).arg(&backup).assert().code(2);
    fs::remove_file(sandbox.dir().join("data/outbox/large.pdf")).expect("the file");
    sandbox.relato(&["backup", "--out"]).arg(&backup).assert().success();
    sandbox.relato(&["backup", "--verify"]).arg(&backup).assert().success();
    let left: Vec<_> = fs::read_dir(place.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(left, ["monday"], "what the killed one left is gone");
}

fn files_named(folder: &Path, name: &str) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| if path.is_dir() { files_named(&path, name) } else { path.ends_with(name) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_waits_for_who_has_the_data_and_tells_what_was_damaged_before() {
    let server = serve(&world(79, 100), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let manifest = sandbox.load(everything()).await.1.manifest;
    let place = tempfile::tempdir().expect("a folder");
    let backup = place.path().join("monday");
    let held = sandbox.store();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("relato"));
    command.args(["--now", crate::support::NOW, "--project"]).arg(sandbox.dir()).args(["backup", "--out"]).arg(&backup);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary");
    // What it says while it waits ends the waiting of this test.
    let mut said = std::io::BufReader::new(child.stderr.take().expect("its words"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).expect("a line");
    assert!(line.contains("waiting until") && line.contains("a test"), "{line}");
    assert!(!backup.exists());
    drop(held);
    assert!(child.wait().expect("an end").success());
    let part = sandbox.project().snapshot_dir().join(&manifest.tables["ticket"].parts[0].path);
    let mut bytes = fs::read(&part).expect("a part");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, bytes).expect("a part");
    let told = sandbox.relato(&["backup", "--out"]).arg(place.path().join("tuesday")).assert().code(3);
    assert!(one_line(&told.get_output().stdout).contains("Damaged before it was copied"));
}
