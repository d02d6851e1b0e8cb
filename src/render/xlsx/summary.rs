//! The first sheet: what the report is, its key figures against the period before, and native charts.

use rust_xlsxwriter::{
    Chart as ExcelChart, ChartDataLabel, ChartFont, ChartFormat, ChartLegendPosition, ChartLine, ChartSolidFill, ChartType, Format,
    FormatAlign, RowNum, Worksheet, XlsxError,
};

use super::{
    Book,
    formats::{self, Formats, Weight, color},
    sheets::SECONDS_PER_DAY,
};
use crate::{
    domain::{
        Cell, Kind,
        report_data::{Block, Chart, ChartForm, CompletenessState, Content, Figure, Verdict},
    },
    render::{Locale, palette},
};

/// Points of a chart's height; a row has 20 pixels.
const CHART_HEIGHT: u32 = 300;
const CHART_WIDTH: u32 = 470;
const ROWS_PER_CHART: RowNum = 16;

/// With more columns than this, labels would cover each other.
const MOST_LABELS: usize = 13;

impl Book<'_> {
    pub(super) fn summary_sheet(&mut self, name: &str, charts: &[(&Block, &Chart, String)]) -> Result<(), XlsxError> {
        let (data, styles, locale) = (self.data, &self.formats, self.locale);
        let sheet = self.workbook.worksheet_from_name(name)?;
        for (column, width) in (0_u16..).zip([34.0, 18.0, 18.0, 14.0, 18.0, 16.0, 12.0, 44.0]) {
            sheet.set_column_width(column, width)?;
        }
        sheet.set_screen_gridlines(false);
        sheet.set_row_height(0, 26)?;
        sheet.write_string_with_format(0, 0, &data.title, &formats::title())?;
        sheet.write_string_with_format(1, 0, format!("{} · {}", data.organization, data.period_label), &formats::section())?;
        let published = locale.time(data.snapshot.published_local);
        let source = locale.text_with("pdf-source", &[("snapshot", &data.snapshot.id), ("published", &published)]);
        sheet.write_string_with_format(2, 0, source, &formats::muted())?;
        let is_closed = data.completeness.state == CompletenessState::Closed;
        let format = if is_closed { formats::muted() } else { formats::caution() };
        sheet.write_string_with_format(3, 0, &data.completeness.sentence, &format)?;
        let mut row = 5;
        for block in &data.blocks {
            if let Content::Kpis { figures } = &block.content {
                row = write_figures(sheet, row, figures, styles, locale)?;
            }
        }
        row += 1;
        for (index, (block, chart, data_sheet)) in (0..)
            .zip(charts.iter().flat_map(|(block, chart, sheet)| chart.series.iter().map(move |series| (*block, (*chart, series), sheet))))
        {
            let (chart, series) = chart;
            let drawn = native_chart(block, chart, series, data_sheet, styles);
            sheet.insert_chart(row + (index / 2) * ROWS_PER_CHART, if index % 2 == 0 { 0 } else { 3 }, &drawn)?;
        }
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 1);
        sheet.set_active(true);
        Ok(())
    }
}

/// Column of the second line of a figure.
const DETAIL: u16 = 7;

