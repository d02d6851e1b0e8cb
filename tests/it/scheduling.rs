//! Planned times under every clock, and crashes between every two steps. Reports and ways are stand-ins that count; time is an argument.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicU32, Ordering},
    },
};

use assert_cmd::cargo::cargo_bin;
use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use relato::{
    config::{Access, Recipients, ScheduleSpec},
    deliver::{Deliver, DeliveryError, Facts, Parcel},
    domain::{Cron, Language, Period, Zone, calendar::Calendars, report_data::CompletenessState},
    ledger::{Channel, DeliveryState, Ledger, Publication, RunState},
    render::Mail,
    schedule::{House, Order, Outbox, Reports, Scheduler, Seen, Step, Stored, Ways, Write},
};

use crate::{
    mailbox::{Act, Mailbox, Stage},
    support::{Sandbox, everything, serve, settings, world},
};

/// A folder that is in memory where the system has one: what is tested is the order of steps, not the disk.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a temporary folder")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn spec(name: &str, cron: &str, zone: &str, more: &str) -> ScheduleSpec {
    let text = format!(
        "report = \"r\"\ncron = \"{cron}\"\ntimezone = \"{zone}\"\nperiod = \"yesterday\"\nformats = [\"pdf\"]\nowner = \"dona@x.org\"\n{more}"
    );
    ScheduleSpec::parse(name, Path::new("s.toml"), &Arc::from(text)).unwrap_or_else(|error| panic!("{error}"))
}

fn house(schedules: Vec<ScheduleSpec>) -> House {
    House {
        schedules,
        recipients: Recipients::default(),
        access: Access::default(),
        calendars: Calendars::default(),
        zone: "America/Sao_Paulo".parse().unwrap(),
        language: Language::PtBr,
        operations: vec!["ti@x.org".to_owned()],
        keep_files_days: 30,
        keep_history_months: 120,
    }
}

/// Reports that are a line of text; which snapshot they come from, and whether its data are complete, is set from outside.
struct PlainReports {
    completeness: Cell<CompletenessState>,
    snapshot: RefCell<String>,
    fails: Cell<bool>,
    heard: Cell<Option<DateTime<Utc>>>,
}

impl PlainReports {
    fn new() -> PlainReports {
        PlainReports {
            completeness: Cell::new(CompletenessState::Closed),
            snapshot: RefCell::new("s1".to_owned()),
            fails: Cell::new(false),
            heard: Cell::new(None),
        }
    }
}

impl Reports for PlainReports {
    fn newest_snapshot(&self) -> Result<Option<String>, String> {
        Ok(Some(self.snapshot.borrow().clone()))
    }

    fn heard_until(&self) -> Result<Option<DateTime<Utc>>, String> {
        Ok(self.heard.get())
    }

    fn make<'a>(&'a self, order: Order<'a>) -> Result<(Seen, Write<'a>), String> {
        if self.fails.get() {
            return Err("no disk".to_owned());
        }
        let content = format!("{} {} {:?} {}", order.spec.report, order.period, order.sector, self.snapshot.borrow());
        let seen = Seen {
            snapshot: self.snapshot.borrow().clone(),
            content_sha256: content.clone(),
            completeness: self.completeness.get(),
            sentence: "incompleto".to_owned(),
            has_data: true,
            figures: BTreeMap::new(),
            missed: Vec::new(),
            publication: Publication {
                report: order.spec.report.clone(),
                period: order.period,
                sector: order.sector.map(str::to_owned),
                snapshot: self.snapshot.borrow().clone(),
                published_at: order.planned_at,
                rules: String::new(),
                content_sha256: Some(content.clone()),
                figures: Vec::new(),
                files: Vec::new(),
            },
        };
        let write: Write<'a> = Box::new(move |_, has_banner| {
            Ok(Stored {
                mail: Mail { subject: format!("{has_banner} {content}"), text: String::new(), html: String::new(), picture: None },
                files: Vec::new(),
                stem: String::new(),
                facts: Facts {
                    report: order.spec.report.clone(),
                    title: String::new(),
                    period: order.period.to_string(),
                    sector: None,
                    snapshot: String::new(),
                    completeness: String::new(),
                    content_sha256: content,
                    schedule: order.spec.name.clone(),
                    planned_at: order.planned_at,
                    restated_figures: 0,
                },
            })
        });
        Ok((seen, write))
    }
}

