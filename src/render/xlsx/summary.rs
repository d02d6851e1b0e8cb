//! The first sheet: what the report is, its key figures against the period before, and native charts.

use rust_xlsxwriter::{
    Chart as ExcelChart, ChartDataLabel, ChartFont, ChartFormat, ChartLegendPosition, ChartLine, ChartSolidFill, ChartType, Format,
    FormatAlign, HeaderImagePosition, Image, RowNum, Worksheet, XlsxError,
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
    render::{
        Locale,
        palette::{self, Rgb},
    },
};

/// Points of a chart's height; a row has 20 pixels.
const CHART_HEIGHT: u32 = 300;
const CHART_WIDTH: u32 = 470;
const ROWS_PER_CHART: RowNum = 16;

/// Height of the logo in the printed header, in pixels of 96 to the inch.
const LOGO_HEIGHT: f64 = 40.0;

/// With more columns than this, labels would cover each other.
const MOST_LABELS: usize = 13;

impl Book<'_> {
    /// Fills the first sheet; `charts` are drawn from the sheets that are named with them, `contents` are sheets and titles to link to.
    pub(super) fn summary_sheet(
        &mut self,
        name: &str,
        charts: &[(&Block, &Chart, String)],
        contents: &[(String, String)],
    ) -> Result<(), XlsxError> {
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
        let mut row = FIRST_ROW;
        let mut named = Vec::new();
        for block in &data.blocks {
            match &block.content {
                Content::Kpis { figures } => {
                    // Below the headings; a figure that two parts show has the name of the first.
                    for (row, figure) in (row + 2..).zip(figures) {
                        if !named.iter().any(|(known, _): &(&str, RowNum)| *known == figure.column.name) {
                            named.push((figure.column.name.as_str(), row));
                        }
                    }
                    row = write_figures(sheet, row, figures, styles, locale)?;
                }
                Content::Findings { findings } => {
                    let lines = findings.iter().map(|finding| (finding.text.as_str(), tone(finding.verdict)));
                    row = write_sentences(sheet, row + 1, &block.title, lines)?;
                }
                Content::Text { paragraphs } => {
                    let lines = paragraphs.iter().map(|text| (text.as_str(), palette::INK));
                    row = write_sentences(sheet, row + 1, &block.title, lines)?;
                }
                _ => {}
            }
        }
        row += 1;
        sheet.write_string_with_format(row, 0, locale.text("summary-contents"), &formats::section())?;
        for (sheet_name, title) in contents {
            row += 1;
            sheet.write_url_with_text(row, 0, format!("internal:'{sheet_name}'!A1").as_str(), title)?;
        }
        row += 2;
        let mut drawn = Vec::new();
        for (block, chart, data_sheet) in charts {
            // Values of one kind share a chart; what lies side by side has one each.
            let apart = chart.form == ChartForm::Bar;
            let groups: Vec<&[String]> = if apart { chart.series.chunks(1).collect() } else { vec![chart.series.as_slice()] };
            drawn.extend(groups.into_iter().map(|series| native_chart(block, chart, series, data_sheet, styles)));
        }
        for (index, chart) in (0..).zip(&drawn) {
            sheet.insert_chart(row + (index / 2) * ROWS_PER_CHART, if index % 2 == 0 { 0 } else { 3 }, chart)?;
        }
        if let Some(logo) = &data.document.logo {
            // On paper only: over cells it would hide what stands there.
            let mut image = Image::new_from_buffer(logo)?;
            let scale = LOGO_HEIGHT / image.height();
            image =
                image.set_scale_width(scale).set_scale_height(scale).set_alt_text(data.organization.chars().take(120).collect::<String>());
            sheet.set_header("&R&[Picture]");
            sheet.set_header_image(&image, HeaderImagePosition::Right)?;
        }
        sheet.set_footer(format!("&L&A&R{}", locale.text_with("pdf-page-of", &[("page", "&P"), ("pages", "&N")])));
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 1);
        sheet.set_active(true);
        // Formulas elsewhere can use the figures by name.
        let prefix = locale.text("summary-name");
        for (figure, row) in named {
            self.workbook.define_name(format!("{prefix}_{figure}"), &format!("='{name}'!$B${row}"))?;
        }
        Ok(())
    }
}

/// Row of the first headings.
const FIRST_ROW: RowNum = 5;

fn tone(verdict: Verdict) -> Rgb {
    match verdict {
        Verdict::Better => palette::GOOD,
        Verdict::Worse => palette::BAD,
        Verdict::Neutral => palette::INK,
    }
}

