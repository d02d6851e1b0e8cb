//! One CSV a table: UTF-8 with a mark for Excel, semicolons and decimal commas in Portuguese.
//!
//! Texts that a spreadsheet would take for a formula are made harmless by an apostrophe.

use std::io::{self, Write};

use chrono::Timelike;

use super::{Locale, RenderError};
use crate::domain::{
    Cell, Language, ReportData, Table,
    report_data::{Block, Content, Detail},
};

/// A part of a report that makes a file.
pub enum Part<'a> {
    /// Figures, sentences or rows.
    Block(&'a Block),
    /// Row-level rows.
    Detail(&'a Detail),
}

/// Returns the parts that make files. Notes and definitions are no tables: the other formats have them.
pub fn parts(data: &ReportData) -> impl Iterator<Item = Part<'_>> {
    let blocks = data.blocks.iter().filter(|block| !matches!(block.content, Content::Notes | Content::Glossary));
    blocks.map(Part::Block).chain(data.details.iter().map(Part::Detail))
}

impl Part<'_> {
    fn id(&self) -> &str {
        match self {
            Part::Block(block) => &block.id,
            Part::Detail(detail) => &detail.id,
        }
    }

    /// Returns what its file's name ends with.
    pub fn suffix(&self) -> String {
        format!("_{}", self.id())
    }

    /// Renders it; figures are in seconds, shares between 0 and 1, as the JSON has them.
    pub fn render(&self, data: &ReportData, locale: &Locale, out: &mut (dyn Write + Send)) -> Result<(), RenderError> {
        let part = || self.id().to_owned();
        let failed = |source| RenderError::Csv { part: part(), source };
        let mut writer = writer(out, locale)?;
        match self {
            Part::Block(block) => block_rows(&mut writer, block, locale).map_err(failed)?,
            Part::Detail(detail) => detail_rows(&mut writer, detail, (&data.report, Words::OfReader), locale, failed)?,
        }
        Ok(writer.flush()?)
    }
}

/// Whose words values are that queries write in English, such as an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// The reader's.
    OfReader,
    /// The query's, for whoever asks on with them.
    OfQuery,
}

/// Writes row-level rows as a file: labels, then rows.
///
/// # Errors
/// When the rows cannot be read or written.
pub fn detail(detail: &Detail, words: Words, locale: &Locale, out: &mut (dyn Write + Send)) -> Result<(), RenderError> {
    let failed = |source| RenderError::Csv { part: detail.id.clone(), source };
    let mut writer = writer(out, locale)?;
    detail_rows(&mut writer, detail, (&detail.id, words), locale, failed)?;
    Ok(writer.flush()?)
}

fn detail_rows(
    writer: &mut Writer<'_>,
    detail: &Detail,
    (report, words): (&str, Words),
    locale: &Locale,
    failed: impl Fn(csv::Error) -> RenderError,
) -> Result<(), RenderError> {
    heading_row(writer, &detail.view.table).map_err(&failed)?;
    let unread = |source| RenderError::Rows { report: report.to_owned(), part: detail.id.clone(), source };
    for stretch in detail.stretches(0..usize::MAX).map_err(unread)? {
        value_rows(writer, &stretch.map_err(unread)?, words, locale).map_err(&failed)?;
    }
    Ok(())
}

type Writer<'a> = csv::Writer<&'a mut (dyn Write + Send)>;

fn writer<'a>(out: &'a mut (dyn Write + Send), locale: &Locale) -> io::Result<Writer<'a>> {
    out.write_all("\u{feff}".as_bytes())?;
    let delimiter = if locale.language() == Language::PtBr { b';' } else { b',' };
    Ok(csv::WriterBuilder::new().delimiter(delimiter).from_writer(out))
}

fn block_rows(writer: &mut Writer<'_>, block: &Block, locale: &Locale) -> Result<(), csv::Error> {
    match &block.content {
        Content::Kpis { figures } => {
            let headings = ["figure", "value", "previous", "year", "target", "n"].map(|key| locale.text(&format!("summary-{key}")));
            writer.write_record(headings)?;
            for figure in figures {
                let n = figure.n.map_or_else(String::new, |n| n.to_string());
                let target = figure.target.map(|target| target.value);
                let [value, previous, year, target] =
                    [figure.value, figure.previous, figure.last_year, target].map(|value| optional(value, locale));
                writer.write_record([text(&figure.column.label), value, previous, year, target, n])?;
            }
        }
        Content::Findings { findings } => findings.iter().try_for_each(|finding| writer.write_record([text(&finding.text)]))?,
        Content::Text { paragraphs } => paragraphs.iter().try_for_each(|paragraph| writer.write_record([text(paragraph)]))?,
        Content::Notes | Content::Glossary => {}
        Content::Chart(chart) => table_rows(writer, &chart.table, locale)?,
        Content::HeatMap(heat_map) => table_rows(writer, &heat_map.table, locale)?,
        Content::Table(view) => table_rows(writer, &view.table, locale)?,
    }
    Ok(())
}

fn table_rows(writer: &mut Writer<'_>, table: &Table, locale: &Locale) -> Result<(), csv::Error> {
    heading_row(writer, table)?;
    value_rows(writer, table, Words::OfReader, locale)
}

fn heading_row(writer: &mut Writer<'_>, table: &Table) -> Result<(), csv::Error> {
    writer.write_record(table.columns().iter().map(|column| text(&column.label)))
}

fn value_rows(writer: &mut Writer<'_>, table: &Table, words: Words, locale: &Locale) -> Result<(), csv::Error> {
    let columns: Vec<Vec<Cell<'_>>> = (0..table.columns().len()).map(|column| table.cells(column)).collect();
    (0..table.row_count()).try_for_each(|row| writer.write_record(columns.iter().map(|cells| cell(cells[row], words, locale))))
}

fn cell(cell: Cell<'_>, words: Words, locale: &Locale) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(value) if words == Words::OfQuery => text(value),
        Cell::Text(value) => text(&locale.word(value)),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => decimal(value, locale),
        Cell::Date(day) => day.to_string(),
        // To the second.
        Cell::Time(time) => time.with_nanosecond(0).unwrap_or(time).to_string(),
        Cell::Bool(flag) => locale.text(if flag { "value-yes" } else { "value-no" }),
    }
}

fn optional(value: Option<f64>, locale: &Locale) -> String {
    value.map_or_else(String::new, |value| decimal(value, locale))
}

fn decimal(value: f64, locale: &Locale) -> String {
    let text = value.to_string();
    if locale.language() == Language::PtBr { text.replace('.', ",") } else { text }
}

/// Makes a text harmless that begins like a formula.
fn text(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_never_becomes_a_formula() {
        assert_eq!(text("=1+1"), "'=1+1");
        assert_eq!(text("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(text("Financeiro"), "Financeiro");
    }

    #[test]
    fn decimals_follow_the_language() {
        assert_eq!(decimal(1234.5, &Locale::new(Language::PtBr)), "1234,5");
        assert_eq!(decimal(1234.5, &Locale::new(Language::EnUs)), "1234.5");
    }
}
