//! The node: takes the partitions that are assigned to it, starts and ends their shards, hands over (protocol rules 9
//! and 10).

mod along;
mod leave;
mod recover;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bus_schemas::{HandOver, Partition, Taken, TakenWhy};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};

use crate::{
    claim::{self, Got, SeenClaim, Wanted},
    clock::{Mono, wall_now},
    plan::{self, Has, Step, View},
    shard::{Shard, ShardArgs, ShardMsg},
    shared::Shared,
    slot::Ownership,
};

use recover::Begun;

/// How often claims are looked through, besides whenever something has changed.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Time for an owner to answer that it was asked for partitions.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// An owner that has not let go is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// A partition that was handed back (its events are newer than this engine) is left alone for this long.
const HANDED_BACK: Duration = Duration::from_secs(60);

/// What a node is told.
pub enum NodeMsg {
    /// The log has delivered a claim.
    ClaimSeen(Partition, SeenClaim),
    /// All claims that were there have been delivered.
    ClaimsKnown,
    /// Look for partitions to take or to read along.
    Look,
    /// Claims have moved: look for partitions to take.
    LookAtClaims,
    /// These were taken; `true` when that is all that was wanted.
    Taken(Vec<Got>, bool),
    /// These, of other nodes, are read to the head.
    Prepared(Vec<(Partition, ActorRef<ShardMsg>)>),
    /// Another node has read partitions of this one and asks for them.
    HandOver(HandOver),
    /// Take these, whoever owns them: costs a hand-over, not correctness (rules 1 and 14). Answers when it was tried.
    TakeOver(Vec<Partition>, RpcReplyPort<usize>),
    /// A partition was let go of, and this is what the log says of it now.
    LetGo(Partition, Option<SeenClaim>),
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
    claims: BTreeMap<Partition, Known>,
    /// When all claims were known: from then on a partition without one is nobody's.
    known_since: Mono,
    looking: bool,
    leaving: bool,
    look_queued: bool,
    handed_back: BTreeMap<Partition, Mono>,
    /// When the owner of a partition that is read along was asked for it.
    asked: BTreeMap<Partition, Mono>,
}

/// A claim and when it was seen.
struct Known {
    seen: SeenClaim,
    since: Mono,
}

impl Actor for Node {
    type Msg = NodeMsg;
    type State = Holding;
    type Arguments = Arc<Shared>;

