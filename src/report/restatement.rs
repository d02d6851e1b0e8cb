//! Figures of published reports that would be printed differently today, and why.

use std::collections::BTreeMap;

use super::{Builder, ReportError, ReportRequest};
use crate::{
    config::Settings,
    domain::{
        Column, Kind, Period, Table, Zone,
        digest::sha256,
        report_data::{Block, Cause, CauseKind, Content, Figure, ReportData, RestatedFigure, Restatement, TableView},
    },
    ledger::{Publication, PublishedFigure, PublishedFile},
    query::Difference,
    render::{self, Locale},
    snapshot::Snapshot,
};

/// Name of the block, in every report that has one.
const BLOCK: &str = "retificacoes";

/// A publication of the same report, with the snapshot that it was made from; none where that is not kept any more.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// As the ledger knows it.
    pub publication: Publication,
    /// What it was made from.
    pub snapshot: Option<Snapshot>,
}

/// Returns a digest of what says what figures mean: the settings that the tables are made with, and the queries.
pub fn rules(settings: &Settings, queries: &BTreeMap<String, String>) -> String {
    let meant = queries.iter().filter(|(path, _)| !path.starts_with("checks/") && !path.starts_with("audit/"));
    let texts: String = meant.flat_map(|(path, text)| [path, "\0", text, "\0"]).collect();
    let Settings { organization, sectors, satisfaction, calendars, .. } = settings;
    sha256(format!("{:?}\0{sectors:?}\0{satisfaction:?}\0{calendars:?}\0{texts}", organization.timezone).as_bytes())
}

/// Returns what a report prints as key figures, to be remembered.
pub fn publication(data: &ReportData, rules: String, files: Vec<PublishedFile>) -> Publication {
    let figures = data.blocks.iter().flat_map(|block| match &block.content {
        Content::Kpis { figures } => figures
            .iter()
            .map(|figure| PublishedFigure { block: block.id.clone(), figure: figure.column.name.clone(), value: figure.value })
            .collect(),
        _ => Vec::new(),
    });
    Publication {
        report: data.report.clone(),
        period: data.period,
        sector: data.sector.clone(),
        snapshot: data.snapshot.id.clone(),
        published_at: data.snapshot.published_at,
        rules,
        content_sha256: Some(render::content_sha256(data)),
        figures: figures.collect(),
        files,
    }
}

/// Returns the publications whose figures would be printed differently from `snapshot`, the latest period first. `builder` makes the
/// blocks of the report for another period.
pub(super) fn of_published<'a>(
    request: &ReportRequest,
    snapshot: &Snapshot,
    builder: &dyn Fn(Period) -> Result<Builder<'a>, ReportError>,
    (locale, zone): (&Locale, Zone),
) -> Result<Vec<Restatement>, ReportError> {
    let mut restated = Vec::new();
    for Earlier { publication, snapshot: earlier } in &request.earlier {
        let is_ruled_alike = publication.rules == request.rules;
        let between = |earlier| Difference::between(earlier, snapshot, publication.period, publication.sector.as_deref());
        let difference = earlier.as_ref().map(between).transpose()?;
        if is_ruled_alike && difference.is_some_and(|difference| difference.is_empty()) {
            continue;
        }
        let figures = restated_figures(builder(publication.period)?, publication)?;
        if figures.is_empty() {
            continue;
        }
        let causes = causes(is_ruled_alike, difference);
        let sentence = causes.iter().map(|cause| sentence(cause, locale)).collect::<Vec<_>>().join("; ");
        restated.push(Restatement {
            period: publication.period,
            period_label: locale.period(&publication.period),
            snapshot: publication.snapshot.clone(),
            published_local: zone.local(publication.published_at),
            causes,
            sentence,
            figures,
        });
    }
    Ok(restated)
}

/// A figure counts as restated when what a reader saw no longer holds; less is not news to anybody.
fn restated_figures(mut builder: Builder<'_>, publication: &Publication) -> Result<Vec<RestatedFigure>, ReportError> {
    let (spec, locale) = (builder.spec, builder.locale);
    let mut restated = Vec::new();
    for block in spec.blocks.iter().filter(|block| publication.figures.iter().any(|known| known.block == block.id)) {
        let figures = builder.blocks(block)?.into_iter().filter_map(|block| match block.content {
            Content::Kpis { figures } => Some(figures),
            _ => None,
        });
        for Figure { column, value: now, unit, .. } in figures.flatten() {
            let known = publication.figures.iter().find(|known| known.block == block.id && known.figure == column.name);
            let Some(PublishedFigure { value: published, .. }) = known else { continue };
            let shown = |value: Option<f64>| value.map(|value| locale.value(column.kind, value));
            if shown(*published) != shown(now) {
                restated.push(RestatedFigure { column, unit, published: *published, now });
            }
        }
    }
    Ok(restated)
}

