//! Reading partitions: to their claims, when they were taken (protocol rule 9), or along with their owner, so that it can
//! let go.

use std::sync::Arc;

use andon_nats::{Followed, Follower, Start};
use bus_schemas::{Partition, subject};
use ractor::ActorRef;

use super::NodeMsg;
use crate::{follow, seen, shard::ShardMsg, shared::Shared};

/// A partition that was taken, and the shard that is to serve it.
#[derive(Clone)]
pub(super) struct Begun {
    pub(super) partition: Partition,
    pub(super) shard: ActorRef<ShardMsg>,
    pub(super) claim_seq: u64,
}

impl Begun {
    /// Told to the shard that was begun with, and to none that has taken its place since; behind every message that was
    /// routed before, so the shard has handled them all.
    fn serve(&self) {
        let _ = self.shard.cast(ShardMsg::Recovered);
    }
}

/// Reads the last message of every chain in these partitions, until their claims are delivered (rule 9). The node's own
/// follower goes on meanwhile and afterwards: what both deliver is applied once, by its sequence.
pub(super) async fn recover(shared: Arc<Shared>, node: ActorRef<NodeMsg>, taken: Vec<Begun>) {
    let partitions: Vec<Partition> = taken.iter().map(|begun| begun.partition).collect();
    let mut awaited = taken.clone();
    let mut follower = follower(&shared, &partitions);
    while !awaited.is_empty() {
        match follower.next().await {
            Followed::Message(message) => {
                follow::route(&shared, &node, &message);
                let is_read = |begun: &mut Begun| {
                    message.seq > begun.claim_seq
                        || (message.seq == begun.claim_seq && message.subject == subject::claim(begun.partition))
                };
                awaited.extract_if(.., is_read).for_each(|begun| begun.serve());
            }
            // Everything up to the head was delivered, so every claim taken before was passed.
            Followed::CaughtUp => awaited.drain(..).for_each(|begun| begun.serve()),
            Followed::Interrupted(why) => tracing::warn!(%why, "recovery was interrupted and goes on"),
        }
    }
    follower.end().await;
    tell_last_seen(&shared, &taken).await;
}

/// Reads partitions of another node: once to the head, and from there on the node's own follower delivers what is new.
pub(super) async fn prepare(shared: Arc<Shared>, node: ActorRef<NodeMsg>, begun: Vec<(Partition, ActorRef<ShardMsg>)>) {
    let partitions: Vec<Partition> = begun.iter().map(|(partition, _)| *partition).collect();
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
    let _ = node.cast(NodeMsg::Prepared(begun));
}

/// Serves partitions that had been read before they were taken: as soon as the node's own follower has delivered their
/// claims, it has delivered everything that was stored before them.
pub(super) async fn complete(shared: Arc<Shared>, taken: Vec<Begun>) {
    for begun in &taken {
        shared.reached(begun.claim_seq).await;
        begun.serve();
    }
    tell_last_seen(&shared, &taken).await;
}

/// When somebody was last seen by the former owner is no condition of serving: only a close asks for it, and that is far.
async fn tell_last_seen(shared: &Shared, taken: &[Begun]) {
    let partitions: Vec<Partition> = taken.iter().map(|begun| begun.partition).collect();
    let mut seen = seen::read(shared.bus(), &partitions).await;
    for begun in taken {
        if let Some(seen) = seen.remove(&begun.partition) {
            let _ = begun.shard.cast(ShardMsg::LastSeen(seen));
        }
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
