//! Customers who ask what is held about them, or to be forgotten.

use std::process::Output;

use duckdb::Connection;
use relato::{
    config::Project,
    ingest::{IngestRequest, Pseudonyms},
    snapshot::{Catalog, Snapshot},
};
use serde_json::Value;

use crate::support::{Sandbox, damaged, everything, now, serve, settings, world};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn mentions(project: &Project, text: &str) -> usize {
    mentions_of_any(project, &[text.to_owned()])
}

/// Returns how many rows of all parts of all snapshots, and of the live database, hold one of these texts.
pub fn mentions_of_any(project: &Project, texts: &[String]) -> usize {
    let holds: Vec<String> = texts.iter().map(|text| format!("contains(CAST(t AS VARCHAR), '{}')", text.replace('\'', "''"))).collect();
    let holds = holds.join(" OR ");
    let connection = Connection::open_in_memory().unwrap();
    let mut found = 0;
    for manifest in Catalog::at(&project.snapshot_dir()).list().unwrap() {
        for part in manifest.tables.values().flat_map(|table| &table.parts) {
            let path = project.snapshot_dir().join(&part.path);
            let sql = format!("SELECT count(*) FROM '{}' AS t WHERE {holds}", path.display());
            found += usize::try_from(connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap();
        }
    }
    let store = Connection::open(project.store_file()).unwrap();
    let mut tables = store.prepare("SELECT schema_name || '.' || table_name FROM duckdb_tables() ").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} AS t WHERE {holds}");
        found += usize::try_from(store.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap();
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_told_and_forgotten_and_every_figure_stays() {
    let world = world(9, 500);
    // A world in which comments are written, and one customer who comes often.
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::with_settings(&settings(&server.base_url));
    sandbox.load(IngestRequest { now: "2026-11-10T15:00:00Z".parse().unwrap(), ..everything() }).await;
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let key = project.settings.privacy.pseudonym_key.fetch(&project.dir, "key").unwrap();
    let pseudonyms = Pseudonyms::new(&key);
    let store = sandbox.store();
    let busiest: String = store
        .connection()
        .query_row(
            "SELECT ticket.customer_key FROM marts.ticket AS ticket
             INNER JOIN raw.identity_link AS link ON link.customer_key = ticket.customer_key AND link.kind = 'originator'
             INNER JOIN raw.event ON event.customer_key = link.linked_key
             INNER JOIN restricted.comment USING (event_id)
             WHERE ticket.closed_at IS NOT NULL
             GROUP BY ticket.customer_key ORDER BY count(*) DESC, ticket.customer_key LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(store);
    let customer = world.customers.iter().position(|customer| pseudonyms.customer(&customer.identity) == busiest).expect("a customer");
    let identity = world.customers[customer].identity.clone();
    // The desk knows them by a tunnel, the survey by their identity on the channel.
    let on_channel = pseudonyms.customer(&world.channel_identity(customer));
    let folder = sandbox.dir().join("out");
    let made = sandbox
        .relato(&["report", "atendimento-mensal", "--period", "2026-10", "--format", "pdf,json", "--out"])
        .arg(&folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made));
    let before = sandbox.report("2026-10", None);
    assert!(mentions(&project, &busiest) > 5);

    let out = sandbox.dir().join("titular");
    let told = sandbox.relato(&["subject", "export", &identity, "--reason", "pedido 1", "--out"]).arg(&out).output().unwrap();
    assert!(told.status.success(), "{}", text(&told));
    let document: Value = serde_json::from_slice(&std::fs::read(out.join("titular.json")).unwrap()).unwrap();
    let held = |name: &str| document["held"][name].as_array().unwrap().len();
    assert!(held("tickets") > 0 && held("messages") > 0 && held("survey_answers") > 0 && held("conversations") > 0, "{document:#}");
    let words = std::fs::read_to_string(out.join("titular.txt")).unwrap();
    assert!(words.starts_with("O que guardamos sobre você") && words.contains(&identity) && words.contains("enviada por você"), "{words}");

    let asked = sandbox.relato(&["subject", "erase", &identity]).output().unwrap();
    assert!(text(&asked).contains("--yes does it") && mentions(&project, &busiest) > 5, "{}", text(&asked));
    let done = sandbox.relato(&["subject", "erase", "-", "--yes", "--reason", "pedido 2"]).write_stdin(identity.clone()).output().unwrap();
    assert!(done.status.success(), "{}", text(&done));
    let receipt: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(receipt["unlinked"]["tickets"].as_u64(), Some(held("tickets") as u64), "{receipt:#}");
    assert!(receipt["unlinked"]["comments"].as_u64() > Some(0) && receipt["snapshots"]["snapshots"].as_u64() >= Some(2), "{receipt:#}");
    assert!(!receipt.to_string().contains(&busiest) && !receipt.to_string().contains(&identity));
    assert_eq!((mentions(&project, &busiest), mentions(&project, &on_channel)), (0, 0), "nothing leads to the customer");

    // Every figure stays, and every published file can be made again.
    let after = sandbox.report("2026-10", None);
    let figures = |data: &relato::domain::ReportData| serde_json::to_value(&data.blocks).unwrap();
    assert_eq!(figures(&before), figures(&after));
    for file in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let again = sandbox.relato(&["report", "--reproduce"]).arg(&file).output().unwrap();
        assert!(text(&again).contains("identical, byte for byte"), "{}: {}", file.display(), text(&again));
    }
    for manifest in Catalog::at(&project.snapshot_dir()).list().unwrap() {
        let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), Some(&manifest.id)).unwrap();
        assert!(damaged(&snapshot).is_empty(), "{}", manifest.id);
    }
    // What Blip tells once more of those records stays unlinked, also when everything is read again.
    sandbox.load(IngestRequest { full: true, now: now() + chrono::TimeDelta::days(1), ..everything() }).await;
    assert_eq!((mentions(&project, &busiest), mentions(&project, &on_channel)), (0, 0), "they are not linked again");
    let again = sandbox.relato(&["subject", "erase", &identity]).output().unwrap();
    assert!(text(&again).contains("They were unlinked before") && text(&again).contains("Held: 0 tickets"), "{}", text(&again));
    let log = sandbox.relato(&["query", "mudancas_de_permissao", "--period", "2026-11", "--format", "json"]).output().unwrap();
    assert!(text(&log).contains("customer unlinked") && text(&log).contains("pedido 2"), "{}", text(&log));
    assert!(sandbox.relato(&["audit", "verify"]).output().unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_administrators_answer_for_a_customer_and_an_identity_must_be_one() {
    let server = serve(&world(9, 100), &[]).await;
    let people = "\n[[access.person]]\nemail = \"ana@x.org\"\nprofile = \"auditor\"\n[[access.person]]\nemail = \"rui@x.org\"\nprofile = \"administrador\"\n";
    let sandbox = Sandbox::with_settings(&format!("{}{people}", settings(&server.base_url)));
    sandbox.load(everything()).await;
    let export = |person: &str, identity: &str| {
        let out = sandbox.dir().join("titular").display().to_string();
        sandbox.relato(&["subject", "export", identity, "--out", &out]).env("RELATO_EMAIL", person).output().unwrap()
    };
    let refused = export("ana@x.org", "+55 (31) 90000-0001");
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused));
    assert_eq!(export("rui@x.org", "nobody").status.code(), Some(2));
    let nothing = export("rui@x.org", "+55 (31) 90000-0001");
    assert_eq!(nothing.status.code(), Some(3), "{}", text(&nothing));
    assert!(text(&nothing).contains("5531900000001@wa.gw.msging.net") && !sandbox.dir().join("titular").exists(), "{}", text(&nothing));
    assert_eq!(relato::blip::identity::canonical("+55 (31) 90000-0001"), "5531900000001@wa.gw.msging.net");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_were_kept_long_enough_are_unlinked_by_themselves() {
    let server = serve(&world(13, 300), &[]).await;
    let plain = settings(&server.base_url);
    let sandbox = Sandbox::with_settings(&plain);
    sandbox.load(everything()).await;
    let before = sandbox.report("2026-09", None);
    let customers = |condition: &str| -> i64 {
        let sql = format!("SELECT count(DISTINCT customer_key) FROM marts.ticket WHERE {condition}");
        sandbox.store().connection().query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let all = customers("TRUE");
    sandbox.write("relato.toml", &plain.replace("[privacy]\n", "[privacy]\nretain_months = 1\n"));
    let load = sandbox.relato(&["ingest"]).output().unwrap();
    assert!(matches!(load.status.code(), Some(0 | 3)), "{}", text(&load));
    let unlinked = customers("starts_with(customer_key, 'x')");
    assert!(unlinked > 0 && unlinked < all, "{unlinked} of {all}");
    assert_eq!(customers("TRUE"), all, "each is one still");
    assert_eq!(customers("starts_with(customer_key, 'x') AND (closed_at IS NULL OR closed_at >= TIMESTAMP '2026-10-01 03:00:00')"), 0);
    let figures = |data: &relato::domain::ReportData| serde_json::to_value(&data.blocks).unwrap();
    assert_eq!(figures(&before), figures(&sandbox.report("2026-09", None)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_never_lost_and_no_wrong_clock_unlinks() {
    let world = world(9, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let identity = world.customers[world.tickets[0].customer].identity.clone();
    let key = project.settings.privacy.pseudonym_key.fetch(&project.dir, "key").unwrap();
    let pseudonym = Pseudonyms::new(&key).customer(&identity);
    let erase = |more: &[&str]| sandbox.relato(&[&["subject", "erase", &identity, "--yes"], more].concat()).output().unwrap();
    // By a clock before what Blip said, and by one after what it says.
    for clock in ["2020-01-01T00:00:00Z", "2031-01-01T00:00:00Z"] {
        let refused = erase(&["--now", clock]);
        assert_eq!(refused.status.code(), Some(4), "{clock}: {}", text(&refused));
        let refused = sandbox.relato(&["import", "nothing.csv", "--now", clock]).output().unwrap();
        assert_eq!(refused.status.code(), Some(4), "{clock}: {}", text(&refused));
    }
    // Where no receipt can be written, nobody is unlinked.
    let nowhere = sandbox.dir().join("no such folder/r.json");
    let refused = erase(&["--out", nowhere.to_str().unwrap()]);
    assert!(refused.status.code() == Some(1) && mentions(&project, &pseudonym) > 0, "{}", text(&refused));
    // An unlinking that broke off before its receipt was in somebody's hand.
    let (store, done) = relato::ingest::erase(&project, &identity, "the first", now(), &relato::ingest::Silent).unwrap();
    drop(store);
    assert!(done.unlinked.tickets > 0 && mentions(&project, &pseudonym) == 0);
    let file = sandbox.dir().join("r.json");
    let again = erase(&["--out", file.to_str().unwrap()]);
    assert!(again.status.success() && text(&again).contains("The receipt of then"), "{}", text(&again));
    let receipt: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(receipt["unlinked"]["tickets"].as_u64(), Some(done.unlinked.tickets as u64), "{receipt:#}");
    assert_eq!(erase(&[]).status.code(), Some(3), "it is in somebody's hand now");
    // One that broke off before it was known what was unlinked is named by the next.
    let other = world.tickets.iter().map(|ticket| ticket.customer).find(|customer| *customer != world.tickets[0].customer).unwrap();
    let other = &world.customers[other].identity;
    let digests = [relato::store::erased_digest(&Pseudonyms::new(&key).customer(other))];
    sandbox.store().begin_receipt("the broken", &digests, now()).unwrap();
    let receipt: Value = serde_json::from_slice(&sandbox.relato(&["subject", "erase", other, "--yes"]).output().unwrap().stdout).unwrap();
    assert!(receipt["unlinked"]["tickets"].as_u64() > Some(0), "{receipt:#}");
    assert_eq!(receipt["earlier_attempts"][0]["receipt"], "the broken", "{receipt:#}");
    assert_eq!(receipt["earlier_attempts"][0]["done"], "broke off before it was known how much was unlinked", "{receipt:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_forgotten_stays_so_when_a_tunnel_of_theirs_becomes_known() {
    let world = world(94, 200);
    let silent = serve(&world, &["no-tunnels=1", "no-tunnel-marks=1"]).await;
    let sandbox = Sandbox::new(&silent.base_url);
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let key = project.settings.privacy.pseudonym_key.fetch(&project.dir, "key").unwrap();
    let customer = world.events[0].customer;
    let (tunnel, on_channel) = (world.customers[customer].identity.clone(), world.channel_identity(customer));
    assert!(tunnel.ends_with("@tunnel.msging.net"), "{tunnel}");
    // Nobody knows yet whose the tunnel is.
    let erased = sandbox.relato(&["subject", "erase", &on_channel, "--yes"]).output().unwrap();
    assert_eq!(erased.status.code(), Some(3), "{}", text(&erased));
    let of_tunnel = Pseudonyms::new(&key).customer(&tunnel);
    assert!(mentions(&project, &of_tunnel) > 0);
    let telling = serve(&world, &[]).await;
    sandbox.write("relato.toml", &settings(&telling.base_url));
    let loaded = sandbox.relato(&["ingest", "--full"]).output().unwrap();
    assert!(text(&loaded).contains("unlinked under another identity"), "{}", text(&loaded));
    assert_eq!(mentions(&project, &of_tunnel), 0, "nothing leads to the customer");
    let nothing = sandbox.relato(&["subject", "erase", &on_channel]).output().unwrap();
    assert!(text(&nothing).contains("Held: 0 tickets"), "{}", text(&nothing));
    // And it is done once.
    let again = sandbox.relato(&["ingest"]).output().unwrap();
    assert!(!text(&again).contains("unlinked under another identity") && mentions(&project, &of_tunnel) == 0, "{}", text(&again));
}
