//! Who may ask questions of the data, and the record of what was asked.
//!
//! A question is recorded before it is answered, and its end after: a record without an end is of a process that died meanwhile.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::{
    config::{Access, NoAccess, Person, Profile},
    ledger::{Ledger, LedgerError},
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The operating system's user: the one behind `sudo`, where the system proves that it was used.
    pub os_user: String,
    /// Number of the user that the process runs as.
    pub os_uid: u32,
    /// Name of that user.
    pub uid_user: String,
    /// The person that the environment declares, in lower case.
    pub declared: Option<String>,
    /// Whether `[access]` says of anybody which user of the system this is; the environment then chooses among these only.
    pub by_os_user: bool,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Question<'a> {
    /// Name of a saved query; none is SQL of the asker's own.
    pub name: Option<&'a str>,
    /// The SQL that runs.
    pub sql: &'a str,
    /// Its SHA-256.
    pub sha256: &'a str,
    /// Its parameters.
    pub parameters: Value,
    /// Tables that it reads.
    pub tables: BTreeSet<String>,
    /// Columns that it names of these.
    pub columns: BTreeSet<String>,
    /// The snapshot that answers.
    pub snapshot: &'a str,
    /// Why it is asked.
    pub reason: Option<&'a str>,
}

/// Why somebody's questions are not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `[access]` wants a reason, and there is none.
    #[error("a reason is required: --reason TEXT")]
    NoReason,
    /// Nobody is declared, and `[access]` names the people.
    #[error("nobody is declared: `RELATO_EMAIL` must hold the address of a person of [access]")]
    Nobody,
    /// The person is not among those of `[access]`, or no longer.
    #[error("`{0}` is not an active person of [access]")]
    Unknown(String),
    /// The person is another user of the operating system.
    #[error("`{person}` is not a person whose os_user in [access] is `{os_user}`")]
    OtherUser {
        /// The person.
        person: String,
        /// The user who asks.
        os_user: String,
    },
    /// The person's profile does not ask questions.
    #[error("`{0}` is a visualizador, and receives reports; administrador and auditor ask questions")]
    Profile(String),
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

/// Returns the person of `[access]` who asks, where anybody is declared there.
///
/// # Errors
/// Why nothing is answered.
pub fn permitted<'a>(access: &'a Access, asker: &Asker, reason: Option<&str>, day: NaiveDate) -> Result<Option<&'a Person>, Refusal> {
    if access.require_reason && reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Refusal::NoReason);
    }
    if access.people.is_empty() {
        return Ok(None);
    }
    let of_user = |person: &&Person| person.os_user.as_ref() == Some(&asker.os_user);
    let person = match &asker.declared {
        Some(email) => access.person(email).ok_or_else(|| Refusal::Unknown(email.clone()))?,
        None => access.people.iter().find(of_user).ok_or(Refusal::Nobody)?,
    };
    if access.names_users() && !of_user(&person) {
        return Err(Refusal::OtherUser { person: person.email.clone(), os_user: asker.os_user.clone() });
    }
    match access.require(&person.email, day) {
        Err(NoAccess::Unknown | NoAccess::Gone) => Err(Refusal::Unknown(person.email.clone())),
        Ok(()) if person.profile == Profile::Visualizador => Err(Refusal::Profile(person.email.clone())),
        Ok(()) => Ok(Some(person)),
    }
}

/// Returns the address of the person who gives a command: the one of the system's user, where `[access]` tells these apart, otherwise the one
/// that is declared.
pub fn acting(access: &Access, asker: &Asker) -> Option<String> {
    if !access.names_users() {
        return asker.declared.clone();
    }
    let of_user = || access.people.iter().filter(|person| person.os_user.as_ref() == Some(&asker.os_user));
    let declared = of_user().find(|person| asker.declared.as_ref().is_some_and(|email| person.email.eq_ignore_ascii_case(email)));
    declared.or_else(|| of_user().next()).map(|person| person.email.clone())
}

/// Returns how it is known who asks; nothing where nobody says so.
fn identity(asker: &Asker, person: Option<&str>) -> Option<&'static str> {
    match (person, &asker.declared) {
        (Some(_), _) if asker.by_os_user => Some("os_user"),
        (None, None) => None,
        _ => Some(UNPROVEN),
    }
}

/// What a record says where the environment alone told who asks.
pub const UNPROVEN: &str = "declared, unproven";

/// Records a question that is going to be answered.
///
/// # Errors
/// When the ledger cannot be written: what is not recorded is not answered.
pub fn begin(
    ledger: &mut Ledger,
    asker: &Asker,
    person: Option<&str>,
    question: &Question<'_>,
    now: DateTime<Utc>,
) -> Result<Asked, LedgerError> {
    let seq = ledger.note_access(&described("asked", asker, person, question), now)?.seq;
    Ok(Asked { seq })
}

/// Records a question that is refused, and why.
///
/// # Errors
/// When the ledger cannot be written.
pub fn refuse(
    ledger: &mut Ledger,
    asker: &Asker,
    person: Option<&str>,
    question: &Question<'_>,
    refusal: &str,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let mut body = described("refused", asker, person, question);
    body["refusal"] = json!(refusal);
    ledger.note_access(&body, now).map(|_| ())
}

/// A change of permissions, channels or personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// What was changed; never a customer.
    pub subject: &'a str,
    /// As it was; none where that is not to be kept.
    pub before: Option<&'a str>,
    /// As it is.
    pub after: Option<&'a str>,
    /// Why.
    pub reason: Option<&'a str>,
    /// SHA-256 of the plan, or the receipt.
    pub plan: &'a str,
}

