//! Separated values, read one row at a time: quotes as RFC 4180 has them, and nothing else guessed.
//!
//! A quote that does not close swallows every row after it, so it is an error with the line where it opens. The reader holds one row.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, WINDOWS_1252};

use super::sheet::Limits;

/// Why rows cannot be told apart from a line on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The file cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// Something about a line.
    #[error("line {line}: {reason}")]
    Line { line: usize, reason: String },
}

/// Returns the encoding of a file: that of its byte order mark; without one UTF-8, or Windows-1252 where most of what is not ASCII is not UTF-8.
pub(super) fn encoding(mut file: impl Read) -> io::Result<&'static Encoding> {
    let (mut good, mut bad, mut rest) = (0_usize, 0_usize, Vec::new());
    let (mut chunk, mut is_first) = (vec![0; 64 * 1024], true);
    loop {
        let read = file.read(&mut chunk)?;
        rest.extend_from_slice(&chunk[..read]);
        if is_first && let Some((encoding, _)) = Encoding::for_bom(&rest) {
            return Ok(encoding);
        }
        is_first = false;
        let left = count(&rest, &mut good, &mut bad);
        if read == 0 {
            bad += usize::from(left > 0);
            return Ok(if bad > good { WINDOWS_1252 } else { UTF_8 });
        }
        rest.drain(..rest.len() - left);
    }
}

/// Counts characters beyond ASCII and bytes that are not UTF-8; returns how many bytes at the end are the beginning of a character.
fn count(mut bytes: &[u8], good: &mut usize, bad: &mut usize) -> usize {
    let beyond_ascii = |bytes: &[u8]| bytes.iter().filter(|byte| **byte >= 0xC0).count();
    loop {
        let Err(error) = std::str::from_utf8(bytes) else {
            *good += beyond_ascii(bytes);
            return 0;
        };
        let (valid, others) = bytes.split_at(error.valid_up_to());
        *good += beyond_ascii(valid);
        let Some(length) = error.error_len() else { return others.len() };
        *bad += 1;
        bytes = &others[length..];
    }
}

/// Bytes of any encoding as UTF-8; what is not a character becomes U+FFFD.
struct Decoded<R> {
    file: R,
    decoder: Decoder,
    chunk: Vec<u8>,
    unread: std::ops::Range<usize>,
    is_last: bool,
    is_done: bool,
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.is_done {
            if self.unread.is_empty() && !self.is_last {
                self.unread = 0..self.file.read(&mut self.chunk)?;
                self.is_last = self.unread.is_empty();
            }
            let (result, read, written, _) = self.decoder.decode_to_utf8(&self.chunk[self.unread.clone()], out, self.is_last);
            self.unread.start += read;
            self.is_done = self.is_last && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

/// A quotation mark stands within a cell that is not quoted.
const BARE_QUOTE: &str = "a quotation mark stands within a cell that is not quoted: what it belongs to cannot be told";

/// The file ends within a row.
const NO_LINE_END: &str =
    "the file ends here without a line break, and may be cut off; if this row is whole, end the file with a line break";

/// A row of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Line on which it begins, from 1 on.
    pub line: usize,
    /// Its cells.
    pub cells: Vec<String>,
    /// Why its cells cannot be believed, if so.
    pub flaw: Option<&'static str>,
}

/// Where in a cell the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Plain,
    Quoted,
    AfterQuote,
}

/// Rows of a file of separated values.
pub(super) struct Separated<R: Read> {
    text: BufReader<Decoded<R>>,
    delimiter: u8,
    limits: Limits,
    /// The line that is read, from 1 on.
    line: usize,
}

