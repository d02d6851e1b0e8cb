//! What a table's cell shows beyond its value: rules that every format must keep alike.

use super::Locale;
use crate::domain::{Cell, Table, report_data::TableView};

/// Fewer observations than this have no meaningful percentile; the range of the values is shown instead (M25).
const FEWEST_FOR_PERCENTILES: i64 = 10;

/// What a cell shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown<'a> {
    /// Its value.
    Value(Cell<'a>),
    /// Its value, marked as resting on too few answers to be ranked.
    Marked(Cell<'a>),
    /// A text in place of a number.
    Text(String),
}

/// Columns that name what a row is of; empty for totals, and for what belongs to none.
const MEMBERS: [&str; 4] = ["sector", "agent", "channel", "tag"];

/// Columns whose values are words of the program, in the reader's language where there is a text for them.
const CODED: [&str; 8] = ["figure", "explanation", "queue", "routing", "check_name", "metric", "span", "basis"];

/// The mark behind a value that rests on few answers.
pub const FEW_MARK: &str = "*";

/// Returns what the cell of `row` in the column called `name` shows.
pub fn shown<'a>(table: &'a Table, row: usize, name: &str, locale: &Locale) -> Shown<'a> {
    let cell = table.get(row, name);
    if MEMBERS.contains(&name) && cell == Cell::Null && table.position("row_kind").is_some() {
        return Shown::Text(locale.text(if is_total(table, row) { "value-total" } else { "value-none" }));
    }
    if cell == Cell::Null {
        return Shown::Value(cell);
    }
    if let (true, Cell::Text(code)) = (CODED.contains(&name), cell) {
        let key = format!("value-{name}-{code}");
        if locale.has(&key) {
            return Shown::Text(locale.text(&key));
        }
    }
    if matches!(name, "csat_share" | "csat_mean" | "nps") && table.get(row, "few") == Cell::Bool(true) {
        return Shown::Marked(cell);
    }
    if let Some((prefix, n)) = percentile_of(table, row, name)
        && n < FEWEST_FOR_PERCENTILES
    {
        return match range(table, row, prefix, locale) {
            Some(range) if name.ends_with("median_s") => Shown::Text(range),
            _ => Shown::Value(Cell::Null),
        };
    }
    Shown::Value(cell)
}

/// Returns what stands before `median_s` or `p90_s` in a column's name, and the number of its observations.
fn percentile_of<'a>(table: &Table, row: usize, name: &'a str) -> Option<(&'a str, i64)> {
    let prefix = name.strip_suffix("median_s").or_else(|| name.strip_suffix("p90_s"))?;
    Some((prefix, table.get(row, &count_of(prefix)).int()?))
}

/// Returns the column that counts what percentiles are of: within business hours the same cases as without them.
fn count_of(prefix: &str) -> String {
    format!("{}n", prefix.strip_suffix("business_").unwrap_or(prefix))
}

/// Returns the smallest and the largest value where there are too few for percentiles: what is shown in place of median and p90.
pub fn range_of_few(table: &Table, row: usize, name: &str, locale: &Locale) -> Option<String> {
    let (prefix, n) = percentile_of(table, row, name)?;
    if n < FEWEST_FOR_PERCENTILES { range(table, row, prefix, locale) } else { None }
}

fn range(table: &Table, row: usize, prefix: &str, locale: &Locale) -> Option<String> {
    let end = |name: &str| table.get(row, &format!("{prefix}{name}")).number().map(|value| locale.duration(value));
    Some(locale.text_with("table-range", &[("min", &end("min_s")?), ("max", &end("max_s")?)]))
}

/// Returns whether [`shown`] may show anything but the values of the column called `name`.
pub fn is_ruled(table: &Table, name: &str) -> bool {
    let has = |name: &str| table.position(name).is_some();
    let has_count = |statistic: &str| name.strip_suffix(statistic).is_some_and(|prefix| has(&count_of(prefix)));
    MEMBERS.contains(&name) && has("row_kind")
        || CODED.contains(&name)
        || matches!(name, "csat_share" | "csat_mean" | "nps") && has("few")
        || has_count("median_s")
        || has_count("p90_s")
}

/// Returns the text of a cell.
pub fn text(table: &Table, row: usize, name: &str, locale: &Locale) -> String {
    let kind = table.position(name).map(|position| table.columns()[position].kind);
    let text = |cell| kind.map_or_else(String::new, |kind| locale.cell(kind, cell));
    match shown(table, row, name, locale) {
        Shown::Value(cell) => text(cell),
        Shown::Marked(cell) => format!("{}{FEW_MARK}", text(cell)),
        Shown::Text(text) => text,
    }
}

