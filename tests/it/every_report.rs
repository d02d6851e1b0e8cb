//! Every shipped report over ordinary and hostile worlds: what `ReportData` holds is read back out of PDF, workbook and CSV.

use std::{borrow::Cow, collections::BTreeMap, env, fs, io::Cursor, process::Command};

use calamine::{Data, Reader, Xlsx};
use relato::{
    domain::{
        Cell, Kind, ReportData, Table,
        report_data::{Block, Content, TableView},
    },
    render::{Format, Locale, cell_text, render},
    sim::World,
};
use unicode_normalization::UnicodeNormalization;

use crate::support::{Sandbox, everything, now, serve, settings, text_of_pdf, with_rows, world, zone};

/// What is compared of a text: accents, marks and breaks are a matter of looks.
fn letters(text: &str) -> String {
    text.nfc().filter(char::is_ascii_alphanumeric).collect()
}

/// Fails unless the cells of a row stand in the PDF one behind the other: in one line, or in several that begin with the first cell.
fn require_row(pdf: &str, cells: &[String], what: &str) {
    let mut from = 1;
    while from < cells.len() || from == 1 {
        let run = |to: usize| format!("{}{}", cells[0], cells[from..to].concat());
        let end = (from..=cells.len()).rev().find(|to| pdf.contains(&run(*to))).unwrap_or_else(|| panic!("{what}: {cells:?}"));
        assert!(end > from || cells.len() == 1, "{what}: nothing of {cells:?} from {from} on");
        from = end.max(2);
    }
}

fn tables(data: &ReportData) -> impl Iterator<Item = (&Block, &TableView)> {
    data.blocks.iter().filter_map(|block| match &block.content {
        Content::Table(view) => Some((block, view)),
        _ => None,
    })
}

fn check_pdf(data: &ReportData, locale: &Locale) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), &render(data, Format::Pdf).expect("a PDF")[0].bytes).expect("a writable file");
    let pdf = letters(&text_of_pdf(file.path(), "-raw"));
    let mut needed: Vec<String> = vec![data.title.clone(), data.snapshot.id.clone(), data.completeness.sentence.clone()];
    needed.extend(data.notes.iter().cloned());
    needed.extend(data.blocks.iter().map(|block| block.title.clone()));
    needed.extend(data.definitions.iter().map(|definition| definition.text.clone()));
    for block in &data.blocks {
        match &block.content {
            Content::Kpis { figures } => {
                needed.extend(figures.iter().map(|figure| format!("{}{}", figure.column.label, locale.figure(figure))));
            }
            Content::Findings { findings } => needed.extend(findings.iter().map(|finding| finding.text.clone())),
            Content::Text { paragraphs } => needed.extend(paragraphs.iter().cloned()),
            _ => {}
        }
    }
    for text in needed {
        assert!(pdf.contains(&letters(&text)), "{}: `{text}` is in the PDF", data.report);
    }
    for (block, view) in tables(data) {
        for row in 0..view.table.row_count() {
            let cells: Vec<String> = view.shown.iter().map(|name| letters(&cell_text(&view.table, row, name, locale))).collect();
            require_row(&pdf, &cells, &format!("{} {} row {row}", data.report, block.id));
        }
    }
}

fn number(cell: &Data) -> Option<f64> {
    match cell {
        Data::Float(value) => Some(*value),
        Data::Int(value) => Some(f64::from(i32::try_from(*value).expect("a small number"))),
        Data::DateTime(time) => Some(time.as_f64()),
        _ => None,
    }
}

