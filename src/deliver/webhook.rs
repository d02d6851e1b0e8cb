//! A signed message to a program: which report there is, and where its files are.
//!
//! The body is signed with HMAC-SHA-256 over `timestamp.body`, in the header `Relato-Signature: t=SECONDS,v1=HEX`; the header
//! `Idempotency-Key` is the same for a repetition.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{header, redirect};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::Sha256;

use super::{Deliver, DeliveryError, Parcel};
use crate::{config::WebhookSpec, domain::digest::hex, files::FileMode};

/// Tells a program.
pub struct Webhook {
    spec: WebhookSpec,
    project_dir: PathBuf,
    mode: Option<FileMode>,
}

/// Longest wait for the program's answer.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Webhook {
    /// Makes a teller for the program of `spec`; the secret is fetched for each message.
    /// `mode` is what files get that another program is to hand out, where the settings say so.
    pub fn new(spec: &WebhookSpec, project_dir: &Path, mode: Option<FileMode>) -> Webhook {
        Webhook { spec: spec.clone(), project_dir: project_dir.to_owned(), mode }
    }

    /// Lets another program hand out the files of a parcel: they are delivered where they lie, in the folder of their run.
    fn share(&self, parcel: &Parcel) -> Result<(), DeliveryError> {
        let Some(mode) = self.mode.filter(|_| self.spec.files_url.is_some()) else { return Ok(()) };
        for file in &parcel.files {
            let mut folders = file.path.ancestors().skip(1).take(3);
            let shared = mode.set_file(&file.path).and_then(|()| folders.try_for_each(|folder| mode.set_folder(folder)));
            shared.map_err(|error| DeliveryError::Again(error.to_string()))?;
        }
        Ok(())
    }

    fn body(&self, parcel: &Parcel) -> String {
        let place = |path: &Path| match &self.spec.files_url {
            Some(url) => {
                let parts: Vec<String> = path.iter().rev().take(3).map(|part| part.to_string_lossy().into_owned()).collect();
                format!("{}/{}", url.trim_end_matches('/'), parts.into_iter().rev().collect::<Vec<_>>().join("/"))
            }
            None => path.display().to_string(),
        };
        let files: Vec<_> =
            parcel.files.iter().map(|file| json!({"name": file.name, "place": place(&file.path), "sha256": file.sha256})).collect();
        json!({"kind": "report", "subject": parcel.mail.subject, "text": parcel.mail.text, "facts": parcel.facts, "files": files})
            .to_string()
    }
}

/// Returns the signature of `body` at `seconds`, in hexadecimal.
fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{seconds}.{body}").as_bytes());
    hex(&mac.finalize().into_bytes())
}

impl Deliver for Webhook {
    fn deliver(&self, parcel: &Parcel, now: DateTime<Utc>) -> Result<String, DeliveryError> {
        let secret = self.spec.secret.fetch(&self.project_dir, "secret of the webhook")?;
        self.share(parcel)?;
        let (body, seconds) = (self.body(parcel), now.timestamp());
        let signed = format!("t={seconds},v1={}", signature(secret.expose_secret(), seconds, &body));
        let again = |error: &dyn std::fmt::Display| DeliveryError::Again(error.to_string());
        // An error means that the process has a provider of TLS already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| again(&error))?;
        runtime.block_on(async {
            // Figures and signature go to the declared address and nowhere else; what answers from another place took nothing.
            let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none());
            let client = client.build().map_err(|error| again(&words(&error)))?;
            let request = client
                .post(&parcel.to)
                .header("content-type", "application/json")
                .header("idempotency-key", &parcel.key)
                .header("relato-signature", signed)
                .body(body);
            let answer = request.send().await.map_err(|error| {
                let told = words(&error);
                // Where there was no connection nothing was told.
                if error.is_connect() || error.is_builder() { DeliveryError::Again(told) } else { DeliveryError::Unknown(told) }
            })?;
            let status = answer.status();
            match status.as_u16() {
                200..=299 => Ok(status.to_string()),
                408 | 425 | 429 | 500..=599 => Err(DeliveryError::Again(status.to_string())),
                300..=399 => Err(DeliveryError::Never(format!("{status}{}, which is not followed", pointed_at(&answer)))),
                _ => Err(DeliveryError::Never(status.to_string())),
            }
        })
    }
}

/// Names the host that a redirection points to; its path can hold a secret.
fn pointed_at(answer: &reqwest::Response) -> String {
    let location = answer.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    let target = location.and_then(|location| answer.url().join(location).ok());
    target.as_ref().and_then(reqwest::Url::host_str).map_or_else(String::new, |host| format!(" to {host}"))
}

/// The error with its cause, without the address, in which somebody may have put a secret.
fn words(error: &reqwest::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let kind = if error.is_timeout() { "no answer in time" } else { "could not be told" };
    format!("{kind}{cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // printf '1.{}' | openssl dgst -sha256 -hmac key
        assert_eq!(signature("key", 1, "{}"), "1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224");
    }
}
