//! The languages a reader can be served in, and texts that exist in each of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A reader's language and its number and date conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Language {
    /// Brazilian Portuguese: `1.234,5`, `31/10/2026`.
    #[default]
    PtBr,
    /// American English: `1,234.5`, `10/31/2026`.
    EnUs,
}

impl Language {
    /// Returns the name under which tickets are shown whose sector cannot be told.
    pub const fn unresolved_sector(self) -> &'static str {
        match self {
            Language::PtBr => "Não resolvido",
            Language::EnUs => "Unresolved",
        }
    }

    /// Every language, in the order they are offered.
    pub const ALL: [Language; 2] = [Language::PtBr, Language::EnUs];

    /// Returns the BCP 47 tag, such as `pt-BR`.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::PtBr => "pt-BR",
            Language::EnUs => "en-US",
        }
    }
}

/// A language tag that is none of the supported ones.
#[derive(Debug, thiserror::Error)]
#[error("unknown locale `{0}` (known: pt-BR, en-US)")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        Language::ALL.into_iter().find(|language| language.tag() == tag).ok_or_else(|| UnknownLanguage(tag.to_owned()))
    }
}

impl TryFrom<String> for Language {
    type Error = UnknownLanguage;

    fn try_from(tag: String) -> Result<Self, Self::Error> {
        tag.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> String {
        language.tag().to_owned()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.tag())
    }
}

/// A text written by the author of a report: one for everybody, or one a language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum LocalText {
    /// The same in every language.
    Same(String),
    /// Portuguese and, where it differs, English.
    Each(EachLanguage),
}

/// The two versions of a [`LocalText`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EachLanguage {
    /// The Brazilian Portuguese text.
    #[serde(rename = "pt-BR")]
    pub pt_br: String,
    /// The English text; the Portuguese one stands in where it is missing.
    #[serde(rename = "en-US")]
    pub en_us: Option<String>,
}

impl LocalText {
    /// Returns every version of the text.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            LocalText::Same(text) => (text.as_str(), None),
            LocalText::Each(each) => (each.pt_br.as_str(), each.en_us.as_deref()),
        };
        std::iter::once(first).chain(second)
    }

    /// Returns the text for `language`.
    pub fn get(&self, language: Language) -> &str {
        match (self, language) {
            (LocalText::Same(text), _) => text,
            (LocalText::Each(each), Language::EnUs) => each.en_us.as_deref().unwrap_or(&each.pt_br),
            (LocalText::Each(each), Language::PtBr) => &each.pt_br,
        }
    }
}
