//! Publishes the marts of the live database as a new snapshot.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use chrono::{DateTime, Months, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use duckdb::Connection;

use super::{
    Catalog, Manifest, Part, SnapshotError, TableManifest,
    catalog::Draft,
    manifest::FORMAT,
    parquet::{Target, by_one_thread},
};
use crate::domain::{digest::sha256, period::DigestsByMonth};

/// What publishing did.
#[derive(Debug, Clone)]
pub struct Published {
    /// The newest snapshot: a new one, or the one before when nothing had changed.
    pub manifest: Manifest,
    /// Whether a new snapshot was made.
    pub is_new: bool,
    /// Parts that were written; all others are shared with earlier snapshots.
    pub parts_written: usize,
}

/// The state that a manifest describes beside its tables.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The present.
    pub now: DateTime<Utc>,
    /// Everything Blip had until then was asked for.
    pub loaded_until: Option<DateTime<Utc>>,
    /// Zone of the local columns.
    pub timezone: crate::domain::Zone,
    /// Records set aside.
    pub quarantined: i64,
    /// Digest of the checks whose results the table `quality` holds.
    pub checks: Option<String>,
}

/// Publishes `tables` of the schema `marts`: name, the column whose month makes the parts, and the order of the rows.
///
/// `digests` are those of tables whose months need not be read to tell whether they changed. A snapshot is made when a row differs from
/// the last one, or when a new local day has been loaded; otherwise the last one stays the newest. A large month is parted by its days, so
/// that a part stays near 128 MB.
///
/// # Errors
/// When the folder cannot be written or DuckDB refuses. Readers then still see the snapshot before.
pub fn publish(
    connection: &Connection,
    tables: &[(&str, Option<&str>, &str)],
    catalog: &Catalog,
    stamp: &Stamp,
    digests: &DigestsByMonth,
) -> Result<Published, SnapshotError> {
    prepare(connection, tables, catalog, stamp, digests)?.publish()
}

/// A snapshot whose parts are written, and which readers do not see yet.
pub struct Prepared<'a> {
    draft: Draft<'a>,
    published: Published,
}

impl Prepared<'_> {
    /// Returns the manifest of the snapshot that will be the newest.
    pub fn manifest(&self) -> &Manifest {
        &self.published.manifest
    }

    /// Lets readers see it.
    ///
    /// # Errors
    /// When the folder cannot be written, or somebody else has published meanwhile. Readers then still see the snapshot before.
    pub fn publish(self) -> Result<Published, SnapshotError> {
        if self.published.is_new {
            self.draft.publish(&self.published.manifest)?;
        } else {
            self.draft.send()?;
        }
        Ok(self.published)
    }
}

/// As [`publish`], up to the moment before readers see it.
///
/// # Errors
/// As [`publish`].
pub fn prepare<'a>(
    connection: &Connection,
    tables: &[(&str, Option<&str>, &str)],
    catalog: &'a Catalog,
    stamp: &Stamp,
    digests: &DigestsByMonth,
) -> Result<Prepared<'a>, SnapshotError> {
    prepare_in_parts_of(CELLS_OF_PART, connection, tables, catalog, stamp, digests)
}

