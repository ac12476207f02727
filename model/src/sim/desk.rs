//! The simulated session actor: the same steps as `engine/src/desk.rs`, with the log's answers as events (rules 1 to 5
//! and 7).

use std::{collections::VecDeque, time::Duration};

use bus_schemas::{Command, Done, Effect, Refusal, Reply, SessionEvent, SessionId, TimeUs, WorkerState};
use engine::{
    clock::Mono,
    session::{self, Ask, Context, Decision},
};

use super::{
    Mutation,
    engine::ToEngine,
    factory,
    log::{Message, Says, Subject},
    world::{Event, MS, World},
};

/// No attempt is decided later than this after its expiry, whatever the clocks say (rule 7).
const EXPIRY_MARGIN_US: u64 = 500 * MS;

/// An attempt that has reached an engine.
pub(super) struct Attempt {
    pub(super) gateway: usize,
    pub(super) order: usize,
    /// Names it among all attempts.
    pub(super) id: u64,
    /// Its number at the gateway.
    pub(super) number: u32,
    pub(super) worker: usize,
    pub(super) command: Command,
    /// The chain's last sequence when it arrived.
    pub(super) arrived_at: u64,
}

/// A session actor's state.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) loaded: bool,
    pub(super) seq: u64,
    pub(super) state: Option<Box<WorkerState>>,
    pub(super) seen: Option<Seen>,
    pub(super) unknown: Option<Unknown>,
    pub(super) hand: Option<Hand>,
    line: VecDeque<Attempt>,
}

/// The last sign of life of the active session.
pub(super) struct Seen {
    pub(super) session: SessionId,
    pub(super) at: Mono,
    /// None: the log.
    pub(super) gateway: Option<usize>,
}

/// A publish of unknown outcome.
pub(super) struct Unknown {
    order: usize,
    base: u64,
    events: Vec<SessionEvent>,
}

/// The attempt being served.
pub(super) struct Hand {
    attempt: Attempt,
    fresh: bool,
    /// A publish of this attempt had no answer, and nothing was decided since.
    published: bool,
    token: u64,
    waits: Waits,
}

enum Waits {
    Nothing,
    Read,
    /// Decided on the chain that ends with this sequence.
    Publish(u64, Vec<SessionEvent>),
}

impl Desk {
    pub(super) fn forget(&mut self) {
        let line = std::mem::take(&mut self.line);
        *self = Self { line, ..Self::default() };
    }

    /// A sign of life.
    pub(super) fn touch(&mut self, session: uuid::Uuid, at: Mono, gateway: usize) {
        if let Some(seen) = self.seen.as_mut().filter(|seen| seen.session.0 == session && at >= seen.at) {
            (seen.at, seen.gateway) = (at, Some(gateway));
        }
    }

    fn set(&mut self, event: &SessionEvent, seq: u64, seen: Mono) {
        self.loaded = true;
        if seq < self.seq {
            return;
        }
        // The same message again: a former owner, with an attempt in hand, has taken over anew.
        if seq > self.seq {
            self.seq = seq;
            self.state = Some(Box::new(session::apply(self.state.as_deref(), event, seq)));
        }
        let active = self.state.as_deref().map(|state| &state.session).filter(|session| session.is_active());
        let session = active.map(|session| session.id);
        if self.seen.as_ref().map(|seen| seen.session) != session {
            self.seen = session.map(|session| Seen { session, at: seen, gateway: None });
        } else if event.state.session.last_proof_at_us == event.at_us
            && let Some(known) = &mut self.seen
        {
            // For deadlines an event counts from its stream timestamp (rule 13), whoever wrote it.
            known.at = known.at.max(seen);
        }
        if self.unknown.as_ref().is_some_and(|unknown| unknown.base < seq) {
            self.unknown = None;
        }
    }
}

impl World {
    fn desk(&mut self, place: usize, worker: usize) -> &mut Desk {
        &mut self.engines[place].desks[worker]
    }

