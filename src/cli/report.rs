//! `relato report`: make a report, or list the reports there are.

use std::{
    cell::Cell,
    fmt::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use clap::{Args, ValueEnum};
use serde_json::json;
use uuid::Uuid;

use super::{Exit, Failure, Global, output, progress::ClusterWatch, snapshot_of};
use crate::{
    config::{EngineKind, Project},
    domain::{Period, ReportData, digest::sha256, report_data::CompletenessState},
    files::PrivateFolder,
    ledger::{Ledger, Publication},
    query::{Catalogue, CellDifference, ClusterNews, Comparison},
    render::{self, Format, Locale},
    report::{self, FileFormat, Trace, Wanted},
};

/// Make a report, or list the reports there are
///
/// `relato report list` lists them. Files are written to the project's folder `output`, or to --out; their names are printed.
/// With `--format json` alone and no --out, the document itself is printed.
///
/// `relato report --reproduce FILE` makes a published file again from what the ledger knows of it, and compares the bytes.
#[derive(Args)]
pub struct ReportArgs {
    /// Name of the report, or `list`
    #[arg(required_unless_present = "reproduce")]
    name: Option<String>,
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
    /// Snapshot to report from, or the day as known at whose end; the beginning of an id is enough
    #[arg(long, value_name = "SNAPSHOT|DATE")]
    as_of: Option<String>,
    /// What computes the figures: this machine, a cluster, or both, to compare every cell of every result instead of writing files
    #[arg(long, value_name = "ENGINE")]
    engine: Option<EngineChoice>,
    /// Tell of each figure which command gives the rows behind it, instead of writing files
    #[arg(long)]
    trace: bool,
    /// Make a published file again, and tell whether it is the same byte for byte: a file, or the beginning of its SHA-256
    #[arg(long, value_name = "FILE|HASH", conflicts_with_all = ["name", "period", "sector", "as_of", "no_details", "trace"])]
    reproduce: Option<String>,
}

/// What computes figures, or both to compare them.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineChoice {
    /// DuckDB, in this process
    Duckdb,
    /// Spark, as the settings say
    Spark,
    /// Both
    Compare,
}

fn file_format(text: &str) -> Result<FileFormat, String> {
    FileFormat::from_ending(text).ok_or_else(|| format!("unknown format `{text}` (accepted: xlsx, pdf, csv, json, parquet)"))
}

