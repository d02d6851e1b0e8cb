//! Business hours: when a sector is open, as stretches of absolute time.
//!
//! A calendar speaks of the local clock; what comes out are instants, so that a clock change loses no second and 00:00–24:00 is a
//! whole day however long it is. A shift that crosses midnight belongs to the day on which it begins: a holiday closes the shift that
//! would begin on it, and leaves alone the one that began the evening before.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};

use super::{
    Zone,
    holiday::{Holiday, Holidays, Off},
};

/// A stretch of opening hours, the end possibly on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// First moment that counts.
    pub from: NaiveTime,
    /// First moment that no longer counts; not after `from` when the shift crosses midnight. `24:00` reads as midnight.
    pub until: NaiveTime,
}

impl Shift {
    /// Reads `HH:MM-HH:MM`; `24:00` is allowed as an end.
    pub fn parse(text: &str) -> Option<Shift> {
        let (from, until) = text.split_once('-')?;
        let time = |text: &str| (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten();
        let until = if until == "24:00" { NaiveTime::MIN } else { time(until)? };
        Some(Shift { from: time(from)?, until })
    }

    /// Returns what is left of it on a day of which `off` is off; none is nothing.
    fn without(self, off: Off) -> Option<Shift> {
        let crosses_midnight = self.until <= self.from;
        match off {
            Off::Before(time) if crosses_midnight || time < self.until => Some(Shift { from: self.from.max(time), ..self }),
            Off::From(time) if time <= self.from => None,
            Off::From(time) if crosses_midnight || time < self.until => Some(Shift { until: time, ..self }),
            Off::From(_) => Some(self),
            Off::Day | Off::Before(_) => None,
        }
    }
}

/// The hours of a week and the days that differ from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    /// Shifts by weekday, Monday first.
    pub week: [Vec<Shift>; 7],
    /// Sets of public holidays on which it is closed, on some of them for a part of the day.
    pub holidays: BTreeSet<Holidays>,
    /// Other days on which it is closed.
    pub closed: BTreeSet<NaiveDate>,
    /// Days with hours of their own, be they holidays or not.
    pub open: BTreeMap<NaiveDate, Vec<Shift>>,
    /// First day on which it is in force; none is always.
    pub from: Option<NaiveDate>,
    /// Last day on which it is in force; none is for ever.
    pub until: Option<NaiveDate>,
}

impl Calendar {
    fn is_in_force(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Returns the holidays of its sets in `year`, in order; those on days with hours of their own, and those of days on which it is not in force,
    /// are left out. Of one day that several sets have, the one that takes more of it.
    pub fn holidays_of(&self, year: i32) -> Vec<Holiday> {
        let mut days: BTreeMap<NaiveDate, Holiday> = BTreeMap::new();
        for holiday in self.holidays.iter().flat_map(|set| set.of_year(year)) {
            let known = days.entry(holiday.day).or_insert(holiday);
            if holiday.off < known.off {
                *known = holiday;
            }
        }
        days.into_values().filter(|holiday| !self.open.contains_key(&holiday.day) && self.is_in_force(holiday.day)).collect()
    }

    fn shifts(&self, day: NaiveDate) -> Cow<'_, [Shift]> {
        if let Some(shifts) = self.open.get(&day) {
            return Cow::Borrowed(shifts);
        }
        if self.closed.contains(&day) {
            return Cow::Borrowed(&[]);
        }
        let week = &self.week[day.weekday().num_days_from_monday() as usize];
        let off: Vec<Off> = self.holidays.iter().filter_map(|set| set.off_on(day)).collect();
        if off.is_empty() {
            return Cow::Borrowed(week);
        }
        Cow::Owned(week.iter().filter_map(|shift| off.iter().try_fold(*shift, |shift, off| shift.without(*off))).collect())
    }
}

/// All calendars of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendars {
    /// For every sector without one of its own; of several that are in force, the last counts.
    pub default: Vec<Calendar>,
    /// By sector; where none of a sector's is in force, the default is.
    pub by_sector: BTreeMap<String, Vec<Calendar>>,
}

/// What a day is to those who send reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// It has business hours.
    Business,
    /// Its weekday has none.
    Weekend,
    /// A holiday, or closed by the calendar.
    Holiday,
}

/// A stretch of absolute time, end exclusive.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

impl Calendars {
    /// Returns what `day` is by the calendar of all; without one, by national holidays and a week from Monday to Friday.
    pub fn kind_of(&self, day: NaiveDate) -> DayKind {
        match self.default.iter().rfind(|calendar| calendar.is_in_force(day)) {
            Some(calendar) if !calendar.shifts(day).is_empty() => DayKind::Business,
            Some(calendar) if calendar.week[day.weekday().num_days_from_monday() as usize].is_empty() => DayKind::Weekend,
            Some(_) => DayKind::Holiday,
            None if Holidays::NATIONAL.contains(day) => DayKind::Holiday,
            None if day.weekday().num_days_from_monday() >= 5 => DayKind::Weekend,
            None => DayKind::Business,
        }
    }

