//! Tables without attendants' names and addresses, for those who must not see them: files of their own, so that what is not to be seen is
//! nowhere in reach.
//!
//! A masked part is made once, when it is asked for first, and named by what it was made from. Its pseudonyms are keyed with a secret of
//! the project, so the same attendant is the same pseudonym in all tables and over all years.

use std::{
    fs,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::{
    domain::digest::sha256,
    files::{self, FileError},
    ingest::Pseudonyms,
    query,
    snapshot::Part,
};

/// A masked part that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The part cannot be read or written.
    #[error(transparent)]
    Query(#[from] query::QueryError),
}

/// Where masked parts lie, and what their pseudonyms are keyed with.
pub struct Masks {
    folder: PathBuf,
    pseudonyms: Pseudonyms,
}

fn folder_of(data: &Path) -> PathBuf {
    data.join("masked")
}

impl Masks {
    /// Removes all masked parts; those that are asked for again are made again, with the same pseudonyms.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn clear(data: &Path) -> Result<(), FileError> {
        let folder = folder_of(data);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::of(&folder)(error)),
            _ => Ok(()),
        }
    }

    /// Opens the masked parts of a project, whose data lie in `data`.
    ///
    /// # Errors
    /// When the secret can be neither read nor made.
    pub fn open(data: &Path) -> Result<Masks, MaskError> {
        let folder = folder_of(data);
        files::make_folder(&folder)?;
        let secret = files::own_secret(&data.join("masked.secret"))?;
        Ok(Masks { folder, pseudonyms: Pseudonyms::new(&SecretString::from(secret)) })
    }

    /// Returns the file of a part in which the attendants in `columns` are pseudonyms; `source` is the part's own.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn part(&self, part: &Part, source: &Path, columns: &[String]) -> Result<PathBuf, MaskError> {
        let what = format!("{} {} {}", part.sha256, columns.join(","), self.pseudonyms.keyed("masked", ""));
        let path = self.folder.join(format!("{}.parquet", &sha256(what.as_bytes())[..32]));
        if !path.exists() {
            let pseudonym = |name: &str| format!("atendente-{}", &self.pseudonyms.keyed("agent", &name.to_lowercase())[..10]);
            files::place(&path, |temporary| query::mask(source, columns, &pseudonym, temporary).map_err(MaskError::from))?;
        }
        Ok(path)
    }
}
