//! Hands answers out, and describes what can be asked.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::Path,
};

use comfy_table::{ContentArrangement, Table as TextTable, presets::UTF8_BORDERS_ONLY};
use serde_json::json;

use super::{
    QueryFormat,
    desk::{Desk, Found},
    page,
};
use crate::{
    audit::{self, DescribedTable, Reach},
    cli::{Exit, Failure, output},
    domain::{Table, digest::Hashing},
    files,
    query::{self, Query},
    render::{self, Cover, Locale, RenderError, Words},
    snapshot::Snapshot,
};

/// Rows that a table for people shows at most.
const ROWS_SHOWN: usize = 1_000;

/// Hands an answer out as it was asked for; returns the SHA-256 of the bytes.
pub fn hand_out(desk: &Desk<'_>, found: &Found<'_>) -> Result<String, Failure> {
    let locale = Locale::new(desk.project.settings.organization.locale);
    let fill = |out: &mut (dyn Write + Send)| -> Result<(), Failure> {
        match desk.format {
            QueryFormat::Table => write(out, &as_text(found, &locale)?),
            QueryFormat::Csv => {
                let words = if found.name.is_some() { Words::OfReader } else { Words::OfQuery };
                render::csv_detail(&found.detail, words, &locale, out).map_err(failed)
            }
            QueryFormat::Json => write_json(desk, found, out),
            QueryFormat::Xlsx => render::render_answer(&cover(desk, found, &locale), &found.detail, &locale, out).map_err(failed),
            QueryFormat::Parquet => Ok(()),
        }
    };
    match (&desk.out, desk.format) {
        (Some(path), QueryFormat::Parquet) => {
            let save = |path: &Path| found.detail.rows.save_parquet(path).map_err(|error| Failure::new(Exit::Failed, error));
            files::place(path, save)
        }
        (Some(path), _) => files::fill(path, fill),
        (None, QueryFormat::Table) => {
            let text = as_text(found, &locale)?;
            page(&text, desk.args.restricted)?;
            Ok(crate::domain::digest::sha256(text.as_bytes()))
        }
        (None, _) => {
            let mut out = Hashing::new(BufWriter::new(output::document()));
            fill(&mut out)?;
            let (mut buffer, hash) = out.finish();
            buffer.flush().or_else(ignore_closed).map_err(|error| Failure::new(Exit::Failed, error))?;
            Ok(hash)
        }
    }
}

fn failed(error: RenderError) -> Failure {
    Failure::new(Exit::Failed, error)
}

/// A reader that went away is no error.
fn ignore_closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

fn write(out: &mut (dyn Write + Send), text: &str) -> Result<(), Failure> {
    out.write_all(text.as_bytes()).map_err(|error| Failure::new(Exit::Failed, error))
}

fn write_json(desk: &Desk<'_>, found: &Found<'_>, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    #[derive(serde::Serialize)]
    struct Document<'a> {
        query: Option<&'a str>,
        sha256: &'a str,
        snapshot: &'a str,
        asked: &'a serde_json::Value,
        result: &'a crate::domain::report_data::Detail,
    }
    let document = Document {
        query: found.name,
        sha256: found.sha256,
        snapshot: &desk.snapshot.manifest.id,
        asked: found.parameters,
        result: &found.detail,
    };
    serde_json::to_writer_pretty(&mut *out, &document).map_err(|error| Failure::new(Exit::Failed, error))?;
    write(out, "\n")
}

fn cover(desk: &Desk<'_>, found: &Found<'_>, locale: &Locale) -> Cover {
    let zone = desk.project.settings.organization.timezone;
    let manifest = &desk.snapshot.manifest;
    let fact = |key: &str, value: String| (locale.text(key), value);
    let none = || locale.text("no-data");
    let parameters = json!(found.parameters).as_object().into_iter().flatten().map(|(name, value)| told(name, value)).collect::<Vec<_>>();
    let facts = vec![
        fact("about-organization", desk.project.settings.organization.name.clone()),
        fact("answer-query", found.name.map_or_else(|| locale.text("answer-own"), str::to_owned)),
        fact("answer-parameters", if parameters.concat().is_empty() { none() } else { parameters.concat() }),
        fact("answer-who", found.who.clone()),
        fact("answer-when", format!("{} ({zone})", locale.time(zone.local(found.asked_at)))),
        fact("answer-reason", desk.args.reason.clone().unwrap_or_else(none)),
        fact("about-snapshot", manifest.id.clone()),
        fact("about-published", locale.time(zone.local(manifest.published_at))),
        fact("answer-rows", locale.count(i64::try_from(found.rows).unwrap_or(i64::MAX))),
        fact("answer-sha256", found.sha256.to_owned()),
    ];
    Cover { title: locale.text("answer-title"), facts, sql: found.sql.to_owned(), asked_at: found.asked_at }
}

