//! Reporting periods: whole local days, closed at the start and open at the end.

use std::{collections::BTreeMap, fmt};

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use serde::Serialize;

/// A digest of the rows of each local month (`yyyy-mm`) of each table; no month is the part of rows that have none.
pub type DigestsByMonth = BTreeMap<String, BTreeMap<Option<String>, String>>;

/// A stretch of whole local days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// First day, inclusive.
    pub start: NaiveDate,
    /// The day after the last, exclusive.
    pub end: NaiveDate,
    /// What the period is called and compared with.
    pub unit: Unit,
}

/// What a period is a whole number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// One calendar month.
    Month,
    /// The elapsed part of a calendar month.
    MonthToDate,
    /// One ISO week, Monday to Sunday.
    Week,
    /// Any other number of days.
    Days,
}

/// Why a text is not a period.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PeriodError {
    /// Matches none of the forms.
    #[error("unknown period `{0}` (accepted: 2026-10, 2026-W42, 2026-10-01..2026-10-31, last-month, last-week, yesterday, month-to-date)")]
    Form(String),
    /// Has a form, but names a day that does not exist.
    #[error("`{0}` is not a date of the calendar (accepted: yyyy-mm-dd)")]
    Date(String),
    /// Ends before it starts.
    #[error("period `{0}` ends before it starts")]
    Backwards(String),
    /// `month-to-date` on the first of a month has no complete day yet.
    #[error("period `{0}` has no complete day yet")]
    Empty(String),
}

impl Period {
    /// Reads a period as the command line writes it; `today` is the local day from which relative names count.
    ///
    /// # Errors
    /// Names the offending text and what is accepted.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Period, PeriodError> {
        let first_of_month = today.with_day(1).expect("every month has a first day");
        match text {
            "last-month" => return Ok(Period::month(first_of_month - Months::new(1))),
            "last-week" => return Ok(Period::week(monday_of(today) - Days::new(7))),
            "yesterday" => return Ok(Period::days(today - Days::new(1), today)),
            "month-to-date" if first_of_month == today => return Err(PeriodError::Empty(text.to_owned())),
            "month-to-date" => return Ok(Period { start: first_of_month, end: today, unit: Unit::MonthToDate }),
            _ => {}
        }
        if let Some((first, last)) = text.split_once("..") {
            let (first, last) = (parse_day(first)?, parse_day(last)?);
            if last < first {
                return Err(PeriodError::Backwards(text.to_owned()));
            }
            return Ok(Period::days(first, last + Days::new(1)));
        }
        let unknown = || PeriodError::Form(text.to_owned());
        let (year, rest) = text.split_once('-').ok_or_else(unknown)?;
        if year.len() != 4 || rest.is_empty() {
            return Err(unknown());
        }
        let year: i32 = year.parse().map_err(|_| unknown())?;
        if let Some(week) = rest.strip_prefix('W') {
            let week: u32 = week.parse().map_err(|_| unknown())?;
            let monday = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon).ok_or_else(|| PeriodError::Date(text.to_owned()))?;
            return Ok(Period::week(monday));
        }
        let month: u32 = (rest.len() == 2).then(|| rest.parse().ok()).flatten().ok_or_else(unknown)?;
        NaiveDate::from_ymd_opt(year, month, 1).map(Period::month).ok_or_else(|| PeriodError::Date(text.to_owned()))
    }

    /// Returns the calendar month that starts on `first`.
    pub fn month(first: NaiveDate) -> Period {
        Period { start: first, end: first + Months::new(1), unit: Unit::Month }
    }

    fn week(monday: NaiveDate) -> Period {
        Period { start: monday, end: monday + Days::new(7), unit: Unit::Week }
    }

    /// Returns the days from `start` to before `end`.
    pub fn days(start: NaiveDate, end: NaiveDate) -> Period {
        Period { start, end, unit: Unit::Days }
    }

    /// Returns the number of days.
    pub fn day_count(&self) -> i64 {
        (self.end - self.start).num_days()
    }

    /// Returns the last day, inclusive.
    pub fn last_day(&self) -> NaiveDate {
        self.end - Days::new(1)
    }

    /// Returns the period of the same kind right before this one.
    ///
    /// A month is compared with the month before, a part of a month with the same days of the month before
    /// (cut at its end), anything else with as many days before.
    #[must_use]
    pub fn previous(&self) -> Period {
        match self.unit {
            Unit::Month => Period::month(self.start - Months::new(1)),
            Unit::MonthToDate => {
                let start = self.start - Months::new(1);
                let end = (start + Days::new(self.day_count().unsigned_abs())).min(self.start);
                Period { start, end, unit: Unit::MonthToDate }
            }
            Unit::Week | Unit::Days => {
                let length = Days::new(self.day_count().unsigned_abs());
                Period { start: self.start - length, end: self.start, unit: self.unit }
            }
        }
    }

    /// Returns the same period a year earlier: the same month, or the same weekdays 52 weeks before.
    #[must_use]
    pub fn a_year_before(&self) -> Period {
        match self.unit {
            Unit::Month => Period::month(self.start - Months::new(12)),
            Unit::MonthToDate => {
                let start = self.start - Months::new(12);
                Period { start, end: start + Days::new(self.day_count().unsigned_abs()), unit: Unit::MonthToDate }
            }
            Unit::Week | Unit::Days => {
                let year = Days::new(364);
                Period { start: self.start - year, end: self.end - year, unit: self.unit }
            }
        }
    }
}

