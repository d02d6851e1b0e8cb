//! Attempts to get out of a question: none reads, writes, crashes or outlasts what it may.
//!
//! There are two walls, and each is tried alone: the gate that reads the tree of a question, and the process that answers, which is
//! handed every attempt as if there were no gate.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use relato::domain::report_data::DetailRows;
use relato::{
    audit::{self, Reached, Ready, RejectionKind, SessionError},
    config::QueryLimits,
    domain::Cell,
    query::{AnswerColumn, AnswerFile, FileReader},
};

/// What must never come out.
const CANARY: &str = "canary-7f3a";

/// Attempts that the gate must refuse. `FILE` stands for a file with the canary in it, `DB` for a database with it, `OUT` for a file that
/// is not there, `FOLDER` for their folder.
const FORBIDDEN: &[&str] = &[
    // Files in place of tables.
    "SELECT * FROM 'FILE'",
    "SELECT * FROM \"FILE\"",
    "FROM 'FILE'",
    "SELECT * FROM 'FOLDER/*.csv'",
    "SELECT * FROM 'FOLDER/**'",
    "SELECT * FROM './relato.toml'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '/proc/self/environ'",
    "SELECT * FROM 'file:///etc/passwd'",
    "SELECT * FROM 'https://example.org/x.csv'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM 'hf://datasets/x/y.csv'",
    "SELECT * FROM ticket, 'FILE'",
    "SELECT * FROM ticket JOIN 'FILE' ON TRUE",
    "SELECT (SELECT count(*) FROM 'FILE')",
    "SELECT 1 WHERE EXISTS (FROM 'FILE')",
    "WITH x AS (FROM 'FILE') SELECT * FROM x",
    "WITH x AS MATERIALIZED (SELECT * FROM 'FILE') SELECT * FROM x",
    "WITH \"FILE\" AS (SELECT 1) SELECT * FROM \"FILE\"",
    "SELECT * FROM (WITH \"FILE\" AS (SELECT 1) SELECT 1) AS a, 'FILE'",
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r, 'FILE' WHERE a < 2) SELECT * FROM r",
    "SELECT 1 UNION ALL SELECT * FROM 'FILE'",
    "SELECT * FROM ticket WHERE sector IN (SELECT column0 FROM 'FILE')",
    "SELECT * FROM (PIVOT 'FILE' ON column0 USING count(*))",
    "SELECT * FROM LATERAL (SELECT * FROM 'FILE')",
    // Functions that read.
    "SELECT * FROM read_csv('FILE')",
    "SELECT * FROM read_csv_auto('FILE')",
    "SELECT * FROM read_csv(['FILE'], header = false)",
    "SELECT * FROM sniff_csv('FILE')",
    "SELECT * FROM read_text('FILE')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_text('/proc/self/cmdline')",
    "SELECT * FROM read_blob('FILE')",
    "SELECT * FROM read_json('FILE')",
    "SELECT * FROM read_json_auto('FILE')",
    "SELECT * FROM read_json_objects('FILE')",
    "SELECT * FROM read_ndjson('FILE')",
    "SELECT * FROM read_ndjson_auto('FILE')",
    "SELECT * FROM read_ndjson_objects('FILE')",
    "SELECT * FROM read_parquet('FILE')",
    "SELECT * FROM parquet_scan('FILE')",
    "SELECT * FROM parquet_metadata('FILE')",
    "SELECT * FROM parquet_schema('FILE')",
    "SELECT * FROM parquet_file_metadata('FILE')",
    "SELECT * FROM parquet_kv_metadata('FILE')",
    "SELECT * FROM parquet_bloom_probe('FILE', 'a', 1)",
    "SELECT * FROM parquet_full_metadata('FILE')",
    "SELECT * FROM glob('FOLDER/*')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM seq_scan('ticket')",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM arrow_scan_dumb(1, 2, 3)",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM sqlite_scan('DB', 't')",
    "SELECT * FROM postgres_scan('', '', '')",
    "SELECT * FROM iceberg_scan('FOLDER')",
    "SELECT * FROM delta_scan('FOLDER')",
    "SELECT * FROM st_read('FILE')",
    "SELECT * FROM read_xlsx('FILE')",
    "SELECT * FROM read_duckdb('DB')",
    "SELECT * FROM which_secret('s3://x', 's3')",
    "SELECT * FROM query('SELECT * FROM ''FILE''')",
    "SELECT * FROM query_table('FILE')",
    "SELECT * FROM query_table(['ticket', 'FILE'])",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM ''FILE'''))",
    "SELECT json_serialize_plan('SELECT * FROM ''FILE''')",
    "SELECT json_deserialize_sql('{}')",
    "SELECT json_serialize_sql('SELECT 1')",
    // Settings, environment, what the engine knows of itself.
    "SELECT getenv('HOME')",
    "SELECT getenv('RELATO_CANARY')",
    "SELECT main.getenv('HOME')",
    "SELECT system.main.getenv('HOME')",
    "SELECT \"getenv\"('HOME')",
    "SELECT GetEnv('HOME')",
    "SELECT upper(getenv('HOME'))",
    "SELECT list_transform(['HOME'], lambda name: getenv(name))",
    "SELECT [getenv(name) FOR name IN ['HOME']]",
    "SELECT 'HOME'.getenv()",
    "SELECT CASE WHEN TRUE THEN getenv('HOME') END",
    "SELECT count(*) FROM ticket HAVING getenv('HOME') IS NOT NULL",
    "SELECT 1 ORDER BY getenv('HOME')",
    "SELECT 1 LIMIT length(getenv('HOME'))",
    "SELECT row_number() OVER (ORDER BY getenv('HOME'))",
    "SELECT sum(1) FILTER (WHERE getenv('HOME') <> '')",
    "SELECT current_setting('allowed_paths')",
    "SELECT current_setting('temp_directory')",
    "SELECT getvariable('x')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_views()",
    "SELECT sql FROM duckdb_views",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_columns()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT * FROM duckdb_memory()",
    "SELECT * FROM duckdb_variables()",
    "SELECT * FROM duckdb_logs",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM duckdb_prepared_statements()",
    "SELECT * FROM duckdb_external_file_cache()",
    "SELECT * FROM pragma_database_list()",
    "SELECT * FROM pragma_table_info('ticket')",
    "SELECT * FROM pragma_storage_info('ticket')",
    "SELECT * FROM pragma_version()",
    "SELECT * FROM pragma_platform()",
    "SELECT * FROM pragma_user_agent()",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_temp_master",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM pg_tables",
    "SELECT * FROM main.ticket",
    "SELECT * FROM memory.main.ticket",
    "SELECT * FROM temp.main.ticket",
    "SELECT * FROM system.main.duckdb_settings",
    "SELECT * FROM summary('ticket')",
    "SELECT * FROM test_all_types()",
    "SELECT * FROM repeat_row(1, num_rows = 1000000000)",
    "SELECT * FROM checkpoint()",
    "SELECT * FROM force_checkpoint()",
    "SELECT * FROM enable_logging()",
    "SELECT * FROM enable_profiling()",
    "SELECT write_log('x')",
    "SELECT nextval('s')",
    "SELECT currval('s')",
    "SELECT txid_current()",
    "SELECT current_query()",
    "SELECT pg_sleep(10)",
    "SELECT sleep_ms(10000)",
    "SELECT setseed(0.5)",
    "SELECT error('x')",
    "SELECT repeat('x', 4000000000)",
    "SELECT bitstring('1', 4000000000)",
    "SELECT list_resize([1], 2000000000, 1)",
    "SELECT len(range(10000000000))",
    "SELECT len(generate_series(1, 10000000000))",
    "SELECT factorial(1000000)",
    "SELECT bar(1, 0, 1, 2000000000)",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "DESCRIBE ticket",
    "SUMMARIZE ticket",
    "SELECT * FROM (DESCRIBE ticket)",
    "SELECT * FROM (SHOW TABLES)",
    "SELECT * FROM (SUMMARIZE ticket)",
    "SELECT * FROM (SHOW ALL TABLES)",
    "FROM (DESCRIBE SELECT * FROM 'FILE')",
    "SELECT * FROM ticket AT (VERSION => 1)",
    // Anything but one SELECT.
    "COPY (SELECT 1) TO 'OUT'",
    "COPY ticket TO 'OUT' (FORMAT parquet)",
    "COPY ticket TO 'OUT' (FORMAT csv, PARTITION_BY (sector))",
    "COPY ticket FROM 'FILE'",
    "COPY FROM DATABASE memory TO memory",
    "EXPORT DATABASE 'OUT'",
    "IMPORT DATABASE 'FOLDER'",
    "ATTACH 'DB' AS other",
    "ATTACH 'DB' (READ_ONLY)",
    "ATTACH ':memory:' AS other",
    "ATTACH 'DB' (TYPE sqlite)",
    "DETACH memory",
    "USE memory",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs FROM 'FOLDER'",
    "LOAD httpfs",
    "LOAD 'FILE'",
    "UPDATE EXTENSIONS",
    "SET threads = 64",
    "SET memory_limit = '1TB'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET GLOBAL allowed_paths = ['FILE']",
    "SET VARIABLE x = 1",
    "RESET lock_configuration",
    "PRAGMA enable_external_access = true",
    "PRAGMA database_list",
    "PRAGMA version",
    "PRAGMA threads = 64",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE VIEW x AS SELECT * FROM 'FILE'",
    "CREATE OR REPLACE VIEW ticket AS SELECT 1",
    "CREATE MACRO f(x) AS getenv(x)",
    "CREATE MACRO f() AS TABLE SELECT * FROM 'FILE'",
    "CREATE SECRET (TYPE s3)",
    "CREATE SEQUENCE s",
    "CREATE TYPE t AS ENUM ('a')",
    "CREATE SCHEMA s",
    "CREATE FUNCTION f(x) AS x",
    "DROP VIEW ticket",
    "ALTER TABLE ticket RENAME TO x",
    "INSERT INTO ticket VALUES (1)",
    "UPDATE ticket SET sector = 'x'",
    "DELETE FROM ticket",
    "TRUNCATE ticket",
    "MERGE INTO ticket USING ticket AS other ON TRUE WHEN MATCHED THEN DELETE",
    "WITH x AS (INSERT INTO ticket VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM ticket RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE ticket SET sector = 'x' RETURNING *) SELECT * FROM x",
    "PREPARE p AS SELECT * FROM 'FILE'",
    "EXECUTE p",
    "DEALLOCATE p",
    "CALL pragma_version()",
    "CALL enable_logging()",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE SELECT * FROM 'FILE'",
    "VACUUM",
    "ANALYZE",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "COMMENT ON VIEW ticket IS 'x'",
    "PIVOT ticket ON sector USING count(*)",
    // Two in one.
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO 'OUT'",
    "COPY (SELECT 1) TO 'OUT'; SELECT 1",
    "SELECT 1;; ATTACH 'DB' AS other",
    "SELECT 1 /* ; */; DROP VIEW ticket",
    "SELECT 1 -- ;\n; DROP VIEW ticket",
    "SELECT ';'; DROP VIEW ticket --",
    "SELECT $$;$$; SET threads = 1",
    "SELECT 1) AS a; COPY (SELECT 1) TO 'OUT'; SELECT * FROM (SELECT 1",
    "SELECT 1) AS a LIMIT 1; ATTACH 'DB' AS other; SELECT 1 --",
    "SELECT 1\u{0}; SELECT 2",
    // The same in other clothes.
    "/* harmless */ COPY (SELECT 1) TO 'OUT'",
    "-- harmless\nATTACH 'DB' AS other",
    "SELECT * FROM/**/'FILE'",
    "SELECT * FROM\n'FILE'",
    "SELECT * FROM read_text/**/('FILE')",
    "SELECT * FROM \"read_text\"('FILE')",
    "SELECT * FROM READ_TEXT('FILE')",
    "SELECT * FROM main.read_text('FILE')",
    "SELECT * FROM system.main.read_text('FILE')",
    "SELECT * FROM read_text(E'FILE')",
    "SELECT * FROM read_text('FILE') AS ticket",
    "SELECT * FROM read_text($$FILE$$)",
    "SELECT * FROM U&'FILE'",
    "SELECT * FROM ｒead_text('FILE')",
    "SELECT * FROM \u{feff}read_text('FILE')",
    "SELECT\u{a0}*\u{a0}FROM\u{a0}read_text('FILE')",
    "SELECT g\u{435}tenv('HOME')",
    "SELECT get\u{200b}env('HOME')",
    "SELECT * FROM ticket\u{202e}",
];

