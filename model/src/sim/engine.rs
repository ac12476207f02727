//! A simulated engine: what reaches it, its claim, its echoes (protocol rules 9, 11 to 13).

use bus_schemas::{TimeUs, limits::BEAT_ALLOWANCE};
use engine::{
    clock::Mono,
    silence::{self, Ears, Gateway, Hearing, Returned},
};
use rand::{Rng, rngs::SmallRng};

use super::{
    Mutation,
    closer::Closing,
    desk::{Attempt, Desk},
    factory,
    log::{Message, Says, Subject},
    world::{Event, GATEWAYS, IDLE, MS, SECOND, WORKERS, World},
};

/// A process: another name at every start (rule 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeName {
    pub(super) place: usize,
    pub(super) start: u32,
}

/// What reaches an engine.
pub(super) enum ToEngine {
    /// Claim the partition, whoever owns it.
    Claim,
    /// Send the echo of this second.
    EchoTick,
    Attempt(Box<Attempt>),
    Batch {
        gateway: usize,
        counter: u64,
        newest_claim: Option<u64>,
        beats: Vec<(usize, uuid::Uuid, u64)>,
    },
    Echo(u64),
    /// The log has stored (at this sequence) or refused.
    Stored {
        token: u64,
        last: Option<u64>,
    },
    ReadDone {
        token: u64,
        seq: u64,
    },
    /// What was waited for has not come.
    TimeOut(u64),
    /// A desk goes on after a pause.
    GoOn(usize),
    Followed(u64),
}

/// An engine.
pub(super) struct Engine {
    pub(super) name: NodeName,
    pub(super) paused: bool,
    pub(super) backlog: Vec<ToEngine>,
    /// Without a connection until then.
    pub(super) deaf_until: u64,
    pub(super) epoch: u64,
    mono_offset: u64,
    wall_skew_us: i64,
    log_error_us: i64,
    /// The sequence of its own claim; 0: none.
    pub(super) claim: u64,
    pub(super) known_claim: u64,
    pub(super) taken: u64,
    pub(super) serving: bool,
    pub(super) gap_end: Mono,
    pub(super) hearing: Hearing,
    no_gaps: bool,
    pub(super) gateways: [Option<Gateway>; GATEWAYS],
    pub(super) desks: Vec<Desk>,
    pub(super) closing: Option<Closing>,
    pub(super) followed_until: u64,
    pub(super) socket_until: u64,
}

impl Engine {
    pub(super) fn new(name: NodeName, random: &mut SmallRng, now: u64) -> Self {
        let mono_offset = random.random_range(0..1_000 * SECOND) + 1_000_000 * SECOND;
        Self {
            name,
            paused: false,
            backlog: Vec::new(),
            deaf_until: 0,
            epoch: 0,
            mono_offset,
            wall_skew_us: random.random_range(-2_000_000..2_000_000),
            log_error_us: random.random_range(-200_000..200_000),
            claim: 0,
            known_claim: 0,
            taken: 0,
            serving: false,
            gap_end: Mono::ZERO,
            hearing: Hearing::new(Mono::from_micros(mono_offset + now)),
            no_gaps: false,
            gateways: [None; GATEWAYS],
            desks: (0..WORKERS).map(|_| Desk::default()).collect(),
            closing: None,
            followed_until: now,
            socket_until: now,
        }
    }

    pub(super) fn mono(&self, now: u64) -> Mono {
        Mono::from_micros(self.mono_offset + now)
    }

    pub(super) fn wall(&self, now: u64) -> TimeUs {
        moved(now, self.wall_skew_us)
    }

    /// Log time, as well as this engine knows it (rule 8).
    pub(super) fn log_now(&self, now: u64) -> TimeUs {
        moved(now, self.log_error_us)
    }

    /// What the wall clock says at a monotonic time.
    pub(super) fn wall_at(&self, at: Mono, now: u64) -> TimeUs {
        let mono = self.mono(now);
        let wall = self.wall(now);
        if at >= mono { wall.after(at.since(mono)) } else { wall.before(mono.since(at)) }
    }

