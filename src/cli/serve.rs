//! `relato serve`: loads, publishes, and sends reports by itself until it is stopped.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use tokio::{runtime::Handle, sync::watch};

use super::{Exit, Failure, Global, ingest, output, report::scratch};
use crate::{
    blip::ClientOptions,
    config::Project,
    console::{self, Health},
    domain::{cron::Cron, digest::sha256},
    files::{
        self,
        lock::{self, Holder, Lock, LockError},
    },
    ingest::{Clients, IngestRequest},
    ledger::{DeliveryState, Ledger, Notice, RunState},
    render::Locale,
    schedule::{House, Outbox, ProjectReports, ProjectWays, Scheduler, Step},
};

/// Load, publish and send reports by schedule, until stopped
///
/// Loads when [serve] in relato.toml says so, and does what schedules/*.toml say: makes each report for the period its planned time
/// means, waits for data where the schedule wants that, sends it once, tries again what failed, and tells owners and operations what did
/// not arrive. Everything is kept in the ledger: after a crash the next start goes on where this one was.
///
/// One process serves a project. Files that change are read again by themselves. SIGTERM and Ctrl-C end it after the step at hand.
/// Under systemd it tells when it is ready, and that it is alive.
#[derive(Args)]
pub struct ServeArgs {
    /// Send what is due now, and end; load nothing
    #[arg(long)]
    once: bool,
    /// Seconds that pass on its clock in each second, for trials
    #[arg(long, value_name = "N", default_value_t = 1.0, hide = true)]
    speed: f64,
}

/// It looks for work at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Without a step for so long, it is not well: a large report or a slow mail server takes less.
const STUCK_AFTER: Duration = Duration::from_mins(20);

/// A clock that may run faster than others.
#[derive(Clone, Copy)]
struct Clock {
    origin: DateTime<Utc>,
    began: Instant,
    speed: f64,
    /// Whether the system's clock is the one to follow, with its corrections.
    is_system: bool,
}

impl Clock {
    fn now(&self) -> DateTime<Utc> {
        if self.is_system {
            return Utc::now();
        }
        let passed = self.began.elapsed().as_secs_f64() * self.speed;
        #[expect(clippy::cast_possible_truncation, reason = "a trial lasts less than a few million years")]
        let passed = TimeDelta::milliseconds((passed * 1_000.0) as i64);
        self.origin + passed
    }

    /// Returns whether it runs faster than others, as in a trial.
    fn is_fast(&self) -> bool {
        self.speed > 1.0
    }

    /// Returns how long to wait for `instant`.
    fn until(&self, instant: DateTime<Utc>) -> Duration {
        (instant - self.now()).to_std().unwrap_or_default().div_f64(self.speed)
    }
}

/// How far the system's clock may go from the time that passed, between two looks, before that is told.
const JUMP: TimeDelta = TimeDelta::minutes(5);

/// Notices that the system's clock was set.
struct Watch {
    clock: Clock,
    seen: (DateTime<Utc>, Instant),
}

impl Watch {
    fn new(clock: Clock) -> Watch {
        Watch { clock, seen: (clock.now(), Instant::now()) }
    }

    /// Returns by how much the clock jumped since the last look; none where it went with the time.
    fn jump(&mut self) -> Option<TimeDelta> {
        let (earlier, at) = std::mem::replace(&mut self.seen, (self.clock.now(), Instant::now()));
        let passed = TimeDelta::from_std(self.seen.1.duration_since(at)).unwrap_or_default();
        let jump = self.seen.0 - earlier - passed;
        (self.clock.is_system && jump.abs() > JUMP).then_some(jump)
    }
}

/// What the parts of the process know of each other.
struct Shared {
    began: Instant,
    /// Milliseconds from the beginning to the last step.
    last_step: AtomicU64,
    last_load: Mutex<Option<String>>,
}