    /// Returns when `sector` is open from the local day `first` on to the day before `end`, in order, without overlaps; none names
    /// any sector that has no calendar of its own. What is not declared is closed.
    pub fn spans(&self, zone: Zone, sector: Option<&str>, first: NaiveDate, end: NaiveDate) -> Vec<Span> {
        let own = sector.and_then(|sector| self.by_sector.get(sector)).map_or(&[][..], Vec::as_slice);
        let in_force = |day| {
            let last = |calendars: &'_ [Calendar]| calendars.iter().rposition(|calendar| calendar.is_in_force(day));
            last(own).map(|place| &own[place]).or_else(|| last(&self.default).map(|place| &self.default[place]))
        };
        let mut spans: Vec<Span> = Vec::new();
        for day in first.iter_days().take_while(|day| *day < end) {
            let mut shifts: Vec<Span> = in_force(day)
                .map_or(Cow::Borrowed(&[][..]), |calendar| calendar.shifts(day))
                .iter()
                .map(|shift| {
                    let last_day = if shift.until <= shift.from { day + Days::new(1) } else { day };
                    (zone.instant(day.and_time(shift.from)), zone.instant(last_day.and_time(shift.until)))
                })
                .collect();
            shifts.sort();
            for (from, until) in shifts {
                match spans.last_mut() {
                    Some(last) if from <= last.1 => last.1 = last.1.max(until),
                    // A clock change can swallow a shift.
                    _ if from < until => spans.push((from, until)),
                    _ => {}
                }
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn zone() -> Zone {
        "America/Sao_Paulo".parse().unwrap()
    }

    fn shifts(texts: &[&str]) -> Vec<Shift> {
        texts.iter().map(|text| Shift::parse(text).unwrap()).collect()
    }

    /// The same shifts from Monday to Friday.
    fn working(texts: &[&str]) -> Calendar {
        let mut calendar = Calendar::default();
        calendar.week[..5].fill(shifts(texts));
        calendar
    }

    fn every_day(texts: &[&str]) -> Calendar {
        Calendar { week: std::array::from_fn(|_| shifts(texts)), ..Calendar::default() }
    }

    fn open_minutes(calendar: &Calendar, first: &str, end: &str) -> i64 {
        let calendars = Calendars { default: vec![calendar.clone()], ..Calendars::default() };
        let spans = calendars.spans(zone(), None, day(first), day(end));
        assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{spans:?}");
        spans.iter().map(|(from, until)| (*until - *from).num_minutes()).sum()
    }

    #[test]
    fn a_lunch_break_is_closed_and_a_weekend_too() {
        let calendar = working(&["08:00-12:00", "13:00-18:00"]);
        assert_eq!(open_minutes(&calendar, "2026-02-02", "2026-02-03"), 9 * 60);
        assert_eq!(open_minutes(&calendar, "2026-02-02", "2026-02-09"), 5 * 9 * 60);
    }

    #[test]
    fn a_whole_day_loses_no_minute_and_two_of_them_touch() {
        let calendar = every_day(&["00:00-24:00"]);
        assert_eq!(open_minutes(&calendar, "2026-02-03", "2026-02-04"), 1440);
        assert_eq!(open_minutes(&calendar, "2026-02-03", "2026-02-05"), 2880);
        let calendars = Calendars { default: vec![calendar], ..Calendars::default() };
        assert_eq!(calendars.spans(zone(), None, day("2026-02-03"), day("2026-02-10")).len(), 1);
    }

    #[test]
    fn a_day_of_a_clock_change_is_as_long_as_it_was() {
        let calendar = every_day(&["00:00-24:00"]);
        assert_eq!(open_minutes(&calendar, "2018-11-04", "2018-11-05"), 23 * 60);
        assert_eq!(open_minutes(&calendar, "2019-02-16", "2019-02-17"), 25 * 60);
        assert_eq!(open_minutes(&every_day(&["08:00-18:00"]), "2018-11-04", "2018-11-05"), 600);
    }

    #[test]
    fn a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let mut calendar = every_day(&["22:00-06:00"]);
        assert_eq!(open_minutes(&calendar, "2026-02-03", "2026-02-04"), 8 * 60);
        calendar.closed.insert(day("2026-02-04"));
        // Tuesday's shift still ends on Wednesday morning; Wednesday's does not begin.
        assert_eq!(open_minutes(&calendar, "2026-02-03", "2026-02-06"), 16 * 60);
    }

    #[test]
    fn holidays_close_and_a_day_of_its_own_opens_even_then() {
        let mut calendar = working(&["08:00-18:00"]);
        calendar.holidays = [Holidays::NATIONAL, Holidays::named("BR-SP").unwrap()].into();
        assert_eq!(open_minutes(&calendar, "2026-07-09", "2026-07-10"), 0);
        assert_eq!(open_minutes(&calendar, "2026-09-07", "2026-09-08"), 0);
        calendar.open.insert(day("2026-09-07"), shifts(&["09:00-12:00"]));
        assert_eq!(open_minutes(&calendar, "2026-09-07", "2026-09-08"), 180);
    }

    #[test]
    fn half_a_holiday_takes_away_its_half_only() {
        let banks = |texts: &[&str]| Calendar { holidays: [Holidays::named("BR-BANCOS").unwrap()].into(), ..every_day(texts) };
        let hours = |calendar: &Calendar, day: &str, next: &str| open_minutes(calendar, day, next) / 60;
        let with_a_break = banks(&["08:00-12:00", "13:00-18:00"]);
        // Ash Wednesday until noon, Christmas Eve from eleven on, Carnival whole.
        assert_eq!(hours(&with_a_break, "2026-02-18", "2026-02-19"), 5);
        assert_eq!(hours(&with_a_break, "2026-12-24", "2026-12-25"), 3);
        assert_eq!(hours(&with_a_break, "2026-02-17", "2026-02-18"), 0);
        let by_night = banks(&["22:00-06:00"]);
        assert_eq!(hours(&by_night, "2026-02-18", "2026-02-19"), 8, "what begins after noon stays whole");
        assert_eq!(hours(&by_night, "2026-12-24", "2026-12-25"), 0);
        let all_day = banks(&["00:00-24:00"]);
        assert_eq!(hours(&all_day, "2026-02-18", "2026-02-19"), 12);
        assert_eq!(hours(&all_day, "2026-12-24", "2026-12-25"), 11);
        let both = Calendar { holidays: ["BR-BANCOS", "BR-FACULTATIVO"].map(|name| Holidays::named(name).unwrap()).into(), ..with_a_break };
        assert_eq!(hours(&both, "2026-02-18", "2026-02-19"), 4, "of two sets the one that takes more");
        let declared = Calendars { default: vec![both], ..Calendars::default() };
        assert_eq!(declared.kind_of(day("2026-02-18")), DayKind::Business);
        assert_eq!(declared.kind_of(day("2026-02-17")), DayKind::Holiday);
    }

    #[test]
    fn a_dated_calendar_replaces_the_one_before_for_its_days_only() {
        let later = Calendar { from: Some(day("2026-02-04")), until: Some(day("2026-02-05")), ..working(&["08:00-10:00"]) };
        let own = Calendar { from: Some(day("2026-02-05")), ..working(&["08:00-09:00"]) };
        let calendars =
            Calendars { default: vec![working(&["08:00-18:00"]), later], by_sector: [("Convênios".to_owned(), vec![own])].into() };
        let hours = |sector: Option<&str>| -> Vec<i64> {
            let spans = calendars.spans(zone(), sector, day("2026-02-03"), day("2026-02-07"));
            spans.iter().map(|(from, until)| (*until - *from).num_hours()).collect()
        };
        assert_eq!(hours(None), [10, 2, 2, 10]);
        assert_eq!(hours(Some("Cadastro")), [10, 2, 2, 10]);
        assert_eq!(hours(Some("Convênios")), [10, 2, 1, 1]);
    }

    #[test]
    fn a_day_has_hours_or_is_a_weekend_or_a_holiday() {
        let mut calendar = working(&["08:00-18:00"]);
        calendar.holidays.insert(Holidays::NATIONAL);
        calendar.open.insert(day("2026-12-25"), shifts(&["08:00-12:00"]));
        let declared = Calendars { default: vec![calendar], ..Calendars::default() };
        for (text, expected, without) in [
            ("2026-12-24", DayKind::Business, DayKind::Business),
            ("2026-12-25", DayKind::Business, DayKind::Holiday),
            ("2026-12-26", DayKind::Weekend, DayKind::Weekend),
            ("2026-09-07", DayKind::Holiday, DayKind::Holiday),
        ] {
            assert_eq!((declared.kind_of(day(text)), Calendars::default().kind_of(day(text))), (expected, without), "{text}");
        }
    }

    #[test]
    fn what_overlaps_counts_once_and_what_is_not_declared_is_closed() {
        assert_eq!(open_minutes(&every_day(&["08:00-12:00", "10:00-14:00"]), "2026-02-03", "2026-02-04"), 6 * 60);
        assert_eq!(open_minutes(&Calendar::default(), "2026-02-03", "2026-03-03"), 0);
        assert_eq!(Shift::parse("8-18"), None);
        assert_eq!(Shift::parse("08:00-25:00"), None);
    }
}
