//! The PDF: a controlled document with key figures, vector charts and tables of any length.
//!
//! Drawn with genpdf through elements of our own, twice: once to learn the number of pages, once for good, with marks of what is what. A
//! finishing pass makes headings, tables, bookmarks and links of the marks, sets metadata and takes out everything random.

mod elements;
mod finish;
mod metadata;
mod origin;
mod page;
mod structure;
mod table;
mod text;

use std::{cell::RefCell, rc::Rc};

use genpdf::{
    Document, PaperSize,
    fonts::{FontData, FontFamily},
    render::Area,
};

use self::{
    elements::{BlockTitle, DefinitionList, DrawingElement, Empty, KpiGrid, Notes, Sentences},
    origin::Origin,
    page::{Logo, PageFrame},
    structure::{Link, Mark, Role, Structure, mark},
    table::TableElement,
};
use super::{Locale, RenderError, chart};
use crate::domain::{
    ReportData,
    report_data::{Block, Content},
};

/// Width of the page's content in millimetres.
const CONTENT_WIDTH: f64 = 210.0 - 2.0 * page::MARGIN;

/// The node that everything belongs to.
const DOCUMENT: usize = 0;

/// What elements tell while they are drawn.
#[derive(Clone, Default)]
struct Progress {
    page: Rc<RefCell<usize>>,
    /// None while pages are only counted.
    structure: Option<Rc<RefCell<Structure>>>,
}

impl Progress {
    /// Adds a node without content of its own.
    fn add(&self, role: Role, parent: usize) -> usize {
        self.structure.as_ref().map_or(DOCUMENT, |structure| structure.borrow_mut().add(role, parent))
    }

    /// Says that what is drawn next is `role`, at the height `y` of an area of the page's content.
    fn begin(&self, area: &Area<'_>, y: f64, role: Role, parent: usize) {
        self.begin_at(area, page::MARGIN, y, role, parent);
    }

    fn begin_at(&self, area: &Area<'_>, left: f64, y: f64, role: Role, parent: usize) {
        if self.structure.is_some() {
            mark(area, left, Mark::Node(self.add(role, parent)), (y, y));
        }
    }

    /// Says that what is drawn next is ornament.
    fn end(&self, area: &Area<'_>) {
        self.end_at(area, page::MARGIN);
    }

    fn end_at(&self, area: &Area<'_>, left: f64) {
        if self.structure.is_some() {
            mark(area, left, Mark::Node(DOCUMENT), (0.0, 0.0));
        }
    }

    /// Makes a link of a rectangle of the page's content: from `x` on, `width` wide, from the height `y` to `end`.
    fn link(&self, area: &Area<'_>, (x, width): (f64, f64), (y, end): (f64, f64), to: &str, text: String) {
        if let Some(structure) = &self.structure {
            let left = page::MARGIN + x;
            let link = structure.borrow_mut().add_link(Link { sides: (left, left + width), to: to.to_owned(), text });
            mark(area, page::MARGIN, Mark::Link(link), (y, end));
        }
    }
}

/// Renders the PDF.
pub fn render(data: &ReportData, locale: &Locale) -> Result<Vec<u8>, RenderError> {
    let failed = |reason: String| RenderError::Pdf { report: data.report.clone(), reason };
    let logo = match &data.document.logo {
        Some(bytes) => Some(Logo::new(bytes).ok_or_else(|| failed("document.logo_file is no PNG that can be read".to_owned()))?),
        None => None,
    };
    let counted = Progress::default();
    draw(data, (locale, logo.as_ref()), 0, &counted).map_err(|error| failed(error.to_string()))?;
    let pages = *counted.page.borrow();
    let structure = Rc::new(RefCell::new(Structure::default()));
    let progress = Progress { structure: Some(Rc::clone(&structure)), ..Progress::default() };
    let bytes = draw(data, (locale, logo.as_ref()), pages, &progress).map_err(|error| failed(error.to_string()))?;
    finish::finish(&bytes, data, &structure.borrow(), logo.as_ref()).map_err(|error| failed(error.to_string()))
}

