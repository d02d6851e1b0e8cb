//! Completeness of a period (M28), in figures and in words.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};

use crate::{
    config::{LATE_ANSWER_DAYS, Organization},
    domain::{
        Period,
        report_data::{Completeness, CompletenessState},
        table::Table,
    },
    query::{Engine, Parameters, QueryError},
    render::Locale,
    snapshot::Manifest,
};

const QUERY: &str = "completeness";

/// Names the days on which less is here than Blip says it has.
const WARNINGS: &str = "data_warnings";

/// Holds the mean that Blip sends with tickets whose messages are not here, in a row of its own.
const TIMES: &str = "times_by";

/// Returns the day with which a period is closed at the latest, once it is loaded until then.
pub fn closes_by(period: &Period, organization: &Organization) -> NaiveDate {
    period.end + Days::new(organization.closed_after_days.into())
}

/// Returns the completeness of the period of `parameters`, and what was read of it.
pub fn of_period(
    engine: &Engine,
    parameters: &Parameters,
    manifest: &Manifest,
    organization: &Organization,
    locale: &Locale,
) -> Result<(Completeness, Known), QueryError> {
    let zone = organization.timezone;
    let table = engine.run(QUERY, parameters)?;
    let number = |column: &str| table.get(0, column).int().unwrap_or(0);
    let days_expected = parameters.period.day_count();
    let days_loaded = number("days_loaded");
    let days_imported = number("days_imported");
    let tickets_open = number("tickets_open");
    let conversations_open = number("conversations_open");
    // Messages that no load brings change no figure any more: a note says what that means.
    let messages_awaited = number("messages_missing") - number("messages_gone");
    let mut reasons = Vec::new();
    if conversations_open > 0 {
        reasons.push(locale.plural("reason-open", conversations_open));
    }
    if messages_awaited > 0 {
        reasons.push(locale.plural("reason-messages", messages_awaited));
    }
    let late_until = parameters.period.end + Days::new(LATE_ANSWER_DAYS.into());
    // Where all of the period comes from files, no load brings late answers.
    let is_from_files = days_imported >= days_expected;
    if !is_from_files && is_before(manifest.loaded_until, zone.day_start(late_until)) {
        reasons.push(locale.text_with("reason-late", &[("until", &locale.date(late_until - Days::new(1)))]));
    }
    let files = files(&table, locale);
    let (loaded, imported, days) = (locale.count(days_loaded), locale.count(days_imported), locale.count(days_expected));
    let closes_by = closes_by(&parameters.period, organization);
    // Where all of the period comes from files, no load tells the time.
    let known_until = if is_from_files { Some(manifest.loaded_until.unwrap_or(manifest.published_at)) } else { manifest.loaded_until };
    let is_over_for_good = !is_before(known_until, zone.day_start(closes_by));
    let counts = [("loaded", loaded.as_str()), ("imported", &imported), ("days", &days), ("files", &files)];
    let lacking = lacking(engine, parameters)?;
    let (state, verdict) = if days_loaded + days_imported < days_expected {
        let key = if days_imported > 0 { "complete-partly-imported" } else { "complete-incomplete" };
        (CompletenessState::Incomplete, locale.text_with(key, &counts))
    } else if lacking > 0 {
        (CompletenessState::Incomplete, locale.plural("complete-lacking", lacking))
    } else if reasons.is_empty() {
        let key = if days_imported > 0 { "complete-closed-imported" } else { "complete-closed" };
        (CompletenessState::Closed, locale.text_with(key, &counts))
    } else if is_over_for_good {
        let words = [("reasons", reasons.join(" ")), ("after", locale.count(organization.closed_after_days.into()))];
        (
            CompletenessState::Closed,
            locale.text_with("complete-closed-by-time", &words.each_ref().map(|(name, text)| (*name, text.as_str()))),
        )
    } else {
        let words = [("reasons", reasons.join(" ")), ("by", locale.date(closes_by))];
        (
            CompletenessState::Provisional,
            locale.text_with("complete-provisional", &words.each_ref().map(|(name, text)| (*name, text.as_str()))),
        )
    };
    let is_covered = days_imported > 0 && days_loaded + days_imported >= days_expected;
    let kinds = kinds(&table, days_expected, locale).filter(|_| state == CompletenessState::Incomplete && days_loaded < days_expected);
    let label = is_covered.then(|| locale.text_with("complete-imported", &counts));
    let sentence = [Some(verdict), kinds, label].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let completeness = Completeness {
        state,
        days_loaded,
        days_imported,
        days_expected,
        tickets_stored: number("tickets_stored"),
        closed_reported: table.get(0, "closed_reported").int(),
        closed_stored: table.get(0, "closed_stored").int(),
        tickets_open,
        quarantined: manifest.quarantined,
        sentence,
    };
    Ok((completeness, Known::of(&table)))
}

/// Returns of how many days each kind was read, where that differs: else the days that are loaded say all.
fn kinds(table: &Table, days_expected: i64, locale: &Locale) -> Option<String> {
    let number = |column: &str| table.get(0, column).int();
    let (loaded, tickets, answers) = (number("days_loaded")?, number("days_tickets")?, number("days_answers")?);
    let [tickets_text, answers_text, days] = [tickets, answers, days_expected].map(|count| locale.count(count));
    (tickets.max(answers) > loaded)
        .then(|| locale.text_with("complete-kinds", &[("tickets", &tickets_text), ("answers", &answers_text), ("days", &days)]))
}