    /// When the session of this desk is silent for too long (rule 13).
    pub(super) fn deadline(&self, worker: usize, now: u64) -> Option<Mono> {
        let seen = self.desks[worker].seen.as_ref()?;
        let gateway = seen.gateway.and_then(|gateway| self.gateways[gateway].as_ref());
        let node_gap_end = self.node_gap_end();
        Some(silence::deadline(seen.at, gateway, node_gap_end, self.gap_end, self.mono(now), IDLE))
    }

    /// The end of the node's last gap.
    pub(super) const fn node_gap_end(&self) -> Mono {
        if self.no_gaps { Mono::ZERO } else { self.hearing.gap_end() }
    }

    /// Whether the session was silent for too long at that time.
    pub(super) fn is_due(&self, worker: usize, at: Mono, now: u64) -> bool {
        self.deadline(worker, now).is_some_and(|deadline| deadline.after(BEAT_ALLOWANCE) <= at)
    }
}

/// The wall clock of the beginning, moved.
pub(super) fn moved(now: u64, by_us: i64) -> TimeUs {
    TimeUs::from_micros(factory::START.as_micros() + i64::try_from(now).unwrap_or(i64::MAX) + by_us)
}

impl World {
    pub(super) fn start_engine(&mut self, place: usize) {
        let name = self.engines[place].name;
        self.after(50 * MS, Event::Engine(name, ToEngine::EchoTick));
        // A new process reads the claims first.
        self.engines[place].known_claim = self.log.claim().0;
    }

    pub(super) fn reach_engine(&mut self, name: NodeName, message: ToEngine) {
        let place = name.place;
        if self.engines[place].name != name {
            return;
        }
        if self.engines[place].paused {
            return self.engines[place].backlog.push(message);
        }
        match message {
            ToEngine::Claim => self.claim(place),
            ToEngine::EchoTick => {
                self.send_echo(place);
                self.after(SECOND, Event::Engine(name, ToEngine::EchoTick));
            }
            ToEngine::Attempt(attempt) => self.attempt(place, *attempt),
            ToEngine::Batch { gateway, counter, newest_claim, beats } => {
                self.batch(place, gateway, counter, newest_claim, &beats);
            }
            ToEngine::Echo(number) => self.echo_returned(place, number),
            ToEngine::Stored { token, last } => {
                self.desk_stored(place, token, last);
                self.closer_stored(place, token, last);
            }
            ToEngine::ReadDone { token, seq } => self.desk_read(place, token, seq),
            ToEngine::TimeOut(token) => {
                self.desk_timed_out(place, token);
                self.closer_timed_out(place, token);
            }
            ToEngine::GoOn(worker) => self.desk_goes_on(place, worker),
            ToEngine::Followed(seq) => self.followed(place, seq),
        }
    }

    /// A claim on condition of the one before; that it is stored is seen by following (rules 9 and 10).
    fn claim(&mut self, place: usize) {
        let engine = &self.engines[place];
        let (name, before) = (engine.name, engine.known_claim);
        let claim = Message { subject: Subject::Claim, says: Says::Claim(name), expect: Some(before) };
        self.publish(name, vec![claim], self.now + 2 * SECOND, u64::MAX);
    }

    /// What is stored reaches an engine that follows (rule 9).
    fn followed(&mut self, place: usize, seq: u64) {
        let Some(stored) = self.stored(seq) else { return };
        match (stored.subject, stored.says) {
            (_, Says::Claim(owner)) => self.claim_seen(place, seq, owner),
            (Subject::Worker(worker), Says::Event(event)) => {
                let engine = &self.engines[place];
                if engine.serving && !self.is(Mutation::NoFollow) {
                    self.adopt(place, worker, &event, seq);
                }
            }
            (Subject::Claim, Says::Event(_)) => {}
        }
    }