fn prepare_in_parts_of<'a>(
    cells: i64,
    connection: &Connection,
    tables: &[(&str, Option<&str>, &str)],
    catalog: &'a Catalog,
    stamp: &Stamp,
    digests: &DigestsByMonth,
) -> Result<Prepared<'a>, SnapshotError> {
    let previous = catalog.latest()?;
    let draft = catalog.draft()?;
    let columns = columns(connection)?;
    let (mut planned, mut wanted) = (Vec::new(), Vec::new());
    for (table, month_column, order) in tables {
        let known = previous.as_ref().and_then(|manifest| manifest.tables.get(*table));
        let months = match digests.get(*table) {
            Some(months) => months.clone(),
            None => read_digests(connection, table, *month_column)?,
        };
        let columns = columns.get(*table).map_or(&[][..], Vec::as_slice);
        let source = Source { connection, table, month_column: *month_column, order, columns, cells };
        planned.push((*table, source.plan(&draft, known, months, &mut wanted)?));
    }
    let written = write_parts(connection, draft.target(), &wanted)?;
    let parts_written = written.len();
    let contents: BTreeMap<String, TableManifest> = planned
        .into_iter()
        .map(|(table, parts)| {
            let part = |planned| match planned {
                Planned::Known(part) => part,
                Planned::Wanted(place) => written[place].clone(),
            };
            let parts: Vec<Part> = parts.into_iter().map(part).collect();
            (table.to_owned(), TableManifest { rows: parts.iter().map(|part| part.rows).sum(), parts })
        })
        .collect();
    if let Some(manifest) = previous.as_ref().filter(|manifest| is_same(manifest, &contents, stamp)) {
        let published = Published { manifest: manifest.clone(), is_new: false, parts_written: 0 };
        return Ok(Prepared { draft, published });
    }
    let manifest = Manifest {
        format: FORMAT,
        id: id_of(stamp.now, previous.as_ref(), &contents),
        published_at: stamp.now,
        loaded_until: stamp.loaded_until,
        forgotten: previous.as_ref().map(Manifest::known_erasures).unwrap_or_default(),
        previous: previous.map(|manifest| manifest.id),
        timezone: stamp.timezone.to_string(),
        quarantined: stamp.quarantined,
        checks: stamp.checks.clone(),
        erasures: Vec::new(),
        owners: BTreeMap::new(),
        tables: contents,
    };
    Ok(Prepared { draft, published: Published { manifest, is_new: true, parts_written } })
}

/// Format of the time with which ids begin, so that they sort by it.
const ID_TIME: &str = "%Y%m%dT%H%M%SZ";

/// Returns the id of a new snapshot.
pub(super) fn id_of(now: DateTime<Utc>, previous: Option<&Manifest>, contents: &BTreeMap<String, TableManifest>) -> String {
    let hashes: String = contents.values().flat_map(|table| &table.parts).map(|part| part.sha256.as_str()).collect();
    format!("{}-{}", id_time(now, previous).format(ID_TIME), &sha256(hashes.as_bytes())[..8])
}

/// Returns whether a text has the form of an id.
pub(super) fn is_id(text: &str) -> bool {
    let has_time = |(time, content): (&str, &str)| {
        NaiveDateTime::parse_from_str(time, ID_TIME).is_ok() && content.len() == 8 && content.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    text.split_once('-').is_some_and(has_time)
}

/// Returns the time of a new id: the present, or the second after the id before, whichever is later. A clock that stands still or is
/// set back then makes no new snapshot look older than the one before.
fn id_time(now: DateTime<Utc>, previous: Option<&Manifest>) -> DateTime<Utc> {
    let earlier = previous.and_then(|manifest| {
        let text = manifest.id.split('-').next()?;
        Some(NaiveDateTime::parse_from_str(text, ID_TIME).ok()?.and_utc() + TimeDelta::seconds(1))
    });
    earlier.map_or(now, |earlier| earlier.max(now))
}

fn is_same(manifest: &Manifest, contents: &BTreeMap<String, TableManifest>, stamp: &Stamp) -> bool {
    let day = |instant: Option<DateTime<Utc>>| instant.map(|instant| stamp.timezone.day(instant));
    has_same_parts(&manifest.tables, contents)
        && manifest.quarantined == stamp.quarantined
        && manifest.timezone == stamp.timezone.to_string()
        && day(manifest.loaded_until) == day(stamp.loaded_until)
}

/// Reads a digest of the rows of each month.
fn read_digests(
    connection: &Connection,
    table: &str,
    month_column: Option<&str>,
) -> Result<BTreeMap<Option<String>, String>, SnapshotError> {
    let month = month_column.map_or_else(|| "CAST(NULL AS VARCHAR)".to_owned(), |column| format!("strftime({column}, '%Y-%m')"));
    let mut statement = connection.prepare(&format!(
        "SELECT {month} AS month, CAST(sum(hash(t)) AS VARCHAR) FROM marts.{table} AS t GROUP BY month ORDER BY month"
    ))?;
    let months = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(months.collect::<Result<_, _>>()?)
}

/// Fingerprints may differ where bytes do not: they say how rows were told apart, not what they are.
fn has_same_parts(one: &BTreeMap<String, TableManifest>, other: &BTreeMap<String, TableManifest>) -> bool {
    let paths = |tables: &BTreeMap<String, TableManifest>| -> Vec<String> {
        tables.values().flat_map(|table| table.parts.iter().map(|part| part.path.clone())).collect()
    };
    one.len() == other.len() && paths(one) == paths(other)
}

/// A table that is published.
struct Source<'a> {
    connection: &'a Connection,
    table: &'a str,
    /// The column whose month makes the parts.
    month_column: Option<&'a str>,
    order: &'a str,
    columns: &'a [Column],
    /// Values that a part holds at most, where days can be told apart.
    cells: i64,
}

