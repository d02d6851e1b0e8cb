//! Asks one question of a process of its own, and waits no longer than it may.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use super::{
    Reached,
    worker::{Job, Outcome, Value},
};
use crate::{config::QueryLimits, files::PrivateFolder, query::AnswerColumn};

/// Name of the hidden command that answers.
pub const COMMAND: &str = "answer-question";

/// A question that did not come to an answer.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The engine refused it.
    #[error("{message}")]
    Engine {
        /// What the engine says.
        message: String,
        /// Where in the SQL, in bytes.
        at: Option<usize>,
    },
    /// It has more rows than it may.
    #[error("the answer has more than {0} rows")]
    TooManyRows(u64),
    /// It took too long.
    #[error("the question was stopped after {0} seconds")]
    TooLong(u64),
    /// Whoever asked did not want to wait any longer.
    #[error("the question was cancelled")]
    Cancelled,
    /// The process that answers ended before it had told an outcome.
    #[error("the system ended the question ({status}): it needed more memory than it may use ({memory_mb} MB), or more of the processor")]
    Died {
        /// The limit.
        memory_mb: u64,
        /// How it ended.
        status: ExitStatus,
    },
    /// The process that answers cannot be started, or does not talk.
    #[error("the process that answers questions cannot be used")]
    Process(#[source] std::io::Error),
}

/// An answer in its file.
#[derive(Debug)]
pub struct Answered {
    /// The columns, in order.
    pub columns: Vec<AnswerColumn>,
    /// Its rows.
    pub rows: u64,
    /// Milliseconds that the engine took.
    pub engine_ms: f64,
    /// The file, as [`AnswerFile`](crate::query::AnswerFile) reads it; it goes with `folder`.
    pub file: PathBuf,
    /// Keeps the file.
    pub folder: PrivateFolder,
}

/// Asks `sql` of the tables that are reached. `keep_waiting` is called often, with the time since the start, and may cancel.
///
/// # Errors
/// Why there is no answer. Nothing is left of it then.
pub fn ask(
    ready: Ready,
    sql: &str,
    reached: &Reached,
    parameters: BTreeMap<String, Value>,
    limits: QueryLimits,
    keep_waiting: &mut dyn FnMut(Duration) -> bool,
) -> Result<Answered, SessionError> {
    let folder = PrivateFolder::make().map_err(SessionError::Process)?;
    let spill = folder.path().join("spill");
    fs::create_dir(&spill).map_err(SessionError::Process)?;
    let answer = folder.path().join("answer.arrow");
    let job = Job { sql: sql.to_owned(), tables: reached.files.clone(), parameters, answer, spill, limits };
    match ready.run(&job, keep_waiting)? {
        Outcome::Answered { rows, columns, engine_ms } => Ok(Answered { columns, rows, engine_ms, file: job.answer, folder }),
        Outcome::TooManyRows => Err(SessionError::TooManyRows(limits.rows)),
        Outcome::Failed { message, at } => Err(SessionError::Engine { message, at }),
    }
}

/// How often whoever asked is told that it still runs.
const PATIENCE: Duration = Duration::from_millis(100);

/// A process that is ready to answer one question. It starts while the question is still being looked at; where that is refused, it ends
/// without having been told anything.
#[derive(Debug)]
pub struct Ready {
    child: Child,
}

impl Ready {
    /// Starts the process; `program` is this program.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn start(program: &Path) -> Result<Ready, SessionError> {
        let mut command = Command::new(program);
        // What the engine calls is looked up while the question is looked at, not call by call while it runs.
        command
            .arg(COMMAND)
            .arg(std::process::id().to_string())
            .env_clear()
            .env("LD_BIND_NOW", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Ok(Ready { child: command.spawn().map_err(SessionError::Process)? })
    }

    fn run(mut self, job: &Job, keep_waiting: &mut dyn FnMut(Duration) -> bool) -> Result<Outcome, SessionError> {
        let (mut stdin, mut stdout) = (self.child.stdin.take().expect("a pipe"), self.child.stdout.take().expect("a pipe"));
        let text = serde_json::to_vec(job).expect("a job has only texts and numbers");
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            // A process that died before it read all of it is noticed by its silence.
            let _ = stdin.write_all(&text);
            drop(stdin);
            let mut outcome = Vec::new();
            let read = stdout.read_to_end(&mut outcome).map(|_| outcome);
            let _ = tell.send(read);
        });
        self.wait(&told, job.limits, keep_waiting)
    }

    fn wait(
        &mut self,
        told: &Receiver<std::io::Result<Vec<u8>>>,
        limits: QueryLimits,
        keep_waiting: &mut dyn FnMut(Duration) -> bool,
    ) -> Result<Outcome, SessionError> {
        let began = Instant::now();
        let limit = Duration::from_secs(limits.seconds);
        let told = loop {
            let left = limit.saturating_sub(began.elapsed());
            match told.recv_timeout(PATIENCE.min(left)) {
                Ok(told) => break told.map_err(SessionError::Process)?,
                Err(RecvTimeoutError::Disconnected) => break Vec::new(),
                Err(RecvTimeoutError::Timeout) if began.elapsed() >= limit => return Err(SessionError::TooLong(limits.seconds)),
                Err(RecvTimeoutError::Timeout) if !keep_waiting(began.elapsed()) => return Err(SessionError::Cancelled),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        match serde_json::from_slice(&told) {
            Ok(outcome) => Ok(outcome),
            Err(_) if !keep_waiting(began.elapsed()) => Err(SessionError::Cancelled),
            Err(_) => {
                let status = self.child.wait().map_err(SessionError::Process)?;
                Err(SessionError::Died { memory_mb: limits.memory_mb, status })
            }
        }
    }
}

/// A process that nobody waits for any longer is ended.
impl Drop for Ready {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
