//! Compares people as declared with people as they are.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{
    checklist,
    plan::{Chore, Note, NoteKind, Step, applied, in_order},
    read::Seen,
    state::{Place, State, Value},
};
use crate::{
    blip::{portal::Role, unconfirmed::Unconfirmed},
    config::{
        BotGrant, ConfigError, ContractGrant, DeclaredPerson, Layer, Presence, Problem, Sectors, Team, TeamProfile, TeamSettings,
        Undeclared,
    },
    ledger::JournalStep,
    render::Locale,
};

/// Permissions of a bot that are known by name; a bot may have more, which are taken over where anybody has them.
pub const PERMISSIONS: [&str; 26] = [
    "ai-enhancement",
    "ai-model",
    "ai-providers",
    "analysis",
    "builder",
    "channels",
    "config-basicConfigurations",
    "config-connectionInformation",
    "desk",
    "desk-attendanceHours",
    "desk-attendanceRules",
    "desk-attendants",
    "desk-channels",
    "desk-generalSettings",
    "desk-monitoring",
    "desk-queueManagement",
    "desk-quickReplies",
    "desk-report",
    "desk-slaPolicy",
    "desk-surveyDashboard",
    "desk-ticketHistory",
    "logMessages",
    "payments",
    "resources",
    "scheduler",
    "users",
];

/// The permission to change members, which only administrators have.
const TEAM: &str = "team";

/// What comparing leads to.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// What changes, in order.
    pub steps: Vec<Step>,
    /// What else there is to say.
    pub notes: Vec<Note>,
    /// What remains for hands.
    pub checklist: Vec<Chore>,
    /// Declared administrators who are here, where the file names any or somebody must be one.
    pub administrators: Option<BTreeSet<String>>,
}

/// What is declared, and what it is read with.
pub struct Declared<'a> {
    /// The file.
    pub team: &'a Team,
    /// What profiles mean.
    pub settings: &'a TeamSettings,
    /// Which queues make a sector.
    pub sectors: &'a Sectors,
    /// The local day.
    pub day: NaiveDate,
    /// People who were invited and are not there yet.
    pub waited_for: &'a [JournalStep],
    /// The readers' language, for what remains for hands.
    pub locale: &'a Locale,
}

/// Queues by person and desk.
type Given = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What should stand somewhere.
enum Want {
    /// This, or nothing.
    Just(Option<Value>),
    /// Whatever is there.
    Any,
}

struct Planner<'a> {
    declared: &'a Declared<'a>,
    seen: &'a Seen,
    /// Queues of each desk, those that are to be made included.
    queues: BTreeMap<String, BTreeSet<String>>,
    draft: Draft,
}

/// Compares.
///
/// # Errors
/// Every place of the file that cannot be meant: unknown queues, queues that are not managed.
pub fn team(declared: &Declared<'_>, seen: &Seen) -> Result<Draft, ConfigError> {
    let mut planner = Planner { declared, seen, queues: BTreeMap::new(), draft: Draft::default() };
    planner.draft.notes.clone_from(&seen.notes);
    for (layers, why) in seen.unread_by_reason() {
        planner.note(NoteKind::Unread, format!("{layers}: {why}"));
    }
    planner.queues()?;
    let given = planner.given()?;
    planner.people(&given);
    planner.leavers();
    planner.local();
    planner.open_invitations();
    let people = &declared.team.people;
    // A file that names none is not held to a number, unless somebody must be one.
    let is_held = !declared.settings.required_administrators.is_empty();
    if is_held || people.iter().any(|person| person.profile == TeamProfile::Administrador) {
        let here = people.iter().filter(|person| is_here(person, declared.day) && person.profile == TeamProfile::Administrador);
        planner.draft.administrators = Some(here.map(|person| person.email.clone()).collect());
    }
    let mut draft = planner.draft;
    draft.steps = in_order(draft.steps);
    if draft.steps.iter().any(|step| slots(step.after.as_ref()) != slots(step.before.as_ref())) {
        draft.notes.push(Note { kind: NoteKind::Told, text: Unconfirmed::AgentSlots.message() });
    }
    draft.notes.sort();
    draft.notes.dedup();
    draft.checklist = checklist::of_people(declared, seen, &draft.steps);
    Ok(draft)
}

