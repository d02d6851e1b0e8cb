//! A report as the text of a mail: what a reader should know before opening a file.
//!
//! The markup is what mail programs understand: tables, styles on the elements themselves, a picture that comes along.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Locale, chart, figure, palette};
use crate::domain::{
    Language, ReportData,
    report_data::{CompletenessState, Content, Figure, Finding, Restatement, Verdict},
};

/// A mail without its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Subject.
    pub subject: String,
    /// For programs that show no markup.
    pub text: String,
    /// The same with looks; a picture in it is called [`Mail::PICTURE`].
    pub html: String,
    /// The picture, as PNG.
    pub picture: Option<Vec<u8>>,
}

impl Mail {
    /// Name by which the markup calls its picture.
    pub const PICTURE: &'static str = "chart";
}

/// What a mail says beside the report.
#[derive(Debug, Clone, Default)]
pub struct MailContext {
    /// Whether an open period is told in the subject and above everything else.
    pub has_banner: bool,
    /// Names of the files that come along.
    pub attached: Vec<String>,
    /// Files that are too large to come along, and where they are.
    pub elsewhere: Vec<String>,
    /// Name of the schedule that sends it.
    pub schedule: String,
    /// Who answers questions.
    pub owner: Option<String>,
}

/// Width of the picture, in millimetres.
const PICTURE_WIDTH: f64 = 150.0;

/// Sentences at most.
const MOST_FINDINGS: usize = 4;

/// Returns the mail that brings `data`.
pub fn mail(data: &ReportData, context: &MailContext) -> Mail {
    let locale = Locale::new(data.language);
    let letter = Letter { data, context, locale: &locale };
    Mail { subject: letter.subject(), text: letter.text(), html: letter.html().into_string(), picture: letter.picture() }
}

struct Letter<'a> {
    data: &'a ReportData,
    context: &'a MailContext,
    locale: &'a Locale,
}

