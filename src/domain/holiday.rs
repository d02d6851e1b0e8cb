//! Brazil's national holidays.

use chrono::{Datelike, Days, NaiveDate};

/// Day and month of the holidays that never move. 20 November is national since 2024.
const FIXED: [(u32, u32); 9] = [(1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25)];
const LATEST_ADDITION: ((u32, u32), i32) = ((11, 20), 2024);

/// Returns the national holidays of a year, in order.
pub fn national(year: i32) -> Vec<NaiveDate> {
    let fixed = FIXED.iter().filter(|date| **date != LATEST_ADDITION.0 || year >= LATEST_ADDITION.1);
    let mut days: Vec<NaiveDate> = fixed.filter_map(|(month, day)| NaiveDate::from_ymd_opt(year, *month, *day)).collect();
    days.push(good_friday(year));
    days.sort();
    days
}

/// Returns whether `day` is a national holiday.
pub fn is_national(day: NaiveDate) -> bool {
    let date = (day.month(), day.day());
    (FIXED.contains(&date) && (date != LATEST_ADDITION.0 || day.year() >= LATEST_ADDITION.1)) || day == good_friday(day.year())
}

fn good_friday(year: i32) -> NaiveDate {
    easter(year) - Days::new(2)
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
    fn a_years_list_and_the_question_agree() {
        for year in [2010, 2023, 2024, 2026] {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
            let asked: Vec<NaiveDate> = first.iter_days().take_while(|day| day.year() == year).filter(|day| is_national(*day)).collect();
            assert_eq!(asked, national(year));
        }
        assert_eq!((national(2023).len(), national(2024).len()), (9, 10));
    }
}
