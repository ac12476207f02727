//! What a session does by itself: its deadline, its close for silence (rules 12 and 14), and being carried forward.

use std::{sync::Arc, time::Duration};

use andon_nats::Publish;
use bus_schemas::{SessionEvent, WorkerState, limits::BEAT_ALLOWANCE, subject};

use super::{Desk, QUIET_WITHIN};
use crate::{
    cell::Cell,
    chain,
    clock::{Mono, Reading},
    session::{self, Ask, Context, Decision},
};

/// A session without an event for this long is carried forward, so that it does not hold back the retention.
const CARRY_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// A close that is ready to be staged (rule 14).
pub struct Prepared {
    /// The session.
    pub cell: Arc<Cell>,
    /// The last sign of life it was decided on; another since takes it out of the batch.
    pub seen: Mono,
    /// The close.
    pub event: SessionEvent,
    /// Its message, on condition of the chain.
    pub message: Publish,
}

impl Desk {
    /// When the session is silent for too long, by the wall clock.
    pub(super) fn deadline_wall(&self, reading: &Reading) -> Option<bus_schemas::TimeUs> {
        let cell = self.cell.as_ref()?;
        // In a guard of its own: the deadline takes the same lock.
        let hears = self.shared.hearing.lock().hears(reading.mono);
        if !hears {
            // Beats may lie unread: silence begins to count when this node hears again, which is not before now.
            return Some(reading.wall_at(reading.mono.after(self.shared.idle)));
        }
        Some(reading.wall_at(self.shared.deadline(self.slot(), cell, reading.mono)))
    }

    /// Whether the leader's chain was found to be one that no close can build on.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        self.unreadable
    }

    /// The close of a session that is silent for too long at `sent_at`, the time the echo was sent (rules 12 and 14).
    #[must_use]
    pub fn prepare_close(&self, sent_at: Mono) -> Option<Prepared> {
        // It would take all other closes of its batch with it, again and again (rule 15).
        let cell = self.cell.as_ref().filter(|_| !self.unreadable)?;
        // A publish of unknown outcome holds nothing back: the chain takes it or the close, never both. Perhaps nobody
        // asks for it again, and then nothing else would ever close this session.
        let reading = Reading::take();
        let seen = cell.seen().0;
        let due = self.shared.deadline(self.slot(), cell, reading.mono).after(BEAT_ALLOWANCE);
        if due > sent_at {
            return None;
        }
        let directory = self.shared.directory.load();
        let context = Context { directory: &directory, now: reading.wall, deadline: None };
        let ask = Ask::Idle { last_seen_us: cell.last_seen_wall(&reading) };
        let Ok(Decision::Publish(mut events)) = session::decide(self.state.as_deref(), &ask, &context) else {
            return None;
        };
        let message = chain::messages(self.worker, self.seq, &events, None).ok()?.pop()?;
        Some(Prepared { cell: Arc::clone(cell), seen, event: events.pop()?, message })
    }

    /// Moves an old state forward in the log, so that retention may cut before it.
    pub async fn carry(&mut self) {
        self.load().await;
        let decision = {
            let now = Reading::take().wall;
            let fresh = |state: &WorkerState| state.session.updated_at_us > now.before(CARRY_AFTER);
            if self.state.as_deref().is_none_or(fresh) {
                return;
            }
            let directory = self.shared.directory.load();
            let context = Context { directory: &directory, now, deadline: None };
            session::decide(self.state.as_deref(), &Ask::Carry, &context)
        };
        let Ok(Decision::Publish(events)) = decision else { return };
        let Ok(messages) = chain::messages(self.worker, self.seq, &events, None) else { return };
        match self.send(&messages, QUIET_WITHIN).await {
            Ok(last_seq) => drop(self.stored(&events, last_seq)),
            // Nobody waits: the next round tries again, on what the chain says then.
            Err(error) => {
                tracing::warn!(worker = %self.worker, %error, subject = subject::session(self.worker), "a state was not carried");
                self.refresh_quietly().await;
            }
        }
    }
}
