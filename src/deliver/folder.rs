//! Files in a folder: each appears whole. The same files over themselves change nothing, so that a try can always be repeated.

use std::{fs, path::Path};

use chrono::{DateTime, Utc};

use super::{Deliver, DeliveryError, Parcel};
use crate::files;

/// Puts files where the parcel's recipient says.
pub struct Folder;

impl Deliver for Folder {
    fn deliver(&self, parcel: &Parcel, _now: DateTime<Utc>) -> Result<String, DeliveryError> {
        let again = |error: &dyn std::fmt::Display| DeliveryError::Again(error.to_string());
        let folder = Path::new(&parcel.to);
        files::make_folder(folder).map_err(|error| again(&error))?;
        for file in &parcel.files {
            let place = |temporary: &Path| fs::copy(&file.path, temporary).map(|_| ()).map_err(files::FileError::of(&file.path));
            let sha256 = files::place(&folder.join(&file.name), place).map_err(|error| again(&error))?;
            if sha256 != file.sha256 {
                return Err(DeliveryError::Never(format!("{} has changed since it was made", file.path.display())));
            }
        }
        Ok(format!("{} files", parcel.files.len()))
    }
}