/// The other side: counts what it took, and refuses when told to.
#[derive(Default)]
struct Counting {
    taken: RefCell<Vec<Parcel>>,
    refuses: Cell<bool>,
}

impl Counting {
    fn count_by_key(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for parcel in self.taken.borrow().iter() {
            *counts.entry(parcel.key.clone()).or_default() += 1;
        }
        counts
    }
}

struct Way<'a>(&'a Counting);

impl Deliver for Way<'_> {
    fn deliver(&self, parcel: &Parcel, _now: DateTime<Utc>) -> Result<String, DeliveryError> {
        if self.0.refuses.get() {
            return Err(DeliveryError::Again("busy".to_owned()));
        }
        self.0.taken.borrow_mut().push(parcel.clone());
        Ok("taken".to_owned())
    }
}

impl Ways for Counting {
    fn way(&self, _channel: Channel, _spec: Option<&ScheduleSpec>) -> Result<Box<dyn Deliver + '_>, String> {
        Ok(Box::new(Way(self)))
    }
}

fn scheduler<'a>(
    folder: &Path,
    house: &House,
    parts: (&'a PlainReports, &'a Counting),
    step: &'a dyn Fn(Step),
    now: DateTime<Utc>,
) -> Scheduler<'a> {
    let ledger = Ledger::open(&folder.join("ledger.sqlite")).expect("a ledger");
    Scheduler::begin(house.clone(), ledger, Outbox::new(folder.join("outbox")), (parts.0, parts.1), step, now).expect("a scheduler")
}

