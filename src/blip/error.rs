//! Why a command got no answer, and what can be done about it.

use std::time::Duration;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub enum BlipError {
    /// No HTTP answer: no connection, a connection that was cut, or none in time.
    #[error("no answer from `{base_url}` to `{command}` (key `{key}`)")]
    Unreachable {
        /// Address of the key.
        base_url: String,
        /// Method and URI.
        command: String,
        /// Name of the key.
        key: String,
        /// What the HTTP client says.
        source: reqwest::Error,
    },
    /// HTTP 401.
    #[error("Blip refused key `{key}` at `{base_url}` (HTTP 401{}): {}", quoted(.description.as_deref()), refusal(.description.as_deref()))]
    Unauthorized {
        /// Address of the key.
        base_url: String,
        /// Name of the key.
        key: String,
        /// Blip's own words from the body of the answer; none where it had none.
        description: Option<String>,
    },
    /// HTTP 429.
    #[error("Blip throttles key `{key}` (HTTP 429{}): more than its commands per second were sent", for_long(*.retry_after))]
    Throttled {
        /// Name of the key.
        key: String,
        /// How long the key is to keep still, where Blip said so.
        retry_after: Option<Duration>,
    },
    /// Any other HTTP status than 200.
    #[error("Blip answered HTTP {status} to `{command}` (key `{key}`)")]
    Http {
        /// The status.
        status: u16,
        /// Method and URI.
        command: String,
        /// Name of the key.
        key: String,
    },
    /// A redirection, which is not followed.
    #[error("Blip answered HTTP {status} to `{command}` (key `{key}`){}, which is not followed", host.as_ref().map(|host| format!(" and points to {host}")).unwrap_or_default())]
    Redirected {
        /// The status.
        status: u16,
        /// The host that it points to, where that can be read.
        host: Option<String>,
        /// Method and URI.
        command: String,
        /// Name of the key.
        key: String,
    },
    /// The answer is a web page or another text instead of JSON: a proxy or a gateway spoke.
    #[error("the answer to `{command}` (key `{key}`) is not JSON but begins with `{beginning}`")]
    NotJson {
        /// Method and URI.
        command: String,
        /// Name of the key.
        key: String,
        /// Its first characters.
        beginning: String,
    },
    /// The answer is not the JSON that was expected.
    #[error("the answer to `{command}` (key `{key}`) cannot be read")]
    Malformed {
        /// Method and URI.
        command: String,
        /// Name of the key.
        key: String,
        /// Where reading stopped.
        source: serde_json::Error,
    },
    /// HTTP 200 with `status: failure`.
    #[error("Blip refused `{command}` (key `{key}`): {description}{}", code_suffix(*.code))]
    Refused {
        /// Method and URI.
        command: String,
        /// Name of the key.
        key: String,
        /// Blip's reason code, where it sent one.
        code: Option<i64>,
        /// Blip's own words.
        description: String,
    },
    /// The answer is larger than any that Blip has a reason to give.
    #[error("the answer to `{command}` (key `{key}`) is larger than {} MB: it was not read to its end", .limit / 1_000_000)]
    TooLarge {
        /// Method and URI.
        command: String,
        /// Name of the key.
        key: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// A list does not end.
    #[error("the list `{command}` (key `{key}`) goes on after {pages} pages: it was not read to its end")]
    Endless {
        /// Method and URI.
        command: String,
        /// Name of the key.
        key: String,
        /// Pages that were read.
        pages: usize,
    },
    /// The key cannot be sent in an HTTP header.
    #[error("key `{key}` has characters that no HTTP header can carry")]
    KeyText {
        /// Name of the key.
        key: String,
    },
    /// The address of the key is none.
    #[error("base_url `{base_url}` (key `{key}`) is no address")]
    Address {
        /// Name of the key.
        key: String,
        /// What stands for one.
        base_url: String,
    },
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
}

/// What a failed command means for the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same command may succeed a little later.
    Passing,
    /// The key must keep still: for the time that Blip named, or for the documented two minutes.
    Throttled(Option<Duration>),
    /// There is nothing: the empty form of a list (code 67).
    Empty,
    /// This contract or this bot does not have the resource (codes 62 and 63).
    NotOffered,
    /// The key may not.
    Denied,
    /// Asking again is of no use.
    Final,
}

fn code_suffix(code: Option<i64>) -> String {
    code.map_or_else(String::new, |code| format!(" (code {code})"))
}

fn for_long(told: Option<Duration>) -> String {
    told.filter(|told| *told > LONGEST_THROTTLE)
        .map_or_else(String::new, |told| format!(", to be tried again in {} seconds", told.as_secs()))
}

fn quoted(description: Option<&str>) -> String {
    description.map_or_else(String::new, |description| format!(", \"{description}\""))
}

