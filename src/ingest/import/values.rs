//! What the values of an exported file mean, or why they mean nothing.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};

use crate::{
    blip::time::{parse_instant, parse_time_span},
    domain::{Zone, exported::Field},
};

/// Why a row is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A value that is needed is not there.
    Missing(Field),
    /// A value is not what its column holds.
    Value {
        /// The column.
        field: Field,
        /// The value.
        value: String,
        /// What is accepted.
        accepted: &'static str,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Missing(field) => write!(formatter, "no {}", field.name()),
            Refusal::Value { field, value, accepted } => {
                write!(formatter, "{} `{}` (accepted: {accepted})", field.name(), shortened(value))
            }
        }
    }
}

/// Longest part of a value that a message repeats.
const SHOWN_CHARS: usize = 60;

/// Returns a value as messages show it: of a long one its beginning, and how long it is.
pub fn shortened(value: &str) -> String {
    let length = value.chars().count();
    if length <= SHOWN_CHARS {
        return value.to_owned();
    }
    format!("{}… ({length} characters)", value.chars().take(SHOWN_CHARS).collect::<String>())
}

/// Maximum length of a name. Blip's own limits are lower; what is longer is a text in the wrong column.
pub const NAME_CHARS: usize = 256;

/// Returns whether a text can be a name: one line, and no longer than names are.
pub fn is_name(text: &str) -> bool {
    text.chars().count() <= NAME_CHARS && !text.chars().any(char::is_control)
}

/// How a file joins lists of names, from the most certain sign on. A program joins all of its lists in one way, so that the other characters
/// belong to names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Joined {
    /// By line breaks.
    Lines,
    /// By `|`.
    Bars,
    /// As JSON: what is not JSON is one name.
    Json,
    /// By `;`.
    Semicolons,
    /// By `,`; so where nothing is joined at all.
    #[default]
    Commas,
}

impl Joined {
    /// Returns the sign in one list; none where it holds one name at most.
    pub fn of(text: &str) -> Option<Joined> {
        if names_of_json(text).is_some() {
            return Some(Joined::Json);
        }
        let signs = [(Joined::Lines, '\n'), (Joined::Bars, '|'), (Joined::Semicolons, ';'), (Joined::Commas, ',')];
        signs.into_iter().find(|(_, separator)| pieces(text, *separator).len() > 1).map(|(joined, _)| joined)
    }

    /// Splits a list of a file that joins so. JSON is read as such in every file; a name in double quotes is taken as it is.
    pub fn names(self, text: &str) -> Vec<String> {
        let separator = match self {
            Joined::Lines => '\n',
            Joined::Bars => '|',
            Joined::Semicolons => ';',
            Joined::Commas => ',',
            Joined::Json => return names_of_json(text).unwrap_or_else(|| names_between(text, '\n')),
        };
        names_of_json(text).unwrap_or_else(|| names_between(text, separator))
    }
}

fn names_of_json(text: &str) -> Option<Vec<String>> {
    let names: Vec<String> = serde_json::from_str(text).ok()?;
    Some(names.into_iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
}

fn names_between(text: &str, separator: char) -> Vec<String> {
    let unquoted = |piece: &str| match piece.strip_prefix('"').and_then(|piece| piece.strip_suffix('"')) {
        Some(name) => name.replace("\"\"", "\""),
        None => piece.to_owned(),
    };
    pieces(text, separator).into_iter().map(|piece| unquoted(piece.trim())).filter(|name| !name.trim().is_empty()).collect()
}

/// Splits a list of names that stands alone. A list is JSON (`["a", "b"]`), or names separated by line breaks, `|`, `;` or `,`: the first of these that occurs
/// outside quotation marks is the separator, the others belong to names. A name in double quotes is taken as it is, a quote in it doubled.
pub fn split_list(text: &str) -> Vec<String> {
    Joined::of(text).unwrap_or_default().names(text)
}

/// Cuts a text at a separator outside of quotation marks. Only a mark at the beginning of a name opens one.
fn pieces(text: &str, separator: char) -> Vec<&str> {
    let (mut pieces, mut start, mut is_quoted, mut is_blank, mut closed) = (Vec::new(), 0, false, true, usize::MAX);
    for (place, char) in text.char_indices() {
        match char {
            '"' if is_quoted => (is_quoted, closed) = (false, place + 1),
            // The second of two marks within quotes opens them again.
            '"' if is_blank || closed == place => is_quoted = true,
            _ if char == separator && !is_quoted => {
                pieces.push(&text[start..place]);
                (start, is_blank) = (place + char.len_utf8(), true);
                continue;
            }
            _ => {}
        }
        // Of a list with other separators, too, each name can begin with a mark.
        is_blank = (is_blank && char.is_whitespace()) || (!is_quoted && matches!(char, '\n' | '|' | ';' | ','));
    }
    pieces.push(&text[start..]);
    pieces
}

/// Joins names as [`split_list`] takes them apart.
pub fn join_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let is_plain = |name: &str| !name.contains(['\n', '|', ';', ',', '"', '[']);
    let quoted = |name: &str| if is_plain(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) };
    names.into_iter().map(quoted).collect::<Vec<_>>().join(" | ")
}