/// Planned instants, found by walking the UTC clock a minute at a time and looking at what the local clock shows: a minute that it jumps
/// over is due when it arrives behind it, a minute that it shows again is not due again.
fn walked(rules: &[Fits], zone: &str, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<BTreeSet<DateTime<Utc>>> {
    let zone: Tz = zone.parse().expect("a zone");
    let offset =
        |instant: DateTime<Utc>| TimeDelta::seconds(zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc().into());
    let mut ahead = offset(after);
    let mut seen = after.naive_utc() + ahead;
    let mut due = vec![BTreeSet::new(); rules.len()];
    let mut instant = after + TimeDelta::minutes(1);
    while instant <= until {
        // Clocks are changed at full quarters of an hour.
        if instant.minute().is_multiple_of(15) {
            ahead = offset(instant);
        }
        let shown = instant.naive_utc() + ahead;
        while seen < shown {
            seen += TimeDelta::minutes(1);
            for (fits, due) in rules.iter().zip(&mut due) {
                if fits(seen) {
                    due.insert(instant);
                }
            }
        }
        instant += TimeDelta::minutes(1);
    }
    due
}

type Fits = fn(NaiveDateTime) -> bool;

/// Expressions, and the same rule by hand.
const RULES: [(&str, Fits); 7] = [
    ("0 8 * * *", |t| t.hour() == 8 && t.minute() == 0),
    ("30 0 * * *", |t| t.hour() == 0 && t.minute() == 30),
    ("30 2 * * DOM", |t| t.hour() == 2 && t.minute() == 30 && t.weekday().num_days_from_monday() == 6),
    ("0 9 31 * *", |t| t.hour() == 9 && t.minute() == 0 && t.day() == 31),
    ("15 7 29 2 *", |t| t.hour() == 7 && t.minute() == 15 && t.day() == 29 && t.month() == 2),
    ("0 */6 * * SEG-SEX", |t| t.hour() % 6 == 0 && t.minute() == 0 && t.weekday().num_days_from_monday() < 5),
    ("20,40 1 1-7 * MON", |t| [20, 40].contains(&t.minute()) && t.hour() == 1 && t.day() <= 7 && t.weekday().num_days_from_monday() == 0),
];

/// Zones and years in which clocks do what clocks do.
const YEARS: [(&str, i32); 7] = [
    ("America/Sao_Paulo", 2018),
    ("America/Sao_Paulo", 2026),
    ("America/New_York", 2024),
    ("Europe/Lisbon", 2026),
    ("Pacific/Apia", 2011),
    ("Australia/Lord_Howe", 2026),
    ("Asia/Kathmandu", 2026),
];

#[test]
fn planned_times_are_those_that_the_local_clock_shows() {
    for (zone, year) in YEARS {
        let (from, until) = (at(&format!("{year}-01-01T00:00:00Z")), at(&format!("{}-03-02T00:00:00Z", year + 1)));
        let named: Zone = zone.parse().unwrap();
        let walked = walked(&RULES.map(|(_, fits)| fits), zone, from, until);
        for ((text, _), expected) in RULES.into_iter().zip(walked) {
            let cron: Cron = text.parse().unwrap();
            let found: BTreeSet<_> = cron.after(from, named).map(|(due, _)| due).take_while(|due| *due <= until).collect();
            assert_eq!(found, expected, "{text} in {zone}, {year}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Another library agrees wherever the clock does not change.
    #[test]
    fn expressions_mean_what_another_library_takes_them_for(
        minute in prop_oneof![Just("*/7".to_owned()), (0..60_u32).prop_map(|n| n.to_string()), (0..30_u32, 30..60_u32).prop_map(|(a, b)| format!("{a}-{b}/5"))],
        hour in prop_oneof![Just("*".to_owned()), (0..24_u32).prop_map(|n| n.to_string()), (0..24_u32, 0..24_u32).prop_map(|(a, b)| format!("{a},{b}"))],
        day in prop_oneof![4 => Just("*".to_owned()), 1 => (1..32_u32).prop_map(|n| n.to_string())],
        month in prop_oneof![4 => Just("*".to_owned()), 1 => (1..13_u32).prop_map(|n| n.to_string())],
        weekday in prop_oneof![3 => Just("*"), 1 => Just("MON"), 1 => Just("MON-FRI"), 1 => Just("SAT,SUN"), 1 => Just("FRI-MON")],
        start in 0..20_000_i64,
    ) {
        let text = format!("{minute} {hour} {day} {month} {weekday}");
        let spelt = text.replace("FRI-MON", "FRI,SAT,SUN,MON");
        let from = DateTime::from_timestamp(start * 86_400, 0).unwrap();
        let ours: Vec<_> = text.parse::<Cron>().unwrap().after(from, "UTC".parse().unwrap()).map(|(due, _)| due).take(5).collect();
        let theirs = croner::parser::CronParser::builder().dom_and_dow(true).build().parse(&spelt).unwrap();
        let theirs: Vec<_> = theirs.iter_after(from).take(5).collect();
        // Only so far ahead does the other one look for a day that hardly ever comes.
        let both = ours.len().min(theirs.len());
        prop_assert_eq!(&ours[..both], &theirs[..both], "{}", text);
    }
}

#[test]
fn a_year_of_restarts_pauses_and_clocks_set_back_ends_every_planned_time_once() {
    for (place, (zone, year)) in YEARS.into_iter().enumerate().take(5) {
        let folder = folder();
        let (from, until) = (at(&format!("{year}-01-01T00:00:00Z")), at(&format!("{}-01-02T00:00:00Z", year + 1)));
        let to = "to = [\"a@x.org\"]\n";
        let schedules = vec![
            spec("diario", RULES[0].0, zone, &format!("{to}missed = \"all\"\n")),
            spec("madrugada", RULES[1].0, zone, &format!("{to}missed = \"last\"\n")),
            spec("fim", RULES[3].0, zone, &format!("{to}missed = \"skip\"\nholidays = \"next_business_day\"\n")),
            spec("turnos", RULES[5].0, zone, &format!("{to}holidays = \"skip\"\ngate = \"hold\"\nhold_hours = 30\n")),
        ];
        let rules = [RULES[0].1, RULES[1].1, RULES[3].1, RULES[5].1];
        let house = house(schedules);
        let (reports, ways) = (PlainReports::new(), Counting::default());
        let mut random = ChaCha8Rng::seed_from_u64(place as u64);
        let mut now = from;
        let mut latest = from;
        let nothing = |_: Step| {};
        while now < until {
            let mut running = scheduler(folder.path(), &house, (&reports, &ways), &nothing, now);
            // So long it runs before it is started anew.
            for _ in 0..random.random_range(1..60) {
                reports.completeness.set(if random.random_bool(0.7) { CompletenessState::Closed } else { CompletenessState::Incomplete });
                if random.random_bool(0.3) {
                    *reports.snapshot.borrow_mut() = format!("s{}", now.timestamp());
                }
                ways.refuses.set(random.random_bool(0.1));
                let next = running.tick(now).unwrap();
                latest = latest.max(now);
                let wake = next.map_or(now + TimeDelta::hours(1), |next| next.max(now + TimeDelta::seconds(1)));
                now = match random.random_range(0..100) {
                    0 => now + TimeDelta::minutes(random.random_range(1..7_200)),
                    1 => now - TimeDelta::minutes(random.random_range(1..180)),
                    _ => wake,
                };
                if now >= until {
                    break;
                }
            }
        }
        // Whatever waits or is tried again comes to its end.
        (latest, now) = (latest.max(until), latest.max(until));
        reports.completeness.set(CompletenessState::Closed);
        ways.refuses.set(false);
        let mut last = scheduler(folder.path(), &house, (&reports, &ways), &nothing, now);
        last.tick(now).unwrap();
        for _ in 0..40 {
            now += TimeDelta::hours(2);
            let open: Vec<_> = last.ledger().open_runs(now).unwrap();
            for run in open {
                last.work(run.id, now).unwrap();
            }
        }
        let history = last.ledger().history(None, usize::MAX >> 1).unwrap();
        let walked = walked(&rules, zone, from, latest);
        for (spec, expected) in house.schedules.iter().zip(walked) {
            let runs: Vec<_> = history.iter().filter(|run| run.schedule == spec.name).collect();
            let planned: BTreeSet<_> = runs.iter().map(|run| run.planned_at).collect();
            assert_eq!(planned, expected, "{} in {zone}, {year}", spec.name);
            assert_eq!(planned.len(), runs.len(), "each once");
            for run in runs {
                assert!(run.state.is_final() || run.due_at > latest, "{run:?}");
                assert!(spec.name != "diario" || run.state != RunState::Missed, "{run:?}");
                // A late run covers its own day, not today's.
                let eve = spec.timezone.day(run.planned_at).pred_opt().unwrap();
                assert_eq!(run.period, Period::days(eve, eve.succ_opt().unwrap()).to_string());
            }
        }
        assert!(ways.count_by_key().values().all(|count| *count == 1), "nothing went out twice");
        assert!(ways.taken.borrow().len() > 250, "{}", ways.taken.borrow().len());
    }
}

#[test]
fn holidays_move_or_leave_out_and_missed_times_follow_their_rule() {
    let state = |runs: &[relato::ledger::Run], text: &str| {
        runs.iter().find(|run| run.planned_at == at(text)).map(|run| (run.state, run.due_at)).unwrap()
    };
    let zone = "America/Sao_Paulo";
    let to = "to = [\"a@x.org\"]\n";
    // 7 September 2026 is a Monday and a holiday; nothing ran from the 5th to the 8th at noon.
    let run = |more: &str| {
        let folder = folder();
        let house = house(vec![spec("s", "0 8 * * *", zone, &format!("{to}{more}"))]);
        let (reports, ways) = (PlainReports::new(), Counting::default());
        let nothing = |_: Step| {};
        let mut running = scheduler(folder.path(), &house, (&reports, &ways), &nothing, at("2026-09-04T12:00:00Z"));
        running.tick(at("2026-09-04T12:00:00Z")).unwrap();
        running.tick(at("2026-09-08T15:00:00Z")).unwrap();
        let notices = ways.taken.borrow().iter().filter(|parcel| parcel.mail.subject.contains("perdido")).count();
        (running.ledger().history(None, 100).unwrap(), notices)
    };
    let day = |day: u32| format!("2026-09-{day:02}T11:00:00Z");
    let (runs, told) = run("missed = \"last\"\n");
    assert_eq!(
        (5..=8).map(|on| state(&runs, &day(on)).0).collect::<Vec<_>>(),
        [RunState::Missed, RunState::Missed, RunState::Missed, RunState::Sent]
    );
    assert_eq!(told, 2, "the owner and operations, once");
    let (runs, told) = run("missed = \"all\"\n");
    assert!((5..=8).all(|on| state(&runs, &day(on)).0 == RunState::Sent) && told == 0);
    let (runs, _) = run("missed = \"skip\"\n");
    assert!((5..=8).all(|on| state(&runs, &day(on)).0 == RunState::Missed));
    let (runs, _) = run("missed = \"all\"\nholidays = \"skip\"\n");
    assert_eq!(state(&runs, &day(7)).0, RunState::Skipped);
    assert_eq!(state(&runs, &day(6)).0, RunState::Sent, "a Sunday is no holiday");
    let (runs, _) = run("missed = \"all\"\nholidays = \"next_business_day\"\n");
    for on in 5..=7 {
        assert_eq!(state(&runs, &day(on)), (RunState::Sent, at(&day(8))));
    }
}

#[test]
fn who_is_removed_between_making_and_sending_gets_nothing() {
    let folder = folder();
    let mut house = house(vec![spec("s", "0 8 * * *", "America/Sao_Paulo", "to = [\"a@x.org\", \"b@x.org\"]\n")]);
    let (reports, ways) = (PlainReports::new(), Counting::default());
    let nothing = |_: Step| {};
    scheduler(folder.path(), &house, (&reports, &ways), &nothing, at("2026-09-04T10:00:00Z")).tick(at("2026-09-04T10:00:00Z")).unwrap();
    ways.refuses.set(true);
    scheduler(folder.path(), &house, (&reports, &ways), &nothing, at("2026-09-04T11:00:00Z")).tick(at("2026-09-04T11:00:00Z")).unwrap();
    ways.refuses.set(false);
    house.access.people.push(relato::config::Person {
        email: "b@x.org".to_owned(),
        profile: relato::config::Profile::Visualizador,
        until: None,
        active: true,
        os_user: None,
    });
    let mut running = scheduler(folder.path(), &house, (&reports, &ways), &nothing, at("2026-09-04T11:05:00Z"));
    running.tick(at("2026-09-04T11:05:00Z")).unwrap();
    let run = running.ledger().history(None, 1).unwrap().remove(0);
    let deliveries = running.ledger().deliveries(run.id).unwrap();
    assert_eq!(deliveries[0].state, DeliveryState::Skipped);
    assert_eq!(deliveries[0].answer.as_deref(), Some("not among the people of [access]"));
    assert_eq!((deliveries[1].state, run.state), (DeliveryState::Sent, RunState::Sent));
}

/// A crash of the process, as far as what it leaves is concerned: nothing after the step happens, open transactions are gone.
struct Crash;

static QUIET: Once = Once::new();

/// Panics of crashes are no news.
fn quiet_crashes() {
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<Crash>().is_none() {
                usual(info);
            }
        }));
    });
}

