//! Files that Blip exported: every row has a verdict, the API wins, and the same file again changes nothing.

use predicates::{prelude::PredicateBooleanExt, str::contains};

use crate::support::{Sandbox, everything, serve, settings, world};

fn write(sandbox: &Sandbox, name: &str, bytes: &[u8]) -> String {
    let path = sandbox.dir().join(name);
    std::fs::write(&path, bytes).expect("a file");
    path.to_str().expect("a plain path").to_owned()
}

fn number(sandbox: &Sandbox, sql: &str) -> i64 {
    sandbox.store().connection().query_row(sql, [], |row| row.get(0)).expect("a number")
}

#[test]
fn tickets_are_taken_over_row_by_row() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let csv = "ID do Ticket;Número;Cliente;Fila;Atendente;Situação;Data de Criação;Data de Abertura;Primeira Resposta;Data de Fechamento;Nota interna\r\n\
               t1;1;ana;Convênios;bia@exemplo.org.br;Finalizado;05/10/2026 09:00;05/10/2026 09:02;05/10/2026 09:03;05/10/2026 09:30;x\r\n\
               t2;2;ana;Suporte;;Perdido;05/10/2026 10:00;;;05/10/2026 10:20;\r\n\
               t3;3;leo;Suporte;;Resolvido;05/10/2026 11:00;;;;\r\n\
               t4;4;leo;Suporte;;Finalizado;ontem;;;;\r\n\
               ;5;leo;Suporte;;Finalizado;05/10/2026 11:00;;;;\r\n";
    let (encoded, ..) = encoding_rs::WINDOWS_1252.encode(csv);
    let file = write(&sandbox, "tickets.csv", &encoded);
    sandbox.relato(&["import", &file, "--dry-run"]).assert().code(3).stdout(contains("2 new").and(contains("Nothing was kept")));
    assert_eq!(number(&sandbox, "SELECT count(*) FROM raw.imported_ticket"), 0);
    sandbox.relato(&["import", &file]).assert().code(3).stdout(
        contains("5 tickets")
            .and(contains("Fila = queue"))
            .and(contains("not used: Nota interna"))
            .and(contains("2 new · 3 refused"))
            .and(contains("tickets.csv:4: refused: status `Resolvido` (accepted: "))
            .and(contains("tickets.csv:5: refused: creation `ontem` (accepted: dd/mm/yyyy hh:mm[:ss] or ISO 8601)"))
            .and(contains("tickets.csv:6: refused: no ticket id")),
    );
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.ticket"), 2);
    let waits =
        "SELECT sum(queue_wait_s) + 1000 * sum(first_response_s) FROM marts.ticket WHERE sector = 'Convênios' AND outcome = 'attended'";
    assert_eq!(number(&sandbox, waits), 120 + 1000 * 60);
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.ticket WHERE outcome = 'lost'"), 1);
    // The customer is a pseudonym here, too.
    let store = sandbox.store();
    let rows: String = store
        .connection()
        .query_row("SELECT string_agg(CAST(t AS VARCHAR), ' ') FROM raw.imported_ticket AS t", [], |row| row.get(0))
        .expect("rows");
    assert!(!rows.contains("leo") && !rows.contains("'ana'"), "{rows}");
    drop(store);
    sandbox.relato(&["import", &file]).assert().code(3).stdout(contains("2 known already").and(contains("Nothing changed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_api_says_of_a_ticket_wins_whichever_comes_first() {
    let world = world(50, 200);
    let server = serve(&world, &[]).await;
    let rows = |ids: &[String]| -> String {
        let lines = ids.iter().map(|id| format!("{id},Suporte,ClosedClient,2026-09-01T12:00:00Z,2026-09-01T12:30:00Z\n"));
        format!("id,team,status,storageDate,closeDate\n{}", lines.collect::<String>())
    };
    let ids: Vec<String> = world.tickets.iter().take(3).map(|ticket| ticket.id.to_string()).collect();
    let (before, after) = (Sandbox::new(&server.base_url), Sandbox::new(&server.base_url));
    let first = write(&before, "a.csv", rows(&ids).as_bytes());
    before.relato(&["import", &first]).assert().success().stdout(contains("3 new"));
    before.load(everything()).await;
    after.load(everything()).await;
    let second = write(&after, "a.csv", rows(&ids).as_bytes());
    after.relato(&["import", &second]).assert().success().stdout(contains("3 known by Blip's API").and(contains("Nothing changed")));
    for sandbox in [&before, &after] {
        assert_eq!(number(sandbox, "SELECT count(*) FROM marts.ticket"), i64::try_from(world.tickets.len()).expect("a count"));
        assert_eq!(number(sandbox, "SELECT count(*) FROM marts.ticket WHERE created_at = TIMESTAMP '2026-09-01 12:00:00'"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_a_workbook_make_the_satisfaction_where_the_configuration_says_so() {
    let world = world(51, 300);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::with_settings(&settings(&server.base_url).replace("source = \"events\"", "source = \"import\""));
    sandbox.load(everything()).await;
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.rating"), 0);
    let attended: Vec<_> = world.tickets.iter().filter(|ticket| ticket.status == "ClosedAttendant").take(4).collect();
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, heading) in (0..).zip(["Id do atendimento", "Nota", "Data da resposta"]) {
        sheet.write(0, column, heading).expect("a cell");
    }
    for ((row, ticket), answer) in (1..).zip(&attended).zip(["5", "Bom", "2", "talvez"]) {
        sheet.write(row, 0, ticket.id.to_string()).expect("a cell");
        match answer.parse::<f64>() {
            Ok(score) => sheet.write(row, 1, score).expect("a cell"),
            Err(_) => sheet.write(row, 1, answer).expect("a cell"),
        };
        sheet.write(row, 2, "20/11/2026 18:00").expect("a cell");
    }
    let file = write(&sandbox, "pesquisa.xlsx", &workbook.save_to_buffer().expect("a workbook"));
    sandbox.relato(&["import", &file]).assert().success().stdout(contains("4 survey answers").and(contains("4 new")));
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.rating WHERE source = 'import' AND conversation_id IS NOT NULL"), 4);
    assert_eq!(number(&sandbox, "SELECT CAST(sum(score) AS BIGINT) FROM marts.rating WHERE counted"), 5 + 4 + 2);
    assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.rating WHERE validity = 'invalid'"), 1);
    sandbox.relato(&["import", &file]).assert().success().stdout(contains("4 known already").and(contains("Nothing changed")));
}

const REPORT_MANAGER: &str = "BotId,TicketId,SequentialId,CustomerIdentity,AgentIdentity,Status,StorageDate,OpenDate,FirstResponseDate,\
    CloseDate,Closed,AverageAgentResponseTime\n\
    acmebot,t1,1,5531900000001@wa.gw.msging.net,bia%40exemplo.org.br@blip.ai,ClosedAttendant,2026-10-01 02:30:00,2026-10-01 02:31:00,\
    2026-10-01 02:32:00,2026-10-01 03:30:00,True,40.4\n\
    acmebot,t2,2,5531900000002@wa.gw.msging.net,,ClosedClientInactivity,2026-10-02T12:00:00.000Z,,,2026-10-02T13:00:00,True,\n";

const DELTA_SHARE: &str = "TicketId;SequentialId;OwnerIdentity;ContactIdentity;Status;StorageDate;OpenDate;FirstResponseDate;CloseDate\n\
    t1;1;acmebot@msging.net;5531900000001@wa.gw.msging.net;ClosedAttendant;2026-10-01 02:30:00;2026-10-01 02:31:00;2026-10-01 02:32:00;\
    2026-10-01 03:30:00\n";

#[test]
fn times_of_blips_own_exports_are_utc_and_others_the_organisations() {
    let own = "id;status;storageDate\nt1;Open;2026-10-01 02:30:00\n";
    for (content, told, created) in [
        (REPORT_MANAGER, "times without a zone: UTC (headings of Blip's report manager)", "2026-10-01 02:30:00"),
        (DELTA_SHARE, "times without a zone: UTC (headings of Blip's Delta Share)", "2026-10-01 02:30:00"),
        (own, "times without a zone: America/Sao_Paulo (the organisation's; --times says otherwise)", "2026-10-01 05:30:00"),
    ] {
        let sandbox = Sandbox::new("http://127.0.0.1:9");
        let file = write(&sandbox, "tickets.csv", content.as_bytes());
        sandbox.relato(&["import", &file]).assert().success().stdout(contains(told));
        let sql = format!("SELECT count(*) FROM marts.ticket WHERE ticket_id = 't1' AND created_at = TIMESTAMP '{created}'");
        assert_eq!(number(&sandbox, &sql), 1, "{told}");
    }
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let file = write(&sandbox, "tickets.csv", REPORT_MANAGER.as_bytes());
    let json = contains("\"export\": \"report manager\"").and(contains("\"time_zone\": \"UTC\""));
    sandbox.relato(&["import", &file, "--dry-run", "--format", "json"]).assert().success().stdout(json);
}

#[test]
fn tickets_without_messages_have_a_mean_of_their_own_and_a_note_says_so() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let file = write(&sandbox, "tickets.csv", REPORT_MANAGER.as_bytes());
    sandbox.relato(&["import", &file]).assert().success();
    let agents =
        "SELECT count(*) FROM marts.ticket WHERE owner = 'acmebot@msging.net' AND coalesce(agent, '') IN ('', 'bia@exemplo.org.br')";
    assert_eq!(number(&sandbox, agents), 2);
    let data = sandbox.report("2026-10", None);
    let notes = data.notes.join("\n");
    // The first ticket began at 23:30 on 30 September, local time.
    assert!(notes.contains("As mensagens de 1 ticket do período não estão armazenadas."), "{notes}");
    assert!(!notes.contains("A Blip informa o tempo médio"), "{notes}");
    let data = sandbox.report("2026-09", None);
    let notes = data.notes.join("\n");
    assert!(notes.contains("A Blip informa o tempo médio de resposta de 1 desses tickets: 40 s."), "{notes}");
    assert!(!data.completeness.sentence.contains("Faltam as mensagens"), "{}", data.completeness.sentence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mean_of_tickets_stands_beside_the_turns_of_the_others() {
    let server = serve(&world(52, 200), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let csv = "TicketId,SequentialId,OwnerIdentity,ContactIdentity,Team,Status,StorageDate,OpenDate,FirstResponseDate,CloseDate,\
        AverageAgentResponseTime\n\
        t1,1,old@msging.net,5531900000001@wa.gw.msging.net,Arquivo,ClosedAttendant,2026-10-20 12:00:00,2026-10-20 12:01:00,\
        2026-10-20 12:02:00,2026-10-20 13:00:00,40.4\n";
    let file = write(&sandbox, "tickets.csv", csv.as_bytes());
    sandbox.relato(&["import", &file]).assert().success();
    let data = sandbox.report("2026-10", None);
    assert!(data.notes.iter().any(|note| note.contains("não estão armazenadas")), "{:?}", data.notes);
    let times = data.blocks.iter().find(|block| block.id == "tempos").and_then(|block| block.content.table()).expect("times");
    let rows_of = |sector: &str, measure: &str| -> Vec<(Option<i64>, Option<f64>)> {
        let is_meant = |row: &usize| times.get(*row, "sector").text() == Some(sector) && times.get(*row, "measure").text() == Some(measure);
        (0..times.row_count()).filter(is_meant).map(|row| (times.get(row, "n").int(), times.get(row, "mean_s").number())).collect()
    };
    assert_eq!(rows_of("Arquivo", "response_by_ticket"), [(Some(1), Some(40.0))]);
    assert_eq!(rows_of("Arquivo", "response"), []);
    assert_eq!(rows_of("Financeiro", "response").len(), 1);
}

#[test]
fn the_portals_satisfaction_table_is_read_in_three_languages() {
    let base = settings("http://127.0.0.1:9").replace("source = \"events\"", "source = \"import\"");
    let id = "0b6f0f9e-3a53-4a0e-9a0e-0f4f6f1d2c3b";
    for headings in [
        "Ticket;Data;Fila;Atendente;Cliente;Pontuação;Categoria;Comentário",
        "Ticket;Date;Queue;Attendant;Customer;Score;Category;Comment",
        "Ticket;Fecha;Cola;Agente;Cliente;Puntuación;Categoría;Comentario",
    ] {
        let sandbox = Sandbox::with_settings(&base);
        let ticket = format!(
            "id;status;storageDate;openDate;closeDate\n{id};ClosedAttendant;2026-10-05T12:00:00Z;2026-10-05T12:01:00Z;2026-10-05T12:30:00Z\n"
        );
        let tickets = write(&sandbox, "tickets.csv", ticket.as_bytes());
        let rows =
            format!("{headings}\n{id};05/10/2026 09:35;Suporte;bia;ana;5;pesquisa;x\n17;05/10/2026 10:00;Suporte;bia;leo;4;pesquisa;\n");
        let answers = write(&sandbox, "pesquisa.csv", rows.as_bytes());
        sandbox.relato(&["import", &tickets, &answers]).assert().success().stdout(contains("2 survey answers").and(contains("2 new")));
        assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.rating WHERE answered_at = TIMESTAMP '2026-10-05 12:35:00'"), 1);
        // A number is no key: only the answer with the ticket's id is of a conversation.
        let joined = format!("SELECT CAST(sum(score) AS BIGINT) FROM marts.rating WHERE conversation_id = '{id}'");
        assert_eq!(number(&sandbox, &joined), 5, "{headings}");
        assert_eq!(number(&sandbox, "SELECT count(*) FROM marts.rating WHERE conversation_id IS NULL AND score = 4"), 1);
        // No comment is kept.
        assert_eq!(number(&sandbox, "SELECT count(*) FROM restricted.comment"), 0);
    }
}

#[test]
fn a_file_of_something_else_is_refused_with_what_is_needed() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let file = write(&sandbox, "people.csv", b"nome;telefone\nana;1\n");
    sandbox.relato(&["import", &file]).assert().code(2).stderr(contains("nome, telefone").and(contains("need an id")));
    let broken = write(&sandbox, "broken.xlsx", b"PK but no archive");
    sandbox.relato(&["import", &broken]).assert().code(2).stderr(contains("cannot be understood"));
    sandbox.relato(&["import", "/nowhere.csv"]).assert().code(2).stderr(contains("/nowhere.csv"));
}
