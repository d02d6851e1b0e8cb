//! Queries on a Spark cluster: they are gathered, handed over as one job, and their results read back as files.
//!
//! The launcher is started as a process of its own. What is to be run, and what came of it, lies in a folder that every worker sees;
//! nothing of a job is read before its driver says that all of it is there.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, Read},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::launcher::{self, Launched};
use crate::{
    config::{Project, SparkSettings},
    files::{self, FileMode},
    snapshot::{Part, Snapshot},
};

/// The script that Spark's driver runs.
const DRIVER: &str = include_str!("../../assets/spark/run_queries.py");

/// A job that came to nothing. Nothing of it is used then.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// None is declared.
    #[error("there is no [engine.spark] in relato.toml, which says how Spark is started")]
    Undeclared,
    /// The launcher cannot be started.
    #[error("`{command}` cannot be started: {reason}")]
    Launcher {
        /// The launcher.
        command: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The folder of jobs cannot be used.
    #[error("the folder of jobs `{folder}` cannot be used: {reason}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A query failed there.
    #[error("query `{query}` failed on the cluster: {reason}")]
    Query {
        /// The query.
        query: String,
        /// What Spark says.
        reason: String,
    },
    /// The job ended without having said what came of it.
    #[error("the cluster did not do the job ({status}): {reason}")]
    Job {
        /// How the launcher ended.
        status: ExitStatus,
        /// What it said last.
        reason: String,
    },
    /// It took too long.
    #[error("the job on the cluster was stopped after {0} seconds")]
    TooLong(u64),
    /// Whoever asked did not want to wait any longer.
    #[error("the job on the cluster was cancelled")]
    Cancelled,
    /// A table is made on this machine, where workers do not see it.
    #[error("the table `{0}` is made on this machine for whoever asks, and no worker sees it: leave out `--engine spark`")]
    Local(String),
    /// What lies there is not what was written.
    #[error("the result of query `{query}` is damaged: {reason}")]
    Result {
        /// The query.
        query: String,
        /// What is wrong.
        reason: String,
    },
}

/// What a running job tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ClusterNews {
    /// Spark has taken it.
    Started {
        /// Version of Spark.
        spark: String,
        /// How many queries it has.
        queries: usize,
    },
    /// A query is done.
    Query {
        /// Its name.
        name: String,
        /// Rows of its result.
        rows: u64,
        /// Milliseconds.
        ms: u64,
    },
    /// An executor is gone; Spark does its work again on others.
    ExecutorLost {
        /// Spark's name of it.
        executor: String,
    },
    /// The job was not waited for any more.
    Abandoned,
}

/// Whoever waits for a job.
pub struct Watcher<'a> {
    /// Hears what the job tells.
    pub told: &'a dyn Fn(&ClusterNews),
    /// Says whether it is still wanted.
    pub is_wanted: &'a dyn Fn() -> bool,
}

/// Value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Literal {
    /// None.
    Null(()),
    /// A day.
    Date(NaiveDate),
    /// Words.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
}

impl From<Option<String>> for Literal {
    fn from(text: Option<String>) -> Literal {
        text.map_or(Literal::Null(()), Literal::Text)
    }
}

/// A query as the cluster is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Request {
    pub name: String,
    pub sql: String,
    pub parameters: BTreeMap<String, Literal>,
    /// Parts by table, as workers name them.
    pub tables: BTreeMap<String, Vec<String>>,
}

/// Files of a result, in its order.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub files: Vec<PathBuf>,
    pub rows: u64,
}

#[derive(Serialize)]
struct Job<'a> {
    queries: Vec<Numbered<'a>>,
    later_columns: BTreeMap<&'a str, Vec<(&'a str, &'a str)>>,
    later_tables: BTreeMap<&'a str, &'a str>,
    parallel: u64,
}

#[derive(Serialize)]
struct Numbered<'a> {
    id: String,
    #[serde(flatten)]
    request: &'a Request,
}

#[derive(Deserialize)]
struct Told {
    failed: Option<Failed>,
    rows: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Failed {
    query: Option<String>,
    reason: String,
}

/// Columns that parts of earlier versions may not have: table, column and what makes it. Tables that the snapshot does not have, with their columns.
pub(super) type Later = (&'static [(&'static str, &'static str, &'static str)], BTreeMap<&'static str, &'static str>);

