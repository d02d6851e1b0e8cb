//! From every figure of every shipped report to the rows behind it, by the commands that the reports name.

use std::collections::BTreeMap;

use relato::{
    domain::{Kind, Table},
    query::{Catalogue, Engine, Parameters},
    report::{self, Trace},
    snapshot::{Catalog, Snapshot},
};

use crate::support::{Sandbox, everything, now, serve, settings, world};

/// Asks the question of a trace; commands that are the same are asked once.
struct Asker {
    engine: Engine,
    answers: BTreeMap<String, Table>,
}

impl Asker {
    fn ask(&mut self, trace: &Trace) -> &Table {
        let command = trace.command("x");
        self.answers.entry(command.clone()).or_insert_with(|| {
            let mut others: BTreeMap<String, String> = trace.parameters.iter().cloned().collect();
            let dimension = others.remove("dimension");
            let parameters = Parameters { period: trace.period, sector: trace.sector.clone(), dimension, as_of: now(), others };
            self.engine.run(&trace.question, &parameters).unwrap_or_else(|error| panic!("{command}: {error:?}"))
        })
    }
}

/// Columns whose figure is not the number of cases behind it: days, distinct customers, differences.
const NOT_COUNTED: [&str; 11] = [
    "days",
    "served",
    "sectors",
    "age_days_from",
    "age_days_to",
    "met",
    "breached",
    "running",
    "off_hours",
    "closed_reported",
    "closed_stored",
];

/// Figures of a column of a part that are followed at most.
const FOLLOWED: usize = 8;

fn sum(table: &Table, column: &str) -> f64 {
    (0..table.row_count()).filter_map(|row| table.get(row, column).number()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_of_every_report_leads_to_its_rows() {
    let server = serve(&world(11, 500), &[]).await;
    let sandbox = Sandbox::with_settings(&settings(&server.base_url));
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let catalogue = Catalogue::new(&project.query_texts().unwrap()).unwrap();
    let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), None).unwrap();
    let mut asker = Asker { engine: Engine::open(&snapshot, catalogue.clone()).unwrap(), answers: BTreeMap::new() };
    let (mut followed, mut compared, mut wrong) = (0, 0, Vec::new());
    for (name, spec) in project.reports().unwrap() {
        let sector = (name == "setor").then_some("Financeiro");
        let data = sandbox.report_called(&name, "2026-10", sector);
        let traces = report::traces(&spec, &data, &catalogue);
        let shown: usize = data
            .blocks
            .iter()
            .filter_map(|block| block.content.table())
            .map(|table| table.row_count() * table.columns().iter().filter(|column| column.kind.is_numeric()).count())
            .sum();
        assert!(traces.len() >= shown * 9 / 10, "{name}: {} of {shown} figures lead to rows", traces.len());
        // Of each column of a part so many figures are followed, spread over its rows.
        let mut columns: BTreeMap<(&str, &str), Vec<&Trace>> = BTreeMap::new();
        for trace in &traces {
            columns.entry((&trace.block, &trace.column.name)).or_default().push(trace);
        }
        for trace in columns.values().flat_map(|traces| traces.iter().step_by(traces.len().div_ceil(FOLLOWED))) {
            let place =
                format!("{name} · {} · {} · {}: {:?} ← {}", trace.block, trace.row, trace.column.name, trace.value, trace.command("x"));
            let answer = asker.ask(trace);
            followed += 1;
            let Some(value) = trace.value.filter(|_| trace.is_exact && trace.question == "conversas_de") else { continue };
            let cases = sum(answer, "cases");
            let found = match trace.column.kind {
                Kind::Count if !NOT_COUNTED.contains(&trace.column.name.as_str()) => cases,
                Kind::Duration if trace.column.name.ends_with("_mean_s") && !trace.column.name.contains("business") && cases > 0.0 => {
                    sum(answer, "value_sum") / cases
                }
                _ => continue,
            };
            compared += 1;
            if (found - value).abs() > 1e-6 {
                wrong.push(format!("{place}: {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    assert!(followed > 900 && compared > 400, "{followed} followed, {compared} compared");
}
