//! How the rows of a table stand: their order, how many of them, their targets and small lines.

use polars::prelude::{Column as FrameColumn, DataType};

use super::builder::Targets;
use crate::{
    config::{Sort, SparkSpec},
    domain::{
        Cell, Kind, Table,
        report_data::{ColumnAims, Spark},
    },
    render::{self, Locale},
};

/// Columns that say something of a row and are not shown.
const HIDDEN: [&str; 2] = ["row_kind", "few"];

/// Returns the names of all columns that can be shown.
pub fn all_columns(table: &Table) -> Vec<String> {
    table.columns().iter().map(|column| column.name.clone()).filter(|name| !HIDDEN.contains(&name.as_str())).collect()
}

/// Orders the rows, totals apart, and puts all but the first `top` together into one, which `first` names.
pub fn arranged(table: Table, sort: Option<&Sort>, top: Option<usize>, first: &str, locale: &Locale) -> Table {
    let (totals, mut members): (Vec<usize>, Vec<usize>) = (0..table.row_count()).partition(|row| is_total(&table, *row));
    if let Some(sort) = sort {
        let rank = |one: usize, other: usize| compare(table.get(one, &sort.column), table.get(other, &sort.column), sort.is_descending);
        members.sort_by(|one, other| rank(*one, *other));
    }
    let rest = match top {
        // One row alone is shown itself.
        Some(top) if members.len() > top + 1 => members.split_off(top),
        _ => Vec::new(),
    };
    if sort.is_none() && rest.is_empty() {
        return table;
    }
    let head = table.taken(&members);
    let together = (!rest.is_empty()).then(|| others(&table, &rest, first, locale));
    head.followed_by(together.iter().chain(std::iter::once(&table.taken(&totals))))
}

/// Nothing comes last, whichever way the others go.
fn compare(one: Cell<'_>, other: Cell<'_>, is_descending: bool) -> std::cmp::Ordering {
    let ordering = match (one, other) {
        (Cell::Null, Cell::Null) => return std::cmp::Ordering::Equal,
        (Cell::Null, _) => return std::cmp::Ordering::Greater,
        (_, Cell::Null) => return std::cmp::Ordering::Less,
        (Cell::Text(one), Cell::Text(other)) => one.cmp(other),
        (Cell::Date(one), Cell::Date(other)) => one.cmp(&other),
        (Cell::Time(one), Cell::Time(other)) => one.cmp(&other),
        (one, other) => one.number().unwrap_or_default().total_cmp(&other.number().unwrap_or_default()),
    };
    if is_descending { ordering.reverse() } else { ordering }
}

/// Puts rows together: counts add up, anything else has no value of several rows.
fn others(table: &Table, rows: &[usize], first: &str, locale: &Locale) -> Table {
    let name = locale.plural("table-others", i64::try_from(rows.len()).unwrap_or(i64::MAX));
    let columns = table.columns().iter().zip(table.frame().columns()).map(|(column, values)| {
        let sum = || rows.iter().filter_map(|row| table.get(*row, &column.name).int()).sum::<i64>();
        match (column.name.as_str(), column.kind, values.dtype()) {
            (name_of, _, DataType::String) if name_of == first => FrameColumn::new(name_of.into(), [name.as_str()]),
            ("row_kind", ..) => FrameColumn::new("row_kind".into(), ["others"]),
            (name, Kind::Count, DataType::Int64) if !name.ends_with("_days") => FrameColumn::new(name.into(), [sum()]),
            (name, _, dtype) => FrameColumn::full_null(name.into(), 1, dtype),
        }
    });
    table.with_rows(1, columns.collect())
}

/// Returns the targets of the shown columns, for those that have any.
pub fn aims(table: &Table, shown: &[String], targets: &Targets, asked: Option<&str>) -> Vec<ColumnAims> {
    shown
        .iter()
        .filter_map(|column| {
            let of_row = |row: usize| {
                let sector = table.get(row, "sector").text().or(asked);
                // Too few answers to be ranked are too few to be judged.
                if (column.starts_with("csat") || column.starts_with("nps")) && table.get(row, "few") == Cell::Bool(true) {
                    return None;
                }
                targets.aim(column, sector, table.get(row, column).number()).filter(|aim| aim.is_met.is_some())
            };
            let targets: Vec<_> = (0..table.row_count()).map(of_row).collect();
            targets.iter().any(Option::is_some).then(|| ColumnAims { column: column.clone(), targets })
        })
        .collect()
}

