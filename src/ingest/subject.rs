//! Customers who ask what is held about them, or to be forgotten; and records that have been kept long enough.

use chrono::{DateTime, Months, Utc};
use serde_json::{Map, Value};

use super::{IngestError, Pseudonyms, open, open_newest, pseudonyms, refresh};
use crate::{
    blip::identity,
    config::Project,
    ingest::Progress,
    snapshot::{self, Catalog, Rewritten, Unlinking},
    store::{KeptReceipt, MartReport, RETENTION, Store, Unlinked, UnlinkingPlan, erased_digest},
};

/// Mark of the month up to which records were unlinked for their age.
const RETAINED_FROM: &str = "retained_from";

/// Mark of whether the database's file holds what was unlinked in parts that nothing uses.
const FILE: &str = "file_to_be_rewritten";

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

/// What is held about one customer.
#[derive(Debug)]
pub struct Held {
    /// The texts that were searched for, the one form of the identity first.
    pub searched: Vec<String>,
    /// What is kept in records of who asked and what was done: it leads to nobody.
    pub mark: String,
    /// Everything, by kind of record.
    pub records: Map<String, Value>,
    /// Customers known by a router's tunnel of whom nobody knows who they are on the channel: the one who asks can be among them.
    pub unresolved_tunnels: i64,
}

impl Held {
    /// Returns the number of records, those of earlier unlinkings left out.
    pub fn count(&self) -> usize {
        let records = self.records.iter().filter(|(kind, _)| *kind != "erasures");
        records.filter_map(|(_, list)| list.as_array()).map(Vec::len).sum()
    }
}

/// Returns everything that is held about a customer, under every usual text of their identity and all that are linked to these.
///
/// # Errors
/// Those of the configuration or of the database.
pub fn held_about(project: &Project, customer: &str, now: DateTime<Utc>) -> Result<Held, IngestError> {
    let pseudonyms = pseudonyms(project)?;
    let store = open(project, &pseudonyms, now, "relato subject export")?;
    Ok(Held {
        searched: identity::spellings(customer),
        mark: erased_digest(&pseudonyms.customer(customer)),
        records: store.held_about(&pseudonyms.of_spellings(customer))?,
        unresolved_tunnels: store.unresolved_tunnels()?,
    })
}