    fn claim_seen(&mut self, place: usize, seq: u64, owner: NodeName) {
        let now = self.now;
        let engine = &mut self.engines[place];
        engine.known_claim = engine.known_claim.max(seq);
        if owner == engine.name {
            let renewed = engine.claim > 0;
            engine.claim = engine.claim.max(seq);
            if !renewed {
                engine.taken = seq;
                self.met.take_overs += 1;
                self.recover(place);
            }
        } else if engine.claim > 0 && seq > engine.claim {
            // Somebody else's: step down. What is in hand is drained to a known outcome.
            (engine.claim, engine.serving, engine.closing) = (0, false, None);
            engine.gap_end = engine.mono(now);
            for worker in 0..WORKERS {
                self.turn_away(place, worker);
            }
        }
    }

    /// Reads the last message of every chain; the take-over's gap ends when it is done.
    fn recover(&mut self, place: usize) {
        let gap_end = self.engines[place].mono(self.now);
        for worker in 0..WORKERS {
            let seq = self.log.last(Subject::Worker(worker));
            let desk = &mut self.engines[place].desks[worker];
            // What it knew as a former owner may be as new, but its beats are not.
            desk.seen = None;
            if desk.hand.is_none() {
                desk.forget();
            }
            match self.stored(seq).map(|stored| stored.says) {
                Some(Says::Event(event)) => self.adopt(place, worker, &event, seq),
                _ => self.engines[place].desks[worker].loaded = true,
            }
        }
        let without = self.is(Mutation::NoTakeOverGap);
        let engine = &mut self.engines[place];
        engine.gap_end = if without { Mono::ZERO } else { gap_end };
        engine.serving = true;
    }

    /// Beats, and the roll call (rule 11).
    fn batch(
        &mut self,
        place: usize,
        from: usize,
        counter: u64,
        claim: Option<u64>,
        beats: &[(usize, uuid::Uuid, u64)],
    ) {
        let now = self.now;
        let without = self.is(Mutation::NoLostGap) || self.is(Mutation::NoReconnectGap);
        let engine = &mut self.engines[place];
        let mono = engine.mono(now);
        let gateway = engine.gateways[from].get_or_insert_with(|| Gateway::new(mono));
        if gateway.heard(mono, counter, claim, engine.taken, IDLE) && !without {
            engine.hearing.lost(mono);
        }
        for &(worker, session, sent) in beats {
            // A beat carries its age, measured by the gateway.
            let at = engine.mono(sent);
            engine.desks[worker].touch(session, at, from);
        }
        if claim.is_some() {
            let name = engine.name;
            self.answer_roll_call(from, name);
        }
    }

    /// What must hold for the engine to hear.
    fn ears(&self, place: usize) -> Ears {
        let engine = &self.engines[place];
        let epoch = if self.is(Mutation::NoReconnectGap) { 0 } else { engine.epoch };
        Ears { connected: self.now >= engine.deaf_until, following: true, epoch }
    }

    pub(super) fn send_echo(&mut self, place: usize) -> u64 {
        let (now, ears) = (self.now, self.ears(place));
        let engine = &mut self.engines[place];
        let number = engine.hearing.send(engine.mono(now), ears);
        let name = engine.name;
        if now >= self.engines[place].deaf_until && now >= self.log_down_until {
            let delay = self.random.random_range(100..2 * MS);
            self.after(delay, Event::Hop(name, ToEngine::Echo(number)));
        }
        number
    }

    fn echo_returned(&mut self, place: usize, number: u64) {
        let now = self.now;
        let (no_gap, ears) = (self.is(Mutation::NoEchoGap), self.ears(place));
        let engine = &mut self.engines[place];
        let mono = engine.mono(now);
        engine.no_gaps = no_gap;
        let returned = engine.hearing.returned(number, mono, ears);
        let Some(mut returned) = returned else { return };
        if no_gap {
            returned = Returned { hears: true, ..returned };
        }
        self.met.gaps += u64::from(!returned.hears);
        self.closer_heard(place, number, returned);
        if returned.hears && self.engines[place].serving {
            self.look_for_silence(place, returned.sent_at);
        }
    }
}
