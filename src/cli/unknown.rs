//! Names in the configuration that nothing has: queues, and sectors of targets, calendars and recipients.

use std::collections::BTreeSet;

use serde_json::json;

use super::Failure;
use crate::{config::Project, query::Engine, snapshot::Snapshot};

/// A name that neither Blip nor the configuration has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// `queue` or `sector`.
    kind: &'static str,
    name: String,
    /// Where it is written.
    place: String,
    /// The most similar known name.
    guess: Option<String>,
}

/// Names are alike from here on.
const ALIKE: f64 = 0.8;

/// Finds names of `project` that the snapshot of `engine` does not have; none as long as Blip's list of queues was not read.
pub fn names(project: &Project, engine: &Engine) -> Result<Vec<UnknownName>, Failure> {
    let queues = engine.queues()?;
    if !queues.iter().any(|(_, is_listed)| *is_listed) {
        return Ok(Vec::new());
    }
    let queues: BTreeSet<String> = queues.into_iter().map(|(queue, _)| queue).collect();
    let settings = &project.settings;
    let mut sectors: BTreeSet<String> = engine.sectors()?.into_iter().chain(settings.sectors.by_queue.values().cloned()).collect();
    sectors.extend([settings.sectors.default_queue.clone(), settings.organization.locale.unresolved_sector().to_owned()]);
    let of_queue = |(queue, sector): (&String, &String)| unknown("queue", queue, format!("[sectors] `{sector}` in relato.toml"), &queues);
    let mut found: Vec<UnknownName> = settings.sectors.by_queue.iter().filter_map(of_queue).collect();
    for target in &settings.targets {
        let place = format!("[[target]] of `{}` in relato.toml", target.metric);
        found.extend(target.sector.as_ref().and_then(|sector| unknown("sector", sector, place, &sectors)));
    }
    let calendars = settings.calendars.by_sector.keys();
    found.extend(calendars.filter_map(|sector| unknown("sector", sector, "[calendar] in relato.toml".to_owned(), &sectors)));
    let recipients = project.recipients()?;
    found.extend(recipients.sectors.keys().filter_map(|sector| unknown("sector", sector, "recipients.toml".to_owned(), &sectors)));
    found.dedup();
    Ok(found)
}

/// As [`names`], from a snapshot.
pub fn names_of(project: &Project, snapshot: &Snapshot) -> Result<Vec<UnknownName>, Failure> {
    let catalogue = crate::query::Catalogue::new(&project.query_texts()?)?;
    names(project, &Engine::open(snapshot, catalogue)?)
}

fn unknown(kind: &'static str, name: &str, place: String, known: &BTreeSet<String>) -> Option<UnknownName> {
    if known.contains(name) {
        return None;
    }
    let alike = known.iter().map(|other| (strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase()), other));
    let guess = alike.filter(|(likeness, _)| *likeness > ALIKE).max_by(|one, other| one.0.total_cmp(&other.0));
    Some(UnknownName { kind, name: name.to_owned(), place, guess: guess.map(|(_, name)| name.clone()) })
}

/// One line a name.
pub fn lines(found: &[UnknownName]) -> Vec<String> {
    let line = |one: &UnknownName| {
        let guess = one.guess.as_ref().map(|guess| format!("; did you mean `{guess}`?")).unwrap_or_default();
        format!("Unknown: {} `{}` of {}: neither Blip nor the configuration has it{guess}", one.kind, one.name, one.place)
    };
    found.iter().map(line).collect()
}

/// The same for programs.
pub fn json(found: &[UnknownName]) -> serde_json::Value {
    found.iter().map(|one| json!({"kind": one.kind, "name": one.name, "place": one.place, "guess": one.guess})).collect()
}
