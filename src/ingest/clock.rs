//! What time it is at Blip, by the `Date` of its answers: a day is over, and a load complete, by that clock.

use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};

use super::{Clients, IngestError, LOADED_UNTIL, days::RETAINED_DAYS};
use crate::{
    blip::{Client, ClientOptions},
    config::Project,
    domain::Zone,
    store::{Store, StoreError},
};

/// How far this machine's clock may be from Blip's.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Returns the time at Blip when it was `now` here, from what the desk keys were answered; none where no answer had a date. Asks for one answer
/// where there was none yet.
///
/// # Errors
/// [`IngestError::Clock`] when this machine's clock is further than [`TOLERANCE`] from Blip's; that of the command.
pub async fn blip_time(clients: &Clients, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, IngestError> {
    if clients.desk.iter().all(|client| !client.has_answered())
        && let Some(client) = clients.desk.first()
    {
        client.ping().await?;
    }
    let Some((key, blip)) = clients.desk.iter().find_map(|client| Some((client.key_name(), at_start(client)?))) else { return Ok(None) };
    if (blip - now).abs() > TOLERANCE {
        return Err(IngestError::Clock { key: key.to_owned(), here: now, blip });
    }
    Ok(Some(blip))
}

/// Refuses a clock that is behind what Blip said last, or ahead of what it says now, where it was heard before and is to be reached. What is kept by this
/// clock cannot be told from what is true: an unlinking holds for everything before it.
///
/// # Errors
/// [`IngestError::Behind`]; [`IngestError::Clock`].
pub async fn require_clock(project: &Project, now: DateTime<Utc>) -> Result<(), IngestError> {
    let Some(heard) = project.heard() else { return Ok(()) };
    if now < heard - TOLERANCE {
        return Err(IngestError::Behind { here: now, heard });
    }
    if now < heard + UNASKED {
        return Ok(());
    }
    let options = ClientOptions { attempts: 1, timeout: Duration::from_secs(10), ..ClientOptions::default() };
    let Ok(clients) = Clients::of_project(project, None, options) else { return Ok(()) };
    match blip_time(&clients, now).await {
        Err(error @ IngestError::Clock { .. }) => Err(error),
        // Nobody is there to ask: what is asked for here needs no Blip.
        _ => Ok(()),
    }
}

/// So long after Blip was heard its clock is not asked again.
const UNASKED: TimeDelta = TimeDelta::hours(1);

/// Returns the time at Blip when the client was made.
fn at_start(client: &Client) -> Option<DateTime<Utc>> {
    let (date, after) = client.date()?;
    Some(date - TimeDelta::from_std(after.min(LONGEST)).unwrap_or_default())
}

/// No load takes longer to its first answers.
const LONGEST: Duration = Duration::from_hours(24);

/// Lets days be read again where a load before this one ran by a clock that was ahead of Blip's: it took days for over and settled before anything of
/// them was there. When that load was is not known, so everything is read again of which Blip still has all. Returns until when that load believed to have read
/// everything.
///
/// # Errors
/// When the database cannot be read or written.
pub fn reopen(store: &mut Store, zone: Zone, blip: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
    let until: Option<DateTime<Utc>> = store.mark(LOADED_UNTIL)?.and_then(|text| text.parse().ok());
    let Some(until) = until.filter(|until| *until > blip + TOLERANCE) else { return Ok(None) };
    tracing::warn!(loaded_until = %until, blip = %blip, "a load before this one ran by a clock that was ahead");
    store.transaction(|store| {
        store.reopen_days(zone.day(blip) - Days::new(RETAINED_DAYS))?;
        store.set_mark(LOADED_UNTIL, &blip.to_rfc3339())
    })?;
    Ok(Some(until))
}
