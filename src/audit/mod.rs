//! Who may ask questions of the data, and the record of what was asked.
//!
//! A question is recorded before it is answered, and its end after: a record without an end is of a process that died meanwhile.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::{
    config::{Access, NoAccess, Profile},
    ledger::{Ledger, LedgerError},
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Name of the operating system's user, as the environment tells it.
    pub os_user: String,
    /// Its number, as the system tells it.
    pub os_uid: u32,
    /// The person that the environment declares.
    pub person: Option<String>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question<'a> {
    /// Name of a saved query.
    pub name: &'a str,
    /// The SQL that runs.
    pub sql: &'a str,
    /// Its SHA-256.
    pub sha256: &'a str,
    /// Its parameters.
    pub parameters: Value,
    /// Tables that it reads.
    pub tables: &'a [String],
    /// The snapshot that answers.
    pub snapshot: &'a str,
    /// Why it is asked.
    pub reason: Option<&'a str>,
}

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `[access]` wants a reason, and there is none.
    #[error("a reason is required: --reason TEXT")]
    NoReason,
    /// The environment declares nobody, and `[access]` names the people.
    #[error("nobody is declared: `RELATO_EMAIL` must hold the address of a person of [access]")]
    Nobody,
    /// The person is not among those of `[access]`, or no longer.
    #[error("`{0}` is not an active person of [access]")]
    Unknown(String),
    /// The person's profile does not ask questions.
    #[error("`{0}` is a visualizador, and receives reports; administrador and auditor ask questions")]
    Profile(String),
}

/// A question that was not recorded, or is not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It is not answered; that is recorded.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// How a question ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending<'a> {
    /// It was answered.
    Answered {
        /// Rows of the answer.
        rows: usize,
        /// SHA-256 of what was handed out.
        sha256: &'a str,
        /// The file that it was written to.
        export: Option<&'a str>,
    },
    /// It could not be answered.
    Failed {
        /// Why.
        error: &'a str,
    },
}

/// A question that is being answered.
#[derive(Debug)]
pub struct Asked {
    seq: i64,
}

/// Decides whether the question is answered and records it, its refusal included.
///
/// # Errors
/// When it is refused, or cannot be recorded: what is not recorded is not answered.
pub fn ask(
    ledger: &mut Ledger,
    access: &Access,
    asker: &Asker,
    question: &Question<'_>,
    (day, now): (NaiveDate, DateTime<Utc>),
) -> Result<Asked, AskError> {
    let verdict = permitted(access, asker, question.reason, day);
    let mut body = json!({
        "event": if verdict.is_ok() { "asked" } else { "refused" },
        "os_user": asker.os_user,
        "os_uid": asker.os_uid,
        "person": asker.person,
        "name": question.name,
        "sql": question.sql,
        "sha256": question.sha256,
        "parameters": question.parameters,
        "tables": question.tables,
        "snapshot": question.snapshot,
        "reason": question.reason,
    });
    if let Err(refusal) = &verdict {
        body["refusal"] = json!(refusal.to_string());
    }
    let seq = ledger.note_access(&body, now)?.seq;
    verdict?;
    Ok(Asked { seq })
}

/// Records how a question ended.
///
/// # Errors
/// When the ledger cannot be written.
pub fn end(ledger: &mut Ledger, asked: &Asked, ending: &Ending<'_>, took: Duration, now: DateTime<Utc>) -> Result<(), LedgerError> {
    let mut body = match ending {
        Ending::Answered { rows, sha256, export } => json!({"event": "answered", "rows": rows, "result_sha256": sha256, "export": export}),
        Ending::Failed { error } => json!({"event": "failed", "error": error}),
    };
    body["asked"] = json!(asked.seq);
    body["duration_ms"] = json!(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    ledger.note_access(&body, now).map(|_| ())
}

fn permitted(access: &Access, asker: &Asker, reason: Option<&str>, day: NaiveDate) -> Result<(), Refusal> {
    if access.require_reason && reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Refusal::NoReason);
    }
    if access.people.is_empty() {
        return Ok(());
    }
    let email = asker.person.clone().ok_or(Refusal::Nobody)?;
    match access.require(&email, day) {
        Err(NoAccess::Unknown | NoAccess::Gone) => return Err(Refusal::Unknown(email)),
        Ok(()) => {}
    }
    let person = access.people.iter().find(|person| person.email.eq_ignore_ascii_case(&email));
    match person.map(|person| person.profile) {
        Some(Profile::Administrador | Profile::Auditor) => Ok(()),
        _ => Err(Refusal::Profile(email)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Person;

    fn person(email: &str, profile: Profile, active: bool) -> Person {
        Person { email: email.to_owned(), profile, until: None, active }
    }

    #[test]
    fn who_may_ask_is_decided_by_person_profile_and_reason() {
        let people = vec![
            person("a@x.org", Profile::Auditor, true),
            person("b@x.org", Profile::Visualizador, true),
            person("c@x.org", Profile::Administrador, false),
        ];
        let access = Access { people, require_reason: true };
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let asks = |email: Option<&str>, reason: Option<&str>| {
            let asker = Asker { os_user: "ana".to_owned(), os_uid: 1, person: email.map(str::to_owned) };
            permitted(&access, &asker, reason, day)
        };
        assert_eq!(asks(Some("A@x.org"), Some("pedido 12")), Ok(()));
        assert_eq!(asks(Some("a@x.org"), None), Err(Refusal::NoReason));
        assert_eq!(asks(Some("a@x.org"), Some(" ")), Err(Refusal::NoReason));
        assert_eq!(asks(None, Some("r")), Err(Refusal::Nobody));
        assert_eq!(asks(Some("b@x.org"), Some("r")), Err(Refusal::Profile("b@x.org".to_owned())));
        assert_eq!(asks(Some("c@x.org"), Some("r")), Err(Refusal::Unknown("c@x.org".to_owned())));
        assert_eq!(asks(Some("d@x.org"), Some("r")), Err(Refusal::Unknown("d@x.org".to_owned())));
        let asker = Asker { os_user: String::new(), os_uid: 0, person: None };
        assert_eq!(permitted(&Access::default(), &asker, None, day), Ok(()));
    }
}
