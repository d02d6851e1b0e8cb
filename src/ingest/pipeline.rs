//! Reading ahead while rows are written, and knowing when to write.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::{sync::mpsc, time::Instant};

use crate::blip::{BlipError, Listing};

/// How far reading may run ahead of writing: what is under way and what waits bounds the memory of a load.
#[derive(Debug, Clone, Copy)]
pub struct Ahead {
    /// Answers that are asked for at once.
    pub concurrency: usize,
    /// Answers that wait to be written, at most.
    pub waiting: usize,
}

/// A crash or a stop loses what was read for this long at most.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Does `work` for all items on a task of its own, and hands over what comes of it in the order of the items. It stops when nobody
/// listens any more.
pub fn read_ahead<I, F>(items: Vec<I>, ahead: Ahead, work: impl Fn(I) -> F + Send + 'static) -> mpsc::Receiver<F::Output>
where
    I: Send + 'static,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ahead.waiting);
    tokio::spawn(async move {
        let mut results = stream::iter(items).map(work).buffered(ahead.concurrency);
        while let Some(result) = results.next().await {
            if sender.send(result).await.is_err() {
                break;
            }
        }
    });
    receiver
}

/// How often an empty list is asked for again before it is believed.
const DOUBTS: usize = 3;

/// Asks again for a list that is empty: success without items is also how a fault looks, and a key of the wrong bot.
pub async fn doubted<E, F>(ask: impl Fn() -> F) -> Result<Listing<E>, BlipError>
where
    F: Future<Output = Result<Listing<E>, BlipError>>,
{
    doubted_if(|listing: &Listing<E>| listing.entries.is_empty(), ask).await
}

/// Asks again for an answer that is empty by `is_empty`, a few times, before it is believed.
pub async fn doubted_if<T, F>(is_empty: impl Fn(&T) -> bool, ask: impl Fn() -> F) -> Result<T, BlipError>
where
    F: Future<Output = Result<T, BlipError>>,
{
    let mut answer = ask().await?;
    for _ in 0..DOUBTS {
        if !is_empty(&answer) {
            break;
        }
        answer = ask().await?;
    }
    Ok(answer)
}

/// Gathers what is written together: enough that looking up known rows costs little, little enough that a crash loses seconds.
pub struct Batch<T> {
    items: Vec<T>,
    size: usize,
    full_at: usize,
    began: Instant,
}

impl<T> Batch<T> {
    pub fn new(full_at: usize) -> Batch<T> {
        Batch { items: Vec::new(), size: 0, full_at, began: Instant::now() }
    }

    /// Adds an item that stands for `size` rows; returns the batch when it is to be written.
    pub fn add(&mut self, item: T, size: usize) -> Option<Vec<T>> {
        if self.items.is_empty() {
            self.began = Instant::now();
        }
        self.items.push(item);
        self.size += size;
        (self.size >= self.full_at || self.began.elapsed() >= LONGEST_WAIT).then(|| self.take())
    }

    /// Returns what is left.
    pub fn take(&mut self) -> Vec<T> {
        self.size = 0;
        std::mem::take(&mut self.items)
    }
}