impl<R: Read> Separated<R> {
    pub(super) fn new(file: R, encoding: &'static Encoding, delimiter: u8, limits: Limits) -> Separated<R> {
        let decoder = encoding.new_decoder_with_bom_removal();
        let text = Decoded { file, decoder, chunk: vec![0; 64 * 1024], unread: 0..0, is_last: false, is_done: false };
        Separated { text: BufReader::with_capacity(64 * 1024, text), delimiter, limits, line: 1 }
    }

    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.text.fill_buf()?.first().copied();
        self.text.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    /// Returns the next row; an empty line is a row of one empty cell. None at the end of the file.
    pub(super) fn row(&mut self) -> Result<Option<Row>, Fault> {
        let (first_line, mut flaw) = (self.line, None);
        let (mut cells, mut cell, mut at, mut opened) = (Vec::new(), Vec::new(), At::Start, first_line);
        let mut is_begun = false;
        loop {
            let Some(byte) = self.next_byte()? else {
                if at == At::Quoted {
                    return Err(fault(opened, "a quotation mark opens here and never closes: every line after it would be lost"));
                }
                if !is_begun {
                    return Ok(None);
                }
                cells.push(text(cell));
                return Ok(Some(Row { line: first_line, cells, flaw: flaw.or(Some(NO_LINE_END)) }));
            };
            is_begun = true;
            match (at, byte) {
                (At::Quoted, b'"') => at = At::AfterQuote,
                (At::Quoted, _) => {
                    self.line += usize::from(byte == b'\n');
                    cell.push(byte);
                }
                (At::AfterQuote, b'"') => {
                    cell.push(byte);
                    at = At::Quoted;
                }
                (_, b'\n' | b'\r') => {
                    if byte == b'\r' && self.text.fill_buf()?.first() == Some(&b'\n') {
                        self.text.consume(1);
                    }
                    self.line += 1;
                    cells.push(text(cell));
                    return Ok(Some(Row { line: first_line, cells, flaw }));
                }
                (_, byte) if byte == self.delimiter => {
                    cells.push(text(std::mem::take(&mut cell)));
                    at = At::Start;
                }
                (At::Start, b'"') => (at, opened) = (At::Quoted, self.line),
                (At::AfterQuote, b' ') => {}
                (At::AfterQuote, _) => {
                    let reason = "text follows a closing quotation mark: an earlier one does not close, or a quotation mark within a cell is not doubled";
                    return Err(fault(opened, reason));
                }
                (At::Start | At::Plain, byte) => {
                    flaw = flaw.or((byte == b'"').then_some(BARE_QUOTE));
                    cell.push(byte);
                    at = At::Plain;
                }
            }
            if cell.len() > self.limits.cell_bytes {
                let reason = format!("a cell is longer than {} bytes: a quotation mark may not close", self.limits.cell_bytes);
                return Err(fault(opened.max(first_line), &reason));
            }
            if cells.len() > self.limits.columns {
                return Err(fault(first_line, &format!("more than {} cells in a row", self.limits.columns)));
            }
        }
    }
}

fn fault(line: usize, reason: &str) -> Fault {
    Fault::Line { line, reason: reason.to_owned() }
}

fn text(cell: Vec<u8>) -> String {
    String::from_utf8(cell).expect("decoded text is cut at ASCII characters only")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> Result<Vec<Row>, String> {
        let limits = Limits { cell_bytes: 40, columns: 5, ..Limits::default() };
        let mut reader = Separated::new(bytes, encoding(bytes).unwrap(), b';', limits);
        std::iter::from_fn(|| reader.row().transpose()).collect::<Result<_, _>>().map_err(|fault| fault.to_string())
    }

    fn row(line: usize, cells: &[&str]) -> Row {
        Row { line, cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), flaw: None }
    }

    fn flawed(line: usize, cells: &[&str], flaw: &'static str) -> Row {
        Row { flaw: Some(flaw), ..row(line, cells) }
    }

    #[test]
    fn rows_have_the_lines_on_which_they_begin() {
        let found = rows(b"a;\"b\r\nc\";\"d \"\"e\"\"\"\r\n\r\nf;g\"h;\rlast").unwrap();
        assert_eq!(
            found,
            [
                row(1, &["a", "b\r\nc", "d \"e\""]),
                row(3, &[""]),
                flawed(4, &["f", "g\"h", ""], BARE_QUOTE),
                flawed(5, &["last"], NO_LINE_END)
            ]
        );
        assert_eq!(rows(b"").unwrap(), []);
    }

    #[test]
    fn quotes_that_do_not_close_and_cells_without_end_are_refused_with_their_line() {
        assert!(rows(b"a\nb;\"c\nd\n").unwrap_err().starts_with("line 2: a quotation mark opens here and never closes"));
        assert!(rows(b"a\nb;\"c\nd;\"e\"\n").unwrap_err().starts_with("line 2: text follows a closing quotation mark"));
        assert!(rows(format!("a\n\"{}\"\n", "x".repeat(50)).as_bytes()).unwrap_err().starts_with("line 2: a cell is longer than 40 bytes"));
        assert!(rows(b"a\n;;;;;;;;\n").unwrap_err().starts_with("line 2: more than 5 cells"));
    }

    #[test]
    fn one_bad_byte_does_not_change_the_encoding_of_all() {
        let row = |line, cells| flawed(line, cells, NO_LINE_END);
        assert_eq!(rows("\u{feff}Convênios".as_bytes()).unwrap(), [row(1, &["Convênios"])]);
        assert_eq!(rows(b"\xEF\xBB\xBFConv\xC3\xAAnios;\xC3").unwrap(), [row(1, &["Convênios", "\u{fffd}"])]);
        assert_eq!(rows(b"Conv\xC3\xAAnios;\xC3").unwrap(), [row(1, &["Convênios", "\u{fffd}"])]);
        assert_eq!(rows(b"Conv\xEAnios;Sa\xFAde").unwrap(), [row(1, &["Convênios", "Saúde"])]);
        assert_eq!(rows(b"\xFF\xFEF\0;\0\xEA\0\n\0").unwrap(), [Row { flaw: None, ..row(1, &["F", "ê"]) }]);
    }
}
