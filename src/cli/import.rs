//! `relato import`: files that Blip exported.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{
    Exit, Failure, Global, Printed, collector, ingest,
    output::{self, foreign},
    wait,
};
use crate::{
    domain::{Zone, exported::Field},
    ingest::{DateOrder, Import, Importer, Reading, Stretch, Verdict, ZoneFrom, require_clock},
};

/// Import files that Blip exported: tickets or survey answers, as csv or xlsx
///
/// Columns are recognised by the headings of Blip's report manager, of Delta Share, of the portal's satisfaction table in
/// Portuguese, English or Spanish, and by common names. Times without a zone are UTC in files with the headings of the report
/// manager or Delta Share, and in the organisation's zone in all others; the output names the zone taken. Tickets are merged by
/// their id, and what Blip's API says of a ticket wins. The same file again changes nothing. With `satisfaction.source = "import"`
/// the answers make the satisfaction figures.
///
/// Headings are searched for in the first 30 rows that are not empty, in every sheet of a workbook. A file is refused as a whole when
/// a quotation mark does not close, when a date contradicts `--date-order`, or when it holds more than 2 million rows or 60 million cells.
/// A row is refused when its values could stand under wrong headings or be cut: a cell too many or too few, a quotation mark within a cell
/// that is not quoted, a row beside one that a line break has cut, the last row of a file that ends without a line break. So is a ticket that
/// has ended without a close, or with one before its creation, and a customer that could be anybody (a number with a name, a rounded number).
/// Of several files either all are imported or none. Lists of tags are separated by line breaks, by `|`, are JSON, or are separated by
/// `;` or `,`: the first of these that occurs anywhere in the file holds for all of it, and the others belong to tags; a tag in double quotes
/// may hold separators. Answers without ticket and customer are told apart by time, queue and
/// number among equal ones of the file. Days between two tickets of a file that are at most a week apart count as imported: reports say
/// which file they come from.
///
/// Exit code 2 when a file was refused, 3 when a row was.
#[derive(Args)]
pub struct ImportArgs {
    /// Exported files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Dry run: show what would happen to each row without importing
    #[arg(long)]
    dry_run: bool,
    /// Order of day and month in dates such as 01/02/2026
    #[arg(long, value_enum, default_value_t, value_name = "ORDER")]
    date_order: Order,
    /// What a column holds, such as "Data abert=creation"; can be said several times. [import.columns] in relato.toml keeps it
    #[arg(long = "column", value_name = "HEADING=FIELD", value_parser = column)]
    columns: Vec<(String, Field)>,
    /// Zone of times that name none: `utc`, `local` (the organisation's) or a zone such as America/Manaus
    #[arg(long, value_name = "ZONE")]
    times: Option<String>,
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

/// Reads `HEADING=FIELD`; a heading may hold the sign, too.
fn column(text: &str) -> Result<(String, Field), String> {
    let (heading, field) = text.rsplit_once('=').filter(|(heading, _)| !heading.trim().is_empty()).ok_or("not HEADING=FIELD")?;
    Ok((heading.trim().to_owned(), Field::named(field)?))
}

/// Reads the zone of times that name none.
fn zone(text: &str, organization: Zone) -> Result<Zone, Failure> {
    match text {
        "utc" => Ok(Zone::UTC),
        "local" => Ok(organization),
        name => name.parse().map_err(|_| {
            Failure::told(
                Exit::Usage,
                format!("--times `{name}` is no zone"),
                Some("accepted: utc, local, or a name such as America/Manaus"),
            )
        }),
    }
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Order {
    #[default]
    DayFirst,
    MonthFirst,
}

impl From<Order> for DateOrder {
    fn from(order: Order) -> DateOrder {
        match order {
            Order::DayFirst => DateOrder::DayFirst,
            Order::MonthFirst => DateOrder::MonthFirst,
        }
    }
}

/// So many rows of one verdict are told one by one.
const SHOWN: usize = 20;

pub fn run(global: &Global, args: &ImportArgs) -> Result<Exit, Failure> {
    let project = collector(&global.project)?;
    let now = global.now();
    wait(require_clock(&project, now))?;
    let mut importer = Importer::open(&project, now)?;
    let organization = project.settings.organization.timezone;
    let reading = Reading {
        order: args.date_order.into(),
        columns: args.columns.clone(),
        zone: args.times.as_deref().map(|text| zone(text, organization)).transpose()?,
    };
    let imports = importer.import(&args.files, &reading, args.dry_run)?;
    if args.format == Printed::Json {
        output::print_json(&imports.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        output::print(&imports.iter().map(as_text).collect::<String>())?;
    }
    if args.dry_run {
        if args.format == Printed::Text {
            output::print("Nothing was kept: this was a trial.\n")?;
        }
    } else {
        let progress = global.progress();
        let (store, marts) = importer.finish(&project.query_texts()?, progress.as_ref())?;
        let published = ingest::publish(&project, &store, now, marts.quarantined)?;
        if args.format == Printed::Text {
            output::print(&ingest::outcome(&published))?;
        }
    }
    let has_refused = imports.iter().flat_map(|import| &import.rows).any(|stretch| matches!(stretch.verdict, Verdict::Refused(_)));
    Ok(if has_refused { Exit::Warnings } else { Exit::Done })
}

fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::New => "new",
        Verdict::Changed => "changed",
        Verdict::Same => "known already",
        Verdict::KnownByApi => "known by Blip's API, which wins",
        Verdict::Refused(_) => "refused",
    }
}

fn counts(import: &Import) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for stretch in &import.rows {
        *counts.entry(name(&stretch.verdict)).or_default() += stretch.rows();
    }
    counts
}

