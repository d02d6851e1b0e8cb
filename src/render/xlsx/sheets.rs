//! Sheets of tables, charts' data, heat maps and row-level details.

use rust_xlsxwriter::{ColNum, ConditionalFormat2ColorScale, RowNum, Worksheet, XlsxError};

use super::{
    Book,
    formats::{self, Formats, Weight, color},
};
use crate::{
    domain::{
        Cell, Column, Kind, Table,
        report_data::{Block, Content, HeatMap, TableView},
    },
    render::{
        Locale, palette,
        rows::{self, Shown},
    },
};

/// Excel's day has 86,400 seconds.
pub const SECONDS_PER_DAY: f64 = 86_400.0;

impl Book<'_> {
    pub(super) fn block_sheet(&mut self, block: &Block, name: &str) -> Result<(), XlsxError> {
        let (formats, locale) = (&self.formats, self.locale);
        let sheet = self.workbook.add_worksheet().set_name(name)?;
        match &block.content {
            Content::Kpis { .. } => Ok(()),
            Content::Chart(chart) => {
                let hidden = ["weekday", "row_kind", "few"];
                let shown: Vec<String> = std::iter::once(&chart.category).chain(&chart.series).cloned().collect();
                let others = chart.table.columns().iter().map(|column| column.name.clone());
                let rest: Vec<String> = others.filter(|name| !shown.contains(name) && !hidden.contains(&name.as_str())).collect();
                let view = TableView { shown: shown.into_iter().chain(rest).collect(), group: None, table: chart.table.clone() };
                write_view(sheet, &view, formats, locale)
            }
            Content::Table(view) => write_view(sheet, view, formats, locale),
            Content::HeatMap(heat_map) => write_heat_map(sheet, heat_map, formats, locale),
        }
    }

    pub(super) fn detail_sheet(&mut self, block: &Block, name: &str) -> Result<(), XlsxError> {
        let (formats, locale) = (&self.formats, self.locale);
        // Rows are streamed: half a million take megabytes, not gigabytes.
        let sheet = self.workbook.add_worksheet_with_constant_memory()?.set_name(name)?;
        if let Content::Table(view) = &block.content {
            write_view(sheet, view, formats, locale)?;
        }
        Ok(())
    }
}

