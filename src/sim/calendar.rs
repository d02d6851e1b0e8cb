//! The simulated organisation's days: Brazilian national holidays and the hours in which people answer.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Returns whether `day` is a national holiday.
pub fn is_holiday(day: NaiveDate) -> bool {
    const FIXED: [(u32, u32); 9] = [(1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25)];
    let good_friday = easter(day.year()) - Days::new(2);
    FIXED.contains(&(day.month(), day.day())) || day == good_friday
}

/// Returns the opening hours of `day` as minutes of the local day, or none.
pub fn opening(day: NaiveDate) -> Option<(i64, i64)> {
    match day.weekday() {
        _ if is_holiday(day) => None,
        Weekday::Sun => None,
        Weekday::Sat => Some((8 * 60, 12 * 60)),
        _ => Some((7 * 60, 19 * 60)),
    }
}

#[expect(clippy::many_single_char_names, reason = "the letters are the algorithm's own")]
/// Easter Sunday of the Gregorian calendar, by the anonymous algorithm of 1876.
fn easter(year: i32) -> NaiveDate {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, (n / 31).unsigned_abs(), (n % 31 + 1).unsigned_abs())
        .expect("the algorithm yields a date in March or April")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        assert_eq!(easter(2024), day("2024-03-31"));
        assert_eq!(easter(2025), day("2025-04-20"));
        assert_eq!(easter(2026), day("2026-04-05"));
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
