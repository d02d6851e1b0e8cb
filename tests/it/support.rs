//! A project on a simulated Blip, in a folder of its own.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex},
    time::Duration,
};

use assert_cmd::Command;
use chrono::{DateTime, Utc};
use page_validation::{ValidationOptions, ValidationProfile, validate_pdf};
use relato::{
    blip::ClientOptions,
    config::Project,
    domain::{
        Period, ReportData, Zone,
        report_data::{Detail, TableView},
    },
    files::lock::Holder,
    ingest::{self, Clients, IngestError, IngestRequest, IngestSummary, Silent},
    query::{Catalogue, Engine},
    report::{self, ReportRequest},
    sim::{self, Fault, Keys, Server, SimClock, SimOptions, World, WorldSpec},
    snapshot::{Catalog, Manifest, Published, Snapshot},
    store::{MART_TABLES, Store},
};
use tempfile::TempDir;

/// The present of every test.
pub const NOW: &str = "2026-11-24T15:00:00Z";

/// A project folder that is removed when the test ends.
pub struct Sandbox {
    folder: TempDir,
}

/// The checkout that is tested. Asked for when a test runs: checkouts that share a target folder share test programs.
pub fn root() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()))
}

pub fn now() -> DateTime<Utc> {
    NOW.parse().expect("a valid instant")
}

pub fn zone() -> Zone {
    "America/Sao_Paulo".parse().expect("a valid zone")
}

/// A world of `tickets` tickets over three months.
pub fn world(seed: u64, tickets: usize) -> Arc<World> {
    Arc::new(World::draw(&WorldSpec { seed, tickets, months: 3, now: now() }, zone()))
}

pub async fn serve(world: &Arc<World>, faults: &[&str]) -> Server {
    let faults: Vec<Fault> = faults.iter().map(|fault| fault.parse().expect("a valid fault")).collect();
    serve_with(world, SimOptions { faults, ..SimOptions::default() }).await
}

pub async fn serve_with(world: &Arc<World>, options: SimOptions) -> Server {
    let server = sim::start(Arc::clone(world), options).await.expect("a free port");
    CLOCKS.lock().expect("no test fails here").push((server.base_url.clone(), server.clock()));
    server
}

/// Clocks of the simulators, by address: a load of tests happens when they say it does, at both ends.
static CLOCKS: Mutex<Vec<(String, SimClock)>> = Mutex::new(Vec::new());

impl Sandbox {
    /// Makes a project whose keys are those of the simulator and whose Blip is at `base_url`.
    pub fn new(base_url: &str) -> Sandbox {
        Sandbox::with_settings(&settings(base_url))
    }

