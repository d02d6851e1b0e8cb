//! The simulated organisation's days: the hours in which people answer.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::domain::holiday;

/// Returns the opening hours of `day` as minutes of the local day, or none.
pub fn opening(day: NaiveDate) -> Option<(i64, i64)> {
    match day.weekday() {
        _ if holiday::is_national(day) => None,
        Weekday::Sun => None,
        Weekday::Sat => Some((8 * 60, 12 * 60)),
        _ => Some((7 * 60, 19 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn holidays_and_sundays_are_closed() {
        assert_eq!(opening(day("2026-10-12")), None);
        assert_eq!(opening(day("2026-04-03")), None);
        assert_eq!(opening(day("2026-10-11")), None);
        assert_eq!(opening(day("2026-10-10")), Some((480, 720)));
        assert_eq!(opening(day("2026-10-13")), Some((420, 1140)));
    }
}