/// A part that belongs to a snapshot.
enum Planned {
    /// One that is there.
    Known(Part),
    /// One that is still to be written: its place among those.
    Wanted(usize),
}

/// A part that is to be written.
struct Wanted<'a> {
    table: &'a str,
    order: &'a str,
    columns: &'a [Column],
    month: Option<String>,
    filter: String,
    /// About how many values it has.
    cells: i64,
    fingerprint: String,
}

impl<'a> Source<'a> {
    /// Returns the parts of the table, and adds those that have to be written to `wanted`.
    fn plan(
        &self,
        draft: &Draft<'_>,
        known: Option<&TableManifest>,
        mut months: BTreeMap<Option<String>, String>,
        wanted: &mut Vec<Wanted<'a>>,
    ) -> Result<Vec<Planned>, SnapshotError> {
        let is_empty = months.is_empty();
        if is_empty {
            months.insert(None, "empty".to_owned());
        }
        let Source { table, order, columns, .. } = *self;
        let shape = shape(columns);
        let mut parts = Vec::with_capacity(months.len());
        for (month, digest) in months {
            let fingerprint = format!("{shape}-{digest}");
            let known: Vec<&Part> = known.iter().flat_map(|known| &known.parts).filter(|part| part.month == month).collect();
            // A part that is not there any more is made again.
            let mut is_known = !known.is_empty() && known.iter().all(|part| part.fingerprint == fingerprint);
            for part in &known {
                is_known = is_known && draft.has_published(part)?;
            }
            if is_known {
                parts.extend(known.into_iter().cloned().map(Planned::Known));
                continue;
            }
            let filters = if is_empty { vec![("TRUE".to_owned(), 0)] } else { self.filters(month.as_deref())? };
            for (filter, cells) in filters {
                parts.push(Planned::Wanted(wanted.len()));
                wanted.push(Wanted { table, order, columns, month: month.clone(), filter, cells, fingerprint: fingerprint.clone() });
            }
        }
        Ok(parts)
    }

