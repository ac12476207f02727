//! The feed's fold of the log: active sessions ordered by the sequence of their last event, the tombstones of closed
//! ones, and the last changes for those who want every one.
//!
//! The order makes marks and queues needless: what a viewer at some sequence has not seen is everything behind it,
//! for a viewer that is a millisecond late just as for one that comes back after a day.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bus_schemas::{SessionId, TimeUs};

use super::{
    cursor::{Cursor, Epoch, NotACursor},
    difference::{Change, Difference, Tombstone},
    entry::Entry,
    filter::Filter,
    frame::Reset,
    limits::{EVERY_MAX, TOMBSTONES_MAX},
};
use crate::{clock::Moment, live_view::LiveSession};

/// How much a board remembers.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// See [`EVERY_MAX`].
    pub changes: usize,
    /// See [`TOMBSTONES_MAX`].
    pub tombstones: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self { changes: EVERY_MAX, tombstones: TOMBSTONES_MAX }
    }
}

/// The log cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Since when, for people.
    pub since: TimeUs,
    /// The same, for measuring.
    pub at: Moment,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Board {
    memory: Memory,
    max_session: Duration,
    epoch: Epoch,
    by_seq: BTreeMap<u64, Arc<Entry>>,
    seq_of: HashMap<SessionId, u64>,
    tombstones: VecDeque<Tombstone>,
    /// Every closing after this sequence has its tombstone here.
    floor: u64,
    changes: VecDeque<Change>,
    /// Every change after this sequence is among `changes`.
    changes_floor: u64,
    changed: u64,
    head: u64,
    complete: bool,
    stale: Option<Stale>,
    lag_ms: AtomicU64,
    round: u32,
}

impl Board {
    /// An empty one.
    #[must_use]
    pub fn new(memory: Memory, max_session: Duration) -> Self {
        Self { memory, max_session, ..Self::default() }
    }

    /// Folds an event: the session after it, and another session of the worker whose own end was not read.
    pub fn fold(&mut self, live: Arc<LiveSession>, ended: Option<&LiveSession>, seq: u64) {
        if seq <= self.head {
            return;
        }
        if let Some(ended) = ended {
            self.close(ended, seq);
        }
        if live.session.is_active() {
            self.put(live)
        } else {
            self.close(&live, seq)
        }
        self.head = seq;
    }

    fn put(&mut self, live: Arc<LiveSession>) {
        let (id, seq) = (live.session.id, live.seq);
        let former = self.seq_of.insert(id, seq).and_then(|former| self.by_seq.remove(&former));
        let entry = Arc::new(Entry::new(live, former.as_deref()));
        self.by_seq.insert(seq, Arc::clone(&entry));
        self.change(Change::Set(entry));
    }

    fn close(&mut self, live: &LiveSession, seq: u64) {
        let id = live.session.id;
        if let Some(former) = self.seq_of.remove(&id) {
            self.by_seq.remove(&former);
        }
        let tombstone = Tombstone::of(&live.session, seq);
        if self.complete {
            self.tombstones.push_back(tombstone);
            self.forget();
        }
        self.change(Change::Closed(tombstone));
    }

    fn change(&mut self, change: Change) {
        self.changed += 1;
        if !self.complete {
            return;
        }
        self.changes.push_back(change);
        while self.changes.len() > self.memory.changes {
            if let Some(oldest) = self.changes.pop_front() {
                self.changes_floor = oldest.seq();
            }
        }
    }

    fn forget(&mut self) {
        while self.tombstones.len() > self.memory.tombstones {
            if let Some(oldest) = self.tombstones.pop_front() {
                self.floor = oldest.seq;
            }
        }
    }

    /// Everything up to this sequence has been folded. From the first time on the board is one.
    pub fn reach(&mut self, seq: u64) {
        self.head = self.head.max(seq);
    }

    /// Everything that was there when reading began has been folded.
    pub fn catch_up(&mut self, seq: u64) {
        self.reach(seq);
        if !self.complete {
            self.complete = true;
            (self.floor, self.changes_floor) = (self.head, self.head);
        }
    }

    /// Adds the closings after `down_to` and up to `up_to`, oldest first. Says whether older ones would be kept too.
    pub fn remember(&mut self, closings: &[Tombstone], down_to: u64, up_to: u64) -> bool {
        // Newer ones have been forgotten meanwhile: these would lie behind a hole.
        if self.floor > up_to || !self.complete {
            return false;
        }
        for tombstone in closings.iter().rev() {
            if tombstone.seq > down_to && tombstone.seq <= self.floor {
                if self.tombstones.len() >= self.memory.tombstones {
                    self.floor = tombstone.seq;
                    return false;
                }
                self.tombstones.push_front(*tombstone);
            }
        }
        self.floor = self.floor.min(down_to);
        true
    }