/// Returns a small line for each row of `table`: the values of the rows of `lines` that have the same `key`, along all categories.
pub fn spark(spec: &SparkSpec, lines: &Table, table: &Table, key: &str, locale: &Locale) -> Spark {
    let mut places: Vec<String> = Vec::new();
    let mut place_of = std::collections::HashMap::new();
    let mut by_key: std::collections::HashMap<String, Vec<(usize, Option<f64>)>> = std::collections::HashMap::new();
    for row in 0..lines.row_count() {
        let category = render::cell_text(lines, row, &spec.category, locale);
        let place = *place_of.entry(category.clone()).or_insert_with(|| {
            places.push(category);
            places.len() - 1
        });
        if let Some(key) = lines.get(row, key).text() {
            by_key.entry(key.to_owned()).or_default().push((place, lines.get(row, &spec.value).number()));
        }
    }
    let line_of = |row: usize| {
        let known = table.get(row, key).text().and_then(|key| by_key.get(key));
        known.map_or_else(Vec::new, |known| {
            let mut line = vec![None; places.len()];
            for (place, value) in known {
                line[*place] = *value;
            }
            line
        })
    };
    let column = lines.position(&spec.value).map(|position| &lines.columns()[position]);
    Spark {
        label: column.map_or_else(String::new, |column| column.label.clone()),
        kind: column.map_or(Kind::Number, |column| column.kind),
        lines: (0..table.row_count()).map(line_of).collect(),
        categories: places,
    }
}

fn is_total(table: &Table, row: usize) -> bool {
    table.get(row, "row_kind") == Cell::Text("total")
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;
    use crate::domain::{Column, Language};

    fn table() -> Table {
        let frame = df!(
            "row_kind" => ["member", "member", "member", "member", "total"],
            "sector" => [Some("A"), Some("B"), Some("C"), Some("D"), None],
            "tickets" => [3_i64, 9, 1, 5, 18],
            "mean_s" => [Some(30.0), None, Some(90.0), Some(60.0), Some(50.0)],
        )
        .unwrap();
        let kinds = [Kind::Text, Kind::Text, Kind::Count, Kind::Duration];
        let names = frame.columns().iter().map(|column| column.name().to_string()).collect::<Vec<_>>();
        let columns = names.into_iter().zip(kinds).map(|(name, kind)| Column { label: name.clone(), name, kind, metric: None }).collect();
        Table::new(columns, frame).unwrap()
    }

    fn sectors(table: &Table) -> Vec<&str> {
        (0..table.row_count()).map(|row| table.get(row, "sector").text().unwrap_or("-")).collect()
    }

    #[test]
    fn rows_are_ordered_with_nothing_last_and_totals_below() {
        let sort = |column: &str, is_descending| Sort { column: column.to_owned(), is_descending };
        let locale = Locale::new(Language::EnUs);
        let by = |sort: &Sort| arranged(table(), Some(sort), None, "sector", &locale);
        assert_eq!(sectors(&by(&sort("tickets", true))), ["B", "D", "A", "C", "-"]);
        assert_eq!(sectors(&by(&sort("mean_s", false))), ["A", "D", "C", "B", "-"]);
        assert_eq!(sectors(&by(&sort("mean_s", true))), ["C", "D", "A", "B", "-"]);
    }

    #[test]
    fn the_others_add_up_where_adding_makes_sense() {
        let sort = Sort { column: "tickets".to_owned(), is_descending: true };
        let cut = arranged(table(), Some(&sort), Some(2), "sector", &Locale::new(Language::EnUs));
        assert_eq!(sectors(&cut), ["B", "D", "2 others", "-"]);
        assert_eq!((cut.get(2, "tickets"), cut.get(2, "mean_s")), (Cell::Int(4), Cell::Null));
        // A single other is no group.
        assert_eq!(sectors(&arranged(table(), Some(&sort), Some(3), "sector", &Locale::new(Language::EnUs))), ["B", "D", "A", "C", "-"]);
    }
}
