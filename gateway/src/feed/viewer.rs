//! One viewer as a state machine: the board and the time go in, frames come out. No I/O, no clock, no chance.
//!
//! The transport asks for the next step whenever it can send; so nothing piles up for a viewer that does not read. It
//! holds a position in the log, and what it has not seen is worked out when it can take it.

use std::time::Duration;

use bus_schemas::{SessionId, TimeUs};

use super::{
    board::Board,
    cursor::{Cursor, Epoch, NotACursor},
    cut::Cut,
    filter::Filter,
    frame::{Bye, Frame, Reset, SEEN_MAX},
    limits::{AUTH_NOTICE, CUT_WITHIN, DRAIN_WINDOW, FLUSH_EVERY, PING_EVERY, PONG_WITHIN, RETRY, STALE_MAX},
    step::{Mode, Now, Opening, Step, Transport},
};
use crate::clock::Moment;

/// See the module.
#[derive(Debug)]
pub struct Viewer {
    mode: Mode,
    transport: Transport,
    greeted: bool,
    /// The client has been told that the log is lost.
    told_stale: bool,
    told_auth: bool,
    /// A cut has been sent for the sake of the ping or `fresh` that is due: the next one goes without.
    settled: bool,
    lot: f32,
    pause: Duration,
    filter: Filter,
    filter_hash: u64,
    /// What the client holds.
    cursor: Cursor,
    /// Up to here there is nothing else to tell it.
    scanned: u64,
    changed: u64,
    after: Option<Result<Cursor, NotACursor>>,
    cut: Option<Box<Cutting>>,
    /// Said before anything else.
    next: Option<Box<Frame>>,
    seen: Option<Box<Seen>>,
    seen_round: u32,
    /// The round at the beginning of a poll.
    round: u32,
    auth_expires_at: TimeUs,
    ping_at: Moment,
    flush_at: Moment,
    heard_at: Moment,
    bye: Option<Bye>,
}

#[derive(Debug)]
struct Cutting {
    cut: Cut,
    until: Moment,
}

/// Signs of life that are still to be told.
type Seen = Vec<(SessionId, TimeUs)>;

impl Viewer {
    /// A viewer that has just connected.
    #[must_use]
    pub fn new(opening: Opening, now: Now) -> Self {
        let filter_hash = opening.filter.hash();
        Self {
            mode: opening.mode,
            transport: opening.transport,
            greeted: false,
            told_stale: false,
            told_auth: false,
            settled: false,
            lot: opening.lot.clamp(0.0, 1.0),
            pause: opening.pause,
            filter: opening.filter,
            filter_hash,
            cursor: Cursor { epoch: Epoch::default(), seq: 0, filter: filter_hash },
            scanned: 0,
            changed: 0,
            after: opening.after,
            cut: None,
            next: None,
            seen: None,
            seen_round: 0,
            round: 0,
            auth_expires_at: opening.auth_expires_at,
            ping_at: now.at.after(PING_EVERY),
            flush_at: now.at,
            heard_at: now.at,
            bye: None,
        }
    }

    /// What is to be done now.
    pub fn step(&mut self, board: &Board, now: Now) -> Step {
        if let Some(bye) = self.ending(board, now) {
            return Step::End(Frame::bye(bye));
        }
        if !self.greeted {
            return Step::Send(self.greet(board, now));
        }
        if let Some(frame) = self.next.take() {
            return Step::Send(*frame);
        }
        if let Some(frame) = self.cut_part(board) {
            return Step::Send(frame);
        }
        if let Some(frame) = self.notice(board, now) {
            return Step::Send(frame);
        }
        if now.at >= self.flush_at
            && let Some(frame) = self.news(board, now)
        {
            return Step::Send(frame);
        }
        self.wait(board, now)
    }

    fn ending(&self, board: &Board, now: Now) -> Option<Bye> {
        if self.bye.is_some() {
            return self.bye;
        }
        if now.wall >= self.auth_expires_at {
            return Some(Bye::TokenExpired);
        }
        if self.answers() && now.at.since(self.heard_at) > PONG_WITHIN {
            return Some(Bye::NoPong(RETRY));
        }
        if self.cut.as_ref().is_some_and(|cutting| now.at > cutting.until) {
            return Some(Bye::Stalled(RETRY));
        }
        if board.stale().is_some_and(|stale| now.at.since(stale.at) > STALE_MAX) {
            return Some(Bye::LogUnreachable(self.dealt(DRAIN_WINDOW)));
        }
        (self.greeted && board.epoch() != self.cursor.epoch).then_some(Bye::Resync)
    }

    const fn polls(&self) -> bool {
        matches!(self.transport, Transport::Poll)
    }

