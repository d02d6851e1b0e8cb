//! `relato check`: everything that is wrong with a project's files, at once.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Exit, Failure, Global, output};
use crate::{
    config::{ConfigError, ContentSpec, Problem, Project, ReportSpec, ScheduleSpec},
    domain::Period,
    query::{Catalogue, Query},
    render::Format,
};

pub fn run(global: &Global) -> Result<Exit, Failure> {
    let project = Project::open(&global.project)?;
    let mut problems: Vec<Problem> = Vec::new();
    for key in &project.settings.blip_keys {
        problems.extend(key.secret.fetch(&project.dir, &format!("key `{}`", key.name)).err());
    }
    problems.extend(project.settings.privacy.pseudonym_key.fetch(&project.dir, "key of the customers' pseudonyms").err());
    let catalogue = Catalogue::new(&project.query_texts()?)?;
    let reports = project.reports()?;
    let today = project.settings.organization.timezone.day(global.now());
    for spec in reports.values() {
        problems.extend(report_problems(&project, spec, &catalogue));
        if let Err(error) = Period::parse(&spec.period, today) {
            problems.push(report_problem(&project, spec, error.to_string()));
        }
    }
    let schedules = project.schedules()?;
    for spec in schedules.values() {
        problems.extend(schedule_problems(&project, spec, &reports, today));
    }
    if !problems.is_empty() {
        return Err(ConfigError { problems }.into());
    }
    let settings = &project.settings;
    let not_applied = [
        ("privacy.retain_months", settings.privacy.retain_months.is_some()),
        ("document.logo_file", settings.document.logo_file.is_some()),
    ];
    for (name, _) in not_applied.iter().filter(|(_, is_set)| *is_set) {
        output::print(&format!("{name} is understood but not applied by this version.\n"))?;
    }
    output::print(&format!(
        "relato.toml: {} keys, {} sectors named\nqueries: {}\nreports: {}\nschedules: {}\nEverything is in order.\n",
        project.settings.blip_keys.len(),
        project.settings.sectors.by_queue.values().collect::<std::collections::BTreeSet<_>>().len(),
        catalogue.iter().count(),
        reports.len(),
        schedules.len(),
    ))?;
    Ok(Exit::Done)
}

fn report_problem(project: &Project, spec: &ReportSpec, message: String) -> Problem {
    Problem::of_file(project.dir.join(format!("reports/{}.toml", spec.name)), message)
}

/// Finds reports, periods and formats that do not exist.
fn schedule_problems(project: &Project, spec: &ScheduleSpec, reports: &BTreeMap<String, ReportSpec>, today: NaiveDate) -> Vec<Problem> {
    let mut messages = Vec::new();
    if !reports.contains_key(&spec.report) {
        let known: Vec<&str> = reports.keys().map(String::as_str).collect();
        messages.push(format!("unknown report `{}` (known: {})", spec.report, known.join(", ")));
    }
    messages.extend(Period::parse(&spec.period, today).err().map(|error| error.to_string()));
    let unknown = spec.formats.iter().filter(|format| Format::from_ending(format).is_none());
    messages.extend(unknown.map(|format| format!("unknown format `{format}` (accepted: xlsx, pdf, csv, json)")));
    let file = project.dir.join(format!("schedules/{}.toml", spec.name));
    messages.into_iter().map(|message| Problem::of_file(&file, message)).collect()
}

/// Finds queries that do not exist and columns that a query does not give.
fn report_problems(project: &Project, spec: &ReportSpec, catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    for block in spec.blocks.iter().chain(&spec.details) {
        let Some(query) = catalogue.get(&block.query) else {
            let known: Vec<&str> = catalogue.iter().map(|query| query.name.as_str()).collect();
            problems.push(report_problem(
                project,
                spec,
                format!("block `{}`: unknown query `{}` (known: {})", block.id, block.query, known.join(", ")),
            ));
            continue;
        };
        let named: Vec<&String> = match &block.content {
            ContentSpec::Kpis(figures) => figures
                .iter()
                .flat_map(|figure| [Some(&figure.column), figure.n.as_ref(), figure.median.as_ref(), figure.p90.as_ref()])
                .flatten()
                .collect(),
            ContentSpec::Chart { category, series, .. } => std::iter::once(category).chain(series).collect(),
            ContentSpec::HeatMap { value } => vec![value],
            ContentSpec::Table { columns, group } => columns.iter().chain(group).collect(),
        };
        for column in named.into_iter().chain(block.filter.keys()) {
            if !has_column(query, column) {
                let known: Vec<&str> = query.columns.iter().map(|column| column.name.as_str()).collect();
                let message =
                    format!("block `{}`: query `{}` gives no column `{column}` (it gives {})", block.id, query.name, known.join(", "));
                problems.push(report_problem(project, spec, message));
            }
        }
    }
    problems
}

fn has_column(query: &Query, name: &str) -> bool {
    query.columns.iter().any(|column| column.name == name)
}
