//! What is removed is ours, what is read is what was published, and what is sent goes where it was declared.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    sync::mpsc::{self, Receiver},
    thread,
};

use relato::{
    deliver::{DeliveryError, Facts, Parcel},
    domain::Period,
    ledger::Channel,
    render::Mail,
    report::file_stem,
    schedule::{Order, ProjectReports, ProjectWays, Reports, Ways},
};

use crate::support::{Sandbox, everything, files_below, now, one_line, serve, settings, world, zone};

fn text(output: &std::process::Output) -> String {
    one_line(&[&output.stdout[..], &output.stderr[..]].concat())
}

/// Puts files of others beside the snapshots in `folder`, and links to a place outside. Returns what must stay.
fn put_beside(folder: &Path, outside: &Path) -> Vec<std::path::PathBuf> {
    let job = folder.join("jobs/job-1/result-0000");
    fs::create_dir_all(&job).unwrap();
    fs::create_dir_all(folder.join("readers")).unwrap();
    let table = folder.join("ticket/month=2026-10");
    fs::create_dir_all(&table).unwrap();
    let hash = "0123456789abcdef.parquet";
    let mine = [
        job.join("part-00000.parquet"),
        job.join(hash),
        folder.join("notes.txt"),
        table.join("report.pdf"),
        folder.join("readers/notes.txt"),
        outside.join("month=2026-10").join(hash),
    ];
    fs::create_dir_all(outside.join("month=2026-10")).unwrap();
    for file in &mine {
        fs::write(file, "of others").unwrap();
    }
    symlink(outside, folder.join("elsewhere")).unwrap();
    symlink(outside, folder.join("ticket/linked")).unwrap();
    symlink(outside.join("month=2026-10"), folder.join("conversation/month=1999-01")).unwrap();
    symlink(&mine[5], table.join("fedcba9876543210.parquet")).unwrap();
    mine.into_iter().chain([table.join("fedcba9876543210.parquet")]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prune_and_erase_remove_only_what_is_ours() {
    let world = world(5, 200);
    let server = serve(&world, &[]).await;
    for storage in [None, Some("lake")] {
        let (lake, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let declared =
            storage.map(|_| format!("\n[storage]\nlake = \"{}\"\nowner = \"acme\"\n", lake.path().display())).unwrap_or_default();
        let sandbox = Sandbox::with_settings(&format!("{}{declared}", settings(&server.base_url)));
        let (_, published) = sandbox.load(everything()).await;
        let folder = sandbox.project().snapshot_dir();
        let stays = put_beside(&folder, outside.path());
        // What a run that broke off left: a part that no manifest names, and files that were being written.
        let left = [
            folder.join("ticket/month=2026-10/00000000000000ff.parquet"),
            folder.join("ticket/.writing-4711-0.parquet"),
            folder.join("manifests/x.writing-4711"),
        ];
        for file in &left {
            fs::write(file, "left").unwrap();
        }
        sandbox.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
        for file in &stays {
            assert!(file.exists(), "{} stays", file.display());
        }
        for file in &left {
            assert!(!file.exists(), "{} goes", file.display());
        }
        let named: Vec<_> = published.manifest.parts().filter(|part| !folder.join(&part.path).exists()).collect();
        assert!(named.is_empty(), "{named:?}");
        let erased = world.customers.iter().find_map(|customer| {
            let asked = sandbox.relato(&["subject", "erase", &customer.identity]).output().unwrap();
            (!text(&asked).contains("Held: 0 tickets")).then_some(&customer.identity)
        });
        let receipt = sandbox.relato(&["subject", "erase", erased.expect("somebody wrote"), "--yes"]).output().unwrap();
        let receipt: serde_json::Value = serde_json::from_slice(&receipt.stdout).unwrap();
        assert!(receipt["snapshots"]["parts"].as_u64().unwrap() > 0, "parts are written again: {receipt}");
        assert!(stays.iter().all(|file| file.exists()), "after an erasure, too");
        sandbox.relato(&["snapshot", "verify"]).assert().success();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reports_on_a_lake_removes_nothing_that_others_keep_there() {
    let server = serve(&world(5, 150), &[]).await;
    let lake = tempfile::tempdir().unwrap();
    let storage = |owner: &str| format!("{}\n[storage]\nlake = \"{}\"\n{owner}", settings(&server.base_url), lake.path().display());
    let owner = Sandbox::with_settings(&storage("owner = \"acme\"\n"));
    owner.load(everything()).await;
    let reader = Sandbox::with_settings(&storage(""));
    reader.relato(&["report", "atendimento-mensal", "--period", "2026-10", "--format", "json"]).assert().success();
    let job = lake.path().join("jobs/job-1/result-0000/part-0.parquet");
    fs::create_dir_all(job.parent().unwrap()).unwrap();
    fs::write(&job, "of a job").unwrap();
    fs::write(lake.path().join("contract.pdf"), "of others").unwrap();
    let before: BTreeSet<_> = files_below(lake.path()).into_iter().map(|(path, _)| path).collect();
    reader.relato(&["snapshot", "prune", "--keep", "1"]).assert().success();
    let after: BTreeSet<_> = files_below(lake.path()).into_iter().map(|(path, _)| path).collect();
    let gone: Vec<_> = before.difference(&after).filter(|path| !path.starts_with(lake.path().join("readers"))).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_under_another_name_or_of_a_later_format_is_refused_by_name() {
    let server = serve(&world(5, 80), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (_, published) = sandbox.load(everything()).await;
    let manifests = sandbox.project().snapshot_dir().join("manifests");
    let own = manifests.join(format!("{}.json", published.manifest.id));
    let copy = manifests.join("zz copia.json");
    fs::copy(&own, &copy).unwrap();
    let report = || sandbox.relato(&["report", "atendimento-mensal", "--period", "2026-10", "--format", "json"]).output().unwrap();
    for refused in
        [report(), sandbox.relato(&["ingest"]).output().unwrap(), sandbox.relato(&["snapshot", "prune", "--keep", "1"]).output().unwrap()]
    {
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
        assert!(text(&refused).contains("zz copia.json") && text(&refused).contains(&published.manifest.id), "{}", text(&refused));
    }
    fs::remove_file(&copy).unwrap();
    assert!(report().status.success());
    let later = fs::read_to_string(&own).unwrap().replacen("\"format\": 1", "\"format\": 2", 1);
    fs::write(&own, later).unwrap();
    let refused = report();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("has format 2; this version reads format 1"), "{}", text(&refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sectors_whose_names_meet_have_files_of_their_own() {
    let server = serve(&world(5, 200), &[]).await;
    let sectors = "[sectors]\n\"Exames/N1\" = [\"Financeiro\"]\n\"Exames N1\" = [\"Cobrança\"]\n\"客服\" = [\"Suporte\"]\n";
    let sandbox = Sandbox::with_settings(
        &settings(&server.base_url).replace("[sectors]\n\"Financeiro\" = [\"Financeiro\", \"Cobrança\"]\n", sectors),
    );
    sandbox.load(everything()).await;
    let names: BTreeSet<String> =
        ["Exames/N1", "Exames N1", "客服"].iter().map(|sector| file_stem(&sandbox.report("2026-10", Some(sector)))).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("atendimento-mensal_2026-10_") && name.len() > 28), "{names:?}");
    assert_eq!(file_stem(&sandbox.report("2026-10", Some("Convênios"))), "atendimento-mensal_2026-10_convenios", "others keep theirs");
}

#[test]
fn schedules_that_put_different_reports_under_one_name_are_refused() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    fs::create_dir(sandbox.dir().join("schedules")).unwrap();
    let schedule = |name: &str, report: &str, file: &str| {
        let text = format!(
            "report = \"{report}\"\ncron = \"0 8 * * *\"\ntimezone = \"America/Sao_Paulo\"\nperiod = \"last-month\"\nformats = [\"pdf\"]\n\
             owner = \"dona@x.org\"\nfolder = \"entrega\"\nfile = \"{file}\"\n"
        );
        sandbox.write(&format!("schedules/{name}.toml"), &text);
    };
    let check = || text(&sandbox.relato(&["check", "--offline"]).output().unwrap());
    schedule("a", "atendimento-mensal", "mensal-{period}");
    schedule("b", "satisfacao", "mensal-{period}");
    assert!(check().contains("puts files of the same names into `entrega` as schedules/a.toml"), "{}", check());
    for (report, file) in [("satisfacao", "{report}-{period}"), ("satisfacao", "{schedule}"), ("atendimento-mensal", "mensal-{period}")] {
        schedule("b", report, file);
        assert!(!check().contains("of the same names"), "{report} {file}: {}", check());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduled_report_is_not_made_of_a_part_that_was_altered() {
    let server = serve(&world(5, 150), &[]).await;
    let sandbox = Sandbox::new(&server.base_url);
    let (_, published) = sandbox.load(everything()).await;
    fs::create_dir(sandbox.dir().join("schedules")).unwrap();
    sandbox.write("schedules/mensal.toml", "report = \"atendimento-mensal\"\ncron = \"0 8 * * *\"\ntimezone = \"America/Sao_Paulo\"\nperiod = \"last-month\"\nformats = [\"json\"]\nowner = \"dona@x.org\"\nfolder = \"entrega\"\n");
    let project = sandbox.project();
    let schedules = project.schedules().unwrap();
    let scratch = || std::env::temp_dir().join(format!("relato-test-{}", uuid::Uuid::new_v4()));
    let reports = ProjectReports { project: &project, scratch: &scratch };
    let period = Period::parse("2026-10", zone().day(now())).unwrap();
    let make =
        || reports.make(Order { spec: &schedules["mensal"], period, sector: None, planned_at: now() }).map(|(seen, _)| seen.content_sha256);
    let whole = make().unwrap();
    let part = published.manifest.tables["turn"].parts.iter().find(|part| part.month.as_deref() == Some("2026-10")).unwrap();
    let file = project.snapshot_dir().join(&part.path);
    let bytes = fs::read(&file).unwrap();
    // One bit, in the middle of the rows: many such parts can still be read, and tell something else.
    let mut altered = bytes.clone();
    altered[bytes.len() / 3] ^= 1;
    fs::write(&file, altered).unwrap();
    let refused = make().unwrap_err();
    assert!(refused.contains(part.path.rsplit('/').next().unwrap()), "{refused}");
    fs::write(&file, &bytes).unwrap();
    assert_eq!(make().unwrap(), whole, "restored, it is made again");
    fs::remove_file(&file).unwrap();
    assert!(make().is_err());
}

/// Answers every request with `answer`; returns its port and what it is asked.
fn answering(answer: String) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 65_536];
            let read = stream.read(&mut request).unwrap_or(0);
            if tell.send(String::from_utf8_lossy(&request[..read]).into_owned()).is_err() {
                break;
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, heard)
}

fn redirecting(status: &str, to: &str) -> String {
    format!("HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

const WELL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

#[test]
fn a_webhook_that_points_elsewhere_has_not_taken_the_report() {
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (other, elsewhere) = answering(WELL.to_owned());
        let (port, asked) = answering(redirecting(status, &format!("http://127.0.0.1:{other}/login?next=secret")));
        let sandbox = Sandbox::new("http://127.0.0.1:9");
        sandbox.write("keys/hook.key", "segredo");
        fs::create_dir(sandbox.dir().join("schedules")).unwrap();
        sandbox.write(
            "schedules/gancho.toml",
            &format!("report = \"semanal\"\ncron = \"0 8 * * *\"\ntimezone = \"America/Sao_Paulo\"\nperiod = \"last-week\"\nformats = [\"pdf\"]\nowner = \"dona@x.org\"\nwebhook = {{ url = \"http://127.0.0.1:{port}/\", secret_file = \"keys/hook.key\" }}\n"),
        );
        let project = sandbox.project();
        let schedules = project.schedules().unwrap();
        let facts = Facts {
            report: "semanal".to_owned(),
            title: String::new(),
            period: "2026-W42".to_owned(),
            sector: None,
            snapshot: "s1".to_owned(),
            completeness: "closed".to_owned(),
            content_sha256: String::new(),
            schedule: "gancho".to_owned(),
            planned_at: now(),
            restated_figures: 0,
        };
        let mail = Mail { subject: "s".to_owned(), text: "t".to_owned(), html: "h".to_owned(), picture: None };
        let parcel = Parcel { key: "k".to_owned(), to: format!("http://127.0.0.1:{port}/"), mail, files: Vec::new(), facts };
        let ways = ProjectWays { project: &project };
        let delivered = ways.way(Channel::Webhook, Some(&schedules["gancho"])).unwrap().deliver(&parcel, now());
        let Err(DeliveryError::Never(said)) = delivered else { panic!("{status}: {delivered:?}") };
        assert_eq!(said, format!("{status} to 127.0.0.1, which is not followed"));
        assert!(asked.try_recv().is_ok() && elsewhere.try_recv().is_err(), "{status}: nobody else was told");
    }
}

#[test]
fn a_blip_that_points_elsewhere_is_refused_and_no_command_follows() {
    for status in ["302 Found", "307 Temporary Redirect"] {
        let (other, elsewhere) = answering(WELL.to_owned());
        let (port, asked) = answering(redirecting(status, &format!("http://127.0.0.1:{other}/commands")));
        let sandbox = Sandbox::new(&format!("http://127.0.0.1:{port}"));
        let refused = sandbox.relato(&["ingest"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(5), "{}", text(&refused));
        assert!(
            text(&refused).contains(&format!("HTTP {}", &status[..3])) && text(&refused).contains("points to 127.0.0.1"),
            "{}",
            text(&refused)
        );
        assert!(asked.try_recv().is_ok() && elsewhere.try_recv().is_err(), "{status}: nobody else was told");
    }
}
