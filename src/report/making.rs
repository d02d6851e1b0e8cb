//! A report from definition to files: opens the snapshot, builds, writes, and notes in the ledger what went out.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{Earlier, ReportError, ReportRequest, build, publication, rules};
use crate::{
    config::{ConfigError, EngineKind, Project, ReportSpec},
    domain::{
        Period, ReportData,
        digest::sha256,
        report_data::{Detail, RowsError},
    },
    files::{self, FileError},
    ledger::{Ledger, LedgerError, Publication, PublishedFile},
    query::{Catalogue, Cluster, ClusterNews, Comparison, Engine, HeaderError, QueryError, Watcher},
    render::{self, Format, RenderError},
    snapshot::{Catalog, Snapshot, SnapshotError},
};

/// How many earlier periods of a report are looked at for figures that changed since: a year of months and the month itself.
const PERIODS_BEFORE: usize = 13;

/// Memory for the queries of a report, in megabytes.
const MEMORY_MB: u32 = 1_024;

/// What a file of a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// The report, rendered.
    Rendered(Format),
    /// A row-level table for other engines.
    Parquet,
}

impl FileFormat {
    /// Returns the ending of its files.
    pub const fn ending(self) -> &'static str {
        match self {
            FileFormat::Rendered(format) => format.ending(),
            FileFormat::Parquet => "parquet",
        }
    }

    /// Returns the format with this ending.
    pub fn from_ending(ending: &str) -> Option<FileFormat> {
        let parquet = (ending == FileFormat::Parquet.ending()).then_some(FileFormat::Parquet);
        Format::from_ending(ending).map(FileFormat::Rendered).or(parquet)
    }

    /// Returns whether files of this format hold row-level tables.
    pub fn has_details(self) -> bool {
        self != FileFormat::Rendered(Format::Pdf)
    }
}

/// What a report is made for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The days.
    pub period: Period,
    /// Only this sector; none is all.
    pub sector: Option<String>,
    /// The snapshot; none is the newest.
    pub as_of: Option<&'a str>,
    /// Whether row-level tables are wanted.
    pub with_details: bool,
    /// A folder that does not exist: large tables go there while the report is made.
    pub scratch: PathBuf,
    /// Whether each part of a snapshot on this machine is compared with its hash before it is read: where nobody looks at the outcome before
    /// it goes out.
    pub compares_parts: bool,
}

/// A report and what its figures rest on.
pub struct Made {
    /// The report.
    pub data: ReportData,
    /// Digest of the settings and queries that say what its figures mean.
    pub rules: String,
}

/// A file of a report that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A report that could not be made, written or noted.
#[derive(Debug, thiserror::Error)]
pub enum MakingError {
    /// It could not be built.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A definition or query file is wrong.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// A query's header is wrong.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// There is no such snapshot, or it is damaged.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A format could not hold it.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Rows could not be read.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Parquet was asked of a report without row-level tables.
    #[error("report `{0}` has no row-level table to write as Parquet")]
    NoDetails(String),
}

/// Builds a report of a project, with the engine of its settings.
///
/// # Errors
/// When a definition is wrong, a snapshot is missing, or a query or a check fails.
pub fn make(project: &Project, spec: &ReportSpec, wanted: &Wanted<'_>) -> Result<Made, MakingError> {
    make_watched(project, spec, wanted, &log)
}

/// Builds a report as [`make`] does; `told` hears how far a cluster is.
///
/// # Errors
/// As [`make`].
pub fn make_watched(project: &Project, spec: &ReportSpec, wanted: &Wanted<'_>, told: &dyn Fn(&ClusterNews)) -> Result<Made, MakingError> {
    let on_cluster = (project.settings.engine.kind == EngineKind::Spark).then_some(false);
    Ok(make_on(project, spec, wanted, on_cluster, told)?.0)
}

