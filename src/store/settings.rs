//! What the configuration says, as tables that the SQL joins.

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::params;

use super::{Resource, Store, StoreError};
use crate::{
    config::{DirectTransfer, KeyRole, SatisfactionSource, Settings, Target},
    domain::{
        Zone,
        calendar::{Calendars, Span},
        digest::sha256,
        holiday::Holidays,
        satisfaction::NO_ANSWERS,
        zone::OffsetSpan,
    },
};

/// The configuration's rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsRows {
    /// Queue and its sector.
    pub queue_sector: Vec<(String, String)>,
    /// Rule of direct transfers by name, name of the queue `Default`, name of what cannot be resolved, seconds of a short loss.
    pub rule: (String, String, String, i64),
    /// How satisfaction is read; none when it is off.
    pub survey: Option<SurveyRow>,
    /// Answers in words and their scores.
    pub answers: Vec<(String, i64)>,
    /// Answers that are none, in normal form.
    pub no_answers: [&'static str; NO_ANSWERS.len()],
    /// Offsets of the organisation's zone.
    pub offsets: Vec<OffsetSpan>,
    /// National holidays.
    pub holidays: Vec<NaiveDate>,
    /// Opening hours as declared; they become stretches of time only when they have changed.
    pub calendars: Calendars,
    /// Zone whose clock the opening hours mean.
    pub zone: Zone,
    /// What figures should reach, with the day before which the next target of the same figure and sector holds.
    pub targets: Vec<(Target, Option<NaiveDate>)>,
    /// What is read of each day: the resource and the key that reads it. The key's name is empty where no key reads what is wanted.
    pub sources: Vec<(&'static str, String)>,
}

/// How satisfaction is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyRow {
    /// `events`, `rating` or `import`.
    pub source: &'static str,
    /// Category of the events.
    pub category: String,
    /// Scale by name.
    pub scale: String,
    /// Lowest score.
    pub lowest: i64,
    /// Highest score.
    pub highest: i64,
    /// Lowest score that counts as satisfied.
    pub satisfied_from: i64,
}

/// Calendar of every sector without one of its own.
const ALL_OTHERS: &str = "*";

/// Mark of the configuration that is written.
const WRITTEN: &str = "settings";

/// The stretch of years in which Blip can have data, generously.
const FIRST_YEAR: i32 = 2010;
const LAST_YEAR: i32 = 2045;

impl SettingsRows {
    /// Makes the rows of `settings`.
    pub fn new(settings: &Settings) -> SettingsRows {
        let survey = &settings.satisfaction;
        SettingsRows {
            queue_sector: settings.sectors.by_queue.clone().into_iter().collect(),
            rule: (
                match settings.sectors.direct_transfer {
                    DirectTransfer::Inherit => "inherit",
                    DirectTransfer::Attendant => "attendant",
                    DirectTransfer::Unassigned => "unassigned",
                }
                .to_owned(),
                settings.sectors.default_queue.clone(),
                settings.organization.locale.unresolved_sector().to_owned(),
                settings.sectors.short_loss_s,
            ),
            survey: survey.source.name().map(|source| SurveyRow {
                source,
                category: survey.category.clone(),
                scale: format!("{}-{}", survey.scale.0, survey.scale.1),
                lowest: survey.scale.0,
                highest: survey.scale.1,
                satisfied_from: survey.satisfied_from,
            }),
            answers: survey.answers.clone().into_iter().collect(),
            no_answers: NO_ANSWERS,
            offsets: settings.organization.timezone.offset_spans(january(FIRST_YEAR), january(LAST_YEAR)),
            holidays: (FIRST_YEAR..LAST_YEAR).flat_map(|year| Holidays::NATIONAL.of_year(year)).map(|holiday| holiday.day).collect(),
            calendars: settings.calendars.clone(),
            zone: settings.organization.timezone,
            targets: targets(&settings.targets),
            sources: sources(settings),
        }
    }
}

/// Returns when each calendar is open: a sector's by its name, that of all others by [`ALL_OTHERS`].
fn stretches(declared: &Calendars, zone: Zone) -> Vec<(String, Vec<Span>)> {
    let (first, end) = (january(FIRST_YEAR), january(LAST_YEAR));
    let default = (!declared.default.is_empty()).then_some(None);
    let sectors = declared.by_sector.keys().map(|sector| Some(sector.as_str()));
    default
        .into_iter()
        .chain(sectors)
        .map(|sector| (sector.unwrap_or(ALL_OTHERS).to_owned(), declared.spans(zone, sector, first, end)))
        .collect()
}

fn january(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).expect("1 January exists")
}

