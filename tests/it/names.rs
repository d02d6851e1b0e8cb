//! Names hold what they like: a list of names is never joined by a character that one of them can hold.

use std::{borrow::Cow, process::Command, sync::Arc};

use relato::sim::World;

use crate::support::{NOW, Sandbox, everything, root, serve, settings, world};

/// Names that hold what lists are joined by.
const TAGS: [&str; 3] = ["Troca|devolução", "Exames, laudos; N1", "[\"x\"]"];
const QUEUES: [&str; 2] = ["N1|N2", "Suporte, filial; 2"];

/// Rows of a question about the newest snapshot, without the headings.
fn answer(sandbox: &Sandbox, sql: &str) -> serde_json::Value {
    let said = sandbox.relato(&["query", sql, "--format", "json"]).assert().success();
    serde_json::from_slice(&said.get_output().stdout).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_names_are_published_as_json() {
    let mut world = World::clone(&world(73, 120));
    for ticket in &mut world.tickets {
        ticket.tags = Vec::new();
    }
    let place = world.tickets.iter().position(|ticket| ticket.agent.is_some() && ticket.parent.is_none()).expect("a ticket");
    world.tickets[place].tags = TAGS.map(Cow::Borrowed).to_vec();
    let agent = world.tickets[place].agent.expect("an attendant");
    world.attendants[agent].teams = QUEUES.map(Cow::Borrowed).to_vec();
    let email = world.attendants[agent].email.clone();
    let server = serve(&Arc::new(world), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;

    let told = answer(&sandbox, "SELECT tags FROM ticket WHERE tags IS NOT NULL");
    let tags = told["result"]["content"]["table"]["rows"][0]["tags"].as_str().expect("a text");
    assert_eq!(serde_json::from_str::<Vec<String>>(tags).expect("a list"), TAGS);
    let told = answer(&sandbox, "SELECT tag FROM ticket_tag ORDER BY tag");
    assert!(TAGS.iter().all(|tag| told.to_string().contains(&serde_json::to_string(tag).expect("a text"))), "{told}");
    let told = answer(&sandbox, &format!("SELECT queues FROM agent WHERE agent = '{email}'"));
    let queues = told["result"]["content"]["table"]["rows"][0]["queues"].as_str().expect("a text");
    assert_eq!(serde_json::from_str::<Vec<String>>(queues).expect("a list"), QUEUES);
}

#[test]
fn lists_that_an_earlier_version_joined_are_read_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = root().join("tests/old/step-11.tar.gz");
    assert!(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()).status().expect("tar").success());
    let ask = |sql: &str| {
        let mut command = assert_cmd::Command::cargo_bin("relato").expect("the binary");
        command.args(["--now", NOW, "--project"]).arg(folder.path().join("project")).args(["query", sql, "--format", "csv"]);
        String::from_utf8(command.assert().success().get_output().stdout.clone()).expect("UTF-8")
    };
    let told = ask("SELECT queues FROM agent ORDER BY agent LIMIT 3");
    assert!(told.contains(r#""[""Agendamento"",""Cadastro""]""#) && !told.contains('|'), "{told}");
    assert!(ask("SELECT DISTINCT tags FROM ticket").contains(r#""[""guia""]""#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_the_configuration_that_nothing_has_are_told_with_a_guess() {
    let world = world(74, 120);
    let server = serve(&world, &[]).await;
    let declared = settings(&server.base_url);
    let sandbox = Sandbox::with_settings(&declared);
    sandbox.load(everything()).await;
    let said = |sandbox: &Sandbox, arguments: &[&str]| {
        let output = sandbox.relato(arguments).assert().get_output().clone();
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let (_, text) = said(&sandbox, &["check", "--offline"]);
    assert!(!text.contains("Unknown:"), "{text}");

    let wrong = declared.replace("[\"Financeiro\", \"Cobrança\"]", "[\"Financeiro\", \"Cobranca\"]")
        + "\n[calendar.sector.\"Suport\"]\nmon-fri = [\"08:00-18:00\"]\n\n[[target]]\nmetric = \"csat_share\"\nfrom = 2026-01-01\nvalue = 0.8\n\
           sector = \"Zeladoria\"\n";
    sandbox.write("relato.toml", &wrong);
    sandbox.write("recipients.toml", "[sectors]\n\"convênios\" = [\"ana@exemplo.org.br\"]\n");
    let lines = [
        "Unknown: queue `Cobranca` of [sectors] `Financeiro` in relato.toml: neither Blip nor the configuration has it; did you mean `Cobrança`?",
        "Unknown: sector `Zeladoria` of [[target]] of `csat_share` in relato.toml: neither Blip nor the configuration has it",
        "Unknown: sector `Suport` of [calendar] in relato.toml: neither Blip nor the configuration has it; did you mean `Suporte`?",
        "Unknown: sector `convênios` of recipients.toml: neither Blip nor the configuration has it; did you mean `Convênios`?",
    ];
    for arguments in [&["check", "--offline"][..], &["status"], &["ingest", "--from", "2026-11-20"]] {
        let (code, text) = said(&sandbox, arguments);
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with("Unknown:")).collect();
        assert_eq!(found, lines, "{arguments:?}: {text}");
        assert_eq!(code, Some(3), "{arguments:?}");
    }
    let (_, text) = said(&sandbox, &["status", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(status["unknown_names"][0]["guess"], "Cobrança");
}