/// A title and sentences below it; returns the next free row.
fn write_sentences<'a>(
    sheet: &mut Worksheet,
    first: RowNum,
    title: &str,
    lines: impl Iterator<Item = (&'a str, Rgb)>,
) -> Result<RowNum, XlsxError> {
    sheet.write_string_with_format(first, 0, title, &formats::section())?;
    let mut row = first + 1;
    for (text, rgb) in lines {
        sheet.write_string_with_format(row, 0, text, &formats::plain(rgb))?;
        row += 1;
    }
    Ok(row)
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
        write_change(sheet, row, figure, styles, locale)?;
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
fn write_change(sheet: &mut Worksheet, row: RowNum, figure: &Figure, styles: &Formats, locale: &Locale) -> Result<(), XlsxError> {
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
            let format = format.set_num_format(styles.change("0.0", points.trim()));
            sheet.write_number_with_format(row, 3, change.absolute * 100.0, &format)?;
        }
        (_, Some(relative)) => {
            sheet.write_number_with_format(row, 3, relative, &format.set_num_format(styles.change("0.0%", "")))?;
        }
        (_, None) => {
            sheet.write_string_with_format(row, 3, locale.cell(Kind::Share, Cell::Null), &formats::stand_in(Weight::Normal))?;
        }
    }
    Ok(())
}

fn native_chart(block: &Block, chart: &Chart, shown: &[String], data_sheet: &str, styles: &Formats) -> ExcelChart {
    let table = &chart.table;
    let column = |name: &str| &table.columns()[table.position(name).unwrap_or(0)];
    let place = |name: &str| chart.series.iter().position(|known| known == name).map_or(1, |place| place + 1);
    let place = |name: &str| u16::try_from(place(name)).unwrap_or(1);
    let last = RowNum::try_from(table.row_count().max(1)).unwrap_or(1);
    let mut drawn = ExcelChart::new(match chart.form {
        ChartForm::Column | ChartForm::Histogram | ChartForm::Grouped => ChartType::Column,
        ChartForm::Stacked => ChartType::ColumnStacked,
        ChartForm::Bar => ChartType::Bar,
        ChartForm::Line => ChartType::Line,
        ChartForm::Area => ChartType::Area,
        ChartForm::Scatter => ChartType::Scatter,
    });
    let is_apart = shown.len() < chart.series.len();
    let title = if is_apart { format!("{}: {}", block.title, column(&shown[0]).label) } else { block.title.clone() };
    let first = column(&shown[0]);
    let number_format = styles.number_format(first.kind);
    let labels = ChartDataLabel::new().show_value().set_num_format(&number_format).clone();
    // Of a scatter the first column runs across and the second up.
    let (across, values) = if chart.form == ChartForm::Scatter { (place(&shown[0]), &shown[1..]) } else { (0, shown) };
    for (index, name) in values.iter().enumerate() {
        let color = color(if values.len() == 5 { palette::scores(index) } else { palette::series(index) });
        let mut format = ChartFormat::new();
        match chart.form {
            ChartForm::Line => format.set_line(ChartLine::new().set_color(color).set_width(2.25)),
            ChartForm::Scatter => format.set_no_line(),
            _ => format.set_solid_fill(ChartSolidFill::new().set_color(color)),
        };
        let series = drawn
            .add_series()
            .set_name(column(name).label.as_str())
            .set_categories((data_sheet, 1, across, last, across))
            .set_values((data_sheet, 1, place(name), last, place(name)))
            .set_gap(if chart.form == ChartForm::Histogram { 4 } else { 40 })
            .set_format(&mut format);
        if chart.form == ChartForm::Bar || values.len() == 1 && chart.form != ChartForm::Scatter && table.row_count() <= MOST_LABELS {
            series.set_data_label(&labels);
        }
    }
    drawn.title().set_name(&title).set_font(ChartFont::new().set_size(12).set_bold());
    drawn.legend().set_position(ChartLegendPosition::Bottom);
    if values.len() == 1 {
        drawn.legend().set_hidden();
    }
    drawn.set_alt_text(alternative_text(&title, chart, shown));
    drawn.set_width(CHART_WIDTH).set_height(CHART_HEIGHT);
    let rule = ChartLine::new().set_color(color(palette::RULE)).clone();
    if chart.form == ChartForm::Bar {
        // Excel draws the first category at the bottom; the labels at the bars say more than an axis.
        drawn.y_axis().set_reverse();
        drawn.x_axis().set_min(0).set_hidden(true).set_major_gridlines(false);
    } else if chart.form == ChartForm::Scatter {
        let up = column(&shown[1]);
        drawn.x_axis().set_min(0).set_num_format(&number_format).set_name(&first.label).set_major_gridlines_line(&rule);
        drawn.y_axis().set_min(0).set_num_format(styles.number_format(up.kind)).set_name(&up.label).set_major_gridlines_line(&rule);
    } else {
        drawn.y_axis().set_min(0).set_num_format(&number_format).set_major_gridlines_line(&rule);
        if column(&chart.category).kind == Kind::Date {
            let format = if chart.category == "month" { "mmm/yy" } else { "dd/mm" };
            drawn.x_axis().set_num_format(format).set_text_axis(true);
        }
    }
    drawn
}

/// What a chart shows, for readers who do not see it: its title and series, within Excel's 255 characters.
fn alternative_text(title: &str, chart: &Chart, shown: &[String]) -> String {
    const LONGEST: usize = 250;
    let labels = shown.iter().filter_map(|name| Some(chart.table.columns()[chart.table.position(name)?].label.as_str()));
    let text = format!("{title}: {} (n = {})", labels.collect::<Vec<_>>().join(", "), chart.table.row_count());
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_fit_side_by_side() {
        assert_eq!(ROWS_PER_CHART * 20, CHART_HEIGHT + 20);
    }
}
