//! Sheets of tables, charts' data, heat maps and row-level details.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, Timelike};
use rust_xlsxwriter::{
    ColNum, ConditionalFormat2ColorScale, ConditionalFormatCustomIcon, ConditionalFormatDataBar, ConditionalFormatIconSet,
    ConditionalFormatIconType, ConditionalFormatType, Formula, RowNum, Sparkline, Workbook, Worksheet, XlsxError, utility::row_col_to_cell,
};

use super::{
    Book, ROW_LIMIT,
    formats::{self, Formats, Weight, color},
};
use crate::{
    domain::{
        Cell, Column, Kind, Table,
        report_data::{Block, Content, Detail, HeatMap, TableView},
    },
    render::{
        Locale, RenderError, palette,
        rows::{self, Shown},
    },
};

/// Excel's day has 86,400 seconds.
pub const SECONDS_PER_DAY: f64 = 86_400.0;

impl Book<'_> {
    /// Writes a sheet for a part with rows; `summary` names the sheet that it leads back to.
    pub(super) fn block_sheet(&mut self, block: &Block, name: &str, summary: &str) -> Result<(), XlsxError> {
        let (formats, locale) = (&self.formats, self.locale);
        let sheet = self.workbook.add_worksheet().set_name(name)?;
        match &block.content {
            Content::Kpis { .. } | Content::Findings { .. } | Content::Text { .. } | Content::Notes | Content::Glossary => Ok(()),
            Content::Chart(chart) => {
                let hidden = ["weekday", "row_kind", "few"];
                let shown: Vec<String> = std::iter::once(&chart.category).chain(&chart.series).cloned().collect();
                let others = chart.table.columns().iter().map(|column| column.name.clone());
                let rest: Vec<String> = others.filter(|name| !shown.contains(name) && !hidden.contains(&name.as_str())).collect();
                let view = TableView::plain(chart.table.clone(), shown.into_iter().chain(rest).collect(), None);
                write_view(sheet, &view, formats, locale)?;
                lead_back(sheet, view.shown.len(), summary, locale)
            }
            Content::Table(view) => {
                write_view(sheet, view, formats, locale)?;
                write_bars(sheet, view)?;
                write_aims(sheet, view)?;
                let used = write_spark(sheet, view, name)?;
                lead_back(sheet, used, summary, locale)
            }
            Content::HeatMap(heat_map) => {
                write_heat_map(sheet, heat_map, formats, locale)?;
                lead_back(sheet, 25, summary, locale)
            }
        }
    }
}

/// Writes the rows of a row-level table to sheets of their own: what one does not hold goes on in the next. `name` gives the name of a sheet
/// from its title; returns names and titles.
pub(super) fn detail_sheets(
    workbook: &mut Workbook,
    report: &str,
    detail: &Detail,
    name: &mut dyn FnMut(&str) -> String,
    (formats, locale): (&Formats, &Locale),
) -> Result<Vec<(String, String)>, RenderError> {
    const MEASURED: usize = 200;
    let failed = |source| RenderError::Workbook { report: report.to_owned(), part: detail.id.clone(), source };
    let unread = |source| RenderError::Rows { report: report.to_owned(), part: detail.id.clone(), source };
    let mut sheets = Vec::new();
    for part in 0.. {
        let rows = part * ROW_LIMIT..(part + 1) * ROW_LIMIT;
        let first = detail.rows.rows(rows.start..rows.start + MEASURED).map_err(unread)?;
        if part > 0 && first.row_count() == 0 {
            break;
        }
        let title = if part == 0 { detail.title.clone() } else { format!("{} ({})", detail.title, part + 1) };
        let name = name(&title);
        // Rows are streamed from the engine to a file: half a million take megabytes, not gigabytes.
        let sheet = workbook.add_worksheet_with_constant_memory().and_then(|sheet| sheet.set_name(&name)).map_err(failed)?;
        let view = TableView { table: first, ..detail.view.clone() };
        let mut writer = DetailWriter::new(sheet, &view, formats, locale).map_err(failed)?;
        for stretch in detail.stretches(rows).map_err(unread)? {
            writer.write(&stretch.map_err(unread)?).map_err(failed)?;
        }
        let is_full = writer.finish().map_err(failed)? == ROW_LIMIT;
        sheets.push((name, title));
        if !is_full {
            break;
        }
    }
    Ok(sheets)
}