fn told(name: &str, value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => format!("{name} = {text}\n"),
        serde_json::Value::Object(inner) => inner.iter().map(|(name, value)| told(name, value)).collect(),
        other => format!("{name} = {other}\n"),
    }
}

fn as_text(found: &Found<'_>, locale: &Locale) -> Result<String, Failure> {
    let count = found.rows;
    let table = found.detail.rows.rows(0..count.min(ROWS_SHOWN)).map_err(|error| Failure::new(Exit::Failed, error))?;
    let mut text = TextTable::new();
    text.load_style(UTF8_BORDERS_ONLY).set_header(table.columns().iter().map(|column| output::visible(&column.name).into_owned()));
    for row in 0..table.row_count() {
        text.add_row((0..table.columns().len()).map(|column| shown(&table, row, column, found.name.is_some(), locale)));
    }
    let rest = if count > ROWS_SHOWN { format!("the first {ROWS_SHOWN} of ") } else { String::new() };
    let help = if count > ROWS_SHOWN { "; all of them: --format csv, xlsx or parquet" } else { "" };
    Ok(format!("{text}\n{rest}{count} rows{help}\n"))
}

/// Returns what a cell shows: values of saved questions as reports show them, others as they are.
fn shown(table: &Table, row: usize, column: usize, is_declared: bool, locale: &Locale) -> String {
    if is_declared {
        return output::visible(&render::cell_text(table, row, &table.columns()[column].name, locale)).into_owned();
    }
    match table.cell(row, column) {
        crate::domain::Cell::Null => locale.text("no-data"),
        cell => output::visible(&query::plain(cell)).into_owned(),
    }
}

fn listing(header: [&str; 3]) -> TextTable {
    let mut text = TextTable::new();
    text.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_width(120).set_header(header);
    text
}

/// Describes the tables of a snapshot.
pub fn tables<'a>(tables: impl Iterator<Item = &'a DescribedTable>, snapshot: &Snapshot) -> String {
    let mut text = listing(["table", "rows", "grain"]);
    for table in tables {
        // Those of the ledger are of now, and counted when they are asked.
        let rows = snapshot.manifest.tables.get(&table.name).map_or_else(|| "now".to_owned(), |contents| contents.rows.to_string());
        text.add_row([table.name.clone(), rows, table.grain.clone()]);
    }
    format!("{text}\nsnapshot {}; columns of one: `.describe TABLE`\n", snapshot.manifest.id)
}

/// Describes the columns of a table.
pub fn described(table: &DescribedTable, reach: Reach) -> String {
    let mut text = listing(["column", "kind", "meaning"]);
    for column in &table.columns {
        let masked = if reach.masks(&table.name, &column.name) { " (a pseudonym for your profile)" } else { "" };
        text.add_row([column.name.clone(), column.kind.clone(), format!("{}{masked}", column.meaning)]);
    }
    format!(
        "{}: {}\n{}\n{text}\nkinds: duration is whole seconds, share 0 to 1, date a local day\n",
        table.name, table.grain, table.question
    )
}

/// Lists the saved questions.
pub fn saved<'a>(queries: impl Iterator<Item = &'a Query>, texts: &BTreeMap<String, String>) -> String {
    let mut text = listing(["saved question", "parameters", "what it answers"]);
    for query in queries {
        let parameters =
            query.parameters.iter().filter(|(name, _)| !name.starts_with("period_")).map(|(name, accepted)| match accepted.as_slice() {
                [] => name.clone(),
                accepted => format!("{name}: {}", accepted.join(", ")),
            });
        let question = texts.get(&format!("audit/{}.sql", query.name)).and_then(|text| text.lines().next()).unwrap_or_default();
        text.add_row([
            query.name.clone(),
            parameters.collect::<Vec<_>>().join("\n"),
            question.trim_start_matches("-- question: ").to_owned(),
        ]);
    }
    format!("{text}\nask one: `relato query NAME --period 2026-10 --param NAME=VALUE`; its SQL: `.saved NAME`\n")
}

/// Lists the functions that a question may use.
pub fn functions() -> String {
    let names: Vec<&str> = audit::function_names().collect();
    let lines: Vec<String> = names.chunks(8).map(|names| names.join("  ")).collect();
    format!("{}\nand the operators; range, generate_series and unnest in place of a table\n", lines.join("\n"))
}
