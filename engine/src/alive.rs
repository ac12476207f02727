//! Readiness proves work, not just a living process: every shard answers through its own mailbox, and the log answers a
//! read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bus_schemas::{Partition, subject};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{clock::Mono, shard::ShardMsg, shared::Shared};

/// How often it is proven anew.
const PROVE_EVERY: Duration = Duration::from_millis(500);
/// A shard that has not answered for this long does not work.
pub const SHARD_WITHIN: Duration = Duration::from_secs(2);
/// A log that has not answered a read for this long is not read.
const READ_WITHIN: Duration = Duration::from_secs(3);

/// When the log last answered a read.
#[derive(Debug, Default)]
pub struct LogReads(AtomicU64);

impl LogReads {
    /// A read that was asked then has been answered.
    fn answered(&self, asked: Mono) {
        self.0.fetch_max(asked.as_micros(), Ordering::Relaxed);
    }

    /// Whether it has answered one that was asked lately.
    #[must_use]
    pub fn works(&self, now: Mono) -> bool {
        let asked = self.0.load(Ordering::Relaxed);
        asked > 0 && now.since(Mono::from_micros(asked)) <= READ_WITHIN
    }
}

/// Asks shards and log until `stop`.
pub async fn prove(shared: Arc<Shared>, stop: CancellationToken) {
    let mut ticks = interval(PROVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = Mono::now();
        for (_, slot) in shared.slots() {
            if let Some(shard) = slot.shard() {
                let _ = shard.cast(ShardMsg::Prove(now));
            }
        }
        let any = subject::claim(Partition::new(0));
        let read = shared.bus().last_message(subject::STREAM_LOG, &any, READ_WITHIN);
        tokio::select! {
            () = stop.cancelled() => return,
            read = read => if read.is_ok() { shared.log_reads.answered(now) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_works_for_as_long_as_its_last_answer_is_young() {
        let reads = LogReads::default();
        let asked = Mono::from_micros(5_000_000);
        assert!(!reads.works(asked), "it was never read");
        reads.answered(asked);
        assert!(reads.works(asked.after(READ_WITHIN)));
        assert!(!reads.works(asked.after(READ_WITHIN + Duration::from_micros(1))));
    }
}
