//! Tables of any length and width: headings repeated on every page, group titles kept with their rows, long words broken, columns
//! that find no room beside the others in parts of their own below, with the first column before them again.

use genpdf::{Context, Element, RenderResult, Size, error::Error, render::Area, style::Style};

use super::{
    CONTENT_WIDTH, DOCUMENT, Progress,
    elements::{done, later},
    structure::Role,
    text::{clean, fill, length, line_height, mm, polyline, put, put_clean, rule, style, width, wrap},
};
use crate::{
    domain::{Kind, report_data::TableView},
    render::{Locale, chart::Anchor, palette, rows},
};

/// A table, prepared as texts.
pub struct TableElement {
    headings: Vec<Heading>,
    rows: Vec<Row>,
    footnotes: Vec<String>,
    /// Which columns stand side by side; known once the face is.
    parts: Vec<Part>,
    part: usize,
    next: usize,
    /// What the current part is to readers who do not see it; known once it begins.
    node: Option<usize>,
    progress: Progress,
}

struct Heading {
    text: String,
    is_numeric: bool,
}

struct Row {
    /// Title above the row where its group begins.
    group: Option<String>,
    /// Title above the row where a page begins inside its group.
    continued: Option<String>,
    cells: Vec<Value>,
    is_total: bool,
}

/// What a cell shows.
#[derive(Default)]
struct Value {
    text: String,
    /// Length of the bar behind the text, from 0 to 1.
    bar: Option<f64>,
    /// Whether the value misses its target.
    is_missed: bool,
    /// A small line in place of a text, with the highest of all lines of the column.
    line: Option<(Vec<Option<f64>>, f64)>,
}

/// Columns that stand side by side, with their widths.
struct Part {
    columns: Vec<(usize, f64)>,
}

const SIZE: u8 = 8;
const HEADING_SIZE: u8 = 7;
const PADDING: f64 = 1.3;
const GAP: f64 = 2.4;
const GROUP_HEIGHT: f64 = 6.2;

/// Texts wider than this are broken into lines.
const WIDEST_TEXT: f64 = 46.0;

/// Width of a small line.
const LINE_WIDTH: f64 = 22.0;

/// Lines of a cell: two such rows, a group's title and the headings fill three quarters of a page.
const MOST_LINES: usize = 24;

/// The mark behind a value that misses its target.
const MISSED_MARK: &str = " !";

impl TableElement {
    /// Height that must be free below the title: the whole table where it is short, else a heading and some rows.
    pub fn wanted_height(&self) -> f64 {
        const ROW: f64 = 6.2;
        const HEADING: f64 = 13.0;
        const LONG: f64 = 110.0;
        let groups = self.rows.iter().filter(|row| row.group.is_some()).count();
        #[expect(clippy::cast_precision_loss, reason = "below a million rows")]
        let height = HEADING + self.rows.len() as f64 * ROW + groups as f64 * GROUP_HEIGHT;
        if height <= LONG { height } else { 45.0 }
    }

