//! Reports that went out, with the figures they printed.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, params};

use super::{Ledger, LedgerError, values::unfit};
use crate::domain::Period;

/// A report that went out.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Name of the definition.
    pub report: String,
    /// The days it covers.
    pub period: Period,
    /// Only this sector; none is all.
    pub sector: Option<String>,
    /// The snapshot that it was made from.
    pub snapshot: String,
    /// When that snapshot was published: the report's time of issue.
    pub published_at: DateTime<Utc>,
    /// Digest of the settings and queries that say what its figures mean.
    pub rules: String,
    /// SHA-256 of its content, as every format prints it; none in records of earlier versions.
    pub content_sha256: Option<String>,
    /// Its key figures.
    pub figures: Vec<PublishedFigure>,
    /// The files that were written.
    pub files: Vec<PublishedFile>,
}

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// Its name, without the folder.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A key figure as it was printed.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedFigure {
    /// The block of the report.
    pub block: String,
    /// The column of the block's query.
    pub figure: String,
    /// The value in the column's unit; none when there was none.
    pub value: Option<f64>,
}

impl Ledger {
    /// Notes a publication. The same report from the same snapshot is the same publication.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note(&mut self, publication: &Publication) -> Result<(), LedgerError> {
        self.change(|connection| write(connection, publication, true))
    }

    /// Returns the published files whose SHA-256, or that of their content, is or begins with `hash`, those from the newest snapshot first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn publications_of(&self, hash: &str) -> Result<Vec<(Publication, PublishedFile)>, LedgerError> {
        of_hash(&self.connection, hash).map_err(|source| LedgerError::Database { path: self.path.clone(), source })
    }

    /// Returns of each period of a report the last publication from a snapshot before `snapshot`, at most `limit` periods that begin on
    /// or before `last`, the latest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn publications_before(
        &self,
        (report, sector): (&str, Option<&str>),
        snapshot: &str,
        last: NaiveDate,
        limit: usize,
    ) -> Result<Vec<Publication>, LedgerError> {
        read(&self.connection, (report, sector), snapshot, last, limit)
            .map_err(|source| LedgerError::Database { path: self.path.clone(), source })
    }
}

/// Writes a publication; one that went out before stays one that did.
pub(super) fn write(transaction: &Connection, publication: &Publication, went_out: bool) -> rusqlite::Result<()> {
    let Publication { report, period, sector, snapshot, published_at, rules, content_sha256, figures, files } = publication;
    // Files of other formats that were written before belong to the same publication.
    let earlier: Vec<(String, String)> = transaction
        .prepare(
            "SELECT name, sha256 FROM published_file INNER JOIN publication USING (publication_id)
             WHERE report = ? AND period = ? AND sector IS ? AND snapshot = ? AND content_sha256 IS ?",
        )?
        .query_map(params![report, period.to_string(), sector, snapshot, content_sha256], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let went_out_before: bool = transaction.query_row(
        "SELECT coalesce(max(went_out), 0) FROM publication WHERE report = ? AND period = ? AND sector IS ? AND snapshot = ?",
        params![report, period.to_string(), sector, snapshot],
        |row| row.get(0),
    )?;
    // SQLite takes no two nulls for the same.
    transaction.execute(
        "DELETE FROM publication WHERE report = ? AND period = ? AND sector IS ? AND snapshot = ?",
        params![report, period.to_string(), sector, snapshot],
    )?;
    transaction.execute(
        "INSERT INTO publication (report, period, period_start, sector, snapshot, published_at, rules, content_sha256, went_out)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            report,
            period.to_string(),
            period.start.to_string(),
            sector,
            snapshot,
            published_at.to_rfc3339(),
            rules,
            content_sha256,
            went_out || went_out_before
        ],
    )?;
    let id = transaction.last_insert_rowid();
    for PublishedFigure { block, figure, value } in figures {
        transaction.execute("INSERT INTO published_figure VALUES (?, ?, ?, ?)", params![id, block, figure, value])?;
    }
    let files = files.iter().map(|file| (&file.name, &file.sha256));
    for (name, sha256) in earlier.iter().map(|(name, sha256)| (name, sha256)).chain(files) {
        transaction.execute("INSERT OR REPLACE INTO published_file VALUES (?, ?, ?)", params![id, name, sha256])?;
    }
    Ok(())
}

