//! What a plan is about, with everything it takes to read, compare and write it.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{
    OpsError, checklist,
    draft::{self, Declared, Draft},
    guard,
    guard::{Guard, Violation, Watched},
    installation,
    plan::{Chore, FORMAT, Note, NoteKind, Plan, Step, Subject, in_order},
    read::{self, Handle, Seen},
    state::{Place, Value},
};
use crate::{
    blip::{
        BlipError, Client,
        configuration::{self, Health},
        desk::{self, Attendant, Queue},
        identity, portal,
        unconfirmed::Unconfirmed,
    },
    config::{ChannelName, Channels, ConfigError, Layer, Project, SecretSource, Team},
    files,
    ingest::{Clients, Pseudonyms},
    ledger::JournalStep,
    render::Locale,
};

/// People or channels of a project.
pub struct Target<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its keys.
    pub clients: Clients,
    /// The local day.
    pub day: NaiveDate,
    /// The readers' language.
    pub locale: Locale,
    declared: What,
    pseudonyms: Pseudonyms,
}

/// What is declared; none where it is only read.
enum What {
    Team(Option<Team>),
    Channels(Option<(Channels, Secrets)>),
}

/// Fetched secrets by channel and key.
type Secrets = BTreeMap<(ChannelName, String), SecretString>;

/// Why a write was not done, or may not have been.
#[derive(Debug)]
pub struct WriteFailure {
    /// In words.
    pub text: String,
    /// Whether it may have been done.
    pub is_unclear: bool,
    /// Whether the writes that follow have no chance.
    pub is_fatal: bool,
}

impl From<BlipError> for WriteFailure {
    fn from(error: BlipError) -> WriteFailure {
        let is_fatal = matches!(
            error,
            BlipError::Unauthorized { .. }
                | BlipError::Unreachable { .. }
                | BlipError::KeyText { .. }
                | BlipError::Address { .. }
                | BlipError::Throttled { .. }
        );
        WriteFailure { is_unclear: error.is_unclear(), is_fatal, text: error.to_string() }
    }
}

impl From<ConfigError> for WriteFailure {
    fn from(error: ConfigError) -> WriteFailure {
        WriteFailure { text: error.to_string(), is_unclear: false, is_fatal: false }
    }
}

