//! A partition as this node has it: who owns it, its shard, and the index that heartbeats are found through.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bus_schemas::{SessionId, Taken};
use parking_lot::RwLock;
use ractor::{ActorId, ActorRef};
use tokio::sync::Semaphore;

use crate::{cell::Cell, clock::Mono, shard::ShardMsg};

/// Commands at work in one partition; beyond it the answer is "busy". 256 partitions of 64 are more than one node can
/// publish in the second an attempt has (ractor mailboxes are not bounded: this bounds what feeds them).
const COMMANDS_MAX: usize = 64;

/// What this node may do with a partition.
#[derive(Clone)]
pub enum Ownership {
    /// Somebody else's, or nobody's.
    Foreign,
    /// Another node's, and read along, so that it can let go. No command is decided. `true` when it is read to the head.
    Preparing(ActorRef<ShardMsg>, bool),
    /// Claimed, and not yet read to the claim (rule 9): no command is decided.
    Recovering(ActorRef<ShardMsg>),
    /// Claimed and read.
    Serving(ActorRef<ShardMsg>),
    /// Being handed over, lost or given up: no new command is taken, and what is at work ends.
    Leaving,
}

/// One partition.
pub struct Slot {
    ownership: RwLock<Ownership>,
    /// Active sessions by id.
    index: RwLock<HashMap<SessionId, Arc<Cell>>>,
    /// Stream sequence of this node's claim; 0 when it has none.
    claim_seq: AtomicU64,
    /// How this node came by it.
    how: RwLock<Option<Taken>>,
    /// When its shard last answered through its own mailbox.
    answered: AtomicU64,
    /// When the take-over was complete, as a monotonic time.
    gap_end: AtomicU64,
    /// When the next session of the shard is due; `u64::MAX` when none is.
    next_due: AtomicU64,
    /// A permit for every command at work.
    pub permits: Arc<Semaphore>,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            ownership: RwLock::new(Ownership::Foreign),
            index: RwLock::default(),
            claim_seq: AtomicU64::new(0),
            how: RwLock::new(None),
            answered: AtomicU64::new(0),
            gap_end: AtomicU64::new(0),
            next_due: AtomicU64::new(u64::MAX),
            permits: Arc::new(Semaphore::new(COMMANDS_MAX)),
        }
    }
}

