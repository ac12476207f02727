//! Virtual time, the queue of what happens, and the network between processes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bus_schemas::directory::Directory;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{
    Mutation,
    engine::{Engine, NodeName, ToEngine},
    factory,
    gateway::{Gateway, ToGateway},
    log::{Log, Message, Stored},
    nemesis::Fault,
    tablet::{Order, Tablet, ToTablet},
    verdict::Met,
};

pub(super) const ENGINES: usize = 3;
pub(super) const GATEWAYS: usize = 2;
pub(super) const WORKERS: usize = 4;
/// Microseconds in a millisecond and a second.
pub(super) const MS: u64 = 1_000;
pub(super) const SECOND: u64 = 1_000 * MS;
/// Silence that closes a session.
pub(super) const IDLE: Duration = Duration::from_secs(20);
/// The same in microseconds.
pub(super) const IDLE_US: u64 = IDLE.as_secs() * SECOND;
/// So long there are commands and faults.
pub(super) const TROUBLE: u64 = 60 * SECOND;
/// Afterwards everybody is silent, and everything works: two idle times and the price of the last gap.
pub(super) const END: u64 = TROUBLE + 70 * SECOND;
/// What a slow network may add to a publish, beyond the expiry of its attempt: less than the margin.
const LANDS_WITHIN: u64 = 400 * MS;

/// What happens.
pub(super) enum Event {
    /// To the process with this name; a later one does not get it.
    Engine(NodeName, ToEngine),
    /// A message has reached the server, which hands it to the engine behind everything else.
    Hop(NodeName, ToEngine),
    Gateway(usize, ToGateway),
    Tablet(usize, ToTablet),
    Publish(Box<Publish>),
    Read(NodeName, u64, super::log::Subject),
    Fault(Fault),
}

/// A publish on its way to the log.
pub(super) struct Publish {
    pub(super) by: NodeName,
    pub(super) token: u64,
    pub(super) messages: Vec<Message>,
    /// The staged batch it commits is gone after this.
    pub(super) dies_at: u64,
    /// The attempt it is for.
    attempt: Option<(usize, u64)>,
}

/// Everything.
pub(super) struct World {
    pub(super) now: u64,
    pub(super) random: SmallRng,
    pub(super) without: Option<Mutation>,
    /// Faults are far apart.
    pub(super) calm: bool,
    /// Much is lost, and much is slow.
    pub(super) rough: bool,
    /// Connections break when somebody falls silent. Each is a gap, which puts off every close.
    pub(super) blinks: bool,
    /// Publishes may arrive as late as they like; then nothing hangs on beats or the directory.
    pub(super) late: bool,
    pub(super) log: Log,
    pub(super) directory: Directory,
    pub(super) edits: u64,
    pub(super) engines: Vec<Engine>,
    pub(super) gateways: Vec<Gateway>,
    pub(super) tablets: Vec<Tablet>,
    pub(super) orders: Vec<Order>,
    pub(super) met: Met,
    /// The log answers nobody before this.
    pub(super) log_down_until: u64,
    /// Links from gateways to engines that are cut until then.
    pub(super) cut_until: [[u64; ENGINES]; GATEWAYS],
    pub(super) tokens: u64,
    /// When a beat of a worker reached the owner's socket, and of which session.
    pub(super) heard: Vec<Vec<(u64, uuid::Uuid)>>,
    /// Attempts whose publish is stored, and attempts that were answered as without effect.
    pub(super) stored_by: BTreeSet<(usize, u64)>,
    pub(super) without_effect: BTreeSet<(usize, u64)>,
    /// What did not hold while it ran.
    pub(super) wrong: Vec<String>,
    queue: BTreeMap<(u64, u64), Event>,
    numbers: u64,
    pub(super) steps: u64,
}

