//! Workbook, PDF and JSON say the same, and say it well.

use std::process::Command;

use calamine::{Data, Reader, Xlsx, open_workbook};
use serde_json::Value;

use crate::support::{Sandbox, everything, serve, text_of_pdf, world};

const STEM: &str = "atendimento-mensal_2026-10";

async fn reported() -> Sandbox {
    let world = world(21, 1_200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    sandbox.relato(&["report", "atendimento-mensal", "--period", "2026-10", "--format", "xlsx,pdf,json"]).assert().success();
    sandbox
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workbook_pdf_and_json_have_the_same_figures() {
    let sandbox = reported().await;
    let output = sandbox.dir().join("output");
    let json: Value = serde_json::from_slice(&std::fs::read(output.join(format!("{STEM}.json"))).expect("the JSON")).expect("valid JSON");
    let pdf = text_of_pdf(&output.join(format!("{STEM}.pdf")), "-layout");
    let mut book: Xlsx<_> = open_workbook(output.join(format!("{STEM}.xlsx"))).expect("a workbook");

    // Key figures: the unrounded value in the JSON, the same in the workbook, as text in the PDF.
    let figures = json["blocks"][0]["content"]["figures"].as_array().expect("figures");
    assert_eq!(figures.len(), 8);
    let summary = book.worksheet_range("Resumo").expect("the summary");
    let locale = relato::render::Locale::new(relato::domain::Language::PtBr);
    for figure in figures {
        let label = figure["column"]["label"].as_str().expect("a label");
        let value = figure["value"].as_f64().expect("a value");
        let kind = relato::domain::Kind::from_name(figure["column"]["kind"].as_str().expect("a kind")).expect("a kind");
        let row =
            summary.rows().find(|row| row[0] == Data::String(label.to_owned())).unwrap_or_else(|| panic!("{label} is in the workbook"));
        let in_book = match &row[1] {
            Data::Float(value) => *value,
            Data::Int(value) => f64::from(i32::try_from(*value).expect("a small number")),
            Data::DateTime(time) => time.as_f64(),
            other => panic!("{label} is {other:?}"),
        };
        let unit = if kind == relato::domain::Kind::Duration { 86_400.0 } else { 1.0 };
        assert!((in_book * unit - value).abs() < 1e-6, "{label}: {in_book} in the workbook, {value} in the JSON");
        let shown = locale.value(kind, value);
        assert!(pdf.contains(&shown), "{label}: {shown} is in the PDF");
    }

    // Every sector's row, in all three.
    let sectors = json["blocks"].as_array().expect("blocks").iter().find(|block| block["id"] == "setores").expect("sectors");
    let rows = sectors["content"]["table"]["rows"].as_array().expect("rows");
    let sheet = book.worksheet_range("Resumo por setor").expect("the sheet");
    assert_eq!(sheet.height(), rows.len() + 1);
    for (row, line) in rows.iter().zip(sheet.rows().skip(1)) {
        let sector = row["sector"].as_str().unwrap_or("Total");
        assert_eq!(line[0], Data::String(sector.to_owned()));
        assert_eq!(line[1].to_string(), row["conversations"].to_string());
        let shown = row["response_mean_s"].as_f64().map_or("—".to_owned(), |mean| locale.duration(mean));
        let in_pdf = pdf.lines().any(|line| line.trim_start().starts_with(sector) && line.contains(&shown));
        assert!(in_pdf, "{sector}: {shown} is in the PDF");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pdf_is_a_controlled_document_with_right_accents() {
    let sandbox = reported().await;
    let path = sandbox.dir().join(format!("output/{STEM}.pdf"));
    let text = text_of_pdf(&path, "-layout");
    for expected in [
        "Relatório mensal de atendimento",
        "outubro de 2026",
        "Associação Exemplo",
        "PA08-RL01",
        "24/11/2025",
        "1 de ",
        "Autorizações",
        "Satisfação",
        "O que significa cada número",
        "Período fechado",
    ] {
        assert!(text.contains(expected), "`{expected}` is in the PDF");
    }
    let pages = text.matches('\u{c}').count();
    assert!(text.contains(&format!("{pages} de {pages}")), "the last of {pages} pages says so");
    let fonts = Command::new("pdffonts").arg(&path).output().expect("pdffonts of poppler-utils");
    let fonts = String::from_utf8_lossy(&fonts.stdout).into_owned();
    assert!(fonts.lines().skip(2).all(|line| line.contains("yes yes yes")), "every face is embedded, cut down and searchable:\n{fonts}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pdf_tells_those_who_do_not_see_it_what_is_what() {
    let sandbox = reported().await;
    let path = sandbox.dir().join(format!("output/{STEM}.pdf"));
    let tree = Command::new("pdfinfo").arg("-struct-text").arg(&path).output().expect("pdfinfo of poppler-utils");
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    let lines: Vec<&str> = tree.lines().map(str::trim).collect();
    let count = |role: &str| lines.iter().filter(|line| **line == role || line.starts_with(&format!("{role} "))).count();
    let data = sandbox.report("2026-10", None);
    assert_eq!(count("H1"), 1, "{tree}");
    // The parts, the definitions, and where the figures come from.
    assert_eq!(count("H2"), data.blocks.len() + 2);
    let tables = data.blocks.iter().filter_map(|block| match &block.content {
        relato::domain::report_data::Content::Table(view) => Some(view),
        _ => None,
    });
    let rows: usize = tables.clone().map(|view| view.table.row_count() + 1).sum();
    assert!(count("Table") >= tables.count(), "columns without room make parts of their own");
    assert!(count("TR") >= rows, "{} rows in the tree, {rows} in the report", count("TR"));
    let heads =
        lines.windows(3).filter(|lines| lines[0] == "TH:" && lines[1] == "/Scope /Column" && lines[2].starts_with("\"Setor")).count();
    assert!(heads >= 3, "{heads} headings of sectors");
    let raw = Command::new("qpdf").args(["--qdf", "--object-streams=disable"]).arg(&path).arg("-").output().expect("qpdf");
    let raw = String::from_utf8_lossy(&raw.stdout).into_owned();
    let figures = count("Figure");
    assert!(figures >= 4 && raw.matches("/Alt <feff").count() >= figures, "charts have words");
    assert!(raw.matches("/Subtype /Link").count() >= 4, "key figures lead to the parts that tell more");
    assert!(raw.contains("/Marked true") && raw.contains("<pdfaid:part>2</pdfaid:part>") && raw.contains("/GTS_PDFA1"));
    let drawn_outside = raw.lines().filter(|line| line.ends_with(" m") && line.starts_with('-')).count();
    assert_eq!(drawn_outside, 0, "marks are taken out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_as_fingerprint_is_that_of_the_document_that_can_be_made_again() {
    let sandbox = reported().await;
    let arguments = ["report", "atendimento-mensal", "--period", "2026-10", "--no-details", "--format", "json"];
    let json = sandbox.relato(&arguments).assert().success().get_output().stdout.clone();
    let fingerprint = relato::domain::digest::sha256(&json);
    let text = text_of_pdf(&sandbox.dir().join(format!("output/{STEM}.pdf")), "-layout");
    let last_page = text.trim_end_matches('\u{c}').rsplit('\u{c}').next().expect("a page");
    assert!(last_page.contains(&fingerprint), "{fingerprint} in {last_page}");
    let mut book: Xlsx<_> = open_workbook(sandbox.dir().join(format!("output/{STEM}.xlsx"))).expect("a workbook");
    let about = book.worksheet_range("Sobre").expect("about");
    assert!(about.cells().any(|(_, _, cell)| cell.to_string() == fingerprint));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workbook_has_typed_cells_and_a_row_for_every_conversation() {
    let sandbox = reported().await;
    let mut book: Xlsx<_> = open_workbook(sandbox.dir().join(format!("output/{STEM}.xlsx"))).expect("a workbook");
    assert_eq!(book.sheet_names().first().map(String::as_str), Some("Resumo"));
    assert_eq!(book.sheet_names().last().map(String::as_str), Some("Sobre"));
    let details = book.worksheet_range("Conversas").expect("the details");
    let heading: Vec<String> = details.rows().next().expect("a heading").iter().map(ToString::to_string).collect();
    let column = |name: &str| heading.iter().position(|heading| heading == name).unwrap_or_else(|| panic!("{name} in {heading:?}"));
    let (id, start, wait, count) = (column("Ticket nº"), column("Início"), column("Espera na fila"), column("Tickets"));
    let conversations = sandbox.report("2026-10", None);
    let expected = crate::support::with_rows(&conversations.details[0]).table.row_count();
    assert_eq!(details.height() - 1, expected);
    for row in details.rows().skip(1) {
        assert!(matches!(row[start], Data::DateTime(_)), "{:?}", row[start]);
        assert!(matches!(&row[wait], Data::DateTime(_) | Data::Float(_)) || row[wait] == Data::String("—".into()), "{:?}", row[wait]);
        assert!(matches!(row[count], Data::Float(_) | Data::Int(_)), "{:?}", row[count]);
        assert!(matches!(&row[id], Data::String(id) if id.bytes().all(|byte| byte.is_ascii_digit())), "{:?}", row[id]);
    }
    let about = book.worksheet_range("Sobre").expect("about");
    let words: Vec<String> = about.cells().map(|(_, _, cell)| cell.to_string()).collect();
    assert!(words.iter().any(|word| word.contains("America/Sao_Paulo")));
    assert!(words.iter().any(|word| word.starts_with("Período fechado")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn english_is_a_matter_of_configuration() {
    let world = world(22, 300);
    let server = serve(&world, &[]).await;
    let settings = crate::support::settings(&server.base_url).replace("[document]", "locale = \"en-US\"\n[document]");
    let sandbox = Sandbox::with_settings(&settings);
    sandbox.load(everything()).await;
    sandbox.relato(&["report", "atendimento-mensal", "--period", "2026-10", "--format", "pdf"]).assert().success();
    let text = text_of_pdf(&sandbox.dir().join(format!("output/{STEM}.pdf")), "-layout");
    for expected in ["Monthly service report", "October 2026", "Average response time", "What each figure means"] {
        assert!(text.contains(expected), "`{expected}` is in the PDF");
    }
    assert!(!text.contains("Conversas por dia"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sector_and_every_short_period_can_be_rendered() {
    let world = world(23, 700);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let whole = sandbox.report("2026-10", None);
    let sectors = crate::oracle::table(&whole, "setores");
    let names = (0..sectors.row_count()).filter_map(|row| sectors.get(row, "sector").text().map(str::to_owned));
    // A month, a week, a Sunday, and days before anything was loaded.
    let cases = names.map(|name| ("2026-W42", Some(name))).chain([("2026-10-11..2026-10-11", None), ("2024-01", None), ("2026-W41", None)]);
    let mut rendered = 0;
    for (period, sector) in cases {
        let data = sandbox.report(period, sector.as_deref());
        for format in relato::render::Format::ALL {
            let files = relato::render::render(&data, format).unwrap_or_else(|error| panic!("{period} {sector:?} {format:?}: {error}"));
            assert!(files.iter().all(|file| !file.bytes.is_empty()));
            rendered += 1;
        }
    }
    assert!(rendered >= 40, "{rendered}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_period_without_any_data_says_so_and_shows_no_zero_for_nothing() {
    let world = world(24, 100);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    sandbox.relato(&["report", "atendimento-mensal", "--period", "2024-01", "--format", "pdf"]).assert().code(3);
    let text = text_of_pdf(&sandbox.dir().join("output/atendimento-mensal_2024-01.pdf"), "-layout");
    assert!(text.contains("Incompleto: só 0 de 31 dias carregados"), "{text}");
    assert!(text.contains("Sem dados no período."));
    assert_eq!(text.matches("n/d").count(), 8, "every key figure is not loaded, none is zero: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_table_keeps_every_row_and_repeats_its_headings() {
    let world = world(25, 700);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    std::fs::create_dir(sandbox.dir().join("reports")).expect("a folder");
    let definition = "title = \"Longo\"\naudience = \"Auditoria\"\n[[block]]\nid = \"todas\"\nkind = \"table\"\ntitle = \"Todas\"\nquery = \"conversation_detail\"\n\
                      columns = [\"sequential_id\", \"started_local\", \"first_sector\", \"agent\", \"whole_wait_s\"]\n";
    sandbox.write("reports/longo.toml", definition);
    sandbox.relato(&["report", "longo", "--period", "2026-10", "--format", "pdf,json"]).assert().success();
    let text = text_of_pdf(&sandbox.dir().join("output/longo_2026-10.pdf"), "-layout");
    let json = std::fs::read(sandbox.dir().join("output/longo_2026-10.json")).expect("the JSON");
    let json: Value = serde_json::from_slice(&json).expect("valid JSON");
    let rows = json["blocks"][0]["content"]["table"]["rows"].as_array().expect("rows");
    assert!(rows.len() > 150, "{}", rows.len());
    let words: std::collections::BTreeSet<&str> = text.split_whitespace().collect();
    for row in rows {
        // A number by which people call a ticket is no quantity: it has no thousands.
        let number = row["sequential_id"].as_str().expect("a text");
        assert!(words.contains(number), "conversation {number} is in the PDF");
    }
    let headings = text.lines().filter(|line| line.contains("Setor inicial") && line.contains("Atendente")).count();
    assert!(headings >= 4, "{headings} headings");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn details_that_are_not_what_their_header_promises_are_in_no_file() {
    let world = world(26, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let texts = sandbox.project().query_texts().expect("queries");
    std::fs::create_dir_all(sandbox.dir().join("queries/reports")).expect("a folder");
    let broken = texts["reports/conversation_detail.sql"].replace("-- unique: conversation_id", "-- unique: channel");
    sandbox.write("queries/reports/conversation_detail.sql", &broken);
    for format in ["xlsx", "json", "parquet", "csv"] {
        let output = sandbox.relato(&["report", "atendimento-mensal", "--period", "2026-10", "--format", format]).assert().code(4);
        let said = crate::support::one_line(&output.get_output().stderr);
        assert!(said.contains("repeat channel"), "{format}: {said}");
        let left = crate::support::files_below(&sandbox.dir().join("output"));
        let names: Vec<String> = left.iter().map(|(path, _)| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
        // Other tables are files of their own as CSV; nothing half written lies beside them.
        let is_other = |name: &String| format == "csv" && !name.starts_with('.') && !name.contains("conversas");
        assert!(names.iter().all(is_other), "{format}: {names:?}");
    }
    assert!(!sandbox.project().ledger_file().exists(), "nothing was published");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_behind_a_report_are_there_as_parquet() {
    let sandbox = reported().await;
    let arguments = ["report", "atendimento-mensal", "--period", "2026-10", "--format", "parquet"];
    sandbox.relato(&arguments).assert().success();
    let path = sandbox.dir().join(format!("output/{STEM}_conversas.parquet"));
    let data = sandbox.report("2026-10", None);
    let rows = crate::support::with_rows(&data.details[0]).table;
    let expected: Vec<Option<i64>> = (0..rows.row_count()).map(|row| rows.get(row, "whole_wait_s").int()).collect();
    let connection = duckdb::Connection::open_in_memory().expect("a database");
    let sql = format!("SELECT whole_wait_s FROM read_parquet('{}')", path.display());
    let mut statement = connection.prepare(&sql).expect("the column by its name");
    let found: Vec<Option<i64>> = statement.query_map([], |row| row.get(0)).expect("rows").map(|value| value.expect("a value")).collect();
    assert!(found.len() > 100, "{}", found.len());
    assert_eq!(found, expected, "the same rows in the same order");
    let arguments = [&arguments[..], &["--no-details"]].concat();
    let refused = sandbox.relato(&arguments).assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&refused).contains("no row-level table"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_logo_is_on_every_page_as_ornament_and_a_wrong_one_is_told() {
    use relato::render::chart::{Drawing, Shape, png};

    let server = serve(&world(21, 120), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let square = Shape::Rect { x: 2.0, y: 1.0, width: 26.0, height: 8.0, color: (200, 30, 30) };
    let logo = png(&Drawing { width: 30.0, height: 10.0, shapes: vec![square] }, "logo").expect("a picture");
    std::fs::write(sandbox.dir().join("logo.png"), &logo).expect("a file");
    let settings = std::fs::read_to_string(sandbox.dir().join("relato.toml")).expect("settings");
    sandbox.write("relato.toml", &settings.replace("revision = \"0.0\"", "revision = \"0.0\"\nlogo_file = \"logo.png\""));
    let report = ["report", "semanal", "--period", "2026-W42", "--format", "xlsx,pdf,json"];
    sandbox.relato(&report).assert().success();
    let file = |ending: &str| sandbox.dir().join("output").join(format!("semanal_2026-W42.{ending}"));
    let pdf = std::fs::read(file("pdf")).expect("the PDF");
    let listed = Command::new("pdfimages").arg("-list").arg(file("pdf")).output().expect("pdfimages of poppler-utils");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let info = Command::new("pdfinfo").arg(file("pdf")).output().expect("pdfinfo of poppler-utils");
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    let pages: usize = info.lines().find_map(|line| line.strip_prefix("Pages:")).expect("pages").trim().parse().expect("a number");
    // One picture of 228 × 76 pixels a page, below two lines of headings.
    assert_eq!(listed.lines().count() - 2, pages, "{listed}");
    assert!(listed.lines().skip(2).all(|line| line.contains(" 228 ") && line.contains(" 76 ")), "{listed}");
    assert!(text_of_pdf(&file("pdf"), "-layout").contains("Associação Exemplo"));
    let book = std::fs::read(file("xlsx")).expect("the workbook");
    let has = |name: &[u8]| book.windows(name.len()).any(|window| window == name);
    assert!(has(b"xl/media/image1.png"), "the workbook prints it");
    // Looks are no content: what the fingerprint is made of does not know of it.
    let json = std::fs::read_to_string(file("json")).expect("the JSON");
    assert!(!json.contains("logo"));
    sandbox.relato(&report).assert().success();
    assert_eq!(std::fs::read(file("pdf")).expect("the PDF"), pdf, "the same bytes again");
    sandbox.write("logo.png", "<svg/>");
    let refused = sandbox.relato(&["check", "--offline"]).assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("the logo is no PNG"));
    std::fs::write(sandbox.dir().join("logo.png"), &logo[..40]).expect("a file");
    let refused = sandbox.relato(&["report", "semanal", "--period", "2026-W42", "--format", "pdf"]).assert().code(1);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("document.logo_file is no PNG that can be read"));
}
