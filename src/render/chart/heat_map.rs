//! Weekday × hour as coloured cells with their numbers.

use super::{Anchor, Drawing, Shape, label};
use crate::{
    domain::{Cell, Kind, report_data::HeatMap},
    render::{Locale, palette},
};

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
    Drawing { width, height: 4.5 + ROW * 7.0 + 1.0, shapes }
}
