//! Whatever is wrong is told with its place and its remedy, with the right exit code, and changes nothing.

use predicates::{prelude::PredicateBooleanExt, str::contains};

use crate::support::{Sandbox, everything, serve, settings, world};

#[test]
fn a_folder_that_is_no_project_is_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = assert_cmd::Command::cargo_bin("relato").expect("the binary");
    command
        .arg("--project")
        .arg(folder.path())
        .arg("ingest")
        .assert()
        .code(2)
        .stderr(contains("not a Relato project").and(contains("relato init")));
}

#[test]
fn a_missing_key_names_file_and_remedy() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    std::fs::remove_file(sandbox.dir().join("keys/desk.key")).expect("the key");
    sandbox.relato(&["ingest"]).assert().code(2).stderr(contains("desk.key").and(contains("missing or empty")));
    assert_eq!(sandbox.data_files(), []);
}

#[test]
fn an_unset_variable_is_named() {
    let text = settings("http://127.0.0.1:9").replace("key_file = \"keys/desk.key\"", "key_env = \"RELATO_TEST_KEY_THAT_IS_NOT_SET\"");
    let sandbox = Sandbox::with_settings(&text);
    sandbox.relato(&["ingest"]).assert().code(2).stderr(contains("RELATO_TEST_KEY_THAT_IS_NOT_SET").and(contains("export")));
}

#[test]
fn an_unknown_key_in_the_settings_is_placed_and_guessed() {
    let sandbox = Sandbox::with_settings(&settings("http://127.0.0.1:9").replace("timezone =", "timezon ="));
    sandbox.relato(&["check"]).assert().code(2).stderr(contains("relato.toml:4:1").and(contains("did you mean `timezone`?")));
}

#[test]
fn a_malformed_date_is_refused_with_what_is_accepted() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    sandbox.relato(&["ingest", "--from", "2026-02-30"]).assert().code(2).stderr(contains("2026-02-30").and(contains("yyyy-mm-dd")));
    sandbox
        .relato(&["report", "atendimento-mensal", "--period", "outubro"])
        .assert()
        .code(2)
        .stderr(contains("outubro").and(contains("last-month")));
}

#[test]
fn unknown_names_come_with_the_known_ones() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    sandbox.relato(&["report", "mensal"]).assert().code(2).stderr(contains("atendimento-mensal"));
    sandbox.relato(&["report", "atendimento-mensal", "--format", "docx"]).assert().code(2).stderr(contains("xlsx, pdf, csv, json"));
}

#[test]
fn an_unreachable_host_is_told_and_changes_nothing() {
    // Port 9 of loopback is the discard service, which nothing serves.
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    sandbox
        .relato(&["ingest"])
        .assert()
        .code(5)
        .stderr(contains("no answer from").and(contains("http://127.0.0.1:9")).and(contains("base_url")));
    assert_eq!(sandbox.data_files(), []);
}

