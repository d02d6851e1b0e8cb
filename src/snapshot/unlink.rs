//! Takes from published snapshots what leads to some customers, and leaves every figure as it is.
//!
//! A part that names such a customer is written again with the pseudonym that leads to nobody, and so has another name; the manifests that
//! named it name the new one, and say when and why. Ids of snapshots stay: what was published from them can be made again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use duckdb::{Connection, params};

use super::{
    Catalog, Part, Snapshot, SnapshotError,
    catalog::Draft,
    combine::turn,
    manifest::Erasure,
    prune::{combined_of, remove_unnamed},
    sql_path,
};

/// What is to be taken out.
#[derive(Debug, Clone)]
pub struct Unlinking<'a> {
    /// Pseudonyms before and after.
    pub pairs: &'a [(String, String)],
    /// Answers whose comments are gone.
    pub answers_without_comment: &'a [String],
    /// When.
    pub at: DateTime<Utc>,
    /// Under which receipt.
    pub receipt: &'a str,
    /// What is kept of the pseudonyms before, by which an older copy of the database knows them again; none where it finds them by itself.
    pub digests: &'a [String],
}

impl Unlinking<'_> {
    fn erasure(&self) -> Erasure {
        Erasure { at: self.at, receipt: self.receipt.to_owned(), customers: self.digests.to_vec() }
    }
}

/// Returns whom the newest snapshot of `catalog` knows to be unlinked on request; nobody where there is no snapshot.
///
/// # Errors
/// When the manifests cannot be read.
pub fn forgotten(catalog: &Catalog) -> Result<Vec<Erasure>, SnapshotError> {
    Ok(catalog.latest()?.map(|manifest| manifest.known_erasures()).unwrap_or_default())
}

/// What was written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Rewritten {
    /// Manifests.
    pub snapshots: usize,
    /// Parts.
    pub parts: usize,
}

/// Unlinks customers in every snapshot of `catalog`. Nobody may publish or prune meanwhile. Whoever reads a part that goes is told that it is
/// not there any more.
///
/// # Errors
/// When a file cannot be read or written. What was done then stays; doing it again does the rest.
pub fn unlink(catalog: &Catalog, unlinking: &Unlinking<'_>) -> Result<Rewritten, SnapshotError> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch("CREATE TABLE pair (customer_key VARCHAR, new_key VARCHAR); CREATE TABLE gone (rating_id VARCHAR)")?;
    {
        let mut pairs = connection.appender("pair")?;
        unlinking.pairs.iter().try_for_each(|(before, after)| pairs.append_row(params![before, after]))?;
        let mut gone = connection.appender("gone")?;
        unlinking.answers_without_comment.iter().try_for_each(|answer| gone.append_row(params![answer]))?;
    }
    let draft = catalog.draft()?;
    let mut replaced: BTreeMap<String, Option<Part>> = BTreeMap::new();
    let mut rewritten = Rewritten::default();
    let mut described = Vec::new();
    let mut before = Vec::new();
    let newest = catalog.latest()?.map(|manifest| manifest.id);
    for id in catalog.ids()? {
        let snapshot = Snapshot::open(catalog, Some(&id))?;
        before.push(snapshot.manifest.clone());
        let mut manifest = snapshot.manifest.clone();
        // The newest one says it in any case: from there an older copy of the database learns it.
        let mut is_touched = newest.as_ref() == Some(&id) && !unlinking.digests.is_empty();
        for (table, contents) in &mut manifest.tables {
            for part in &mut contents.parts {
                if !replaced.contains_key(&part.path) {
                    let new = rewrite(&connection, &snapshot, &draft, table, part)?;
                    rewritten.parts += usize::from(new.is_some());
                    replaced.insert(part.path.clone(), new);
                }
                if let Some(Some(new)) = replaced.get(&part.path) {
                    *part = new.clone();
                    is_touched = true;
                }
            }
            contents.rows = contents.parts.iter().map(|part| part.rows).sum();
        }
        if is_touched {
            manifest.erasures.push(unlinking.erasure());
            described.push(manifest);
        }
    }
    // The new parts are there before anything names them.
    draft.send()?;
    described.iter().try_for_each(|manifest| catalog.describe_again(manifest))?;
    rewritten.snapshots += described.len() + follow(catalog, &connection, &replaced, unlinking)?;
    catalog.refresh()?;
    catalog.remove_parts(&gone(&replaced))?;
    remove_unnamed(catalog, &before, &catalog.list()?, &combined_of(catalog)?)?;
    Ok(rewritten)
}

