//! `relato status`: how fresh and complete the data are.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use clap::Args;
use serde_json::json;

use super::{Exit, Failure, Global, Printed, ingest::alarm, output};
use crate::{
    config::Project,
    domain::Period,
    ingest::{Alarm, LiveView, days_until_forgotten},
    query::{Catalogue, Engine, Parameters},
    snapshot::{self, Manifest, Snapshot, SnapshotError},
};

/// Tell how fresh and complete the data are
///
/// Exit code 3 when the newest snapshot is older than a day, when a check of completeness failed for one of the last fourteen
/// days, or when Blip will soon forget messages that are not here.
#[derive(Args)]
pub struct StatusArgs {
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

/// Days back for which failed checks are told.
const TOLD_DAYS: u64 = 14;

/// Hours after which data are no longer fresh.
const FRESH_HOURS: i64 = 24;

/// Days before messages are forgotten in which that is said.
const NOTICE_DAYS: i64 = 7;

pub fn run(global: &Global, args: &StatusArgs) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let folder = project.snapshot_dir();
    let snapshot = match Snapshot::open(&folder, None) {
        Ok(snapshot) => snapshot,
        Err(SnapshotError::None(_)) => {
            return Err(Failure::told(Exit::Warnings, "nothing has been loaded yet", Some("run `relato ingest`")));
        }
        Err(error) => return Err(error.into()),
    };
    let (now, zone) = (global.now(), project.settings.organization.timezone);
    let state = State {
        alarms: alarms(&project, &snapshot, zone.day(now))?,
        live: live(&project),
        count: snapshot::list(&folder)?.len(),
        manifest: snapshot.manifest,
        now,
        today: zone.day(now),
    };
    if args.format == Printed::Json {
        output::print_json(&state.json())?;
    } else {
        output::print(&state.text(|at| zone.local(at).format("%Y-%m-%d %H:%M").to_string()))?;
    }
    Ok(if state.is_well() { Exit::Done } else { Exit::Warnings })
}

fn alarms(project: &Project, snapshot: &Snapshot, today: NaiveDate) -> Result<Vec<Alarm>, Failure> {
    let engine = Engine::open(snapshot, Catalogue::new(&project.query_texts()?)?)?;
    let period = Period::days(today - Days::new(TOLD_DAYS), today + Days::new(1));
    let table = engine.run(
        "data_warnings",
        &Parameters { period, sector: None, dimension: None, as_of: snapshot.manifest.published_at, others: BTreeMap::new() },
    )?;
    let alarm = |row: usize| {
        Some(Alarm {
            check: table.get(row, "check_name").text()?.to_owned(),
            day: table.get(row, "day").date()?,
            said: table.get(row, "said").int()?,
            found: table.get(row, "found").int()?,
        })
    };
    Ok((0..table.row_count()).filter_map(alarm).collect())
}

/// Returns today's numbers as the last load saw them; nothing depends on them.
fn live(project: &Project) -> Vec<LiveView> {
    std::fs::read(project.live_file()).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

struct State {
    manifest: Manifest,
    count: usize,
    alarms: Vec<Alarm>,
    live: Vec<LiveView>,
    now: DateTime<Utc>,
    today: NaiveDate,
}

impl State {
    fn loaded(&self) -> DateTime<Utc> {
        self.manifest.loaded_until.unwrap_or(self.manifest.published_at)
    }

    fn age_hours(&self) -> i64 {
        self.now.signed_duration_since(self.loaded()).num_hours()
    }

    /// Days until Blip forgets the first messages that are not here.
    fn days_left(&self) -> Option<i64> {
        let unread = self.alarms.iter().filter(|alarm| alarm.check == "read").map(|alarm| alarm.day).min();
        // What came after the last load is not here either.
        let first = unread.into_iter().chain((self.age_hours() >= FRESH_HOURS).then(|| self.loaded().date_naive())).min()?;
        Some(days_until_forgotten(first, self.today)).filter(|days| *days <= NOTICE_DAYS)
    }

    fn told(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.iter().filter(|alarm| alarm.check != "read")
    }

    fn is_well(&self) -> bool {
        self.age_hours() < FRESH_HOURS && self.told().next().is_none() && self.days_left().is_none()
    }

    fn rows(&self, table: &str) -> i64 {
        self.manifest.tables.get(table).map_or(0, |table| table.rows)
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "snapshot": self.manifest.id,
            "published_at": self.manifest.published_at,
            "loaded_until": self.manifest.loaded_until,
            "age_s": self.now.signed_duration_since(self.loaded()).num_seconds(),
            "snapshots": self.count,
            "tickets": self.rows("ticket"),
            "conversations": self.rows("conversation"),
            "turns": self.rows("turn"),
            "ratings": self.rows("rating"),
            "quarantined": self.manifest.quarantined,
            "alarms": self.told().map(|alarm| json!({"check": alarm.check, "day": alarm.day, "said": alarm.said, "found": alarm.found})).collect::<Vec<_>>(),
            "messages_forgotten_in_days": self.days_left(),
            "live": self.live,
        })
    }

    fn text(&self, local: impl Fn(DateTime<Utc>) -> String) -> String {
        let mut lines = vec![
            format!("Snapshot      {} ({} kept)", self.manifest.id, self.count),
            format!("Loaded until  {} ({} h ago)", local(self.loaded()), self.age_hours()),
            format!(
                "Tickets       {} in {} conversations, {} records set aside",
                self.rows("ticket"),
                self.rows("conversation"),
                self.manifest.quarantined
            ),
            format!("Turns         {}", self.rows("turn")),
            format!("Ratings       {}", self.rows("rating")),
        ];
        for view in &self.live {
            let number = |value: Option<i64>| value.map_or_else(|| "—".to_owned(), |value| value.to_string());
            lines.push(format!(
                "Live          {}: {} waiting, {} open, {} ended today (at {})",
                view.key,
                number(view.waiting),
                number(view.open),
                number(view.closed),
                local(view.sampled_at)
            ));
        }
        lines.extend(self.told().map(alarm));
        if let Some(days) = self.days_left() {
            lines.push(if days <= 0 {
                "Hurry: Blip forgets messages that are not here now; run `relato ingest`.".to_owned()
            } else {
                format!("Hurry: Blip forgets messages that are not here in {days} days; run `relato ingest`.")
            });
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }
}