/// Two days of two schedules with three recipients each, where reports cannot be made at first; `crashes` tells for each step, counted
/// over all lives of the process, whether it dies there. Returns the number of steps.
fn live_through(crashes: &dyn Fn(u32) -> bool) -> u32 {
    quiet_crashes();
    let folder = folder();
    let to = "to = [\"a@x.org\", \"b@x.org\", \"c@x.org\"]\nretries = 2\n";
    let house = house(vec![
        spec("um", "0 8 * * *", "America/Sao_Paulo", to),
        // Another report: the same one would not go to the same person again.
        ScheduleSpec {
            report: "q".to_owned(),
            ..spec("dois", "5 8 * * *", "America/Sao_Paulo", &format!("{to}missed = \"all\"\n").replace("c@x.org", "d@x.org"))
        },
    ]);
    let (reports, ways) = (PlainReports::new(), Counting::default());
    let steps = AtomicU32::new(0);
    let step = |_: Step| {
        if crashes(steps.fetch_add(1, Ordering::Relaxed)) {
            resume_unwind(Box::new(Crash));
        }
    };
    let mut now = at("2026-09-04T10:00:00Z");
    let end = at("2026-09-05T14:00:00Z");
    while now < end {
        let lived = catch_unwind(AssertUnwindSafe(|| {
            let mut running = scheduler(folder.path(), &house, (&reports, &ways), &step, now);
            for _ in 0..20 {
                reports.fails.set(now < at("2026-09-04T11:02:00Z"));
                let next = running.tick(now).unwrap();
                now = next.map_or(end, |next| next.max(now + TimeDelta::seconds(1)));
                if now >= end {
                    break;
                }
            }
        }));
        if lived.is_err() {
            now += TimeDelta::seconds(20);
        }
    }
    let nothing = |_: Step| {};
    let mut after = scheduler(folder.path(), &house, (&reports, &ways), &nothing, end);
    after.tick(end).unwrap();
    after.tick(end + TimeDelta::seconds(1)).unwrap();
    let taken = ways.taken.borrow();
    let mut keys = BTreeSet::new();
    let runs = after.ledger().history(None, 100).unwrap();
    assert_eq!(runs.len(), 4, "{runs:#?}");
    for run in runs {
        let deliveries = after.ledger().deliveries(run.id).unwrap();
        assert_eq!(deliveries.len(), 3, "{run:?}");
        let mut maybe = 0;
        for delivery in deliveries {
            let times = taken.iter().filter(|parcel| parcel.key == delivery.idempotency_key && parcel.to == delivery.recipient).count();
            keys.insert(delivery.idempotency_key.clone());
            match delivery.state {
                DeliveryState::Sent => assert_eq!(times, 1, "{delivery:?}"),
                DeliveryState::MaybeSent => {
                    assert!(times <= 1, "{delivery:?}");
                    maybe += 1;
                }
                other => panic!("{other:?} is no end of {delivery:?}"),
            }
        }
        assert_eq!(run.state, if maybe == 0 { RunState::Sent } else { RunState::Partial }, "{run:?}");
        if maybe > 0 {
            // It is told, or it may have been: never silence.
            let told = taken.iter().any(|parcel| parcel.mail.subject == format!("Não se sabe se um e-mail chegou: {}", run.schedule));
            let untold = after.ledger().untold(at("2026-09-01T00:00:00Z")).unwrap();
            assert!(told || untold.iter().any(|notice| notice.state == DeliveryState::MaybeSent), "{run:?}");
        }
    }
    for (key, count) in ways.count_by_key() {
        assert_eq!(count, 1, "{key} went out {count} times");
    }
    steps.load(Ordering::Relaxed)
}

