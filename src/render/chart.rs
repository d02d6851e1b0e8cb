//! Charts as plain shapes in millimetres, origin at the top left: whoever draws them needs no knowledge of charts.

use super::{
    Locale,
    palette::{self, Rgb},
    rows,
};
use crate::domain::{
    Cell, Kind,
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

/// A drawing and its height.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Height in millimetres.
    pub height: f64,
    /// The shapes, back to front.
    pub shapes: Vec<Shape>,
}

const LABEL_SIZE: u8 = 7;

/// Draws a chart `width` millimetres wide.
pub fn draw(chart: &Chart, width: f64, locale: &Locale) -> Drawing {
    match chart.form {
        ChartForm::Bar => bars(chart, width, locale),
        ChartForm::Column | ChartForm::Line => columns(chart, width, locale),
    }
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

/// Upright columns along time, weekends lighter, the highest and lowest labelled.
fn columns(chart: &Chart, width: f64, locale: &Locale) -> Drawing {
    const PLOT: f64 = 32.0;
    const TOP: f64 = 4.0;
    const LEFT: f64 = 12.0;
    const RIGHT: f64 = 13.0;
    // From this width on every column carries its value.
    const ROOM_FOR_LABEL: f64 = 9.0;
    let table = &chart.table;
    let series = &chart.series[0];
    let kind = table.columns()[table.position(series).unwrap_or(0)].kind;
    let values: Vec<Option<f64>> = (0..table.row_count()).map(|row| table.get(row, series).number()).collect();
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let steps = axis_steps(highest, kind);
    let top = steps.last().copied().unwrap_or(1.0);
    let y_of = |value: f64| TOP + PLOT * (1.0 - value / top);
    let mut shapes = Vec::new();
    for step in &steps {
        shapes.push(Shape::Line { points: vec![(LEFT, y_of(*step)), (width - RIGHT, y_of(*step))], thickness: 0.12, color: palette::RULE });
        shapes.push(label(LEFT - 1.5, y_of(*step), locale.value(kind, *step), palette::MUTED, Anchor::End));
    }
    #[expect(clippy::cast_precision_loss, reason = "a few hundred columns")]
    let slot = (width - LEFT - RIGHT) / values.len().max(1) as f64;
    let mean = {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        #[expect(clippy::cast_precision_loss, reason = "a few hundred columns")]
        let count = known.len() as f64;
        (known.len() > 1 && slot < ROOM_FOR_LABEL).then(|| known.iter().sum::<f64>() / count)
    };
    // At most one label in 9 mm, so that dates never touch.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let every = (9.0 / slot).ceil().max(1.0) as usize;
    let mut x = LEFT;
    let mut points = Vec::new();
    for (row, value) in values.iter().enumerate() {
        let weekend = matches!(table.get(row, "weekday"), Cell::Int(6 | 7));
        if let Some(value) = value {
            let (bar_width, height) = ((slot * 0.72).min(26.0), PLOT * value / top);
            points.push((x + slot / 2.0, y_of(*value)));
            if chart.form == ChartForm::Column && height > 0.0 {
                let color = if weekend { palette::SOFT } else { palette::MAIN };
                shapes.push(Shape::Rect { x: x + (slot - bar_width) / 2.0, y: y_of(*value), width: bar_width, height, color });
            }
            let is_highest = (*value - highest).abs() < f64::EPSILON && highest > 0.0;
            if is_highest || slot >= ROOM_FOR_LABEL {
                shapes.push(bold(x + slot / 2.0, y_of(*value) - 1.8, locale.value(kind, *value), palette::INK));
            }
        }
        if row % every == 0 {
            let text = match table.get(row, &chart.category) {
                Cell::Date(day) if chart.category == "month" => locale.short_month(day),
                Cell::Date(day) => locale.short_date(day),
                other => locale.cell(Kind::Text, other),
            };
            shapes.push(label(x + slot / 2.0, TOP + PLOT + 2.8, text, palette::MUTED, Anchor::Middle));
        }
        x += slot;
    }
    if chart.form == ChartForm::Line {
        shapes.push(Shape::Line { points, thickness: 0.6, color: palette::MAIN });
    }
    if let Some(mean) = mean {
        shapes.push(Shape::Line {
            points: vec![(LEFT, y_of(mean)), (width - RIGHT, y_of(mean))],
            thickness: 0.25,
            color: palette::CAUTION,
        });
        shapes.push(label(width - RIGHT + 1.2, y_of(mean) - 1.5, locale.text("chart-mean"), palette::CAUTION, Anchor::Start));
        let decimals = if kind == Kind::Count && mean < 100.0 { locale.number(mean, 1) } else { locale.value(kind, mean) };
        shapes.push(label(width - RIGHT + 1.2, y_of(mean) + 1.5, decimals, palette::CAUTION, Anchor::Start));
    }
    Drawing { height: TOP + PLOT + 5.5, shapes }
}

/// Lying bars with their values at the end, one series beside the other.
fn bars(chart: &Chart, width: f64, locale: &Locale) -> Drawing {
    const ROW: f64 = 5.3;
    const NAME: f64 = 34.0;
    const VALUE: f64 = 19.0;
    let table = &chart.table;
    #[expect(clippy::cast_precision_loss, reason = "a handful of series")]
    let panel = (width - NAME) / chart.series.len().max(1) as f64;
    let mut shapes = Vec::new();
    let mut left = NAME;
    for series in &chart.series {
        let column = &table.columns()[table.position(series).unwrap_or(0)];
        shapes.push(Shape::Text {
            x: left,
            y: 2.0,
            text: column.label.clone(),
            size: LABEL_SIZE,
            color: palette::MUTED,
            anchor: Anchor::Start,
            bold: true,
        });
        let highest = (0..table.row_count()).filter_map(|row| table.get(row, series).number()).fold(0.0, f64::max);
        let full = panel - VALUE;
        let mut y = 5.0;
        for row in 0..table.row_count() {
            let cell = table.get(row, series);
            let length = cell.number().map_or(0.0, |value| if highest > 0.0 { full * value / highest } else { 0.0 });
            shapes.push(Shape::Rect { x: left, y: y + 0.7, width: full, height: ROW - 1.4, color: palette::GROUND });
            if length > 0.0 {
                shapes.push(Shape::Rect { x: left, y: y + 0.7, width: length, height: ROW - 1.4, color: palette::MAIN });
            }
            shapes.push(label(left + full + 1.2, y + ROW / 2.0, rows::text(table, row, series, locale), palette::INK, Anchor::Start));
            y += ROW;
        }
        left += panel;
    }
    let mut y = 5.0;
    for row in 0..table.row_count() {
        let name = locale.cell(Kind::Text, table.get(row, &chart.category));
        shapes.push(label(0.0, y + ROW / 2.0, name, palette::INK, Anchor::Start));
        y += ROW;
    }
    Drawing { height: y + 1.0, shapes }
}

/// Draws a heat map of weekdays × hours, only over the hours that occur.
pub fn draw_heat_map(heat_map: &HeatMap, width: f64, locale: &Locale) -> Drawing {
    const ROW: f64 = 5.4;
    const NAME: f64 = 10.0;
    let table = &heat_map.table;
    let mut cells = Vec::new();
    for row in 0..table.row_count() {
        if let (Some(weekday), Some(hour), Some(value)) =
            (table.get(row, "weekday").int(), table.get(row, "hour").int(), table.get(row, &heat_map.value).number())
        {
            cells.push((weekday, hour, value));
        }
    }
    let highest = cells.iter().map(|(_, _, value)| *value).fold(0.0, f64::max);
    let slot = (width - NAME) / 24.0;
    #[expect(clippy::cast_precision_loss, reason = "0 to 24")]
    let x_of = |hour: i64| NAME + slot * hour as f64;
    #[expect(clippy::cast_precision_loss, reason = "1 to 7")]
    let y_of = |weekday: i64| 4.5 + ROW * (weekday - 1) as f64;
    let mut shapes = Vec::new();
    for hour in 0..24 {
        let text = locale.cell(Kind::Hour, Cell::Int(hour));
        shapes.push(label(x_of(hour) + slot / 2.0, 2.0, text, palette::MUTED, Anchor::Middle));
    }
    for weekday in 1..=7 {
        shapes.push(label(0.0, y_of(weekday) + ROW / 2.0, locale.weekday(weekday), palette::INK, Anchor::Start));
        for hour in 0..24 {
            let (x, y, width, height) = (x_of(hour) + 0.15, y_of(weekday) + 0.15, slot - 0.3, ROW - 0.3);
            shapes.push(Shape::Rect { x, y, width, height, color: palette::GROUND });
        }
    }
    for (weekday, hour, value) in cells {
        let share = if highest > 0.0 { value / highest } else { 0.0 };
        let (x, y) = (x_of(hour) + 0.15, y_of(weekday) + 0.15);
        shapes.push(Shape::Rect { x, y, width: slot - 0.3, height: ROW - 0.3, color: palette::heat(share) });
        let color = if palette::is_dark(share) { palette::WHITE } else { palette::INK };
        let text = locale.number(value, usize::from(value < 9.95));
        shapes.push(Shape::Text { x: x + slot / 2.0, y: y + ROW / 2.0, text, size: 6, color, anchor: Anchor::Middle, bold: false });
    }
    Drawing { height: 4.5 + ROW * 7.0 + 1.0, shapes }
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