/// Builds a report with both engines, and holds every result of the one against that of the other.
///
/// # Errors
/// As [`make`], and when no cluster is declared.
pub fn compare(project: &Project, spec: &ReportSpec, wanted: &Wanted<'_>, told: &dyn Fn(&ClusterNews)) -> Result<Comparison, MakingError> {
    Ok(make_on(project, spec, wanted, Some(true), told)?.1.unwrap_or_default())
}

/// Tells in the log how far a cluster is.
pub fn log(news: &ClusterNews) {
    match news {
        ClusterNews::Started { spark, queries } => tracing::info!(cluster.spark = spark, queries, "the cluster has taken a job"),
        ClusterNews::Query { name, rows, ms } => tracing::info!(query.name = name, rows, duration_ms = ms, "query done on the cluster"),
        ClusterNews::ExecutorLost { executor } => {
            tracing::warn!(cluster.executor = executor, "the cluster lost an executor; its work is done again by others");
        }
        ClusterNews::Abandoned => tracing::warn!("the cluster gave the job up because nobody seemed to wait for it"),
    }
}

/// Builds a report, on a cluster or not, with a comparison or not. On a cluster what it asks is gathered first: a report is built from
/// the results that are there, and built again when those are there that it missed.
fn make_on(
    project: &Project,
    spec: &ReportSpec,
    wanted: &Wanted<'_>,
    on_cluster: Option<bool>,
    told: &dyn Fn(&ClusterNews),
) -> Result<(Made, Option<Comparison>), MakingError> {
    let texts = project.query_texts()?;
    let snapshot = match wanted.as_of {
        None => Snapshot::newest(project)?,
        as_of => Snapshot::open(&Catalog::of(project)?, as_of)?,
    };
    let snapshot = if wanted.compares_parts { snapshot.comparing() } else { snapshot };
    if on_cluster.is_some() && wanted.compares_parts && snapshot.address().is_none() {
        // A cluster reads the parts by itself.
        snapshot.files(snapshot.manifest.parts())?;
    }
    let mut engine = Engine::open(&snapshot, Catalogue::new(&texts)?)?;
    if let Some(with_comparison) = on_cluster {
        engine = engine.on_cluster(Cluster::of(project).map_err(QueryError::from)?, with_comparison);
    }
    let engine = Rc::new(engine);
    // Row-level tables of a large month are held to this; what is more goes to a folder of this report alone, which the engine clears.
    engine.spill_to(&wanted.scratch, MEMORY_MB)?;
    let (period, sector) = (wanted.period, wanted.sector.clone());
    let earlier = earlier(project, spec, &snapshot, wanted)?;
    let rules = rules(&project.settings, &texts);
    let request = ReportRequest { period, sector, earlier, rules: rules.clone(), with_details: wanted.with_details };
    loop {
        let built = build(&engine, spec, &project.settings, &snapshot, &request);
        if !engine.submit(&Watcher { told, is_wanted: &|| true })? {
            return Ok((Made { data: built?, rules }, engine.comparison()));
        }
    }
}

/// Returns what the ledger knows of publications before `snapshot`, so that the same snapshot always tells the same changes.
fn earlier(project: &Project, spec: &ReportSpec, snapshot: &Snapshot, wanted: &Wanted<'_>) -> Result<Vec<Earlier>, MakingError> {
    let path = project.ledger_file();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let id = &snapshot.manifest.id;
    let report = (spec.name.as_str(), wanted.sector.as_deref());
    let publications = Ledger::open(&path)?.publications_before(report, id, wanted.period.start, PERIODS_BEFORE)?;
    if publications.is_empty() {
        return Ok(Vec::new());
    }
    let catalog = Catalog::of(project)?;
    let with_snapshot = |publication: Publication| {
        let snapshot = Snapshot::open(&catalog, Some(&publication.snapshot)).ok();
        let snapshot = snapshot.map(|snapshot| if wanted.compares_parts { snapshot.comparing() } else { snapshot });
        Earlier { publication, snapshot }
    };
    Ok(publications.into_iter().map(with_snapshot).collect())
}

