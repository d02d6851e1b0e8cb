//! Loads that lose nothing and repeat nothing.

use std::sync::Arc;

use crate::support::{Sandbox, everything, now, serve, world};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_load_changes_nothing() {
    let world = world(5, 600);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (first, published) = sandbox.load(everything()).await;
    assert!(published.is_new);
    let before: Vec<_> =
        sandbox.data_files().into_iter().filter(|(path, _)| path.starts_with(sandbox.dir().join("data/snapshots"))).collect();
    let commands = server.command_count();
    let (second, again) = sandbox.load(everything()).await;
    assert!(second.written.is_empty(), "{:?}", second.written);
    assert_eq!(second.marts, first.marts);
    assert!(!again.is_new);
    assert_eq!(again.manifest, published.manifest);
    let after: Vec<_> =
        sandbox.data_files().into_iter().filter(|(path, _)| path.starts_with(sandbox.dir().join("data/snapshots"))).collect();
    assert!(before == after, "the snapshot folder is as it was");
    assert!((server.command_count() - commands) * 5 < commands, "a second load asks only for what can have changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_of_the_world_is_stored_and_nothing_else() {
    let world = world(6, 800);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (summary, _) = sandbox.load(everything()).await;
    assert_eq!(summary.written.ticket_answers, world.tickets.len());
    assert_eq!(usize::try_from(summary.marts.tickets).ok(), Some(world.tickets.len()));
    assert_eq!(summary.marts.quarantined, 0);
    assert_eq!(summary.written.events, world.events.len());
    let of_customers: std::collections::BTreeSet<usize> = world.tickets.iter().map(|ticket| ticket.customer).collect();
    let messages: usize = of_customers.iter().map(|customer| world.messages_of(*customer).len()).sum();
    assert_eq!(summary.written.messages, messages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn surveys_sent_are_counted_by_their_type() {
    let world = world(6, 400);
    for (switches, is_native) in [(&[][..], false), (&["native-survey=1"], true)] {
        let server = serve(&world, switches).await;
        let sandbox = Sandbox::new(&server.base_url);
        sandbox.load(everything()).await;
        let project = sandbox.project();
        let connection = duckdb::Connection::open(project.store_file()).expect("the database");
        let number = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).expect("a number") };
        let customers: std::collections::BTreeSet<usize> = world.tickets.iter().map(|ticket| ticket.customer).collect();
        let messages = customers.iter().flat_map(|customer| world.messages_of(*customer));
        let sent = messages.filter(|message| message.author == relato::sim::Author::Survey).count();
        let sent = if is_native { i64::try_from(sent).expect("a count") } else { 0 };
        assert!(!is_native || sent > 200, "{sent}");
        assert_eq!(number("SELECT CAST(sum(surveys_sent) AS BIGINT) FROM marts.conversation"), sent);
        assert_eq!(number("SELECT count(*) FROM marts.conversation WHERE surveys_sent IS NULL AND message_count > 0"), 0);
        let in_october = |day: &str| format!("{day} BETWEEN DATE '2026-10-01' AND DATE '2026-10-31'");
        let answers = number(&format!("SELECT count(*) FROM marts.rating WHERE counted AND {}", in_october("period_day")));
        let surveys =
            number(&format!("SELECT CAST(sum(surveys_sent) AS BIGINT) FROM marts.conversation WHERE {}", in_october("ended_day")));
        let closed = number(&format!("SELECT count(*) FROM marts.ticket WHERE outcome <> 'transferred' AND {}", in_october("closed_day")));
        drop(connection);

        let data = sandbox.report("2026-10", None);
        let rate = data.blocks.iter().find_map(|block| match &block.content {
            relato::domain::report_data::Content::Kpis { figures } => figures.iter().find(|figure| figure.column.name == "response_rate"),
            _ => None,
        });
        let rate = rate.expect("the response rate");
        let base = if is_native { surveys } else { closed };
        assert_eq!(rate.n, Some(base));
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let expected = answers as f64 / base as f64;
        assert_eq!(rate.value.map(f64::to_bits), Some(expected.to_bits()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_in_two_parts_gives_what_one_load_gives() {
    let world = world(7, 600);
    let server = serve(&world, &[]).await;
    let (whole, parts) = (Sandbox::new(&server.base_url), Sandbox::new(&server.base_url));
    let (_, at_once) = whole.load(everything()).await;
    parts.load(relato::ingest::IngestRequest { to: "2026-10-10".parse().ok(), ..everything() }).await;
    let (_, in_parts) = parts.load(everything()).await;
    assert_eq!(at_once.manifest.tables, in_parts.manifest.tables);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passing_faults_change_nothing_in_the_result() {
    let world = world(8, 300);
    let (calm, rough) = (serve(&world, &[]).await, serve(&world, &["failure=0.05", "timeout=0.03", "truncate=0.03"]).await);
    let (one, other) = (Sandbox::new(&calm.base_url), Sandbox::new(&rough.base_url));
    let (_, undisturbed) = one.load(everything()).await;
    let (_, disturbed) = other.load(everything()).await;
    assert_eq!(undisturbed.manifest.tables, disturbed.manifest.tables);
    assert!(rough.command_count() > calm.command_count(), "the faults did occur");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_open_is_seen_closed_later() {
    let later = now() + chrono::TimeDelta::days(3);
    let (early, late) = (world(9, 4_000), {
        let spec = relato::sim::WorldSpec { seed: 9, tickets: 4_000, months: 3, now: now() };
        // The same draws, seen three days later: only what was cut off by the clock differs.
        let mut world = relato::sim::World::draw(&spec, crate::support::zone());
        world.now = later;
        for ticket in world.tickets.iter_mut().filter(|ticket| ticket.closed_at.is_none()) {
            ticket.status = "ClosedAttendant";
            ticket.closed_at = Some(now());
        }
        std::sync::Arc::new(world)
    });
    let open = early.tickets.iter().filter(|ticket| !ticket.is_closed()).count();
    assert!(open > 0, "the world has open tickets");
    let server = serve(&early, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    drop(server);
    let server = serve(&late, &[]).await;
    sandbox.write("relato.toml", &crate::support::settings(&server.base_url));
    let (summary, published) = sandbox.load(relato::ingest::IngestRequest { now: later, ..everything() }).await;
    assert_eq!(summary.written.ticket_answers, open);
    assert!(published.is_new);
    assert!(
        published.parts_written < published.manifest.tables.values().map(|table| table.parts.len()).sum(),
        "unchanged months are shared"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_becomes_anothers_is_there_once() {
    let first = world(11, 600);
    let place = first.tickets.len() - 1;
    let (before, after) = (first.tickets[place].customer, first.tickets[0].customer);
    assert_ne!(before, after);
    let moved = {
        let mut world = relato::sim::World::clone(&first);
        world.tickets[place].customer = after;
        Arc::new(world)
    };
    // Whose it was comes again, alone.
    let later = {
        let mut world = relato::sim::World::clone(&moved);
        world.add_ticket(uuid::Uuid::from_u128(1), before, "Suporte".into(), None);
        Arc::new(world)
    };
    // Whose it is comes again, and it goes back.
    let back = {
        let mut world = relato::sim::World::clone(&later);
        world.tickets[place].customer = before;
        world.add_ticket(uuid::Uuid::from_u128(2), after, "Suporte".into(), None);
        Arc::new(world)
    };
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let id = first.tickets[place].id;
    let mut owners = Vec::new();
    for world in [&first, &moved, &later, &back] {
        let server = serve(world, &[]).await;
        sandbox.write("relato.toml", &crate::support::settings(&server.base_url));
        let (summary, _) = sandbox.load(everything()).await;
        assert_eq!(usize::try_from(summary.marts.tickets).ok(), Some(world.tickets.len()));
        assert!(summary.warnings.alarms.is_empty(), "{:?}", summary.warnings.alarms);
        let store = sandbox.store();
        let sql = format!("SELECT customer_key FROM marts.ticket WHERE ticket_id = '{id}'");
        owners.push(store.connection().query_row(&sql, [], |row| row.get::<_, String>(0)).expect("one ticket"));
    }
    assert_eq!((&owners[1], &owners[3]), (&owners[2], &owners[0]));
    assert_ne!(owners[0], owners[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_customer_no_text_and_no_key_is_stored() {
    let world = world(10, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let secrets: Vec<String> = vec![
        world.customers[world.tickets[0].customer].identity.clone(),
        "Quero falar com um atendente".to_owned(),
        server.keys.desk.clone(),
        "a secret of the tests".to_owned(),
    ];
    // The database compresses: its rows are looked at as texts, the other files as bytes.
    let store = sandbox.store();
    for table in ["raw.ticket", "raw.message", "raw.event", "raw.attendant", "restricted.comment", "marts.ticket", "marts.conversation"] {
        let mut statement = store.connection().prepare(&format!("SELECT CAST(t AS VARCHAR) FROM {table} AS t")).expect("a table");
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
        let text: String = rows.map(|row| row.expect("a row")).collect();
        assert!(!text.is_empty(), "{table} has rows");
        for secret in &secrets {
            assert!(!text.contains(secret), "{table} holds `{secret}`");
        }
    }
    drop(store);
    for (path, bytes) in sandbox.data_files() {
        for secret in &secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{} holds `{secret}`", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_bots_are_read_each_with_its_own_key() {
    let (one, mut other) = (world(18, 200), (*world(19, 300)).clone());
    (other.desk_bot, other.router_bot) = ("outrodesk@msging.net".to_owned(), "outrorouter@msging.net".to_owned());
    let other = std::sync::Arc::new(other);
    let (first, second) = (serve(&one, &[]).await, serve(&other, &[]).await);
    let key = |name: &str, file: &str, role: &str| {
        let base_url = &second.base_url;
        format!("[[blip.key]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\nkey_file = \"keys/{file}.key\"\nroles = [\"{role}\"]\n")
    };
    let keys = key("second", "second-desk", "desk") + &key("second router", "second-router", "events");
    let settings = crate::support::settings(&first.base_url).replace("[sectors]\n", &format!("{keys}[sectors]\n"));
    let sandbox = Sandbox::with_settings(&settings);
    sandbox.write("keys/second-desk.key", &second.keys.desk);
    sandbox.write("keys/second-router.key", &second.keys.router);
    let (summary, _) = sandbox.load(everything()).await;
    let messages = |world: &relato::sim::World| -> usize {
        let customers: std::collections::BTreeSet<usize> = world.tickets.iter().map(|ticket| ticket.customer).collect();
        customers.iter().map(|customer| world.messages_of(*customer).len()).sum()
    };
    assert_eq!(summary.written.ticket_answers, one.tickets.len() + other.tickets.len());
    assert_eq!(summary.written.messages, messages(&one) + messages(&other));
    assert_eq!(summary.written.events, one.events.len() + other.events.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_setting_or_query_makes_the_tables_again() {
    let world = world(20, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let settings = crate::support::settings(&server.base_url);
    sandbox.write("relato.toml", &settings.replace("[\"Financeiro\", \"Cobrança\"]", "[\"Financeiro\"]"));
    let (summary, published) = sandbox.load(everything()).await;
    assert!(summary.written.is_empty() && published.is_new, "the same answers, in other sectors");
    let sectors = sandbox.report("2026-10", None);
    let sectors = crate::oracle::table(&sectors, "setores");
    assert!((0..sectors.row_count()).any(|row| sectors.get(row, "sector").text() == Some("Cobrança")));
    std::fs::create_dir_all(sandbox.dir().join("queries/marts")).expect("a folder");
    let own = relato::config::Project::embedded_query_texts()["marts/sector.sql"]
        .replace("ORDER BY sector", "UNION SELECT 'Novo' ORDER BY sector");
    sandbox.write("queries/marts/sector.sql", &own);
    let (_, published) = sandbox.load(everything()).await;
    assert!(published.is_new, "the same answers through another query");
}

#[test]
fn days_that_cannot_be_read_are_wrong_use() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    for arguments in [&["--from", "2026-11-10", "--to", "2026-11-09"][..], &["--from", "2027-01-01"]] {
        let refused = sandbox.relato(&[&["ingest"], arguments].concat()).assert().code(2);
        refused.stderr(predicates::str::contains("is after the last day that would be read"));
    }
}
