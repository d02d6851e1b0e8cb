//! Printing to standard output, and what a terminal may see of texts that others wrote.
//!
//! A name, a question or an answer can hold codes that a terminal obeys: they move the cursor, hide lines, turn the direction of writing.
//! Whatever is printed for people has them in words. Documents for programs keep every byte, unless a terminal reads them.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    path::Path,
};

use super::{Exit, Failure};
use crate::config::Project;

/// Fails where an output would be written in a place of the project's own: what is declared, kept or recorded there is not to be replaced.
pub fn require_place(project: &Project, path: &Path) -> Result<(), Failure> {
    if !project.owns(path) {
        return Ok(());
    }
    let message = format!("`{}` is a place of the project's own: no output is written there", path.display());
    Err(Failure::told(Exit::Refused, message, Some("name a place outside the project, or in its folder `output`; nothing was written")))
}

/// Writes a text for people to standard output. A reader that went away is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    write(&visible(text))
}

/// Writes a document for programs to standard output, byte by byte; a terminal gets it as [`print()`] would give it.
pub fn print_document(text: &str) -> Result<(), Failure> {
    if io::stdout().is_terminal() { print(text) } else { write(text) }
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::Failed, error)),
        _ => Ok(()),
    }
}

/// Writes a JSON document and a line break to standard output.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(Exit::Failed, error))?;
    text.push('\n');
    print_document(&text)
}

/// Returns a text of several lines as a terminal may see it: codes in words, line breaks and tabs as they are.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |char| matches!(char, '\n' | '\t'))
}

/// Returns what somebody else wrote as part of a line: line breaks and tabs in words, too.
pub fn foreign(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_code = |char: char| is_code(char) && !stays(char);
    if !text.contains(is_code) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\r' if stays('\n') && chars.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\t' if is_code(char) => shown.extend(char.escape_default()),
            char if is_code(char) => shown.extend(char.escape_unicode()),
            char => shown.push(char),
        }
    }
    Cow::Owned(shown)
}

/// Returns whether a terminal obeys a character instead of showing it, or shows what follows in another direction.
pub fn is_code(char: char) -> bool {
    char.is_control() || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns standard output for a document that is written in pieces; see [`print_document`].
pub fn document() -> Box<dyn Write + Send> {
    if io::stdout().is_terminal() { Box::new(Escaping { out: io::stdout(), rest: Vec::new() }) } else { Box::new(io::stdout()) }
}

/// Writes what it is given as a terminal may see it.
struct Escaping<W> {
    out: W,
    /// The beginning of a character whose other bytes are still to come.
    rest: Vec<u8>,
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.rest.len(),
        };
        let text: Vec<u8> = self.rest.drain(..whole).collect();
        self.out.write_all(visible(&String::from_utf8_lossy(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_words_and_our_own_lines_stay() {
        assert_eq!(visible("a\u{1b}[2J\tb\nc\r\n"), "a\\u{1b}[2J\tb\nc\n");
        assert_eq!(foreign("a\nb\t\u{9b}31m\u{202e}"), "a\\nb\\t\\u{9b}31m\\u{202e}");
        assert_eq!(visible("Péssimo · 1\n"), "Péssimo · 1\n");
        assert_eq!(visible("a\rb"), "a\\rb", "a line is not written over");
    }

    #[test]
    fn a_document_in_pieces_is_escaped_as_one() {
        let mut out = Escaping { out: Vec::new(), rest: Vec::new() };
        for byte in "é\u{9b}x\u{1b}".bytes() {
            out.write_all(&[byte]).unwrap();
        }
        assert_eq!(String::from_utf8(out.out).unwrap(), "é\\u{9b}x\\u{1b}");
    }
}