/// Which of day and month a file writes first in `01/02/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// As in Brazil.
    #[default]
    DayFirst,
    /// As in the United States.
    MonthFirst,
}

impl DateOrder {
    /// Returns the only order in which a date can be meant; none where both are possible, or neither.
    pub fn of(text: &str) -> Option<DateOrder> {
        let mut parts = text.trim().split('/').map(|part| part.parse::<u32>().ok());
        match (parts.next()??, parts.next()??) {
            (13..=31, 1..=12) => Some(DateOrder::DayFirst),
            (1..=12, 13..=31) => Some(DateOrder::MonthFirst),
            _ => None,
        }
    }

    /// Returns whether a date can only be meant in the other order.
    pub fn is_refuted_by(self, text: &str) -> bool {
        DateOrder::of(text).is_some_and(|order| order != self)
    }
}

/// How the times of a file are meant.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Zone of times without one.
    pub zone: Zone,
    /// How its dates are written.
    pub order: DateOrder,
    /// The present.
    pub now: DateTime<Utc>,
}

/// Clocks differ by less.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::days(1);

/// Before it there was no Blip.
const FIRST_YEAR: i32 = 2010;

/// Reads a time: with a zone as it stands, without one on the organisation's wall clock. Of an hour that a clock change repeats, the
/// first is meant; one that it skips is counted from the hour before. What has not been yet is a slip of the pen.
pub fn instant(field: Field, text: &str, Clock { zone, order, now }: Clock) -> Result<DateTime<Utc>, Refusal> {
    const DAY_FIRST: [&str; 4] = ["%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y, %H:%M:%S", "%d/%m/%Y, %H:%M"];
    const MONTH_FIRST: [&str; 8] = [
        "%m/%d/%Y %H:%M:%S",
        "%m/%d/%Y %H:%M",
        "%m/%d/%Y, %H:%M:%S",
        "%m/%d/%Y, %H:%M",
        "%m/%d/%Y %I:%M:%S %p",
        "%m/%d/%Y %I:%M %p",
        "%m/%d/%Y, %I:%M:%S %p",
        "%m/%d/%Y, %I:%M %p",
    ];
    const ISO: [&str; 4] = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let (written, accepted): (&[&str], _) = match order {
        DateOrder::DayFirst => (&DAY_FIRST, "dd/mm/yyyy hh:mm[:ss] or ISO 8601"),
        DateOrder::MonthFirst => (&MONTH_FIRST, "mm/dd/yyyy hh:mm[:ss] [AM|PM] or ISO 8601"),
    };
    let local = written.iter().chain(&ISO).find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let found = match local {
        Some(local) => Some(zone.day_start(local.date()) + wall_offset(zone, local)),
        None => parse_instant(text),
    };
    let refusal = |accepted| Refusal::Value { field, value: text.to_owned(), accepted };
    let found = found.ok_or_else(|| refusal(accepted))?;
    if found.year() < FIRST_YEAR || found > now + CLOCKS_DIFFER {
        return Err(refusal("a time from 2010 until now"));
    }
    Ok(found)
}

/// Returns how long after the start of its local day a wall-clock time is.
fn wall_offset(zone: Zone, local: NaiveDateTime) -> TimeDelta {
    let start = zone.day_start(local.date());
    let nominal = local - zone.local(start);
    // Where the clock changes within the day, the time lies that much earlier or later.
    nominal + (local - zone.local(start + nominal))
}

/// Reads a mean time: seconds, or hours, minutes and seconds as Blip writes them.
pub fn seconds(field: Field, text: &str) -> Result<f64, Refusal> {
    let span = || parse_time_span(text).map(TimeDelta::as_seconds_f64);
    let number = text.replace(',', ".").parse().ok().or_else(span).filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0);
    number.ok_or_else(|| Refusal::Value { field, value: text.to_owned(), accepted: "seconds or hh:mm:ss" })
}