    /// Takes over what the chain says; for deadlines it counts from its stream timestamp (rule 13).
    pub(super) fn adopt(&mut self, place: usize, worker: usize, event: &SessionEvent, seq: u64) {
        let stored_at = self.log.message(seq).map_or(0, |stored| stored.at);
        let engine = &self.engines[place];
        let age = engine.log_now(self.now).since(super::engine::moved(stored_at, 0));
        let seen = engine.mono(self.now).before(age);
        self.desk(place, worker).set(event, seq, seen);
    }

    /// An attempt reaches an engine.
    pub(super) fn attempt(&mut self, place: usize, mut attempt: Attempt) {
        let now = self.now;
        attempt.arrived_at = self.log.last(Subject::Worker(attempt.worker));
        let engine = &mut self.engines[place];
        if !engine.serving {
            return self.reply(place, &attempt, Reply::NotOwner);
        }
        let mono = engine.mono(now);
        let desk = &mut engine.desks[attempt.worker];
        if session::is_proof_of_life(&attempt.command)
            && let Some(session) = attempt.command.body.session_id()
        {
            desk.touch(session.0, mono, attempt.gateway);
        }
        let worker = attempt.worker;
        desk.line.push_back(attempt);
        self.next(place, worker);
    }

    fn next(&mut self, place: usize, worker: usize) {
        let desk = self.desk(place, worker);
        if desk.hand.is_some() {
            return;
        }
        let Some(attempt) = desk.line.pop_front() else { return };
        desk.hand = Some(Hand { attempt, fresh: false, published: false, token: 0, waits: Waits::Nothing });
        self.serve(place, worker);
    }

    /// What waits in line is not this engine's any more; nothing of it was published.
    pub(super) fn turn_away(&mut self, place: usize, worker: usize) {
        for attempt in std::mem::take(&mut self.desk(place, worker).line) {
            self.reply(place, &attempt, Reply::NotOwner);
        }
    }

    /// The loop of a desk, until something has to be waited for.
    fn serve(&mut self, place: usize, worker: usize) {
        let (now, no_expiry) = (self.now, self.is(Mutation::NoExpiry));
        let forgets = self.is(Mutation::ForgetPublished);
        let log_now = self.engines[place].log_now(now);
        let desk = self.desk(place, worker);
        let Some(hand) = &desk.hand else { return };
        let is_unknown = desk.unknown.as_ref().is_some_and(|unknown| unknown.order == hand.attempt.order);
        if hand.attempt.command.expires_at_us <= log_now && !no_expiry {
            let published = is_unknown || hand.published && !forgets;
            return self.answer(place, worker, if published { Reply::Unknown } else { Reply::Expired });
        }
        if !desk.loaded || is_unknown && !hand.fresh {
            return self.read(place, worker);
        }
        if is_unknown && let Some(unknown) = desk.unknown.take() {
            let base = unknown.base;
            return self.send(place, worker, base, unknown.events);
        }
        self.decide(place, worker);
    }

    fn decide(&mut self, place: usize, worker: usize) {
        let engine = &self.engines[place];
        let desk = &engine.desks[worker];
        let Some(hand) = &desk.hand else { return };
        let now = engine.wall(self.now);
        let deadline = engine.deadline(worker, self.now).map(|at| engine.wall_at(at, self.now));
        let context = Context { directory: &self.directory, now, deadline };
        let expires = virtual_time(hand.attempt.command.expires_at_us);
        if self.now > expires + EXPIRY_MARGIN_US {
            self.wrong.push(format!("{} was decided after its expiry", hand.attempt.command.id));
        }
        let mut state = desk.state.clone();
        if self.is(Mutation::NoRing)
            && let Some(state) = &mut state
        {
            state.ring = bus_schemas::Ring::default();
        }
        let decision = session::decide(state.as_deref(), &Ask::Command(&hand.attempt.command), &context);
        let (fresh, base) = (hand.fresh || self.is(Mutation::NoLeaderRead), desk.seq);
        match decision {
            Ok(Decision::Publish(events)) => self.send(place, worker, base, events),
            _ if !fresh => self.read(place, worker),
            silent => {
                if base < hand.attempt.arrived_at {
                    let what = format!("{} was answered from a state older than itself", hand.attempt.command.id);
                    self.wrong.push(what);
                }
                let reply = self.silent_reply(silent, base);
                self.answer(place, worker, reply);
            }
        }
    }

