//! The actor of one owned partition: routes commands to session actors, supervises them, and knows who is due.
//!
//! Its handler never waits for I/O. A session actor that panics is rebuilt from the log; a command that makes it panic
//! twice is answered with an error and recorded, and the session lives on.

mod due;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bus_schemas::{Partition, Reply, SessionId, TimeUs, WorkerId, limits::BEAT_ALLOWANCE};
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, MessagingErr, SupervisionEvent};

use crate::{
    cell::Cell,
    chain::Tip,
    clock::{Mono, Reading},
    closer::{Candidate, CloserMsg},
    desk::Desk,
    seen,
    session_actor::{SessionActor, SessionArgs, SessionMsg},
    shared::Shared,
    slot::Slot,
    work::{Hand, Work},
};

use due::Due;

/// A session that was due and could not be closed is looked at again after this.
const DUE_AGAIN: Duration = Duration::from_millis(500);
/// Panics of one command before it is answered with an error.
const POISON_AFTER: u8 = 2;
/// A session actor that fails this often without a command in hand waits for the next command.
const REBUILDS_MAX: u32 = 5;
/// Time for session actors to finish when their shard ends: an attempt's whole life and a little more.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// What a shard is told.
pub enum ShardMsg {
    /// A command for one of its workers.
    Command(Arc<Work>),
    /// The log has delivered the last message of a worker's chain.
    Followed(WorkerId, Box<Tip>),
    /// A session actor has a new active session: its deadline counts from now.
    Armed(Arc<Cell>),
    /// An echo sent at this time is back, and the node hears: who is due? (rule 12)
    Check(Mono),
    /// The log is read up to this partition's claim (rule 9).
    Recovered,
    /// When the former owner last saw these sessions.
    LastSeen(Vec<(SessionId, TimeUs)>),
    /// A message for a worker's session actor, if there is one.
    Tell(WorkerId, SessionMsg),
    /// Answer through the mailbox: asked then.
    Prove(Mono),
    /// Publish the last-seen table.
    PublishSeen,
    /// Carry forward what had no event for a day.
    Upkeep,
}

/// What a shard is made with.
pub struct ShardArgs {
    /// The node.
    pub shared: Arc<Shared>,
    /// Which partition.
    pub partition: Partition,
}

/// The actor of one owned partition.
pub struct Shard;

/// The state of a shard.
pub struct Live {
    shared: Arc<Shared>,
    partition: Partition,
    workers: HashMap<WorkerId, Entry>,
    actors: HashMap<ActorId, WorkerId>,
    due: BinaryHeap<Reverse<Due>>,
    published_seen: bool,
    /// Commands that came before the partition was read to its claim: none is decided before (rule 9). Their permits bound
    /// them, and each expires.
    waiting: Vec<Arc<Work>>,
    /// While the partition is read by two followers: chains that have ended, with the sequence of their end. What the
    /// other one delivers later of an earlier time starts no session again.
    ended_chains: HashMap<WorkerId, u64>,
}

struct Entry {
    actor: ActorRef<SessionMsg>,
    hand: Arc<Hand>,
    /// What came while the actor was ending.
    parked: Vec<SessionMsg>,
    rebuilds: u32,
}

impl Actor for Shard {
    type Msg = ShardMsg;
    type State = Live;
    type Arguments = ShardArgs;

    async fn pre_start(&self, _: ActorRef<ShardMsg>, args: ShardArgs) -> Result<Live, ActorProcessingErr> {
        Ok(Live {
            shared: args.shared,
            partition: args.partition,
            workers: HashMap::new(),
            actors: HashMap::new(),
            due: BinaryHeap::new(),
            published_seen: false,
            ended_chains: HashMap::new(),
            waiting: Vec::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ShardMsg>,
        message: ShardMsg,
        live: &mut Live,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ShardMsg::Command(work) => live.command(&myself, work).await,
            ShardMsg::Followed(worker, tip) => live.followed(&myself, worker, tip).await,
            ShardMsg::Armed(cell) => live.arm(cell),
            ShardMsg::Check(sent_at) => live.check(sent_at),
            ShardMsg::Recovered => live.recovered(&myself).await,
            ShardMsg::LastSeen(seen) => live.last_seen(&seen),
            ShardMsg::Tell(worker, message) => live.tell(&myself, worker, message, Missing::Drop).await,
            ShardMsg::Prove(asked) => live.slot().answered(asked),
            ShardMsg::PublishSeen => live.publish_seen(),
            ShardMsg::Upkeep => live.upkeep(),
        }
        Ok(())
    }

    /// The default would end the shard with the first child.
    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<ShardMsg>,
        event: SupervisionEvent,
        live: &mut Live,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(actor, state, _) => {
                let desk = state.and_then(|mut state| state.take::<Box<Desk>>().ok());
                live.ended(&myself, &actor, desk.is_some_and(|desk| !desk.is_done())).await;
            }
            SupervisionEvent::ActorFailed(actor, error) => live.failed(&myself, &actor, &error).await,
            _ => {}
        }
        Ok(())
    }

    async fn post_stop(&self, myself: ActorRef<ShardMsg>, live: &mut Live) -> Result<(), ActorProcessingErr> {
        // Nothing of them was published.
        let waiting = std::mem::take(&mut live.waiting).into_iter().map(SessionMsg::Command);
        let parked = live.workers.values_mut().flat_map(|entry| std::mem::take(&mut entry.parked));
        let mail = waiting.chain(parked).collect();
        live.give_back(mail).await;
        // Else the session actors are killed in the middle of a publish.
        myself.drain_children_and_wait(Some(ractor::concurrency::Duration::from(DRAIN_WITHIN))).await;
        Ok(())
    }
}

