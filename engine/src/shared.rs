//! What the actors and tasks of one node share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use andon_nats::{Bus, DirectoryView, LogClock};
use bus_schemas::{Command, Partition, TimeUs, limits::PARTITIONS};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};

use crate::{
    alive::{self, LogReads},
    cell::Cell,
    chain::ChainLog,
    clock::{Mono, Reading},
    closer::CloserMsg,
    gateways::Gateways,
    log_health::LogHealth,
    members::Members,
    silence::{self, Ears, Hearing},
    slot::Slot,
};

/// Called before every decision; may panic. For fault tests only.
pub type BeforeDecide = Arc<dyn Fn(&Command) + Send + Sync>;

/// What the actors and tasks of one node share.
pub struct Shared {
    /// This node's address: configured name and a random part per start (rule 8).
    pub node_id: Box<str>,
    /// When it started.
    pub started_at: TimeUs,
    /// Workers' chains.
    pub chain: ChainLog,
    /// Log time.
    pub log_clock: LogClock,
    /// The directory.
    pub directory: DirectoryView,
    /// Silence that closes a session, and the grace after a gap.
    pub idle: Duration,
    /// Whether this node hears.
    pub hearing: Mutex<Hearing>,
    /// How gateways are heard.
    pub gateways: Gateways,
    /// Whether the log acknowledges.
    pub health: LogHealth,
    /// The one closer (rule 14).
    pub closer: mpsc::Sender<CloserMsg>,
    /// The nodes.
    pub members: Mutex<Members>,
    /// Something about the nodes is to be looked at now.
    pub look_again: Notify,
    /// When the log last answered a read.
    pub log_reads: LogReads,
    /// For fault tests.
    pub before_decide: Option<BeforeDecide>,
    slots: Box<[Slot]>,
    following: AtomicBool,
    interruptions: AtomicU64,
    log_seq: watch::Sender<u64>,
    newest_taken: AtomicU64,
    halted: AtomicBool,
    claims_known: AtomicBool,
    claiming: AtomicBool,
}

/// What [`Shared::new`] is made of.
pub struct Parts {
    /// See [`Shared::node_id`].
    pub node_id: Box<str>,
    /// The connection.
    pub bus: Bus,
    /// See [`Shared::log_clock`].
    pub log_clock: LogClock,
    /// See [`Shared::directory`].
    pub directory: DirectoryView,
    /// See [`Shared::idle`].
    pub idle: Duration,
    /// See [`Shared::closer`].
    pub closer: mpsc::Sender<CloserMsg>,
    /// See [`Shared::before_decide`].
    pub before_decide: Option<BeforeDecide>,
}

