//! What other users of the machine can do: read what is made, ask through sudo, say who they are, and have files replaced.

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{self, Child, Output, Stdio},
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

use crate::support::{NOW, Sandbox, everything, files_below, one_line, serve, settings, with_router_roles, world};

/// Everybody on this machine may do what the program does not take away.
const OPEN: &str = "umask 022 && exec \"$0\" \"$@\"";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// Returns what others may read below `folder`.
fn open_to_others(folder: &Path) -> Vec<PathBuf> {
    files_below(folder).into_iter().map(|(path, _)| path).filter(|path| mode(path) & 0o077 != 0).collect()
}

fn text(output: &Output) -> String {
    one_line(&[&output.stdout[..], &output.stderr[..]].concat())
}

/// Runs the program from a shell that leaves everything open.
fn openly(sandbox: &Sandbox, arguments: &[&str]) -> process::Command {
    let mut command = process::Command::new("sh");
    command.args(["-c", OPEN]).arg(cargo_bin("relato")).args(["--now", NOW, "--project"]).arg(sandbox.dir()).args(arguments);
    command.env("NO_COLOR", "1");
    command
}

fn whoami() -> String {
    let output = process::Command::new("id").arg("-un").output().expect("id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_reads_what_is_made() {
    let server = serve(&world(3, 120), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let out = sandbox.dir().join("titular").display().to_string();
    let answer = sandbox.dir().join("answer.csv").display().to_string();
    for arguments in [
        &["ingest"][..],
        &[
            "report",
            "atendimento-mensal",
            "--period",
            "2026-10",
            "--format",
            "json,csv",
            "--out",
            &format!("{}/output", sandbox.dir().display()),
        ],
        &["query", "SELECT 1 AS x", "--format", "csv", "--out", &answer],
        &["subject", "export", "5511999990000", "--out", &out],
    ] {
        let done = openly(&sandbox, arguments).output().unwrap();
        assert!(matches!(done.status.code(), Some(0 | 3)), "{arguments:?}: {}", text(&done));
    }
    for made in ["data", "output"] {
        assert_eq!(open_to_others(&sandbox.dir().join(made)), Vec::<PathBuf>::new());
        assert_eq!(mode(&sandbox.dir().join(made)), 0o700);
    }
    assert!(files_below(&sandbox.dir().join("data")).len() > 10, "there is something to read");
    assert_eq!(mode(Path::new(&answer)), 0o600);
    let demo = sandbox.dir().join("demo");
    let made = openly(&sandbox, &[]).args(["demo", "--tickets", "40", "--months", "1", "--out"]).arg(&demo).output().unwrap();
    assert!(made.status.success(), "{}", text(&made));
    assert_eq!(open_to_others(&demo), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_lake_has_the_mode_that_the_settings_say_and_its_comments_are_nobody_elses() {
    let server = serve(&world(3, 120), &[]).await;
    for (setting, umask, file, folder) in [("shared_file_mode = \"0640\"\n", "077", 0o640, 0o750), ("", "022", 0o644, 0o755)] {
        let lake = tempfile::tempdir().unwrap();
        let storage = format!("\n[storage]\nlake = \"{}/all\"\nowner = \"acme\"\n{setting}", lake.path().display());
        let sandbox = Sandbox::with_settings(&format!("{}{storage}", settings(&server.base_url)));
        let mut ingest = process::Command::new("sh");
        ingest.args(["-c", &format!("umask {umask} && exec \"$0\" \"$@\"")]).arg(cargo_bin("relato"));
        let done = ingest.args(["--now", NOW, "--project"]).arg(sandbox.dir()).arg("ingest").output().unwrap();
        assert!(matches!(done.status.code(), Some(0 | 3)), "{}", text(&done));
        let owned = lake.path().join("all/owner=acme");
        let shared = files_below(&owned);
        assert!(shared.len() > 5);
        for (path, _) in shared {
            let is_restricted = path.components().any(|part| part.as_os_str() == "comment");
            assert_eq!(mode(&path), if is_restricted { 0o600 } else { file }, "{}", path.display());
        }
        assert_eq!([mode(&owned), mode(&owned.join("manifests"))], [folder, folder]);
        assert_eq!(open_to_others(&sandbox.dir().join("data")), Vec::<PathBuf>::new());
    }
    let wrong = Sandbox::with_settings(&format!("{}\n[storage]\nshared_file_mode = \"640\"\n", settings("http://127.0.0.1:9")));
    let refused = wrong.relato(&["check", "--offline"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("file mode `640` is not accepted"), "{}", text(&refused));
}

#[test]
fn check_names_what_others_can_read_or_change_and_recommends_os_user() {
    let people = "\n[access]\n[[access.person]]\nemail = \"ana@x.org\"\nprofile = \"auditor\"\n";
    let sandbox = Sandbox::with_settings(&format!("{}{people}", settings("http://127.0.0.1:9")));
    let check = || sandbox.relato(&["check", "--offline"]).output().unwrap();
    let found = check();
    assert_eq!(found.status.code(), Some(0), "within a folder that nobody else enters: {}", text(&found));
    assert!(text(&found).contains("Nobody in [access] has an os_user"), "{}", text(&found));
    fs::create_dir(sandbox.dir().join("data")).unwrap();
    sandbox.write("data/live.duckdb", "rows");
    for (path, mode) in [
        ("", 0o755),
        ("data", 0o755),
        ("data/live.duckdb", 0o644),
        ("keys", 0o755),
        ("keys/desk.key", 0o640),
        ("keys/router.key", 0o600),
        ("keys/pseudonym.key", 0o600),
        ("relato.toml", 0o666),
    ] {
        fs::set_permissions(sandbox.dir().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let found = check();
    assert_eq!(found.status.code(), Some(3), "{}", text(&found));
    for said in ["keys/desk.key holds a secret, and others can read it", "relato.toml: chmod go-w", "data/live.duckdb: chmod -R go="] {
        assert!(text(&found).contains(said), "{said}: {}", text(&found));
    }
    assert!(!text(&found).contains("router.key"), "{}", text(&found));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restricted_question_gives_nothing_but_answers() {
    let server = serve(&world(3, 200), &[]).await;
    let chief =
        format!("\n[access]\n[[access.person]]\nemail = \"chefe@x.org\"\nprofile = \"administrador\"\nos_user = \"{}\"\n", whoami());
    let sandbox = Sandbox::with_settings(&format!("{}{chief}", settings(&server.base_url)));
    sandbox.load(everything()).await;
    let relato = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("relato").unwrap();
        command.arg("--project").arg(sandbox.dir()).args(arguments).env("NO_COLOR", "1");
        command
    };
    let restricted = |arguments: &[&str]| relato(&[&["query", "--restricted"], arguments].concat());
    let key = sandbox.dir().join("keys/desk.key").display().to_string();
    let novel = sandbox.dir().join("schedules/novo.toml").display().to_string();
    for (arguments, says) in [
        (&["SELECT 1 AS x", "--format", "csv", "--out", &novel][..], "--out"),
        (&["-f", &key], "-f FILE"),
        (&["SELECT 1", "--now", NOW], "--now"),
        (&["SELECT 1", "--engine", "spark"], "--engine spark"),
        (&["SELECT comment FROM comment"], "the table `comment` is restricted"),
    ] {
        let refused = restricted(arguments).output().unwrap();
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(4), 0), "{arguments:?}: {}", text(&refused));
        assert!(text(&refused).contains(says), "{arguments:?}: {}", text(&refused));
        assert!(!text(&refused).contains(&fs::read_to_string(&key).unwrap()), "the key is not shown");
    }
    assert!(!Path::new(&novel).exists());
    relato(&["query", "SELECT comment FROM comment LIMIT 1"]).assert().success();
    let tables = restricted(&[".tables"]).output().unwrap();
    assert!(tables.status.success() && !text(&tables).contains("comment"), "{}", text(&tables));
    // From standard input, and what sudo may call is one project's.
    let piped = restricted(&["-f", "-", "--format", "csv"]).write_stdin("SELECT 41 + 1 AS answer").output().unwrap();
    assert_eq!(text(&piped).trim_start_matches('\u{feff}'), "answer 42");
    let other = Sandbox::new("http://127.0.0.1:9");
    let second = restricted(&["SELECT 1", "--project", &other.dir().display().to_string()]).output().unwrap();
    assert_eq!((second.status.code(), second.stdout.len()), (Some(2), 0), "{}", text(&second));
    assert!(text(&second).contains("cannot be used multiple times"), "{}", text(&second));
    relato(&["audit", "log", "--project", &other.dir().display().to_string()]).assert().code(2);
    let mut nameless = assert_cmd::Command::cargo_bin("relato").unwrap();
    nameless.current_dir(sandbox.dir()).args(["query", "--restricted", "SELECT 1"]).assert().code(4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restricted_question_on_a_terminal_starts_no_pager_and_writes_no_history() {
    let server = serve(&world(3, 60), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let seen = sandbox.dir().join("pager-was-here");
    // `script` gives the program a terminal.
    let on_terminal = |arguments: &str, typed: &str| {
        let line = format!("{} --project {} query {arguments}", cargo_bin("relato").display(), sandbox.dir().display());
        let mut shell = process::Command::new("script");
        shell.args(["-qec", &line, "/dev/null"]).env("PAGER", format!("touch {}", seen.display())).env("NO_COLOR", "1").env("TERM", "dumb");
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("script, of util-linux");
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let answered = on_terminal("--restricted 'SELECT 41 + 1 AS answer'", "");
    assert!(answered.contains("42") && !seen.exists(), "{answered}");
    let out = sandbox.dir().join("x.csv");
    let asked = on_terminal("--restricted", &format!("SELECT 41 + 1 AS answer;\n.export {}\n.quit\n", out.display()));
    assert!(asked.contains("42") && asked.contains("does not allow .export"), "{asked}");
    assert!(!out.exists() && !seen.exists() && !sandbox.dir().join("data/query.history").exists());
    on_terminal("'SELECT 41 + 1 AS answer'", "");
    assert!(seen.exists(), "without it the pager is what the environment says");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_is_whom_the_system_knows() {
    let server = serve(&world(3, 60), &[]).await;
    let people = "\n[access]\n[[access.person]]\nemail = \"dora@x.org\"\nprofile = \"administrador\"\nos_user = \"daemon\"\n";
    let sandbox = Sandbox::with_settings(&format!("{}{people}", settings(&server.base_url)));
    sandbox.load(everything()).await;
    let ask = |environment: &[(&str, &str)]| {
        let mut command = sandbox.relato(&["query", "SELECT count(*) FROM comment"]);
        command.env_remove("RELATO_EMAIL").envs(environment.iter().copied());
        command.output().unwrap()
    };
    for environment in [
        &[("SUDO_USER", "daemon")][..],
        &[("SUDO_USER", "daemon"), ("SUDO_UID", "1")],
        &[("SUDO_USER", "daemon"), ("SUDO_UID", "0")],
        &[("RELATO_EMAIL", "dora@x.org"), ("SUDO_USER", "daemon"), ("SUDO_UID", "1")],
    ] {
        let refused = ask(environment);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(4), 0), "{environment:?}: {}", text(&refused));
    }
    let log = sandbox.relato(&["audit", "log", "--format", "json"]).output().unwrap();
    let records: Vec<Value> = serde_json::from_slice(&log.stdout).unwrap();
    assert_eq!(records.len(), 4);
    for record in &records {
        let says = &record["asked"]["says"];
        assert_eq!((&says["os_user"], &says["uid_user"]), (&Value::from(whoami()), &Value::from(whoami())), "{says}");
    }
    assert_eq!(records[3]["asked"]["says"]["identity"], "declared, unproven");
    fs::write(sandbox.dir().join("relato.toml"), settings(&server.base_url)).unwrap();
    let asked = sandbox.relato(&["query", "SELECT uid_user, identity FROM access WHERE record = 4", "--format", "csv"]).output().unwrap();
    assert!(text(&asked).contains(&format!("{};declared, unproven", whoami())), "{}", text(&asked));
    let told = sandbox.relato(&["audit", "log"]).output().unwrap();
    assert!(text(&told).contains("declared") && text(&told).contains("unproven"), "{}", text(&told));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_output_takes_the_place_of_what_belongs_to_the_project() {
    let server = serve(&world(3, 120), &[]).await;
    let sandbox = Sandbox::with_settings(&with_router_roles(&settings(&server.base_url), "\"channel\"", ""));
    sandbox.load(everything()).await;
    fs::create_dir(sandbox.dir().join("schedules")).unwrap();
    symlink(sandbox.dir().join("schedules"), sandbox.dir().join("aside")).unwrap();
    symlink(sandbox.dir().join("relato.toml"), sandbox.dir().join("link.csv")).unwrap();
    let place = |name: &str| sandbox.dir().join(name).display().to_string();
    let own = [
        "relato.toml",
        "recipients.toml",
        "schedules/novo.toml",
        "aside/novo.toml",
        "reports/x.csv",
        "queries/audit/x.sql",
        "keys/desk.key",
        "keys/new.key",
        "data/ledger.sqlite",
        "data/access.head",
        "data/snapshots/x.csv",
        "output/../relato.toml",
        "link.csv",
    ];
    let kept = || {
        files_below(sandbox.dir())
            .into_iter()
            .filter(|(path, _)| !path.to_string_lossy().contains("ledger") && !path.ends_with("access.head"))
            .collect::<Vec<_>>()
    };
    sandbox.relato(&["query", "SELECT 1 AS x", "--format", "csv", "--out", &place("x.csv")]).assert().success();
    let before = kept();
    for name in own {
        let refused = sandbox.relato(&["query", "SELECT 1 AS x", "--format", "csv", "--out", &place(name)]).output().unwrap();
        assert_eq!(refused.status.code(), Some(4), "{name}: {}", text(&refused));
        assert!(text(&refused).contains("place of the project's own"), "{name}: {}", text(&refused));
    }
    for arguments in [
        &["report", "atendimento-mensal", "--period", "2026-10", "--format", "json", "--out", &place("schedules")][..],
        &["report", "--reproduce", "0123456789", "--out", &place("data/outbox")],
        &["subject", "export", "5511999990000", "--out", &place("data")],
        &["subject", "erase", "5511999990000", "--yes", "--out", &place("queries/x.json")],
        &["team", "pull", "--out", &place("keys/team.txt")],
        &["channel", "pull", "--out", &place("reports/channels.txt")],
    ] {
        let refused = sandbox.relato(arguments).output().unwrap();
        assert_eq!(refused.status.code(), Some(4), "{arguments:?}: {}", text(&refused));
    }
    let after = kept().into_iter().filter(|(path, _)| !path.starts_with(sandbox.dir().join("data/ops"))).collect::<Vec<_>>();
    assert!(before == after, "nothing was written");
}

#[test]
fn a_link_under_a_temporary_name_is_not_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = outside.path().join("precious");
    fs::write(&target, "precious").unwrap();
    symlink(&target, folder.path().join(format!(".writing-{}-report.pdf", process::id()))).unwrap();
    let path = folder.path().join("report.pdf");
    relato::files::write(&path, b"made").unwrap();
    relato::files::place::<relato::files::FileError>(&path, |place| {
        fs::write(place, "made").map_err(|source| relato::files::FileError { path: place.to_owned(), source })
    })
    .unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(fs::symlink_metadata(&path).unwrap().is_file(), "a file of its own");
    assert_eq!(fs::read_to_string(&path).unwrap(), "made");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left");
    // A lock is cut to its holder's text.
    symlink(&target, folder.path().join("serve.lock")).unwrap();
    let holder = relato::files::lock::Holder::new("a test", crate::support::now());
    assert!(relato::files::lock::hold(&folder.path().join("serve.lock"), &holder).is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_of_terminals_are_printed_in_words() {
    let server = serve(&world(3, 60), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    sandbox.write(
        "t.csv",
        "ID do Ticket;Fila;Situação;Data de Criação;Nota\u{1b}[2J\r\nt1;Suporte;Re\u{1b}[31m\u{9b}1A;05/10/2026 09:00;x\r\n",
    );
    let file = sandbox.dir().join("t.csv").display().to_string();
    let is_code = |char: &char| char.is_control() && !matches!(char, '\n' | '\t');
    for arguments in [
        &["import", &file, "--dry-run"][..],
        &["query", "SELECT 'a\u{1b}[1Ab' AS \"n\u{1b}[31m\""],
        &["query", "SELECT 1 FROM \"no\u{1b}[2Jthing\""],
        &["query", "SELECT 1 WHERE \u{1b}[2J"],
        &["query", "SELECT 1", "--reason", "r\u{1b}[1A\nrecord 99"],
        &["audit", "log"],
    ] {
        let said = sandbox.relato(arguments).output().unwrap();
        let said = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
        assert_eq!(said.chars().find(is_code), None, "{arguments:?}: {said:?}");
    }
    let log = sandbox.relato(&["audit", "log"]).output().unwrap();
    assert!(text(&log).contains("\\u{1b}"), "it is told in words: {}", text(&log));
    // What programs read has every byte.
    let answer = sandbox.relato(&["query", "SELECT 'a\u{1b}b' AS x", "--format", "csv"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "\u{feff}x\na\u{1b}b\n");
}

/// Starts a question that takes long, with a temporary folder of its own.
fn long_question(sandbox: &Sandbox, temporary: &Path) -> Child {
    let mut command = process::Command::new(cargo_bin("relato"));
    command.arg("--project").arg(sandbox.dir()).args(["--no-progress", "query"]);
    command.arg("SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b, range(1000000) AS c WHERE a.range + b.range = c.range * 3");
    command.env("TMPDIR", temporary).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits for `found` to find something.
fn until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::yield_now();
    }
}

/// Returns the process that answers for `parent`.
fn worker_of(parent: u32) -> Option<u32> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let command = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        (status.contains(&format!("\nPPid:\t{parent}\n")) && command.contains("answer-question")).then_some(id)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg(target_os = "linux")]
async fn who_was_killed_leaves_neither_a_worker_nor_an_answer() {
    let server = serve(&world(3, 60), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let temporary = tempfile::tempdir().unwrap();
    let mut asking = long_question(&sandbox, temporary.path());
    let folders = || fs::read_dir(temporary.path()).unwrap().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    let worker = until("a process answers", || worker_of(asking.id()));
    let left = until("its folder is there", || folders().into_iter().find(|folder| folder.join("spill").exists()));
    assert_eq!(mode(&left), 0o700);
    asking.kill().unwrap();
    asking.wait().unwrap();
    until("the process that answers has ended", || {
        let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap_or_default();
        (status.is_empty() || status.contains("State:\tZ")).then_some(())
    });
    assert!(left.exists(), "nobody was there to clear it");
    sandbox.relato(&["query", "SELECT 1"]).env("TMPDIR", temporary.path()).assert().success();
    assert!(!left.exists(), "the next question clears it");
    assert_eq!(folders(), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_clears_what_killed_ones_left_and_leaves_nothing() {
    let server = serve(&world(3, 60), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    sandbox.load(everything()).await;
    let temporary = tempfile::tempdir().unwrap();
    let left = temporary.path().join("relato-private-left");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("alive"), "").unwrap();
    fs::write(left.join("spilled"), "rows").unwrap();
    let arguments = ["report", "atendimento-mensal", "--period", "2026-10", "--format", "json"];
    sandbox.relato(&arguments).env("TMPDIR", temporary.path()).assert().success();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_worker_that_nobody_asked_does_nothing() {
    let mut command = assert_cmd::Command::cargo_bin("relato").unwrap();
    // Of process 1 it is no child.
    command.args(["answer-question", "1"]).write_stdin("{\"sql\": \"SELECT 1\"}").assert().success().stdout("");
}