    pub fn new(view: &TableView, locale: &Locale, progress: Progress) -> TableElement {
        let table = &view.table;
        let columns: Vec<_> = view.shown.iter().filter_map(|name| Some(&table.columns()[table.position(name)?])).collect();
        let bars: Vec<Option<Vec<Option<f64>>>> =
            columns.iter().map(|column| view.bars.contains(&column.name).then(|| rows::bar_shares(table, &column.name))).collect();
        let aims: Vec<_> = columns.iter().map(|column| view.aims.iter().find(|aims| aims.column == column.name)).collect();
        let highest = view.spark.iter().flat_map(|spark| spark.lines.iter().flatten().flatten()).copied().fold(0.0, f64::max);
        let totals = rows::totals(table);
        let mut group = None;
        let rows = (0..table.row_count())
            .map(|row| {
                let this = view.group.as_ref().map(|name| rows::text(table, row, name, locale));
                let begins = (this != group).then(|| this.clone()).flatten();
                let continued = this.as_ref().map(|group| locale.text_with("table-continued", &[("group", group)]));
                group = this;
                let mut cells: Vec<Value> = columns
                    .iter()
                    .enumerate()
                    .map(|(place, column)| {
                        let is_missed = aims[place].and_then(|aims| aims.targets[row]).is_some_and(|target| target.is_met == Some(false));
                        let text = rows::text(table, row, &column.name, locale);
                        Value {
                            text: if is_missed { format!("{text}{MISSED_MARK}") } else { text },
                            bar: bars[place].as_ref().and_then(|shares| shares[row]),
                            is_missed,
                            line: None,
                        }
                    })
                    .collect();
                if let Some(spark) = &view.spark {
                    cells.push(Value { line: Some((spark.lines[row].clone(), highest)), ..Value::default() });
                }
                Row { group: begins, continued, cells, is_total: totals[row] }
            })
            .collect();
        let mut footnotes = Vec::new();
        if rows::has_marks(view, locale) {
            footnotes.push(format!("{} {} (n < 30)", rows::FEW_MARK, locale.text("table-few")));
        }
        if view.aims.iter().flat_map(|aims| &aims.targets).flatten().any(|target| target.is_met == Some(false)) {
            footnotes.push(format!("! {}", locale.text("table-missed")));
        }
        let mut headings: Vec<Heading> = columns
            .iter()
            .map(|column| Heading { text: column.label.clone(), is_numeric: column.kind.is_numeric() || column.kind == Kind::Hour })
            .collect();
        headings.extend(view.spark.as_ref().map(|spark| {
            let span = match spark.categories.as_slice() {
                [first, .., last] => format!(", {first} – {last}"),
                _ => String::new(),
            };
            Heading { text: format!("{}{span}", spark.label), is_numeric: false }
        }));
        TableElement { headings, rows, footnotes, parts: Vec::new(), part: 0, next: 0, node: None, progress }
    }

    /// Shares the columns out over as many parts as they need; every part begins with the first column.
    fn parts(&self, context: &Context) -> Vec<Part> {
        const NARROWEST_TEXT: f64 = 26.0;
        const WIDEST_SHARE: f64 = 12.0;
        let mut widths = self.widths(context);
        // Texts make room for a column or two before these go elsewhere.
        let missing = widths.iter().sum::<f64>() - CONTENT_WIDTH;
        let spare = |column: usize, width: f64| if self.headings[column].is_numeric { 0.0 } else { (width - NARROWEST_TEXT).max(0.0) };
        let to_spare: f64 = widths.iter().enumerate().map(|(column, width)| spare(column, *width)).sum();
        if missing > 0.0 && missing <= to_spare {
            widths.iter_mut().enumerate().for_each(|(column, width)| *width -= spare(column, *width) * missing / to_spare);
        }
        let Some(first) = widths.first() else { return Vec::new() };
        let mut parts = vec![vec![(0, *first)]];
        for (column, width) in widths.iter().enumerate().skip(1) {
            let used: f64 = parts[parts.len() - 1].iter().map(|(_, width)| width).sum();
            if used + width > CONTENT_WIDTH + 0.01 && parts[parts.len() - 1].len() > 1 {
                parts.push(vec![(0, *first)]);
            }
            parts.last_mut().expect("one was pushed").push((column, *width));
        }
        // What is left is shared out, most of it to the first column, so that figures stay close together.
        let fill_up = |columns: Vec<(usize, f64)>| {
            let (sum, others): (f64, usize) = (columns.iter().map(|(_, width)| width).sum(), columns.len() - 1);
            #[expect(clippy::cast_precision_loss, reason = "a dozen columns")]
            let (even, others) = ((CONTENT_WIDTH - sum) / columns.len() as f64, others as f64);
            let extra = if self.headings[0].is_numeric { even } else { even.min(WIDEST_SHARE) };
            let of_first = CONTENT_WIDTH - sum - extra * others;
            let wider = |(column, width): (usize, f64)| (column, width + if column == 0 { of_first } else { extra });
            Part { columns: columns.into_iter().map(wider).collect() }
        };
        parts.into_iter().map(fill_up).collect()
    }

    /// Widths that the columns need: the longest value and the heading's longest word, where texts may take several lines.
    fn widths(&self, context: &Context) -> Vec<f64> {
        let (cell, heading) = (style(SIZE, palette::INK, true), style(HEADING_SIZE, palette::INK, true));
        (0..self.headings.len())
            .map(|column| {
                let Heading { text, is_numeric } = &self.headings[column];
                let words = text.split_whitespace().map(|word| width(context, &clean(context, word), heading));
                let values = self.rows.iter().map(|row| {
                    let value = &row.cells[column];
                    if value.line.is_some() { LINE_WIDTH } else { width(context, &clean(context, &value.text), cell) }
                });
                let needed = words.chain(values).fold(0.0, f64::max) + GAP;
                // A heading of one word or a number is never broken, unless it alone would fill the page.
                if *is_numeric { needed.min(CONTENT_WIDTH / 2.0) } else { needed.min(WIDEST_TEXT) }
            })
            .collect()
    }

