//! When an answer to a command is final: pure, no clock and no I/O (protocol rule 7).
//!
//! A command is sent in attempts, one after another, each with an expiry after which no owner may decide it. An
//! attempt without an answer is *unknown*: it may still take effect until it has expired. So a refusal (or "nothing to
//! change") by a later attempt proves nothing while an earlier one is open, and this module is what knows that.

use std::time::Duration;

use bus_schemas::{
    TimeUs,
    limits::{ATTEMPT_EXPIRY, EXPIRY_MARGIN},
};

/// How long a command is tried, from its arrival.
pub const COMMAND_DEADLINE: Duration = Duration::from_secs(10);
/// First pause after an attempt that was answered without effect; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// Longest pause: an owner that comes back is asked within this time.
const PAUSE_MAX: Duration = Duration::from_millis(320);
/// Longest pause with a node that has just taken the partition: it reads it in some tenths of a second, and whoever waits
/// for it would notice a longer one.
const PAUSE_TAKEN_MAX: Duration = Duration::from_millis(80);
/// So many pauses are that short, about a second of them.
const PAUSES_TAKEN: u32 = 14;
/// Shortest and longest wait for a deadline that the owner has named.
const WAIT_RANGE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(6));

/// What is known of one attempt after waiting for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An event is stored, by this attempt or another one of the command.
    Stored,
    /// This attempt changes nothing, and says so for good reasons: a refusal, "nothing to change", a full log.
    NoEffect,
    /// A refusal that hangs on beats or the clock (`SESSION_STILL_LIVE`).
    StillLive,
    /// Nothing was done; ask again at this time.
    Wait(TimeUs),
    /// Nothing was done, try again: not the owner, nobody there, expired.
    Elsewhere,
    /// Nothing was done, try again: the owner has no room just now.
    Busy,
    /// No answer, or one that does not know.
    Unknown,
}

/// What to do after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The answer at hand is final.
    Final,
    /// Send another attempt, not before this time.
    Again {
        /// When, at the earliest.
        at: TimeUs,
    },
    /// Send no more; say this, not before `at`.
    GiveUp {
        /// When, at the earliest: every attempt has expired then.
        at: TimeUs,
        /// What to say.
        verdict: Verdict,
    },
}

/// What is said of a command without a final answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No attempt had an effect, and nobody was there to ask.
    NoOwner,
    /// No attempt had an effect: the owner had no room.
    Busy,
    /// An attempt may have had an effect.
    OutcomeUnknown,
}

/// An attempt that was sent and of which nothing is known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// 1, 2, 3 …
    pub number: u32,
    /// When it was sent.
    pub at: TimeUs,
    /// After this time nobody may decide it.
    pub expires_at: TimeUs,
}

impl Sent {
    /// From this time on it has surely expired, whatever the clocks of gateway and owner say.
    #[must_use]
    pub fn over_at(&self) -> TimeUs {
        self.expires_at.after(EXPIRY_MARGIN)
    }
}

/// The attempts of one command.
#[derive(Clone, Debug)]
pub struct Attempts {
    deadline: TimeUs,
    reads_only: bool,
    sent: u32,
    /// Attempts of unknown outcome, oldest first. One at a time is sent and each lives a second: bounded by the
    /// deadline.
    unknown: Vec<Sent>,
    without_effect: u32,
    /// Whether the node that is asked has taken the partition while this command was tried.
    just_taken: bool,
    last_was_busy: bool,
}

impl Attempts {
    /// No attempt yet, of a command that arrived at `now`. One that only reads has no effect whatever happens to it.
    #[must_use]
    pub fn new(now: TimeUs, reads_only: bool) -> Self {
        Self {
            deadline: now.after(COMMAND_DEADLINE),
            reads_only,
            sent: 0,
            unknown: Vec::new(),
            without_effect: 0,
            just_taken: false,
            last_was_busy: false,
        }
    }

    /// No attempt is sent after this time.
    #[must_use]
    pub const fn deadline(&self) -> TimeUs {
        self.deadline
    }

    /// Registers an attempt that is sent now: its outcome is unknown until it is answered.
    pub fn send(&mut self, now: TimeUs) -> Sent {
        self.sent += 1;
        let sent = Sent { number: self.sent, at: now, expires_at: now.after(ATTEMPT_EXPIRY) };
        if !self.reads_only {
            self.unknown.push(sent);
        }
        sent
    }

    /// When every attempt of unknown outcome has expired; `None` when there is none.
    #[must_use]
    pub fn open_until(&self) -> Option<TimeUs> {
        self.unknown.iter().map(Sent::over_at).max()
    }

    /// Takes the answer to `sent` and says what to do.
    pub fn answered(&mut self, sent: Sent, answer: Answer, now: TimeUs) -> Next {
        if answer != Answer::Unknown {
            self.unknown.retain(|open| open.number != sent.number);
        }
        self.last_was_busy = answer == Answer::Busy;
        match answer {
            Answer::Stored => Next::Final,
            Answer::NoEffect if self.others_are_over(sent) => Next::Final,
            // Asked again when the others have expired, its answer is final.
            Answer::NoEffect => self.again(self.open_until().unwrap_or(now).max(now), now),
            Answer::StillLive if self.unknown.is_empty() => Next::Final,
            Answer::StillLive => self.give_up(now),
            Answer::Wait(until) => self.again(now.after(until.since(now).clamp(WAIT_RANGE.0, WAIT_RANGE.1)), now),
            Answer::Elsewhere | Answer::Busy | Answer::Unknown => {
                let pause = self.pause();
                self.again(now.after(pause), now)
            }
        }
    }

    /// The next attempt goes to another node: pauses begin anew, and stay short for a while.
    pub const fn moved(&mut self) {
        self.without_effect = 0;
        self.just_taken = true;
    }

    /// Nobody to send to until the deadline, or the client is gone.
    #[must_use]
    pub fn give_up(&self, now: TimeUs) -> Next {
        let verdict = match (self.unknown.is_empty(), self.last_was_busy) {
            (false, _) => Verdict::OutcomeUnknown,
            (true, true) => Verdict::Busy,
            (true, false) => Verdict::NoOwner,
        };
        Next::GiveUp { at: self.open_until().unwrap_or(now).max(now), verdict }
    }

    fn again(&self, at: TimeUs, now: TimeUs) -> Next {
        if at < self.deadline { Next::Again { at } } else { self.give_up(now) }
    }

    /// Every other attempt was answered without effect, or had surely expired before this one was sent.
    fn others_are_over(&self, this: Sent) -> bool {
        self.unknown.iter().all(|open| open.over_at() <= this.at)
    }

    fn pause(&mut self) -> Duration {
        let doublings = self.without_effect.min(16);
        self.without_effect += 1;
        let max = if self.just_taken && doublings < PAUSES_TAKEN { PAUSE_TAKEN_MAX } else { PAUSE_MAX };
        PAUSE_FIRST.saturating_mul(1 << doublings).min(max)
    }
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod tests;
