//! `team.toml`: who may do what, as it should be.

use std::{
    collections::BTreeSet,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError, Problem,
    delivery::{Report, require_address},
    toml_file,
};

/// What a person is to the service desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamProfile {
    /// Runs it.
    Administrador,
    /// Answers customers.
    Atendente,
    /// Sees how it is.
    Visualizador,
}

impl TeamProfile {
    /// Every profile.
    pub const ALL: [TeamProfile; 3] = [TeamProfile::Administrador, TeamProfile::Atendente, TeamProfile::Visualizador];

    /// Returns the name in files.
    pub const fn name(self) -> &'static str {
        match self {
            TeamProfile::Administrador => "administrador",
            TeamProfile::Atendente => "atendente",
            TeamProfile::Visualizador => "visualizador",
        }
    }
}

/// A place where people have rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Attendants and queues of the desk: documented by Blip.
    Desk,
    /// Members of the contract: not documented for a key.
    Contract,
    /// Members of the bots: not documented for a key.
    Bot,
    /// Audit access and deliveries of this installation.
    Relato,
}

impl Layer {
    /// Returns the name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Layer::Desk => "desk",
            Layer::Contract => "contract",
            Layer::Bot => "bot",
            Layer::Relato => "relato",
        }
    }
}

/// What to do with people whom Blip has and the file does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Undeclared {
    /// Tell.
    #[default]
    Report,
    /// Take them out of the managed layers.
    Remove,
}

/// `[managed]`: what may be changed; everything else is told and left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// Layers.
    pub layers: BTreeSet<Layer>,
    /// Queues that are given and taken; none is all. What people have in others stays.
    pub queues: Option<BTreeSet<String>>,
    /// People who are not in the file.
    pub undeclared: Undeclared,
}

impl Managed {
    /// Tells whether a queue may be given and taken.
    pub fn has_queue(&self, queue: &str) -> bool {
        self.queues.as_ref().is_none_or(|queues| queues.contains(queue))
    }
}

impl Default for Managed {
    fn default() -> Managed {
        Managed { layers: [Layer::Desk, Layer::Relato].into(), queues: None, undeclared: Undeclared::Report }
    }
}

/// `[[queue]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredQueue {
    /// Name.
    pub name: String,
    /// Name of the key of its desk; none where there is one desk only.
    pub desk: Option<String>,
    /// Whether it takes tickets.
    pub active: bool,
    /// Whether it should be gone.
    pub remove: bool,
    /// Where it stands in the file.
    pub span: Range<usize>,
}

/// `[[person]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredPerson {
    /// Name, for people who read the file.
    pub name: Option<String>,
    /// E-mail address, in lower case.
    pub email: String,
    /// What the person is.
    pub profile: TeamProfile,
    /// Sectors: all their queues.
    pub sectors: Vec<Named>,
    /// Queues.
    pub queues: Vec<Named>,
    /// Tickets at a time; none leaves them as they are.
    pub agent_slots: Option<u32>,
    /// First local day; none is since ever.
    pub from: Option<NaiveDate>,
    /// Last local day; none is for good.
    pub until: Option<NaiveDate>,
    /// For people who read the file.
    pub notes: Option<String>,
    /// Where the address stands in the file.
    pub span: Range<usize>,
}

/// A name, and where it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The bytes of the file.
    pub span: Range<usize>,
}

/// Where a person stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Not yet.
    Coming,
    /// Here.
    Here,
    /// No longer.
    Gone,
}

impl DeclaredPerson {
    /// Tells where the person stands on a local day.
    pub fn presence(&self, day: NaiveDate) -> Presence {
        if self.until.is_some_and(|last| last < day) {
            Presence::Gone
        } else if self.from.is_some_and(|first| day < first) {
            Presence::Coming
        } else {
            Presence::Here
        }
    }
}

