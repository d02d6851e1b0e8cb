//! Blip's own figures by day: what the list of tickets is held against, and what the parity of a report is made from.
//!
//! Position: the day, cut at UTC−3. Checkpoint: the stored figures of a day that was over. The portal shows 90 days; older
//! figures are asked for only where the contract was found to give them, and everything is read again.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value, json};

use super::{
    IngestError,
    days::{Reader, runs},
    gaps::{Gaps, Source},
    pipeline::{Ahead, doubted_if, read_ahead},
};
use crate::{
    blip::{BlipError, Client, desk, or_empty, probe::SAMPLE_DAYS, time},
    store::{ReportRow, Resource, Store, StoreError, Written},
};

/// Days that Blip's own reports reach back.
const REACH_DAYS: u64 = 89;

/// Days that are asked for at once.
const LONGEST_RUN: usize = 31;

/// Reads the days of the span that are not here in their final state, as far back as Blip's reports go; returns what changed.
pub async fn read(
    client: &Arc<Client>,
    store: &mut Store,
    reader: &Reader<'_>,
    gaps: &mut Gaps,
    ((first, last), has_old_reports): ((NaiveDate, NaiveDate), bool),
) -> Result<Written, IngestError> {
    let reach = reader.zone.day(reader.now) - Days::new(REACH_DAYS);
    let span = (if has_old_reports && reader.full { first } else { first.max(reach) }, last);
    if span.0 > span.1 {
        return Ok(Written::default());
    }
    reader.progress.start("Blip's own figures", None);
    let days = store.missing_report_days(client.key_name(), "tickets", span.0, span.1)?;
    let mut rows = Vec::new();
    let source = |path| Source { resource: Resource::Report, key: client.key_name(), path };
    let by_day = source("/analytics/reports/tickets");
    for (first, last) in runs(&days, LONGEST_RUN) {
        match day_summaries(client, first, last).await {
            Ok(found) => {
                gaps.note_success(&by_day);
                for day in first.iter_days().take_while(|day| *day <= last) {
                    let summary = found.get(&day);
                    // That a day is absent means something only where it is known to have been asked for.
                    let is_known = summary.is_some() || client.readings().reports_end.is_some();
                    rows.push(row(client, reader, "tickets", (day, is_known), summary.unwrap_or(&json!({}))));
                }
            }
            Err(error) => gaps.note(&by_day, format!("{first}..{last}"), error)?,
        }
    }
    // These carry no date: which days an answer holds must be known before they are asked for.
    for (report, path) in [("teams", "/analytics/reports/teams"), ("timings", "/analytics/reports/timings")] {
        let source = source(path);
        let days: Vec<NaiveDate> = store
            .missing_report_days(client.key_name(), report, span.0, span.1)?
            .into_iter()
            .filter(|day| reader.is_blip_day_over(*day) && client.readings().reports_end.is_some())
            .collect();
        let asked = Arc::clone(client);
        let ahead = Ahead { concurrency: client.concurrency(), waiting: 64 };
        let mut answers = read_ahead(days, ahead, move |day| {
            let client = Arc::clone(&asked);
            async move { (day, if report == "teams" { teams(&client, day).await } else { timings(&client, day).await }) }
        });
        while let Some((day, answer)) = answers.recv().await {
            match answer {
                Ok(body) => {
                    gaps.note_success(&source);
                    rows.push(row(client, reader, report, (day, true), &body));
                }
                Err(error) => {
                    let is_refused = error.kind() == crate::blip::ErrorKind::NotOffered;
                    gaps.note(&source, format!("{report} of {day}"), error)?;
                    if is_refused {
                        break;
                    }
                }
            }
        }
    }
    let changed = tokio::task::block_in_place(|| {
        store.transaction(|store| {
            let changed = Written { reports: store.write_reports(&rows, reader.run)?, ..Written::default() };
            store.write_load(reader.run, &changed)?;
            Ok::<_, StoreError>(changed)
        })
    })?;
    // With two such days the self-test finds out which days a report holds; where it did not, a fault was in its way.
    let today = time::blip_day(reader.now);
    if client.readings().reports_end.is_none() && store.days_with_ended(client.key_name(), (today - SAMPLE_DAYS, today))? > 1 {
        gaps.wait(&by_day, "figures by queue", "it is not known yet which days a report of Blip's holds");
    }
    Ok(changed)
}

fn row(client: &Client, reader: &Reader<'_>, report: &'static str, (day, is_known): (NaiveDate, bool), body: &Value) -> ReportRow {
    let is_final = is_known && reader.is_blip_day_over(day);
    ReportRow { key_name: client.key_name().to_owned(), report, day, body: body.to_string(), is_final }
}

async fn day_summaries(client: &Client, first: NaiveDate, last: NaiveDate) -> Result<BTreeMap<NaiveDate, Value>, BlipError> {
    let found = doubted_if(Vec::is_empty, || async { or_empty(desk::day_summaries(client, first, last).await) }).await?;
    let summary = |item: desk::DaySummary| {
        let day = time::blip_day(time::parse_instant(&item.date)?);
        let body = json!({
            "waiting": item.waiting, "open": item.open, "closed": item.closed, "closedAttendant": item.closed_attendant,
            "closedClient": item.closed_client, "transferred": item.transferred, "missed": item.missed,
        });
        Some((day, without_nulls(body)))
    };
    Ok(found.into_iter().filter_map(summary).collect())
}

async fn teams(client: &Client, day: NaiveDate) -> Result<Value, BlipError> {
    let seconds = |span: Option<chrono::TimeDelta>| span.map(chrono::TimeDelta::as_seconds_f64);
    let mut teams = doubted_if(Vec::is_empty, || async { or_empty(desk::team_summaries(client, day, day).await) }).await?;
    teams.sort_by(|a, b| a.name.cmp(&b.name));
    let items = teams.into_iter().map(|team| {
        without_nulls(json!({
            "name": team.name, "closedTickets": team.closed_tickets,
            "averageFirstResponse_s": seconds(team.average_first_response_time), "averageWait_s": seconds(team.average_wait_time),
            "averageAttendance_s": seconds(team.average_attendance_time), "averageResponse_s": seconds(team.average_response_time),
        }))
    });
    Ok(items.collect())
}

async fn timings(client: &Client, day: NaiveDate) -> Result<Value, BlipError> {
    let seconds = |span: Option<chrono::TimeDelta>| span.map(chrono::TimeDelta::as_seconds_f64);
    let timings = doubted_if(desk::Timings::is_empty, || desk::timings(client, day, day)).await?;
    Ok(without_nulls(json!({
        "avgQueue_s": seconds(timings.avg_queue_time), "avgFirstResponse_s": seconds(timings.avg_first_response_time),
        "avgWait_s": seconds(timings.avg_wait_time), "avgResponse_s": seconds(timings.avg_response_time),
        "avgAttendance_s": seconds(timings.avg_attendance_time),
    })))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into(),
        other => other,
    }
}