fn row_number(row: usize) -> RowNum {
    RowNum::try_from(row).unwrap_or(RowNum::MAX)
}

fn column_number(column: usize) -> ColNum {
    ColNum::try_from(column).unwrap_or(ColNum::MAX)
}

/// Columns of a sheet: the group's, then the shown ones.
fn columns_of(view: &TableView) -> Vec<&Column> {
    let table = &view.table;
    view.group.iter().chain(&view.shown).filter_map(|name| Some(&table.columns()[table.position(name)?])).collect()
}

/// Writes the headings and what frames them; returns the columns.
fn write_headings<'a>(sheet: &mut Worksheet, view: &'a TableView, locale: &Locale) -> Result<Vec<&'a Column>, XlsxError> {
    let columns = columns_of(view);
    for (index, column) in (0_u16..).zip(&columns) {
        let width = if column.name == "conversation_id" { 38.0 } else { column_width(&view.table, column, locale) };
        sheet.set_column_width(index, width)?;
    }
    sheet.set_row_height(0, 32)?;
    for (index, column) in (0_u16..).zip(&columns) {
        sheet.write_string_with_format(0, index, &column.label, &formats::heading(column.kind))?;
    }
    sheet.set_freeze_panes(1, 1)?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    sheet.set_footer(format!("&L&A&R{}", locale.text_with("pdf-page-of", &[("page", "&P"), ("pages", "&N")])));
    Ok(columns)
}

/// Writes row-level rows: a format a column, not a cell, and each different word looked up once.
struct DetailWriter<'a> {
    sheet: &'a mut Worksheet,
    locale: &'a Locale,
    style: Style,
    columns: Vec<DetailColumn>,
    row: RowNum,
}

struct DetailColumn {
    name: String,
    kind: Kind,
    /// Whether what a cell shows depends on others of its row.
    is_ruled: bool,
    words: HashMap<String, String>,
}

impl<'a> DetailWriter<'a> {
    /// Writes the headings; the table of `view` has the first rows, by which columns are measured.
    fn new(sheet: &'a mut Worksheet, view: &TableView, formats: &Formats, locale: &'a Locale) -> Result<DetailWriter<'a>, XlsxError> {
        let columns = write_headings(sheet, view, locale)?;
        let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
        let style = Style::new(&kinds, Weight::Normal, formats);
        for (place, format) in style.cells.iter().enumerate() {
            sheet.set_column_format(column_number(place), format)?;
        }
        let of_column = |column: &&Column| DetailColumn {
            name: column.name.clone(),
            kind: column.kind,
            is_ruled: rows::is_ruled(&view.table, &column.name),
            words: HashMap::new(),
        };
        let columns = columns.iter().map(of_column).collect();
        Ok(DetailWriter { sheet, locale, style, columns, row: 1 })
    }

    fn write(&mut self, table: &Table) -> Result<(), XlsxError> {
        let DetailWriter { sheet, locale, style, columns, row: line } = self;
        let positions: Vec<usize> = columns.iter().filter_map(|column| table.position(&column.name)).collect();
        for row in 0..table.row_count() {
            for (index, DetailColumn { name, kind, is_ruled, words }) in columns.iter_mut().enumerate() {
                let place = column_number(index);
                let unit = if *kind == Kind::Duration { SECONDS_PER_DAY } else { 1.0 };
                match table.cell(row, positions[index]) {
                    _ if *is_ruled => {
                        write_shown(sheet, *line, place, *kind, &rows::shown(table, row, name, locale), style, locale)?;
                    }
                    Cell::Null => {
                        sheet.write_string_with_format(*line, place, locale.cell(*kind, Cell::Null), &style.stand_in)?;
                    }
                    Cell::Text(text) => {
                        if let Some(word) = words.get(text) {
                            sheet.write_string(*line, place, word)?;
                            continue;
                        }
                        let word = cut(&locale.word(text));
                        sheet.write_string(*line, place, &word)?;
                        if words.len() < MOST_WORDS {
                            words.insert(text.to_owned(), word);
                        }
                    }
                    Cell::Date(day) => {
                        sheet.write_number(*line, place, serial(day))?;
                    }
                    Cell::Time(time) => {
                        let seconds = f64::from(time.num_seconds_from_midnight());
                        sheet.write_number(*line, place, serial(time.date()) + seconds / SECONDS_PER_DAY)?;
                    }
                    cell @ Cell::Bool(_) => {
                        sheet.write_string(*line, place, locale.cell(*kind, cell))?;
                    }
                    cell => {
                        sheet.write_number(*line, place, cell.number().unwrap_or_default() / unit)?;
                    }
                }
            }
            *line += 1;
        }
        Ok(())
    }

    /// Lets rows be filtered; returns how many there are.
    fn finish(self) -> Result<usize, XlsxError> {
        let last = self.row - 1;
        if last > 0 {
            self.sheet.autofilter(0, 0, last, column_number(self.columns.len() - 1))?;
        }
        Ok(usize::try_from(last).unwrap_or(ROW_LIMIT))
    }
}

