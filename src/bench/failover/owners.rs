//! Who owns which partition, as the claims on the log say, and when each of them moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use andon_nats::{Bus, Followed, Follower, Start};
use bus_schemas::{Claim, Partition, subject};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::site::ENGINES;

/// Hand-overs follow each other faster than this: no claim for so long, and everything is where it belongs.
const STILL: Duration = Duration::from_secs(1);

/// Follows the claims until it is dropped.
pub struct Owners {
    table: Arc<Mutex<Table>>,
    task: JoinHandle<()>,
}

/// The claims.
#[derive(Default)]
pub struct Table {
    held: BTreeMap<Partition, Held>,
    moves: Vec<Move>,
    last_move: Option<Instant>,
    /// Nodes that were killed: what is still theirs is nobody's.
    gone: BTreeSet<Box<str>>,
}

struct Held {
    node: Box<str>,
    released: bool,
}

/// A partition that came to another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Which.
    pub partition: Partition,
    /// When the server stored the claim, in microseconds since 1970.
    pub stored_us: i64,
}

impl Owners {
    /// Follows the claims of this log.
    pub fn follow(bus: Bus) -> Self {
        let table = Arc::new(Mutex::default());
        let task = tokio::spawn(follow(bus, Arc::clone(&table)));
        Self { table, task }
    }

    /// What is known now.
    pub fn now(&self) -> MutexGuard<'_, Table> {
        // A table is whole after every single change.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Owners {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(bus: Bus, table: Arc<Mutex<Table>>) {
    let filters = vec![subject::CLAIMS.to_owned()];
    let mut follower = Follower::new(bus, subject::STREAM_LOG, filters, Start::LastPerSubject);
    loop {
        // After an interruption it goes on by itself.
        let Followed::Message(message) = follower.next().await else { continue };
        let Some(subject::LogSubject::Claim(partition)) = subject::LogSubject::parse(&message.subject) else {
            continue;
        };
        if let Ok(claim) = message.decode::<Claim>() {
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.claimed(partition, &claim, message.time_us.as_micros(), Instant::now());
        }
    }
}

impl Table {
    /// A claim was stored then, in microseconds since 1970. A renewal moves nothing.
    fn claimed(&mut self, partition: Partition, claim: &Claim, stored_us: i64, now: Instant) {
        let held = Held { node: claim.node_id.clone(), released: claim.released };
        let before = self.held.insert(partition, held);
        if before.is_some_and(|before| before.node == claim.node_id && before.released == claim.released) {
            return;
        }
        self.last_move = Some(now);
        if !claim.released {
            self.moves.push(Move { partition, stored_us });
        }
    }

    /// The partitions of the node with this configured name.
    pub fn of(&self, name: &str) -> Vec<Partition> {
        let owned = self.held.iter().filter(|(_, held)| !held.released && named(&held.node) == name);
        owned.map(|(partition, _)| *partition).collect()
    }

    /// The node with this name has gone, and comes back under another id.
    pub fn gone(&mut self, name: &str) {
        let owners: Vec<_> = self.held.values().map(|held| held.node.clone()).filter(|id| named(id) == name).collect();
        self.gone.extend(owners);
    }

    /// Whether each of the nodes has its share and nothing moves any more.
    pub fn is_settled(&self, now: Instant) -> bool {
        let owners: BTreeSet<&str> = self.held.values().map(|held| &*held.node).collect();
        let names: BTreeSet<&str> = owners.iter().map(|id| named(id)).collect();
        let held = self.held.len() == Partition::all().len() && self.held.values().all(|held| !held.released);
        let live = owners.iter().all(|id| !self.gone.contains(*id));
        let still = self.last_move.is_some_and(|moved| now.duration_since(moved) >= STILL);
        held && live && still && owners.len() == names.len() && names.iter().eq(ENGINES.iter())
    }

    /// What moved since then, in microseconds since 1970.
    pub fn moves_since(&self, since_us: i64) -> Vec<Move> {
        self.moves.iter().filter(|moved| moved.stored_us >= since_us).copied().collect()
    }
}

/// A node's id is its name and a part that is new with every start.
fn named(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use bus_schemas::{Extra, TimeUs};

    use super::*;

    fn claim(node: &str, released: bool) -> Claim {
        let at_us = TimeUs::from_micros(1);
        Claim { node_id: node.into(), at_us, released, taken: None, successor: None, extra: Extra::new() }
    }

    fn three(now: Instant) -> Table {
        let mut table = Table::default();
        for partition in Partition::all() {
            let name = ENGINES[partition.index() % 3];
            table.claimed(partition, &claim(&format!("{name}-0a1b"), false), 10, now);
        }
        table
    }

    #[test]
    fn a_cluster_is_settled_when_every_node_has_its_share_and_nothing_moves() {
        let mut now = Instant::now();
        let mut table = three(now);
        assert!(!table.is_settled(now), "something has just moved");
        now += STILL;
        assert!(table.is_settled(now));

        // A renewal moves nothing.
        table.claimed(Partition::new(0), &claim("engine-1-0a1b", false), 20, now);
        assert!(table.is_settled(now) && table.moves_since(11).is_empty());

        // A node that was killed leaves what it had to nobody, until the others have taken it and it is back.
        table.gone("engine-2");
        assert!(!table.is_settled(now));
        for partition in table.of("engine-2") {
            table.claimed(partition, &claim("engine-1-0a1b", false), 30, now);
        }
        now += STILL;
        assert!(!table.is_settled(now), "it is not back");
        table.claimed(Partition::new(1), &claim("engine-2-ffff", false), 40, now);
        now += STILL;
        assert!(table.is_settled(now));
        assert_eq!(table.moves_since(40), [Move { partition: Partition::new(1), stored_us: 40 }]);
    }

    #[test]
    fn what_was_let_go_of_belongs_to_nobody() {
        let now = Instant::now();
        let mut table = three(now);
        let before = table.of("engine-1").len();
        table.claimed(Partition::new(0), &claim("engine-1-0a1b", true), 20, now);
        assert_eq!(table.of("engine-1").len(), before - 1);
        assert!(table.moves_since(20).is_empty(), "it has not come to anybody");
    }
}
