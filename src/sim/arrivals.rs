//! When conversations begin: by hour, weekday, season and chance.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

use super::{
    calendar,
    draw::Draw,
    profile::{HOUR_LOAD, WEEKDAY_LOAD},
    world::WorldSpec,
};
use crate::domain::{Zone, holiday};

/// Hours of the horizon with their share of arrivals.
pub struct Arrivals {
    /// Start of the hour and sum of weights up to its end.
    hours: Vec<(DateTime<Utc>, f64)>,
}

impl Arrivals {
    /// Plans the arrivals of a world.
    pub fn plan(spec: &WorldSpec, zone: Zone, draw: &mut Draw) -> Arrivals {
        let mut hours = Vec::new();
        let mut sum = 0.0;
        let (mut day, last) = (spec.first_day(zone), zone.day(spec.now));
        while day <= last {
            let weekday = day.weekday().num_days_from_monday() as usize;
            // No two days are alike, and now and then something happens: an invoice run, a campaign, an outage.
            let mut mood = 0.88 + 0.24 * draw.unit();
            if draw.chance(0.02) {
                mood *= 1.7;
            }
            if holiday::is_national(day) {
                mood *= 0.12;
            }
            let growth = 1.035_f64.powf(months_since(spec.first_day(zone), day));
            for (hour, load) in (0_i64..).zip(HOUR_LOAD) {
                let start = zone.day_start(day) + TimeDelta::hours(hour);
                if start <= spec.now {
                    // Most people know when nobody answers.
                    let is_open = calendar::opening(day).is_some_and(|(opens, closes)| (opens..closes).contains(&(hour * 60)));
                    let habit = if is_open { 1.0 } else { 0.3 };
                    sum += load * WEEKDAY_LOAD[weekday] * mood * growth * habit;
                    hours.push((start, sum));
                }
            }
            day = day + Days::new(1);
        }
        Arrivals { hours }
    }

    /// Draws one arrival.
    pub fn draw(&self, draw: &mut Draw) -> DateTime<Utc> {
        let target = draw.unit() * self.hours.last().map_or(0.0, |(_, sum)| *sum);
        let hour = self.hours.partition_point(|(_, sum)| *sum <= target).min(self.hours.len() - 1);
        #[expect(clippy::cast_possible_truncation, reason = "below the milliseconds of an hour")]
        let offset_ms = (draw.unit() * 3_600_000.0) as i64;
        self.hours[hour].0 + TimeDelta::milliseconds(offset_ms)
    }
}

/// Returns the months from `first` to `day`, as a fraction.
pub fn months_since(first: NaiveDate, day: NaiveDate) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand days")]
    let days = (day - first).num_days() as f64;
    days / 30.44
}