fn causes(is_ruled_alike: bool, difference: Option<Difference>) -> Vec<Cause> {
    let mut causes = Vec::new();
    if !is_ruled_alike {
        causes.push(Cause { kind: CauseKind::Rules, count: None });
    }
    let Some(difference) = difference else {
        causes.push(Cause { kind: CauseKind::Unknown, count: None });
        return causes;
    };
    let counted = [
        (CauseKind::AnswersLate, difference.answers_added),
        (CauseKind::AnswersImported, difference.answers_imported),
        (CauseKind::TicketsImported, difference.tickets_imported),
        (CauseKind::TicketsLate, difference.tickets_added),
        (CauseKind::TicketsRemoved, difference.tickets_removed),
    ];
    // After a change of rules every row can differ: only what came or went says something.
    let altered = [
        (CauseKind::TicketsChanged, difference.tickets_changed),
        (CauseKind::AnswersChanged, difference.answers_changed),
        (CauseKind::ConversationsChanged, difference.conversations_changed),
    ];
    let told = counted.into_iter().chain(altered.into_iter().filter(|_| is_ruled_alike));
    causes.extend(told.filter(|(_, count)| *count > 0).map(|(kind, count)| Cause { kind, count: Some(count) }));
    causes
}

fn sentence(cause: &Cause, locale: &Locale) -> String {
    let key = format!("cause-{}", cause.kind.name());
    cause.count.map_or_else(|| locale.text(&key), |count| locale.plural(&key, count))
}

/// Returns the block that shows the restatements.
pub(super) fn block(restatements: &[Restatement], locale: &Locale) -> Block {
    let columns = ["restated_publication", "restated_figure", "restated_before", "restated_now", "restated_cause"].map(|name| Column {
        name: name.to_owned(),
        label: locale.text(&format!("col-{name}")),
        kind: Kind::Text,
        metric: None,
    });
    let rows: Vec<[String; 5]> = restatements
        .iter()
        .flat_map(|restatement| {
            let heading = locale.text_with(
                "restated-heading",
                &[("period", &restatement.period_label), ("day", &locale.date(restatement.published_local.date()))],
            );
            restatement.figures.iter().map(move |figure| {
                let shown =
                    |value: Option<f64>| value.map_or_else(|| locale.text("no-data"), |value| locale.value(figure.column.kind, value));
                let (published, now) = (shown(figure.published), shown(figure.now));
                [heading.clone(), figure.column.label.clone(), published, now, restatement.sentence.clone()]
            })
        })
        .collect();
    Block {
        id: BLOCK.to_owned(),
        title: locale.text("restated-title"),
        note: Some(locale.text("restated-note")),
        content: Content::Table(TableView::plain(
            Table::of_texts(&columns, &rows),
            columns.iter().skip(1).map(|column| column.name.clone()).collect(),
            Some(columns[0].name.clone()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;

    #[test]
    fn a_change_of_rules_explains_rows_that_differ_but_not_rows_that_came() {
        let difference = Difference { tickets_changed: 900, answers_added: 3, ..Difference::default() };
        let kinds = |is_ruled_alike| causes(is_ruled_alike, Some(difference)).into_iter().map(|cause| cause.kind).collect::<Vec<_>>();
        assert_eq!(kinds(true), [CauseKind::AnswersLate, CauseKind::TicketsChanged]);
        assert_eq!(kinds(false), [CauseKind::Rules, CauseKind::AnswersLate]);
        assert_eq!(causes(true, None), [Cause { kind: CauseKind::Unknown, count: None }]);
    }

    #[test]
    fn every_cause_has_words_in_every_language() {
        for language in Language::ALL {
            let locale = Locale::new(language);
            for kind in CauseKind::ALL {
                let count = (!matches!(kind, CauseKind::Rules | CauseKind::Unknown)).then_some(2);
                let words = sentence(&Cause { kind, count }, &locale);
                assert!(!words.contains("cause-") && words.contains('2') == count.is_some(), "{kind:?}: {words}");
            }
        }
    }
}