fn as_text(import: &Import) -> String {
    let file = import.path.display().to_string();
    let file = foreign(&file);
    let columns: Vec<String> = import.columns.iter().map(|(heading, field)| format!("{} = {field}", foreign(heading))).collect();
    let counts: Vec<String> = counts(import).into_iter().map(|(name, count)| format!("{count} {name}")).collect();
    let zone_from = match import.zone_from {
        ZoneFrom::Told => "said by --times".to_owned(),
        ZoneFrom::Export(export) => format!("headings of Blip's {export}"),
        ZoneFrom::Organization => "the organisation's; --times says otherwise".to_owned(),
    };
    let mut lines = vec![
        format!("{file}: {} {}", import.rows.iter().map(Stretch::rows).sum::<usize>(), import.kind),
        format!("  times without a zone: {} ({zone_from})", import.zone),
        format!("  columns: {}", columns.join(", ")),
    ];
    if import.headings_line > 1 {
        lines.push(format!("  headings: line {}, the lines before it are not used", import.headings_line));
    }
    if !import.unused.is_empty() {
        lines.push(format!("  not used: {}", foreign(&import.unused.join(", "))));
    }
    lines.push(format!("  rows: {}", counts.join(" · ")));
    let refused = import.rows.iter().filter_map(|stretch| match &stretch.verdict {
        Verdict::Refused(why) => Some((stretch.first..=stretch.last).map(move |line| (line, why))),
        _ => None,
    });
    let more = refused.clone().flatten().count().saturating_sub(SHOWN);
    lines.extend(refused.flatten().take(SHOWN).map(|(line, why)| format!("  {file}:{line}: refused: {}", foreign(why))));
    if more > 0 {
        lines.push(format!("  … and {more} more; --format json tells every row"));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn as_json(import: &Import) -> serde_json::Value {
    let rows: Vec<_> = import
        .rows
        .iter()
        .flat_map(|stretch| (stretch.first..=stretch.last).map(move |line| (line, &stretch.verdict)))
        .map(|(line, verdict)| match verdict {
            Verdict::Refused(why) => json!({"line": line, "verdict": "refused", "reason": why}),
            other => json!({"line": line, "verdict": name(other)}),
        })
        .collect();
    json!({
        "file": import.path, "kind": import.kind, "export": import.export, "time_zone": import.zone, "headings_line": import.headings_line, "columns": import.columns, "not_used": import.unused, "counts": counts(import), "rows": rows,
    })
}