impl World {
    pub(super) fn new(seed: u64, without: Option<Mutation>) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let (late, rough, calm) = (random.random_bool(0.3), random.random_bool(0.5), random.random_bool(0.6));
        let blinks = random.random_bool(0.25);
        let mut world = Self {
            now: 0,
            without,
            late,
            rough,
            calm,
            blinks,
            log: Log::default(),
            directory: factory::directory(WORKERS),
            edits: 1_000,
            engines: (0..ENGINES).map(|place| Engine::new(NodeName { place, start: 0 }, &mut random, 0)).collect(),
            gateways: (0..GATEWAYS).map(|place| Gateway::new(place, &mut random)).collect(),
            tablets: (0..WORKERS).map(Tablet::new).collect(),
            orders: Vec::new(),
            met: Met::default(),
            log_down_until: 0,
            cut_until: [[0; ENGINES]; GATEWAYS],
            tokens: 0,
            heard: vec![Vec::new(); WORKERS],
            stored_by: BTreeSet::new(),
            without_effect: BTreeSet::new(),
            wrong: Vec::new(),
            queue: BTreeMap::new(),
            numbers: 0,
            steps: 0,
            random,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for place in 0..ENGINES {
            self.start_engine(place);
        }
        self.after(10 * MS, Event::Engine(self.engines[0].name, ToEngine::Claim));
        for gateway in 0..GATEWAYS {
            self.after(MS, Event::Gateway(gateway, ToGateway::RollCall));
        }
        for tablet in 0..WORKERS {
            let at = self.random.random_range(SECOND..3 * SECOND);
            self.after(at, Event::Tablet(tablet, ToTablet::Press));
            self.after(at, Event::Tablet(tablet, ToTablet::Beat));
        }
        self.after(3 * SECOND, Event::Fault(Fault::Next));
        self.after(SECOND, Event::Fault(Fault::Watch));
        self.after(TROUBLE, Event::Fault(Fault::HealAll));
    }

    pub(super) fn is(&self, mutation: Mutation) -> bool {
        self.without == Some(mutation)
    }

    /// Lets everything happen, in order.
    pub(super) fn run(&mut self) {
        while let Some(((at, _), event)) = self.queue.pop_first() {
            if at > END {
                break;
            }
            self.now = at;
            self.steps += 1;
            match event {
                Event::Engine(name, message) => self.reach_engine(name, message),
                Event::Hop(name, message) => self.hop(name, message),
                Event::Gateway(gateway, message) => self.reach_gateway(gateway, message),
                Event::Tablet(tablet, message) => self.reach_tablet(tablet, message),
                Event::Publish(publish) => self.publish_arrives(&publish),
                Event::Read(name, token, subject) => self.read_arrives(name, token, subject),
                Event::Fault(fault) => self.fault(fault),
            }
        }
    }

