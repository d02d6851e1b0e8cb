//! Files of a project that other users of the system can read, or settings that they can change.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::output::foreign;
use crate::config::Project;

/// Most files of the data folder that are named.
const NAMED: usize = 5;

/// Returns a line for each file that others can read and should not, and what to do about it.
pub fn readable_by_others(project: &Project) -> Vec<String> {
    let mut lines = Vec::new();
    for file in project.secret_files().into_iter().filter(|file| reach(file, 0o4)) {
        lines.push(format!("{} holds a secret, and others can read it: chmod 600", shown(&file)));
    }
    let settings = project.dir.join(Project::SETTINGS_FILE);
    let schedules = fs::read_dir(project.dir.join("schedules")).into_iter().flatten().flatten().map(|entry| entry.path());
    for file in [settings].into_iter().chain(schedules) {
        if reach(&file, 0o2) {
            lines.push(format!("others can change {}: chmod go-w", shown(&file)));
        } else if reach(&file, 0o4) && holds_a_secret(&file) {
            lines.push(format!("{} has an address with a secret in it, and others can read it: chmod 600", shown(&file)));
        }
    }
    let data = data_files(project).into_iter().filter(|file| reach(file, 0o4)).collect::<Vec<_>>();
    if !data.is_empty() {
        let named: Vec<String> = data.iter().take(NAMED).map(|file| shown(file)).collect();
        let more = data.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let folder = shown(&project.data_dir());
        lines.push(format!("others can read {}{more}: chmod -R go= {folder}", named.join(", ")));
    }
    lines
}

fn shown(file: &Path) -> String {
    foreign(&file.display().to_string()).into_owned()
}

/// Returns whether users who are not the owner have the right `bit` (4 reads, 2 writes) on a file, and may enter every folder above it.
fn reach(file: &Path, bit: u32) -> bool {
    let Ok(place) = file.canonicalize() else { return false };
    let mode = |path: &Path| fs::metadata(path).map_or(0, |found| found.permissions().mode());
    let enters = |class: u32| place.ancestors().skip(1).all(|folder| mode(folder) & (0o1 << class | 0o1) != 0);
    [0, 3].into_iter().any(|class| mode(&place) & (bit << class) != 0 && enters(class))
}

/// Returns whether a settings file has an address with a password or a query in it, as webhooks of some services have.
fn holds_a_secret(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    let addresses = text.split(['"', '\'']).filter(|word| word.starts_with("http://") || word.starts_with("https://"));
    addresses.into_iter().any(|address| address.contains(['@', '?']))
}

/// Returns the files of the data folder; snapshots and jobs that lie elsewhere are shared on purpose.
fn data_files(project: &Project) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![project.data_dir()]);
    let shared = project.cluster_dir();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.path() != shared => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}