/// Questions that the gate lets through and that would take all time or memory there is.
const BOMBS: &[&str] = &[
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT count(*) FROM r",
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT * FROM r",
    "WITH RECURSIVE r AS (SELECT 'x' AS a UNION ALL SELECT a || a FROM r) SELECT max(length(a)) FROM r",
    "WITH RECURSIVE r AS (SELECT [1] AS a UNION ALL SELECT list_concat(a, a) FROM r) SELECT max(len(a)) FROM r",
    "SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b, range(1000000) AS c WHERE a.range + b.range = c.range * 3",
    "SELECT a.range, b.range FROM range(10000000) AS a, range(10000000) AS b",
    "SELECT * FROM range(1000000000000)",
    "SELECT list(a.range) FROM range(1000000000) AS a",
    "SELECT string_agg(CAST(a.range AS VARCHAR), ',') FROM range(1000000000) AS a",
    "SELECT histogram(a.range) FROM range(1000000000) AS a",
    "SELECT count(DISTINCT md5(CAST(a.range AS VARCHAR))) FROM range(1000000000) AS a",
    "SELECT md5(CAST(a.range AS VARCHAR)) AS m FROM range(1000000000) AS a ORDER BY m",
    "SELECT lpad('x', 2000000000, 'y')",
    "SELECT rpad('x', 2000000000, 'y') || rpad('x', 2000000000, 'y')",
    "SELECT printf('%2000000000d', 1)",
    "SELECT format('{:2000000000d}', 1)",
    "SELECT length(replace(lpad('x', 100000000, 'x'), 'x', lpad('y', 1000, 'y')))",
    "SELECT regexp_matches(lpad('a', 1000000, 'a'), '(a?){1000}a{1000}b')",
    "SELECT regexp_replace(lpad('a', 100000000, 'a'), 'a', 'bbbbbbbbbbbbbbbbbbbb', 'g') IS NULL",
    "SELECT levenshtein(lpad('a', 1000000, 'a'), lpad('b', 1000000, 'b'))",
    "SELECT list_sort(list_transform(string_split(lpad('a', 100000000, 'a,'), ','), lambda x: md5(x))) IS NULL",
    "SELECT power(10, 300) * power(10, 300), 2::HUGEINT * 170141183460469231731687303715884105727::HUGEINT",
    "SELECT * FROM unnest(string_split(lpad('a', 200000000, ','), ','))",
    "SELECT (SELECT count(*) FROM range(100000000) AS b WHERE b.range % (a.range + 1) = 0) FROM range(100000000) AS a",
    "SELECT sum(a.range) OVER (ORDER BY a.range % 7 ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM range(100000000) AS a",
    "SELECT mode(sector) OVER (ROWS BETWEEN 100000000 PRECEDING AND CURRENT ROW) FROM ticket, range(1000000)",
];

