//! A plan: the writes that lead from what was seen to what is wanted, and what it was made from.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::state::{Place, State, Value};
use crate::{
    config::{Channels, Team},
    domain::digest::sha256,
};

/// What a plan is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// People, and their queues.
    Team,
    /// Channels.
    Channels,
}

impl Subject {
    /// Returns the file that declares it.
    pub const fn file(self) -> &'static str {
        match self {
            Subject::Team => Team::FILE,
            Subject::Channels => Channels::FILE,
        }
    }

    /// Returns the name in files and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Subject::Team => "team",
            Subject::Channels => "channel",
        }
    }
}

/// One row that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Where.
    pub place: Place,
    /// Whom or what.
    pub key: String,
    /// As it was seen; none is nothing.
    pub before: Option<Value>,
    /// As it should be; none is nothing.
    pub after: Option<Value>,
    /// What is sent for it, in order.
    pub writes: Vec<Write>,
}

/// A command that is sent, or a file that is changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Write {
    /// `set`, `delete` or `edit`.
    pub verb: String,
    /// Blip's resource, or the file.
    pub resource: String,
    /// Whom or what.
    pub of: String,
}

impl Step {
    /// Makes a step with its writes.
    pub fn new(place: Place, key: &str, before: Option<Value>, after: Option<Value>) -> Step {
        let mut step = Step { place, key: key.to_owned(), before, after, writes: Vec::new() };
        step.writes = step.needed();
        step
    }

    fn needed(&self) -> Vec<Write> {
        let one = |verb: &str, resource: &str| Write { verb: verb.to_owned(), resource: resource.to_owned(), of: self.key.clone() };
        let verb = if self.after.is_some() { "set" } else { "delete" };
        match &self.place {
            Place::Queue(_) => vec![one(verb, "attendance-queues")],
            Place::Attendant(_) => vec![one(verb, "attendants")],
            Place::Contract(_) => vec![one(verb, "contract users")],
            Place::Bot(_) => match (&self.before, &self.after) {
                (_, None) => vec![one("delete", "bot users")],
                (None, Some(Value::Permissions(wanted))) if wanted.is_empty() => vec![one("set", "bot users")],
                (None, Some(_)) => vec![one("set", "bot users"), one("set", "bot permissions")],
                (Some(_), Some(_)) => vec![one("set", "bot permissions")],
            },
            Place::Access => vec![one("edit", "relato.toml")],
            Place::List { file, .. } => vec![one("edit", file)],
            Place::Channel(_) => vec![one(verb, "configuration")],
        }
    }

    /// Returns the step back.
    #[must_use]
    pub fn reversed(&self) -> Step {
        let before = match &self.before {
            Some(Value::Member { role, .. }) => Some(Value::Member { role: *role, pending: false }),
            other => other.clone(),
        };
        Step::new(self.place.clone(), &self.key, self.after.clone(), before)
    }

    /// Returns whether somebody loses something by it: leaves, or may do less. Two queues for two others are neither.
    pub fn is_loss(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(Value::Queue { .. } | Value::Entry(_) | Value::Secret(_)) | None, _) => false,
            (Some(_), None) | (Some(Value::Access { active: true }), Some(Value::Access { active: false })) => true,
            (Some(Value::Attendant { queues: before, .. }), Some(Value::Attendant { queues: after, .. })) => after.len() < before.len(),
            (Some(Value::Member { role: before, .. }), Some(Value::Member { role: after, .. })) => after < before,
            (Some(Value::Permissions(before)), Some(Value::Permissions(after))) => {
                before.iter().any(|(id, actions)| !after.get(id).is_some_and(|kept| actions.is_subset(kept)))
            }
            _ => false,
        }
    }

    /// Returns the place of the step in the order of work: what is given comes before what is taken, queues before people who go into
    /// them and after people who leave them, and the files of the project last.
    fn phase(&self) -> u8 {
        match (&self.place, self.is_loss(), &self.after) {
            (Place::Queue(_), _, Some(Value::Queue { active: true })) => 0,
            (Place::Queue(_), ..) => 3,
            (Place::Access | Place::List { .. }, ..) => 4,
            (_, true, _) => 2,
            _ => 1,
        }
    }
}

/// Puts steps into the order of work.
pub fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by(|a, b| (a.phase(), &a.place, &a.key).cmp(&(b.phase(), &b.place, &b.key)));
    steps
}

/// Something that a plan tells without doing anything about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// What kind it is.
    pub kind: NoteKind,
    /// In a sentence.
    pub text: String,
}

/// Kinds of notes, by how much they matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// Could not be read: the plan says nothing about it.
    Unread,
    /// Differs, and is not managed.
    Unmanaged,
    /// A person has still to accept.
    Waiting,
    /// Looks wrong.
    Warning,
    /// Worth knowing.
    Told,
}

/// Something that a person does by hand in Blip's portal, in the readers' language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Chore {
    /// Where in the portal.
    pub path: String,
    /// What to do.
    pub text: String,
    /// For whom or what.
    pub of: Vec<String>,
}

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this form.
    pub format: u32,
    /// What it is about.
    pub subject: Subject,
    /// SHA-256 of the plan that it takes back; none is a plan of its own.
    pub takes_back: Option<String>,
    /// Whether people who were invited and are not there are invited again.
    #[serde(default)]
    pub invites_again: bool,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The organisation.
    pub organization: String,
    /// Places that were looked at.
    pub places: BTreeSet<Place>,
    /// Digest of all rows there.
    pub seen: String,
    /// What changes, in order.
    pub steps: Vec<Step>,
    /// What else there is to say.
    pub notes: Vec<Note>,
    /// What remains for hands.
    pub checklist: Vec<Chore>,
    /// SHA-256 of all of the above.
    #[serde(default)]
    pub sha256: String,
}

