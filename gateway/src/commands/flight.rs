//! A command in flight: its attempts on one time line, and the worker's turn, which outlives a client that hangs up.

use std::time::Duration;

use bus_schemas::TimeUs;
use tokio::time::{Instant, sleep_until};

use super::{
    attempts::{Answer, Attempts, Next, Sent},
    queue::Turn,
};

/// A command in flight. Dropping it while attempts are open keeps the worker's turn until they have expired, so that
/// no later command of this gateway is answered beside them (protocol rule 7).
pub(super) struct Flight {
    attempts: Attempts,
    /// Log time at `base`; afterwards the monotonic clock counts. Read once, so that attempts compare exactly.
    log_at_base: TimeUs,
    base: Instant,
    turn: Option<Turn>,
}

impl Flight {
    pub(super) fn new(turn: Turn, attempts: Attempts, log_now: TimeUs) -> Self {
        Self { attempts, log_at_base: log_now, base: Instant::now(), turn: Some(turn) }
    }

    fn now(&self) -> TimeUs {
        self.log_at_base.after(self.base.elapsed())
    }

    fn instant(&self, at: TimeUs) -> Instant {
        self.base + at.since(self.log_at_base)
    }

    pub(super) fn send(&mut self) -> Sent {
        let now = self.now();
        self.attempts.send(now)
    }

    pub(super) fn answered(&mut self, sent: Sent, answer: Answer) -> Next {
        let now = self.now();
        self.attempts.answered(sent, answer, now)
    }

    pub(super) fn give_up(&self) -> Next {
        self.attempts.give_up(self.now())
    }

    /// Time until no attempt is sent any more.
    pub(super) fn left(&self) -> Duration {
        self.attempts.deadline().since(self.now())
    }

    /// The answer is final: an attempt still open can only be a repeat, so the turn ends with the answer.
    pub(super) fn land(&mut self) {
        self.turn = None;
    }

    /// The partition is another node's.
    pub(super) const fn moved(&mut self) {
        self.attempts.moved();
    }

    pub(super) async fn sleep_until(&self, at: TimeUs) {
        sleep_until(self.instant(at)).await;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        let Some(open_until) = self.attempts.open_until().filter(|until| *until > self.now()) else { return };
        let until = self.instant(open_until);
        // Without a runtime the process is ending, and its attempts with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                sleep_until(until).await;
                drop(turn);
            });
        }
    }
}
