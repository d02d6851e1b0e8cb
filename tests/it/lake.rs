//! A lake of several owners: each publishes beside the others, and who reads all of them reads what they make together.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Stdio},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use relato::{
    domain::ReportData,
    ingest::IngestRequest,
    query::{Catalogue, Engine},
    sim::{Server, World},
    snapshot::{Catalog, Snapshot},
};
use tempfile::TempDir;

use crate::{
    bucket::{KEY, Storage},
    support::{NOW, Sandbox, everything, files_below, now, one_line, serve, settings, world},
};

/// Where a lake lies.
enum Place {
    Folder(TempDir),
    Bucket(Storage),
}

impl Place {
    fn folder() -> Place {
        Place::Folder(tempfile::tempdir().unwrap())
    }

    fn bucket() -> Place {
        Place::Bucket(Storage::start())
    }

    /// Makes a project whose snapshots lie here.
    fn project(&self, base_url: &str, owner: Option<&str>) -> Sandbox {
        let storage = match self {
            Place::Folder(folder) => {
                let owner = owner.map(|owner| format!("owner = \"{owner}\"\n")).unwrap_or_default();
                format!("lake = \"{}\"\n{owner}", folder.path().display())
            }
            Place::Bucket(storage) => storage.settings(owner),
        };
        let sandbox = Sandbox::with_settings(&format!("{}\n[storage]\n{storage}", settings(base_url)));
        sandbox.write("keys/s3.id", KEY);
        sandbox.write("keys/s3.key", "of no meaning here");
        sandbox
    }
}

/// Several owners, each with a Blip of its own, and a project that reads what all of them have.
struct Lake {
    place: Place,
    owners: Vec<(Server, Arc<World>, Sandbox)>,
    reader: Sandbox,
}

impl Lake {
    async fn of(place: Place, worlds: &[Arc<World>]) -> Lake {
        let mut owners = Vec::new();
        for (number, world) in worlds.iter().enumerate() {
            let server = serve(world, &[]).await;
            let sandbox = place.project(&server.base_url, Some(&format!("contract-{number}")));
            owners.push((server, Arc::clone(world), sandbox));
        }
        let reader = place.project("http://127.0.0.1:9", None);
        Lake { place, owners, reader }
    }

    fn owner(&self, number: usize) -> &Sandbox {
        &self.owners[number].2
    }

    /// What the lake has now.
    fn catalog(&self) -> Catalog {
        Catalog::of(&self.reader.project()).expect("the lake")
    }

    /// Returns how many files or objects it has, but for those of readers.
    fn count(&self) -> usize {
        match &self.place {
            Place::Folder(folder) => files_below(folder.path()).len(),
            Place::Bucket(storage) => storage.keys("").iter().filter(|key| !key.contains("/readers/")).count(),
        }
    }

    /// Returns the parts that combined snapshots and those of the first owner name, as the lake names them.
    fn named_parts(&self) -> BTreeSet<String> {
        let own = Catalog::of(&self.owner(0).project()).unwrap().list().unwrap();
        let own = own.iter().flat_map(|manifest| manifest.parts().map(|part| format!("owner=contract-0/{}", part.path)));
        let combined = self.catalog().list().unwrap();
        own.chain(combined.iter().flat_map(|manifest| manifest.parts().map(|part| part.path.clone()))).collect()
    }

    fn newest(&self) -> Snapshot {
        Snapshot::newest(&self.reader.project()).expect("a combined snapshot")
    }

    /// Requires that every part of every combined snapshot is as it was published.
    fn require_parts(&self) {
        let catalog = self.catalog();
        let mut known = BTreeMap::new();
        for manifest in catalog.list().unwrap() {
            let snapshot = Snapshot::open(&catalog, Some(&manifest.id)).unwrap();
            assert_eq!(snapshot.damaged_parts(&mut known).unwrap(), Vec::<String>::new(), "{}", manifest.id);
        }
    }

    /// Requires whole parts, and that every check holds in the newest.
    fn require_whole(&self) {
        self.require_parts();
        let mut newest = self.newest();
        // What was found by owner is not believed: everything is looked at again.
        newest.manifest.checks = None;
        let engine = Engine::open(&newest, Catalogue::new(&self.reader.project().query_texts().unwrap()).unwrap()).unwrap();
        let found: Vec<_> = engine.check().unwrap().into_iter().filter(|check| check.offending > 0).map(|check| check.name).collect();
        assert_eq!(found, Vec::<String>::new());
    }

    /// Returns a column of the tickets of all owners.
    fn tickets(&self, column: &str) -> Vec<String> {
        Lake::tickets_of(&self.newest(), column)
    }

