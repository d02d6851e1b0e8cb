//! The whole report for other programs: every figure unrounded, with its unit.

use super::RenderError;
use crate::domain::{ReportData, digest::sha256};

/// Renders `data` as one indented JSON document with a line break at its end.
pub fn render(data: &ReportData) -> Result<Vec<u8>, RenderError> {
    let mut bytes = serde_json::to_vec_pretty(data)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Returns the SHA-256 of a report's content, in hexadecimal: of its JSON without row-level details, byte for byte. Every format prints
/// it, so that files of one report are known to belong together, and a printed page to belong to a document that can be made again.
///
/// # Panics
/// Never: a report holds nothing that JSON cannot.
pub fn content_sha256(data: &ReportData) -> String {
    let content = ReportData { details: Vec::new(), ..data.clone() };
    sha256(&render(&content).expect("a report holds texts, numbers and lists only"))
}
