//! Public holidays of Brazil: national ones and those of the states.

use std::{collections::BTreeSet, fmt};

use chrono::{Datelike, Days, NaiveDate};

/// When a holiday falls in a year.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Day and month of every year.
    Fixed(u32, u32),
    /// The same, since a year.
    Since(i32, u32, u32),
    /// Days after Easter Sunday, negative before.
    Easter(i64),
    /// The first Sunday on or after a day.
    SundayFrom(u32, u32),
}

use Rule::{Easter, Fixed, Since, SundayFrom};

/// 20 November is national since 2024.
const NATIONAL: [Rule; 10] = [
    Fixed(1, 1),
    Easter(-2),
    Fixed(4, 21),
    Fixed(5, 1),
    Fixed(9, 7),
    Fixed(10, 12),
    Fixed(11, 2),
    Fixed(11, 15),
    Since(2024, 11, 20),
    Fixed(12, 25),
];

/// Holidays by state law, beside the national ones; optional days off of the civil service are none.
const STATES: [(&str, &[Rule]); 27] = [
    ("AC", &[Fixed(1, 23), Fixed(3, 8), Fixed(6, 15), Fixed(9, 5)]),
    ("AL", &[Fixed(6, 24), Fixed(6, 29), Fixed(9, 16), Fixed(11, 20), Fixed(11, 30)]),
    ("AM", &[Fixed(9, 5), Fixed(11, 20)]),
    ("AP", &[Fixed(3, 19), Fixed(7, 25), Fixed(9, 13), Fixed(11, 20)]),
    ("BA", &[Fixed(7, 2)]),
    ("CE", &[Fixed(3, 19), Fixed(3, 25), Fixed(8, 15)]),
    ("DF", &[Fixed(11, 30)]),
    ("ES", &[Easter(8)]),
    ("GO", &[Fixed(7, 26), Fixed(10, 24)]),
    ("MA", &[Fixed(7, 28)]),
    ("MG", &[]),
    ("MS", &[Fixed(10, 11)]),
    ("MT", &[Fixed(11, 20)]),
    ("PA", &[Fixed(8, 15)]),
    ("PB", &[Fixed(8, 5)]),
    ("PE", &[Since(2018, 3, 6)]),
    ("PI", &[Fixed(10, 19)]),
    ("PR", &[]),
    ("RJ", &[Easter(-47), Fixed(4, 23), Fixed(11, 20)]),
    ("RN", &[Fixed(8, 7), Fixed(10, 3)]),
    ("RO", &[Fixed(1, 4), Fixed(6, 18)]),
    ("RR", &[Fixed(10, 5)]),
    ("RS", &[Fixed(9, 20)]),
    ("SC", &[SundayFrom(8, 11), SundayFrom(11, 25)]),
    ("SE", &[Fixed(7, 8)]),
    ("SP", &[Fixed(7, 9), Since(2023, 11, 20)]),
    ("TO", &[Fixed(3, 18), Fixed(9, 8), Fixed(10, 5)]),
];

/// A set of holidays that a calendar can name: `BR` (national), or `BR-` and a state such as `BR-SP` (what the state adds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holidays {
    state: Option<&'static str>,
}

impl Holidays {
    /// The national holidays.
    pub const NATIONAL: Holidays = Holidays { state: None };

    /// Reads a name; none when it names no set.
    pub fn named(name: &str) -> Option<Holidays> {
        if name == "BR" {
            return Some(Holidays::NATIONAL);
        }
        let state = name.strip_prefix("BR-")?;
        STATES.iter().find(|(known, _)| *known == state).map(|(known, _)| Holidays { state: Some(known) })
    }

    /// Returns the days of the set in `year`.
    pub fn of_year(self, year: i32) -> BTreeSet<NaiveDate> {
        self.rules().iter().filter_map(|rule| rule.day(year)).collect()
    }

    /// Returns whether `day` is in the set.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.rules().iter().any(|rule| rule.day(day.year()) == Some(day))
    }

    fn rules(self) -> &'static [Rule] {
        match self.state {
            None => &NATIONAL,
            Some(state) => STATES.iter().find(|(known, _)| *known == state).map_or(&[], |(_, rules)| rules),
        }
    }
}

impl fmt::Display for Holidays {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            None => formatter.write_str("BR"),
            Some(state) => write!(formatter, "BR-{state}"),
        }
    }
}

impl Rule {
    fn day(self, year: i32) -> Option<NaiveDate> {
        match self {
            Fixed(month, day) => NaiveDate::from_ymd_opt(year, month, day),
            Since(first, month, day) => (year >= first).then(|| NaiveDate::from_ymd_opt(year, month, day)).flatten(),
            Easter(days) => Some(easter(year) + chrono::TimeDelta::days(days)),
            SundayFrom(month, day) => {
                let from = NaiveDate::from_ymd_opt(year, month, day)?;
                Some(from + Days::new(u64::from((7 - from.weekday().num_days_from_sunday()) % 7)))
            }
        }
    }
}

/// Returns whether `day` is a national holiday.
pub fn is_national(day: NaiveDate) -> bool {
    Holidays::NATIONAL.contains(day)
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

    fn days(name: &str, year: i32) -> Vec<String> {
        Holidays::named(name).unwrap().of_year(year).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        assert_eq!(easter(2024).to_string(), "2024-03-31");
        assert_eq!(easter(2025).to_string(), "2025-04-20");
        assert_eq!(easter(2026).to_string(), "2026-04-05");
    }

    #[test]
    fn a_years_list_and_the_question_agree() {
        for year in [2010, 2023, 2024, 2026] {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
            let asked: BTreeSet<NaiveDate> =
                first.iter_days().take_while(|day| day.year() == year).filter(|day| is_national(*day)).collect();
            assert_eq!(asked, Holidays::NATIONAL.of_year(year));
        }
        assert_eq!((days("BR", 2023).len(), days("BR", 2024).len()), (9, 10));
    }

    #[test]
    fn states_add_their_own_days() {
        assert_eq!(days("BR-SP", 2022), ["2022-07-09"]);
        assert_eq!(days("BR-SP", 2026), ["2026-07-09", "2026-11-20"]);
        assert_eq!(days("BR-RJ", 2026), ["2026-02-17", "2026-04-23", "2026-11-20"]);
        assert_eq!(days("BR-ES", 2026), ["2026-04-13"]);
        assert_eq!(days("BR-SC", 2026), ["2026-08-16", "2026-11-29"]);
        assert_eq!(Holidays::named("BR-XX"), None);
        assert_eq!(Holidays::named("PT"), None);
        assert_eq!(Holidays::named("BR-SP").unwrap().to_string(), "BR-SP");
    }
}