/// What a question may be.
const HARMLESS: &[&str] = &[
    "SELECT count(*) FROM ticket",
    "select SECTOR, count(*) from TICKET group by 1;",
    "FROM ticket SELECT sector LIMIT 2",
    "SELECT 'COPY x TO y; ATTACH' AS words",
    "WITH t AS (SELECT sector FROM ticket) SELECT * FROM t UNION SELECT 'x'",
    "SELECT * FROM ticket WHERE sector LIKE 'F%' QUALIFY row_number() OVER (PARTITION BY sector ORDER BY n) = 1",
    "SELECT * FROM (VALUES (1, 'a')) AS v(n, w) JOIN ticket ON ticket.n = v.n",
    "SELECT sum(a.range) FROM range(10) AS a",
    "SELECT * EXCLUDE (n) FROM ticket -- a remark",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n) FROM ticket",
];

struct Prison {
    folder: tempfile::TempDir,
}

impl Prison {
    fn new() -> Prison {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("secret.csv"), format!("{CANARY},1\n")).expect("a file");
        let connection = duckdb::Connection::open(path("secret.db")).expect("a database");
        connection
            .execute_batch(&format!(
                "CREATE TABLE t AS SELECT '{CANARY}' AS word;
                 COPY (SELECT 'Financeiro' AS sector, 1 AS n, '[\"a\"]' AS tags UNION ALL SELECT 'Suporte', 2, NULL) TO '{}' (FORMAT parquet)",
                path("ticket.parquet").display()
            ))
            .expect("a table");
        drop(connection);
        Prison { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn filled(&self, attempt: &str) -> String {
        let of = |name: &str| self.path(name).display().to_string();
        attempt
            .replace("FILE", &of("secret.csv"))
            .replace("'DB'", &format!("'{}'", of("secret.db")))
            .replace("OUT", &of("out"))
            .replace("FOLDER", &self.folder.path().display().to_string())
    }

    fn files(&self) -> Vec<(String, u64)> {
        let mut files: Vec<(String, u64)> = fs::read_dir(self.folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry"))
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.metadata().expect("metadata").len()))
            .collect();
        files.sort();
        files
    }