    fn silent_reply(&mut self, decision: Result<Decision, Refusal>, seq: u64) -> Reply {
        match decision {
            Err(refusal) => Reply::Refused(Box::new(refusal)),
            Ok(Decision::Nothing(done)) => Reply::Done(Box::new(Done { seq, ..done })),
            Ok(Decision::Wait { until_us }) => Reply::Wait { until_us },
            Ok(Decision::Repeat { seq }) => match self.stored(seq).map(|stored| stored.says) {
                Some(Says::Event(event)) => {
                    self.met.repeats += 1;
                    Reply::Done(Box::new(session::answer_from_event(&event, seq)))
                }
                _ => Reply::Unknown,
            },
            Ok(Decision::Publish(_)) => Reply::Unknown,
        }
    }

    fn wait(&mut self, place: usize, worker: usize, token: u64, waits: Waits) {
        let log_now = self.engines[place].log_now(self.now);
        let name = self.engines[place].name;
        let Some(hand) = &mut self.desk(place, worker).hand else { return };
        (hand.token, hand.waits) = (token, waits);
        // Whatever is waited for ends with the attempt (rule 7).
        let left = hand.attempt.command.expires_at_us.since(log_now).min(Duration::from_secs(1));
        let left = u64::try_from(left.as_micros()).unwrap_or(0).max(MS);
        self.after(left, Event::Engine(name, ToEngine::TimeOut(token)));
    }

    fn read(&mut self, place: usize, worker: usize) {
        let (name, token) = (self.engines[place].name, self.token());
        if self.now >= self.engines[place].deaf_until
            && let Some(delay) = self.network()
        {
            self.after(delay, Event::Read(name, token, Subject::Worker(worker)));
        }
        self.wait(place, worker, token, Waits::Read);
    }

    fn send(&mut self, place: usize, worker: usize, base: u64, events: Vec<SessionEvent>) {
        let no_condition = self.is(Mutation::NoCompareAndSet);
        let name = self.engines[place].name;
        let message = |(index, event): (usize, &SessionEvent)| Message {
            subject: Subject::Worker(worker),
            says: Says::Event(Box::new(event.clone())),
            expect: (index == 0 && !no_condition).then_some(base),
        };
        let messages: Vec<Message> = events.iter().enumerate().map(message).collect();
        let Some(hand) = &self.desk(place, worker).hand else { return };
        let expires = virtual_time(hand.attempt.command.expires_at_us);
        let attempt = Some((hand.attempt.order, hand.attempt.id));
        let token = if self.now >= self.engines[place].deaf_until {
            self.publish_for(name, messages, expires, u64::MAX, attempt)
        } else {
            self.token()
        };
        self.wait(place, worker, token, Waits::Publish(base, events));
    }

    /// Whose desk waits for this.
    fn waiting(&self, place: usize, token: u64) -> Option<usize> {
        let waits = |desk: &Desk| {
            desk.hand.as_ref().is_some_and(|hand| hand.token == token && !matches!(hand.waits, Waits::Nothing))
        };
        self.engines[place].desks.iter().position(waits)
    }

    fn waited(&mut self, place: usize, worker: usize) -> Waits {
        let hand = self.desk(place, worker).hand.as_mut();
        hand.map_or(Waits::Nothing, |hand| std::mem::replace(&mut hand.waits, Waits::Nothing))
    }

