//! One bot's key: authentication, time-outs, throughput, retries and paging.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use chrono::{DateTime, Utc};
use reqwest::{StatusCode, Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{
    BlipError, ErrorKind,
    envelope::{Answer, Command, Method, Status},
    identity,
    pace::Pace,
    readings::Readings,
    record::{Entry, Page, Record, read_page},
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
    /// How often, as long as there has not been a single answer: a wrong address is told soon.
    pub first_attempts: usize,
    /// First pause between two attempts; each further one doubles, up to 20 seconds.
    pub first_pause: Duration,
    /// Most that is read of an answer, in bytes. A page of a hundred tickets has a hundred thousand.
    pub largest_answer: usize,
    /// Most pages that are read of a list, whatever Blip gives as its total. Of tickets, as many as a million in one day.
    pub most_pages: usize,
    /// Pause of the whole key after HTTP 429 without a time of its own. Blip refuses a throttled key for two minutes.
    pub throttle_pause: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            commands_per_second: 40,
            timeout: Duration::from_secs(65),
            attempts: 6,
            first_attempts: 3,
            first_pause: Duration::from_millis(400),
            largest_answer: 64_000_000,
            most_pages: 10_000,
            throttle_pause: Duration::from_mins(2),
        }
    }
}

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How often one command sits out a throttled key before it counts as failed.
const THROTTLE_PAUSES: usize = 5;

/// How often a collection whose pages shift is read from its start.
const PASSES: usize = 4;

/// How often a write that may be repeated is sent in all.
const WRITE_ATTEMPTS: usize = 3;

/// Whether a write may be sent again when nobody knows what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is as good as once: it carries its own key.
    Safe,
    /// Twice may do twice.
    Never,
}

/// A command, without what makes it travel.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub method: Method,
    pub to: Option<&'a str>,
    pub uri: &'a str,
    /// MIME type and body of a write.
    pub body: Option<(&'a str, &'a serde_json::Value)>,
}

/// What one collection gave.
#[derive(Debug)]
pub struct Listing<E> {
    /// The records, each once, or what was kept of each.
    pub entries: Vec<E>,
    /// Number that Blip says there are, where it said so.
    pub total: Option<u64>,
    /// Whether the pages fitted together: each began with the last record of the one before. Otherwise a record can be missing.
    pub is_steady: bool,
}

/// A client for one key.
pub struct Client {
    key_name: String,
    owner: Option<String>,
    base_url: String,
    commands_url: Url,
    http: reqwest::Client,
    pace: Pace,
    options: ClientOptions,
    unknown_fields: Mutex<BTreeMap<(&'static str, String), u64>>,
    has_answered: AtomicBool,
    made: Instant,
    date: Mutex<Option<(DateTime<Utc>, Duration)>>,
    sent: AtomicU64,
    readings: Mutex<Readings>,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// When the key cannot be sent in a header, or `base_url` is no address.
    pub fn new(key_name: &str, base_url: &str, key: &SecretString, options: ClientOptions) -> Result<Client, BlipError> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // An error means that the process has a provider already, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut authorization = header::HeaderValue::from_str(&format!("Key {}", key.expose_secret()))
            .map_err(|_| BlipError::KeyText { key: key_name.to_owned() })?;
        authorization.set_sensitive(true);
        let commands_url = Url::parse(&format!("{base_url}/commands"))
            .map_err(|_| BlipError::Address { key: key_name.to_owned(), base_url: base_url.to_owned() })?;
        let mut builder = reqwest::Client::builder()
            .default_headers([(header::AUTHORIZATION, authorization)].into_iter().collect())
            .connect_timeout(options.timeout.min(Duration::from_secs(10)))
            .timeout(options.timeout)
            // A command names customers, and goes to the contract's own address only.
            .redirect(redirect::Policy::none());
        if ["http://127.", "http://localhost", "http://[::1]"].iter().any(|loopback| base_url.starts_with(loopback)) {
            builder = builder.no_proxy();
        }
        Ok(Client {
            key_name: key_name.to_owned(),
            owner: identity::key_owner(key.expose_secret()),
            base_url: base_url.to_owned(),
            commands_url,
            http: builder.build().map_err(BlipError::Setup)?,
            pace: Pace::new(options.commands_per_second),
            options,
            unknown_fields: Mutex::default(),
            has_answered: AtomicBool::new(false),
            made: Instant::now(),
            date: Mutex::default(),
            sent: AtomicU64::new(0),
            readings: Mutex::default(),
        })
    }