    /// Has the process that answers run a text as if there were no gate; returns what came out, and how long it took.
    fn run(&self, sql: &str, limits: QueryLimits) -> (Result<String, SessionError>, Duration) {
        let reached = Reached { files: BTreeMap::from([("ticket".to_owned(), vec![self.path("ticket.parquet")])]), ..Reached::default() };
        let began = Instant::now();
        let ready = Ready::start(Path::new(env!("CARGO_BIN_EXE_relato"))).expect("the binary");
        let answered = audit::ask(ready, sql, &reached, BTreeMap::new(), limits, &mut |_| true);
        let took = began.elapsed();
        let text = answered.map(|answered| {
            let column = |column: &AnswerColumn| relato::domain::Column {
                name: column.name.clone(),
                label: String::new(),
                kind: relato::domain::Kind::Text,
                metric: None,
            };
            let rows = usize::try_from(answered.rows).expect("few");
            let file = AnswerFile::open(
                &FileReader::new().expect("an engine"),
                &answered.file,
                answered.columns.iter().map(column).collect(),
                rows,
            )
            .expect("an answer");
            let table = file.rows(0..rows.min(100)).expect("rows");
            let cell = |(row, column): (usize, usize)| match table.cell(row, column) {
                Cell::Text(text) => text.chars().take(1_000).collect(),
                other => format!("{other:?}"),
            };
            let cells = (0..table.row_count()).flat_map(|row| (0..table.columns().len()).map(move |column| (row, column)));
            cells.map(cell).collect::<Vec<_>>().join("|")
        });
        (text, took)
    }
}

