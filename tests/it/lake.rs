//! A lake of several owners: each publishes beside the others, and who reads all of them reads what they make together.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use relato::{
    domain::ReportData,
    ingest::IngestRequest,
    query::{Catalogue, Engine},
    sim::{Server, World},
    snapshot::Snapshot,
};
use tempfile::TempDir;

use crate::support::{NOW, Sandbox, everything, files_below, now, one_line, serve, settings, world};

/// Returns settings of a project whose snapshots lie in `lake`.
fn in_lake(base_url: &str, lake: &Path, owner: Option<&str>) -> String {
    let owner = owner.map(|owner| format!("owner = \"{owner}\"\n")).unwrap_or_default();
    format!("{}\n[storage]\nlake = \"{}\"\n{owner}", settings(base_url), lake.display())
}

/// Several owners, each with a Blip of its own, and a project that reads what all of them have.
struct Lake {
    folder: TempDir,
    owners: Vec<(Server, Arc<World>, Sandbox)>,
    reader: Sandbox,
}

impl Lake {
    async fn of(worlds: &[Arc<World>]) -> Lake {
        let folder = tempfile::tempdir().unwrap();
        let mut owners = Vec::new();
        for (number, world) in worlds.iter().enumerate() {
            let server = serve(world, &[]).await;
            let sandbox = Sandbox::with_settings(&in_lake(&server.base_url, folder.path(), Some(&format!("contract-{number}"))));
            owners.push((server, Arc::clone(world), sandbox));
        }
        let reader = Sandbox::with_settings(&in_lake("http://127.0.0.1:9", folder.path(), None));
        Lake { folder, owners, reader }
    }

    fn owner(&self, number: usize) -> &Sandbox {
        &self.owners[number].2
    }

    fn newest(&self) -> Snapshot {
        Snapshot::newest(&self.reader.project()).expect("a combined snapshot")
    }

    /// Requires that every part of every combined snapshot is as it was published, and that every check holds in the newest.
    fn require_whole(&self) {
        for manifest in relato::snapshot::list(self.folder.path()).unwrap() {
            let snapshot = Snapshot::open(self.folder.path(), Some(&manifest.id)).unwrap();
            assert_eq!(snapshot.damaged_parts().unwrap(), Vec::<String>::new(), "{}", manifest.id);
        }
        let mut newest = self.newest();
        // What was found by owner is not believed: everything is looked at again.
        newest.manifest.checks = None;
        let engine = Engine::open(&newest, Catalogue::new(&self.reader.project().query_texts().unwrap()).unwrap()).unwrap();
        let found: Vec<_> = engine.check().unwrap().into_iter().filter(|check| check.offending > 0).map(|check| check.name).collect();
        assert_eq!(found, Vec::<String>::new());
    }

    /// Returns a column of the tickets of all owners.
    fn tickets(&self, column: &str) -> Vec<String> {
        let newest = self.newest();
        let parts = &newest.manifest.tables["ticket"].parts;
        let files: Vec<String> = parts.iter().map(|part| format!("'{}'", newest.folder.join(&part.path).display())).collect();
        let connection = duckdb::Connection::open_in_memory().unwrap();
        let sql = format!("SELECT {column} FROM read_parquet([{}], hive_partitioning = false)", files.join(", "));
        let mut statement = connection.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// Requires that the lake holds every ticket of every world once, and nothing else.
    fn require_every_ticket_once(&self) {
        let ids = self.tickets("ticket_id");
        let expected: usize = self.owners.iter().map(|(_, world, _)| world.tickets.len()).sum();
        let each: Vec<_> = self.newest().manifest.owners.keys().cloned().collect();
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (expected, expected), "{each:?}");
    }
}

/// Returns a figure of the first part of `data`.
fn figure(data: &ReportData, name: &str) -> i64 {
    let table = data.blocks.iter().find_map(|block| block.content.table().filter(|table| table.position(name).is_some())).expect("a table");
    (0..table.row_count()).find_map(|row| table.get(row, name).int()).expect("a value")
}

