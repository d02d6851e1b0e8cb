//! Tables of any length: headings repeated on every page, group titles kept with their rows, long words broken.

use genpdf::{Context, Element, RenderResult, Size, error::Error, render::Area, style::Style};

use super::{
    CONTENT_WIDTH,
    elements::{done, later},
    text::{clean, fill, length, line_height, mm, put, rule, style, width, wrap},
};
use crate::{
    domain::{Cell, Kind, report_data::TableView},
    render::{Locale, chart::Anchor, palette, rows},
};

/// A table, prepared as texts.
pub struct TableElement {
    headings: Vec<(String, bool)>,
    rows: Vec<Row>,
    footnote: Option<String>,
    next: usize,
}

struct Row {
    /// Title above the row where its group begins.
    group: Option<String>,
    /// Title above the row where a page begins inside its group.
    continued: Option<String>,
    cells: Vec<String>,
    is_total: bool,
}

const SIZE: u8 = 8;
const HEADING_SIZE: u8 = 7;
const PADDING: f64 = 1.3;
const GAP: f64 = 2.4;

impl TableElement {
    /// Height that must be free below the title: the whole table where it is short, else a heading and some rows.
    pub fn wanted_height(&self) -> f64 {
        const ROW: f64 = 6.2;
        const GROUP: f64 = 6.2;
        const HEADING: f64 = 13.0;
        const LONG: f64 = 110.0;
        let groups = self.rows.iter().filter(|row| row.group.is_some()).count();
        #[expect(clippy::cast_precision_loss, reason = "below a million rows")]
        let height = HEADING + self.rows.len() as f64 * ROW + groups as f64 * GROUP;
        if height <= LONG { height } else { 45.0 }
    }

    pub fn new(view: &TableView, locale: &Locale) -> TableElement {
        let table = &view.table;
        let columns: Vec<_> = view.shown.iter().filter_map(|name| Some(&table.columns()[table.position(name)?])).collect();
        let mut group = None;
        let rows = (0..table.row_count())
            .map(|row| {
                let this = view.group.as_ref().map(|name| rows::text(table, row, name, locale));
                let begins = (this != group).then(|| this.clone()).flatten();
                let continued = this.as_ref().map(|group| locale.text_with("table-continued", &[("group", group)]));
                group = this;
                Row {
                    group: begins,
                    continued,
                    cells: columns.iter().map(|column| rows::text(table, row, &column.name, locale)).collect(),
                    is_total: rows::is_total(table, row) || table.get(row, "sector") == Cell::Null && table.position("sector").is_some(),
                }
            })
            .collect();
        let footnote = rows::has_marks(view, locale).then(|| format!("{} {} (n < 30)", rows::FEW_MARK, locale.text("table-few")));
        TableElement {
            headings: columns.iter().map(|column| (column.label.clone(), column.kind.is_numeric() || column.kind == Kind::Hour)).collect(),
            rows,
            footnote,
            next: 0,
        }
    }

    /// Widths of the columns: what the longest value and the heading's longest word need, the rest shared out.
    fn widths(&self, context: &Context) -> Vec<f64> {
        let (cell, heading) = (style(SIZE, palette::INK, true), style(HEADING_SIZE, palette::INK, true));
        let mut widths: Vec<f64> = Vec::with_capacity(self.headings.len());
        for (column, (label, _)) in self.headings.iter().enumerate() {
            let words = label.split_whitespace().map(|word| width(context, &clean(context, word), heading));
            let values = self.rows.iter().map(|row| width(context, &clean(context, &row.cells[column]), cell));
            widths.push(words.chain(values).fold(0.0, f64::max) + GAP);
        }
        let sum: f64 = widths.iter().sum();
        if sum <= CONTENT_WIDTH {
            // The first column takes what is left, so that figures stay close together.
            #[expect(clippy::cast_precision_loss, reason = "a dozen columns")]
            let share = (CONTENT_WIDTH - sum) / widths.len().max(1) as f64;
            widths.iter().map(|width| width + share).collect()
        } else {
            // Too wide: text columns give way first, down to a readable rest, then all of them.
            let factor = CONTENT_WIDTH / sum;
            widths.iter().map(|width| width * factor).collect()
        }
    }
}

