//! Who owns which partition, as the claims on the log say, and when each node last answered a roll call.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bus_schemas::{Claim, Partition, limits::PARTITIONS};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::clock::Moment;

/// An engine node as this gateway knows it.
#[derive(Debug)]
pub struct Node {
    id: Box<str>,
    /// When the newest roll call that it answered was *sent*; an answer that lay in a buffer proves nothing newer.
    answered: AtomicU64,
    /// What it last said of itself: it may hear, and yet not be able to serve (a log that does not acknowledge).
    ready: AtomicBool,
    counter: AtomicU64,
    greeted: AtomicBool,
}

impl Node {
    fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            answered: AtomicU64::new(0),
            ready: AtomicBool::new(false),
            counter: AtomicU64::new(0),
            greeted: AtomicBool::new(false),
        }
    }

    /// Its id, the last token of its subjects.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// It has answered a roll call that was sent at this moment.
    pub fn answered(&self, sent: Moment) {
        self.answered.fetch_max(sent.to_bits(), Ordering::Relaxed);
    }

    /// Whether it has answered one sent within this span.
    #[must_use]
    pub fn hears(&self, now: Moment, within: Duration) -> bool {
        Moment::from_bits(self.answered.load(Ordering::Relaxed)).is_some_and(|sent| now.since(sent) <= within)
    }

    /// It has said whether it serves all it owns.
    pub fn says(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Number of the next batch to it: 1, 2, 3 …
    pub fn next_counter(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[derive(Clone, Default)]
struct Slot {
    seq: u64,
    owner: Option<Arc<Node>>,
}

/// The claims of all partitions.
pub struct Claims {
    slots: RwLock<Vec<Slot>>,
    /// Locked after the slots, never before.
    nodes: RwLock<HashMap<Box<str>, Arc<Node>>>,
    newest: watch::Sender<u64>,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            slots: RwLock::new(vec![Slot::default(); usize::from(PARTITIONS)]),
            nodes: RwLock::default(),
            newest: watch::Sender::new(0),
        }
    }
}

impl Claims {
    /// Folds a claim; an older one changes nothing.
    pub fn fold(&self, partition: Partition, claim: &Claim, seq: u64) {
        {
            let mut slots = self.slots.write();
            let slot = &mut slots[partition.index()];
            if seq <= slot.seq {
                return;
            }
            // Under the lock of the slots: a node that was looked up before it stands in a slot could be forgotten in
            // between, and then one node would be two, of which one never answers.
            *slot = Slot { seq, owner: (!claim.released).then(|| self.node(&claim.node_id)) };
        }
        self.newest.send_modify(|newest| *newest = (*newest).max(seq));
    }

    fn node(&self, id: &str) -> Arc<Node> {
        if let Some(node) = self.nodes.read().get(id) {
            return Arc::clone(node);
        }
        Arc::clone(self.nodes.write().entry(id.into()).or_insert_with(|| Arc::new(Node::new(id))))
    }

    /// Who owns this partition; none while nobody does.
    #[must_use]
    pub fn owner(&self, partition: Partition) -> Option<Arc<Node>> {
        self.slots.read()[partition.index()].owner.clone()
    }

    /// Whether the owner of this partition has answered a roll call sent within this span.
    #[must_use]
    pub fn owner_hears(&self, partition: Partition, now: Moment, within: Duration) -> bool {
        self.slots.read()[partition.index()].owner.as_ref().is_some_and(|node| node.hears(now, within))
    }

    /// How many partitions have no owner that answered a roll call sent within this span.
    #[must_use]
    pub fn unserved(&self, now: Moment, within: Duration) -> usize {
        let slots = self.slots.read();
        slots.iter().filter(|slot| !slot.owner.as_ref().is_some_and(|node| node.hears(now, within))).count()
    }

    /// How many partitions have an owner that does not say of itself that it serves.
    #[must_use]
    pub fn unready(&self) -> usize {
        let slots = self.slots.read();
        let owners = slots.iter().filter_map(|slot| slot.owner.as_ref());
        owners.filter(|node| !node.ready.load(Ordering::Relaxed)).count()
    }

    /// Every node with a current claim; those without are forgotten.
    #[must_use]
    pub fn current_nodes(&self) -> Vec<Arc<Node>> {
        let mut current: HashMap<Box<str>, Arc<Node>> = HashMap::new();
        let slots = self.slots.read();
        for owner in slots.iter().filter_map(|slot| slot.owner.as_ref()) {
            if !current.contains_key(owner.id()) {
                current.insert(owner.id().into(), Arc::clone(owner));
            }
        }
        let nodes = current.values().cloned().collect();
        *self.nodes.write() = current;
        nodes
    }

