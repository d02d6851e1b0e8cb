//! Parts of a page: titles, key figures, drawings, notes, definitions.

use genpdf::{Context, Element, Mm, RenderResult, Size, error::Error, render::Area, style::Style};

use super::{
    CONTENT_WIDTH, DOCUMENT, Progress,
    structure::Role,
    text::{draw, fill, length, line_height, mm, put, style, wrap},
};
use crate::{
    domain::{
        ReportData,
        report_data::{Block, CompletenessState, Content, Definition, Figure, Finding, Verdict},
    },
    render::{
        Locale,
        chart::{Anchor, Drawing},
        figure,
        palette::{self, Rgb},
    },
};

/// An element that fits: its height is taken.
pub fn done(height: f64) -> RenderResult {
    RenderResult { size: Size::new(length(CONTENT_WIDTH), length(height)), has_more: false }
}

/// An element that does not fit: it comes again on the next page. The size must not be zero, or genpdf gives up.
pub fn later() -> RenderResult {
    RenderResult { size: Size::new(length(CONTENT_WIDTH), Mm::from(0.01_f32)), has_more: true }
}

fn room(area: &Area<'_>) -> f64 {
    mm(area.size().height)
}

/// A part's title with a line under it; it stays with the first `follows` millimetres of what it names.
pub struct BlockTitle {
    anchor: String,
    title: String,
    note: Option<String>,
    follows: f64,
    progress: Progress,
}

impl BlockTitle {
    /// `anchor` is where links to the part lead.
    pub fn new(anchor: &str, title: String, note: Option<String>, follows: f64, progress: Progress) -> BlockTitle {
        BlockTitle { anchor: anchor.to_owned(), title, note, follows, progress }
    }
}

impl Element for BlockTitle {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        const ABOVE: f64 = 3.6;
        let note_style = style(7, palette::MUTED, false).italic();
        let notes = self.note.as_ref().map(|note| wrap(context, note, note_style, CONTENT_WIDTH)).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a line or two")]
        let height = ABOVE + 5.2 + notes.len() as f64 * line_height(context, note_style) + 1.2;
        if room(&area) < height + self.follows {
            return Ok(later());
        }
        let role = Role::Heading { anchor: self.anchor.clone(), text: self.title.clone() };
        self.progress.begin(&area, ABOVE, role, DOCUMENT);
        put(context, &area, 0.0, ABOVE, &self.title, style(11, palette::MAIN, true), Anchor::Start)?;
        let mut y = ABOVE + 5.2;
        if !notes.is_empty() {
            self.progress.begin(&area, y, Role::Paragraph, DOCUMENT);
        }
        for line in notes {
            put(context, &area, 0.0, y, &line, note_style, Anchor::Start)?;
            y += line_height(context, note_style);
        }
        self.progress.end(&area);
        Ok(done(height))
    }
}

/// Sentences, each behind a word that says how to take it.
pub struct Sentences {
    lines: Vec<(Option<(String, Rgb)>, String)>,
    next: usize,
    progress: Progress,
}

impl Sentences {
    /// What was found, one finding a line.
    pub fn of_findings(findings: &[Finding], locale: &Locale, progress: Progress) -> Sentences {
        let mark = |finding: &Finding| {
            let (key, color) = match finding.verdict {
                Verdict::Better => ("finding-good", palette::GOOD),
                Verdict::Worse => ("finding-bad", palette::BAD),
                Verdict::Neutral => ("finding-note", palette::MUTED),
            };
            (locale.text(key), color)
        };
        Sentences { lines: findings.iter().map(|finding| (Some(mark(finding)), finding.text.clone())).collect(), next: 0, progress }
    }

    /// Paragraphs.
    pub fn of_paragraphs(paragraphs: &[String], progress: Progress) -> Sentences {
        Sentences { lines: paragraphs.iter().map(|text| (None, text.clone())).collect(), next: 0, progress }
    }
}

impl Element for Sentences {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        const MARK: f64 = 17.0;
        let text_style = style(9, palette::INK, false);
        let mut y = 0.6;
        while let Some((mark, text)) = self.lines.get(self.next) {
            let left = if mark.is_some() { MARK } else { 0.0 };
            let lines = wrap(context, text, text_style, CONTENT_WIDTH - left);
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            let height = lines.len() as f64 * line_height(context, text_style) + 1.1;
            if y + height > room(&area) {
                return Ok(if y > 0.6 {
                    RenderResult { size: Size::new(length(CONTENT_WIDTH), length(y)), has_more: true }
                } else {
                    later()
                });
            }
            self.progress.begin(&area, y, Role::Paragraph, DOCUMENT);
            if let Some((word, color)) = mark {
                put(context, &area, 0.0, y, word, style(8, *color, true), Anchor::Start)?;
            }
            for (line, top) in lines.iter().zip(0_u32..) {
                let top = y + f64::from(top) * line_height(context, text_style);
                put(context, &area, left, top, line, text_style, Anchor::Start)?;
            }
            self.progress.end(&area);
            y += height;
            self.next += 1;
        }
        Ok(done(y))
    }
}