impl Element for TableElement {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        let room = mm(area.size().height);
        let widths = self.widths(context);
        let (heading_style, normal, total) =
            (style(HEADING_SIZE, palette::WHITE, true), style(SIZE, palette::INK, false), style(SIZE, palette::INK, true));
        let place = |cells: &[Vec<String>], y: f64, text_style: Style, numeric: &[(String, bool)]| -> Result<(), Error> {
            let mut x = 0.0;
            for ((lines, width), (_, is_numeric)) in cells.iter().zip(&widths).zip(numeric) {
                let mut line_y = y;
                for line in lines {
                    if *is_numeric {
                        put(context, &area, x + width - GAP / 2.0, line_y, line, text_style, Anchor::End)?;
                    } else {
                        put(context, &area, x + GAP / 2.0, line_y, line, text_style, Anchor::Start)?;
                    }
                    line_y += line_height(context, text_style);
                }
                x += width;
            }
            Ok(())
        };
        let wrapped = |texts: &mut dyn Iterator<Item = &String>, text_style: Style| -> (Vec<Vec<String>>, f64) {
            let cells: Vec<Vec<String>> =
                texts.zip(&widths).map(|(text, width)| wrap(context, text, text_style, width - GAP + 0.3)).collect();
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            let lines = cells.iter().map(Vec::len).max().unwrap_or(1) as f64;
            (cells, lines * line_height(context, text_style) + 2.0 * PADDING)
        };

        let (headings, heading_height) = wrapped(&mut self.headings.iter().map(|(label, _)| label), heading_style);
        // Room for the heading and two rows, or nothing: the title's own rule keeps short tables whole.
        if room < heading_height + 14.0 {
            return Ok(later());
        }
        fill(&area, 0.0, 0.0, CONTENT_WIDTH, heading_height, palette::MAIN);
        place(&headings, PADDING, heading_style, &self.headings)?;
        let mut y = heading_height;
        let mut striped = false;
        let first = self.next;
        while let Some(row) = self.rows.get(self.next) {
            let text_style = if row.is_total { total } else { normal };
            let (cells, height) = wrapped(&mut row.cells.iter(), text_style);
            let title = if self.next == first { row.group.as_ref().or(row.continued.as_ref()) } else { row.group.as_ref() };
            let group_height = if title.is_some() { 6.2 } else { 0.0 };
            // A group's title stays with at least two rows, so that none stands alone at the foot of a page.
            let needed = height + group_height + if title.is_some() && !row.is_total { height } else { 0.0 };
            if y + needed > room {
                if self.next == first {
                    return Ok(later());
                }
                return Ok(RenderResult { size: Size::new(length(CONTENT_WIDTH), length(y)), has_more: true });
            }
            if let Some(group) = title {
                put(context, &area, GAP / 2.0, y + 1.9, group, style(SIZE, palette::MAIN, true), Anchor::Start)?;
                y += group_height;
                rule(&area, 0.0, y, CONTENT_WIDTH, 0.25, palette::MAIN);
                striped = false;
            }
            if row.is_total {
                rule(&area, 0.0, y, CONTENT_WIDTH, 0.3, palette::INK);
            } else if striped {
                fill(&area, 0.0, y, CONTENT_WIDTH, height, palette::GROUND);
            }
            striped = !striped;
            place(&cells, y + PADDING, text_style, &self.headings)?;
            y += height;
            self.next += 1;
        }
        rule(&area, 0.0, y, CONTENT_WIDTH, 0.2, palette::RULE);
        if let Some(footnote) = &self.footnote
            && y + 5.0 <= room
        {
            put(context, &area, 0.0, y + 1.0, footnote, style(6, palette::MUTED, false), Anchor::Start)?;
            y += 4.0;
        }
        Ok(done(y))
    }
}