/// Returns how long the bar behind each row's value is, from 0 to 1: totals have none, and do not shrink the others.
pub fn bar_shares(table: &Table, name: &str) -> Vec<Option<f64>> {
    let members = |row: &usize| !is_total(table, *row) && table.get(*row, "row_kind") != Cell::Text("others");
    let highest = (0..table.row_count()).filter(members).filter_map(|row| table.get(row, name).number()).fold(0.0, f64::max);
    (0..table.row_count())
        .map(|row| members(&row).then(|| table.get(row, name).number()).flatten().filter(|_| highest > 0.0))
        .map(|value| value.map(|value| (value / highest).clamp(0.0, 1.0)))
        .collect()
}

/// Returns whether `row` is a total.
pub fn is_total(table: &Table, row: usize) -> bool {
    table.get(row, "row_kind") == Cell::Text("total")
}

/// Returns for each row whether it stands out as a total: where there is nothing but totals, none does.
pub fn totals(table: &Table) -> Vec<bool> {
    let totals: Vec<bool> = (0..table.row_count()).map(|row| is_total(table, row)).collect();
    if totals.iter().all(|is_total| *is_total) { vec![false; totals.len()] } else { totals }
}

/// Returns whether any shown cell carries the mark of few answers.
pub fn has_marks(view: &TableView, locale: &Locale) -> bool {
    (0..view.table.row_count()).any(|row| view.shown.iter().any(|name| matches!(shown(&view.table, row, name, locale), Shown::Marked(_))))
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;
    use crate::domain::{Column, Kind, Language};

    fn table() -> Table {
        let frame = df!(
            "row_kind" => ["member", "member", "total"],
            "sector" => [Some("A"), Some("B"), None],
            "n" => [9_i64, 10, 19],
            "median_s" => [30.0, 40.0, 35.0],
            "p90_s" => [60.0, 80.0, 70.0],
            "min_s" => [5_i64, 5, 5],
            "max_s" => [90_i64, 90, 90],
            "business_median_s" => [3.0, 4.0, 3.5],
            "business_p90_s" => [6.0, 6.0, 6.0],
            "business_min_s" => [2_i64, 2, 2],
            "business_max_s" => [7_i64, 7, 7],
            "csat_share" => [Some(0.5), None, Some(0.5)],
            "few" => [true, true, false],
        )
        .unwrap();
        let kinds = [Kind::Text, Kind::Text, Kind::Count].into_iter().chain([Kind::Duration; 8]).chain([Kind::Share, Kind::Flag]);
        let names: Vec<String> = frame.columns().iter().map(|column| column.name().to_string()).collect();
        let columns = names.into_iter().zip(kinds).map(|(name, kind)| Column { label: name.clone(), name, kind, metric: None }).collect();
        Table::new(columns, frame).unwrap()
    }

    #[test]
    fn few_observations_show_their_range_instead_of_percentiles() {
        let (table, locale) = (table(), Locale::new(Language::PtBr));
        assert_eq!(text(&table, 0, "median_s", &locale), "5 s – 1 min 30 s");
        assert_eq!(text(&table, 0, "p90_s", &locale), "—");
        assert_eq!(text(&table, 1, "median_s", &locale), "40 s");
        assert_eq!(text(&table, 0, "business_median_s", &locale), "2 s – 7 s");
        assert_eq!(text(&table, 0, "business_p90_s", &locale), "—");
        assert_eq!(text(&table, 1, "business_median_s", &locale), "4 s");
        assert_eq!(range_of_few(&table, 0, "median_s", &locale).as_deref(), Some("5 s – 1 min 30 s"));
        assert_eq!(range_of_few(&table, 1, "median_s", &locale), None);
    }

    #[test]
    fn few_answers_are_marked_and_none_is_a_dash() {
        let (table, locale) = (table(), Locale::new(Language::PtBr));
        assert_eq!(text(&table, 0, "csat_share", &locale), "50,0%*");
        assert_eq!(text(&table, 1, "csat_share", &locale), "—");
        assert_eq!(text(&table, 2, "csat_share", &locale), "50,0%");
        assert_eq!(text(&table, 2, "sector", &locale), "Total");
    }
}
