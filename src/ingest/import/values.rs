//! What the values of an exported file mean, or why they mean nothing.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};

use super::columns::Field;
use crate::{
    blip::time::{parse_instant, parse_time_span},
    domain::Zone,
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
            Refusal::Value { field, value, accepted } => write!(formatter, "{} `{value}` (accepted: {accepted})", field.name()),
        }
    }
}

/// How the times of a file are meant.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Zone of times without one.
    pub zone: Zone,
    /// The present.
    pub now: DateTime<Utc>,
}

/// Clocks differ by less.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::days(1);

/// Before it there was no Blip.
const FIRST_YEAR: i32 = 2010;

/// Reads a time: with a zone as it stands, without one on the organisation's wall clock. Of an hour that a clock change repeats, the
/// first is meant; one that it skips is counted from the hour before. What has not been yet is a slip of the pen.
pub fn instant(field: Field, text: &str, Clock { zone, now }: Clock) -> Result<DateTime<Utc>, Refusal> {
    const LOCAL: [&str; 8] = [
        "%d/%m/%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
        "%d/%m/%Y, %H:%M:%S",
        "%d/%m/%Y, %H:%M",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
    ];
    let local = LOCAL.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let found = match local {
        Some(local) => Some(zone.day_start(local.date()) + wall_offset(zone, local)),
        None => parse_instant(text),
    };
    let refusal = |accepted| Refusal::Value { field, value: text.to_owned(), accepted };
    let found = found.ok_or_else(|| refusal("dd/mm/yyyy hh:mm[:ss] or ISO 8601"))?;
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

/// Reads a status by Blip's name of it or in the portal's words.
pub fn status(text: &str) -> Result<&'static str, Refusal> {
    use unicode_normalization::UnicodeNormalization;
    let plain: String = text.nfd().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let known = match plain.as_str() {
        "waiting" | "aguardando" | "nafila" | "emespera" => "Waiting",
        "assigned" | "atribuido" => "Assigned",
        "open" | "aberto" | "ematendimento" => "Open",
        "closedattendant" | "finalizado" | "atendido" | "finalizadopeloatendente" | "fechadopeloatendente" => "ClosedAttendant",
        "closedclient" | "perdido" | "abandonado" | "finalizadopelocliente" | "fechadopelocliente" => "ClosedClient",
        "closedclientinactivity" | "inatividade" | "finalizadoporinatividade" | "fechadoporinatividade" => "ClosedClientInactivity",
        "transferred" | "transferido" => "Transferred",
        _ => {
            let accepted = "Aguardando, Atribuído, Em atendimento, Finalizado, Perdido, Abandonado, Finalizado por inatividade, Transferido, or Blip's own names";
            return Err(Refusal::Value { field: Field::Status, value: text.to_owned(), accepted });
        }
    };
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<String, Refusal> {
        let clock = Clock { zone: "America/Sao_Paulo".parse().unwrap(), now: "2026-11-24T15:00:00Z".parse().unwrap() };
        instant(Field::CreatedAt, text, clock).map(crate::blip::time::instant)
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
    fn a_status_is_known_by_either_name_and_never_guessed() {
        assert_eq!(status("Finalizado por inatividade"), Ok("ClosedClientInactivity"));
        assert_eq!(status("ClosedAttendant"), Ok("ClosedAttendant"));
        assert!(status("Resolvido").unwrap_err().to_string().starts_with("status `Resolvido` (accepted: "));
    }
}