/// Different words of a column that are remembered.
const MOST_WORDS: usize = 1_000;

/// Returns a day as Excel counts days: 1 is the first of January 1900, and 1900 counts as a leap year.
fn serial(day: NaiveDate) -> f64 {
    let first = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a few ten thousand days")]
    let days = (day - first).num_days() as f64;
    days
}

fn write_view(sheet: &mut Worksheet, view: &TableView, formats: &Formats, locale: &Locale) -> Result<(), XlsxError> {
    let table = &view.table;
    let columns = write_headings(sheet, view, locale)?;
    let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
    let styles = [Weight::Normal, Weight::Total].map(|weight| Style::new(&kinds, weight, formats));
    let aims: Vec<_> = columns.iter().map(|column| view.aims.iter().find(|aims| aims.column == column.name)).collect();
    let totals = rows::totals(table);
    for (row, is_total) in totals.iter().enumerate() {
        let style = &styles[usize::from(*is_total)];
        for (index, column) in columns.iter().enumerate() {
            let (line, place) = (row_number(row + 1), column_number(index));
            if let Some(formula) = total_formula(view, row, column, place) {
                sheet.write_formula_with_format(line, place, formula, &style.cells[index])?;
                continue;
            }
            let shown = rows::shown(table, row, &column.name, locale);
            let missed = aims[index].and_then(|aims| aims.targets[row]).is_some_and(|target| target.is_met == Some(false));
            if let (true, Shown::Value(cell) | Shown::Marked(cell)) = (missed, &shown) {
                let format = style.cells[index].clone().set_bold().set_font_color(color(palette::BAD));
                let value = cell.number().unwrap_or_default();
                let value = if column.kind == Kind::Duration { value / SECONDS_PER_DAY } else { value };
                sheet.write_number_with_format(line, place, value, &format)?;
                continue;
            }
            write_shown(sheet, line, place, column.kind, &shown, style, locale)?;
        }
    }
    if let Some(is_total) = totals.last() {
        // A total at the foot is no row to be filtered or sorted.
        let filtered = if *is_total && totals.len() > 1 { totals.len() - 1 } else { totals.len() };
        sheet.autofilter(0, 0, row_number(filtered), column_number(columns.len().saturating_sub(1)))?;
    }
    Ok(())
}

/// Returns the sum as a formula for a count in a total at the foot of a table without groups, where it is the sum of the rows above: a
/// conversation that touches several sectors counts in each of them and once in the total, which no formula says.
fn total_formula(view: &TableView, row: usize, column: &Column, place: ColNum) -> Option<Formula> {
    let table = &view.table;
    let is_foot = row > 0 && row + 1 == table.row_count() && rows::is_total(table, row) && view.group.is_none();
    if !is_foot || column.kind != Kind::Count || (0..row).any(|other| rows::is_total(table, other)) {
        return None;
    }
    let total = table.get(row, &column.name).int()?;
    let sum: i64 = (0..row).filter_map(|other| table.get(other, &column.name).int()).sum();
    (sum == total).then(|| {
        let (first, last) = (row_col_to_cell(1, place), row_col_to_cell(row_number(row), place));
        Formula::new(format!("=SUBTOTAL(109,{first}:{last})")).set_result(total.to_string())
    })
}

