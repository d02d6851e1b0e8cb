//! Questions whose answers show how a contract reads what Blip's documentation leaves open. Each is a command or two; nothing is changed by them.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Deserialize;

use super::{
    BlipError, Client, ErrorKind, Record,
    desk::{self, DESK, Ticket},
    error::or_empty,
    events, identity,
    readings::{EndDate, UpperBound, created_filter},
    record::Page,
    time,
};

/// Commands that may be sent to find things out, and what was sent of them.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    sent: usize,
}

impl Budget {
    /// Allows at most `most` commands.
    pub fn new(most: usize) -> Budget {
        Budget { most, sent: 0 }
    }

    /// Returns the number of commands that were sent.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Returns whether no command is left.
    fn is_spent(&self) -> bool {
        self.sent >= self.most
    }

    /// Counts a command; returns whether it may be sent.
    fn take(&mut self) -> bool {
        let is_left = !self.is_spent();
        self.sent += usize::from(is_left);
        is_left
    }
}

/// Days before the present in which tickets are looked for.
pub const SAMPLE_DAYS: Days = Days::new(14);

/// All tickets, and those that ended: some contracts list the latter apart.
const LIST: &str = "/tickets";
const HISTORY: &str = "/tickets/history/metadata";

/// Tickets of a sample are asked for with this many a page, the most that Blip allows.
const TAKE: usize = 100;

/// Some tickets of a range, and how the filter on their creation was written.
#[derive(Debug)]
pub struct Sample {
    /// The tickets of the first page that could be read.
    pub tickets: Vec<Ticket>,
    /// Number of tickets of that page, unreadable ones included.
    pub count: u64,
    /// What Blip gave as their total.
    pub total: Option<u64>,
    /// How the filter ended.
    pub upper_bound: UpperBound,
    /// Where ended tickets are looked for, until one list has any.
    lists: &'static [&'static str],
}

impl Sample {
    /// Returns whether any ticket has ended.
    pub fn has_ended(&self) -> bool {
        self.tickets.iter().any(|ticket| ticket.close_date.is_some())
    }
}

fn refused(error: &BlipError) -> bool {
    matches!(error, BlipError::Refused { .. }) && matches!(error.kind(), ErrorKind::NotOffered | ErrorKind::Final | ErrorKind::Passing)
}

async fn page_of_tickets(
    client: &Client,
    budget: &mut Budget,
    (path, filter): (&str, &str),
    take: usize,
) -> Result<Option<Page<Ticket>>, BlipError> {
    if !budget.take() {
        return Ok(None);
    }
    let uri = format!("{path}?$filter={}&$skip=0&$take={take}", identity::encode(filter));
    or_empty(client.page(DESK, &uri).await).map(Some)
}