/// Reads a whole number.
pub fn number(field: Field, text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::Value { field, value: text.to_owned(), accepted: "a whole number" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(order: DateOrder) -> Clock {
        Clock { zone: "America/Sao_Paulo".parse().unwrap(), order, now: "2026-11-24T15:00:00Z".parse().unwrap() }
    }

    fn at(text: &str) -> Result<String, Refusal> {
        instant(Field::CreatedAt, text, clock(DateOrder::DayFirst)).map(crate::blip::time::instant)
    }

    #[test]
    fn a_mean_time_is_seconds_or_a_time_span() {
        for (text, expected) in [("41.5", 41.5), ("41,5", 41.5), ("00:01:02.5000000", 62.5), ("0", 0.0)] {
            assert_eq!(seconds(Field::ResponseMean, text), Ok(expected), "{text}");
        }
        for text in ["-1", "NaN", "inf", "rápido"] {
            let refusal = seconds(Field::ResponseMean, text).unwrap_err().to_string();
            assert_eq!(refusal, format!("mean response time `{text}` (accepted: seconds or hh:mm:ss)"));
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_no_time() {
        for text in ["05/10/26 09:30", "05/10/9999 09:30", "25/11/2027 12:00", "2009-12-31T12:00:00Z"] {
            let refusal = at(text).unwrap_err().to_string();
            assert_eq!(refusal, format!("creation `{text}` (accepted: a time from 2010 until now)"));
        }
        assert!(at("25/11/2026 11:00").is_ok(), "clocks differ");
    }

    #[test]
    fn times_without_a_zone_are_the_organisations() {
        for text in ["05/10/2026 09:30", "05/10/2026 09:30:00", "2026-10-05 09:30:00", "2026-10-05T12:30:00Z", "2026-10-05T09:30:00-03:00"]
        {
            assert_eq!(at(text).unwrap(), "2026-10-05T12:30:00.000Z", "{text}");
        }
        assert!(at("05.10.2026").is_err());
    }

    #[test]
    fn a_day_with_a_clock_change_is_no_exception() {
        // On 4 November 2018 midnight did not exist; the day began at one.
        assert_eq!(at("04/11/2018 10:00").unwrap(), "2018-11-04T12:00:00.000Z");
        assert_eq!(at("03/11/2018 10:00").unwrap(), "2018-11-03T13:00:00.000Z");
    }

    #[test]
    fn a_list_comes_back_whatever_its_names_hold() {
        for names in [&["Exames, laudos", "N1; N2"][..], &["N1|N2"], &["a \"b\" c", "d"], &["x"], &["[1]", "\"q\" z", "\""], &[]] {
            assert_eq!(split_list(&join_list(names.iter().copied())), names);
        }
        for (text, names) in [
            ("a, b,,c", &["a", "b", "c"][..]),
            ("Exames, laudos; N1", &["Exames, laudos", "N1"]),
            ("Suporte\nN1, N2", &["Suporte", "N1, N2"]),
            ("\"Exames, laudos\"", &["Exames, laudos"]),
            ("[\"Troca|devolução\", \"b\"]", &["Troca|devolução", "b"]),
            ("5\" tela", &["5\" tela"]),
        ] {
            assert_eq!(split_list(text), names, "{text}");
        }
    }

    #[test]
    fn dates_tell_their_order_where_only_one_is_possible() {
        let orders = ["13/09/2026 10:00", "09/13/2026", "09/10/2026 10:00", "2026-09-13", "40/13/2026"].map(DateOrder::of);
        assert_eq!(orders, [Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst), None, None, None]);
        let month_first = |text| instant(Field::CreatedAt, text, clock(DateOrder::MonthFirst)).map(crate::blip::time::instant);
        for text in ["09/11/2026 09:30", "9/11/2026, 9:30:00 AM", "2026-09-11 09:30"] {
            assert_eq!(month_first(text).unwrap(), "2026-09-11T12:30:00.000Z", "{text}");
        }
        assert!(month_first("13/09/2026 09:30").unwrap_err().to_string().contains("mm/dd/yyyy"));
    }

    #[test]
    fn a_message_does_not_repeat_a_long_value() {
        let refusal = Refusal::Value { field: Field::Queue, value: "x".repeat(8_424), accepted: "one line" }.to_string();
        assert_eq!(refusal, format!("queue `{}… (8424 characters)` (accepted: one line)", "x".repeat(60)));
    }
}
