//! What a contract answers to questions that Blip's documentation leaves open: found out once for each key, and remembered.
//!
//! Position: the question. Checkpoint: a mark of the answer. A question whose answer the available data does not show stays open; the readers
//! then ask so that they are right either way, or leave out what they cannot place.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};

use super::IngestError;
use crate::{
    blip::{
        BlipError, Client,
        desk::Ticket,
        probe::{self, Budget, Sample, Total},
        readings::{EndDate, Readings, UpperBound},
        time,
    },
    store::{Store, StoreError},
};

/// Maximum number of commands to find out everything about one key.
pub const MOST_COMMANDS: usize = 20;

/// Beginning of the marks of what was found.
const FOUND: &str = "contract:";

/// Days that Blip's reports are documented to reach back.
const DOCUMENTED_REACH_DAYS: u64 = 90;

/// Months before the present in which a first ticket is looked for at first, doubled as long as there are older ones, and the most.
const FIRST_LOOK_MONTHS: u32 = 13;
const LONGEST_LOOK_MONTHS: u32 = 16 * FIRST_LOOK_MONTHS;

/// Something that Blip's documentation leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Whether a filter may end with `lt`.
    UpperBound,
    /// What the `total` of `/tickets` counts.
    Total,
    /// How far back `/tickets` goes.
    TicketsReach,
    /// Whether `endDate` of reports is included.
    ReportsEnd,
    /// How far back reports go.
    ReportsReach,
    /// Whether `endDate` of event counters is included.
    EventsEnd,
    /// Which marks messages carry.
    MessageMarks,
    /// Whether the messages of an attendance alone can be asked for.
    Transcription,
}

impl Question {
    /// Everything there is, in the order in which it is found out.
    pub const ALL: [Question; 8] = [
        Question::UpperBound,
        Question::Total,
        Question::TicketsReach,
        Question::ReportsEnd,
        Question::ReportsReach,
        Question::EventsEnd,
        Question::MessageMarks,
        Question::Transcription,
    ];

    /// Returns the name under which an answer is remembered.
    pub fn name(self) -> &'static str {
        match self {
            Question::UpperBound => "upper_bound",
            Question::Total => "total",
            Question::TicketsReach => "tickets_reach",
            Question::ReportsEnd => "reports_end",
            Question::ReportsReach => "reports_reach",
            Question::EventsEnd => "events_end",
            Question::MessageMarks => "message_marks",
            Question::Transcription => "transcription",
        }
    }

    /// Returns whether figures depend on the answer: such a question is asked again at each load until it is answered.
    fn is_needed(self) -> bool {
        matches!(self, Question::UpperBound | Question::TicketsReach | Question::ReportsEnd | Question::EventsEnd)
    }

    /// Returns whether only an ended ticket shows the answer.
    fn needs_ended(self) -> bool {
        matches!(self, Question::TicketsReach | Question::ReportsReach | Question::MessageMarks | Question::Transcription)
    }

    /// Returns the question as a person reads it.
    pub fn title(self) -> &'static str {
        match self {
            Question::UpperBound => "end of a filter on /tickets",
            Question::Total => "total of /tickets",
            Question::TicketsReach => "oldest ticket in /tickets",
            Question::ReportsEnd => "endDate of reports",
            Question::ReportsReach => "reports reach back",
            Question::EventsEnd => "endDate of event counters",
            Question::MessageMarks => "marks of messages",
            Question::Transcription => "attendanceTranscriptionOnly",
        }
    }
}

/// What was found out about one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contract {
    answers: BTreeMap<Question, String>,
    /// Commands that were sent to find it out.
    pub commands: usize,
}