/// A way to a cluster, with what was asked of it and what it answered.
pub struct Cluster {
    settings: SparkSettings,
    /// Folder of the jobs.
    folder: PathBuf,
    /// Permissions of what workers read, who may run as other users.
    sharing: Option<FileMode>,
    asked: RefCell<Vec<Request>>,
    answered: RefCell<Vec<(Request, Answer)>>,
    /// Keeps the answers' files.
    jobs: RefCell<Vec<Claimed>>,
}

/// A job's folder, and the lock by which others know that somebody waits for it.
struct Claimed {
    folder: TempDir,
    alive: File,
}

impl Cluster {
    /// Makes a way to the cluster of a project.
    ///
    /// # Errors
    /// When none is declared.
    pub fn of(project: &Project) -> Result<Cluster, ClusterError> {
        let settings = project.settings.engine.spark.clone().ok_or(ClusterError::Undeclared)?;
        let folder = project.cluster_dir();
        let sharing = project.shared_mode();
        Ok(Cluster { settings, folder, sharing, asked: RefCell::default(), answered: RefCell::default(), jobs: RefCell::default() })
    }

    /// Returns how workers name a part of a snapshot.
    pub fn path(&self, snapshot: &Snapshot, part: &Part) -> String {
        // Spark's own name of S3 is another.
        let address = || snapshot.address()?.strip_prefix("s3://").map(|place| format!("s3a://{place}"));
        let lake = self.settings.lake.clone().or_else(address).unwrap_or_else(|| {
            let folder = std::path::absolute(&snapshot.folder).unwrap_or_else(|_| snapshot.folder.clone());
            format!("file://{}", folder.display())
        });
        format!("{lake}/{}", part.path)
    }

