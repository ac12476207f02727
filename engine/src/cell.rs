//! What the heartbeat path touches of a session: one atomic store, no mailbox (architecture: a heartbeat is one store).

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bus_schemas::{SessionId, TimeUs, WorkerId};

use crate::clock::{Mono, Reading};

/// Bits of the monotonic microseconds in the packed word: 8.9 years.
const TIME_BITS: u32 = 48;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

/// Which gateway, as a small number; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct GatewayIndex(pub u16);

impl GatewayIndex {
    /// The log: the time counts for the deadline, and says nothing about when the worker was there.
    pub const LOG: Self = Self(u16::MAX);
}

/// The last sign of life of a session, shared by the shard's index, the session actor and the closer.
#[derive(Debug)]
pub struct Cell {
    /// Which session.
    pub session_id: SessionId,
    /// Whose.
    pub worker_id: WorkerId,
    seen: AtomicU64,
    /// When the log stored the worker's newest event here; monotonic microseconds.
    stored: AtomicU64,
    known_seq: AtomicU64,
    floor_us: AtomicI64,
}

impl Cell {
    /// A session whose last event the log stored then.
    #[must_use]
    pub fn new(session_id: SessionId, worker_id: WorkerId, seen: Mono, known_seq: u64) -> Self {
        Self {
            session_id,
            worker_id,
            seen: AtomicU64::new(pack(seen, GatewayIndex::LOG)),
            stored: AtomicU64::new(0),
            known_seq: AtomicU64::new(known_seq),
            floor_us: AtomicI64::new(i64::MIN),
        }
    }

    /// A sign of life at this time through this gateway; an older one changes nothing.
    pub fn touch(&self, at: Mono, gateway: GatewayIndex) {
        let new = pack(at, gateway);
        let _ = self.seen.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| {
            (new & TIME_MASK >= old & TIME_MASK).then_some(new)
        });
    }

    /// An event of the worker that the log stored then. It may have been long on its way: it counts for the deadline, and
    /// says nothing about when the worker was there.
    pub fn stored_at(&self, at: Mono) {
        self.stored.fetch_max(at.as_micros(), Ordering::Relaxed);
    }

    /// From when silence is counted, and the gateway of the last sign of life.
    #[must_use]
    pub fn counted(&self) -> (Mono, GatewayIndex) {
        let (seen, gateway) = self.seen();
        (seen.max(Mono::from_micros(self.stored.load(Ordering::Relaxed))), gateway)
    }

    /// The last sign of life, and through which gateway it came.
    #[must_use]
    pub fn seen(&self) -> (Mono, GatewayIndex) {
        let packed = self.seen.load(Ordering::Relaxed);
        (Mono::from_micros(packed & TIME_MASK), GatewayIndex(u16::try_from(packed >> TIME_BITS).unwrap_or(0)))
    }

    /// A last sign of life by wall time: the worker's last event, or what a former owner knew (the last-seen table). It
    /// never delays a close.
    pub fn raise_floor(&self, at: TimeUs) {
        self.floor_us.fetch_max(at.as_micros(), Ordering::Relaxed);
    }

    /// The last sign of life by wall time: the table's or this owner's own, whichever is later.
    #[must_use]
    pub fn last_seen_wall(&self, reading: &Reading) -> TimeUs {
        let floor = TimeUs::from_micros(self.floor_us.load(Ordering::Relaxed));
        match self.seen() {
            (_, GatewayIndex::LOG) => floor.min(reading.wall),
            (seen, _) => reading.wall_at(seen).max(floor).min(reading.wall),
        }
    }

    /// The stream sequence of the newest message of the chain that the session actor has applied.
    #[must_use]
    pub fn known_seq(&self) -> u64 {
        self.known_seq.load(Ordering::Relaxed)
    }

    /// The actor has applied the message with this sequence.
    pub fn know(&self, seq: u64) {
        self.known_seq.fetch_max(seq, Ordering::Relaxed);
    }
}

fn pack(at: Mono, gateway: GatewayIndex) -> u64 {
    u64::from(gateway.0) << TIME_BITS | at.as_micros() & TIME_MASK
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cell() -> Cell {
        let id = uuid::Uuid::nil();
        Cell::new(SessionId(id), WorkerId(id), Mono::from_micros(50), 1)
    }

    #[test]
    fn the_youngest_sign_of_life_wins_whatever_the_order() {
        let cell = cell();
        cell.touch(Mono::from_micros(200), GatewayIndex(3));
        cell.touch(Mono::from_micros(100), GatewayIndex(65_535));
        assert_eq!(cell.seen(), (Mono::from_micros(200), GatewayIndex(3)));
        cell.touch(Mono::from_micros(201), GatewayIndex(1));
        assert_eq!(cell.seen(), (Mono::from_micros(201), GatewayIndex(1)));
    }

    #[test]
    fn an_event_that_is_stored_late_counts_for_the_deadline_and_proves_nothing_more() {
        let cell = cell();
        let reading = Reading { wall: TimeUs::from_micros(1_000_000), mono: Mono::from_micros(500) };
        cell.touch(Mono::from_micros(200), GatewayIndex(3));
        cell.stored_at(Mono::from_micros(300));
        cell.stored_at(Mono::from_micros(250));
        assert_eq!(cell.counted(), (Mono::from_micros(300), GatewayIndex(3)));
        assert_eq!(cell.last_seen_wall(&reading), TimeUs::from_micros(1_000_000).before(Duration::from_micros(300)));
        cell.touch(Mono::from_micros(400), GatewayIndex(1));
        assert_eq!(cell.counted(), (Mono::from_micros(400), GatewayIndex(1)));
    }

    #[test]
    fn the_table_of_a_former_owner_counts_when_it_knows_more_but_never_beyond_now() {
        let cell = cell();
        let reading = Reading { wall: TimeUs::from_micros(1_000_000), mono: Mono::from_micros(150) };
        cell.raise_floor(TimeUs::from_micros(7));
        // The log's time is not the worker's.
        assert_eq!(cell.last_seen_wall(&reading), TimeUs::from_micros(7));
        cell.touch(Mono::from_micros(50), GatewayIndex(1));
        assert_eq!(cell.last_seen_wall(&reading), TimeUs::from_micros(1_000_000).before(Duration::from_micros(100)));
        cell.raise_floor(TimeUs::from_micros(999_950));
        assert_eq!(cell.last_seen_wall(&reading), TimeUs::from_micros(999_950));
        cell.raise_floor(TimeUs::from_micros(2_000_000));
        assert_eq!(cell.last_seen_wall(&reading), TimeUs::from_micros(1_000_000));
    }
}