/// Bars behind the values of some columns, totals apart.
fn write_bars(sheet: &mut Worksheet, view: &TableView) -> Result<(), XlsxError> {
    let members = (0..view.table.row_count()).filter(|row| !rows::is_total(&view.table, *row)).max();
    let Some(last) = members else { return Ok(()) };
    for (place, _) in columns_of(view).iter().enumerate().filter(|(_, column)| view.bars.contains(&column.name)) {
        let bar = ConditionalFormatDataBar::new().set_fill_color(color(palette::BAR)).set_solid_fill(true).set_border_off(true);
        sheet.add_conditional_format(1, column_number(place), row_number(last + 1), column_number(place), &bar)?;
    }
    Ok(())
}

/// Ticks and crosses beside values that have a target. They follow the value in the cell, as it is typed over, too.
fn write_aims(sheet: &mut Worksheet, view: &TableView) -> Result<(), XlsxError> {
    for (place, column) in columns_of(view).iter().enumerate() {
        let Some(aims) = view.aims.iter().find(|aims| aims.column == column.name) else { continue };
        // A sector can have a target of its own: cells with the same one share a rule.
        let mut of_target: BTreeMap<(u64, bool), Vec<RowNum>> = BTreeMap::new();
        for (row, target) in aims.targets.iter().enumerate() {
            if let Some(target) = target {
                of_target.entry((target.value.to_bits(), target.is_upper_bound)).or_default().push(row_number(row + 1));
            }
        }
        let place = column_number(place);
        for ((bits, is_upper_bound), rows) in of_target {
            let unit = if column.kind == Kind::Duration { SECONDS_PER_DAY } else { 1.0 };
            let value = f64::from_bits(bits) / unit;
            let from = |value: f64| {
                ConditionalFormatCustomIcon::new().set_rule(ConditionalFormatType::Number, value).set_greater_than(is_upper_bound)
            };
            let cells: Vec<String> = rows.iter().map(|row| row_col_to_cell(*row, place)).collect();
            let icons = ConditionalFormatIconSet::new()
                .set_icon_type(ConditionalFormatIconType::ThreeSymbolsCircled)
                .reverse_icons(is_upper_bound)
                // The middle one has no room between the two: a target is met or missed.
                .set_icons(&[ConditionalFormatCustomIcon::new(), from(value), from(value)])
                .set_multi_range(cells.join(" "));
            let (first, last) = (rows[0], rows[rows.len() - 1]);
            sheet.add_conditional_format(first, place, last, place, &icons)?;
        }
    }
    Ok(())
}

/// A small line in each row, and its values at the right of the table; returns how many columns are used.
fn write_spark(sheet: &mut Worksheet, view: &TableView, name: &str) -> Result<usize, XlsxError> {
    let used = columns_of(view).len();
    let Some(spark) = &view.spark else { return Ok(used) };
    let (line, first) = (column_number(used), column_number(used + 2));
    sheet.write_string_with_format(0, line, &spark.label, &formats::heading(Kind::Text))?;
    sheet.set_column_width(line, 26)?;
    for (place, category) in spark.categories.iter().enumerate() {
        sheet.write_string_with_format(0, column_number(used + 2 + place), category, &formats::heading(Kind::Count))?;
    }
    for (row, values) in spark.lines.iter().enumerate().filter(|(_, values)| !values.is_empty()) {
        let number = row_number(row + 1);
        for (place, value) in values.iter().enumerate() {
            let unit = if spark.kind == Kind::Duration { SECONDS_PER_DAY } else { 1.0 };
            if let Some(value) = value {
                sheet.write_number_with_format(number, column_number(used + 2 + place), value / unit, &formats::muted())?;
            }
        }
        let last = column_number(used + 1 + values.len());
        let drawn = Sparkline::new()
            .set_range((name, number, first, number, last))
            .set_sparkline_color(color(palette::MAIN))
            .show_last_point(true)
            .set_last_point_color(color(palette::CAUTION));
        sheet.add_sparkline(number, line, &drawn)?;
    }
    Ok(used + 2 + spark.categories.len())
}

/// A link to the first sheet, beside the headings.
fn lead_back(sheet: &mut Worksheet, used: usize, summary: &str, locale: &Locale) -> Result<(), XlsxError> {
    let (column, text) = (column_number(used + 1), format!("← {}", locale.text("sheet-summary")));
    sheet.write_url_with_text(0, column, format!("internal:'{summary}'!A1").as_str(), text)?;
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
