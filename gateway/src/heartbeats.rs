//! Heartbeats: taken at once, carried to the owners in batches, and refused while nobody would hear them.
//!
//! Protocol rule 11. A route or a command puts a beat into [`Heartbeats`]; the postman sends what has collected
//! every 100 ms, and calls the roll of every node, whose answers prove that beats arrive.

mod pending;
mod postman;

use std::{sync::Arc, time::Duration};

use bus_schemas::{Partition, SessionId, WorkerId};
use uuid::Uuid;

use crate::{
    clock::{Moment, wall_now},
    live_view::{LiveSession, LiveView},
};
use pending::Pending;
pub(crate) use postman::Postman;

/// Longest time without proof that beats arrive before workers are sent away.
const DEAF_MAX: Duration = Duration::from_secs(3);
/// Share of the idle time that the same may be at most.
const DEAF_SHARE: u32 = 4;
/// Longest time between two roll calls.
const ROLL_CALL_MAX: Duration = Duration::from_secs(1);
/// Roll calls within the time above: two may be lost or late before workers are sent away.
const ROLL_CALLS: u32 = 3;

/// How long a gateway may go without proof that it is heard, with this idle time: `min(3 s, idle / 4)`.
#[must_use]
pub fn deaf_after(idle_timeout: Duration) -> Duration {
    DEAF_MAX.min(idle_timeout / DEAF_SHARE)
}

/// How often the roll is called: once a second, and more often when a short idle time leaves less time for proof.
#[must_use]
pub fn roll_call_every(idle_timeout: Duration) -> Duration {
    ROLL_CALL_MAX.min(deaf_after(idle_timeout) / ROLL_CALLS)
}

/// The beats of this gateway. Clones share them.
#[derive(Clone)]
pub struct Heartbeats {
    view: LiveView,
    pending: Arc<Pending>,
    deaf_after: Duration,
    gateway_id: Uuid,
}

impl Heartbeats {
    /// No beat yet.
    #[must_use]
    pub fn new(view: LiveView, gateway_id: Uuid, idle_timeout: Duration) -> Self {
        Self { view, pending: Arc::default(), deaf_after: deaf_after(idle_timeout), gateway_id }
    }

    /// Whether a beat of this session would reach its owner: the owner answered a roll call, and the view was at the
    /// head of the log, both within `min(3 s, idle / 4)`.
    #[must_use]
    pub fn are_heard(&self, live: &LiveSession) -> bool {
        self.are_heard_in(live.partition)
    }

    fn are_heard_in(&self, partition: Partition) -> bool {
        self.knows_who_is_there() && self.view.claims.owner_hears(partition, Moment::now(), self.deaf_after)
    }

    /// Whether the view was at the head of the log within `min(3 s, idle / 4)`: a session that it does not know then is
    /// not there, or was opened a moment ago.
    #[must_use]
    pub fn knows_who_is_there(&self) -> bool {
        self.view.head.is_proven(Moment::now(), self.deaf_after)
    }

    /// What keeps workers from being served just now: beats are not heard, or an owner hears and cannot serve. Empty
    /// when nothing does.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let now = Moment::now();
        let mut missing = Vec::new();
        if !self.view.head.is_proven(now, self.deaf_after) {
            missing.push("the head of the log");
        }
        if self.view.claims.unserved(now, self.deaf_after) > 0 {
            missing.push("an owner that answers for every partition");
        } else if self.view.claims.unready() > 0 {
            missing.push("owners that say they serve: a log that acknowledges, partitions that are read");
        }
        missing
    }

    /// A sign of life of this session.
    pub fn beat(&self, live: &LiveSession) {
        live.seen(wall_now());
        self.pending.beat(live.session.id, live.partition);
    }

    /// A sign of life of a session that the log holds and the view does not show yet. False, and nothing is noted, while
    /// it would not reach the owner: the worker must be sent away (protocol rule 11).
    #[must_use]
    pub fn beat_unseen(&self, session: SessionId, partition: Partition) -> bool {
        let heard = self.are_heard_in(partition);
        if heard {
            self.pending.beat(session, partition);
        }
        heard
    }

    /// A sign of life of this worker's active session, if there is one.
    pub fn beat_of_worker(&self, worker: WorkerId) {
        if let Some(live) = self.view.sessions.of_worker(worker) {
            self.beat(&live);
        }
    }
}

#[cfg(test)]
mod tests {
    use bus_schemas::{Claim, Extra, TimeUs};

    use super::*;
    use crate::fixtures::{event, session};

    #[test]
    fn the_roll_is_called_three_times_before_workers_are_sent_away() {
        let five_minutes = Duration::from_secs(300);
        assert_eq!((deaf_after(five_minutes), roll_call_every(five_minutes)), (DEAF_MAX, Duration::from_secs(1)));
        let short = Duration::from_secs(6);
        assert_eq!(deaf_after(short), Duration::from_millis(1_500));
        assert_eq!(roll_call_every(short), Duration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn beats_are_heard_only_with_an_answering_owner_and_the_head_of_the_log() {
        let view = LiveView::default();
        let heartbeats = Heartbeats::new(view.clone(), Uuid::nil(), Duration::from_secs(300));
        let open = session(1, 10);
        view.sessions.fold(event(open.clone()), 1);
        let live = view.sessions.of_worker(open.worker_id).unwrap();
        assert!(!heartbeats.are_heard(&live));

        let claim = Claim {
            node_id: "n".into(),
            at_us: TimeUs::from_micros(1),
            released: false,
            taken: None,
            successor: None,
            extra: Extra::new(),
        };
        view.claims.fold(live.partition, &claim, 2);
        view.claims.owner(live.partition).unwrap().answered(Moment::now());
        assert!(!heartbeats.are_heard(&live), "without the head of the log");
        view.head.prove(Moment::now());
        assert!(heartbeats.are_heard(&live), "also by an owner whose log is mute");
        let unseen = session(2, 10);
        assert!(heartbeats.beat_unseen(unseen.id, live.partition));
        assert_eq!(heartbeats.pending.take().len(), 1, "it is carried");

        tokio::time::advance(Duration::from_millis(3_100)).await;
        view.head.prove(Moment::now());
        assert!(!heartbeats.are_heard(&live), "the owner has not answered for too long");
        assert!(!heartbeats.beat_unseen(unseen.id, live.partition));
        assert!(heartbeats.pending.take().is_empty(), "what would not be heard is not noted");
        assert_eq!(heartbeats.missing(), ["an owner that answers for every partition"]);
        assert!(heartbeats.knows_who_is_there());
        tokio::time::advance(Duration::from_millis(3_100)).await;
        assert!(!heartbeats.knows_who_is_there());
    }
}