    /// Nodes that were not given out here before, each once.
    #[must_use]
    pub fn not_greeted(&self) -> Vec<Arc<Node>> {
        let nodes = self.nodes.read();
        nodes.values().filter(|node| !node.greeted.swap(true, Ordering::Relaxed)).cloned().collect()
    }

    /// Stream sequence of the newest claim seen.
    #[must_use]
    pub fn newest_seq(&self) -> u64 {
        *self.newest.borrow()
    }

    /// Follows [`Claims::newest_seq`].
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use bus_schemas::{Extra, TimeUs};

    use super::*;

    fn claim(node: &str, released: bool) -> Claim {
        Claim {
            node_id: node.into(),
            at_us: TimeUs::from_micros(1),
            released,
            taken: None,
            successor: None,
            extra: Extra::new(),
        }
    }

    #[test]
    fn a_node_is_new_once() {
        let claims = Claims::default();
        claims.fold(Partition::new(0), &claim("n-1", false), 1);
        claims.fold(Partition::new(1), &claim("n-1", false), 2);
        let ids = |nodes: Vec<Arc<Node>>| nodes.iter().map(|node| node.id().to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(claims.not_greeted()), ["n-1"]);
        claims.fold(Partition::new(1), &claim("n-2", false), 3);
        assert_eq!(ids(claims.not_greeted()), ["n-2"]);
        assert!(claims.not_greeted().is_empty());
    }

    #[test]
    fn one_node_is_one_node_however_roll_calls_and_claims_meet() {
        // given nodes that claim everything, one after the other, while the roll is called again and again
        let (claims, done) = (Claims::default(), AtomicBool::new(false));
        let mut unserved = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    drop(claims.current_nodes());
                }
            });
            for round in 0..200_u64 {
                let id = format!("n-{round}");
                for (number, partition) in (1..).zip(Partition::all()) {
                    claims.fold(partition, &claim(&id, false), round * 256 + number);
                }
                // when each answers
                let (now, within) = (Moment::now(), Duration::from_secs(60));
                claims.current_nodes().iter().for_each(|node| node.answered(now));
                unserved.push(claims.unserved(now, within));
            }
            done.store(true, Ordering::Relaxed);
        });
        // then it has answered for every partition
        assert_eq!(unserved, [0; 200]);
    }

    #[test]
    fn the_newest_claim_names_the_owner_and_a_released_one_nobody() {
        let claims = Claims::default();
        let partition = Partition::new(7);
        claims.fold(partition, &claim("a", false), 5);
        claims.fold(partition, &claim("b", false), 9);
        claims.fold(partition, &claim("a", false), 5);
        assert_eq!(claims.owner(partition).unwrap().id(), "b");
        assert_eq!(claims.newest_seq(), 9);
        claims.fold(partition, &claim("b", true), 12);
        assert!(claims.owner(partition).is_none());
        assert!(claims.owner(Partition::new(8)).is_none());
    }

    #[test]
    fn a_node_hears_as_long_as_a_roll_call_it_answered_is_young() {
        let claims = Claims::default();
        claims.fold(Partition::new(0), &claim("a", false), 1);
        let node = claims.owner(Partition::new(0)).unwrap();
        let sent = Moment::now();
        let window = Duration::from_secs(3);
        assert!(!node.hears(sent, window));
        assert_eq!(claims.unserved(sent, window), 256);
        node.answered(sent);
        assert!(node.hears(sent, window));
        assert_eq!(claims.unserved(sent, window), 255);
        let later = Moment::from_bits(sent.to_bits() + 3_001).unwrap();
        assert!(!node.hears(later, window));
    }

    #[test]
    fn an_owner_is_unready_until_it_says_otherwise() {
        let claims = Claims::default();
        assert_eq!(claims.unready(), 0, "without an owner nobody says anything");
        claims.fold(Partition::new(0), &claim("a", false), 1);
        let node = claims.owner(Partition::new(0)).unwrap();
        assert_eq!(claims.unready(), 1);
        node.says(true);
        assert_eq!(claims.unready(), 0);
        node.says(false);
        assert_eq!(claims.unready(), 1);
    }

    #[test]
    fn nodes_without_a_claim_are_forgotten_and_counters_go_on() {
        let claims = Claims::default();
        claims.fold(Partition::new(0), &claim("a", false), 1);
        claims.fold(Partition::new(1), &claim("a", false), 2);
        assert_eq!(claims.current_nodes().len(), 1);
        assert_eq!(claims.current_nodes()[0].next_counter(), 1);
        claims.fold(Partition::new(0), &claim("b", false), 3);
        assert_eq!(claims.current_nodes().len(), 2);
        claims.fold(Partition::new(1), &claim("b", false), 4);
        let nodes = claims.current_nodes();
        assert_eq!(nodes.iter().map(|node| node.id().to_owned()).collect::<Vec<_>>(), ["b"]);
    }
}