    /// A poll gets signs of life when they are listed: it may be over before its ping.
    fn hears_of_seen(&self, board: &Board) -> bool {
        self.polls() && board.round() != self.round
    }

    const fn answers(&self) -> bool {
        matches!(self.transport, Transport::WebSocket)
    }

    fn dealt(&self, window: Duration) -> Duration {
        window.mul_f32(self.lot)
    }

    fn greet(&mut self, board: &Board, now: Now) -> Frame {
        self.greeted = true;
        self.changed = board.changed();
        let goes_on = self.after.take().map(|after| board.goes_on(after, self.filter_hash));
        let resumed = match goes_on {
            Some(Ok(cursor)) => {
                (self.cursor, self.scanned) = (cursor, cursor.seq);
                // Also when nothing has changed it is soon told where it stands.
                self.ping_at = now.at.after(FLUSH_EVERY);
                if self.polls() {
                    // What the polls before were told; the last round may have fallen between two of them.
                    self.seen_round = board.round().saturating_sub(1);
                }
                true
            }
            Some(Err(reason)) => {
                self.snapshot(board, now);
                self.next = Some(Box::new(begin_anew(reason)));
                false
            }
            None => {
                self.snapshot(board, now);
                false
            }
        };
        if self.polls() && !resumed {
            self.ping_at = now.at;
        }
        self.round = board.round();
        Frame::hello(board.epoch(), board.head(), resumed, self.auth_expires_at)
    }

    fn snapshot(&mut self, board: &Board, now: Now) {
        let to = Cursor { epoch: board.epoch(), seq: board.head(), filter: self.filter_hash };
        self.begin(Cut::snapshot(to, board.shown(&self.filter)), now);
        self.cursor = to;
        (self.scanned, self.changed) = (board.head(), board.changed());
        // Encoded states may be older than the signs of life: all of those are listed with the next ping.
        (self.seen, self.seen_round) = (None, 0);
    }

    fn begin(&mut self, cut: Cut, now: Now) {
        self.cut = Some(Box::new(Cutting { cut, until: now.at.after(CUT_WITHIN) }));
    }

    fn cut_part(&mut self, board: &Board) -> Option<Frame> {
        let cutting = self.cut.as_mut()?;
        let (frame, last) = cutting.cut.next_part(board.max_session());
        if last {
            self.cursor = cutting.cut.to();
            self.cut = None;
        }
        Some(frame)
    }

    /// What is said beside the changes.
    fn notice(&mut self, board: &Board, now: Now) -> Option<Frame> {
        let left = self.auth_expires_at.since(now.wall);
        if !self.told_auth && left <= AUTH_NOTICE {
            self.told_auth = true;
            return Some(Frame::auth(left));
        }
        match board.stale() {
            Some(stale) if !self.told_stale => {
                self.told_stale = true;
                return Some(Frame::stale(stale.since));
            }
            None if self.told_stale => {
                let frame = self.settle(board, now);
                return Some(frame.unwrap_or_else(|| {
                    self.told_stale = false;
                    Frame::fresh(&self.cursor)
                }));
            }
            _ => {}
        }
        if self.seen.is_some() || now.at >= self.ping_at || self.hears_of_seen(board) {
            return Some(self.settle(board, now).unwrap_or_else(|| self.ping(board, now)));
        }
        None
    }

    /// Something that says "so far you have everything" is due: what is to be told comes first, once.
    fn settle(&mut self, board: &Board, now: Now) -> Option<Frame> {
        if !self.settled
            && self.seen.is_none()
            && let Some(frame) = self.news(board, now)
        {
            // Every change would have to be told; a ping cannot wait for that.
            self.settled = true;
            return Some(frame);
        }
        self.settled = false;
        None
    }

    fn ping(&mut self, board: &Board, now: Now) -> Frame {
        let mut seen = match self.seen.take() {
            Some(seen) => *seen,
            None => {
                self.ping_at = now.at.after(PING_EVERY);
                let told = self.polls() && self.seen_round != 0 && !self.hears_of_seen(board);
                let (seen, round) = board.seen_since(self.seen_round, &self.filter);
                (self.seen_round, self.round) = (if told { self.seen_round } else { round }, round);
                if told { Vec::new() } else { seen }
            }
        };
        let rest = if seen.len() > SEEN_MAX { seen.split_off(SEEN_MAX) } else { Vec::new() };
        let prev = self.cursor;
        self.cursor.seq = self.cursor.seq.max(self.scanned);
        self.seen = (!rest.is_empty()).then(|| Box::new(rest));
        Frame::ping(&prev, self.cursor, now.wall, board.lag_ms(), &seen)
    }

