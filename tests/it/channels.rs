//! `relato channel`: what is set at Blip, what should be, and that no secret gets out. And how channels are, in `relato status` and reports.

use std::fs;

use relato::sim::{ROUTER_BOT, Server};

use crate::support::{Sandbox, everything, serve, settings, with_router_roles, world};

const SECRETS: [&str; 3] = ["wa-token-of-the-simulator", "page-token-of-the-simulator", "the-new-page-token"];

async fn project(faults: &[&str], more: &str) -> (Server, Sandbox) {
    let server = serve(&world(3, 400), faults).await;
    let base_url = &server.base_url;
    let sandbox = Sandbox::with_settings(&with_router_roles(&settings(base_url), "\"channel\"", more));
    (server, sandbox)
}

/// Runs a command that ends with `code`; returns all that it printed, in which no secret may be.
fn run(sandbox: &Sandbox, arguments: &[&str], code: i32) -> String {
    let ended = sandbox
        .relato(arguments)
        .env("MESSENGER_PAGE_ACCESS_TOKEN", "the-new-page-token")
        .env("WHATSAPP_BUSINESS_SYSTEM_USER_ACCESS_TOKEN", "wa-token-of-the-simulator")
        .assert()
        .code(code);
    let output = ended.get_output();
    let all = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
    for secret in SECRETS {
        assert!(!all.contains(secret), "a secret is in the output of {arguments:?}");
        for (path, content) in sandbox.data_files() {
            assert!(!content.windows(secret.len()).any(|window| window == secret.as_bytes()), "a secret is in {}", path.display());
        }
    }
    all
}

fn pull(sandbox: &Sandbox) -> String {
    let file = sandbox.dir().join("channels.toml");
    run(sandbox, &["channel", "pull", "--out", file.to_str().expect("a path")], 0);
    fs::read_to_string(file).expect("a file")
}

fn edit(sandbox: &Sandbox, change: impl Fn(&str) -> String) {
    let path = sandbox.dir().join("channels.toml");
    let after = change(&fs::read_to_string(&path).expect("a file"));
    fs::write(&path, after).expect("a file");
}

fn entry(server: &Server, owner: &str, key: &str) -> Option<String> {
    server.world().portal.entries.get(&(ROUTER_BOT.to_owned(), owner.to_owned(), key.to_owned())).cloned()
}

fn plan_file(sandbox: &Sandbox) -> String {
    sandbox.dir().join("plan.json").to_str().expect("a path").to_owned()
}

const MESSENGER: &str = "postmaster@messenger.gw.msging.net";

