//! The project folder and what it adds to the embedded defaults.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use include_dir::{Dir, include_dir};

use super::{Bucket, Channels, ConfigError, LakePlace, Problem, Recipients, ReportSpec, ScheduleSpec, Settings, Team, delivery, toml_file};
use crate::{domain::digest::sha256, files::FileMode};

static REPORTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/reports");
static SCHEDULES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/schedules");
static QUERIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/queries");

/// A folder with `relato.toml` and the user's own reports and queries.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder.
    pub dir: PathBuf,
    /// The content of `relato.toml`.
    pub settings: Settings,
}

impl Project {
    /// Name of the settings file.
    pub const SETTINGS_FILE: &'static str = "relato.toml";

    /// Opens the project in `dir`.
    ///
    /// # Errors
    /// Every mistake in `relato.toml`.
    pub fn open(dir: &Path) -> Result<Project, ConfigError> {
        let path = dir.join(Self::SETTINGS_FILE);
        if !path.exists() {
            return Err(Problem::of_file(&path, "no such file: this folder is not a Relato project")
                .with_help("create one with `relato init DIR`, name one with `--project DIR`, or try `relato demo`")
                .into());
        }
        let text = toml_file::read_text(&path)?;
        let mut settings = Settings::parse(&path, &text)?;
        settings.document.logo = settings.document.logo_file.as_ref().map(|file| logo(&dir.join(file))).transpose()?;
        Ok(Project { dir: dir.to_owned(), settings })
    }

    /// Returns the folder of all data.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join(&self.settings.data_dir)
    }

    /// Returns the live database.
    pub fn store_file(&self) -> PathBuf {
        self.data_dir().join("live.duckdb")
    }

    /// Returns the file that says what time it was at Blip when a load asked last.
    pub fn heard_file(&self) -> PathBuf {
        self.data_dir().join("heard")
    }

    /// Returns the time at Blip when a load heard it last; none where none has, or the note cannot be read.
    pub fn heard(&self) -> Option<DateTime<Utc>> {
        std::fs::read_to_string(self.heard_file()).ok()?.parse().ok()
    }

    /// Returns the file of today's numbers as the last load saw them.
    pub fn live_file(&self) -> PathBuf {
        self.data_dir().join("live.json")
    }

    /// Returns the ledger of what was published.
    pub fn ledger_file(&self) -> PathBuf {
        self.data_dir().join("ledger.sqlite")
    }

    /// Returns a digest of the project's own files, by which a change is noticed.
    pub fn fingerprint(&self) -> String {
        let mut all: Vec<u8> = Vec::new();
        let mut feed = |path: &Path| {
            let text = std::fs::read(path).unwrap_or_default();
            all.extend([path.to_string_lossy().as_bytes(), b"\0", &text, b"\0"].concat());
        };
        feed(&self.dir.join(Self::SETTINGS_FILE));
        feed(&self.dir.join("recipients.toml"));
        if let Some(logo) = &self.settings.document.logo_file {
            feed(&self.dir.join(logo));
        }
        for folder in ["schedules", "reports"] {
            let entries = std::fs::read_dir(self.dir.join(folder)).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.sort();
            for path in &paths {
                feed(path);
            }
        }
        sha256(&all)
    }

    /// Returns the file whose lock is the right to send.
    pub fn serve_lock(&self) -> PathBuf {
        self.data_dir().join("serve.lock")
    }

    /// Returns the folder of reports that are on their way.
    pub fn outbox_dir(&self) -> PathBuf {
        self.data_dir().join("outbox")
    }

    /// Returns who receives what is of a sector, and groups of people.
    ///
    /// # Errors
    /// Every mistake in `recipients.toml`.
    pub fn recipients(&self) -> Result<Recipients, ConfigError> {
        delivery::recipients(&self.dir.join("recipients.toml"))
    }

    /// Returns the file of the team as declared.
    pub fn team_file(&self) -> PathBuf {
        self.dir.join(Team::FILE)
    }

    /// Returns the team as declared.
    ///
    /// # Errors
    /// When there is no such file, and every mistake in it.
    pub fn team(&self) -> Result<Team, ConfigError> {
        let path = self.team_file();
        declared(&path, "write today's state as such a file with `relato team pull --out team.toml`")
            .and_then(|text| Team::parse(&path, &text))
    }

    /// Returns the channels as declared.
    ///
    /// # Errors
    /// When there is no such file, and every mistake in it.
    pub fn channels(&self) -> Result<Channels, ConfigError> {
        let path = self.dir.join(Channels::FILE);
        declared(&path, "write today's state as such a file with `relato channel pull --out channels.toml`")
            .and_then(|text| Channels::parse(&path, &text))
    }

    /// Returns the folder of plans, undo files and what was seen last.
    pub fn ops_dir(&self) -> PathBuf {
        self.data_dir().join("ops")
    }

    /// Returns the file of what the last comparison with Blip found, of the `team` or of the `channel`s.
    pub fn look_file(&self, subject: &str) -> PathBuf {
        self.ops_dir().join(format!("{subject}-seen.json"))
    }

    /// Returns the folder of published snapshots; of a lake on object storage, the folder of what this machine keeps of it.
    pub fn snapshot_dir(&self) -> PathBuf {
        let Some(lake) = &self.settings.lake else { return self.data_dir().join("snapshots") };
        let folder = match &lake.place {
            LakePlace::Folder(folder) => self.dir.join(folder),
            LakePlace::Bucket(_) => self.data_dir().join("lake"),
        };
        lake.owner.as_ref().map_or_else(|| folder.clone(), |owner| folder.join(format!("owner={owner}")))
    }

    /// Returns the bucket in which the lake lies, if it lies in one.
    pub fn bucket(&self) -> Option<&Bucket> {
        match self.settings.lake.as_ref().map(|lake| &lake.place) {
            Some(LakePlace::Bucket(bucket)) => Some(bucket),
            _ => None,
        }
    }

    /// Returns whether this project reads what all owners of a lake have, and publishes nothing itself.
    pub fn reads_all_owners(&self) -> bool {
        self.settings.lake.as_ref().is_some_and(|lake| lake.owner.is_none())
    }

    /// Returns the folder where jobs for a cluster and their results lie while they run.
    pub fn cluster_dir(&self) -> PathBuf {
        let declared = self.settings.engine.spark.as_ref().and_then(|spark| spark.work_dir.as_ref());
        declared.map_or_else(|| self.data_dir().join("cluster"), |folder| self.dir.join(folder))
    }

    /// Returns the permissions of files that other users of the system may read: in a lake, in `work_dir` and in folder deliveries. None
    /// leaves them as the system makes them.
    pub fn shared_mode(&self) -> Option<FileMode> {
        self.settings.shared_file_mode.or_else(FileMode::usual)
    }

    /// Returns the texts of all queries by path within `queries/`, such as `reports/overview.sql`; the project's own files
    /// stand in for embedded ones of the same path.
    ///
    /// # Errors
    /// When a file of the project cannot be read.
    pub fn query_texts(&self) -> Result<BTreeMap<String, String>, ConfigError> {
        texts(&QUERIES, &self.dir.join("queries"), "sql")
    }

    /// Returns the default reports, schedules and queries by path within a project.
    pub fn default_files() -> Vec<(String, String)> {
        let place = |folder: &str, files: BTreeMap<String, String>| -> Vec<(String, String)> {
            files.into_iter().map(|(path, text)| (format!("{folder}/{path}"), text)).collect()
        };
        let mut files = place("queries", embedded(&QUERIES, "sql"));
        files.extend(place("reports", embedded(&REPORTS, "toml")));
        files.extend(place("schedules", embedded(&SCHEDULES, "toml")));
        files
    }

    /// Returns the embedded queries by path within `queries/`.
    pub fn embedded_query_texts() -> BTreeMap<String, String> {
        embedded(&QUERIES, "sql")
    }

    /// Returns the report definitions by name.
    ///
    /// # Errors
    /// Every mistake in any of them.
    pub fn reports(&self) -> Result<BTreeMap<String, ReportSpec>, ConfigError> {
        parse_all(&REPORTS, &self.dir.join("reports"), ReportSpec::parse)
    }

    /// Returns the schedules by name.
    ///
    /// # Errors
    /// Every mistake in any of them.
    pub fn schedules(&self) -> Result<BTreeMap<String, ScheduleSpec>, ConfigError> {
        parse_all(&SCHEDULES, &self.dir.join("schedules"), ScheduleSpec::parse)
    }
}