    async fn pre_start(&self, myself: ActorRef<NodeMsg>, shared: Arc<Shared>) -> Result<Holding, ActorProcessingErr> {
        myself.send_interval(LOOK_EVERY, || NodeMsg::Look);
        Ok(Holding {
            shared,
            claims: BTreeMap::new(),
            known_since: Mono::now(),
            looking: false,
            leaving: false,
            look_queued: false,
            handed_back: BTreeMap::new(),
            asked: BTreeMap::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<NodeMsg>,
        message: NodeMsg,
        holding: &mut Holding,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            NodeMsg::ClaimSeen(partition, seen) => {
                if holding.claim_seen(partition, seen) {
                    holding.look_soon(&myself);
                }
            }
            NodeMsg::ClaimsKnown => {
                holding.known_since = Mono::now();
                holding.shared.know_claims();
                holding.look(&myself).await;
            }
            NodeMsg::Look => holding.look(&myself).await,
            NodeMsg::LookAtClaims => {
                holding.look_queued = false;
                holding.look_for(&myself, false).await;
            }
            NodeMsg::Taken(taken, all) => {
                holding.taken(&myself, taken).await;
                holding.set_looking(false);
                // What was refused is another's; its claim is on its way, and asking at once would only be refused again.
                if all {
                    holding.look(&myself).await;
                }
            }
            NodeMsg::Prepared(read) => {
                for (partition, shard) in read {
                    holding.shared.slot(partition).prepared(shard.get_id());
                }
                holding.ask();
            }
            NodeMsg::HandOver(asked) => holding.hand_over(&myself, asked),
            NodeMsg::TakeOver(partitions, reply) => {
                let wanted = holding.wanted(partitions);
                holding.shared.claim_partitions(true);
                let taken = claim::take(holding.shared.bus(), &holding.shared.node_id, wanted).await;
                let count = taken.len();
                holding.taken(&myself, taken).await;
                holding.shared.claim_partitions(holding.looking);
                drop(reply.send(count));
            }
            NodeMsg::HandBack(partition) => {
                holding.handed_back.insert(partition, Mono::now());
                holding.forget(partition);
                tokio::spawn(leave::leave(Arc::clone(&holding.shared), myself.clone(), vec![partition], None));
            }
            NodeMsg::LetGo(partition, now) => {
                if let Some(seen) = now {
                    holding.claim_seen(partition, seen);
                }
                holding.shared.slot(partition).forget();
            }
            NodeMsg::Leave(reply) => holding.leave(&myself, reply),
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
    /// Whether it may change what is to be done.
    fn claim_seen(&mut self, partition: Partition, seen: SeenClaim) -> bool {
        if self.claims.get(&partition).is_some_and(|known| known.seen.seq >= seen.seq) {
            return false;
        }
        let slot = self.shared.slot(partition);
        let mine = *seen.claim.node_id == *self.shared.node_id;
        if mine && !seen.claim.released && slot.claim_seq() > 0 {
            slot.renewed(seen.seq);
        } else if !mine && slot.claim_seq() > 0 && seen.seq > slot.claim_seq() && !slot.is_leaving() {
            // A newer claim of somebody else: step down (rule 9). What is at work is drained; its publishes stand or
            // fall by compare-and-set.
            tracing::warn!(%partition, owner = %seen.claim.node_id, "another node has claimed a partition of this one");
            metrics::counter!("andon_claims_lost_total").increment(1);
            if let Some(shard) = slot.leave() {
                slot.lost();
                tokio::spawn(leave::step_down(Arc::clone(&self.shared), partition, shard));
            }
        }
        let known = self.claims.get(&partition).map(|known| &known.seen.claim);
        let moved =
            known.is_none_or(|known| known.node_id != seen.claim.node_id || known.released != seen.claim.released);
        if !seen.claim.released && self.shared.members.lock().owns(&seen.claim.node_id, Mono::now()) {
            self.shared.look_again.notify_one();
        }
        self.claims.insert(partition, Known { seen, since: Mono::now() });
        moved && self.shared.claims_known()
    }

    /// Those of these partitions that are not this node's, with the claims they are to be taken from.
    fn wanted(&self, partitions: impl IntoIterator<Item = Partition>) -> Vec<Wanted> {
        let foreign = |partition: &Partition| {
            let slot = self.shared.slot(*partition);
            slot.claim_seq() == 0 && !slot.is_leaving()
        };
        partitions.into_iter().filter(foreign).map(|partition| self.want(partition, TakenWhy::Told)).collect()
    }

    fn want(&self, partition: Partition, why: TakenWhy) -> Wanted {
        let known = self.claims.get(&partition).map(|known| &known.seen);
        let how = Taken { at_us: wall_now(), why, from: known.map(|seen| seen.claim.node_id.clone()) };
        Wanted { partition, before: known.map_or(0, |seen| seen.seq), how }
    }

    /// Whether claims are on their way: their answers come as one message.
    fn set_looking(&mut self, looking: bool) {
        self.looking = looking;
        self.shared.claim_partitions(looking);
    }

    /// A burst of claims is looked at once.
    fn look_soon(&mut self, myself: &ActorRef<NodeMsg>) {
        if !self.look_queued {
            self.look_queued = myself.cast(NodeMsg::LookAtClaims).is_ok();
        }
    }

    /// Goes through all partitions: takes, reads along, forgets.
    async fn look(&mut self, myself: &ActorRef<NodeMsg>) {
        self.look_for(myself, true).await;
    }

    /// The same; what is read along is begun with together, because each reading costs the server a consumer.
    async fn look_for(&mut self, myself: &ActorRef<NodeMsg>, read_along: bool) {
        let now = Mono::now();
        self.handed_back.retain(|_, since| now.since(*since) < HANDED_BACK);
        if !self.shared.claims_known() || self.looking || self.leaving || !self.shared.ears().connected {
            return;
        }
        let (mut take, mut along) = (Vec::new(), Vec::new());
        for (partition, step) in self.steps(now) {
            match step {
                Step::Take(why) => take.push(self.want(partition, why)),
                Step::Prepare if read_along => along.push(partition),
                Step::Forget => self.forget(partition),
                Step::Prepare | Step::Leave => {}
            }
        }
        self.read_along(myself, along).await;
        self.ask();
        if !take.is_empty() {
            self.set_looking(true);
            let (shared, myself) = (Arc::clone(&self.shared), myself.clone());
            tokio::spawn(async move {
                let wanted = take.len();
                let taken = claim::take(shared.bus(), &shared.node_id, take).await;
                let all = taken.len() == wanted;
                let _ = myself.cast(NodeMsg::Taken(taken, all));
            });
        }
    }

    fn steps(&self, now: Mono) -> Vec<(Partition, Step)> {
        let mut members = self.shared.members.lock();
        members.forget(now, |node| self.claims.values().any(|known| *known.seen.claim.node_id == *node));
        let step = |partition: Partition| {
            let known = self.claims.get(&partition);
            let slot = self.shared.slot(partition);
            let has = match slot.ownership() {
                Ownership::Preparing(..) => Has::Preparation,
                // It is let go of first.
                Ownership::Leaving => Has::Claim,
                _ if slot.claim_seq() > 0 => Has::Claim,
                _ => Has::Nothing,
            };
            let since = known.map_or(self.known_since, |known| known.since);
            let view = View { partition, has, claim: known.map(|known| &known.seen), since };
            (partition, plan::step(&view, &self.shared.node_id, &members, now))
        };
        Partition::all().filter(|partition| !self.handed_back.contains_key(partition)).map(step).collect()
    }

    /// Lets go of what another node has read and asks for.
    fn hand_over(&self, myself: &ActorRef<NodeMsg>, asked: HandOver) {
        let HandOver { node_id, partitions } = asked;
        if *node_id == *self.shared.node_id || !self.shared.members.lock().takes(&node_id) {
            return;
        }
        let mine: Vec<_> =
            partitions.into_iter().filter(|&partition| self.shared.slot(partition).is_serving()).collect();
        if !mine.is_empty() {
            tracing::info!(successor = %node_id, partitions = mine.len(), "handing over");
            tokio::spawn(leave::leave(Arc::clone(&self.shared), myself.clone(), mine, Some(node_id)));
        }
    }

    fn leave(&mut self, myself: &ActorRef<NodeMsg>, reply: RpcReplyPort<()>) {
        self.leaving = true;
        self.shared.members.lock().leave();
        self.shared.look_again.notify_one();
        for partition in Partition::all() {
            self.forget(partition);
        }
        tokio::spawn(leave::leave_all(Arc::clone(&self.shared), myself.clone(), reply));
    }

    async fn spawn_shard(&self, myself: &ActorRef<NodeMsg>, partition: Partition) -> Option<ActorRef<ShardMsg>> {
        let args = ShardArgs { shared: Arc::clone(&self.shared), partition };
        match Actor::spawn_linked(None, Shard, args, myself.get_cell()).await {
            Ok((shard, _)) => Some(shard),
            Err(error) => {
                tracing::error!(%partition, %error, "a shard did not start");
                None
            }
        }
    }

    /// Lets go of claims that nothing was begun with.
    fn release(&self, claims: Vec<(Partition, u64)>) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            for (partition, seq) in claims {
                claim::release(&shared, partition, seq, None).await;
            }
        });
    }