    /// Makes a project with these settings.
    pub fn with_settings(settings: &str) -> Sandbox {
        // As the folder of an installation's own user is: nobody else enters.
        let owner_alone = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(owner_alone).tempdir().expect("a temporary folder");
        let sandbox = Sandbox { folder };
        std::fs::create_dir(sandbox.dir().join("keys")).expect("a folder");
        sandbox.write("relato.toml", settings);
        sandbox.write("keys/desk.key", &Keys::new().desk);
        sandbox.write("keys/router.key", &Keys::new().router);
        sandbox.write("keys/pseudonym.key", "a secret of the tests");
        sandbox
    }

    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir().join(name), text).expect("a writable folder");
    }

    pub fn project(&self) -> Project {
        Project::open(self.dir()).expect("valid settings")
    }

    /// Loads from the configured address and publishes.
    pub async fn load(&self, request: IngestRequest) -> (IngestSummary, Published) {
        self.try_load(request).await.expect("a load")
    }

    /// Loads from the configured address and publishes, with a client that is not patient.
    pub async fn try_load(&self, request: IngestRequest) -> Result<(IngestSummary, Published), IngestError> {
        self.set_clock(request.now);
        self.load_by_own_clock(request).await
    }

    /// Lets the simulated contracts of the project believe that it is `now`.
    pub fn set_clock(&self, now: DateTime<Utc>) {
        let project = self.project();
        let clocks = CLOCKS.lock().expect("no test fails here");
        let is_asked = |base_url: &String| project.settings.blip_keys.iter().any(|key| key.base_url == *base_url);
        clocks.iter().filter(|(base_url, _)| is_asked(base_url)).for_each(|(_, clock)| clock.set(now));
    }

    /// As [`Sandbox::try_load`], whatever the clock of the simulated contract says.
    pub async fn load_by_own_clock(&self, request: IngestRequest) -> Result<(IngestSummary, Published), IngestError> {
        let project = self.project();
        let clients = Clients::of_project(&project, None, impatient()).expect("keys");
        let queries = project.query_texts().expect("queries");
        let now = request.now;
        let (store, summary) = ingest::run(&project, &clients, &queries, &request, &Silent).await?;
        let published = publish(&project, &store, now, summary.marts.quarantined);
        Ok((summary, published))
    }

    /// Opens the live database.
    pub fn store(&self) -> Store {
        Store::open(&self.project().store_file(), &Holder::new("a test", now())).expect("the store")
    }

    /// Builds the monthly report of `period` from the newest snapshot.
    pub fn report(&self, period: &str, sector: Option<&str>) -> ReportData {
        self.report_called("atendimento-mensal", period, sector)
    }

    /// Builds a report of `period` from the newest snapshot.
    pub fn report_called(&self, name: &str, period: &str, sector: Option<&str>) -> ReportData {
        let project = self.project();
        let snapshot = Snapshot::open(&Catalog::of(&project).expect("a catalog"), None).expect("a snapshot");
        let catalogue = Catalogue::new(&project.query_texts().expect("queries")).expect("headers");
        let engine = std::rc::Rc::new(Engine::open(&snapshot, catalogue).expect("an engine"));
        let reports = project.reports().expect("reports");
        let period = Period::parse(period, zone().day(now())).expect("a period");
        let request =
            ReportRequest { period, sector: sector.map(str::to_owned), earlier: Vec::new(), rules: String::new(), with_details: true };
        report::build(&engine, &reports[name], &project.settings, &snapshot, &request).expect("a report")
    }

    /// Runs the binary on this project at the tests' present.
    pub fn relato(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("relato").expect("the binary");
        command.args(["--now", NOW, "--project"]).arg(self.dir()).args(arguments).env("NO_COLOR", "1");
        command
    }

    /// Returns every file below the data folder with its content, to see whether anything changed.
    pub fn data_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files_below(&self.dir().join("data"))
    }
}

/// Returns the parts of a snapshot that are missing or not as they were published.
pub fn damaged(snapshot: &Snapshot) -> Vec<String> {
    snapshot.damaged_parts(&mut std::collections::BTreeMap::new()).expect("readable parts")
}

