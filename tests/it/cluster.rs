//! Reports on a cluster: what a launcher can do wrong, and a real Spark with a master and two workers, of which one is killed.
//!
//! The tests with a real Spark are ignored unless asked for: `make test-cluster` installs it, names its folder in `RELATO_SPARK`, and runs them.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use relato::sim::World;

use crate::support::{NOW, Sandbox, everything, one_line, serve, settings, world};

/// Days of the reports.
const MONTH: &str = "2026-10";

/// A project with loaded data whose jobs are handed to `command` with `arguments`.
async fn project(world: &Arc<World>, command: &str, arguments: &[&str], more: &str) -> Sandbox {
    let server = serve(world, &[]).await;
    let engine = format!("[engine]\nkind = \"spark\"\n[engine.spark]\ncommand = {command:?}\narguments = {arguments:?}\n{more}\n");
    let sandbox = Sandbox::with_settings(&format!("{}\n{engine}", settings(&server.base_url)));
    sandbox.load(everything()).await;
    sandbox
}

/// Returns what is left of jobs.
fn jobs(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.dir().join("data/cluster")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launcher_that_does_not_do_the_job_is_told_and_nothing_is_made() {
    let world = world(3, 60);
    let result = |job: &str| format!("echo '{job}' > \"$2/result.json\"");
    let all_of_no_rows = "python3 - \"$2\" <<'END'\nimport json, sys, os\nfolder = sys.argv[1]\njob = json.load(open(folder + '/job.json'))\n\
        rows = {query['id']: 3 for query in job['queries']}\n[os.mkdir(folder + '/' + id) for id in rows]\n\
        json.dump({'failed': None, 'rows': rows}, open(folder + '/result.json', 'w'))\nEND";
    let cases: [(&str, String, &str, &str); 7] = [
        ("dies", "echo 'java.lang.OutOfMemoryError: heap' >&2; echo bye >&2; exit 3".to_owned(), "", "OutOfMemoryError: heap"),
        ("says nothing", "exit 0".to_owned(), "", "it said nothing"),
        (
            "query fails",
            result(r#"{"failed": {"query": "overview", "reason": "no such column"}, "rows": {}}"#),
            "",
            "query `overview` failed on the cluster: no such column",
        ),
        ("half a result", result(r#"{"failed": null, "rows": {}}"#), "", "is damaged: it is missing"),
        ("torn file", "echo '{\"failed\": nu' > \"$2/result.json\"".to_owned(), "", "did not do the job"),
        ("rows that are not there", all_of_no_rows.to_owned(), "", "nothing is there, 3 rows were written"),
        ("takes too long", "exec sleep 600".to_owned(), "max_seconds = 1", "stopped after 1 seconds"),
    ];
    for (what, script, more, told) in cases {
        let sandbox = project(&world, "/bin/sh", &["-c", &script, "launcher"], more).await;
        // The script of the job is the first argument after the launcher's own, its folder the second.
        let run = sandbox.relato(&["report", "semanal", "--period", MONTH]).assert().code(1);
        let said = one_line(&run.get_output().stderr);
        assert!(said.contains(told), "{what}: {said}");
        assert!(said.contains("nothing was made"), "{what}: {said}");
        assert!(!sandbox.dir().join("output").exists(), "{what}: something was made");
        assert_eq!(jobs(&sandbox), 0, "{what}: its folder is left");
        sandbox.relato(&["report", "semanal", "--period", MONTH, "--engine", "duckdb"]).assert().success();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_a_cluster_is_declared() {
    let world = world(3, 40);
    let sandbox = project(&world, "/no/such/launcher", &[], "").await;
    let run = sandbox.relato(&["report", "semanal", "--period", MONTH]).assert().code(1);
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(said.contains("`/no/such/launcher` cannot be started") && said.contains("[engine.spark] command"), "{said}");

    // What is made for whoever asks lies where no worker sees it.
    let run = sandbox.relato(&["query", "SELECT count(*) AS n FROM access", "--engine", "spark"]).assert().code(1);
    let said = one_line(&run.get_output().stderr);
    assert!(said.contains("`access` is made on this machine"), "{said}");

    let server = serve(&world, &[]).await;
    let plain = Sandbox::new(&server.base_url);
    plain.load(everything()).await;
    let run = plain.relato(&["report", "semanal", "--period", MONTH, "--engine", "compare"]).assert().code(2);
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(said.contains("there is no [engine.spark]"), "{said}");
    plain.write("relato.toml", &format!("{}\n[engine]\nkind = \"spark\"\n", settings(&server.base_url)));
    let run = plain.relato(&["report", "list"]).assert().code(2);
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(said.contains("needs [engine.spark]"), "{said}");
}

/// What stands in for tables of earlier versions must not take the place of those that are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_reads_the_tables_that_the_snapshot_has() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("job.json");
    let arguments = ["-c", "cp \"$2/job.json\" \"$0\"; exit 1", seen.to_str().unwrap()];
    let sandbox = project(&world(3, 40), "/bin/sh", &arguments, "").await;
    sandbox.relato(&["report", "canais", "--period", MONTH]).assert().code(1);
    let job: serde_json::Value = serde_json::from_slice(&fs::read(&seen).unwrap()).unwrap();
    let health = job["queries"].as_array().unwrap().iter().find(|query| query["name"] == "channel_health").expect("it is asked");
    assert_eq!(health["tables"]["channel_state"].as_array().map(Vec::len), Some(1));
    assert_eq!(job["later_tables"], serde_json::json!({}));
}

/// A job's folder that nobody waits for is removed by the next job, one that somebody waits for is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abandoned_jobs_are_cleared_away() {
    let sandbox = project(&world(3, 40), "/bin/sh", &["-c", "exit 1", "launcher"], "").await;
    let cluster = sandbox.dir().join("data/cluster");
    for name in ["job-abandoned", "job-waited-for"] {
        fs::create_dir_all(cluster.join(name)).unwrap();
        fs::write(cluster.join(name).join("alive"), "1").unwrap();
    }
    let held = fs::File::open(cluster.join("job-waited-for/alive")).unwrap();
    held.lock().unwrap();
    sandbox.relato(&["report", "semanal", "--period", MONTH]).assert().code(1);
    let left: Vec<_> = fs::read_dir(&cluster).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["job-waited-for"]);
}

/// A master and two workers of their own addresses, as processes that end with the test.
struct Spark {
    home: PathBuf,
    port: u16,
    processes: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Spark {
    /// Starts them, and waits until the master knows both workers.
    fn start() -> Spark {
        let python = Spark::python();
        let code = "import os, pyspark; print(os.path.dirname(pyspark.__file__))";
        let home = Command::new(&python).args(["-c", code]).output().expect("RELATO_SPARK names a Python with pyspark").stdout;
        let home = PathBuf::from(String::from_utf8(home).unwrap().trim());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut spark = Spark { home, port, processes: Vec::new(), folder: tempfile::tempdir().unwrap() };
        let port = port.to_string();
        let master = spark.launch(&["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", &port, "--webui-port", "0"]);
        let mut said = BufReader::new(master).lines().map(|line| line.expect("a line"));
        until(&mut said, "Starting Spark master");
        for host in ["127.0.0.2", "127.0.0.3"] {
            spark.add_worker(host);
            until(&mut said, "Registering worker");
        }
        std::thread::spawn(move || said.for_each(drop));
        spark
    }

    fn python() -> PathBuf {
        PathBuf::from(std::env::var_os("RELATO_SPARK").expect("RELATO_SPARK: run `make test-cluster`")).join("bin/python")
    }

    fn launch(&mut self, arguments: &[&str]) -> std::process::ChildStderr {
        let mut command = Command::new(self.home.join("bin/spark-class"));
        command.args(arguments).env("SPARK_DAEMON_MEMORY", "256m").env("PYSPARK_PYTHON", Spark::python()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("spark-class");
        let stderr = child.stderr.take().expect("a pipe");
        self.processes.push(child);
        stderr
    }

    fn add_worker(&mut self, host: &str) {
        let (master, work) = (format!("spark://127.0.0.1:{}", self.port), self.folder.path().join(host));
        let class = "org.apache.spark.deploy.worker.Worker";
        let arguments =
            [class, "--host", host, "--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", work.to_str().unwrap(), &master];
        let stderr = self.launch(&arguments);
        std::thread::spawn(move || BufReader::new(stderr).lines().for_each(drop));
    }

    /// Kills the worker of `host` and what it runs, as a power cut does.
    fn kill_worker(host: &str) {
        let killed = killed_by_words(&["deploy.worker.Worker", "--host", host])
            + killed_by_words(&["CoarseGrainedExecutorBackend", &format!("Worker@{host}:")]);
        assert!(killed >= 2, "{killed} processes of the worker were there: it was not busy");
    }

    /// Returns `[engine.spark]` settings of this cluster. Half a minute is too short a life for the second compiler of a Java machine.
    fn arguments(&self) -> Vec<String> {
        let quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
        let mut arguments: Vec<String> =
            ["--master", &format!("spark://127.0.0.1:{}", self.port), "--driver-java-options", quick].map(str::to_owned).to_vec();
        let settings = [
            "spark.driver.host=127.0.0.1",
            "spark.ui.enabled=false",
            "spark.sql.shuffle.partitions=2",
            "spark.executor.memory=600m",
            &format!("spark.executor.extraJavaOptions={quick}"),
        ];
        arguments.extend(settings.iter().flat_map(|setting| ["--conf".to_owned(), (*setting).to_owned()]));
        arguments
    }
}

impl Drop for Spark {
    fn drop(&mut self) {
        for child in &mut self.processes {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Executors are children of workers.
        killed_by_words(&["CoarseGrainedExecutorBackend", &format!("127.0.0.1:{}", self.port)]);
    }
}

/// Kills every process whose command line has all the words, and returns how many there were.
fn killed_by_words(words: &[&str]) -> usize {
    let mut killed = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if words.iter().all(|word| line.contains(word)) {
            let pid = entry.file_name().to_string_lossy().into_owned();
            killed += usize::from(Command::new("kill").args(["-9", &pid]).status().is_ok_and(|status| status.success()));
        }
    }
    killed
}

/// Reads what a process says until a line has `word`.
fn until(said: &mut impl Iterator<Item = String>, word: &str) {
    assert!(said.any(|line| line.contains(word)), "the process ended before it said `{word}`");
}

/// Returns the files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: fs::DirEntry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap());
    fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect()
}

/// Returns a command on `sandbox` that finds Spark's launcher.
fn with_spark(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("relato"));
    let bin = Spark::python().parent().unwrap().to_owned();
    let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap()))).unwrap();
    command.args(["--now", NOW, "--project"]).arg(sandbox.dir()).args(arguments).env("NO_COLOR", "1");
    command.env("PATH", path).env("PYSPARK_PYTHON", Spark::python());
    command
}