fn draw(
    data: &ReportData,
    (locale, logo): (&Locale, Option<&Logo>),
    pages: usize,
    progress: &Progress,
) -> Result<Vec<u8>, genpdf::error::Error> {
    let mut document = Document::new(fonts()?);
    document.set_title(&data.title);
    document.set_paper_size(PaperSize::A4);
    document.set_minimal_conformance();
    document.set_font_size(9);
    document.set_page_decorator(PageFrame::new(data, (locale, logo), pages, progress.clone()));
    let has = |wanted: fn(&Content) -> bool| data.blocks.iter().any(|block| wanted(&block.content));
    document.push(Notes::lead(data, !has(|content| matches!(content, Content::Notes)), progress.clone()));
    for block in &data.blocks {
        push_block(&mut document, block, data, locale, progress);
    }
    if !has(|content| matches!(content, Content::Glossary)) {
        document.push(BlockTitle::new("definitions", locale.text("pdf-definitions"), None, 30.0, progress.clone()));
        document.push(DefinitionList::new(data, progress.clone()));
    }
    let origin = Origin::new(data, locale, progress.clone());
    document.push(BlockTitle::new("origin", locale.text("pdf-origin"), None, origin.least_height(), progress.clone()));
    document.push(origin);
    let mut bytes = Vec::new();
    document.render(&mut bytes)?;
    Ok(bytes)
}

fn push_block(document: &mut Document, block: &Block, data: &ReportData, locale: &Locale, progress: &Progress) {
    let title = |height: f64| BlockTitle::new(&block.id, block.title.clone(), block.note.clone(), height, progress.clone());
    match &block.content {
        Content::Findings { findings } if !findings.is_empty() => {
            document.push(title(12.0));
            document.push(Sentences::of_findings(findings, locale, progress.clone()));
        }
        Content::Text { paragraphs } => {
            document.push(title(12.0));
            document.push(Sentences::of_paragraphs(paragraphs, progress.clone()));
        }
        Content::Notes if !data.notes.is_empty() => {
            document.push(title(8.0));
            document.push(Notes::all(data, progress.clone()));
        }
        Content::Glossary => {
            document.push(title(30.0));
            document.push(DefinitionList::new(data, progress.clone()));
        }
        Content::Kpis { figures } => {
            let grid = KpiGrid::new(figures, &data.blocks, locale, progress.clone());
            document.push(title(grid.height()));
            document.push(grid);
        }
        Content::Chart(chart) if chart.table.row_count() > 0 => {
            let drawing = chart::draw(chart, CONTENT_WIDTH, locale);
            document.push(title(drawing.height));
            document.push(DrawingElement::new(drawing, chart::in_words(&block.title, chart, locale), progress.clone()));
        }
        Content::HeatMap(heat_map) if heat_map.table.row_count() > 0 => {
            let drawing = chart::draw_heat_map(heat_map, CONTENT_WIDTH, locale);
            document.push(title(drawing.height));
            let words = chart::heat_map_in_words(&block.title, heat_map, locale);
            document.push(DrawingElement::new(drawing, words, progress.clone()));
        }
        Content::Table(view) if view.table.row_count() > 0 => {
            let table = TableElement::new(view, locale, progress.clone());
            document.push(title(table.wanted_height()));
            document.push(table);
        }
        _ => {
            document.push(title(8.0));
            document.push(Empty::new(locale.text("table-empty"), progress.clone()));
        }
    }
}

fn fonts() -> Result<FontFamily<FontData>, genpdf::error::Error> {
    let face = |bytes: &[u8]| FontData::new(bytes.to_vec(), None);
    let bold = face(include_bytes!("../../../assets/fonts/Inter-bold.ttf"))?;
    Ok(FontFamily {
        regular: face(include_bytes!("../../../assets/fonts/Inter-regular.ttf"))?,
        italic: face(include_bytes!("../../../assets/fonts/Inter-italic.ttf"))?,
        // Nothing is set in bold italics: the same face is embedded once.
        bold_italic: bold.clone(),
        bold,
    })
}
