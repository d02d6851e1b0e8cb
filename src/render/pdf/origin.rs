//! The last part: who answers for the document, and how its figures are found again.

use genpdf::{Context, Element, RenderResult, error::Error, render::Area, style::Style};

use super::{
    CONTENT_WIDTH, DOCUMENT, Progress,
    elements::{done, later},
    structure::Role,
    text::{fill, line_height, mm, put, rule, style, wrap},
};
use crate::{
    domain::ReportData,
    render::{Locale, chart::Anchor, content_sha256, palette},
};

/// Boxes to be signed, then facts, one a line.
pub struct Origin {
    /// What somebody did, and who.
    approvals: Vec<(String, String)>,
    signature: String,
    facts: Vec<(String, String)>,
    progress: Progress,
}

const BOX_HEIGHT: f64 = 21.0;
const BOX_GAP: f64 = 4.0;

/// A fact with a note below it takes a few lines; so much is certain for all of them.
const FACT_HEIGHT: f64 = 4.4;

impl Origin {
    pub fn new(data: &ReportData, locale: &Locale, progress: Progress) -> Origin {
        let document = &data.document;
        let approvals = [("pdf-prepared", &document.prepared_by), ("pdf-approved", &document.approved_by)];
        let (snapshot, period) = (&data.snapshot, data.period.to_string());
        let sector = data.sector.as_ref().map(|sector| format!(" --sector \"{sector}\"")).unwrap_or_default();
        let command = format!(
            "relato report {} --period {period}{sector} --as-of {} --no-details --format json | sha256sum",
            data.report, snapshot.id
        );
        let rows = format!("relato report {} --period {period}{sector} --as-of {} --trace", data.report, snapshot.id);
        let queries = data.queries.iter().map(|query| format!("{} {}", query.name, &query.sha256[..12]));
        let mut facts = vec![
            (locale.text("about-snapshot"), snapshot.id.clone()),
            (locale.text("about-published"), locale.time(snapshot.published_local)),
        ];
        facts.extend(snapshot.loaded_until_local.map(|until| (locale.text("about-loaded-until"), locale.time(until))));
        facts.extend([
            (locale.text("about-timezone"), data.timezone.clone()),
            (locale.text("about-content"), content_sha256(data)),
            (locale.text("about-verify"), command),
            (locale.text("about-rows"), rows),
            (locale.text("pdf-queries"), queries.collect::<Vec<_>>().join(" · ")),
        ]);
        Origin {
            approvals: approvals.into_iter().filter_map(|(key, who)| Some((locale.text(key), who.clone()?))).collect(),
            signature: locale.text("pdf-signature"),
            facts,
            progress,
        }
    }

    /// Height that it takes at least.
    pub fn least_height(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a handful of lines")]
        let facts = self.facts.len() as f64;
        facts * FACT_HEIGHT + 8.0 + if self.approvals.is_empty() { 0.0 } else { BOX_HEIGHT + BOX_GAP }
    }
}

impl Element for Origin {
    fn render(&mut self, context: &Context, area: Area<'_>, _style: Style) -> Result<RenderResult, Error> {
        const NAME: f64 = 44.0;
        let (name_style, text_style) = (style(7, palette::MUTED, true), style(7, palette::INK, false));
        let facts: Vec<_> = self
            .facts
            .iter()
            .map(|(name, text)| (wrap(context, name, name_style, NAME - 3.0), wrap(context, text, text_style, CONTENT_WIDTH - NAME)))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a few lines")]
        let height_of = |lines: usize| lines as f64 * line_height(context, text_style) + 1.3;
        let facts_height: f64 = facts.iter().map(|(name, text)| height_of(name.len().max(text.len()))).sum();
        let boxes_height = if self.approvals.is_empty() { 0.0 } else { BOX_HEIGHT + BOX_GAP };
        if mm(area.size().height) < boxes_height + facts_height {
            return Ok(later());
        }
        let width = (CONTENT_WIDTH - BOX_GAP) / 2.0;
        let mut x = 0.0;
        for (what, who) in &self.approvals {
            fill(&area, x, 0.0, width, BOX_HEIGHT, palette::GROUND);
            self.progress.begin(&area, 1.8, Role::Paragraph, DOCUMENT);
            put(context, &area, x + 3.0, 1.8, what, style(7, palette::MUTED, false), Anchor::Start)?;
            put(context, &area, x + 3.0, 5.2, who, style(9, palette::INK, true), Anchor::Start)?;
            put(context, &area, x + 3.0, BOX_HEIGHT - 3.6, &self.signature, style(6, palette::MUTED, false), Anchor::Start)?;
            self.progress.end(&area);
            rule(&area, x + 3.0, BOX_HEIGHT - 4.2, width - 6.0, 0.2, palette::MUTED);
            x += width + BOX_GAP;
        }
        let mut y = boxes_height;
        for (name, text) in facts {
            let height = height_of(name.len().max(text.len()));
            self.progress.begin(&area, y, Role::Paragraph, DOCUMENT);
            for (lines, x, style) in [(name, 0.0, name_style), (text, NAME, text_style)] {
                for (line, place) in lines.iter().zip(0_u32..) {
                    put(context, &area, x, y + f64::from(place) * line_height(context, style), line, style, Anchor::Start)?;
                }
            }
            self.progress.end(&area);
            y += height;
        }
        Ok(done(y))
    }
}
