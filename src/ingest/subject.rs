//! Customers who ask what is held about them, or to be forgotten; and records that have been kept long enough.

use chrono::{DateTime, Months, Utc};
use serde_json::{Map, Value};

use super::{IngestError, open, pseudonyms, refresh};
use crate::{
    config::Project,
    ingest::Progress,
    snapshot::{self, Catalog, Rewritten, Unlinking},
    store::{EVERY_KIND, MartReport, ORIGINATOR, Store, Unlinked, UnlinkingPlan},
};

/// Mark of the month up to which records were unlinked for their age.
const RETAINED_FROM: &str = "retained_from";

/// What was done.
#[derive(Debug)]
pub struct Forgotten {
    /// In the live database.
    pub unlinked: Unlinked,
    /// In published snapshots.
    pub rewritten: Rewritten,
    /// The tables, which were made again for those customers.
    pub marts: MartReport,
}

/// Returns the identity under which Blip knows a customer: of a bare telephone number, that of WhatsApp.
pub fn identity_of(given: &str) -> String {
    let given = given.trim();
    let digits: String = given.chars().filter(char::is_ascii_digit).collect();
    let is_number = !given.contains('@') && given.chars().all(|char| char.is_ascii_digit() || "+-() ".contains(char));
    if is_number { format!("{digits}@wa.gw.msging.net") } else { given.to_owned() }
}

/// Returns the pseudonym of a customer and everything that is held about them.
///
/// # Errors
/// Those of the configuration or of the database.
pub fn held_about(project: &Project, identity: &str, now: DateTime<Utc>) -> Result<(String, Map<String, Value>), IngestError> {
    let pseudonyms = pseudonyms(project)?;
    let key = pseudonyms.customer(&identity_of(identity));
    let store = open(project, &pseudonyms, now, "relato subject export")?;
    let held = store.held_about(&key)?;
    Ok((key, held))
}

/// Unlinks a customer everywhere: in snapshots first, so that a break-off leaves something to be found by doing it again. Returns the open
/// store, to publish from.
///
/// # Errors
/// Those of the configuration, of the database or of the snapshots.
pub fn erase(
    project: &Project,
    identity: &str,
    receipt: &str,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<(Store, Forgotten), IngestError> {
    let pseudonyms = pseudonyms(project)?;
    let key = pseudonyms.customer(&identity_of(identity));
    let mut store = open(project, &pseudonyms, now, "relato subject erase")?;
    let plan = store.plan_unlinking(&[key], EVERY_KIND)?;
    let forgotten = forget(project, &mut store, &plan, (now, now), receipt, progress)?;
    Ok((store, forgotten))
}

/// Unlinks customers of whom nothing is later than `[privacy] retain_months` say, once a month; nothing where these say nothing, or where it
/// was done.
///
/// # Errors
/// As [`erase`].
pub fn retain(project: &Project, store: &mut Store, now: DateTime<Utc>, progress: &dyn Progress) -> Result<Option<Forgotten>, IngestError> {
    let zone = project.settings.organization.timezone;
    let months = project.settings.privacy.retain_months.map(Months::new);
    let month = chrono::Datelike::with_day(&zone.day(now), 1);
    let Some(first) = months.zip(month).and_then(|(months, month)| month.checked_sub_months(months)) else { return Ok(None) };
    if store.mark(RETAINED_FROM)?.as_deref() == Some(&first.to_string()) {
        return Ok(None);
    }
    let before = zone.day_start(first);
    let customers = store.customers_silent_since(before)?;
    let receipt = format!("retention-{first}");
    // Silence was looked for along these links alone.
    let forget = |store: &mut Store| {
        let plan = store.plan_unlinking(&customers, &[ORIGINATOR])?;
        forget(project, store, &plan, (before, now), &receipt, progress)
    };
    let forgotten = if customers.is_empty() { None } else { Some(forget(store)?) };
    store.transaction(|store| store.set_mark(RETAINED_FROM, &first.to_string()))?;
    Ok(forgotten)
}

fn forget(
    project: &Project,
    store: &mut Store,
    plan: &UnlinkingPlan,
    (before, now): (DateTime<Utc>, DateTime<Utc>),
    receipt: &str,
    progress: &dyn Progress,
) -> Result<Forgotten, IngestError> {
    let unlinking = Unlinking { pairs: &plan.pairs, answers_without_comment: &plan.answers_without_comment, at: now, receipt };
    let rewritten = snapshot::unlink(&Catalog::of(project)?, &unlinking)?;
    let unlinked = store.transaction(|store| store.unlink(plan, before, receipt))?;
    let marts = refresh(store, &project.query_texts()?, progress)?;
    progress.finish();
    Ok(Forgotten { unlinked, rewritten, marts })
}