/// The form that the command line reads and file names carry.
impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Month => write!(formatter, "{}", self.start.format("%Y-%m")),
            Unit::Week => write!(formatter, "{}", self.start.format("%G-W%V")),
            Unit::MonthToDate | Unit::Days => write!(formatter, "{}..{}", self.start, self.last_day()),
        }
    }
}

/// Reads a day written `yyyy-mm-dd`.
///
/// # Errors
/// Names the text when it is no such day.
pub fn parse_day(text: &str) -> Result<NaiveDate, PeriodError> {
    // chrono also takes unpadded numbers; a date that sorts as text is asked for.
    (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten().ok_or_else(|| PeriodError::Date(text.to_owned()))
}

fn monday_of(day: NaiveDate) -> NaiveDate {
    day - Days::new(day.weekday().num_days_from_monday().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, String, String), PeriodError> {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        Period::parse(text, today).map(|period| (period.start.to_string(), period.last_day().to_string(), period.previous().to_string()))
    }

    #[test]
    fn every_documented_form_is_read() {
        let cases = [
            ("2026-10", "2026-10-01", "2026-10-31", "2026-09"),
            ("2026-W42", "2026-10-12", "2026-10-18", "2026-W41"),
            ("2026-10-01..2026-10-31", "2026-10-01", "2026-10-31", "2026-08-31..2026-09-30"),
            ("last-month", "2026-10-01", "2026-10-31", "2026-09"),
            ("last-week", "2026-11-09", "2026-11-15", "2026-W45"),
            ("yesterday", "2026-11-21", "2026-11-21", "2026-11-20..2026-11-20"),
            ("month-to-date", "2026-11-01", "2026-11-21", "2026-10-01..2026-10-21"),
        ];
        for (text, first, last, previous) in cases {
            assert_eq!(parse(text), Ok((first.into(), last.into(), previous.into())), "{text}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused_by_name() {
        assert_eq!(parse("2026-13"), Err(PeriodError::Date("2026-13".into())));
        assert_eq!(parse("2026-02-30..2026-03-01"), Err(PeriodError::Date("2026-02-30".into())));
        assert_eq!(parse("2026-10-31..2026-10-01"), Err(PeriodError::Backwards("2026-10-31..2026-10-01".into())));
        for text in ["october", "2026", "2026-1", "2026-W", "", "2026-10-01"] {
            assert!(matches!(parse(text), Err(PeriodError::Form(_))), "{text}");
        }
    }

    #[test]
    fn what_is_printed_is_read_back() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        for text in ["2026-10", "2026-W01", "2026-10-01..2026-10-15", "last-week"] {
            let period = Period::parse(text, today).unwrap();
            assert_eq!(Period::parse(&period.to_string(), today), Ok(period));
        }
    }
}
