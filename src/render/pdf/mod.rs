//! The PDF: a controlled document with key figures, vector charts and tables of any length.
//!
//! Drawn with genpdf through elements of our own, twice: once to learn the number of pages, once for good. A finishing pass sets
//! title, language, dates and bookmarks and takes out everything random.

mod elements;
mod finish;
mod page;
mod table;
mod text;

use std::{cell::RefCell, rc::Rc};

use genpdf::{
    Document, PaperSize,
    fonts::{FontData, FontFamily},
};

use self::{
    elements::{BlockTitle, DefinitionList, DrawingElement, Empty, KpiGrid, Notes, Sentences},
    page::PageFrame,
    table::TableElement,
};
use super::{Locale, RenderError, chart};
use crate::domain::{
    ReportData,
    report_data::{Block, Content},
};

/// Width of the page's content in millimetres.
const CONTENT_WIDTH: f64 = 210.0 - 2.0 * page::MARGIN;

/// Titles with the page on which each stands, from 0.
type Bookmarks = Rc<RefCell<Vec<(String, usize)>>>;

/// What elements tell while they are drawn.
#[derive(Clone, Default)]
struct Progress {
    page: Rc<RefCell<usize>>,
    bookmarks: Bookmarks,
}

/// Renders the PDF.
pub fn render(data: &ReportData, locale: &Locale) -> Result<Vec<u8>, RenderError> {
    let failed = |reason: String| RenderError::Pdf { report: data.report.clone(), reason };
    let (_, pages) = draw(data, locale, 0).map_err(|error| failed(error.to_string()))?;
    let mut bookmarks = Vec::new();
    let (bytes, _) = draw_with(data, locale, pages, &mut bookmarks).map_err(|error| failed(error.to_string()))?;
    finish::finish(&bytes, data, &bookmarks).map_err(|error| failed(error.to_string()))
}

fn draw(data: &ReportData, locale: &Locale, pages: usize) -> Result<(Vec<u8>, usize), genpdf::error::Error> {
    draw_with(data, locale, pages, &mut Vec::new())
}

fn draw_with(
    data: &ReportData,
    locale: &Locale,
    pages: usize,
    bookmarks: &mut Vec<(String, usize)>,
) -> Result<(Vec<u8>, usize), genpdf::error::Error> {
    let progress = Progress::default();
    let mut document = Document::new(fonts()?);
    document.set_title(&data.title);
    document.set_paper_size(PaperSize::A4);
    document.set_minimal_conformance();
    document.set_font_size(9);
    document.set_page_decorator(PageFrame::new(data, locale, pages, progress.clone()));
    let has = |wanted: fn(&Content) -> bool| data.blocks.iter().any(|block| wanted(&block.content));
    document.push(Notes::lead(data, !has(|content| matches!(content, Content::Notes))));
    for block in &data.blocks {
        push_block(&mut document, block, data, locale, &progress);
    }
    if !has(|content| matches!(content, Content::Glossary)) {
        document.push(BlockTitle::new(locale.text("pdf-definitions"), None, 30.0, progress.clone()));
        document.push(DefinitionList::new(data));
    }
    document.push(Notes::queries(data, locale));
    let mut bytes = Vec::new();
    document.render(&mut bytes)?;
    bookmarks.clone_from(&progress.bookmarks.borrow());
    let count = *progress.page.borrow();
    Ok((bytes, count))
}

fn push_block(document: &mut Document, block: &Block, data: &ReportData, locale: &Locale, progress: &Progress) {
    let title = |height: f64| BlockTitle::new(block.title.clone(), block.note.clone(), height, progress.clone());
    match &block.content {
        Content::Findings { findings } if !findings.is_empty() => {
            document.push(title(12.0));
            document.push(Sentences::of_findings(findings, locale));
        }
        Content::Text { paragraphs } => {
            document.push(title(12.0));
            document.push(Sentences::of_paragraphs(paragraphs));
        }
        Content::Notes if !data.notes.is_empty() => {
            document.push(title(8.0));
            document.push(Notes::all(data));
        }
        Content::Glossary => {
            document.push(title(30.0));
            document.push(DefinitionList::new(data));
        }
        Content::Kpis { figures } => {
            let grid = KpiGrid::new(figures, locale);
            document.push(title(grid.height()));
            document.push(grid);
        }
        Content::Chart(chart) if chart.table.row_count() > 0 => {
            let drawing = chart::draw(chart, CONTENT_WIDTH, locale);
            document.push(title(drawing.height));
            document.push(DrawingElement::new(drawing));
        }
        Content::HeatMap(heat_map) if heat_map.table.row_count() > 0 => {
            let drawing = chart::draw_heat_map(heat_map, CONTENT_WIDTH, locale);
            document.push(title(drawing.height));
            document.push(DrawingElement::new(drawing));
        }
        Content::Table(view) if view.table.row_count() > 0 => {
            let table = TableElement::new(view, locale);
            document.push(title(table.wanted_height()));
            document.push(table);
        }
        _ => {
            document.push(title(8.0));
            document.push(Empty::new(locale.text("table-empty")));
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
