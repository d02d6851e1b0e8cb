//! Files that are not what they seem: nothing is lost, shifted or guessed without a word, and what is taken over is labelled.

use predicates::{prelude::PredicateBooleanExt, str::contains};

use crate::support::{Sandbox, one_line, settings};

const NOWHERE: &str = "http://127.0.0.1:9";

const HEADINGS: &str = "ID do Ticket;Fila;Situação;Data de Criação;Data de Abertura;Primeira Resposta;Data de Fechamento";

fn file(sandbox: &Sandbox, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = sandbox.dir().join(name);
    std::fs::write(&path, bytes).expect("a file");
    path.to_str().expect("a plain path").to_owned()
}

/// A closed ticket of a day at nine, in the columns of [`HEADINGS`].
fn ticket(id: &str, queue: &str, day: &str) -> String {
    format!("{id};{queue};Finalizado;{day} 09:00;{day} 09:02;{day} 09:04;{day} 09:30")
}

fn text(sandbox: &Sandbox, sql: &str) -> String {
    sandbox.store().connection().query_row(&format!("SELECT coalesce(CAST(({sql}) AS VARCHAR), '')"), [], |row| row.get(0)).expect("a text")
}

/// What is said of a file that is refused as a whole.
fn refused(sandbox: &Sandbox, file: &str) -> String {
    one_line(&sandbox.relato(&["import", file]).assert().code(2).get_output().stderr)
}

fn ids(sandbox: &Sandbox) -> String {
    text(sandbox, "SELECT string_agg(ticket_id, ' ' ORDER BY ticket_id) FROM raw.imported_ticket")
}

fn importing_answers() -> Sandbox {
    Sandbox::with_settings(&settings(NOWHERE).replace("source = \"events\"", "source = \"import\""))
}

fn workbook(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    for (name, rows) in sheets {
        let sheet = workbook.add_worksheet();
        sheet.set_name(*name).expect("a name");
        for (row, cells) in (0..).zip(*rows) {
            for (column, cell) in (0..).zip(*cells) {
                sheet.write(row, column, *cell).expect("a cell");
            }
        }
    }
    workbook.save_to_buffer().expect("a workbook")
}

#[test]
fn a_month_of_a_file_has_its_figures_and_says_which_file_it_is_from() {
    let sandbox = Sandbox::new(NOWHERE);
    let days = [1, 6, 12, 18, 25, 31].map(|day| ticket(&format!("old-{day}"), "Suporte", &format!("{day:02}/10/2024")));
    let november = [4, 8, 20].map(|day| ticket(&format!("new-{day}"), "Suporte", &format!("{day:02}/11/2024")));
    let (whole, part) = (file(&sandbox, "outubro.csv", format!("{HEADINGS}\n{}\n", days.join("\n"))), november.join("\n"));
    let part = file(&sandbox, "novembro.csv", format!("{HEADINGS}\n{part}\n"));
    sandbox.relato(&["import", &whole, &part]).assert().success().stdout(contains("6 new").and(contains("3 new")));

    let data = sandbox.report("2024-10", None);
    let complete = &data.completeness;
    assert_eq!((complete.days_loaded, complete.days_imported, complete.tickets_stored), (0, 31, 6));
    let sentence = "Período fechado: nenhum dia falta, nenhuma conversa em aberto. \
                    Vêm de arquivo importado, sem conferência com a Blip: 31 de 31 dias (outubro.csv).";
    assert_eq!(complete.sentence, sentence);
    let json = serde_json::to_value(complete).expect("JSON");
    assert_eq!(json["days_imported"], 31);
    sandbox.relato(&["report", "atendimento-mensal", "--period", "2024-10", "--format", "json"]).assert().success();
    let times = data.blocks.iter().find(|block| block.id == "tempos").and_then(|block| block.content.table()).expect("times");
    assert!((0..times.row_count()).any(|row| times.get(row, "n").int() == Some(6)), "the times of six tickets");

    // From the 8th to the 20th nobody knows whether the file has everything.
    let complete = sandbox.report("2024-11", None).completeness;
    assert_eq!(complete.days_imported, 6);
    let sentence =
        "Incompleto: 0 de 30 dias carregados da Blip e 6 tirados de arquivo importado (novembro.csv). Os números estão abaixo do real.";
    assert_eq!(complete.sentence, sentence);
    sandbox.relato(&["import", &whole, &part]).assert().success().stdout(contains("6 known already").and(contains("Nothing changed")));
}