/// How often a count is multiplied when there is time.
fn soak() -> u32 {
    std::env::var("RELATO_SOAK_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn a_crash_between_any_two_steps_loses_nothing_and_repeats_nothing() {
    let steps = live_through(&|_| false);
    assert!(steps > 40, "{steps} steps");
    for first in 0..steps {
        live_through(&|step| step == first);
        // A second one right after the restart, and one a little later.
        live_through(&|step| step == first || step == first + 1);
        live_through(&|step| step == first || step == first + 7);
    }
    let crashes = AtomicU32::new(0);
    for seed in 0..150 * soak() {
        let random = Mutex::new(ChaCha8Rng::seed_from_u64(seed.into()));
        let left = AtomicU32::new(25);
        live_through(&|_| {
            let dies = random.lock().unwrap().random_bool(0.15)
                && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
            crashes.fetch_add(u32::from(dies), Ordering::Relaxed);
            dies
        });
    }
    println!("{} crashes at {steps} steps, {} at random", steps * 5, crashes.load(Ordering::Relaxed));
}

/// The real program, killed by the mail server at each stage of a conversation.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_stage_of_a_conversation_sends_nothing_twice() {
    let child: Arc<Mutex<Option<u32>>> = Arc::default();
    let plan: Arc<Mutex<Option<(Stage, u32)>>> = Arc::default();
    let mailbox = {
        let (child, plan) = (Arc::clone(&child), Arc::clone(&plan));
        Mailbox::scripted(move |stage, _, _| {
            let mut plan = plan.lock().unwrap();
            let is_here = plan.as_mut().is_some_and(|(wanted, left)| {
                *left -= u32::from(*wanted == stage && *left > 0);
                *wanted == stage && *left == 0
            });
            if is_here && let Some(pid) = child.lock().unwrap().take() {
                *plan = None;
                let _ = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
                return Act::Drop;
            }
            Act::Go
        })
    };
    let server = serve(&world(3, 200), &[]).await;
    let sandbox = Sandbox::with_settings(&format!(
        "{}\n[delivery.smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"r@x.org\"\n",
        settings(&server.base_url),
        mailbox.port
    ));
    sandbox.load(everything()).await;
    std::fs::create_dir(sandbox.dir().join("schedules")).unwrap();
    let tick = |now: DateTime<Utc>| {
        let mut command = std::process::Command::new(cargo_bin("relato"));
        let now = now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        command.args(["serve", "--once", "--quiet", "--now", &now, "--project"]).arg(sandbox.dir());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut running = command.spawn().expect("the binary starts");
        *child.lock().unwrap() = Some(running.id());
        running.wait().expect("it ends");
    };
    let stages = [Stage::Connect, Stage::Hello, Stage::From, Stage::To, Stage::Data, Stage::Body, Stage::Whole, Stage::Confirmed];
    let rounds: u32 = soak().min(40);
    let mut day = at("2026-11-01T11:05:00Z");
    sandbox.write(
        "schedules/csv.toml",
        "report = \"semanal\"\ncron = \"0 8 * * *\"\ntimezone = \"America/Sao_Paulo\"\nperiod = \"yesterday\"\nformats = [\"json\"]\n\
         details = false\nmissed = \"all\"\nto = [\"a@x.org\", \"b@x.org\"]\n",
    );
    tick(day);
    for round in 0..rounds {
        for stage in stages {
            day += TimeDelta::days(1);
            *plan.lock().unwrap() = Some((stage, 1 + round % 2));
            tick(day - TimeDelta::minutes(4));
            *plan.lock().unwrap() = None;
            tick(day + TimeDelta::minutes(20));
        }
    }
    let mut ledger = Ledger::open(&sandbox.project().ledger_file()).unwrap();
    assert_eq!(ledger.abandoned(day).unwrap(), [], "every restart looked after what was left");
    let runs = ledger.history(None, 10_000).unwrap();
    assert_eq!(runs.len(), stages.len() * rounds as usize);
    let taken = mailbox.taken();
    let mut maybe = 0;
    for run in runs {
        assert!(run.state.is_final(), "{run:?}");
        for delivery in ledger.deliveries(run.id).unwrap() {
            let key = format!("<{}@x.org>", delivery.idempotency_key);
            let times = taken.iter().filter(|one| String::from_utf8_lossy(&one.bytes).contains(&key)).count();
            match delivery.state {
                DeliveryState::Sent => assert_eq!(times, 1, "{delivery:?}"),
                DeliveryState::MaybeSent => {
                    assert!(times <= 1, "{delivery:?}");
                    maybe += 1;
                }
                other => panic!("{other:?} is no end of {delivery:?}"),
            }
        }
    }
    assert!(maybe > 0 && maybe <= stages.len() * rounds as usize, "{maybe} cannot be known");
}

