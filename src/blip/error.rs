//! Why a command got no answer, and whether asking again can help.

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub enum BlipError {
    /// No HTTP answer: no connection, or none in time.
    #[error("no answer from `{base_url}` (key `{key}`)")]
    Unreachable {
        /// Address of the key.
        base_url: String,
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
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
}

fn code_suffix(code: Option<i64>) -> String {
    code.map_or_else(String::new, |code| format!(" (code {code})"))
}

impl BlipError {
    /// Returns whether the same command may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            BlipError::Unreachable { .. } | BlipError::Throttled { .. } | BlipError::Malformed { .. } => true,
            BlipError::Http { status, .. } => *status >= 500,
            // General, dispatch, processing and gateway time-out errors pass; the others are answers.
            BlipError::Refused { code, .. } => matches!(code, Some(1 | 51 | 61 | 86)),
            BlipError::Unauthorized { .. } | BlipError::KeyText { .. } | BlipError::Setup(_) => false,
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