/// Largest logo that every page is to carry.
const LARGEST_LOGO: usize = 1 << 20;

fn logo(path: &Path) -> Result<Arc<[u8]>, Problem> {
    let bytes = std::fs::read(path).map_err(|error| Problem::of_file(path, format!("the logo cannot be read: {error}")))?;
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(Problem::of_file(path, "the logo is no PNG"));
    }
    if bytes.len() > LARGEST_LOGO {
        return Err(Problem::of_file(path, format!("the logo has {} kB (accepted: up to {} kB)", bytes.len() >> 10, LARGEST_LOGO >> 10)));
    }
    Ok(bytes.into())
}

fn declared(path: &Path, help: &str) -> Result<Arc<str>, ConfigError> {
    if path.exists() {
        return Ok(toml_file::read_text(path)?);
    }
    Err(Problem::of_file(path, "no such file").with_help(help).into())
}

/// Reads a definition: its name, its place and its text.
type Parse<T> = fn(&str, &Path, &Arc<str>) -> Result<T, ConfigError>;

/// Reads all definitions of a folder, and gathers the mistakes of all of them.
fn parse_all<T>(defaults: &Dir<'_>, own: &Path, parse: Parse<T>) -> Result<BTreeMap<String, T>, ConfigError> {
    let mut definitions = BTreeMap::new();
    let mut problems = Vec::new();
    for (path, text) in texts(defaults, own, "toml")? {
        let name = path.trim_end_matches(".toml").to_owned();
        match parse(&name, &own.join(&path), &text.into()) {
            Ok(definition) => {
                definitions.insert(name, definition);
            }
            Err(error) => problems.extend(error.problems),
        }
    }
    if problems.is_empty() { Ok(definitions) } else { Err(ConfigError { problems }) }
}

fn texts(defaults: &Dir<'_>, own: &Path, ending: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut texts = embedded(defaults, ending);
    let mut folders = vec![own.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.map_err(|error| Problem::of_file(&folder, format!("cannot be listed: {error}")))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                let name = path.strip_prefix(own).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                texts.insert(name, toml_file::read_text(&path)?.to_string());
            }
        }
    }
    Ok(texts)
}

fn embedded(dir: &Dir<'_>, ending: &str) -> BTreeMap<String, String> {
    let own = dir.files().filter(|file| file.path().extension().is_some_and(|found| found == ending)).map(|file| {
        let text = file.contents_utf8().expect("embedded texts are UTF-8");
        (file.path().to_string_lossy().into_owned(), text.to_owned())
    });
    own.chain(dir.dirs().flat_map(|dir| embedded(dir, ending))).collect()
}
