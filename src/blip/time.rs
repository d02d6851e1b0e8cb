//! Instants, days and durations as Blip writes them.
//!
//! Instants are UTC. Three syntaxes of a date occur in requests: a plain day (reports, events), an instant (metrics), and
//! `datetimeoffset'…'` (filters). Days of Blip's own figures are cut at UTC−3, whatever zone the contract is in. Durations are
//! .NET's TimeSpan, `[-][d.]hh:mm:ss[.fffffff]`.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};

/// Hours by which Blip's days are behind UTC.
const DAY_CUT_HOURS: i64 = 3;

/// Reads an instant: with `Z`, with an offset or with neither (UTC), with any fraction of a second, or within `datetimeoffset'…'`.
pub fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let text = text.strip_prefix("datetimeoffset'").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(text);
    text.parse().ok().or_else(|| text.parse::<NaiveDateTime>().ok().map(|time| time.and_utc()))
}

/// Writes an instant as Blip does: UTC, milliseconds.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Writes an instant as a literal of a filter.
pub fn filter_instant(at: DateTime<Utc>) -> String {
    format!("datetimeoffset'{}'", instant(at))
}

/// Returns the day of Blip's own figures to which an instant belongs.
pub fn blip_day(at: DateTime<Utc>) -> NaiveDate {
    (at - TimeDelta::hours(DAY_CUT_HOURS)).date_naive()
}

/// Returns the instant at which a day of Blip's own figures begins; the day after ends it.
pub fn blip_day_start(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(DAY_CUT_HOURS)
}

/// Returns whether a day of Blip's own figures is over at `now`.
pub fn is_blip_day_over(day: NaiveDate, now: DateTime<Utc>) -> bool {
    blip_day_start(day + Days::new(1)) <= now
}

/// Reads a duration such as `00:07:12`, `1.03:20:05` or `00:00:41.1270000`.
pub fn parse_time_span(text: &str) -> Option<TimeDelta> {
    let (sign, text) = match text.trim().strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.trim()),
    };
    let (days, clock) = match text.split_once(':')?.0.split_once('.') {
        Some((days, _)) => (days, text.split_once('.')?.1),
        None => ("0", text),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let [hours, minutes, seconds] = parts.as_slice() else { return None };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let number = |text: &str, below: i64| digits(text).filter(|value| *value < below);
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    let whole = TimeDelta::try_days(digits(days)?)?
        .checked_add(&TimeDelta::seconds(number(hours, 24)? * 3_600 + number(minutes, 60)? * 60 + number(seconds, 60)?))?;
    Some((whole + TimeDelta::nanoseconds(nanos)) * sign)
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Writes a duration as .NET does: days and the seven digits of the fraction only where there are any.
pub fn time_span(duration: TimeDelta) -> String {
    let sign = if duration < TimeDelta::zero() { "-" } else { "" };
    let duration = duration.abs();
    let (seconds, ticks) = (duration.num_seconds(), duration.subsec_nanos() / 100);
    let days = if seconds >= 86_400 { format!("{}.", seconds / 86_400) } else { String::new() };
    let fraction = if ticks > 0 { format!(".{ticks:07}") } else { String::new() };
    format!("{sign}{days}{:02}:{:02}:{:02}{fraction}", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
}

/// How these travel within JSON.
pub(super) mod wire {
    use chrono::TimeDelta;
    use serde::{Deserialize, Deserializer, de::Error};

    /// Reads a TimeSpan that may be absent or null.
    pub fn optional_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TimeDelta>, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            None => Ok(None),
            Some(text) => super::parse_time_span(&text).map(Some).ok_or_else(|| D::Error::custom("not a TimeSpan")),
        }
    }

    /// Reads a number that may be written as text.
    pub fn text_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(number),
            Either::Text(text) => text.trim().parse().map_err(D::Error::custom),
        }
    }

    /// Reads a fraction that may be written as text, absent or null.
    pub fn optional_text_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(f64),
            Text(String),
        }
        match Option::<Either>::deserialize(deserializer)? {
            None => Ok(None),
            Some(Either::Number(number)) => Ok(Some(number)),
            Some(Either::Text(text)) => text.trim().parse().map(Some).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn time_spans_have_days_and_seven_digits() {
        for (text, duration) in [
            ("00:07:12", TimeDelta::seconds(432)),
            ("1.03:20:05", TimeDelta::seconds(98_405)),
            ("00:00:41.1270000", TimeDelta::milliseconds(41_127)),
            ("-00:00:01", TimeDelta::seconds(-1)),
            ("12.00:00:00.0000001", TimeDelta::days(12) + TimeDelta::nanoseconds(100)),
        ] {
            assert_eq!(parse_time_span(text), Some(duration), "{text}");
            assert_eq!(time_span(duration), text);
        }
    }

    #[test]
    fn what_is_no_time_span_is_refused() {
        for text in [
            "",
            "7",
            "00:07",
            "24:00:00",
            "00:60:00",
            "00:00:60",
            "x.00:00:00",
            "1.2.00:00:00",
            "00:00:0a",
            "00:00:00.x",
            "00:00:00.0000000000",
        ] {
            assert_eq!(parse_time_span(text), None, "{text}");
        }
    }

    #[test]
    fn all_three_syntaxes_of_a_date_are_read() {
        let expected = "2026-02-03T13:01:10.420Z".parse().ok();
        for text in [
            "2026-02-03T13:01:10.420Z",
            "2026-02-03T13:01:10.4200000Z",
            "2026-02-03T10:01:10.420-03:00",
            "2026-02-03T13:01:10.420",
            "datetimeoffset'2026-02-03T13:01:10.420Z'",
        ] {
            assert_eq!(parse_instant(text), expected, "{text}");
        }
        assert_eq!(parse_instant("yesterday"), None);
    }

    #[test]
    fn a_day_of_blip_begins_at_three_in_utc() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(blip_day(at("2026-02-03T03:00:00Z")), day("2026-02-03"));
        assert_eq!(blip_day(at("2026-02-03T02:59:59Z")), day("2026-02-02"));
        assert_eq!(blip_day_start(day("2026-02-03")), at("2026-02-03T03:00:00Z"));
        assert!(!is_blip_day_over(day("2026-02-03"), at("2026-02-04T02:59:59Z")));
        assert!(is_blip_day_over(day("2026-02-03"), at("2026-02-04T03:00:00Z")));
    }

    proptest! {
        #[test]
        fn any_duration_survives_writing(ticks in -8_640_000_000_000_000_i64..8_640_000_000_000_000) {
            let duration = TimeDelta::nanoseconds(ticks / 1_000 * 100);
            prop_assert_eq!(parse_time_span(&time_span(duration)), Some(duration));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[-0-9.:x]{0,24}") {
            let _ = parse_time_span(&text);
        }

        #[test]
        fn any_instant_survives_writing_to_the_millisecond(millis in 0_i64..4_102_444_800_000) {
            let at = DateTime::from_timestamp_millis(millis).unwrap();
            prop_assert_eq!(parse_instant(&instant(at)), Some(at));
            prop_assert_eq!(parse_instant(&filter_instant(at)), Some(at));
        }
    }
}