fn report_of(sandbox: &Sandbox, name: &str) -> ReportData {
    let _ = Snapshot::newest(&sandbox.project()).expect("a snapshot");
    sandbox.report_called(name, "2026-10", None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_owners_have_is_the_sum_of_what_each_has() {
    let lake = Lake::of(&[world(5, 300), world(6, 200)]).await;
    lake.reader.relato(&["report", "volume", "--period", "2026-10"]).assert().code(2);
    for number in 0..2 {
        lake.owner(number).load(everything()).await;
    }
    lake.require_whole();
    lake.require_every_ticket_once();
    let both = report_of(&lake.reader, "volume");
    let each: Vec<ReportData> = (0..2).map(|number| report_of(lake.owner(number), "volume")).collect();
    for name in ["tickets", "conversations"] {
        assert_eq!(figure(&both, name), each.iter().map(|data| figure(data, name)).sum::<i64>(), "{name}");
    }
    assert_eq!(both.completeness.state, each[0].completeness.state);
    assert_eq!(both.completeness.tickets_stored, each.iter().map(|data| data.completeness.tickets_stored).sum::<i64>());
    // Every shipped report can be made, and made again to the same bytes.
    for name in lake.reader.project().reports().unwrap().keys().filter(|name| *name != "setor") {
        let make = |out: &str| {
            let out = lake.reader.dir().join(out);
            let done = lake
                .reader
                .relato(&["report", name, "--period", "2026-10", "--format", "xlsx,pdf", "--out", out.to_str().unwrap()])
                .output()
                .unwrap();
            assert!([Some(0), Some(3)].contains(&done.status.code()), "{name}: {}", String::from_utf8_lossy(&done.stderr));
            let mut files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
            files.sort();
            files
        };
        assert!(make(&format!("{name}-1")) == make(&format!("{name}-2")), "{name}");
    }
    // Nothing new, no new snapshot.
    let newest = lake.newest().manifest;
    assert_eq!((newest.owners.len(), lake.newest().manifest.id), (2, newest.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_is_behind_makes_the_period_incomplete() {
    let lake = Lake::of(&[world(5, 300), world(6, 200)]).await;
    lake.owner(0).load(everything()).await;
    let behind = "2026-10-20T15:00:00Z".parse::<DateTime<Utc>>().unwrap();
    lake.owner(1).load(IngestRequest { now: behind, ..everything() }).await;
    lake.require_whole();
    let data = report_of(&lake.reader, "volume");
    // Its last day is the day before; the day itself was not over.
    assert_eq!((data.completeness.days_loaded, data.completeness.days_expected), (19, 31), "{}", data.completeness.sentence);
    assert_eq!(
        lake.newest().manifest.loaded_until,
        Snapshot::open(&lake.owner(1).project().snapshot_dir(), None).unwrap().manifest.loaded_until
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_go_together_is_refused_and_who_has_no_name_publishes_nothing() {
    let lake = Lake::of(&[world(5, 60), world(6, 60)]).await;
    lake.owner(0).load(everything()).await;
    let text = std::fs::read_to_string(lake.owner(1).dir().join("relato.toml")).unwrap();
    lake.owner(1).write("relato.toml", &text.replace("America/Sao_Paulo", "America/Manaus"));
    let loaded = lake.owner(1).relato(&["ingest", "--from", "2026-08-25"]).output().unwrap();
    assert!([Some(0), Some(3)].contains(&loaded.status.code()), "{loaded:?}");
    let run = lake.reader.relato(&["report", "volume", "--period", "2026-10"]).assert().code(1);
    let said = one_line(&run.get_output().stderr);
    assert!(said.contains("differ in their timezone") && said.contains("contract-1: America/"), "{said}");
    for command in [&["ingest"][..], &["import", "x.csv"], &["subject", "erase", "x"]] {
        let run = lake.reader.relato(command).assert().code(2);
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains("[storage] has no owner"), "{command:?}: {said}");
    }
    let text = std::fs::read_to_string(lake.reader.dir().join("relato.toml")).unwrap();
    lake.reader.write("relato.toml", &format!("{text}\n[serve]\ningest = \"0 * * * *\"\n"));
    let run = lake.reader.relato(&["report", "list"]).assert().code(2);
    assert!(one_line(&run.get_output().stderr).contains("and loads nothing"));
    for (wrong, told) in [("owner = \"A b\"", "up to 40 small letters"), ("lake = \"s3://x/y\"", "a folder that every machine sees")] {
        let storage = if wrong.starts_with("owner") { format!("lake = \"x\"\n{wrong}") } else { wrong.to_owned() };
        let sandbox = Sandbox::with_settings(&format!("{}\n[storage]\n{storage}\n", settings("http://127.0.0.1:9")));
        let run = sandbox.relato(&["report", "list"]).assert().code(2);
        let said = one_line(&run.get_output().stderr);
        assert!(said.contains(told), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_and_forgetting_reach_what_all_owners_have() {
    let lake = Lake::of(&[world(5, 120), world(6, 120)]).await;
    for days in [6, 4, 0] {
        for number in 0..2 {
            lake.owner(number).load(IngestRequest { now: now() - TimeDelta::days(days), ..everything() }).await;
        }
        lake.newest();
    }
    let count = |folder: &Path| relato::snapshot::list(folder).unwrap().len();
    assert_eq!(count(lake.folder.path()), 3);
    lake.owner(0).relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    assert_eq!(count(&lake.owner(0).project().snapshot_dir()), 1);
    // Combined snapshots still name parts that no kept one of the owner does.
    lake.require_whole();
    let parts = || files_below(lake.folder.path()).len();
    let before = parts();
    lake.reader.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    lake.owner(0).relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    assert_eq!(count(lake.folder.path()), 1);
    assert!(parts() < before);
    lake.require_whole();

    let before = lake.tickets("customer_key");
    let world = &lake.owners[0].1;
    let customer = &world.customers[world.tickets[0].customer].identity;
    lake.owner(0).relato(&["subject", "erase", customer, "--reason", "asked for it", "--yes"]).assert().success();
    let after = lake.tickets("customer_key");
    let gone: BTreeSet<&String> = before.iter().filter(|key| !after.contains(key)).collect();
    assert_eq!((before.len(), gone.len(), lake.newest().manifest.erasures.len()), (after.len(), 1, 1));
    lake.require_whole();
}

/// Starts `relato ingest` at `now` and returns the process.
fn ingest(sandbox: &Sandbox, now: DateTime<Utc>) -> Child {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("relato"));
    command.args(["--now", &now.to_rfc3339(), "--project"]).arg(sandbox.dir()).args(["ingest", "--from", "2026-08-25", "--quiet"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("relato")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectors_and_a_pruner_that_are_killed_leave_a_whole_lake() {
    let rounds: u64 = std::env::var("RELATO_SOAK_LAKE").ok().and_then(|text| text.parse().ok()).unwrap_or(9);
    let lake = Lake::of(&[world(5, 150), world(6, 150), world(7, 150)]).await;
    let begin = now() - TimeDelta::hours(i64::try_from(rounds).unwrap() + 1);
    lake.owner(0).load(IngestRequest { now: begin, ..everything() }).await;
    let mut kills = 0;
    for round in 0..rounds {
        let now = now() - TimeDelta::hours(i64::try_from(rounds - round).unwrap());
        let mut running: Vec<Child> = (0..3).map(|number| ingest(lake.owner(number), now)).collect();
        // What is done meanwhile takes a time that differs from round to round: kills fall anywhere, and each round somebody reads and prunes.
        for (number, child) in running.iter_mut().enumerate() {
            for _ in 0..(usize::try_from(round).unwrap() * 5 + number * 7) % 37 {
                lake.reader.relato(&["--version"]).assert().success();
            }
            child.kill().unwrap();
            if round % 3 == u64::try_from(number).unwrap() {
                let _ = lake.owner(number).relato(&["snapshot", "prune", "--keep", "1"]).output();
                let _ = lake.reader.relato(&["report", "volume", "--period", "2026-10", "--format", "csv", "--no-details"]).output();
                let _ = lake.reader.relato(&["snapshot", "prune", "--keep", "2"]).output();
            }
        }
        for child in &mut running {
            kills += usize::from(!child.wait().unwrap().success());
        }
        for manifest in relato::snapshot::list(lake.folder.path()).unwrap() {
            let snapshot = Snapshot::open(lake.folder.path(), Some(&manifest.id)).unwrap();
            assert_eq!(snapshot.damaged_parts().unwrap(), Vec::<String>::new(), "round {round}: {}", manifest.id);
        }
    }
    for number in 0..3 {
        let done = ingest(lake.owner(number), NOW.parse().unwrap()).wait().unwrap();
        assert!([Some(0), Some(3)].contains(&done.code()), "{done:?}");
    }
    lake.require_whole();
    lake.require_every_ticket_once();
    println!("{kills} kills in {rounds} rounds");
}
