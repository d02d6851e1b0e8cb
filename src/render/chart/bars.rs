//! Lying bars with their values at the end, one panel a series.

use super::{Anchor, Drawing, LABEL_SIZE, Shape, label, label_of, shortened};
use crate::{
    domain::report_data::Chart,
    render::{Locale, palette, rows},
};

/// More bars than this are not compared by eye; the tables have them all.
const MOST: usize = 25;

/// Draws the first rows of a chart, and how many there are beside.
pub fn draw(chart: &Chart, width: f64, locale: &Locale) -> Drawing {
    const ROW: f64 = 5.3;
    const NAME: f64 = 34.0;
    const VALUE: f64 = 19.0;
    let table = &chart.table;
    let shown = table.row_count().min(MOST);
    #[expect(clippy::cast_precision_loss, reason = "a handful of series")]
    let panel = (width - NAME) / chart.series.len().max(1) as f64;
    let mut shapes = Vec::new();
    let mut left = NAME;
    for series in &chart.series {
        shapes.push(Shape::Text {
            x: left,
            y: 2.0,
            text: label_of(table, series).to_owned(),
            size: LABEL_SIZE,
            color: palette::MUTED,
            anchor: Anchor::Start,
            bold: true,
        });
        let highest = (0..shown).filter_map(|row| table.get(row, series).number()).fold(0.0, f64::max);
        let full = panel - VALUE;
        let mut y = 5.0;
        for row in 0..shown {
            let cell = table.get(row, series);
            let length = cell.number().map_or(0.0, |value| if highest > 0.0 { full * value.max(0.0) / highest } else { 0.0 });
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
    for row in 0..shown {
        let name = rows::text(table, row, &chart.category, locale);
        shapes.push(label(0.0, y + ROW / 2.0, shortened(&name, NAME - 1.5), palette::INK, Anchor::Start));
        y += ROW;
    }
    if table.row_count() > shown {
        let beside = i64::try_from(table.row_count() - shown).unwrap_or(i64::MAX);
        shapes.push(label(0.0, y + ROW / 2.0, locale.plural("chart-beside", beside), palette::MUTED, Anchor::Start));
        y += ROW;
    }
    Drawing { width, height: y + 1.0, shapes }
}
