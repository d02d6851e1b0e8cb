//! Cron expressions of five fields on a local wall clock: minute, hour, day of the month, month, weekday by name.

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::Zone;

/// When something is due.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    schedule: cron::Schedule,
}

/// Why a text is no cron expression of ours.
#[derive(Debug, thiserror::Error)]
pub enum CronError {
    /// Not five fields.
    #[error("`{text}` has {found} fields (accepted: minute hour day month weekday, such as `0 8 * * MON`)")]
    Fields {
        /// The expression.
        text: String,
        /// Number of fields.
        found: usize,
    },
    /// A weekday as a number: programs count them differently.
    #[error(
        "weekday `{0}` is a number, which some count from Sunday and some from Monday \
         (accepted: MON, TUE, WED, THU, FRI, SAT, SUN, or SEG, TER, QUA, QUI, SEX, SAB, DOM)"
    )]
    Weekday(String),
    /// A weekday that is none.
    #[error("unknown weekday `{0}` (accepted: MON, TUE, WED, THU, FRI, SAT, SUN, or SEG, TER, QUA, QUI, SEX, SAB, DOM; MON-FRI; *)")]
    UnknownWeekday(String),
    /// A field has a value that does not exist.
    #[error("`{text}` is not a cron expression: {reason}")]
    Value {
        /// The expression.
        text: String,
        /// What the parser says.
        reason: String,
    },
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Cron, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(CronError::Fields { text: text.to_owned(), found: fields.len() });
        };
        if weekday.chars().any(|char| char.is_ascii_digit()) {
            return Err(CronError::Weekday((*weekday).to_owned()));
        }
        // The library's first field is the second.
        let schedule = format!("0 {minute} {hour} {day} {month} {}", weekdays(weekday)?)
            .parse()
            .map_err(|error: cron::error::Error| CronError::Value { text: text.to_owned(), reason: error.to_string() })?;
        Ok(Cron { text: text.to_owned(), schedule })
    }
}

/// Names of weekdays in English and Portuguese, Monday first.
const WEEKDAYS: [(&str, &str); 7] =
    [("MON", "SEG"), ("TUE", "TER"), ("WED", "QUA"), ("THU", "QUI"), ("FRI", "SEX"), ("SAT", "SAB"), ("SUN", "DOM")];

/// Returns the field of weekdays as the library reads it: each by its English name, a span such as SEX-SEG spelt out.
fn weekdays(field: &str) -> Result<String, CronError> {
    if field == "*" || field == "?" {
        return Ok(field.to_owned());
    }
    let place = |name: &str| {
        let plain = name.to_uppercase().replace('Á', "A");
        WEEKDAYS
            .iter()
            .position(|(english, portuguese)| plain == *english || plain == *portuguese)
            .ok_or_else(|| CronError::UnknownWeekday(name.to_owned()))
    };
    let mut chosen = Vec::new();
    for part in field.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        let length = (last + 7 - first) % 7;
        chosen.extend((first..=first + length).map(|day| WEEKDAYS[day % 7].0));
    }
    Ok(chosen.join(","))
}

impl Cron {
    /// Returns the expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the due instants after `instant` on the wall clock of `zone`, with their local times.
    ///
    /// A local time that a clock change skips is due at the first instant after the gap, once for all that were skipped; one that a
    /// clock change repeats is due once, the first time. Where days of the month and weekdays are both given, both must hold.
    pub fn after(&self, instant: DateTime<Utc>, zone: Zone) -> impl Iterator<Item = (DateTime<Utc>, NaiveDateTime)> + '_ {
        // Iterating over a clock without changes leaves gaps and repeats to `Zone`. A day back finds local times that repeat.
        let from = zone.local(instant).and_utc() - TimeDelta::days(1);
        self.schedule
            .after_owned(from)
            .map(move |local| (zone.instant(local.naive_utc()), local.naive_utc()))
            .scan(instant, |last, (due, local)| {
                let is_later = due > *last;
                *last = due.max(*last);
                Some(is_later.then_some((due, local)))
            })
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(cron: &str, after: &str, zone: &str) -> Vec<String> {
        let (cron, zone): (Cron, Zone) = (cron.parse().unwrap(), zone.parse().unwrap());
        cron.after(after.parse().unwrap(), zone).take(2).map(|(due, _)| due.to_rfc3339()).collect()
    }

