//! `relato report`: make a report, or list the reports there are.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    rc::Rc,
    time::Instant,
};

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::{Exit, Failure, Global, output};
use crate::{
    config::{Project, ReportSpec},
    domain::{
        Period, ReportData,
        report_data::{CompletenessState, Detail},
    },
    ledger::{Ledger, Publication, PublishedFile},
    query::{Catalogue, Engine},
    render::{self, Format, RenderError},
    report::{self, Earlier, ReportRequest},
    snapshot::Snapshot,
};

/// Make a report, or list the reports there are
///
/// `relato report list` lists them. Files are written to the project's folder `output`, or to --out; their names are printed.
/// With `--format json` alone and no --out, the document itself is printed.
#[derive(Args)]
pub struct ReportArgs {
    /// Name of the report, or `list`
    name: String,
    /// 2026-10, 2026-W42, 2026-10-01..2026-10-31, last-month, last-week, yesterday or month-to-date
    #[arg(long, value_name = "P")]
    period: Option<String>,
    /// Only this sector
    #[arg(long, value_name = "S")]
    sector: Option<String>,
    /// xlsx, pdf, csv, json, or parquet for the row-level tables; several with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "xlsx,pdf", value_parser = file_format)]
    format: Vec<FileFormat>,
    /// Leave out the row-level tables: a figure can still be followed with `relato query conversas_de`
    #[arg(long)]
    no_details: bool,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Snapshot to report from; the beginning of its id is enough
    #[arg(long, value_name = "SNAPSHOT")]
    as_of: Option<String>,
}

/// What a file of a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// The report, rendered.
    Rendered(Format),
    /// A row-level table for other engines.
    Parquet,
}

impl FileFormat {
    const fn ending(self) -> &'static str {
        match self {
            FileFormat::Rendered(format) => format.ending(),
            FileFormat::Parquet => "parquet",
        }
    }
}

fn file_format(text: &str) -> Result<FileFormat, String> {
    let rendered = Format::from_ending(text).map(FileFormat::Rendered);
    rendered
        .or_else(|| (text == FileFormat::Parquet.ending()).then_some(FileFormat::Parquet))
        .ok_or_else(|| format!("unknown format `{text}` (accepted: xlsx, pdf, csv, json, parquet)"))
}

pub fn run(global: &Global, args: &ReportArgs) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let reports = project.reports()?;
    if args.name == "list" {
        let language = project.settings.organization.locale;
        if args.format == [FileFormat::Rendered(Format::Json)] {
            let listed: Vec<_> = reports
                .values()
                .map(|spec| json!({"name": spec.name, "title": spec.title.get(language), "audience": spec.audience.get(language), "period": spec.period}))
                .collect();
            output::print_json(&listed)?;
        } else {
            let lines: Vec<String> = reports
                .values()
                .map(|spec| format!("{:24} {} · {} · {}\n", spec.name, spec.title.get(language), spec.audience.get(language), spec.period))
                .collect();
            output::print(&lines.concat())?;
        }
        return Ok(Exit::Done);
    }
    let spec = reports.get(&args.name).ok_or_else(|| {
        let known: Vec<&str> = reports.keys().map(String::as_str).collect();
        Failure::told(
            Exit::Usage,
            format!("unknown report `{}` (known: {})", args.name, known.join(", ")),
            Some("`relato report list` tells what each is for"),
        )
    })?;
    let today = project.settings.organization.timezone.day(global.now());
    let asked = args.period.as_ref().unwrap_or(&spec.period);
    let period = Period::parse(asked, today).map_err(|error| Failure::new(Exit::Usage, error))?;
    // A PDF has no row-level tables, and these take the longest.
    let asked = Asked {
        period,
        sector: args.sector.clone(),
        as_of: args.as_of.as_deref(),
        with_details: !args.no_details && args.format.iter().any(|format| *format != FileFormat::Rendered(Format::Pdf)),
    };
    let stages = Stages::new(&args.name);
    let (data, rules) = build(&project, spec, asked)?;
    stages.done("figures");
    if args.format == [FileFormat::Rendered(Format::Json)] && args.out.is_none() {
        for rendered in render::render(&data, Format::Json)? {
            output::print(&String::from_utf8_lossy(&rendered.bytes))?;
        }
    } else {
        let folder = args.out.clone().unwrap_or_else(|| project.dir.join("output"));
        let mut files = Vec::new();
        for format in &args.format {
            files.extend(write(&data, &[*format], &folder)?);
            stages.done(format.ending());
        }
        // Asked for as it was known then, it is a copy; from the newest snapshot, readers may hold to it.
        if args.as_of.is_none() {
            note(&project, &data, rules, &files)?;
        }
        let lines: Vec<String> = files.iter().map(|file| format!("{}\n", file.path.display())).collect();
        output::print(&lines.concat())?;
    }
    Ok(warn(&data))
}

/// Tells how long each stage of a report took.
struct Stages<'a> {
    report: &'a str,
    began: Cell<Instant>,
}

impl Stages<'_> {
    fn new(report: &str) -> Stages<'_> {
        Stages { report, began: Cell::new(Instant::now()) }
    }

    fn done(&self, stage: &str) {
        let duration_ms = u64::try_from(self.began.replace(Instant::now()).elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(report.name = self.report, report.stage = stage, duration_ms, "stage done");
    }
}

