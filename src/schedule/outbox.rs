//! What is on its way, as files: the mail and the report's files of each run, so that a try after a crash sends the same bytes.
//!
//! `outbox/RUN/SCOPE/`: `parcel.json`, `mail.html`, `mail.txt`, `chart.png`, and the files in `files/`. A scope is all sectors or one.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    deliver::{Facts, ParcelFile},
    files,
    render::Mail,
};

/// The outbox of a project.
#[derive(Debug, Clone)]
pub struct Outbox {
    dir: PathBuf,
}

/// A report on its way, without its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The text of a mail.
    pub mail: Mail,
    /// The files, in order.
    pub files: Vec<ParcelFile>,
    /// Beginning of the files' names, which a folder's own names replace.
    pub stem: String,
    /// What the report is.
    pub facts: Facts,
}

#[derive(Serialize, Deserialize)]
struct Index {
    subject: String,
    stem: String,
    facts: Facts,
    files: Vec<IndexFile>,
}

#[derive(Serialize, Deserialize)]
struct IndexFile {
    name: String,
    sha256: String,
    attached: bool,
}

impl Outbox {
    /// Names the outbox in `dir`.
    pub fn new(dir: PathBuf) -> Outbox {
        Outbox { dir }
    }

    /// Returns an empty folder in which the files of a scope are made, cleared of what an earlier try left.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn begin(&self, run: i64, scope: &str) -> io::Result<PathBuf> {
        let folder = self.dir.join(run.to_string()).join(scope);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(folder.join("files"))?;
        Ok(folder)
    }

    /// Completes a scope whose files are in its folder; returns its name within the outbox.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn complete(&self, run: i64, scope: &str, stored: &Stored) -> io::Result<String> {
        let folder = self.dir.join(run.to_string()).join(scope);
        let write = |name: &str, bytes: &[u8]| files::write(&folder.join(name), bytes).map_err(|error| error.source);
        write("mail.html", stored.mail.html.as_bytes())?;
        write("mail.txt", stored.mail.text.as_bytes())?;
        if let Some(picture) = &stored.mail.picture {
            write("chart.png", picture)?;
        }
        let index = Index {
            subject: stored.mail.subject.clone(),
            stem: stored.stem.clone(),
            facts: stored.facts.clone(),
            files: stored
                .files
                .iter()
                .map(|file| IndexFile { name: file.name.clone(), sha256: file.sha256.clone(), attached: file.attached })
                .collect(),
        };
        // Written last: a folder with it is whole.
        write("parcel.json", &serde_json::to_vec_pretty(&index)?)?;
        Ok(format!("{run}/{scope}"))
    }

    /// Reads what is on its way.
    ///
    /// # Errors
    /// When the system refuses, or a file is missing.
    pub fn read(&self, parcel: &str) -> io::Result<Stored> {
        let folder = self.dir.join(parcel);
        let index: Index = serde_json::from_slice(&fs::read(folder.join("parcel.json"))?)?;
        let picture = folder.join("chart.png");
        Ok(Stored {
            mail: Mail {
                subject: index.subject,
                text: fs::read_to_string(folder.join("mail.txt"))?,
                html: fs::read_to_string(folder.join("mail.html"))?,
                picture: if picture.exists() { Some(fs::read(picture)?) } else { None },
            },
            files: index
                .files
                .into_iter()
                .map(|file| ParcelFile {
                    path: folder.join("files").join(&file.name),
                    name: file.name,
                    sha256: file.sha256,
                    attached: file.attached,
                })
                .collect(),
            stem: index.stem,
            facts: index.facts,
        })
    }

    /// Removes the folders of all runs but `kept`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn clear(&self, kept: &BTreeSet<i64>) -> io::Result<usize> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Ok(0) };
        let mut removed = 0;
        for entry in entries {
            let path = entry?.path();
            if run_of(&path).is_some_and(|run| !kept.contains(&run)) {
                fs::remove_dir_all(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn run_of(path: &Path) -> Option<i64> {
    path.file_name()?.to_str()?.parse().ok()
}
