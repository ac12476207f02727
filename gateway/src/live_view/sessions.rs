//! Active sessions and the recently closed ones, folded from session events.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, Hash},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use bus_schemas::{Partition, Session, SessionEvent, SessionId, StationId, TimeUs, WorkerId};
use parking_lot::{Mutex, RwLock};

/// Closed sessions kept: their heartbeats and late commands are answered without asking the log.
const RECENT_MAX: usize = 1_000;
/// Parts of each table, so that a long reader does not hold up the fold.
const SHARDS: usize = 16;

/// A session in the view, without the ring and the session before it: 50 000 of them must stay small.
#[derive(Debug)]
pub struct LiveSession {
    /// The session after its last event.
    pub session: Session,
    /// Stream sequence of that event.
    pub seq: u64,
    /// The partition of its worker.
    pub partition: Partition,
    /// The last note on it that the view has seen.
    pub last_note: Option<Box<str>>,
    last_seen_us: AtomicI64,
}

impl LiveSession {
    /// When its worker last showed a sign of life, as far as this gateway knows (to 15 s).
    #[must_use]
    pub fn last_seen(&self) -> TimeUs {
        TimeUs::from_micros(self.last_seen_us.load(Ordering::Relaxed))
    }

    /// A sign of life at this time; an older one changes nothing.
    pub fn seen(&self, at: TimeUs) {
        self.last_seen_us.fetch_max(at.as_micros(), Ordering::Relaxed);
    }
}

/// What an event came to.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The session after it.
    pub live: Arc<LiveSession>,
    /// Another session of the worker that was active until then: its own end was not read.
    pub ended: Option<Arc<LiveSession>>,
}

/// What the view knows of a session id.
#[derive(Clone, Debug)]
pub enum Known {
    /// It is active.
    Active(Arc<LiveSession>),
    /// It was closed not long ago.
    Closed(Arc<LiveSession>),
    /// The view has not heard of it; the log or history may have.
    Not,
}

struct Sharded<K, V> {
    hasher: std::hash::RandomState,
    shards: [RwLock<HashMap<K, V>>; SHARDS],
}

impl<K: Hash + Eq, V: Clone> Sharded<K, V> {
    fn shard(&self, key: &K) -> &RwLock<HashMap<K, V>> {
        // The remainder is below SHARDS, whatever the width of usize.
        &self.shards[(self.hasher.hash_one(key) % SHARDS as u64) as usize]
    }

    fn get(&self, key: &K) -> Option<V> {
        self.shard(key).read().get(key).cloned()
    }
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self { hasher: std::hash::RandomState::new(), shards: std::array::from_fn(|_| RwLock::default()) }
    }
}

#[derive(Default)]
struct Recent {
    by_id: HashMap<SessionId, Arc<LiveSession>>,
    order: VecDeque<SessionId>,
}

/// The sessions of the view.
#[derive(Default)]
pub struct Sessions {
    by_id: Sharded<SessionId, Arc<LiveSession>>,
    by_worker: Sharded<WorkerId, Arc<LiveSession>>,
    by_station: Mutex<HashMap<StationId, Vec<SessionId>>>,
    recent: RwLock<Recent>,
    active: AtomicUsize,
}

impl Sessions {
    /// Folds an event; the log is followed in order, each message once. Says what it came to.
    pub fn fold(&self, event: SessionEvent, seq: u64) -> Folded {
        let session = event.state.session;
        let known = self.by_worker.get(&session.worker_id);
        // Only the newest message of a worker was read at the start: an end before it was not.
        let ended = known.as_ref().filter(|known| known.session.id != session.id).cloned();
        if let Some(previous) = event.state.previous.filter(|previous| self.missed_end(known.as_ref(), previous.id)) {
            // Only the newest message of a worker was read at the start, and it replaced a session.
            self.close(self.live(*previous, seq, None));
        }
        let before = self.by_id.get(&session.id);
        let live = self.live(session, seq, before);
        if live.session.is_active() {
            self.put(Arc::clone(&live))
        } else {
            self.close(Arc::clone(&live))
        }
        Folded { live, ended }
    }