fn report<'a>(name: &'a str, engine: &'a str, out: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["report", name, "--period", MONTH, "--engine", engine, "--format", "xlsx,pdf,json", "--out", out];
    if name == "setor" {
        arguments.extend(["--sector", "Financeiro"]);
    }
    arguments
}

/// Makes `name` with DuckDB and with Spark, and requires the same bytes; `while_running` hears each line of the second one's log.
fn require_same(sandbox: &Sandbox, name: &str, while_running: &mut dyn FnMut(&str)) -> usize {
    let (here, there) = (sandbox.dir().join(format!("{name}-here")), sandbox.dir().join(format!("{name}-there")));
    let done = with_spark(sandbox, &report(name, "duckdb", here.to_str().unwrap())).output().unwrap();
    assert!([0, 3].contains(&done.status.code().unwrap()), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    let mut arguments = report(name, "spark", there.to_str().unwrap());
    arguments.push("-v");
    let mut running = with_spark(sandbox, &arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = String::new();
    for line in BufReader::new(running.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        while_running(&line);
        log = log + &line + "\n";
    }
    let status = running.wait().unwrap();
    assert!([0, 3].contains(&status.code().unwrap()), "{name}: {log}");
    let (here, there) = (files(&here), files(&there));
    assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>(), "{name}");
    for (file, bytes) in &here {
        assert!(there[file] == *bytes, "{file} is not the same from both engines");
    }
    here.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Spark: `make test-cluster`"]
async fn spark_gives_every_report_byte_for_byte_and_survives_the_loss_of_a_worker() {
    let spark = Spark::start();
    let arguments = spark.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let sandbox = project(&world(11, 500), "spark-submit", &arguments, "").await;
    let reports = sandbox.project().reports().unwrap();
    let is_all = std::env::var_os("RELATO_CLUSTER_ALL").is_some();
    let mut compared = 0;
    for name in reports.keys().filter(|name| is_all || *name == "semanal") {
        compared += require_same(&sandbox, name, &mut |_| {});
    }
    assert!(compared >= 3, "{compared} files were compared");

    // As soon as one query is done the others are on their way.
    let (mut has_killed, mut is_told) = (false, false);
    require_same(&sandbox, "atendimento-mensal", &mut |line| {
        if !has_killed && line.contains("query done on the cluster") {
            has_killed = true;
            Spark::kill_worker("127.0.0.2");
        }
        is_told |= line.contains("the cluster lost an executor");
    });
    assert!(has_killed && is_told, "killed: {has_killed}, told: {is_told}");
    assert_eq!(jobs(&sandbox), 0);

    let done = with_spark(&sandbox, &["report", "semanal", "--period", MONTH, "--engine", "compare"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("every cell is the same"), "{said}{}", String::from_utf8_lossy(&done.stderr));

    // A question of a person: the same rows in the same order, and a record of it.
    let question = "SELECT sector, count(*) AS n, avg(queue_wait_s) AS wait FROM ticket WHERE created_day >= $day GROUP BY sector ORDER BY n DESC, sector";
    let ask = |engine: &str| {
        let arguments = ["query", question, "--param", "day=2026-10-01", "--format", "csv", "--engine", engine];
        let done = with_spark(&sandbox, &arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let here = ask("duckdb");
    assert_eq!(here, ask("spark"));
    assert!(here.lines().count() > 5, "{here}");
    let log = sandbox.relato(&["audit", "log", "--format", "json"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&log.stdout).matches("SELECT sector, count(*) AS n").count(), 2);

    // A part that is damaged, one that is missing, and a master that is gone.
    let parts = sandbox.dir().join("data/snapshots/ticket/month=2026-10");
    let part = fs::read_dir(&parts).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&part).unwrap();
    let mut broken = whole.clone();
    let middle = whole.len() / 2;
    broken[4..middle].fill(0x5a);
    let out = sandbox.dir().join("broken");
    for (what, bytes) in [(("damaged", "[FAILED_READ_FILE"), Some(broken)), (("missing", "No files found"), None)] {
        match &bytes {
            Some(bytes) => fs::write(&part, bytes).unwrap(),
            None => fs::remove_file(&part).unwrap(),
        }
        let done = with_spark(&sandbox, &report("volume", "spark", out.to_str().unwrap())).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(1) && !out.exists(), "{}: {said}", what.0);
        assert!(said.contains(what.1), "{}: {said}", what.0);
        fs::write(&part, &whole).unwrap();
    }
    drop(spark);
    let done = with_spark(&sandbox, &report("volume", "spark", out.to_str().unwrap())).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(1) && !out.exists() && said.contains("nothing was made"), "{said}");
    assert_eq!(jobs(&sandbox), 0);
}

/// A server of S3 over a folder that is not of this project's making, and checks signatures.
struct Rclone {
    process: Child,
    endpoint: String,
    folder: tempfile::TempDir,
}

impl Rclone {
    fn start() -> Rclone {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lake")).unwrap();
        let address = format!("127.0.0.1:{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
        let mut command = Command::new(Spark::python().with_file_name("rclone"));
        command
            .args(["serve", "s3", "--addr", &address, "--auth-key", "DEMO-KEY,DEMO-SECRET"])
            .arg(folder.path())
            .env("RCLONE_CONFIG", "/dev/null");
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("rclone");
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines().map(|line| line.expect("a line"));
        until(&mut said, "Starting s3 server");
        std::thread::spawn(move || said.for_each(drop));
        Rclone { process, endpoint: format!("http://{address}"), folder }
    }
}

impl Drop for Rclone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The demonstration is published to a real S3 server and read back: the same bytes as from a folder.
#[test]
#[ignore = "needs rclone: `make test-cluster`"]
fn the_demonstration_on_a_server_of_s3_is_the_same_as_in_a_folder() {
    let storage = Rclone::start();
    let demo = tempfile::tempdir().unwrap();
    let project = demo.path().join("demo");
    let relato = |secret: &str, arguments: &[&str]| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("relato"));
        command.args(["--now", NOW]).args(arguments).arg("--project").arg(&project).env("NO_COLOR", "1");
        command.env("AWS_ACCESS_KEY_ID", "DEMO-KEY").env("AWS_SECRET_ACCESS_KEY", secret).output().unwrap()
    };
    let is_done = |done: &std::process::Output| {
        assert!([Some(0), Some(3)].contains(&done.status.code()), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let out = |name: &str| demo.path().join(name).display().to_string();
    is_done(&relato("", &["demo", "--out", project.to_str().unwrap(), "--tickets", "3000", "--months", "3"]));
    let report =
        |out: &str| ["report", "atendimento-mensal", "--period", MONTH, "--format", "xlsx,pdf,json", "--out", out].map(str::to_owned);
    let make = |secret: &str, out: &str| {
        let arguments = report(out);
        relato(secret, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    is_done(&make("", &out("folder")));

    let settings = fs::read_to_string(project.join("relato.toml")).unwrap();
    let (before, after) = settings.split_once("[storage]\n").expect("a section");
    let lake = "lake = \"s3://lake/relato\"\nowner = \"demo\"";
    let s3 = format!("[storage.s3]\nendpoint = \"{}\"", storage.endpoint);
    let (own, rest) = after.split_once("\n\n").unwrap_or((after, ""));
    fs::write(project.join("relato.toml"), format!("{before}[storage]\n{lake}\n{own}\n{s3}\n\n{rest}")).unwrap();
    is_done(&relato("DEMO-SECRET", &["ingest", "--rebuild"]));
    // What this machine keeps is not what is read back.
    let forget = || fs::remove_dir_all(project.join("data/lake")).unwrap();
    forget();
    is_done(&make("DEMO-SECRET", &out("bucket")));
    let (here, there) = (files(Path::new(&out("folder"))), files(Path::new(&out("bucket"))));
    assert_eq!(here.len(), 3);
    for (file, bytes) in &here {
        assert!(there[file] == *bytes, "{file} is not the same from a bucket");
    }
    is_done(&relato("DEMO-SECRET", &["snapshot", "verify"]));
    is_done(&relato("DEMO-SECRET", &["query", "SELECT count(*) AS n FROM ticket"]));
    is_done(&relato("DEMO-SECRET", &["ingest", "--rebuild"]));
    is_done(&relato("DEMO-SECRET", &["snapshot", "prune", "--keep", "1"]));

    let refused = |secret: &str, told: &str| {
        forget();
        let run = make(secret, &out("none"));
        let said = one_line(&run.stderr);
        assert!(run.status.code() == Some(1) && said.contains(told), "{told}: {:?} {said}", run.status);
        assert!(!Path::new(&out("none")).exists(), "{told}: something was made");
    };
    refused("WRONG", "the keys are refused (SignatureDoesNotMatch)");
    let month = storage.folder.path().join("lake/relato/owner=demo/ticket/month=2026-10");
    let part = fs::read_dir(&month).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&part).unwrap();
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    fs::write(&part, &altered).unwrap();
    refused("DEMO-SECRET", "is not what was published");
    fs::remove_file(&part).unwrap();
    // What the server remembers of the folder is its own business: it may find the file gone only when it reads it.
    refused("DEMO-SECRET", part.file_name().unwrap().to_str().unwrap());
    fs::write(&part, &whole).unwrap();
    is_done(&make("DEMO-SECRET", &out("again")));
    drop(storage);
    refused("DEMO-SECRET", "Connection refused");
}
