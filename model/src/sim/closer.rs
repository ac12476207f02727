//! The simulated closer: the same steps as `engine/src/closer.rs` (rules 14 and 15).

use bus_schemas::SessionEvent;
use engine::{
    clock::Mono,
    session::{self, Ask, Context, Decision},
    silence::Returned,
};

use rand::Rng;

use super::{
    Mutation,
    engine::ToEngine,
    log::{Message, Says, Subject},
    world::{Event, MS, SECOND, TROUBLE, WORKERS, World},
};

/// Time for each step at the server.
const STEP_WITHIN: u64 = 2 * SECOND;
/// The server forgets a staged batch after this.
const STAGED_FOR: u64 = 10 * SECOND;

/// A batch of closes on its way.
pub(super) struct Closing {
    token: u64,
    stage: Stage,
    candidates: Vec<usize>,
    ready: Vec<Ready>,
    gap_end: Mono,
    staged_at: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits for the echo before preparing.
    Prepare(u64),
    /// The closes are on their way to the server, which keeps them back.
    Staging,
    /// Waits for the echo of the second look.
    Look(u64),
    Committing,
}

struct Ready {
    worker: usize,
    base: u64,
    seen: Mono,
    event: SessionEvent,
}

impl World {
    /// Who was silent for too long when this echo was sent?
    pub(super) fn look_for_silence(&mut self, place: usize, sent_at: Mono) {
        let engine = &self.engines[place];
        if engine.closing.is_some() {
            return;
        }
        let is_due = |worker: &usize| engine.is_due(*worker, sent_at, self.now);
        let candidates: Vec<usize> = (0..WORKERS).filter(is_due).collect();
        if candidates.is_empty() {
            return;
        }
        let gap_end = engine.node_gap_end();
        let number = self.send_echo(place);
        self.step_to(place, Stage::Prepare(number), candidates, Vec::new(), gap_end, self.now);
    }

    fn step_to(
        &mut self,
        place: usize,
        stage: Stage,
        candidates: Vec<usize>,
        ready: Vec<Ready>,
        gap_end: Mono,
        staged_at: u64,
    ) {
        let token = self.token();
        self.await_step(place, token);
        self.engines[place].closing = Some(Closing { token, stage, candidates, ready, gap_end, staged_at });
    }

    fn await_step(&mut self, place: usize, token: u64) {
        let name = self.engines[place].name;
        self.after(STEP_WITHIN, Event::Engine(name, ToEngine::TimeOut(token)));
    }

    /// An echo is back.
    pub(super) fn closer_heard(&mut self, place: usize, number: u64, returned: Returned) {
        let Some(closing) = &self.engines[place].closing else { return };
        match closing.stage {
            Stage::Prepare(wanted) if wanted == number => {
                let Some(closing) = self.engines[place].closing.take() else { return };
                if returned.hears {
                    self.prepare(place, &closing.candidates, returned.sent_at);
                }
            }
            Stage::Look(wanted) if wanted == number => {
                let Some(closing) = self.engines[place].closing.take() else { return };
                if self.still_holds(place, &closing, returned) {
                    self.commit(place, closing);
                } else {
                    self.met.aborted += 1;
                }
            }
            _ => {}
        }
    }

    fn prepare(&mut self, place: usize, candidates: &[usize], sent_at: Mono) {
        let ready: Vec<Ready> =
            candidates.iter().filter_map(|worker| self.prepare_one(place, *worker, sent_at)).collect();
        if ready.is_empty() {
            return;
        }
        let gap_end = self.engines[place].node_gap_end();
        self.step_to(place, Stage::Staging, Vec::new(), ready, gap_end, self.now);
        let name = self.engines[place].name;
        let Some(closing) = &self.engines[place].closing else { return };
        let token = closing.token;
        if self.now >= self.log_down_until && self.now >= self.engines[place].deaf_until {
            self.stall(place);
            let slow = self.random.random_bool(0.4);
            let delay = self.random.random_range(if slow { 300 * MS..STEP_WITHIN } else { MS..30 * MS });
            self.after(delay, Event::Engine(name, ToEngine::Stored { token, last: Some(0) }));
        }
    }