fn read(
    connection: &Connection,
    (report, sector): (&str, Option<&str>),
    snapshot: &str,
    last: NaiveDate,
    limit: usize,
) -> rusqlite::Result<Vec<Publication>> {
    let mut statement = connection.prepare(
        "SELECT max(snapshot), publication_id, period, published_at, rules, content_sha256
         FROM publication
         WHERE report = ? AND sector IS ? AND snapshot < ? AND period_start <= ? AND went_out
         GROUP BY period
         ORDER BY period_start DESC, period DESC
         LIMIT ?",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![report, sector, snapshot, last.to_string(), limit], |row| {
        let publication = Publication {
            report: report.to_owned(),
            period: Period::parse(&row.get::<_, String>(2)?, last).map_err(|error| unfit(2, error))?,
            sector: sector.map(str::to_owned),
            snapshot: row.get(0)?,
            published_at: row.get::<_, String>(3)?.parse().map_err(|error| unfit(3, error))?,
            rules: row.get(4)?,
            content_sha256: row.get(5)?,
            figures: Vec::new(),
            files: Vec::new(),
        };
        Ok((row.get::<_, i64>(1)?, publication))
    })?;
    let mut figures =
        connection.prepare("SELECT block, figure, value FROM published_figure WHERE publication_id = ? ORDER BY block, figure")?;
    let mut files = connection.prepare("SELECT name, sha256 FROM published_file WHERE publication_id = ? ORDER BY name")?;
    rows.map(|row| {
        let (id, mut publication) = row?;
        let found = figures.query_map([id], |row| Ok(PublishedFigure { block: row.get(0)?, figure: row.get(1)?, value: row.get(2)? }))?;
        publication.figures = found.collect::<rusqlite::Result<_>>()?;
        let found = files.query_map([id], |row| Ok(PublishedFile { name: row.get(0)?, sha256: row.get(1)? }))?;
        publication.files = found.collect::<rusqlite::Result<_>>()?;
        Ok(publication)
    })
    .collect()
}

