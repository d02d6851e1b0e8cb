//! What belongs to a project: no output may take its place.

use std::path::{Component, Path, PathBuf};

use super::{Channels, Credentials, LakePlace, Project, SecretSource, Team};

impl Project {
    /// Returns the files and folders in which people declare what the project is, but for secrets: what is there of them.
    pub fn declared_places(&self) -> Vec<PathBuf> {
        let names = [Self::SETTINGS_FILE, "recipients.toml", Team::FILE, Channels::FILE, "schedules", "reports", "queries"];
        names.map(|name| self.dir.join(name)).into_iter().chain(self.given_files()).filter(|place| place.exists()).collect()
    }

    /// Returns whether a place is one of the project's own: settings, definitions, keys, data, snapshots, jobs. Links in the path are
    /// followed, also where the file itself does not exist yet.
    pub fn owns(&self, path: &Path) -> bool {
        let place = resolved(path);
        let files = [Self::SETTINGS_FILE, "recipients.toml", Team::FILE, Channels::FILE].map(|name| self.dir.join(name));
        let folders = ["schedules", "reports", "queries"].map(|name| self.dir.join(name));
        let folders = folders.into_iter().chain([self.data_dir(), self.snapshot_dir(), self.cluster_dir()]).chain(self.lake_folder());
        let own = resolved(&self.dir);
        let is_in_key_folder =
            |file: &PathBuf| file.parent().is_some_and(|folder| folder != own && folder.starts_with(&own) && place.starts_with(folder));
        files.iter().map(|file| resolved(file)).chain(self.given_files()).any(|file| file == place)
            || folders.map(|folder| resolved(&folder)).any(|folder| place.starts_with(folder))
            || self.secret_files().iter().map(|file| resolved(file)).any(|file| file == place || is_in_key_folder(&file))
    }

    fn lake_folder(&self) -> Option<PathBuf> {
        match &self.settings.lake.as_ref()?.place {
            LakePlace::Folder(folder) => Some(self.dir.join(folder)),
            LakePlace::Bucket(_) => None,
        }
    }

    /// Returns the files that the settings name beside secrets.
    fn given_files(&self) -> Vec<PathBuf> {
        let authority = self.settings.delivery.smtp.as_ref().and_then(|smtp| smtp.ca_file.as_ref());
        let named = [self.settings.document.logo_file.as_ref(), authority];
        named.into_iter().flatten().map(|file| resolved(&self.dir.join(file))).collect()
    }

    /// Returns the files with secrets that settings, schedules and channels name, as far as these can be read.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let settings = &self.settings;
        let mut secrets: Vec<SecretSource> = settings.blip_keys.iter().map(|key| key.secret.clone()).collect();
        secrets.push(settings.privacy.pseudonym_key.clone());
        if let Some(smtp) = &settings.delivery.smtp {
            secrets.extend(smtp.user.iter().chain(&smtp.password).cloned());
        }
        if let Some(Credentials::Keys { access_key, secret_key }) = self.bucket().map(|bucket| &bucket.credentials) {
            secrets.extend([access_key.clone(), secret_key.clone()]);
        }
        let schedules = self.schedules().unwrap_or_default().into_values();
        secrets.extend(schedules.filter_map(|schedule| schedule.webhook.map(|webhook| webhook.secret)));
        let channels = self.channels().map(|channels| channels.channels).unwrap_or_default().into_values();
        secrets.extend(channels.flat_map(|channel| channel.secrets.into_values()));
        let file = |secret: SecretSource| if let SecretSource::File(path) = secret { Some(self.dir.join(path)) } else { None };
        secrets.into_iter().filter_map(file).collect()
    }
}

/// Returns the absolute path without links, `.` and `..`; what does not exist keeps its name.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut place = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(place.pop()),
            Component::Normal(name) => {
                place.push(name);
                if let Ok(real) = place.canonicalize() {
                    place = real;
                }
            }
            other => place.push(other),
        }
    }
    place
}
