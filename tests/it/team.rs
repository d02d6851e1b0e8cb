//! `relato team` as an admin uses it: pull, plan, apply, import, and what is told when something is in the way.

use std::fs;

use assert_cmd::assert::Assert;
use relato::{
    config::Project,
    sim::{Keys, Server, SimOptions, World},
};
use serde_json::Value;

use crate::support::{Sandbox, everything, serve, serve_with, settings, with_router_roles, world};

/// A project whose desk has the people of the simulated organisation.
async fn project(faults: &[&str], more: &str) -> (Server, Sandbox) {
    let server = serve(&world(3, 60), faults).await;
    let sandbox = sandbox_of(&server, more);
    (server, sandbox)
}

fn sandbox_of(server: &Server, more: &str) -> Sandbox {
    let base_url = &server.base_url;
    Sandbox::with_settings(&with_router_roles(&settings(base_url), "\"channel\", \"portal\"", more))
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// Runs a command that ends with `code`; returns what it printed on standard output.
fn run(sandbox: &Sandbox, arguments: &[&str], code: i32) -> String {
    text(&ended(sandbox, arguments, code).get_output().stdout)
}

fn ended(sandbox: &Sandbox, arguments: &[&str], code: i32) -> Assert {
    sandbox.relato(arguments).assert().code(code)
}

/// Makes a plan as a file of its own.
fn plan(sandbox: &Sandbox, code: i32) -> Value {
    let file = sandbox.dir().join("plan.json");
    serde_json::from_str(&run(sandbox, &["team", "plan", "--format", "json", "--out", file.to_str().expect("a path")], code))
        .expect("a plan")
}

fn apply(sandbox: &Sandbox, more: &[&str], code: i32) -> String {
    let file = sandbox.dir().join("plan.json");
    run(sandbox, &[&["team", "apply", file.to_str().expect("a path")], more].concat(), code)
}

fn edit(sandbox: &Sandbox, file: &str, change: impl Fn(&str) -> String) {
    let path = sandbox.dir().join(file);
    let before = fs::read_to_string(&path).expect("a file");
    let after = change(&before);
    assert_ne!(before, after, "nothing was edited in {file}");
    fs::write(&path, after).expect("a file");
}

fn pull(sandbox: &Sandbox) {
    let file = sandbox.dir().join("team.toml");
    run(sandbox, &["team", "pull", "--out", file.to_str().expect("a path")], 0);
}

fn teams(server: &Server, email: &str) -> Option<Vec<String>> {
    let world = server.world();
    let found = world.attendants.iter().find(|attendant| attendant.email == email && attendant.is_listed);
    found.map(|attendant| attendant.teams.iter().map(|team| team.clone().into_owned()).collect())
}

const NEWCOMER: &str =
    "\n[[person]]\nname = \"Nova Pessoa\"\nemail = \"Nova@exemplo.org.br\"\nprofile = \"atendente\"\nsectors = [\"Financeiro\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pulled_leads_to_no_plan_and_what_is_edited_to_just_that() {
    let (server, sandbox) = project(&["decoded-identity=0.5"], "").await;
    pull(&sandbox);
    let first = run(&sandbox, &["team", "plan"], 0);
    assert!(first.starts_with("Plan for Associação Exemplo: nothing to change\n"), "{first}");
    assert!(first.contains("layers contract, bot: not confirmed by Blip's documentation"), "{first}");
    edit(&sandbox, "team.toml", |text| text.to_owned() + NEWCOMER + "\n[[queue]]\nname = \"Auditoria\"\n");
    edit(&sandbox, "team.toml", |text| {
        text.replace("email = \"vanessa.coelho@exemplo.org.br\"", "email = \"vanessa.coelho@exemplo.org.br\"\nuntil = 2026-11-23")
    });
    let planned = plan(&sandbox, 0);
    let steps = planned["steps"].as_array().expect("steps");
    let keys: Vec<&str> = steps.iter().map(|step| step["key"].as_str().expect("a key")).collect();
    assert_eq!(keys, ["Auditoria", "nova@exemplo.org.br", "vanessa.coelho@exemplo.org.br"], "what is given comes before what is taken");
    assert!(server.world().writes.is_empty(), "a plan writes nothing");
    let applied = apply(&sandbox, &["--reason", "admissão e desligamento"], 0);
    assert!(applied.starts_with("Done: 3 of 3\n"), "{applied}");
    assert!(applied.contains("A second plan is empty: it is as declared."), "{applied}");
    assert_eq!(teams(&server, "nova@exemplo.org.br"), Some(vec!["Cobrança".to_owned(), "Financeiro".to_owned()]), "a sector is its queues");
    assert_eq!(teams(&server, "vanessa.coelho@exemplo.org.br"), None);
    assert_eq!(plan(&sandbox, 0)["steps"], Value::Array(Vec::new()));

    // Every change is in the chain, with the plan's hash and the reason.
    let ledger = relato::ledger::Ledger::open(&sandbox.project().ledger_file()).expect("a ledger");
    let changes: Vec<Value> = ledger.accesses(chrono::DateTime::UNIX_EPOCH).expect("a log").into_iter().map(|record| record.body).collect();
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[2]["subject"], "attendants of desk `desk`: vanessa.coelho@exemplo.org.br");
    assert_eq!((&changes[2]["before"], &changes[2]["after"]), (&Value::from("Suporte (5 at a time)"), &Value::Null));
    assert_eq!((&changes[2]["plan"], &changes[2]["reason"]), (&planned["sha256"], &Value::from("admissão e desligamento")));
    run(&sandbox, &["audit", "verify"], 0);

    // The way back is a plan like any other.
    let undo = sandbox.dir().join("plan.undo.json");
    let undone = run(&sandbox, &["team", "apply", undo.to_str().expect("a path")], 0);
    assert!(undone.starts_with("Done: 3 of 3\n"), "{undone}");
    assert_eq!(teams(&server, "vanessa.coelho@exemplo.org.br"), Some(vec!["Suporte".to_owned()]));
    assert_eq!(teams(&server, "nova@exemplo.org.br"), None);
    assert!(!server.world().queues.iter().any(|queue| queue == "Auditoria"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_bound_to_what_it_saw_and_to_what_is_declared() {
    let (server, sandbox) = project(&[], "").await;
    pull(&sandbox);
    edit(&sandbox, "team.toml", |text| text.to_owned() + NEWCOMER);
    plan(&sandbox, 0);
    server.change(|world| world.attendants[0].teams.push("Suporte".into()));
    let refused = ended(&sandbox, &["team", "apply", sandbox.dir().join("plan.json").to_str().expect("a path")], 4);
    assert!(text(&refused.get_output().stderr).contains("the plan is stale: something has changed since it was made"));
    server.change(|world| drop(world.attendants[0].teams.pop()));
    edit(&sandbox, "team.toml", |text| text.replace("sectors = [\"Financeiro\"]", "sectors = [\"Suporte\"]"));
    apply(&sandbox, &[], 4);
    edit(&sandbox, "plan.json", |text| text.replace("Financeiro", "Suporte"));
    let altered = ended(&sandbox, &["team", "apply", sandbox.dir().join("plan.json").to_str().expect("a path")], 4);
    assert!(text(&altered.get_output().stderr).contains("was changed after it was written"));
    let channel = ended(&sandbox, &["channel", "pull", "--out", sandbox.dir().join("channels.toml").to_str().expect("a path")], 0);
    drop(channel);
    plan(&sandbox, 0);
    let other = ended(&sandbox, &["channel", "apply", sandbox.dir().join("plan.json").to_str().expect("a path")], 2);
    assert!(text(&other.get_output().stderr).contains("this is a plan of `relato team`"));
    assert!(server.world().writes.is_empty(), "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn guards_refuse_and_only_the_one_that_is_named_with_a_reason_is_set_aside() {
    let (server, sandbox) = project(&[], "[team]\nmax_removed = 2\n").await;
    pull(&sandbox);
    edit(&sandbox, "team.toml", |text| text.replace("undeclared = \"report\"", "undeclared = \"remove\""));
    // Five of twenty are not in the file any more.
    edit(&sandbox, "team.toml", |text| {
        let people: Vec<&str> = text.split("[[person]]").collect();
        [people[0]].into_iter().chain(people[6..].iter().copied()).collect::<Vec<_>>().join("[[person]]")
    });
    let planned = plan(&sandbox, 4);
    let guards: Vec<&str> =
        planned["guards"].as_array().expect("guards").iter().map(|one| one["guard"].as_str().expect("a name")).collect();
    assert_eq!(guards, ["removal-count", "removal-share"]);
    apply(&sandbox, &[], 4);
    apply(&sandbox, &["--force", "removal-count"], 2);
    apply(&sandbox, &["--force", "removal-count", "--reason", "fim da campanha"], 4);
    assert!(server.world().writes.is_empty(), "nothing was written");
    let refused = ended(&sandbox, &["team", "apply", "plan.json", "--force", "everything", "--reason", "x"], 2);
    assert!(text(&refused.get_output().stderr).contains("accepted: min-administrators, required-administrators"));
    let both = ["--force", "removal-count", "--force", "removal-share", "--reason", "fim da campanha"];
    let applied = apply(&sandbox, &both, 0);
    assert!(applied.starts_with("Done: 5 of 5\n"), "{applied}");
    sandbox.load(everything()).await;
    let columns = "SELECT subject, after, reason FROM change ORDER BY record";
    let asked = run(&sandbox, &["query", columns, "--format", "csv"], 0);
    for guard in ["removal-count", "removal-share"] {
        assert!(asked.contains(&format!("guard {guard};set aside;fim da campanha")), "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_an_account_is_waited_for_and_not_invited_again() {
    let (server, sandbox) = project(&["invites-wait=1"], "").await;
    pull(&sandbox);
    edit(&sandbox, "team.toml", |text| text.to_owned() + NEWCOMER);
    plan(&sandbox, 0);
    let applied = apply(&sandbox, &[], 0);
    assert!(applied.contains("[sent; waiting for the person]"), "{applied}");
    let second = run(&sandbox, &["team", "plan"], 0);
    assert!(second.starts_with("Plan for Associação Exemplo: nothing to change\n"), "{second}");
    assert!(second.contains("`nova@exemplo.org.br` was invited on 2026-11-24 and has to make an account"), "{second}");
    apply(&sandbox, &[], 0);
    assert_eq!(server.world().writes.len(), 1, "one invitation was sent");
    let again = sandbox.dir().join("again.json");
    let again = again.to_str().expect("a path");
    run(&sandbox, &["team", "plan", "--invite-again", "--out", again], 0);
    assert!(run(&sandbox, &["team", "apply", again], 0).contains("[sent; waiting for the person]"));
    assert_eq!(server.world().writes.len(), 2, "and another when somebody wants that");
    edit(&sandbox, "team.toml", |text| text.replace("sectors = [\"Financeiro\"]", "sectors = [\"Financeiro\"]\nuntil = 2026-11-20"));
    assert!(run(&sandbox, &["team", "plan"], 3).contains("is not to come any more: cancel the invitation in the portal"));
    edit(&sandbox, "team.toml", |text| text.replace("\nuntil = 2026-11-20", ""));
    server.change(|world: &mut World| world.attendants.iter_mut().for_each(|attendant| attendant.is_listed = true));
    let third = run(&sandbox, &["team", "plan"], 0);
    assert!(third.starts_with("Plan for Associação Exemplo: nothing to change\n") && !third.contains("has to make an account"), "{third}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_loses_everything_in_one_plan() {
    let access = "[access]\n[[access.person]]\nemail = \"chefe@exemplo.org.br\"\nprofile = \"administrador\"\n\
        [[access.person]]\nemail = \"ana.beatriz@exemplo.org.br\"\nprofile = \"auditor\"\n\
        [team]\nunconfirmed = true\ncontract = \"exemplo\"\n";
    let (server, sandbox) = project(&["open-portal=1"], access).await;
    let admin = |arguments: &[&str], code: i32| {
        let ended = sandbox.relato(arguments).env("RELATO_EMAIL", "chefe@exemplo.org.br").assert().code(code);
        text(&ended.get_output().stdout)
    };
    sandbox.write("recipients.toml", "[groups]\ndiretoria = [\"Ana.Beatriz@exemplo.org.br\", \"rui@exemplo.org.br\"] # as of May\n");
    fs::create_dir_all(sandbox.dir().join("schedules")).expect("a folder");
    sandbox.write(
        "schedules/semanal.toml",
        "report = \"semanal\"\ncron = \"0 8 * * mon\"\ntimezone = \"America/Sao_Paulo\"\nperiod = \"last-week\"\nformats = [\"pdf\"]\n\
         to = [\"ana.beatriz@exemplo.org.br\", \"group:diretoria\"]\nowner = \"ana.beatriz@exemplo.org.br\"\n",
    );
    sandbox.load(everything()).await;
    pull(&sandbox);
    edit(&sandbox, "team.toml", |text| {
        text.replace("layers = [\"desk\", \"relato\"]", "layers = [\"desk\", \"contract\", \"bot\", \"relato\"]")
            .replace("email = \"ana.beatriz@exemplo.org.br\"", "email = \"ana.beatriz@exemplo.org.br\"\nuntil = 2026-11-20")
    });
    let file = sandbox.dir().join("plan.json");
    let file = file.to_str().expect("a path");
    // The schedule's owner is left: that is for somebody to decide.
    let planned = admin(&["team", "plan", "--out", file], 3);
    for line in [
        "- ana.beatriz@exemplo.org.br  had Agendamento (5 at a time)",
        "- ana.beatriz@exemplo.org.br  had guest",
        "~ ana.beatriz@exemplo.org.br  yes → no longer active",
        "`ana.beatriz@exemplo.org.br` answers for schedules/semanal.toml: name another owner there",
        "Recipients.toml, groups.diretoria",
        "Schedules/semanal.toml, to",
    ] {
        assert!(planned.contains(line), "{line} is not in\n{planned}");
    }
    let applied = admin(&["team", "apply", file, "--reason", "desligamento"], 0);
    assert!(applied.starts_with("Done: ") && applied.contains("A second plan is empty"), "{applied}");
    assert_eq!(teams(&server, "ana.beatriz@exemplo.org.br"), None);
    assert!(!server.world().portal.members.contains_key("ana.beatriz@exemplo.org.br"));
    let read = |name: &str| fs::read_to_string(sandbox.dir().join(name)).expect("a file");
    assert_eq!(read("recipients.toml"), "[groups]\ndiretoria = [\"rui@exemplo.org.br\"] # as of May\n");
    assert!(read("schedules/semanal.toml").contains("to = [\"group:diretoria\"]"));
    let access = Project::open(sandbox.dir()).expect("a project").settings.access;
    assert!(!access.person("ana.beatriz@exemplo.org.br").expect("still named").active);
    // Neither is anybody else touched, nor may who left do anything.
    assert!(access.person("chefe@exemplo.org.br").expect("named").active);
    sandbox.relato(&["query", "SELECT 1"]).env("RELATO_EMAIL", "ana.beatriz@exemplo.org.br").assert().code(4);
    sandbox.relato(&["team", "apply", file]).env("RELATO_EMAIL", "ana.beatriz@exemplo.org.br").assert().code(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_key_may_do_becomes_a_list_for_hands_in_the_readers_language() {
    let (_server, sandbox) = project(&[], "[team]\nunconfirmed = true\ncontract = \"exemplo\"\n").await;
    pull(&sandbox);
    edit(&sandbox, "team.toml", |text| {
        text.to_owned()
            + NEWCOMER
            + "[[person]]\nemail = \"chefe@exemplo.org.br\"\nprofile = \"administrador\"\n\
               [[person]]\nemail = \"vice@exemplo.org.br\"\nprofile = \"administrador\"\n\
               [[person]]\nemail = \"auditora@exemplo.org.br\"\nprofile = \"visualizador\"\n"
    });
    let planned = run(&sandbox, &["team", "plan"], 0);
    for line in [
        "Blip refused `get /tenants/exemplo/users",
        "The operation is not allowed (code 66)",
        "[ ] Portal da Blip → nome do contrato → Membros",
        "Convidar, ou conferir, com a permissão \"Admin\": chefe@exemplo.org.br, vice@exemplo.org.br",
        "Convidar, ou conferir, com a permissão \"Pode visualizar\": auditora@exemplo.org.br, nova@exemplo.org.br",
        "Conferir: leitura em tudo do Desk e em Análise; nada além disso: auditora@exemplo.org.br",
    ] {
        assert!(planned.contains(line), "{line} is not in\n{planned}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_file_are_told_with_their_place_and_a_guess() {
    let (_server, sandbox) = project(&[], "").await;
    ended(&sandbox, &["team", "plan"], 2);
    sandbox.write(
        "team.toml",
        "[[person]]\nemail = \"a@exemplo.org.br\"\nprofile = \"atendente\"\nqueues = [\"Suporte\", \"Agendamentos\"]\n",
    );
    let refused = ended(&sandbox, &["team", "plan"], 2);
    let told = text(&refused.get_output().stderr);
    assert!(told.contains("team.toml:4:22: `a@exemplo.org.br`: no desk has a queue `Agendamentos`"), "{told}");
    assert!(told.contains("did you mean `Agendamento`?"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spreadsheet_of_five_hundred_gives_a_verdict_for_each_line_and_one_plan() {
    let (server, sandbox) = project(&[], "").await;
    pull(&sandbox);
    let mut csv = "Nome;E-mail;Perfil;Filas;Válido até\r\n".to_owned();
    for number in 0..500 {
        let line = match number {
            7 => "Sem Endereço;sem-arroba;atendente;Convênios;\r\n".to_owned(),
            50 => "Perfil Errado;perfil@exemplo.org.br;chefia;;\r\n".to_owned(),
            90 => "De Novo;PESSOA.3@exemplo.org.br;atendente;Suporte;\r\n".to_owned(),
            200 => "Data Errada;data@exemplo.org.br;atendente;Suporte;31/02/2027\r\n".to_owned(),
            300 => "Ana Beatriz;ana.beatriz@exemplo.org.br;atendente;Agendamento | Autorizações;\r\n".to_owned(),
            _ => format!("João {number};pessoa.{number}@exemplo.org.br;Atendente;Convênios | Autorizações;31/12/2027\r\n"),
        };
        csv += &line;
    }
    let bytes = encoding_rs::WINDOWS_1252.encode(&csv).0.into_owned();
    fs::write(sandbox.dir().join("equipe.csv"), bytes).expect("a file");
    let file = sandbox.dir().join("equipe.csv");
    let before = fs::read(sandbox.dir().join("team.toml")).expect("a file");
    let trial = run(&sandbox, &["team", "import", file.to_str().expect("a path")], 3);
    assert_eq!(trial.lines().filter(|line| line.starts_with("line ")).count(), 500);
    for line in [
        "sem-arroba                                REFUSED: `sem-arroba` is not an e-mail address",
        "REFUSED: profile `chefia` is none (accepted: administrador, atendente, visualizador)",
        "REFUSED: the same person as line 5, which was taken",
        "REFUSED: `31/02/2027` is no day",
        "500 lines: 495 added, 1 changed, 0 as they are, 1 twice, 3 refused.",
        "Nothing was written: --write does.",
        "Plan for Associação Exemplo: 496 changes",
    ] {
        assert!(trial.contains(line), "{line} is not in\n{}", &trial[..2_000]);
    }
    assert_eq!(fs::read(sandbox.dir().join("team.toml")).expect("a file"), before);
    let plan = sandbox.dir().join("plan.json");
    let plan = plan.to_str().expect("a path");
    run(&sandbox, &["team", "import", file.to_str().expect("a path"), "--write", "--out", plan], 3);
    let applied = run(&sandbox, &["team", "apply", plan], 0);
    assert!(applied.starts_with("Done: 496 of 496\n"), "{}", &applied[..200]);
    assert_eq!(teams(&server, "pessoa.499@exemplo.org.br"), Some(vec!["Autorizações".to_owned(), "Convênios".to_owned()]));
    assert_eq!(teams(&server, "pessoa.3@exemplo.org.br").expect("listed").len(), 2, "the first line of a person counts");
    let again = run(&sandbox, &["team", "import", file.to_str().expect("a path")], 3);
    assert!(again.contains("500 lines: 0 added, 0 changed, 496 as they are, 1 twice, 3 refused."), "{}", &again[again.len() - 900..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_throttled_or_slow_ends_in_the_same_place() {
    let options = SimOptions {
        faults: ["throttle=0.1", "slow=0.1"].map(|fault| fault.parse().expect("a fault")).to_vec(),
        throttle: std::time::Duration::from_millis(5),
        ..SimOptions::default()
    };
    let server = serve_with(&world(3, 60), options).await;
    let sandbox = sandbox_of(&server, "");
    let clients = relato::ingest::Clients::of_project(&sandbox.project(), None, crate::support::impatient()).expect("keys");
    let project = sandbox.project();
    let target = relato::ops::Target::team(&project, clients, None, "2026-11-24".parse().expect("a day")).expect("a target");
    let seen = target.read().await.expect("read in the end");
    assert_eq!(relato::ops::team_toml(&seen).matches("[[person]]").count(), 20);
    assert!(seen.unread.keys().all(|layer| *layer != relato::config::Layer::Desk));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_not_whole_leads_to_no_plan() {
    let (server, sandbox) = project(&[], "").await;
    pull(&sandbox);
    edit(&sandbox, "team.toml", |text| text.replace("undeclared = \"report\"", "undeclared = \"remove\"") + NEWCOMER);
    // A hundred people more, so that the list has two pages, and the second is never the one that follows.
    server.change(|world| {
        let first = world.attendants[0].clone();
        world
            .attendants
            .extend((0..100).map(|number| relato::sim::Attendant { email: format!("p{number}@exemplo.org.br"), ..first.clone() }));
    });
    let shifting =
        serve_with(&server.world(), SimOptions { faults: vec!["shift-page=1".parse().expect("a fault")], ..SimOptions::default() }).await;
    edit(&sandbox, "relato.toml", |text| text.replace(&server.base_url, &shifting.base_url));
    let planned = run(&sandbox, &["team", "plan"], 3);
    assert!(planned.starts_with("Plan for Associação Exemplo: nothing to change\n"), "{planned}");
    assert!(planned.contains("layer desk: the list of each attendant kept changing while it was read"), "{planned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_can_be_read_is_left_alone_while_another_cannot() {
    let (server, sandbox) = project(&[], "").await;
    pull(&sandbox);
    edit(&sandbox, "relato.toml", |text| text.replace("roles = [\"events\", \"channel\", \"portal\"]", "roles = [\"desk\"]"));
    // The first key sees no desk, the second does.
    sandbox.write("keys/desk.key", &Keys::new().router);
    sandbox.write("keys/router.key", &Keys::new().desk);
    let planned = run(&sandbox, &["team", "plan"], 3);
    assert!(planned.starts_with("Plan for Associação Exemplo: nothing to change\n"), "{planned}");
    assert!(planned.contains("layer desk: key `desk` sees neither queues nor attendants"), "{planned}");
    assert!(server.world().writes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_administrator_is_missed_in_a_file_without_any() {
    let (_server, sandbox) = project(&[], "[team]\nrequired_administrators = [\"chefe@exemplo.org.br\"]\n").await;
    pull(&sandbox);
    let planned = run(&sandbox, &["team", "plan"], 4);
    assert!(planned.contains("required-administrators: the file must name `chefe@exemplo.org.br` an administrador"), "{planned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_and_a_refused_portal_is_for_hands() {
    let (_server, sandbox) = project(&[], "[team]\nunconfirmed = true\ncontract = \"exemplo\"\n").await;
    pull(&sandbox);
    sandbox.write("keys/router.key", "bm9ib2R5OnNlY3JldA==");
    let planned = run(&sandbox, &["team", "plan"], 0);
    assert!(
        planned.contains("layers bot, contract: Blip refused key `router`") || planned.contains("Blip refused key `router`"),
        "{planned}"
    );
    sandbox.write("keys/desk.key", "bm9ib2R5OnNlY3JldA==");
    ended(&sandbox, &["team", "plan"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_drifts_is_told_by_status_and_by_the_process_that_serves() {
    let serving = "[team]\ndrift = \"0 * * * *\"\n[delivery]\noperations = [\"ti@exemplo.org.br\"]\n";
    let (server, sandbox) = project(&[], serving).await;
    sandbox.load(everything()).await;
    pull(&sandbox);
    assert!(run(&sandbox, &["status"], 0).contains("Team          never compared with the file: run `relato team plan`"));
    run(&sandbox, &["team", "plan"], 0);
    assert!(run(&sandbox, &["status"], 0).contains("Team          as declared (compared at 2026-11-24 12:00)"));
    // Somebody clicks in the portal.
    server.change(|world| world.attendants[0].teams = vec!["Suporte".into()]);
    let mut serving = std::process::Command::new(assert_cmd::cargo::cargo_bin("relato"))
        .args(["serve", "--quiet", "--now", crate::support::NOW, "--speed", "7200", "--project"])
        .arg(sandbox.dir())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    let ledger = relato::ledger::Ledger::open(&sandbox.project().ledger_file()).expect("a ledger");
    let later = "2030-01-01T00:00:00Z".parse().expect("an instant");
    let began = std::time::Instant::now();
    let notice = loop {
        if let Some(notice) =
            ledger.pending_notices(later).expect("readable").into_iter().find(|notice| notice.about.starts_with("drift:team"))
        {
            break notice;
        }
        assert!(began.elapsed() < std::time::Duration::from_mins(1), "nobody was told");
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    };
    std::process::Command::new("kill").args(["-TERM", &serving.id().to_string()]).status().expect("a signal");
    assert!(serving.wait().expect("an end").success());
    assert_eq!(notice.recipient, "ti@exemplo.org.br");
    assert_eq!(notice.subject, "A equipe ou os canais na Blip diferem do que está declarado");
    assert!(notice.body.contains("`ana.beatriz@exemplo.org.br` has Suporte (5 at a time), and should have Agendamento"), "{}", notice.body);
    let status = run(&sandbox, &["status"], 3);
    assert!(status.contains("Not as team.toml declares: 1"), "{status}");
}
