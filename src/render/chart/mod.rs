//! Charts as plain shapes in millimetres, origin at the top left: whoever draws them needs no knowledge of charts.

mod bars;
mod columns;
mod heat_map;
mod png;
mod scatter;
mod svg;

pub use heat_map::draw_heat_map;
pub use png::{Pixels, pixels, png};
pub use svg::svg;

use super::{Locale, palette::Rgb, rows};
use crate::domain::{
    Cell, Kind, Table,
    report_data::{Chart, ChartForm, HeatMap},
};

/// A thing to draw.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A filled rectangle.
    Rect {
        /// Left edge.
        x: f64,
        /// Upper edge.
        y: f64,
        /// Width.
        width: f64,
        /// Height.
        height: f64,
        /// Fill.
        color: Rgb,
    },
    /// A line through points.
    Line {
        /// The points.
        points: Vec<(f64, f64)>,
        /// Thickness.
        thickness: f64,
        /// Colour.
        color: Rgb,
    },
    /// Words.
    Text {
        /// Edge or centre, by anchor.
        x: f64,
        /// Middle of the line.
        y: f64,
        /// The words.
        text: String,
        /// Size in points.
        size: u8,
        /// Colour.
        color: Rgb,
        /// Which part of the text `x` means.
        anchor: Anchor,
        /// Whether the words stand out.
        bold: bool,
    },
}

/// Which part of a text its `x` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Left edge.
    Start,
    /// Centre.
    Middle,
    /// Right edge.
    End,
}

/// A drawing and its size.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Width in millimetres.
    pub width: f64,
    /// Height in millimetres.
    pub height: f64,
    /// The shapes, back to front.
    pub shapes: Vec<Shape>,
}

const LABEL_SIZE: u8 = 7;

/// Draws a chart `width` millimetres wide.
pub fn draw(chart: &Chart, width: f64, locale: &Locale) -> Drawing {
    match chart.form {
        ChartForm::Bar => bars::draw(chart, width, locale),
        ChartForm::Scatter => scatter::draw(chart, width, locale),
        ChartForm::Column | ChartForm::Grouped | ChartForm::Stacked | ChartForm::Line | ChartForm::Area | ChartForm::Histogram => {
            columns::draw(chart, width, locale)
        }
    }
}

/// Says a chart in words: its title, and the values of each row where these are few, else how far they reach.
pub fn in_words(title: &str, chart: &Chart, locale: &Locale) -> String {
    const MOST_ROWS: usize = 40;
    let table = &chart.table;
    let named = |name: &str, value: &str| format!("{} {value}", label_of(table, name));
    let parts: Vec<String> = if table.row_count() <= MOST_ROWS {
        let of_row = |row: usize| {
            let values = chart.series.iter().map(|name| named(name, &rows::text(table, row, name, locale)));
            format!("{}: {}", category(chart, row, locale), values.collect::<Vec<_>>().join(", "))
        };
        (0..table.row_count()).map(of_row).collect()
    } else {
        let of_series = |name: &String| {
            let kind = kind_of(table, name);
            let values = || (0..table.row_count()).filter_map(|row| table.get(row, name).number());
            let (lowest, highest) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
            lowest.is_finite().then(|| named(name, &format!("{} – {}", locale.value(kind, lowest), locale.value(kind, highest))))
        };
        chart.series.iter().filter_map(of_series).collect()
    };
    format!("{title}. {}.", parts.join("; "))
}

/// Says a heat map in words: its title, and when the value is highest.
pub fn heat_map_in_words(title: &str, heat_map: &HeatMap, locale: &Locale) -> String {
    let table = &heat_map.table;
    let value = |row: usize| table.get(row, &heat_map.value).number().unwrap_or_default();
    let highest = (0..table.row_count()).max_by(|a, b| value(*a).total_cmp(&value(*b)));
    let said = highest.map(|row| {
        let weekday = locale.weekday(table.get(row, "weekday").int().unwrap_or_default());
        let hour = locale.cell(Kind::Hour, table.get(row, "hour"));
        format!(" {}: {weekday} {hour}, {}.", locale.text("chart-highest"), locale.value(kind_of(table, &heat_map.value), value(row)))
    });
    format!("{title}.{}", said.unwrap_or_default())
}

/// Returns what the values of a column are.
fn kind_of(table: &Table, name: &str) -> Kind {
    table.position(name).map_or(Kind::Number, |position| table.columns()[position].kind)
}

/// Returns the heading of a column.
fn label_of<'a>(table: &'a Table, name: &str) -> &'a str {
    table.position(name).map_or("", |position| &table.columns()[position].label)
}

/// Returns the name of a row on a category axis.
fn category(chart: &Chart, row: usize, locale: &Locale) -> String {
    match chart.table.get(row, &chart.category) {
        Cell::Date(day) if chart.category == "month" => locale.short_month(day),
        Cell::Date(day) => locale.short_date(day),
        _ => super::rows::text(&chart.table, row, &chart.category, locale),
    }
}

/// Returns how wide a text of [`LABEL_SIZE`] is, roughly: charts know no face.
fn width_of(text: &str) -> f64 {
    const PER_CHARACTER: f64 = 1.36;
    #[expect(clippy::cast_precision_loss, reason = "a few dozen characters")]
    let characters = text.chars().count() as f64;
    characters * PER_CHARACTER
}

/// Cuts a text that is wider than `limit`, visibly: the tables have it in full.
fn shortened(text: &str, limit: f64) -> String {
    if width_of(text) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    for char in text.chars() {
        if width_of(&kept) + width_of("m…") > limit {
            break;
        }
        kept.push(char);
    }
    format!("{}…", kept.trim_end())
}

/// Returns steps of an axis from 0 to at least `highest`: 1, 2 or 5 times a power of ten, or round times for seconds.
pub fn axis_steps(highest: f64, kind: Kind) -> Vec<f64> {
    const WANTED: f64 = 4.0;
    let highest = if highest > 0.0 { highest } else { 1.0 };
    let step = if kind == Kind::Duration {
        const ROUND: [f64; 14] = [1.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0];
        ROUND.into_iter().find(|step| step * WANTED >= highest).unwrap_or(86_400.0)
    } else {
        let magnitude = 10_f64.powf((highest / WANTED).log10().floor());
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * magnitude).find(|step| step * WANTED >= highest).unwrap_or(magnitude * 10.0)
    };
    let step = if kind == Kind::Count { step.max(1.0) } else { step };
    let mut steps = vec![0.0];
    while steps.last().is_some_and(|last| *last < highest) {
        #[expect(clippy::cast_precision_loss, reason = "a handful of steps")]
        steps.push(step * steps.len() as f64);
    }
    steps
}

fn label(x: f64, y: f64, text: String, color: Rgb, anchor: Anchor) -> Shape {
    Shape::Text { x, y, text, size: LABEL_SIZE, color, anchor, bold: false }
}

fn bold(x: f64, y: f64, text: String, color: Rgb) -> Shape {
    Shape::Text { x, y, text, size: LABEL_SIZE, color, anchor: Anchor::Middle, bold: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps_that_reach_the_top() {
        assert_eq!(axis_steps(87.0, Kind::Count), [0.0, 50.0, 100.0]);
        assert_eq!(axis_steps(180.0, Kind::Count), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(axis_steps(2.0, Kind::Count), [0.0, 1.0, 2.0]);
        assert_eq!(axis_steps(200.0, Kind::Duration), [0.0, 60.0, 120.0, 180.0, 240.0]);
        assert_eq!(axis_steps(0.0, Kind::Count), [0.0, 1.0]);
    }
}
