//! What a director should know before the tables: sentences that rules write from the data of a period.
//!
//! A rule speaks only where there is enough behind it: thirty observations for a share of a sector, twenty conversations for a day that
//! is unlike others.

use std::collections::BTreeMap;

use super::{
    ReportError,
    builder::{Builder, When},
};
use crate::{
    config::{FigureSpec, GoodDirection, RowsSpec, Scale},
    domain::{
        Cell, Kind,
        report_data::{Figure, Finding, FindingRule, Verdict},
    },
};

/// At most so many sentences: a page of them would be read by nobody.
const MOST: usize = 6;

/// Fewer observations than this say little of a sector.
const FEWEST: i64 = 30;

/// A weekday with fewer conversations than this varies too much for a day of it to be unusual.
const USUAL: f64 = 20.0;

/// More or less work than in the period before is news from here on.
const NOTICEABLE_VOLUME: f64 = 0.10;

/// Returns the findings of the builder's period, the most important first; one that says so where there is nothing.
pub fn of_period(builder: &mut Builder<'_>) -> Result<Vec<Finding>, ReportError> {
    if !builder.known.has_tickets {
        return Ok(Vec::new());
    }
    let figures = builder.figures(&rows("overview", None), &looked_at(builder.scale))?;
    let mut findings = Vec::new();
    findings.extend(missed_targets(builder, &figures));
    findings.extend(worst_sector(builder)?);
    findings.extend(unsatisfied_sector(builder)?);
    // What misses its target was told already.
    let others: Vec<Figure> =
        figures.iter().filter(|figure| figure.target.is_none_or(|target| target.is_met != Some(false))).cloned().collect();
    findings.extend(largest_change(builder, &others, Verdict::Worse));
    findings.extend(waiting(builder)?);
    findings.extend(unusual_day(builder)?);
    findings.extend(largest_change(builder, &figures, Verdict::Better));
    findings.extend(volume(builder, &figures));
    findings.truncate(MOST);
    if findings.is_empty() {
        findings.push(finding(FindingRule::Nothing, Verdict::Neutral, builder.locale.text("finding-nothing")));
    }
    Ok(findings)
}

/// Key figures that a change or a missed target of is told.
fn looked_at(scale: Scale) -> Vec<FigureSpec> {
    use GoodDirection::{Down, None, Up};
    [
        ("conversations", Option::None, None),
        ("whole_wait_mean_s", Some("whole_wait_n"), Down),
        ("response_mean_s", Some("response_n"), Down),
        ("queue_wait_mean_s", Some("queue_wait_n"), Down),
        ("resolution_mean_s", Some("resolution_n"), Down),
        (if scale == Scale::Csat { "csat_share" } else { "nps" }, Some("ratings"), Up),
        ("lost_share", Some("tickets"), Down),
        ("response_rate", Some("closed"), Up),
    ]
    .map(|(column, n, good)| FigureSpec {
        column: column.to_owned(),
        n: n.map(str::to_owned),
        median: Option::None,
        p90: Option::None,
        good,
    })
    .into()
}

fn rows(query: &str, by: Option<&str>) -> RowsSpec {
    RowsSpec { query: query.to_owned(), by: by.map(str::to_owned), filter: BTreeMap::new() }
}

fn finding(rule: FindingRule, verdict: Verdict, text: String) -> Finding {
    Finding { rule, verdict, text }
}

fn missed_targets(builder: &Builder<'_>, figures: &[Figure]) -> Vec<Finding> {
    let locale = builder.locale;
    let missed = figures.iter().filter_map(|figure| {
        let target = figure.target.filter(|target| target.is_met == Some(false))?;
        let shown = |value: f64| locale.value(figure.column.kind, value);
        let values = [
            ("figure", figure.column.label.as_str()),
            ("value", &shown(figure.value?)),
            ("bound", if target.is_upper_bound { "≤" } else { "≥" }),
            ("target", &shown(target.value)),
        ];
        Some(finding(FindingRule::TargetMissed, Verdict::Worse, locale.text_with("finding-target-missed", &values)))
    });
    missed.take(2).collect()
}