    /// What has changed for this viewer.
    fn news(&mut self, board: &Board, now: Now) -> Option<Frame> {
        if self.scanned >= board.head() {
            return None;
        }
        if self.scanned < board.floor() {
            // Too slow even for what is remembered of closed sessions.
            self.snapshot(board, now);
            return Some(begin_anew(Reset::TooOld));
        }
        match self.mode {
            Mode::Latest => self.sum(board, now).then(|| self.cut_part(board))?,
            Mode::Every if self.scanned >= board.changes_floor() => self.one(board, now),
            Mode::Every => {
                let from = self.cursor.seq;
                self.sum(board, now).then(|| Frame::gap(from, board.head()))
            }
        }
    }

    /// Begins a cut with all that has changed, when that is anything.
    fn sum(&mut self, board: &Board, now: Now) -> bool {
        let difference = board.difference(self.scanned, &self.filter);
        let merged = board.changed().saturating_sub(self.changed).max(difference.len() as u64);
        (self.scanned, self.changed) = (board.head(), board.changed());
        if difference.is_empty() {
            if self.pause > FLUSH_EVERY {
                // Most of what it is woken by is nothing to it.
                self.flush_at = now.at.after(self.pause);
            }
            return false;
        }
        let to = Cursor { seq: board.head(), ..self.cursor };
        self.begin(Cut::delta(self.cursor, to, merged, difference), now);
        self.flush_at = now.at.after(self.pause);
        true
    }

    /// The next single change.
    fn one(&mut self, board: &Board, now: Now) -> Option<Frame> {
        let (difference, at) = board.next_change(self.scanned, &self.filter);
        self.scanned = at;
        if at >= board.head() {
            self.changed = board.changed();
        }
        if difference.is_empty() {
            return None;
        }
        let (to, merged) = (Cursor { seq: at, ..self.cursor }, difference.len() as u64);
        self.begin(Cut::delta(self.cursor, to, merged, difference), now);
        self.cut_part(board)
    }

    fn wait(&self, board: &Board, now: Now) -> Step {
        let in_wall = |at: TimeUs| now.at.after(at.since(now.wall));
        let notice = if self.told_auth { Duration::ZERO } else { AUTH_NOTICE };
        let auth_at = in_wall(self.auth_expires_at.before(notice));
        let mut until = self.ping_at.min(auth_at);
        if self.answers() {
            until = until.min(self.heard_at.after(PONG_WITHIN + Duration::from_millis(1)));
        }
        if let Some(stale) = board.stale() {
            until = until.min(stale.at.after(STALE_MAX + Duration::from_millis(1)));
        }
        // With nothing to tell, the next change rings, and is held until the pause is over: no timer for a quiet time. A
        // worker's socket is rung for everybody's changes and rather sleeps.
        let quiet = self.scanned >= board.head() && self.pause <= FLUSH_EVERY;
        let pausing = now.at < self.flush_at && !quiet;
        if pausing {
            until = until.min(self.flush_at);
        }
        Step::Wait { until, or_change: !pausing }
    }

    /// The client said something: it is there.
    pub fn heard(&mut self, now: Now) {
        self.heard_at = now.at;
    }

    /// The client wants to see something else: a snapshot of it replaces what it holds.
    pub fn see(&mut self, filter: Filter, board: &Board, now: Now) {
        (self.filter_hash, self.filter) = (filter.hash(), filter);
        if self.greeted {
            self.snapshot(board, now);
        }
    }

    /// The token was renewed in place.
    pub fn renewed(&mut self, expires_at: TimeUs) {
        self.auth_expires_at = expires_at;
        self.told_auth = false;
    }

    /// Something the client asked for cannot be done; all stays as it is.
    pub fn refuse(&mut self, code: &str, message: &str) {
        self.next = Some(Box::new(Frame::error(code, message, false)));
    }

    /// It is to end. The first reason counts.
    pub fn end(&mut self, bye: Bye) {
        self.bye.get_or_insert(bye);
    }

    /// The gateway ends: the return is dealt over the window, so that not all come at once.
    pub fn drain(&mut self) {
        self.end(Bye::Draining(self.dealt(DRAIN_WINDOW)));
    }

    /// Until when its token holds.
    #[must_use]
    pub const fn auth_expires_at(&self) -> TimeUs {
        self.auth_expires_at
    }
}

/// What a viewer holds cannot be gone on with; an alarm may count these.
fn begin_anew(reason: Reset) -> Frame {
    crate::telemetry::feed_reset(reason.as_str());
    Frame::reset(reason)
}

#[cfg(test)]
#[path = "viewer_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "model_tests.rs"]
mod model_tests;
