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
    #[error("Blip refused key `{key}` at `{base_url}` (HTTP 401): the key is wrong, expired or of another contract")]
    Unauthorized {
        /// Address of the key.
        base_url: String,
        /// Name of the key.
        key: String,
    },
    /// HTTP 429.
    #[error("Blip throttles key `{key}` (HTTP 429): more than its commands per second were sent")]
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

impl BlipError {
    /// Returns what the failure means.
    pub fn kind(&self) -> ErrorKind {
        match self {
            BlipError::Throttled { retry_after, .. } => ErrorKind::Throttled(*retry_after),
            BlipError::Unauthorized { .. } => ErrorKind::Denied,
            // A text that breaks off is a cut connection; one that is whole and of another shape stays so.
            BlipError::Malformed { source, .. } if source.is_data() => ErrorKind::Final,
            BlipError::Unreachable { .. }
            | BlipError::NotJson { .. }
            | BlipError::Malformed { .. }
            | BlipError::Http { status: 408 | 500..=599, .. } => ErrorKind::Passing,
            BlipError::Refused { code, .. } => match code {
                // General, dispatch, processing and gateway time-out errors pass; the others are answers.
                Some(1 | 51 | 61 | 86) => ErrorKind::Passing,
                Some(67) => ErrorKind::Empty,
                Some(62 | 63) => ErrorKind::NotOffered,
                Some(13 | 31 | 32 | 35 | 66) => ErrorKind::Denied,
                _ => ErrorKind::Final,
            },
            BlipError::Http { .. } | BlipError::KeyText { .. } | BlipError::Address { .. } | BlipError::Setup(_) => ErrorKind::Final,
        }
    }

    /// Returns whether a write that failed so may have been done all the same: it was sent, and no word of Blip's says that it was not done.
    pub fn is_unclear(&self) -> bool {
        match self {
            BlipError::Unreachable { .. } | BlipError::NotJson { .. } | BlipError::Malformed { .. } => true,
            BlipError::Http { status, .. } => *status >= 500 || *status == 408,
            BlipError::Refused { .. }
            | BlipError::Unauthorized { .. }
            | BlipError::Throttled { .. }
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