    /// Returns the conditions of the rows of each part of a month, as ranges of days where that is possible: a column's statistics then spare
    /// most of a scan. With each comes about how many values the part has, none where rows are few by their nature.
    fn filters(&self, month: Option<&str>) -> Result<Vec<(String, i64)>, SnapshotError> {
        let Some(column) = self.month_column else { return Ok(vec![("TRUE".to_owned(), 0)]) };
        let Some(month) = month else { return Ok(vec![(format!("{column} IS NULL"), 0)]) };
        let first = format!("{month}-01").parse::<NaiveDate>().ok();
        let Some((first, next)) = first.and_then(|first| Some((first, first.checked_add_months(Months::new(1))?))) else {
            return Ok(vec![(format!("strftime({column}, '%Y-%m') = '{month}'"), 0)]);
        };
        let range = |(from, to): (NaiveDate, NaiveDate)| format!("({column} >= DATE '{from}' AND {column} < DATE '{to}')");
        let count = format!("SELECT count(*) FROM marts.{} WHERE {}", self.table, range((first, next)));
        let rows: i64 = self.connection.query_row(&count, [], |row| row.get(0))?;
        let cells = rows.saturating_mul(i64::try_from(self.columns.len()).unwrap_or(i64::MAX));
        let ranges: Vec<String> = stretches(first, next, pieces(cells, self.cells)).into_iter().map(range).collect();
        if ranges.len() == 1 {
            return Ok(ranges.into_iter().map(|range| (range, cells)).collect());
        }
        // A stretch without a row is no part.
        let is_there = |filter: &String| -> Result<bool, SnapshotError> {
            let sql = format!("SELECT count(*) > 0 FROM (SELECT 1 FROM marts.{} WHERE {filter} LIMIT 1)", self.table);
            Ok(self.connection.query_row(&sql, [], |row| row.get(0))?)
        };
        let of_each = cells / i64::try_from(ranges.len()).unwrap_or(i64::MAX);
        let mut there = Vec::with_capacity(ranges.len());
        for filter in ranges {
            if is_there(&filter)? {
                there.push((filter, of_each));
            }
        }
        Ok(there)
    }
}

/// Values that a part near 128 MB holds: rows take 1.2 bytes a column, once compressed.
const CELLS_OF_PART: i64 = 110_000_000;

/// Returns how many parts a month of so many values has: a power of two, so that a month that grows is not always cut anew, or one a day.
fn pieces(cells: i64, most: i64) -> u32 {
    (0..5).map(|power| 1 << power).find(|pieces| cells <= most.saturating_mul(i64::from(*pieces))).unwrap_or(31)
}

/// Returns the days of each of `pieces` parts of a month, from its first day to that of the next.
fn stretches(first: NaiveDate, next: NaiveDate, pieces: u32) -> Vec<(NaiveDate, NaiveDate)> {
    let begin = |piece: u32| (first + TimeDelta::days(i64::from((piece * 31).div_ceil(pieces)))).min(next);
    (0..pieces).map(|piece| (begin(piece), begin(piece + 1))).filter(|(from, to)| from < to).collect()
}

/// A column of a table: name and type.
type Column = (String, String);

/// Returns the columns of every table that can be published, in their order.
fn columns(connection: &Connection) -> Result<HashMap<String, Vec<Column>>, SnapshotError> {
    let mut statement = connection.prepare(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()
         WHERE database_name = current_database() AND schema_name = 'marts' ORDER BY table_name, column_index",
    )?;
    let mut columns: HashMap<String, Vec<Column>> = HashMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        columns.entry(row.get(0)?).or_default().push((row.get(1)?, row.get(2)?));
    }
    Ok(columns)
}

/// Returns a digest of the names and types of a table's columns: rows that are alike are other parts where these differ.
fn shape(columns: &[Column]) -> String {
    let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
    sha256(columns.join(", ").as_bytes())[..8].to_owned()
}

/// Columns without which a row has not ended.
const ENDS: [&str; 2] = ["closed_day", "ended_day"];

/// Values of a part up to which two are written at a time: of larger ones, two at once would need more memory than a load has.
const CELLS_BY_TWO: i64 = 4_000_000;

/// Writes parts into a folder; returns them in their order.
fn write_parts(connection: &Connection, target: Target<'_>, wanted: &[Wanted<'_>]) -> Result<Vec<Part>, SnapshotError> {
    if wanted.len() < 2 || wanted.iter().any(|wanted| wanted.cells > CELLS_BY_TWO) {
        return wanted.iter().map(|wanted| wanted.write(connection, target)).collect();
    }
    let usual: String = connection.query_row("SELECT current_setting('memory_limit')", [], |row| row.get(0))?;
    // The first to fail leaves the rest alone.
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let write = |connection: &Connection| -> Result<(), SnapshotError> {
        while let Some((place, wanted)) = Some(next.fetch_add(1, Ordering::SeqCst)).and_then(|place| Some((place, wanted.get(place)?))) {
            let part = wanted.write(connection, target).inspect_err(|_| next.store(usize::MAX / 2, Ordering::SeqCst))?;
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(place, part);
        }
        Ok(())
    };
    let written = by_one_thread(connection, || {
        let other = connection.try_clone()?;
        Ok(thread::scope(|scope| {
            let write = &write;
            let writing = scope.spawn(move || write(&other));
            let here = write(connection);
            here.and(writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        }))
    });
    // One of the two may have found the limit that the other had raised.
    connection.execute_batch(&format!("SET memory_limit = '{usual}'"))?;
    written??;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect())
}

