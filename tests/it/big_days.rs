//! Days with very many tickets: they load in memory that does not grow with them as a database's transaction would.

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use relato::{
    ingest::IngestRequest,
    sim::{World, WorldSpec},
};

use crate::support::{Sandbox, serve, zone};

/// The evening of a day on which everything happened.
const EVENING: &str = "2026-07-02T02:30:00Z";

fn evening() -> DateTime<Utc> {
    EVENING.parse().expect("a valid instant")
}

/// Returns a contract with all its tickets on one local day.
fn one_day(seed: u64, tickets: usize) -> Arc<World> {
    Arc::new(World::draw(&WorldSpec { seed, tickets, months: 1, now: evening() }, zone()))
}

fn number(sandbox: &Sandbox, sql: &str) -> i64 {
    sandbox.store().connection().query_row(sql, [], |row| row.get(0)).expect("a number")
}

/// Loads the tickets of the day in a process of its own; returns its most memory in MB.
fn load_alone(sandbox: &Sandbox) -> u64 {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("relato"))
        .args(["--now", EVENING, "--project"])
        .arg(sandbox.dir())
        .args(["ingest", "--only", "tickets", "--from", "2026-07-01"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let status = format!("/proc/{}/status", child.id());
    let mut most_kb = 0;
    while child.try_wait().expect("a status").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        most_kb = most_kb.max(kb.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    most_kb / 1024
}

async fn loads_in_mb(tickets: usize, most_mb: u64) {
    let world = one_day(81, tickets);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let mb = tokio::task::block_in_place(|| load_alone(&sandbox));
    println!("{tickets} tickets of one day: {mb} MB");
    assert_eq!(number(&sandbox, "SELECT count(*) FROM state.ticket"), i64::try_from(tickets).expect("a count"));
    let read = "SELECT count(*) FROM raw.coverage WHERE resource = 'ticket' AND stored = reported AND stored = (SELECT count(*) FROM state.ticket)";
    assert_eq!(number(&sandbox, read), 1);
    assert!(mb < most_mb, "{mb} MB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: `make soak`"]
async fn two_hundred_thousand_tickets_of_one_day_load_in_bounded_memory() {
    loads_in_mb(200_000, 800).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_day_is_kept_in_pieces_and_counts_as_read_with_the_last() {
    let world = one_day(82, 12_000);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let request = IngestRequest {
        now: evening(),
        is_trial: false,
        from: "2026-07-01".parse().ok(),
        to: None,
        full: false,
        only: Some(relato::ingest::OnlyResource::Tickets),
    };
    let (summary, first) = sandbox.load(request.clone()).await;
    assert_eq!(summary.written.ticket_answers, 12_000);
    assert_eq!(number(&sandbox, "SELECT sum(ticket_answers) FROM raw.load"), 12_000);
    let (summary, second) = sandbox.load(request).await;
    assert_eq!((summary.written.ticket_answers, summary.warnings.unlisted), (0, 0), "the same again changes nothing");
    assert_eq!(first.manifest, second.manifest);
}
