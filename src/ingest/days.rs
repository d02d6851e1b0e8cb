//! What all day-by-day readers share: the clock, the zone, the run.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::Progress;
use crate::{
    domain::Zone,
    store::{Resource, Store, StoreError},
};

/// The circumstances of a run.
pub struct Reader<'a> {
    /// Zone in which days are cut.
    pub zone: Zone,
    /// The present.
    pub now: DateTime<Utc>,
    /// Whether settled days are read again.
    pub full: bool,
    /// The run.
    pub run_id: &'a str,
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
        self.zone.day_start(day + Days::new(1)) <= self.now
    }

    /// Returns the days of `[first, last]` that must be read.
    pub fn days(
        &self,
        store: &Store,
        resource: Resource,
        key: &str,
        (first, last): (NaiveDate, NaiveDate),
    ) -> Result<Vec<NaiveDate>, StoreError> {
        if self.full {
            Ok(first.iter_days().take_while(|day| *day <= last).collect())
        } else {
            store.unsettled_days(resource, key, first, last)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_joined_up_to_the_longest_run() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let days: Vec<_> = ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-03"].map(day).into();
        assert_eq!(runs(&days, 31), [(days[0], days[2]), (days[3], days[3])]);
        assert_eq!(runs(&days, 2), [(days[0], days[1]), (days[2], days[2]), (days[3], days[3])]);
        assert!(runs(&[], 31).is_empty());
    }
}
