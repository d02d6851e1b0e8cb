//! Exported files as rows of texts: separated by commas, semicolons or tabs, in UTF-8, UTF-16 or Windows-1252; or a sheet of a workbook.
//!
//! A file is read row by row, and as often as somebody asks: memory does not grow with it. Headings need not be in the first row; the
//! caller says which row is one.

use std::{
    collections::HashSet,
    fs::File,
    io::{Cursor, Read},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use encoding_rs::Encoding;

use super::{
    ImportError,
    separated::{Fault, Row, Separated, encoding},
    workbook::{Source, Workbook},
};

/// What a file may hold at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows of the file.
    pub rows: usize,
    /// Cells of the file.
    pub cells: usize,
    /// Cells of a row.
    pub columns: usize,
    /// Bytes of a cell.
    pub cell_bytes: usize,
    /// Bytes of what must be held in memory as a whole: a workbook, a pipe.
    pub held_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        // Two million tickets are years of a large contract; each row that was read costs some 40 bytes for its verdict.
        Limits { rows: 2_000_000, cells: 60_000_000, columns: 1_000, cell_bytes: 1 << 20, held_bytes: 256 << 20 }
    }
}

/// So many rows are looked through for the headings.
const BEFORE_HEADINGS: usize = 30;

/// A row beside one that lacks cells.
const CUT: &str = "the row beside it lacks cells: a line break may have cut this one";

/// How the type of an `OpenDocument` file begins.
const OPEN_DOCUMENT: &[u8] = b"application/vnd.oasis.opendocument.";

/// What spreadsheets show where a formula has no value, in both languages.
const ERRORS: [&str; 14] = [
    "#N/A",
    "#N/D",
    "#REF!",
    "#VALUE!",
    "#VALOR!",
    "#NAME?",
    "#NOME?",
    "#DIV/0!",
    "#NUM!",
    "#NÚM!",
    "#NULL!",
    "#NULO!",
    "#GETTING_DATA",
    "#SPILL!",
];

/// Returns whether a cell holds the error of a formula in place of a value.
pub fn is_error_value(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('#') && ERRORS.iter().any(|error| error.eq_ignore_ascii_case(text))
}

/// How the bytes are to be taken.
#[derive(Debug)]
enum Form {
    Separated { encoding: &'static Encoding, delimiter: u8 },
    Workbook { sheet: String, timed: HashSet<usize> },
}

/// A row of the file: its line, counted from 1, and its cells, or why it cannot be taken.
pub type Line = (usize, Result<Vec<String>, String>);

/// A file whose rows can be read, again and again.
#[derive(Debug)]
pub struct Sheet {
    path: PathBuf,
    /// The content of what can be read once only.
    held: Option<Arc<[u8]>>,
    form: Form,
    limits: Limits,
    /// Cells of the row of headings, the empty ones at its end included.
    width: usize,
    /// The row of headings.
    pub headings: Vec<String>,
    /// Its line, counted from 1.
    pub headings_line: usize,
}

impl Sheet {
    /// Opens a file by what is in it, whatever its ending. The headings are the first row that `is_headings` knows; without one, the first row.
    ///
    /// # Errors
    /// When it cannot be read, has no row, or several sheets with known headings.
    pub fn open(path: &Path, is_headings: &dyn Fn(&[String]) -> bool) -> Result<Sheet, ImportError> {
        Sheet::open_within(path, is_headings, Limits::default())
    }

    fn open_within(path: &Path, is_headings: &dyn Fn(&[String]) -> bool, limits: Limits) -> Result<Sheet, ImportError> {
        let read = |source| ImportError::Read { path: path.to_owned(), source };
        let metadata = std::fs::metadata(path).map_err(read)?;
        let mut sheet = Sheet {
            path: path.to_owned(),
            held: None,
            form: Form::Separated { encoding: encoding_rs::UTF_8, delimiter: b';' },
            limits,
            width: 0,
            headings: Vec::new(),
            headings_line: 1,
        };
        if !metadata.is_file() {
            let mut bytes = Vec::new();
            let file = File::open(path).map_err(read)?;
            file.take(limits.held_bytes + 1).read_to_end(&mut bytes).map_err(read)?;
            sheet.hold(bytes)?;
        }
        let mut first = Vec::new();
        sheet.source()?.take(128).read_to_end(&mut first).map_err(read)?;
        // Workbooks are archives, which begin so; those of before 2007 do not.
        if first.starts_with(b"PK") {
            // An OpenDocument file says first what it is.
            if first.windows(OPEN_DOCUMENT.len()).any(|bytes| bytes == OPEN_DOCUMENT) {
                return Err(sheet.wrong("it is a document of LibreOffice (.ods); save it as .xlsx or csv".to_owned()));
            }
            if metadata.len() > limits.held_bytes {
                return Err(sheet.too_large());
            }
            sheet.find_sheet(is_headings)?;
        } else if first.starts_with(b"\xD0\xCF\x11\xE0") {
            return Err(sheet.wrong("it is a workbook of the old form (.xls); save it as .xlsx or csv".to_owned()));
        } else {
            sheet.find_delimiter(is_headings)?;
        }
        sheet.width = sheet.headings.len();
        while sheet.headings.last().is_some_and(|heading| heading.trim().is_empty()) {
            sheet.headings.pop();
        }
        if sheet.headings.is_empty() {
            return Err(sheet.wrong("it has no row of headings".to_owned()));
        }
        Ok(sheet)
    }

