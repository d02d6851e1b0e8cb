//! Survey events: counters say how many there are of each answer, details are the answers.
//!
//! Position: runs of days. Checkpoint: each day's coverage, the counters' sum against the details that came. Events carry no
//! id: the key is made from the content and, among equal ones, the occurrence. A day is read again until it has been over for
//! some days, because answers can be recorded late.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    ops::RangeInclusive,
    sync::Arc,
};

use chrono::NaiveDate;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    IngestError, Pseudonyms,
    days::{Reader, days_holding, runs},
    gaps::{Gaps, Source},
    pipeline::{Ahead, doubted, read_ahead},
};
use crate::{
    blip::{BlipError, Client, Entry, events, identity, time},
    config::Settings,
    store::{Coverage, EventRow, Resource, Store, Written},
};

/// Days that are asked for at once: as many as hold about so many events, within bounds. The first run is that of a daily load.
const EVENTS_AT_ONCE: usize = 8_000;
const FIRST_RUN: usize = 7;
const RUN: RangeInclusive<usize> = 1..=31;

/// After so many runs it is looked again how many events days hold.
const RUNS_BETWEEN_LOOKS: usize = 4;

/// Answers of a survey whose events are asked for at once: each is a list of its own.
const ACTIONS_AT_ONCE: usize = 4;

/// How often a list that is shorter than announced is asked for again before that is noted.
const DOUBTS: usize = 3;

/// Which events are the survey's, and what is kept of them.
#[derive(Debug, Clone)]
pub struct Survey {
    pub category: String,
    pub sector_extra: Option<String>,
    pub comment_extra: Option<String>,
}

impl Survey {
    pub fn new(settings: &Settings) -> Survey {
        let survey = &settings.satisfaction;
        Survey {
            category: survey.category.clone(),
            sector_extra: survey.sector_extra.clone(),
            comment_extra: survey.comment_extra.clone().filter(|_| settings.privacy.keep_comments),
        }
    }
}

/// What one run of days gave.
pub struct Read {
    reported: BTreeMap<NaiveDate, i64>,
    pub rows: Vec<EventRow>,
    /// Reason and fingerprint of what can not be kept.
    rejected: Vec<(String, String)>,
    is_steady: bool,
}

/// Reads the days of `span` that are not settled; returns their number and what changed.
pub async fn read(
    client: &Arc<Client>,
    store: &mut Store,
    pseudonyms: &Arc<Pseudonyms>,
    reader: &Reader<'_>,
    gaps: &mut Gaps,
    survey: &Arc<Survey>,
    span: (NaiveDate, NaiveDate),
) -> Result<(usize, Written), IngestError> {
    let source = Source { resource: Resource::Event, key: client.key_name(), path: "/event-track" };
    let mut days = reader.days(store, Resource::Event, client.key_name(), span)?;
    // Counters are asked for by runs of days, which need them in order.
    days.sort();
    reader.progress.start("survey answers by day", Some(days.len()));
    let mut written = Written::default();
    let (mut left, mut longest) = (&days[..], FIRST_RUN);
    while !left.is_empty() {
        let (now, later) = left.split_at(left.len().min(RUNS_BETWEEN_LOOKS * longest));
        left = later;
        let next = runs(now, longest);
        let mut most_events = 0;
        let mut answers = {
            let (client, pseudonyms, survey) = (Arc::clone(client), Arc::clone(pseudonyms), Arc::clone(survey));
            read_ahead(next, Ahead { concurrency: 2, waiting: 1 }, move |(first, last)| {
                let (client, pseudonyms, survey) = (Arc::clone(&client), Arc::clone(&pseudonyms), Arc::clone(&survey));
                async move { (first, last, read_run(&client, &pseudonyms, &survey, (first, last)).await) }
            })
        };
        while let Some((first, last, answer)) = answers.recv().await {
            let read = match answer {
                Ok(read) => read,
                Err(error) => {
                    gaps.note(&source, format!("{first}..{last}"), error)?;
                    continue;
                }
            };
            gaps.note_success(&source);
            let run: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= last).collect();
            most_events = most_events.max((read.rows.len() + read.rejected.len()) / run.len());
            written += write(store, reader, (client.key_name(), &run), &read)?;
            reader.progress.advance(run.len());
        }
        longest = days_holding(EVENTS_AT_ONCE, most_events, RUN);
    }
    Ok((days.len(), written))
}

