//! Tickets: one local day of creation at a time, all pages of it.
//!
//! Position: the day. Checkpoint: the day's coverage. A day is read again until it is over and none of its tickets is open, so
//! late closes are seen although Blip offers no cursor over changes.

use chrono::NaiveDate;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};

use super::{CONCURRENCY, IngestError, Pseudonyms, days::Reader};
use crate::{
    blip::{BlipError, Client, desk, identity},
    store::{Coverage, Resource, Store, TicketRow, Written},
};

/// Rows per transaction: large enough that looking up known rows costs little, small enough that a crash loses seconds.
const BATCH_ROWS: usize = 8_000;

/// What one day gave.
struct Day {
    rows: Vec<TicketRow>,
    rejected: Vec<(String, String)>,
    coverage: Coverage,
}

/// Reads the days of `span` that are not settled; returns their number and what changed.
pub async fn read(
    client: &Client,
    store: &mut Store,
    pseudonyms: &Pseudonyms,
    reader: &Reader<'_>,
    span: (NaiveDate, NaiveDate),
) -> Result<(usize, Written), IngestError> {
    let days = reader.days(store, Resource::Ticket, client.key_name(), span)?;
    reader.progress.start("tickets by day", Some(days.len()));
    // In order: a run that breaks off then leaves no day out before one that it covers.
    let mut answers = stream::iter(days.iter().map(|day| read_day(client, pseudonyms, reader, *day))).buffered(CONCURRENCY);
    let mut written = Written::default();
    let mut batch: Vec<Day> = Vec::new();
    while let Some(day) = answers.try_next().await? {
        reader.progress.advance(1);
        batch.push(day);
        if batch.iter().map(|day| day.rows.len()).sum::<usize>() >= BATCH_ROWS {
            written += write(store, reader.run_id, std::mem::take(&mut batch))?;
        }
    }
    written += write(store, reader.run_id, batch)?;
    Ok((days.len(), written))
}

async fn read_day(client: &Client, pseudonyms: &Pseudonyms, reader: &Reader<'_>, day: NaiveDate) -> Result<Day, BlipError> {
    let (from, until) = reader.bounds(day);
    let (tickets, total) = desk::tickets(client, from, until).await?;
    let mut rows: Vec<TicketRow> = Vec::with_capacity(tickets.len());
    let mut rejected = Vec::new();
    for ticket in tickets {
        match row(&ticket, client.key_name(), pseudonyms) {
            Ok(row) => rows.push(row),
            Err(reason) => rejected.push((reason.to_owned(), pseudonyms.rejected(&ticket))),
        }
    }
    // Tickets that moved between pages come twice.
    rows.sort_by(|a, b| a.ticket_id.cmp(&b.ticket_id));
    rows.dedup_by(|a, b| a.ticket_id == b.ticket_id);
    let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    let stored = count(rows.len() + rejected.len());
    let coverage = Coverage {
        resource: Resource::Ticket,
        key_name: client.key_name().to_owned(),
        day,
        reported: total.and_then(|total| i64::try_from(total).ok()).unwrap_or(stored),
        stored,
        still_open: count(rows.iter().filter(|row| !row.is_closed).count()),
        day_was_over: reader.is_over(day),
    };
    Ok(Day { rows, rejected, coverage })
}

fn write(store: &mut Store, run_id: &str, days: Vec<Day>) -> Result<Written, IngestError> {
    if days.is_empty() {
        return Ok(Written::default());
    }
    let (mut rows, mut rejected, mut coverage) = (Vec::new(), Vec::new(), Vec::new());
    for day in days {
        rows.extend(day.rows);
        rejected.extend(day.rejected);
        coverage.push(day.coverage);
    }
    Ok(store.transaction(|store| {
        store.write_coverage(&coverage)?;
        Ok(Written {
            ticket_answers: store.write_tickets(&rows, run_id)?,
            rejected: store.write_rejected(Resource::Ticket, &rejected, run_id)?,
            ..Written::default()
        })
    })?)
}

/// Makes the stored row of an answer: known fields only, the customer as a pseudonym, attendants as e-mail addresses.
fn row(ticket: &desk::Ticket, key_name: &str, pseudonyms: &Pseudonyms) -> Result<TicketRow, &'static str> {
    let ticket_id = ticket.id.clone().ok_or("no id")?;
    let customer = ticket.customer_identity.as_deref().ok_or("no customer")?;
    let status = ticket.status.as_deref().unwrap_or_default();
    let agent = ticket.agent_identity.as_deref().map(identity::attendant_email);
    let fields: [(&str, Value); 17] = [
        ("id", ticket_id.clone().into()),
        ("sequentialId", ticket.sequential_id.into()),
        ("parentSequentialId", ticket.parent_sequential_id.into()),
        ("ownerIdentity", ticket.owner_identity.clone().into()),
        ("customerDomain", ticket.customer_domain.clone().into()),
        ("agentIdentity", agent.into()),
        ("provider", ticket.provider.clone().into()),
        ("status", ticket.status.clone().into()),
        ("storageDate", ticket.storage_date.clone().into()),
        ("openDate", ticket.open_date.clone().into()),
        ("firstResponseDate", ticket.first_response_date.clone().into()),
        ("statusDate", ticket.status_date.clone().into()),
        ("closeDate", ticket.close_date.clone().into()),
        ("rating", ticket.rating.into()),
        ("team", ticket.team.clone().into()),
        ("tags", ticket.tags.clone().into()),
        ("priority", ticket.priority.into()),
    ];
    let body: Map<String, Value> =
        fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(TicketRow {
        ticket_id,
        customer_key: pseudonyms.customer(customer),
        body: Value::Object(body).to_string(),
        key_name: key_name.to_owned(),
        is_closed: status == "Transferred" || status.starts_with("Closed"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_row_holds_no_customer_and_no_text() {
        let ticket: desk::Ticket = serde_json::from_str(
            r#"{"id":"t1","sequentialId":7,"customerIdentity":"5531900000001@wa.gw.msging.net","closedBy":"5531900000001@wa.gw.msging.net",
                "agentIdentity":"ana%40acme.example@blip.ai","status":"ClosedClient","team":"Financeiro",
                "customerInput":{"type":"text/plain","value":"meu CPF é 1"},"someNewField":1}"#,
        )
        .unwrap();
        let row = row(&ticket, "desk", &Pseudonyms::new(&"k".into())).unwrap();
        assert_eq!(
            row.body,
            r#"{"id":"t1","sequentialId":7,"agentIdentity":"ana@acme.example","status":"ClosedClient","team":"Financeiro"}"#
        );
        assert!(row.is_closed);
    }

    #[test]
    fn a_ticket_without_id_or_customer_is_set_aside() {
        let ticket = |json| serde_json::from_str::<desk::Ticket>(json).unwrap();
        let pseudonyms = Pseudonyms::new(&"k".into());
        assert_eq!(row(&ticket(r#"{"customerIdentity":"c"}"#), "desk", &pseudonyms), Err("no id"));
        assert_eq!(row(&ticket(r#"{"id":"t"}"#), "desk", &pseudonyms), Err("no customer"));
    }
}