impl Slot {
    /// What this node may do with it.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        self.ownership.read().clone()
    }

    /// The shard, while this node owns the partition.
    #[must_use]
    pub fn shard(&self) -> Option<ActorRef<ShardMsg>> {
        match &*self.ownership.read() {
            Ownership::Preparing(shard, _) | Ownership::Recovering(shard) | Ownership::Serving(shard) => {
                Some(shard.clone())
            }
            Ownership::Foreign | Ownership::Leaving => None,
        }
    }

    /// Whether commands are decided.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        matches!(*self.ownership.read(), Ownership::Serving(_))
    }

    /// Whether it is claimed, and not yet read to the claim.
    #[must_use]
    pub fn is_recovering(&self) -> bool {
        matches!(*self.ownership.read(), Ownership::Recovering(_))
    }

    /// This node reads along.
    pub fn prepare(&self, shard: ActorRef<ShardMsg>) {
        *self.ownership.write() = Ownership::Preparing(shard, false);
    }

    /// What this shard reads along is read to the head; `false` when another has taken its place.
    pub fn prepared(&self, shard: ActorId) -> bool {
        match &mut *self.ownership.write() {
            Ownership::Preparing(own, read) if own.get_id() == shard => {
                *read = true;
                true
            }
            _ => false,
        }
    }

    /// Whether its shard is still ending.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        matches!(*self.ownership.read(), Ownership::Leaving)
    }

    /// The shard has answered a question asked then.
    pub fn answered(&self, asked: Mono) {
        self.answered.fetch_max(asked.as_micros(), Ordering::Relaxed);
    }

    /// Whether the shard, if it serves, has answered within this span (or serves for no longer).
    #[must_use]
    pub fn works(&self, now: Mono, within: std::time::Duration) -> bool {
        let answered = Mono::from_micros(self.answered.load(Ordering::Relaxed)).max(self.gap_end());
        !self.is_serving() || now.since(answered) <= within
    }

    /// How this node came by it.
    #[must_use]
    pub fn how(&self) -> Option<Taken> {
        self.how.read().clone()
    }

    /// Claimed with this sequence; recovery begins.
    pub fn taken(&self, shard: ActorRef<ShardMsg>, claim_seq: u64, how: Option<Taken>) {
        *self.how.write() = how;
        self.claim_seq.store(claim_seq, Ordering::Relaxed);
        self.gap_end.store(Mono::now().as_micros(), Ordering::Relaxed);
        *self.ownership.write() = Ownership::Recovering(shard);
    }

    /// Recovery of this shard is complete: the take-over's gap ends now (rule 13). What a shard says whose place another
    /// has taken is of an earlier ownership, and counts for nothing.
    pub fn recovered(&self, shard: ActorId, now: Mono) {
        let mut ownership = self.ownership.write();
        if let Ownership::Recovering(own) = &*ownership
            && own.get_id() == shard
        {
            self.gap_end.store(now.as_micros(), Ordering::Relaxed);
            *ownership = Ownership::Serving(own.clone());
        }
    }

    /// No new commands from here on; returns the shard to drain, of a partition that is this node's.
    pub fn leave(&self) -> Option<ActorRef<ShardMsg>> {
        let mut ownership = self.ownership.write();
        match std::mem::replace(&mut *ownership, Ownership::Leaving) {
            Ownership::Recovering(shard) | Ownership::Serving(shard) => Some(shard),
            other => {
                *ownership = other;
                None
            }
        }
    }

    /// What was read along is given up; returns the shard to drain. Its actors may still enter their sessions into the
    /// index, so it is leaving until they have ended.
    pub fn give_up(&self) -> Option<ActorRef<ShardMsg>> {
        let mut ownership = self.ownership.write();
        match std::mem::replace(&mut *ownership, Ownership::Leaving) {
            Ownership::Preparing(shard, _) => Some(shard),
            other => {
                *ownership = other;
                None
            }
        }
    }

    /// The claim is another node's; what is at work still ends, and only then is the partition forgotten: an actor of
    /// this ownership that ends later must not stand in the index of the next.
    pub fn lost(&self) {
        self.claim_seq.store(0, Ordering::Relaxed);
    }

    /// No longer this node's.
    pub fn forget(&self) {
        self.claim_seq.store(0, Ordering::Relaxed);
        self.next_due.store(u64::MAX, Ordering::Relaxed);
        self.index.write().clear();
        // Last: from here on another ownership may begin.
        *self.ownership.write() = Ownership::Foreign;
    }

    /// Stream sequence of this node's claim; 0 when it has none.
    #[must_use]
    pub fn claim_seq(&self) -> u64 {
        self.claim_seq.load(Ordering::Relaxed)
    }

    /// The claim was renewed with this sequence.
    pub fn renewed(&self, claim_seq: u64) {
        self.claim_seq.fetch_max(claim_seq, Ordering::Relaxed);
    }

    /// When the take-over was complete.
    #[must_use]
    pub fn gap_end(&self) -> Mono {
        Mono::from_micros(self.gap_end.load(Ordering::Relaxed))
    }

    /// The cell of an active session.
    #[must_use]
    pub fn cell(&self, session: SessionId) -> Option<Arc<Cell>> {
        self.index.read().get(&session).cloned()
    }

    /// Runs `touch` on the cell of an active session; `false` when there is none. No clone, no mailbox: the heartbeat
    /// path.
    pub fn with_cell(&self, session: SessionId, touch: impl FnOnce(&Cell)) -> bool {
        self.index.read().get(&session).map(|cell| touch(cell)).is_some()
    }

    /// Every active session's cell.
    #[must_use]
    pub fn cells(&self) -> Vec<Arc<Cell>> {
        self.index.read().values().cloned().collect()
    }

    /// How many sessions are active.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.index.read().len()
    }

    /// Whether this very cell is still that of an active session.
    #[must_use]
    pub fn has(&self, cell: &Arc<Cell>) -> bool {
        self.index.read().get(&cell.session_id).is_some_and(|known| Arc::ptr_eq(known, cell))
    }

    /// Adds the cell of an active session.
    pub fn insert(&self, cell: Arc<Cell>) {
        self.index.write().insert(cell.session_id, cell);
    }

    /// Removes a session that is no longer active.
    pub fn remove(&self, session: SessionId) {
        self.index.write().remove(&session);
    }

    /// When the next session is due.
    #[must_use]
    pub fn next_due(&self) -> Mono {
        Mono::from_micros(self.next_due.load(Ordering::Relaxed))
    }

    /// The next session is due then.
    pub fn set_next_due(&self, due: Option<Mono>) {
        self.next_due.store(due.map_or(u64::MAX, Mono::as_micros), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use ractor::{Actor, ActorProcessingErr};

    use super::*;

    struct Nobody;

    impl Actor for Nobody {
        type Msg = ShardMsg;
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<ShardMsg>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
    }

    async fn shard() -> ActorRef<ShardMsg> {
        Actor::spawn(None, Nobody, ()).await.unwrap().0
    }

    #[tokio::test]
    async fn what_a_shard_says_whose_place_another_has_taken_counts_for_nothing() {
        // given a partition that was given up and begun with again
        let (first, second) = (shard().await, shard().await);
        let slot = Slot::default();
        slot.prepare(first.clone());
        slot.forget();
        slot.prepare(second.clone());
        // when the first says that it has read
        assert!(!slot.prepared(first.get_id()));
        // then the second has not
        assert!(matches!(slot.ownership(), Ownership::Preparing(_, false)));
        assert!(slot.prepared(second.get_id()));

        // and as little does the first make it serve
        slot.taken(second.clone(), 7, None);
        slot.recovered(first.get_id(), Mono::from_micros(9));
        assert!(!slot.is_serving());
        slot.recovered(second.get_id(), Mono::from_micros(9));
        assert!(slot.is_serving());
        assert_eq!(slot.gap_end(), Mono::from_micros(9));
        [first, second].iter().for_each(|shard| shard.stop(None));
    }

    #[tokio::test]
    async fn what_was_read_along_and_is_given_up_is_leaving_until_its_shard_has_ended() {
        let shard = shard().await;
        let slot = Slot::default();
        slot.prepare(shard.clone());
        assert!(slot.leave().is_none(), "it is not this node's");
        assert!(slot.give_up().is_some_and(|given_up| given_up.get_id() == shard.get_id()));
        assert!(slot.is_leaving() && slot.shard().is_none());
        slot.forget();
        assert!(slot.give_up().is_none() && !slot.is_leaving());
        // What was claimed is let go of otherwise.
        slot.taken(shard.clone(), 7, None);
        assert!(slot.give_up().is_none() && slot.is_recovering());
        shard.stop(None);
    }

    #[tokio::test]
    async fn what_was_lost_is_leaving_until_its_shard_has_ended() {
        let shard = shard().await;
        let slot = Slot::default();
        slot.taken(shard.clone(), 7, None);
        assert!(slot.leave().is_some());
        slot.lost();
        assert_eq!(slot.claim_seq(), 0);
        assert!(slot.is_leaving() && slot.shard().is_none());
        slot.forget();
        assert!(!slot.is_leaving());
        shard.stop(None);
    }
}