/// Returns the text of a PDF, its lines as `order` of `pdftotext` has them (`-layout`, `-raw`); fails unless the PDF is sound and what
/// its metadata claim: for archives, PDF/A-2 level A, and for those who do not see it, PDF/UA-1.
pub fn text_of_pdf(path: &Path, order: &str) -> String {
    let check = process::Command::new("qpdf").arg("--check").arg(path).output().expect("qpdf, which `make setup` installs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    for profile in [ValidationProfile::PdfA2a, ValidationProfile::PdfUa1] {
        let report = validate_pdf(path, &ValidationOptions::default().profile(profile)).expect("a PDF that can be read");
        assert!(report.is_compliant, "{profile:?}: {:#?}", report.failures);
    }
    let output = process::Command::new("pdftotext").args([order, "-enc", "UTF-8"]).arg(path).arg("-").output();
    let output = output.expect("pdftotext of the package poppler-utils, which `make setup` installs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Returns what a program said as one line, however it was wrapped.
pub fn one_line(said: &[u8]) -> String {
    String::from_utf8_lossy(said).replace("| ", "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns every file below `folder` with its content.
pub fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a readable file");
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}

/// Returns a row-level table with all its rows.
pub fn with_rows(detail: &Detail) -> TableView {
    let mut stretches = detail.stretches(0..usize::MAX).expect("rows").map(|stretch| stretch.expect("rows"));
    let first = stretches.next().unwrap_or_else(|| detail.view.table.clone());
    let others: Vec<_> = stretches.collect();
    TableView { table: first.followed_by(others.iter()), ..detail.view.clone() }
}

/// Publishes what `store` holds.
pub fn publish(project: &Project, store: &Store, now: DateTime<Utc>, quarantined: i64) -> Published {
    ingest::publish(project, store, now, quarantined).expect("a snapshot")
}

/// Returns the parts of two snapshots that are not the same bytes, by table and month.
pub fn differences(one: &Manifest, other: &Manifest) -> Vec<String> {
    let parts = |manifest: &Manifest| -> std::collections::BTreeMap<(String, Option<String>), (String, i64)> {
        let of_table = |(name, table): (&String, &relato::snapshot::TableManifest)| {
            table.parts.iter().map(|part| ((name.clone(), part.month.clone()), (part.sha256.clone(), part.rows))).collect::<Vec<_>>()
        };
        manifest.tables.iter().flat_map(of_table).collect()
    };
    let (one, other) = (parts(one), parts(other));
    let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let rows = |found: Option<&(String, i64)>| found.map(|(_, rows)| *rows);
    keys.into_iter()
        .filter(|key| one.get(*key) != other.get(*key))
        .map(|key| format!("{} {:?}: {:?} and {:?} rows", key.0, key.1, rows(one.get(key)), rows(other.get(key))))
        .collect()
}

/// Returns a digest of the rows of each published table of the live database.
pub fn digests(store: &Store) -> Vec<String> {
    let digest = |(table, ..): &(&str, Option<&str>, &str)| -> String {
        let sql = format!("SELECT '{table} ' || count(*) || ' ' || coalesce(sum(hash(t)), 0) FROM marts.{table} AS t");
        store.connection().query_row(&sql, [], |row| row.get(0)).expect("a digest")
    };
    MART_TABLES.iter().map(digest).collect()
}

/// Pauses too short to wait for.
pub fn impatient() -> ClientOptions {
    ClientOptions {
        first_pause: Duration::from_millis(1),
        timeout: Duration::from_secs(20),
        attempts: 8,
        first_attempts: 8,
        throttle_pause: Duration::from_millis(50),
        ..ClientOptions::default()
    }
}

/// A request for everything, from a month before the world begins.
pub fn everything() -> IngestRequest {
    IngestRequest { now: now(), is_trial: false, from: Some("2026-08-25".parse().expect("a day")), to: None, full: false, only: None }
}

/// Gives the router's key further roles, and `more` settings after the last table.
pub fn with_router_roles(settings: &str, roles: &str, more: &str) -> String {
    settings.replacen("roles = [\"events\"]", &format!("roles = [\"events\", {roles}]"), 1) + more
}

pub fn settings(base_url: &str) -> String {
    format!(
        r#"
[organization]
name = "Associação Exemplo"
timezone = "America/Sao_Paulo"

[document]
code = "PA08-RL01"
revision = "0.0"
published = 2025-11-24

[[blip.key]]
name = "desk"
base_url = "{base_url}"
key_file = "keys/desk.key"
roles = ["desk"]
commands_per_second = 50000

[[blip.key]]
name = "router"
base_url = "{base_url}"
key_file = "keys/router.key"
roles = ["events"]
commands_per_second = 50000

[sectors]
"Financeiro" = ["Financeiro", "Cobrança"]
[sectors.rules]
direct_transfer = "inherit"
default_queue = "Sem roteamento"

[satisfaction]
source = "events"
category = "Pesquisa de satisfação"
scale = "1-5"
satisfied_from = 4
sector_extra = "fila"
comment_extra = "comentario"
answers = {{ "Péssimo" = 1, "Ruim" = 2, "Regular" = 3, "Bom" = 4, "Ótimo" = 5 }}

[privacy]
pseudonym_key_file = "keys/pseudonym.key"
keep_comments = true
"#
    )
}
