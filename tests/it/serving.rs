//! The process that serves, for a simulated month at high speed, against a Blip and a mail server that misbehave.

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command as Process, Stdio},
    thread,
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin;
use chrono::{DateTime, TimeDelta, Utc};
use relato::ledger::{DeliveryState, Ledger};

use crate::{
    mailbox::{Act, Mailbox, Stage},
    support::{Sandbox, everything, serve, settings, world},
};

/// Resident memory of a process in kilobytes.
fn memory_kb(process: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Days that are served: two, or a month when there is time.
fn days() -> i64 {
    std::env::var("RELATO_SOAK_DAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

#[tokio::test(flavor = "multi_thread")]
async fn serving_against_a_faulty_blip_and_a_faulty_mail_server_delivers_once_with_flat_memory() {
    /// Seconds of the simulated clock in each second.
    const SPEED: f64 = 14_400.0;
    // Of a hundred conversations some are refused at the door, some break in the middle, one breaks after the end.
    let mailbox = Mailbox::scripted(|stage, _, conversation| match (stage, conversation % 100) {
        (Stage::Connect, 3 | 17 | 40 | 71) => Act::Say("421 busy"),
        (Stage::To, 9 | 55) => Act::Say("451 try later"),
        (Stage::Body, 12 | 33 | 60) | (Stage::Whole, 25) => Act::Drop,
        _ => Act::Go,
    });
    let server = serve(&world(3, 400), &["server-error=0.01", "reset=0.01", "truncate=0.01", "failure=0.01"]).await;
    let sandbox = Sandbox::with_settings(&format!(
        "{}\n[delivery]\noperations = [\"ti@x.org\"]\n[delivery.smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"r@x.org\"\n\
         timeout_s = 2\n[serve]\ningest = \"0 */8 * * *\"\n",
        settings(&server.base_url),
        mailbox.port
    ));
    // Begun before the month, so that only what is new is loaded on the way.
    let began: DateTime<Utc> = "2026-10-20T03:00:00Z".parse().unwrap();
    let mut first = everything();
    first.now = began;
    sandbox.load(first).await;
    fs::create_dir(sandbox.dir().join("schedules")).unwrap();
    for (name, cron, report) in
        [("manha", "0 8 * * *", "semanal"), ("tarde", "30 17 * * SEG-SEX", "semanal"), ("segunda", "15 9 * * SEG", "atendimento-mensal")]
    {
        sandbox.write(
            &format!("schedules/{name}.toml"),
            &format!(
                "report = \"{report}\"\ncron = \"{cron}\"\ntimezone = \"America/Sao_Paulo\"\nperiod = \"yesterday\"\nformats = [\"pdf\", \"xlsx\"]\n\
                 missed = \"all\"\nto = [\"a@x.org\", \"{name}@x.org\"]\nfolder = \"saida/{name}\"\n"
            ),
        );
    }
    let mut process = Process::new(cargo_bin("relato"))
        .args(["serve", "--quiet", "--now", "2026-10-20T03:00:00Z", "--speed", &SPEED.to_string(), "--project"])
        .arg(sandbox.dir())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    #[expect(clippy::cast_precision_loss, reason = "a few days")]
    let lasts = Duration::from_secs_f64(days() as f64 * 86_400.0 / SPEED);
    let started = Instant::now();
    let mut samples = Vec::new();
    while started.elapsed() < lasts {
        // The process lives on the clock; what is measured is what it holds meanwhile.
        thread::park_timeout(Duration::from_millis(500));
        samples.push(memory_kb(&process));
        assert!(process.try_wait().expect("a process").is_none(), "it serves until it is stopped");
    }
    Process::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert!(process.wait().unwrap().success());
    // What was still on its way is finished without a hurry, with what Blip has by then.
    let end = began + TimeDelta::days(days() + 1);
    let mut last = everything();
    last.now = end;
    while sandbox.try_load(last.clone()).await.is_err() {}
    for hours in 0..30 {
        let now = (end + TimeDelta::hours(hours)).to_rfc3339();
        Process::new(cargo_bin("relato"))
            .args(["serve", "--once", "--quiet", "--now", &now, "--project"])
            .arg(sandbox.dir())
            .output()
            .unwrap();
    }
    let ledger = Ledger::open(&sandbox.project().ledger_file()).unwrap();
    let runs = ledger.history(None, 10_000).unwrap();
    let taken = mailbox.taken();
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &runs {
        let is_recent = run.planned_at > end - TimeDelta::hours(1);
        assert!(run.state.is_final() || is_recent, "{run:?}");
        for delivery in ledger.deliveries(run.id).unwrap() {
            let key = format!("<{}@x.org>", delivery.idempotency_key);
            let times = taken.iter().filter(|one| String::from_utf8_lossy(&one.bytes).contains(&key)).count();
            assert!(times <= 1, "{delivery:?} went out {times} times");
            assert!(delivery.state != DeliveryState::Failed, "{delivery:?}");
            *outcomes.entry(delivery.state.word()).or_default() += 1;
        }
    }
    let third = samples.len() / 3;
    let highest = |samples: &[u64]| samples.iter().copied().max().unwrap_or(0) / 1024;
    let (early, late) = (highest(&samples[..third.max(1)]), highest(&samples[2 * third..]));
    println!(
        "{} days: {} runs, deliveries {outcomes:?}, {} mails in {} conversations, at most {early} MB in the first third, {late} MB in the last",
        days(),
        runs.len(),
        taken.len(),
        mailbox.conversations()
    );
    assert!(i64::try_from(runs.len()).unwrap() >= days(), "{runs:?}");
    assert!(late < 600, "{late} MB");
    if days() >= 20 {
        assert!(late * 10 <= early * 12, "memory grew from {early} to {late} MB");
    }
}
