//! Runs the fixtures of `tests/queries/<name>/<case>/`: small tables in, rows out, numbers that one can add in the head.
//!
//! A case holds one CSV for each input table, named `schema.table.csv` (`staging`, `raw`, `settings`, `marts`), the file
//! `expected.csv`, and for report queries `parameters.csv`. A query of `queries/marts` is run with all marts before it; one of
//! `queries/reports` or `queries/checks` on the given marts. Only the columns that `expected.csv` names are compared; nothing is an empty field.

use std::{collections::BTreeMap, fs, path::Path};

use duckdb::Connection;
use relato::{
    config::Project,
    domain::{
        Cell, Period,
        satisfaction::{self, NO_ANSWERS},
    },
    ledger::LEDGER_TABLES,
    query::{Catalogue, Engine, Parameters},
    store::{MART_TABLES, MARTS, STAGING, Store},
};

use crate::support::root;

/// The schema of a table that the load makes; none for a report query. A staged table of the name of a mart is written `staging.<name>`.
fn layer(name: &str) -> Option<&'static str> {
    match name {
        _ if name.starts_with("staging.") => Some("staging"),
        _ if MARTS.contains(&name) => Some("marts"),
        _ if STAGING.contains(&name) => Some("staging"),
        _ => None,
    }
}

/// Makes every staged table and mart, empty but with its columns.
fn empty_store(texts: &BTreeMap<String, String>) -> Store {
    let store = Store::in_memory().expect("a database");
    store
        .connection()
        .execute_batch(
            "INSERT INTO settings.offset_span VALUES (TIMESTAMP '2010-01-01', TIMESTAMP '2045-01-01', -10800);
             INSERT INTO settings.rule VALUES ('inherit', 'Sem roteamento', 'Não resolvido', 10);
             INSERT INTO settings.survey VALUES ('pesquisa', '1-5', 1, 5, 4, 'events');",
        )
        .expect("settings");
    for answer in NO_ANSWERS {
        store.connection().execute("INSERT INTO settings.no_answer VALUES (?)", [answer]).expect("settings");
    }
    store.make_all_tables(texts).expect("empty marts");
    for table in LEDGER_TABLES {
        let kind = |kind: &str| match kind {
            "count" => "BIGINT",
            "number" => "DOUBLE",
            "date" => "DATE",
            "local_time" => "TIMESTAMP",
            _ => "VARCHAR",
        };
        let columns: Vec<String> = table.columns.iter().map(|(name, of, _)| format!("\"{name}\" {}", kind(of))).collect();
        store.connection().execute_batch(&format!("CREATE TABLE marts.{} ({})", table.name, columns.join(", "))).expect("a table");
    }
    store
}

