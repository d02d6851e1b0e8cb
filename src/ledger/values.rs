//! How words and instants stand in the ledger's tables.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::Row;

/// Makes a set of states with the words that the ledger keeps.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            /// Returns the word that the ledger keeps.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            pub(super) fn of_row(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<$name> {
                let word: String = row.get(column)?;
                match word.as_str() {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::ledger::values::unknown(word)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.word())
            }
        }
    };
}

pub(super) use words;

/// A word that another version wrote.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no word of this version")]
struct Unknown(String);

pub(super) fn unknown(word: String) -> rusqlite::Error {
    unfit(0, Unknown(word))
}

/// Instants are kept to the second in one form, so that they sort as texts.
pub(super) fn stamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn instant(row: &Row<'_>, column: &str) -> rusqlite::Result<DateTime<Utc>> {
    parsed(&row.get::<_, String>(column)?)
}

pub(super) fn parsed(text: &str) -> rusqlite::Result<DateTime<Utc>> {
    text.parse().map_err(|error| unfit(0, error))
}

/// Returns the error of a value that does not fit where it stands.
pub(super) fn unfit(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