impl Shared {
    /// A node that owns nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            members: Mutex::new(Members::new(parts.node_id.clone())),
            look_again: Notify::new(),
            log_reads: LogReads::default(),
            node_id: parts.node_id,
            started_at: crate::clock::wall_now(),
            chain: ChainLog::new(parts.bus),
            log_clock: parts.log_clock,
            directory: parts.directory,
            idle: parts.idle,
            hearing: Mutex::new(Hearing::new(Mono::now())),
            gateways: Gateways::default(),
            health: LogHealth::default(),
            closer: parts.closer,
            before_decide: parts.before_decide,
            slots: (0..PARTITIONS).map(|_| Slot::default()).collect(),
            following: AtomicBool::new(false),
            interruptions: AtomicU64::new(0),
            log_seq: watch::Sender::new(0),
            newest_taken: AtomicU64::new(0),
            halted: AtomicBool::new(false),
            claims_known: AtomicBool::new(false),
            claiming: AtomicBool::new(false),
        })
    }

    /// The connection.
    #[must_use]
    pub const fn bus(&self) -> &Bus {
        self.chain.bus()
    }

    /// A partition.
    #[must_use]
    pub fn slot(&self, partition: Partition) -> &Slot {
        // There are as many slots as a partition's number can name.
        &self.slots[partition.index()]
    }

    /// Every partition.
    pub fn slots(&self) -> impl Iterator<Item = (Partition, &Slot)> {
        Partition::all().map(|partition| (partition, self.slot(partition)))
    }

    /// All claims that were there at the start have been read.
    pub fn know_claims(&self) {
        self.claims_known.store(true, Ordering::Release);
    }

    /// Whether all claims that were there at the start have been read.
    #[must_use]
    pub fn claims_known(&self) -> bool {
        self.claims_known.load(Ordering::Acquire)
    }

    /// Claims of this node are on their way (or not any more). The log shows them before their answers are here: until
    /// then a partition that others see to be this node's is not even being read.
    pub fn claim_partitions(&self, on_their_way: bool) {
        self.claiming.store(on_their_way, Ordering::Release);
    }

    /// The log is not to be trusted: nothing more is decided.
    pub fn halt(&self) {
        self.halted.store(true, Ordering::Release);
    }

    /// Whether the log is not to be trusted.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    /// What must hold for this node to hear.
    #[must_use]
    pub fn ears(&self) -> Ears {
        let connection = *self.bus().connection().borrow();
        Ears {
            connected: connection.up && self.bus().connected() && !self.is_halted(),
            following: self.following.load(Ordering::Acquire),
            epoch: connection.epoch + self.bus().connects() + self.interruptions.load(Ordering::Acquire),
        }
    }

    /// The follower of the log has reached its head.
    pub fn follow_caught_up(&self) {
        self.following.store(true, Ordering::Release);
    }

    /// The follower of the log was interrupted.
    pub fn follow_interrupted(&self) {
        self.interruptions.fetch_add(1, Ordering::AcqRel);
        self.following.store(false, Ordering::Release);
    }

    /// The follower has read up to this sequence.
    pub fn read_up_to(&self, seq: u64) {
        self.log_seq.send_if_modified(|read| {
            let further = seq > *read;
            *read = (*read).max(seq);
            further
        });
    }

    /// Waits until the follower has read up to this sequence.
    pub async fn reached(&self, seq: u64) {
        // The sender lives as long as this.
        drop(self.log_seq.subscribe().wait_for(|read| *read >= seq).await);
    }

    /// The last stream sequence read.
    #[must_use]
    pub fn log_seq(&self) -> u64 {
        *self.log_seq.borrow()
    }

    /// A partition was claimed with this sequence: gateways that have not seen it are in a gap (rule 11). Renewals do
    /// not count: they move no beat to another node.
    pub fn took(&self, claim_seq: u64) {
        self.newest_taken.fetch_max(claim_seq, Ordering::Relaxed);
    }

    /// The newest claim this node has taken.
    #[must_use]
    pub fn newest_taken(&self) -> u64 {
        self.newest_taken.load(Ordering::Relaxed)
    }

    /// When the session of this cell is silent for too long (rule 13).
    #[must_use]
    pub fn deadline(&self, slot: &Slot, cell: &Cell, now: Mono) -> Mono {
        let (seen, gateway) = cell.counted();
        let gateway = self.gateways.get(gateway);
        let node_gap_end = self.hearing.lock().gap_end();
        silence::deadline(seen, gateway.as_ref(), node_gap_end, slot.gap_end(), now, self.idle)
    }

    /// The monotonic time of something the stream stored at this log time: for deadlines an event counts from its
    /// stream timestamp (rule 13).
    #[must_use]
    pub fn mono_of_log(&self, time: TimeUs, reading: &Reading) -> Mono {
        self.log_clock.now().map_or(reading.mono, |now| reading.mono_before(now.since(time)))
    }

    /// What keeps this node from serving, in words; empty when it serves.
    #[must_use]
    pub fn unready(&self) -> Vec<&'static str> {
        let ears = self.ears();
        let recovering =
            self.slots.iter().any(|slot| matches!(slot.ownership(), crate::slot::Ownership::Recovering(_)));
        let now = Mono::now();
        let stuck = self.slots.iter().any(|slot| !slot.works(now, alive::SHARD_WITHIN));
        [
            (self.is_halted(), "the log is not to be trusted"),
            (!ears.connected, "not connected to NATS"),
            (!ears.following, "the log is not followed to its head"),
            (self.log_clock.now().is_none(), "log time is not known to 0.25 s"),
            (!self.directory.position().current, "the directory is not read to its head"),
            (self.health.is_mute(), "the log does not acknowledge"),
            (!self.claims_known(), "the claims are not read"),
            (self.claiming.load(Ordering::Acquire), "partitions are being claimed"),
            (recovering, "partitions are being recovered"),
            (stuck, "a shard does not answer"),
            (!self.log_reads.works(now), "the log does not answer reads"),
        ]
        .into_iter()
        .filter_map(|(missing, why)| missing.then_some(why))
        .collect()
    }
}

/// A node on a real server, without its tasks.
#[cfg(test)]
pub mod testing {
    use andon_nats::testing::TestServer;
    use tokio_util::sync::CancellationToken;

    use super::*;

    /// A node that owns nothing; its clock and directory live until the token is cancelled.
    pub async fn shared(server: &TestServer) -> (Arc<Shared>, CancellationToken) {
        let (bus, stop) = (server.bus("engine").await, CancellationToken::new());
        let shared = Shared::new(Parts {
            node_id: "test-1".into(),
            log_clock: LogClock::start(bus.clone(), stop.clone()),
            directory: DirectoryView::start(bus.clone(), stop.clone()),
            bus,
            idle: Duration::from_secs(300),
            closer: mpsc::channel(1).0,
            before_decide: None,
        });
        (shared, stop)
    }
}
