//! `relato report`: make a report, or list the reports there are.

use std::{cell::Cell, path::PathBuf, time::Instant};

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::{Exit, Failure, Global, output};
use crate::{
    config::Project,
    domain::{Period, ReportData, report_data::CompletenessState},
    ledger::Ledger,
    render::{self, Format},
    report::{self, FileFormat, Wanted},
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

fn file_format(text: &str) -> Result<FileFormat, String> {
    FileFormat::from_ending(text).ok_or_else(|| format!("unknown format `{text}` (accepted: xlsx, pdf, csv, json, parquet)"))
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
    let wanted = Wanted {
        period,
        sector: args.sector.clone(),
        as_of: args.as_of.as_deref(),
        with_details: !args.no_details && args.format.iter().any(|format| format.has_details()),
        scratch: scratch(),
    };
    let stages = Stages::new(&args.name);
    let made = report::make(&project, spec, &wanted)?;
    let data = &made.data;
    stages.done("figures");
    if args.format == [FileFormat::Rendered(Format::Json)] && args.out.is_none() {
        for rendered in render::render(data, Format::Json)? {
            output::print(&String::from_utf8_lossy(&rendered.bytes))?;
        }
    } else {
        let folder = args.out.clone().unwrap_or_else(|| project.dir.join("output"));
        let mut files = Vec::new();
        for format in &args.format {
            files.extend(report::write(data, &[*format], &folder)?);
            stages.done(format.ending());
        }
        // Asked for as it was known then, it is a copy; from the newest snapshot, readers may hold to it.
        if args.as_of.is_none() {
            report::note(&mut Ledger::open(&project.ledger_file())?, &made, &files)?;
        }
        let lines: Vec<String> = files.iter().map(|file| format!("{}\n", file.path.display())).collect();
        output::print(&lines.concat())?;
    }
    Ok(warn(data))
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

/// Returns a folder of this process alone for what does not fit into memory.
pub fn scratch() -> PathBuf {
    std::env::temp_dir().join(format!("relato-{}", Uuid::new_v4()))
}

/// Tells on standard error what a person must read with the report, and returns the exit code that says so.
pub fn warn(data: &ReportData) -> Exit {
    if data.completeness.state == CompletenessState::Closed {
        return Exit::Done;
    }
    tracing::warn!(report.name = data.report, period = %data.period, "{}", data.completeness.sentence);
    Exit::Warnings
}
