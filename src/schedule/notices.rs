//! What the owner of a schedule and operations are told when it does not go as it should: cause and remedy.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    config::ScheduleSpec,
    ledger::{DeliveryState, Notice, Run},
    render::Locale,
};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody has the report.
    Failed {
        /// Why.
        cause: String,
    },
    /// Some do not have it.
    Partial {
        /// Why.
        cause: String,
        /// Who does not.
        without: Vec<String>,
    },
    /// Nobody can know whether it arrived.
    Maybe {
        /// Why.
        cause: String,
        /// Where.
        recipient: String,
    },
    /// It went out before its period was closed.
    Held {
        /// What is missing.
        cause: String,
    },
    /// Its time passed while nothing ran.
    Missed,
    /// It should be there and is not.
    Late {
        /// By when it should have been.
        due: String,
        /// Where it stands.
        cause: String,
    },
}

impl Trouble {
    fn name(&self) -> &'static str {
        match self {
            Trouble::Failed { .. } => "failed",
            Trouble::Partial { .. } => "partial",
            Trouble::Maybe { .. } => "maybe",
            Trouble::Held { .. } => "held",
            Trouble::Missed => "missed",
            Trouble::Late { .. } => "late",
        }
    }
}

/// Of which run a notice tells.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The schedule.
    pub spec: &'a ScheduleSpec,
    /// The instant that it means.
    pub planned_at: DateTime<Utc>,
    /// The days.
    pub period: &'a str,
    /// What makes the notice one of its own, beside the trouble.
    pub key: &'a str,
}

impl<'a> About<'a> {
    /// Of this run.
    pub fn run(spec: &'a ScheduleSpec, run: &'a Run, key: &'a str) -> About<'a> {
        About { spec, planned_at: run.planned_at, period: &run.period, key }
    }
}

/// Returns a notice for each of the owner, whom the schedule names, and operations.
pub fn notices(about: About<'_>, trouble: &Trouble, operations: &[String], locale: &Locale) -> Vec<Notice> {
    let About { spec, planned_at, period, key } = about;
    let name = trouble.name();
    let instant = planned_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let planned = format!("{} ({})", locale.time(spec.timezone.local(planned_at)), spec.timezone);
    let said = |key: &str, values: &[(&str, &str)]| locale.text_with(key, values);
    let mut lines = vec![said("notice-run", &[("report", &spec.report), ("period", period), ("planned", &planned)])];
    let with_cause = |cause: &str| said("notice-cause", &[("cause", cause)]);
    let run = [("schedule", spec.name.as_str()), ("instant", instant.as_str())];
    match trouble {
        Trouble::Failed { cause } => {
            lines.push(with_cause(cause));
            lines.push(said("notice-remedy-failed", &run));
        }
        Trouble::Partial { cause, without } => {
            lines.push(with_cause(cause));
            lines.push(said("notice-recipients", &[("recipients", &without.join(", "))]));
            lines.push(said("notice-remedy-failed", &run));
        }
        Trouble::Maybe { cause, recipient } => {
            lines.push(with_cause(cause));
            lines.push(said("notice-remedy-maybe", &[run[0], run[1], ("recipient", recipient)]));
        }
        Trouble::Held { cause } => {
            lines.push(with_cause(cause));
            lines.push(said("notice-remedy-held", &[]));
        }
        Trouble::Missed => lines.push(said("notice-remedy-missed", &run)),
        Trouble::Late { due, cause } => {
            lines.push(with_cause(cause));
            lines.push(said("notice-remedy-late", &[("due", due)]));
        }
    }
    let subject = said(&format!("notice-{name}"), &[("schedule", &spec.name)]);
    let people: BTreeSet<&String> = spec.owner.iter().chain(&spec.on_failure).chain(operations).collect();
    let to = |recipient: &String| Notice {
        id: 0,
        about: format!("{name}:{}:{instant}:{key}", spec.name),
        recipient: recipient.clone(),
        subject: subject.clone(),
        body: lines.join("\n"),
        state: DeliveryState::Pending,
        attempts: 0,
        answer: None,
    };
    people.into_iter().map(to).collect()
}
