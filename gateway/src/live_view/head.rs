//! How far the view has read, and whether that is the head of the log: proven by asking the stream, not assumed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use andon_nats::Bus;
use bus_schemas::subject::STREAM_LOG;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::clock::Moment;

/// The reading position of a follower.
pub struct Head {
    seq: watch::Sender<u64>,
    /// When the stream was asked for the last sequence that was then reached.
    proven: AtomicU64,
}

impl Default for Head {
    fn default() -> Self {
        Self { seq: watch::Sender::new(0), proven: AtomicU64::new(0) }
    }
}

impl Head {
    /// This sequence has been folded, and all before it.
    pub fn read(&self, seq: u64) {
        self.seq.send_if_modified(|read| {
            let further = seq > *read;
            *read = (*read).max(seq);
            further
        });
    }

    /// The last sequence folded.
    #[must_use]
    pub fn seq(&self) -> u64 {
        *self.seq.borrow()
    }

    /// Waits until this sequence has been folded, no longer than `within`.
    pub async fn reached(&self, seq: u64, within: Duration) -> bool {
        let mut read = self.seq.subscribe();
        let reached = read.wait_for(|read| *read >= seq);
        matches!(timeout(within, reached).await, Ok(Ok(_)))
    }

    /// The view has everything the stream had at this moment.
    pub fn prove(&self, asked: Moment) {
        self.proven.fetch_max(asked.to_bits(), Ordering::Relaxed);
    }

    /// Whether it was at the head of the log within this span.
    #[must_use]
    pub fn is_proven(&self, now: Moment, within: Duration) -> bool {
        Moment::from_bits(self.proven.load(Ordering::Relaxed)).is_some_and(|asked| now.since(asked) <= within)
    }
}

/// Asks for the stream's end every `every`, and waits for the follower to reach it.
pub(crate) async fn watch_head(head: Arc<Head>, bus: Bus, every: Duration, stop: CancellationToken) {
    loop {
        let asked = Moment::now();
        if let Ok(info) = bus.stream_info(STREAM_LOG, every.max(Duration::from_secs(1))).await {
            crate::telemetry::lag(info.last_seq.saturating_sub(head.seq()));
            // Not reached: the next round asks again, and the proof grows old meanwhile.
            if head.reached(info.last_seq, every).await {
                head.prove(asked);
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sequence_is_reached_when_it_was_folded_and_not_before() {
        let head = Head::default();
        head.read(5);
        head.read(3);
        assert_eq!(head.seq(), 5);
        assert!(head.reached(5, Duration::ZERO).await);
        assert!(!head.reached(6, Duration::from_secs(1)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_grows_old() {
        let head = Head::default();
        assert!(!head.is_proven(Moment::now(), Duration::from_secs(1)));
        head.prove(Moment::now());
        tokio::time::advance(Duration::from_millis(900)).await;
        assert!(head.is_proven(Moment::now(), Duration::from_secs(1)));
        tokio::time::advance(Duration::from_millis(200)).await;
        assert!(!head.is_proven(Moment::now(), Duration::from_secs(1)));
    }
}