/// What to do about a worker without a session actor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Spawn,
    Drop,
}

impl Live {
    fn slot(&self) -> &Slot {
        self.shared.slot(self.partition)
    }

    async fn command(&mut self, myself: &ActorRef<ShardMsg>, work: Arc<Work>) {
        if self.slot().is_recovering() {
            self.waiting.push(work);
            return;
        }
        self.tell(myself, work.command.worker_id, SessionMsg::Command(work), Missing::Spawn).await;
    }

    async fn tell(&mut self, myself: &ActorRef<ShardMsg>, worker: WorkerId, message: SessionMsg, missing: Missing) {
        if let Some(entry) = self.workers.get_mut(&worker) {
            if let Err(MessagingErr::SendErr(message)) = entry.actor.cast(message) {
                // It is ending; its successor gets it.
                entry.parked.push(message);
            }
        } else if missing == Missing::Spawn {
            self.spawn(myself, worker, None, vec![message], 0).await;
        }
    }

    async fn spawn(
        &mut self,
        myself: &ActorRef<ShardMsg>,
        worker: WorkerId,
        tip: Option<Box<Tip>>,
        mail: Vec<SessionMsg>,
        rebuilds: u32,
    ) {
        let hand = Arc::new(Hand::default());
        let args = SessionArgs {
            shared: Arc::clone(&self.shared),
            worker,
            partition: self.partition,
            shard: myself.clone(),
            hand: Arc::clone(&hand),
            tip,
        };
        match Actor::spawn_linked(None, SessionActor, args, myself.get_cell()).await {
            Ok((actor, _)) => {
                for message in mail {
                    let _ = actor.cast(message);
                }
                self.actors.insert(actor.get_id(), worker);
                self.workers.insert(worker, Entry { actor, hand, parked: Vec::new(), rebuilds });
            }
            Err(error) => {
                // A shard that ends starts none.
                if self.slot().shard().is_some_and(|shard| shard.get_id() == myself.get_id()) {
                    tracing::error!(%worker, %error, "a session actor did not start");
                }
                self.give_back(mail).await;
            }
        }
    }

    /// Answers commands that no actor will serve. One that has made its actor panic may have been published before: its
    /// outcome is unknown, and it is repeated (rule 6).
    async fn give_back(&self, mail: Vec<SessionMsg>) {
        for message in mail {
            if let SessionMsg::Command(work) = message
                && work.panics.load(Ordering::Relaxed) == 0
            {
                work.answer(self.shared.bus(), &Reply::NotOwner).await;
            }
        }
    }

    async fn followed(&mut self, myself: &ActorRef<ShardMsg>, worker: WorkerId, tip: Box<Tip>) {
        let session = tip.state.as_deref().map(|state| (state.session.id, state.session.is_active()));
        if let Some((session_id, active)) = session {
            let known = || self.slot().cell(session_id).is_some_and(|cell| cell.known_seq() >= tip.seq);
            if active && self.workers.contains_key(&worker) && known() {
                // Its own writing, already applied.
                return;
            }
            if !active && !self.slot().is_serving() {
                let ended = self.ended_chains.entry(worker).or_default();
                *ended = (*ended).max(tip.seq);
            } else if self.ended_chains.get(&worker).is_some_and(|ended| *ended >= tip.seq) {
                return;
            }
            let missing = if active { Missing::Spawn } else { Missing::Drop };
            if self.workers.contains_key(&worker) {
                self.tell(myself, worker, SessionMsg::Followed(tip), missing).await;
            } else if active {
                self.spawn(myself, worker, Some(tip), Vec::new(), 0).await;
            }
        }
    }

    fn arm(&mut self, cell: Arc<Cell>) {
        let at = self.shared.deadline(self.slot(), &cell, Mono::now()).after(BEAT_ALLOWANCE);
        self.due.push(Reverse(Due { at, cell }));
        self.show_next_due();
    }

    fn show_next_due(&self) {
        self.slot().set_next_due(self.due.peek().map(|Reverse(due)| due.at));
    }