impl Shared {
    fn step(&self) {
        self.last_step.store(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn health(&self) -> Health {
        let looked = self.began.elapsed().saturating_sub(Duration::from_millis(self.last_step.load(Ordering::Relaxed)));
        let last_load = self.last_load.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Health { is_well: looked < STUCK_AFTER, looked_s: looked.as_secs(), last_load }
    }
}

pub fn run(global: &Global, args: &ServeArgs) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let _right = right_to_send(&project, "relato serve", global.now())?;
    if args.once {
        return once(&project, global.now());
    }
    let clock = Clock {
        origin: global.now(),
        began: Instant::now(),
        speed: args.speed,
        is_system: global.now.is_none() && (args.speed - 1.0).abs() < f64::EPSILON,
    };
    let shared = Arc::new(Shared { began: Instant::now(), last_step: AtomicU64::new(0), last_load: Mutex::new(None) });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, error))?;
    let (stop, stopped) = watch::channel(false);
    runtime.spawn(async move {
        wait_for_signal().await;
        tracing::info!("asked to stop");
        // Whoever listens is told; when nobody does, everything has ended.
        let _ = stop.send(true);
    });
    if let Some(port) = project.settings.serve.health_port {
        let listener = console::listen(port).map_err(|error| {
            Failure::told(
                Exit::Failed,
                format!("port {port} of loopback cannot be listened on: {error}"),
                Some("see health_port in relato.toml"),
            )
        })?;
        let shared = Arc::clone(&shared);
        runtime.spawn(console::serve(listener, Arc::new(move || shared.health())));
    }
    watchdog(&runtime, &shared);
    let collector = {
        let (handle, shared, stopped, dir) = (runtime.handle().clone(), Arc::clone(&shared), stopped.clone(), project.dir.clone());
        thread::spawn(move || {
            let due = |project: &Project| project.settings.serve.ingest.clone();
            at_times(&dir, clock, &handle, stopped, due, &async |project, now| collect(project, now, (clock, &shared)).await);
        })
    };
    let comparer = {
        let (handle, stopped, dir) = (runtime.handle().clone(), stopped.clone(), project.dir.clone());
        thread::spawn(move || {
            let due = |project: &Project| project.settings.team.drift.clone();
            at_times(&dir, clock, &handle, stopped, due, &async |project, now| compare(project, now).await);
        })
    };
    notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(project = %project.dir.display(), "serving");
    let served = serve(project, clock, runtime.handle(), &shared, stopped);
    notify(&[sd_notify::NotifyState::Stopping]);
    for (name, thread) in [("collector", collector), ("comparer", comparer)] {
        if thread.join().is_err() {
            tracing::error!("the {name} ended with a fault");
        }
    }
    served.map(|()| Exit::Done)
}

/// Takes the right to send: one process of a project has it.
pub fn right_to_send(project: &Project, command: &str, now: DateTime<Utc>) -> Result<Lock, Failure> {
    files::make_folder(&project.data_dir())?;
    lock::hold(&project.serve_lock(), &Holder::new(command, now)).map_err(|error| match error {
        LockError::File(error) => error.into(),
        LockError::Held(holder) => {
            let holder = holder.map_or_else(
                || "another process".to_owned(),
                |holder| format!("`{}` (process {}) since {} UTC", holder.command, holder.pid, holder.since.format("%Y-%m-%d %H:%M:%S")),
            );
            Failure::told(
                Exit::Refused,
                format!("this project is served already, by {holder}"),
                Some("one process sends the reports of a project; `relato status` tells how it is"),
            )
        }
    })
}

/// Opens a scheduler over a project, which must outlive it.
pub fn scheduler<'a>(
    project: &Project,
    parts: (&'a ProjectReports<'a>, &'a ProjectWays<'a>),
    step: &'a dyn Fn(Step),
    now: DateTime<Utc>,
) -> Result<Scheduler<'a>, Failure> {
    let ledger = Ledger::open(&project.ledger_file())?;
    let outbox = Outbox::new(project.outbox_dir());
    Ok(Scheduler::begin(House::of(project)?, ledger, outbox, (parts.0, parts.1), step, now)?)
}

