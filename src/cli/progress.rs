//! Progress on standard error: a bar where a person watches, a log line a stage where none does.

use std::{io::IsTerminal, sync::Mutex, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::ingest::{Progress, Silent};

/// Returns a progress that suits standard error.
pub fn of_terminal(wanted: bool) -> Box<dyn Progress> {
    if wanted && std::io::stderr().is_terminal() { Box::new(Bar(Mutex::new(None))) } else { Box::new(Silent) }
}

struct Bar(Mutex<Option<ProgressBar>>);

impl Bar {
    fn replace(&self, bar: Option<ProgressBar>) {
        let earlier = std::mem::replace(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner), bar);
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
        if let Some(bar) = &*self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            bar.inc(steps as u64);
        }
    }

    fn finish(&self) {
        self.replace(None);
    }
}
