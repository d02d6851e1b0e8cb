//! Reports leave over real conversations: mail on loopback, folders, a program that is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command as Process, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use assert_cmd::cargo::cargo_bin;
use mail_parser::{Message, MessageParser, MimeHeaders};
use relato::domain::digest::sha256;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use serde_json::Value;

use crate::{
    mailbox::{Act, Mailbox, Manners, Stage, Taken, http_once},
    support::{NOW, Sandbox, everything, serve, settings, world},
};

/// A Monday at eight in São Paulo, a month after the one that is reported was over.
const MONDAY: &str = "2026-11-30T11:00:30Z";

fn mail_settings(port: u16) -> String {
    format!(
        r#"
[[access.person]]
email = "ana@exemplo.org.br"
profile = "administrador"
[[access.person]]
email = "rui@exemplo.org.br"
profile = "visualizador"
[[access.person]]
email = "chefe@exemplo.org.br"
profile = "visualizador"
[[access.person]]
email = "saiu@exemplo.org.br"
profile = "visualizador"
active = false

[delivery]
operations = ["ti@exemplo.org.br"]

[delivery.smtp]
host = "127.0.0.1"
port = {port}
tls = "none"
from = "Relatórios <relatorios@exemplo.org.br>"
allow_domains = ["exemplo.org.br"]
timeout_s = 1
"#
    )
}

/// A loaded project, whose mail goes to `port`.
async fn project(port: u16, extra: &str) -> Sandbox {
    let server = serve(&world(3, 400), &[]).await;
    let sandbox = Sandbox::with_settings(&format!("{}{}{extra}", settings(&server.base_url), mail_settings(port)));
    sandbox.load(everything()).await;
    fs::create_dir(sandbox.dir().join("schedules")).unwrap();
    sandbox
}

fn schedule(sandbox: &Sandbox, name: &str, lines: &str) {
    let text = format!(
        "report = \"atendimento-mensal\"\ncron = \"0 8 * * SEG\"\ntimezone = \"America/Sao_Paulo\"\nowner = \"ana@exemplo.org.br\"\n{lines}"
    );
    sandbox.write(&format!("schedules/{name}.toml"), &text);
}

/// Lets it be known that Blip was asked last at `now`, and gave nothing new.
fn heard(sandbox: &Sandbox, now: &str) {
    fs::write(sandbox.project().heard_file(), now).expect("a writable folder");
}

/// Looks for work at an instant.
fn tick(sandbox: &Sandbox, now: &str) -> std::process::Output {
    let mut command = Process::new(cargo_bin("relato"));
    command.args(["serve", "--once", "--now", now, "--project"]).arg(sandbox.dir());
    command.output().expect("the binary runs")
}

/// Notes the schedules a minute before their time, and looks for work when it has come.
fn monday(sandbox: &Sandbox) -> std::process::Output {
    tick(sandbox, "2026-11-30T10:59:00Z");
    tick(sandbox, MONDAY)
}

fn history(sandbox: &Sandbox) -> Vec<Value> {
    let output = sandbox.relato(&["schedule", "history", "--format", "json"]).output().expect("the binary runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn run_of(sandbox: &Sandbox, name: &str) -> Value {
    let runs = history(sandbox);
    let of: Vec<&Value> = runs.iter().filter(|run| run["schedule"] == name).collect();
    assert_eq!(of.len(), 1, "{runs:#?}");
    of[0].clone()
}

/// States of a run's deliveries by recipient and sector.
fn states(run: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut states: Vec<_> = run["deliveries"]
        .as_array()
        .expect("deliveries")
        .iter()
        .map(|one| (text(&one["recipient"]), text(&one["sector"]), text(&one["state"])))
        .collect();
    states.sort();
    states
}

fn parsed(taken: &Taken) -> Message<'_> {
    MessageParser::default().parse(&taken.bytes).expect("a message")
}