    /// Serves what was read along as soon as its claim is delivered; starts a shard for each other one, and reads it to
    /// its claim (rule 9).
    async fn taken(&mut self, myself: &ActorRef<NodeMsg>, taken: Vec<Got>) {
        if self.leaving {
            return self.release(taken.into_iter().map(|(partition, seq, _)| (partition, seq)).collect());
        }
        let (mut begun, mut read, mut given_up) = (Vec::new(), Vec::new(), Vec::new());
        for (partition, seq, how) in taken {
            self.asked.remove(&partition);
            // The log may have delivered a newer claim before the answer to this one's was here.
            if self.claims.get(&partition).is_some_and(|known| known.seen.seq > seq) {
                tracing::info!(%partition, "another node has claimed it meanwhile");
                continue;
            }
            let slot = self.shared.slot(partition);
            if slot.claim_seq() > 0 {
                // Taken twice: for itself and because it was told to.
                slot.renewed(seq);
                continue;
            }
            if slot.is_leaving() || self.handed_back.contains_key(&partition) {
                // Given up while its claim was on its way.
                given_up.push((partition, seq));
                continue;
            }
            let (shard, is_read) = match slot.ownership() {
                Ownership::Preparing(shard, is_read) => (Some(shard), is_read),
                _ => (self.spawn_shard(myself, partition).await, false),
            };
            if let Some(shard) = shard {
                self.shared.took(seq);
                slot.taken(shard.clone(), seq, how);
                if is_read { &mut read } else { &mut begun }.push(Begun { partition, shard, claim_seq: seq });
            }
        }
        if !given_up.is_empty() {
            self.release(given_up);
        }
        if begun.len() + read.len() > 0 {
            metrics::counter!("andon_claim_moves_total").increment((begun.len() + read.len()) as u64);
            tracing::info!(partitions = begun.len() + read.len(), read_before = read.len(), "claimed partitions");
        }
        if !begun.is_empty() {
            tokio::spawn(recover::recover(Arc::clone(&self.shared), myself.clone(), begun));
        }
        if !read.is_empty() {
            tokio::spawn(recover::complete(Arc::clone(&self.shared), read));
        }
    }
}