impl Contract {
    /// Returns what is remembered of the key called `key`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn remembered(store: &Store, key: &str) -> Result<Contract, StoreError> {
        let mut contract = Contract::default();
        for question in Question::ALL {
            if let Some(answer) = store.mark(&mark(key, question))? {
                contract.answers.insert(question, answer);
            }
        }
        Ok(contract)
    }

    /// Remembers everything that was found. Where it shows that Blip's own figures were asked for with the other reading of their last day, they
    /// are read again: what is stored holds other days, or none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember(&self, store: &Store, key: &str) -> Result<(), StoreError> {
        let was_known = store.mark(&mark(key, Question::ReportsEnd))?.is_some();
        if !was_known && self.readings().reports_end == Some(EndDate::Exclusive) {
            store.reopen_reports(key)?;
        }
        self.answers.iter().try_for_each(|(question, answer)| store.set_mark(&mark(key, *question), answer))
    }

    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Returns what the client needs to know.
    pub fn readings(&self) -> Readings {
        let end = |question| match self.answer(question) {
            Some("inclusive") => Some(EndDate::Inclusive),
            Some("exclusive") => Some(EndDate::Exclusive),
            _ => None,
        };
        Readings {
            upper_bound: match self.answer(Question::UpperBound) {
                Some("lt") => Some(UpperBound::Before),
                Some("le") => Some(UpperBound::UpTo),
                _ => None,
            },
            reports_end: end(Question::ReportsEnd),
            events_end: end(Question::EventsEnd),
        }
    }

    /// Returns the first day of the month of the oldest ticket that Blip gives; none where that is not known, or there is no ticket.
    pub fn first_month(&self) -> Option<NaiveDate> {
        self.answer(Question::TicketsReach)?.parse().ok()
    }

    /// Returns whether Blip's own reports reach further back than the documented 90 days.
    pub fn has_old_reports(&self) -> bool {
        self.answer(Question::ReportsReach) == Some("beyond")
    }

    /// Returns the answer to a question; none while it is open.
    pub fn answer(&self, question: Question) -> Option<&str> {
        self.answers.get(&question).map(String::as_str)
    }

    /// Returns, for each question, what was found and what the program does because of it.
    pub fn lines(&self, has_desk: bool, has_events: bool) -> Vec<(Question, String, String)> {
        let concerns = |question: Question| if question == Question::EventsEnd { has_events } else { has_desk };
        Question::ALL
            .into_iter()
            .filter(|question| concerns(*question))
            .map(|question| {
                let (found, effect) = explained(question, self.answer(question));
                (question, found, effect.to_owned())
            })
            .collect()
    }
}

fn mark(key: &str, question: Question) -> String {
    format!("{FOUND}{key}:{}", question.name())
}

/// Returns what an answer says, and what the program does because of it.
fn explained(question: Question, answer: Option<&str>) -> (String, &'static str) {
    let end = |answer: Option<&str>, unknown: &'static str| match answer {
        Some("inclusive") => ("the last day is included".to_owned(), "days are asked for as they are"),
        Some("exclusive") => {
            ("the last day is left out".to_owned(), "one more day is requested, and records after the last day are ignored")
        }
        _ => ("not known yet: it takes two ended days with records".to_owned(), unknown),
    };
    match (question, answer) {
        (Question::UpperBound, Some("lt")) => ("lt is accepted".to_owned(), "days end with lt"),
        (Question::UpperBound, Some("le")) => ("lt is refused, le is accepted".to_owned(), "days end with le one millisecond earlier"),
        (Question::UpperBound, _) => ("not known yet".to_owned(), "days end with lt"),
        (Question::Total, Some("page")) => (
            "the tickets of the page".to_owned(),
            "pages are read until one is short; completeness is checked against Blip's report of each day",
        ),
        (Question::Total, Some("matches")) => ("all tickets that match".to_owned(), "days with fewer tickets than this are read again"),
        (Question::Total, Some("absent")) => {
            ("there is none".to_owned(), "pages are read until one is short; completeness is checked against Blip's report of each day")
        }
        (Question::Total, _) => ("not known yet".to_owned(), "a larger total than what came counts as missing"),
        (Question::TicketsReach, Some(month)) => {
            (format!("none before {month}"), "a first load begins there; after one, `relato ingest --from` reads older days")
        }
        (Question::TicketsReach, None) => ("not known yet".to_owned(), "a first load begins 13 months ago"),
        (Question::ReportsEnd, answer) => end(answer, "a day that is absent is not final, and figures by queue wait"),
        (Question::EventsEnd, answer) => end(answer, "one more day is requested, and records after the last day are ignored"),
        (Question::ReportsReach, Some("beyond")) => {
            ("more than 90 days".to_owned(), "Blip's own figures are read for 90 days; `relato ingest --full` reads them for all days")
        }
        (Question::ReportsReach, Some(_)) => ("90 days".to_owned(), "older days have no figures of Blip's beside ours"),
        (Question::ReportsReach, None) => ("not known yet".to_owned(), "Blip's own figures are read for 90 days"),
        (Question::MessageMarks, Some("")) => ("none".to_owned(), "who replied is known by the ticket that was open then"),
        (Question::MessageMarks, Some(names)) => (
            names.to_owned(),
            if names.contains("#message.agentIdentity") {
                "who replied is read from the message"
            } else {
                "who replied is known by the ticket that was open then"
            },
        ),
        (Question::MessageMarks, None) => ("not known yet: no message was found".to_owned(), "marks are read where they occur"),
        (Question::Transcription, Some("yes")) => {
            ("answered".to_owned(), "not used: one command a customer reads the messages of all their tickets")
        }
        (Question::Transcription, Some(_)) => ("refused or empty".to_owned(), "not used"),
        (Question::Transcription, None) => ("not known yet".to_owned(), "not used"),
    }
}

