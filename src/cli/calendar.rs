//! `relato calendar`: which days the calendars close, and what Blip's opening hours would make of them.

use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate};
use clap::Subcommand;

use super::{Exit, Failure, Global, ops, output, proposed_hours::proposal};
use crate::{
    blip::{BlipError, ErrorKind, desk, unconfirmed::Unconfirmed},
    config::Project,
    domain::{
        calendar::{Calendar, Calendars},
        holiday::{Holiday, Off, READ_UNTIL},
    },
};

/// See when the calendars are closed, or what Blip's opening hours would make of them
#[derive(Subcommand)]
pub enum CalendarCommand {
    /// Print the holidays of this year and the next, calendar by calendar, each with the law it comes from
    ///
    /// Decrees move single days, and towns have days of their own: those go into `closed` and `open` of the calendar.
    Show,
    /// Print Blip's opening hours as calendars for relato.toml
    ///
    /// Changes nothing: read what is printed, correct it, and put it into relato.toml. Blip does not document the addresses that are asked, and a
    /// contract may not offer them.
    Propose,
}

pub async fn run(global: &Global, command: &CalendarCommand) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    match command {
        CalendarCommand::Show => {
            let year = project.settings.organization.timezone.day(global.now()).year();
            output::print(&shown(&project.settings.calendars, year))?;
            Ok(Exit::Done)
        }
        CalendarCommand::Propose => propose(&project, project.settings.organization.timezone.day(global.now())).await,
    }
}

/// Returns all calendars, each with what it is called.
fn named(calendars: &Calendars) -> impl Iterator<Item = (String, &Calendar)> {
    let of_all = calendars.default.iter().map(|calendar| ("default".to_owned(), calendar));
    let of_sectors =
        calendars.by_sector.iter().flat_map(|(sector, own)| own.iter().map(move |calendar| (format!("sector `{sector}`"), calendar)));
    of_all.chain(of_sectors).map(|(name, calendar)| (format!("Calendar {name}{}", in_force(calendar)), calendar))
}

fn in_force(calendar: &Calendar) -> String {
    let from = calendar.from.map(|day| format!(" from {day}")).unwrap_or_default();
    let until = calendar.until.map(|day| format!(" until {day}")).unwrap_or_default();
    format!("{from}{until}")
}

fn sets(calendar: &Calendar) -> String {
    if calendar.holidays.is_empty() {
        return "no holidays".to_owned();
    }
    calendar.holidays.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Returns the lines on which `relato check` tells the holidays of `year` and the next, a line for each calendar and year.
pub fn holiday_lines(calendars: &Calendars, year: i32) -> String {
    let mut lines = String::new();
    for (name, calendar) in named(calendars) {
        for year in [year, year + 1] {
            let days: Vec<String> =
                calendar.holidays_of(year).iter().map(|one| format!("{}{}", one.day.format("%m-%d"), part(one.off))).collect();
            let days = if days.is_empty() { "none".to_owned() } else { days.join(", ") };
            let _ = writeln!(lines, "  {name} ({}), {year}: {days}", sets(calendar));
        }
    }
    if lines.is_empty() {
        return lines;
    }
    format!(
        "Holidays, by laws and lists read until {READ_UNTIL}; move one with `closed` and `open`, and put a town's into `closed`\n{lines}"
    )
}

fn part(off: Off) -> String {
    match off {
        Off::Day => String::new(),
        Off::Before(time) => format!(" until {}", time.format("%H:%M")),
        Off::From(time) => format!(" from {}", time.format("%H:%M")),
    }
}

fn shown(calendars: &Calendars, year: i32) -> String {
    let mut text = String::new();
    for (name, calendar) in named(calendars) {
        let _ = writeln!(text, "{name}: {}", sets(calendar));
        for year in [year, year + 1] {
            days_of(calendar, year, &mut text);
        }
        text.push('\n');
    }
    if text.is_empty() {
        return "relato.toml declares no calendar: nothing is counted within business hours.\n".to_owned();
    }
    let _ = writeln!(
        text,
        "Laws and lists were read until {READ_UNTIL}. Decrees move single days: close the day on which one is held with `closed`, and give the \
         other its hours with `open`. A town's holidays go into `closed`."
    );
    text
}

fn days_of(calendar: &Calendar, year: i32, text: &mut String) {
    let mut lines: Vec<(NaiveDate, String)> = calendar.holidays_of(year).iter().map(|one| (one.day, line(one))).collect();
    let own = calendar.closed.iter().map(|day| (*day, "closed by relato.toml".to_owned()));
    let open = calendar.open.keys().map(|day| (*day, "hours of its own by relato.toml".to_owned()));
    lines.extend(own.chain(open).filter(|(day, _)| day.year() == year));
    lines.sort();
    for (day, what) in lines {
        let _ = writeln!(text, "  {} {what}", day.format("%Y-%m-%d %a"));
    }
}

fn line(holiday: &Holiday) -> String {
    format!("{}{} ({})", holiday.name, part(holiday.off), holiday.source)
}

async fn propose(project: &Project, today: NaiveDate) -> Result<Exit, Failure> {
    let clients = ops::clients(project)?;
    let mut exit = Exit::Done;
    for client in &clients.desk {
        let hours = match desk::opening_hours(client).await {
            Ok(hours) => hours,
            Err(error) if is_not_offered(&error) => {
                output::print(&format!("# Key `{}`: this contract does not offer opening hours.\n", client.key_name()))?;
                exit = exit.max_with(Exit::Warnings);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        output::print(&format!("# Blip's opening hours, by key `{}`. {}.\n", client.key_name(), Unconfirmed::OpeningHours.message()))?;
        output::print(&proposal(&project.settings, &hours, today))?;
    }
    Ok(exit)
}

/// Returns whether Blip said that there is nothing of the kind for this key.
fn is_not_offered(error: &BlipError) -> bool {
    matches!(error.kind(), ErrorKind::NotOffered | ErrorKind::Empty) || (error.kind() == ErrorKind::Denied && error.reason_code().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::holiday::Holidays;

    #[test]
    fn holidays_are_listed_by_calendar_with_parts_of_days_and_own_days() {
        let sets = ["BR", "BR-SP", "BR-BANCOS"].map(|name| Holidays::named(name).unwrap());
        let calendar = Calendar { holidays: sets.into(), closed: ["2026-01-25".parse().unwrap()].into(), ..Calendar::default() };
        let night = Calendar { from: Some("2026-03-01".parse().unwrap()), ..Calendar::default() };
        let calendars = Calendars { default: vec![calendar], by_sector: [("Plantão".to_owned(), vec![night])].into() };
        let lines = holiday_lines(&calendars, 2026);
        let expected = "  Calendar default (BR, BR-SP, BR-BANCOS), 2026: 01-01, 02-16, 02-17, 02-18 until 12:00, 04-03, 04-21, 05-01, 06-04, 07-09, \
                        09-07, 10-12, 11-02, 11-15, 11-20, 12-24 from 11:00, 12-25, 12-31\n";
        assert!(lines.contains(expected), "{lines}");
        assert!(lines.ends_with("  Calendar sector `Plantão` from 2026-03-01 (no holidays), 2027: none\n"), "{lines}");
        let shown = shown(&calendars, 2026);
        assert!(shown.contains("  2026-01-25 Sun closed by relato.toml\n"), "{shown}");
        assert!(shown.contains("  2026-11-20 Fri Consciência Negra (Lei 14.759/2023)\n"), "{shown}");
        assert_eq!(holiday_lines(&Calendars::default(), 2026), "");
    }
}