const SMALL: QueryLimits = QueryLimits { seconds: 2, rows: 1_000, memory_mb: 128, threads: 2 };

#[test]
fn the_gate_refuses_every_attempt_and_nothing_harmless() {
    let prison = Prison::new();
    assert!(FORBIDDEN.len() + BOMBS.len() >= 150, "{}", FORBIDDEN.len());
    for attempt in FORBIDDEN {
        let sql = prison.filled(attempt);
        let read = audit::read(&sql);
        let Err(rejection) = &read else {
            // The words of another alphabet are names that nothing has.
            let named = read.expect("read");
            assert!(named.tables.iter().all(|table| table != "ticket"), "{sql}: {named:?}");
            continue;
        };
        assert!(!rejection.message.is_empty() && !rejection.message.contains(CANARY), "{sql}");
    }
    for question in HARMLESS.iter().chain(BOMBS) {
        audit::read(question).unwrap_or_else(|rejection| panic!("{question}: {rejection}"));
    }
}

#[test]
fn the_process_that_answers_gives_nothing_away_even_without_the_gate() {
    let prison = Prison::new();
    let before = prison.files();
    let half = FORBIDDEN.len() / 2;
    let attempt = |attempts: &[&str]| {
        for attempt in attempts {
            let sql = prison.filled(attempt);
            let (out, took) = prison.run(&sql, SMALL);
            if let Ok(text) = &out {
                assert!(!text.contains(CANARY) && !text.contains("root:"), "{sql}: {text}");
            }
            assert!(took < Duration::from_secs(SMALL.seconds + 5), "{sql}: {took:?}");
        }
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| attempt(&FORBIDDEN[..half]));
        attempt(&FORBIDDEN[half..]);
        first.join().expect("the first half");
    });
    assert_eq!(prison.files(), before, "nothing was written");
    let (out, _) = prison.run("SELECT string_agg(sector, ',' ORDER BY sector) FROM ticket", SMALL);
    assert_eq!(out.expect("an answer"), "Financeiro,Suporte");
}