impl<'a> Target<'a> {
    /// The people of a project.
    ///
    /// # Errors
    /// When a file or the secret of fingerprints cannot be read.
    pub fn team(project: &'a Project, clients: Clients, team: Option<Team>, day: NaiveDate) -> Result<Target<'a>, OpsError> {
        Target::new(project, clients, What::Team(team), day)
    }

    /// The channels of a project.
    ///
    /// # Errors
    /// When a declared secret is missing, or the secret of fingerprints cannot be read.
    pub fn channels(project: &'a Project, clients: Clients, channels: Option<Channels>, day: NaiveDate) -> Result<Target<'a>, OpsError> {
        let declared = channels.map(|channels| channels.secrets(&project.dir).map(|secrets| (channels, secrets))).transpose()?;
        Target::new(project, clients, What::Channels(declared), day)
    }

    fn new(project: &'a Project, clients: Clients, declared: What, day: NaiveDate) -> Result<Target<'a>, OpsError> {
        files::make_folder(&project.ops_dir())?;
        let secret = files::own_secret(&project.ops_dir().join("fingerprint.secret"))?;
        let pseudonyms = Pseudonyms::new(&SecretString::from(secret));
        Ok(Target { project, clients, day, locale: Locale::new(project.settings.organization.locale), declared, pseudonyms })
    }

    /// Returns what it is about.
    pub fn subject(&self) -> Subject {
        match self.declared {
            What::Team(_) => Subject::Team,
            What::Channels(_) => Subject::Channels,
        }
    }

    /// Reads how it is.
    ///
    /// # Errors
    /// When Blip cannot be reached, or a file cannot be read.
    pub async fn read(&self) -> Result<Seen, OpsError> {
        match &self.declared {
            What::Team(_) => read::team(self.project, &self.clients).await,
            What::Channels(declared) => {
                // What somebody declares to be a secret is one, whatever its name.
                let is_secret = |channel: ChannelName, key: &str| {
                    let channel = declared.as_ref().and_then(|(channels, _)| channels.channels.get(&channel));
                    channel.is_some_and(|channel| channel.secrets.contains_key(key))
                };
                read::channels(self.channel_client()?, is_secret, &self.pseudonyms).await
            }
        }
    }

    fn channel_client(&self) -> Result<&Arc<Client>, OpsError> {
        self.clients.channel.first().ok_or(OpsError::NoChannelKey)
    }

    /// Compares with what is declared.
    ///
    /// # Errors
    /// Every place of the file that cannot be meant.
    pub fn draft(&self, seen: &Seen, waited_for: &[JournalStep]) -> Result<Draft, ConfigError> {
        match &self.declared {
            What::Team(Some(team)) => {
                let settings = &self.project.settings;
                let declared = Declared {
                    team,
                    settings: &settings.team,
                    sectors: &settings.sectors,
                    day: self.day,
                    waited_for,
                    locale: &self.locale,
                };
                draft::team(&declared, seen)
            }
            What::Channels(Some((channels, secrets))) => Ok(self.channel_draft(channels, secrets, seen)),
            What::Team(None) | What::Channels(None) => Ok(Draft::default()),
        }
    }

    fn channel_draft(&self, channels: &Channels, secrets: &Secrets, seen: &Seen) -> Draft {
        let mut draft = Draft::default();
        for (channel, declared) in &channels.channels {
            let place = Place::Channel(*channel);
            let mut wanted: BTreeMap<String, Option<Value>> = BTreeMap::new();
            wanted.extend(declared.settings.iter().map(|(key, value)| (key.clone(), Some(Value::Entry(value.clone())))));
            wanted.extend(declared.absent.iter().map(|key| (key.clone(), None)));
            if !declared.connected {
                wanted.extend(channel.identifying().iter().map(|key| ((*key).to_owned(), None)));
            }
            for key in declared.secrets.keys() {
                // Of a channel that is not managed the secret was not fetched: whether it is set is all that can be said.
                if let Some(secret) = secrets.get(&(*channel, key.clone())) {
                    wanted.insert(key.clone(), Some(read::secret_value(key, secret, &self.pseudonyms)));
                }
            }
            for (key, wanted) in wanted {
                let before = seen.state.get(&place, &key);
                if before == wanted.as_ref() {
                    continue;
                }
                let step = Step::new(place.clone(), &key, before.cloned(), wanted);
                if channels.managed.contains(channel) {
                    draft.steps.push(step);
                } else {
                    draft.notes.push(Note { kind: NoteKind::Unmanaged, text: draft::told(&step) });
                }
            }
        }
        for place in seen.state.places() {
            if let Place::Channel(channel) = place
                && !channels.channels.contains_key(channel)
                && seen.state.rows(place).next().is_some()
            {
                draft.notes.push(Note { kind: NoteKind::Unmanaged, text: format!("{place} is set and not in the file") });
            }
        }
        draft.steps = in_order(draft.steps);
        if !self.project.settings.channels.unconfirmed && !draft.steps.is_empty() {
            draft.checklist = draft.steps.iter().filter_map(|step| self.chore(step)).collect();
            let text = format!("{}; [channels] unconfirmed is not switched on, so this is for hands", Unconfirmed::Configuration.message());
            draft.notes.push(Note { kind: NoteKind::Unmanaged, text });
            draft.steps.clear();
        }
        draft
    }

    /// Returns what a person does in the portal in place of a step.
    pub fn chore(&self, step: &Step) -> Option<Chore> {
        let mut sources: BTreeMap<(ChannelName, String), SecretSource> = BTreeMap::new();
        if let What::Channels(Some((channels, _))) = &self.declared {
            for (channel, declared) in &channels.channels {
                sources.extend(declared.secrets.iter().map(|(key, source)| ((*channel, key.clone()), source.clone())));
            }
        }
        checklist::of_step(step, &sources, &self.locale)
    }

    /// Returns the guards that refuse what was compared, when `acting` applies it.
    pub fn guards(&self, seen: &Seen, draft: &Draft, acting: Option<&str>) -> Vec<Violation> {
        self.violations(seen, &draft.steps, &Watched { acting, declared: draft.administrators.clone() })
    }

    /// Returns the guards that refuse steps.
    pub(super) fn violations(&self, before: &Seen, steps: &[Step], watched: &Watched<'_>) -> Vec<Violation> {
        match self.declared {
            What::Team(_) => guard::violations(&before.state, steps, &self.project.settings.team, watched),
            What::Channels(_) => Vec::new(),
        }
    }

    /// Tells whether a step alone would leave too few administrators, from how it is by now.
    pub fn leaves_too_few(&self, now: &Seen, step: &Step) -> Option<String> {
        let found = self.violations(now, std::slice::from_ref(step), &Watched::default());
        found.into_iter().find(|violation| violation.guard == Guard::MinAdministrators).map(|violation| violation.message)
    }

    /// Does a step.
    ///
    /// # Errors
    /// Why it was not done, or may not have been.
    pub async fn write(&self, step: &Step, handle: Option<&Handle>) -> Result<(), WriteFailure> {
        let missing = |what: &str| WriteFailure { text: format!("{}: {what}", step.place), is_unclear: false, is_fatal: false };
        let client = |clients: &[Arc<Client>], name: &str| {
            clients.iter().find(|client| client.key_name() == name).cloned().ok_or_else(|| missing("no such key any more"))
        };
        let portal = || self.clients.portal.first().cloned().ok_or_else(|| missing("no key has the role portal"));
        let identity = handle.and_then(|handle| handle.identity.clone()).unwrap_or_else(|| identity::attendant(&step.key));
        match (&step.place, &step.after) {
            (Place::Queue(desk), Some(Value::Queue { active })) => {
                let id = handle.and_then(|handle| handle.id.clone());
                let queue = Queue { id, name: step.key.clone(), is_active: Some(*active) };
                desk::set_queue(&*client(&self.clients.desk, desk)?, &queue).await?;
            }
            (Place::Queue(desk), None) => {
                let id = handle.and_then(|handle| handle.id.as_deref()).ok_or_else(|| missing("Blip told no id of the queue"))?;
                desk::delete_queue(&*client(&self.clients.desk, desk)?, id).await?;
            }
            (Place::Attendant(desk), Some(Value::Attendant { queues, slots })) => {
                let attendant = Attendant {
                    identity,
                    full_name: None,
                    teams: Some(queues.iter().cloned().collect()),
                    agent_slots: *slots,
                    is_enabled: handle.and_then(|handle| handle.is_enabled),
                };
                desk::set_attendant(&*client(&self.clients.desk, desk)?, &attendant).await?;
            }
            (Place::Attendant(desk), None) => desk::delete_attendant(&*client(&self.clients.desk, desk)?, &identity).await?,
            (Place::Contract(contract), Some(Value::Member { role, .. })) => {
                portal::set_contract_member(&*portal()?, contract, &identity, *role).await?;
            }
            (Place::Contract(contract), None) => portal::delete_contract_member(&*portal()?, contract, &identity).await?,
            (Place::Bot(bot), Some(Value::Permissions(wanted))) => {
                let client = portal()?;
                if step.before.is_none() {
                    portal::add_bot_member(&client, bot, &identity).await?;
                }
                // All that anybody may have had is named, so that what is not wanted is taken.
                let held = match &step.before {
                    Some(Value::Permissions(held)) => held.keys().cloned().collect(),
                    _ => handle.map(|handle| handle.permissions.clone()).unwrap_or_default(),
                };
                let taken = held.into_iter().map(|id| (id, Vec::new()));
                let mut permissions: BTreeMap<String, Vec<String>> = taken.collect();
                permissions.extend(wanted.iter().map(|(id, actions)| (id.clone(), actions.iter().cloned().collect())));
                if !permissions.is_empty() {
                    portal::set_permissions(&client, bot, &identity, &permissions).await?;
                }
            }
            (Place::Bot(bot), None) => portal::delete_bot_member(&*portal()?, bot, &identity).await?,
            (Place::Access | Place::List { .. }, after) => installation::put(self.project, &step.place, &step.key, after.as_ref())?,
            (Place::Channel(channel), after) => {
                let client = self.channel_client().map_err(|_| missing("no key has the role channel"))?;
                let bot = client.owner().map(|owner| format!("{owner}@msging.net")).ok_or_else(|| missing("the key names no bot"))?;
                match after {
                    None => configuration::delete(client, &channel.owner(), &bot, &step.key).await?,
                    Some(Value::Entry(value)) => {
                        configuration::set(client, &channel.owner(), &bot, &step.key, &SecretString::from(value.as_str())).await?;
                    }
                    Some(_) => {
                        let secrets = if let What::Channels(Some((_, secrets))) = &self.declared { Some(secrets) } else { None };
                        let secret = secrets.and_then(|secrets| secrets.get(&(*channel, step.key.clone())));
                        let secret = secret.ok_or_else(|| missing("the secret is not declared any more"))?;
                        configuration::set(client, &channel.owner(), &bot, &step.key, secret).await?;
                    }
                }
            }
            (_, Some(_)) => return Err(missing("a value of another kind")),
        }
        Ok(())
    }
}

/// Makes a plan of what was compared; `invites_again` where that was done without regard to who is waited for.
pub fn planned(target: &Target<'_>, seen: &Seen, draft: Draft, invites_again: bool, now: DateTime<Utc>) -> Plan {
    let places = seen.state.places().cloned().collect();
    Plan {
        format: FORMAT,
        subject: target.subject(),
        takes_back: None,
        invites_again,
        made_at: now,
        organization: target.project.settings.organization.name.clone(),
        seen: seen.state.digest(&places),
        places,
        steps: draft.steps,
        notes: draft.notes,
        checklist: draft.checklist,
        sha256: String::new(),
    }
    .sealed()
}

/// What a comparison found, as it is kept for `relato status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub looked_at: DateTime<Utc>,
    /// What differs from the file, in sentences; none where there is no file.
    pub differs: Option<Vec<String>>,
    /// Layers that could not be read, and why.
    pub unread: BTreeMap<Layer, String>,
    /// How channels are set, where they were looked at.
    pub channels: BTreeMap<ChannelName, Health>,
}

/// Returns what a comparison found.
pub fn look(seen: &Seen, plan: Option<&Plan>, now: DateTime<Utc>) -> Look {
    let chores = plan.into_iter().filter(|plan| plan.subject == Subject::Channels).flat_map(|plan| &plan.checklist);
    let channels = seen.state.places().filter_map(|place| {
        let Place::Channel(channel) = place else { return None };
        Some((*channel, health(*channel, seen)))
    });
    Look {
        looked_at: now,
        differs: plan.map(|plan| plan.steps.iter().map(draft::told).chain(chores.map(|chore| chore.text.clone())).collect()),
        unread: seen.unread.clone(),
        channels: channels.collect(),
    }
}

/// Tells how a channel is set.
fn health(channel: ChannelName, seen: &Seen) -> Health {
    let place = Place::Channel(channel);
    let keys = seen.state.rows(&place).map(|(key, _)| key.as_str()).collect();
    let is_off = |key: &str| matches!(seen.state.get(&place, key), Some(Value::Entry(value)) if value.eq_ignore_ascii_case("false"));
    Health::of(channel, &keys, is_off)
}
