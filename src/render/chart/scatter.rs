//! Named points: each row by two of its values.

use super::{Anchor, Drawing, LABEL_SIZE, Shape, axis_steps, kind_of, label, label_of, shortened, width_of};
use crate::{
    domain::{Kind, report_data::Chart},
    render::{Locale, palette, rows},
};

const PLOT: f64 = 58.0;
const TOP: f64 = 5.0;
const LEFT: f64 = 14.0;
const RIGHT: f64 = 10.0;
const POINT: f64 = 2.0;

/// Draws a point for each row that has both values, its name beside it where there is room.
pub fn draw(chart: &Chart, width: f64, locale: &Locale) -> Drawing {
    let table = &chart.table;
    let [across, up] = [0, 1].map(|place| chart.series[place].as_str());
    let [across_kind, up_kind] = [across, up].map(|name| kind_of(table, name));
    let points: Vec<(usize, f64, f64)> =
        (0..table.row_count()).filter_map(|row| Some((row, table.get(row, across).number()?, table.get(row, up).number()?))).collect();
    let steps = |kind: Kind, of: fn(&(usize, f64, f64)) -> f64| axis_steps(points.iter().map(of).fold(0.0, f64::max), kind);
    let (across_steps, up_steps) = (steps(across_kind, |point| point.1), steps(up_kind, |point| point.2));
    let span = |steps: &[f64]| steps.last().copied().unwrap_or(1.0);
    let x_of = |value: f64| LEFT + (width - LEFT - RIGHT) * value / span(&across_steps);
    let y_of = |value: f64| TOP + PLOT * (1.0 - value / span(&up_steps));
    let mut shapes = Vec::new();
    for step in &across_steps {
        let x = x_of(*step);
        shapes.push(Shape::Line { points: vec![(x, TOP), (x, TOP + PLOT)], thickness: 0.12, color: palette::RULE });
        shapes.push(label(x, TOP + PLOT + 2.8, locale.value(across_kind, *step), palette::MUTED, Anchor::Middle));
    }
    for step in &up_steps {
        let y = y_of(*step);
        shapes.push(Shape::Line { points: vec![(LEFT, y), (width - RIGHT, y)], thickness: 0.12, color: palette::RULE });
        shapes.push(label(LEFT - 1.5, y, locale.value(up_kind, *step), palette::MUTED, Anchor::End));
    }
    let axis = |x: f64, y: f64, text: &str, anchor: Anchor| Shape::Text {
        x,
        y,
        text: text.to_owned(),
        size: LABEL_SIZE,
        color: palette::MUTED,
        anchor,
        bold: true,
    };
    shapes.push(axis(0.0, 1.4, label_of(table, up), Anchor::Start));
    shapes.push(axis(width - RIGHT, TOP + PLOT + 6.4, label_of(table, across), Anchor::End));
    for (_, across, up) in &points {
        let (x, y) = (x_of(*across) - POINT / 2.0, y_of(*up) - POINT / 2.0);
        shapes.push(Shape::Rect { x, y, width: POINT, height: POINT, color: palette::MAIN });
    }
    let mut taken: Vec<[f64; 4]> =
        points.iter().map(|(_, across, up)| [x_of(*across) - 1.0, y_of(*up) - 1.0, x_of(*across) + 1.0, y_of(*up) + 1.0]).collect();
    for (row, across, up) in &points {
        let name = shortened(&rows::text(table, *row, &chart.category, locale), 40.0);
        let (x, y, length) = (x_of(*across), y_of(*up), width_of(&name));
        // Right of the point, left of it, above, below: the first place that is free; without one the table names the point.
        let places = [
            (x + POINT, y, Anchor::Start, x + POINT),
            (x - POINT, y, Anchor::End, x - POINT - length),
            (x, y - 3.2, Anchor::Middle, x - length / 2.0),
            (x, y + 3.2, Anchor::Middle, x - length / 2.0),
        ];
        let free = places.into_iter().find(|(_, y, _, from)| {
            let area = [*from, y - 1.3, from + length, y + 1.3];
            let is_inside = area[0] >= 0.0 && area[2] <= width && area[1] >= 2.0;
            is_inside && !taken.iter().any(|other| area[0] < other[2] && other[0] < area[2] && area[1] < other[3] && other[1] < area[3])
        });
        if let Some((x, y, anchor, from)) = free {
            taken.push([from, y - 1.3, from + length, y + 1.3]);
            shapes.push(label(x, y, name, palette::INK, anchor));
        }
    }
    Drawing { width, height: TOP + PLOT + 9.0, shapes }
}