    /// Returns the answer to `request`, or notes that it is wanted.
    pub(super) fn answer(&self, request: Request) -> Option<Answer> {
        if let Some((_, answer)) = self.answered.borrow().iter().find(|(known, _)| *known == request) {
            return Some(answer.clone());
        }
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&request) {
            asked.push(request);
        }
        None
    }

    /// Has the cluster answer one question over tables of these files, as workers name them, and returns the files of the answer in its
    /// order. They last as long as this value.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn ask(
        &self,
        sql: &str,
        parameters: BTreeMap<String, Literal>,
        tables: BTreeMap<String, Vec<String>>,
        watcher: &Watcher<'_>,
    ) -> Result<Vec<PathBuf>, ClusterError> {
        let request = Request { name: "question".to_owned(), sql: sql.to_owned(), parameters, tables };
        if self.answer(request.clone()).is_none() {
            self.submit((&[], BTreeMap::new()), watcher)?;
        }
        Ok(self.answer(request).map(|answer| answer.files).unwrap_or_default())
    }

    /// Has the cluster answer what is wanted, as one job, and returns whether there was anything.
    pub(super) fn submit(&self, later: Later, watcher: &Watcher<'_>) -> Result<bool, ClusterError> {
        let asked = std::mem::take(&mut *self.asked.borrow_mut());
        if asked.is_empty() {
            return Ok(false);
        }
        let mut later_columns: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (table, column, made) in later.0 {
            later_columns.entry(table).or_default().push((column, made));
        }
        let queries: Vec<Numbered<'_>> =
            asked.iter().enumerate().map(|(number, request)| Numbered { id: format!("result-{number:04}"), request }).collect();
        let job = Job { queries, later_columns, later_tables: later.1, parallel: self.settings.parallel };
        let claimed = self.claim()?;
        let rows = self.run(&job, &claimed, watcher)?;
        let mut answers = Vec::new();
        for numbered in &job.queries {
            let query = &numbered.request.name;
            let rows =
                *rows.get(&numbered.id).ok_or_else(|| ClusterError::Result { query: query.clone(), reason: "it is missing".to_owned() })?;
            let files = result_files(&claimed.folder.path().join(&numbered.id))
                .map_err(|error| ClusterError::Result { query: query.clone(), reason: error.to_string() })?;
            answers.push((numbered.request.clone(), Answer { files, rows }));
        }
        self.answered.borrow_mut().extend(answers);
        self.jobs.borrow_mut().push(claimed);
        Ok(true)
    }

    /// Makes a folder for a job, and removes those that nobody waits for any more.
    fn claim(&self) -> Result<Claimed, ClusterError> {
        let failed = |reason| ClusterError::Folder { folder: self.folder.clone(), reason };
        files::make_shared_folder(&self.folder, self.sharing).map_err(|error| failed(error.source))?;
        for entry in fs::read_dir(&self.folder).map_err(failed)?.flatten() {
            let is_abandoned = || files::open_unlinked(&entry.path().join("alive")).is_ok_and(|file| file.try_lock().is_ok());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && entry.file_name().to_string_lossy().starts_with(JOB) && is_abandoned() {
                // Another process may remove it at the same time.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        // Workers may run as another user of the same group; nobody else reads what is in it.
        let absolute = std::path::absolute(&self.folder).map_err(failed)?;
        let folder =
            tempfile::Builder::new().prefix(JOB).permissions(fs::Permissions::from_mode(0o770)).tempdir_in(absolute).map_err(failed)?;
        if let Some(mode) = self.sharing {
            // The system takes away from what the builder gives.
            let bits = mode.of_folder() & 0o770;
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(bits)).map_err(failed)?;
        }
        // Under its name it is locked from the first moment on.
        let (new, name) = (folder.path().join("alive.new"), folder.path().join("alive"));
        let alive = File::create_new(&new).map_err(failed)?;
        self.share(&new).map_err(failed)?;
        alive.try_lock().map_err(|error| failed(error.into()))?;
        fs::rename(new, name).map_err(failed)?;
        Ok(Claimed { folder, alive })
    }

    /// Lets workers read a file, where they may run as other users.
    fn share(&self, file: &Path) -> std::io::Result<()> {
        self.sharing.map_or(Ok(()), |mode| mode.set_file(file).map_err(|error| error.source))
    }

    /// Runs a job to its end and returns the rows of each result.
    fn run(&self, job: &Job<'_>, claimed: &Claimed, watcher: &Watcher<'_>) -> Result<BTreeMap<String, u64>, ClusterError> {
        let folder = claimed.folder.path();
        let failed = |reason| ClusterError::Folder { folder: folder.to_owned(), reason };
        let (script, log) = (folder.join("run_queries.py"), folder.join("spark.log"));
        fs::write(&script, DRIVER).map_err(failed)?;
        fs::write(folder.join("job.json"), serde_json::to_vec(job).expect("a job has only texts and numbers")).map_err(failed)?;
        self.share(&script).and_then(|()| self.share(&folder.join("job.json"))).map_err(failed)?;
        let mut command = launcher::command(&self.settings.command, self.sharing);
        command.args(&self.settings.arguments).arg(&script).arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).map_err(failed)?).process_group(0);
        let child = command.spawn();
        let child = child.map_err(|reason| ClusterError::Launcher { command: self.settings.command.display().to_string(), reason })?;
        let status = Launched { child }.wait(&claimed.alive, self.settings.seconds, watcher).map_err(failed)?;
        let status = match status {
            Some(status) => status,
            None if !(watcher.is_wanted)() => return Err(ClusterError::Cancelled),
            None => return Err(ClusterError::TooLong(self.settings.seconds)),
        };
        if launcher::is_missing(status, self.sharing) && !folder.join("result.json").exists() {
            let reason = std::io::ErrorKind::NotFound.into();
            return Err(ClusterError::Launcher { command: self.settings.command.display().to_string(), reason });
        }
        let Ok(text) = fs::read(folder.join("result.json")) else {
            return Err(ClusterError::Job { status, reason: said_last(&log) });
        };
        let result: Told = serde_json::from_slice(&text).map_err(|error| ClusterError::Job { status, reason: error.to_string() })?;
        match result.failed {
            None => Ok(result.rows),
            Some(Failed { query: Some(query), reason }) => Err(ClusterError::Query { query, reason }),
            Some(Failed { query: None, reason }) => Err(ClusterError::Job { status, reason }),
        }
    }
}

/// How the folders of jobs begin.
const JOB: &str = "job-";

/// Returns the files of a result in its order: Spark numbers them by it.
fn result_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("part-") && path.extension().is_some_and(|ending| ending == "parquet") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Returns the last line of a launcher's log that tells of an error, or else the last line.
fn said_last(log: &Path) -> String {
    const LONGEST: usize = 400;
    let mut text = String::new();
    if let Ok(file) = File::open(log) {
        let _ = BufReader::new(file).take(16 << 20).read_to_string(&mut text);
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error =
        |line: &&str| ["ERROR", "Error", "Exception", "error:"].iter().any(|word| line.contains(word)) && !line.starts_with("at ");
    let line = lines().rfind(is_error).or_else(|| lines().next_back()).unwrap_or("it said nothing");
    line.chars().take(LONGEST).collect()
}
