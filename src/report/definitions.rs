//! What every figure in a report means: the entries of the metric dictionary that its columns name.

use crate::{
    config::{SatisfactionSource, Survey},
    domain::{Column, report_data::Definition},
    render::Locale,
};

/// Returns the definitions of the metrics of `columns` and of `others`, by number, each once.
pub fn of_metrics<'a>(columns: &'a [Column], others: impl Iterator<Item = &'a str>, survey: &Survey, locale: &Locale) -> Vec<Definition> {
    let mut metrics: Vec<&str> = columns.iter().filter_map(|column| column.metric.as_deref()).chain(others).collect();
    metrics.sort_by_key(|metric| metric.trim_start_matches('M').parse::<u32>().unwrap_or(u32::MAX));
    metrics.dedup();
    let cut = survey.satisfied_from.to_string();
    let scale = format!("{}–{}", survey.scale.0, survey.scale.1);
    let source = locale.text(match survey.source {
        SatisfactionSource::Events => "source-events",
        SatisfactionSource::Rating => "source-rating",
        SatisfactionSource::Import => "source-import",
        SatisfactionSource::None => "source-none",
    });
    let values = [("cut", cut.as_str()), ("scale", scale.as_str()), ("source", source.as_str())];
    metrics
        .into_iter()
        .filter(|metric| locale.has(&format!("{metric}-name")))
        .map(|metric| Definition {
            metric: metric.to_owned(),
            name: locale.text(&format!("{metric}-name")),
            text: locale.text_with(&format!("{metric}-text"), &values),
        })
        .collect()
}