/// Returns what a refused key means. Blip answers a wrong secret and a wrong form with different words.
fn refusal(description: Option<&str>) -> &'static str {
    let text = description.unwrap_or_default().to_lowercase();
    if text.contains("authentication failed") {
        "the bot is known, its access key is wrong or was revoked; copy the key again from the portal"
    } else if text.contains("authorization header") || text.contains("session identity") {
        "the key is not in the expected form, or names an unknown bot; expected base64 of `bot:access key`, without the word `Key`"
    } else {
        "the key is wrong, expired or of another contract"
    }
}

/// Longest time that a throttled key keeps still when it is told to.
pub const LONGEST_THROTTLE: Duration = Duration::from_mins(15);

/// Reason code of a gateway that gave no answer in time.
const GATEWAY_TIMEOUT: i64 = 86;

/// Returns whether a reason code is the protocol's own. Any other code belongs to an extension.
fn is_protocol_code(code: i64) -> bool {
    matches!(code, 1 | 11..=18 | 21..=27 | 31..=35 | 41..=44 | 51 | 61..=67 | 71 | 81..=87 | 101)
}

/// Words of a service behind an extension that gave no answer in time.
const TIME_OUTS: [&str; 5] = ["timeout", "time-out", "timed out", "task was canceled", "operation was canceled"];

/// Returns whether a description reports a failure of the service behind an extension that may pass: throttling, a server error or a time-out.
///
/// Such a failure arrives as HTTP 200 with a code of the extension's own (2105 in what is known); only the text carries the inner HTTP
/// status. Reported by integrators, not documented by Blip.
fn is_passing_behind(description: &str) -> bool {
    let text = description.to_lowercase();
    match inner_status(&text) {
        Some(status) => matches!(status, 408 | 429 | 500..=599),
        None => TIME_OUTS.iter().any(|words| text.contains(words)),
    }
}

/// Returns the HTTP status that a description names: the first number of three digits from 400 to 599, after the word "status" where it occurs.
fn inner_status(text: &str) -> Option<u16> {
    let first = |text: &str| {
        text.split(|char: char| !char.is_ascii_alphanumeric())
            .filter(|word| word.len() == 3)
            .filter_map(|word| word.parse().ok())
            .find(|status| (400..=599).contains(status))
    };
    text.find("status").and_then(|place| first(&text[place..])).or_else(|| first(text))
}

impl BlipError {
    /// Returns what the failure means.
    pub fn kind(&self) -> ErrorKind {
        match self {
            // Who is told to wait for hours is told of an outage.
            BlipError::Throttled { retry_after: Some(told), .. } if *told > LONGEST_THROTTLE => ErrorKind::Final,
            BlipError::Throttled { retry_after, .. } => ErrorKind::Throttled(*retry_after),
            BlipError::Unauthorized { .. } => ErrorKind::Denied,
            // A text that breaks off is a cut connection; one that is whole and of another shape stays so.
            BlipError::Malformed { source, .. } if source.is_data() => ErrorKind::Final,
            BlipError::Unreachable { .. }
            | BlipError::NotJson { .. }
            | BlipError::Malformed { .. }
            | BlipError::Http { status: 408 | 500..=599, .. } => ErrorKind::Passing,
            BlipError::Refused { code, description, .. } => match code {
                // General, dispatch, processing and gateway time-out errors pass; the others are answers.
                Some(1 | 51 | 61 | GATEWAY_TIMEOUT) => ErrorKind::Passing,
                Some(67) => ErrorKind::Empty,
                Some(62 | 63) => ErrorKind::NotOffered,
                Some(13 | 31 | 32 | 35 | 66) => ErrorKind::Denied,
                Some(code) if is_protocol_code(*code) => ErrorKind::Final,
                _ if is_passing_behind(description) => ErrorKind::Passing,
                _ => ErrorKind::Final,
            },
            BlipError::Http { .. }
            | BlipError::Redirected { .. }
            | BlipError::TooLarge { .. }
            | BlipError::Endless { .. }
            | BlipError::KeyText { .. }
            | BlipError::Address { .. }
            | BlipError::Setup(_) => ErrorKind::Final,
        }
    }

    /// Returns whether a write that failed so may have been done all the same: it was sent, and no word of Blip's says that it was not done.
    pub fn is_unclear(&self) -> bool {
        match self {
            BlipError::Unreachable { .. }
            | BlipError::NotJson { .. }
            | BlipError::Malformed { .. }
            // Its answer says what was done, and was not read.
            | BlipError::TooLarge { .. }
            | BlipError::Refused { code: Some(GATEWAY_TIMEOUT), .. } => true,
            BlipError::Http { status, .. } => *status >= 500 || *status == 408,
            // The extension answered for a service behind it, which may have done the work before it failed.
            BlipError::Refused { code, description, .. } => {
                !code.is_some_and(is_protocol_code) && is_passing_behind(description) && inner_status(description) != Some(429)
            }
            BlipError::Unauthorized { .. }
            | BlipError::Redirected { .. }
            | BlipError::Throttled { .. }
            | BlipError::Endless { .. }
            | BlipError::KeyText { .. }
            | BlipError::Address { .. }
            | BlipError::Setup(_) => false,
        }
    }