/// What a key is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Whether it sees tickets.
    pub has_desk: bool,
    /// The survey's category, where it sees events.
    pub category: Option<&'a str>,
    /// Whether every open question is asked; else only those on which figures depend.
    pub is_thorough: bool,
}

/// Finds out what `known` leaves open, with at most [`MOST_COMMANDS`] commands. A command that fails leaves its question open.
///
/// # Errors
/// That of a key that Blip refuses.
pub async fn find_out(client: &Client, scope: Scope<'_>, known: Contract, now: DateTime<Utc>) -> Result<Contract, IngestError> {
    let mut search = Search { client, budget: Budget::new(MOST_COMMANDS), found: known, now };
    let is_open = |search: &Search<'_>, question: Question| {
        !search.found.answers.contains_key(&question) && (scope.is_thorough || question.is_needed())
    };
    if let Some(category) = scope.category.filter(|_| is_open(&search, Question::EventsEnd)) {
        let done = search.events(category).await;
        settled(done)?;
    }
    let of_desk = Question::ALL.into_iter().filter(|question| *question != Question::EventsEnd);
    let mut wanted: Vec<Question> = of_desk.filter(|question| is_open(&search, *question)).collect();
    // The search for the oldest ticket takes as many commands as are left.
    wanted.sort_by_key(|question| *question == Question::TicketsReach);
    if scope.has_desk && !wanted.is_empty() {
        search.desk(&wanted).await?;
    }
    search.found.commands = search.budget.sent();
    Ok(search.found)
}