/// `team.toml`.
#[derive(Debug, Clone)]
pub struct Team {
    /// The file.
    pub path: PathBuf,
    /// Its text, for places of mistakes.
    pub text: Arc<str>,
    /// What may be changed.
    pub managed: Managed,
    /// Queues, in the order of the file.
    pub queues: Vec<DeclaredQueue>,
    /// People, in the order of the file.
    pub people: Vec<DeclaredPerson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TeamFile {
    #[serde(default)]
    managed: ManagedTable,
    #[serde(default)]
    queue: Vec<QueueTable>,
    #[serde(default)]
    person: Vec<PersonTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManagedTable {
    layers: Option<Vec<Layer>>,
    queues: Option<Vec<String>>,
    #[serde(default)]
    undeclared: Undeclared,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueTable {
    name: Spanned<String>,
    desk: Option<String>,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    remove: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonTable {
    name: Option<String>,
    email: Spanned<String>,
    profile: Spanned<TeamProfile>,
    #[serde(default)]
    sectors: Vec<Spanned<String>>,
    #[serde(default)]
    queues: Vec<Spanned<String>>,
    agent_slots: Option<Spanned<u32>>,
    #[serde(default, deserialize_with = "super::settings::optional_day")]
    from: Option<NaiveDate>,
    #[serde(default, deserialize_with = "super::settings::optional_day")]
    until: Option<NaiveDate>,
    notes: Option<String>,
}

fn yes() -> bool {
    true
}

/// Most tickets at a time that are taken for meant.
const MOST_SLOTS: u32 = 1_000;

impl Team {
    /// Name of the file.
    pub const FILE: &'static str = "team.toml";

    /// Reads the text of `team.toml`.
    ///
    /// # Errors
    /// Every mistake that can be told apart.
    pub fn parse(path: &Path, text: &Arc<str>) -> Result<Team, ConfigError> {
        let file: TeamFile = toml_file::parse(path, text)?;
        let mut problems = Vec::new();
        let mut report = |span: Range<usize>, message: String| problems.push(toml_file::problem_at(path, text, span, message));
        let mut queues: Vec<DeclaredQueue> = Vec::new();
        for queue in file.queue {
            let (span, name) = (queue.name.span(), queue.name.into_inner());
            if name.trim().is_empty() {
                report(span, "a queue needs a name".to_owned());
            } else if queues.iter().any(|other| other.name == name && other.desk == queue.desk) {
                report(span, format!("queue `{name}` is there twice"));
            } else {
                queues.push(DeclaredQueue { name, desk: queue.desk, active: queue.active, remove: queue.remove, span });
            }
        }
        let mut people: Vec<DeclaredPerson> = Vec::new();
        for person in file.person {
            people.extend(person.understood(&people, &mut report));
        }
        let usual = Managed::default();
        let managed = Managed {
            layers: file.managed.layers.map_or(usual.layers, |layers| layers.into_iter().collect()),
            queues: file.managed.queues.map(|queues| queues.into_iter().collect()),
            undeclared: file.managed.undeclared,
        };
        if problems.is_empty() {
            Ok(Team { path: path.to_owned(), text: Arc::clone(text), managed, queues, people })
        } else {
            Err(ConfigError { problems })
        }
    }

    /// Returns a problem at a place of the file.
    pub fn problem(&self, span: Range<usize>, message: impl Into<String>) -> Problem {
        toml_file::problem_at(&self.path, &self.text, span, message)
    }

    /// Returns the person with this address.
    pub fn person(&self, email: &str) -> Option<&DeclaredPerson> {
        self.people.iter().find(|person| person.email == email)
    }
}

impl PersonTable {
    fn understood(self, others: &[DeclaredPerson], report: Report<'_>) -> Option<DeclaredPerson> {
        let span = self.email.span();
        let email = match require_address(self.email.get_ref().trim()) {
            Ok(email) => email,
            Err(message) => {
                report(span, message);
                return None;
            }
        };
        if others.iter().any(|other| other.email == email) {
            report(span, format!("`{email}` is there twice; a person has one entry"));
            return None;
        }
        let profile = *self.profile.get_ref();
        if profile == TeamProfile::Visualizador && !(self.queues.is_empty() && self.sectors.is_empty()) {
            report(self.profile.span(), format!("`{email}`: a visualizador answers nobody, and has no queues or sectors"));
        }
        if let Some(slots) = self.agent_slots.as_ref().filter(|slots| !(1..=MOST_SLOTS).contains(slots.get_ref())) {
            report(slots.span(), format!("`{email}`: agent_slots is {} (accepted: 1 to {MOST_SLOTS})", slots.get_ref()));
        }
        if self.from.zip(self.until).is_some_and(|(from, until)| until < from) {
            report(span.clone(), format!("`{email}`: `until` is before `from`"));
        }
        let named = |list: Vec<Spanned<String>>| -> Vec<Named> {
            list.into_iter().map(|name| Named { span: name.span(), name: name.into_inner() }).collect()
        };
        Some(DeclaredPerson {
            name: self.name,
            email,
            profile,
            sectors: named(self.sectors),
            queues: named(self.queues),
            agent_slots: self.agent_slots.map(Spanned::into_inner),
            from: self.from,
            until: self.until,
            notes: self.notes,
            span,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Team, String> {
        Team::parse(Path::new("team.toml"), &Arc::from(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn people_are_understood_and_stand_somewhere_on_a_day() {
        let team = parse(
            "[managed]\nlayers = [\"desk\"]\n[[person]]\nname = \"Ana\"\nemail = \" Ana@X.org\"\nprofile = \"atendente\"\nqueues = [\"Suporte\"]\n\
             from = 2026-11-02\nuntil = 2026-11-30\n",
        )
        .unwrap();
        let ana = team.person("ana@x.org").unwrap();
        assert_eq!(ana.queues[0].name, "Suporte");
        let on = |day: &str| ana.presence(day.parse().unwrap());
        assert_eq!([on("2026-11-01"), on("2026-11-02"), on("2026-11-30"), on("2026-12-01")], {
            use Presence::{Coming, Gone, Here};
            [Coming, Here, Here, Gone]
        });
        assert_eq!(team.managed.layers, [Layer::Desk].into());
        assert_eq!(team.managed.undeclared, Undeclared::Report);
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let error = parse(
            "[[person]]\nemail = \"a@x.org\"\nprofile = \"visualizador\"\nqueues = [\"S\"]\n[[person]]\nemail = \"A@x.org\"\nprofile = \"atendente\"\n\
             [[person]]\nemail = \"b\"\nprofile = \"atendente\"\n[[person]]\nemail = \"c@x.org\"\nprofile = \"atendente\"\nagent_slots = 0\n\
             from = 2026-11-02\nuntil = 2026-11-01\n",
        )
        .unwrap_err();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 5, "{error}");
        assert!(lines[0].starts_with("team.toml:3:11: `a@x.org`: a visualizador answers nobody"), "{error}");
        assert!(lines[1].starts_with("team.toml:6:9: `a@x.org` is there twice"), "{error}");
        assert!(lines[2].starts_with("team.toml:9:9: `b` is not an e-mail address"), "{error}");
        assert!(lines[3].starts_with("team.toml:14:15: `c@x.org`: agent_slots is 0"), "{error}");
        assert!(lines[4].contains("`until` is before `from`"), "{error}");
        let error = parse("[[person]]\nemail = \"a@x.org\"\nprofile = \"gestor\"\n").unwrap_err();
        assert!(error.starts_with("team.toml:3:11: unknown variant `gestor`, expected one of `administrador`"), "{error}");
    }
}
