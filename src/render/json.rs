//! The whole report for other programs: every figure unrounded, with its unit.

use super::RenderError;
use crate::domain::ReportData;

/// Renders `data` as one indented JSON document with a line break at its end.
pub fn render(data: &ReportData) -> Result<Vec<u8>, RenderError> {
    let mut bytes = serde_json::to_vec_pretty(data)?;
    bytes.push(b'\n');
    Ok(bytes)
}