    fn missed_end(&self, known: Option<&Arc<LiveSession>>, previous: SessionId) -> bool {
        known.is_some_and(|known| known.session.id == previous)
    }

    fn live(&self, session: Session, seq: u64, before: Option<Arc<LiveSession>>) -> Arc<LiveSession> {
        let note = session.open.as_ref().and_then(|interval| interval.note.clone());
        let seen = before.as_ref().map_or(session.last_proof_at_us, |before| before.last_seen());
        Arc::new(LiveSession {
            seq,
            partition: Partition::of(session.worker_id),
            last_note: note.or_else(|| before.and_then(|before| before.last_note.clone())),
            last_seen_us: AtomicI64::new(seen.max(session.last_proof_at_us).as_micros()),
            session,
        })
    }

    fn put(&self, live: Arc<LiveSession>) {
        let (id, worker, station) = (live.session.id, live.session.worker_id, live.session.station_id);
        let former = self.by_worker.shard(&worker).write().insert(worker, Arc::clone(&live));
        if let Some(former) = former.filter(|former| former.session.id != id) {
            self.forget(&former.session);
        }
        if self.by_id.shard(&id).write().insert(id, live).is_none() {
            self.active.fetch_add(1, Ordering::Relaxed);
            self.by_station.lock().entry(station).or_default().push(id);
        }
    }

    fn close(&self, live: Arc<LiveSession>) {
        let worker = live.session.worker_id;
        self.forget(&live.session);
        {
            let mut of_worker = self.by_worker.shard(&worker).write();
            if of_worker.get(&worker).is_some_and(|known| known.session.id == live.session.id) {
                of_worker.remove(&worker);
            }
        }
        let mut recent = self.recent.write();
        let id = live.session.id;
        if recent.by_id.insert(id, live).is_none() {
            recent.order.push_back(id);
        }
        while recent.order.len() > RECENT_MAX {
            if let Some(oldest) = recent.order.pop_front() {
                recent.by_id.remove(&oldest);
            }
        }
    }

    fn forget(&self, session: &Session) {
        if self.by_id.shard(&session.id).write().remove(&session.id).is_none() {
            return;
        }
        self.active.fetch_sub(1, Ordering::Relaxed);
        let mut stations = self.by_station.lock();
        if let Some(ids) = stations.get_mut(&session.station_id) {
            ids.retain(|id| *id != session.id);
            if ids.is_empty() {
                stations.remove(&session.station_id);
            }
        }
    }

    /// What is known of this session.
    #[must_use]
    pub fn get(&self, id: SessionId) -> Known {
        if let Some(live) = self.by_id.get(&id) {
            return Known::Active(live);
        }
        self.recent.read().by_id.get(&id).map_or(Known::Not, |live| Known::Closed(Arc::clone(live)))
    }

    /// The active session of this worker.
    #[must_use]
    pub fn of_worker(&self, worker: WorkerId) -> Option<Arc<LiveSession>> {
        self.by_worker.get(&worker)
    }

    /// The active sessions at this station.
    #[must_use]
    pub fn at_station(&self, station: StationId) -> Vec<Arc<LiveSession>> {
        let ids = self.by_station.lock().get(&station).cloned().unwrap_or_default();
        ids.iter().filter_map(|id| self.by_id.get(id)).collect()
    }

    /// Every active session, in no order.
    #[must_use]
    pub fn active(&self) -> Vec<Arc<LiveSession>> {
        let mut all = Vec::with_capacity(self.count());
        for shard in &self.by_id.shards {
            all.extend(shard.read().values().cloned());
        }
        all
    }

    /// How many are active.
    #[must_use]
    pub fn count(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// A sign of life of an active session.
    pub fn seen(&self, id: SessionId, at: TimeUs) {
        if let Some(live) = self.by_id.get(&id) {
            live.seen(at);
        }
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
