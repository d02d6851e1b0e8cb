//! Makes a file of a report again, from what the ledger knows of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    making::{FileFormat, MakingError, Wanted, WrittenFile, make, write},
    rules,
};
use crate::{
    config::Project,
    ledger::{Ledger, Publication, PublishedFile},
    render,
};

/// What came of making a file again.
#[derive(Debug, Clone, PartialEq)]
pub struct Reproduced {
    /// What the ledger knows.
    pub publication: Publication,
    /// The file that was meant.
    pub file: PublishedFile,
    /// The new file.
    pub made: Option<WrittenFile>,
    /// Whether the report's content is that of the publication.
    pub same_content: bool,
    /// Whether settings and queries still mean the same.
    pub same_rules: bool,
}

impl Reproduced {
    /// Returns whether the new file is the published one, byte for byte.
    pub fn is_identical(&self) -> bool {
        self.made.as_ref().is_some_and(|made| made.sha256 == self.file.sha256)
    }
}

/// Makes every published file with this SHA-256 (or whose hash, or that of its content, begins so) again in `folder`. Of several
/// publications with the same hash the newest comes first.
///
/// # Errors
/// When the ledger, the snapshot or a definition cannot be read.
pub fn reproduce(project: &Project, hash: &str, folder: &Path, scratch: &dyn Fn() -> PathBuf) -> Result<Vec<Reproduced>, MakingError> {
    let ledger = Ledger::open(&project.ledger_file())?;
    let same_rules = rules(&project.settings, &project.query_texts()?);
    ledger
        .publications_of(hash)?
        .into_iter()
        .map(|(publication, file)| again(project, publication, file, folder, (&same_rules, scratch)))
        .collect()
}

fn again(
    project: &Project,
    publication: Publication,
    file: PublishedFile,
    folder: &Path,
    (rules, scratch): (&str, &dyn Fn() -> PathBuf),
) -> Result<Reproduced, MakingError> {
    let same_rules = publication.rules == rules;
    let mut reproduced = Reproduced { publication, file, made: None, same_content: false, same_rules };
    let reports = project.reports()?;
    let ending = reproduced.file.name.rsplit('.').next().unwrap_or_default();
    let (Some(spec), Some(format)) = (reports.get(&reproduced.publication.report), FileFormat::from_ending(ending)) else {
        return Ok(reproduced);
    };
    // The ledger does not say whether row-level tables were wanted; a file that can hold them tells by its bytes.
    let tries: &[bool] = if format.has_details() { &[true, false] } else { &[false] };
    for &with_details in tries {
        let wanted = Wanted {
            period: reproduced.publication.period,
            sector: reproduced.publication.sector.clone(),
            as_of: Some(&reproduced.publication.snapshot),
            with_details,
            scratch: scratch(),
            compares_parts: false,
        };
        let made = make(project, spec, &wanted)?;
        reproduced.same_content = reproduced.publication.content_sha256 == Some(render::content_sha256(&made.data));
        let place = folder.join(if with_details { "with-details" } else { "without-details" });
        let files = match write(&made.data, &[format], &place) {
            Err(MakingError::NoDetails(_)) => continue,
            files => files?,
        };
        let named = |file: &&WrittenFile| file.path.file_name().is_some_and(|name| name.to_string_lossy() == reproduced.file.name);
        let found = files.iter().find(|made| made.sha256 == reproduced.file.sha256).or_else(|| files.iter().find(named)).cloned();
        for other in files.iter().filter(|file| found.as_ref().is_none_or(|found| found.path != file.path)) {
            // Other parts of the report are not what was asked for.
            let _ = fs::remove_file(&other.path);
        }
        reproduced.made = found.or(reproduced.made);
        if reproduced.is_identical() {
            break;
        }
    }
    Ok(reproduced)
}
