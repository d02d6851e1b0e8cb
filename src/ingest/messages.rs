//! Messages of tickets: who wrote when, never what.
//!
//! Blip answers with all messages of a ticket's customer, so each customer is asked for once, by the newest ticket. Position:
//! the customer. Checkpoint: the tickets that the read covers; one that was still open is read again.

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CONCURRENCY, IngestError, days::Reader};
use crate::{
    blip::{BlipError, Client, desk},
    store::{MessageRow, MessageTask, Store, Written},
};

/// Customers per transaction.
const BATCH_CUSTOMERS: usize = 4_000;

/// Reads the messages of all customers with uncovered tickets; returns their number and what changed.
pub async fn read(client: &Client, store: &mut Store, reader: &Reader<'_>) -> Result<(usize, Written), IngestError> {
    let tasks = store.message_tasks(client.key_name())?;
    let count = tasks.len();
    reader.progress.start("messages by customer", Some(count));
    let mut answers = stream::iter(tasks.into_iter().map(|task| read_customer(client, task))).buffer_unordered(CONCURRENCY);
    let mut written = Written::default();
    let mut batch = Vec::new();
    while let Some(read) = answers.try_next().await? {
        reader.progress.advance(1);
        batch.push(read);
        if batch.len() >= BATCH_CUSTOMERS {
            written.messages += write(store, reader.run_id, &std::mem::take(&mut batch))?;
        }
    }
    written.messages += write(store, reader.run_id, &batch)?;
    Ok((count, written))
}

async fn read_customer(client: &Client, task: MessageTask) -> Result<(MessageTask, Vec<MessageRow>), BlipError> {
    let messages = desk::messages(client, &task.newest_ticket_id, task.not_before).await?;
    let rows = messages.into_iter().filter_map(row).collect();
    Ok((task, rows))
}

fn write(store: &mut Store, run_id: &str, batch: &[(MessageTask, Vec<MessageRow>)]) -> Result<usize, IngestError> {
    if batch.is_empty() {
        return Ok(0);
    }
    Ok(store.transaction(|store| store.write_messages(batch, run_id))?)
}

/// Keeps what a turn needs; a message without id, direction or time can not take part in one.
fn row(message: desk::Message) -> Option<MessageRow> {
    let sent_at: DateTime<Utc> = message.date.as_deref()?.parse().ok()?;
    let author = message.emitter().map(str::to_owned);
    let content = message.is_content();
    Some(MessageRow { message_id: message.id?, direction: message.direction?, author, content, sent_at })
}