impl Letter<'_> {
    fn subject(&self) -> String {
        let sector = self.data.sector.as_ref().map(|sector| format!(" · {sector}")).unwrap_or_default();
        let subject = format!("{}{sector} · {}", self.data.title, self.data.period_label);
        match self.banner() {
            Some(_) => format!("[{}] {subject}", self.locale.text(self.state_key())),
            None => subject,
        }
    }

    fn state_key(&self) -> &'static str {
        if self.data.completeness.state == CompletenessState::Incomplete { "mail-incomplete" } else { "mail-provisional" }
    }

    /// What to say of an open period.
    fn banner(&self) -> Option<&str> {
        (self.context.has_banner && self.data.completeness.state != CompletenessState::Closed)
            .then_some(self.data.completeness.sentence.as_str())
    }

    fn findings(&self) -> &[Finding] {
        let of_block = |block: &'_ crate::domain::report_data::Block| matches!(block.content, Content::Findings { .. });
        match self.data.blocks.iter().find(|block| of_block(block)).map(|block| &block.content) {
            Some(Content::Findings { findings }) => &findings[..findings.len().min(MOST_FINDINGS)],
            _ => &[],
        }
    }

    fn figures(&self) -> &[Figure] {
        let kpis = self.data.blocks.iter().find_map(|block| match &block.content {
            Content::Kpis { figures } => Some(figures.as_slice()),
            _ => None,
        });
        kpis.unwrap_or_default()
    }

    /// The first chart of the report.
    fn chart(&self) -> Option<(&str, &crate::domain::report_data::Chart)> {
        self.data.blocks.iter().find_map(|block| match &block.content {
            Content::Chart(chart) if chart.table.row_count() > 0 => Some((block.title.as_str(), chart)),
            _ => None,
        })
    }

    fn picture(&self) -> Option<Vec<u8>> {
        let (title, chart) = self.chart()?;
        chart::png(&chart::draw(chart, PICTURE_WIDTH, self.locale), title)
    }

    fn restated(&self, restatement: &Restatement) -> Vec<String> {
        let shown = |figure: &crate::domain::report_data::RestatedFigure, value: Option<f64>| {
            value.map_or_else(|| self.locale.text("no-data"), |value| self.locale.value(figure.column.kind, value))
        };
        let line = |figure: &crate::domain::report_data::RestatedFigure| {
            format!("{}: {} → {}", figure.column.label, shown(figure, figure.published), shown(figure, figure.now))
        };
        restatement.figures.iter().map(line).collect()
    }

    /// Heading of what changed since `restatement` went out.
    fn restated_heading(&self, restatement: &Restatement) -> String {
        let published = self.locale.time(restatement.published_local);
        self.locale.text_with("mail-restated", &[("period", &restatement.period_label), ("published", &published)])
    }

    /// Where the figures come from, and who answers questions.
    fn origin(&self) -> Vec<String> {
        let published = self.locale.time(self.data.snapshot.published_local);
        let origin = self.locale.text_with("mail-origin", &[("snapshot", &self.data.snapshot.id), ("time", &published)]);
        let sender = match &self.context.owner {
            Some(owner) => self.locale.text_with("mail-owner", &[("schedule", &self.context.schedule), ("owner", owner)]),
            None => self.locale.text_with("mail-automatic", &[("schedule", &self.context.schedule)]),
        };
        vec![origin, sender]
    }

    fn text(&self) -> String {
        let (data, locale) = (self.data, self.locale);
        let mut lines = vec![data.organization.clone(), format!("{}{}", data.title, self.sector_words()), data.period_label.clone()];
        let mut section = |title: Option<String>, of: Vec<String>| {
            if !of.is_empty() {
                lines.push(String::new());
                lines.extend(title);
                lines.extend(of);
            }
        };
        section(None, self.banner().map(|sentence| format!("! {sentence}")).into_iter().collect());
        section(None, self.findings().iter().map(|finding| format!("- {}", finding.text)).collect());
        let figure_line = |figure: &Figure| {
            let aim = figure::aim(figure, locale).map(|(words, _)| format!("; {words}")).unwrap_or_default();
            format!("{}: {} ({}{aim})", figure.column.label, locale.figure(figure), figure::change(figure, locale).0)
        };
        section(Some(locale.text("mail-figures")), self.figures().iter().map(figure_line).collect());
        for restatement in &data.restatements {
            section(Some(self.restated_heading(restatement)), self.restated(restatement));
        }
        section(None, self.chart().map(|(title, chart)| chart::in_words(title, chart, locale)).into_iter().collect());
        section(Some(locale.text("mail-attached")), self.context.attached.iter().map(|name| format!("- {name}")).collect());
        section(Some(locale.text("mail-elsewhere")), self.context.elsewhere.iter().map(|place| format!("- {place}")).collect());
        section(Some("--".to_owned()), self.origin());
        lines.into_iter().map(|line| line + "\n").collect()
    }

    fn sector_words(&self) -> String {
        self.data.sector.as_ref().map(|sector| format!(" · {sector}")).unwrap_or_default()
    }

    fn html(&self) -> Markup {
        let (data, locale) = (self.data, self.locale);
        let muted = format!("color:{};font-size:13px", css(palette::MUTED));
        let cell = format!("padding:7px 12px 7px 0;border-bottom:1px solid {};vertical-align:top", css(palette::RULE));
        let body = html! {
            p style=(format!("margin:0;{muted}")) { (data.organization) }
            h1 style=(format!("margin:2px 0 0;font-size:21px;line-height:1.25;color:{}", css(palette::MAIN))) {
                (data.title) (self.sector_words())
            }
            p style="margin:2px 0 14px;font-size:15px" { (data.period_label) }
            @if let Some(sentence) = self.banner() {
                p style=(format!(
                    "margin:0 0 14px;padding:10px 12px;background:{};border-left:4px solid {};font-size:14px",
                    css(palette::CAUTION_GROUND),
                    css(palette::CAUTION)
                )) { b { (locale.text(self.state_key())) ". " } (sentence) }
            }
            @for finding in self.findings() {
                p style="margin:0 0 6px;font-size:14px" {
                    span style=(format!("color:{};font-weight:bold", css(palette::tone(finding.verdict)))) { (mark(finding.verdict)) " " }
                    (finding.text)
                }
            }
            @if !self.figures().is_empty() {
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse;margin:14px 0;font-size:14px" {
                    @for figure in self.figures() {
                        @let (change, verdict) = figure::change(figure, locale);
                        tr {
                            td style=(cell) { (figure.column.label) }
                            td style=(format!("{cell};text-align:right;white-space:nowrap;font-weight:bold;font-size:16px")) {
                                (locale.figure(figure))
                            }
                            td style=(format!("{cell};font-size:13px")) {
                                span style=(format!("color:{}", css(palette::tone(verdict)))) { (change) }
                                @if let Some((words, verdict)) = figure::aim(figure, locale) {
                                    br; span style=(format!("color:{}", css(palette::tone(verdict)))) { (words) }
                                }
                            }
                        }
                    }
                }
            }
            @for restatement in &data.restatements {
                p style="margin:12px 0 4px;font-size:14px;font-weight:bold" { (self.restated_heading(restatement)) }
                ul style="margin:0 0 6px;padding-left:20px;font-size:14px" {
                    @for line in self.restated(restatement) { li { (line) } }
                }
                p style=(format!("margin:0 0 12px;{muted}")) { (restatement.sentence) }
            }
            @if let Some((title, chart)) = self.chart() {
                p style="margin:14px 0 4px;font-size:14px;font-weight:bold" { (title) }
                img src=(format!("cid:{}", Mail::PICTURE)) alt=(chart::in_words(title, chart, locale)) width="600"
                    style="display:block;width:100%;max-width:600px;height:auto;border:0";
            }
            (listed(&locale.text("mail-attached"), &self.context.attached))
            (listed(&locale.text("mail-elsewhere"), &self.context.elsewhere))
            p style=(format!("margin:18px 0 0;padding-top:10px;border-top:1px solid {};{muted}", css(palette::RULE))) {
                @for line in self.origin() { (line) br; }
            }
        };
        page(data.language, &self.subject(), &body)
    }
}