    /// Whether a viewer with this cursor and a filter of this hash can be brought to the head.
    ///
    /// # Errors
    /// Says why not.
    pub fn goes_on(&self, after: Result<Cursor, NotACursor>, filter_hash: u64) -> Result<Cursor, Reset> {
        let cursor = after.map_err(|NotACursor| Reset::Unreadable)?;
        if cursor.epoch != self.epoch {
            return Err(Reset::OtherLog);
        }
        if cursor.filter != filter_hash {
            return Err(Reset::OtherFilter);
        }
        if cursor.seq > self.head {
            return Err(Reset::Ahead);
        }
        if cursor.seq < self.floor { Err(Reset::TooOld) } else { Ok(cursor) }
    }

    /// What a viewer at `from` needs to be at the head; also one that holds some newer states, from a cut that broke off.
    #[must_use]
    pub fn difference(&self, from: u64, filter: &Filter) -> Difference {
        let mut difference = Difference::default();
        for entry in self.by_seq.range((Bound::Excluded(from), Bound::Unbounded)).map(|(_, entry)| entry) {
            difference.add(&Change::Set(Arc::clone(entry)), filter, from);
        }
        let start = self.tombstones.partition_point(|tombstone| tombstone.seq <= from);
        for tombstone in self.tombstones.range(start..) {
            difference.add(&Change::Closed(*tombstone), filter, from);
        }
        difference
    }

    /// The first change after `from` that this filter shows, and its sequence; without one, the head.
    #[must_use]
    pub fn next_change(&self, from: u64, filter: &Filter) -> (Difference, u64) {
        let start = self.changes.partition_point(|change| change.seq() <= from);
        let mut difference = Difference::default();
        let mut at = from;
        for change in self.changes.range(start..) {
            // Two changes of one event belong together.
            if change.seq() > at && !difference.is_empty() {
                return (difference, at);
            }
            difference.add(change, filter, at);
            at = change.seq();
        }
        if difference.is_empty() { (difference, self.head) } else { (difference, at) }
    }

    /// Every session that this filter shows.
    #[must_use]
    pub fn shown(&self, filter: &Filter) -> Vec<Arc<Entry>> {
        self.by_seq.values().filter(|entry| entry.is_shown(filter)).cloned().collect()
    }

    /// Lists the signs of life since the last round.
    pub fn list_seen(&mut self) {
        self.round += 1;
        for entry in self.by_seq.values() {
            entry.list(self.round);
        }
    }

    /// Signs of life listed after this round, and the round now.
    #[must_use]
    pub fn seen_since(&self, round: u32, filter: &Filter) -> (Vec<(SessionId, TimeUs)>, u32) {
        let seen = |entry: &Arc<Entry>| Some((entry.id(), entry.seen_since(round)?));
        let shown = self.by_seq.values().filter(|entry| entry.is_shown(filter));
        (if round == self.round { Vec::new() } else { shown.filter_map(seen).collect() }, self.round)
    }

    /// How many rounds of signs of life have been listed.
    #[must_use]
    pub const fn round(&self) -> u32 {
        self.round
    }

    /// The session with this id, while it is active.
    #[must_use]
    pub fn get(&self, id: SessionId) -> Option<&Arc<Entry>> {
        self.by_seq.get(self.seq_of.get(&id)?)
    }

    /// Names the log this is the fold of.
    pub fn set_epoch(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// Says that the log is lost, or there again.
    pub fn set_stale(&mut self, stale: Option<Stale>) {
        self.stale = stale;
    }

    /// How long the newest message took from the log to here.
    pub fn set_lag_ms(&self, lag_ms: u64) {
        self.lag_ms.store(lag_ms, Ordering::Relaxed);
    }

    /// See [`Board::set_epoch`].
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// See [`Board::set_stale`].
    #[must_use]
    pub const fn stale(&self) -> Option<Stale> {
        self.stale
    }

    /// See [`Board::set_lag_ms`].
    #[must_use]
    pub fn lag_ms(&self) -> u64 {
        self.lag_ms.load(Ordering::Relaxed)
    }

    /// Everything up to here is in it.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// The oldest sequence from which a viewer can be brought to the head.
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// The oldest sequence from which a viewer can be given every single change.
    #[must_use]
    pub const fn changes_floor(&self) -> u64 {
        self.changes_floor
    }

    /// How many changes have been folded.
    #[must_use]
    pub const fn changed(&self) -> u64 {
        self.changed
    }

    /// Whether it is the fold of a whole log.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// After how long an open session counts as forgotten.
    #[must_use]
    pub const fn max_session(&self) -> Duration {
        self.max_session
    }
}
