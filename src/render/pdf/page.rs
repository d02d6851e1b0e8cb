//! The frame of every page: the house's controlled-document header, and a footer that leads back to the data.

use genpdf::{Context, PageDecorator, error::Error, render::Area, style::Style};

use super::{
    DOCUMENT, Progress,
    structure::Role,
    text::{at, fill, length, put, rule, style, width, wrap},
};
use crate::{
    domain::ReportData,
    render::{
        Locale,
        chart::{Anchor, Pixels, pixels},
        palette,
    },
};

/// Left and right margin in millimetres.
pub const MARGIN: f64 = 14.0;
const TOP: f64 = 10.0;
const HEADER_HEIGHT: f64 = 22.0;
const FOOTER_HEIGHT: f64 = 13.0;

/// Stands for the page's number until a page is drawn.
const PAGE: &str = "\u{1}";

/// The house's logo in the header. The library that draws pages leaves its place free; the finishing pass puts it there.
pub struct Logo {
    /// Its colours, on the header's ground.
    pub pixels: Pixels,
    /// Left, upper edge, width and height on the page in millimetres.
    pub place: (f64, f64, f64, f64),
}

impl Logo {
    /// Reads a PNG; none where it is none, or has no size.
    pub fn new(png: &[u8]) -> Option<Logo> {
        const HEIGHT: f64 = HEADER_HEIGHT - 8.0;
        const LARGEST_WIDTH: f64 = 36.0;
        let pixels = pixels(png, palette::GROUND)?;
        let ratio = f64::from(pixels.width) / f64::from(pixels.height);
        let width = (HEIGHT * ratio).min(LARGEST_WIDTH);
        let height = width / ratio;
        (width > 0.0).then(|| Logo { pixels, place: (MARGIN + 4.0, TOP + (HEADER_HEIGHT - 4.0 - height) / 2.0, width, height) })
    }
}

/// Draws header and footer.
pub struct PageFrame {
    /// Millimetres of the header that the logo takes, its distance to the title included.
    logo_width: f64,
    organization: String,
    title: String,
    period: String,
    /// Label and value of the header's right-hand fields; the page number is added.
    fields: Vec<(String, String)>,
    page_label: String,
    /// "Page of pages" with [`PAGE`] where the page's number goes.
    page_of: String,
    approvals: Vec<String>,
    source: String,
    progress: Progress,
}

impl PageFrame {
    pub fn new(data: &ReportData, (locale, logo): (&Locale, Option<&Logo>), pages: usize, progress: Progress) -> PageFrame {
        let document = &data.document;
        let fields = [
            ("pdf-code", document.code.clone()),
            ("pdf-revision", document.revision.clone()),
            ("pdf-published", document.published.map(|day| locale.date(day))),
        ];
        let approvals = [("pdf-prepared", &document.prepared_by), ("pdf-approved", &document.approved_by)];
        let published = locale.time(data.snapshot.published_local);
        let mut source = locale.text_with("pdf-source", &[("snapshot", &data.snapshot.id), ("published", &published)]);
        if let Some(until) = data.snapshot.loaded_until_local {
            source = format!("{source} · {}", locale.text_with("pdf-data-until", &[("until", &locale.time(until))]));
        }
        let period = match &data.sector {
            Some(sector) => format!("{} · {}: {sector}", data.period_label, locale.text("pdf-sector")),
            None => data.period_label.clone(),
        };
        PageFrame {
            logo_width: logo.map_or(0.0, |logo| logo.place.2 + 3.0),
            organization: data.organization.clone(),
            title: data.title.clone(),
            period,
            fields: fields.into_iter().filter_map(|(key, value)| Some((locale.text(key), value?))).collect(),
            page_label: locale.text("pdf-page"),
            page_of: locale.text_with("pdf-page-of", &[("page", PAGE), ("pages", &pages.to_string())]),
            approvals: approvals
                .into_iter()
                .filter_map(|(key, value)| Some(format!("{}: {}", locale.text(key), value.as_ref()?)))
                .collect(),
            source,
            progress,
        }
    }

    fn header(&self, context: &Context, area: &Area<'_>, page: usize, full_width: f64) -> Result<(), Error> {
        const RIGHT: f64 = 46.0;
        let (left, top) = (MARGIN, TOP);
        fill(area, left, top, full_width, HEADER_HEIGHT - 4.0, palette::GROUND);
        fill(area, left, top, 1.6, HEADER_HEIGHT - 4.0, palette::MAIN);
        let (text_left, title_width) = (left + 5.0 + self.logo_width, full_width - RIGHT - 8.0 - self.logo_width);
        put(context, area, text_left, top + 1.8, &self.organization, style(8, palette::MUTED, false), Anchor::Start)?;
        let title = wrap(context, &self.title, style(14, palette::INK, true), title_width);
        // Once is enough for whoever hears it.
        if page == 1 {
            self.progress.begin_at(area, 0.0, top + 5.2, Role::Title, DOCUMENT);
        }
        put(context, area, text_left, top + 5.2, &title[0], style(14, palette::INK, true), Anchor::Start)?;
        if page == 1 {
            self.progress.begin_at(area, 0.0, top + 12.0, Role::Paragraph, DOCUMENT);
        }
        let period = wrap(context, &self.period, style(9, palette::MAIN, true), title_width);
        put(context, area, text_left, top + 12.0, &period[0], style(9, palette::MAIN, true), Anchor::Start)?;
        self.progress.end_at(area, 0.0);
        let mut fields: Vec<(&str, String)> = self.fields.iter().map(|(label, value)| (label.as_str(), value.clone())).collect();
        fields.push((&self.page_label, self.page_of.replace(PAGE, &page.to_string())));
        let mut y = top + 1.6;
        for (label, value) in fields {
            put(context, area, left + full_width - RIGHT, y, label, style(7, palette::MUTED, false), Anchor::Start)?;
            put(context, area, left + full_width - 3.0, y, &value, style(7, palette::INK, true), Anchor::End)?;
            y += 3.8;
        }
        Ok(())
    }

    fn footer(&self, context: &Context, area: &Area<'_>, full_width: f64) -> Result<(), Error> {
        let small = style(6, palette::MUTED, false);
        let y = 297.0 - FOOTER_HEIGHT;
        rule(area, MARGIN, y, full_width, 0.2, palette::RULE);
        put(context, area, MARGIN, y + 1.6, &self.source, small, Anchor::Start)?;
        let approvals = self.approvals.join("   ·   ");
        if width(context, &approvals, small) + width(context, &self.source, small) < full_width - 6.0 {
            put(context, area, MARGIN + full_width, y + 1.6, &approvals, small, Anchor::End)
        } else {
            put(context, area, MARGIN, y + 4.6, &approvals, small, Anchor::Start)
        }
    }
}

impl PageDecorator for PageFrame {
    fn decorate_page<'a>(&mut self, context: &Context, mut area: Area<'a>, _style: Style) -> Result<Area<'a>, Error> {
        *self.progress.page.borrow_mut() += 1;
        let page = *self.progress.page.borrow();
        let full_width = 210.0 - 2.0 * MARGIN;
        self.header(context, &area, page, full_width)?;
        self.footer(context, &area, full_width)?;
        area.add_offset(at(MARGIN, TOP + HEADER_HEIGHT - 1.0));
        area.set_width(length(full_width));
        area.set_height(length(297.0 - TOP - HEADER_HEIGHT - FOOTER_HEIGHT - 1.0));
        Ok(area)
    }
}
