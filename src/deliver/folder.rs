//! Files in a folder: each appears whole. The same files over themselves change nothing, so that a try can always be repeated.

use std::{fs::File, io, path::Path};

use chrono::{DateTime, Utc};

use super::{Deliver, DeliveryError, Parcel};
use crate::files::{self, FileError, FileMode};

/// Puts files where the parcel's recipient says.
pub struct Folder {
    /// Permissions of the files, and of folders that are missing; none leaves them as the system makes them.
    pub mode: Option<FileMode>,
}

impl Deliver for Folder {
    fn deliver(&self, parcel: &Parcel, _now: DateTime<Utc>) -> Result<String, DeliveryError> {
        let again = |error: &dyn std::fmt::Display| DeliveryError::Again(error.to_string());
        let folder = Path::new(&parcel.to);
        files::make_shared_folder(folder, self.mode).map_err(|error| again(&error))?;
        for file in &parcel.files {
            let copy = |out: &mut (dyn io::Write + Send)| {
                let copied = File::open(&file.path).and_then(|mut made| io::copy(&mut made, out));
                copied.map(|_| ()).map_err(FileError::of(&file.path))
            };
            let sha256 = files::fill_as(&folder.join(&file.name), self.mode, copy).map_err(|error| again(&error))?;
            if sha256 != file.sha256 {
                return Err(DeliveryError::Never(format!("{} has changed since it was made", file.path.display())));
            }
        }
        Ok(format!("{} files", parcel.files.len()))
    }
}