/// Attachments by name, with the SHA-256 of their bytes.
fn attachments(message: &Message<'_>) -> Vec<(String, String)> {
    let named = message.attachments().filter_map(|part| Some((part.attachment_name()?.to_owned(), sha256(part.contents()))));
    named.filter(|(name, _)| name != "grafico.png").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_one_mail_with_the_files_as_they_were_made() {
    let mailbox = Mailbox::open();
    let sandbox = project(mailbox.port, "").await;
    sandbox.write(
        "recipients.toml",
        "[sectors]\n\"Financeiro\" = [\"chefe@exemplo.org.br\"]\n[groups]\n\"direção\" = [\"ana@exemplo.org.br\", \"rui@exemplo.org.br\"]\n",
    );
    schedule(
        &sandbox,
        "mensal",
        "period = \"last-month\"\nformats = [\"pdf\", \"xlsx\"]\ndetails = false\n\
         to = [\"group:direção\", \"sectors\", \"saiu@exemplo.org.br\"]\nfolder = \"saida/{year}\"\nfile = \"{report} {period} {sector}\"\n",
    );
    let output = monday(&sandbox);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let run = run_of(&sandbox, "mensal");
    let state = |to: &str, sector: &str, state: &str| (to.to_owned(), sector.to_owned(), state.to_owned());
    assert_eq!(
        states(&run),
        [
            state("ana@exemplo.org.br", "", "sent"),
            state("chefe@exemplo.org.br", "Financeiro", "sent"),
            state("rui@exemplo.org.br", "", "sent"),
            state("saida/2026", "", "sent"),
            state("saiu@exemplo.org.br", "", "skipped"),
        ]
    );
    assert_eq!((run["state"].as_str(), run["period"].as_str()), (Some("sent"), Some("2026-10")));
    assert_eq!(mailbox.taken().len(), 3, "one mail for each person, and none for who has left");

    let files = |scope: &str| -> Vec<(String, String)> {
        let folder = sandbox.dir().join("data/outbox").join(run["run"].to_string()).join(scope).join("files");
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), sha256(&fs::read(&path).unwrap())))
            .collect();
        files.sort_by(|a, b| b.cmp(a));
        files
    };
    for (to, scope, subject) in [
        ("ana@exemplo.org.br", "0-all", "Relatório mensal de atendimento · outubro de 2026"),
        ("chefe@exemplo.org.br", "1-financeiro", "Relatório mensal de atendimento · Financeiro · outubro de 2026"),
    ] {
        let taken = mailbox.of(to);
        let message = parsed(&taken[0]);
        // The month is over, and a ticket of it is open still: the subject says so.
        assert!(message.subject().unwrap().ends_with(subject), "{:?}", message.subject());
        assert_eq!(message.from().unwrap().first().unwrap().name(), Some("Relatórios"));
        assert_eq!(message.to().unwrap().first().unwrap().address(), Some(to));
        assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
        assert!(message.message_id().unwrap().ends_with("@exemplo.org.br"));
        assert_eq!(message.date().unwrap().to_rfc3339(), MONDAY);
        let (text, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
        for part in [&text, &html] {
            assert!(part.contains("Indicadores") || part.contains("Conversas"), "{part}");
            assert!(part.contains("ana@exemplo.org.br"), "the owner answers questions");
        }
        assert!(html.contains("src=\"cid:chart\""));
        let picture = message.attachments().find(|part| part.content_id() == Some("chart")).expect("a picture");
        assert!(picture.contents().starts_with(b"\x89PNG"));
        assert_eq!(attachments(&message), files(scope));
        assert!(taken[0].bytes.is_ascii(), "any server takes it");
    }
    let put: Vec<String> =
        fs::read_dir(sandbox.dir().join("saida/2026")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(put.len(), 2);
    assert!(put.contains(&"atendimento-mensal 2026-10 .pdf".to_owned()), "{put:?}");

    // The same again, later, and after the ledger was looked at: nothing goes out twice.
    tick(&sandbox, "2026-11-30T12:00:00Z");
    heard(&sandbox, "2026-12-07T11:00:00+00:00");
    tick(&sandbox, "2026-12-07T11:00:30Z");
    assert_eq!(mailbox.of("ana@exemplo.org.br").len(), 2, "November comes a week later, and nothing else");
    let by_hand = sandbox.relato(&["schedule", "run", "mensal", "--for", "2026-11-30T11:00:00Z", "--send"]).output().unwrap();
    assert_eq!(by_hand.status.code(), Some(4), "{}", String::from_utf8_lossy(&by_hand.stdout));
    assert_eq!(mailbox.of("ana@exemplo.org.br").len(), 2);
    sandbox.relato(&["schedule", "run", "mensal", "--for", "2026-11-30T11:00:00Z", "--send", "--again"]).assert().success();
    assert_eq!(mailbox.of("ana@exemplo.org.br").len(), 3);
    let mine =
        sandbox.relato(&["schedule", "run", "mensal", "--send", "--to-me"]).env("RELATO_EMAIL", "Rui@exemplo.org.br").output().unwrap();
    assert!(mine.status.success(), "{}", String::from_utf8_lossy(&mine.stdout));
    assert_eq!(mailbox.of("rui@exemplo.org.br").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_is_told_and_what_passes_is_tried_again() {
    let mailbox = Mailbox::scripted(|stage, to, conversation| match (stage, to) {
        (Stage::To, "rui@exemplo.org.br") => Act::Say("550 no such user"),
        (Stage::Whole, "chefe@exemplo.org.br") => Act::Say("552 message too large"),
        (Stage::Connect, _) if conversation <= 3 => Act::Say("421 busy"),
        _ => Act::Go,
    });
    let sandbox = project(mailbox.port, "").await;
    schedule(
        &sandbox,
        "csv",
        "period = \"last-month\"\nformats = [\"csv\"]\ndetails = false\ngate = \"send\"\non_failure = [\"rui@exemplo.org.br\"]\n\
         to = [\"ana@exemplo.org.br\", \"rui@exemplo.org.br\", \"chefe@exemplo.org.br\"]\n",
    );
    monday(&sandbox);
    let run = run_of(&sandbox, "csv");
    assert_eq!(run["state"], "rendered", "the server was busy");
    assert!(run["reason"].as_str().unwrap().contains("421"), "{run}");
    assert_eq!(mailbox.taken().len(), 0);
    tick(&sandbox, "2026-11-30T11:00:59Z");
    assert_eq!(mailbox.conversations(), 3, "not before the wait is over");
    let output = tick(&sandbox, "2026-11-30T11:02:00Z");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stdout));
    let run = run_of(&sandbox, "csv");
    let outcomes: Vec<String> = states(&run).into_iter().map(|(_, _, state)| state).collect();
    assert_eq!((run["state"].as_str(), outcomes), (Some("partial"), vec!["sent".to_owned(), "failed".to_owned(), "failed".to_owned()]));
    assert_eq!(mailbox.of("ana@exemplo.org.br").len(), 2, "the report, and the notice that others do not have it");
    // The owner and operations are told what happened and what to do; who cannot be reached is not asked for ever.
    for to in ["ana@exemplo.org.br", "ti@exemplo.org.br"] {
        let notice = mailbox.of(to).pop().unwrap();
        let message = parsed(&notice);
        assert_eq!(message.subject(), Some("Relatório enviado só em parte: csv"));
        let text = message.body_text(0).unwrap().into_owned();
        for part in ["550", "no such user", "552", "Sem receber: chefe@exemplo.org.br, rui@exemplo.org.br", "--again"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let status = sandbox.relato(&["status"]).output().unwrap();
    let text = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(text.contains("Not delivered: csv of 2026-10 (partial)"), "{text}");
    assert!(text.contains("Not told: Relatório enviado só em parte: csv to rui@exemplo.org.br (failed): permanent error (550)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_breaks_is_known_by_where_it_breaks() {
    let broken: Mutex<BTreeSet<String>> = Mutex::default();
    let mailbox = Mailbox::scripted(move |stage, to, _| {
        let is_first = || broken.lock().unwrap().insert(to.to_owned());
        match (stage, to) {
            // Before the message nothing was taken: it is tried again. After it, without an answer, it may have been.
            (Stage::Data | Stage::Body, "ana@exemplo.org.br" | "eva@exemplo.org.br") | (Stage::Whole, "chefe@exemplo.org.br")
                if (stage == Stage::Body) == (to == "eva@exemplo.org.br") && is_first() =>
            {
                Act::Drop
            }
            (Stage::To, "rui@exemplo.org.br") if is_first() => Act::Stall,
            _ => Act::Go,
        }
    });
    let eva = "\n[[access.person]]\nemail = \"eva@exemplo.org.br\"\nprofile = \"visualizador\"\n";
    let sandbox = project(mailbox.port, eva).await;
    schedule(
        &sandbox,
        "pdf",
        "period = \"last-month\"\nformats = [\"pdf\"]\n\
         to = [\"ana@exemplo.org.br\", \"rui@exemplo.org.br\", \"chefe@exemplo.org.br\", \"eva@exemplo.org.br\"]\n",
    );
    monday(&sandbox);
    let of_run =
        || -> BTreeMap<String, String> { states(&run_of(&sandbox, "pdf")).into_iter().map(|(to, _, state)| (to, state)).collect() };
    let outcome = |to: &str| of_run()[&format!("{to}@exemplo.org.br")].clone();
    assert_eq!(["ana", "chefe", "rui"].map(outcome), ["pending", "maybe_sent", "pending"]);
    // How much of a message the system had passed on when it broke is not known to whoever sends it: the last line may have left.
    let in_between = outcome("eva");
    assert!(["pending", "maybe_sent"].contains(&in_between.as_str()), "{in_between}");
    tick(&sandbox, "2026-11-30T11:02:00Z");
    assert_eq!(["ana", "chefe", "rui"].map(outcome), ["sent", "maybe_sent", "sent"]);
    assert_eq!(outcome("eva"), if in_between == "pending" { "sent" } else { "maybe_sent" });
    assert_eq!(run_of(&sandbox, "pdf")["state"].as_str(), Some("partial"));
    for minute in 3..6 {
        tick(&sandbox, &format!("2026-11-30T11:{minute:02}:30Z"));
    }
    for to in ["ana@exemplo.org.br", "rui@exemplo.org.br", "chefe@exemplo.org.br"] {
        let reports = mailbox.of(to).iter().filter(|taken| !parsed(taken).subject().unwrap().starts_with("Não se sabe")).count();
        assert_eq!(reports, 1, "{to}");
    }
    let told = mailbox.of("ti@exemplo.org.br");
    let about_chief = told.iter().map(parsed).find(|notice| notice.body_text(0).unwrap().contains("Pergunte a chefe@exemplo.org.br"));
    assert_eq!(about_chief.expect("operations are told").subject(), Some("Não se sabe se um e-mail chegou: pdf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_encrypted_or_not_sent() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let manners = Manners { tls: Some(Arc::new(tls)), credentials: Some(("relato", "segredo")) };
    let mailbox = Mailbox::with(manners, |_, _, _| Act::Go);
    let plain = Mailbox::open();
    let sandbox = project(mailbox.port, "").await;
    schedule(&sandbox, "csv", "period = \"last-month\"\nformats = [\"csv\"]\ndetails = false\nto = [\"rui@exemplo.org.br\"]\n");
    let written = fs::read_to_string(sandbox.dir().join("relato.toml")).unwrap();
    let with = |port: u16, password: &str, authority: bool| {
        sandbox.write("keys/mail.password", password);
        let authority = if authority { "ca_file = \"keys/authority.pem\"\n" } else { "" };
        let text = written
            .replace("host = \"127.0.0.1\"", "host = \"localhost\"")
            .replace(&format!("port = {}", mailbox.port), &format!("port = {port}"))
            .replace(
                "tls = \"none\"",
                &format!("tls = \"starttls\"\n{authority}user_file = \"keys/mail.user\"\npassword_file = \"keys/mail.password\""),
            );
        sandbox.write("relato.toml", &text);
    };
    sandbox.write("keys/mail.user", "relato");
    sandbox.write("keys/authority.pem", &made.cert.pem());
    tick(&sandbox, "2026-11-30T10:59:00Z");
    // A server that offers no encryption, one whose certificate nobody vouches for, a wrong password: nothing leaves.
    for (minute, port, password, authority, expected) in [
        (0, plain.port, "segredo", true, "STARTTLS"),
        (2, mailbox.port, "segredo", false, "certificate"),
        (5, mailbox.port, "errado", true, "535"),
    ] {
        with(port, password, authority);
        tick(&sandbox, &format!("2026-11-30T11:{minute:02}:30Z"));
        let run = run_of(&sandbox, "csv");
        assert_eq!(run["state"], "rendered");
        let reason = run["reason"].as_str().unwrap().to_owned();
        assert!(reason.to_lowercase().contains(&expected.to_lowercase()) && !reason.contains(password), "{reason}");
    }
    assert_eq!(plain.taken().len() + mailbox.taken().len(), 0);
    with(mailbox.port, "segredo", true);
    tick(&sandbox, "2026-11-30T11:30:00Z");
    assert_eq!(run_of(&sandbox, "csv")["state"], "sent");
    let taken = mailbox.of("rui@exemplo.org.br");
    assert!(taken.len() == 1 && taken[0].is_encrypted);
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_conditions_and_changes_decide() {
    let mailbox = Mailbox::open();
    let sandbox = project(mailbox.port, "").await;
    let common = "formats = [\"csv\"]\ndetails = false\nto = [\"rui@exemplo.org.br\"]\n";
    let this_month = "period = \"2026-11-01..2026-11-29\"\n";
    schedule(&sandbox, "banner", &format!("{this_month}{common}"));
    schedule(&sandbox, "enviar", &format!("period = \"2026-11-01..2026-11-28\"\n{common}gate = \"send\"\n"));
    schedule(&sandbox, "esperar", &format!("period = \"2026-11-02..2026-11-29\"\n{common}gate = \"hold\"\nhold_hours = 2\n"));
    schedule(&sandbox, "vazio", &format!("period = \"2020-01\"\n{common}when = \"data\"\n"));
    schedule(&sandbox, "limite", &format!("period = \"2026-10\"\n{common}when = {{ figure = \"csat_share\", below = 0.0 }}\n"));
    schedule(&sandbox, "cruza", &format!("period = \"2026-09\"\n{common}when = {{ figure = \"conversations\", above = 1 }}\n"));
    schedule(&sandbox, "meta", &format!("period = \"2026-10\"\n{common}when = \"target_missed\"\n"));
    heard(&sandbox, MONDAY);
    monday(&sandbox);
    let of = |name: &str| {
        let run = run_of(&sandbox, name);
        (run["state"].as_str().unwrap().to_owned(), run["reason"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(of("banner").0, "sent");
    assert_eq!(of("enviar").0, "sent");
    assert_eq!(of("esperar").0, "waiting", "the days after the load are not there");
    assert_eq!(of("vazio"), ("skipped".to_owned(), "the period has no data".to_owned()));
    assert!(of("limite").1.starts_with("`csat_share` is within its limit"), "{:?}", of("limite"));
    assert_eq!(of("cruza").0, "sent");
    assert_eq!(of("meta"), ("skipped".to_owned(), "no target is missed".to_owned()));
    let subjects = |to: &str| -> Vec<String> { mailbox.of(to).iter().map(|taken| parsed(taken).subject().unwrap().to_owned()).collect() };
    let marked = subjects("rui@exemplo.org.br").iter().filter(|subject| subject.starts_with("[Dados incompletos] ")).count();
    assert_eq!(marked, 1, "{:?}", subjects("rui@exemplo.org.br"));
    // At the end of the wait it goes out with the warning, and the owner learns why.
    tick(&sandbox, "2026-11-30T12:59:00Z");
    assert_eq!(of("esperar").0, "waiting");
    tick(&sandbox, "2026-11-30T13:00:00Z");
    assert_eq!(of("esperar").0, "sent");
    assert!(subjects("ana@exemplo.org.br").contains(&"Relatório enviado sem esperar mais pelos dados: esperar".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_changed_goes_out_again_only_where_that_is_wanted_and_says_what_changed() {
    let mailbox = Mailbox::open();
    let sandbox = project(mailbox.port, "").await;
    let common = "period = \"2026-10\"\nformats = [\"csv\"]\ndetails = false\n";
    schedule(&sandbox, "sempre", &format!("{common}to = [\"rui@exemplo.org.br\"]\n"));
    schedule(&sandbox, "mudou", &format!("{common}to = [\"chefe@exemplo.org.br\"]\nwhen = \"changed\"\n"));
    monday(&sandbox);
    tick(&sandbox, "2026-12-07T11:00:30Z");
    let count = |to: &str| mailbox.of(to).len();
    assert_eq!((count("rui@exemplo.org.br"), count("chefe@exemplo.org.br")), (1, 1), "nothing changed");
    // Another rule for who is satisfied changes what was published.
    let text = fs::read_to_string(sandbox.dir().join("relato.toml")).unwrap();
    sandbox.write("relato.toml", &text.replace("satisfied_from = 4", "satisfied_from = 5"));
    let mut command = Process::new(cargo_bin("relato"));
    let rebuilt = command.args(["--now", "2026-12-08T11:00:00Z", "ingest", "--rebuild", "--project"]).arg(sandbox.dir()).output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    tick(&sandbox, "2026-12-14T11:00:30Z");
    assert_eq!((count("rui@exemplo.org.br"), count("chefe@exemplo.org.br")), (1, 2));
    let told = mailbox.of("chefe@exemplo.org.br").pop().unwrap();
    let text = parsed(&told).body_text(0).unwrap().into_owned();
    assert!(text.contains("Números já publicados que mudaram: outubro de 2026"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("Satisfação: ") && line.contains(" → ")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_with_a_signature_and_large_files_stay_behind() {
    let mailbox = Mailbox::open();
    let (url, heard) = http_once("204 No Content");
    let sandbox = project(mailbox.port, "").await;
    let text = fs::read_to_string(sandbox.dir().join("relato.toml")).unwrap();
    sandbox.write("relato.toml", &text.replace("[delivery]\n", "[delivery]\nattach_limit_mb = 0\n"));
    sandbox.write("keys/hook.key", "segredo");
    schedule(
        &sandbox,
        "tudo",
        &format!(
            "period = \"last-month\"\nformats = [\"pdf\"]\nto = [\"rui@exemplo.org.br\"]\n\
             webhook = {{ url = \"{url}\", secret_file = \"keys/hook.key\", files_url = \"https://arquivos.exemplo.org.br/\" }}\n"
        ),
    );
    monday(&sandbox);
    assert_eq!(run_of(&sandbox, "tudo")["state"], "sent");
    let told = heard.recv_timeout(Duration::from_secs(10)).expect("the program is told");
    let header = |name: &str| told.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone()).unwrap();
    let seconds = chrono::DateTime::parse_from_rfc3339(MONDAY).unwrap().timestamp();
    let expected = {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"segredo").unwrap();
        mac.update(format!("{seconds}.{}", told.body).as_bytes());
        relato::domain::digest::hex(&mac.finalize().into_bytes())
    };
    assert_eq!(header("relato-signature"), format!("t={seconds},v1={expected}"));
    assert_eq!(header("idempotency-key").len(), 32);
    let body: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!((body["facts"]["report"].as_str(), body["facts"]["period"].as_str()), (Some("atendimento-mensal"), Some("2026-10")));
    let place = body["files"][0]["place"].as_str().unwrap();
    assert!(place.starts_with("https://arquivos.exemplo.org.br/0-all/files/atendimento-mensal_2026-10.pdf"), "{place}");

    let taken = mailbox.of("rui@exemplo.org.br");
    let message = parsed(&taken[0]);
    assert_eq!(attachments(&message), []);
    let text = message.body_text(0).unwrap().into_owned();
    assert!(text.contains("Arquivos grandes demais para o e-mail") && text.contains("atendimento-mensal_2026-10.pdf"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_down_is_told_by_everything_else() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let sandbox = project(port, "").await;
    schedule(
        &sandbox,
        "csv",
        "period = \"last-month\"\nformats = [\"csv\"]\ndetails = false\nretries = 0\nto = [\"rui@exemplo.org.br\"]\n",
    );
    let before = sandbox.relato(&["status"]).output().unwrap();
    assert!(String::from_utf8_lossy(&before.stdout).contains("Silent: reports are scheduled, and `relato serve` never ran."));
    let output = monday(&sandbox);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(run_of(&sandbox, "csv")["state"], "failed");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("a notice did not go out") && log.contains("a report did not reach everybody"), "{log}");
    let status = |now: &str| {
        let mut command = Process::new(cargo_bin("relato"));
        let output = command.args(["--now", now, "status", "--format", "json", "--project"]).arg(sandbox.dir()).output().unwrap();
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    let (code, told) = status(MONDAY);
    assert_eq!(code, Some(3));
    assert_eq!(told["reports"]["amiss"][0]["schedule"], "csv");
    assert_eq!(told["reports"]["untold"].as_array().unwrap().len(), 2, "owner and operations");
    assert_eq!(told["reports"]["is_silent"], false);
    // A week later nothing ran any more: the time that nobody took up is seen from outside.
    let (_, told) = status("2026-12-07T14:00:00Z");
    assert_eq!(told["reports"]["is_silent"], true);
    assert_eq!(told["reports"]["late"][0]["planned_at"], "2026-12-07T11:00:00Z");
    // Once there is a server, what was to be told is told.
    let listener = Mailbox::open();
    let text = fs::read_to_string(sandbox.dir().join("relato.toml")).unwrap();
    sandbox.write("relato.toml", &text.replace(&format!("port = {port}"), &format!("port = {}", listener.port)));
    tick(&sandbox, "2026-11-30T11:10:00Z");
    assert_eq!(listener.of("ti@exemplo.org.br").len(), 1);
    assert!(parsed(&listener.of("ana@exemplo.org.br")[0]).subject().unwrap().starts_with("Relatório não enviado: csv"));
}

/// A child that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(sandbox: &Sandbox, supervisor: &Path) -> Running {
    let mut command = Process::new(cargo_bin("relato"));
    command.args(["serve", "--now", "2026-11-30T10:59:58Z", "--project"]).arg(sandbox.dir()).env("NOTIFY_SOCKET", supervisor);
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_serves_alone_tells_its_supervisor_and_ends_gracefully() {
    let mailbox = Mailbox::open();
    let sandbox = project(mailbox.port, "").await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = fs::read_to_string(sandbox.dir().join("relato.toml")).unwrap();
    sandbox.write("relato.toml", &format!("{text}\n[serve]\nhealth_port = {port}\n"));
    schedule(&sandbox, "csv", "period = \"last-month\"\nformats = [\"csv\"]\ndetails = false\nto = [\"rui@exemplo.org.br\"]\n");
    let supervisor = sandbox.dir().join("notify.socket");
    let socket = UnixDatagram::bind(&supervisor).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let heard = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).expect("the supervisor is told");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut running = start(&sandbox, &supervisor);
    assert!(heard().starts_with("READY=1"));
    let second = tick(&sandbox, MONDAY);
    assert_eq!(second.status.code(), Some(4));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains(&format!("this project is served already, by `relato serve` (process {})", running.0.id())), "{said}");
    let noted = sandbox.relato(&["schedule", "run", "csv", "--for", "2026-11-23T11:00:00Z", "--send"]).output().unwrap();
    assert!(String::from_utf8_lossy(&noted.stdout).starts_with("Noted: the running `relato serve` sends it"));
    let health = reqwest::get(format!("http://127.0.0.1:{port}/healthz")).await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
    assert!(health.text().await.unwrap().contains("\"is_well\":true"));
    Process::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(heard().starts_with("STOPPING=1"));
    assert!(running.0.wait().unwrap().success());
    assert!(NOW < MONDAY);
}