    /// Gives `work` each row after the headings that is not empty, with its line.
    ///
    /// # Errors
    /// That of `work`; or where the file cannot be read, its rows cannot be told apart, or it holds more than a file may.
    pub fn each_row<E: From<ImportError>>(&self, mut work: impl FnMut(Line) -> Result<(), E>) -> Result<(), E> {
        let (mut rows, mut cells) = (0, 0);
        let mut failed = None;
        let mut waiting = Waiting::default();
        self.rows(&self.form, &mut |row| {
            let line = row.line;
            if line <= self.headings_line || is_blank(&row.cells) {
                return ControlFlow::Continue(());
            }
            (rows, cells) = (rows + 1, cells + row.cells.len());
            let done = if rows > self.limits.rows || cells > self.limits.cells {
                let (rows, cells) = (self.limits.rows, self.limits.cells);
                Err(self
                    .wrong(format!("line {line}: a file may hold {rows} rows and {cells} cells; split it, by month for instance"))
                    .into())
            } else {
                let is_short = matches!(self.form, Form::Separated { .. }) && row.cells.len() < self.width;
                let is_fragment = is_short && row.cells.len() == 1;
                waiting.next((line, self.of_headings(row)), is_short, is_fragment).into_iter().try_for_each(&mut work)
            };
            done.map_or_else(
                |error| {
                    failed = Some(error);
                    ControlFlow::Break(())
                },
                ControlFlow::Continue,
            )
        })?;
        match failed {
            Some(error) => Err(error),
            None => waiting.rows.into_iter().try_for_each(work),
        }
    }

    /// Holds a row against the headings: a cell too many or too few means that values stand under headings of others.
    fn of_headings(&self, row: Row) -> Result<Vec<String>, String> {
        if let Some(flaw) = row.flaw {
            return Err(flaw.to_owned());
        }
        let mut row = row.cells;
        let (expected, found) = (self.headings.len(), row.len());
        // A workbook does not write the empty cells at the end of a row; elsewhere a row with another number of cells has lost a separator, or has
        // one that belongs to a text, and an empty last cell would hide it.
        let is_whole = match self.form {
            Form::Workbook { .. } => row.iter().skip(expected).all(|cell| cell.trim().is_empty()),
            Form::Separated { .. } => found == self.width && row.iter().skip(expected).all(|cell| cell.trim().is_empty()),
        };
        if !is_whole {
            return Err(format!("{found} cells under {} headings (a separator within a text must be in quotation marks)", self.width));
        }
        if row.iter().any(|cell| cell.contains('\u{fffd}')) {
            return Err("it holds bytes that are not characters of the file's encoding, UTF-8".to_owned());
        }
        row.resize(expected, String::new());
        Ok(row)
    }

    fn rows(&self, form: &Form, work: &mut dyn FnMut(Row) -> ControlFlow<()>) -> Result<(), ImportError> {
        match form {
            Form::Separated { encoding, delimiter } => {
                let mut reader = Separated::new(self.source()?, encoding, *delimiter, self.limits);
                while let Some(row) = reader.row().map_err(|fault| self.fault(fault))? {
                    if work(row).is_break() {
                        break;
                    }
                }
                Ok(())
            }
            Form::Workbook { sheet, timed } => self.workbook()?.each_row(sheet, timed, work).map_err(|reason| self.wrong(reason)),
        }
    }

