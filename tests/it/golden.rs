//! Golden months: the figures of a simulated world, kept in a file. A change of logic shows there cell by cell, and is taken only when the
//! changelog names it.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use relato::{
    domain::{Period, digest::sha256},
    query::{Catalogue, Engine, Parameters},
    snapshot::{Catalog, Snapshot},
};

use crate::support::{Sandbox, everything, now, root, serve, settings, world, zone};

const QUERIES: [(&str, Option<&str>); 12] = [
    ("overview", None),
    ("summary_by", Some("sector")),
    ("volume_by", Some("agent")),
    ("times_by", Some("sector")),
    ("satisfaction_by", Some("sector")),
    ("outcome_by", Some("sector")),
    ("series", Some("week")),
    ("transfer_matrix", None),
    ("backlog_by_sector", None),
    ("routing_by_queue", None),
    ("target_attainment", None),
    ("parity_counts", None),
];

const CALENDAR: &str = r#"
[calendar.default]
mon-fri = ["08:00-12:00", "13:00-18:00"]
holidays = ["BR"]
[calendar.sector."Suporte"]
mon-sun = ["00:00-24:00"]
[[target]]
metric = "whole_wait_s"
from = 2026-01-01
value = 600
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_change_only_with_a_word_in_the_changelog() {
    let world = world(11, 1_500);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::with_settings(&format!("{}{CALENDAR}", settings(&server.base_url)));
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), None).expect("a snapshot");
    let catalogue = Catalogue::new(&project.query_texts().expect("queries")).expect("headers");
    let engine = Engine::open(&snapshot, catalogue).expect("an engine");
    let mut text = String::new();
    for month in ["2026-09", "2026-10"] {
        let period = Period::parse(month, zone().day(now())).expect("a month");
        for (query, dimension) in QUERIES {
            let parameters =
                Parameters { period, sector: None, dimension: dimension.map(str::to_owned), as_of: now(), others: BTreeMap::new() };
            let table = engine.run(query, &parameters).unwrap_or_else(|error| panic!("{query}: {error:?}"));
            let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
            let _ = writeln!(text, "# {month} {query} {}\n{}", dimension.unwrap_or_default(), names.join(","));
            for row in 0..table.row_count() {
                let cells: Vec<String> = names
                    .iter()
                    .map(|name| match table.get(row, name) {
                        relato::domain::Cell::Float(value) => format!("{value:.6}"),
                        cell => crate::queries::shown(cell),
                    })
                    .collect();
                let _ = writeln!(text, "{}", cells.join(","));
            }
        }
    }
    let root = root();
    let path = root.join("tests/golden/months.csv");
    if std::env::var_os("RELATO_MAKE_DOCS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &text).expect("a writable file");
    }
    let known = fs::read_to_string(&path).expect("the golden months");
    let (known_lines, lines): (Vec<&str>, Vec<&str>) = (known.lines().collect(), text.lines().collect());
    let changed: Vec<String> = (0..known_lines.len().max(lines.len()))
        .filter(|index| known_lines.get(*index) != lines.get(*index))
        .take(20)
        .map(|index| format!("{}:\n  was {:?}\n  is  {:?}", index + 1, known_lines.get(index), lines.get(index)))
        .collect();
    assert!(
        changed.is_empty(),
        "figures have changed; if they should, run `make docs` and say so in CHANGELOG.md:\n{}",
        changed.join("\n")
    );
    let mark = format!("`{}`", &sha256(known.as_bytes())[..12]);
    let changelog = fs::read_to_string(root.join("CHANGELOG.md")).expect("the changelog");
    assert!(changelog.contains(&mark), "the golden months are {mark}, which CHANGELOG.md does not name: say what changed and why");
}