    #[test]
    fn a_local_hour_is_kept_across_the_year() {
        assert_eq!(
            due("0 8 * * MON", "2026-11-22T12:00:00Z", "America/Sao_Paulo"),
            ["2026-11-23T11:00:00+00:00", "2026-11-30T11:00:00+00:00"]
        );
        // Daylight saving began on 4 November 2018.
        assert_eq!(
            due("0 8 * * *", "2018-11-03T12:00:00Z", "America/Sao_Paulo"),
            ["2018-11-04T10:00:00+00:00", "2018-11-05T10:00:00+00:00"]
        );
    }

    #[test]
    fn a_skipped_time_runs_after_the_gap_and_a_repeated_one_runs_once() {
        // 00:00 to 00:59 of 4 November 2018 did not exist.
        assert_eq!(
            due("30 0 * * *", "2018-11-03T12:00:00Z", "America/Sao_Paulo"),
            ["2018-11-04T03:00:00+00:00", "2018-11-05T02:30:00+00:00"]
        );
        // 23:00 to 23:59 of 16 February 2019 came twice.
        assert_eq!(
            due("30 23 * * *", "2019-02-16T12:00:00Z", "America/Sao_Paulo"),
            ["2019-02-17T01:30:00+00:00", "2019-02-18T02:30:00+00:00"]
        );
    }

    #[test]
    fn what_a_gap_swallows_is_due_once() {
        assert_eq!(
            due("*/20 0,1 * * *", "2018-11-04T02:45:00Z", "America/Sao_Paulo"),
            ["2018-11-04T03:00:00+00:00", "2018-11-04T03:20:00+00:00"]
        );
        // Samoa left out 30 December 2011.
        assert_eq!(due("0 8 * * *", "2011-12-29T18:00:00Z", "Pacific/Apia"), ["2011-12-30T10:00:00+00:00", "2011-12-30T18:00:00+00:00"]);
    }

    #[test]
    fn weekdays_have_names_in_two_languages() {
        for (field, expected) in [
            ("MON-FRI", "MON,TUE,WED,THU,FRI"),
            ("seg-sex", "MON,TUE,WED,THU,FRI"),
            ("SEX-SEG,QUA", "FRI,SAT,SUN,MON,WED"),
            ("sáb,dom", "SAT,SUN"),
            ("*", "*"),
        ] {
            assert_eq!(weekdays(field).unwrap(), expected);
        }
        assert!("0 8 * * LUN".parse::<Cron>().unwrap_err().to_string().contains("unknown weekday `LUN`"));
    }

    #[test]
    fn day_and_weekday_must_both_hold() {
        // The first Monday of a month.
        assert_eq!(
            due("0 8 1-7 * MON", "2026-11-22T12:00:00Z", "America/Sao_Paulo"),
            ["2026-12-07T11:00:00+00:00", "2027-01-04T11:00:00+00:00"]
        );
    }

    #[test]
    fn a_month_without_the_day_is_passed_over() {
        assert_eq!(
            due("0 8 31 * *", "2026-11-22T12:00:00Z", "America/Sao_Paulo"),
            ["2026-12-31T11:00:00+00:00", "2027-01-31T11:00:00+00:00"]
        );
    }

    #[test]
    fn what_is_no_expression_is_refused_by_what_is_wrong() {
        let error = |text: &str| text.parse::<Cron>().unwrap_err().to_string();
        assert!(error("0 8 * *").contains("has 4 fields"));
        assert!(error("0 8 * * 1").contains("is a number"));
        assert!(error("61 8 * * *").contains("is not a cron expression"));
    }
}
