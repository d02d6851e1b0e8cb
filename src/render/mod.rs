//! Turns a [`ReportData`] into bytes: workbook, PDF, CSV, JSON.
//!
//! Renderers decide looks, never numbers. Nothing here does I/O, reads a clock or knows SQL; the same data gives the same bytes.

pub mod chart;
mod csv;
mod error;
mod figure;
mod json;
pub mod locale;
mod mail;
mod palette;
mod pdf;
mod rows;
mod xlsx;

pub use csv::{Words, detail as csv_detail};
pub use error::RenderError;
pub use json::content_sha256;
pub use locale::Locale;
pub use mail::{Mail, MailContext, mail, notice};
pub use rows::{range_of_few, text as cell_text};
pub use xlsx::{Cover, render_answer};

use std::io::Write;

use crate::domain::ReportData;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Excel workbook.
    Xlsx,
    /// PDF.
    Pdf,
    /// One CSV a table.
    Csv,
    /// The whole report as JSON.
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 4] = [Format::Xlsx, Format::Pdf, Format::Csv, Format::Json];

    /// Returns the ending of its files.
    pub const fn ending(self) -> &'static str {
        match self {
            Format::Xlsx => "xlsx",
            Format::Pdf => "pdf",
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }

    /// Returns the format with this ending.
    pub fn from_ending(ending: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.ending() == ending)
    }
}

/// A rendered file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Added to the report's file name: empty, or the part's id for formats of several files.
    pub suffix: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Fills one file.
pub type Fill<'a> = &'a mut dyn FnMut(&mut (dyn Write + Send)) -> Result<(), RenderError>;

/// Renders a report into files as they come: `write` is called for each with its suffix and what fills it. Nothing is held in memory that
/// does not have to be.
///
/// # Errors
/// Those of `write`, and the report's part that the format can not hold.
pub fn render_into<E: From<RenderError>>(
    data: &ReportData,
    format: Format,
    write: &mut dyn FnMut(&str, Fill<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let locale = Locale::new(data.language);
    match format {
        Format::Xlsx => write("", &mut |out| xlsx::render(data, &locale, out)),
        Format::Pdf => write("", &mut |out| Ok(out.write_all(&pdf::render(data, &locale)?)?)),
        Format::Csv => csv::parts(data).try_for_each(|part| write(&part.suffix(), &mut |out| part.render(data, &locale, out))),
        Format::Json => write("", &mut |out| json::render(data, out)),
    }
}

/// Renders a report; most formats are one file.
///
/// # Errors
/// Names the report's part that the format can not hold.
pub fn render(data: &ReportData, format: Format) -> Result<Vec<Rendered>, RenderError> {
    let mut files = Vec::new();
    render_into(data, format, &mut |suffix, fill| {
        let mut bytes = Vec::new();
        fill(&mut bytes)?;
        files.push(Rendered { suffix: suffix.to_owned(), bytes });
        Ok::<(), RenderError>(())
    })?;
    Ok(files)
}
