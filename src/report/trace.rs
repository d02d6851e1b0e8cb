//! From any figure of a report to the rows behind it: which saved question gives them, and how it is asked.

use chrono::{Datelike, Days, NaiveDate};
use serde::Serialize;

use super::changes::row_name;
use crate::{
    config::{BlockSpec, ContentSpec, ReportSpec, RowsSpec},
    domain::{
        Cell, Column, Period, ReportData, Table,
        report_data::{Block, Content},
    },
    query::{Catalogue, Query},
};

/// A figure and the question that gives the rows behind it.
#[derive(Debug, Clone, Serialize)]
pub struct Trace {
    /// The part of the report.
    pub block: String,
    /// Its title.
    pub title: String,
    /// What the row is of, such as a sector; empty for key figures.
    pub row: String,
    /// The column that holds the figure.
    pub column: Column,
    /// The figure; none where there is no value.
    pub value: Option<f64>,
    /// The saved question.
    pub question: String,
    /// The days that it is asked about.
    pub period: Period,
    /// Only this sector.
    pub sector: Option<String>,
    /// Further parameters.
    pub parameters: Vec<(String, String)>,
    /// Whether the question gives these rows and no others; otherwise these are among them.
    pub is_exact: bool,
}

impl Trace {
    /// Returns the command that asks the question of `snapshot`.
    pub fn command(&self, snapshot: &str) -> String {
        let sector = self.sector.as_ref().map(|sector| format!(" --sector {}", quoted(sector))).unwrap_or_default();
        let parameter = |(name, value): &(String, String)| format!(" --param {}", quoted(&format!("{name}={value}")));
        let parameters = self.parameters.iter().map(parameter).collect::<Vec<_>>().concat();
        format!("relato query {} --as-of {snapshot} --period {}{sector}{parameters}", self.question, self.period)
    }
}

/// Writes a word so that a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = word.chars().all(|char| char.is_alphanumeric() || "=_-.:@".contains(char));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Returns where every figure of a report leads to, in the order of the report. What has no rows of its own, such as a target, is left out.
pub fn traces(spec: &ReportSpec, data: &ReportData, catalogue: &Catalogue) -> Vec<Trace> {
    data.blocks.iter().flat_map(|block| of_block(spec, data, block, catalogue)).collect()
}

fn of_block(spec: &ReportSpec, data: &ReportData, block: &Block, catalogue: &Catalogue) -> Vec<Trace> {
    let Some((query, by)) = spec.blocks.iter().find_map(|spec| query_of(spec, block, catalogue)) else { return Vec::new() };
    let dimension = query.dimension(by.as_deref()).ok().flatten();
    if let Content::Kpis { figures } = &block.content {
        let trace = |figure: &crate::domain::report_data::Figure| -> Option<Trace> {
            let behind = query.behind.get(&figure.column.name)?;
            Some(Trace {
                block: block.id.clone(),
                title: block.title.clone(),
                row: String::new(),
                column: figure.column.clone(),
                value: figure.value,
                question: behind.question.clone(),
                period: data.period,
                sector: data.sector.clone(),
                parameters: behind.parameters.clone(),
                is_exact: true,
            })
        };
        return figures.iter().filter_map(trace).collect();
    }
    let Some(table) = block.content.table() else { return Vec::new() };
    let mut traces = Vec::new();
    for row in 0..table.row_count() {
        let (member, is_exact) = member(table, row, dimension);
        let period = period(table, row, dimension, data.period);
        for (position, column) in table.columns().iter().enumerate().filter(|(_, column)| column.kind.is_numeric()) {
            let Some(behind) = query.behind.get(&column.name) else { continue };
            let value_of = |value: &str| match value.strip_prefix('$') {
                Some(name) => bare(&crate::query::plain(table.get(row, name))),
                None => value.to_owned(),
            };
            let given = behind.parameters.iter().map(|(name, value)| (name.clone(), value_of(value)));
            let asked = catalogue.saved().get(&behind.question);
            let takes = |name: &str| asked.is_some_and(|query| query.parameters.iter().any(|(known, _)| known == name));
            let members = member.iter().filter(|(name, _)| takes(name)).cloned();
            traces.push(Trace {
                block: block.id.clone(),
                title: block.title.clone(),
                row: row_name(table, row),
                column: column.clone(),
                value: table.cell(row, position).number(),
                question: behind.question.clone(),
                period,
                sector: data.sector.clone(),
                parameters: given.filter(|(_, value)| !value.is_empty()).chain(members).collect(),
                is_exact,
            });
        }
    }
    traces
}