/// A refused key ends the search. That it may not read one resource, and any other failure, is met again where it matters.
fn settled(done: Result<(), BlipError>) -> Result<(), IngestError> {
    match done {
        Err(error @ BlipError::Unauthorized { .. }) => Err(error.into()),
        Err(error) => {
            tracing::info!(%error, "a question about the contract stays open");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

struct Search<'a> {
    client: &'a Client,
    budget: Budget,
    found: Contract,
    now: DateTime<Utc>,
}

impl Search<'_> {
    fn note(&mut self, question: Question, answer: Option<impl Into<String>>) {
        if let Some(answer) = answer {
            self.found.answers.insert(question, answer.into());
        }
    }

    /// Answers the `wanted` questions about a desk.
    async fn desk(&mut self, wanted: &[Question]) -> Result<(), IngestError> {
        let span = (self.now - probe::SAMPLE_DAYS, self.now);
        let sample = match self.sample(wanted, span).await {
            Ok(Some(sample)) => sample,
            Ok(None) => return Ok(()),
            Err(error) => return settled(Err(error)),
        };
        for question in wanted {
            // A resource that is refused leaves its own question open, and no other.
            settled(self.answer(*question, &sample, span).await)?;
        }
        Ok(())
    }

    /// Returns some tickets of `span`, ended ones among them where either list has any.
    async fn sample(&mut self, wanted: &[Question], span: (DateTime<Utc>, DateTime<Utc>)) -> Result<Option<Sample>, BlipError> {
        let Some(mut sample) = probe::sample(self.client, &mut self.budget, span).await? else { return Ok(None) };
        let is_before = sample.upper_bound == UpperBound::Before;
        self.note(Question::UpperBound, Some(if is_before { "lt" } else { "le" }));
        self.client.set_readings(self.found.readings());
        if !sample.has_ended() && wanted.iter().any(|question| question.needs_ended()) {
            probe::add_history(self.client, &mut self.budget, &mut sample, span).await?;
        }
        Ok(Some(sample))
    }

    async fn answer(&mut self, question: Question, sample: &Sample, span: (DateTime<Utc>, DateTime<Utc>)) -> Result<(), BlipError> {
        let ended = sample.tickets.iter().find_map(ended_id);
        match (question, ended) {
            (Question::Total, _) => {
                let total = probe::total(self.client, &mut self.budget, sample, span).await?;
                let name = |total| match total {
                    Total::Page => "page",
                    Total::Matches => "matches",
                    Total::Absent => "absent",
                };
                self.note(question, total.map(name));
            }
            (Question::ReportsEnd, _) => {
                let end = probe::reports_end(self.client, &mut self.budget, time::blip_day(self.now)).await?;
                self.note(question, end.map(end_name));
            }
            (Question::TicketsReach, _) => self.tickets_reach(sample).await?,
            (Question::ReportsReach, _) => self.reports_reach(sample).await?,
            (Question::MessageMarks, Some(ticket)) => {
                let names = probe::message_marks(self.client, &mut self.budget, ticket).await?;
                self.note(question, names.map(|names| names.into_iter().collect::<Vec<_>>().join(" ")));
            }
            (Question::Transcription, Some(ticket)) => {
                let works = probe::transcription(self.client, &mut self.budget, ticket).await?;
                self.note(question, works.map(|works| if works { "yes" } else { "no" }));
            }
            _ => {}
        }
        Ok(())
    }

    /// Looks for a month that lies wholly beyond the documented reach; whether Blip forgets it shows only where there were tickets then.
    async fn reports_reach(&mut self, sample: &Sample) -> Result<(), BlipError> {
        let last = time::blip_day(self.now) - Days::new(DOCUMENTED_REACH_DAYS + 3);
        let first = last - Days::new(30);
        let answer = match probe::has_reports(self.client, &mut self.budget, (first, last)).await? {
            Some(true) => Some("beyond"),
            Some(false) => {
                let month = (time::blip_day_start(first), time::blip_day_start(last));
                probe::has_tickets_between(self.client, &mut self.budget, sample, month)
                    .await?
                    .filter(|is_there| *is_there)
                    .map(|_| "90 days")
            }
            None => None,
        };
        self.note(Question::ReportsReach, answer);
        Ok(())
    }

    async fn has_tickets_before(&mut self, sample: &Sample, until: DateTime<Utc>) -> Result<Option<bool>, BlipError> {
        probe::has_tickets_between(self.client, &mut self.budget, sample, (DateTime::UNIX_EPOCH, until)).await
    }

    /// Finds the month of the oldest ticket: first by going back twice as far each time, then by halving.
    async fn tickets_reach(&mut self, sample: &Sample) -> Result<(), BlipError> {
        let month = time::blip_day(self.now).with_day(1).expect("every month has a first day");
        let back = |months: u32| month - Months::new(months);
        // There are tickets before the one, and none before the other.
        let (mut there, mut none) = (None, FIRST_LOOK_MONTHS);
        loop {
            let until = time::blip_day_start(back(none));
            match self.has_tickets_before(sample, until).await? {
                None => return Ok(()),
                Some(false) => break,
                Some(true) if none >= LONGEST_LOOK_MONTHS => break,
                Some(true) => (there, none) = (Some(none), none * 2),
            }
        }
        while let Some(near) = there.filter(|near| none - near > 1) {
            let middle = near.midpoint(none);
            let until = time::blip_day_start(back(middle));
            match self.has_tickets_before(sample, until).await? {
                // What is left of the range is read: its days are empty, which costs time and no figure.
                None => break,
                Some(true) => there = Some(middle),
                Some(false) => none = middle,
            }
        }
        // An empty answer is also how a fault looks: the one that counts is asked for again, as long as a command is left.
        let until = time::blip_day_start(back(none));
        let is_contradicted = none < LONGEST_LOOK_MONTHS && self.has_tickets_before(sample, until).await? == Some(true);
        self.note(Question::TicketsReach, (!is_contradicted).then(|| back(none).to_string()));
        Ok(())
    }

    async fn events(&mut self, category: &str) -> Result<(), BlipError> {
        let today = time::blip_day(self.now);
        let end = probe::events_end(self.client, &mut self.budget, category, (today - Days::new(30), today)).await?;
        self.note(Question::EventsEnd, end.map(end_name));
        Ok(())
    }
}

fn end_name(end: EndDate) -> &'static str {
    match end {
        EndDate::Inclusive => "inclusive",
        EndDate::Exclusive => "exclusive",
    }
}

fn ended_id(ticket: &Ticket) -> Option<&str> {
    ticket.close_date.as_ref()?;
    ticket.id.as_deref()
}
