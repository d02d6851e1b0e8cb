//! Progress on standard error: a bar where a person watches, a log line a stage where none does.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{ingest::Progress, query::ClusterNews, report};

/// Returns a progress that suits standard error.
pub fn of_terminal(wanted: bool) -> Box<dyn Progress> {
    if wanted && std::io::stderr().is_terminal() { Box::new(Bar(Mutex::new(None))) } else { Box::new(Logged(Mutex::new(None))) }
}

/// The stage under way, when it began and how many steps are done.
struct Logged(Mutex<Option<(String, Instant, usize)>>);

impl Logged {
    fn replace(&self, stage: Option<(String, Instant, usize)>) {
        let earlier = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), stage);
        if let Some((stage, began, steps)) = earlier {
            let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(ingest.stage = stage, steps, duration_ms, "stage done");
        }
    }
}

impl Progress for Logged {
    fn start(&self, stage: &str, _total: Option<usize>) {
        self.replace(Some((stage.to_owned(), Instant::now(), 0)));
    }

    fn advance(&self, steps: usize) {
        if let Some((_, _, done)) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            *done += steps;
        }
    }

    fn finish(&self) {
        self.replace(None);
    }
}

struct Bar(Mutex<Option<ProgressBar>>);

impl Bar {
    fn replace(&self, bar: Option<ProgressBar>) {
        let earlier = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), bar);
        if let Some(earlier) = earlier {
            earlier.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn start(&self, stage: &str, total: Option<usize>) {
        let bar = match total {
            Some(total) => {
                let style = ProgressStyle::with_template("{msg:24} {bar:36} {pos}/{len} {eta}").expect("the template is valid");
                ProgressBar::new(total as u64).with_style(style)
            }
            None => {
                ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{msg:24} {spinner}").expect("the template is valid"))
            }
        };
        bar.set_message(stage.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.replace(Some(bar));
    }

    fn advance(&self, steps: usize) {
        if let Some(bar) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.inc(steps as u64);
        }
    }

    fn finish(&self) {
        self.replace(None);
    }
}

/// How far a cluster is with a report: a bar where a person watches, lines in the log otherwise.
pub struct ClusterWatch(Option<Bar>);

impl ClusterWatch {
    pub fn of_terminal(wanted: bool) -> ClusterWatch {
        ClusterWatch((wanted && std::io::stderr().is_terminal()).then(|| Bar(Mutex::new(None))))
    }

    pub fn hear(&self, news: &ClusterNews) {
        match (&self.0, news) {
            (Some(bar), ClusterNews::Started { queries, .. }) => bar.start("queries on the cluster", Some(*queries)),
            (Some(bar), ClusterNews::Query { .. }) => bar.advance(1),
            (None, _) | (_, ClusterNews::ExecutorLost { .. } | ClusterNews::Abandoned) => report::log(news),
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish();
        }
    }
}
