//! Printing to standard output, and files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::{Exit, Failure};

/// Writes `text` to standard output. A reader that went away is no error.
pub fn print(text: &str) -> Result<(), Failure> {
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
    print(&text)
}

/// Writes a file under a temporary name beside it, then renames it.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::told(Exit::Failed, format!("`{}` cannot be written: {error}", path.display()), None);
    let temporary =
        path.with_file_name(format!(".writing-{}-{}", std::process::id(), path.file_name().unwrap_or_default().to_string_lossy()));
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path)
        .map_err(|error| Failure::told(Exit::Failed, format!("folder `{}` cannot be made: {error}", path.display()), None))
}
