//! Today's numbers, sampled once a run: Blip keeps none of them for tomorrow.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Clients, IngestError,
    gaps::{Gaps, Source},
};
use crate::{
    blip::{Client, desk},
    store::{Resource, Store},
};

/// What Blip's live screen shows for one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveView {
    /// Name of the key.
    pub key: String,
    /// When it was asked.
    pub sampled_at: DateTime<Utc>,
    /// Tickets that nobody has yet.
    pub waiting: Option<i64>,
    /// Tickets being attended.
    pub open: Option<i64>,
    /// Tickets ended today.
    pub closed: Option<i64>,
    /// By queue.
    pub queues: Vec<LiveQueue>,
}

/// One queue of a live view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveQueue {
    /// Name.
    pub name: String,
    /// Tickets that nobody has yet.
    pub waiting: Option<i64>,
    /// Tickets being attended.
    pub open: Option<i64>,
}

/// Samples all keys of the desk. Nothing depends on it, so what is not answered is left out.
pub async fn sample(clients: &Clients, store: &mut Store, now: DateTime<Utc>, gaps: &mut Gaps) -> Result<Vec<LiveView>, IngestError> {
    let mut views = Vec::new();
    for client in &clients.desk {
        let source = Source { resource: Resource::Report, key: client.key_name(), path: "/monitoring" };
        match view(client, now).await {
            Ok(view) => views.push(view),
            // Nothing in a report rests on these numbers: they are no gap.
            Err(error) if error.kind() == crate::blip::ErrorKind::NotOffered => gaps.note(&source, "today's numbers", error)?,
            Err(error) => tracing::info!(blip.key = client.key_name(), %error, "no live numbers"),
        }
    }
    store.transaction(|store| {
        views.iter().try_for_each(|view| {
            let body = serde_json::to_string(view).expect("a view has only texts and numbers");
            store.write_sample(&view.key, now, &body)
        })
    })?;
    Ok(views)
}

async fn view(client: &Client, now: DateTime<Utc>) -> Result<LiveView, crate::blip::BlipError> {
    let (all, queues) = tokio::try_join!(desk::tickets_now(client), desk::teams_now(client))?;
    let queue = |team: desk::TeamNow| LiveQueue { name: team.name, waiting: team.waiting_tickets, open: team.opened_tickets };
    Ok(LiveView {
        key: client.key_name().to_owned(),
        sampled_at: now,
        waiting: all.waiting,
        open: all.open,
        closed: all.closed,
        queues: queues.into_iter().map(queue).collect(),
    })
}