fn write_view(sheet: &mut Worksheet, view: &TableView, formats: &Formats, locale: &Locale) -> Result<(), XlsxError> {
    let table = &view.table;
    let grouped: Vec<&String> = view.group.iter().chain(&view.shown).collect();
    let columns: Vec<&Column> = grouped.iter().filter_map(|name| Some(&table.columns()[table.position(name)?])).collect();
    let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
    for (index, column) in (0_u16..).zip(&columns) {
        sheet.set_column_width(index, column_width(table, column, locale))?;
        if column.name == "conversation_id" {
            sheet.set_column_width(index, 38)?;
        }
    }
    sheet.set_row_height(0, 32)?;
    for (index, column) in (0_u16..).zip(&columns) {
        sheet.write_string_with_format(0, index, &column.label, &formats::heading(column.kind))?;
    }
    let styles = [Weight::Normal, Weight::Total].map(|weight| Style::new(&kinds, weight, formats));
    for row in 0..table.row_count() {
        let style = &styles[usize::from(rows::is_total(table, row))];
        let line = RowNum::try_from(row + 1).unwrap_or(RowNum::MAX);
        for (index, column) in (0_u16..).zip(&columns) {
            let shown = rows::shown(table, row, &column.name, locale);
            write_shown(sheet, line, index, column.kind, &shown, style, locale)?;
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    let last_column = ColNum::try_from(columns.len().saturating_sub(1)).unwrap_or(0);
    if table.row_count() > 0 {
        sheet.autofilter(0, 0, RowNum::try_from(table.row_count()).unwrap_or(RowNum::MAX), last_column)?;
    }
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    Ok(())
}

/// Formats of one weight, made once a sheet.
struct Style {
    cells: Vec<rust_xlsxwriter::Format>,
    marked: Vec<rust_xlsxwriter::Format>,
    stand_in: rust_xlsxwriter::Format,
}

impl Style {
    fn new(kinds: &[Kind], weight: Weight, formats: &Formats) -> Style {
        Style {
            cells: kinds.iter().map(|kind| formats.cell(*kind, weight)).collect(),
            marked: kinds.iter().map(|kind| formats.marked(*kind, weight)).collect(),
            stand_in: formats::stand_in(weight),
        }
    }
}

fn write_shown(
    sheet: &mut Worksheet,
    row: RowNum,
    column: ColNum,
    kind: Kind,
    shown: &Shown<'_>,
    style: &Style,
    locale: &Locale,
) -> Result<(), XlsxError> {
    let index = usize::from(column);
    let (cell, format) = match shown {
        Shown::Value(cell) => (*cell, &style.cells[index]),
        Shown::Marked(cell) => (*cell, &style.marked[index]),
        Shown::Text(text) => {
            let format = if kind.is_numeric() { &style.stand_in } else { &style.cells[index] };
            sheet.write_string_with_format(row, column, text, format)?;
            return Ok(());
        }
    };
    match (kind, cell) {
        (_, Cell::Null) => sheet.write_string_with_format(row, column, locale.cell(kind, Cell::Null), &style.stand_in)?,
        (_, Cell::Text(text)) => sheet.write_string_with_format(row, column, cut(&locale.word(text)), format)?,
        (_, Cell::Date(day)) => sheet.write_date_with_format(row, column, day, format)?,
        (_, Cell::Time(time)) => sheet.write_datetime_with_format(row, column, time, format)?,
        (_, Cell::Bool(_)) => sheet.write_string_with_format(row, column, locale.cell(kind, cell), format)?,
        (Kind::Duration, cell) => {
            sheet.write_number_with_format(row, column, cell.number().unwrap_or_default() / SECONDS_PER_DAY, format)?
        }
        (_, cell) => sheet.write_number_with_format(row, column, cell.number().unwrap_or_default(), format)?,
    };
    Ok(())
}

/// Cuts a text at the length that a cell holds, and says so.
fn cut(text: &str) -> String {
    const LONGEST: usize = 32_767;
    const MARK: &str = " […]";
    if text.encode_utf16().count() <= LONGEST {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(LONGEST / 2 - MARK.len()).collect();
    kept.push_str(MARK);
    kept
}

fn column_width(table: &Table, column: &Column, locale: &Locale) -> f64 {
    let longest_word = column.label.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    let longest_value =
        (0..table.row_count().min(200)).map(|row| rows::text(table, row, &column.name, locale).chars().count()).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a few dozen characters")]
    let characters = (longest_word + 2).max(longest_value + 2) as f64;
    characters.clamp(8.0, 40.0)
}

fn write_heat_map(sheet: &mut Worksheet, heat_map: &HeatMap, formats: &Formats, locale: &Locale) -> Result<(), XlsxError> {
    let table = &heat_map.table;
    let kind = table.position(&heat_map.value).map_or(Kind::Number, |position| table.columns()[position].kind);
    sheet.write_string_with_format(0, 0, locale.text("col-weekday"), &formats::heading(Kind::Text))?;
    for hour in 0..24_u16 {
        let text = locale.cell(Kind::Hour, Cell::Int(hour.into()));
        sheet.write_string_with_format(0, hour + 1, text, &formats::heading(Kind::Count))?;
    }
    let format = formats.cell(kind, Weight::Normal);
    for weekday in 1..=7_u32 {
        sheet.write_string_with_format(weekday, 0, locale.weekday(weekday.into()), &formats::name())?;
    }
    for row in 0..table.row_count() {
        if let (Some(weekday), Some(hour), Some(value)) =
            (table.get(row, "weekday").int(), table.get(row, "hour").int(), table.get(row, &heat_map.value).number())
            && let (Ok(weekday), Ok(hour)) = (RowNum::try_from(weekday), ColNum::try_from(hour))
        {
            sheet.write_number_with_format(weekday, hour + 1, value, &format)?;
        }
    }
    let scale = ConditionalFormat2ColorScale::new().set_minimum_color(color(palette::WHITE)).set_maximum_color(color(palette::SOFT));
    sheet.add_conditional_format(1, 1, 7, 24, &scale)?;
    sheet.set_column_width(0, 16)?;
    sheet.set_column_range_width(1, 24, 7)?;
    sheet.set_freeze_panes(1, 1)?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    Ok(())
}