/// How many earlier periods of a report are looked at for figures that changed since: a year of months and the month itself.
const PERIODS_BEFORE: usize = 13;

/// Memory for the queries of a report, in megabytes.
const MEMORY_MB: u32 = 1_024;

/// What a report is made for.
pub struct Asked<'a> {
    /// The days.
    pub period: Period,
    /// Only this sector; none is all.
    pub sector: Option<String>,
    /// The snapshot; none is the newest.
    pub as_of: Option<&'a str>,
    /// Whether row-level tables are wanted.
    pub with_details: bool,
}

/// Builds the data of a report; returns with it the digest of the rules.
pub fn build(project: &Project, spec: &ReportSpec, asked: Asked<'_>) -> Result<(ReportData, String), Failure> {
    let Asked { period, sector, as_of, with_details } = asked;
    let texts = project.query_texts()?;
    let snapshot = Snapshot::open(&project.snapshot_dir(), as_of)?;
    let engine = Rc::new(Engine::open(&snapshot, Catalogue::new(&texts)?)?);
    // Row-level tables of a large month are held to this; what is more goes to a folder of this process alone, which the engine clears.
    engine.spill_to(&std::env::temp_dir().join(format!("relato-{}", Uuid::new_v4())), MEMORY_MB)?;
    let earlier = earlier(project, spec, &snapshot, period, sector.as_deref())?;
    let rules = report::rules(&project.settings, &texts);
    let request = ReportRequest { period, sector, earlier, rules: rules.clone(), with_details };
    Ok((report::build(&engine, spec, &project.settings, &snapshot, &request)?, rules))
}

/// Returns what the ledger knows of publications before `snapshot`, so that the same snapshot always tells the same changes.
fn earlier(
    project: &Project,
    spec: &ReportSpec,
    snapshot: &Snapshot,
    period: Period,
    sector: Option<&str>,
) -> Result<Vec<Earlier>, Failure> {
    let path = project.ledger_file();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let id = &snapshot.manifest.id;
    let publications = Ledger::open(&path)?.publications_before((&spec.name, sector), id, period.start, PERIODS_BEFORE)?;
    let with_snapshot = |publication: Publication| {
        let snapshot = Snapshot::open(&project.snapshot_dir(), Some(&publication.snapshot)).ok();
        Earlier { publication, snapshot }
    };
    Ok(publications.into_iter().map(with_snapshot).collect())
}

/// Notes in the ledger that a report went out.
pub fn note(project: &Project, data: &ReportData, rules: String, files: &[WrittenFile]) -> Result<(), Failure> {
    let published = |file: &WrittenFile| PublishedFile {
        name: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: file.sha256.clone(),
    };
    Ok(Ledger::open(&project.ledger_file())?.note(&report::publication(data, rules, files.iter().map(published).collect()))?)
}

/// A file of a report that was written.
pub struct WrittenFile {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Renders and writes the files of a report.
pub fn write(data: &ReportData, formats: &[FileFormat], folder: &Path) -> Result<Vec<WrittenFile>, Failure> {
    output::make_folder(folder)?;
    let mut files = Vec::new();
    for file_format in formats {
        let path = |suffix: &str| folder.join(format!("{}{suffix}.{}", file_stem(data), file_format.ending()));
        let FileFormat::Rendered(format) = file_format else {
            files.extend(write_parquet(data, &path)?);
            continue;
        };
        render::render_into(data, *format, &mut |suffix, fill| {
            let path = path(suffix);
            let sha256 = output::fill_file(&path, |out| {
                fill(out).map_err(|error| match error {
                    RenderError::Write(source) => output::cannot_write(&path, &source),
                    other => other.into(),
                })
            })?;
            files.push(WrittenFile { path, sha256 });
            Ok::<(), Failure>(())
        })?;
    }
    Ok(files)
}

/// Writes the row-level tables of a report for other engines, each with its rows in their order.
fn write_parquet(data: &ReportData, path: &dyn Fn(&str) -> PathBuf) -> Result<Vec<WrittenFile>, Failure> {
    if data.details.is_empty() {
        let message = format!("report `{}` has no row-level table to write as Parquet", data.report);
        return Err(Failure::told(Exit::Usage, message, Some("figures are in the other formats; leave out --no-details")));
    }
    let of_detail = |detail: &Detail| {
        let path = path(&format!("_{}", detail.id));
        let save = |temporary: &Path| detail.rows.save_parquet(temporary).map_err(|error| Failure::new(Exit::Failed, error));
        Ok(WrittenFile { sha256: output::place_file(&path, save)?, path })
    };
    data.details.iter().map(of_detail).collect()
}

/// Tells on standard error what a person must read with the report, and returns the exit code that says so.
pub fn warn(data: &ReportData) -> Exit {
    if data.completeness.state == CompletenessState::Closed {
        return Exit::Done;
    }
    tracing::warn!(report.name = data.report, period = %data.period, "{}", data.completeness.sentence);
    Exit::Warnings
}

fn file_stem(data: &ReportData) -> String {
    let sector = data.sector.as_ref().map(|sector| format!("_{}", slug(sector))).unwrap_or_default();
    format!("{}_{}{sector}", data.report, data.period)
}

/// Makes a name that every file system takes: plain lower-case letters and digits.
fn slug(name: &str) -> String {
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
}