/// Key figures as tiles, four a row.
pub struct KpiGrid {
    tiles: Vec<Tile>,
    progress: Progress,
}

struct Tile {
    label: String,
    value: String,
    change: (String, Rgb),
    detail: String,
    aim: Option<(String, Rgb)>,
    /// The part that tells more, and what to call the way there.
    leads_to: Option<(String, String)>,
}

const TILES_PER_ROW: usize = 4;
const TILE_HEIGHT: f64 = 21.5;
/// A line more, in all tiles, where any figure has a target or a year before.
const AIM_HEIGHT: f64 = 3.8;
const TILE_GAP: f64 = 3.0;

/// Words with the colour that says what to think of them.
fn toned((words, verdict): (String, Verdict)) -> (String, Rgb) {
    (words, palette::tone(verdict))
}

impl KpiGrid {
    /// Each tile leads to the part among `blocks` that tells more of its figure.
    pub fn new(figures: &[Figure], blocks: &[Block], locale: &Locale, progress: Progress) -> KpiGrid {
        let tiles = figures
            .iter()
            .map(|figure| Tile {
                label: figure.column.label.clone(),
                value: locale.figure(figure),
                change: toned(figure::change(figure, locale)),
                detail: figure.detail.clone().or_else(|| figure.n.map(|n| format!("n = {}", locale.count(n)))).unwrap_or_default(),
                aim: figure::aim(figure, locale).map(toned),
                leads_to: part_about(figure, blocks).map(|block| {
                    (block.id.clone(), locale.text_with("pdf-link", &[("figure", &figure.column.label), ("part", &block.title)]))
                }),
            })
            .collect();
        KpiGrid { tiles, progress }
    }

    pub fn height(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
        let rows = self.tiles.len().div_ceil(TILES_PER_ROW) as f64;
        rows * (self.tile_height() + TILE_GAP)
    }

    fn tile_height(&self) -> f64 {
        TILE_HEIGHT + if self.tiles.iter().any(|tile| tile.aim.is_some()) { AIM_HEIGHT } else { 0.0 }
    }
}

/// Returns the first table with a column of the figure's metric.
fn part_about<'a>(figure: &Figure, blocks: &'a [Block]) -> Option<&'a Block> {
    let metric = figure.column.metric.as_ref()?;
    blocks.iter().find(|block| match &block.content {
        Content::Table(view) => {
            let columns = view.table.columns().iter().filter(|column| view.shown.contains(&column.name));
            columns.filter_map(|column| column.metric.as_ref()).any(|known| known == metric)
        }
        _ => false,
    })
}

impl Element for KpiGrid {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        if room(&area) < self.height() {
            return Ok(later());
        }
        let width = (CONTENT_WIDTH - TILE_GAP * 3.0) / 4.0;
        let (mut x, mut y) = (0.0, 0.0);
        for (index, tile) in self.tiles.iter().enumerate() {
            if index > 0 && index % TILES_PER_ROW == 0 {
                x = 0.0;
                y += self.tile_height() + TILE_GAP;
            }
            fill(&area, x, y, width, self.tile_height(), palette::GROUND);
            fill(&area, x, y, width, 0.7, palette::MAIN);
            self.progress.begin(&area, y + 2.2, Role::Paragraph, DOCUMENT);
            put(context, &area, x + 3.0, y + 2.2, &tile.label, style(7, palette::MUTED, false), Anchor::Start)?;
            put(context, &area, x + 3.0, y + 5.6, &tile.value, style(15, palette::INK, true), Anchor::Start)?;
            let (text, color) = &tile.change;
            put(context, &area, x + 3.0, y + 13.2, text, style(7, *color, true), Anchor::Start)?;
            put(context, &area, x + 3.0, y + 17.2, &tile.detail, style(6, palette::MUTED, false), Anchor::Start)?;
            if let Some((text, color)) = &tile.aim {
                put(context, &area, x + 3.0, y + 20.8, text, style(6, *color, true), Anchor::Start)?;
            }
            self.progress.end(&area);
            if let Some((to, text)) = &tile.leads_to {
                self.progress.link(&area, (x, width), (y, y + self.tile_height()), to, text.clone());
            }
            x += width + TILE_GAP;
        }
        Ok(done(self.height()))
    }
}

/// A chart or heat map.
pub struct DrawingElement {
    drawing: Drawing,
    words: String,
    progress: Progress,
}