/// Returns an attendant's tickets at a time, where they are said.
fn slots(value: Option<&Value>) -> Option<u32> {
    if let Some(Value::Attendant { slots, .. }) = value { *slots } else { None }
}

fn is_here(person: &DeclaredPerson, day: NaiveDate) -> bool {
    person.presence(day) == Presence::Here
}

impl Planner<'_> {
    fn note(&mut self, kind: NoteKind, text: String) {
        self.draft.notes.push(Note { kind, text });
    }

    /// Compares one row: a step where the layer is managed, a note where it is not.
    fn compare(&mut self, place: &Place, key: &str, want: Want) {
        let Want::Just(wanted) = want else { return };
        let seen = self.seen.state.get(place, key);
        let is_same = match (seen, &wanted) {
            (Some(seen), Some(wanted)) => seen.is_settled(wanted),
            (None, None) => true,
            _ => false,
        };
        if is_same {
            if let Some(Value::Member { pending: true, .. }) = seen {
                self.note(NoteKind::Waiting, format!("{place}: `{key}` was invited and has to accept"));
            }
            return;
        }
        let step = Step::new(place.clone(), key, seen.cloned(), wanted);
        if step.place.layer().is_some_and(|layer| !self.declared.team.managed.layers.contains(&layer)) {
            self.note(NoteKind::Unmanaged, told(&step));
        } else if let Some(since) = self.waited_since(&step) {
            self.note(NoteKind::Waiting, format!("{place}: `{key}` was invited on {since} and has to make an account"));
        } else {
            self.draft.steps.push(step);
        }
    }

    /// Returns the UTC day on which just this was sent to a person who is not there yet.
    fn waited_since(&self, step: &Step) -> Option<NaiveDate> {
        let (place, after) = as_text(step);
        let is_same = |waited: &&JournalStep| waited.place == place && waited.subject == step.key && waited.after == after;
        if step.before.is_some() || after.is_none() {
            return None;
        }
        self.declared.waited_for.iter().find(is_same).map(|waited| waited.updated_at.date_naive())
    }

    /// Compares queues, and gathers which there will be.
    fn queues(&mut self) -> Result<(), ConfigError> {
        let team = self.declared.team;
        if self.seen.unread.contains_key(&Layer::Desk) {
            return Ok(());
        }
        let desks: Vec<String> = desks(&self.seen.state);
        for desk in &desks {
            let place = Place::Queue(desk.clone());
            self.queues.insert(desk.clone(), self.seen.state.rows(&place).map(|(name, _)| name.clone()).collect());
        }
        let mut problems = Vec::new();
        for queue in &team.queues {
            let desk = match (&queue.desk, desks.as_slice()) {
                (Some(desk), _) if desks.contains(desk) => desk.clone(),
                (Some(desk), _) => {
                    let message = format!("queue `{}`: there is no desk `{desk}` (desks: {})", queue.name, desks.join(", "));
                    problems.push(team.problem(queue.span.clone(), message));
                    continue;
                }
                (None, [only]) => only.clone(),
                (None, _) => {
                    let message = format!("queue `{}` needs `desk`, the name of its key (desks: {})", queue.name, desks.join(", "));
                    problems.push(team.problem(queue.span.clone(), message));
                    continue;
                }
            };
            if !team.managed.has_queue(&queue.name) {
                problems.push(team.problem(queue.span.clone(), format!("queue `{}` is not in [managed] queues", queue.name)));
                continue;
            }
            let known = self.queues.entry(desk.clone()).or_default();
            if queue.remove {
                known.remove(&queue.name);
            } else {
                known.insert(queue.name.clone());
            }
            let wanted = (!queue.remove).then_some(Value::Queue { active: queue.active });
            self.compare(&Place::Queue(desk), &queue.name, Want::Just(wanted));
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
    }

    /// Returns the queues of each declared person by desk, sectors spelt out.
    fn given(&self) -> Result<Given, ConfigError> {
        let team = self.declared.team;
        let mut given = Given::new();
        let mut problems: Vec<Problem> = Vec::new();
        if self.seen.unread.contains_key(&Layer::Desk) {
            return Ok(given);
        }
        let all: BTreeSet<&String> = self.queues.values().flatten().collect();
        let sector_of = |queue: &String| self.declared.sectors.by_queue.get(queue).unwrap_or(queue).clone();
        let sectors: BTreeSet<String> = all.iter().map(|queue| sector_of(queue)).collect();
        // The queues of who has left may have gone since.
        for person in team.people.iter().filter(|person| person.presence(self.declared.day) != Presence::Gone) {
            let mut wanted: BTreeSet<String> = BTreeSet::new();
            for queue in &person.queues {
                if !all.contains(&queue.name) {
                    let message = format!("`{}`: no desk has a queue `{}`", person.email, queue.name);
                    problems.push(with_guess(team.problem(queue.span.clone(), message), &queue.name, all.iter().map(|name| name.as_str())));
                } else if !team.managed.has_queue(&queue.name) {
                    let message = format!("`{}`: queue `{}` is not in [managed] queues", person.email, queue.name);
                    problems.push(team.problem(queue.span.clone(), message));
                } else {
                    wanted.insert(queue.name.clone());
                }
            }
            for sector in &person.sectors {
                let queues: Vec<&String> = all.iter().copied().filter(|queue| sector_of(queue) == sector.name).collect();
                if queues.is_empty() {
                    let message = format!("`{}`: no queue belongs to a sector `{}`", person.email, sector.name);
                    problems.push(with_guess(team.problem(sector.span.clone(), message), &sector.name, sectors.iter().map(String::as_str)));
                }
                wanted.extend(queues.into_iter().filter(|queue| team.managed.has_queue(queue)).cloned());
            }
            let by_desk = given.entry(person.email.clone()).or_default();
            for (desk, queues) in &self.queues {
                by_desk.insert(desk.clone(), queues.intersection(&wanted).cloned().collect());
            }
        }
        if problems.is_empty() { Ok(given) } else { Err(ConfigError { problems }) }
    }

    /// Compares everybody at Blip.
    fn people(&mut self, given: &Given) {
        let places: Vec<Place> = self.seen.state.places().cloned().collect();
        let declared: BTreeSet<String> = self.declared.team.people.iter().map(|person| person.email.clone()).collect();
        for place in places {
            if !place.is_of_invited() {
                continue;
            }
            let there: BTreeSet<String> = self.seen.state.rows(&place).map(|(key, _)| key.clone()).collect();
            for email in declared.union(&there) {
                let want = match self.declared.team.person(email) {
                    Some(person) => self.of_declared(&place, person, given),
                    None => self.of_undeclared(&place, email),
                };
                self.tell_of_rest(&place, email, &want);
                self.compare(&place, email, want);
            }
        }
        let nothing = BTreeMap::new();
        let mut idle = Vec::new();
        for person in self.declared.team.people.iter().filter(|person| is_here(person, self.declared.day)) {
            let queues = given.get(&person.email).unwrap_or(&nothing);
            if person.profile == TeamProfile::Atendente && !queues.is_empty() && queues.values().all(BTreeSet::is_empty) {
                idle.push(person.email.clone());
            }
        }
        for email in idle {
            self.note(NoteKind::Warning, format!("`{email}` is an atendente without a queue, and gets no ticket"));
        }
    }

    /// Tells of people who have left, and stay in queues that are not managed.
    fn tell_of_rest(&mut self, place: &Place, email: &str, want: &Want) {
        let is_gone = self.declared.team.person(email).is_some_and(|person| person.presence(self.declared.day) == Presence::Gone);
        if let (true, Want::Just(Some(Value::Attendant { queues, .. }))) = (is_gone, want) {
            let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
            self.note(
                NoteKind::Warning,
                format!("{place}: `{email}` has left, and stays in queues that are not managed: {}", queues.join(", ")),
            );
        }
    }

    fn of_declared(&self, place: &Place, person: &DeclaredPerson, given: &Given) -> Want {
        let is_here = is_here(person, self.declared.day);
        let grant = self.declared.settings.grant(person.profile);
        match place {
            Place::Attendant(desk) => {
                let there = self.seen.state.get(place, &person.email);
                let queues = given.get(&person.email).and_then(|desks| desks.get(desk)).cloned().unwrap_or_default();
                let queues = if is_here { queues } else { BTreeSet::new() };
                let has_any = given.get(&person.email).is_some_and(|desks| desks.values().any(|queues| !queues.is_empty()));
                // An atendente for whom no queue is declared stays one, where they are one.
                let stays = is_here && person.profile == TeamProfile::Atendente && !has_any && there.is_some();
                Want::Just(self.attendant(there, queues, person.agent_slots, stays))
            }
            Place::Contract(_) => {
                let role = match grant.contract {
                    ContractGrant::None => None,
                    ContractGrant::Guest => Some(Role::Guest),
                    ContractGrant::Member => Some(Role::Member),
                    ContractGrant::Admin => Some(Role::Admin),
                };
                Want::Just(role.filter(|_| is_here).map(|role| Value::Member { role, pending: false }))
            }
            Place::Bot(_) => Want::Just(if is_here { self.permissions(place, grant.bot).map(Value::Permissions) } else { None }),
            _ => Want::Any,
        }
    }

    /// Returns the attendant with `queues`, and whatever they have in queues that are not managed; none where nothing is left.
    fn attendant(&self, there: Option<&Value>, queues: BTreeSet<String>, slots: Option<u32>, stays: bool) -> Option<Value> {
        let managed = &self.declared.team.managed;
        let (found, found_slots) = match there {
            Some(Value::Attendant { queues, slots }) => (queues.clone(), *slots),
            _ => (BTreeSet::new(), None),
        };
        let mut queues = queues;
        queues.extend(found.into_iter().filter(|queue| !managed.has_queue(queue)));
        (stays || !queues.is_empty()).then(|| Value::Attendant { queues, slots: slots.or(found_slots) })
    }

    fn permissions(&self, place: &Place, grant: BotGrant) -> Option<BTreeMap<String, BTreeSet<String>>> {
        let mut ids: BTreeSet<String> = PERMISSIONS.iter().chain([&TEAM]).map(|id| (*id).to_owned()).collect();
        for (_, value) in self.seen.state.rows(place) {
            if let Value::Permissions(permissions) = value {
                ids.extend(permissions.keys().cloned());
            }
        }
        let actions = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let all =
            |has: &dyn Fn(&str) -> bool, names: &[&str]| ids.iter().filter(|id| has(id)).map(|id| (id.clone(), actions(names))).collect();
        match grant {
            BotGrant::None => None,
            BotGrant::DeskView => Some(all(&|id| id == "desk" || id.starts_with("desk-") || id == "analysis", &["read"])),
            BotGrant::View => Some(all(&|id| id != TEAM, &["read"])),
            BotGrant::Edit => Some(all(&|id| id != TEAM, &["read", "write"])),
            BotGrant::Admin => Some(all(&|_| true, &["read", "write"])),
        }
    }

    fn of_undeclared(&mut self, place: &Place, email: &str) -> Want {
        if self.declared.team.managed.undeclared == Undeclared::Report {
            let value = self.seen.state.get(place, email).map(ToString::to_string).unwrap_or_default();
            self.note(NoteKind::Unmanaged, format!("{place}: `{email}` is not in the file ({value})"));
            return Want::Any;
        }
        match place {
            Place::Attendant(_) => Want::Just(self.attendant(self.seen.state.get(place, email), BTreeSet::new(), None, false)),
            _ => Want::Just(None),
        }
    }

    /// Tells what the plan leaves behind: queues without anybody, queues that are removed under somebody.
    fn leavers(&mut self) {
        let after = applied(&self.seen.state, &self.draft.steps);
        for desk in desks(&self.seen.state) {
            let (queues, attendants) = (Place::Queue(desk.clone()), Place::Attendant(desk));
            let names: Vec<String> = self.seen.state.rows(&queues).map(|(name, _)| name.clone()).collect();
            for name in names {
                let has = |state: &State| {
                    state.rows(&attendants).any(|(_, value)| matches!(value, Value::Attendant { queues, .. } if queues.contains(&name)))
                };
                let (had, has) = (has(&self.seen.state), has(&after));
                if after.get(&queues, &name).is_none() && has {
                    self.note(NoteKind::Warning, format!("queue `{name}` would be removed while people are in it"));
                } else if after.get(&queues, &name).is_some() && had && !has {
                    self.note(NoteKind::Warning, format!("queue `{name}` would be left without anybody: customers who come there wait"));
                }
            }
        }
    }

    /// Tells of people who were invited, have not come, and are not to come any more.
    fn open_invitations(&mut self) {
        for waited in self.declared.waited_for {
            let is_wanted = self.declared.team.person(&waited.subject).is_some_and(|person| is_here(person, self.declared.day));
            if let (false, Ok(place)) = (is_wanted, serde_json::from_str::<Place>(&waited.place))
                && self.seen.state.get(&place, &waited.subject).is_none()
            {
                let since = waited.updated_at.date_naive();
                let text = format!(
                    "{place}: `{}` was invited on {since} and is not to come any more: cancel the invitation in the portal",
                    waited.subject
                );
                self.note(NoteKind::Warning, text);
            }
        }
    }

    /// Compares what people who have left hold in this installation.
    fn local(&mut self) {
        let day = self.declared.day;
        let declared = self.declared.team.people.iter().filter(|person| person.presence(day) == Presence::Gone);
        let mut gone: BTreeSet<String> = declared.map(|person| person.email.clone()).collect();
        // Whoever is taken out of everything without a word in the file has left, too.
        let removed = self.draft.steps.iter().filter(|step| step.after.is_none() && !matches!(step.place, Place::Queue(_)));
        gone.extend(removed.filter(|step| self.declared.team.person(&step.key).is_none()).map(|step| step.key.clone()));
        let places: Vec<Place> = self.seen.state.places().filter(|place| place.layer() == Some(Layer::Relato)).cloned().collect();
        for email in &gone {
            for place in &places {
                if self.seen.state.get(place, email).is_some() {
                    let wanted = (*place == Place::Access).then_some(Value::Access { active: false });
                    self.compare(place, email, Want::Just(wanted));
                }
            }
            for (file, _) in self.seen.owners.iter().filter(|(_, owner)| owner == email) {
                self.draft
                    .notes
                    .push(Note { kind: NoteKind::Warning, text: format!("`{email}` answers for {file}: name another owner there") });
            }
        }
    }
}

/// Returns the desks that were read.
fn desks(state: &State) -> Vec<String> {
    state.places().filter_map(|place| if let Place::Queue(desk) = place { Some(desk.clone()) } else { None }).collect()
}

fn with_guess<'a>(problem: Problem, name: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let near = known.map(|other| (strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase()), other));
    match near.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, guess)) => problem.with_help(format!("did you mean `{guess}`?")),
        None => problem.with_help("queues that should be made stand under [[queue]]"),
    }
}

/// Returns place and wanted value of a step as the journal keeps them.
pub fn as_text(step: &Step) -> (String, Option<String>) {
    let text = |value: &Value| serde_json::to_string(value).expect("a value can be written as JSON");
    (serde_json::to_string(&step.place).expect("a place can be written as JSON"), step.after.as_ref().map(text))
}

/// Says what a step changes.
pub fn told(step: &Step) -> String {
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    format!("{}: `{}` has {}, and should have {}", step.place, step.key, value(&step.before), value(&step.after))
}