/// Notes in the ledger that a report went out.
///
/// # Errors
/// When the ledger cannot be written.
pub fn note(ledger: &mut Ledger, made: &Made, files: &[WrittenFile]) -> Result<(), LedgerError> {
    let published = |file: &WrittenFile| PublishedFile {
        name: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: file.sha256.clone(),
    };
    ledger.note(&publication(&made.data, made.rules.clone(), files.iter().map(published).collect()))
}

/// Renders and writes the files of a report.
///
/// # Errors
/// When a format cannot hold it, or the system refuses; files that were finished before stay.
pub fn write(data: &ReportData, formats: &[FileFormat], folder: &Path) -> Result<Vec<WrittenFile>, MakingError> {
    files::make_folder(folder)?;
    let mut written = Vec::new();
    for file_format in formats {
        let path = |suffix: &str| folder.join(format!("{}{suffix}.{}", file_stem(data), file_format.ending()));
        let FileFormat::Rendered(format) = file_format else {
            written.extend(write_parquet(data, &path)?);
            continue;
        };
        render::render_into(data, *format, &mut |suffix, fill| {
            let path = path(suffix);
            let sha256 = files::fill(&path, |out| {
                fill(out).map_err(|error| match error {
                    RenderError::Write(source) => FileError::of(&path)(source).into(),
                    other => MakingError::from(other),
                })
            })?;
            written.push(WrittenFile { path, sha256 });
            Ok::<(), MakingError>(())
        })?;
    }
    Ok(written)
}

/// Writes the row-level tables of a report for other engines, each with its rows in their order.
fn write_parquet(data: &ReportData, path: &dyn Fn(&str) -> PathBuf) -> Result<Vec<WrittenFile>, MakingError> {
    if data.details.is_empty() {
        return Err(MakingError::NoDetails(data.report.clone()));
    }
    let of_detail = |detail: &Detail| {
        let path = path(&format!("_{}", detail.id));
        let save = |temporary: &Path| Ok::<(), MakingError>(detail.rows.save_parquet(temporary)?);
        Ok(WrittenFile { sha256: files::place(&path, save)?, path })
    };
    data.details.iter().map(of_detail).collect()
}

/// Returns how the names of a report's files begin.
pub fn file_stem(data: &ReportData) -> String {
    let sector = data.sector_slug.as_ref().map(|sector| format!("_{sector}")).unwrap_or_default();
    format!("{}_{}{sector}", data.report, data.period)
}

/// Makes a name of a sector for files: where it would be that of another of the `sectors`, or empty, digits of its hash tell it apart.
pub(super) fn sector_slug(sector: &str, sectors: &[String]) -> String {
    let plain = slug(sector);
    let is_met = || sectors.iter().any(|other| other != sector && slug(other) == plain);
    let digits = || sha256(sector.as_bytes())[..6].to_owned();
    match plain.as_str() {
        "" => digits(),
        _ if is_met() => format!("{plain}-{}", digits()),
        _ => plain,
    }
}

/// Makes a name that every file system takes: plain lower-case letters and digits.
pub fn slug(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let plain: String = name.nfd().filter(char::is_ascii).collect::<String>().to_lowercase();
    let parts: Vec<&str> = plain.split(|char: char| !char.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_makes_a_plain_file_name() {
        assert_eq!(slug("Convênios & Saúde"), "convenios-saude");
    }

    #[test]
    fn sectors_never_share_a_name_of_a_file() {
        let sectors = ["Exames/N1", "Exames N1", "EXAMES n1", "Saúde", "Saude", "客服", "支持", "Financeiro"].map(str::to_owned);
        let names: std::collections::BTreeSet<String> = sectors.iter().map(|sector| sector_slug(sector, &sectors)).collect();
        assert_eq!(names.len(), sectors.len(), "{names:?}");
        assert!(names.iter().all(|name| name.len() >= 6 && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '-')));
        assert_eq!(sector_slug("Financeiro", &sectors), "financeiro", "a name that nobody else has stays");
    }
}