/// Fails unless a cell of the workbook says what the table's says.
fn require_cell(found: &Data, table: &Table, row: usize, name: &str, locale: &Locale) {
    let kind = table.columns()[table.position(name).expect("a column")].kind;
    let text = cell_text(table, row, name, locale);
    match (table.get(row, name), number(found)) {
        (Cell::Date(_) | Cell::Time(_), Some(_)) => {}
        (cell, Some(found)) => {
            let unit = if kind == Kind::Duration { 86_400.0 } else { 1.0 };
            let value = cell.number().unwrap_or_else(|| panic!("{name}: {found} in the workbook for {cell:?}"));
            assert!((found * unit - value).abs() <= 1e-9 * value.abs().max(1.0), "{name}: {found} in the workbook for {value}");
        }
        (_, None) => assert_eq!(found.to_string(), text, "{name} of row {row}"),
    }
}

fn check_workbook(data: &ReportData, locale: &Locale) -> Vec<u8> {
    let bytes = render(data, Format::Xlsx).expect("a workbook").remove(0).bytes;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(&bytes)).expect("a workbook");
    let sheets = book.sheet_names();
    let blocks = tables(data).map(|(block, view)| (&block.id, &block.title, view.clone()));
    let details = data.details.iter().map(|detail| (&detail.id, &detail.title, with_rows(detail)));
    for (id, title, view) in blocks.chain(details) {
        let clean: String = title.chars().filter(|char| !"[]:*?/\\'".contains(*char)).take(31).collect();
        let name = sheets.iter().find(|sheet| **sheet == clean.trim()).unwrap_or_else(|| panic!("{clean} in {sheets:?}"));
        let sheet = book.worksheet_range(name).expect("a sheet");
        assert_eq!(sheet.height(), view.table.row_count() + 1, "{} {id}", data.report);
        for row in 0..view.table.row_count() {
            for (place, column) in view.group.iter().chain(&view.shown).enumerate() {
                let found = sheet.get((row + 1, place)).unwrap_or(&Data::Empty);
                require_cell(found, &view.table, row, column, locale);
            }
        }
    }
    bytes
}

fn check_csv(data: &ReportData) {
    let files = render(data, Format::Csv).expect("CSV");
    for (block, view) in tables(data) {
        let file = files.iter().find(|file| file.suffix == format!("_{}", block.id)).expect("a file");
        let rows = csv::ReaderBuilder::new().delimiter(b';').from_reader(file.bytes.as_slice()).into_records().count();
        assert_eq!(rows, view.table.row_count(), "{} {}", data.report, block.id);
    }
}

/// Has `LibreOffice` compute every formula when it opens a workbook, in place of showing the results that are stored with them.
const COMPUTE_ALL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>"#;

/// Fails unless `LibreOffice` opens every workbook, has all sheets and cells in it, and comes to the same results. Not tried where
/// `RELATO_OFFICE`, which names the program, is not set: `make test` sets it where it finds one.
fn check_office(books: &[Vec<u8>]) {
    let Some(office) = env::var_os("RELATO_OFFICE").filter(|office| !office.is_empty()) else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let profile = dir.path().join("profile");
    fs::create_dir_all(profile.join("user")).expect("a folder");
    fs::write(profile.join("user/registrymodifications.xcu"), COMPUTE_ALL).expect("a writable file");
    let name = |index| format!("{index}.xlsx");
    for (index, book) in books.iter().enumerate() {
        fs::write(dir.path().join(name(index)), book).expect("a writable file");
    }
    let output = Command::new(office)
        .arg(format!("-env:UserInstallation=file://{}", profile.display()))
        .args(["--headless", "--convert-to", "xlsx", "--outdir"])
        .arg(dir.path().join("opened"))
        .args((0..books.len()).map(|index| dir.path().join(name(index))))
        .output()
        .expect("LibreOffice");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (index, book) in books.iter().enumerate() {
        let mut made: Xlsx<_> = Xlsx::new(Cursor::new(book)).expect("a workbook");
        let opened = fs::read(dir.path().join("opened").join(name(index))).expect("a workbook that LibreOffice could open");
        let mut opened: Xlsx<_> = Xlsx::new(Cursor::new(opened)).expect("a workbook");
        assert_eq!(made.sheet_names(), opened.sheet_names());
        for sheet in made.sheet_names() {
            let (made, opened) = (made.worksheet_range(&sheet).expect("a sheet"), opened.worksheet_range(&sheet).expect("a sheet"));
            let start = made.start().unwrap_or_default();
            for (row, column, cell) in made.used_cells() {
                let place = (start.0 + u32::try_from(row).expect("a row"), start.1 + u32::try_from(column).expect("a column"));
                let found = opened.get_value(place).unwrap_or(&Data::Empty);
                let same = match (number(cell), number(found)) {
                    (Some(cell), Some(found)) => (cell - found).abs() <= 1e-9 * cell.abs().max(1.0),
                    _ => cell == found,
                };
                assert!(same, "{sheet} {place:?}: {cell:?} in the workbook, {found:?} as LibreOffice has it");
            }
        }
    }
}

