//! `relato status`: how fresh and complete the data are.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use clap::Args;
use serde_json::json;

use super::{
    Exit, Failure, Global, Printed,
    ingest::alarm,
    months, ops, output,
    unknown::{self, UnknownName},
};
use crate::{
    config::Project,
    domain::{Period, Table},
    ingest::{Alarm, LiveView, days_until_forgotten},
    ledger::Ledger,
    ops::{Look, Subject},
    query::{Catalogue, Engine, Parameters},
    report::MonthStanding,
    schedule::{House, Standing},
    snapshot::{Catalog, Manifest, Snapshot, SnapshotError},
};

/// Tell how fresh and complete the data are
///
/// Exit code 3 when the newest snapshot is older than a day, when a check of completeness failed for one of the last fourteen
/// days, when Blip will soon forget messages that are not here, when a scheduled report did not arrive, is late, or nothing
/// runs that could send it, when people or channels were not as declared when they were last compared, when a plan broke off, or
/// when a channel is set wrongly or has fallen silent, or when a queue or a sector in the configuration is known nowhere else.
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
    let (now, zone) = (global.now(), project.settings.organization.timezone);
    let ledger = if project.ledger_file().exists() { Some(Ledger::open(&project.ledger_file())?) } else { None };
    let standing = Standing::of(&House::of(&project)?, ledger.as_ref(), now)?;
    let snapshot = match Snapshot::newest(&project) {
        Ok(snapshot) => snapshot,
        Err(SnapshotError::None(_)) => {
            // Reports that do not arrive are told all the same.
            let local = |at| zone.local(at).format("%Y-%m-%d %H:%M").to_string();
            let mut lines = reports_text(&standing, now, &local);
            lines.extend(Declared::of(&project, ledger.as_ref())?.text(&local));
            output::print(&(lines.join("\n") + "\n"))?;
            return Err(Failure::told(Exit::Warnings, "nothing has been loaded yet", Some("run `relato ingest`")));
        }
        Err(error) => return Err(error.into()),
    };
    let engine = Engine::open(&snapshot, Catalogue::new(&project.query_texts()?)?)?;
    let months = months::standing(&project, &engine, &snapshot, zone.day(now))?;
    let state = State {
        months,
        unknown: unknown::names(&project, &engine)?,
        alarms: alarms(&engine, zone.day(now), snapshot.manifest.published_at)?,
        channels: channels(&engine, zone.day(snapshot.manifest.loaded_until.unwrap_or(now)), snapshot.manifest.published_at)?,
        declared: Declared::of(&project, ledger.as_ref())?,
        live: live(&project),
        count: Catalog::of(&project)?.list()?.len(),
        manifest: snapshot.manifest,
        standing,
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

/// Runs a query over whole days.
fn over(engine: &Engine, query: &str, period: Period, as_of: DateTime<Utc>) -> Result<Table, Failure> {
    let parameters = Parameters { period, sector: None, dimension: None, as_of, others: BTreeMap::new() };
    Ok(engine.run(query, &parameters)?)
}

/// How a channel receives, as of the newest load.
struct ChannelNow {
    channel: String,
    health: String,
    last_local: Option<NaiveDateTime>,
    silent_hours: Option<i64>,
    usual: Option<f64>,
    missing: Option<String>,
}

impl ChannelNow {
    fn is_well(&self) -> bool {
        !["silent", "misconfigured"].contains(&self.health.as_str())
    }

    fn text(&self) -> String {
        let last = self.last_local.map_or_else(|| "none in eight weeks".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string());
        match self.health.as_str() {
            "silent" => format!(
                "Silent: channel {}, nothing for {} hours that usually bring {:.0} conversations (the last: {last}).",
                self.channel,
                self.silent_hours.unwrap_or_default(),
                self.usual.unwrap_or_default()
            ),
            "misconfigured" => format!("Misconfigured: channel {}: {}", self.channel, self.missing.clone().unwrap_or_default()),
            health => format!("Channel       {} {health} (the last conversation: {last})", self.channel),
        }
    }
}

fn channels(engine: &Engine, today: NaiveDate, as_of: DateTime<Utc>) -> Result<Vec<ChannelNow>, Failure> {
    let table = over(engine, "channel_health", Period::days(today, today + Days::new(1)), as_of)?;
    let channel = |row: usize| {
        Some(ChannelNow {
            channel: table.get(row, "channel").text().unwrap_or("(none named)").to_owned(),
            health: table.get(row, "health").text()?.to_owned(),
            last_local: table.get(row, "last_local").local_time(),
            silent_hours: table.get(row, "silent_hours").int(),
            usual: table.get(row, "usual").number(),
            missing: table.get(row, "missing").text().map(str::to_owned),
        })
    };
    Ok((0..table.row_count()).filter_map(channel).collect())
}

/// How people and channels stood against what is declared when they were last compared.
struct Declared {
    looks: Vec<(Subject, Option<Look>)>,
    broken_off: Option<(String, DateTime<Utc>)>,
}

impl Declared {
    fn of(project: &Project, ledger: Option<&Ledger>) -> Result<Declared, Failure> {
        let declared = [Subject::Team, Subject::Channels].into_iter().filter(|subject| ops::declared_file(project, *subject).exists());
        Ok(Declared {
            looks: declared.map(|subject| (subject, ops::last_look(project, subject))).collect(),
            broken_off: ledger.map(Ledger::broken_off).transpose()?.flatten(),
        })
    }

    fn is_well(&self) -> bool {
        let is_as_declared = |look: &Look| look.differs.as_ref().is_none_or(Vec::is_empty);
        self.broken_off.is_none() && self.looks.iter().all(|(_, look)| look.as_ref().is_none_or(is_as_declared))
    }

    fn text(&self, local: &dyn Fn(DateTime<Utc>) -> String) -> Vec<String> {
        let mut lines = Vec::new();
        for (subject, look) in &self.looks {
            let name = subject.name();
            let title = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
            let Some(look) = look else {
                lines.push(format!("{title:<13} never compared with the file: run `relato {name} plan`"));
                continue;
            };
            let at = local(look.looked_at);
            match look.differs.as_deref().unwrap_or_default() {
                [] => lines.push(format!("{title:<13} as declared (compared at {at})")),
                differs => {
                    let (file, count) = (subject.file(), differs.len());
                    lines.push(format!("Not as {file} declares: {count} (compared at {at}); see `relato {name} plan`"));
                    lines.extend(differs.iter().take(SHOWN_DIFFERENCES).map(|text| format!("  {text}")));
                    if differs.len() > SHOWN_DIFFERENCES {
                        lines.push(format!("  and {} others", differs.len() - SHOWN_DIFFERENCES));
                    }
                }
            }
        }
        if let Some((plan, begun_at)) = &self.broken_off {
            lines.push(format!(
                "Broken off: the plan {}… was begun at {} and did not end; apply it again",
                &plan[..8.min(plan.len())],
                local(*begun_at)
            ));
        }
        lines
    }

    fn json(&self) -> serde_json::Value {
        let look = |(subject, look): &(Subject, Option<Look>)| (subject.name().to_owned(), json!(look));
        json!({
            "compared": self.looks.iter().map(look).collect::<serde_json::Map<_, _>>(),
            "broken_off": self.broken_off.as_ref().map(|(plan, begun_at)| json!({"plan": plan, "begun_at": begun_at})),
        })
    }
}

/// So many differences are told one by one.
const SHOWN_DIFFERENCES: usize = 5;

fn alarms(engine: &Engine, today: NaiveDate, as_of: DateTime<Utc>) -> Result<Vec<Alarm>, Failure> {
    let table = over(engine, "data_warnings", Period::days(today - Days::new(TOLD_DAYS), today + Days::new(1)), as_of)?;
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
    months: Vec<MonthStanding>,
    unknown: Vec<UnknownName>,
    manifest: Manifest,
    count: usize,
    alarms: Vec<Alarm>,
    channels: Vec<ChannelNow>,
    declared: Declared,
    live: Vec<LiveView>,
    standing: Standing,
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
        self.age_hours() < FRESH_HOURS
            && self.told().next().is_none()
            && self.days_left().is_none()
            && self.standing.is_well(self.now)
            && self.declared.is_well()
            && self.channels.iter().all(ChannelNow::is_well)
            && self.unknown.is_empty()
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
            "months": months::json(&self.months),
            "unknown_names": unknown::json(&self.unknown),
            "channels": self.channels.iter().map(|one| json!({
                "channel": one.channel, "health": one.health, "last_local": one.last_local, "silent_hours": one.silent_hours,
                "usual": one.usual, "missing": one.missing,
            })).collect::<Vec<_>>(),
            "declared": self.declared.json(),
            "messages_forgotten_in_days": self.days_left(),
            "live": self.live,
            "reports": {
                "looked_at": self.standing.looked_at,
                "is_silent": self.standing.is_silent(self.now),
                "late": self.standing.late.iter().map(|(schedule, planned_at, late_at)| json!({"schedule": schedule, "planned_at": planned_at, "late_since": late_at})).collect::<Vec<_>>(),
                "amiss": self.standing.amiss.iter().map(|run| json!({"schedule": run.schedule, "period": run.period, "planned_at": run.planned_at, "state": run.state.word(), "reason": run.reason})).collect::<Vec<_>>(),
                "untold": self.standing.untold.iter().map(|notice| json!({"to": notice.recipient, "subject": notice.subject, "state": notice.state.word(), "answer": notice.answer})).collect::<Vec<_>>(),
                "next": self.standing.next.iter().map(|(schedule, due_at)| json!({"schedule": schedule, "due_at": due_at})).collect::<Vec<_>>(),
            },
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
        lines.extend(months::lines(&self.months));
        lines.extend(unknown::lines(&self.unknown));
        lines.extend(self.told().map(alarm));
        if let Some(days) = self.days_left() {
            lines.push(if days <= 0 {
                "Hurry: Blip forgets messages that are not here now; run `relato ingest`.".to_owned()
            } else {
                format!("Hurry: Blip forgets messages that are not here in {days} days; run `relato ingest`.")
            });
        }
        lines.extend(self.channels.iter().map(ChannelNow::text));
        lines.extend(self.declared.text(&local));
        lines.extend(reports_text(&self.standing, self.now, &local));
        lines.into_iter().map(|line| line + "\n").collect()
    }
}