    /// Returns the name of the key, for messages and records.
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    /// Returns how many commands were sent so far, repetitions included.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Returns the bot that the key says it belongs to; none where it is not made as Blip documents.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Returns how this key reads what the documentation leaves open, as far as that is known.
    pub fn readings(&self) -> Readings {
        *self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what is known of how this key reads what the documentation leaves open.
    pub fn set_readings(&self, readings: Readings) {
        *self.readings.lock().unwrap_or_else(PoisonError::into_inner) = readings;
    }

    /// Returns whether Blip has answered any command of this client.
    pub fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// Returns the `Date` of the newest answer, to the second, and how long after this client was made it came; none where no answer had one.
    pub fn date(&self) -> Option<(DateTime<Utc>, Duration)> {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the address that commands go to.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns how many commands should be under way at once to use the key's throughput, assuming a quarter of a second for each.
    pub fn concurrency(&self) -> usize {
        (self.options.commands_per_second as usize / 4).clamp(8, 64)
    }

    /// Returns how often a field that nobody documented was seen, by kind of record and name, and starts counting anew.
    pub fn take_unknown_fields(&self) -> BTreeMap<(&'static str, String), u64> {
        std::mem::take(&mut *self.unknown_fields.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for a single resource, again where that can help.
    ///
    /// # Errors
    /// The last attempt's, when none succeeded.
    pub async fn get<T: DeserializeOwned>(&self, to: Option<&str>, uri: &str) -> Result<T, BlipError> {
        self.ask(to, uri, |body| serde_json::from_slice(body)).await
    }

    /// Asks whether anybody is there.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn ping(&self) -> Result<(), BlipError> {
        self.get::<serde::de::IgnoredAny>(None, "/ping").await.map(|_| ())
    }

    /// Asks for one page of a collection.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn page<T: Record>(&self, to: Option<&str>, uri: &str) -> Result<Page<T>, BlipError> {
        let read = |body: &[u8]| {
            let mut unknown = BTreeMap::new();
            let answer = read_page::<T>(body, &mut unknown);
            if !unknown.is_empty() {
                let mut fields = self.unknown_fields.lock().unwrap_or_else(PoisonError::into_inner);
                for (field, count) in unknown {
                    *fields.entry((T::KIND, field)).or_default() += count;
                }
            }
            answer
        };
        self.ask(to, uri, read).await
    }

    /// Asks for all pages of a collection: until one is shorter than asked for, or holds a record for which `is_enough`.
    ///
    /// Each page begins with the last record of the one before. When it does not, records moved meanwhile, and the collection is
    /// read once more from its start; what still does not fit after some passes is told in the listing.
    ///
    /// # Errors
    /// That of any page.
    pub(super) async fn list<T: Record>(
        &self,
        to: Option<&str>,
        uri: &str,
        take: usize,
        is_enough: impl Fn(&T) -> bool,
    ) -> Result<Listing<Entry<T>>, BlipError> {
        self.list_kept(to, uri, take, is_enough, |entry| entry).await
    }

    /// As [`Client::list`], holding of each record only what `keep` makes of it: a long list then takes no more room than what is kept.
    ///
    /// # Errors
    /// That of any page.
    pub(super) async fn list_kept<T: Record, E>(
        &self,
        to: Option<&str>,
        uri: &str,
        take: usize,
        is_enough: impl Fn(&T) -> bool,
        keep: impl Fn(Entry<T>) -> E,
    ) -> Result<Listing<E>, BlipError> {
        let mut best: Option<Listing<E>> = None;
        for _ in 0..PASSES {
            let pass = self.pass(to, uri, take, &is_enough, &keep).await?;
            let is_whole = pass.is_steady && pass.total.is_none_or(|total| pass.entries.len() as u64 >= total);
            let earlier = best.take();
            let longer = earlier.filter(|earlier| !is_whole && earlier.entries.len() > pass.entries.len());
            let longer = longer.unwrap_or(pass);
            if is_whole {
                return Ok(longer);
            }
            best = Some(longer);
        }
        Ok(best.expect("at least one pass was made"))
    }

    async fn pass<T: Record, E>(
        &self,
        to: Option<&str>,
        uri: &str,
        take: usize,
        is_enough: &impl Fn(&T) -> bool,
        keep: &impl Fn(Entry<T>) -> E,
    ) -> Result<Listing<E>, BlipError> {
        let joint = if uri.contains('?') { '&' } else { '?' };
        let mut listing: Listing<E> = Listing { entries: Vec::new(), total: None, is_steady: true };
        let mut last: Option<Entry<T>> = None;
        for _ in 0..self.most_pages() {
            let skip = listing.entries.len().saturating_sub(1);
            let page: Page<T> = super::error::or_empty(self.page(to, &format!("{uri}{joint}$skip={skip}&$take={take}")).await)?;
            listing.total = page.total.max(listing.total);
            let count = page.entries.len();
            let mut entries = page.entries.into_iter();
            if let Some(last) = &last {
                let first = entries.next();
                listing.is_steady &= match (last, &first) {
                    (Entry::Record(last), Some(Entry::Record(first))) => last.is_same(first),
                    (Entry::Unreadable(last), Some(Entry::Unreadable(first))) => last == first,
                    _ => false,
                };
                if !listing.is_steady {
                    return Ok(listing);
                }
            }
            let rest = entries.as_slice();
            let is_last = count < take || rest.iter().any(|entry| matches!(entry, Entry::Record(record) if is_enough(record)));
            last = rest.last().cloned().or(last);
            listing.entries.extend(entries.map(keep));
            if is_last {
                return Ok(listing);
            }
        }
        Err(self.endless(uri))
    }

    /// Returns how many pages of a list are read at most.
    pub(super) fn most_pages(&self) -> usize {
        self.options.most_pages
    }

    /// Returns the failure of a list that does not end.
    pub(super) fn endless(&self, uri: &str) -> BlipError {
        BlipError::Endless { command: format!("get {}", without_customer(uri)), key: self.key_name.clone(), pages: self.most_pages() }
    }

    /// Changes something.
    ///
    /// A key that is throttled waits and goes on, because nothing was done then. After any other failure the write is sent again only where
    /// it is [`Repeat::Safe`]; [`BlipError::is_unclear`] tells a failure after which it may have been done all the same.
    ///
    /// # Errors
    /// The last attempt's, when none succeeded.
    pub(super) async fn change(&self, write: Request<'_>, repeat: Repeat) -> Result<(), BlipError> {
        let read = |body: &[u8]| {
            let answer: Answer<serde::de::IgnoredAny> = serde_json::from_slice(body)?;
            // A write is done without there being anything to say.
            let resource = Some(answer.resource.unwrap_or_default());
            Ok(Answer { status: answer.status, resource, reason: answer.reason })
        };
        self.send(write, if repeat == Repeat::Safe { WRITE_ATTEMPTS } else { 1 }, read).await.map(|_| ())
    }

    /// Asks until there is an answer, or asking has no use.
    async fn ask<T>(
        &self,
        to: Option<&str>,
        uri: &str,
        read: impl Fn(&[u8]) -> Result<Answer<T>, serde_json::Error>,
    ) -> Result<T, BlipError> {
        let attempts = if self.has_answered.load(Ordering::Relaxed) { self.options.attempts } else { self.options.first_attempts };
        self.send(Request { method: Method::Get, to, uri, body: None }, attempts, read).await
    }

    async fn send<T>(
        &self,
        request: Request<'_>,
        attempts: usize,
        read: impl Fn(&[u8]) -> Result<Answer<T>, serde_json::Error>,
    ) -> Result<T, BlipError> {
        let mut pauses = None;
        let mut throttled = 0;
        loop {
            let error = match self.send_once(request, &read).await {
                Ok(resource) => {
                    self.has_answered.store(true, Ordering::Relaxed);
                    return Ok(resource);
                }
                Err(error) => error,
            };
            match error.kind() {
                ErrorKind::Passing => match pauses.get_or_insert_with(|| self.pauses(attempts)).next() {
                    None => return Err(error),
                    Some(pause) => {
                        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                        tracing::info!(blip.key = self.key_name, %error, pause_ms, "asking again");
                        tokio::time::sleep(pause).await;
                    }
                },
                ErrorKind::Throttled(told) if throttled < THROTTLE_PAUSES => {
                    throttled += 1;
                    let pause = told.unwrap_or(self.options.throttle_pause);
                    tracing::warn!(blip.key = self.key_name, pause_s = pause.as_secs(), "Blip throttles this key: it keeps still");
                    self.pace.keep_still(pause);
                }
                _ => return Err(error),
            }
        }
    }

    fn note_date(&self, headers: &header::HeaderMap) {
        let date = headers.get(header::DATE).and_then(|value| DateTime::parse_from_rfc2822(value.to_str().ok()?).ok());
        if let Some(date) = date {
            *self.date.lock().unwrap_or_else(PoisonError::into_inner) = Some((date.to_utc(), self.made.elapsed()));
        }
    }

    /// Returns the pauses between so many attempts.
    fn pauses(&self, attempts: usize) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.options.first_pause)
            .with_max_delay(LONGEST_PAUSE.max(self.options.first_pause))
            .with_max_times(attempts.saturating_sub(1))
            .with_jitter()
            // Without a seed of its own every command would pause for the same time.
            .with_jitter_seed(Uuid::new_v4().as_u64_pair().0)
            .build()
    }

