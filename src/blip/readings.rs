//! What Blip's documentation leaves open and a contract answers: how a key reads dates, filters and totals.
//!
//! Each reading is found out once for a key by asking for days whose content is known. A reading that is not known yet is `None`; the client then
//! asks so that the answer is right either way, and filters.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{Client, time};

/// Whether the last day of a range that is asked for is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndDate {
    /// It is: the reading of Blip's examples.
    Inclusive,
    /// It is not.
    Exclusive,
}

/// How a filter can end before an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpperBound {
    /// `lt` the instant.
    Before,
    /// `le` the millisecond before it: `lt` is refused.
    UpTo,
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings {
    /// End of a filter on creation.
    pub upper_bound: Option<UpperBound>,
    /// `endDate` of `/analytics/reports/*`.
    pub reports_end: Option<EndDate>,
    /// `endDate` of event counters and details.
    pub events_end: Option<EndDate>,
}

/// Returns the `endDate` to ask for so that `last` is part of the answer. Unless it is known to be inclusive, the answer can hold the day after it.
pub fn end_date(reading: Option<EndDate>, last: NaiveDate) -> NaiveDate {
    if reading == Some(EndDate::Inclusive) { last } else { last + Days::new(1) }
}

impl Client {
    /// Returns the filter on `storageDate` for `[from, until)`.
    pub(super) fn created_filter(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> String {
        created_filter(self.readings().upper_bound.unwrap_or(UpperBound::Before), from, until)
    }
}

/// Returns the filter on `storageDate` for `[from, until)`; instants have milliseconds.
pub(super) fn created_filter(bound: UpperBound, from: DateTime<Utc>, until: DateTime<Utc>) -> String {
    let from = time::filter_instant(from);
    match bound {
        UpperBound::Before => format!("storageDate ge {from} and storageDate lt {}", time::filter_instant(until)),
        UpperBound::UpTo => {
            format!("storageDate ge {from} and storageDate le {}", time::filter_instant(until - TimeDelta::milliseconds(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_ends_before_an_instant_in_either_way() {
        let at = |text: &str| text.parse().unwrap();
        let filter = |bound| created_filter(bound, at("2026-10-05T03:00:00Z"), at("2026-10-06T03:00:00Z"));
        assert!(filter(UpperBound::Before).ends_with("storageDate lt datetimeoffset'2026-10-06T03:00:00.000Z'"));
        assert!(filter(UpperBound::UpTo).ends_with("storageDate le datetimeoffset'2026-10-06T02:59:59.999Z'"));
    }

    #[test]
    fn a_day_more_is_asked_for_unless_the_last_one_is_known_to_be_included() {
        let day: NaiveDate = "2026-10-31".parse().unwrap();
        assert_eq!(end_date(Some(EndDate::Inclusive), day), day);
        for reading in [None, Some(EndDate::Exclusive)] {
            assert_eq!(end_date(reading, day), day + Days::new(1));
        }
    }
}