/// Builds every report for every period, and reads all of it back; returns how many reports there were.
fn check_all(sandbox: &Sandbox, periods: &[&str], sectors: &[Option<&str>]) -> usize {
    let project = sandbox.project();
    let locale = Locale::new(project.settings.organization.locale);
    let schema = serde_json::from_str(include_str!("../../docs/report.schema.json")).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let mut books = Vec::new();
    for name in project.reports().expect("reports").keys() {
        for period in periods {
            for sector in sectors {
                let data = sandbox.report_called(name, period, *sector);
                check_pdf(&data, &locale);
                books.push(check_workbook(&data, &locale));
                check_csv(&data);
                let json = &render(&data, Format::Json).expect("JSON")[0].bytes;
                let json: serde_json::Value = serde_json::from_slice(json).expect("JSON");
                assert_eq!(json["blocks"].as_array().map(Vec::len), Some(data.blocks.len()));
                let mistakes: Vec<String> =
                    schema.iter_errors(&json).take(3).map(|error| format!("{}: {error}", error.instance_path())).collect();
                assert!(mistakes.is_empty(), "{name} {period}: {mistakes:#?}");
            }
        }
    }
    check_office(&books);
    books.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_of_every_report_is_in_every_format() {
    let world = world(61, 700);
    let server = serve(&world, &[]).await;
    let targets = "[[target]]\nmetric = \"whole_wait_s\"\nfrom = 2020-01-01\nvalue = 600\n[[target]]\nmetric = \"csat_share\"\nfrom = 2020-01-01\nvalue = 0.85\n[privacy]";
    let sandbox = Sandbox::with_settings(&settings(&server.base_url).replace("[privacy]", targets));
    sandbox.load(everything()).await;
    assert_eq!(check_all(&sandbox, &["2026-10"], &[None, Some("Financeiro")]), 20);
    // A day, and a month before anything was loaded.
    assert_eq!(check_all(&sandbox, &["2026-10-14..2026-10-14", "2024-01"], &[None]), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_reach_every_format_whole() {
    let long: String = "palavra".chars().cycle().take(300).collect();
    let evil: [Cow<'static, str>; 8] = [
        "=cmd|'/C calc'!A0".into(),
        "Financeiro 💶👩‍⚕️".into(),
        "قسم المالية".into(),
        "Cre\u{301}dito e cobranc\u{327}a".into(),
        long.into(),
        "<b>&\"Nome\"</b>; a;b".into(),
        "a\u{202e}b\u{200b}c".into(),
        "-1+1".into(),
    ];
    let mut hostile = World::clone(&world(62, 700));
    for (index, ticket) in hostile.tickets.iter_mut().enumerate() {
        if !matches!(ticket.team.as_ref(), "Default" | "DIRECT_TRANSFER") {
            // Sixty queues, eight of them with names that nobody would choose.
            ticket.team = evil.get(index % 60).cloned().unwrap_or_else(|| format!("Setor de nome comprido nº {}", index % 60).into());
        }
    }
    let server = serve(&std::sync::Arc::new(hostile), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    assert_eq!(check_all(&sandbox, &["2026-10"], &[None]), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_ticket_one_sector_and_a_span_of_years_are_reports_as_well() {
    let mut lonely = World::clone(&world(63, 400));
    let october = |ticket: &relato::sim::world::Ticket| zone().day(ticket.created_at).to_string().starts_with("2026-10");
    let only = lonely.tickets.iter().find(|ticket| october(ticket) && ticket.team == "Financeiro" && ticket.parent.is_none()).cloned();
    lonely.tickets = only.into_iter().collect();
    lonely.events.clear();
    let server = serve(&std::sync::Arc::new(lonely), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    assert_eq!(check_all(&sandbox, &["2026-10", "2024-12-01..2026-11-20"], &[None]), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_snapshot_gives_the_same_bytes_in_every_format() {
    let world = world(64, 400);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let project = sandbox.project();
    let files = || -> BTreeMap<String, Vec<u8>> {
        let names = project.reports().expect("reports").into_keys();
        let of = |name: String| {
            let data = sandbox.report_called(&name, "2026-10", None);
            let of_format = |format: Format| {
                let files = render(&data, format).expect("files").into_iter();
                files.map(|file| (format!("{name}{}.{}", file.suffix, format.ending()), file.bytes)).collect::<Vec<_>>()
            };
            Format::ALL.into_iter().flat_map(of_format).collect::<Vec<_>>()
        };
        names.flat_map(of).collect()
    };
    let (first, second) = (files(), files());
    assert!(first.len() > 60, "{}", first.len());
    let different: Vec<&String> = first.iter().filter(|(name, bytes)| second[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(different.is_empty(), "made at {}: {different:?}", now());
}

/// On a scale of 0 to 10 reports speak of the NPS, and of no share of satisfied customers; on 1 to 5 the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scale_has_its_own_figures_sentences_and_distributions() {
    let world = world(12, 400);
    let server = serve(&world, &[]).await;
    let of_ten = settings(&server.base_url)
        .replace("scale = \"1-5\"\nsatisfied_from = 4", "scale = \"0-10\"")
        .replace("\"Ótimo\" = 5", "\"Ótimo\" = 10");
    for (settings, is_nps) in [(settings(&server.base_url), false), (of_ten, true)] {
        let sandbox = Sandbox::with_settings(&settings);
        sandbox.load(everything()).await;
        for name in ["satisfacao", "atendimento-mensal", "atendentes", "canais", "semanal"] {
            let data = sandbox.report_called(name, "2026-10", None);
            let text = serde_json::to_string(&data.blocks).expect("JSON");
            let csat = ["\"csat_share\"", "\"score_5\""];
            let shown: Vec<String> = data
                .blocks
                .iter()
                .flat_map(|block| match &block.content {
                    Content::Kpis { figures } => figures.iter().map(|figure| figure.column.name.clone()).collect(),
                    Content::Chart(chart) => chart.series.clone(),
                    Content::Table(view) => view.shown.clone(),
                    Content::Text { paragraphs } => paragraphs.clone(),
                    _ => Vec::new(),
                })
                .collect();
            let names = |name: &str| shown.iter().any(|one| one == name);
            assert_eq!((names("nps"), names("csat_share")), (is_nps, !is_nps), "{name}: {shown:?}");
            assert!(text.contains(csat[0]), "rows keep all their columns");
            if name == "satisfacao" {
                assert_eq!((names("promoters"), names("score_5")), (is_nps, !is_nps));
                let sentence = shown.iter().find(|one| one.contains("clientes avaliaram")).expect("a sentence");
                assert_eq!((sentence.contains("NPS"), sentence.contains("satisfeitos")), (is_nps, !is_nps), "{sentence}");
                assert!(!sentence.contains('—'), "{sentence}");
            }
        }
    }
}
