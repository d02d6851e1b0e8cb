//! Survey events: counters say how many there are of each answer, details are the answers.
//!
//! Position: runs of days. Checkpoint: each day's coverage, the counters' sum against the details that came. Events carry no
//! id: the key is made from the content and, among equal ones, the occurrence.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    CONCURRENCY, IngestError, Pseudonyms,
    days::{Reader, runs},
};
use crate::{
    blip::{Client, events},
    config::Survey,
    store::{Coverage, EventRow, Resource, Store, Written},
};

/// Days that are asked for at once.
const LONGEST_RUN: usize = 31;

/// Reads the days of `span` that are not settled; returns their number and what changed.
pub async fn read(
    client: &Client,
    store: &mut Store,
    pseudonyms: &Pseudonyms,
    reader: &Reader<'_>,
    survey: &Survey,
    keep_comments: bool,
    span: (NaiveDate, NaiveDate),
) -> Result<(usize, Written), IngestError> {
    let days = reader.days(store, Resource::Event, client.key_name(), span)?;
    reader.progress.start("survey answers by day", Some(days.len()));
    let mut written = Written::default();
    for (first, last) in runs(&days, LONGEST_RUN) {
        let counters = events::counters(client, &survey.category, first, last).await?;
        let mut reported: BTreeMap<NaiveDate, u64> = BTreeMap::new();
        let mut actions: Vec<String> = Vec::new();
        for counter in counters {
            if let Some(day) = counter_day(&counter.storage_date) {
                *reported.entry(day).or_default() += counter.count;
            }
            if !actions.contains(&counter.action) {
                actions.push(counter.action);
            }
        }
        let answers: Vec<Vec<events::Event>> =
            stream::iter(actions.iter().map(|action| events::details(client, &survey.category, action, first, last)))
                .buffered(CONCURRENCY)
                .try_collect::<Vec<_>>()
                .await?;
        let (rows, rejected) = rows(answers.into_iter().flatten(), pseudonyms, survey, keep_comments);
        let mut stored: BTreeMap<NaiveDate, i64> = BTreeMap::new();
        for row in &rows {
            *stored.entry(blip_day(row.recorded_at)).or_default() += 1;
        }
        let run: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= last).collect();
        let coverage: Vec<Coverage> = run
            .iter()
            .map(|day| Coverage {
                resource: Resource::Event,
                key_name: client.key_name().to_owned(),
                day: *day,
                reported: reported.get(day).map_or(0, |count| i64::try_from(*count).unwrap_or(i64::MAX)),
                stored: stored.get(day).copied().unwrap_or(0),
                still_open: 0,
                day_was_over: reader.is_over(*day),
            })
            .collect();
        written += store.transaction(|store| {
            store.write_coverage(&coverage)?;
            Ok(Written {
                events: store.write_events(&rows, reader.run_id)?,
                rejected: store.write_rejected(Resource::Event, &rejected, reader.run_id)?,
                ..Written::default()
            })
        })?;
        reader.progress.advance(run.len());
    }
    Ok((days.len(), written))
}

/// Rows of events, and reason and fingerprint of those that can not be kept.
fn rows(
    events: impl Iterator<Item = events::Event>,
    pseudonyms: &Pseudonyms,
    survey: &Survey,
    keep_comments: bool,
) -> (Vec<EventRow>, Vec<(String, String)>) {
    let mut occurrences: HashMap<String, usize> = HashMap::new();
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    for event in events {
        let extras = event.extras.unwrap_or_default();
        let extra =
            |name: &Option<String>| name.as_ref().and_then(|name| extras.get(name)).filter(|value| !value.trim().is_empty()).cloned();
        let identity = event.contact.and_then(|contact| contact.identity).or(event.identity);
        let sorted: BTreeMap<_, _> = extras.iter().collect();
        let content =
            format!("{}\0{}\0{}\0{identity:?}\0{:?}\0{sorted:?}", event.category, event.action, event.storage_date, event.message_id);
        let fingerprint = pseudonyms.keyed("event", &content);
        let Ok(recorded_at) = event.storage_date.parse::<DateTime<Utc>>() else {
            rejected.push(("no readable time".to_owned(), fingerprint));
            continue;
        };
        let occurrence = occurrences.entry(fingerprint.clone()).or_default();
        *occurrence += 1;
        rows.push(EventRow {
            event_id: format!("{fingerprint}-{occurrence}"),
            queue: extra(&survey.sector_extra),
            comment: extra(&survey.comment_extra).filter(|_| keep_comments),
            category: event.category,
            action: event.action,
            recorded_at,
            customer_key: identity.map(|identity| pseudonyms.customer(&identity)),
        });
    }
    rows.sort_by(|a, b| (a.recorded_at, &a.event_id).cmp(&(b.recorded_at, &b.event_id)));
    (rows, rejected)
}

/// Blip cuts the days of its counters at UTC−3 and sends the instant of midnight there.
fn blip_day(at: DateTime<Utc>) -> NaiveDate {
    (at - TimeDelta::hours(3)).date_naive()
}

fn counter_day(storage_date: &str) -> Option<NaiveDate> {
    storage_date.parse().ok().map(blip_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey() -> Survey {
        Survey {
            source: crate::config::SatisfactionSource::Events,
            category: "c".into(),
            scale: (1, 5),
            satisfied_from: 4,
            sector_extra: Some("fila".into()),
            comment_extra: Some("comentario".into()),
            answers: BTreeMap::new(),
        }
    }

    fn event() -> events::Event {
        serde_json::from_str(
            r#"{"category":"c","action":"4","storageDate":"2026-02-03T13:42:18.903Z","contact":{"identity":"x@tunnel.msging.net"},
                "extras":{"fila":"Financeiro","comentario":"rápido"}}"#,
        )
        .unwrap()
    }

    #[test]
    fn equal_events_are_kept_apart_and_read_again_as_the_same() {
        let pseudonyms = Pseudonyms::new(&"k".into());
        let (first, rejected) = rows([event(), event()].into_iter(), &pseudonyms, &survey(), true);
        let (again, _) = rows([event(), event()].into_iter(), &pseudonyms, &survey(), true);
        assert_eq!((&first, rejected.len()), (&again, 0));
        assert_ne!(first[0].event_id, first[1].event_id);
    }

    #[test]
    fn comments_are_kept_only_where_the_configuration_says_so() {
        let pseudonyms = Pseudonyms::new(&"k".into());
        assert_eq!(rows([event()].into_iter(), &pseudonyms, &survey(), true).0[0].comment.as_deref(), Some("rápido"));
        assert_eq!(rows([event()].into_iter(), &pseudonyms, &survey(), false).0[0].comment, None);
    }

    #[test]
    fn an_event_without_a_readable_time_is_set_aside() {
        let event = events::Event { storage_date: "yesterday".into(), ..event() };
        let (rows, rejected) = rows([event].into_iter(), &Pseudonyms::new(&"k".into()), &survey(), true);
        assert_eq!((rows.len(), rejected[0].0.as_str()), (0, "no readable time"));
    }

    #[test]
    fn a_counter_belongs_to_the_day_at_utc_minus_three() {
        assert_eq!(counter_day("2026-02-03T03:00:00.000Z"), "2026-02-03".parse().ok());
    }
}