fn once(project: &Project, now: DateTime<Utc>) -> Result<Exit, Failure> {
    let (reports, ways) = (ProjectReports { project, scratch: &scratch }, ProjectWays { project });
    let mut scheduler = scheduler(project, (&reports, &ways), &|_| {}, now)?;
    scheduler.tick(now)?;
    scheduler.tidy(now)?;
    let ended = scheduler.ledger().history(None, 100)?;
    let is_amiss = |state: RunState| matches!(state, RunState::Failed | RunState::Partial);
    let mut exit = Exit::Done;
    for run in ended.iter().filter(|run| run.updated_at >= now - TimeDelta::seconds(1)) {
        output::print(&format!("{} {}: {} ({})\n", run.schedule, run.period, run.state, run.reason.clone().unwrap_or_default()))?;
        if is_amiss(run.state) {
            exit = Exit::Warnings;
        }
    }
    Ok(exit)
}

/// Does what schedules say until stopped; takes up files that changed.
fn serve(mut project: Project, clock: Clock, handle: &Handle, shared: &Shared, mut stopped: watch::Receiver<bool>) -> Result<(), Failure> {
    let step = |_: Step| shared.step();
    loop {
        let known = project.fingerprint();
        let changed = {
            let (reports, ways) = (ProjectReports { project: &project, scratch: &scratch }, ProjectWays { project: &project });
            let mut scheduler = scheduler(&project, (&reports, &ways), &step, clock.now())?;
            let mut told: Option<String> = None;
            let mut watch = Watch::new(clock);
            let mut tidied: Option<DateTime<Utc>> = None;
            loop {
                if *stopped.borrow() {
                    return Ok(());
                }
                shared.step();
                let now = clock.now();
                if let Some(jump) = watch.jump() {
                    let text = format!("the clock was set by {} minutes, to {now}", jump.num_minutes());
                    tracing::warn!(clock.jump_s = jump.num_seconds(), clock.now = %now, "the clock was set");
                    tell_operations(&project, ("clock", "clock"), &text, now);
                }
                let next = scheduler.tick(now)?;
                if tidied.is_none_or(|last| now - last > TimeDelta::days(1)) {
                    scheduler.tidy(now)?;
                    tidied = Some(now);
                }
                let wait = next.map_or(LOOK_EVERY, |next| clock.until(next)).clamp(Duration::from_millis(50), LOOK_EVERY);
                // An end of the wait is as good as a sign to stop: the loop looks.
                let _ = handle.block_on(async { tokio::time::timeout(wait, stopped.changed()).await });
                let found = project.fingerprint();
                if found != known {
                    match Project::open(&project.dir).and_then(|project| House::of(&project).map(|_| project)) {
                        Ok(project) => break project,
                        Err(error) if told.as_ref() != Some(&found) => {
                            tracing::error!(%error, "files have changed and are wrong: what was read before stays in force");
                            told = Some(found);
                        }
                        Err(_) => {}
                    }
                }
            }
        };
        tracing::info!("files have changed and were read again");
        project = changed;
    }
}

/// Does `work` at the times that the configuration says, until stopped. Work that is under way then is dropped: what it wrote is whole.
fn at_times(
    dir: &Path,
    clock: Clock,
    handle: &Handle,
    mut stopped: watch::Receiver<bool>,
    times: impl Fn(&Project) -> Option<Cron>,
    work: &impl AsyncFn(&Project, DateTime<Utc>),
) {
    loop {
        if *stopped.borrow() {
            return;
        }
        let project = Project::open(dir).ok();
        let due = project.as_ref().and_then(|project| {
            times(project)?.after(clock.now(), project.settings.organization.timezone).next().map(|(instant, _)| instant)
        });
        let wait = due.map_or(LOOK_EVERY, |due| clock.until(due)).min(LOOK_EVERY);
        let is_time = due.is_some_and(|due| clock.until(due) <= LOOK_EVERY);
        if handle.block_on(async { tokio::time::timeout(wait, stopped.changed()).await }).is_ok() || !is_time {
            continue;
        }
        let Some(project) = project else { continue };
        let now = clock.now();
        let was_done = handle.block_on(async {
            tokio::select! {
                _ = stopped.changed() => false,
                () = work(&project, now) => true,
            }
        });
        if !was_done {
            return;
        }
    }
}