/// Unlinks a customer everywhere: in snapshots first, so that a break-off leaves something to be found by doing it again. Returns the open
/// store, to publish from.
///
/// # Errors
/// Those of the configuration, of the database or of the snapshots.
pub fn erase(
    project: &Project,
    customer: &str,
    receipt: &str,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<(Store, Forgotten), IngestError> {
    let pseudonyms: Pseudonyms = pseudonyms(project)?;
    let mut store = open_newest(project, &pseudonyms, now, "relato subject erase")?;
    let plan = store.plan_unlinking(&pseudonyms.of_spellings(customer), 1)?;
    let digests: Vec<String> = plan.pairs.iter().map(|(before, _)| erased_digest(before)).collect();
    store.transaction(|store| store.begin_receipt(receipt, &digests, now))?;
    let forgotten = forget(project, &mut store, &plan, (now, now), (receipt, &digests), progress)?;
    Ok((store, forgotten))
}

/// Returns the receipts of unlinkings of a customer, the oldest first.
///
/// # Errors
/// Those of the configuration or of the database.
pub fn receipts_of(project: &Project, store: &Store, customer: &str) -> Result<Vec<KeptReceipt>, IngestError> {
    let pseudonyms = pseudonyms(project)?;
    let digests: Vec<String> = pseudonyms.of_spellings(customer).iter().map(|key| erased_digest(key)).collect();
    Ok(store.receipts_of(&digests)?)
}

/// Opens the database to hand out receipts.
///
/// # Errors
/// Those of the configuration or of the database.
pub fn opened_for_receipts(project: &Project, now: DateTime<Utc>) -> Result<Store, IngestError> {
    open(project, &pseudonyms(project)?, now, "relato subject erase")
}

/// Unlinks again whom the newest snapshot knows to be unlinked on request and the database does not: it is an older copy.
///
/// # Errors
/// Those of the snapshots or of the database.
pub(super) fn erase_again(project: &Project, store: &mut Store) -> Result<(), IngestError> {
    let known = store.erasure_receipts()?;
    let forgotten = snapshot::forgotten(&Catalog::of(project)?)?;
    for erasure in forgotten.iter().filter(|erasure| !known.contains(&erasure.receipt)) {
        let customers = store.customers_of_digests(&erasure.customers)?;
        let plan = store.plan_unlinking(&customers, 1)?;
        tracing::warn!(customers = customers.len(), erased_at = %erasure.at, "the database is older than an unlinking, which is done again");
        store.transaction(|store| {
            store.unlink(&plan, erasure.at, &erasure.receipt)?;
            store.note_erased(&erasure.customers, erasure.at, &erasure.receipt)?;
            store.set_mark(FILE, "due")
        })?;
    }
    Ok(())
}

/// Unlinks customers who turn out to be somebody that was unlinked before, and those of whom nothing is later than `[privacy] retain_months` say, once
/// a month; nothing where there is nobody, or where it was done.
///
/// # Errors
/// As [`erase`].
pub fn retain(project: &Project, store: &mut Store, now: DateTime<Utc>, progress: &dyn Progress) -> Result<Option<Forgotten>, IngestError> {
    let known_later = unlink_known_later(project, store, now, progress)?;
    let forgotten = unlink_silent(project, store, now, progress)?.or(known_later);
    if forgotten.is_some() || store.mark(FILE)?.as_deref() == Some("due") {
        store.rewrite()?;
        store.transaction(|store| store.set_mark(FILE, "done"))?;
    }
    Ok(forgotten)
}

/// Unlinks customers whom Blip tells only now to be somebody that was unlinked on request: a tunnel of theirs was not known then. Whoever wrote
/// since then under that tunnel is unlinked with it, since the records of one customer cannot be told apart.
fn unlink_known_later(
    project: &Project,
    store: &mut Store,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<Option<Forgotten>, IngestError> {
    let mut last = None;
    for (customer, erased_at, receipt) in store.customers_of_erased()? {
        tracing::warn!(%receipt, "Blip tells of somebody who was unlinked under another identity, which is unlinked now, too");
        let plan = store.plan_unlinking(&[customer], 1)?;
        let digests: Vec<String> = plan.pairs.iter().map(|(before, _)| erased_digest(before)).collect();
        last = Some(forget(project, store, &plan, (erased_at, now), (&format!("{receipt}-later"), &digests), progress)?);
    }
    Ok(last)
}

fn unlink_silent(
    project: &Project,
    store: &mut Store,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<Option<Forgotten>, IngestError> {
    let zone = project.settings.organization.timezone;
    let months = project.settings.privacy.retain_months.map(Months::new);
    let month = chrono::Datelike::with_day(&zone.day(now), 1);
    let Some(first) = months.zip(month).and_then(|(months, month)| month.checked_sub_months(months)) else { return Ok(None) };
    if store.mark(RETAINED_FROM)?.as_deref() == Some(&first.to_string()) {
        return Ok(None);
    }
    let before = zone.day_start(first);
    let customers = store.customers_silent_since(before)?;
    let receipt = format!("{RETENTION}{first}");
    let forget = |store: &mut Store| {
        let plan = store.plan_unlinking(&customers, customers.len())?;
        // An older copy of the database finds out by itself who has been silent for so long.
        forget(project, store, &plan, (before, now), (&receipt, &[]), progress)
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
    (receipt, digests): (&str, &[String]),
    progress: &dyn Progress,
) -> Result<Forgotten, IngestError> {
    let unlinking = Unlinking { pairs: &plan.pairs, answers_without_comment: &plan.answers_without_comment, at: now, receipt, digests };
    let rewritten = snapshot::unlink(&Catalog::of(project)?, &unlinking)?;
    let unlinked = store.transaction(|store| {
        let unlinked = store.unlink(plan, before, receipt)?;
        store.note_receipt(receipt, &unlinked, &rewritten)?;
        Ok(unlinked)
    })?;
    let marts = refresh(store, &project.query_texts()?, progress)?;
    progress.finish();
    Ok(Forgotten { unlinked, rewritten, marts })
}
