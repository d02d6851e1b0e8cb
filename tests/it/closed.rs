//! When a period is loaded, provisional or closed, and what a report says of what was never read.

use std::sync::Arc;

use crate::support::{Sandbox, everything, now, serve, settings, world};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use relato::{
    domain::{
        ReportData,
        report_data::{CompletenessState, Content},
    },
    ingest::{IngestRequest, OnlyResource},
    sim::World,
};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// The value of a key figure; the name must be there.
fn figure(data: &ReportData, name: &str) -> Option<f64> {
    let figures = data.blocks.iter().filter_map(|block| if let Content::Kpis { figures } = &block.content { Some(figures) } else { None });
    figures.flatten().find(|figure| figure.column.name == name).unwrap_or_else(|| panic!("no figure {name}")).value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_which_only_answers_were_read_is_not_loaded() {
    let world = world(62, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(IngestRequest { from: Some(day("2026-11-01")), ..everything() }).await;
    sandbox.load(IngestRequest { from: Some(day("2026-09-01")), only: Some(OnlyResource::Events), ..everything() }).await;

    let september = sandbox.report("2026-09", None);
    assert_eq!(september.completeness.state, CompletenessState::Incomplete);
    assert_eq!(september.completeness.days_loaded, 0);
    assert_eq!(
        september.completeness.sentence,
        "Incompleto: só 0 de 30 dias carregados. Os números estão abaixo do real. Lidos: tickets de 0 de 30 dias, respostas à pesquisa de 30 \
         de 30 dias."
    );
    assert_eq!(["conversations", "csat_share"].map(|name| figure(&september, name)), [None, None]);
    // Of the month whose tickets were read, too, nothing changes.
    assert_eq!(sandbox.report("2026-11", None).completeness.days_loaded, 23);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_which_no_answers_were_read_has_no_satisfaction() {
    let world = world(62, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(IngestRequest { only: Some(OnlyResource::Tickets), ..everything() }).await;
    sandbox.load(IngestRequest { only: Some(OnlyResource::Messages), ..everything() }).await;

    let september = sandbox.report("2026-09", None);
    assert_eq!(september.completeness.state, CompletenessState::Incomplete);
    assert!(
        september.completeness.sentence.ends_with("Lidos: tickets de 30 de 30 dias, respostas à pesquisa de 0 de 30 dias."),
        "{}",
        september.completeness.sentence
    );
    assert!(figure(&september, "conversations").is_some_and(|value| value > 0.0));
    let satisfaction = sandbox.report_called("satisfacao", "2026-09", None);
    for block in &satisfaction.blocks {
        let Content::Kpis { figures } = &block.content else { continue };
        let of_answers =
            figures.iter().filter(|figure| matches!(figure.column.metric.as_deref(), Some("M18" | "M19" | "M20" | "M21" | "M22")));
        let known: Vec<_> = of_answers.filter(|figure| figure.value.is_some()).map(|figure| figure.column.name.as_str()).collect();
        assert!(known.iter().all(|name| *name == "surveys_sent"), "{known:?}");
    }
    let text: Vec<_> = satisfaction
        .blocks
        .iter()
        .filter_map(|block| if let Content::Text { paragraphs } = &block.content { Some(paragraphs.concat()) } else { None })
        .collect();
    assert!(text.iter().all(|text| !text.contains("0 clientes")), "{text:?}");
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// A world whose tickets have all ended, and a conversation of 20 October that a transfer of 1 November carried on and that ends at `end`.
fn carried_on(now: DateTime<Utc>, end: Option<DateTime<Utc>>) -> Arc<World> {
    let mut world = World::clone(&world(63, 120));
    world.now = now;
    for ticket in world.tickets.iter_mut().filter(|ticket| ticket.closed_at.is_none()) {
        (ticket.status, ticket.closed_at) = ("ClosedAttendant", Some(ticket.created_at + TimeDelta::days(1)));
    }
    let first = world.tickets.iter().position(|ticket| ticket.created_at >= at("2026-10-20T12:00:00Z")).expect("a ticket");
    let second = world.tickets.iter().position(|ticket| ticket.created_at >= at("2026-11-01T12:00:00Z")).expect("a ticket");
    let (customer, sequential_id) = (world.tickets[first].customer, world.tickets[first].sequential_id);
    let ticket = &mut world.tickets[second];
    (ticket.customer, ticket.parent, ticket.parent_sequential_id) = (customer, Some(first), Some(sequential_id));
    (ticket.agent, ticket.opened_at, ticket.first_response_at) = (None, None, None);
    (ticket.status, ticket.closed_at) = if end.is_some() { ("ClosedClient", end) } else { ("Waiting", None) };
    let transferred = ticket.created_at;
    let ticket = &mut world.tickets[first];
    (ticket.status, ticket.closed_at) = ("Transferred", Some(transferred));
    Arc::new(world)
}

async fn load_of(world: Arc<World>, sandbox: &Sandbox) {
    let at = world.now;
    let server = serve(&world, &[]).await;
    sandbox.write("relato.toml", &settings(&server.base_url));
    sandbox.load(IngestRequest { now: at, ..everything() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_open_as_long_as_a_conversation_that_began_in_it() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    load_of(carried_on(now(), None), &sandbox).await;
    let open = sandbox.report("2026-10", None).completeness;
    assert_eq!((open.state, open.tickets_open), (CompletenessState::Provisional, 0));
    assert_eq!(
        open.sentence,
        "Provisório: 1 conversa do período ainda está em aberto. Os números ainda podem mudar; o período fecha o mais tardar em 31/12/2026."
    );
    let said = String::from_utf8(sandbox.relato(&["check", "--offline"]).assert().get_output().stdout.clone()).expect("UTF-8");
    let line = "2026-10       Provisional: 1 conversation of the period is still open. Figures can still change; the period closes on \
                12/31/2026 at the latest.";
    assert!(said.lines().any(|one| one == line), "{said}");
    let status = sandbox.relato(&["status", "--format", "json"]).assert().get_output().stdout.clone();
    let status: serde_json::Value = serde_json::from_slice(&status).expect("JSON");
    assert_eq!(status["months"][0]["month"], "2026-10");
    assert_eq!(status["months"][0]["state"], "provisional");
    assert_eq!(status["months"][0]["closes_by"], "2026-12-31");

    let later = now() + TimeDelta::days(1);
    load_of(carried_on(later, Some(now() + TimeDelta::hours(2))), &sandbox).await;
    let closed = sandbox.report("2026-10", None).completeness;
    assert_eq!(closed.state, CompletenessState::Closed);
    assert_eq!(closed.sentence, "Período fechado: todos os 31 dias carregados, nenhuma conversa em aberto.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_that_ended_long_ago_is_closed_whatever_is_open() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    load_of(carried_on(at("2026-12-31T02:00:00Z"), None), &sandbox).await;
    assert_eq!(sandbox.report("2026-10", None).completeness.state, CompletenessState::Provisional);
    load_of(carried_on(at("2026-12-31T04:00:00Z"), None), &sandbox).await;
    let closed = sandbox.report("2026-10", None).completeness;
    assert_eq!(closed.state, CompletenessState::Closed);
    assert_eq!(
        closed.sentence,
        "Período fechado, porque terminou há 60 dias ou mais. 1 conversa do período ainda está em aberto. O que mudar ainda aparece como \
         retificação."
    );
    // Time closes nothing of which nothing was read.
    assert_eq!(sandbox.report("2026-07", None).completeness.state, CompletenessState::Incomplete);

    let text = std::fs::read_to_string(sandbox.dir().join("relato.toml")).expect("settings");
    sandbox.write("relato.toml", &text.replacen("timezone =", "closed_after_days = 61\ntimezone =", 1));
    assert_eq!(sandbox.report("2026-10", None).completeness.state, CompletenessState::Provisional);
    sandbox.write("relato.toml", &text.replacen("timezone =", "closed_after_days = 6\ntimezone =", 1));
    let said = sandbox.relato(&["check", "--offline"]).assert().code(2).get_output().stderr.clone();
    assert!(crate::support::one_line(&said).contains("closed_after_days is 6 (accepted: 7 to 3650)"), "{}", String::from_utf8_lossy(&said));
}