/// The sector that met any target least often; only where one sector is asked for there is none to name.
fn worst_sector(builder: &mut Builder<'_>) -> Result<Option<Finding>, ReportError> {
    if builder.parameters.sector.is_some() {
        return Ok(None);
    }
    let table = builder.filtered(&rows("target_attainment", None), When::Now)?;
    let locale = builder.locale;
    let candidates = (0..table.row_count()).filter_map(|row| {
        let (sector, share) = (table.get(row, "sector").text()?, table.get(row, "met_share").number()?);
        let cases = table.get(row, "met").int()? + table.get(row, "breached").int()?;
        (cases >= FEWEST && !builder.no_sectors.iter().any(|name| name == sector)).then_some((share, row, sector, cases))
    });
    let worst = candidates.min_by(|one, other| one.0.total_cmp(&other.0).then(one.2.cmp(other.2)));
    Ok(worst.filter(|(share, ..)| *share < 0.8).map(|(share, row, sector, cases)| {
        let metric = table.get(row, "metric").text().unwrap_or_default();
        let named = format!("value-metric-{metric}");
        let metric = if locale.has(&named) { locale.text(&named) } else { metric.to_owned() };
        let values = [("sector", sector), ("metric", metric.as_str()), ("share", &locale.share(share)), ("n", &locale.count(cases))];
        finding(FindingRule::WorstSector, Verdict::Worse, locale.text_with("finding-worst-sector", &values))
    }))
}

/// A sector counts as below all when even the upper end of its interval is.
fn unsatisfied_sector(builder: &mut Builder<'_>) -> Result<Option<Finding>, ReportError> {
    if builder.parameters.sector.is_some() {
        return Ok(None);
    }
    let table = builder.filtered(&rows("satisfaction_by", Some("sector")), When::Now)?;
    let locale = builder.locale;
    let is_total = |row: &usize| table.get(*row, "row_kind") == Cell::Text("total");
    let (figure, bound, key) = match builder.scale {
        Scale::Csat => ("csat_share", "csat_high", "finding-satisfaction"),
        Scale::Nps => ("nps", "nps_high", "finding-nps"),
    };
    let Some(overall) = (0..table.row_count()).find(is_total).and_then(|row| table.get(row, figure).number()) else {
        return Ok(None);
    };
    let candidates = (0..table.row_count()).filter(|row| !is_total(row)).filter_map(|row| {
        let (sector, share) = (table.get(row, "sector").text()?, table.get(row, figure).number()?);
        let (high, ratings) = (table.get(row, bound).number()?, table.get(row, "ratings").int()?);
        let is_sector = !builder.no_sectors.iter().any(|name| name == sector);
        (is_sector && ratings >= FEWEST && high < overall).then_some((share, sector, ratings))
    });
    let worst = candidates.min_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(other.1)));
    Ok(worst.map(|(share, sector, ratings)| {
        let shown = |value: f64| if builder.scale == Scale::Csat { locale.share(value) } else { locale.number(value, 1) };
        let values = [("sector", sector), ("share", &shown(share)), ("overall", &shown(overall)), ("n", &locale.count(ratings))];
        finding(FindingRule::Satisfaction, Verdict::Worse, locale.text_with(key, &values))
    }))
}

/// The change with this verdict that is largest in proportion, of figures with enough behind them.
fn largest_change(builder: &Builder<'_>, figures: &[Figure], verdict: Verdict) -> Option<Finding> {
    let locale = builder.locale;
    let changed = figures.iter().filter(|figure| figure.n.is_some_and(|n| n >= FEWEST)).filter_map(|figure| {
        let change = figure.change.filter(|change| change.verdict == verdict)?;
        Some((change.relative?.abs(), figure, change))
    });
    let (_, figure, change) = changed.max_by(|one, other| one.0.total_cmp(&other.0))?;
    let shown = |value: f64| locale.value(figure.column.kind, value);
    let amount = match figure.column.kind {
        Kind::Share => locale.text_with("kpi-points", &[("points", &locale.number((change.absolute * 100.0).abs(), 1))]),
        _ => locale.share(change.relative?.abs()),
    };
    let key = if change.absolute > 0.0 { "finding-rose" } else { "finding-fell" };
    let values =
        [("figure", figure.column.label.as_str()), ("amount", &amount), ("from", &shown(figure.previous?)), ("to", &shown(figure.value?))];
    let rule = if verdict == Verdict::Better { FindingRule::Better } else { FindingRule::Worse };
    Some(finding(rule, verdict, locale.text_with(key, &values)))
}