    fn tickets_of(newest: &Snapshot, column: &str) -> Vec<String> {
        let parts = &newest.manifest.tables["ticket"].parts;
        let files: Vec<String> = newest.files(parts).unwrap().iter().map(|file| format!("'{}'", file.display())).collect();
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
    what_all_owners_have_is_the_sum_of_what_each_has_in(Place::folder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_owners_have_is_the_sum_of_what_each_has_on_object_storage() {
    what_all_owners_have_is_the_sum_of_what_each_has_in(Place::bucket()).await;
}

async fn what_all_owners_have_is_the_sum_of_what_each_has_in(place: Place) {
    let lake = Lake::of(place, &[world(5, 300), world(6, 200)]).await;
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
    // Every shipped report can be made, and made again to the same bytes. Where the parts lie matters to none in particular.
    let is_enough = |name: &str| name != "setor" && (matches!(lake.place, Place::Folder(_)) || name == "atendimento-mensal");
    for name in lake.reader.project().reports().unwrap().keys().filter(|name| is_enough(name)) {
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
    an_owner_who_is_behind_makes_the_period_incomplete_in(Place::folder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_is_behind_makes_the_period_incomplete_on_object_storage() {
    an_owner_who_is_behind_makes_the_period_incomplete_in(Place::bucket()).await;
}

async fn an_owner_who_is_behind_makes_the_period_incomplete_in(place: Place) {
    let lake = Lake::of(place, &[world(5, 300), world(6, 200)]).await;
    lake.owner(0).load(everything()).await;
    let behind = "2026-10-20T15:00:00Z".parse::<DateTime<Utc>>().unwrap();
    lake.owner(1).load(IngestRequest { now: behind, ..everything() }).await;
    lake.require_whole();
    let data = report_of(&lake.reader, "volume");
    // Its last day is the day before; the day itself was not over.
    assert_eq!((data.completeness.days_loaded, data.completeness.days_expected), (19, 31), "{}", data.completeness.sentence);
    assert_eq!(lake.newest().manifest.loaded_until, Snapshot::newest(&lake.owner(1).project()).unwrap().manifest.loaded_until);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_go_together_is_refused_and_who_has_no_name_publishes_nothing() {
    let lake = Lake::of(Place::folder(), &[world(5, 60), world(6, 60)]).await;
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
    for (wrong, told) in [
        ("owner = \"A b\"", "up to 40 small letters"),
        ("lake = \"gs://x/y\"", "a folder that every machine sees, or s3://"),
        ("lake = \"s3://\"", "names no bucket"),
        ("lake = \"x\"\n[storage.s3]\nregion = \"y\"", "`lake` names none"),
        ("lake = \"s3://x\"\n[storage.s3]\nendpoint = \"x:9\"", "endpoint `x:9` is not accepted"),
        ("lake = \"s3://x\"\n[storage.s3]\nendpoint = \"http://minio:9000\"", "endpoint `http://minio:9000` is not accepted"),
        ("lake = \"s3://x\"\n[storage.s3]\naccess_key_env = \"A\"\naccess_key_file = \"b\"", "keep one"),
        ("lake = \"s3://x\"\n[storage.s3]\nmachine_role = true\nsecret_key_env = \"A\"", "keep one"),
        ("lake = \"s3://x\"\n[storage.s3]\ncache_mb = 0", "1 or more"),
    ] {
        let storage = if wrong.starts_with("owner") { format!("lake = \"x\"\n{wrong}") } else { wrong.to_owned() };
        let sandbox = Sandbox::with_settings(&format!("{}\n[storage]\n{storage}\n", settings("http://127.0.0.1:9")));
        let run = sandbox.relato(&["report", "list"]).assert().code(2);
        let said = one_line(&run.get_output().stderr);
        assert!(said.contains(told), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_and_forgetting_reach_what_all_owners_have() {
    pruning_and_forgetting_reach_what_all_owners_have_in(Place::folder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_and_forgetting_reach_what_all_owners_have_on_object_storage() {
    pruning_and_forgetting_reach_what_all_owners_have_in(Place::bucket()).await;
}

async fn pruning_and_forgetting_reach_what_all_owners_have_in(place: Place) {
    let lake = Lake::of(place, &[world(5, 120), world(6, 120)]).await;
    for days in [6, 4, 0] {
        for number in 0..2 {
            lake.owner(number).load(IngestRequest { now: now() - TimeDelta::days(days), ..everything() }).await;
        }
        lake.newest();
    }
    let snapshots = |sandbox: &Sandbox| Catalog::of(&sandbox.project()).unwrap().list().unwrap().len();
    assert_eq!(snapshots(&lake.reader), 3);
    lake.owner(0).relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    assert_eq!(snapshots(lake.owner(0)), 1);
    // Combined snapshots still name parts that no kept one of the owner does.
    lake.require_whole();
    if let Place::Bucket(storage) = &lake.place {
        // What is young might be a publisher's who is not done.
        storage.wait(TimeDelta::hours(7));
    }
    let before = lake.count();
    lake.reader.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    lake.owner(0).relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    assert_eq!(snapshots(&lake.reader), 1);
    assert!(lake.count() < before);
    lake.require_whole();

    let before = lake.tickets("customer_key");
    let world = &lake.owners[0].1;
    let customer = &world.customers[world.tickets[0].customer].identity;
    lake.owner(0).relato(&["subject", "erase", customer, "--reason", "asked for it", "--yes"]).assert().success();
    let after = lake.tickets("customer_key");
    let gone: BTreeSet<&String> = before.iter().filter(|key| !after.contains(key)).collect();
    assert_eq!((before.len(), gone.len(), lake.newest().manifest.erasures.len()), (after.len(), 1, 1));
    if let Place::Bucket(storage) = &lake.place {
        // What named the customer is nowhere any more: not on the storage, however young, and not on the machine of who reads.
        let named = lake.named_parts();
        let stored = storage.keys("owner=contract-0/").into_iter().filter_map(|key| Some(key.strip_prefix("team/")?.to_owned()));
        assert_eq!(stored.filter(|key| key.ends_with(".parquet") && !named.contains(key)).collect::<Vec<_>>(), Vec::<String>::new());
        let kept = lake.reader.dir().join("data/lake");
        let here = files_below(&kept).into_iter().map(|(path, _)| path.strip_prefix(&kept).unwrap_or(&path).display().to_string());
        let here = here.filter(|path| path.starts_with("owner=contract-0/") && path.ends_with(".parquet") && !named.contains(path));
        assert_eq!(here.collect::<Vec<_>>(), Vec::<String>::new());
    }
    lake.require_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_parts_are_merged_and_stay_so_for_as_long_as_what_they_are_made_of() {
    small_parts_are_merged_in(Place::folder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_parts_are_merged_on_object_storage() {
    small_parts_are_merged_in(Place::bucket()).await;
}

async fn small_parts_are_merged_in(place: Place) {
    let lake = Lake::of(place, &[world(5, 120), world(6, 120), world(7, 120)]).await;
    for number in 0..3 {
        lake.owner(number).load(IngestRequest { now: now() - TimeDelta::days(1), ..everything() }).await;
    }
    let before = report_of(&lake.reader, "volume");
    let parts = |month: &str| -> Vec<String> {
        let newest = lake.newest().manifest;
        newest.parts().filter(|part| part.month.as_deref() == Some(month)).map(|part| part.path.clone()).collect()
    };
    let (old, current) = (parts("2026-10"), parts("2026-11"));
    let refused = lake.owner(0).relato(&["snapshot", "compact"]).assert().code(2);
    assert!(one_line(&refused.get_output().stderr).contains("has snapshots of its own"));
    let run = lake.reader.relato(&["snapshot", "compact"]).assert().success();
    let said = one_line(&run.get_output().stdout);
    assert!(said.starts_with("Merged "), "{said}");
    // Of six large tables, one file where there were three; what is restricted stays its owners', and the current month changes.
    let merged = parts("2026-10");
    let is_merged = |path: &&String| !path.starts_with("owner=");
    assert_eq!((merged.iter().filter(is_merged).count(), old.len() - merged.len()), (6, 12), "{merged:?}");
    assert_eq!(parts("2026-11"), current);
    lake.require_whole();
    let after = report_of(&lake.reader, "volume");
    let blocks = |data: &ReportData| serde_json::to_string(&data.blocks).unwrap();
    assert!(blocks(&after) == blocks(&before) && after.completeness.tickets_stored == before.completeness.tickets_stored);
    let again = lake.reader.relato(&["snapshot", "compact"]).assert().success();
    assert_eq!(one_line(&again.get_output().stdout), "Nothing to merge.");

    // What owners load of the current month leaves merged months as they are.
    for number in 0..3 {
        lake.owner(number).load(everything()).await;
    }
    lake.require_every_ticket_once();
    let tickets = |month: &str| parts(month).into_iter().filter(|path| path.contains("ticket/")).collect::<Vec<_>>();
    assert_eq!(tickets("2026-10").iter().filter(is_merged).count(), 1);

    // Who is forgotten is forgotten there, too.
    let keys = lake.tickets("customer_key");
    let world = &lake.owners[0].1;
    let of_october = world.tickets.iter().find(|ticket| ticket.created_at.format("%Y-%m").to_string() == "2026-10").expect("a ticket");
    let customer = &world.customers[of_october.customer].identity;
    let before = tickets("2026-10");
    lake.owner(0).relato(&["subject", "erase", customer, "--reason", "asked for it", "--yes"]).assert().success();
    let (after, kept) = (tickets("2026-10"), lake.tickets("customer_key"));
    assert_ne!(before, after);
    assert_eq!(after.iter().filter(is_merged).count(), 1, "it is still merged");
    assert_eq!(keys.iter().filter(|key| !kept.contains(key)).collect::<BTreeSet<_>>().len(), 1);
    lake.require_whole();
    lake.require_every_ticket_once();
    if let Place::Bucket(storage) = &lake.place {
        assert!(before.iter().all(|path| storage.keys(path).is_empty() || after.contains(path)), "what named them is gone at once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_forgotten_is_forgotten_where_only_old_combined_snapshots_tell() {
    who_is_forgotten_in(Place::folder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_forgotten_is_forgotten_on_object_storage_where_only_old_combined_snapshots_tell() {
    who_is_forgotten_in(Place::bucket()).await;
}

async fn who_is_forgotten_in(place: Place) {
    let lake = Lake::of(place, &[world(5, 120), world(6, 60)]).await;
    for days in [6, 0] {
        for number in 0..2 {
            lake.owner(number).load(IngestRequest { now: now() - TimeDelta::days(days), ..everything() }).await;
        }
        lake.newest();
        lake.reader.relato(&["snapshot", "compact"]).assert().success();
    }
    // Parts of the month that went on are the owner's no more: only combined snapshots name them.
    lake.owner(0).relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    let (catalog, world) = (lake.catalog(), &lake.owners[0].1);
    let keys = |id: &str| -> BTreeSet<String> {
        let snapshot = Snapshot::open(&catalog, Some(id)).unwrap();
        Lake::tickets_of(&snapshot, "customer_key").into_iter().collect()
    };
    let ids: Vec<String> = catalog.list().unwrap().into_iter().map(|manifest| manifest.id).collect();
    assert!(ids.len() >= 3, "{ids:?}");
    let before: Vec<BTreeSet<String>> = ids.iter().map(|id| keys(id)).collect();
    // One who wrote in the month that is being loaded, before the first load: every snapshot tells of them.
    let early = now() - TimeDelta::days(8);
    let of_month = |created_at: DateTime<Utc>| created_at.format("%Y-%m").to_string() == "2026-11" && created_at < early;
    let ticket = world.tickets.iter().find(|ticket| of_month(ticket.created_at)).expect("a ticket");
    let customer = &world.customers[ticket.customer].identity;
    lake.owner(0).relato(&["subject", "erase", customer, "--reason", "asked for it", "--yes"]).assert().success();
    let catalog = lake.catalog();
    let after: Vec<BTreeSet<String>> =
        ids.iter().map(|id| Lake::tickets_of(&Snapshot::open(&catalog, Some(id)).unwrap(), "customer_key").into_iter().collect()).collect();
    for ((id, before), after) in ids.iter().zip(&before).zip(&after) {
        assert_eq!((before.difference(after).count(), before.len()), (1, after.len()), "{id}");
    }
    lake.require_whole();
}

/// Starts `relato ingest` at `now` and returns the process.
fn ingest(sandbox: &Sandbox, now: DateTime<Utc>) -> Child {
    sandbox.set_clock(now);
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("relato"));
    command.args(["--now", &now.to_rfc3339(), "--project"]).arg(sandbox.dir()).args(["ingest", "--from", "2026-08-25", "--quiet"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("relato")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectors_and_a_pruner_that_are_killed_leave_a_whole_lake() {
    collectors_and_a_pruner_that_are_killed_leave_a_whole_lake_in(Place::folder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectors_and_a_pruner_that_are_killed_leave_a_whole_lake_on_object_storage() {
    collectors_and_a_pruner_that_are_killed_leave_a_whole_lake_in(Place::bucket()).await;
}

async fn collectors_and_a_pruner_that_are_killed_leave_a_whole_lake_in(place: Place) {
    let rounds: u64 = std::env::var("RELATO_SOAK_LAKE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(if matches!(place, Place::Folder(_)) { 9 } else { 5 });
    let lake = Lake::of(place, &[world(5, 150), world(6, 150), world(7, 150)]).await;
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
        println!("round {round}");
        lake.require_parts();
    }
    for number in 0..3 {
        let done = ingest(lake.owner(number), NOW.parse().unwrap()).wait().unwrap();
        assert!([Some(0), Some(3)].contains(&done.code()), "{done:?}");
    }
    lake.require_whole();
    lake.require_every_ticket_once();
    println!("{kills} kills in {rounds} rounds");
}