fn sources(settings: &Settings) -> Vec<(&'static str, String)> {
    let keys = |role: KeyRole, resource: Resource| settings.keys_with(role).map(move |key| (resource.name(), key.name.clone()));
    let mut sources: Vec<_> = keys(KeyRole::Desk, Resource::Ticket).collect();
    if settings.satisfaction.source == SatisfactionSource::Events {
        let desk_only = sources.len();
        sources.extend(keys(KeyRole::Events, Resource::Event));
        if sources.len() == desk_only {
            sources.push((Resource::Event.name(), String::new()));
        }
    }
    sources
}

fn targets(declared: &[Target]) -> Vec<(Target, Option<NaiveDate>)> {
    let next = |target: &Target| {
        let same = declared.iter().filter(|other| other.metric == target.metric && other.sector == target.sector);
        same.map(|other| other.from).filter(|from| *from > target.from).min()
    };
    declared.iter().map(|target| (target.clone(), next(target))).collect()
}

/// Returns the seconds before each span.
fn seconds_before(spans: &[Span]) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>, i64)> {
    spans.iter().scan(0, |sum, (from, until)| {
        let before = *sum;
        *sum += (*until - *from).num_seconds();
        Some((*from, *until, before))
    })
}

impl Store {
    /// Replaces what the database knows of the configuration.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn write_settings(&self, rows: &SettingsRows) -> Result<(), StoreError> {
        let digest = sha256(format!("{rows:?}").as_bytes());
        if self.mark(WRITTEN)?.as_deref() == Some(digest.as_str()) {
            return Ok(());
        }
        let connection = &self.connection;
        connection.execute_batch(
            "DELETE FROM settings.queue_sector; DELETE FROM settings.rule; DELETE FROM settings.survey;
             DELETE FROM settings.answer; DELETE FROM settings.offset_span; DELETE FROM settings.holiday;
             DELETE FROM settings.no_answer; DELETE FROM settings.calendar; DELETE FROM settings.business_span; DELETE FROM settings.target;
             DELETE FROM settings.source;",
        )?;
        for (queue, sector) in &rows.queue_sector {
            connection.execute("INSERT INTO settings.queue_sector VALUES (?, ?)", params![queue, sector])?;
        }
        let (direct_transfer, default_queue, unresolved, short_loss_s) = &rows.rule;
        connection.execute(
            "INSERT INTO settings.rule (direct_transfer, default_queue, unresolved, short_loss_s) VALUES (?, ?, ?, ?)",
            params![direct_transfer, default_queue, unresolved, short_loss_s],
        )?;
        if let Some(survey) = &rows.survey {
            connection.execute(
                "INSERT INTO settings.survey (category, scale, lowest, highest, satisfied_from, source) VALUES (?, ?, ?, ?, ?, ?)",
                params![survey.category, survey.scale, survey.lowest, survey.highest, survey.satisfied_from, survey.source],
            )?;
        }
        for (answer, score) in &rows.answers {
            connection.execute("INSERT INTO settings.answer VALUES (?, ?)", params![answer, score])?;
        }
        for answer in rows.no_answers {
            connection.execute("INSERT INTO settings.no_answer VALUES (?)", params![answer])?;
        }
        for span in &rows.offsets {
            connection.execute(
                "INSERT INTO settings.offset_span VALUES (?, ?, ?)",
                params![span.from.naive_utc(), span.until.naive_utc(), span.offset_s],
            )?;
        }
        let mut holidays = connection.appender_to_catalog_and_db("holiday", &self.catalog, "settings")?;
        for day in &rows.holidays {
            holidays.append_row(params![day])?;
        }
        holidays.flush()?;
        drop(holidays);
        let mut spans = connection.appender_to_catalog_and_db("business_span", &self.catalog, "settings")?;
        for (calendar, stretches) in stretches(&rows.calendars, rows.zone) {
            connection.execute("INSERT INTO settings.calendar VALUES (?)", params![calendar])?;
            for (from, until, before_s) in seconds_before(&stretches) {
                spans.append_row(params![calendar, from.naive_utc(), until.naive_utc(), before_s])?;
            }
        }
        spans.flush()?;
        drop(spans);
        for (target, until) in &rows.targets {
            connection.execute(
                "INSERT INTO settings.target VALUES (?, ?, ?, ?, ?)",
                params![target.metric, target.sector, target.from, until, target.value],
            )?;
        }
        for (resource, key) in &rows.sources {
            connection.execute("INSERT INTO settings.source VALUES (?, ?)", params![resource, key])?;
        }
        self.set_mark(WRITTEN, &digest)
    }
}