pub fn run(global: &Global, args: &ReportArgs) -> Result<Exit, Failure> {
    let mut project = Project::open(&global.project)?;
    match args.engine {
        None | Some(EngineChoice::Compare) => {}
        Some(EngineChoice::Duckdb) => project.settings.engine.kind = EngineKind::Duckdb,
        Some(EngineChoice::Spark) => project.settings.engine.kind = EngineKind::Spark,
    }
    args.out.as_ref().map_or(Ok(()), |out| output::require_place(&project, out))?;
    if let Some(asked) = &args.reproduce {
        return reproduce(&project, asked, args.out.as_deref());
    }
    let name = args.name.as_deref().unwrap_or_default();
    let reports = project.reports()?;
    if name == "list" {
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
    let spec = reports.get(name).ok_or_else(|| {
        let known: Vec<&str> = reports.keys().map(String::as_str).collect();
        Failure::told(
            Exit::Usage,
            format!("unknown report `{name}` (known: {})", known.join(", ")),
            Some("`relato report list` tells what each is for"),
        )
    })?;
    let today = project.settings.organization.timezone.day(global.now());
    let asked = args.period.as_ref().unwrap_or(&spec.period);
    let period = Period::parse(asked, today).map_err(|error| Failure::new(Exit::Usage, error))?;
    let snapshot = args.as_of.as_ref().map(|as_of| snapshot_of(&project, Some(as_of))).transpose()?;
    // A PDF has no row-level tables, and these take the longest.
    let wanted = Wanted {
        period,
        sector: args.sector.clone(),
        as_of: snapshot.as_ref().map(|snapshot| snapshot.manifest.id.as_str()),
        with_details: !args.trace && !args.no_details && args.format.iter().any(|format| format.has_details()),
        scratch: scratch(),
        compares_parts: false,
    };
    let watch = ClusterWatch::of_terminal(!global.no_progress && !global.quiet);
    let told = |news: &ClusterNews| watch.hear(news);
    if args.engine == Some(EngineChoice::Compare) {
        let comparison = report::compare(&project, spec, &wanted, &told)?;
        watch.finish();
        return print_comparison(name, &comparison);
    }
    let stages = Stages::new(name);
    let made = report::make_watched(&project, spec, &wanted, &told)?;
    watch.finish();
    let data = &made.data;
    stages.done("figures");
    if args.trace {
        let traces = report::traces(spec, data, &Catalogue::new(&project.query_texts()?)?);
        return print_traces(args, data, &traces);
    }
    if args.format == [FileFormat::Rendered(Format::Json)] && args.out.is_none() {
        for rendered in render::render(data, Format::Json)? {
            output::print_document(&String::from_utf8_lossy(&rendered.bytes))?;
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

/// Prints what two engines made of the same report.
fn print_comparison(name: &str, comparison: &Comparison) -> Result<Exit, Failure> {
    let Comparison { results, rows, cells, differing, told } = comparison;
    let mut text = format!("{name}: {results} results, {rows} rows, {cells} cells of DuckDB and Spark compared\n");
    for CellDifference { query, row, column, here, there } in told {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "no value".to_owned());
        let _ = writeln!(text, "  {query}, row {row}, {column}: DuckDB {}, Spark {}", value(here), value(there));
    }
    if *differing > told.len() {
        let _ = writeln!(text, "  and {} more", differing - told.len());
    }
    output::print(&text)?;
    if *differing == 0 {
        output::print("every cell is the same (numbers with a fraction to nine digits)\n")?;
        return Ok(Exit::Done);
    }
    Err(Failure::told(Exit::Refused, format!("{differing} cells differ between the engines"), None))
}

/// Prints where each figure leads to.
fn print_traces(args: &ReportArgs, data: &ReportData, traces: &[Trace]) -> Result<Exit, Failure> {
    if args.format == [FileFormat::Rendered(Format::Json)] {
        let listed: Vec<_> = traces.iter().map(|trace| json!({"figure": trace, "command": trace.command(&data.snapshot.id)})).collect();
        output::print_json(&listed)?;
        return Ok(Exit::Done);
    }
    let locale = Locale::new(data.language);
    let mut text = String::new();
    let mut title = "";
    for trace in traces {
        if trace.title != title {
            let _ = writeln!(text, "\n{}", trace.title);
            title = &trace.title;
        }
        let value = trace.value.map_or_else(|| locale.text("no-data"), |value| locale.value(trace.column.kind, value));
        let row = if trace.row.is_empty() { String::new() } else { format!("{} · ", trace.row) };
        let among = if trace.is_exact { "" } else { "  (among others)" };
        let _ = writeln!(text, "  {row}{}: {value}\n    {}{among}", trace.column.label, trace.command(&data.snapshot.id));
    }
    output::print(text.trim_start_matches('\n'))?;
    Ok(Exit::Done)
}

/// Makes a published file again, and tells whether it came out the same.
fn reproduce(project: &Project, asked: &str, out: Option<&Path>) -> Result<Exit, Failure> {
    let hash = match std::fs::read(asked) {
        Ok(bytes) => sha256(&bytes),
        Err(_) if asked.len() >= 8 && asked.chars().all(|char| char.is_ascii_hexdigit()) => asked.to_lowercase(),
        Err(error) => {
            let message = format!("`{asked}` is no file that can be read ({error}), and no beginning of a SHA-256 of 8 digits or more");
            return Err(Failure::told(Exit::Usage, message, None));
        }
    };
    let temporary = tempfile::tempdir().map_err(|error| Failure::new(Exit::Failed, error))?;
    let folder = out.map_or_else(|| temporary.path().to_owned(), Path::to_owned);
    let found = report::reproduce(project, &hash, &folder, &scratch)?;
    if found.is_empty() {
        let help = "the ledger knows what `relato report` and schedules made from the newest snapshot of their time; was it altered since?";
        return Err(Failure::told(Exit::Failed, format!("no published file has the SHA-256 {hash}"), Some(help)));
    }
    let zone = project.settings.organization.timezone;
    let mut lines = String::new();
    for one in &found {
        let Publication { report, period, sector, snapshot, published_at, .. } = &one.publication;
        let sector = sector.as_ref().map(|sector| format!(" · {sector}")).unwrap_or_default();
        let published = zone.local(*published_at).format("%Y-%m-%d %H:%M");
        let _ = writeln!(lines, "{}: {report} · {period}{sector} · snapshot {snapshot} of {published}", one.file.name);
        let verdict = match (one.is_identical(), one.same_content, one.same_rules) {
            (true, ..) => "identical, byte for byte".to_owned(),
            (false, true, _) => "the same content in other bytes: another version of the program wrote it".to_owned(),
            (false, false, false) => {
                "NOT the same: settings or queries have changed since; take them back to what they were then".to_owned()
            }
            (false, false, true) => "NOT the same: its definition, or the program, has changed since".to_owned(),
        };
        let _ = writeln!(lines, "  {verdict}\n  published {}", one.file.sha256);
        if let Some(made) = &one.made {
            let place = if out.is_some() { format!("  {}", made.path.display()) } else { String::new() };
            let _ = writeln!(lines, "  made now  {}{place}", made.sha256);
        }
    }
    output::print(&lines)?;
    if found.iter().all(report::Reproduced::is_identical) {
        return Ok(Exit::Done);
    }
    Err(Failure::told(Exit::Failed, "a published file did not come out the same", None))
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

/// The folder of what does not fit into memory, once there was any.
static SCRATCH: Mutex<Option<PrivateFolder>> = Mutex::new(None);

/// Returns a folder of this process alone, which does not exist yet, for what does not fit into memory. Where the process is killed, the next
/// one clears it.
pub fn scratch() -> PathBuf {
    let mut kept = SCRATCH.lock().unwrap_or_else(PoisonError::into_inner);
    // What cleans the temporary folder may take away that of a process which serves for weeks.
    if kept.as_ref().is_none_or(|folder| !folder.path().exists()) {
        *kept = PrivateFolder::make().ok();
    }
    let folder = kept.as_ref().map_or_else(std::env::temp_dir, |folder| folder.path().to_owned());
    folder.join(format!("relato-{}", Uuid::new_v4()))
}

/// Removes what [`scratch`] made.
pub fn clear_scratch() {
    drop(SCRATCH.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Tells on standard error what a person must read with the report, and returns the exit code that says so.
pub fn warn(data: &ReportData) -> Exit {
    if data.completeness.state == CompletenessState::Closed {
        return Exit::Done;
    }
    tracing::warn!(report.name = data.report, period = %data.period, "{}", data.completeness.sentence);
    Exit::Warnings
}