/// Writes what a run of days gave, and which of them it covers.
fn write(store: &mut Store, reader: &Reader<'_>, (key_name, days): (&str, &[NaiveDate]), read: &Read) -> Result<Written, IngestError> {
    let Read { reported, rows, rejected, is_steady } = read;
    let mut stored: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for row in rows {
        *stored.entry(time::blip_day(row.recorded_at)).or_default() += 1;
    }
    // A record without a readable time has no day; it arrived all the same, on some day of the run that is short of it.
    let mut homeless = i64::try_from(rejected.len()).unwrap_or(i64::MAX);
    let coverage: Vec<Coverage> = days
        .iter()
        .map(|day| {
            let reported = reported.get(day).copied().unwrap_or(0);
            let kept = stored.get(day).copied().unwrap_or(0);
            let set_aside = (reported - kept).clamp(0, homeless);
            homeless -= set_aside;
            Coverage {
                resource: Resource::Event,
                key_name: key_name.to_owned(),
                day: *day,
                reported,
                stored: kept + set_aside,
                set_aside,
                still_open: 0,
                day_was_over: reader.is_over(*day) && reader.is_blip_day_over(*day),
                is_steady: *is_steady,
                is_settled: reader.is_settled(*day),
            }
        })
        .collect();
    let run = reader.run;
    Ok(tokio::task::block_in_place(|| {
        store.transaction_with_enough_memory(|store| {
            store.write_coverage(&coverage)?;
            let written = Written {
                events: store.write_events(rows, run)?,
                rejected: store.write_rejected(Resource::Event, rejected, run)?,
                ..Written::default()
            };
            store.write_load(run, &written)?;
            Ok(written)
        })
    })?)
}

/// Reads the events of whole days, both included.
pub async fn read_run(client: &Client, pseudonyms: &Pseudonyms, survey: &Survey, span: (NaiveDate, NaiveDate)) -> Result<Read, BlipError> {
    let counters = doubted(|| events::counters(client, &survey.category, span.0, span.1)).await?;
    let mut reported: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    let mut actions: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_steady = counters.is_steady;
    for entry in counters.entries {
        let Entry::Record(counter) = entry else {
            is_steady = false;
            continue;
        };
        let day = time::parse_instant(&counter.storage_date).map(time::blip_day);
        // Where it is not known whether the last day is included, one more was asked for.
        if day.is_some_and(|day| day > span.1) {
            continue;
        }
        if let Some(day) = day {
            *reported.entry(day).or_default() += i64::try_from(counter.count).unwrap_or(i64::MAX);
        }
        *actions.entry(counter.action).or_default() += usize::try_from(counter.count).unwrap_or(usize::MAX);
    }
    let mut answers = stream::iter(actions)
        .map(|(action, count)| async move {
            let details = || events::details(client, &survey.category, &action, span, |entry| row(entry, pseudonyms, survey));
            let is_in_span = |entry: &Result<EventRow, _>| entry.as_ref().map_or(true, |row| time::blip_day(row.recorded_at) <= span.1);
            let details = || async {
                let mut found = details().await?;
                found.entries.retain(is_in_span);
                Ok::<_, BlipError>(found)
            };
            let mut found = details().await?;
            for _ in 0..DOUBTS {
                if found.entries.len() >= count {
                    break;
                }
                found = details().await?;
            }
            Ok::<_, BlipError>(found)
        })
        .buffered(ACTIONS_AT_ONCE);
    let mut entries = Vec::new();
    while let Some(found) = answers.try_next().await? {
        is_steady &= found.is_steady;
        entries.extend(found.entries);
    }
    let (rows, rejected) = kept(entries);
    Ok(Read { reported, rows, rejected, is_steady })
}

