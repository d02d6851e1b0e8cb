//! `relato query`: saved questions of `queries/audit`.

use std::{collections::BTreeMap, os::unix::fs::MetadataExt, path::PathBuf, time::Instant};

use clap::{Args, ValueEnum};
use comfy_table::{Table as TextTable, presets::UTF8_BORDERS_ONLY};
use serde_json::json;

use super::{Exit, Failure, Global, output};
use crate::{
    audit::{self, Asker, Ending, Question},
    config::Project,
    domain::{Period, Table, digest::sha256},
    files,
    ledger::Ledger,
    query::{Catalogue, Engine, Parameters, Query},
    render::{self, Locale},
    snapshot::Snapshot,
};

/// Ask a saved question of a snapshot
///
/// Saved questions are the SQL files of queries/audit, the project's own included. Without a name they are listed with their parameters.
///
/// The conversations behind a cell of a report:
/// `relato query conversas_de --period 2026-10 --param measure=whole_wait --param member=Suporte`
///
/// Who asked what, why and with which outcome goes to the access log: `relato audit log`.
#[derive(Args)]
pub struct QueryArgs {
    /// Name of the saved query; none lists them
    name: Option<String>,
    /// Days that it is asked about
    #[arg(long, default_value = "last-month")]
    period: String,
    /// Only this sector
    #[arg(long)]
    sector: Option<String>,
    /// A parameter of the query, such as measure=response
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// How to print
    #[arg(long, default_value = "table")]
    format: QueryFormat,
    /// File to write instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Why it is asked, for the access log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Snapshot to ask; the beginning of its id is enough, none is the newest
    #[arg(long, value_name = "SNAPSHOT")]
    as_of: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum QueryFormat {
    /// Columns for people
    Table,
    /// Values with a header, as reports write them: texts cannot become formulas
    Csv,
    /// One JSON document
    Json,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is no parameter (accepted: NAME=VALUE)"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub fn run(global: &Global, args: &QueryArgs) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let catalogue = Catalogue::new(&project.query_texts()?)?;
    let Some(name) = &args.name else {
        let lines: Vec<String> = catalogue.saved().values().map(described).collect();
        output::print(&lines.concat())?;
        return Ok(Exit::Done);
    };
    let usage = |message: String| Failure::new(Exit::Usage, Message(message));
    let known: Vec<&str> = catalogue.saved().keys().map(String::as_str).collect();
    let query = catalogue.saved().get(name).ok_or_else(|| usage(format!("unknown saved query `{name}` (known: {})", known.join(", "))))?;
    let mut given: BTreeMap<String, String> = args.parameters.iter().cloned().collect();
    for (parameter, value) in &given {
        let declared: Vec<&str> = query.parameters.iter().map(|(name, _)| name.as_str()).collect();
        let Some((_, accepted)) = query.parameters.iter().find(|(known, _)| known == parameter) else {
            return Err(usage(format!("`{name}` has no parameter `{parameter}` (it has {})", declared.join(", "))));
        };
        if !accepted.is_empty() && !accepted.contains(value) {
            return Err(usage(format!("parameter `{parameter}` is `{value}` (accepted: {})", accepted.join(", "))));
        }
    }
    let missing = query.parameters.iter().find(|(name, accepted)| !accepted.is_empty() && name != "dimension" && !given.contains_key(name));
    if let Some((parameter, accepted)) = missing {
        return Err(usage(format!("`{name}` needs --param {parameter}=… (accepted: {})", accepted.join(", "))));
    }
    let dimension = given.remove("dimension").or_else(|| query.dimensions.first().cloned());
    let snapshot = Snapshot::open(&project.snapshot_dir(), args.as_of.as_deref())?;
    let today = project.settings.organization.timezone.day(global.now());
    let parameters = Parameters {
        period: Period::parse(&args.period, today).map_err(|error| usage(error.to_string()))?,
        sector: args.sector.clone(),
        dimension,
        as_of: snapshot.manifest.loaded_until.unwrap_or(snapshot.manifest.published_at),
        others: given,
    };
    let engine = Engine::open(&snapshot, catalogue.clone())?;
    if let Some(sector) = &args.sector {
        let sectors = engine.sectors()?;
        if !sectors.contains(sector) {
            return Err(usage(format!("unknown sector `{sector}` (known: {})", sectors.join(", "))));
        }
    }
    let text = project.query_texts()?.remove(&format!("audit/{name}.sql")).unwrap_or_default();
    let described = json!({"period": parameters.period.to_string(), "sector": parameters.sector, "dimension": parameters.dimension,
        "parameters": parameters.others});
    let question = Question {
        name,
        sql: &text,
        sha256: &query.sha256,
        parameters: described,
        tables: &tables_of(&text),
        snapshot: &snapshot.manifest.id,
        reason: args.reason.as_deref(),
    };
    let mut ledger = Ledger::open(&project.ledger_file())?;
    let began = Instant::now();
    let asked = audit::ask(&mut ledger, &project.settings.access, &asker(), &question, (today, global.now()))?;
    let answered = answer(args, &project, &engine, (name, query), &parameters, &snapshot.manifest.id);
    let export = args.out.as_ref().map(|file| file.display().to_string());
    let hash = answered.as_ref().map(|(_, bytes)| sha256(bytes)).unwrap_or_default();
    let error = answered.as_ref().err().map(Failure::summary).unwrap_or_default();
    let ending = match &answered {
        Ok((rows, _)) => Ending::Answered { rows: *rows, sha256: &hash, export: export.as_deref() },
        Err(_) => Ending::Failed { error: &error },
    };
    audit::end(&mut ledger, &asked, &ending, began.elapsed(), global.now())?;
    let (_, bytes) = answered?;
    match &args.out {
        Some(file) => files::write(file, &bytes)?,
        None => output::print(&String::from_utf8_lossy(&bytes))?,
    }
    Ok(Exit::Done)
}

/// Returns the number of rows, and the answer as it is handed out.
fn answer(
    args: &QueryArgs,
    project: &Project,
    engine: &Engine,
    (name, query): (&str, &Query),
    parameters: &Parameters,
    snapshot: &str,
) -> Result<(usize, Vec<u8>), Failure> {
    let table = engine.run(name, parameters)?;
    let locale = Locale::new(project.settings.organization.locale);
    let bytes = match args.format {
        QueryFormat::Table => as_text(&table, &locale).into_bytes(),
        QueryFormat::Csv => render::csv_table(&table, &locale).map_err(|error| Failure::new(Exit::Failed, error))?,
        QueryFormat::Json => {
            let document = json!({
                "query": name, "sha256": query.sha256, "snapshot": snapshot, "period": parameters.period,
                "sector": parameters.sector, "dimension": parameters.dimension, "parameters": parameters.others, "result": table,
            });
            format!("{document:#}\n").into_bytes()
        }
    };
    Ok((table.row_count(), bytes))
}

/// Who runs this program, as far as it can know.
fn asker() -> Asker {
    let name = |variable: &str| std::env::var(variable).ok().filter(|text| !text.is_empty());
    Asker {
        os_user: name("USER").or_else(|| name("LOGNAME")).unwrap_or_default(),
        // A process's own entry belongs to its user.
        os_uid: std::fs::metadata("/proc/self").map(|metadata| metadata.uid()).unwrap_or_default(),
        person: name("RELATO_EMAIL").map(|email| email.to_lowercase()),
    }
}

/// Returns the tables that the header of a query names.
fn tables_of(text: &str) -> Vec<String> {
    let reads = text.lines().find_map(|line| line.strip_prefix("-- reads:")).unwrap_or_default();
    reads.split(',').map(|table| table.trim().to_owned()).filter(|table| !table.is_empty()).collect()
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Message(String);

fn described(query: &Query) -> String {
    let parameters =
        query.parameters.iter().filter(|(name, _)| !name.starts_with("period_")).map(|(name, accepted)| match accepted.as_slice() {
            [] => format!("  {name}\n"),
            accepted => format!("  {name}: {}\n", accepted.join(", ")),
        });
    format!("{}\n{}", query.name, parameters.collect::<String>())
}

fn as_text(table: &Table, locale: &Locale) -> String {
    let mut text = TextTable::new();
    text.load_style(UTF8_BORDERS_ONLY).set_header(table.columns().iter().map(|column| column.name.clone()));
    for row in 0..table.row_count() {
        text.add_row(table.columns().iter().map(|column| render::cell_text(table, row, &column.name, locale)));
    }
    format!("{text}\n{} rows\n", table.row_count())
}