fn of_hash(connection: &Connection, hash: &str) -> rusqlite::Result<Vec<(Publication, PublishedFile)>> {
    let mut statement = connection.prepare(
        "SELECT publication.report, publication.period, publication.sector, publication.snapshot, publication.published_at,
             publication.rules, publication.content_sha256, published_file.name, published_file.sha256
         FROM publication
         INNER JOIN published_file USING (publication_id)
         WHERE substr(published_file.sha256, 1, length(?1)) = ?1 OR substr(publication.content_sha256, 1, length(?1)) = ?1
         ORDER BY publication.snapshot DESC, publication.publication_id, published_file.name",
    )?;
    let rows = statement.query_map([hash], |row| {
        let publication = Publication {
            report: row.get(0)?,
            period: Period::parse(&row.get::<_, String>(1)?, NaiveDate::MAX).map_err(|error| unfit(1, error))?,
            sector: row.get(2)?,
            snapshot: row.get(3)?,
            published_at: row.get::<_, String>(4)?.parse().map_err(|error| unfit(4, error))?,
            rules: row.get(5)?,
            content_sha256: row.get(6)?,
            figures: Vec::new(),
            files: Vec::new(),
        };
        Ok((publication, PublishedFile { name: row.get(7)?, sha256: row.get(8)? }))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(month: u32) -> Period {
        Period::parse(&format!("2026-{month:02}"), NaiveDate::MAX).unwrap()
    }

    fn publication(period: Period, sector: Option<&str>, snapshot: &str, value: Option<f64>) -> Publication {
        Publication {
            report: "mensal".to_owned(),
            period,
            sector: sector.map(str::to_owned),
            snapshot: snapshot.to_owned(),
            published_at: "2026-11-02T11:00:00Z".parse().unwrap(),
            rules: "r1".to_owned(),
            content_sha256: Some("c1".to_owned()),
            files: vec![PublishedFile { name: "mensal.pdf".to_owned(), sha256: "f1".to_owned() }],
            figures: vec![PublishedFigure { block: "indicadores".to_owned(), figure: "csat_share".to_owned(), value }],
        }
    }

    #[test]
    fn the_last_publication_before_a_snapshot_is_found_for_each_period() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/ledger.sqlite");
        let mut ledger = Ledger::open(&path).unwrap();
        for (period, sector, snapshot, value) in [
            (month(9), None, "20261001T000000Z-a", Some(0.7)),
            (month(9), None, "20261101T000000Z-b", Some(0.8)),
            (month(10), None, "20261101T000000Z-b", None),
            (month(10), Some("Exames"), "20261101T000000Z-b", Some(0.5)),
            (month(10), None, "20261201T000000Z-c", Some(0.9)),
        ] {
            ledger.note(&publication(period, sector, snapshot, value)).unwrap();
        }
        // Noted twice, it is there once.
        ledger.note(&publication(month(10), None, "20261101T000000Z-b", Some(0.6))).unwrap();
        drop(ledger);
        let ledger = Ledger::open(&path).unwrap();
        let found = ledger.publications_before(("mensal", None), "20261201T000000Z-c", month(11).start, 12).unwrap();
        assert_eq!(
            found,
            [publication(month(10), None, "20261101T000000Z-b", Some(0.6)), publication(month(9), None, "20261101T000000Z-b", Some(0.8)),]
        );
        assert_eq!(ledger.publications_before(("mensal", None), "20261201T000000Z-c", month(9).start, 12).unwrap().len(), 1);
        assert_eq!(ledger.publications_before(("mensal", Some("Exames")), "20261201T000000Z-c", month(11).start, 12).unwrap().len(), 1);
        assert_eq!(ledger.publications_before(("outro", None), "20261201T000000Z-c", month(11).start, 12).unwrap(), []);
    }

    #[test]
    fn files_of_one_publication_are_kept_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let file = |name: &str, sha256: &str| PublishedFile { name: name.to_owned(), sha256: sha256.to_owned() };
        let mut note = |content: &str, files: Vec<PublishedFile>| {
            let publication = publication(month(9), None, "20261101T000000Z-b", Some(0.7));
            ledger.note(&Publication { content_sha256: Some(content.to_owned()), files, ..publication }).unwrap();
            ledger.publications_before(("mensal", None), "20261201T000000Z-c", month(11).start, 12).unwrap().remove(0).files
        };
        note("c1", vec![file("m.pdf", "p1")]);
        assert_eq!(note("c1", vec![file("m.xlsx", "x1")]), [file("m.pdf", "p1"), file("m.xlsx", "x1")]);
        assert_eq!(note("c1", vec![file("m.pdf", "p2")]), [file("m.pdf", "p2"), file("m.xlsx", "x1")]);
        let ledger_files = |ledger: &Ledger, hash: &str| -> Vec<String> {
            ledger.publications_of(hash).unwrap().into_iter().map(|(_, file)| file.name).collect()
        };
        // Another content: the files of before are not its own.
        assert_eq!(note("c2", vec![file("m.pdf", "p3")]), [file("m.pdf", "p3")]);
        assert_eq!(ledger_files(&ledger, "p3"), ["m.pdf"]);
        assert_eq!(ledger_files(&ledger, "c2"), ["m.pdf"], "by its content");
        assert!(ledger_files(&ledger, "x1").is_empty() && ledger_files(&ledger, "P3").is_empty());
    }
}
