//! Exported files as rows of texts: separated by commas, semicolons or tabs, in UTF-8 or Windows-1252; or the first sheet of a workbook.

use std::{fs, io::Cursor, path::Path};

use calamine::{Data, DataType, Reader, Xlsx};

use super::ImportError;

/// The content of a file.
#[derive(Debug)]
pub struct Sheet {
    /// The first row.
    pub headings: Vec<String>,
    /// The others that are not empty, each with its line in the file, counted from 1.
    pub rows: Vec<(usize, Vec<String>)>,
}

impl Sheet {
    /// Reads a file by what is in it, whatever its ending.
    ///
    /// # Errors
    /// When it cannot be read, or has no row of headings.
    pub fn read(path: &Path) -> Result<Sheet, ImportError> {
        let bytes = fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
        let form = |reason: String| ImportError::Form { path: path.to_owned(), reason };
        // Workbooks are archives, which begin so.
        let sheet = if bytes.starts_with(b"PK") { workbook(bytes) } else { separated(&bytes) }.map_err(form)?;
        if sheet.headings.iter().all(|heading| heading.trim().is_empty()) {
            return Err(form("it has no row of headings".to_owned()));
        }
        Ok(sheet)
    }
}

fn separated(bytes: &[u8]) -> Result<Sheet, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Every byte is a character there: this cannot fail.
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    };
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b',', b'\t'].into_iter().max_by_key(|delimiter| first.bytes().filter(|byte| byte == delimiter).count());
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter.unwrap_or(b';')).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        // A record's position is where the one before ended, its line break and empty lines included.
        let place = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX)).min(text.len());
        let start = place + text[place..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += text[counted..start].matches('\n').count();
        counted = start;
        rows.push((line, record.iter().map(str::to_owned).collect()));
    }
    Ok(sheet(rows))
}

fn workbook(bytes: Vec<u8>) -> Result<Sheet, String> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let range = workbook.worksheet_range_at(0).ok_or("it has no sheet")?.map_err(|error| error.to_string())?;
    let first = range.start().map_or(0, |(row, _)| row as usize);
    let rows = range.rows().enumerate().map(|(index, cells)| (first + index + 1, cells.iter().map(text).collect())).collect();
    Ok(sheet(rows))
}

/// A cell as the text that it shows; a date as ISO 8601 without a zone.
fn text(cell: &Data) -> String {
    match cell {
        Data::DateTime(_) | Data::DateTimeIso(_) => {
            cell.as_datetime().map_or_else(|| cell.to_string(), |time| time.format("%Y-%m-%dT%H:%M:%S").to_string())
        }
        Data::Float(value) if value.fract() == 0.0 => format!("{value:.0}"),
        other => other.to_string(),
    }
}

fn sheet(rows: Vec<(usize, Vec<String>)>) -> Sheet {
    let mut rows = rows.into_iter();
    let headings = rows.next().map(|(_, cells)| cells).unwrap_or_default();
    Sheet { headings, rows: rows.filter(|(_, cells)| cells.iter().any(|cell| !cell.trim().is_empty())).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_encodings_are_found_out() {
        let semicolons = separated("\u{feff}Fila;Nota\r\n\"Convênios; saúde\";5\r\n\r\n;\r\n".as_bytes()).unwrap();
        assert_eq!(semicolons.headings, ["Fila", "Nota"]);
        assert_eq!(semicolons.rows, [(2, vec!["Convênios; saúde".to_owned(), "5".to_owned()])]);
        let commas = separated(b"Situa\xE7\xE3o,Nota\n\"Conv\xEAnios\",4\n").unwrap();
        assert_eq!(commas.headings, ["Situação", "Nota"]);
        assert_eq!(commas.rows[0].1[0], "Convênios");
    }
}
