//! The launcher of a cluster, as a process: what starts it, and who waits for it.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    os::unix::fs::FileExt,
    path::Path,
    process::{Child, Command, ExitStatus},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::cluster::{ClusterNews, Watcher};
use crate::files::FileMode;

/// How often a job is told that somebody waits for it.
const BEAT: Duration = Duration::from_millis(500);

/// How long a launcher has to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// What a driver's lines begin with.
const NEWS: &str = "relato:";

/// How a shell ends that does not find what it is to start.
const NO_SUCH_COMMAND: i32 = 127;

/// Returns what starts `program`. What it makes is for workers, who may run as other users: where there is a `mode`, it leaves out of
/// permissions what that leaves out.
pub(super) fn command(program: &Path, mode: Option<FileMode>) -> Command {
    let Some(mode) = mode else { return Command::new(program) };
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "umask \"$0\" && { command -v \"$1\" >/dev/null || exit 127; } && exec \"$@\""]);
    command.arg(format!("{:04o}", 0o777 & !mode.of_folder())).arg(program);
    command
}

/// Returns whether a launcher that ended so was not there; without a `mode` the system had said so before.
pub(super) fn is_missing(status: ExitStatus, mode: Option<FileMode>) -> bool {
    mode.is_some() && status.code() == Some(NO_SUCH_COMMAND)
}

/// A launcher that was started.
pub(super) struct Launched {
    pub child: Child,
}

impl Launched {
    /// Waits for its end, says in `alive` meanwhile that somebody waits, and passes on what it tells; none when it took too long, or is not
    /// wanted any more.
    pub fn wait(mut self, alive: &File, seconds: u64, watcher: &Watcher<'_>) -> std::io::Result<Option<ExitStatus>> {
        let stdout = self.child.stdout.take().expect("a pipe");
        let (tell, news) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Some(event) = line.strip_prefix(NEWS).and_then(|text| serde_json::from_str::<ClusterNews>(text).ok()) else { continue };
                if tell.send(event).is_err() {
                    break;
                }
            }
        });
        let (began, limit) = (Instant::now(), Duration::from_secs(seconds));
        for beat in 0_u64.. {
            alive.write_all_at(format!("{beat:020}").as_bytes(), 0)?;
            let until = Instant::now() + BEAT;
            loop {
                match news.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(event) => (watcher.told)(&event),
                    Err(RecvTimeoutError::Timeout) => break,
                    // It has closed its output and is about to end.
                    Err(RecvTimeoutError::Disconnected) => {
                        thread::sleep(Duration::from_millis(20));
                        break;
                    }
                }
            }
            if let Some(status) = self.child.try_wait()? {
                for event in news.try_iter() {
                    (watcher.told)(&event);
                }
                return Ok(Some(status));
            }
            if began.elapsed() >= limit || !(watcher.is_wanted)() {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

/// A launcher that nobody waits for any longer is ended with all that it started.
impl Drop for Launched {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let Ok(group) = i32::try_from(self.child.id()).map(Pid::from_raw) else { return };
        let _ = killpg(group, Signal::SIGTERM);
        let began = Instant::now();
        while began.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
