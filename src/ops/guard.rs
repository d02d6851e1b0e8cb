//! What a plan must not do, whatever the file says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{
    plan::Step,
    state::{Place, State, Value},
};
use crate::{
    blip::portal::Role,
    config::{Layer, TeamSettings},
};

/// A guard, by the name under which it can be set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// So many administrators stay at least.
    MinAdministrators,
    /// The named administrators stay.
    RequiredAdministrators,
    /// Whoever applies the plan stays what they are.
    ActingPerson,
    /// No more than so many people lose something at once.
    RemovalCount,
    /// No more than such a share of a layer's people loses something at once.
    RemovalShare,
}

impl Guard {
    /// Every guard.
    pub const ALL: [Guard; 5] =
        [Guard::MinAdministrators, Guard::RequiredAdministrators, Guard::ActingPerson, Guard::RemovalCount, Guard::RemovalShare];

    /// Returns the name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Guard::MinAdministrators => "min-administrators",
            Guard::RequiredAdministrators => "required-administrators",
            Guard::ActingPerson => "acting-person",
            Guard::RemovalCount => "removal-count",
            Guard::RemovalShare => "removal-share",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Guard {
    type Err = String;

    fn from_str(text: &str) -> Result<Guard, String> {
        let names: Vec<&str> = Guard::ALL.into_iter().map(Guard::name).collect();
        let found = Guard::ALL.into_iter().find(|guard| guard.name() == text);
        found.ok_or_else(|| format!("there is no guard `{text}` (accepted: {})", names.join(", ")))
    }
}

/// A guard that refuses a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub guard: Guard,
    /// Why, in a sentence.
    pub message: String,
}

/// What the guards are told beside the plan.
#[derive(Debug, Clone, Default)]
pub struct Watched<'a> {
    /// The person who applies it, by address.
    pub acting: Option<&'a str>,
    /// The declared administrators of that day, where the file names any at all.
    pub declared: Option<BTreeSet<String>>,
}

/// Returns the guards that refuse `steps` from the state `before`.
pub fn violations(before: &State, steps: &[Step], settings: &TeamSettings, watched: &Watched<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut after = before.clone();
    for step in steps {
        after.put(&step.place, &step.key, after_of(step));
    }
    let mut refuse = |guard: Guard, message: String| found.push(Violation { guard, message });

    // Only those who have accepted can do anything. A layer that no step touches is as it was.
    let touched: BTreeSet<&Place> = steps.iter().map(|step| &step.place).collect();
    for place in touched.iter().filter(|place| matches!(place, Place::Contract(_) | Place::Bot(_))) {
        let (were, are) = (administrators(before, place), administrators(&after, place));
        if are.len() < settings.min_administrators && !were.is_subset(&are) {
            refuse(
                Guard::MinAdministrators,
                format!("{place}: {} administrators would stay ({}); at least {} must", are.len(), list(&are), settings.min_administrators),
            );
        }
        for email in settings.required_administrators.iter().filter(|email| were.contains(*email) && !are.contains(*email)) {
            refuse(Guard::RequiredAdministrators, format!("{place}: `{email}` must stay an administrator"));
        }
    }
    if let Some(declared) = &watched.declared {
        if declared.len() < settings.min_administrators {
            refuse(
                Guard::MinAdministrators,
                format!(
                    "the file names {} administrators for today ({}); at least {} must be there",
                    declared.len(),
                    list(declared),
                    settings.min_administrators
                ),
            );
        }
        for email in settings.required_administrators.iter().filter(|email| !declared.contains(*email)) {
            refuse(Guard::RequiredAdministrators, format!("the file must name `{email}` an administrador"));
        }
    }
    if let Some(acting) = watched.acting {
        for step in steps.iter().filter(|step| step.key == acting && step.is_loss()) {
            refuse(Guard::ActingPerson, format!("{}: `{acting}` applies the plan, and would lose something by it", step.place));
        }
    }

    let mut losing: BTreeMap<Layer, BTreeSet<&str>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.is_loss()) {
        losing.entry(step.place.layer().unwrap_or(Layer::Relato)).or_default().insert(&step.key);
    }
    let everybody: BTreeSet<&str> = losing.values().flatten().copied().collect();
    if everybody.len() > settings.max_removed {
        refuse(
            Guard::RemovalCount,
            format!("{} people would lose something; at most {} may at once", everybody.len(), settings.max_removed),
        );
    }
    for (layer, people) in losing {
        let of: BTreeSet<&String> = before
            .places()
            .filter(|place| place.layer() == Some(layer) && !matches!(place, Place::Queue(_)))
            .flat_map(|place| before.rows(place))
            .map(|(key, _)| key)
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "people are few")]
        let share = people.len() as f64 / of.len().max(1) as f64;
        if people.len() > 1 && share > settings.max_removed_share {
            refuse(
                Guard::RemovalShare,
                format!(
                    "{} of {} people of layer {} would lose something ({:.0} %); at most {:.0} % may at once",
                    people.len(),
                    of.len(),
                    layer.name(),
                    share * 100.0,
                    settings.max_removed_share * 100.0
                ),
            );
        }
    }
    found
}

