//! The whole report for other programs: every figure unrounded, with its unit.

use std::io::Write;

use super::RenderError;
use crate::domain::{ReportData, digest::sha256};

/// Renders `data` as one indented JSON document with a line break at its end.
pub fn render(data: &ReportData, mut out: &mut (dyn Write + Send)) -> Result<(), RenderError> {
    serde_json::to_writer_pretty(&mut out, data).map_err(|error| unread(data).unwrap_or_else(|| error.into()))?;
    Ok(out.write_all(b"\n")?)
}

/// Returns what is wrong with the rows of a detail: a serialiser keeps the words of an error alone.
fn unread(data: &ReportData) -> Option<RenderError> {
    data.details.iter().find_map(|detail| {
        let source = detail.rows.rows(0..0).err()?;
        Some(RenderError::Rows { report: data.report.clone(), part: detail.id.clone(), source })
    })
}

/// Returns the SHA-256 of a report's content, in hexadecimal: of its JSON without row-level details, byte for byte. Every format prints
/// it, so that files of one report are known to belong together, and a printed page to belong to a document that can be made again.
///
/// # Panics
/// Never: a report holds nothing that JSON cannot.
pub fn content_sha256(data: &ReportData) -> String {
    let content = ReportData { details: Vec::new(), ..data.clone() };
    let mut bytes = Vec::new();
    render(&content, &mut bytes).expect("a report holds texts, numbers and lists only");
    sha256(&bytes)
}
