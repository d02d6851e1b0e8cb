//! Where a secret is, and how it is fetched: from an environment variable or a file, never from the configuration itself.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Problem;

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In this environment variable.
    Env(String),
    /// In this file, which holds nothing else; relative to the project folder.
    File(PathBuf),
}

impl SecretSource {
    /// Makes a source from the two keys `*_env` and `*_file`, of which exactly one must be given.
    pub(super) fn from_pair(name: &str, env: Option<&String>, file: Option<&PathBuf>) -> Result<SecretSource, String> {
        match (env, file) {
            (Some(variable), None) => Ok(SecretSource::Env(variable.clone())),
            (None, Some(path)) => Ok(SecretSource::File(path.clone())),
            (None, None) => Err(format!("needs `{name}_env` or `{name}_file`: secrets are never written in this file")),
            (Some(_), Some(_)) => Err(format!("has both `{name}_env` and `{name}_file`; keep one")),
        }
    }

    /// Fetches the secret.
    ///
    /// # Errors
    /// Names the variable or file that is missing or empty, and what to do.
    pub fn fetch(&self, project_dir: &Path, purpose: &str) -> Result<SecretString, Problem> {
        let (place, found) = match self {
            SecretSource::Env(variable) => (PathBuf::from("relato.toml"), std::env::var(variable).ok()),
            SecretSource::File(path) => {
                let path = project_dir.join(path);
                let found = std::fs::read_to_string(&path).ok();
                (path, found)
            }
        };
        match found.as_deref().map(str::trim) {
            Some(secret) if !secret.is_empty() => Ok(SecretString::from(secret)),
            _ => Err(match self {
                SecretSource::Env(variable) => Problem::of_file(place, format!("{purpose}: environment variable `{variable}` is not set"))
                    .with_help(format!("run `export {variable}=…` or name a file with the secret instead")),
                SecretSource::File(_) => Problem::of_file(place, format!("{purpose}: the file is missing or empty"))
                    .with_help("write the secret into this file, readable by its owner only"),
            }),
        }
    }
}