/// Returns the query behind a block, and what its rows are of.
fn query_of<'a>(spec: &BlockSpec, block: &Block, catalogue: &'a Catalogue) -> Option<(&'a Query, Option<String>)> {
    let of_rows = |rows: &RowsSpec| Some((catalogue.get(&rows.query)?, rows.by.clone()));
    if spec.id == block.id {
        return match &spec.content {
            ContentSpec::Kpis { rows, .. } | ContentSpec::Chart { rows, .. } | ContentSpec::HeatMap { rows, .. } => of_rows(rows),
            ContentSpec::Table(table) => of_rows(&table.rows),
            _ => None,
        };
    }
    // A part of several tables names them after their queries.
    let name = block.id.strip_prefix(&spec.id)?.strip_prefix('-')?;
    matches!(spec.content, ContentSpec::Parity).then(|| Some((catalogue.get(name)?, None))).flatten()
}

/// Returns the parameters that pick the rows of one row of a table, and whether they pick no others.
fn member(table: &Table, row: usize, dimension: Option<&str>) -> (Vec<(String, String)>, bool) {
    let pair = |dimension: &str, member: String| vec![("dimension".to_owned(), dimension.to_owned()), ("member".to_owned(), member)];
    let kind = table.get(row, "row_kind").text();
    if let (Some(weekday), Some(hour)) = (table.get(row, "weekday").int(), table.get(row, "hour").int()) {
        return (pair("hour", format!("{weekday} {hour:02}")), true);
    }
    let named = ["sector", "agent", "channel", "tag", "queue"].into_iter().find(|name| table.position(name).is_some());
    let dimension = dimension.filter(|name| table.position(name).is_some()).or(named);
    match (dimension, kind) {
        // The total of all members is of one dimension still: times of a sector are its own seconds.
        (Some(dimension), Some("total")) => (vec![("dimension".to_owned(), dimension.to_owned())], true),
        (None, _) => (Vec::new(), true),
        (Some(dimension), _) => match table.get(row, dimension) {
            Cell::Text(member) if kind != Some("others") => (pair(dimension, member.to_owned()), true),
            // What belongs to no member, and what was put together, is among all.
            _ => (Vec::new(), false),
        },
    }
}

/// Returns the days of a row: its own where rows are of days, weeks or months.
fn period(table: &Table, row: usize, dimension: Option<&str>, whole: Period) -> Period {
    let within = |start: NaiveDate, end: NaiveDate| Period::days(start, end.min(whole.end).max(start + Days::new(1)));
    let next_month = |day: NaiveDate| Period::month(day.with_day(1).unwrap_or(day)).end;
    if let Some(day) = table.get(row, "day").date() {
        return within(day, day + Days::new(1));
    }
    if let Some(month) = table.get(row, "month").date() {
        return within(month, next_month(month));
    }
    match (table.get(row, "from_day").date(), dimension) {
        (Some(day), Some("day")) => within(day, day + Days::new(1)),
        (Some(day), Some("week")) => within(day.max(whole.start), day + Days::new(7)),
        (Some(day), Some("month")) => within(day.max(whole.start), next_month(day)),
        _ => whole,
    }
}

/// Returns the name of a time without its unit, as questions name it.
fn bare(measure: &str) -> String {
    measure.trim_end_matches("_s").trim_end_matches("_business").to_owned()
}