    pub(super) fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now + delay, event);
    }

    pub(super) fn at(&mut self, at: u64, event: Event) {
        self.numbers += 1;
        self.queue.insert((at, self.numbers), event);
    }

    pub(super) fn token(&mut self) -> u64 {
        self.tokens += 1;
        self.tokens
    }

    /// How long a message takes; `None`: it is lost.
    pub(super) fn network(&mut self) -> Option<u64> {
        let trouble = self.now < TROUBLE;
        let (slow, lost) = if self.rough { (80, 80) } else { (10, 15) };
        match self.random.random_range(0..1_000) {
            chance if trouble && chance < lost => None,
            chance if trouble && chance < lost + slow => Some(self.random.random_range(200 * MS..2 * SECOND)),
            chance if chance < 200 => Some(self.random.random_range(3 * MS..200 * MS)),
            _ => Some(self.random.random_range(200..3 * MS)),
        }
    }

    fn log_answers(&self) -> bool {
        self.now >= self.log_down_until
    }

    /// Sends a publish to the log; `expires` bounds how late it may arrive.
    pub(super) fn publish(&mut self, by: NodeName, messages: Vec<Message>, expires: u64, dies_at: u64) -> u64 {
        self.publish_for(by, messages, expires, dies_at, None)
    }

    /// The same, for an attempt of a command.
    pub(super) fn publish_for(
        &mut self,
        by: NodeName,
        messages: Vec<Message>,
        expires: u64,
        dies_at: u64,
        attempt: Option<(usize, u64)>,
    ) -> u64 {
        let token = self.token();
        let may_be_late = self.late && dies_at == u64::MAX;
        let slow = may_be_late && self.now < TROUBLE && self.random.random_bool(0.05);
        let delay = if slow { Some(self.random.random_range(SECOND..8 * SECOND)) } else { self.network() };
        let arrives = delay.map(|delay| self.now + delay);
        if let Some(at) = arrives.filter(|at| may_be_late || *at <= expires + LANDS_WITHIN) {
            self.at(at, Event::Publish(Box::new(Publish { by, token, messages, dies_at, attempt })));
        }
        token
    }

    fn publish_arrives(&mut self, publish: &Publish) {
        if !self.log_answers() {
            return;
        }
        let answer = if self.now > publish.dies_at { None } else { self.store(publish) };
        self.met.refused += u64::from(answer.is_none());
        if let Some(delay) = self.network() {
            self.after(delay, Event::Engine(publish.by, ToEngine::Stored { token: publish.token, last: answer }));
        }
    }

    fn store(&mut self, publish: &Publish) -> Option<u64> {
        let before = self.log.claim();
        let last = self.log.publish(&publish.messages, self.now)?;
        self.stored_by.extend(publish.attempt);
        self.judge_closes(publish, before.1);
        for (offset, _) in publish.messages.iter().enumerate() {
            let seq = last + 1 + offset as u64 - publish.messages.len() as u64;
            self.deliver(seq);
        }
        Some(last)
    }

    /// Followers get what is stored, in order.
    fn deliver(&mut self, seq: u64) {
        for place in 0..ENGINES {
            let name = self.engines[place].name;
            let delay = self.random.random_range(MS..20 * MS);
            let at = (self.now + delay).max(self.engines[place].followed_until + 1);
            self.engines[place].followed_until = at;
            self.at(at, Event::Engine(name, ToEngine::Followed(seq)));
        }
        for place in 0..GATEWAYS {
            let delay = self.random.random_range(MS..20 * MS);
            let sees = self.now.max(self.gateways[place].blind_until);
            let at = (sees + delay).max(self.gateways[place].followed_until + 1);
            self.gateways[place].followed_until = at;
            self.at(at, Event::Gateway(place, ToGateway::Followed(seq)));
        }
    }

    fn read_arrives(&mut self, name: NodeName, token: u64, subject: super::log::Subject) {
        if !self.log_answers() {
            return;
        }
        let seq = self.log.last(subject);
        if let Some(delay) = self.network() {
            self.after(delay, Event::Engine(name, ToEngine::ReadDone { token, seq }));
        }
    }

    /// A message has reached the server: it goes into the engine's socket behind everything before it.
    fn hop(&mut self, name: NodeName, message: ToEngine) {
        let delay = self.random.random_range(100..MS);
        let engine = &mut self.engines[name.place];
        let at = (self.now + delay).max(engine.socket_until + 1);
        engine.socket_until = at;
        self.at(at, Event::Engine(name, message));
    }

    /// Loses what is on its way through a connection: attempts, batches and echoes to these engines, or from these
    /// gateways.
    pub(super) fn lose(&mut self, is_lost: impl Fn(NodeName, Option<usize>) -> bool) {
        let mut beats_lost = 0;
        self.queue.retain(|_, event| {
            let (Event::Engine(to, message) | Event::Hop(to, message)) = event else { return true };
            match message {
                ToEngine::Attempt(attempt) => !is_lost(*to, Some(attempt.gateway)),
                ToEngine::Echo(_) => !is_lost(*to, None),
                ToEngine::Batch { gateway, beats, .. } if is_lost(*to, Some(*gateway)) => {
                    beats_lost += beats.len() as u64;
                    false
                }
                _ => true,
            }
        });
        self.met.lost_beats += beats_lost;
    }

    /// A stored message.
    pub(super) fn stored(&self, seq: u64) -> Option<Stored> {
        self.log.message(seq).cloned()
    }
}