/// How a month before today stands.
#[derive(Debug, Clone)]
pub struct MonthStanding {
    /// The month.
    pub period: Period,
    /// Whether its figures can still change, and why.
    pub completeness: Completeness,
    /// The local day with which it is closed at the latest, once it is loaded until then.
    pub closes_by: NaiveDate,
}

/// Most months that are looked at.
const MOST_MONTHS: usize = 13;

/// Returns the month before `today` and those before it that time alone has not closed, the latest first; of which nothing was read are left out.
///
/// # Errors
/// When a query fails.
pub fn months(
    engine: &Engine,
    manifest: &Manifest,
    organization: &Organization,
    locale: &Locale,
    today: NaiveDate,
) -> Result<Vec<MonthStanding>, QueryError> {
    let this = Period::month(today.with_day(1).expect("every month has a first day"));
    let before = std::iter::successors(Some(this.previous()), |month| Some(month.previous())).take(MOST_MONTHS);
    let mut found = Vec::new();
    for (place, period) in before.enumerate() {
        let closes_by = closes_by(&period, organization);
        if place > 0 && closes_by <= today {
            break;
        }
        let as_of = manifest.loaded_until.unwrap_or(manifest.published_at);
        let parameters = Parameters { period, sector: None, dimension: None, as_of, others: std::collections::BTreeMap::new() };
        let (completeness, known) = of_period(engine, &parameters, manifest, organization, locale)?;
        if known.is_begun {
            found.push(MonthStanding { period, completeness, closes_by });
        }
    }
    Ok(found)
}

/// Returns the files that the imported days come from, in words.
fn files(table: &Table, locale: &Locale) -> String {
    let others = table.get(0, "import_groups").int().unwrap_or(0) - 1;
    match table.get(0, "import_files").text() {
        Some(names) if others > 0 => locale.plural_with("import-files-more", others, &[("files", names)]),
        Some(names) => names.to_owned(),
        None => locale.text("import-files-unknown"),
    }
}

/// Returns how many ended tickets Blip's own reports of the period's days have beyond those that are here.
fn lacking(engine: &Engine, parameters: &Parameters) -> Result<i64, QueryError> {
    let table = engine.run(WARNINGS, parameters)?;
    let number = |row: usize, column: &str| table.get(row, column).int().unwrap_or(0);
    let of_days = (0..table.row_count()).filter(|row| table.get(*row, "check_name").text() == Some("closed"));
    Ok(of_days.map(|row| number(row, "said") - number(row, "found")).sum())
}

/// Returns what a report says where messages of the period's tickets are gone: how many tickets lack them, which figures are whole all the
/// same, and the mean that Blip sends with such tickets. None where no messages are gone.
pub fn without_messages(engine: &Engine, parameters: &Parameters, locale: &Locale) -> Result<Option<String>, QueryError> {
    let gone = engine.run(QUERY, parameters)?.get(0, "messages_gone").int().unwrap_or(0);
    if gone == 0 {
        return Ok(None);
    }
    let mut sentences = vec![locale.plural("note-messages-gone", gone), locale.text("note-messages-figures")];
    let times = engine.run(TIMES, parameters)?;
    let total = (0..times.row_count())
        .find(|row| times.get(*row, "row_kind").text() == Some("total") && times.get(*row, "measure").text() == Some("response_by_ticket"));
    let values = total.and_then(|row| times.get(row, "n").int().zip(times.get(row, "mean_s").number()));
    if let Some((n, mean_s)) = values {
        sentences.push(locale.plural_with("note-messages-mean", n, &[("mean", &locale.duration(mean_s))]));
    }
    Ok(Some(sentences.join(" ")))
}

/// What was read of a period at all: figures of the rest are unknown, not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The tickets of a day, from Blip or from an imported file.
    pub has_tickets: bool,
    /// The survey answers of a day, or satisfaction comes from elsewhere.
    pub has_answers: bool,
    /// Anything: the tickets or the survey answers of a day.
    pub is_begun: bool,
}

impl Known {
    fn of(table: &Table) -> Known {
        let days = |column: &str| table.get(0, column).int();
        let has_tickets = [days("days_tickets"), days("days_imported")].into_iter().flatten().any(|days| days > 0);
        Known {
            has_tickets,
            has_answers: days("days_answers").is_none_or(|days| days > 0),
            is_begun: has_tickets || days("days_answers").is_some_and(|days| days > 0),
        }
    }
}

/// Returns what was read of the period of `parameters`.
pub fn known(engine: &Engine, parameters: &Parameters) -> Result<Known, QueryError> {
    Ok(Known::of(&engine.run(QUERY, parameters)?))
}

/// Returns whether every day of the period of `parameters` was loaded or is covered by an imported file, and anything happened in it, so that it can be compared with.
pub fn is_loaded(engine: &Engine, parameters: &Parameters) -> Result<bool, QueryError> {
    let table = engine.run(QUERY, parameters)?;
    let number = |column: &str| table.get(0, column).int().unwrap_or(0);
    Ok(number("days_loaded") + number("days_imported") >= parameters.period.day_count() && number("tickets_stored") > 0)
}

fn is_before(loaded_until: Option<DateTime<Utc>>, instant: DateTime<Utc>) -> bool {
    loaded_until.is_none_or(|loaded| loaded < instant)
}
