//! What people do by hand in Blip's portal because no key may: in the readers' language, short enough to be done.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    draft::Declared,
    plan::{Chore, Step},
    read::Seen,
    state::{Place, Value},
};
use crate::{
    blip::portal::Role,
    config::{BotGrant, ChannelName, ContractGrant, Layer, Presence, SecretSource, TeamProfile},
    render::Locale,
};

/// Returns what remains for hands where members of contract and bots cannot be read: people who come or go, and those whose profile shows
/// nowhere else.
pub fn of_people(declared: &Declared<'_>, seen: &Seen, steps: &[Step]) -> Vec<Chore> {
    let mut chores: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let locale = declared.locale;
    let moving: BTreeSet<&str> =
        steps.iter().filter(|step| step.before.is_none() || step.after.is_none()).map(|step| step.key.as_str()).collect();
    for person in &declared.team.people {
        let presence = person.presence(declared.day);
        let is_seen_elsewhere =
            person.profile == TeamProfile::Atendente && presence == Presence::Here && !moving.contains(person.email.as_str());
        // Who is gone from everything that can be seen was taken out before, or never was there.
        let is_over = presence == Presence::Gone && !moving.contains(person.email.as_str());
        if presence == Presence::Coming || is_seen_elsewhere || is_over {
            continue;
        }
        let grant = declared.settings.grant(person.profile);
        let mut add = |path: &str, text: &str| {
            chores.entry((locale.text(path), locale.text(text))).or_default().insert(person.email.clone());
        };
        if seen.unread.contains_key(&Layer::Contract) {
            add(
                "portal-contract",
                match (presence, grant.contract) {
                    (Presence::Gone, _) | (_, ContractGrant::None) => "portal-contract-none",
                    (_, ContractGrant::Guest) => "portal-contract-guest",
                    (_, ContractGrant::Member) => "portal-contract-member",
                    (_, ContractGrant::Admin) => "portal-contract-admin",
                },
            );
        }
        if seen.unread.contains_key(&Layer::Bot) {
            match (presence, grant.bot) {
                // Documented writes give an attendant what attending needs.
                (Presence::Here, BotGrant::None) => {}
                (Presence::Gone, _) | (_, BotGrant::None) => add("portal-bot", "portal-bot-none"),
                (_, BotGrant::DeskView) => add("portal-bot", "portal-bot-desk-view"),
                (_, BotGrant::View) => add("portal-bot", "portal-bot-view"),
                (_, BotGrant::Edit) => add("portal-bot", "portal-bot-edit"),
                (_, BotGrant::Admin) => add("portal-bot", "portal-bot-admin"),
            }
        }
    }
    chores.into_iter().map(|((path, text), of)| Chore { path, text, of: of.into_iter().collect() }).collect()
}

/// Returns what remains for hands of a step that Blip refused; none where the portal has nothing for it.
pub fn of_step(step: &Step, sources: &BTreeMap<(ChannelName, String), SecretSource>, locale: &Locale) -> Option<Chore> {
    let chore = |path: &str, text: String| Some(Chore { path: locale.text(path), text, of: vec![step.key.clone()] });
    match (&step.place, &step.after) {
        (Place::Contract(_), None) => chore("portal-contract", locale.text("portal-contract-none")),
        (Place::Contract(_), Some(Value::Member { role, .. })) => chore(
            "portal-contract",
            locale.text(match role {
                Role::Guest => "portal-contract-guest",
                Role::Member => "portal-contract-member",
                Role::Admin => "portal-contract-admin",
            }),
        ),
        (Place::Bot(_), None) => chore("portal-bot", locale.text("portal-bot-none")),
        (Place::Bot(_), Some(value)) => chore("portal-bot", locale.text_with("portal-bot-exact", &[("permissions", &value.to_string())])),
        (Place::Attendant(_), None) => chore("portal-attendants", locale.text("portal-attendants-none")),
        (Place::Attendant(_), Some(value)) => {
            chore("portal-attendants", locale.text_with("portal-attendants-set", &[("queues", &value.to_string())]))
        }
        (Place::Queue(_), None) => chore("portal-queues", locale.text("portal-queues-none")),
        (Place::Queue(_), Some(Value::Queue { active })) => {
            chore("portal-queues", locale.text(if *active { "portal-queues-active" } else { "portal-queues-inactive" }))
        }
        (Place::Channel(channel), after) => Some(of_entry(*channel, &step.key, after.as_ref(), sources, locale)),
        _ => None,
    }
}

fn of_entry(
    channel: ChannelName,
    key: &str,
    after: Option<&Value>,
    sources: &BTreeMap<(ChannelName, String), SecretSource>,
    locale: &Locale,
) -> Chore {
    let owner = channel.owner();
    let text = match after {
        None => locale.text_with("portal-entry-none", &[("owner", &owner), ("key", key)]),
        Some(Value::Entry(value)) => locale.text_with("portal-entry-set", &[("owner", &owner), ("key", key), ("value", value)]),
        Some(_) => {
            let place = match sources.get(&(channel, key.to_owned())) {
                Some(SecretSource::Env(variable)) => variable.clone(),
                Some(SecretSource::File(path)) => path.display().to_string(),
                None => "—".to_owned(),
            };
            locale.text_with("portal-entry-secret", &[("owner", &owner), ("key", key), ("place", &place)])
        }
    };
    Chore { path: locale.text("portal-entry"), text, of: vec![channel.name().to_owned()] }
}