/// Unlinks customers in the combined snapshots of the lake, too: `replaced` are the owner's parts that were looked at already. Others can be
/// named by old combined snapshots alone, or be merged. Returns how many snapshots named what is written again.
fn follow(
    catalog: &Catalog,
    connection: &Connection,
    replaced: &BTreeMap<String, Option<Part>>,
    unlinking: &Unlinking<'_>,
) -> Result<usize, SnapshotError> {
    let Some(lake) = catalog.lake()? else { return Ok(0) };
    let in_lake = |part: &Part| Part { path: catalog.name_in_lake(&part.path), ..part.clone() };
    let mut known: BTreeMap<String, Option<Part>> =
        replaced.iter().map(|(old, new)| (catalog.name_in_lake(old), new.as_ref().map(in_lake))).collect();
    let own = catalog.name_in_lake("");
    let _turn = turn(&lake)?;
    let draft = lake.draft()?;
    let mut described = Vec::new();
    let mut before = Vec::new();
    for id in lake.ids()? {
        let snapshot = Snapshot::open(&lake, Some(&id))?;
        before.push(snapshot.manifest.clone());
        let mut manifest = snapshot.manifest.clone();
        let mut is_touched = false;
        for (table, contents) in &mut manifest.tables {
            let of_owner = |part: &&mut Part| std::iter::once(&part.path).chain(&part.made_of).any(|name| name.starts_with(&own));
            for part in contents.parts.iter_mut().filter(of_owner) {
                if !known.contains_key(&part.path) {
                    known.insert(part.path.clone(), rewrite(connection, &snapshot, &draft, table, part)?);
                }
                if let Some(Some(new)) = known.get(&part.path) {
                    *part = new.clone();
                    is_touched = true;
                }
                // A merged part goes on standing in for those of which it was made.
                for name in &mut part.made_of {
                    if let Some(Some(new)) = known.get(name) {
                        name.clone_from(&new.path);
                        is_touched = true;
                    }
                }
            }
            contents.rows = contents.parts.iter().map(|part| part.rows).sum();
        }
        if is_touched {
            manifest.erasures.push(unlinking.erasure());
            described.push(manifest);
        }
    }
    draft.send()?;
    described.iter().try_for_each(|manifest| lake.describe_again(manifest))?;
    if !described.is_empty() {
        lake.refresh()?;
        lake.remove_parts(&gone(&known))?;
        remove_unnamed(&lake, &before, &lake.list()?, &[])?;
    }
    Ok(described.len())
}

/// Returns the parts in whose place there are others.
fn gone(replaced: &BTreeMap<String, Option<Part>>) -> Vec<String> {
    replaced.iter().filter(|(_, new)| new.is_some()).map(|(old, _)| old.clone()).collect()
}

/// Writes a part again where it names one of the customers; none where it does not.
fn rewrite(
    connection: &Connection,
    snapshot: &Snapshot,
    draft: &Draft<'_>,
    table: &str,
    part: &Part,
) -> Result<Option<Part>, SnapshotError> {
    let Some(path) = snapshot.files([part])?.pop() else { return Ok(None) };
    let rows = format!("read_parquet({}, file_row_number = true, hive_partitioning = false)", sql_path(&path));
    let columns: BTreeSet<String> = {
        let mut statement = connection.prepare(&format!("SELECT column_name FROM (DESCRIBE SELECT * FROM {rows})"))?;
        let found = statement.query_map([], |row| row.get(0))?;
        found.collect::<Result<_, _>>()?
    };
    let (condition, kept) = match (table, columns.contains("customer_key")) {
        ("comment", _) => {
            let gone = "rating_id IN (SELECT rating_id FROM gone)";
            (gone, format!("SELECT * EXCLUDE (file_row_number) FROM {rows} WHERE NOT {gone} ORDER BY file_row_number"))
        }
        (_, true) => (
            "customer_key IN (SELECT customer_key FROM pair)",
            format!(
                "SELECT * EXCLUDE (file_row_number)
                     REPLACE (coalesce((SELECT new_key FROM pair WHERE pair.customer_key = part.customer_key), customer_key) AS customer_key)
                 FROM {rows} AS part ORDER BY file_row_number"
            ),
        ),
        _ => return Ok(None),
    };
    let named: i64 = connection.query_row(&format!("SELECT count(*) FROM {rows} WHERE {condition}"), [], |row| row.get(0))?;
    if named == 0 {
        return Ok(None);
    }
    let place = part.path.rsplit_once('/').map_or(String::new(), |(place, _)| format!("{place}/"));
    let written = draft.target().write(connection, table, &place, &kept)?;
    // By another fingerprint the next publication knows that these rows are not those that it wrote.
    let fingerprint = format!("{}-unlinked", part.fingerprint);
    Ok(Some(Part {
        path: format!("{place}{}", written.name),
        rows: written.rows,
        bytes: written.bytes,
        sha256: written.sha256,
        fingerprint,
        ..part.clone()
    }))
}