    pub(super) fn desk_stored(&mut self, place: usize, token: u64, last: Option<u64>) {
        let Some(worker) = self.waiting(place, token) else { return };
        let Waits::Publish(_, events) = self.waited(place, worker) else { return };
        let Some(last) = last else {
            // Somebody else wrote, or this very event came before: read, and decide again on that.
            return self.read(place, worker);
        };
        let mono = self.engines[place].mono(self.now);
        let first = last + 1 - events.len() as u64;
        for (event, seq) in events.iter().zip(first..) {
            self.desk(place, worker).set(event, seq, mono);
        }
        let answer = events.last().map(|event| session::answer_from_event(event, last));
        self.answer(place, worker, answer.map_or(Reply::Unknown, |done| Reply::Done(Box::new(done))));
    }

    pub(super) fn desk_read(&mut self, place: usize, token: u64, seq: u64) {
        let Some(worker) = self.waiting(place, token) else { return };
        let _ = self.waited(place, worker);
        match self.stored(seq).map(|stored| stored.says) {
            Some(Says::Event(event)) => self.adopt(place, worker, &event, seq),
            _ => self.desk(place, worker).loaded = true,
        }
        if let Some(hand) = &mut self.desk(place, worker).hand {
            hand.fresh = true;
        }
        let name = self.engines[place].name;
        self.after(1, Event::Engine(name, ToEngine::GoOn(worker)));
    }

    pub(super) fn desk_goes_on(&mut self, place: usize, worker: usize) {
        self.serve(place, worker);
    }

    pub(super) fn desk_timed_out(&mut self, place: usize, token: u64) {
        let Some(worker) = self.waiting(place, token) else { return };
        match self.waited(place, worker) {
            Waits::Publish(base, events) => {
                self.met.unknown += 1;
                let desk = self.desk(place, worker);
                if let Some(hand) = &mut desk.hand {
                    (hand.fresh, hand.published) = (false, true);
                    // What has been followed meanwhile may be this very event.
                    let moved = base < desk.seq;
                    desk.unknown = (!moved).then_some(Unknown { order: hand.attempt.order, base, events });
                }
                self.serve(place, worker);
            }
            Waits::Read | Waits::Nothing => {
                let forgets = self.is(Mutation::ForgetPublished);
                let desk = self.desk(place, worker);
                let Some(hand) = &desk.hand else { return };
                let is_unknown = desk.unknown.as_ref().is_some_and(|unknown| unknown.order == hand.attempt.order);
                let published = is_unknown || hand.published && !forgets;
                let busy = Reply::Busy { why: "not read".into() };
                self.answer(place, worker, if published { Reply::Unknown } else { busy });
            }
        }
    }

    fn answer(&mut self, place: usize, worker: usize, reply: Reply) {
        if let Some(hand) = self.desk(place, worker).hand.take() {
            self.reply(place, &hand.attempt, reply);
        }
        self.next(place, worker);
    }

    fn reply(&mut self, place: usize, attempt: &Attempt, reply: Reply) {
        match &reply {
            Reply::Done(done) if done.effect == Effect::Nothing => self.met.nothing += 1,
            Reply::Expired | Reply::NotOwner | Reply::Busy { .. } => {
                self.without_effect.extend([(attempt.order, attempt.id)])
            }
            _ => {}
        }
        if self.now < self.engines[place].deaf_until {
            return;
        }
        if let Some(delay) = self.network() {
            let message = super::gateway::ToGateway::Reply { order: attempt.order, number: attempt.number, reply };
            self.after(delay, Event::Gateway(attempt.gateway, message));
        }
    }
}

/// Log time as virtual microseconds.
pub(super) fn virtual_time(at: TimeUs) -> u64 {
    u64::try_from(at.as_micros() - factory::START.as_micros()).unwrap_or(0)
}
