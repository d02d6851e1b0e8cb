//! What a person must know after a load.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{Gap, IngestError, days::Reader, gaps::Gaps, messages::TICKET_MESSAGES_DAYS};
use crate::store::{BotTickets, MessageRisk, Store};

/// Days before messages are forgotten in which that is said.
const NOTICE_DAYS: i64 = 7;

/// Days back for which failed checks are told after a load.
const ALARM_DAYS: u64 = 7;

/// A check of completeness that failed for a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Which check: listed, counted, read, closed or volume.
    pub check: String,
    /// The local day.
    pub day: NaiveDate,
    /// What Blip said, or what is usual.
    pub said: i64,
    /// What is here.
    pub found: i64,
}

/// Everything that makes a load end with a warning.
#[derive(Debug, Clone, Default)]
pub struct Warnings {
    /// What could not be read; the next run reads it.
    pub gaps: Vec<Gap>,
    /// Checks of the last days that failed.
    pub alarms: Vec<Alarm>,
    /// Messages that Blip will soon forget.
    pub risk: Option<Risk>,
    /// Tickets whose messages only the router's key could still read.
    pub need_router_key: i64,
    /// Records that were set aside in this run.
    pub set_aside: i64,
    /// Survey answers that name a customer whom no ticket names, where Blip does not tell who is behind the tunnels of a router.
    pub unjoined_answers: i64,
    /// Category of the survey, where no key has ever read an answer of it although there are many tickets.
    pub silent_survey: Option<String>,
    /// Messages of this run that seem to be an attendant's and are not marked, beside others that are. They count as the bot's; such a contract
    /// needs nobody.
    pub unmarked_messages: usize,
    /// Tickets that are stored for days that were read and that Blip does not list any more.
    pub unlisted: usize,
    /// Open tickets that Blip does not know any more.
    pub gone: usize,
    /// Tickets of another bot than the one behind the key that read them.
    pub foreign: Vec<BotTickets>,
    /// Whether Blip's answers had no date: then no day is over.
    pub is_untimed: bool,
    /// Until when a load before this one believed to have read everything, by a clock that was ahead of Blip's: days were read again for it.
    pub ahead: Option<DateTime<Utc>>,
    /// What this contract does not offer. Not a reason to worry.
    pub not_offered: Vec<String>,
    /// Fields that nobody documented, by kind of record, name and count. Not a reason to worry.
    pub unknown_fields: Vec<(String, String, u64)>,
}

/// Messages that Blip will soon forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// Tickets whose messages are not here.
    pub tickets: i64,
    /// Local day of the oldest.
    pub oldest_day: NaiveDate,
    /// Days until Blip forgets the messages of that day.
    pub days_left: i64,
}

impl Warnings {
    /// Returns whether nothing needs a person.
    pub fn is_empty(&self) -> bool {
        let is_whole = self.gaps.is_empty() && self.alarms.is_empty() && self.risk.is_none() && self.set_aside <= 0;
        let is_all_ours = self.foreign.is_empty() && self.unlisted == 0 && self.gone == 0;
        is_whole && is_all_ours && !self.is_untimed && self.ahead.is_none() && self.unjoined_answers == 0 && self.silent_survey.is_none()
    }
}

pub fn gather(
    store: &Store,
    reader: &Reader<'_>,
    gaps: Gaps,
    unknown_fields: &BTreeMap<(&'static str, String), u64>,
    set_aside: i64,
) -> Result<Warnings, IngestError> {
    let alarms = store
        .alarms(reader.zone.day(reader.now) - Days::new(ALARM_DAYS))?
        .into_iter()
        .map(|(check, day, said, found)| Alarm { check, day, said, found })
        .collect();
    let kept_since = reader.now - TimeDelta::days(TICKET_MESSAGES_DAYS);
    Ok(Warnings {
        alarms,
        risk: store.message_risk(kept_since)?.and_then(|risk| of_tickets(&risk, reader)),
        need_router_key: store.tickets_for_router_key()?,
        set_aside,
        unjoined_answers: 0,
        silent_survey: None,
        unmarked_messages: 0,
        unlisted: 0,
        gone: 0,
        foreign: Vec::new(),
        is_untimed: false,
        ahead: None,
        not_offered: gaps.not_offered,
        gaps: gaps.missing,
        unknown_fields: unknown_fields.iter().map(|((kind, field), count)| ((*kind).to_owned(), field.clone(), *count)).collect(),
    })
}

fn of_tickets(risk: &MessageRisk, reader: &Reader<'_>) -> Option<Risk> {
    let oldest_day = reader.zone.day(risk.oldest);
    let days_left = days_until_forgotten(oldest_day, reader.zone.day(reader.now));
    (days_left <= NOTICE_DAYS).then_some(Risk { tickets: risk.tickets, oldest_day, days_left })
}

/// Returns how many days Blip still keeps the messages of tickets of `day`.
pub fn days_until_forgotten(day: NaiveDate, today: NaiveDate) -> i64 {
    (day + Days::new(TICKET_MESSAGES_DAYS.unsigned_abs()) - today).num_days()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_forgotten_a_month_after_their_ticket() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(days_until_forgotten(day("2026-10-23"), day("2026-11-19")), 4);
    }
}
