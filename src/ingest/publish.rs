//! Publishes what is loaded, but not from a database that knows less than the newest snapshot: one that was lost or restored since.

use chrono::{DateTime, Utc};

use super::{IngestError, LOADED_UNTIL};
use crate::{
    config::Project,
    files::lock::Holder,
    snapshot::{self, Catalog, Manifest, Published, Stamp},
    store::{MART_TABLES, Store, StoreError},
};

/// Tables of which no load takes rows away: a database of an earlier version, which did not note what it published, is known by them.
const NEVER_SHRINK: [&str; 3] = ["ticket", "turn", "rating"];

/// Rows of one table that the newest snapshot has and the database lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The table.
    pub table: String,
    /// Rows in the snapshot.
    pub published: i64,
    /// Rows in the database.
    pub stored: i64,
}

/// Refuses a database that does not know the newest snapshot of the project, unless nothing is published. `store` is none where there is no
/// database yet. Object storage that is out of reach is passed over: without it nothing is published either.
///
/// # Errors
/// [`IngestError::KnowsLess`]; those of the database and of the snapshots.
pub fn require_newest(project: &Project, store: Option<&Store>) -> Result<(), IngestError> {
    match Catalog::of(project) {
        Ok(catalog) => require_known(&catalog, store),
        Err(error) if project.bucket().is_some() => {
            tracing::debug!(%error, "whether the newest snapshot is this database's is looked at before publishing");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn require_known(catalog: &Catalog, store: Option<&Store>) -> Result<(), IngestError> {
    let Some(newest) = catalog.latest()? else { return Ok(()) };
    if let Some(store) = store {
        if store.has_published(&newest.id)? {
            return Ok(());
        }
        let lacks = lacks(&newest, Some(store))?;
        let is_of_earlier_version = !store.knows_what_it_published()?;
        if is_of_earlier_version && !lacks.iter().any(|lack| NEVER_SHRINK.contains(&lack.table.as_str())) {
            return Ok(store.note_published(&newest.id)?);
        }
    }
    let lacks = lacks(&newest, store)?;
    Err(IngestError::KnowsLess { snapshot: newest.id, published_at: newest.published_at, lacks })
}

fn lacks(newest: &Manifest, store: Option<&Store>) -> Result<Vec<Lack>, StoreError> {
    let mut lacks = Vec::new();
    for (table, _, _) in MART_TABLES {
        let published = newest.tables.get(table).map_or(0, |table| table.rows);
        let stored = store.map_or(Ok(0), |store| store.mart_rows(table))?;
        if stored < published {
            lacks.push(Lack { table: table.to_owned(), published, stored });
        }
    }
    Ok(lacks)
}

/// Publishes what `store` holds.
///
/// # Errors
/// [`IngestError::KnowsLess`]; those of the database and of the snapshots.
pub fn publish(project: &Project, store: &Store, now: DateTime<Utc>, quarantined: i64) -> Result<Published, IngestError> {
    let loaded_until = store.mark(LOADED_UNTIL)?.and_then(|text| text.parse().ok());
    let stamp = Stamp { now, loaded_until, timezone: project.settings.organization.timezone, quarantined, checks: store.checks_digest()? };
    let catalog = Catalog::of(project)?;
    require_known(&catalog, Some(store))?;
    let prepared = snapshot::prepare(store.connection(), &MART_TABLES, &catalog, &stamp, &store.month_digests()?)?;
    store.note_published(&prepared.manifest().id)?;
    Ok(prepared.publish()?)
}

/// What would be lost if a database went on from a snapshot that it does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseding {
    /// The newest snapshot.
    pub snapshot: Manifest,
    /// Whether the database knows it: then there is nothing to do.
    pub is_known: bool,
    /// What the database lacks.
    pub lacks: Vec<Lack>,
}

/// Tells what the database lacks of the newest snapshot; with `does_it`, lets it publish after that snapshot all the same. None where nothing is
/// published.
///
/// # Errors
/// Those of the database and of the snapshots.
pub fn supersede(project: &Project, now: DateTime<Utc>, does_it: bool) -> Result<Option<Superseding>, IngestError> {
    let Some(newest) = Catalog::of(project)?.latest()? else { return Ok(None) };
    let holder = Holder::new("relato snapshot supersede", now);
    let has_database = project.store_file().exists();
    let store = if has_database || does_it { Some(Store::open(&project.store_file(), &holder)?) } else { None };
    let is_known = store.as_ref().map_or(Ok(false), |store| store.has_published(&newest.id))?;
    let lacks = lacks(&newest, store.as_ref())?;
    if let Some(store) = store.filter(|_| does_it) {
        store.note_published(&newest.id)?;
    }
    Ok(Some(Superseding { snapshot: newest, is_known, lacks }))
}

/// Says in one line what a database has of what a snapshot has.
pub fn words(lacks: &[Lack]) -> String {
    if lacks.is_empty() {
        return "as many rows, but not those".to_owned();
    }
    let lines = lacks.iter().map(|lack| format!("{} of {} rows of `{}`", lack.stored, lack.published, lack.table));
    lines.collect::<Vec<_>>().join(", ")
}
