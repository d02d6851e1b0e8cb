//! Months that are over stay as they were, wherever conversations and people go later.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use relato::{domain::report_data::Content, ingest::IngestRequest, sim::World};

use crate::support::{Sandbox, everything, now, serve, settings, world};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

async fn load_of(world: &Arc<World>, sandbox: &Sandbox) {
    let server = serve(world, &[]).await;
    sandbox.write("relato.toml", &settings(&server.base_url));
    sandbox.load(IngestRequest { now: world.now, ..everything() }).await;
}

/// Sectors of tickets by id.
fn sectors(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let store = sandbox.store();
    let mut statement = store.connection().prepare("SELECT ticket_id, sector FROM marts.ticket").expect("the tickets");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attendant_who_moves_takes_no_past_ticket_along() {
    let mut first = World::clone(&world(71, 300));
    for attendant in &mut first.attendants {
        attendant.teams = vec![Cow::Borrowed("Convênios")];
    }
    for ticket in first.tickets.iter_mut().filter(|ticket| ticket.agent.is_some() && ticket.parent.is_none()).step_by(3) {
        ticket.team = Cow::Borrowed("DIRECT_TRANSFER");
    }
    let mut second = first.clone();
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    load_of(&Arc::new(first.clone()), &sandbox).await;
    let before = sectors(&sandbox);
    let direct =
        first.tickets.iter().filter(|ticket| ticket.team == "DIRECT_TRANSFER" && before[&ticket.id.to_string()] == "Convênios").count();
    assert!(direct >= 20, "{direct} direct transfers");
    let september = sandbox.report("2026-09", Some("Convênios"));

    // Everybody answers elsewhere, and the next day brings a direct transfer.
    second.now = now() + TimeDelta::days(1);
    for attendant in &mut second.attendants {
        attendant.teams = vec![Cow::Borrowed("Suporte")];
    }
    let newest = second.tickets.len() - 1;
    let ticket = &mut second.tickets[newest];
    (ticket.team, ticket.parent, ticket.parent_sequential_id) = (Cow::Borrowed("DIRECT_TRANSFER"), None, None);
    (ticket.created_at, ticket.agent) = (now() + TimeDelta::hours(20), Some(0));
    (ticket.status, ticket.opened_at, ticket.first_response_at, ticket.closed_at) =
        ("Open", Some(now() + TimeDelta::hours(21)), None, None);
    let newest = ticket.id.to_string();
    load_of(&Arc::new(second), &sandbox).await;

    let mut after = sectors(&sandbox);
    assert_eq!(after.remove(&newest).as_deref(), Some("Suporte"));
    let moved: Vec<_> = after.iter().filter(|(id, sector)| before.get(*id) != Some(sector)).collect();
    assert!(moved.is_empty(), "{moved:?}");
    let again = sandbox.report("2026-09", Some("Convênios"));
    assert_eq!(serde_json::to_value(&september.blocks).expect("JSON"), serde_json::to_value(&again.blocks).expect("JSON"));
    // The tables that a whole rebuild makes are the same.
    let store = sandbox.store();
    let by_load = crate::support::digests(&store);
    store.make_all_tables(&sandbox.project().query_texts().expect("queries")).expect("tables");
    assert_eq!(by_load, crate::support::digests(&store));
}

/// Conversations without an answer at the end of October, by the sector that a report is of.
fn unanswered(sandbox: &Sandbox, sector: &str) -> String {
    let data = sandbox.report_called("volume", "2026-10", Some(sector));
    let figures = data.blocks.iter().filter_map(|block| if let Content::Kpis { figures } = &block.content { Some(figures) } else { None });
    let figure = figures.flatten().find(|figure| figure.column.name == "unanswered").expect("the figure");
    figure.value.expect("a value").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_unanswered_stays_in_the_sector_of_that_day() {
    let mut first = World::clone(&world(72, 200));
    for ticket in first.tickets.iter_mut().filter(|ticket| ticket.closed_at.is_none()) {
        (ticket.status, ticket.closed_at) = ("ClosedAttendant", Some(ticket.created_at + TimeDelta::days(1)));
    }
    let waiting = first.tickets.iter().rposition(|ticket| ticket.created_at < at("2026-10-31T15:00:00Z")).expect("a ticket");
    let place = first.tickets.iter().position(|ticket| ticket.created_at > at("2026-11-02T12:00:00Z")).expect("a ticket");
    let (customer, number) = (first.tickets[waiting].customer, first.tickets[waiting].sequential_id);
    let ticket = &mut first.tickets[waiting];
    (ticket.team, ticket.parent, ticket.parent_sequential_id) = (Cow::Borrowed("Suporte"), None, None);
    (ticket.status, ticket.agent, ticket.opened_at, ticket.first_response_at, ticket.closed_at) = ("Waiting", None, None, None, None);
    let mut second = first.clone();
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    load_of(&Arc::new(first), &sandbox).await;
    let before = ["Suporte", "Convênios"].map(|sector| unanswered(&sandbox, sector));
    assert_ne!(before[0], "0");

    let moved_at = second.tickets[place].created_at;
    let ticket = &mut second.tickets[waiting];
    (ticket.status, ticket.closed_at) = ("Transferred", Some(moved_at));
    let ticket = &mut second.tickets[place];
    (ticket.customer, ticket.parent, ticket.parent_sequential_id) = (customer, Some(waiting), Some(number));
    (ticket.team, ticket.agent, ticket.status) = (Cow::Borrowed("Convênios"), None, "Waiting");
    (ticket.opened_at, ticket.first_response_at, ticket.closed_at) = (None, None, None);
    load_of(&Arc::new(second), &sandbox).await;
    assert_eq!(["Suporte", "Convênios"].map(|sector| unanswered(&sandbox, sector)), before);
}
