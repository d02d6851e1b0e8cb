//! What all day-by-day readers share: the clock, the zone, the run.

use std::ops::RangeInclusive;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::Progress;
use crate::{
    blip::time,
    domain::Zone,
    store::{Resource, Run, Store, StoreError},
};

/// Days for which Blip's documentation says that anything of messages is kept: three months of threads.
pub const RETAINED_DAYS: u64 = 92;

/// Days after its end for which a day is read again each time: what was changed after the close, and what came late.
const LATE_DAYS: u64 = 3;

/// The circumstances of a run.
pub struct Reader<'a> {
    /// Zone in which days are cut.
    pub zone: Zone,
    /// The present.
    pub now: DateTime<Utc>,
    /// Until when days are over: the present by this machine's clock or by Blip's, whichever is earlier. None where Blip does not tell the time:
    /// then no day is known to be over.
    pub over_until: Option<DateTime<Utc>>,
    /// Whether settled days are read again.
    pub full: bool,
    /// The run.
    pub run: Run,
    /// Where progress is told.
    pub progress: &'a dyn Progress,
}

impl Reader<'_> {
    /// Returns the instants `[from, until)` of a local day, cut at the present.
    pub fn bounds(&self, day: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
        // An instant of the present's own millisecond still belongs to it.
        let end = self.zone.day_start(day + Days::new(1)).min(self.now + chrono::TimeDelta::milliseconds(1));
        (self.zone.day_start(day), end)
    }

    /// Returns whether the whole local day has passed.
    pub fn is_over(&self, day: NaiveDate) -> bool {
        self.over_until.is_some_and(|until| self.zone.day_start(day + Days::new(1)) <= until)
    }

    /// Returns whether the whole day of Blip's own calendar has passed.
    pub fn is_blip_day_over(&self, day: NaiveDate) -> bool {
        self.over_until.is_some_and(|until| time::is_blip_day_over(day, until))
    }

    /// Returns whether the local day has been over for so long that nothing of it can come late any more.
    pub fn is_settled(&self, day: NaiveDate) -> bool {
        self.is_over(day + Days::new(LATE_DAYS))
    }

    /// Returns the days of `span` that must be read: first, from the oldest on, those of which Blip may soon forget something, then
    /// the others from the newest month back.
    pub fn days(&self, store: &Store, resource: Resource, key: &str, span: (NaiveDate, NaiveDate)) -> Result<Vec<NaiveDate>, StoreError> {
        let (first, last) = span;
        let days = if self.full {
            first.iter_days().take_while(|day| *day <= last).collect()
        } else {
            store.unsettled_days(resource, key, span)?
        };
        Ok(by_urgency(days, self.zone.day(self.now) - Days::new(RETAINED_DAYS)))
    }
}

fn by_urgency(mut days: Vec<NaiveDate>, retained_from: NaiveDate) -> Vec<NaiveDate> {
    use chrono::Datelike;
    days.sort_by_key(|day| {
        let is_old = *day < retained_from;
        let months_back = if is_old { -(i64::from(day.year()) * 12 + i64::from(day.month())) } else { 0 };
        (is_old, months_back, *day)
    });
    days
}

/// Returns runs of consecutive days, none longer than `longest`.
pub fn runs(days: &[NaiveDate], longest: usize) -> Vec<(NaiveDate, NaiveDate)> {
    let mut runs: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for &day in days {
        match runs.last_mut() {
            Some((first, last))
                if *last + Days::new(1) == day && usize::try_from((day - *first).num_days()).is_ok_and(|length| length < longest) =>
            {
                *last = day;
            }
            _ => runs.push((day, day)),
        }
    }
    runs
}

/// Returns how many days hold about `rows`, within `bounds`, where the fullest of those just read held `most`. A day can hold a dozen or
/// thousands: what is read at once must not grow with it.
pub fn days_holding(rows: usize, most: usize, bounds: RangeInclusive<usize>) -> usize {
    (rows / most.max(1)).clamp(*bounds.start(), *bounds.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn fuller_days_are_read_fewer_at_once() {
        assert_eq!([0, 10, 900, 2_000, 7_000, 1_000_000].map(|most| days_holding(8_000, most, 1..=31)), [31, 31, 8, 4, 1, 1]);
        assert_eq!(days_holding(8_000, 1_000_000, 2..=8), 2);
    }

    #[test]
    fn days_are_joined_up_to_the_longest_run() {
        let days: Vec<_> = ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-03"].map(day).into();
        assert_eq!(runs(&days, 31), [(days[0], days[2]), (days[3], days[3])]);
        assert_eq!(runs(&days, 2), [(days[0], days[1]), (days[2], days[2]), (days[3], days[3])]);
        assert!(runs(&[], 31).is_empty());
    }

    #[test]
    fn what_may_be_forgotten_comes_first_and_older_months_from_the_newest_back() {
        let days = ["2026-05-01", "2026-05-02", "2026-06-01", "2026-09-01", "2026-10-01"].map(day).to_vec();
        let sorted = by_urgency(days, day("2026-08-22"));
        assert_eq!(sorted, ["2026-09-01", "2026-10-01", "2026-06-01", "2026-05-01", "2026-05-02"].map(day));
    }
}