#[test]
fn answers_without_a_name_are_counted_one_by_one_and_once() {
    let sandbox = importing_answers();
    let rows = "Nota;Data da resposta;Fila\n5;05/10/2026 10:00;Suporte\n5;05/10/2026 10:00;Suporte\n5;05/10/2026 10:00;Financeiro\n\
                2;05/10/2026 10:00;Suporte\n5;05/10/2026 10:01;Suporte\n";
    let answers = file(&sandbox, "answers.csv", rows);
    sandbox.relato(&["import", &answers]).assert().success().stdout(contains("rows: 5 new"));
    let by_queue = "SELECT string_agg(queue || ' ' || n, ', ' ORDER BY queue) FROM (SELECT queue, count(*) AS n FROM raw.imported_rating GROUP BY queue)";
    assert_eq!(text(&sandbox, by_queue), "Financeiro 1, Suporte 4");
    sandbox.relato(&["import", &answers]).assert().success().stdout(contains("5 known already").and(contains("Nothing changed")));
    // A later export of the same day has them again, and one more.
    let later = file(&sandbox, "later.csv", format!("{rows}5;05/10/2026 10:00;Financeiro\n"));
    sandbox.relato(&["import", &later]).assert().success().stdout(contains("5 known already · 1 new"));
}

#[test]
fn an_answer_about_a_ticket_in_capitals_is_known() {
    let sandbox = importing_answers();
    let id = "0b6f0f9e-3a53-4a0e-9a0e-0f4f6f1d2c3b";
    let rows = |id: &str| format!("id;Nota;Data da resposta\n{id};5;05/10/2026 10:00\n");
    let (small, capital) = (file(&sandbox, "a.csv", rows(id)), file(&sandbox, "b.csv", rows(&id.to_uppercase())));
    sandbox.relato(&["import", &small]).assert().success().stdout(contains("1 new"));
    sandbox.relato(&["import", &capital]).assert().success().stdout(contains("1 known already"));
}

#[test]
fn a_quote_that_does_not_close_refuses_the_file_and_a_text_in_a_name_its_row() {
    let sandbox = Sandbox::new(NOWHERE);
    let day = "05/10/2026";
    let (one, two) = (ticket("oq-1", "Suporte", day), ticket("oq-2", "\"Suporte", day));
    let open = file(&sandbox, "open.csv", format!("{HEADINGS}\r\n{one}\r\n{two}\r\n{}\r\n", ticket("oq-3", "Suporte", day)));
    let told = refused(&sandbox, &open);
    assert!(told.contains("line 3: a quotation mark opens here and never closes"), "{told}");
    assert_eq!(ids(&sandbox), "");
    let (lines, long) = (ticket("t1", "\"Suporte\nN1\"", day), ticket("t2", &"x".repeat(8_424), day));
    let names = file(&sandbox, "names.csv", format!("{HEADINGS}\n{lines}\n{long}\n{}\n", ticket("t3", "N1", day)));
    sandbox.relato(&["import", &names]).assert().code(3).stdout(
        contains("names.csv:2: refused: queue `Suporte")
            .and(contains(format!(
                "names.csv:4: refused: queue `{}… (8424 characters)` (accepted: one line of at most 256",
                "x".repeat(60)
            )))
            .and(contains("1 new · 2 refused")),
    );
    assert_eq!(ids(&sandbox), "t3");
}

#[test]
fn a_row_with_a_cell_too_many_or_too_few_is_refused() {
    let sandbox = Sandbox::new(NOWHERE);
    let rows = "id;status;storageDate;obs;team;agent;customer;closeDate\n\
                st1;ClosedAttendant;05/10/2026 09:00;ok;Suporte;ana@x.org;c1;05/10/2026 09:30\n\
                st2;ClosedAttendant;05/10/2026 09:00;ligar; urgente;Suporte;ana@x.org;c1;05/10/2026 09:30\n\
                st3;ClosedAttendant;05/10/2026 09:00;ok;Suporte\n";
    let tickets = file(&sandbox, "tickets.csv", rows);
    let told =
        contains("tickets.csv:3: refused: 9 cells under 8 headings").and(contains("tickets.csv:4: refused: 5 cells under 8 headings"));
    sandbox.relato(&["import", &tickets]).assert().code(3).stdout(told);
    assert_eq!(ids(&sandbox), "st1");
}