/// Makes the row of an event, under its fingerprint in place of an id; or reason and fingerprint of one that can not be kept.
fn row(entry: Entry<events::Event>, pseudonyms: &Pseudonyms, survey: &Survey) -> Result<EventRow, (String, String)> {
    let event = match entry {
        Entry::Record(event) => event,
        Entry::Unreadable(one) => return Err(pseudonyms.unreadable(&one)),
    };
    // The router can name the desk's customer: no link is needed then.
    let of_desk = event.tunnel().map(|tunnel| (pseudonyms.customer(tunnel), pseudonyms.earlier(tunnel)));
    let extras = event.extras.unwrap_or_default();
    let extra = |name: &Option<String>| name.as_ref().and_then(|name| extras.get(name)).filter(|value| !value.trim().is_empty()).cloned();
    let identity = event.contact.and_then(|contact| contact.identity).or(event.identity);
    let sorted: BTreeMap<_, _> = extras.iter().collect();
    let content = format!("{}\0{}\0{}\0{identity:?}\0{:?}\0{sorted:?}", event.category, event.action, event.storage_date, event.message_id);
    let fingerprint = pseudonyms.keyed("event", &content);
    let Some(recorded_at) = time::parse_instant(&event.storage_date) else {
        return Err(("no readable time".to_owned(), fingerprint));
    };
    let originator = identity.as_deref().filter(|identity| of_desk.is_some() && identity::is_on_channel(identity));
    let (originator_key, earlier_originator_key) =
        originator.map(|identity| (pseudonyms.customer(identity), pseudonyms.earlier(identity))).unzip();
    let (customer_key, earlier_key) =
        of_desk.or_else(|| identity.as_deref().map(|identity| (pseudonyms.customer(identity), pseudonyms.earlier(identity)))).unzip();
    Ok(EventRow {
        event_id: fingerprint,
        queue: extra(&survey.sector_extra),
        comment: extra(&survey.comment_extra),
        category: event.category,
        action: event.action,
        recorded_at,
        originator_key,
        customer_key,
        earlier_key: earlier_key.flatten(),
        earlier_originator_key: earlier_originator_key.flatten(),
    })
}

/// Returns the rows, equal events told apart by their number, and what can not be kept.
fn kept(entries: Vec<Result<EventRow, (String, String)>>) -> (Vec<EventRow>, Vec<(String, String)>) {
    let (mut rows, mut rejected) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in entries {
        match entry {
            Ok(row) => rows.push(row),
            Err(reason) => rejected.push(reason),
        }
    }
    let mut occurrences: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    for row in &mut rows {
        let occurrence = occurrences.entry(row.event_id.clone()).or_default();
        *occurrence += 1;
        let _ = write!(row.event_id, "-{occurrence}");
    }
    rows.sort_by(|a, b| (a.recorded_at, &a.event_id).cmp(&(b.recorded_at, &b.event_id)));
    (rows, rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey() -> Survey {
        Survey { category: "c".into(), sector_extra: Some("fila".into()), comment_extra: Some("comentario".into()) }
    }

    fn event() -> events::Event {
        serde_json::from_str(
            r#"{"category":"c","action":"4","storageDate":"2026-02-03T13:42:18.903Z","contact":{"identity":"x@tunnel.msging.net"},
                "extras":{"fila":"Financeiro","comentario":"rápido"}}"#,
        )
        .unwrap()
    }

    fn rows(events: Vec<events::Event>, survey: &Survey) -> (Vec<EventRow>, Vec<(String, String)>) {
        let pseudonyms = Pseudonyms::new(&"k".into());
        kept(events.into_iter().map(|event| row(Entry::Record(event), &pseudonyms, survey)).collect())
    }

    #[test]
    fn equal_events_are_kept_apart_and_read_again_as_the_same() {
        let (first, rejected) = rows(vec![event(), event()], &survey());
        let (again, _) = rows(vec![event(), event()], &survey());
        assert_eq!((&first, rejected.len()), (&again, 0));
        assert_ne!(first[0].event_id, first[1].event_id);
    }

    #[test]
    fn comments_are_kept_only_where_the_configuration_says_so() {
        assert_eq!(rows(vec![event()], &survey()).0[0].comment.as_deref(), Some("rápido"));
        assert_eq!(rows(vec![event()], &Survey { comment_extra: None, ..survey() }).0[0].comment, None);
    }

    #[test]
    fn an_event_of_the_router_can_name_the_customer_as_the_desk_does() {
        let extras = |name: &str, value: &str| Some(HashMap::from([(name.to_owned(), value.to_owned())]));
        let key = |extras| rows(vec![events::Event { extras, ..event() }], &survey()).0[0].customer_key.clone().unwrap();
        let pseudonym = |identity: &str| Pseudonyms::new(&"k".into()).customer(identity);
        assert_eq!(key(extras("#tunnelIdentity", "t1@tunnel.msging.net")), pseudonym("t1@tunnel.msging.net"));
        assert_eq!(key(extras("#tunnelIdentity", "not an identity")), pseudonym("x@tunnel.msging.net"));
    }

    #[test]
    fn an_event_without_a_readable_time_is_set_aside() {
        let (rows, rejected) = rows(vec![events::Event { storage_date: "yesterday".into(), ..event() }], &survey());
        assert_eq!((rows.len(), rejected[0].0.as_str()), (0, "no readable time"));
    }
}
