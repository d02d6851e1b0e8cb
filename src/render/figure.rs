//! What is said beside a key figure, alike on every page and in every mail.

use super::Locale;
use crate::domain::{
    Kind,
    report_data::{Figure, Verdict},
};

/// The target and whether it is met, in words too; without a target, the figure a year before.
pub fn aim(figure: &Figure, locale: &Locale) -> Option<(String, Verdict)> {
    let shown = |value: f64| locale.value(figure.column.kind, value);
    let Some(target) = figure.target else {
        return figure.last_year.map(|earlier| (locale.text_with("kpi-year", &[("value", &shown(earlier))]), Verdict::Neutral));
    };
    let (key, verdict) = match target.is_met {
        Some(true) => ("kpi-target-met", Verdict::Better),
        Some(false) => ("kpi-target-missed", Verdict::Worse),
        None => ("kpi-target", Verdict::Neutral),
    };
    let bound = if target.is_upper_bound { "≤" } else { "≥" };
    Some((locale.text_with(key, &[("bound", bound), ("target", &shown(target.value))]), verdict))
}

/// The change in words, with an arrow that says the direction.
pub fn change(figure: &Figure, locale: &Locale) -> (String, Verdict) {
    let Some(change) = figure.change else {
        return (locale.text("kpi-no-comparison"), Verdict::Neutral);
    };
    let previous = figure.previous.map(|value| locale.value(figure.column.kind, value)).unwrap_or_default();
    let amount = match (figure.column.kind, change.relative) {
        (Kind::Share, _) => locale.text_with("kpi-points", &[("points", &locale.number((change.absolute * 100.0).abs(), 1))]),
        (_, Some(relative)) => locale.share(relative.abs()),
        (kind, None) => locale.value(kind, change.absolute.abs()),
    };
    let arrow = if change.absolute > 0.0 {
        "▲"
    } else if change.absolute < 0.0 {
        "▼"
    } else {
        "="
    };
    (format!("{arrow} {amount} {}", locale.text_with("kpi-versus", &[("previous", &previous)])), change.verdict)
}