#[test]
fn an_address_that_is_none_is_told_with_its_place() {
    let sandbox = Sandbox::new("https://acme http.msging.net");
    let output = sandbox.relato(&["ingest"]).assert().code(2);
    let said = crate::support::one_line(&output.get_output().stderr);
    assert!(said.contains("base_url `https://acme http.msging.net` is not accepted (accepted: https://NAME.http.msging.net"), "{said}");
    assert!(said.contains("relato.toml"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_told_and_changes_nothing() {
    let world = world(14, 50);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.write("keys/desk.key", "d3Jvbmc6a2V5");
    sandbox
        .relato(&["ingest"])
        .assert()
        .code(5)
        .stderr(contains("HTTP 401").and(contains("key `desk`")).and(contains("d3Jvbmc6a2V5").not()));
    assert_eq!(sandbox.data_files(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_routers_key_is_recognised() {
    let world = world(14, 50);
    let server = serve(&world, &[]).await;
    let settings = crate::support::settings(&server.base_url);
    let (before, router) = settings.split_once("[[blip.key]]\nname = \"router\"").expect("the router's key");
    let (_, after) = router.split_once("\n\n").expect("what follows it");
    let sandbox = Sandbox::with_settings(&format!("{before}{after}"));
    sandbox.write("keys/desk.key", &server.keys.router);
    sandbox
        .relato(&["ingest"])
        .assert()
        .code(5)
        .stderr(contains("no attendants and no queues").and(contains("exemplorouter")).and(contains("the router's key")));
    assert_eq!(sandbox.data_files(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_tells_whose_a_key_is_and_what_this_contract_answers() {
    let world = world(14, 300);
    let server = serve(&world, &["no-reports=1"]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.relato(&["check"]).assert().success().stdout(
        contains("of bot `exemplodesk`")
            .and(contains("answers a ping in"))
            .and(contains("/attendants                        20 records"))
            .and(contains("/analytics/reports/tickets         not offered by this contract"))
            .and(contains("not confirmed by Blip's documentation")),
    );
    sandbox.write("keys/desk.key", &server.keys.router);
    sandbox.relato(&["check"]).assert().code(4).stdout(
        contains("of bot `exemplorouter`")
            .and(contains("not the key of the bot that attends"))
            .and(contains("empty (not found)").not())
            .and(contains("are both of bot `exemplorouter`: a load refuses them")),
    );
    sandbox.write("keys/desk.key", "d3Jvbmc6a2V5");
    sandbox.relato(&["check"]).assert().code(5).stderr(contains("HTTP 401"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_proposes_scores_for_answers_in_words() {
    // Enough for every answer to occur in the last thirty days.
    let world = world(14, 4_000);
    let server = serve(&world, &[]).await;
    let settings = crate::support::settings(&server.base_url);
    let (before, after) = settings.split_once("answers = ").expect("answers in words");
    let after = after.split_once('\n').expect("a next line").1;
    let sandbox = Sandbox::with_settings(&format!("{before}{after}"));
    sandbox.relato(&["check"]).assert().code(3).stdout(
        contains("answers without a score")
            .and(contains(r#"answers = { "Péssimo" = 1, "Ruim" = 2, "Regular" = 3, "Bom" = 4, "Ótimo" = 5 }"#))
            .and(contains("answers that count as none         `Outro`")),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_inside_http_200_is_no_success() {
    let world = world(15, 50);
    let good = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&good.base_url);
    sandbox.load(everything()).await;
    let before: Vec<_> = sandbox.data_files();
    let bad = serve(&world, &["failure=1"]).await;
    sandbox.write("relato.toml", &settings(&bad.base_url));
    sandbox.relato(&["ingest"]).assert().code(5).stderr(contains("General error").and(contains("code 1")));
    assert!(sandbox.data_files() == before, "store and snapshots are as they were");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_sector_is_refused_with_the_known_ones() {
    let world = world(16, 100);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    sandbox
        .relato(&["report", "atendimento-mensal", "--period", "2026-10", "--sector", "Fianceiro"])
        .assert()
        .code(2)
        .stderr(contains("unknown sector `Fianceiro`").and(contains("Financeiro")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unfinished_period_is_reported_with_a_warning_code() {
    let world = world(17, 200);
    let server = serve(&world, &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let run = sandbox.relato(&["report", "atendimento-mensal", "--period", "2026-11", "--format", "json"]).assert().code(3);
    let data: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).expect("one JSON document");
    assert_eq!(data["completeness"]["state"], "incomplete");
    assert_eq!(data["completeness"]["days_expected"], 30);
    assert_eq!(data["completeness"]["days_loaded"], 23);
}

#[test]
fn a_report_that_names_a_column_that_does_not_exist_is_found_by_check() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    std::fs::create_dir(sandbox.dir().join("reports")).expect("a folder");
    sandbox.write(
        "reports/meu.toml",
        "title = \"T\"\naudience = \"A\"\n[[block]]\nid = \"x\"\nkind = \"table\"\ntitle = \"X\"\nquery = \"overview\"\ncolumns = [\"conversas\"]\n",
    );
    sandbox.relato(&["check"]).assert().code(2).stderr(contains("meu.toml").and(contains("no column `conversas`")));
}

#[test]
fn a_demonstration_never_clears_a_folder_that_is_none() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let out = sandbox.dir().to_str().expect("a plain path").to_owned();
    sandbox.relato(&["demo", "--out", &out, "--tickets", "10"]).assert().code(2).stderr(contains("not a demonstration"));
    assert!(sandbox.dir().join("keys/desk.key").exists());
}

#[test]
fn a_new_project_is_complete_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("p");
    let relato = || assert_cmd::Command::cargo_bin("relato").expect("the binary");
    relato().arg("init").arg(&dir).assert().success().stdout(contains("relato check"));
    relato().arg("init").arg(&dir).assert().code(2).stderr(contains("exists already"));
    relato().args(["check", "--project"]).arg(&dir).env_remove("BLIP_DESK_KEY").assert().code(2).stderr(contains("BLIP_DESK_KEY"));
    let check = || {
        let mut command = relato();
        command
            .args(["check", "--offline", "--project"])
            .arg(&dir)
            .env("BLIP_DESK_KEY", "k")
            .env("BLIP_ROUTER_KEY", "k")
            .env("RELATO_PSEUDONYM_KEY", "p");
        command.assert().success()
    };
    check().stdout(contains("Every file is in order").and(contains("In place of").not()));
    // A copy that differs from the default hides later improvements of it: that is said.
    let copy = dir.join("queries/reports/overview.sql");
    let text = std::fs::read_to_string(&copy).expect("a query");
    std::fs::write(&copy, format!("{text}\n-- our own")).expect("a query");
    check().stdout(contains("In place of what this version brings: queries/reports/overview.sql").and(contains("Every file is in order")));
    // A delivery that fails unheard is noticed when somebody misses it.
    let unheard = "Nobody is told when these fail: schedules/atendimento-mensal.toml";
    check().stdout(contains(unheard));
    let settings = dir.join("relato.toml");
    let text = std::fs::read_to_string(&settings).expect("settings");
    std::fs::write(&settings, format!("{text}\n[delivery]\noperations = [\"ti@exemplo.org.br\"]\n")).expect("settings");
    check().stdout(contains(unheard).not());
}

#[test]
fn a_demonstration_succeeds_on_any_day_of_the_month() {
    for now in ["2026-12-01T03:00:00Z", "2026-12-31T23:59:59Z", "2027-03-01T12:00:00Z"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = assert_cmd::Command::cargo_bin("relato").expect("the binary");
        command.args(["demo", "--tickets", "300", "--months", "2", "--now", now, "--out"]).arg(folder.path().join("demo"));
        command.assert().success().stdout(contains("Total").and(contains("atendimento-mensal_")));
    }
}

#[test]
fn a_load_does_not_begin_before_there_was_a_blip() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let refused = sandbox.relato(&["ingest", "--full", "--from", "1900-01-01"]).assert().code(2);
    let said = crate::support::one_line(&refused.get_output().stderr);
    assert!(said.contains("1900-01-01 is before there was a Blip (accepted: 2010-01-01 or later)"), "{said}");
    assert!(sandbox.data_files().is_empty());
}
