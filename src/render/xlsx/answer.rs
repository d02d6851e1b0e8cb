//! The workbook of an answer: a cover that says what was asked, of which snapshot and why, and the rows.

use std::io::Write;

use chrono::{DateTime, Utc};
use rust_xlsxwriter::{DocProperties, RowNum, Workbook, XlsxError};

use super::{
    excel_time,
    formats::{self, Formats},
    new_workbook, next_name, sheets,
};
use crate::{
    domain::report_data::Detail,
    render::{Locale, RenderError},
};

/// What stands before the rows of an answer.
#[derive(Debug, Clone)]
pub struct Cover {
    /// What was asked, in words.
    pub title: String,
    /// Names and values, in order.
    pub facts: Vec<(String, String)>,
    /// The SQL.
    pub sql: String,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
}

/// Longest text of a cell.
const LONGEST: usize = 32_767;

/// Renders the answer; its name is that of `detail`.
///
/// # Errors
/// When the rows cannot be read or the workbook not written.
pub fn render(cover: &Cover, detail: &Detail, locale: &Locale, out: &mut (dyn Write + Send)) -> Result<(), RenderError> {
    let failed = |source| RenderError::Workbook { report: detail.id.clone(), part: "cover".to_owned(), source };
    let mut workbook = new_workbook();
    let mut names = Vec::new();
    write_cover(&mut workbook, cover, &next_name(&locale.text("answer-cover"), &mut names), locale).map_err(failed)?;
    let formats = Formats::new(locale.language());
    sheets::detail_sheets(&mut workbook, &detail.id, detail, &mut |title| next_name(title, &mut names), (&formats, locale))?;
    workbook.save_to_writer(out).map_err(failed)
}

fn write_cover(workbook: &mut Workbook, cover: &Cover, name: &str, locale: &Locale) -> Result<(), XlsxError> {
    let created = excel_time(cover.asked_at)?;
    workbook.set_properties(&DocProperties::new().set_title(&cover.title).set_creation_datetime(&created));
    let sheet = workbook.add_worksheet().set_name(name)?;
    sheet.set_screen_gridlines(false);
    sheet.set_column_width(0, 30)?;
    sheet.set_column_width(1, 110)?;
    sheet.set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.write_string_with_format(0, 0, &cover.title, &formats::title())?;
    let mut row: RowNum = 2;
    for (name, value) in &cover.facts {
        sheet.write_string_with_format(row, 0, name, &formats::name())?;
        sheet.write_string_with_format(row, 1, cut(value), &formats::text())?;
        row += 1;
    }
    sheet.write_string_with_format(row, 0, locale.text("answer-sql"), &formats::name())?;
    // A line a row: a cell of many lines is shown and printed only as high as a row may be.
    for line in cover.sql.lines() {
        sheet.write_string_with_format(row, 1, cut(line), &formats::text())?;
        row += 1;
    }
    Ok(())
}

/// Returns as much of a text as a cell holds, with a mark where some is left out.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}
