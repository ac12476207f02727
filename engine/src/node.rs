//! The node: claims partitions, starts and ends their shards, hands over (protocol rules 9 and 10).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use andon_nats::{Followed, Follower, RequestError, Start};
use bus_schemas::{Partition, subject};
use bytes::Bytes;
use futures::{StreamExt, stream};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};

use crate::{
    claim::{self, SeenClaim},
    follow, seen,
    shard::{Shard, ShardArgs, ShardMsg},
    shared::Shared,
};

/// How often claims are looked through for partitions to take.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// An owner's node subject must have no responder twice, this far apart.
const LOOK_TWICE: Duration = Duration::from_millis(250);
/// Time for a node to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Time for all shards to finish at a hand-over.
const DRAIN_WITHIN: Duration = Duration::from_secs(6);
/// A partition that was handed back (its events are newer than this engine) is left alone for this long.
const HANDED_BACK: Duration = Duration::from_secs(60);
/// Partitions that are released at once.
const RELEASES: usize = 64;

/// What a node is told.
pub enum NodeMsg {
    /// The log has delivered a claim.
    ClaimSeen(Partition, SeenClaim),
    /// All claims that were there have been delivered.
    ClaimsKnown,
    /// Look for partitions to take.
    Look,
    /// These were taken, with the sequences of their claims.
    Taken(Vec<(Partition, u64)>),
    /// Take these, whoever owns them: costs a hand-over, not correctness (rules 1 and 14). Answers when it was tried.
    TakeOver(Vec<Partition>, RpcReplyPort<usize>),
    /// Hand this one back: it has events of a newer schema.
    HandBack(Partition),
    /// Hand everything over, and answer when it is done.
    Leave(RpcReplyPort<()>),
}

/// The actor of a node.
pub struct Node;

/// Its state.
pub struct Holding {
    shared: Arc<Shared>,
    claims: BTreeMap<Partition, SeenClaim>,
    looking: bool,
    leaving: bool,
    handed_back: BTreeMap<Partition, tokio::time::Instant>,
}

impl Actor for Node {
    type Msg = NodeMsg;
    type State = Holding;
    type Arguments = Arc<Shared>;

    async fn pre_start(&self, myself: ActorRef<NodeMsg>, shared: Arc<Shared>) -> Result<Holding, ActorProcessingErr> {
        myself.send_interval(LOOK_EVERY, || NodeMsg::Look);
        Ok(Holding { shared, claims: BTreeMap::new(), looking: false, leaving: false, handed_back: BTreeMap::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<NodeMsg>,
        message: NodeMsg,
        holding: &mut Holding,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            NodeMsg::ClaimSeen(partition, seen) => holding.claim_seen(partition, seen),
            NodeMsg::ClaimsKnown => {
                holding.shared.know_claims();
                holding.look(&myself);
            }
            NodeMsg::Look => holding.look(&myself),
            NodeMsg::Taken(taken) => {
                holding.looking = false;
                holding.taken(&myself, taken).await;
            }
            NodeMsg::TakeOver(partitions, reply) => {
                let wanted = holding.wanted(partitions);
                let taken = claim::take(holding.shared.bus(), &holding.shared.node_id, wanted).await;
                let count = taken.len();
                holding.taken(&myself, taken).await;
                drop(reply.send(count));
            }
            NodeMsg::HandBack(partition) => {
                holding.handed_back.insert(partition, tokio::time::Instant::now());
                holding.leave(vec![partition]).await;
            }
            NodeMsg::Leave(reply) => {
                holding.leaving = true;
                let owned: Vec<_> =
                    holding.shared.slots().filter(|(_, slot)| slot.claim_seq() > 0).map(|(p, _)| p).collect();
                holding.leave(owned).await;
                drop(reply.send(()));
            }
        }
        Ok(())
    }

    /// A shard ends when it was drained, or has failed: then its partition is claimed and read anew.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<NodeMsg>,
        event: SupervisionEvent,
        holding: &mut Holding,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(actor, error) = event {
            tracing::error!(%error, "a shard failed; its partition is claimed and read anew");
            for (partition, slot) in holding.shared.slots() {
                if slot.shard().is_some_and(|shard| shard.get_id() == actor.get_id()) {
                    slot.forget();
                    metrics::counter!("andon_shard_failures_total").increment(1);
                    tracing::warn!(%partition, "lost its shard");
                }
            }
        }
        Ok(())
    }
}

impl Holding {
    fn claim_seen(&mut self, partition: Partition, seen: SeenClaim) {
        if self.claims.get(&partition).is_some_and(|known| known.seq >= seen.seq) {
            return;
        }
        let slot = self.shared.slot(partition);
        let mine = *seen.claim.node_id == *self.shared.node_id;
        if mine && !seen.claim.released && slot.claim_seq() > 0 {
            slot.renewed(seen.seq);
        } else if !mine && slot.claim_seq() > 0 && seen.seq > slot.claim_seq() {
            // A newer claim of somebody else: step down (rule 9). What is at work is drained; its publishes stand or
            // fall by compare-and-set.
            tracing::warn!(%partition, owner = %seen.claim.node_id, "another node has claimed a partition of this one");
            metrics::counter!("andon_claims_lost_total").increment(1);
            if let Some(shard) = slot.leave() {
                let _ = shard.drain();
            }
            slot.forget();
        }
        self.claims.insert(partition, seen);
    }