    async fn send_once<T>(
        &self,
        request: Request<'_>,
        read: &impl Fn(&[u8]) -> Result<Answer<T>, serde_json::Error>,
    ) -> Result<T, BlipError> {
        let Request { method, to, uri, body } = request;
        let (mime, resource) = body.unzip();
        let command = Command { id: Uuid::new_v4().to_string(), to, method, uri, mime, resource };
        let (key, text) = (self.key_name.clone(), || format!("{method} {}", without_customer(uri)));
        let unreachable = |source: reqwest::Error| BlipError::Unreachable {
            base_url: self.base_url.clone(),
            command: text(),
            key: self.key_name.clone(),
            source: source.without_url(),
        };
        let turn = self.pace.turn().await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let response = self.http.post(self.commands_url.clone()).json(&command).send().await.map_err(unreachable)?;
        drop(turn);
        match response.status() {
            StatusCode::OK => self.note_date(response.headers()),
            StatusCode::UNAUTHORIZED => {
                // The body only explains; where it cannot be read, the status says enough.
                let description = whole(response, self.options.largest_answer).await.ok().flatten().and_then(|body| description_of(&body));
                return Err(BlipError::Unauthorized { base_url: self.base_url.clone(), key, description });
            }
            StatusCode::TOO_MANY_REQUESTS => return Err(BlipError::Throttled { key, retry_after: retry_after(response.headers()) }),
            status if status.is_redirection() => {
                let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
                let host = location.and_then(|location| self.commands_url.join(location).ok()?.host_str().map(str::to_owned));
                return Err(BlipError::Redirected { status: status.as_u16(), host, command: text(), key });
            }
            status => return Err(BlipError::Http { status: status.as_u16(), command: text(), key }),
        }
        let limit = self.options.largest_answer;
        let Some(body) = whole(response, limit).await.map_err(unreachable)? else {
            return Err(BlipError::TooLarge { command: text(), key, limit });
        };
        let answer = read(&body).map_err(|source| match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => BlipError::Malformed { command: text(), key: self.key_name.clone(), source },
            _ => BlipError::NotJson { command: text(), key: self.key_name.clone(), beginning: beginning(&body) },
        })?;
        match (answer.status, answer.resource) {
            (Status::Success, Some(resource)) => Ok(resource),
            (Status::Success, None) => {
                Err(BlipError::Malformed { command: text(), key, source: serde::de::Error::missing_field("resource") })
            }
            (Status::Failure, _) => Err(BlipError::Refused {
                command: text(),
                key,
                code: answer.reason.as_ref().and_then(|reason| reason.code),
                description: answer.reason.and_then(|reason| reason.description).unwrap_or_else(|| "no reason given".to_owned()),
            }),
        }
    }
}

