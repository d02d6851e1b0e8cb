//! Printing to standard output, and files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{Exit, Failure};
use crate::domain::digest::Hashing;

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
    fill_file(path, |out| out.write_all(bytes).map_err(|error| cannot_write(path, &error))).map(|_| ())
}

/// Lets `fill` write a file under a temporary name beside it, then renames it; returns the SHA-256 of its bytes in hexadecimal. Where it
/// fails nothing is left.
pub fn fill_file(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), Failure>) -> Result<String, Failure> {
    let failed = |error: io::Error| cannot_write(path, &error);
    let temporary = temporary_name(path);
    let mut out = Hashing::new(BufWriter::new(File::create(&temporary).map_err(failed)?));
    let filled = fill(&mut out).and_then(|()| {
        let (buffered, sha256) = out.finish();
        let written = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
        written.sync_all().and_then(|()| fs::rename(&temporary, path)).map_err(failed)?;
        Ok(sha256)
    });
    filled.inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

/// Lets `save` make a file under a temporary name beside `path`, then renames it; returns the SHA-256 of its bytes in hexadecimal.
pub fn place_file(path: &Path, save: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<String, Failure> {
    let failed = |error: io::Error| cannot_write(path, &error);
    let temporary = temporary_name(path);
    let placed = save(&temporary).and_then(|()| {
        let mut hashing = Hashing::new(io::sink());
        let mut file = File::open(&temporary).map_err(failed)?;
        io::copy(&mut file, &mut hashing).and_then(|_| file.sync_all()).and_then(|()| fs::rename(&temporary, path)).map_err(failed)?;
        Ok(hashing.finish().1)
    });
    placed.inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

fn temporary_name(path: &Path) -> PathBuf {
    path.with_file_name(format!(".writing-{}-{}", std::process::id(), path.file_name().unwrap_or_default().to_string_lossy()))
}

/// The failure to write a file.
pub fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::told(Exit::Failed, format!("`{}` cannot be written: {error}", path.display()), None)
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path)
        .map_err(|error| Failure::told(Exit::Failed, format!("folder `{}` cannot be made: {error}", path.display()), None))
}