/// Returns the first page of the tickets created in `[from, until)`, asked for with `lt`, or with `le` where that is refused. One command or
/// two; none where the budget is spent.
///
/// # Errors
/// That of the second way, when both are refused; and any that is no refusal.
pub async fn sample(
    client: &Client,
    budget: &mut Budget,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<Sample>, BlipError> {
    for upper_bound in [UpperBound::Before, UpperBound::UpTo] {
        match page_of_tickets(client, budget, (LIST, &created_filter(upper_bound, from, until)), TAKE).await {
            Ok(None) => return Ok(None),
            Ok(Some(page)) => {
                let (total, count) = (page.total, u64::try_from(page.entries.len()).unwrap_or(u64::MAX));
                return Ok(Some(Sample { tickets: page.into_records(), count, total, upper_bound, lists: &[LIST] }));
            }
            Err(error) if upper_bound == UpperBound::Before && refused(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Adds the first page of the tickets created in `[from, until)` to a sample as the history lists them. One command at most.
///
/// # Errors
/// Those of the command that are no refusal.
pub async fn add_history(
    client: &Client,
    budget: &mut Budget,
    sample: &mut Sample,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), BlipError> {
    match page_of_tickets(client, budget, (HISTORY, &created_filter(sample.upper_bound, from, until)), TAKE).await {
        Ok(page) => {
            sample.tickets.extend(page.map(Page::into_records).unwrap_or_default());
            sample.lists = if sample.has_ended() { &[HISTORY] } else { &[HISTORY, LIST] };
        }
        Err(error) if refused(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// What the `total` of a list of tickets counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// The items on the page.
    Page,
    /// Everything that matches the filter.
    Matches,
    /// Nothing: there is none.
    Absent,
}

/// Returns what `total` counts, from a `sample` of the same range; none where it has too few tickets to tell. One command at most.
///
/// # Errors
/// Those of the command.
pub async fn total(
    client: &Client,
    budget: &mut Budget,
    sample: &Sample,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<Total>, BlipError> {
    match sample.total {
        None if sample.count > 0 => return Ok(Some(Total::Absent)),
        Some(total) if total > sample.count => return Ok(Some(Total::Matches)),
        _ if sample.count < 2 => return Ok(None),
        _ => {}
    }
    let page = page_of_tickets(client, budget, (LIST, &created_filter(sample.upper_bound, from, until)), 1).await?;
    Ok(page.map(|page| match page.total {
        None => Total::Absent,
        Some(1) => Total::Page,
        Some(_) => Total::Matches,
    }))
}

/// Returns whether any ticket was created in `[from, until)`, looked for where ended ones are listed; none where the budget is spent. Two
/// commands at most.
///
/// # Errors
/// Those of the commands.
pub async fn has_tickets_between(
    client: &Client,
    budget: &mut Budget,
    sample: &Sample,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<bool>, BlipError> {
    let filter = created_filter(sample.upper_bound, from, until);
    for list in sample.lists {
        match page_of_tickets(client, budget, (list, &filter), 1).await? {
            None => return Ok(None),
            Some(page) if page.entries.is_empty() => {}
            Some(_) => return Ok(Some(true)),
        }
    }
    Ok(Some(false))
}

/// Returns whether the `endDate` of the report by day is part of the answer, from the days before `today` on which tickets ended; none where
/// there are too few of them to tell. Three commands at most.
///
/// # Errors
/// Those of the commands.
pub async fn reports_end(client: &Client, budget: &mut Budget, today: NaiveDate) -> Result<Option<EndDate>, BlipError> {
    let recent = (today - SAMPLE_DAYS, today);
    let Some(reported) = reported_days(client, budget, recent).await? else { return Ok(None) };
    let Some((first, last)) = two_before(&reported, today) else { return Ok(None) };
    let Some(between) = reported_days(client, budget, (first, last)).await? else { return Ok(None) };
    if between.contains(&last) {
        return Ok(Some(EndDate::Inclusive));
    }
    if !between.contains(&first) {
        return Ok(None);
    }
    let alone = reported_days(client, budget, (last, last)).await?;
    Ok(alone.filter(BTreeSet::is_empty).map(|_| EndDate::Exclusive))
}

/// Returns the days with ended tickets; none where the budget is spent.
async fn reported_days(
    client: &Client,
    budget: &mut Budget,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Option<BTreeSet<NaiveDate>>, BlipError> {
    if !budget.take() {
        return Ok(None);
    }
    let items = or_empty(desk::day_summaries_between(client, first, last).await)?;
    let ended = items.iter().filter(|item| item.closed.unwrap_or(0) > 0);
    Ok(Some(ended.filter_map(|item| time::parse_instant(&item.date)).map(time::blip_day).collect()))
}

/// Returns the first and the last of some days before `today`; none where it is one day or none.
fn two_before(days: &BTreeSet<NaiveDate>, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let mut past = days.range(..today);
    Some((*past.next()?, *past.next_back()?))
}

/// Returns whether the report by day has any closed ticket between two days; none where the budget is spent. Two commands at most.
///
/// # Errors
/// Those of the command.
pub async fn has_reports(client: &Client, budget: &mut Budget, (first, last): (NaiveDate, NaiveDate)) -> Result<Option<bool>, BlipError> {
    Ok(reported_days(client, budget, (first, last)).await?.map(|days| !days.is_empty()))
}

/// Returns whether the `endDate` of event counters is part of the answer, from the survey's answers between two days; none where there are too
/// few days with answers to tell. Three commands at most.
///
/// # Errors
/// Those of the commands.
pub async fn events_end(
    client: &Client,
    budget: &mut Budget,
    category: &str,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Option<EndDate>, BlipError> {
    let Some(days) = counted_days(client, budget, category, (first, last)).await? else { return Ok(None) };
    let Some((first, last)) = two_before(&days, last) else { return Ok(None) };
    let Some(between) = counted_days(client, budget, category, (first, last)).await? else { return Ok(None) };
    if between.contains(&last) {
        return Ok(Some(EndDate::Inclusive));
    }
    if !between.contains(&first) {
        return Ok(None);
    }
    let alone = counted_days(client, budget, category, (last, last)).await?;
    Ok(alone.filter(BTreeSet::is_empty).map(|_| EndDate::Exclusive))
}

/// Returns the days with events of a category; none where the budget is spent.
async fn counted_days(
    client: &Client,
    budget: &mut Budget,
    category: &str,
    span: (NaiveDate, NaiveDate),
) -> Result<Option<BTreeSet<NaiveDate>>, BlipError> {
    if !budget.take() {
        return Ok(None);
    }
    let counters = events::some_counters(client, category, span).await?;
    Ok(Some(counters.iter().filter_map(|counter| time::parse_instant(&counter.storage_date)).map(time::blip_day).collect()))
}

/// A message, as far as the names of its marks.
#[derive(Debug, Clone, Deserialize)]
struct Marked {
    id: Option<String>,
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Record for Marked {
    const KIND: &'static str = "message";
    const PASSED_OVER: &'static [&'static str] = &["direction", "type", "content", "date", "status", "reason"];

    fn is_same(&self, other: &Marked) -> bool {
        self.id == other.id && self.id.is_some()
    }
}

/// Longest name of a mark that is shown.
const LONGEST_NAME: usize = 60;

/// Returns the names of the marks that the newest messages of a ticket's customer carry, and nothing of what they say; none where there is no
/// message. Two commands at most.
///
/// # Errors
/// Those of the commands.
pub async fn message_marks(client: &Client, budget: &mut Budget, ticket_id: &str) -> Result<Option<BTreeSet<String>>, BlipError> {
    for of_owner in ["&getFromOwnerIfTunnel=true", ""] {
        if !budget.take() {
            return Ok(None);
        }
        let uri = format!("/tickets/{}/messages?$ascending=false&$skip=0&$take={TAKE}{of_owner}", identity::encode(ticket_id));
        let messages: Vec<Marked> = or_empty(client.page(DESK, &uri).await)?.into_records();
        if messages.is_empty() {
            continue;
        }
        let is_name =
            |name: &String| name.len() <= LONGEST_NAME && name.chars().all(|char| char.is_ascii_alphanumeric() || "#._:-".contains(char));
        let names = messages.into_iter().filter_map(|message| message.metadata).flatten().map(|(name, _)| name).filter(is_name);
        return Ok(Some(names.collect()));
    }
    Ok(None)
}

/// Returns whether the messages of an ended ticket can be asked for as the attendance alone; none where the budget is spent. Two commands at most.
///
/// # Errors
/// Those of the command that are no refusal.
pub async fn transcription(client: &Client, budget: &mut Budget, ticket_id: &str) -> Result<Option<bool>, BlipError> {
    if !budget.take() {
        return Ok(None);
    }
    let uri = format!("/tickets/{}/messages?attendanceTranscriptionOnly=true&$skip=0&$take={TAKE}", identity::encode(ticket_id));
    match or_empty(client.page::<Marked>(DESK, &uri).await) {
        Ok(page) => Ok(Some(!page.entries.is_empty())),
        Err(error) if refused(&error) => Ok(Some(false)),
        Err(error) => Err(error),
    }
}
