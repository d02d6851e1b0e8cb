//! One bot's key: authentication, time-outs, throughput, retries and paging.

use std::{num::NonZeroU32, sync::Once, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{
    BlipError,
    envelope::{Answer, Collection, GetCommand, Status},
};

/// How patient a client is.
#[derive(Debug, Clone, Copy)]
pub struct ClientOptions {
    /// Upper limit of commands a second.
    pub commands_per_second: u32,
    /// Longest wait for one answer. Blip itself gives up after 60 seconds.
    pub timeout: Duration,
    /// How often a command is asked in all before it counts as failed.
    pub attempts: usize,
    /// First pause between two attempts; each further one doubles.
    pub first_pause: Duration,
    /// Pause after HTTP 429. Blip refuses a throttled key for two minutes.
    pub throttle_pause: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            commands_per_second: 40,
            timeout: Duration::from_secs(65),
            attempts: 4,
            first_pause: Duration::from_millis(400),
            throttle_pause: Duration::from_mins(2),
        }
    }
}

/// A client for one key.
pub struct Client {
    key_name: String,
    base_url: String,
    commands_url: String,
    http: reqwest::Client,
    limiter: DefaultDirectRateLimiter,
    options: ClientOptions,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// When the key cannot be sent in a header.
    pub fn new(key_name: &str, base_url: &str, key: &SecretString, options: ClientOptions) -> Result<Client, BlipError> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // An error means that the process has a provider already, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut authorization = header::HeaderValue::from_str(&format!("Key {}", key.expose_secret()))
            .map_err(|_| BlipError::KeyText { key: key_name.to_owned() })?;
        authorization.set_sensitive(true);
        let mut builder = reqwest::Client::builder()
            .default_headers([(header::AUTHORIZATION, authorization)].into_iter().collect())
            .connect_timeout(Duration::from_secs(10))
            .timeout(options.timeout);
        if ["http://127.", "http://localhost", "http://[::1]"].iter().any(|loopback| base_url.starts_with(loopback)) {
            builder = builder.no_proxy();
        }
        let per_second = NonZeroU32::new(options.commands_per_second).unwrap_or(NonZeroU32::MIN);
        Ok(Client {
            key_name: key_name.to_owned(),
            base_url: base_url.to_owned(),
            commands_url: format!("{base_url}/commands"),
            http: builder.build().map_err(BlipError::Setup)?,
            // A burst of a tenth of a second keeps the rate even over any whole second.
            limiter: RateLimiter::direct(
                Quota::per_second(per_second).allow_burst(NonZeroU32::new(per_second.get().div_ceil(10)).unwrap_or(NonZeroU32::MIN)),
            ),
            options,
        })
    }

    /// Returns the name of the key, for messages and records.
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    /// Asks for a resource, again where that can help.
    ///
    /// # Errors
    /// The last attempt's, when none succeeded.
    pub async fn get<T: DeserializeOwned>(&self, to: Option<&str>, uri: &str) -> Result<T, BlipError> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(self.options.first_pause)
            .with_max_times(self.options.attempts.saturating_sub(1))
            .with_jitter()
            // Without a seed of its own every command would pause for the same time.
            .with_jitter_seed(Uuid::new_v4().as_u64_pair().0)
            .build();
        loop {
            let error = match self.get_once(to, uri).await {
                Ok(resource) => return Ok(resource),
                Err(error) => error,
            };
            match pauses.next().filter(|_| error.is_retryable()) {
                None => return Err(error),
                Some(pause) => {
                    let pause = if matches!(error, BlipError::Throttled { .. }) { self.options.throttle_pause } else { pause };
                    tracing::warn!(blip.key = self.key_name, %error, pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), "asking again");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn get_once<T: DeserializeOwned>(&self, to: Option<&str>, uri: &str) -> Result<T, BlipError> {
        self.limiter.until_ready().await;
        let command = GetCommand { id: Uuid::new_v4().to_string(), to, method: "get", uri };
        let unreachable = |source: reqwest::Error| BlipError::Unreachable {
            base_url: self.base_url.clone(),
            key: self.key_name.clone(),
            source: source.without_url(),
        };
        let response = self.http.post(&self.commands_url).json(&command).send().await.map_err(unreachable)?;
        let (key, text) = (self.key_name.clone(), || format!("get {uri}"));
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(BlipError::Unauthorized { base_url: self.base_url.clone(), key }),
            StatusCode::TOO_MANY_REQUESTS => return Err(BlipError::Throttled { key }),
            status => return Err(BlipError::Http { status: status.as_u16(), command: text(), key }),
        }
        let body = response.bytes().await.map_err(unreachable)?;
        let malformed = |source| BlipError::Malformed { command: text(), key: self.key_name.clone(), source };
        let answer: Answer<T> = serde_json::from_slice(&body).map_err(malformed)?;
        match (answer.status, answer.resource) {
            (Status::Success, Some(resource)) => Ok(resource),
            (Status::Success, None) => Err(malformed(serde::de::Error::missing_field("resource"))),
            (Status::Failure, _) => Err(BlipError::Refused {
                command: text(),
                key,
                code: answer.reason.as_ref().and_then(|reason| reason.code),
                description: answer.reason.and_then(|reason| reason.description).unwrap_or_else(|| "no reason given".to_owned()),
            }),
        }
    }

    /// Asks for all pages of a collection: until one is shorter than asked for.
    ///
    /// Returns the items and the total that Blip named, where it named one. Items that moved between pages can come twice.
    ///
    /// # Errors
    /// That of any page.
    pub async fn get_all<T: DeserializeOwned>(&self, to: Option<&str>, uri: &str, take: usize) -> Result<(Vec<T>, Option<u64>), BlipError> {
        let joint = if uri.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut total = None;
        loop {
            let page: Collection<T> = self.get(to, &format!("{uri}{joint}$skip={}&$take={take}", items.len())).await?;
            let count = page.items.len();
            total = page.total.or(total);
            items.extend(page.items);
            if count < take {
                return Ok((items, total));
            }
        }
    }

    /// Asks for one page of a collection.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_page<T: DeserializeOwned>(&self, to: Option<&str>, uri: &str) -> Result<Vec<T>, BlipError> {
        Ok(self.get::<Collection<T>>(to, uri).await?.items)
    }
}
