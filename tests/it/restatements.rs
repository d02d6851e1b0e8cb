//! Published figures that change later: what they were, what they are, and why.

use std::{collections::HashSet, fs, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use relato::{
    ingest::IngestRequest,
    sim::{Event, World},
};
use serde_json::Value;

use crate::support::{Sandbox, everything, now, serve, settings, world};

const CATEGORY: &str = "Pesquisa de satisfação";

/// Makes the monthly report of a month in all formats, and returns its document.
fn report(sandbox: &Sandbox, month: &str, out: &str) -> Value {
    let folder = sandbox.dir().join(out);
    let folder = folder.to_str().expect("a plain path");
    let arguments = ["report", "atendimento-mensal", "--period", month, "--format", "json,pdf,xlsx,csv", "--out", folder];
    let code = sandbox.relato(&arguments).assert().get_output().status.code();
    assert!(matches!(code, Some(0 | 3)), "{code:?}");
    let text = fs::read_to_string(sandbox.dir().join(out).join(format!("atendimento-mensal_{month}.json"))).expect("a document");
    serde_json::from_str(&text).expect("JSON")
}

fn figure(document: &Value, column: &str) -> f64 {
    let figures = document["blocks"][0]["content"]["figures"].as_array().expect("key figures");
    let found = figures.iter().find(|figure| figure["column"]["name"] == column).expect("the figure");
    found["value"].as_f64().expect("a value")
}

fn causes(document: &Value) -> Vec<(String, Option<i64>)> {
    let restatements = document["restatements"].as_array().expect("restatements");
    let causes = restatements.iter().flat_map(|one| one["causes"].as_array().expect("causes").iter());
    causes.map(|cause| (cause["kind"].as_str().expect("a kind").to_owned(), cause["count"].as_i64())).collect()
}

/// Answers of customers who had given none and whose last ticket was closed in October, at `at`.
fn late_answers(world: &World, at: DateTime<Utc>, count: usize) -> Vec<Event> {
    let answered: HashSet<usize> = world.events.iter().map(|event| event.customer).collect();
    let closes_in_october = |customer: usize| {
        let last = world.tickets.iter().filter(|ticket| ticket.customer == customer).map(|ticket| ticket.closed_at).max();
        last.flatten().is_some_and(|end| end.date_naive().to_string().starts_with("2026-10-1"))
    };
    let silent = (0..world.customers.len()).filter(|customer| !answered.contains(customer) && closes_in_october(*customer));
    let answer = |customer| Event { category: CATEGORY.into(), action: "Péssimo".to_owned(), at, customer, queue: None, comment: None };
    let answers: Vec<Event> = silent.take(count).map(answer).collect();
    assert_eq!(answers.len(), count, "enough silent customers");
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_changed_since_their_publication_are_told_with_their_cause() {
    let world = world(61, 400);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let october = report(&sandbox, "2026-10", "a");
    assert_eq!(october["restatements"], serde_json::json!([]));

    // Six customers answer a month late.
    let mut later_world = World::clone(&world);
    let at = now() + TimeDelta::hours(1);
    later_world.now = now() + TimeDelta::days(1);
    later_world.events.extend(late_answers(&world, at, 6));
    let later = serve(&Arc::new(later_world), &[]).await;
    sandbox.write("relato.toml", &settings(&later.base_url));
    sandbox.load(IngestRequest { now: now() + TimeDelta::days(1), ..everything() }).await;

    let november = report(&sandbox, "2026-11", "b");
    let restatements = november["restatements"].as_array().expect("restatements");
    assert_eq!(restatements.len(), 1, "{restatements:?}");
    assert_eq!(restatements[0]["period_label"], "outubro de 2026");
    assert_eq!(restatements[0]["sentence"], "6 respostas à pesquisa chegaram depois");
    assert_eq!(causes(&november), [("answers_late".to_owned(), Some(6))]);
    let restated = |column: &str| {
        let figures = restatements[0]["figures"].as_array().expect("figures");
        let found = figures.iter().find(|figure| figure["column"]["name"] == column).expect("a restated figure");
        (found["published"].as_f64().expect("a value"), found["now"].as_f64().expect("a value"))
    };
    let again = report(&sandbox, "2026-10", "c");
    for column in ["csat_share", "response_rate"] {
        let (published, now) = restated(column);
        assert_eq!(published.to_bits(), figure(&october, column).to_bits());
        assert_eq!(now.to_bits(), figure(&again, column).to_bits());
        assert!(published.to_bits() != now.to_bits());
    }
    // What did not change is not listed.
    assert_eq!(restatements[0]["figures"].as_array().map(Vec::len), Some(2));
    let csv = fs::read_to_string(sandbox.dir().join("b/atendimento-mensal_2026-11_retificacoes.csv")).expect("the table");
    assert_eq!(csv.lines().count(), 3, "{csv}");

    // The report that told it is the last publication now; from the same snapshot it tells the same, byte for byte.
    let twice = report(&sandbox, "2026-11", "d");
    assert_eq!(november.to_string(), twice.to_string());
    for name in ["atendimento-mensal_2026-11.pdf", "atendimento-mensal_2026-11.xlsx"] {
        assert!(fs::read(sandbox.dir().join("b").join(name)).unwrap() == fs::read(sandbox.dir().join("d").join(name)).unwrap(), "{name}");
    }

    // A changed rule is a cause of its own: only the best answer counts as satisfied from now on.
    sandbox.write("relato.toml", &settings(&later.base_url).replace("satisfied_from = 4", "satisfied_from = 5"));
    sandbox.load(IngestRequest { now: now() + TimeDelta::days(1), ..everything() }).await;
    let ruled = report(&sandbox, "2026-11", "e");
    let kinds: HashSet<String> = causes(&ruled).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, HashSet::from(["rules".to_owned()]));

    // A publication whose snapshot is gone is still held to its figures.
    let kept = &ruled["snapshot"]["id"];
    for entry in fs::read_dir(sandbox.project().snapshot_dir().join("manifests")).expect("manifests") {
        let path = entry.expect("a manifest").path();
        if path.file_stem().is_some_and(|stem| stem.to_string_lossy() != kept.as_str().expect("an id")) {
            fs::remove_file(path).expect("a manifest that is removed");
        }
    }
    let forgotten = causes(&report(&sandbox, "2026-11", "f"));
    assert!(forgotten.contains(&("unknown".to_owned(), None)), "{forgotten:?}");
}