#[test]
fn one_bad_byte_is_the_fault_of_its_row_alone() {
    for mark in ["\u{feff}", ""] {
        let sandbox = Sandbox::new(NOWHERE);
        let mut bytes = format!("{mark}id;team;status;storageDate;tags;obs\n").into_bytes();
        for row in 0..3 {
            bytes.extend(format!("mj-{row};Convênios;Open;05/10/2026 09:00;orçamento;ok\n").bytes());
        }
        bytes.extend(b"mj-9;Suporte;Open;05/10/2026 09:00;;cora\xC3\n");
        let tickets = file(&sandbox, "tickets.csv", bytes);
        sandbox.relato(&["import", &tickets]).assert().code(3).stdout(contains("tickets.csv:5: refused: it holds bytes that are not"));
        assert_eq!(text(&sandbox, "SELECT string_agg(DISTINCT queue || ' ' || tags, ', ') FROM marts.ticket"), "Convênios [\"orçamento\"]");
    }
}

#[test]
fn a_day_without_a_time_is_refused_in_a_workbook_as_in_a_csv() {
    let sandbox = Sandbox::new(NOWHERE);
    let date = |text: &str| rust_xlsxwriter::ExcelDateTime::parse_from_str(text).expect("a date");
    let form = rust_xlsxwriter::Format::new().set_num_format("dd/mm/yyyy hh:mm");
    let made = |days: [&str; 2]| {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        for (column, heading) in (0..).zip(["id", "status", "storageDate"]) {
            sheet.write(0, column, heading).expect("a cell");
        }
        for (row, day) in (1..).zip(days) {
            sheet.write(row, 0, format!("t{row}")).expect("a cell");
            sheet.write(row, 1, "Open").expect("a cell");
            sheet.write_with_format(row, 2, date(day), &form).expect("a cell");
        }
        workbook.save_to_buffer().expect("a workbook")
    };
    let days = file(&sandbox, "days.xlsx", made(["2026-10-05", "2026-10-06"]));
    let told = contains("days.xlsx:2: refused: creation `2026-10-05` (accepted: dd/mm/yyyy hh:mm").and(contains("2 refused"));
    sandbox.relato(&["import", &days]).assert().code(3).stdout(told);
    // Where others have a time, midnight is one.
    let times = file(&sandbox, "times.xlsx", made(["2026-10-05T00:00:00", "2026-10-06T10:30:00"]));
    sandbox.relato(&["import", &times]).assert().success().stdout(contains("2 new"));
}

