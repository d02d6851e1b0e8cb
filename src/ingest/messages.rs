//! Messages of tickets: who wrote when, never what.
//!
//! Blip answers with all messages of a ticket's customer, so each customer is asked for once, by the newest ticket. Position:
//! the customer. Checkpoint: the tickets that the read covers; one that was still open is read again.

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CONCURRENCY, IngestError, Pseudonyms, days::Reader};
use crate::{
    blip::{BlipError, Client, desk},
    store::{MessageRow, MessageTask, Resource, Store, Written},
};

/// Customers per transaction.
const BATCH_CUSTOMERS: usize = 4_000;

/// What one customer gave.
struct Read {
    task: MessageTask,
    rows: Vec<MessageRow>,
    rejected: Vec<(String, String)>,
}

/// Reads the messages of all customers with uncovered tickets; returns their number and what changed.
pub async fn read(
    client: &Client,
    store: &mut Store,
    pseudonyms: &Pseudonyms,
    reader: &Reader<'_>,
) -> Result<(usize, Written), IngestError> {
    let tasks = store.message_tasks(client.key_name())?;
    let count = tasks.len();
    reader.progress.start("messages by customer", Some(count));
    let mut answers = stream::iter(tasks.into_iter().map(|task| read_customer(client, pseudonyms, task))).buffer_unordered(CONCURRENCY);
    let mut written = Written::default();
    let mut batch = Vec::new();
    while let Some(read) = answers.try_next().await? {
        reader.progress.advance(1);
        batch.push(read);
        if batch.len() >= BATCH_CUSTOMERS {
            written += write(store, reader.run_id, std::mem::take(&mut batch))?;
        }
    }
    written += write(store, reader.run_id, batch)?;
    Ok((count, written))
}

async fn read_customer(client: &Client, pseudonyms: &Pseudonyms, task: MessageTask) -> Result<Read, BlipError> {
    let messages = desk::messages(client, &task.newest_ticket_id, task.not_before).await?;
    let mut read = Read { task, rows: Vec::with_capacity(messages.len()), rejected: Vec::new() };
    for message in messages {
        match row(&message) {
            Ok(row) => read.rows.push(row),
            Err(reason) => read.rejected.push((reason.to_owned(), pseudonyms.rejected(&message))),
        }
    }
    Ok(read)
}

fn write(store: &mut Store, run_id: &str, batch: Vec<Read>) -> Result<Written, IngestError> {
    if batch.is_empty() {
        return Ok(Written::default());
    }
    let (mut reads, mut rejected) = (Vec::with_capacity(batch.len()), Vec::new());
    for read in batch {
        reads.push((read.task, read.rows));
        rejected.extend(read.rejected);
    }
    Ok(store.transaction(|store| {
        Ok(Written {
            messages: store.write_messages(&reads, run_id)?,
            rejected: store.write_rejected(Resource::Message, &rejected, run_id)?,
            ..Written::default()
        })
    })?)
}

/// Keeps what a turn needs; a message without id, direction or time can not take part in one.
fn row(message: &desk::Message) -> Result<MessageRow, &'static str> {
    let sent_at: DateTime<Utc> = message.date.as_deref().and_then(|date| date.parse().ok()).ok_or("no readable time")?;
    Ok(MessageRow {
        message_id: message.id.clone().ok_or("no id")?,
        direction: message.direction.clone().ok_or("no direction")?,
        author: message.emitter().map(str::to_owned),
        content: message.is_content(),
        sent_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_can_not_take_part_in_a_turn_is_set_aside_with_its_reason() {
        let row = |json| row(&serde_json::from_str::<desk::Message>(json).unwrap()).map(|row| row.direction);
        assert_eq!(row(r#"{"id":"m","direction":"sent","date":"2026-02-03T13:01:10.420Z"}"#), Ok("sent".to_owned()));
        assert_eq!(row(r#"{"id":"m","direction":"sent","date":"yesterday"}"#), Err("no readable time"));
        assert_eq!(row(r#"{"direction":"sent","date":"2026-02-03T13:01:10.420Z"}"#), Err("no id"));
        assert_eq!(row(r#"{"id":"m","date":"2026-02-03T13:01:10.420Z"}"#), Err("no direction"));
    }
}
