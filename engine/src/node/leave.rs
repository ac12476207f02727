//! Letting go of partitions: what is at work is drained to a known outcome, then the claim is released (protocol rule 6).

use std::{sync::Arc, time::Duration};

use bus_schemas::Partition;
use futures::{StreamExt, stream};
use ractor::{ActorRef, RpcReplyPort};
use tokio::time::{Instant, sleep};

use super::NodeMsg;
use crate::{claim, clock::Reading, seen, shard::ShardMsg, shared::Shared, slot::Slot};

/// Time for all shards to finish at a hand-over.
const DRAIN_WITHIN: Duration = Duration::from_secs(6);
/// Partitions that are released at once.
const RELEASES: usize = 64;
/// A node that ends gives the others this long to read what it owns and ask for it: together with a drain that stays
/// below the three seconds a role has.
const HAND_OVER_WITHIN: Duration = Duration::from_millis(1_500);
/// How often it is looked whether everything was handed over.
const POLL: Duration = Duration::from_millis(10);

/// Takes no new commands, drains what is at work to a known outcome, then lets go of the claims, for `successor` where
/// there is one.
pub(super) async fn leave(
    shared: Arc<Shared>,
    node: ActorRef<NodeMsg>,
    partitions: Vec<Partition>,
    successor: Option<Box<str>>,
) {
    let (shared, node) = (&shared, &node);
    stream::iter(partitions)
        .map(|partition| leave_one(shared, node, partition, successor.clone()))
        .buffer_unordered(RELEASES)
        .collect::<()>()
        .await;
}

async fn leave_one(shared: &Shared, node: &ActorRef<NodeMsg>, partition: Partition, successor: Option<Box<str>>) {
    let slot = shared.slot(partition);
    let Some(shard) = slot.leave() else { return };
    tell_last_seen(shared, partition, slot);
    let drained = shard.drain_and_wait(Some(ractor::concurrency::Duration::from(DRAIN_WITHIN))).await;
    if let Err(error) = drained {
        tracing::warn!(%partition, %error, "a shard did not finish in time");
    }
    let own = slot.claim_seq();
    let now = if own > 0 { claim::release(shared, partition, own, successor).await } else { None };
    // The node forgets it, and only when it knows the release: else it would take again what it has just let go of.
    if node.cast(NodeMsg::LetGo(partition, now)).is_err() {
        slot.forget();
    }
}

/// Another node has claimed the partition (rule 9), or it is no longer read along: what is at work is drained, its
/// publishes stand or fall by compare-and-set.
pub(super) async fn step_down(shared: Arc<Shared>, partition: Partition, shard: ActorRef<ShardMsg>) {
    let drained = shard.drain_and_wait(Some(ractor::concurrency::Duration::from(DRAIN_WITHIN))).await;
    if let Err(error) = drained {
        tracing::warn!(%partition, %error, "a shard of a partition that is another's did not finish in time");
    }
    shared.slot(partition).forget();
}

/// What the successor needs to know of the sessions: when somebody was last there.
fn tell_last_seen(shared: &Shared, partition: Partition, slot: &Slot) {
    let cells = slot.cells();
    if !cells.is_empty() {
        let table = seen::table(slot.claim_seq(), &cells, &Reading::take());
        tokio::spawn(seen::publish(shared.bus().clone(), partition, table));
    }
}

/// The end of a node: the others read what it owns and ask for it; what they have not asked for in time is let go of for
/// anybody.
pub(super) async fn leave_all(shared: Arc<Shared>, node: ActorRef<NodeMsg>, reply: RpcReplyPort<()>) {
    let owned = || shared.slots().filter(|(_, slot)| slot.claim_seq() > 0).map(|(p, _)| p).collect::<Vec<_>>();
    let until = Instant::now() + HAND_OVER_WITHIN;
    let successors = || shared.members.lock().has_successors();
    while !owned().is_empty() && Instant::now() < until && successors() {
        sleep(POLL).await;
    }
    leave(Arc::clone(&shared), node, owned(), None).await;
    // Those that are still being handed over: their drains are bounded.
    while !owned().is_empty() && Instant::now() < until + DRAIN_WITHIN {
        sleep(POLL).await;
    }
    drop(reply.send(()));
}