fn write_figures(sheet: &mut Worksheet, first: RowNum, figures: &[Figure], styles: &Formats, locale: &Locale) -> Result<RowNum, XlsxError> {
    let headings =
        ["figure", "value", "previous", "change", "year", "target", "n", "detail"].map(|key| locale.text(&format!("summary-{key}")));
    for (column, heading) in (0_u16..).zip(headings) {
        let kind = if column == 0 || column == DETAIL { Kind::Text } else { Kind::Count };
        let format = formats::heading(kind);
        sheet.write_string_with_format(first, column, heading, &if column == DETAIL { format.set_indent(1) } else { format })?;
    }
    let mut row = first + 1;
    for figure in figures {
        let kind = figure.column.kind;
        sheet.write_string_with_format(row, 0, &figure.column.label, &formats::name())?;
        match figure.value {
            Some(_) => write_value(sheet, row, 1, kind, figure.value, &styles.cell(kind, Weight::Normal).set_bold(), locale)?,
            None => {
                sheet.write_string_with_format(row, 1, locale.figure(figure), &formats::stand_in(Weight::Normal))?;
            }
        }
        write_value(sheet, row, 2, kind, figure.previous, &styles.cell(kind, Weight::Normal), locale)?;
        write_change(sheet, row, figure, locale)?;
        write_value(sheet, row, 4, kind, figure.last_year, &styles.cell(kind, Weight::Normal), locale)?;
        if let Some(target) = figure.target {
            let format = match target.is_met {
                Some(is_met) => styles.cell(kind, Weight::Normal).set_font_color(color(if is_met { palette::GOOD } else { palette::BAD })),
                None => styles.cell(kind, Weight::Normal),
            };
            write_value(sheet, row, 5, kind, Some(target.value), &format, locale)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let n = figure.n.map(|n| n as f64);
        if n.is_some() {
            write_value(sheet, row, 6, Kind::Count, n, &styles.cell(Kind::Count, Weight::Normal), locale)?;
        }
        if let Some(detail) = &figure.detail {
            sheet.write_string_with_format(row, DETAIL, detail, &formats::muted().set_indent(1))?;
        }
        row += 1;
    }
    Ok(row)
}

fn write_value(
    sheet: &mut Worksheet,
    row: RowNum,
    column: u16,
    kind: Kind,
    value: Option<f64>,
    format: &Format,
    locale: &Locale,
) -> Result<(), XlsxError> {
    match value {
        None => sheet.write_string_with_format(row, column, locale.cell(kind, Cell::Null), &formats::stand_in(Weight::Normal))?,
        Some(value) if kind == Kind::Duration => sheet.write_number_with_format(row, column, value / SECONDS_PER_DAY, format)?,
        Some(value) => sheet.write_number_with_format(row, column, value, format)?,
    };
    Ok(())
}

/// A share changes by percentage points, everything else by per cent.
fn write_change(sheet: &mut Worksheet, row: RowNum, figure: &Figure, locale: &Locale) -> Result<(), XlsxError> {
    let Some(change) = figure.change else {
        sheet.write_string_with_format(row, 3, locale.cell(Kind::Share, Cell::Null), &formats::stand_in(Weight::Normal))?;
        return Ok(());
    };
    let tone = match change.verdict {
        Verdict::Better => palette::GOOD,
        Verdict::Worse => palette::BAD,
        Verdict::Neutral => palette::INK,
    };
    let format = Format::new().set_align(FormatAlign::Right).set_font_color(color(tone)).set_font_name("Calibri");
    match (figure.column.kind, change.relative) {
        (Kind::Share, _) => {
            let points = locale.text_with("kpi-points", &[("points", "")]);
            let points = points.trim();
            let format = format.set_num_format(format!("+0.0\" {points}\";-0.0\" {points}\";0.0\" {points}\""));
            sheet.write_number_with_format(row, 3, change.absolute * 100.0, &format)?;
        }
        (_, Some(relative)) => {
            sheet.write_number_with_format(row, 3, relative, &format.set_num_format("+0.0%;-0.0%;0.0%"))?;
        }
        (_, None) => {
            sheet.write_string_with_format(row, 3, locale.cell(Kind::Share, Cell::Null), &formats::stand_in(Weight::Normal))?;
        }
    }
    Ok(())
}

fn native_chart(block: &Block, chart: &Chart, series: &str, data_sheet: &str, styles: &Formats) -> ExcelChart {
    let table = &chart.table;
    let column = &table.columns()[table.position(series).unwrap_or(0)];
    let position = chart.series.iter().position(|name| name == series).map_or(1, |position| position + 1);
    let position = u16::try_from(position).unwrap_or(1);
    let last = RowNum::try_from(table.row_count().max(1)).unwrap_or(1);
    let mut drawn = ExcelChart::new(match chart.form {
        ChartForm::Column => ChartType::Column,
        ChartForm::Bar => ChartType::Bar,
        ChartForm::Line => ChartType::Line,
    });
    let title = if chart.series.len() > 1 { column.label.clone() } else { block.title.clone() };
    let mut fill = ChartFormat::new();
    fill.set_solid_fill(ChartSolidFill::new().set_color(color(palette::MAIN)));
    let number_format = styles.number_format(column.kind);
    let series_drawn = drawn
        .add_series()
        .set_name(column.label.as_str())
        .set_categories((data_sheet, 1, 0, last, 0))
        .set_values((data_sheet, 1, position, last, position))
        .set_gap(40)
        .set_format(&mut fill);
    let labels = ChartDataLabel::new().show_value().set_num_format(&number_format).clone();
    if chart.form == ChartForm::Bar || table.row_count() <= MOST_LABELS {
        series_drawn.set_data_label(&labels);
    }
    drawn.title().set_name(&title).set_font(ChartFont::new().set_size(12).set_bold());
    drawn.legend().set_position(ChartLegendPosition::Bottom).set_hidden();
    drawn.set_width(CHART_WIDTH).set_height(CHART_HEIGHT);
    let rule = ChartLine::new().set_color(color(palette::RULE)).clone();
    if chart.form == ChartForm::Bar {
        // Excel draws the first category at the bottom; the labels at the bars say more than an axis.
        drawn.y_axis().set_reverse();
        drawn.x_axis().set_min(0).set_hidden(true).set_major_gridlines(false);
    } else {
        drawn.y_axis().set_min(0).set_num_format(&number_format).set_major_gridlines_line(&rule);
        let category = table.position(&chart.category).map_or(Kind::Text, |position| table.columns()[position].kind);
        if category == Kind::Date {
            let format = if chart.category == "month" { "mmm/yy" } else { "dd/mm" };
            drawn.x_axis().set_num_format(format).set_text_axis(true);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_fit_side_by_side() {
        assert_eq!(ROWS_PER_CHART * 20, CHART_HEIGHT + 20);
    }
}