impl DrawingElement {
    /// `words` stand for the drawing where it is not seen.
    pub fn new(drawing: Drawing, words: String, progress: Progress) -> DrawingElement {
        DrawingElement { drawing, words, progress }
    }
}

impl Element for DrawingElement {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        if room(&area) < self.drawing.height {
            return Ok(later());
        }
        self.progress.begin(&area, 0.0, Role::Figure(self.words.clone()), DOCUMENT);
        draw(context, &area, &self.drawing)?;
        self.progress.end(&area);
        Ok(done(self.drawing.height))
    }
}

/// A part without data.
pub struct Empty {
    text: String,
    progress: Progress,
}

impl Empty {
    pub fn new(text: String, progress: Progress) -> Empty {
        Empty { text, progress }
    }
}

impl Element for Empty {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        self.progress.begin(&area, 0.0, Role::Paragraph, DOCUMENT);
        put(context, &area, 0.0, 0.0, &self.text, style(9, palette::MUTED, false).italic(), Anchor::Start)?;
        self.progress.end(&area);
        Ok(done(6.0))
    }
}

/// Running notes, such as the completeness of the figures before everything.
pub struct Notes {
    lines: Vec<(String, Rgb, bool)>,
    ground: Option<Rgb>,
    size: u8,
    progress: Progress,
}

impl Notes {
    /// What must be read with the figures, without the verdict on their completeness.
    pub fn all(data: &ReportData, progress: Progress) -> Notes {
        Notes { lines: data.notes.iter().map(|note| (note.clone(), palette::MUTED, false)).collect(), ground: None, size: 8, progress }
    }

    /// What must be read before the figures; `with_notes` unless these have a part of their own.
    pub fn lead(data: &ReportData, with_notes: bool, progress: Progress) -> Notes {
        let is_closed = data.completeness.state == CompletenessState::Closed;
        let color = if is_closed { palette::MUTED } else { palette::CAUTION };
        let mut lines = vec![(data.completeness.sentence.clone(), color, !is_closed)];
        lines.extend(data.notes.iter().filter(|_| with_notes).map(|note| (note.clone(), palette::MUTED, false)));
        Notes { lines, ground: (!is_closed).then_some(palette::CAUTION_GROUND), size: 7, progress }
    }
}

impl Element for Notes {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        let inset = if self.ground.is_some() { 3.0 } else { 0.0 };
        let mut placed = Vec::new();
        let mut y = 1.0 + inset / 2.0;
        for (text, color, bold) in &self.lines {
            let style = style(self.size, *color, *bold);
            for line in wrap(context, text, style, CONTENT_WIDTH - 2.0 * inset) {
                placed.push((y, line, style));
                y += line_height(context, style);
            }
            y += 0.4;
        }
        let height = y + inset / 2.0;
        if room(&area) < height {
            return Ok(later());
        }
        if let Some(ground) = self.ground {
            fill(&area, 0.0, 0.0, CONTENT_WIDTH, height, ground);
        }
        self.progress.begin(&area, 0.0, Role::Paragraph, DOCUMENT);
        for (y, line, style) in placed {
            put(context, &area, inset, y, &line, style, Anchor::Start)?;
        }
        self.progress.end(&area);
        Ok(done(height))
    }
}

/// What every figure means; breaks between entries.
pub struct DefinitionList {
    entries: Vec<Definition>,
    next: usize,
    progress: Progress,
}

impl DefinitionList {
    pub fn new(data: &ReportData, progress: Progress) -> DefinitionList {
        DefinitionList { entries: data.definitions.clone(), next: 0, progress }
    }
}

impl Element for DefinitionList {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        const NAME: f64 = 44.0;
        let (name_style, text_style) = (style(8, palette::INK, true), style(8, palette::INK, false));
        let mut y = 0.0;
        while let Some(entry) = self.entries.get(self.next) {
            let name = wrap(context, &format!("{} ({})", entry.name, entry.metric), name_style, NAME - 3.0);
            let text = wrap(context, &entry.text, text_style, CONTENT_WIDTH - NAME);
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            let height = name.len().max(text.len()) as f64 * line_height(context, text_style) + 1.8;
            if y + height > room(&area) {
                return Ok(if y > 0.0 {
                    RenderResult { size: Size::new(length(CONTENT_WIDTH), length(y)), has_more: true }
                } else {
                    later()
                });
            }
            self.progress.begin(&area, y, Role::Paragraph, DOCUMENT);
            for (lines, x, style) in [(name, 0.0, name_style), (text, NAME, text_style)] {
                let mut line_y = y;
                for line in lines {
                    put(context, &area, x, line_y, &line, style, Anchor::Start)?;
                    line_y += line_height(context, style);
                }
            }
            self.progress.end(&area);
            y += height;
            self.next += 1;
        }
        Ok(done(y))
    }
}
