//! Blip's opening hours, written as calendars of relato.toml.

use std::{collections::BTreeSet, fmt::Write as _};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use crate::{
    blip::desk::{DaysOff, OpeningHours},
    config::Settings,
    domain::{Zone, holiday::Holidays},
};

const WEEKDAYS: [(&str, &str); 7] = [
    ("Monday", "mon"),
    ("Tuesday", "tue"),
    ("Wednesday", "wed"),
    ("Thursday", "thu"),
    ("Friday", "fri"),
    ("Saturday", "sat"),
    ("Sunday", "sun"),
];

/// Returns `hours` as tables of relato.toml; what has no place in one is a comment. Days off of years before that of `today` are left out.
pub fn proposal(settings: &Settings, hours: &[OpeningHours], today: NaiveDate) -> String {
    if hours.is_empty() {
        return "# Blip has no opening hours.\n".to_owned();
    }
    hours.iter().map(|one| calendars(settings, one, today)).collect()
}

fn calendars(settings: &Settings, hours: &OpeningHours, today: NaiveDate) -> String {
    let body = body(hours, settings.organization.timezone, today);
    let sectors: BTreeSet<&str> = hours.queues().map(|queue| settings.sectors.by_queue.get(queue).map_or(queue, String::as_str)).collect();
    let mut text = format!("\n# {}\n", hours.title().escape_debug());
    if hours.is_main() {
        let _ = write!(text, "[calendar.default]\n{body}");
    } else if sectors.is_empty() {
        let _ = writeln!(text, "# No queue keeps these hours.");
    }
    for sector in sectors.iter().filter(|_| !hours.is_main()) {
        let _ = write!(text, "[calendar.sector.{}]\n{body}", toml::Value::from(*sector));
    }
    text
}

fn body(hours: &OpeningHours, zone: Zone, today: NaiveDate) -> String {
    let mut text = String::new();
    for (english, short) in WEEKDAYS {
        let of_day = hours.week.iter().filter(|stretch| stretch.day_of_week.eq_ignore_ascii_case(english));
        let mut stretches: Vec<(TimeDelta, TimeDelta)> = of_day.filter_map(|stretch| stretch.start_time.zip(stretch.end_time)).collect();
        stretches.sort();
        let shifts: Vec<String> = stretches.iter().map(|(from, until)| format!("\"{}-{}\"", clock(*from), clock(*until))).collect();
        if !shifts.is_empty() {
            let _ = writeln!(text, "{short} = [{}]", shifts.join(", "));
        }
    }
    let strange =
        hours.week.iter().filter(|stretch| !WEEKDAYS.iter().any(|(english, _)| stretch.day_of_week.eq_ignore_ascii_case(english)));
    for stretch in strange {
        let _ = writeln!(text, "# not understood: a stretch of `{}`", stretch.day_of_week.escape_debug());
    }
    text + &days_off(&hours.off, zone, today)
}

/// Writes a time since midnight; what ends with the day's last minute ends with the day.
fn clock(since_midnight: TimeDelta) -> String {
    let minutes = since_midnight.num_minutes();
    let minutes = if minutes == 24 * 60 - 1 { 24 * 60 } else { minutes };
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn days_off(off: &[DaysOff], zone: Zone, today: NaiveDate) -> String {
    let (mut days, mut text) = (BTreeSet::new(), String::new());
    for one in off {
        let reason = one.reason.as_deref().unwrap_or("without a reason").escape_debug().to_string();
        match one.span().map(|(from, until)| whole_days(zone, from, until)) {
            Some(Some(whole)) => days.extend(whole.into_iter().filter(|day| day.year() >= today.year())),
            Some(None) => drop(writeln!(text, "# a part of a day is off, which goes into `open`: {reason}")),
            None => drop(writeln!(text, "# not understood: the time of `{reason}`")),
        }
    }
    let national: BTreeSet<NaiveDate> = Holidays::NATIONAL.of_year(today.year()).iter().map(|holiday| holiday.day).collect();
    if national.is_subset(&days) {
        days.retain(|day| !Holidays::NATIONAL.contains(*day));
        text.push_str("holidays = [\"BR\"]\n");
    } else {
        let open: Vec<String> = national.difference(&days).map(ToString::to_string).collect();
        let _ = writeln!(text, "# Blip is open on these national holidays: {}", open.join(", "));
    }
    if !days.is_empty() {
        let days: Vec<String> = days.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "closed = [{}]", days.join(", "));
    }
    text
}

/// Returns the local days from one instant to another; none where it is not whole days. A last second, or minute, may be missing.
fn whole_days(zone: Zone, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<Vec<NaiveDate>> {
    let first = zone.day(from);
    let end = zone.day(until + TimeDelta::minutes(1));
    let is_whole = from == zone.day_start(first) && until + TimeDelta::minutes(1) >= zone.day_start(end) && until <= zone.day_start(end);
    (is_whole && first < end).then(|| first.iter_days().take_while(|day| *day < end).take(366).collect())
}
