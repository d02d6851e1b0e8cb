//! What the configuration says, as tables that the SQL joins.

use chrono::NaiveDate;
use duckdb::params;

use super::{Store, StoreError};
use crate::{
    config::{DirectTransfer, Settings},
    domain::{Language, digest::sha256, holiday, zone::OffsetSpan},
};

/// The configuration's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsRows {
    /// Queue and its sector.
    pub queue_sector: Vec<(String, String)>,
    /// Rule of direct transfers by name, name of the queue `Default`, name of what cannot be resolved.
    pub rule: (String, String, String),
    /// How satisfaction is read; none when it is off.
    pub survey: Option<SurveyRow>,
    /// Answers in words and their scores.
    pub answers: Vec<(String, i64)>,
    /// Offsets of the organisation's zone.
    pub offsets: Vec<OffsetSpan>,
    /// National holidays.
    pub holidays: Vec<NaiveDate>,
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

/// Mark of the configuration that is written.
const WRITTEN: &str = "settings";

/// The stretch of years in which Blip can have data, generously.
const FIRST_YEAR: i32 = 2010;
const LAST_YEAR: i32 = 2045;

impl SettingsRows {
    /// Makes the rows of `settings`.
    pub fn new(settings: &Settings) -> SettingsRows {
        let survey = &settings.satisfaction;
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).expect("1 January exists");
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
                match settings.organization.locale {
                    Language::PtBr => "Não resolvido",
                    Language::EnUs => "Unresolved",
                }
                .to_owned(),
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
            offsets: settings.organization.timezone.offset_spans(day(FIRST_YEAR), day(LAST_YEAR)),
            holidays: (FIRST_YEAR..LAST_YEAR).flat_map(holiday::national).collect(),
        }
    }
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
             DELETE FROM settings.answer; DELETE FROM settings.offset_span; DELETE FROM settings.holiday;",
        )?;
        for (queue, sector) in &rows.queue_sector {
            connection.execute("INSERT INTO settings.queue_sector VALUES (?, ?)", params![queue, sector])?;
        }
        let (direct_transfer, default_queue, unresolved) = &rows.rule;
        connection.execute("INSERT INTO settings.rule VALUES (?, ?, ?)", params![direct_transfer, default_queue, unresolved])?;
        if let Some(survey) = &rows.survey {
            connection.execute(
                "INSERT INTO settings.survey (category, scale, lowest, highest, satisfied_from, source) VALUES (?, ?, ?, ?, ?, ?)",
                params![survey.category, survey.scale, survey.lowest, survey.highest, survey.satisfied_from, survey.source],
            )?;
        }
        for (answer, score) in &rows.answers {
            connection.execute("INSERT INTO settings.answer VALUES (?, ?)", params![answer, score])?;
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
        self.set_mark(WRITTEN, &digest)
    }
}