#[test]
fn a_clock_that_is_ahead_sends_nothing_before_its_period_is_over_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut monthly = spec("mensal", "0 8 8 * *", "UTC", "to = [\"a@x.org\"]");
    monthly.period = "last-month".to_owned();
    let house = house(vec![monthly]);
    let (reports, other) = (PlainReports::new(), Counting::default());
    reports.heard.set(Some(at("2026-11-09T06:00:00Z")));
    let mut scheduler = scheduler(folder.path(), &house, (&reports, &other), &|_| {}, at("2026-11-09T06:00:00Z"));
    scheduler.tick(at("2026-11-09T06:00:00Z")).unwrap();
    // A month ahead, and three years: one planned time is noted, and waits.
    for ahead in ["2026-12-09T06:00:00Z", "2029-11-09T06:00:00Z"] {
        scheduler.tick(at(ahead)).unwrap();
        let runs = scheduler.ledger().history(None, 100).unwrap();
        let states: Vec<_> = runs.iter().map(|run| (run.period.as_str(), run.state)).collect();
        assert_eq!(states, [("2026-11", RunState::Waiting)], "{ahead}");
        assert!(runs[0].reason.as_deref().is_some_and(|reason| reason.contains("relógio da Blip")), "{:?}", runs[0].reason);
    }
    // Beside reports that are late nobody is told anything.
    let sent = || other.taken.borrow().iter().filter(|parcel| !parcel.facts.report.is_empty()).count();
    assert_eq!(sent(), 0);
    // Right again: each goes when its time has come.
    for (month, times) in [("2026-12", 1), ("2027-01", 2)] {
        let time = at(&format!("{month}-08T08:06:00Z"));
        reports.heard.set(Some(time - TimeDelta::minutes(30)));
        reports.snapshot.replace(month.to_owned());
        scheduler.tick(time).unwrap();
        assert_eq!(sent(), times, "{month}: {:?}", scheduler.ledger().history(None, 10).unwrap());
    }
    let runs = scheduler.ledger().history(None, 100).unwrap();
    assert!(runs.iter().all(|run| run.state == RunState::Sent), "{runs:?}");
}

#[test]
fn a_part_of_a_month_ends_at_what_is_loaded() {
    let mut running = spec("parcial", "0 8 * * *", "UTC", "to = [\"a@x.org\"]\n");
    running.period = "month-to-date".to_owned();
    let through = at("2026-11-20T08:00:00Z");
    let (planned, evening, before) = (at("2026-11-21T08:00:00Z"), at("2026-11-20T23:00:00Z"), at("2026-11-19T23:00:00Z"));
    // Loaded the evening before, and not since.
    assert_eq!(relato::schedule::limit(&running, through, evening, planned), Some(planned));
    assert_eq!(relato::schedule::limit(&running, at("2026-11-20T09:00:00Z"), before, at("2026-11-25T09:00:00Z")), Some(planned));
    running.period = "yesterday".to_owned();
    assert_eq!(relato::schedule::limit(&running, planned, evening, at("2026-11-22T09:00:00Z")), None);
}