#[test]
fn bombs_end_in_time_and_memory_with_a_clear_word() {
    let prison = Prison::new();
    let before = prison.files();
    for bomb in BOMBS {
        let (out, took) = prison.run(bomb, SMALL);
        assert!(took < Duration::from_secs(SMALL.seconds + 5), "{bomb}: {took:?}");
        match out {
            Ok(_)
            | Err(SessionError::TooLong(2) | SessionError::TooManyRows(1_000) | SessionError::Engine { .. } | SessionError::Died { .. }) => {
            }
            Err(other) => panic!("{bomb}: {other}"),
        }
    }
    assert_eq!(prison.files(), before);
}

/// Pieces of which attempts are made.
const PIECES: &[&str] = &[
    "SELECT",
    " * ",
    "FROM",
    " ticket ",
    "'FILE'",
    "read_text",
    "(",
    ")",
    ",",
    ";",
    "--",
    "/*",
    "*/",
    "COPY",
    "TO",
    "'OUT'",
    "WITH",
    " x ",
    "AS",
    "getenv",
    "'HOME'",
    "ATTACH",
    "'DB'",
    "UNION",
    "ALL",
    "WHERE",
    "sector",
    "=",
    "'a'",
    "$$",
    "\"",
    "'",
    "E'",
    "[",
    "]",
    "{",
    "}",
    "::",
    "INT",
    "$p",
    "?",
    "lambda",
    ":",
    "EXCLUDE",
    "SET",
    "PRAGMA",
    "DESCRIBE",
    "count",
    "glob",
    "query",
    "\n",
    "\u{0}",
    "é",
    "1e400",
    "0x",
    "OVER",
    "FILTER",
];

/// Mutates attempts and harmless questions, and asks the gate; what it lets through is run. `RELATO_FUZZ` says how many.
#[test]
fn mutations_of_questions_never_pass_both_walls() {
    let cases = std::env::var("RELATO_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    let prison = Prison::new();
    let before = prison.files();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let bases: Vec<&str> = FORBIDDEN.iter().chain(HARMLESS).copied().collect();
    let edits = proptest::collection::vec((0..4_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6);
    let (let_through, answered) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let strategy = (prop::sample::select(bases), edits);
    runner
        .run(&strategy, |(base, edits)| {
            let mut text: Vec<char> = base.chars().collect();
            for (kind, at, piece) in edits {
                let at = at.index(text.len() + 1);
                let piece: Vec<char> = PIECES[piece.index(PIECES.len())].chars().collect();
                match kind {
                    0 => drop(text.splice(at..at, piece)),
                    1 => drop(text.drain(at..(at + 3).min(text.len()))),
                    2 => drop(text.splice(at..(at + piece.len()).min(text.len()), piece)),
                    _ => text.truncate(at),
                }
            }
            let sql = prison.filled(&text.into_iter().collect::<String>());
            match audit::read(&sql) {
                Ok(named) => {
                    let_through.set(let_through.get() + 1);
                    prop_assert!(named.tables.iter().all(|table| !table.contains(['/', '.'])), "{}", sql);
                    let (out, took) = prison.run(&sql[..named.length], QueryLimits { seconds: 1, ..SMALL });
                    prop_assert!(took < Duration::from_secs(6), "{}", sql);
                    if let Ok(text) = out {
                        answered.set(answered.get() + 1);
                        prop_assert!(!text.contains(CANARY), "{}: {}", sql, text);
                    }
                }
                Err(rejection) => prop_assert!(matches!(rejection.kind, RejectionKind::Syntax | RejectionKind::Forbidden)),
            }
            Ok(())
        })
        .expect("no way out");
    assert_eq!(prison.files(), before);
    println!(
        "{cases} mutations: {} let through by the gate, {} answered, none with anything that is not theirs",
        let_through.get(),
        answered.get()
    );
}
