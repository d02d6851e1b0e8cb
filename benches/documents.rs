//! How long a large detail sheet and a long table take to write, and how much memory.
//!
//! Usage: `cargo bench --bench documents -- xlsx|pdf [ROWS] [FILE]`. Prints the seconds of the writer, the making of its rows
//! included where they are streamed, the peak memory of the process and what it was before writing. `benches/documents.py` runs it beside other writers.

use std::{ops::Range, path::Path, rc::Rc, time::Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use polars::prelude::{Column as Values, DataFrame, DataType, TimeUnit};
use relato::{
    domain::{
        Column, Kind, Language, Period, ReportData, Table,
        report_data::{
            Block, Completeness, CompletenessState, Content, Detail, DetailRows, Document, ReadRows, RowsError, SnapshotStamp, TableView,
        },
    },
    render::{Format, render_into},
};

const COLUMNS: [(&str, Kind); 12] = [
    ("conversation_id", Kind::Text),
    ("number", Kind::Text),
    ("started_local", Kind::LocalTime),
    ("ended_day", Kind::Date),
    ("sector", Kind::Text),
    ("agent", Kind::Text),
    ("channel", Kind::Text),
    ("tickets", Kind::Count),
    ("wait_s", Kind::Duration),
    ("reply_s", Kind::Duration),
    ("handling_s", Kind::Duration),
    ("score", Kind::Number),
];

/// Invented rows: identifiers that differ, names that repeat, and values of every kind.
fn table(range: Range<usize>) -> Table {
    let rows = range.len();
    let spread = |row: usize, salt: u64| (row as u64).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(salt).rotate_left(23);
    let below = |row: usize, salt: u64, limit: u64| i64::try_from(spread(row, salt) % limit).expect("a small number");
    let texts = |of: &dyn Fn(usize) -> String| range.clone().map(of).collect::<Vec<_>>();
    let numbers = |salt: u64, limit: u64| range.clone().map(|row| below(row, salt, limit)).collect::<Vec<_>>();
    let began = NaiveDate::from_ymd_opt(2026, 10, 1).and_then(|day| day.and_hms_opt(8, 0, 0)).expect("an instant").and_utc();
    let second = |row: usize| TimeDelta::seconds(i64::try_from(row).expect("a number of rows") * 5);
    let times: Vec<i64> = range.clone().map(|row| (began + second(row)).timestamp_micros()).collect();
    let days: Vec<i32> = range.clone().map(|row| 20_727 + i32::try_from(below(row, 5, 31)).expect("a day")).collect();
    let values = [
        Values::new(COLUMNS[0].0.into(), texts(&|row| format!("{:016x}-{:016x}", spread(row, 1), spread(row, 2)))),
        Values::new(COLUMNS[1].0.into(), texts(&|row| (100_000 + row).to_string())),
        Values::new(COLUMNS[2].0.into(), times).cast(&DataType::Datetime(TimeUnit::Microseconds, None)).expect("times"),
        Values::new(COLUMNS[3].0.into(), days).cast(&DataType::Date).expect("days"),
        Values::new(COLUMNS[4].0.into(), texts(&|row| format!("Setor {}", below(row, 7, 12)))),
        Values::new(COLUMNS[5].0.into(), texts(&|row| format!("agente{}@exemplo.org.br", below(row, 11, 80)))),
        Values::new(COLUMNS[6].0.into(), texts(&|_| "wa.gw.msging.net".to_owned())),
        Values::new(COLUMNS[7].0.into(), numbers(13, 4)),
        Values::new(COLUMNS[8].0.into(), numbers(17, 1_500)),
        Values::new(COLUMNS[9].0.into(), numbers(19, 900)),
        Values::new(COLUMNS[10].0.into(), numbers(23, 9_000)),
        Values::new(
            COLUMNS[11].0.into(),
            range.map(|row| f64::from(i32::try_from(below(row, 29, 400)).expect("a small number")) / 100.0 + 1.0).collect::<Vec<_>>(),
        ),
    ];
    let columns = COLUMNS.map(|(name, kind)| Column { name: name.to_owned(), label: name.to_owned(), kind, metric: None });
    Table::new(columns.to_vec(), DataFrame::new(rows, values.to_vec()).expect("columns of one length")).expect("a table")
}

/// Rows that are made when they are asked for, as those of a report are read from its engine.
#[derive(Debug)]
struct Invented(usize);

impl DetailRows for Invented {
    fn reader(&self) -> Result<ReadRows, RowsError> {
        let count = self.0;
        Ok(Box::new(move |range| Ok(table(range.start.min(count)..range.end.min(count)))))
    }

    fn save_parquet(&self, _path: &Path) -> Result<(), RowsError> {
        unreachable!("no Parquet is measured")
    }
}

fn report(rows: usize, is_detail: bool) -> ReportData {
    let table = table(0..if is_detail { 0 } else { rows });
    let shown = COLUMNS.map(|(name, _)| name.to_owned()).into_iter().skip(usize::from(!is_detail)).take(if is_detail { 12 } else { 8 });
    let view = TableView::plain(table, shown.collect(), None);
    let published: DateTime<Utc> = "2026-11-22T15:00:00Z".parse().expect("an instant");
    let (id, title) = ("rows".to_owned(), "Conversas".to_owned());
    let (blocks, details) = if is_detail {
        (Vec::new(), vec![Detail { id, title, note: None, view, rows: Rc::new(Invented(rows)) }])
    } else {
        (vec![Block { id, title, note: None, content: Content::Table(view) }], Vec::new())
    };
    ReportData {
        report: "bench".to_owned(),
        title: "Bench".to_owned(),
        audience: String::new(),
        language: Language::PtBr,
        organization: "Associação Exemplo".to_owned(),
        timezone: "America/Sao_Paulo".to_owned(),
        document: Document::default(),
        period: Period::parse("2026-10", published.date_naive()).expect("a period"),
        period_label: "outubro de 2026".to_owned(),
        previous_label: "setembro de 2026".to_owned(),
        last_year_label: "outubro de 2025".to_owned(),
        sector: None,
        sector_slug: None,
        snapshot: SnapshotStamp {
            id: "bench".to_owned(),
            published_at: published,
            published_local: published.naive_utc(),
            loaded_until_local: None,
        },
        completeness: Completeness {
            state: CompletenessState::Closed,
            days_loaded: 31,
            days_imported: 0,
            days_expected: 31,
            closed_reported: None,
            closed_stored: None,
            tickets_stored: 0,
            tickets_open: 0,
            quarantined: 0,
            sentence: String::new(),
        },
        restatements: Vec::new(),
        notes: Vec::new(),
        blocks,
        details,
        definitions: Vec::new(),
        queries: Vec::new(),
    }
}

/// Megabytes of a line of the process's status.
fn memory(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.trim_matches(|char: char| !char.is_ascii_digit()).parse::<u64>().unwrap_or(0) / 1_024
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let format = Format::from_ending(arguments.first().map_or("xlsx", String::as_str)).expect("xlsx or pdf");
    let rows = arguments.get(1).map_or(Ok(500_000), |text| text.parse()).expect("a number of rows");
    let data = report(rows, format == Format::Xlsx);
    let before = memory("VmRSS:");
    let began = Instant::now();
    let path = arguments.get(2);
    let file = path.map_or_else(tempfile::tempfile, std::fs::File::create).expect("a file");
    let mut out = std::io::BufWriter::new(file);
    render_into(&data, format, &mut |_, fill| fill(&mut out)).expect("a file");
    let file = out.into_inner().expect("a file that takes all");
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{seconds:.2} s, peak {} MB, of these {before} MB before writing, {} bytes",
        memory("VmHWM:"),
        file.metadata().expect("a size").len()
    );
}