    /// Deadlines are checked here only, against the time the echo was sent (rule 12).
    fn check(&mut self, sent_at: Mono) {
        let now = Mono::now();
        let mut candidates = Vec::new();
        while let Some(Reverse(due)) = self.due.peek()
            && due.at <= sent_at
        {
            let Some(Reverse(Due { cell, .. })) = self.due.pop() else { break };
            if !self.slot().has(&cell) {
                continue;
            }
            let at = self.shared.deadline(self.slot(), &cell, now).after(BEAT_ALLOWANCE);
            if at > sent_at {
                self.due.push(Reverse(Due { at, cell }));
                continue;
            }
            if let Some(entry) = self.workers.get(&cell.worker_id) {
                candidates.push(Candidate { partition: self.partition, actor: entry.actor.clone() });
            }
            self.due.push(Reverse(Due { at: sent_at.after(DUE_AGAIN), cell }));
        }
        self.show_next_due();
        if !candidates.is_empty() {
            // A closer with a full queue is at work; these are due again soon.
            let _ = self.shared.closer.try_send(CloserMsg::Due(candidates));
        }
    }

    fn last_seen(&self, seen: &[(SessionId, TimeUs)]) {
        for (session, at) in seen {
            self.slot().with_cell(*session, |cell| cell.raise_floor(*at));
        }
    }

    async fn recovered(&mut self, myself: &ActorRef<ShardMsg>) {
        self.slot().recovered(myself.get_id(), Mono::now());
        self.ended_chains = HashMap::new();
        for work in std::mem::take(&mut self.waiting) {
            self.command(myself, work).await;
        }
    }

    fn publish_seen(&mut self) {
        let cells = self.slot().cells();
        let claim_seq = self.slot().claim_seq();
        // An empty table is published once, so that readers forget the sessions of the last one.
        if !self.slot().is_serving() || (cells.is_empty() && !self.published_seen) {
            return;
        }
        self.published_seen = !cells.is_empty();
        let table = seen::table(claim_seq, &cells, &Reading::take());
        tokio::spawn(seen::publish(self.shared.bus().clone(), self.partition, table));
    }

    fn upkeep(&self) {
        for entry in self.workers.values() {
            let _ = entry.actor.cast(SessionMsg::Carry);
        }
    }

    /// A session actor has ended: nothing was left for it to do, unless what had been queued before that began something
    /// new. A session without an actor would never be closed.
    async fn ended(&mut self, myself: &ActorRef<ShardMsg>, actor: &ActorCell, unfinished: bool) {
        let Some((worker, entry)) = self.remove(actor) else { return };
        let mut mail = entry.parked;
        if unfinished && mail.is_empty() {
            // It ends by itself when the chain says that nothing is left.
            mail.push(SessionMsg::Refresh);
        }
        if !mail.is_empty() {
            self.spawn(myself, worker, None, mail, 0).await;
        }
    }

    /// A session actor has panicked: rebuild it from the log.
    async fn failed(&mut self, myself: &ActorRef<ShardMsg>, actor: &ActorCell, error: &ActorProcessingErr) {
        let Some((worker, entry)) = self.remove(actor) else { return };
        metrics::counter!("andon_actor_panics_total").increment(1);
        tracing::error!(%worker, %error, "a session actor failed and is rebuilt from the log");
        let mut mail = Vec::new();
        let mut rebuilds = entry.rebuilds + 1;
        if let Some(work) = entry.hand.empty() {
            if work.panicked() >= POISON_AFTER {
                self.poison(&work);
            } else {
                mail.push(SessionMsg::Command(work));
            }
            // Progress is made: each command brings at most two.
            rebuilds = 0;
        }
        mail.extend(entry.parked);
        if rebuilds <= REBUILDS_MAX || !mail.is_empty() {
            self.spawn(myself, worker, None, mail, rebuilds).await;
        }
    }

    /// Answers a command that has made its actor panic twice, and records it.
    fn poison(&self, work: &Arc<Work>) {
        let trace_id: Box<str> = uuid::Uuid::new_v4().simple().to_string().into();
        metrics::counter!("andon_poison_commands_total").increment(1);
        tracing::error!(
            trace_id = &*trace_id,
            worker = %work.command.worker_id,
            command_id = %work.command.id,
            command = ?work.command.body,
            "a command made its actor panic twice and is refused"
        );
        let (shared, work) = (Arc::clone(&self.shared), Arc::clone(work));
        tokio::spawn(async move { work.answer(shared.bus(), &Reply::Poison { trace_id }).await });
    }

    fn remove(&mut self, actor: &ActorCell) -> Option<(WorkerId, Entry)> {
        let worker = self.actors.remove(&actor.get_id())?;
        self.workers.remove(&worker).map(|entry| (worker, entry))
    }
}

#[cfg(test)]
mod tests;