/// Loads, and tells operations when that fails.
async fn collect(project: &Project, now: DateTime<Utc>, (clock, shared): (Clock, &Shared)) {
    let outcome = match load(project, now, clock).await {
        Ok(outcome) => {
            tracing::info!(load.outcome = outcome, "loaded");
            outcome
        }
        Err(failure) => {
            let text = failure.summary();
            tracing::error!(load.error = text, "the load failed");
            tell_operations(project, ("load", "load"), &text, now);
            format!("failed: {text}")
        }
    };
    *shared.last_load.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
}

/// Compares people and channels with what is declared, and tells operations, once a day, what differs.
async fn compare(project: &Project, now: DateTime<Utc>) {
    for (subject, compared) in super::ops::compare_all(project, now).await {
        match compared {
            Ok(differs) if differs.is_empty() => {}
            Ok(differs) => {
                tracing::warn!(subject = subject.name(), count = differs.len(), "it is not as declared");
                let about = format!("drift:{}:{}", subject.name(), sha256(differs.join("\n").as_bytes()));
                tell_operations(project, (&about, "drift"), &differs.join("\n"), now);
            }
            Err(failure) => {
                tracing::error!(subject = subject.name(), error = failure.summary(), "it could not be compared with what is declared");
            }
        }
    }
}

async fn load(project: &Project, now: DateTime<Utc>, clock: Clock) -> Result<String, Failure> {
    let clients = Clients::of_project(project, None, ClientOptions::default())?;
    let request = IngestRequest { now, is_trial: clock.is_fast(), from: None, to: None, full: false, only: None };
    let (store, summary) = ingest::load(project, &clients, &request, &crate::ingest::Silent).await?;
    let published = ingest::publish(project, &store, now, summary.marts.quarantined)?;
    drop(store);
    ingest::write_live(project, &summary.live)?;
    let note = match (summary.warnings.gaps.is_empty(), summary.warnings.is_empty()) {
        (false, _) => " (partial: the next load reads what is missing)",
        (true, false) => " (with warnings)",
        (true, true) => "",
    };
    if !summary.warnings.is_empty() {
        tell_operations(project, ("warnings", "warnings"), &ingest::told(&summary.warnings), now);
    }
    Ok(format!("snapshot {}{note}", published.manifest.id))
}

/// Tells operations something about a matter, once a day; `text` names the words for it.
fn tell_operations(project: &Project, (about, text): (&str, &str), cause: &str, now: DateTime<Utc>) {
    let settings = &project.settings;
    let locale = Locale::new(settings.organization.locale);
    let day = settings.organization.timezone.day(now);
    let notices: Vec<Notice> = settings
        .delivery
        .operations
        .iter()
        .map(|recipient| Notice {
            id: 0,
            about: format!("{about}:{day}"),
            recipient: recipient.clone(),
            subject: locale.text(&format!("notice-{text}")),
            body: format!("{}\n{}", locale.text_with("notice-cause", &[("cause", cause)]), locale.text(&format!("notice-remedy-{text}"))),
            state: DeliveryState::Pending,
            attempts: 0,
            answer: None,
        })
        .collect();
    let told = Ledger::open(&project.ledger_file()).and_then(|mut ledger| ledger.tell(&notices, now));
    if let Err(error) = told {
        tracing::error!(%error, "operations cannot be told");
    }
}

/// Tells the supervisor that the process is alive, for as long as it takes steps.
fn watchdog(runtime: &tokio::runtime::Runtime, shared: &Arc<Shared>) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let shared = Arc::clone(shared);
    runtime.spawn(async move {
        let mut beat = tokio::time::interval(limit / 3);
        loop {
            beat.tick().await;
            if shared.health().is_well {
                notify(&[sd_notify::NotifyState::Watchdog]);
            }
        }
    });
}

/// Tells the supervisor, where there is one.
fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the supervisor was not told");
    }
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
