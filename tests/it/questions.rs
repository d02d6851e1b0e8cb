//! Questions of people: SQL, saved questions, the past, what a profile reaches, and what comes out in each format.

use std::process::Output;

use calamine::{Reader, Xlsx};
use relato::{
    audit,
    query::FileReader,
    sim::Server,
    snapshot::{self, Catalog, Snapshot},
};
use serde_json::{Value, json};

use crate::support::{Sandbox, damaged, everything, now, serve, settings, world, zone};

const PEOPLE: &str = r#"
[access]
comments = ["administrador"]
agent_names = ["administrador"]
[[access.person]]
email = "chefe@x.org"
profile = "administrador"
[[access.person]]
email = "ana@x.org"
profile = "auditor"
[query]
max_rows = 50
max_seconds = 20
"#;

async fn loaded(more: &str) -> (Sandbox, Server) {
    let server = serve(&world(3, 300), &[]).await;
    let sandbox = Sandbox::with_settings(&format!("{}{more}", settings(&server.base_url)));
    sandbox.load(everything()).await;
    (sandbox, server)
}

fn ask(sandbox: &Sandbox, person: &str, arguments: &[&str]) -> Output {
    let arguments = [&["query"], arguments].concat();
    sandbox.relato(&arguments).env("RELATO_EMAIL", person).env("COLUMNS", "200").output().expect("the binary runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_the_same_in_every_format() {
    let (sandbox, _server) = loaded("").await;
    let sql = "SELECT sector, count(*) AS tickets, avg(queue_wait_s) AS wait_s, min(created_day) AS first_day, bool_or(is_short_loss) AS any_short,
                   sum(handling_s) AS total, list(DISTINCT outcome ORDER BY outcome) AS outcomes, 1.25::DECIMAL(9, 2) AS exact
               FROM ticket GROUP BY sector ORDER BY sector;  -- a remark";
    let answer = json(&ask(&sandbox, "", &[sql, "--format", "json"]));
    let rows = answer["result"]["content"]["table"]["rows"].as_array().expect("rows");
    assert!(rows.len() > 3 && rows[0]["tickets"].is_i64() && rows[0]["wait_s"].is_f64() && rows[0]["total"].is_i64(), "{rows:?}");
    assert_eq!((rows[0]["any_short"].is_boolean(), &rows[0]["exact"]), (true, &Value::from(1.25)));
    assert!(rows[0]["outcomes"].as_str().is_some_and(|text| text.starts_with('[')), "{rows:?}");

    let out = |name: &str| sandbox.dir().join(name).display().to_string();
    let write = |format: &str| {
        let output = ask(&sandbox, "", &[sql, "--format", format, "--out", &out(&format!("a.{format}")), "--reason", "pedido 7"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    };
    ["csv", "xlsx", "parquet"].into_iter().for_each(write);
    let csv = std::fs::read_to_string(out("a.csv")).unwrap();
    assert_eq!(csv.lines().count(), rows.len() + 1);
    assert!(csv.starts_with("\u{feff}sector;tickets;wait_s"), "{csv}");
    let mut book: Xlsx<_> = calamine::open_workbook(out("a.xlsx")).expect("a workbook");
    let cover = book.worksheet_range("Consulta").expect("a cover");
    let told: Vec<String> =
        cover.rows().map(|row| format!("{}={}", row[0], row.get(1).map(ToString::to_string).unwrap_or_default())).collect();
    assert!(told.iter().any(|fact| fact == "Motivo=pedido 7"), "{told:?}");
    assert!(told.iter().any(|fact| fact.starts_with("SQL=SELECT sector")), "{told:?}");
    let sheet = book.worksheet_range(&book.sheet_names()[1].clone()).expect("the rows");
    assert_eq!(sheet.height(), rows.len() + 1);
    assert_eq!(sheet.get((1, 1)).and_then(calamine::DataType::get_float), rows[0]["tickets"].as_f64());
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let counted: i64 =
        connection.query_row(&format!("SELECT sum(tickets)::BIGINT FROM '{}'", out("a.parquet")), [], |row| row.get(0)).unwrap();
    assert_eq!(counted, rows.iter().filter_map(|row| row["tickets"].as_i64()).sum::<i64>());
    assert_eq!(ask(&sandbox, "", &[sql, "--format", "xlsx"]).status.code(), Some(2), "a workbook needs a file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_every_kind_are_handed_over_exactly() {
    let (sandbox, _server) = loaded("").await;
    let values = [
        ("7::HUGEINT", json!(7)),
        ("(-170141183460469231731687303715884105728)::HUGEINT", json!("-170141183460469231731687303715884105728")),
        ("9223372036854775807::UBIGINT", json!(9_223_372_036_854_775_807_i64)),
        ("9223372036854775808::UBIGINT", json!("9223372036854775808")),
        ("340282366920938463463374607431768211455::UHUGEINT", json!("340282366920938463463374607431768211455")),
        ("5::UHUGEINT", json!("5")),
        ("200::UTINYINT", json!(200)),
        ("(-128)::TINYINT", json!(-128)),
        ("0.5::FLOAT", json!(0.5)),
        ("0.1::DOUBLE", json!(0.1)),
        ("-12.345::DECIMAL(38, 3)", json!(-12.345)),
        ("99::DECIMAL(30, 0)", json!(99)),
        ("DATE '1969-12-31'", json!("1969-12-31")),
        ("TIMESTAMP '2026-02-03 04:05:06.789'", json!("2026-02-03T04:05:06.789")),
        ("TIMESTAMP_NS '2026-02-03 04:05:06.789123456'", json!("2026-02-03T04:05:06.789123")),
        ("TIMESTAMP_S '2026-02-03 04:05:06'", json!("2026-02-03T04:05:06")),
        ("TIMESTAMPTZ '2026-02-03 04:05:06+00'", json!("2026-02-03T04:05:06")),
        ("TIME '01:02:03'", json!("01:02:03")),
        ("INTERVAL 3 DAY", json!("3 days")),
        ("[1, NULL]", json!("[1, NULL]")),
        ("{'a': 1}", json!("{'a': 1}")),
        ("'\\xAA'::BLOB", json!("\\xAA")),
        ("'101'::BIT", json!("101")),
        ("uuid '00000000-0000-0000-0000-000000000001'", json!("00000000-0000-0000-0000-000000000001")),
        ("''", json!("")),
        ("'é'", json!("é")),
        ("NULL", Value::Null),
        ("false", json!(false)),
    ];
    // Each as its own column, all called alike, and each beside nothing in the same column.
    let asked: Vec<String> = values.iter().map(|(sql, _)| format!("{sql} AS same")).collect();
    let nothing: Vec<&str> = values.iter().map(|_| "NULL").collect();
    let sql = format!("SELECT {} UNION ALL SELECT {}", asked.join(", "), nothing.join(", "));
    let answer = json(&ask(&sandbox, "", &[&sql, "--format", "json"]));
    let table = &answer["result"]["content"]["table"];
    let columns: Vec<&str> = table["columns"].as_array().expect("columns").iter().filter_map(|column| column["name"].as_str()).collect();
    for (column, (sql, value)) in columns.iter().zip(&values) {
        assert_eq!(&table["rows"][0][column], value, "{sql}");
        assert_eq!(table["rows"][1][column], Value::Null, "{sql}");
    }
    assert_eq!(columns.len(), values.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_are_handed_over_in_the_order_of_the_question() {
    let (sandbox, _server) = loaded("").await;
    let sql = "SELECT 45001 - range AS n, 'row ' || range AS told FROM range(45001) ORDER BY n";
    let out = |name: &str| sandbox.dir().join(name).display().to_string();
    for format in ["csv", "parquet"] {
        let output = ask(&sandbox, "", &[sql, "--format", format, "--out", &out(format)]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    }
    let expected: Vec<String> = (1..=45_001).map(|n| format!("{n};row {}", 45_001 - n)).collect();
    let csv = std::fs::read_to_string(out("csv")).unwrap();
    assert!(csv.lines().skip(1).eq(expected.iter()), "in the file of text");
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare(&format!("SELECT n || ';' || told FROM read_parquet('{}')", out("parquet"))).unwrap();
    let rows: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(rows == expected, "in the Parquet file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_refused_limited_or_helped() {
    let (sandbox, _server) = loaded(PEOPLE).await;
    let chief = |arguments: &[&str]| ask(&sandbox, "chefe@x.org", arguments);
    for (arguments, code, says) in [
        (&["SELECT sectr FROM ticket"][..], 1, "Candidate bindings: \"sector\""),
        (&["SELECT sector FROM tickets"], 2, "there is no table `tickets`"),
        (&["SELECT sector FROM ticket WHERE"], 2, "syntax error"),
        (&["SELECT getenv('HOME')"], 4, "`getenv` is not among the functions"),
        (&["DROP TABLE ticket"], 4, "a question is one SELECT"),
        (&["SELECT ticket_id FROM ticket"], 1, "more than 50 rows"),
        (&["SELECT ticket_id FROM ticket WHERE sector = $who"], 2, "`$who` has no value"),
        (&["SELECT 1", "--param", "x=1"], 2, "no parameter `$x`"),
        (&["nothing_like_it"], 2, "unknown saved query"),
        (&["maiores_esperas", "--param", "x=1"], 2, "has no parameter `x`"),
        (&[".describe nothing"], 2, "there is no table `nothing`"),
        (&[".nothing"], 2, "unknown command"),
    ] {
        let output = chief(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(says), "{arguments:?}: {}", text(&output));
    }
    let of = |arguments: &[&str]| text(&chief(arguments));
    assert!(
        of(&[".tables"]).contains("one row per Blip ticket") && of(&[".tables"]).contains("comment") && of(&[".tables"]).contains("access")
    );
    assert!(of(&[".describe", "turn"]).contains("seconds in which the replying sector held the conversation"));
    assert!(of(&[".saved"]).contains("conversas_de") && of(&[".saved", "dias_lidos"]).contains("FROM coverage"));
    assert!(of(&[".functions"]).contains("percentile") || of(&[".functions"]).contains("quantile_cont"));
    let piped = sandbox
        .relato(&["query", "--format", "csv"])
        .env("RELATO_EMAIL", "chefe@x.org")
        .write_stdin("SELECT 41 + 1 AS answer")
        .output()
        .unwrap();
    assert!(text(&piped).contains("answer\n42"), "{}", text(&piped));
    sandbox.write("q.sql", "SELECT count(*) AS n FROM ticket WHERE created_day >= $from_day AND sector = $sector_name");
    let file = sandbox.dir().join("q.sql").display().to_string();
    let asked = of(&["-f", &file, "--param", "from_day=2026-01-01", "--param", "sector_name=Financeiro"]);
    assert!(asked.contains("1 rows"), "{asked}");
    // What was asked can be asked for.
    let log = of(&["acessos", "--period", "2026-11", "--param", "who=chefe@x.org"]);
    assert!(log.contains("refused") && log.contains("answered") && log.contains("failed"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_profile_may_not_see_is_nowhere_in_reach() {
    let (sandbox, _server) = loaded(PEOPLE).await;
    let rows = |person: &str, sql: &str| {
        let answer = json(&ask(&sandbox, person, &[sql, "--format", "json"]));
        answer["result"]["content"]["table"]["rows"].clone()
    };
    let names = "SELECT DISTINCT agent FROM ticket WHERE agent IS NOT NULL ORDER BY agent LIMIT 40";
    let (chiefs, auditors) = (rows("chefe@x.org", names), rows("ana@x.org", names));
    assert!(chiefs.to_string().contains('@') && !auditors.to_string().contains('@'), "{chiefs} {auditors}");
    assert!(auditors[0]["agent"].as_str().unwrap().starts_with("atendente-"), "{auditors}");
    assert_eq!(chiefs.as_array().unwrap().len(), auditors.as_array().unwrap().len(), "as many, under other names");
    // The same attendant is the same pseudonym in every table.
    let joined = "SELECT count(*) AS n FROM ticket LEFT JOIN agent ON agent.agent = ticket.agent WHERE ticket.agent IS NOT NULL AND agent.agent IS NULL";
    assert_eq!(rows("ana@x.org", joined), rows("chefe@x.org", joined));
    assert!(!rows("ana@x.org", "SELECT name FROM agent").to_string().contains(' '));
    // And the files that the auditor's question reads hold no name.
    let masked = sandbox.project().data_dir().join("masked");
    let connection = duckdb::Connection::open_in_memory().unwrap();
    for entry in std::fs::read_dir(masked)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "parquet"))
    {
        for chief in chiefs.as_array().unwrap() {
            let address = chief["agent"].as_str().unwrap();
            let sql = format!("SELECT count(*) FROM '{}' AS t WHERE CAST(t AS VARCHAR) LIKE '%{address}%'", entry.display());
            assert_eq!(connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{}", entry.display());
        }
    }
    let comments = "SELECT count(*) AS n FROM comment WHERE comment <> ''";
    assert!(rows("chefe@x.org", comments)[0]["n"].as_i64().unwrap() > 0);
    let refused = ask(&sandbox, "ana@x.org", &[comments]);
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused));
    assert!(!text(&ask(&sandbox, "ana@x.org", &[".tables"])).contains("comment"));
    assert_eq!(ask(&sandbox, "ana@x.org", &[".describe", "comment"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_asked_by_day_compared_and_made_again() {
    let world = world(5, 400);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::with_settings(&settings(&server.base_url));
    let earlier = relato::ingest::IngestRequest { now: "2026-11-10T15:00:00Z".parse().unwrap(), ..everything() };
    let (_, first) = sandbox.load(earlier).await;
    let (_, second) = sandbox.load(everything()).await;
    assert!(second.is_new);
    let asked = |as_of: &str| json(&ask(&sandbox, "", &["SELECT count(*) AS n FROM ticket", "--as-of", as_of, "--format", "json"]));
    for day in ["2026-11-10", "2026-11-15", "2026-11-23"] {
        assert_eq!(asked(day)["snapshot"], first.manifest.id, "{day}");
    }
    assert_eq!(asked("2026-11-24")["snapshot"], second.manifest.id);
    let before = ask(&sandbox, "", &["SELECT 1", "--as-of", "2026-11-09"]);
    assert_eq!(before.status.code(), Some(2));
    assert!(text(&before).contains("nothing was published by 2026-11-09"), "{}", text(&before));

    let diff = sandbox.relato(&["snapshot", "diff", "2026-11-10", "--period", "2026-11", "--format", "json"]).output().unwrap();
    let diff = json(&diff);
    let (figures, conversations) = (diff["figures"].as_array().unwrap(), diff["conversations"].as_array().unwrap());
    let conversations_figure =
        figures.iter().find(|figure| figure["block"] == "indicadores" && figure["column"]["name"] == "conversations").unwrap();
    let counts = ["before", "after"].map(|side| conversations_figure[side].as_f64().unwrap());
    assert!(counts[0] < counts[1] && !conversations.is_empty(), "{counts:?}");
    let added = conversations.iter().filter(|one| one["tickets_added"].as_i64() > Some(0)).count();
    assert!(added > 0 && figures.len() > 20, "{added} {}", figures.len());
    let same = sandbox.relato(&["snapshot", "diff", "2026-11-10", "--period", "2026-09"]).output().unwrap();
    assert!(text(&same).contains("figures differ, through"), "{}", text(&same));

    let folder = sandbox.dir().join("out");
    let made = sandbox
        .relato(&["report", "atendimento-mensal", "--period", "2026-10", "--format", "pdf,xlsx,csv", "--out"])
        .arg(&folder)
        .output()
        .unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    for file in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let again = sandbox.relato(&["report", "--reproduce"]).arg(&file).output().unwrap();
        assert_eq!(again.status.code(), Some(0), "{}: {}", file.display(), text(&again));
        assert!(text(&again).contains("identical, byte for byte"), "{}", text(&again));
    }
    let pdf = folder.join("atendimento-mensal_2026-10.pdf");
    let hash = relato::domain::digest::sha256(&std::fs::read(&pdf).unwrap());
    sandbox.relato(&["report", "--reproduce", &hash[..16]]).assert().success();
    std::fs::write(&pdf, b"altered").unwrap();
    let altered = sandbox.relato(&["report", "--reproduce"]).arg(&pdf).output().unwrap();
    assert!(altered.status.code() == Some(1) && text(&altered).contains("no published file has the SHA-256"), "{}", text(&altered));
    sandbox.write("relato.toml", &settings(&server.base_url).replace("America/Sao_Paulo", "America/Manaus"));
    let other = sandbox.relato(&["report", "--reproduce", &hash[..16]]).output().unwrap();
    assert!(other.status.code() == Some(1) && text(&other).contains("settings or queries have changed since"), "{}", text(&other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_read_is_not_pruned_and_one_whose_reader_died_is() {
    let (sandbox, _server) = loaded("").await;
    let folder = sandbox.project().snapshot_dir();
    let first = Snapshot::open(&Catalog::at(&folder), None).unwrap();
    let later = relato::ingest::IngestRequest { now: now() + chrono::TimeDelta::days(1), ..everything() };
    sandbox.load(later).await;
    assert_eq!(Catalog::at(&folder).list().unwrap().len(), 2);
    let pruned = snapshot::prune(&Catalog::at(&folder), 1).unwrap();
    assert_eq!((pruned.snapshots, pruned.in_use), (0, 1));
    assert!(damaged(&first).is_empty(), "every part is still there");
    // A file without a lock is of a reader that died.
    let dead = folder.join("readers").join(format!("{}.dead", first.manifest.id));
    std::fs::write(&dead, "").unwrap();
    drop(first);
    let pruned = snapshot::prune(&Catalog::at(&folder), 1).unwrap();
    assert_eq!((pruned.snapshots, pruned.in_use, dead.exists()), (1, 0, false));
    assert_eq!(Catalog::at(&folder).list().unwrap().len(), 1);
    assert!(Snapshot::open_as_known_on(&Catalog::at(&folder), now().date_naive(), zone()).is_err(), "the first is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_answered_while_data_are_loaded_and_published() {
    let (sandbox, _server) = loaded("").await;
    let load = |day: i64| {
        let at = now() + chrono::TimeDelta::days(day);
        sandbox.set_clock(at);
        let at = at.to_rfc3339();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relato"));
        command.args(["--now", &at, "--project"]).arg(sandbox.dir()).arg("ingest");
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().expect("the binary runs")
    };
    let mut answered = 0;
    for day in 1..4 {
        let mut loading = load(day);
        while loading.try_wait().unwrap().is_none() {
            let answer = ask(&sandbox, "", &["SELECT count(*) AS n FROM ticket", "--format", "csv"]);
            assert!(answer.status.success(), "{}", text(&answer));
            answered += 1;
        }
    }
    assert!(answered >= 3, "{answered} questions were answered meanwhile");
    assert_eq!(Catalog::at(&sandbox.project().snapshot_dir()).list().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_of_every_table_is_described() {
    let (sandbox, _server) = loaded("").await;
    let project = sandbox.project();
    let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), None).unwrap();
    let reader = FileReader::new().unwrap();
    let described = audit::described(&snapshot, &project.query_texts().unwrap());
    for (table, contents) in &snapshot.manifest.tables {
        let columns = reader.columns_of(&snapshot.folder.join(&contents.parts[0].path)).unwrap();
        let told = described.iter().find(|one| one.name == *table).expect("a description");
        assert!(!told.grain.is_empty() && !told.question.is_empty(), "{table}");
        let names: Vec<&str> = told.columns.iter().map(|column| column.name.as_str()).collect();
        let missing: Vec<&String> = columns.iter().filter(|column| !names.contains(&column.as_str())).collect();
        assert!(missing.is_empty(), "{table}: {missing:?} are not described");
        assert!(told.columns.iter().all(|column| !column.kind.is_empty() && !column.meaning.is_empty()), "{table}: {:?}", told.columns);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_described_of_a_table_is_what_it_has() {
    let server = serve(&world(91, 60), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let snapshot = Snapshot::open(&Catalog::at(&project.snapshot_dir()), None).expect("a snapshot");
    let store = sandbox.store();
    let columns = |table: &str| -> Vec<String> {
        let sql = "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'marts' AND table_name = ? ORDER BY column_name";
        let mut statement = store.connection().prepare(sql).expect("a query");
        statement.query_map([table], |row| row.get(0)).expect("names").map(|name| name.expect("a name")).collect()
    };
    for table in audit::described(&snapshot, &project.query_texts().expect("queries")) {
        let found = columns(&table.name);
        if found.is_empty() {
            continue;
        }
        let mut described: Vec<String> = table.columns.into_iter().map(|column| column.name).collect();
        described.sort();
        assert_eq!(described, found, "{}", table.name);
    }
}
