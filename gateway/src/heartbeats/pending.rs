//! Beats that wait for the next batch: the youngest of each session.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bus_schemas::{Partition, SessionId, heartbeat::Beat};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::live_view::Node;

/// Parts of the table: two cores do not wait for each other.
const SHARDS: usize = 16;
/// A beat that found no owner for this long is dropped: by then its worker has long been sent away.
const KEEP: Duration = Duration::from_secs(10);
/// Beats in one message: 32 bytes each, far below the smallest `max_payload` (1 MiB).
const BATCH_MAX: usize = 8_000;

/// One waiting beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    session_id: SessionId,
    partition: Partition,
    at: Instant,
}

/// The waiting beats.
#[derive(Default)]
pub(super) struct Pending {
    shards: [Mutex<HashMap<SessionId, Waiting>>; SHARDS],
}

impl Pending {
    /// A beat now.
    pub(super) fn beat(&self, session_id: SessionId, partition: Partition) {
        self.put(Waiting { session_id, partition, at: Instant::now() });
    }

    /// Beats that could not be sent: they wait on, unless a younger one came meanwhile.
    pub(super) fn put_back(&self, beats: impl IntoIterator<Item = Waiting>) {
        beats.into_iter().filter(|beat| beat.at.elapsed() < KEEP).for_each(|beat| self.put(beat));
    }

    fn put(&self, beat: Waiting) {
        // The last byte of a hash-made id is as good as any hash of it.
        let shard = usize::from(beat.session_id.0.as_bytes()[15]) % SHARDS;
        let mut shard = self.shards[shard].lock();
        let known = shard.entry(beat.session_id).or_insert(beat);
        if beat.at > known.at {
            *known = beat;
        }
    }

    /// All of them, leaving none.
    pub(super) fn take(&self) -> Vec<Waiting> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().drain().map(|(_, beat)| beat));
        }
        all
    }
}

/// What goes to one node in one message.
pub(super) struct Batch {
    /// To whom.
    pub(super) node: Arc<Node>,
    /// The beats in it.
    pub(super) waiting: Vec<Waiting>,
}

impl Batch {
    /// The beats with their age now.
    pub(super) fn beats(&self, now: Instant) -> Vec<Beat> {
        let age = |at: Instant| u32::try_from(now.saturating_duration_since(at).as_millis()).unwrap_or(u32::MAX);
        self.waiting
            .iter()
            .map(|beat| Beat { session_id: beat.session_id, partition: beat.partition, age_ms: age(beat.at) })
            .collect()
    }
}

/// Deals beats to the owners of their partitions, and gives back those that have none.
pub(super) fn batches(
    beats: Vec<Waiting>,
    owner: impl Fn(Partition) -> Option<Arc<Node>>,
) -> (Vec<Batch>, Vec<Waiting>) {
    let mut open: HashMap<Box<str>, Batch> = HashMap::new();
    let (mut full, mut without_owner) = (Vec::new(), Vec::new());
    for beat in beats {
        let Some(node) = owner(beat.partition) else {
            without_owner.push(beat);
            continue;
        };
        let batch =
            open.entry(node.id().into()).or_insert_with(|| Batch { node: Arc::clone(&node), waiting: Vec::new() });
        batch.waiting.push(beat);
        if batch.waiting.len() >= BATCH_MAX {
            let waiting = std::mem::take(&mut batch.waiting);
            full.push(Batch { node, waiting });
        }
    }
    full.extend(open.into_values().filter(|batch| !batch.waiting.is_empty()));
    (full, without_owner)
}

#[cfg(test)]
mod tests {
    use bus_schemas::{Claim, Extra, TimeUs};

    use super::*;
    use crate::live_view::Claims;

    fn id(number: u128) -> SessionId {
        SessionId(uuid::Uuid::from_u128(number))
    }

    fn claims(owners: &[(u8, &str)]) -> Claims {
        let claims = Claims::default();
        for (seq, (partition, node)) in (1..).zip(owners) {
            let claim = Claim {
                node_id: (*node).into(),
                at_us: TimeUs::default(),
                released: false,
                taken: None,
                successor: None,
                extra: Extra::new(),
            };
            claims.fold(Partition::new(*partition), &claim, seq);
        }
        claims
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_stands_once_with_its_youngest_beat() {
        let pending = Pending::default();
        pending.beat(id(1), Partition::new(3));
        let old = pending.take();
        tokio::time::advance(Duration::from_millis(40)).await;
        pending.beat(id(1), Partition::new(3));
        pending.put_back(old);
        tokio::time::advance(Duration::from_millis(30)).await;
        let (batches, _) = batches(pending.take(), |partition| claims(&[(3, "a")]).owner(partition));
        let beats = batches[0].beats(Instant::now());
        assert_eq!(beats, [Beat { session_id: id(1), partition: Partition::new(3), age_ms: 30 }]);
        assert!(pending.take().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn beats_go_to_their_owner_and_wait_while_there_is_none() {
        let pending = Pending::default();
        for partition in 0..3 {
            pending.beat(id(partition.into()), Partition::new(partition));
        }
        let claims = claims(&[(0, "a"), (1, "b")]);
        let (batches, left) = batches(pending.take(), |partition| claims.owner(partition));
        let mut sent: Vec<_> = batches.iter().map(|batch| (batch.node.id(), batch.waiting.len())).collect();
        sent.sort_unstable();
        assert_eq!(sent, [("a", 1), ("b", 1)]);
        assert_eq!(left.len(), 1);
        tokio::time::advance(KEEP).await;
        pending.put_back(left);
        assert!(pending.take().is_empty(), "dropped when nobody wanted it for long");
    }

    #[test]
    fn a_message_is_bounded() {
        let now = Instant::now();
        let beats = (0..20_000).map(|n| Waiting { session_id: id(n), partition: Partition::new(0), at: now }).collect();
        let claims = claims(&[(0, "a")]);
        let (batches, _) = batches(beats, |partition| claims.owner(partition));
        assert_eq!(batches.iter().map(|batch| batch.waiting.len()).sum::<usize>(), 20_000);
        assert!(batches.iter().all(|batch| batch.waiting.len() <= BATCH_MAX));
    }
}
