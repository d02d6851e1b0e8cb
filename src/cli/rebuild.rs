//! `relato rebuild`: make tables again from what is stored.

use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::{Exit, Failure, Global, Printed, collector, ingest, output};
use crate::{config::Project, domain::period::parse_day, ingest::Rebuild};

/// Make tables again from what is stored, and publish them; Blip is not asked
///
/// Customers are shared out over workers, which make their tables side by side; what comes of it is the same whatever their number. One
/// manifest is published in the end, or none.
#[derive(Args)]
pub struct RebuildArgs {
    /// Only customers with tickets in these months, such as 2026-01..2026-06 or 2026-03; none is everybody
    #[arg(long, value_name = "YYYY-MM[..YYYY-MM]", value_parser = months)]
    months: Option<(NaiveDate, NaiveDate)>,
    /// How many parts are worked on at once; each takes a processor and some 200 MB
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    workers: u32,
    /// How to print
    #[arg(long, default_value = "text")]
    format: Printed,
}

fn months(text: &str) -> Result<(NaiveDate, NaiveDate), String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let month = |text: &str| parse_day(&format!("{text}-01")).map_err(|_| format!("`{text}` is not a month (accepted: YYYY-MM)"));
    let (first, last) = (month(first)?, month(last)?);
    if last < first { Err(format!("`{text}` ends before it begins")) } else { Ok((first, last)) }
}

pub fn run(global: &Global, args: &RebuildArgs) -> Result<Exit, Failure> {
    let project = collector(&global.project)?;
    let workers = usize::try_from(args.workers).unwrap_or(1);
    made(global, &project, Rebuild { months: args.months, workers }, args.format)
}

/// Makes what is wanted, publishes and prints it.
pub fn made(global: &Global, project: &Project, wanted: Rebuild, format: Printed) -> Result<Exit, Failure> {
    let (progress, now) = (global.progress(), global.now());
    let done = crate::ingest::rebuild(project, &project.query_texts()?, wanted, now, progress.as_ref());
    progress.finish();
    let (store, marts) = done?;
    let published = ingest::publish(project, &store, now, marts.quarantined)?;
    if format == Printed::Json {
        output::print_json(&json!({
            "tickets": marts.tickets,
            "records_quarantined": marts.quarantined,
            "snapshot": published.manifest.id,
            "snapshot_is_new": published.is_new,
        }))?;
        return Ok(Exit::Done);
    }
    let told = ingest::outcome(&published);
    output::print(&match wanted.months {
        None => format!("Made the tables of {} tickets again from what is stored.\n{told}", marts.tickets),
        Some(_) => format!("Made the tables of the customers of these months again from what is stored.\n{told}"),
    })?;
    Ok(Exit::Done)
}