fn listed(title: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            p style="margin:14px 0 4px;font-size:14px;font-weight:bold" { (title) }
            ul style="margin:0;padding-left:20px;font-size:14px" { @for line in lines { li { (line) } } }
        }
    }
}

/// A mail about a failure: its sentences, as text and with looks.
pub fn notice(language: Language, subject: &str, body: &str) -> Mail {
    let markup = html! {
        h1 style=(format!("margin:0 0 10px;font-size:18px;color:{}", css(palette::BAD))) { (subject) }
        @for line in body.lines() { p style="margin:0 0 8px;font-size:14px" { (line) } }
    };
    Mail { subject: subject.to_owned(), text: body.to_owned(), html: page(language, subject, &markup).into_string(), picture: None }
}

fn page(language: Language, title: &str, body: &Markup) -> Markup {
    let ink = css(palette::INK);
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
            }
            body style=(format!("margin:0;padding:0;background:{};color:{ink};font-family:Inter,Segoe UI,Helvetica,Arial,sans-serif", css(palette::GROUND))) {
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" {
                    tr { td align="center" style="padding:18px 10px" {
                        (PreEscaped("<!--[if mso]><table role=\"presentation\" width=\"640\"><tr><td><![endif]-->"))
                        div style="max-width:640px;text-align:left;background:#ffffff;padding:22px 24px;line-height:1.45" { (body) }
                        (PreEscaped("<!--[if mso]></td></tr></table><![endif]-->"))
                    } }
                }
            }
        }
    }
}

const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "▲",
        Verdict::Worse => "▼",
        Verdict::Neutral => "•",
    }
}

fn css(color: palette::Rgb) -> String {
    format!("#{:06x}", palette::hex(color))
}
