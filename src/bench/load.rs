//! Load over HTTP: callers that each send one request after another on a connection of their own, and count.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::wire::{Answer, Connection, Prepared};
use crate::histogram::Histogram;

/// What was done in a while.
#[derive(Debug, Default, Clone)]
pub struct Load {
    /// Answers as expected, and how long each took.
    pub latencies: Histogram,
    /// How long it went on, in seconds.
    pub seconds: f64,
    /// How many answers were not expected.
    pub bad: u64,
    /// One of those.
    pub example: Option<String>,
}

impl Load {
    /// How many a second were answered as expected.
    pub fn per_second(&self) -> f64 {
        self.latencies.count() as f64 / self.seconds
    }

    /// Adds what somebody else did at the same time.
    pub fn merge(&mut self, other: Self) {
        self.latencies.add(&other.latencies);
        self.bad += other.bad;
        self.example = self.example.take().or(other.example);
    }
}

/// One caller.
#[derive(Debug)]
struct Caller {
    connection: Connection,
    /// Sent in turn, over and over, also across rounds.
    requests: Vec<Prepared>,
    next: usize,
}

/// Callers with their connections.
pub struct Callers {
    callers: Vec<Caller>,
    is_expected: fn(&Answer) -> bool,
}

impl Callers {
    /// One for each list of requests.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(
        address: SocketAddr,
        requests: impl IntoIterator<Item = Vec<Prepared>>,
        is_expected: fn(&Answer) -> bool,
    ) -> anyhow::Result<Self> {
        let mut callers = Vec::new();
        for requests in requests {
            let connection = Connection::open(address).await.with_context(|| format!("cannot connect to {address}"))?;
            callers.push(Caller { connection, requests, next: 0 });
        }
        Ok(Self { callers, is_expected })
    }

    /// Lets all of them call as fast as they are answered, for so long.
    ///
    /// # Errors
    /// A connection failed.
    pub async fn call(&mut self, during: Duration) -> anyhow::Result<Load> {
        let started = Instant::now();
        let (end, is_expected) = (started + during, self.is_expected);
        let mut running = JoinSet::new();
        for caller in self.callers.drain(..) {
            running.spawn(caller.call_until(end, is_expected));
        }
        let mut load = Load::default();
        while let Some(ended) = running.join_next().await {
            let (caller, part) = ended.context("a caller has failed")??;
            self.callers.push(caller);
            load.merge(part);
        }
        load.seconds = started.elapsed().as_secs_f64();
        Ok(load)
    }
}

impl Caller {
    async fn call_until(mut self, end: Instant, is_expected: fn(&Answer) -> bool) -> anyhow::Result<(Self, Load)> {
        let mut load = Load::default();
        let mut sent = Instant::now();
        while sent < end {
            let Some(request) = self.requests.get(self.next) else { break };
            self.next = (self.next + 1) % self.requests.len();
            let answer = self.connection.exchange(request).await.context("a connection failed")?;
            let answered = Instant::now();
            if is_expected(&answer) {
                load.latencies.record(answered - sent);
            } else {
                load.bad += 1;
                load.example.get_or_insert_with(|| answer.told());
            }
            sent = answered;
        }
        Ok((self, load))
    }
}

/// `items` dealt to so many callers, as evenly as it goes; none of them gets nothing.
pub fn dealt<T>(items: Vec<T>, callers: usize) -> Vec<Vec<T>> {
    let mut hands: Vec<Vec<T>> = (0..callers.min(items.len())).map(|_| Vec::new()).collect();
    let count = hands.len();
    for (index, item) in items.into_iter().enumerate() {
        hands[index % count].push(item);
    }
    hands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_dealt_evenly_and_nobody_goes_without() {
        assert_eq!(dealt(vec![1, 2, 3, 4, 5], 2), [vec![1, 3, 5], vec![2, 4]]);
        assert_eq!(dealt(vec![1, 2], 64), [vec![1], vec![2]]);
        assert!(dealt(Vec::<u8>::new(), 64).is_empty());
    }
}