/// Returns the state after `steps`, from that before.
pub fn applied<'a>(before: &State, steps: impl IntoIterator<Item = &'a Step>) -> State {
    let mut state = before.clone();
    for step in steps {
        state.put(&step.place, &step.key, step.after.clone());
    }
    state
}

/// A plan that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not JSON of the right form.
    #[error("`{file}` is no plan: {reason}")]
    Form {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// Of another version.
    #[error("`{file}` is a plan of form {found}; this program knows form {FORMAT}")]
    Format {
        /// The file.
        file: String,
        /// Its form.
        found: u32,
    },
    /// Not as it was written.
    #[error("`{file}` was changed after it was written: its content has not the SHA-256 that it names")]
    Altered {
        /// The file.
        file: String,
    },
}

/// Version of the form of plans.
pub const FORMAT: u32 = 1;

impl Plan {
    /// Returns the plan with its SHA-256.
    #[must_use]
    pub fn sealed(mut self) -> Plan {
        self.sha256 = self.hash();
        self
    }

    fn hash(&self) -> String {
        let open = Plan { sha256: String::new(), ..self.clone() };
        sha256(&serde_json::to_vec(&open).expect("a plan can be written as JSON"))
    }

    /// Returns the text of the file.
    pub fn text(&self) -> String {
        format!("{}\n", serde_json::to_string_pretty(self).expect("a plan can be written as JSON"))
    }

    /// Reads the text of `file`.
    ///
    /// # Errors
    /// When it is no plan, or not as it was written.
    pub fn read(file: &str, text: &str) -> Result<Plan, PlanError> {
        let plan: Plan =
            serde_json::from_str(text).map_err(|error| PlanError::Form { file: file.to_owned(), reason: error.to_string() })?;
        if plan.format != FORMAT {
            return Err(PlanError::Format { file: file.to_owned(), found: plan.format });
        }
        if plan.sha256 != plan.hash() {
            return Err(PlanError::Altered { file: file.to_owned() });
        }
        Ok(plan)
    }

    /// Returns the plan that takes back those of `done` steps, from the state `seen` afterwards. A secret cannot be given back: it was never
    /// kept.
    #[must_use]
    pub fn undo(&self, done: &BTreeSet<usize>, seen: &State, now: DateTime<Utc>) -> Plan {
        let steps: Vec<&Step> = (0..).zip(&self.steps).filter(|(number, _)| done.contains(number)).map(|(_, step)| step).collect();
        let (secret, other): (Vec<&Step>, Vec<&Step>) = steps.into_iter().partition(|step| matches!(step.before, Some(Value::Secret(_))));
        let notes = secret
            .iter()
            .map(|step| Note {
                kind: NoteKind::Warning,
                text: format!("{}, {}: the secret before is not kept, and cannot be given back", step.place, step.key),
            })
            .collect();
        Plan {
            format: FORMAT,
            subject: self.subject,
            takes_back: Some(self.sha256.clone()),
            invites_again: false,
            made_at: now,
            organization: self.organization.clone(),
            places: self.places.clone(),
            seen: seen.digest(&self.places),
            steps: in_order(other.into_iter().map(Step::reversed).collect()),
            notes,
            checklist: Vec::new(),
            sha256: String::new(),
        }
        .sealed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attendant(queues: &[&str]) -> Value {
        Value::Attendant { queues: queues.iter().map(|queue| (*queue).to_owned()).collect(), slots: None }
    }

    #[test]
    fn losing_is_leaving_and_being_demoted_and_not_moving() {
        let step = |before, after| Step::new(Place::Attendant("desk".into()), "a@x.org", before, after).is_loss();
        assert!(step(Some(attendant(&["A"])), None));
        assert!(step(Some(attendant(&["A"])), Some(attendant(&[]))));
        assert!(step(Some(attendant(&["A", "B"])), Some(attendant(&["A"]))));
        assert!(!step(Some(attendant(&["A", "B"])), Some(attendant(&["A", "C"]))));
        assert!(!step(None, Some(attendant(&["A"]))));
    }

    #[test]
    fn a_plan_that_was_touched_is_refused() {
        let plan = Plan {
            format: FORMAT,
            subject: Subject::Team,
            takes_back: None,
            invites_again: false,
            made_at: DateTime::UNIX_EPOCH,
            organization: "X".into(),
            places: BTreeSet::new(),
            seen: String::new(),
            steps: vec![Step::new(Place::Attendant("desk".into()), "a@x.org", Some(attendant(&["A"])), None)],
            notes: Vec::new(),
            checklist: Vec::new(),
            sha256: String::new(),
        }
        .sealed();
        assert_eq!(Plan::read("plan.json", &plan.text()), Ok(plan.clone()));
        let touched = plan.text().replace("a@x.org", "b@x.org");
        assert_eq!(Plan::read("plan.json", &touched), Err(PlanError::Altered { file: "plan.json".into() }));
        assert!(matches!(Plan::read("plan.json", "{}"), Err(PlanError::Form { .. })));
    }
}
