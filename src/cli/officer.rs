//! Commands that only an administrador gives, where people are declared.

use chrono::{DateTime, Utc};

use super::{Exit, Failure, asker::asker};
use crate::{
    audit::{self, Question},
    config::{Profile, Project},
    ledger::Ledger,
};

/// Somebody who may do this, for the record.
pub struct Officer {
    pub asker: audit::Asker,
    pub person: Option<String>,
    pub ledger: Ledger,
}

/// Fails, and records that it did, unless an administrador gives the command `name`, or nobody is declared.
pub fn officer(project: &Project, name: &str, reason: Option<&str>, now: DateTime<Utc>) -> Result<Officer, Failure> {
    let asker = asker(&project.settings.access);
    let mut ledger = Ledger::open(&project.ledger_file())?;
    let question = Question { name: Some(name), reason, ..Question::default() };
    let today = project.settings.organization.timezone.day(now);
    let (person, refusal) = match audit::permitted(&project.settings.access, &asker, reason, today) {
        Ok(person) if person.is_none_or(|person| person.profile == Profile::Administrador) => {
            (person.map(|person| person.email.clone()), None)
        }
        Ok(person) => {
            let who = person.map(|person| person.email.clone()).unwrap_or_default();
            let refusal = format!("`{who}` is no administrador: only these give the command `{name}`");
            (Some(who), Some(Failure::told(Exit::Refused, refusal, None)))
        }
        Err(refusal) => (None, Some(refusal.into())),
    };
    if let Some(failure) = refusal {
        audit::refuse(&mut ledger, &asker, person.as_deref(), &question, &failure.summary(), now)?;
        return Err(failure);
    }
    Ok(Officer { asker, person, ledger })
}

impl Officer {
    /// Returns the address of who gives the command, as far as anybody says so.
    pub fn email(&self) -> Option<&str> {
        self.person.as_deref().or(self.asker.declared.as_deref())
    }
}
