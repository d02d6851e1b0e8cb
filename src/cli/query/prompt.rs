//! The prompt: questions over several lines, with a history and names to complete.

use rustyline::{
    Completer, Context, Editor, Helper, Highlighter, Hinter, Validator,
    completion::Completer as Complete,
    error::ReadlineError,
    history::FileHistory,
    validate::{ValidationContext, ValidationResult, Validator as Validate},
};

use super::{
    Asked, QueryFormat,
    desk::{Desk, Wanted},
};
use crate::cli::{Exit, Failure, output};

const GREETING: &str =
    "A question ends with ; and can take several lines. .tables  .describe TABLE  .saved  .functions  .export FILE  .quit\n";

/// Completes names, and goes on to the next line until a question ends.
#[derive(Helper, Completer, Hinter, Highlighter, Validator)]
struct Names {
    #[rustyline(Completer)]
    completer: Words,
    #[rustyline(Validator)]
    validator: UntilSemicolon,
}

struct Words(Vec<String>);

impl Complete for Words {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _context: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let is_part = |char: char| char.is_alphanumeric() || char == '_';
        let start = line[..position].rfind(|char| !is_part(char)).map_or(0, |at| at + 1);
        let begun = line[start..position].to_lowercase();
        let fitting = self.0.iter().filter(|name| !begun.is_empty() && name.starts_with(&begun));
        Ok((start, fitting.cloned().collect()))
    }
}

struct UntilSemicolon;

impl Validate for UntilSemicolon {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input().trim();
        let is_whole = text.is_empty() || text.starts_with('.') || text.ends_with(';') || matches!(Asked::read(text), Asked::Saved(_));
        Ok(if is_whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

/// Asks until there is nothing more to ask.
pub fn run(desk: &mut Desk<'_>) -> Result<Exit, Failure> {
    let failed = |error: ReadlineError| Failure::new(Exit::Failed, error);
    let mut editor: Editor<Names, FileHistory> = Editor::new().map_err(failed)?;
    editor.set_helper(Some(Names { completer: Words(desk.names()), validator: UntilSemicolon }));
    // A restricted prompt neither reads what others asked nor writes.
    let history = (!desk.args.restricted).then(|| desk.project.data_dir().join("query.history"));
    if let Some(history) = &history {
        // The first time there is none.
        let _ = editor.load_history(history);
    }
    output::print(&format!("snapshot {}\n{GREETING}", desk.snapshot.manifest.id))?;
    let mut last: Option<String> = None;
    loop {
        let text = match editor.readline("relato> ") {
            Ok(text) => text.trim().to_owned(),
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        };
        if text.is_empty() {
            continue;
        }
        let _ = editor.add_history_entry(&text);
        let done = match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            [".quit" | ".exit" | "exit" | "quit"] => break,
            [".export", file] => export(desk, last.as_deref(), file),
            _ => {
                if !text.starts_with('.') {
                    last = Some(text.clone());
                }
                ask(desk, &text)
            }
        };
        if let Err(failure) = done {
            failure.print();
        }
    }
    if let Some(history) = &history {
        editor.save_history(history).map_err(failed)?;
    }
    Ok(Exit::Done)
}

fn ask(desk: &mut Desk<'_>, text: &str) -> Result<Exit, Failure> {
    match Asked::read(text) {
        Asked::Command(command) => desk.command(&command),
        Asked::Saved(name) => desk.ask(&Wanted::Saved(&name)),
        Asked::Sql(sql) => desk.ask(&Wanted::Sql(&sql)),
    }
}

/// Asks the last question again, into a file whose ending says what it is.
fn export(desk: &mut Desk<'_>, last: Option<&str>, file: &str) -> Result<Exit, Failure> {
    if desk.args.restricted {
        return Err(Failure::told(Exit::Refused, "--restricted does not allow .export: nothing is written", None));
    }
    let Some(last) = last else { return Err(Failure::told(Exit::Usage, "nothing was asked yet", None)) };
    let format = match file.rsplit('.').next() {
        Some("csv") => QueryFormat::Csv,
        Some("json") => QueryFormat::Json,
        Some("xlsx") => QueryFormat::Xlsx,
        Some("parquet") => QueryFormat::Parquet,
        _ => {
            return Err(Failure::told(Exit::Usage, format!("`{file}` has no known ending (accepted: .csv, .json, .xlsx, .parquet)"), None));
        }
    };
    let before = desk.set_output(format, Some(file.into()));
    let done = ask(desk, last);
    desk.set_output(before.0, before.1);
    if done.is_ok() {
        output::print(&format!("{file}\n"))?;
    }
    done
}
