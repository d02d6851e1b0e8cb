//! One CSV a table: UTF-8 with a mark for Excel, semicolons and decimal commas in Portuguese.
//!
//! Texts that a spreadsheet would take for a formula are made harmless by an apostrophe.

use super::{Locale, RenderError, Rendered};
use crate::domain::{
    Cell, Language, ReportData, Table,
    report_data::{Block, Content},
};

/// Renders every table of `data`; figures are in seconds, shares between 0 and 1, as the JSON has them.
pub fn render(data: &ReportData, locale: &Locale) -> Result<Vec<Rendered>, RenderError> {
    // Notes and definitions are no tables: the other formats have them.
    let has_rows = |block: &&Block| !matches!(block.content, Content::Notes | Content::Glossary);
    let file = |id: &str, bytes| Rendered { suffix: format!("_{id}"), bytes };
    let failed = |id: &str| {
        let part = id.to_owned();
        |source| RenderError::Csv { part, source }
    };
    let blocks = data.blocks.iter().filter(has_rows);
    let blocks = blocks.map(|block| Ok(file(&block.id, block_bytes(block, locale).map_err(failed(&block.id))?)));
    let details = data.details.iter().map(|detail| {
        let mut writer = writer(locale);
        heading_row(&mut writer, &detail.view.table).map_err(failed(&detail.id))?;
        for stretch in detail.stretches(0..detail.rows.row_count()) {
            let unread = |source| RenderError::Rows { report: data.report.clone(), part: detail.id.clone(), source };
            value_rows(&mut writer, &stretch.map_err(unread)?, locale).map_err(failed(&detail.id))?;
        }
        Ok(file(&detail.id, writer.into_inner().map_err(|error| failed(&detail.id)(error.into_error().into()))?))
    });
    blocks.chain(details).collect()
}

/// Returns one table as a file: labels, then rows.
///
/// # Errors
/// When the writer fails.
pub fn table_bytes(table: &Table, locale: &Locale) -> Result<Vec<u8>, csv::Error> {
    let mut writer = writer(locale);
    table_rows(&mut writer, table, locale)?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn writer(locale: &Locale) -> csv::Writer<Vec<u8>> {
    let delimiter = if locale.language() == Language::PtBr { b';' } else { b',' };
    csv::WriterBuilder::new().delimiter(delimiter).from_writer("\u{feff}".as_bytes().to_vec())
}

fn block_bytes(block: &Block, locale: &Locale) -> Result<Vec<u8>, csv::Error> {
    let mut writer = writer(locale);
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
        Content::Chart(chart) => table_rows(&mut writer, &chart.table, locale)?,
        Content::HeatMap(heat_map) => table_rows(&mut writer, &heat_map.table, locale)?,
        Content::Table(view) => table_rows(&mut writer, &view.table, locale)?,
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn table_rows(writer: &mut csv::Writer<Vec<u8>>, table: &Table, locale: &Locale) -> Result<(), csv::Error> {
    heading_row(writer, table)?;
    value_rows(writer, table, locale)
}

fn heading_row(writer: &mut csv::Writer<Vec<u8>>, table: &Table) -> Result<(), csv::Error> {
    writer.write_record(table.columns().iter().map(|column| text(&column.label)))
}

fn value_rows(writer: &mut csv::Writer<Vec<u8>>, table: &Table, locale: &Locale) -> Result<(), csv::Error> {
    for row in 0..table.row_count() {
        writer.write_record((0..table.columns().len()).map(|column| cell(table.cell(row, column), locale)))?;
    }
    Ok(())
}

fn cell(cell: Cell<'_>, locale: &Locale) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(value) => text(&locale.word(value)),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => decimal(value, locale),
        Cell::Date(day) => day.to_string(),
        Cell::Time(time) => time.format("%Y-%m-%d %H:%M:%S").to_string(),
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
