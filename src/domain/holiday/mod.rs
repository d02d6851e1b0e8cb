//! Public holidays of Brazil: national ones, those of the states, and the days on which the civil service or the banks are closed.

mod laws;

use std::{collections::BTreeMap, fmt};

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Weekday};

use laws::{BANKS, Law, NATIONAL, OPTIONAL, STATES};

pub use laws::READ_UNTIL;

/// When a holiday falls in a year, and in which years.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Month and day of every year.
    Fixed(u32, u32),
    /// The same, since a year.
    Since(i32, u32, u32),
    /// The same, from one year to another, both included.
    Between(i32, i32, u32, u32),
    /// Month and day since a year; on a Tuesday to Thursday it is held on that week's Friday, or on the day before where that Friday is a
    /// holiday already.
    Friday(i32, u32, u32),
    /// Days after Easter Sunday since a year, negative before.
    Easter(i32, i64),
    /// The first Sunday on or after a month and day.
    SundayFrom(u32, u32),
    /// The last day of the year that is no Saturday and no Sunday.
    LastWorkday,
}

/// How much of a day is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Off {
    /// All of it.
    Day,
    /// What is before a local time.
    Before(NaiveTime),
    /// What is from a local time on.
    From(NaiveTime),
}

/// A holiday of one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// Local day on which it is held.
    pub day: NaiveDate,
    /// How much of the day is off.
    pub off: Off,
    /// What it is called, in Portuguese.
    pub name: &'static str,
    /// Law, decree or list that it was taken from.
    pub source: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Set {
    National,
    State(&'static str),
    Optional,
    Banks,
}

/// A set of holidays that a calendar can name: `BR` (national), `BR-` and a state such as `BR-SP` (what the state adds), `BR-FACULTATIVO` (what
/// the federal civil service adds) or `BR-BANCOS` (what the banks add).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holidays(Set);

impl Holidays {
    /// The national holidays.
    pub const NATIONAL: Holidays = Holidays(Set::National);

    /// Reads a name; none when it names no set.
    pub fn named(name: &str) -> Option<Holidays> {
        let set = match name.strip_prefix("BR-") {
            None if name == "BR" => Set::National,
            None => return None,
            Some("FACULTATIVO") => Set::Optional,
            Some("BANCOS") => Set::Banks,
            Some(state) => Set::State(STATES.iter().find(|(known, _)| *known == state)?.0),
        };
        Some(Holidays(set))
    }

    /// Returns the holidays of the set in `year`, in order, one a day.
    pub fn of_year(self, year: i32) -> Vec<Holiday> {
        let held = self.laws().iter().filter_map(|law| Some((self.day_of(law, year)?, law)));
        let mut days: BTreeMap<NaiveDate, Holiday> = BTreeMap::new();
        for (day, law) in held {
            let holiday = Holiday { day, off: law.off, name: law.name, source: law.source };
            days.entry(day).and_modify(|known| known.off = known.off.min(law.off)).or_insert(holiday);
        }
        days.into_values().collect()
    }

    /// Returns whether all of `day` is a holiday of the set.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.off_on(day) == Some(Off::Day)
    }

    /// Returns how much of `day` is off by the set; none is nothing.
    pub fn off_on(self, day: NaiveDate) -> Option<Off> {
        self.laws().iter().filter(|law| self.day_of(law, day.year()) == Some(day)).map(|law| law.off).min()
    }

    fn laws(self) -> &'static [Law] {
        match self.0 {
            Set::National => &NATIONAL,
            Set::State(state) => STATES.iter().find(|(known, _)| *known == state).map_or(&[], |(_, laws)| laws),
            Set::Optional => &OPTIONAL,
            Set::Banks => &BANKS,
        }
    }

    /// Returns when what `law` names was or is held in `year`.
    fn day_of(self, law: &Law, year: i32) -> Option<NaiveDate> {
        let moved = law.moved.iter().find(|(in_year, ..)| *in_year == year).map(|(_, month, day)| (*month, *day));
        if let Some((month, day)) = moved {
            return NaiveDate::from_ymd_opt(year, month, day);
        }
        let Rule::Friday(first, month, day) = law.rule else { return law.rule.day(year) };
        let day = NaiveDate::from_ymd_opt(year, month, day).filter(|_| year >= first)?;
        if !matches!(day.weekday(), Weekday::Tue | Weekday::Wed | Weekday::Thu) {
            return Some(day);
        }
        let friday = day.week(Weekday::Mon).first_day() + Days::new(4);
        let is_taken = Holidays::NATIONAL.contains(friday) || self.laws().iter().any(|other| other.rule.unmoved(year) == Some(friday));
        Some(if is_taken { friday - Days::new(1) } else { friday })
    }
}

impl fmt::Display for Holidays {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Set::National => formatter.write_str("BR"),
            Set::State(state) => write!(formatter, "BR-{state}"),
            Set::Optional => formatter.write_str("BR-FACULTATIVO"),
            Set::Banks => formatter.write_str("BR-BANCOS"),
        }
    }
}