    /// Draws the heading and as many rows of the current part as there is room for, from `top` on; returns where it ends and whether
    /// the part is complete.
    fn draw_part(&mut self, context: &Context, area: &Area<'_>, top: f64) -> Result<Option<(f64, bool)>, Error> {
        let room = mm(area.size().height);
        let part = &self.parts[self.part];
        let (heading_style, normal, total) =
            (style(HEADING_SIZE, palette::WHITE, true), style(SIZE, palette::INK, false), style(SIZE, palette::INK, true));
        let wrapped = |texts: &mut dyn Iterator<Item = &String>, text_style: Style| -> (Vec<Vec<String>>, f64) {
            let cells: Vec<Vec<String>> =
                texts.zip(&part.columns).map(|(text, (_, width))| shortened(wrap(context, text, text_style, width - GAP + 0.3))).collect();
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            let lines = cells.iter().map(Vec::len).max().unwrap_or(1) as f64;
            (cells, lines * line_height(context, text_style) + 2.0 * PADDING)
        };
        // A row's place in the tree; none for headings that are repeated.
        let place = |cells: &[Vec<String>], y: f64, style_of: &dyn Fn(usize) -> Style, row: Option<(usize, bool)>| -> Result<(), Error> {
            // Where pages are only counted, heights are all that matters.
            if self.progress.structure.is_none() {
                return Ok(());
            }
            let mut x = 0.0;
            for (number, (lines, (column, width))) in cells.iter().zip(&part.columns).enumerate() {
                if let Some((row, is_heading)) = row {
                    let is_head = is_heading || number == 0;
                    let role = if is_head { Role::Head { of_column: is_heading, span: 1 } } else { Role::Cell };
                    self.progress.begin(area, y, role, row);
                }
                let (mut line_y, text_style) = (y, style_of(*column));
                for line in lines {
                    if self.headings[*column].is_numeric {
                        put_clean(context, area, (x + width - GAP / 2.0, line_y), line, text_style, Anchor::End)?;
                    } else {
                        put_clean(context, area, (x + GAP / 2.0, line_y), line, text_style, Anchor::Start)?;
                    }
                    line_y += line_height(context, text_style);
                }
                x += width;
            }
            if row.is_some() {
                self.progress.end(area);
            }
            Ok(())
        };
        let (headings, heading_height) = wrapped(&mut part.columns.iter().map(|(column, _)| &self.headings[*column].text), heading_style);
        // Room for the heading and two rows, or nothing: the title's own rule keeps short tables whole.
        if room - top < heading_height + 14.0 {
            return Ok(None);
        }
        fill(area, 0.0, top, CONTENT_WIDTH, heading_height, palette::MAIN);
        let is_new = self.node.is_none();
        let node = self.node.unwrap_or_else(|| self.progress.add(Role::Table, DOCUMENT));
        let heading_row = is_new.then(|| (self.progress.add(Role::Row, node), true));
        place(&headings, top + PADDING, &|_| heading_style, heading_row)?;
        let mut y = top + heading_height;
        let mut striped = false;
        let first = self.next;
        let mut next = first;
        while let Some(row) = self.rows.get(next) {
            let text_style = if row.is_total { total } else { normal };
            let (cells, height) = wrapped(&mut part.columns.iter().map(|(column, _)| &row.cells[*column].text), text_style);
            let title = if next == first { row.group.as_ref().or(row.continued.as_ref()) } else { row.group.as_ref() };
            let group_height = if title.is_some() { GROUP_HEIGHT } else { 0.0 };
            // A group's title stays with at least two rows, so that none stands alone at the foot of a page.
            let needed = height + group_height + if title.is_some() && !row.is_total { height } else { 0.0 };
            if y + needed > room {
                self.next = next;
                self.node = Some(node);
                return Ok(if next == first { None } else { Some((y, false)) });
            }
            if let Some(group) = title {
                // A title that only goes on is not said twice.
                if row.group.is_some() {
                    let group_row = self.progress.add(Role::Row, node);
                    let role = Role::Head { of_column: false, span: part.columns.len() };
                    self.progress.begin(area, y + 1.9, role, group_row);
                }
                put(context, area, GAP / 2.0, y + 1.9, group, style(SIZE, palette::MAIN, true), Anchor::Start)?;
                self.progress.end(area);
                y += group_height;
                rule(area, 0.0, y, CONTENT_WIDTH, 0.25, palette::MAIN);
                striped = false;
            }
            if row.is_total {
                rule(area, 0.0, y, CONTENT_WIDTH, 0.3, palette::INK);
            } else if striped {
                fill(area, 0.0, y, CONTENT_WIDTH, height, palette::GROUND);
            }
            striped = !striped;
            let mut x = 0.0;
            for (column, width) in &part.columns {
                let value = &row.cells[*column];
                if let Some(share) = value.bar.filter(|share| *share > 0.0) {
                    fill(area, x + 0.6, y + 0.7, (width - 1.2) * share, height - 1.4, palette::BAR);
                }
                if let Some((line, highest)) = &value.line {
                    small_line(area, (x + GAP / 2.0, y + 1.2), (width - GAP, height - 2.4), line, *highest);
                }
                x += width;
            }
            let missed = style(SIZE, palette::BAD, true);
            let place_in_tree = (self.progress.add(Role::Row, node), false);
            place(&cells, y + PADDING, &|column| if row.cells[column].is_missed { missed } else { text_style }, Some(place_in_tree))?;
            y += height;
            next += 1;
        }
        (self.next, self.node) = (next, None);
        rule(area, 0.0, y, CONTENT_WIDTH, 0.2, palette::RULE);
        Ok(Some((y, true)))
    }
}

