//! Figures of one report that two snapshots tell differently.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{
    Column, Kind, ReportData, Table,
    report_data::{Block, Content},
};

/// A figure that is not the same from both snapshots.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedFigure {
    /// The part of the report.
    pub block: String,
    /// Its title.
    pub title: String,
    /// What the row is of, such as a sector; empty for key figures and totals.
    pub row: String,
    /// The column that holds the figure.
    pub column: Column,
    /// From the earlier snapshot; none where there was no value or no such row.
    pub before: Option<f64>,
    /// From the later one.
    pub after: Option<f64>,
}

/// Where a figure stands: block, row, column.
type Place = (usize, String, String);

/// Returns the figures that differ between two makings of the same report, in the order of the report.
pub fn changes(before: &ReportData, after: &ReportData) -> Vec<ChangedFigure> {
    let (old, new) = (figures(&before.blocks), figures(&after.blocks));
    let mut places: Vec<&Place> = old.keys().chain(new.keys()).collect();
    places.sort();
    places.dedup();
    let blocks = if after.blocks.len() >= before.blocks.len() { &after.blocks } else { &before.blocks };
    let changed = |place: &&Place| -> Option<ChangedFigure> {
        let (was, is) = (old.get(*place), new.get(*place));
        let value = |figure: Option<&(Column, Option<f64>)>| figure.and_then(|(_, value)| *value);
        if value(was) == value(is) {
            return None;
        }
        let block = blocks.get(place.0)?;
        let (column, _) = is.or(was)?;
        Some(ChangedFigure {
            block: block.id.clone(),
            title: block.title.clone(),
            row: place.1.clone(),
            column: column.clone(),
            before: value(was),
            after: value(is),
        })
    };
    places.iter().filter_map(changed).collect()
}

fn figures(blocks: &[Block]) -> BTreeMap<Place, (Column, Option<f64>)> {
    let mut found = BTreeMap::new();
    for (place, block) in blocks.iter().enumerate() {
        if let Content::Kpis { figures } = &block.content {
            for figure in figures {
                found.insert((place, String::new(), figure.column.name.clone()), (figure.column.clone(), figure.value));
            }
        }
        let Some(table) = block.content.table() else { continue };
        for row in 0..table.row_count() {
            let name = row_name(table, row);
            for (position, column) in table.columns().iter().enumerate().filter(|(_, column)| column.kind.is_numeric()) {
                found.insert((place, name.clone(), column.name.clone()), (column.clone(), table.cell(row, position).number()));
            }
        }
    }
    found
}

/// Returns what a row is of: the values of all columns that are no figures.
pub(super) fn row_name(table: &Table, row: usize) -> String {
    let is_name = |column: &Column| !column.kind.is_numeric() && column.kind != Kind::Flag && column.name != "row_kind";
    let names = table.columns().iter().enumerate().filter(|(_, column)| is_name(column));
    let words = names.map(|(position, _)| crate::query::plain(table.cell(row, position))).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" · ")
}