impl Rule {
    /// Returns the day by the rule alone, without looking at other holidays.
    fn day(self, year: i32) -> Option<NaiveDate> {
        match self {
            Rule::Easter(first, days) => (year >= first).then(|| easter(year) + TimeDelta::days(days)),
            Rule::SundayFrom(month, day) => {
                let from = NaiveDate::from_ymd_opt(year, month, day)?;
                Some(from + Days::new(u64::from((7 - from.weekday().num_days_from_sunday()) % 7)))
            }
            Rule::LastWorkday => {
                let last = NaiveDate::from_ymd_opt(year, 12, 31)?;
                Some(last - Days::new(u64::from(last.weekday().num_days_from_monday().saturating_sub(4))))
            }
            Rule::Fixed(..) | Rule::Since(..) | Rule::Between(..) | Rule::Friday(..) => self.unmoved(year),
        }
    }

    /// Returns the day that the calendar of the year names; none for a rule that goes by Easter or by weekdays.
    fn unmoved(self, year: i32) -> Option<NaiveDate> {
        let (first, last, month, day) = match self {
            Rule::Fixed(month, day) => (i32::MIN, i32::MAX, month, day),
            Rule::Since(first, month, day) | Rule::Friday(first, month, day) => (first, i32::MAX, month, day),
            Rule::Between(first, last, month, day) => (first, last, month, day),
            Rule::Easter(..) | Rule::SundayFrom(..) | Rule::LastWorkday => return None,
        };
        (first..=last).contains(&year).then(|| NaiveDate::from_ymd_opt(year, month, day)).flatten()
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
        Holidays::named(name).unwrap().of_year(year).iter().map(|holiday| holiday.day.to_string()).collect()
    }

    fn at(hour: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, 0, 0).unwrap()
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        assert_eq!(easter(2024).to_string(), "2024-03-31");
        assert_eq!(easter(2025).to_string(), "2025-04-20");
        assert_eq!(easter(2026).to_string(), "2026-04-05");
    }

    #[test]
    fn a_years_list_and_the_question_agree() {
        for (name, year) in [("BR", 2010), ("BR", 2023), ("BR", 2024), ("BR-AC", 2026), ("BR-BANCOS", 2026), ("BR-FACULTATIVO", 2025)] {
            let set = Holidays::named(name).unwrap();
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
            let asked: Vec<(NaiveDate, Off)> =
                first.iter_days().take_while(|day| day.year() == year).filter_map(|day| Some((day, set.off_on(day)?))).collect();
            let listed: Vec<(NaiveDate, Off)> = set.of_year(year).iter().map(|holiday| (holiday.day, holiday.off)).collect();
            assert_eq!(asked, listed, "{name} {year}");
        }
        assert_eq!((days("BR", 2023).len(), days("BR", 2024).len()), (9, 10));
    }

    #[test]
    fn days_of_acre_go_to_fridays_and_to_the_day_before_where_that_is_one() {
        assert_eq!(days("BR-AC", 2026), ["2026-01-22", "2026-01-23", "2026-03-08", "2026-06-15", "2026-09-05", "2026-11-19"]);
        assert_eq!(days("BR-AC", 2023), ["2023-01-20", "2023-01-23", "2023-03-10", "2023-06-15", "2023-09-08", "2023-11-17"]);
        assert_eq!(days("BR-AC", 2016)[0], "2016-01-23", "20 January is one since 2017");
    }

    #[test]
    fn a_day_that_a_decree_moved_once_is_where_it_was_held() {
        assert_eq!(days("BR-SP", 2020), ["2020-05-25"]);
        assert_eq!(days("BR-SP", 2021), ["2021-07-09"]);
        assert_eq!(days("BR-MA", 2021), ["2021-03-26"]);
        assert_eq!(days("BR-RO", 2018), ["2018-01-02", "2018-06-18"]);
    }

    #[test]
    fn the_civil_service_and_the_banks_have_halves_of_days() {
        let listed = |name: &str, year| -> Vec<(String, Off)> {
            let holidays = Holidays::named(name).unwrap().of_year(year);
            holidays.iter().map(|holiday| (holiday.day.format("%m-%d").to_string(), holiday.off)).collect()
        };
        let expected = |days: &[(&str, Off)]| days.iter().map(|(day, off)| ((*day).to_owned(), *off)).collect::<Vec<_>>();
        let civil_service = [
            ("02-16", Off::Day),
            ("02-17", Off::Day),
            ("02-18", Off::Before(at(14))),
            ("04-20", Off::Day),
            ("06-04", Off::Day),
            ("06-05", Off::Day),
            ("10-28", Off::Day),
            ("12-24", Off::From(at(13))),
            ("12-31", Off::From(at(13))),
        ];
        assert_eq!(listed("BR-FACULTATIVO", 2026), expected(&civil_service));
        let banks = [
            ("02-16", Off::Day),
            ("02-17", Off::Day),
            ("02-18", Off::Before(at(12))),
            ("06-04", Off::Day),
            ("12-24", Off::From(at(11))),
            ("12-31", Off::Day),
        ];
        assert_eq!(listed("BR-BANCOS", 2026), expected(&banks));
        assert_eq!(days("BR-BANCOS", 2022).last().unwrap(), "2022-12-30", "31 December was a Saturday");
        assert_eq!(days("BR-BANCOS", 2028).last().unwrap(), "2028-12-29", "31 December will be a Sunday");
    }

    #[test]
    fn a_set_is_known_by_its_name_only() {
        for name in ["BR", "BR-SP", "BR-FACULTATIVO", "BR-BANCOS"] {
            assert_eq!(Holidays::named(name).unwrap().to_string(), name);
        }
        for name in ["BR-XX", "PT", "br", "BR-", "BR-bancos"] {
            assert_eq!(Holidays::named(name), None, "{name}");
        }
    }
}
