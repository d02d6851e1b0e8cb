//! Whose data is loaded: the bot behind each key, remembered, so that another bot's key under the same name is noticed before anything is
//! written.

use chrono::{DateTime, Utc};

use super::{Clients, IngestError, open_newest, pseudonyms, refresh};
use crate::{
    config::Project,
    ingest::Progress,
    store::{BotTickets, MartReport, Removed, Store, StoreError},
};

/// Beginning of the marks of the bot behind each key.
const BOT: &str = "bot:";

/// Beginning of the marks of keys whose days were read again for another bot's tickets.
const REOPENED: &str = "bot_reopened:";

/// Refuses two keys of one bot. A key that does not name its bot is passed over.
///
/// # Errors
/// [`IngestError::SameBot`].
pub fn require_distinct(clients: &Clients) -> Result<(), IngestError> {
    let named = named(clients);
    for (place, (other, bot)) in named.iter().enumerate() {
        if let Some((one, _)) = named[..place].iter().find(|(_, known)| known == bot) {
            return Err(IngestError::SameBot { one: (*one).to_owned(), other: (*other).to_owned(), bot: (*bot).to_owned() });
        }
    }
    Ok(())
}

/// Refuses a key of another bot than the one whose data were loaded under its name, and remembers the bots of the others. A key that does not name
/// its bot is passed over.
///
/// # Errors
/// [`IngestError::OtherBot`]; those of the database.
pub fn remember(clients: &Clients, store: &mut Store) -> Result<(), IngestError> {
    for (key, bot) in named(clients) {
        let known = match store.mark(&format!("{BOT}{key}"))? {
            Some(known) => Some(known),
            None => of_tickets(store, key, bot)?,
        };
        if let Some(known) = known.filter(|known| known != bot) {
            return Err(IngestError::OtherBot { key: key.to_owned(), found: bot.to_owned(), known });
        }
    }
    let mut earlier: Vec<(String, String)> = Vec::new();
    for mark in store.marks(BOT)? {
        earlier.extend(store.mark(&mark)?.map(|bot| (mark[BOT.len()..].to_owned(), bot)));
    }
    store.transaction(|store| {
        for (key, bot) in named(clients) {
            // The same bot under a name that no key has any more: the key was renamed.
            let is_gone = |name: &String| clients.all.iter().all(|client| client.key_name() != name);
            for (name, _) in earlier.iter().filter(|(name, known)| known == bot && name != key && is_gone(name)) {
                tracing::info!(from = %name, to = %key, "a key was renamed");
                store.rename_key(name, key)?;
            }
            store.set_mark(&format!("{BOT}{key}"), bot)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Returns the names of keys, each with the bot that it names.
fn named(clients: &Clients) -> Vec<(&str, &str)> {
    clients.all.iter().filter_map(|client| Some((client.key_name(), client.owner()?))).collect()
}

/// Returns the bot of the tickets that a key has read, where none of them is of `bot`.
fn of_tickets(store: &Store, key: &str, bot: &str) -> Result<Option<String>, StoreError> {
    let mut bots: Vec<BotTickets> = store.bots()?.into_iter().filter(|one| one.key_name == key).collect();
    if bots.iter().any(|one| name(&one.bot) == bot) {
        return Ok(None);
    }
    bots.sort_by_key(|one| one.tickets);
    Ok(bots.pop().map(|one| name(&one.bot).to_owned()))
}

/// Returns the tickets of other bots than the one behind the key that read them.
///
/// # Errors
/// When the database cannot be read.
pub fn foreign(store: &Store) -> Result<Vec<BotTickets>, StoreError> {
    let mut foreign = Vec::new();
    for one in store.bots()? {
        if store.mark(&format!("{BOT}{}", one.key_name))?.is_some_and(|bot| bot != name(&one.bot)) {
            foreign.push(one);
        }
    }
    Ok(foreign)
}

/// Returns the tickets of the bot `bot`, named with or without its domain, that a key of another bot has read.
///
/// # Errors
/// [`IngestError::NotForeign`] where there are none; those of the database.
pub fn foreign_of(store: &Store, bot: &str) -> Result<Vec<BotTickets>, IngestError> {
    let mut found = foreign(store)?;
    found.retain(|one| one.bot == bot || name(&one.bot) == bot);
    if found.is_empty() { Err(IngestError::NotForeign { bot: bot.to_owned() }) } else { Ok(found) }
}

/// Lets the days be read again of keys that have read another bot's tickets: the other bot's lists may have settled some. Once for each key.
///
/// # Errors
/// When the database cannot be read or written.
pub fn reopen(store: &mut Store) -> Result<(), StoreError> {
    for one in foreign(store)? {
        let mark = format!("{REOPENED}{}", one.key_name);
        if store.mark(&mark)?.is_none() {
            store.transaction(|store| {
                store.reopen_key(&one.key_name)?;
                store.set_mark(&mark, &one.bot)
            })?;
        }
    }
    Ok(())
}

/// Removes another bot's tickets from those of the key that read them, and lets the days of that key be read again: some were settled by the other
/// bot's lists. Returns the open store, to publish from.
///
/// # Errors
/// Those of the configuration or of the database.
pub fn remove(
    project: &Project,
    bot: &str,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<(Store, Removed, MartReport), IngestError> {
    let mut store = open_newest(project, &pseudonyms(project)?, now, "relato bot remove")?;
    let foreign = foreign_of(&store, bot)?;
    let removed = store.transaction(|store| {
        let mut all = Removed { tickets: 0, messages: 0 };
        for one in &foreign {
            let removed = store.remove_bot(&one.key_name, &one.bot)?;
            all = Removed { tickets: all.tickets + removed.tickets, messages: all.messages + removed.messages };
            store.reopen_key(&one.key_name)?;
        }
        Ok(all)
    })?;
    let marts = refresh(&mut store, &project.query_texts()?, progress)?;
    progress.finish();
    Ok((store, removed, marts))
}

/// Returns a bot's name without its domain, as keys have it.
fn name(identity: &str) -> &str {
    identity.split_once('@').map_or(identity, |(name, _)| name)
}