/// So many coming reports are told.
const SHOWN_NEXT: usize = 3;

/// Says how the sending of reports stands, one line each.
fn reports_text(standing: &Standing, now: DateTime<Utc>, local: &dyn Fn(DateTime<Utc>) -> String) -> Vec<String> {
    let mut lines: Vec<String> =
        standing.next.iter().take(SHOWN_NEXT).map(|(schedule, due_at)| format!("Next report   {schedule} at {}", local(*due_at))).collect();
    if standing.is_silent(now) {
        let since = standing.looked_at.map_or_else(|| "never ran".to_owned(), |at| format!("last looked for work at {}", local(at)));
        lines.push(format!("Silent: reports are scheduled, and `relato serve` {since}."));
    }
    lines.extend(standing.late.iter().map(|(schedule, planned_at, late_at)| {
        format!("Late: {schedule}, planned for {}, should have gone out by {}.", local(*planned_at), local(*late_at))
    }));
    lines.extend(standing.amiss.iter().map(|run| {
        format!("Not delivered: {} of {} ({}): {}", run.schedule, run.period, run.state, run.reason.clone().unwrap_or_default())
    }));
    lines.extend(standing.untold.iter().map(|notice| {
        format!("Not told: {} to {} ({}): {}", notice.subject, notice.recipient, notice.state, notice.answer.clone().unwrap_or_default())
    }));
    lines
}