#[test]
fn dates_that_can_only_be_month_first_refuse_the_file_until_somebody_says_so() {
    let sandbox = Sandbox::new(NOWHERE);
    let rows = "id,team,status,created at\nus0,Suporte,Open,09/03/2026 09:00\nus1,Suporte,Open,09/13/2026 09:00\n";
    let tickets = file(&sandbox, "tickets.csv", rows);
    let told = refused(&sandbox, &tickets);
    for expected in ["tickets.csv`:3: created at `09/13/2026 09:00` can only be month first", "say `--date-order month-first`"] {
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(ids(&sandbox), "");
    sandbox.relato(&["import", &tickets, "--date-order", "month-first"]).assert().success().stdout(contains("2 new"));
    let days = "SELECT string_agg(CAST(created_day AS VARCHAR), ' ' ORDER BY ticket_id) FROM marts.ticket";
    assert_eq!(text(&sandbox, days), "2026-09-03 2026-09-13");
    let ours = file(&sandbox, "ours.csv", rows.replace("09/13/2026", "13/09/2026"));
    sandbox.relato(&["import", &ours, "--date-order", "month-first"]).assert().code(2).stderr(contains("can only be day first"));
}

#[test]
fn headings_are_found_after_titles_hints_and_cover_sheets() {
    let sandbox = Sandbox::new(NOWHERE);
    let row = |id: &str| ticket(id, "Suporte", "05/10/2026");
    let title = "Relatório de atendimentos;;;;;;\r\nPeríodo: 01/10/2026 a 31/10/2026;;;;;;\r\n";
    let blank = file(&sandbox, "blank.csv", format!("\r\n{HEADINGS}\r\n{}\r\n", row("bl-1")));
    let sep = file(&sandbox, "sep.csv", format!("sep=;\r\n{HEADINGS}\r\n{}\r\n", row("sp-1")));
    let titled = file(&sandbox, "title.csv", format!("{title}{HEADINGS}\r\n{}\r\nx;\r\n", row("ti-1")));
    let cells: Vec<&str> = HEADINGS.split(';').collect();
    let good = row("cv-1");
    let good: Vec<&str> = good.split(';').collect();
    let cover: &[&[&str]] = &[&["Relatório"], &["Outubro"]];
    let cover = file(&sandbox, "cover.xlsx", workbook(&[("Capa", cover), ("Dados", &[&cells, &good])]));
    sandbox
        .relato(&["import", &blank, &sep, &titled, &cover])
        .assert()
        .code(3)
        .stdout(contains("headings: line 3").and(contains("title.csv:5: refused: 2 cells under 7 headings")));
    assert_eq!(ids(&sandbox), "bl-1 cv-1 sp-1 ti-1");
    // Rows of a second sheet would be left out.
    let months = file(&sandbox, "months.xlsx", workbook(&[("Outubro", &[&cells, &good]), ("Novembro", &[&cells, &good])]));
    let told = refused(&sandbox, &months);
    assert!(told.contains("sheets `Outubro` and `Novembro` both have such headings"), "{told}");
}

#[test]
fn the_error_of_a_formula_is_no_name() {
    let sandbox = Sandbox::new(NOWHERE);
    let head: &[&str] = &["id", "team", "agent", "status", "storageDate"];
    let row: &[&str] = &["t1", "#N/A", "#REF!", "Open", "05/10/2026 09:00"];
    let texts = file(&sandbox, "texts.xlsx", workbook(&[("Dados", &[head, row])]));
    let csv = file(&sandbox, "csv.csv", "id;team;agent;status;storageDate\nt2;#N/D;#NOME?;Open;05/10/2026 09:00\n");
    sandbox.relato(&["import", &texts, &csv]).assert().success();
    let found = "SELECT string_agg(ticket_id || ' ' || queue || ' ' || coalesce(agent, '-'), ', ' ORDER BY ticket_id) FROM marts.ticket";
    assert_eq!(text(&sandbox, found), "t1 Default -, t2 Default -");
}

#[test]
fn of_several_files_all_are_imported_or_none() {
    let sandbox = Sandbox::new(NOWHERE);
    let good = file(&sandbox, "good.csv", format!("{HEADINGS}\n{}\n", ticket("gd-1", "Suporte", "05/10/2026")));
    let (bad, worse) = (file(&sandbox, "bad.csv", "nome|telefone\nana|1\n"), file(&sandbox, "worse.csv", "\"id;status"));
    let told = contains("bad.csv").and(contains("worse.csv")).and(contains("nothing was imported, of none of the files"));
    sandbox.relato(&["import", &good, &bad, &worse]).assert().code(2).stderr(told);
    assert_eq!(ids(&sandbox), "");
    sandbox.relato(&["import", &good]).assert().success().stdout(contains("1 new"));
}

#[test]
fn columns_can_be_said_and_saved() {
    let sandbox = Sandbox::new(NOWHERE);
    let rows = "Chamado nº,Data abert,Fim,Estado\nq1,05/10/2026 09:00,05/10/2026 09:30,Resolvido pelo robô\nq2,05/10/2026 10:00,,Na fila\n";
    let strange = file(&sandbox, "outro.csv", rows);
    assert!(refused(&sandbox, &strange).contains("tickets need an id"));
    let said =
        ["--column", "Chamado nº=ticket id", "--column", "data abert=creation", "--column", "Fim=close", "--column", "Estado=status"];
    let answer = sandbox.relato(&[&["import", &strange][..], &said].concat()).assert().code(3);
    answer.stdout(
        contains("columns: Chamado nº = ticket id, Estado = status, Data abert = creation, Fim = close")
            .and(contains("1 new · 1 refused"))
            .and(contains("outro.csv:2: refused: status `Resolvido pelo robô` (accepted: Aguardando,").and(contains("[import.states]"))),
    );
    assert_eq!(ids(&sandbox), "q2");
    // The same, kept for every file of this kind.
    let saved = "[import.columns]\n\"Chamado nº\" = \"ticket id\"\n\"Data abert\" = \"creation\"\n\"Fim\" = \"close\"\n\"Estado\" = \"status\"\n\
                 [import.states]\n\"Resolvido pelo robo\" = \"ClosedClient\"\n";
    sandbox.write("relato.toml", &format!("{}\n{saved}", settings(NOWHERE)));
    sandbox.relato(&["import", &strange]).assert().success().stdout(contains("1 known already · 1 new"));
    let closed = "SELECT string_agg(outcome || ' ' || closed_at, ' ') FROM marts.ticket WHERE ticket_id = 'q1'";
    assert!(text(&sandbox, closed).ends_with("2026-10-05 12:30:00"), "{}", text(&sandbox, closed));
    // What is said on the command line is in a file, and a field.
    for (column, message) in [
        ("Abertura=creation", "no file has the heading `Abertura`, which --column names"),
        ("Fim=fechamento", "unknown field `fechamento` (accepted: ticket id, number, number of the transferred ticket, bot, customer,"),
        ("Fim", "not HEADING=FIELD"),
    ] {
        let refused = one_line(&sandbox.relato(&["import", &strange, "--column", column]).assert().code(2).get_output().stderr);
        assert!(refused.contains(message), "{refused}");
    }
    sandbox.write("relato.toml", &settings(NOWHERE).replace("[privacy]", "[import.states]\nResolvido = \"Fim\"\n[privacy]"));
    sandbox.relato(&["check", "--offline"]).assert().code(2).stderr(contains("unknown state `Fim` (accepted: Waiting, Assigned,"));
}

#[test]
fn the_zone_of_times_can_be_said() {
    let created = "SELECT strftime(created_at, '%H:%M') FROM marts.ticket";
    let export = "TicketId,SequentialId,OwnerIdentity,ContactIdentity,Status,StorageDate,ClosedDate\n\
                  z1,1,b@msging.net,ana@wa.gw.msging.net,ClosedAttendant,2026-10-05 12:00:00.000,2026-10-05 12:30:00.000\n";
    let other = "id,status,storageDate,closeDate\nz1,ClosedAttendant,2026-10-05 12:00,2026-10-05 12:30\n";
    for (rows, times, told, at) in [
        (export, None, "UTC (headings of Blip's Delta Share)", "12:00"),
        (export, Some("local"), "America/Sao_Paulo (said by --times)", "15:00"),
        (other, None, "America/Sao_Paulo (the organisation's; --times says otherwise)", "15:00"),
        (other, Some("utc"), "UTC (said by --times)", "12:00"),
        (other, Some("America/Manaus"), "America/Manaus (said by --times)", "16:00"),
    ] {
        let sandbox = Sandbox::new(NOWHERE);
        let path = file(&sandbox, "t.csv", rows);
        let times = times.map_or(vec![], |times| vec!["--times", times]);
        sandbox
            .relato(&[vec!["import", path.as_str()], times].concat())
            .assert()
            .success()
            .stdout(contains(format!("times without a zone: {told}")));
        assert_eq!(text(&sandbox, created), at, "{told}");
    }
    let sandbox = Sandbox::new(NOWHERE);
    let path = file(&sandbox, "t.csv", other);
    sandbox.relato(&["import", &path, "--times", "Brasília"]).assert().code(2).stderr(contains("--times `Brasília` is no zone"));
}

#[test]
fn a_ticket_that_has_ended_without_a_close_is_refused() {
    let sandbox = Sandbox::new(NOWHERE);
    let share = "TicketId,SequentialId,OwnerIdentity,ContactIdentity,Status,StorageDate,OpenDate,ClosedDate\n\
                 s1,1,b@msging.net,ana@wa.gw.msging.net,ClosedAttendant,2026-10-05 12:00:00.000,2026-10-05 12:02:00.000,2026-10-05 12:30:00.000\n\
                 s2,2,b@msging.net,bia@wa.gw.msging.net,Transferred,2026-10-05 12:00:00.000,2026-10-05 12:02:00.000,\n\
                 s3,3,b@msging.net,cai@wa.gw.msging.net,Open,2026-10-05 12:00:00.000,2026-10-05 12:02:00.000,\n";
    let path = file(&sandbox, "share.csv", share);
    let answer = sandbox.relato(&["import", &path]).assert().code(3);
    answer.stdout(
        contains("share.csv:3: refused: status `Transferred` (accepted: a ticket that has ended has a time of its close;")
            .and(contains("2 new")),
    );
    assert_eq!(ids(&sandbox), "s1 s3");
    assert_eq!(text(&sandbox, "SELECT handling_s FROM marts.ticket WHERE ticket_id = 's1'"), "1680");
    // A close that cannot be of this ticket.
    let rows =
        "id;status;storageDate;closeDate\nk1;Finalizado;05/10/2026 09:00;04/10/2026 09:00\nk2;Aberto;05/10/2026 09:00;05/10/2026 10:00\n";
    let path = file(&sandbox, "antes.csv", rows);
    sandbox.relato(&["import", &path]).assert().code(3).stdout(
        contains("antes.csv:2: refused: close `04/10/2026 09:00` (accepted: a time not before the creation)")
            .and(contains("antes.csv:3: refused: status `Aberto` (accepted: a ticket with a close has ended")),
    );
    // The same where nothing is recognised as a close: each row says how to name the column.
    let path = file(&sandbox, "sem.csv", "id;status;storageDate;Terminou\ne1;Finalizado;05/10/2026 09:00;05/10/2026 09:30\n");
    sandbox.relato(&["import", &path]).assert().code(3).stdout(contains("--column \"HEADING=close\"").and(contains("not used: Terminou")));
    sandbox.relato(&["import", &path, "--column", "Terminou=close"]).assert().success();
}

#[test]
fn a_customer_that_cannot_be_read_is_told_and_one_reader_serves_all() {
    let sandbox = Sandbox::new(NOWHERE);
    let forms =
        ["+55 31 98888-0001", "tel:+5531988880001", "5531988880001@s.whatsapp.net", "Maria (31) 98888-0001", "5,53199E+12", "Maria"];
    let rows = (1..).zip(forms).map(|(number, form)| format!("c{number};{form};Open;05/10/2026 09:00\n")).collect::<Vec<_>>().concat();
    let path = file(&sandbox, "t.csv", format!("id;cliente;status;storageDate\n{rows}"));
    let answer = sandbox.relato(&["import", &path]).assert().code(3);
    let accepted = "(accepted: one telephone number, an identity name@domain, an id in one word, or a name without a number in it)";
    answer.stdout(
        contains(format!("t.csv:5: refused: customer `Maria (31) 98888-0001` {accepted}"))
            .and(contains("t.csv:6: refused: customer `5,53199E+12`"))
            .and(contains("4 new · 2 refused")),
    );
    assert_eq!(text(&sandbox, "SELECT count(DISTINCT customer_key) FROM marts.ticket"), "2");
    sandbox.relato(&["subject", "erase", "whatsapp:31988880001", "--yes"]).assert().success().stdout(contains("\"tickets\": 3"));
    // Somebody of whom a file has the name only can be forgotten, too.
    sandbox.relato(&["subject", "erase", "maria", "--yes"]).assert().success().stdout(contains("\"tickets\": 1"));
    sandbox
        .relato(&["subject", "erase", "Maria (31) 98888-0001"])
        .assert()
        .code(2)
        .stderr(contains("this is not an identity of a customer"));
}

#[test]
fn workbooks_of_other_forms_are_refused_by_name() {
    let sandbox = Sandbox::new(NOWHERE);
    let ods = [
        &b"PK\x03\x04\x14\0\0\x08\0\0\0\0\0\0\0\0\0\0.\0\0\0.\0\0\0\x08\0\0\0mimetype"[..],
        b"application/vnd.oasis.opendocument.spreadsheet",
    ]
    .concat();
    let xls = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    for (name, bytes, form) in [("tickets.ods", ods, ".ods"), ("tickets.xls", xls, ".xls")] {
        let path = file(&sandbox, name, bytes);
        let refusal = refused(&sandbox, &path);
        assert!(refusal.contains(&format!("({form})")) && refusal.contains("save it as .xlsx or csv"), "{refusal}");
    }
}

#[test]
fn tags_are_told_apart_by_one_separator_and_quotes() {
    let sandbox = Sandbox::new(NOWHERE);
    let json = "t1;Open;05/10/2026 09:00;\"[\"\"Troca|devolução\"\", \"\"b\"\"]\"\n";
    let bars = "t2;Open;05/10/2026 09:00;\"Exames, laudos|N1\"\n";
    let commas = "t3;Open;05/10/2026 09:00;\"a, b\"\n";
    for (name, rows, count, expected) in [
        ("a.csv", commas.to_owned(), "1 new", "t3=a t3=b"),
        // A file joins all of its lists in one way: what else there is belongs to names.
        ("b.csv", format!("{json}{bars}{commas}"), "2 new", "t1=Troca|devolução t1=b t2=Exames, laudos t2=N1 t3=a, b"),
        ("c.csv", format!("{json}{commas}"), "2 known already", "t1=Troca|devolução t1=b t2=Exames, laudos t2=N1 t3=a, b"),
        ("d.csv", commas.replace("a, b", "a, b; c"), "1 changed", "t1=Troca|devolução t1=b t2=Exames, laudos t2=N1 t3=a, b t3=c"),
    ] {
        let tickets = file(&sandbox, name, format!("id;status;storageDate;tags\n{rows}"));
        sandbox.relato(&["import", &tickets]).assert().success().stdout(contains(count));
        let tags = "SELECT string_agg(ticket_id || '=' || tag, ' ' ORDER BY ticket_id, tag) FROM marts.ticket_tag";
        assert_eq!(text(&sandbox, tags), expected, "{name}");
    }
}

#[test]
fn what_a_workbook_declares_of_its_size_costs_nothing() {
    let sandbox = Sandbox::new(NOWHERE);
    let made = |row: u32, column: u16| {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        for (place, (heading, value)) in (0..).zip([("id", "t1"), ("status", "Open"), ("storageDate", "05/10/2026 09:00")]) {
            sheet.write(0, place, heading).expect("a cell");
            sheet.write(row, place, value).expect("a cell");
        }
        sheet.write(row, column, "x").expect("a cell");
        workbook.save_to_buffer().expect("a workbook")
    };
    let far = file(&sandbox, "far.xlsx", made(1_048_575, 999));
    sandbox.relato(&["import", &far]).assert().code(3).stdout(contains("far.xlsx:1048576: refused: 1000 cells under 3 headings"));
    let wide = file(&sandbox, "wide.xlsx", made(1, 16_383));
    let told = refused(&sandbox, &wide);
    assert!(told.contains("row 2 of sheet `Sheet1` has a cell beyond column 1000"), "{told}");
}

#[test]
fn a_rating_that_is_no_score_is_no_reason_to_leave_a_ticket_out() {
    let sandbox = Sandbox::with_settings(&settings(NOWHERE).replace("source = \"events\"", "source = \"rating\""));
    let rows: Vec<String> = [("rc-1", "5,0"), ("rc-2", "5.0"), ("rc-3", "ótimo"), ("rc-4", "3,5"), ("rc-5", "0"), ("rc-6", "")]
        .iter()
        .map(|(id, rating)| format!("{};{rating}", ticket(id, "Suporte", "05/10/2026")))
        .collect();
    let rated = file(&sandbox, "rated.csv", format!("{HEADINGS};Nota\n{}\n", rows.join("\n")));
    sandbox.relato(&["import", &rated]).assert().success().stdout(contains("6 new"));
    let found = text(
        &sandbox,
        "SELECT string_agg(concat_ws(' ', rating_id, coalesce(CAST(score AS VARCHAR), validity)), ', ' ORDER BY rating_id) FROM marts.rating",
    );
    assert_eq!(found, "rating-rc-1 5.0, rating-rc-2 5.0, rating-rc-3 5.0, rating-rc-4 invalid");
}

#[test]
fn a_corrected_answer_replaces_the_first() {
    let sandbox = importing_answers();
    let tickets = ["a1", "a2"].map(|id| ticket(id, "Suporte", "05/10/2026")).join("\n");
    let tickets = file(&sandbox, "tickets.csv", format!("{HEADINGS}\n{tickets}\n"));
    let answers = |name: &str, rows: &str| file(&sandbox, name, format!("id;answer;date\n{rows}"));
    let first = answers("first.csv", "a1;2;05/10/2026 10:00\na2;3;05/10/2026 10:00\n");
    let second = answers("second.csv", "a1;5;05/10/2026 10:00\na2;3;05/10/2026 10:00\n");
    sandbox.relato(&["import", &tickets, &first]).assert().success().stdout(contains("2 new"));
    sandbox.relato(&["import", &second]).assert().success().stdout(contains("1 changed · 1 known already"));
    let scores = "SELECT string_agg(CAST(score AS INTEGER), ' ' ORDER BY conversation_id) FROM marts.rating";
    assert_eq!(text(&sandbox, scores), "5 3");
    // The file that was imported last has the last word, and within one file answers stand beside each other.
    sandbox.relato(&["import", &first]).assert().success().stdout(contains("1 changed · 1 known already"));
    assert_eq!(text(&sandbox, scores), "2 3");
    let both = answers("both.csv", "a1;2;05/10/2026 10:00\na1;4;05/10/2026 10:00\n");
    sandbox.relato(&["import", &both]).assert().success().stdout(contains("1 known already · 1 new"));
    assert_eq!(text(&sandbox, "SELECT count(*) FROM marts.rating"), "3");
}

/// Reports and `relato status` of a month with conversations that name no channel, sector, attendant or customer, answers included.
#[test]
fn every_report_is_made_of_conversations_that_name_nothing() {
    let sandbox = importing_answers();
    let rows: Vec<String> = (1..=12)
        .map(|day| {
            format!("nc-{day};Finalizado;{day:02}/10/2026 09:00;{day:02}/10/2026 09:02;{day:02}/10/2026 09:03;{day:02}/10/2026 09:30")
        })
        .collect();
    let heading = "id;status;storageDate;openDate;firstResponseDate;closeDate";
    let tickets = file(&sandbox, "tickets.csv", format!("{heading}\n{}\nnc-13;Aguardando;13/10/2026 09:00;;;\n", rows.join("\n")));
    let answers = file(&sandbox, "answers.csv", "id;answer;date\nnc-1;5;01/10/2026 10:00\n;3;02/10/2026 10:00\n");
    sandbox.relato(&["import", &tickets, &answers]).assert().success();
    assert_eq!(text(&sandbox, "SELECT count(*) FROM marts.conversation WHERE channel IS NULL AND last_agent IS NULL"), "13");
    sandbox.relato(&["status"]).assert().stdout(contains("Channel       (none named) receiving")).code(predicates::ord::ne(4));
    for report in std::fs::read_dir(crate::support::root().join("reports")).expect("reports") {
        let path = report.expect("a report").path();
        let name = path.file_stem().expect("a name").to_str().expect("a plain name");
        let mut arguments = vec!["report", name, "--period", "2026-10", "--format", "json,csv,xlsx,pdf"];
        if name == "setor" {
            arguments.extend(["--sector", "Sem roteamento"]);
        }
        let ended = sandbox.relato(&arguments).assert();
        let output = ended.get_output();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn answers_of_one_file_stand_beside_each_other_however_many_there_are() {
    let sandbox = importing_answers();
    // The same ticket at the beginning and at the end of a file that is written in two pieces; and a question of the same minute in another file.
    let row =
        |ticket: &str, answer: u32, minute: usize| format!("{ticket};{answer};05/10/2026 {:02}:{:02}\n", minute / 60 % 24, minute % 60);
    let middle = (0..10_050).map(|number| row(&format!("t-{number}"), 4, number)).collect::<Vec<_>>().concat();
    let answers = format!("ticketId;nota;datadaresposta\n{}{middle}{}", row("doubled", 5, 1), row("doubled", 3, 1));
    let path = file(&sandbox, "answers.csv", answers);
    sandbox.relato(&["import", &path]).assert().success().stdout(contains("10052 new"));
    let of_doubled = "SELECT string_agg(answer, ' ' ORDER BY answer) FROM raw.imported_rating WHERE ticket_id = 'doubled'";
    assert_eq!(text(&sandbox, of_doubled), "3 5");
    let path = file(&sandbox, "corrected.csv", format!("ticketId;nota;datadaresposta\n{}", row("doubled", 1, 1)));
    sandbox.relato(&["import", &path]).assert().success().stdout(contains("1 changed"));
    assert_eq!(text(&sandbox, of_doubled), "1");
}
