//! Charts over a category axis: columns alone, side by side or on top of each other, lines, areas, histograms.

use super::{Anchor, Drawing, LABEL_SIZE, Shape, axis_steps, bold, category, kind_of, label, label_of, shortened, width_of};
use crate::{
    domain::{
        Cell, Kind,
        report_data::{Chart, ChartForm},
    },
    render::{
        Locale,
        palette::{self, Rgb},
    },
};

const PLOT: f64 = 32.0;
const TOP: f64 = 4.0;
const LEFT: f64 = 12.0;

/// From this width on every column carries its value.
const ROOM_FOR_LABEL: f64 = 9.0;

/// Names of categories stand at least so far apart.
const ROOM_FOR_NAME: f64 = 9.0;

/// More things than this have no room for their names; the tables have them all. Days and months can be left out between others.
const MOST_NAMES: usize = 14;

/// Where values lie on the page.
struct Plot {
    /// Rows that are drawn.
    rows: usize,
    left: f64,
    right: f64,
    top_value: f64,
    /// Width of one category.
    slot: f64,
}

impl Plot {
    fn y(&self, value: f64) -> f64 {
        TOP + PLOT * (1.0 - value / self.top_value)
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred categories")]
    fn x(&self, row: usize) -> f64 {
        self.left + self.slot * row as f64
    }

    fn middle(&self, row: usize) -> f64 {
        self.x(row) + self.slot / 2.0
    }
}

/// Draws a chart of one or more series.
pub fn draw(chart: &Chart, width: f64, locale: &Locale) -> Drawing {
    let table = &chart.table;
    let kind = kind_of(table, &chart.series[0]);
    let rows = if is_time(chart) { table.row_count() } else { table.row_count().min(MOST_NAMES) };
    let values: Vec<Vec<Option<f64>>> =
        chart.series.iter().map(|series| (0..rows).map(|row| table.get(row, series).number()).collect()).collect();
    let is_stacked = chart.form == ChartForm::Stacked;
    let of_row = |row: usize| values.iter().filter_map(move |series| series[row]);
    let highest = (0..rows).map(|row| if is_stacked { of_row(row).sum() } else { of_row(row).fold(0.0, f64::max) }).fold(0.0, f64::max);
    let steps = axis_steps(highest, kind);
    // Series are named at the right, where their lines or layers end.
    let names_at_right = values.len() > 1 && matches!(chart.form, ChartForm::Line | ChartForm::Stacked);
    let right = if names_at_right {
        chart.series.iter().map(|series| width_of(label_of(table, series))).fold(13.0, f64::max).min(38.0) + 2.0
    } else {
        13.0
    };
    #[expect(clippy::cast_precision_loss, reason = "a few hundred categories")]
    let plot = Plot {
        rows,
        left: LEFT,
        right: width - right,
        top_value: steps.last().copied().unwrap_or(1.0),
        slot: (width - LEFT - right) / rows.max(1) as f64,
    };
    let mut shapes = Vec::new();
    for step in &steps {
        let y = plot.y(*step);
        shapes.push(Shape::Line { points: vec![(plot.left, y), (plot.right, y)], thickness: 0.12, color: palette::RULE });
        shapes.push(label(LEFT - 1.5, y, locale.value(kind, *step), palette::MUTED, Anchor::End));
    }
    match chart.form {
        ChartForm::Grouped => grouped(chart, &plot, &values, &mut shapes),
        ChartForm::Stacked => stacked(chart, &plot, &values, &mut shapes),
        ChartForm::Line => lines(chart, &plot, &values, (kind, locale), &mut shapes),
        _ => single(chart, &plot, &values[0], (kind, locale), &mut shapes),
    }
    names(chart, &plot, locale, &mut shapes);
    let beside = table.row_count() - rows;
    if beside > 0 {
        let text = locale.plural("chart-beside", i64::try_from(beside).unwrap_or(i64::MAX));
        shapes.push(label(plot.left, TOP + PLOT + 6.2, text, palette::MUTED, Anchor::Start));
    }
    Drawing { width, height: TOP + PLOT + if beside > 0 { 9.0 } else { 5.5 }, shapes }
}

/// Whether the categories are days or months.
fn is_time(chart: &Chart) -> bool {
    chart.table.row_count() > 0 && matches!(chart.table.get(0, &chart.category), Cell::Date(_))
}

/// Five layers are scores from best to worst; other series only have to differ.
fn series_color(chart: &Chart, place: usize) -> Rgb {
    if chart.series.len() == 5 { palette::scores(place) } else { palette::series(place) }
}

/// The names of the categories, as many as do not touch.
fn names(chart: &Chart, plot: &Plot, locale: &Locale, shapes: &mut Vec<Shape>) {
    let texts: Vec<String> = (0..plot.rows).map(|row| category(chart, row, locale)).collect();
    let is_time = is_time(chart);
    // Days can be left out between others; names of things cannot, and are cut instead.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let every = if is_time { (ROOM_FOR_NAME / plot.slot).ceil().max(1.0) as usize } else { 1 };
    for (row, text) in texts.iter().enumerate().step_by(every) {
        let text = if is_time { text.clone() } else { shortened(text, (plot.slot - 1.0).max(4.0)) };
        shapes.push(label(plot.middle(row), TOP + PLOT + 2.8, text, palette::MUTED, Anchor::Middle));
    }
}

/// One series: columns with weekends lighter, columns that touch, or an area under its steps; the highest labelled, the mean drawn.
fn single(chart: &Chart, plot: &Plot, values: &[Option<f64>], (kind, locale): (Kind, &Locale), shapes: &mut Vec<Shape>) {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let highest = known.iter().copied().fold(0.0, f64::max);
    let mut points = Vec::new();
    let mut is_labelled = false;
    for (row, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        let is_weekend = matches!(chart.table.get(row, "weekday"), Cell::Int(6 | 7));
        let (share, color) = match chart.form {
            ChartForm::Area => (1.0, palette::BAR),
            ChartForm::Histogram => (0.96, palette::MAIN),
            _ => (0.72, if is_weekend { palette::SOFT } else { palette::MAIN }),
        };
        let width = if chart.form == ChartForm::Column { (plot.slot * share).min(26.0) } else { plot.slot * share };
        if *value > 0.0 {
            let (x, y) = (plot.middle(row) - width / 2.0, plot.y(*value));
            shapes.push(Shape::Rect { x, y, width, height: TOP + PLOT - y, color });
        }
        points.extend([(plot.x(row), plot.y(*value)), (plot.x(row + 1), plot.y(*value))]);
        let is_highest = (*value - highest).abs() < f64::EPSILON && highest > 0.0 && !is_labelled;
        if is_highest || plot.slot >= ROOM_FOR_LABEL {
            is_labelled |= is_highest;
            shapes.push(bold(plot.middle(row), plot.y(*value) - 1.8, locale.value(kind, *value), palette::INK));
        }
    }
    if chart.form == ChartForm::Area && points.len() > 1 {
        shapes.push(Shape::Line { points, thickness: 0.6, color: palette::MAIN });
    }
    if known.len() > 1 && plot.slot < ROOM_FOR_LABEL && chart.form != ChartForm::Histogram {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred columns")]
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let (y, x) = (plot.y(mean), plot.right + 1.2);
        shapes.push(Shape::Line { points: vec![(plot.left, y), (plot.right, y)], thickness: 0.25, color: palette::CAUTION });
        shapes.push(label(x, y - 1.5, locale.text("chart-mean"), palette::CAUTION, Anchor::Start));
        let text = if kind == Kind::Count && mean < 100.0 { locale.number(mean, 1) } else { locale.value(kind, mean) };
        shapes.push(label(x, y + 1.5, text, palette::CAUTION, Anchor::Start));
    }
}

/// Columns side by side, their names in a row above.
fn grouped(chart: &Chart, plot: &Plot, values: &[Vec<Option<f64>>], shapes: &mut Vec<Shape>) {
    #[expect(clippy::cast_precision_loss, reason = "a handful of series")]
    let width = (plot.slot * 0.8 / values.len() as f64).min(14.0);
    let mut name_x = plot.left;
    let mut offset = 0.0;
    for (place, (name, series)) in chart.series.iter().zip(values).enumerate() {
        let color = series_color(chart, place);
        #[expect(clippy::cast_precision_loss, reason = "a handful of series")]
        let group = width * values.len() as f64;
        for (row, value) in series.iter().enumerate() {
            if let Some(value) = value.filter(|value| *value > 0.0) {
                let (x, y) = (plot.middle(row) - group / 2.0 + offset, plot.y(value));
                shapes.push(Shape::Rect { x, y, width: width * 0.94, height: TOP + PLOT - y, color });
            }
        }
        offset += width;
        let text = label_of(&chart.table, name);
        shapes.push(Shape::Rect { x: name_x, y: 0.2, width: 2.2, height: 2.2, color });
        shapes.push(label(name_x + 3.2, 1.3, text.to_owned(), palette::INK, Anchor::Start));
        name_x += width_of(text) + 7.0;
    }
}

/// Columns on top of each other, named at the right of the last.
fn stacked(chart: &Chart, plot: &Plot, values: &[Vec<Option<f64>>], shapes: &mut Vec<Shape>) {
    let width = (plot.slot * 0.78).min(26.0);
    let last = plot.rows.saturating_sub(1);
    let mut ends = Vec::new();
    for row in 0..plot.rows {
        let mut base = 0.0;
        for (place, series) in values.iter().enumerate() {
            let value = series[row].unwrap_or(0.0).max(0.0);
            let (y, below) = (plot.y(base + value), plot.y(base));
            if value > 0.0 {
                // A hair of white parts the layers where colours are close.
                let height = (below - y - 0.12).max(0.08);
                shapes.push(Shape::Rect { x: plot.middle(row) - width / 2.0, y, width, height, color: series_color(chart, place) });
            }
            if row == last {
                ends.push((f64::midpoint(y, below), place));
            }
            base += value;
        }
    }
    name_ends(chart, plot, ends, shapes);
}

/// Lines that break where there is no value, named at their ends.
fn lines(chart: &Chart, plot: &Plot, values: &[Vec<Option<f64>>], (kind, locale): (Kind, &Locale), shapes: &mut Vec<Shape>) {
    let mut ends = Vec::new();
    for (place, series) in values.iter().enumerate() {
        let color = series_color(chart, place);
        for part in series.iter().enumerate().collect::<Vec<_>>().split(|(_, value)| value.is_none()) {
            let points: Vec<(f64, f64)> = part.iter().filter_map(|(row, value)| Some((plot.middle(*row), plot.y((**value)?)))).collect();
            match points.as_slice() {
                [] => {}
                [(x, y)] => shapes.push(Shape::Rect { x: x - 0.5, y: y - 0.5, width: 1.0, height: 1.0, color }),
                _ => shapes.push(Shape::Line { points, thickness: 0.6, color }),
            }
        }
        if let Some(value) = series.iter().rev().flatten().next() {
            ends.push((plot.y(*value), place));
        }
        let highest =
            series.iter().enumerate().filter_map(|(row, value)| Some((row, (*value)?))).max_by(|one, other| one.1.total_cmp(&other.1));
        if let (1, Some((row, value))) = (values.len(), highest) {
            shapes.push(bold(plot.middle(row), plot.y(value) - 1.8, locale.value(kind, value), palette::INK));
        }
    }
    if values.len() > 1 {
        name_ends(chart, plot, ends, shapes);
    }
}

/// Names of series at the heights at which they end, moved apart until none touches another.
fn name_ends(chart: &Chart, plot: &Plot, mut ends: Vec<(f64, usize)>, shapes: &mut Vec<Shape>) {
    const APART: f64 = 3.2;
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut y = f64::NEG_INFINITY;
    let mut placed: Vec<(f64, usize)> = Vec::new();
    for (wanted, place) in ends {
        y = wanted.max(y + APART);
        placed.push((y, place));
    }
    // What went below the plot moves up again, and pushes the others.
    let mut lowest = TOP + PLOT;
    for (y, _) in placed.iter_mut().rev() {
        *y = y.min(lowest);
        lowest = *y - APART;
    }
    for (y, place) in placed {
        let (text, color): (&str, Rgb) = (label_of(&chart.table, &chart.series[place]), series_color(chart, place));
        shapes.push(Shape::Rect { x: plot.right + 1.4, y: y - 0.9, width: 1.8, height: 1.8, color });
        shapes.push(Shape::Text {
            x: plot.right + 4.2,
            y,
            text: shortened(text, 34.0),
            size: LABEL_SIZE,
            color: palette::INK,
            anchor: Anchor::Start,
            bold: false,
        });
    }
}
