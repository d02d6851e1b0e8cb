//! The workbook: a summary with native charts, one sheet a table with typed cells, the row-level details, and "about".
//!
//! Durations are fractions of a day with a format of their own, so that they add and average; nothing is a dash, never 0. The
//! creation date is the snapshot's: the same data gives the same bytes.

mod about;
mod answer;
mod formats;
mod sheets;
mod summary;

pub use answer::{Cover, render as render_answer};

use std::io::Write;

use chrono::{DateTime, Datelike, Timelike, Utc};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use self::formats::Formats;
use super::{Locale, RenderError};
use crate::domain::{
    ReportData, Table,
    report_data::{Block, Content},
};

/// Rows of a sheet below its header.
const ROW_LIMIT: usize = 1_048_576 - 1;

/// Returns an empty workbook. Its sheets are a four-hundredth larger than at the usual level of compression, six, which takes 1.6 times as
/// long.
fn new_workbook() -> Workbook {
    let mut workbook = Workbook::new();
    workbook.set_zip_compression_level(5);
    workbook
}

/// Renders the workbook.
pub fn render(data: &ReportData, locale: &Locale, out: &mut (dyn Write + Send)) -> Result<(), RenderError> {
    let mut book = Book { data, locale, formats: Formats::new(locale.language()), workbook: new_workbook(), names: Vec::new() };
    book.render(out)
}

struct Book<'a> {
    data: &'a ReportData,
    locale: &'a Locale,
    formats: Formats,
    workbook: Workbook,
    /// Names of the sheets so far; a name is used once.
    names: Vec<String>,
}

impl Book<'_> {
    fn render(&mut self, out: &mut (dyn Write + Send)) -> Result<(), RenderError> {
        let data = self.data;
        let report = data.report.clone();
        let failed = |part: &str| {
            let (report, part) = (report.clone(), part.to_owned());
            move |source: XlsxError| RenderError::Workbook { report, part, source }
        };
        self.workbook.set_properties(&self.properties().map_err(failed("properties"))?);
        let summary = self.sheet_name(&self.locale.text("sheet-summary"));
        // The summary comes first, but its charts name sheets that are made after it.
        self.workbook.add_worksheet().set_name(&summary).map_err(failed("summary"))?;
        let (mut charts, mut contents) = (Vec::new(), Vec::new());
        for block in &data.blocks {
            if block.content.table().is_none() {
                continue;
            }
            let sheet = self.sheet_name(&block.title);
            self.check_rows(block)?;
            self.block_sheet(block, &sheet, &summary).map_err(failed(&block.id))?;
            contents.push((sheet.clone(), block.title.clone()));
            if let Content::Chart(chart) = &block.content {
                charts.push((block, chart, sheet));
            }
        }
        for detail in &data.details {
            let Book { workbook, names, formats, locale, .. } = self;
            contents.extend(sheets::detail_sheets(workbook, &report, detail, &mut |title| next_name(title, names), (formats, locale))?);
        }
        let about = self.sheet_name(&self.locale.text("sheet-about"));
        self.about_sheet(&about).map_err(failed("about"))?;
        contents.push((about, self.locale.text("about-title")));
        self.summary_sheet(&summary, &charts, &contents).map_err(failed("summary"))?;
        self.workbook.save_to_writer(out).map_err(failed("file"))
    }

    fn properties(&self) -> Result<DocProperties, XlsxError> {
        let created = excel_time(self.data.snapshot.published_at)?;
        Ok(DocProperties::new()
            .set_title(format!("{} – {}", self.data.title, self.data.period_label))
            .set_author(&self.data.organization)
            .set_subject(&self.data.audience)
            .set_comment(self.locale.text_with("pdf-generated", &[("snapshot", &self.data.snapshot.id)]))
            .set_creation_datetime(&created))
    }

    fn check_rows(&self, block: &Block) -> Result<(), RenderError> {
        let rows = block.content.table().map_or(0, Table::row_count);
        if rows > ROW_LIMIT {
            return Err(RenderError::TooManyRows { report: self.data.report.clone(), part: block.id.clone(), rows, limit: ROW_LIMIT });
        }
        Ok(())
    }

    /// Returns a sheet name that Excel takes: at most 31 characters, none of `[]:*?/\`, not used before.
    fn sheet_name(&mut self, title: &str) -> String {
        next_name(title, &mut self.names)
    }
}

fn excel_time(at: DateTime<Utc>) -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::from_ymd(
        u16::try_from(at.year()).unwrap_or(1900),
        u8::try_from(at.month()).unwrap_or(1),
        u8::try_from(at.day()).unwrap_or(1),
    )?
    .and_hms(u16::try_from(at.hour()).unwrap_or(0), u8::try_from(at.minute()).unwrap_or(0), f64::from(at.second()))
}

fn next_name(title: &str, used: &mut Vec<String>) -> String {
    let name = unused_name(title, used);
    used.push(name.clone());
    name
}

fn unused_name(title: &str, used: &[String]) -> String {
    const LONGEST: usize = 31;
    let clean: String = title.chars().filter(|char| !"[]:*?/\\'".contains(*char)).collect();
    let cut = |suffix: &str| -> String {
        let kept: String = clean.chars().take(LONGEST - suffix.chars().count()).collect();
        format!("{}{suffix}", kept.trim())
    };
    let is_used = |name: &str| used.iter().any(|known| known.to_lowercase() == name.to_lowercase());
    let first = cut("");
    // One of more candidates than there are used names is free.
    let numbered = (2..used.len() + 3).map(|number| cut(&format!(" ({number})")));
    std::iter::once(first).chain(numbered).find(|name| !is_used(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheet_names_are_short_clean_and_unique() {
        assert_eq!(unused_name("Volume e desfechos por setor: tudo / nada", &[]), "Volume e desfechos por setor tu");
        assert_eq!(unused_name("Resumo", &["resumo".to_owned()]), "Resumo (2)");
    }
}