    /// Returns Blip's reason code, where the command was refused with one.
    pub fn reason_code(&self) -> Option<i64> {
        match self {
            BlipError::Refused { code, .. } => *code,
            _ => None,
        }
    }
}

/// Reads "nothing there" as an empty value, and leaves every other failure what it is.
///
/// # Errors
/// Those of any other kind.
pub fn or_empty<T: Default>(answer: Result<T, BlipError>) -> Result<T, BlipError> {
    match answer {
        Err(error) if error.kind() == ErrorKind::Empty => Ok(T::default()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_codes_say_what_to_do() {
        let kind =
            |code| BlipError::Refused { command: String::new(), key: String::new(), code: Some(code), description: String::new() }.kind();
        assert_eq!(kind(67), ErrorKind::Empty);
        assert_eq!(kind(62), ErrorKind::NotOffered);
        assert_eq!(kind(66), ErrorKind::Denied);
        assert_eq!(kind(61), ErrorKind::Passing);
        assert_eq!(kind(64), ErrorKind::Final);
    }

    fn refused(code: Option<i64>, description: &str) -> BlipError {
        BlipError::Refused { command: String::new(), key: String::new(), code, description: description.to_owned() }
    }

    #[test]
    fn a_failure_behind_an_extension_passes_or_not_by_the_status_in_its_text() {
        let passing = [
            "Response status code does not indicate success: 503 (Service Unavailable).",
            "Response status code does not indicate success: 429 (Too Many Requests).",
            "The service answered 500",
            "A task was canceled.",
            "The request to queue 503 timed out with status 504",
        ];
        let last =
            ["Response status code does not indicate success: 404 (Not Found).", "Ticket 5031 is unknown", "", "Status code: 400 for 503"];
        for code in [Some(2105), Some(9999), None] {
            for text in passing {
                assert_eq!(refused(code, text).kind(), ErrorKind::Passing, "{code:?} {text}");
            }
            for text in last {
                assert_eq!(refused(code, text).kind(), ErrorKind::Final, "{code:?} {text}");
            }
        }
        // Codes of the protocol mean what they mean, whatever the text.
        assert_eq!(refused(Some(64), "503").kind(), ErrorKind::Final);
    }

    #[test]
    fn a_write_that_failed_behind_an_extension_may_have_been_done() {
        let is_unclear = |code, text| refused(Some(code), text).is_unclear();
        assert!(is_unclear(2105, "status code 503") && is_unclear(2105, "The operation was canceled") && is_unclear(86, "Gateway timeout"));
        assert!(!is_unclear(2105, "status code 404") && !is_unclear(2105, "status code 429") && !is_unclear(64, "invalid argument"));
    }

    #[test]
    fn a_refused_key_shows_blips_words_and_which_part_is_wrong() {
        let message = |description: Option<&str>| {
            let description = description.map(str::to_owned);
            BlipError::Unauthorized { base_url: "http://b".to_owned(), key: "desk".to_owned(), description }.to_string()
        };
        assert_eq!(
            message(Some("authentication failed")),
            "Blip refused key `desk` at `http://b` (HTTP 401, \"authentication failed\"): the bot is known, its access key is wrong or was \
             revoked; copy the key again from the portal"
        );
        assert!(message(Some("invalid authorization header")).contains("expected base64 of `bot:access key`"));
        assert!(message(Some("invalid session identity")).contains("expected base64 of `bot:access key`"));
        assert_eq!(message(None), "Blip refused key `desk` at `http://b` (HTTP 401): the key is wrong, expired or of another contract");
    }

    #[test]
    fn who_is_told_to_wait_for_longer_than_minutes_is_told_of_an_outage() {
        let throttled = |seconds| BlipError::Throttled { key: "desk".to_owned(), retry_after: Some(Duration::from_secs(seconds)) };
        assert_eq!(throttled(120).kind(), ErrorKind::Throttled(Some(Duration::from_mins(2))));
        for seconds in [901, 99_999_999_999, u64::MAX] {
            assert_eq!(throttled(seconds).kind(), ErrorKind::Final);
            assert!(throttled(seconds).to_string().contains(&format!("to be tried again in {seconds} seconds")));
        }
    }

    #[test]
    fn a_broken_text_passes_and_a_wrong_shape_stays() {
        let malformed = |text: &str| BlipError::Malformed {
            command: String::new(),
            key: String::new(),
            source: serde_json::from_str::<Vec<u8>>(text).unwrap_err(),
        };
        assert_eq!(malformed("[1, 2").kind(), ErrorKind::Passing);
        assert_eq!(malformed("{}").kind(), ErrorKind::Final);
    }
}