/// Reads a body of at most `limit` bytes; none where it is larger, of which no more is read.
async fn whole(mut response: reqwest::Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let told = response.content_length().and_then(|length| usize::try_from(length).ok());
    if told.is_some_and(|length| length > limit) {
        return Ok(None);
    }
    let mut body = Vec::with_capacity(told.unwrap_or_default());
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Returns a URI as messages and logs may show it: without the customer whom the path of some resources names.
fn without_customer(uri: &str) -> Cow<'_, str> {
    const OF_CUSTOMERS: [&str; 3] = ["/contacts/", "/threads/", "/tunnels/"];
    match OF_CUSTOMERS.iter().find(|beginning| uri.starts_with(**beginning)) {
        Some(beginning) => Cow::Owned(format!("{beginning}{{identity}}")),
        None => Cow::Borrowed(uri),
    }
}

/// Reads `Retry-After` in seconds. No other form of it was ever seen here, and Blip documents none.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Longest text of Blip's that an error repeats, in characters.
const LONGEST_DESCRIPTION: usize = 200;

/// Returns the `description` of a refusal's JSON body, also where it is under `reason`; none in any other body.
fn description_of(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = body["description"].as_str().or_else(|| body["reason"]["description"].as_str())?;
    let shown: String = text.chars().filter(|char| !char.is_control()).take(LONGEST_DESCRIPTION).collect();
    (!shown.is_empty()).then_some(shown)
}

fn beginning(body: &[u8]) -> String {
    const SHOWN: usize = 24;
    String::from_utf8_lossy(body).trim_start().chars().take(SHOWN).filter(|char| !char.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_customer_is_in_what_is_shown_of_a_command() {
        assert_eq!(without_customer("/threads/5531900000001%40wa.gw.msging.net?$take=100"), "/threads/{identity}");
        assert_eq!(without_customer("/tunnels/0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11"), "/tunnels/{identity}");
        assert_eq!(without_customer("/contacts/x%40tunnel.msging.net"), "/contacts/{identity}");
        assert_eq!(without_customer("/contacts?$skip=0&$take=1"), "/contacts?$skip=0&$take=1");
    }
}
