//! How the months before this one stand: closed, or why not and until when at the latest.

use chrono::NaiveDate;
use serde_json::json;

use super::Failure;
use crate::{
    config::Project,
    domain::Language,
    query::{Catalogue, Engine},
    render::Locale,
    report::{MonthStanding, months},
    snapshot::{Snapshot, SnapshotError},
};

/// Returns the months before `today` that can still change, and the one right before it, by the newest snapshot, the latest first.
pub fn standing(project: &Project, engine: &Engine, snapshot: &Snapshot, today: NaiveDate) -> Result<Vec<MonthStanding>, Failure> {
    let locale = Locale::new(Language::EnUs);
    Ok(months(engine, &snapshot.manifest, &project.settings.organization, &locale, today)?)
}

/// Opens the newest snapshot; none before the first load.
pub fn newest(project: &Project) -> Result<Option<(Snapshot, Engine)>, Failure> {
    let snapshot = match Snapshot::newest(project) {
        Ok(snapshot) => snapshot,
        Err(SnapshotError::None(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let engine = Engine::open(&snapshot, Catalogue::new(&project.query_texts()?)?)?;
    Ok(Some((snapshot, engine)))
}

/// One line a month.
pub fn lines(months: &[MonthStanding]) -> Vec<String> {
    months.iter().map(|month| format!("{:<13} {}", month.period.to_string(), month.completeness.sentence)).collect()
}

/// The same for programs.
pub fn json(months: &[MonthStanding]) -> serde_json::Value {
    let month = |one: &MonthStanding| {
        json!({
            "month": one.period.to_string(), "state": one.completeness.state, "sentence": one.completeness.sentence,
            "closes_by": one.closes_by,
        })
    };
    months.iter().map(month).collect()
}
