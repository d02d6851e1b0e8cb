//! How fast one key may ask.
//!
//! Blip counts commands per second as they arrive and refuses a key for minutes when it counts one too many. Commands that are
//! spaced evenly when they leave can still arrive in a bunch. So every command holds one of `per_second` slots, and gives it
//! back one second after the latest moment at which it can have arrived: a command that took longer than the fastest one may
//! have spent all of the difference on its way there. No window of one second at Blip's end then holds more than `per_second`,
//! whatever the network does in between, and a steady network costs next to nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

const WINDOW: Duration = Duration::from_secs(1);

/// The fastest command need not have been the fastest in both directions: up to this much of its time is not counted on.
const UNEVENNESS: Duration = Duration::from_millis(5);

/// For so long after the first command no time at all is counted on: all that answered yet may have met the same congestion, and
/// the first one after it would arrive sooner than the fastest so far.
const LEARNING: Duration = Duration::from_secs(10);

/// The pace of one key.
pub struct Pace {
    slots: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the first command was answered, and the shortest time from question to answer since.
    known: Option<(Instant, Duration)>,
    /// Until when the key must keep still.
    refused_until: Option<Instant>,
}

/// Leave to send one command.
pub struct Turn<'a> {
    pace: &'a Pace,
    permit: Option<OwnedSemaphorePermit>,
    sent_at: Instant,
}

impl Pace {
    pub fn new(per_second: u32) -> Pace {
        Pace { slots: Arc::new(Semaphore::new(per_second.max(1) as usize)), state: Mutex::default() }
    }

    /// Waits until a command may be sent.
    pub async fn turn(&self) -> Turn<'_> {
        let permit = Arc::clone(&self.slots).acquire_owned().await.expect("the slots are never closed");
        while let Some(until) = self.refused_until() {
            sleep_until(until).await;
        }
        Turn { pace: self, permit: Some(permit), sent_at: Instant::now() }
    }

    /// Lets no further command leave for `pause`.
    pub fn keep_still(&self, pause: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + pause;
        state.refused_until = state.refused_until.max(Some(until));
    }

    fn refused_until(&self) -> Option<Instant> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).refused_until.filter(|until| *until > Instant::now())
    }

    /// Returns how much of the time that a command took it may have spent on its way to Blip, beyond what every command does.
    fn lateness(&self, took: Duration) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (first, fastest) = state.known.map_or((now, took), |(first, fastest)| (first, fastest.min(took)));
        state.known = Some((first, fastest));
        let is_learning = now.duration_since(first) < LEARNING;
        if is_learning { took } else { took.saturating_sub(fastest.saturating_sub(UNEVENNESS)) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let free_at = self.sent_at + WINDOW + self.pace.lateness(self.sent_at.elapsed());
        let permit = self.permit.take();
        tokio::spawn(async move {
            sleep_until(free_at).await;
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `count` commands from `senders` at once; the n-th takes `there(n)` to arrive and 5 ms to be answered. Returns arrivals.
    async fn arrivals(per_second: u32, senders: usize, count: usize, there: fn(usize) -> u64) -> Vec<Duration> {
        let (pace, began) = (Arc::new(Pace::new(per_second)), Instant::now());
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let tasks: Vec<_> = (0..senders)
            .map(|_| {
                let (pace, arrived, next) = (Arc::clone(&pace), Arc::clone(&arrived), Arc::clone(&next));
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        if number >= count {
                            break;
                        }
                        let turn = pace.turn().await;
                        tokio::time::sleep(Duration::from_millis(there(number))).await;
                        arrived.lock().unwrap().push(began.elapsed());
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        drop(turn);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut arrivals = arrived.lock().unwrap().clone();
        arrivals.sort();
        arrivals
    }

    fn most_in_a_second(arrivals: &[Duration]) -> usize {
        let in_window = |from: &Duration| arrivals.iter().filter(|at| *at >= from && **at < *from + WINDOW).count();
        arrivals.iter().map(in_window).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_at_the_other_end_holds_more_than_allowed_however_uneven_the_way() {
        let congested_at_first = |n: usize| if n < 40 { 60 } else { 1 };
        let ways =
            [|_| 20_u64, |n: usize| 5 + (n as u64 * 37) % 200, |n: usize| if n.is_multiple_of(50) { 900 } else { 10 }, congested_at_first];
        for there in ways {
            let arrivals = arrivals(40, 16, 400, there).await;
            assert!(most_in_a_second(&arrivals) <= 40, "{}", most_in_a_second(&arrivals));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_way_uses_nearly_all_that_is_allowed() {
        let arrivals = arrivals(40, 16, 2_000, |_| 120).await;
        let seconds = arrivals.last().unwrap().as_secs_f64() - arrivals[0].as_secs_f64();
        assert!(2_000.0 / seconds >= 0.95 * 40.0, "{seconds} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_sends_nothing_until_it_may() {
        let pace = Pace::new(10);
        drop(pace.turn().await);
        let began = Instant::now();
        pace.keep_still(Duration::from_mins(2));
        pace.keep_still(Duration::from_secs(30));
        drop(pace.turn().await);
        assert!(began.elapsed() >= Duration::from_mins(2), "{:?}", began.elapsed());
    }
}