    /// Stopped in the middle of it now and then, and not suspected by the others.
    fn stall(&mut self, place: usize) {
        if self.now < TROUBLE && self.random.random_bool(0.4) {
            let long = self.random.random_range(SECOND..9 * SECOND);
            self.suspend(place, long, false);
        }
    }

    fn prepare_one(&self, place: usize, worker: usize, sent_at: Mono) -> Option<Ready> {
        let engine = &self.engines[place];
        let desk = &engine.desks[worker];
        // A publish of unknown outcome holds nothing back: the chain takes it or the close, never both.
        let held = desk.unknown.is_some() && self.is(Mutation::UnknownHoldsClose);
        if desk.hand.is_some() || held || !engine.is_due(worker, sent_at, self.now) {
            return None;
        }
        let seen = desk.seen.as_ref()?;
        let now = engine.wall(self.now);
        let last_seen_us = match seen.gateway {
            Some(_) => engine.wall_at(seen.at, self.now).min(now),
            None => desk.state.as_ref()?.session.last_proof_at_us.min(now),
        };
        let context = Context { directory: &self.directory, now, deadline: None };
        let decision = session::decide(desk.state.as_deref(), &Ask::Idle { last_seen_us }, &context);
        let Ok(Decision::Publish(mut events)) = decision else { return None };
        Some(Ready { worker, base: desk.seq, seen: seen.at, event: events.pop()? })
    }

    /// The whole condition again, gaps included.
    fn still_holds(&self, place: usize, closing: &Closing, returned: Returned) -> bool {
        if self.is(Mutation::NoSecondLook) {
            return true;
        }
        let engine = &self.engines[place];
        let unchanged =
            engine.node_gap_end() == closing.gap_end && (!engine.hearing.is_deaf() || self.is(Mutation::NoEchoGap));
        returned.hears
            && unchanged
            && closing.ready.iter().all(|ready| {
                let seen = engine.desks[ready.worker].seen.as_ref();
                seen.is_some_and(|seen| seen.session == ready.event.session_id && seen.at == ready.seen)
                    && engine.is_due(ready.worker, returned.sent_at, self.now)
            })
    }

    fn commit(&mut self, place: usize, closing: Closing) {
        let engine = &self.engines[place];
        let (name, claim) = (engine.name, engine.claim);
        if claim == 0 && !self.is(Mutation::NoClaimFence) {
            return;
        }
        let mut messages: Vec<Message> = closing.ready.iter().map(|ready| ready.message()).collect();
        if !self.is(Mutation::NoClaimFence) {
            messages.push(Message { subject: Subject::Claim, says: Says::Claim(name), expect: Some(claim) });
        }
        let dies_at = closing.staged_at + STAGED_FOR;
        let token = self.publish(name, messages, self.now + STEP_WITHIN, dies_at);
        self.await_step(place, token);
        self.engines[place].closing = Some(Closing { token, stage: Stage::Committing, ..closing });
    }

    /// The server has answered a step.
    pub(super) fn closer_stored(&mut self, place: usize, token: u64, last: Option<u64>) {
        let Some(closing) = self.engines[place].closing.take_if(|closing| closing.token == token) else { return };
        match closing.stage {
            Stage::Staging if self.is(Mutation::NoSecondLook) => self.commit(place, closing),
            Stage::Staging => {
                let number = self.send_echo(place);
                self.stall(place);
                self.await_step(place, token);
                self.engines[place].closing = Some(Closing { stage: Stage::Look(number), ..closing });
            }
            Stage::Committing if last.is_none() => {
                // No culprit is named: what others wrote is followed, and what is still due comes back (rule 15).
                self.met.refused_closes += 1;
            }
            Stage::Prepare(_) | Stage::Look(_) | Stage::Committing => {}
        }
    }

    pub(super) fn closer_timed_out(&mut self, place: usize, token: u64) {
        let _ = self.engines[place].closing.take_if(|closing| closing.token == token);
    }
}

impl Ready {
    fn message(&self) -> Message {
        Message {
            subject: Subject::Worker(self.worker),
            says: Says::Event(Box::new(self.event.clone())),
            expect: Some(self.base),
        }
    }
}
