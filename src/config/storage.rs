//! `[storage]`: where the data lie, and the lake in which snapshots are.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::{SecretSource, address::is_guarded, delivery::Report};
use crate::files::FileMode;

/// `[storage] lake`: what several machines see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lake {
    /// Where it lies.
    pub place: LakePlace,
    /// Under which name this project publishes; none reads what all owners have, and publishes nothing.
    pub owner: Option<String>,
}

/// Where a lake lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LakePlace {
    /// In a folder, absolute or relative to the project.
    Folder(PathBuf),
    /// On object storage.
    Bucket(Bucket),
}

/// `s3://name/prefix`, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What the names of all objects begin with; empty for those of the whole bucket.
    pub prefix: String,
    /// Address of the service; none is Amazon's.
    pub endpoint: Option<String>,
    /// Region.
    pub region: String,
    /// Who asks.
    pub credentials: Credentials,
    /// How much of it this machine keeps, in megabytes.
    pub cache_mb: u64,
}

/// Who asks a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Whoever has these keys.
    Keys {
        /// The key's id.
        access_key: SecretSource,
        /// The key.
        secret_key: SecretSource,
    },
    /// The machine or container this runs on, as its platform says.
    Machine,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StorageTable {
    #[serde(default = "default_dir")]
    pub(super) dir: PathBuf,
    lake: Option<Spanned<String>>,
    owner: Option<Spanned<String>>,
    s3: Option<Spanned<S3Table>>,
    shared_file_mode: Option<Spanned<String>>,
}

impl Default for StorageTable {
    fn default() -> Self {
        StorageTable { dir: default_dir(), lake: None, owner: None, s3: None, shared_file_mode: None }
    }
}

fn default_dir() -> PathBuf {
    PathBuf::from("data")
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct S3Table {
    endpoint: Option<Spanned<String>>,
    region: Option<String>,
    access_key_env: Option<String>,
    access_key_file: Option<PathBuf>,
    secret_key_env: Option<String>,
    secret_key_file: Option<PathBuf>,
    #[serde(default)]
    machine_role: bool,
    cache_mb: Option<Spanned<u64>>,
}

/// What may be kept of a bucket where `cache_mb` does not say.
const CACHE_MB: u64 = 20_000;

/// How addresses of buckets begin.
const SCHEME: &str = "s3://";

impl StorageTable {
    /// Reads `shared_file_mode`.
    pub(super) fn shared_file_mode(&self, report: Report<'_>) -> Option<FileMode> {
        let text = self.shared_file_mode.as_ref()?;
        FileMode::parse(text.get_ref()).map_err(|message| report(text.span(), message)).ok()
    }

    /// Reads `lake`, `owner` and `s3`.
    pub(super) fn lake(self, report: Report<'_>) -> Option<Lake> {
        if let Some(owner) = &self.owner {
            let name = owner.get_ref();
            let is_plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
            if name.is_empty() || name.len() > 40 || !name.chars().all(is_plain) {
                report(owner.span(), format!("owner `{name}` is not accepted (accepted: up to 40 small letters, digits and hyphens)"));
            }
            if self.lake.is_none() {
                report(owner.span(), "an owner publishes into a lake: name its folder in `lake`".to_owned());
            }
        }
        let address = self.lake.as_ref().map_or("", |lake| lake.get_ref());
        if let Some(s3) = self.s3.as_ref().filter(|_| !address.starts_with(SCHEME)) {
            report(s3.span(), "[storage.s3] says how a lake on object storage is reached: `lake` names none".to_owned());
        }
        let lake = self.lake?;
        let place = if let Some(place) = lake.get_ref().strip_prefix(SCHEME) {
            let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
            if name.is_empty() {
                report(lake.span(), format!("lake `{}` names no bucket (accepted: s3://bucket/prefix)", lake.get_ref()));
            }
            let span = self.s3.as_ref().map_or_else(|| lake.span(), Spanned::span);
            let table = self.s3.map(Spanned::into_inner).unwrap_or_default();
            LakePlace::Bucket(table.bucket(name, prefix.trim_matches('/'), span, report))
        } else {
            if lake.get_ref().is_empty() || lake.get_ref().contains("://") {
                let accepted = "accepted: a folder that every machine sees, or s3://bucket/prefix";
                report(lake.span(), format!("lake `{}` is not accepted ({accepted})", lake.get_ref()));
            }
            LakePlace::Folder(PathBuf::from(lake.get_ref()))
        };
        Some(Lake { place, owner: self.owner.map(Spanned::into_inner) })
    }
}

impl S3Table {
    fn bucket(self, name: &str, prefix: &str, span: std::ops::Range<usize>, report: Report<'_>) -> Bucket {
        if let Some(endpoint) = self.endpoint.as_ref().filter(|endpoint| !is_guarded(endpoint.get_ref())) {
            let accepted = "accepted: https://…, or http://127.0.0.1:PORT for a test on this machine; rows are sent there";
            report(endpoint.span(), format!("endpoint `{}` is not accepted ({accepted})", endpoint.get_ref()));
        }
        if let Some(cache) = self.cache_mb.as_ref().filter(|cache| *cache.get_ref() == 0) {
            report(cache.span(), "cache_mb `0` is not accepted (accepted: 1 or more)".to_owned());
        }
        for (key, env, file) in
            [("access_key", &self.access_key_env, &self.access_key_file), ("secret_key", &self.secret_key_env, &self.secret_key_file)]
        {
            if env.is_some() && file.is_some() {
                report(span.clone(), format!("[storage.s3] has both `{key}_env` and `{key}_file`; keep one"));
            } else if self.machine_role && (env.is_some() || file.is_some()) {
                report(span.clone(), format!("[storage.s3] has machine_role and a `{key}`; keep one"));
            }
        }
        let source = |env: Option<String>, file: Option<PathBuf>, usual: &str| match (env, file) {
            (_, Some(path)) => SecretSource::File(path),
            (env, None) => SecretSource::Env(env.unwrap_or_else(|| usual.to_owned())),
        };
        Bucket {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: self.endpoint.map(|endpoint| endpoint.into_inner().trim_end_matches('/').to_owned()),
            region: self.region.unwrap_or_else(|| "us-east-1".to_owned()),
            credentials: if self.machine_role {
                Credentials::Machine
            } else {
                Credentials::Keys {
                    access_key: source(self.access_key_env, self.access_key_file, "AWS_ACCESS_KEY_ID"),
                    secret_key: source(self.secret_key_env, self.secret_key_file, "AWS_SECRET_ACCESS_KEY"),
                }
            },
            cache_mb: self.cache_mb.map_or(CACHE_MB, Spanned::into_inner),
        }
    }
}

impl Bucket {
    /// Returns its address, as people write it.
    pub fn address(&self) -> String {
        let separator = if self.prefix.is_empty() { "" } else { "/" };
        format!("{SCHEME}{}{separator}{}", self.name, self.prefix)
    }
}