#[tokio::test(flavor = "multi_thread")]
async fn secrets_become_references_and_what_differs_is_for_hands_at_first() {
    let (server, sandbox) = project(&[], "").await;
    let pulled = pull(&sandbox);
    for line in [
        "[channel.whatsapp.settings]\nPhoneNumber = \"551130000000\"",
        "BusinessSystemUserAccessToken = { env = \"WHATSAPP_BUSINESS_SYSTEM_USER_ACCESS_TOKEN\" }",
        "PageAccessToken = { env = \"MESSENGER_PAGE_ACCESS_TOKEN\" }",
    ] {
        assert!(pulled.contains(line), "{line} is not in\n{pulled}");
    }
    for secret in SECRETS {
        assert!(!pulled.contains(secret), "{pulled}");
    }
    let nothing = run(&sandbox, &["channel", "plan"], 0);
    assert!(nothing.starts_with("Plan for Associação Exemplo: nothing to change\n"), "{nothing}");
    edit(&sandbox, |text| text.replace("managed = []", "managed = [\"messenger\"]").replace("700800900", "700800901"));
    let planned = run(&sandbox, &["channel", "plan"], 0);
    for line in [
        "[ ] Portal da Blip → bot → Configurações → Configurações avançadas",
        "Domínio postmaster@messenger.gw.msging.net: chave PageId com o valor 700800901: messenger",
        "Domínio postmaster@messenger.gw.msging.net: chave PageAccessToken com o segredo que está em MESSENGER_PAGE_ACCESS_TOKEN: messenger",
        "[channels] unconfirmed is not switched on, so this is for hands",
    ] {
        assert!(planned.contains(line), "{line} is not in\n{planned}");
    }
    assert!(server.world().writes.is_empty());
    // What differs is told until it does not any more.
    sandbox.load(everything()).await;
    let status = run(&sandbox, &["status"], 3);
    assert!(status.contains("Not as channels.toml declares: 2"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_entries_are_set_and_removed_where_that_is_switched_on() {
    let (server, sandbox) = project(&["open-portal=1"], "[channels]\nunconfirmed = true\n").await;
    pull(&sandbox);
    edit(&sandbox, |text| {
        text.replace("managed = []", "managed = [\"messenger\", \"whatsapp\"]").replace("700800900", "700800901")
            + "[channel.telegram.settings]\nName = \"Exemplo\"\n"
    });
    edit(&sandbox, |text| {
        text.replace("[channel.messenger]\n", "[channel.messenger]\nabsent = [\"isChannelActive\"]\n")
            .replace("isChannelActive = \"True\"\n", "")
    });
    let file = plan_file(&sandbox);
    let planned = run(&sandbox, &["channel", "plan", "--out", &file], 0);
    for line in [
        "Plan for Associação Exemplo: 3 changes",
        "~ PageAccessToken  •••••• → ••••••",
        "~ PageId           700800900 → 700800901",
        "- isChannelActive  had True",
        "channel telegram: `Name` has nothing, and should have Exemplo",
    ] {
        assert!(planned.contains(line), "{line} is not in\n{planned}");
    }
    let applied = run(&sandbox, &["channel", "apply", &file, "--reason", "página nova"], 0);
    assert!(applied.starts_with("Done: 3 of 3\n") && applied.contains("A second plan is empty"), "{applied}");
    assert_eq!(entry(&server, MESSENGER, "PageAccessToken").as_deref(), Some("the-new-page-token"));
    assert_eq!(entry(&server, MESSENGER, "PageId").as_deref(), Some("700800901"));
    assert_eq!(entry(&server, MESSENGER, "isChannelActive"), None);
    assert_eq!(entry(&server, "postmaster@telegram.gw.msging.net", "Name"), None, "what is not managed is left alone");
    let undo = sandbox.dir().join("plan.undo.json");
    run(&sandbox, &["channel", "apply", undo.to_str().expect("a path")], 0);
    assert_eq!(entry(&server, MESSENGER, "PageId").as_deref(), Some("700800900"));
    assert_eq!(entry(&server, MESSENGER, "PageAccessToken").as_deref(), Some("the-new-page-token"), "an earlier secret is not kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_a_secret_is_one_whatever_its_name() {
    let (server, sandbox) = project(&["open-portal=1"], "[channels]\nunconfirmed = true\n").await;
    let before = |world: &mut relato::sim::World| {
        world.portal.entries.insert((ROUTER_BOT.to_owned(), MESSENGER.to_owned(), "Greeting".to_owned()), SECRETS[1].to_owned());
    };
    server.change(before);
    sandbox.write(
        "channels.toml",
        "managed = [\"messenger\"]\n[channel.messenger.secrets]\nGreeting = { env = \"MESSENGER_PAGE_ACCESS_TOKEN\" }\n",
    );
    let file = plan_file(&sandbox);
    let planned = run(&sandbox, &["channel", "plan", "--out", &file], 0);
    assert!(planned.contains("~ Greeting  •••••• → ••••••"), "{planned}");
    let plan = fs::read_to_string(&file).expect("the plan");
    assert!(SECRETS.iter().all(|secret| !plan.contains(secret)), "{plan}");
    run(&sandbox, &["channel", "apply", &file], 0);
    assert_eq!(entry(&server, MESSENGER, "Greeting").as_deref(), Some("the-new-page-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_blip_refuses_ends_as_a_list_for_hands() {
    let (server, sandbox) = project(&[], "[channels]\nunconfirmed = true\n").await;
    pull(&sandbox);
    edit(&sandbox, |text| text.replace("managed = []", "managed = [\"messenger\"]").replace("700800900", "700800901"));
    let file = plan_file(&sandbox);
    run(&sandbox, &["channel", "plan", "--out", &file], 0);
    let applied = run(&sandbox, &["channel", "apply", &file], 5);
    assert!(applied.starts_with("Done: 0 of 2\n"), "{applied}");
    assert!(applied.contains("[REFUSED: Blip refused `set lime://postmaster@messenger.gw.msging.net/configuration?caller="), "{applied}");
    assert!(applied.contains("[ ] Portal da Blip → bot → Configurações → Configurações avançadas"), "{applied}");
    assert!(server.world().writes.iter().all(|written| !written.is_done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_nowhere_is_told_before_anything_is_read() {
    let (_server, sandbox) = project(&[], "").await;
    pull(&sandbox);
    edit(&sandbox, |text| text.replace("managed = []", "managed = [\"messenger\"]").replace("MESSENGER_PAGE_ACCESS_TOKEN", "NOWHERE"));
    let told = run(&sandbox, &["channel", "plan"], 2);
    assert!(told.contains("channel messenger, `PageAccessToken`: environment variable `NOWHERE` is not set"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_the_report_tell_how_channels_are() {
    let (server, sandbox) = project(&[], "").await;
    let owner = MESSENGER.to_owned();
    server.change(|world| {
        world.portal.entries.insert((ROUTER_BOT.to_owned(), owner, "isChannelActive".to_owned()), "False".to_owned());
    });
    sandbox.load(everything()).await;
    let status = run(&sandbox, &["status"], 3);
    assert!(status.contains("Misconfigured: channel messenger.gw.msging.net: isChannelActive"), "{status}");
    assert!(status.contains("Channel       wa.gw.msging.net connected"), "{status}");
    let report = sandbox.report_called("canais", "2026-11", None);
    let block = report.blocks.iter().find(|block| block.id == "saude").expect("the health of channels");
    let json = serde_json::to_string(block).expect("a document");
    assert!(json.contains("misconfigured") && json.contains("isChannelActive") && json.contains("connected"), "{json}");
}