    /// Those of these partitions that are not this node's, with the claims they are to be taken from.
    fn wanted(&self, partitions: impl IntoIterator<Item = Partition>) -> Vec<(Partition, u64)> {
        let mine = |partition: &Partition| self.shared.slot(*partition).claim_seq() > 0;
        partitions
            .into_iter()
            .filter(|partition| !mine(partition))
            .map(|partition| (partition, self.claims.get(&partition).map_or(0, |seen| seen.seq)))
            .collect()
    }

    /// Takes what is absent, released, or whose owner's node subject has no responder.
    fn look(&mut self, myself: &ActorRef<NodeMsg>) {
        self.handed_back.retain(|_, since| since.elapsed() < HANDED_BACK);
        if !self.shared.claims_known() || self.looking || self.leaving || !self.shared.ears().connected {
            return;
        }
        let mut free = Vec::new();
        let mut owned: BTreeMap<Box<str>, Vec<(Partition, u64)>> = BTreeMap::new();
        for (partition, seq) in self.wanted(Partition::all()) {
            match self.claims.get(&partition) {
                _ if self.handed_back.contains_key(&partition) => {}
                Some(seen) if !seen.claim.released && *seen.claim.node_id != *self.shared.node_id => {
                    owned.entry(seen.claim.node_id.clone()).or_default().push((partition, seq));
                }
                _ => free.push((partition, seq)),
            }
        }
        if free.is_empty() && owned.is_empty() {
            return;
        }
        self.looking = true;
        let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
        tokio::spawn(async move {
            for (owner, partitions) in owned {
                if is_gone(&shared, &owner).await {
                    tracing::info!(%owner, partitions = partitions.len(), "a node is gone; taking its partitions");
                    free.extend(partitions);
                }
            }
            let taken = claim::take(shared.bus(), &shared.node_id, free).await;
            let _ = myself.cast(NodeMsg::Taken(taken));
        });
    }

    /// Starts a shard for each, and reads them to their claims (rule 9).
    async fn taken(&self, myself: &ActorRef<NodeMsg>, taken: Vec<(Partition, u64)>) {
        if self.leaving {
            for (partition, seq) in taken {
                claim::release(self.shared.bus(), &self.shared.node_id, partition, seq).await;
            }
            return;
        }
        let mut begun = Vec::new();
        for (partition, seq) in taken {
            let args = ShardArgs { shared: Arc::clone(&self.shared), partition };
            match Actor::spawn_linked(None, Shard, args, myself.get_cell()).await {
                Ok((shard, _)) => {
                    self.shared.took(seq);
                    self.shared.slot(partition).taken(shard, seq);
                    begun.push((partition, seq));
                }
                Err(error) => tracing::error!(%partition, %error, "a shard did not start"),
            }
        }
        if !begun.is_empty() {
            metrics::counter!("andon_claim_moves_total").increment(begun.len() as u64);
            tracing::info!(partitions = begun.len(), "claimed partitions");
            tokio::spawn(recover(Arc::clone(&self.shared), myself.clone(), begun));
        }
    }

    /// Takes no new commands, drains what is at work to a known outcome, then lets go of the claims.
    async fn leave(&self, partitions: Vec<Partition>) {
        let shared = &self.shared;
        stream::iter(partitions)
            .map(|partition| async move {
                let slot = shared.slot(partition);
                if let Some(shard) = slot.leave() {
                    let drained = shard.drain_and_wait(Some(ractor::concurrency::Duration::from(DRAIN_WITHIN))).await;
                    if let Err(error) = drained {
                        tracing::warn!(%partition, %error, "a shard did not finish in time");
                    }
                }
                let own = slot.claim_seq();
                slot.forget();
                if own > 0 {
                    claim::release(shared.bus(), &shared.node_id, partition, own).await;
                }
            })
            .buffer_unordered(RELEASES)
            .collect::<()>()
            .await;
    }
}

/// Whether nobody answers for this node, twice: a dead process has no responder, a frozen one times out.
async fn is_gone(shared: &Shared, node_id: &str) -> bool {
    for again in [false, true] {
        if again {
            tokio::time::sleep(LOOK_TWICE).await;
        }
        let asked = shared.bus().request(subject::node(node_id), None, Bytes::new(), ANSWER_WITHIN).await;
        if !matches!(asked, Err(RequestError::NoResponders)) {
            return false;
        }
    }
    true
}

/// Reads the last message of every chain in these partitions, until their claims are delivered (rule 9). The node's own
/// follower goes on meanwhile and afterwards: what both deliver is applied once, by its sequence.
async fn recover(shared: Arc<Shared>, node: ActorRef<NodeMsg>, taken: Vec<(Partition, u64)>) {
    let partitions: Vec<Partition> = taken.iter().map(|(partition, _)| *partition).collect();
    let mut seen = seen::read(shared.bus(), &partitions).await;
    let mut awaited: BTreeSet<(Partition, u64)> = taken.into_iter().collect();
    let filters = if partitions.len() == Partition::all().len() {
        vec![subject::SESSIONS.to_owned(), subject::CLAIMS.to_owned()]
    } else {
        partitions.iter().flat_map(|&partition| [subject::sessions_of(partition), subject::claim(partition)]).collect()
    };
    let mut follower = Follower::new(shared.bus().clone(), subject::STREAM_LOG, filters, Start::LastPerSubject);
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
}

fn finish(shared: &Shared, partition: Partition, seen: Vec<(bus_schemas::SessionId, bus_schemas::TimeUs)>) {
    if let Some(shard) = shared.slot(partition).shard() {
        // Behind every message that was routed before, so the shard has handled them all.
        let _ = shard.cast(ShardMsg::Recovered(seen));
    }
}
