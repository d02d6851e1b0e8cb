//! `[import]`: how files that Relato does not know are to be read.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::exported::{Field, Status, plain};

/// `[import]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Imports {
    /// What columns hold, by heading.
    pub columns: BTreeMap<String, Field>,
    /// States by the words of a file, beside Blip's own and the portal's.
    states: BTreeMap<String, Status>,
}

impl Imports {
    /// Returns the state that a word of a file names, whatever its case, accents and punctuation; none where nothing does.
    pub fn status(&self, text: &str) -> Option<Status> {
        let declared = self.states.iter().find(|(word, _)| plain(word) == plain(text)).map(|(_, status)| *status);
        declared.or_else(|| Status::named(text))
    }
}