fn fill(connection: &Connection, case: &Path) {
    let mut inputs: Vec<_> = fs::read_dir(case).expect("a case").map(|entry| entry.expect("a file").path()).collect();
    inputs.sort();
    for path in inputs {
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let Some((schema, table)) = stem.split_once('.') else { continue };
        let sql = format!(
            "DELETE FROM {schema}.{table};
             INSERT INTO {schema}.{table} BY NAME SELECT * FROM read_csv('{}', header = true, all_varchar = true, delim = ',')",
            path.display()
        );
        // Columns that a case does not name are allowed to be null here, whatever the schema says.
        let nullable = format!("CREATE OR REPLACE TABLE {schema}.{table} AS SELECT * FROM {schema}.{table}");
        connection
            .execute_batch(&nullable)
            .and_then(|()| connection.execute_batch(&sql))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn read_csv(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let header = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

fn made_rows(connection: &Connection, layer: &str, name: &str, columns: &[String]) -> Vec<Vec<String>> {
    let list: Vec<String> = columns.iter().map(|column| format!("coalesce(CAST({column} AS VARCHAR), '')")).collect();
    let mut statement = connection.prepare(&format!("SELECT {} FROM {layer}.{name}", list.join(", "))).expect("columns of the table");
    let rows = statement.query_map([], |row| (0..columns.len()).map(|index| row.get(index)).collect::<Result<Vec<String>, _>>());
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

fn view_marts(connection: &Connection) {
    for table in MART_TABLES.iter().map(|(table, ..)| *table).chain(LEDGER_TABLES.iter().map(|table| table.name)) {
        connection.execute_batch(&format!("CREATE VIEW {table} AS SELECT * FROM marts.{table}")).expect("a view");
    }
}

fn report_rows(
    connection: Connection,
    catalogue: Catalogue,
    name: &str,
    columns: &[String],
    case: &Path,
) -> Result<Vec<Vec<String>>, String> {
    let (names, rows) = read_csv(&case.join("parameters.csv"));
    let value =
        |name: &str| names.iter().position(|known| known == name).map(|index| rows[0][index].clone()).filter(|value| !value.is_empty());
    let period = format!("{}..{}", value("first_day").expect("first_day"), value("last_day").expect("last_day"));
    let period = Period::parse(&period, "2026-11-22".parse().expect("a day")).expect("a period");
    let engine = Engine::on(connection, catalogue);
    let as_of = value("as_of").map_or("2026-11-22T15:00:00Z".parse(), |text| text.parse()).expect("an instant");
    let parameters = Parameters { period, sector: value("sector"), dimension: value("dimension"), as_of, others: others(&names, &rows[0]) };
    let table = engine.run(name, &parameters).map_err(|error| format!("{name}: {error:?}"))?;
    Ok((0..table.row_count()).map(|row| columns.iter().map(|column| shown(table.get(row, column))).collect()).collect())
}

fn others(names: &[String], values: &[String]) -> BTreeMap<String, String> {
    let usual = ["first_day", "last_day", "sector", "dimension", "as_of"];
    let given = names.iter().zip(values).filter(|(name, value)| !usual.contains(&name.as_str()) && !value.is_empty());
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}

pub fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => text.to_owned(),
        Cell::Int(value) => value.to_string(),
        // Nine decimals are more than any figure shows, and fewer than the last bits that interpolation leaves.
        Cell::Float(value) => ((value * 1e9).round() / 1e9).to_string(),
        Cell::Date(day) => day.to_string(),
        Cell::Time(time) => time.to_string(),
        Cell::Bool(flag) => flag.to_string(),
    }
}

/// Runs the cases of the queries that `is_meant` names with the SQL of `texts`, all or up to `enough` wrong ones; returns their number and
/// what came out wrong.
pub fn run_cases(texts: &BTreeMap<String, String>, is_meant: impl Fn(&str) -> bool, enough: usize) -> (usize, Vec<String>) {
    let folder = root().join("tests/queries");
    let (mut cases, mut wrong) = (0, Vec::new());
    for query in fs::read_dir(&folder).expect("the fixtures") {
        let query = query.expect("a query").path();
        let name = query.file_name().expect("a name").to_string_lossy().into_owned();
        if !is_meant(&name) {
            continue;
        }
        for case in fs::read_dir(&query).expect("its cases") {
            if wrong.len() >= enough {
                return (cases, wrong);
            }
            let case = case.expect("a case").path();
            cases += 1;
            let (columns, mut expected) = read_csv(&case.join("expected.csv"));
            let found = match rows_of_case(texts, &name, &case, &columns) {
                Ok(rows) => rows,
                Err(error) => {
                    wrong.push(format!("{}: {error}", case.display()));
                    continue;
                }
            };
            if layer(&name).is_some() {
                // These are sets of rows; snapshots give them an order.
                expected.sort();
            }
            if found != expected {
                wrong.push(format!("{}\n  found    {found:?}\n  expected {expected:?}", case.display()));
            }
        }
    }
    (cases, wrong)
}

fn rows_of_case(texts: &BTreeMap<String, String>, name: &str, case: &Path, columns: &[String]) -> Result<Vec<Vec<String>>, String> {
    let store = empty_store(texts);
    let connection = store.connection();
    fill(connection, case);
    let Some(layer) = layer(name) else {
        view_marts(connection);
        if let Some(check) = texts.get(&format!("checks/{name}.sql")) {
            let offending: i64 = connection.query_row(check, [], |row| row.get(0)).map_err(|error| format!("{name}: {error}"))?;
            return Ok(vec![vec![offending.to_string()]]);
        }
        let catalogue = Catalogue::new(texts).map_err(|error| error.to_string())?;
        return report_rows(connection.try_clone().expect("a connection"), catalogue, name, columns, case);
    };
    for table in if layer == "marts" { &MARTS[..] } else { &STAGING[..] } {
        let sql = &texts[&format!("{layer}/{table}.sql")];
        connection
            .execute_batch(&format!("CREATE OR REPLACE TABLE {layer}.{table} AS {sql}"))
            .map_err(|error| format!("{table}: {error}"))?;
    }
    let mut rows = made_rows(connection, layer, name.trim_start_matches("staging."), columns);
    rows.sort();
    Ok(rows)
}

#[test]
fn every_case_gives_its_expected_rows() {
    let (cases, wrong) = run_cases(&Project::embedded_query_texts(), |_| true, usize::MAX);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases >= 110, "{cases} cases were run");
}

/// `relato check` reads answers in Rust, loads read them in SQL.
#[test]
fn answers_are_read_the_same_in_rust_and_in_sql() {
    let texts = Project::embedded_query_texts();
    let store = empty_store(&texts);
    let connection = store.connection();
    let words = BTreeMap::from([("Bom".to_owned(), 4), ("Ótimo".to_owned(), 5), ("fim|tudo".to_owned(), 2)]);
    for (word, score) in &words {
        connection.execute("INSERT INTO settings.answer VALUES (?, ?)", duckdb::params![word, score]).expect("a word");
    }
    let others = "BOM; bom ;O\u{301}timo;ÓTIMO;otimo;\u{a0}ótimo\u{a0};FIM|Tudo;4,0;4.0;5,00;3.5;5.4;0,5;4.;,0;0x4;1e0;4_0;+4;-0;0,0;Nota: 0;a|0;0|Bom;Bom|0;\
                  Nota: 4,0;Nota: 4,5;Nota:\u{a0}4;\u{2003}4\u{2003};\t4;Bom;bom;Ótimo;fim|tudo;5;6;0; 3 ;-1;4,5;Nota: 4;nota=4;NOTA 4;Nota:: 4;Nota: 9;Avaliação:5;pontuação 2;csat:3;Nps = 1;score4;Nota;\
                  Ticket 4;pesquisa|atendimento|Bom;pesquisa| 2 |Nota: 4|;Bom|20417;|;||3;a|b;obrigada!;👍;Outra;nenhum;a|N/A; ;123456789012345678901234567890";
    let mut answers: Vec<String> = others.split(';').map(str::to_owned).collect();
    for word in NO_ANSWERS {
        let spellings =
            [word.to_uppercase(), word.replace(' ', "_"), word.replace(' ', "\u{a0}-"), format!("\u{2003}{word}!"), word.replace('i', "í")];
        answers.extend(spellings.into_iter().chain([format!("{word}s"), format!("a|{word}| "), word.replace('a', "a\u{301}")]));
    }
    for (number, answer) in answers.iter().enumerate() {
        let sql =
            "INSERT INTO raw.event (event_id, category, action, recorded_at, run) VALUES (?, 'pesquisa', ?, TIMESTAMP '2026-10-05', 1)";
        connection.execute(sql, duckdb::params![number.to_string(), answer]).expect("an answer");
    }
    let sql = format!("SELECT raw_answer, CAST(score AS BIGINT), validity FROM ({}) AS rating", texts["marts/rating.sql"]);
    let mut statement = connection.prepare(&sql).expect("the query");
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    let found: Vec<(String, Option<i64>, String)> = found.map(|row| row.expect("a row")).collect();
    assert_eq!(found.len(), answers.len());
    for (answer, score, validity) in found {
        let expected = satisfaction::score(&answer, &words, (1, 5));
        let expected_validity = match expected {
            Some(_) => "valid",
            None if satisfaction::is_none(&answer, (1, 5)) => "none",
            None => "invalid",
        };
        assert_eq!((score, validity.as_str()), (expected, expected_validity), "{answer:?}");
    }
}

#[test]
fn every_query_has_a_case() {
    let folder = root().join("tests/queries");
    let missing: Vec<String> = Project::embedded_query_texts()
        .into_keys()
        .filter(|path| !folder.join(path.rsplit('/').next().unwrap_or_default().trim_end_matches(".sql")).is_dir())
        .collect();
    assert!(missing.is_empty(), "without a case: {missing:?}");
}

#[test]
fn tables_made_whole_are_not_left_behind_by_a_load_that_broke_off() {
    let texts = Project::embedded_query_texts();
    let checks = Catalogue::new(&texts).expect("queries").table_checks();
    let mut store = empty_store(&texts);
    let ticket = |store: &Store, id: &str, version: i64| {
        let body = format!(
            r#"{{"id":"{id}","ownerIdentity":"bot","sequentialId":1,"team":"Suporte","status":"Waiting","storageDate":"2026-10-05T12:00:00.000Z"}}"#
        );
        let sql = "INSERT INTO raw.ticket VALUES (?, ?, 'customer', ?, 'desk', 1)";
        store.connection().execute(sql, duckdb::params![version, id, body]).expect("a ticket");
        let known = format!(
            "INSERT INTO state.ticket BY NAME
             SELECT '{id}' AS ticket_id, 'bot' AS owner, 'customer' AS customer_key, 'desk' AS key_name, FALSE AS is_closed, {version} AS digest;
             INSERT INTO state.changed_customer VALUES ('customer')"
        );
        store.connection().execute_batch(&known).expect("a change");
    };
    let tickets_of_the_day = |store: &Store| -> i64 {
        let sql = "SELECT coalesce(sum(reported), 0)::BIGINT FROM marts.coverage WHERE resource = 'message'";
        store.connection().query_row(sql, [], |row| row.get(0)).expect("coverage")
    };
    ticket(&store, "one", 1);
    store.refresh_marts(&texts, &checks, 1, &mut |_, _| ()).expect("tables");
    assert_eq!(tickets_of_the_day(&store), 1);

    // The customers' rows are kept; what follows them fails.
    ticket(&store, "two", 2);
    let mut broken = checks.clone();
    broken[0].sql = "SELECT nothing".to_owned();
    broken[0].by_customer = false;
    assert!(store.refresh_marts(&texts, &broken, 1, &mut |_, _| ()).is_err());
    assert_eq!(tickets_of_the_day(&store), 1);
    store.refresh_marts(&texts, &checks, 1, &mut |_, _| ()).expect("tables");
    assert_eq!(tickets_of_the_day(&store), 2);
}

/// Outer joins by a key that DuckDB can only make by comparing all rows with all others, and conditions on rows that it takes into the join
/// with the kinds of line. Those with a handful of targets or bands are no harm.
fn pairwise_joins(plan: &serde_json::Value) -> Vec<String> {
    let nodes = plan.as_array().into_iter().flatten();
    let found = nodes.flat_map(|node| {
        let is_pairwise = ["BLOCKWISE_NL_JOIN", "NESTED_LOOP_JOIN"].contains(&node["name"].as_str().unwrap_or_default().trim());
        let (kind, condition) = (&node["extra_info"]["Join Type"], node["extra_info"]["Condition"].to_string());
        let has_key = ["_key = ", "_id = "].iter().any(|key| condition.contains(key));
        let is_harm = (has_key && kind != "INNER") || condition.contains("row_kind");
        let own = (is_pairwise && is_harm).then_some(condition);
        own.into_iter().chain(pairwise_joins(&node["children"]))
    });
    found.collect()
}

#[test]
fn no_report_query_compares_all_rows_with_all_others() {
    let texts = Project::embedded_query_texts();
    let store = empty_store(&texts);
    let connection = store.connection();
    view_marts(connection);
    let catalogue = Catalogue::new(&texts).expect("headers");
    let plan_of = |sql: &str| -> Vec<String> {
        let plan: String = connection.query_row(&format!("EXPLAIN (FORMAT json) {sql}"), [], |row| row.get(1)).expect("a plan");
        pairwise_joins(&serde_json::from_str(&plan).expect("JSON"))
    };
    let pairwise = "SELECT * FROM ticket LEFT JOIN ticket_tag ON ticket.sector = 'A' AND ticket_tag.ticket_id = ticket.ticket_id";
    assert_eq!(plan_of(pairwise).len(), 1, "a condition of the left side alone hides the key from the engine");
    for query in catalogue.iter() {
        for dimension in ["sector", "tag"] {
            for sector in ["NULL", "'A'"] {
                let sql = query
                    .sql
                    .replace("$dimension", &format!("'{dimension}'"))
                    .replace("$sector", sector)
                    .replace("$period_start", "DATE '2026-10-01'")
                    .replace("$period_end", "DATE '2026-11-01'")
                    .replace("$as_of_s", "1795359600");
                assert_eq!(plan_of(&sql), Vec::<String>::new(), "{} by {dimension}, sector {sector}", query.name);
            }
        }
    }
}
