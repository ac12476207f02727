//! Reading partitions: to their claims, when they were taken (protocol rule 9), or along with their owner, so that it can
//! let go.

use std::{collections::BTreeSet, sync::Arc};

use andon_nats::{Followed, Follower, Start};
use bus_schemas::{Partition, SessionId, TimeUs, subject};
use ractor::ActorRef;

use super::NodeMsg;
use crate::{follow, seen, shard::ShardMsg, shared::Shared};

/// Reads the last message of every chain in these partitions, until their claims are delivered (rule 9). The node's own
/// follower goes on meanwhile and afterwards: what both deliver is applied once, by its sequence.
pub(super) async fn recover(shared: Arc<Shared>, node: ActorRef<NodeMsg>, taken: Vec<(Partition, u64)>) {
    let partitions: Vec<Partition> = taken.iter().map(|(partition, _)| *partition).collect();
    let mut seen = seen::read(shared.bus(), &partitions).await;
    let mut awaited: BTreeSet<(Partition, u64)> = taken.into_iter().collect();
    let mut follower = follower(&shared, &partitions);
    while !awaited.is_empty() {
        match follower.next().await {
            Followed::Message(message) => {
                follow::route(&shared, &node, &message);
                let is_read = |(partition, seq): &(Partition, u64)| {
                    message.seq > *seq || (message.seq == *seq && message.subject == subject::claim(*partition))
                };
                let read: Vec<_> = awaited.iter().copied().filter(is_read).collect();
                for entry in read {
                    awaited.remove(&entry);
                    finish(&shared, entry.0, seen.remove(&entry.0).unwrap_or_default());
                }
            }
            // Everything up to the head was delivered, so every claim taken before was passed.
            Followed::CaughtUp => {
                for (partition, _) in std::mem::take(&mut awaited) {
                    finish(&shared, partition, seen.remove(&partition).unwrap_or_default());
                }
            }
            Followed::Interrupted(why) => tracing::warn!(%why, "recovery was interrupted and goes on"),
        }
    }
    follower.end().await;
}

/// Reads partitions of another node: once to the head, and from there on the node's own follower delivers what is new.
pub(super) async fn prepare(shared: Arc<Shared>, node: ActorRef<NodeMsg>, partitions: Vec<Partition>) {
    let mut follower = follower(&shared, &partitions);
    loop {
        match follower.next().await {
            Followed::Message(message) => follow::route(&shared, &node, &message),
            Followed::CaughtUp => break,
            Followed::Interrupted(why) => tracing::warn!(%why, "reading along was interrupted and goes on"),
        }
    }
    // The node's own follower must have come as far, or what lies between is in neither.
    shared.reached(follower.last_seq()).await;
    follower.end().await;
    let _ = node.cast(NodeMsg::Prepared(partitions));
}

/// Serves partitions that had been read before they were taken: as soon as the node's own follower has delivered their
/// claims, it has delivered everything that was stored before them.
pub(super) async fn complete(shared: Arc<Shared>, taken: Vec<(Partition, u64)>) {
    let partitions: Vec<Partition> = taken.iter().map(|(partition, _)| *partition).collect();
    for (partition, seq) in taken {
        shared.reached(seq).await;
        finish(&shared, partition, Vec::new());
    }
    // When somebody was last seen by the former owner is no condition of serving.
    for (partition, seen) in seen::read(shared.bus(), &partitions).await {
        finish(&shared, partition, seen);
    }
}

fn follower(shared: &Shared, partitions: &[Partition]) -> Follower {
    let filters = if partitions.len() == Partition::all().len() {
        vec![subject::SESSIONS.to_owned(), subject::CLAIMS.to_owned()]
    } else {
        partitions.iter().flat_map(|&partition| [subject::sessions_of(partition), subject::claim(partition)]).collect()
    };
    Follower::new(shared.bus().clone(), subject::STREAM_LOG, filters, Start::LastPerSubject)
}

fn finish(shared: &Shared, partition: Partition, seen: Vec<(SessionId, TimeUs)>) {
    if let Some(shard) = shared.slot(partition).shard() {
        // Behind every message that was routed before, so the shard has handled them all.
        let _ = shard.cast(ShardMsg::Recovered(seen));
    }
}
