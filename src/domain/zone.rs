//! The organisation's time zone: local days, their borders in UTC, and the offsets that SQL needs.
//!
//! A border is computed from the IANA rules, never from a fixed offset: Brazil had daylight saving time until 2019.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

/// A name that is not in the IANA database.
#[derive(Debug, thiserror::Error)]
#[error("unknown time zone `{name}` (an IANA name such as {suggestion})")]
pub struct UnknownZone {
    name: String,
    suggestion: String,
}

/// A stretch of time in which local time is UTC plus a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetSpan {
    /// First instant of the stretch, inclusive.
    pub from: DateTime<Utc>,
    /// End of the stretch, exclusive.
    pub until: DateTime<Utc>,
    /// Local minus UTC, in seconds.
    pub offset_s: i32,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(Tz::UTC);

    /// Returns the local wall-clock time of `instant`.
    pub fn local(self, instant: DateTime<Utc>) -> NaiveDateTime {
        instant.with_timezone(&self.0).naive_local()
    }

    /// Returns the local day of `instant`.
    pub fn day(self, instant: DateTime<Utc>) -> NaiveDate {
        self.local(instant).date()
    }

    /// Returns the first instant of the local `day`.
    pub fn day_start(self, day: NaiveDate) -> DateTime<Utc> {
        self.instant(day.and_time(NaiveTime::MIN))
    }

    /// Returns the first instant at which the local clock shows `local`, or the first after the gap where a clock change skips it.
    pub fn instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        if let Some(instant) = self.0.from_local_datetime(&local).earliest() {
            return instant.with_timezone(&Utc);
        }
        // The end of the gap is looked for on whole quarters of an hour, where every clock change on record lies. No zone has ever
        // skipped more than a day.
        let quarter = local.date().and_time(NaiveTime::MIN) + TimeDelta::minutes(15 * (i64::from(local.num_seconds_from_midnight()) / 900));
        (1..=97)
            .map(|quarters| quarter + TimeDelta::minutes(15 * quarters))
            .find_map(|local| self.0.from_local_datetime(&local).earliest())
            .expect("a gap of the local clock is shorter than a day")
            .with_timezone(&Utc)
    }

    /// Returns the stretches of constant offset that cover `[from, until)`, in order and without gaps.
    pub fn offset_spans(self, from: NaiveDate, until: NaiveDate) -> Vec<OffsetSpan> {
        let offset_at = |instant: DateTime<Utc>| self.0.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc();
        let mut spans: Vec<OffsetSpan> = Vec::new();
        let mut day = from.and_time(NaiveTime::MIN).and_utc();
        let end = until.and_time(NaiveTime::MIN).and_utc();
        while day < end {
            let next = (day + Days::new(1)).min(end);
            // Offsets change at most once a day; the exact second is found by halving.
            let mut cuts = vec![day];
            if offset_at(day) != offset_at(next - TimeDelta::seconds(1)) {
                let (mut low, mut high) = (day.timestamp(), next.timestamp());
                while high - low > 1 {
                    let middle = low + (high - low) / 2;
                    let instant = DateTime::from_timestamp(middle, 0).expect("a time between two valid times");
                    if offset_at(instant) == offset_at(day) { low = middle } else { high = middle }
                }
                cuts.push(DateTime::from_timestamp(high, 0).expect("a time between two valid times"));
            }
            for (index, &cut) in cuts.iter().enumerate() {
                let cut_end = cuts.get(index + 1).copied().unwrap_or(next);
                let offset_s = offset_at(cut);
                match spans.last_mut() {
                    Some(last) if last.offset_s == offset_s => last.until = cut_end,
                    _ => spans.push(OffsetSpan { from: cut, until: cut_end, offset_s }),
                }
            }
            day = next;
        }
        spans
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        name.parse().map(Zone).map_err(|_| UnknownZone {
            name: name.to_owned(),
            suggestion: chrono_tz::TZ_VARIANTS
                .iter()
                .map(|zone| zone.name())
                .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)))
                .unwrap_or("America/Sao_Paulo")
                .to_owned(),
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.0.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn a_day_without_midnight_starts_after_the_gap() {
        let zone: Zone = "America/Sao_Paulo".parse().unwrap();
        // Daylight saving began at 00:00 of 4 November 2018: that day has 23 hours.
        assert_eq!(zone.day_start(day(2018, 11, 4)).to_rfc3339(), "2018-11-04T03:00:00+00:00");
        assert_eq!(zone.day_start(day(2018, 11, 5)).to_rfc3339(), "2018-11-05T02:00:00+00:00");
        assert_eq!(zone.day_start(day(2026, 2, 3)).to_rfc3339(), "2026-02-03T03:00:00+00:00");
    }

    #[test]
    fn offset_spans_cover_a_clock_change_to_the_second() {
        let zone: Zone = "America/Sao_Paulo".parse().unwrap();
        let spans = zone.offset_spans(day(2018, 11, 1), day(2019, 3, 1));
        let borders: Vec<_> = spans.iter().map(|span| (span.from.to_rfc3339(), span.offset_s)).collect();
        assert_eq!(
            borders,
            [
                ("2018-11-01T00:00:00+00:00".to_owned(), -10_800),
                ("2018-11-04T03:00:00+00:00".to_owned(), -7_200),
                ("2019-02-17T02:00:00+00:00".to_owned(), -10_800),
            ]
        );
        assert!(spans.windows(2).all(|pair| pair[0].until == pair[1].from));
    }

    #[test]
    fn an_unknown_zone_is_refused_with_a_near_name() {
        let error = "America/Sao_Paolo".parse::<Zone>().unwrap_err();
        assert_eq!(error.to_string(), "unknown time zone `America/Sao_Paolo` (an IANA name such as America/Sao_Paulo)");
    }
}