/// Who began to wait two days or more before the end of the period, and waited still.
fn waiting(builder: &mut Builder<'_>) -> Result<Option<Finding>, ReportError> {
    const LONG: i64 = 2;
    let table = builder.filtered(&rows("unanswered_by_age", None), When::Now)?;
    let long: Vec<usize> = (0..table.row_count()).filter(|row| table.get(*row, "age_days_from").int() >= Some(LONG)).collect();
    let count: i64 = long.iter().filter_map(|row| table.get(*row, "conversations").int()).sum();
    let oldest = long.iter().filter_map(|row| table.get(*row, "oldest_day").date()).min();
    let locale = builder.locale;
    Ok(oldest.map(|oldest| {
        let text = locale.plural_with("finding-waiting", count, &[("oldest", &locale.date(oldest))]);
        finding(FindingRule::Waiting, Verdict::Worse, text)
    }))
}

/// The day that is farthest from the median of its weekday in the period, where it is far beyond what chance does to a count.
fn unusual_day(builder: &mut Builder<'_>) -> Result<Option<Finding>, ReportError> {
    let table = builder.filtered(&rows("volume_by_day", None), When::Now)?;
    let locale = builder.locale;
    let mut by_weekday: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for row in 0..table.row_count() {
        if let (Some(weekday), Some(count)) = (table.get(row, "weekday").int(), table.get(row, "conversations").number()) {
            by_weekday.entry(weekday).or_default().push(count);
        }
    }
    let usual = |weekday: i64| by_weekday.get(&weekday).filter(|counts| counts.len() >= 3).map(|counts| median(counts));
    let candidates = (0..table.row_count()).filter_map(|row| {
        let (day, weekday) = (table.get(row, "day").date()?, table.get(row, "weekday").int()?);
        let (count, usual) = (table.get(row, "conversations").number()?, usual(weekday)?);
        let distance = (count - usual).abs() / usual.sqrt().max(1.0);
        (usual >= USUAL && distance >= 5.0 && (count / usual - 1.0).abs() >= 0.3).then_some((distance, day, weekday, count, usual))
    });
    let farthest = candidates.max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
    Ok(farthest.map(|(_, day, weekday, count, usual)| {
        let values = [
            ("day", locale.short_date(day)),
            ("weekday", locale.weekday(weekday)),
            ("value", locale.value(Kind::Count, count)),
            ("usual", locale.value(Kind::Count, usual)),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        finding(FindingRule::UnusualDay, Verdict::Neutral, locale.text_with("finding-unusual-day", &values))
    }))
}

fn volume(builder: &Builder<'_>, figures: &[Figure]) -> Option<Finding> {
    let locale = builder.locale;
    let figure = figures.iter().find(|figure| figure.column.name == "conversations")?;
    let relative = figure.change?.relative.filter(|relative| relative.abs() >= NOTICEABLE_VOLUME)?;
    let shown = |value: f64| locale.value(Kind::Count, value);
    let key = if relative > 0.0 { "finding-volume-more" } else { "finding-volume-less" };
    let values = [("amount", locale.share(relative.abs())), ("from", shown(figure.previous?)), ("to", shown(figure.value?))];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    Some(finding(FindingRule::Volume, Verdict::Neutral, locale.text_with(key, &values)))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert!((median(&[4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < f64::EPSILON);
        assert!((median(&[5.0, 1.0, 3.0]) - 3.0).abs() < f64::EPSILON);
    }
}