/// Returns what a step leads to before anybody accepts anything.
pub fn after_of(step: &Step) -> Option<Value> {
    match (&step.before, &step.after) {
        (None, Some(Value::Member { role, .. })) => Some(Value::Member { role: *role, pending: true }),
        (Some(Value::Member { pending, .. }), Some(Value::Member { role, .. })) => Some(Value::Member { role: *role, pending: *pending }),
        (_, after) => after.clone(),
    }
}

/// Returns who can change the members of a place.
fn administrators(state: &State, place: &Place) -> BTreeSet<String> {
    let may = |value: &Value| match value {
        Value::Member { role, pending } => *role == Role::Admin && !pending,
        Value::Permissions(permissions) => permissions.get("team").is_some_and(|actions| actions.contains("write")),
        _ => false,
    };
    state.rows(place).filter(|(_, value)| may(value)).map(|(key, _)| key.clone()).collect()
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(people: &[(&str, Role, bool)]) -> State {
        let mut state = State::default();
        for (email, role, pending) in people {
            state.put(&Place::Contract("x".into()), email, Some(Value::Member { role: *role, pending: *pending }));
        }
        state
    }

    fn step(state: &State, email: &str, after: Option<Role>) -> Step {
        let place = Place::Contract("x".into());
        let before = state.get(&place, email).cloned();
        Step::new(place, email, before, after.map(|role| Value::Member { role, pending: false }))
    }

    fn refused(state: &State, steps: &[Step], settings: &TeamSettings, watched: &Watched<'_>) -> BTreeSet<Guard> {
        violations(state, steps, settings, watched).into_iter().map(|violation| violation.guard).collect()
    }

    #[test]
    fn the_last_two_administrators_stay_and_an_invitation_is_no_administrator() {
        let state = contract(&[("a", Role::Admin, false), ("b", Role::Admin, false), ("c", Role::Guest, false), ("d", Role::Admin, true)]);
        let settings = TeamSettings { max_removed_share: 1.0, ..TeamSettings::default() };
        let nobody = Watched::default();
        let demoted = step(&state, "a", Some(Role::Guest));
        assert_eq!(refused(&state, std::slice::from_ref(&demoted), &settings, &nobody), [Guard::MinAdministrators].into());
        let invited = [demoted.clone(), step(&state, "e", Some(Role::Admin))];
        assert_eq!(refused(&state, &invited, &settings, &nobody), [Guard::MinAdministrators].into(), "an invitation is not enough");
        let promoted = [demoted, step(&state, "c", Some(Role::Admin))];
        assert!(refused(&state, &promoted, &settings, &nobody).is_empty());
        let more = contract(&[("a", Role::Admin, false)]);
        let added = [step(&more, "c", Some(Role::Guest))];
        assert!(refused(&more, &added, &settings, &nobody).is_empty(), "too few as it is, and none is taken");
    }

    #[test]
    fn named_administrators_and_the_acting_person_stay() {
        let state = contract(&[("a", Role::Admin, false), ("b", Role::Admin, false), ("c", Role::Admin, false)]);
        let settings = TeamSettings { required_administrators: vec!["a".into()], ..TeamSettings::default() };
        let steps = [step(&state, "a", None)];
        let acting = Watched { acting: Some("a"), declared: Some(["b".to_owned(), "c".to_owned()].into()) };
        assert_eq!(refused(&state, &steps, &settings, &acting), [Guard::RequiredAdministrators, Guard::ActingPerson].into());
        let few = Watched { acting: None, declared: Some(["a".to_owned()].into()) };
        assert_eq!(refused(&state, &[], &settings, &few), [Guard::MinAdministrators].into());
    }

    #[test]
    fn the_brake_holds_by_number_and_by_share_and_a_demotion_counts() {
        let names: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
        let people: Vec<(&str, Role, bool)> = names.iter().map(|name| (name.as_str(), Role::Member, false)).collect();
        let state = contract(&people);
        let settings = TeamSettings { min_administrators: 0, max_removed: 10, max_removed_share: 0.2, ..TeamSettings::default() };
        let lose = |count: usize| -> Vec<Step> {
            (0..count).map(|number| step(&state, &names[number], (number % 2 == 0).then_some(Role::Guest))).collect()
        };
        let nobody = Watched::default();
        assert!(refused(&state, &lose(4), &settings, &nobody).is_empty());
        assert_eq!(refused(&state, &lose(5), &settings, &nobody), [Guard::RemovalShare].into());
        assert_eq!(refused(&state, &lose(11), &settings, &nobody), [Guard::RemovalCount, Guard::RemovalShare].into());
        let small = contract(&people[..2]);
        assert!(refused(&small, &[step(&small, "p0", None)], &settings, &nobody).is_empty(), "one person always may");
    }
}
