//! What brings a viewer from one sequence to another: states to put in, sessions to take out.

use std::sync::Arc;

use bus_schemas::{CloseCause, Session, SessionId, StationId, WorkerId};

use super::{entry::Entry, filter::Filter};

/// A session that was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The sequence of its last event.
    pub seq: u64,
    /// Which.
    pub id: SessionId,
    /// Where it was.
    pub station: StationId,
    /// Whose it was.
    pub worker: WorkerId,
    /// Why it was closed, where that was read.
    pub cause: Option<CloseCause>,
}

impl Tombstone {
    /// Of this session, closed by the event with this sequence.
    #[must_use]
    pub const fn of(session: &Session, seq: u64) -> Self {
        let (id, station, worker) = (session.id, session.station_id, session.worker_id);
        Self { seq, id, station, worker, cause: session.closed_cause }
    }
}

/// Why a session is to be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was closed, and why, where that is known.
    Closed(Option<CloseCause>),
    /// It is outside the filter now.
    Filtered,
}

/// A session to be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Which.
    pub id: SessionId,
    /// By the event with this sequence.
    pub seq: u64,
    /// Why.
    pub why: Why,
}

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Set(Arc<Entry>),
    Closed(Tombstone),
}

impl Change {
    pub(super) fn seq(&self) -> u64 {
        match self {
            Self::Set(entry) => entry.seq(),
            Self::Closed(tombstone) => tombstone.seq,
        }
    }
}

/// What brings a viewer from one sequence to another.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// States to put in.
    pub set: Vec<Arc<Entry>>,
    /// Sessions to take out.
    pub gone: Vec<Gone>,
}

impl Difference {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.set.is_empty() && self.gone.is_empty()
    }

    /// How many sessions it touches.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.set.len() + self.gone.len()
    }

    /// Adds what a change means for a viewer that has been at `from`.
    pub(super) fn add(&mut self, change: &Change, filter: &Filter, from: u64) {
        match change {
            Change::Closed(tombstone) if filter.sees(tombstone.station, tombstone.worker) => {
                let why = Why::Closed(tombstone.cause);
                self.gone.push(Gone { id: tombstone.id, seq: tombstone.seq, why });
            }
            Change::Set(entry) if entry.is_shown(filter) => self.set.push(Arc::clone(entry)),
            Change::Set(entry) if entry.is_seen(filter) && entry.was_shown(filter, from) => {
                self.gone.push(Gone { id: entry.id(), seq: entry.seq(), why: Why::Filtered });
            }
            Change::Set(_) | Change::Closed(_) => {}
        }
    }
}