    /// Returns the first rows that are not empty, and the first of them that is one of headings.
    fn head(&self, form: &Form, is_headings: &dyn Fn(&[String]) -> bool) -> Result<Head, ImportError> {
        let (mut first, mut known, mut seen) = (None, None, 0);
        self.rows(form, &mut |Row { line, cells: row, .. }| {
            if is_blank(&row) {
                return ControlFlow::Continue(());
            }
            seen += 1;
            if is_headings(&row) {
                known = Some((line, row));
                return ControlFlow::Break(());
            }
            first.get_or_insert((line, row));
            if seen < BEFORE_HEADINGS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(Head { first, known })
    }

    fn find_delimiter(&mut self, is_headings: &dyn Fn(&[String]) -> bool) -> Result<(), ImportError> {
        let encoding = encoding(self.source()?).map_err(|source| ImportError::Read { path: self.path.clone(), source })?;
        let mut found: Option<(bool, usize, Form, Head)> = None;
        for delimiter in [b';', b',', b'\t'] {
            let form = Form::Separated { encoding, delimiter };
            // With another separator than the file's, quotation marks can be anywhere.
            let Ok(head) = self.head(&form, is_headings) else { continue };
            let width = head.first.as_ref().map_or(0, |(_, row)| row.len());
            let is_known = head.known.is_some();
            if found.as_ref().is_none_or(|(known, widest, ..)| (is_known, width) > (*known, *widest)) {
                found = Some((is_known, width, form, head));
            }
            if is_known {
                break;
            }
        }
        match found {
            Some((_, _, form, head)) => {
                self.form = form;
                self.take_headings(head);
                Ok(())
            }
            // No separator leads to rows: what is wrong is told with the usual one.
            None => self.head(&Form::Separated { encoding, delimiter: b';' }, is_headings).map(|head| self.take_headings(head)),
        }
    }

    fn find_sheet(&mut self, is_headings: &dyn Fn(&[String]) -> bool) -> Result<(), ImportError> {
        let mut known: Option<(String, Head)> = None;
        let mut first = None;
        for sheet in self.workbook()?.sheets() {
            let form = Form::Workbook { sheet: sheet.clone(), timed: HashSet::new() };
            let head = match self.head(&form, is_headings) {
                Ok(head) => head,
                // A chart has no cells.
                Err(_) if first.is_some() || known.is_some() => continue,
                Err(error) => return Err(error),
            };
            if head.known.is_none() {
                first.get_or_insert((sheet, head));
            } else if let Some((other, _)) = &known {
                let reason = format!(
                    "sheets `{other}` and `{sheet}` both have such headings, and one of them would be left out; make a file of each"
                );
                return Err(self.wrong(reason));
            } else {
                known = Some((sheet, head));
            }
        }
        let (sheet, head) = known.or(first).ok_or_else(|| self.wrong("it has no sheet".to_owned()))?;
        let timed = self.workbook()?.timed_columns(&sheet).map_err(|reason| self.wrong(reason))?;
        self.form = Form::Workbook { sheet, timed };
        self.take_headings(head);
        Ok(())
    }

    fn take_headings(&mut self, head: Head) {
        if let Some((line, row)) = head.known.or(head.first) {
            (self.headings_line, self.headings) = (line, row);
        }
    }

    fn hold(&mut self, bytes: Vec<u8>) -> Result<(), ImportError> {
        if bytes.len() as u64 > self.limits.held_bytes {
            return Err(self.too_large());
        }
        self.held = Some(bytes.into());
        Ok(())
    }

    fn source(&self) -> Result<Box<dyn Source>, ImportError> {
        match &self.held {
            Some(bytes) => Ok(Box::new(Cursor::new(Arc::clone(bytes)))),
            None => match File::open(&self.path) {
                Ok(file) => Ok(Box::new(file)),
                Err(source) => Err(ImportError::Read { path: self.path.clone(), source }),
            },
        }
    }

    fn workbook(&self) -> Result<Workbook, ImportError> {
        Workbook::open(self.source()?, self.limits).map_err(|reason| self.wrong(reason))
    }

    fn wrong(&self, reason: String) -> ImportError {
        ImportError::Form { path: self.path.clone(), reason }
    }

    fn too_large(&self) -> ImportError {
        self.wrong(format!("it is larger than {} MiB; split it, or save it as csv", self.limits.held_bytes >> 20))
    }

    fn fault(&self, fault: Fault) -> ImportError {
        match fault {
            Fault::Read(source) => ImportError::Read { path: self.path.clone(), source },
            line @ Fault::Line { .. } => self.wrong(line.to_string()),
        }
    }
}

/// Rows that wait for the next: a line break within a cell leaves a row that lacks cells, and another row cut.
#[derive(Default)]
struct Waiting {
    /// One row, or a row and a line of one cell after it. At the end of a file such a line is a footer.
    rows: Vec<Line>,
    was_short: bool,
}

impl Waiting {
    /// Adds a row; returns those that need not wait any more.
    fn next(&mut self, (line, row): Line, is_short: bool, is_fragment: bool) -> Vec<Line> {
        let cut = |(line, row): Line| (line, row.and(Err(CUT.to_owned())));
        let this = if self.was_short { cut((line, row)) } else { (line, row) };
        self.was_short = is_short;
        let has_fragment = self.rows.len() == 2;
        let ready = if has_fragment || !is_fragment { std::mem::take(&mut self.rows) } else { Vec::new() };
        self.rows.push(this);
        let is_cut = |place: usize| has_fragment && place == 0;
        ready.into_iter().enumerate().map(|(place, row)| if is_cut(place) { cut(row) } else { row }).collect()
    }
}

/// The first rows of a file.
struct Head {
    first: Option<(usize, Vec<String>)>,
    known: Option<(usize, Vec<String>)>,
}

fn is_blank(row: &[String]) -> bool {
    row.iter().all(|cell| cell.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(bytes: &[u8], limits: Limits) -> Result<(Sheet, Vec<Line>), String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        let sheet =
            Sheet::open_within(file.path(), &|row| row.iter().any(|cell| cell == "Nota"), limits).map_err(|error| error.to_string())?;
        let mut lines = Vec::new();
        sheet
            .each_row::<ImportError>(|line| {
                lines.push(line);
                Ok(())
            })
            .map_err(|error| error.to_string())?;
        Ok((sheet, lines))
    }

    #[test]
    fn separators_and_encodings_are_found_out() {
        for (bytes, line) in [
            ("\u{feff}Fila;Nota\r\n\"Convênios; saúde\";5\r\n\r\n;\r\n".as_bytes(), 2),
            ("sep=;\r\nFila;Nota\r\n\"Convênios; saúde\";5\r\n".as_bytes(), 3),
            ("\r\nRelatório, \"mensal\";\r\nFila;Nota;\r\n\r\n\"Convênios; saúde\";5;\r\n".as_bytes(), 5),
            (b"Fila,Nota\n\"Conv\xEAnios; sa\xFAde\",5\n", 2),
            (b"Fila\tNota\nConv\xEAnios; sa\xFAde\t5\n", 2),
        ] {
            let (sheet, lines) = opened(bytes, Limits::default()).unwrap();
            assert_eq!(sheet.headings, ["Fila", "Nota"]);
            assert_eq!(lines, [(line, Ok(["Convênios; saúde", "5"].map(str::to_owned).to_vec()))]);
        }
    }

    #[test]
    fn a_row_must_have_a_cell_for_each_heading() {
        let (_, lines) = opened(b"Fila;Nota\na;b;5\na\na;5;;\na;\xEF\xBF\xBD\n", Limits::default()).unwrap();
        let reasons: Vec<_> =
            lines.iter().map(|(line, cells)| (*line, cells.as_ref().err().map(|why| why.split(" (").next().unwrap()))).collect();
        let encoding = "it holds bytes that are not characters of the file's encoding, UTF-8";
        assert_eq!(
            reasons,
            [
                (2, Some("3 cells under 2 headings")),
                (3, Some("1 cells under 2 headings")),
                (4, Some("4 cells under 2 headings")),
                (5, Some(encoding))
            ]
        );
    }

    #[test]
    fn more_than_a_file_may_hold_is_refused_with_the_line() {
        let few = Limits { rows: 2, ..Limits::default() };
        let error = opened(b"Fila;Nota\na;1\n\na;2\na;3\n", few).unwrap_err();
        assert!(error.contains("line 5: a file may hold 2 rows"), "{error}");
        let error = opened(b"Fila;Nota\na;1\na;2\n", Limits { cells: 3, ..Limits::default() }).unwrap_err();
        assert!(error.contains("line 3: a file may hold 2000000 rows and 3 cells"), "{error}");
    }

    #[test]
    fn what_a_spreadsheet_shows_for_an_error_is_no_value() {
        assert!(["#N/A", "#n/d", " #REF! ", "#NÚM!"].into_iter().all(is_error_value));
        assert!(!["#1", "#N/A-1", ""].into_iter().any(is_error_value));
    }
}