/// Keeps a cell low enough for two rows to find room on a page; what is cut is marked, and the workbook has it.
fn shortened(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES - 1);
        lines.push("[…]".to_owned());
    }
    lines
}

/// Draws a line without axes, its last point marked.
fn small_line(area: &Area<'_>, (x, y): (f64, f64), (width, height): (f64, f64), values: &[Option<f64>], highest: f64) {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred points")]
    let step = width / (values.len().saturating_sub(1)).max(1) as f64;
    let y_of = |value: f64| y + height * (1.0 - if highest > 0.0 { value / highest } else { 0.0 });
    #[expect(clippy::cast_precision_loss, reason = "a few hundred points")]
    let point = |place: usize, value: f64| (x + step * place as f64, y_of(value));
    for part in values.iter().enumerate().collect::<Vec<_>>().split(|(_, value)| value.is_none()) {
        let points: Vec<(f64, f64)> = part.iter().filter_map(|(place, value)| Some(point(*place, (**value)?))).collect();
        if points.len() > 1 {
            polyline(area, &points, 0.3, palette::MAIN);
        }
    }
    if let Some((place, value)) = values.iter().enumerate().rev().find_map(|(place, value)| Some((place, (*value)?))) {
        let (x, y) = point(place, value);
        fill(area, x - 0.5, y - 0.5, 1.0, 1.0, palette::CAUTION);
    }
}

impl Element for TableElement {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        const BETWEEN_PARTS: f64 = 4.0;
        if self.parts.is_empty() {
            self.parts = self.parts(context);
        }
        let mut y = 0.0;
        loop {
            let Some((end, is_complete)) = self.draw_part(context, &area, y)? else {
                return Ok(if y > 0.0 { RenderResult { size: size(y), has_more: true } } else { later() });
            };
            y = end;
            if !is_complete {
                return Ok(RenderResult { size: size(y), has_more: true });
            }
            if self.part + 1 == self.parts.len() {
                break;
            }
            (self.part, self.next) = (self.part + 1, 0);
            y += BETWEEN_PARTS;
        }
        for footnote in &self.footnotes {
            if y + 5.0 <= mm(area.size().height) {
                self.progress.begin(&area, y + 1.0, Role::Paragraph, DOCUMENT);
                put(context, &area, 0.0, y + 1.0, footnote, style(6, palette::MUTED, false), Anchor::Start)?;
                self.progress.end(&area);
                y += 3.6;
            }
        }
        Ok(done(y))
    }
}

fn size(height: f64) -> Size {
    Size::new(length(CONTENT_WIDTH), length(height))
}