impl Wanted<'_> {
    fn write(&self, connection: &Connection, target: Target<'_>) -> Result<Part, SnapshotError> {
        let Wanted { table, order, columns, month, filter, fingerprint, .. } = self;
        let part_folder = match month {
            Some(month) => format!("{table}/month={month}"),
            None => (*table).to_owned(),
        };
        // In one order whatever the history of loads: the same rows are the same bytes.
        let rows = format!("SELECT * FROM marts.{table} WHERE {filter} ORDER BY {order}");
        let written = target.write(connection, table, &part_folder, &rows)?;
        Ok(Part {
            path: format!("{part_folder}/{}", written.name),
            month: month.clone(),
            rows: written.rows,
            bytes: written.bytes,
            sha256: written.sha256,
            days: days(connection, table, columns, filter)?,
            fingerprint: fingerprint.clone(),
            made_of: Vec::new(),
        })
    }
}

/// Returns the first and the last day of the rows that `filter` selects.
fn days(
    connection: &Connection,
    table: &str,
    columns: &[Column],
    filter: &str,
) -> Result<Option<(NaiveDate, Option<NaiveDate>)>, SnapshotError> {
    let columns: Vec<&str> = columns.iter().filter(|(_, kind)| kind == "DATE").map(|(name, _)| name.as_str()).collect();
    if columns.is_empty() {
        return Ok(None);
    }
    let of = |function: &str| columns.iter().map(|column| format!("{function}({column})")).collect::<Vec<_>>().join(", ");
    let ends: Vec<&&str> = columns.iter().filter(|column| ENDS.contains(column)).collect();
    let has_open = ends.iter().map(|column| format!("count({column}) < count(*)")).collect::<Vec<_>>().join(" OR ");
    let (first, last, has_open): (Option<NaiveDate>, Option<NaiveDate>, bool) = connection.query_row(
        &format!(
            "SELECT least({}), greatest({}), {} FROM marts.{table} WHERE {filter}",
            of("min"),
            of("max"),
            if has_open.is_empty() { "FALSE" } else { &has_open }
        ),
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Ok(first.map(|first| (first, last.filter(|_| !has_open))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::parquet::PARQUET;

    #[test]
    fn a_large_month_is_parted_by_its_days() {
        assert_eq!([0, 10, 11, 20, 21, 80, 160, 161, 9_999].map(|cells| pieces(cells, 10)), [1, 1, 2, 2, 4, 8, 16, 31, 31]);
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (first, next) in [("2026-02-01", "2026-03-01"), ("2026-10-01", "2026-11-01")].map(|(first, next)| (day(first), day(next))) {
            for pieces in [1, 2, 4, 8, 16, 31] {
                let stretches = stretches(first, next, pieces);
                assert_eq!((stretches[0].0, stretches.last().unwrap().1), (first, next), "{pieces}");
                assert!(stretches.windows(2).all(|pair| pair[0].1 == pair[1].0), "{pieces}");
            }
        }

        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open_in_memory().unwrap();
        let sql = "CREATE SCHEMA marts;
             CREATE TABLE marts.big AS SELECT i AS id, CAST(DATE '2026-10-01' + CAST(i % 31 AS INTEGER) AS DATE) AS day FROM range(310) AS t(i);
             INSERT INTO marts.big VALUES (1000, DATE '2026-11-03'), (1001, NULL)";
        connection.execute_batch(sql).unwrap();
        let zone: crate::domain::Zone = "America/Sao_Paulo".parse().unwrap();
        let stamp =
            Stamp { now: "2026-11-22T15:00:00Z".parse().unwrap(), loaded_until: None, timezone: zone, quarantined: 0, checks: None };
        let catalog = Catalog::at(folder.path());
        let publish = || {
            let prepared = prepare_in_parts_of(200, &connection, &[("big", Some("day"), "id")], &catalog, &stamp, &BTreeMap::new());
            prepared.unwrap().publish().unwrap()
        };
        let parts = |published: &Published| published.manifest.tables["big"].parts.clone();
        let first = publish();
        let rows: Vec<(Option<String>, i64)> = parts(&first).into_iter().map(|part| (part.month, part.rows)).collect();
        let month = |name: &str, rows: i64| (Some(name.to_owned()), rows);
        assert_eq!(
            rows,
            [(None, 1), month("2026-10", 80), month("2026-10", 80), month("2026-10", 80), month("2026-10", 70), month("2026-11", 1)]
        );
        assert_eq!(parts(&first)[1].days, Some((day("2026-10-01"), Some(day("2026-10-08")))));
        assert!(!publish().is_new);
        // Only the stretch of a day that changes is another part.
        connection.execute_batch("UPDATE marts.big SET id = 9999 WHERE id = 30").unwrap();
        let second = publish();
        let paths =
            |published: &Published| -> std::collections::BTreeSet<String> { parts(published).into_iter().map(|part| part.path).collect() };
        assert_eq!((paths(&second).len(), paths(&second).difference(&paths(&first)).count()), (6, 1));
    }

    #[test]
    fn a_month_that_does_not_fit_into_memory_is_written_with_more_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("live.duckdb")).unwrap();
        connection
            .execute_batch(
                "CREATE SCHEMA marts;
                 CREATE TABLE marts.big AS
                 SELECT i AS id, md5(CAST(i AS VARCHAR)) AS a, md5(CAST(i + 1 AS VARCHAR)) AS b, DATE '2026-10-01' AS day FROM range(200000) AS t(i);
                 CHECKPOINT; SET memory_limit = '12MB'; SET threads = 1",
            )
            .unwrap();
        let limit = || -> String { connection.query_row("SELECT current_setting('memory_limit')", [], |row| row.get(0)).unwrap() };
        let usual = limit();
        let copy = format!("COPY (SELECT * FROM marts.big ORDER BY a) TO '{}' ({PARQUET})", folder.path().join("x.parquet").display());
        assert!(connection.execute_batch(&copy).unwrap_err().to_string().contains("Out of Memory"), "the limit is what it is about");
        let zone: crate::domain::Zone = "America/Sao_Paulo".parse().unwrap();
        let stamp =
            Stamp { now: "2026-11-22T15:00:00Z".parse().unwrap(), loaded_until: None, timezone: zone, quarantined: 0, checks: None };
        let tables = [("big", Some("day"), "a")];
        let digests = BTreeMap::from([("big".to_owned(), BTreeMap::from([(Some("2026-10".to_owned()), "1".to_owned())]))]);
        let published = publish(&connection, &tables, &Catalog::at(&folder.path().join("lake")), &stamp, &digests).unwrap();
        assert_eq!(published.manifest.tables["big"].rows, 200_000);
        assert!(!publish(&connection, &tables, &Catalog::at(&folder.path().join("lake")), &stamp, &digests).unwrap().is_new);
        // The same rows under another name are another part.
        connection.execute_batch("ALTER TABLE marts.big RENAME b TO c").unwrap();
        assert_eq!(publish(&connection, &tables, &Catalog::at(&folder.path().join("lake")), &stamp, &digests).unwrap().parts_written, 1);
        // DuckDB tells the limit rounded, so it comes back rounded.
        assert_eq!(limit()[..3], usual[..3]);
    }
}
