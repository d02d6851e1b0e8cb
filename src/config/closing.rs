//! When a period counts as closed although something of it is still open.

use serde::{Deserialize, Deserializer, de::Error};

/// Days after a period's end in which late survey answers still change it; no period is closed earlier.
pub const LATE_ANSWER_DAYS: u32 = 7;

/// Days in which most conversations end, and late answers with them.
const DEFAULT: u32 = 60;

/// Ten years: beyond, a number is a mistake.
const MOST: u32 = 3_650;

pub(super) const fn default_days() -> u32 {
    DEFAULT
}

pub(super) fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let days = u32::deserialize(deserializer)?;
    if (LATE_ANSWER_DAYS..=MOST).contains(&days) {
        return Ok(days);
    }
    Err(D::Error::custom(format!("closed_after_days is {days} (accepted: {LATE_ANSWER_DAYS} to {MOST})")))
}
