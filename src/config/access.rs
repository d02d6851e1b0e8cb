//! `[access]` and `[query]`: the people of this installation, what they see, and what a question may use.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::delivery::{Report, require_address};

/// `[access]`: the people of this installation.
#[derive(Debug, Clone)]
pub struct Access {
    /// The people, in the order of the file.
    pub people: Vec<Person>,
    /// Whether a question of the data needs a reason.
    pub require_reason: bool,
    /// Profiles that may read satisfaction comments.
    pub comments: Vec<Profile>,
    /// Profiles that see attendants by name and address; to others they are pseudonyms.
    pub agent_names: Vec<Profile>,
}

impl Default for Access {
    fn default() -> Access {
        Access {
            people: Vec::new(),
            require_reason: false,
            comments: vec![Profile::Administrador],
            agent_names: vec![Profile::Administrador, Profile::Auditor],
        }
    }
}

/// `[[access.person]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// E-mail address, in lower case.
    pub email: String,
    /// What the person may do.
    pub profile: Profile,
    /// Last local day on which the person belongs here; none is for good.
    pub until: Option<NaiveDate>,
    /// Whether the person belongs here now.
    pub active: bool,
    /// The one user of the operating system who is this person; where nobody has one, the environment says who asks.
    pub os_user: Option<String>,
}

/// What a person may do with this installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Everything.
    Administrador,
    /// Ask.
    Auditor,
    /// Receive reports.
    Visualizador,
}

/// Why a person gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAccess {
    /// Not among the people of `[access]`.
    Unknown,
    /// Named there as inactive, or beyond the last day.
    Gone,
}

impl Access {
    /// Returns the person with this address.
    pub fn person(&self, email: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.email.eq_ignore_ascii_case(email))
    }

    /// Returns whether it says of anybody which user of the system this is. Then only such people ask: everybody else could be declared by
    /// anybody.
    pub fn names_users(&self) -> bool {
        self.people.iter().any(|person| person.os_user.is_some())
    }

    /// Tells whether `email` may have reports on `day`. Where nobody is declared everybody may: the list of domains is the limit then.
    ///
    /// # Errors
    /// Why not.
    pub fn require(&self, email: &str, day: NaiveDate) -> Result<(), NoAccess> {
        if self.people.is_empty() {
            return Ok(());
        }
        match self.person(email) {
            None => Err(NoAccess::Unknown),
            Some(person) if !person.active || person.until.is_some_and(|last| last < day) => Err(NoAccess::Gone),
            Some(_) => Ok(()),
        }
    }
}

/// `[query]`: what one question may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryLimits {
    /// Seconds until it is stopped.
    pub seconds: u64,
    /// Rows of an answer at most; one with more is refused, never cut.
    pub rows: u64,
    /// Memory for the engine's work, in megabytes; what is sorted or joined beyond it goes to disk, up to four times as much.
    pub memory_mb: u64,
    /// Threads.
    pub threads: u32,
}

impl Default for QueryLimits {
    fn default() -> QueryLimits {
        let threads = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1)).min(4);
        QueryLimits { seconds: 120, rows: 1_000_000, memory_mb: 1_024, threads }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessTable {
    #[serde(default)]
    require_reason: bool,
    comments: Option<Vec<Profile>>,
    agent_names: Option<Vec<Profile>>,
    #[serde(default)]
    person: Vec<PersonTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonTable {
    email: Spanned<String>,
    profile: Profile,
    #[serde(default, deserialize_with = "super::settings::optional_day")]
    until: Option<NaiveDate>,
    #[serde(default = "yes")]
    active: bool,
    os_user: Option<String>,
}

fn yes() -> bool {
    true
}

impl AccessTable {
    pub(super) fn understood(table: Option<AccessTable>, report: Report<'_>) -> Access {
        let mut people: Vec<Person> = Vec::new();
        let Some(table) = table else { return Access::default() };
        for person in table.person {
            let span = person.email.span();
            match require_address(person.email.get_ref()) {
                Ok(email) if people.iter().any(|other| other.email == email) => {
                    report(span, format!("`{email}` is there twice; a person has one profile"));
                }
                Ok(email) => people.push(Person {
                    email,
                    profile: person.profile,
                    until: person.until,
                    active: person.active,
                    os_user: person.os_user,
                }),
                Err(message) => report(span, message),
            }
        }
        let usual = Access::default();
        Access {
            people,
            require_reason: table.require_reason,
            comments: table.comments.unwrap_or(usual.comments),
            agent_names: table.agent_names.unwrap_or(usual.agent_names),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryTable {
    max_seconds: Option<Spanned<u64>>,
    max_rows: Option<Spanned<u64>>,
    max_memory_mb: Option<Spanned<u64>>,
    threads: Option<Spanned<u64>>,
}

impl QueryTable {
    pub(super) fn understood(table: Option<QueryTable>, report: Report<'_>) -> QueryLimits {
        let usual = QueryLimits::default();
        let Some(table) = table else { return usual };
        let mut read = |value: Option<Spanned<u64>>, usual: u64, accepted: std::ops::RangeInclusive<u64>| {
            let Some(value) = value else { return usual };
            if !accepted.contains(value.get_ref()) {
                report(
                    value.span(),
                    format!("`{}` is not accepted (accepted: {} to {})", value.get_ref(), accepted.start(), accepted.end()),
                );
            }
            value.into_inner()
        };
        QueryLimits {
            seconds: read(table.max_seconds, usual.seconds, 1..=86_400),
            rows: read(table.max_rows, usual.rows, 1..=100_000_000),
            memory_mb: read(table.max_memory_mb, usual.memory_mb, 64..=1_048_576),
            threads: u32::try_from(read(table.threads, usual.threads.into(), 1..=256)).unwrap_or(usual.threads),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(email: &str, until: Option<&str>, active: bool) -> Person {
        Person {
            email: email.to_owned(),
            profile: Profile::Visualizador,
            until: until.map(|day| day.parse().unwrap()),
            active,
            os_user: None,
        }
    }

    #[test]
    fn who_has_gone_gets_nothing_more() {
        let people = vec![person("a@x.org", Some("2026-10-31"), true), person("b@x.org", None, false)];
        let access = Access { people, ..Access::default() };
        let on = |email: &str, day: &str| access.require(email, day.parse().unwrap());
        assert_eq!(on("A@X.org", "2026-10-31"), Ok(()));
        assert_eq!(on("a@x.org", "2026-11-01"), Err(NoAccess::Gone));
        assert_eq!(on("b@x.org", "2026-10-01"), Err(NoAccess::Gone));
        assert_eq!(on("c@x.org", "2026-10-01"), Err(NoAccess::Unknown));
        assert_eq!(Access::default().require("c@x.org", "2026-10-01".parse().unwrap()), Ok(()));
    }
}