/// Records a change that was made.
///
/// # Errors
/// When the ledger cannot be written.
pub fn note_change(
    ledger: &mut Ledger,
    asker: &Asker,
    person: Option<&str>,
    change: &Change<'_>,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    ledger.note_access(&change_record(asker, person, change), now).map(|_| ())
}

/// Returns the record of a change.
pub fn change_record(asker: &Asker, person: Option<&str>, change: &Change<'_>) -> Value {
    let Change { subject, before, after, reason, plan } = change;
    json!({
        "event": "changed",
        "os_user": asker.os_user,
        "os_uid": asker.os_uid,
        "uid_user": asker.uid_user,
        "person": person.or(asker.declared.as_deref()),
        "identity": identity(asker, person),
        "subject": subject,
        "before": before,
        "after": after,
        "reason": reason,
        "plan": plan,
    })
}

fn described(event: &str, asker: &Asker, person: Option<&str>, question: &Question<'_>) -> Value {
    json!({
        "event": event,
        "os_user": asker.os_user,
        "os_uid": asker.os_uid,
        "uid_user": asker.uid_user,
        "person": person.or(asker.declared.as_deref()),
        "identity": identity(asker, person),
        "name": question.name,
        "sql": question.sql,
        "sha256": question.sha256,
        "parameters": question.parameters,
        "tables": question.tables,
        "columns": question.columns,
        "snapshot": question.snapshot,
        "reason": question.reason,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn person(email: &str, profile: Profile, active: bool, os_user: Option<&str>) -> Person {
        Person { email: email.to_owned(), profile, until: None, active, os_user: os_user.map(str::to_owned) }
    }

    fn asker(os_user: &str, email: Option<&str>, access: &Access) -> Asker {
        let declared = email.map(str::to_owned);
        Asker { os_user: os_user.to_owned(), os_uid: 1, uid_user: "relato".to_owned(), declared, by_os_user: access.names_users() }
    }

    #[test]
    fn who_may_ask_is_decided_by_person_profile_and_reason() {
        let people = vec![
            person("a@x.org", Profile::Auditor, true, None),
            person("b@x.org", Profile::Visualizador, true, None),
            person("c@x.org", Profile::Administrador, false, None),
        ];
        let access = Access { people, require_reason: true, ..Access::default() };
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let asks = |email: Option<&str>, reason: Option<&str>| {
            permitted(&access, &asker("ana", email, &access), reason, day).map(|person| person.unwrap().email.clone())
        };
        let unknown = |email: &str| Err(Refusal::Unknown(email.to_owned()));
        assert_eq!(asks(Some("A@x.org"), Some("pedido 12")), Ok("a@x.org".to_owned()));
        assert_eq!(asks(Some("a@x.org"), None), Err(Refusal::NoReason));
        assert_eq!(asks(Some("a@x.org"), Some(" ")), Err(Refusal::NoReason));
        assert_eq!(asks(None, Some("r")), Err(Refusal::Nobody));
        assert_eq!(asks(Some("b@x.org"), Some("r")), Err(Refusal::Profile("b@x.org".to_owned())));
        assert_eq!(asks(Some("c@x.org"), Some("r")), unknown("c@x.org"));
        assert_eq!(asks(Some("e@x.org"), Some("r")), unknown("e@x.org"));
        assert_eq!(permitted(&Access::default(), &asker("", None, &Access::default()), None, day), Ok(None));
    }

    #[test]
    fn where_users_are_named_only_they_can_be_declared_and_by_themselves() {
        let people = vec![
            person("a@x.org", Profile::Administrador, true, None),
            person("d@x.org", Profile::Auditor, true, Some("dora")),
            person("dora.chefe@x.org", Profile::Administrador, true, Some("dora")),
        ];
        let access = Access { people, ..Access::default() };
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let asks = |os_user: &str, email: Option<&str>| {
            permitted(&access, &asker(os_user, email, &access), None, day).map(|person| person.unwrap().email.clone())
        };
        let other = |person: &str, os_user: &str| Err(Refusal::OtherUser { person: person.to_owned(), os_user: os_user.to_owned() });
        assert_eq!(asks("dora", None), Ok("d@x.org".to_owned()), "the user is enough");
        assert_eq!(asks("dora", Some("Dora.Chefe@x.org")), Ok("dora.chefe@x.org".to_owned()), "one of her own");
        assert_eq!(asks("ana", Some("d@x.org")), other("d@x.org", "ana"));
        assert_eq!(asks("dora", Some("a@x.org")), other("a@x.org", "dora"), "somebody without a user could be declared by anybody");
        assert_eq!(asks("ana", None), Err(Refusal::Nobody));
        let acts = |os_user: &str, email: Option<&str>| acting(&access, &asker(os_user, email, &access));
        assert_eq!(acts("dora", Some("a@x.org")).as_deref(), Some("d@x.org"));
        assert_eq!(acts("ana", Some("a@x.org")), None);
    }

    #[test]
    fn a_record_says_how_it_is_known_who_asked() {
        let record = |access: &Access, email: Option<&str>, person: Option<&str>| {
            described("asked", &asker("ana", email, access), person, &Question::default())
        };
        let unproven = Access { people: vec![person("a@x.org", Profile::Auditor, true, None)], ..Access::default() };
        let asked = record(&unproven, Some("a@x.org"), Some("a@x.org"));
        assert_eq!((&asked["identity"], &asked["uid_user"]), (&json!("declared, unproven"), &json!("relato")));
        let proved = Access { people: vec![person("a@x.org", Profile::Auditor, true, Some("ana"))], ..Access::default() };
        assert_eq!(record(&proved, None, Some("a@x.org"))["identity"], json!("os_user"));
        assert_eq!(record(&proved, Some("b@x.org"), None)["identity"], json!("declared, unproven"), "a refused claim stays one");
        assert_eq!(record(&Access::default(), None, None)["identity"], Value::Null);
    }
}
