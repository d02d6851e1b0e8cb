//! The metric dictionary: complete in every language, and `docs/metrics.md` made from it and from the headers of the SQL.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use relato::{
    config::Project,
    domain::{Kind, Language},
    query::Catalogue,
    render::Locale,
};

use crate::support::root;

const METRICS: usize = 28;
const BEGIN: &str = "<!-- made by `make docs` from assets/locales, queries/reports and queries/checks: do not edit -->\n";
const END: &str = "<!-- end -->\n";

/// What the SQL says of a metric.
#[derive(Default)]
struct Use {
    units: Vec<&'static str>,
    columns: BTreeMap<String, Vec<String>>,
    checks: Vec<String>,
}

fn uses() -> BTreeMap<String, Use> {
    let catalogue = Catalogue::new(&Project::embedded_query_texts()).expect("valid headers");
    let mut uses: BTreeMap<String, Use> = (1..=METRICS).map(|number| (format!("M{number}"), Use::default())).collect();
    let mut note = |metric: &str, query: &str, column: &str, kind: Option<Kind>| {
        let found = uses.get_mut(metric).unwrap_or_else(|| panic!("`{query}` names {metric}, which is no metric"));
        let unit = kind.map(Kind::unit).filter(|unit| !found.units.contains(unit));
        found.units.extend(unit);
        found.columns.entry(query.to_owned()).or_default().push(column.to_owned());
    };
    for query in catalogue.iter() {
        for column in &query.columns {
            if let Some(metric) = &column.metric {
                note(metric, &query.name, &column.name, Some(column.kind));
            }
        }
        for metric in &query.metrics {
            note(metric, &query.name, "by row", None);
        }
    }
    for check in catalogue.checks() {
        for metric in &check.metrics {
            uses.get_mut(metric)
                .unwrap_or_else(|| panic!("`{}` guards {metric}, which is no metric", check.name))
                .checks
                .push(check.name.clone());
        }
    }
    uses
}

fn made() -> String {
    let locale = Locale::new(Language::EnUs);
    let uses = uses();
    let values = [("cut", "the configured cut"), ("scale", "the configured scale"), ("source", "the configured source")];
    let mut text = String::new();
    for number in 1..=METRICS {
        let metric = format!("M{number}");
        let found = &uses[&metric];
        let columns: Vec<String> = found.columns.iter().map(|(query, columns)| format!("`{query}`: {}", columns.join(", "))).collect();
        let _ = writeln!(text, "### {metric} {}\n", locale.text(&format!("{metric}-name")));
        let _ = writeln!(text, "{}\n", locale.text_with(&format!("{metric}-text"), &values));
        let _ =
            writeln!(text, "- Period: {}. No value: {}.", locale.text(&format!("{metric}-anchor")), locale.text(&format!("{metric}-null")));
        let _ = writeln!(text, "- Unit: {}. Checked by: {}.", found.units.join(", "), found.checks.join(", "));
        let _ = writeln!(text, "- Columns: {}.\n", columns.join("; "));
    }
    text
}

#[test]
fn every_metric_has_definition_unit_anchor_null_rule_and_check() {
    for language in Language::ALL {
        let locale = Locale::new(language);
        for (metric, found) in uses() {
            for part in ["name", "text", "anchor", "null"] {
                assert!(locale.has(&format!("{metric}-{part}")), "{language}: {metric} has no {part}");
            }
            assert!(!found.columns.is_empty(), "{metric} is in no query");
            assert!(!found.units.is_empty(), "{metric} has no unit");
            assert!(!found.checks.is_empty(), "{metric} is guarded by no check");
        }
    }
}

#[test]
fn the_documentation_says_what_the_queries_say() {
    let path = root().join("docs/metrics.md");
    let text = fs::read_to_string(&path).expect("the documentation");
    let (before, rest) = text.split_once(BEGIN).expect("where the made part begins");
    let (found, after) = rest.split_once(END).expect("where the made part ends");
    let made = format!("\n{}", made());
    if std::env::var_os("RELATO_MAKE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{made}{END}{after}")).expect("a writable file");
    } else {
        assert_eq!(found, made, "docs/metrics.md is not what the queries say: run `make docs`");
    }
}

#[test]
fn every_trap_is_held_by_fixtures_and_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/metrics.md")).expect("the documentation");
    let (_, after) = text.split_once("## Traps\n").expect("the traps");
    let (section, _) = after.split_once("\n## ").expect("an end of the traps");
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| B") || line.starts_with("| R")).collect();
    let named: Vec<&str> = rows.iter().flat_map(|row| row[2..].split(':').next().unwrap_or_default().split(", ")).collect();
    let expected: Vec<String> = (1..=20).map(|n| format!("B{n}")).chain((1..=11).map(|n| format!("R{n}"))).collect();
    assert_eq!(named, expected);
    for row in rows {
        let held_by = row.trim_end_matches(" |").rsplit(" | ").next().expect("a last column");
        let references: Vec<&str> = held_by.split('`').skip(1).step_by(2).collect();
        assert!(!references.is_empty(), "{row}");
        for reference in references {
            let exists = match reference.split_once("::") {
                Some((file, name)) => fs::read_to_string(root().join(file)).is_ok_and(|source| source.contains(&format!("fn {name}("))),
                None => root().join("tests/queries").join(reference).join("expected.csv").exists(),
            };
            assert!(exists, "`{reference}` holds against nothing: it does not exist");
        }
    }
}
