//! Completeness of a period (M28), in figures and in words.

use chrono::{DateTime, Days, Utc};

use crate::{
    domain::{
        Zone,
        report_data::{Completeness, CompletenessState},
        table::Table,
    },
    query::{Engine, Parameters, QueryError},
    render::Locale,
    snapshot::Manifest,
};

/// Days after a period's end in which late survey answers still change it.
const LATE_ANSWER_DAYS: u64 = 7;

const QUERY: &str = "completeness";

/// Names the days on which less is here than Blip says it has.
const WARNINGS: &str = "data_warnings";

/// Holds the mean that Blip sends with tickets whose messages are not here, in a row of its own.
const TIMES: &str = "times_by";

/// Returns the completeness of the period of `parameters`.
pub fn of_period(
    engine: &Engine,
    parameters: &Parameters,
    manifest: &Manifest,
    zone: Zone,
    locale: &Locale,
) -> Result<Completeness, QueryError> {
    let table = engine.run(QUERY, parameters)?;
    let number = |column: &str| table.get(0, column).int().unwrap_or(0);
    let days_expected = parameters.period.day_count();
    let days_loaded = number("days_loaded");
    let days_imported = number("days_imported");
    let tickets_open = number("tickets_open");
    // Messages that no load brings change no figure any more: a note says what that means.
    let messages_awaited = number("messages_missing") - number("messages_gone");
    let mut reasons = Vec::new();
    if tickets_open > 0 {
        reasons.push(locale.plural("reason-open", tickets_open));
    }
    if messages_awaited > 0 {
        reasons.push(locale.plural("reason-messages", messages_awaited));
    }
    let late_until = parameters.period.end + Days::new(LATE_ANSWER_DAYS);
    // Where all of the period comes from files, no load brings late answers.
    let is_from_files = days_imported >= days_expected;
    if !is_from_files && is_before(manifest.loaded_until, zone.day_start(late_until)) {
        reasons.push(locale.text_with("reason-late", &[("until", &locale.date(late_until - Days::new(1)))]));
    }
    let files = files(&table, locale);
    let (loaded, imported, days) = (locale.count(days_loaded), locale.count(days_imported), locale.count(days_expected));
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
    } else {
        (CompletenessState::Provisional, locale.text_with("complete-provisional", &[("reasons", &reasons.join(" "))]))
    };
    let is_covered = days_imported > 0 && days_loaded + days_imported >= days_expected;
    let label = is_covered.then(|| locale.text_with("complete-imported", &counts));
    let sentence = [Some(verdict), label].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok(Completeness {
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
    })
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

/// Returns whether any day of the period of `parameters` was loaded or is covered by an imported file.
pub fn has_loaded_days(engine: &Engine, parameters: &Parameters) -> Result<bool, QueryError> {
    let table = engine.run(QUERY, parameters)?;
    let number = |column: &str| table.get(0, column).int().unwrap_or(0);
    Ok(number("days_loaded") + number("days_imported") > 0)
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
