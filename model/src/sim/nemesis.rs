//! What goes wrong, by chance.

use bus_schemas::directory::Directory;
use rand::Rng;

use super::{
    engine::{Engine, NodeName, ToEngine},
    factory,
    log::Subject,
    world::{ENGINES, Event, GATEWAYS, MS, SECOND, TROUBLE, World},
};

/// A fault, or its end.
pub(super) enum Fault {
    /// The next one, by chance.
    Next,
    /// A suspended engine goes on.
    Resume(NodeName),
    /// Somebody takes over from this engine, unless it owns nothing any more.
    TakeOver(NodeName),
    /// Engines look whether the owner is there.
    Watch,
    /// The connection of somebody breaks, and is there again at once: what was on its way is lost.
    Blink(Side),
    /// Everything works again.
    HealAll,
}

/// Whose connection.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// The owner's.
    Owner,
    /// A gateway's.
    Gateway(usize),
}

impl World {
    pub(super) fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Next => self.next_fault(),
            Fault::Resume(name) => self.resume(name),
            Fault::TakeOver(name) => {
                if self.log.claim().1 == Some(name) {
                    self.take_over_from(name.place);
                }
            }
            Fault::Watch => {
                self.after(2 * SECOND, Event::Fault(Fault::Watch));
                let is_there = |owner: NodeName| self.engines[owner.place].name == owner;
                let owner = self.log.claim().1;
                if !owner.is_some_and(is_there) {
                    self.take_over_from(owner.map_or(0, |owner| owner.place));
                }
            }
            Fault::Blink(Side::Owner) => self.owner_blinks(),
            Fault::Blink(Side::Gateway(place)) => self.lose(|_, from| from == Some(place)),
            Fault::HealAll => self.heal_all(),
        }
    }

    /// No echo need be missed by it: connections are made anew within milliseconds.
    fn owner_blinks(&mut self) {
        let Some(owner) = self.log.claim().1 else { return };
        let engine = &mut self.engines[owner.place];
        if engine.name != owner || engine.paused {
            return;
        }
        // Disconnected, and connected.
        engine.epoch += 2;
        self.lose(|to, _| to == owner);
    }

    fn next_fault(&mut self) {
        if self.now >= TROUBLE {
            return;
        }
        // Gaps put off every close: in calm seeds there are closes beside the faults.
        let pause = self.random.random_range(if self.calm { 12 * SECOND..40 * SECOND } else { SECOND..6 * SECOND });
        self.after(pause, Event::Fault(Fault::Next));
        let owner = self.log.claim().1.map_or(0, |name| name.place);
        let victim = if self.random.random_bool(0.7) { owner } else { self.random.random_range(0..ENGINES) };
        let long = self.random.random_range(200 * MS..9 * SECOND);
        match self.random.random_range(0..100) {
            0..20 => self.suspend(victim, long, true),
            20..35 => self.crash(victim),
            35..50 => self.take_over_from(owner),
            50..65 => {
                let gateway = self.random.random_range(0..GATEWAYS);
                self.cut_until[gateway][victim] = self.now + long;
            }
            65..75 => self.log_down(long),
            75..85 => {
                let engine = &mut self.engines[victim];
                (engine.deaf_until, engine.epoch) = (self.now + long, engine.epoch + 1);
            }
            85..92 => {
                let gateway = self.random.random_range(0..GATEWAYS);
                self.gateways[gateway].blind_until = self.now + long;
            }
            _ if !self.late => self.edit_directory(),
            _ => self.crash(victim),
        }
    }

    /// Stops an engine; the others may suspect it, and take over.
    pub(super) fn suspend(&mut self, place: usize, long: u64, suspected: bool) {
        let name = self.engines[place].name;
        if self.engines[place].paused {
            return;
        }
        self.engines[place].paused = true;
        self.after(long, Event::Fault(Fault::Resume(name)));
        // The others suspect it after a second of silence.
        if suspected && long > SECOND {
            self.after(SECOND + 250 * MS, Event::Fault(Fault::TakeOver(name)));
        }
    }

    fn resume(&mut self, name: NodeName) {
        let engine = &mut self.engines[name.place];
        if engine.name != name || !engine.paused {
            return;
        }
        engine.paused = false;
        // Everything lies in its sockets, in order.
        for message in std::mem::take(&mut engine.backlog) {
            self.after(0, Event::Engine(name, message));
        }
    }

    fn crash(&mut self, place: usize) {
        let name = self.engines[place].name;
        let next = NodeName { place, start: name.start + 1 };
        self.engines[place] = Engine::new(next, &mut self.random, self.now);
        self.start_engine(place);
        self.after(SECOND / 2, Event::Fault(Fault::TakeOver(name)));
    }

    fn take_over_from(&mut self, place: usize) {
        let next = (place + self.random.random_range(1..ENGINES)) % ENGINES;
        let name = self.engines[next].name;
        self.after(MS, Event::Engine(name, ToEngine::Claim));
    }

    /// Nobody reaches the log, and no echo comes back: reconnects are seen by all.
    fn log_down(&mut self, long: u64) {
        self.log_down_until = self.now + long;
        for engine in &mut self.engines {
            (engine.deaf_until, engine.epoch) = (engine.deaf_until.max(self.now + long), engine.epoch + 1);
        }
    }

    fn edit_directory(&mut self) {
        let is_active = self.random.random_bool(0.5);
        self.edits += 1;
        let mut directory: Directory = self.directory.clone();
        factory::edit(&mut directory, self.edits, is_active);
        self.directory = directory;
    }

    fn heal_all(&mut self) {
        self.log_down_until = 0;
        self.cut_until = [[0; ENGINES]; GATEWAYS];
        for gateway in &mut self.gateways {
            gateway.blind_until = 0;
        }
        for place in 0..ENGINES {
            self.engines[place].deaf_until = 0;
            let name = self.engines[place].name;
            self.resume(name);
            // Whatever got lost: messages that were stored and not followed.
            self.catch_up(place);
        }
    }

    /// A follower goes on from where it was, so nothing is missed: it is told of the newest of every subject.
    pub(super) fn catch_up(&mut self, place: usize) {
        let name = self.engines[place].name;
        let workers = (0..super::world::WORKERS).map(Subject::Worker);
        for subject in std::iter::once(Subject::Claim).chain(workers) {
            let seq = self.log.last(subject);
            if seq > 0 {
                self.after(10 * MS, Event::Engine(name, ToEngine::Followed(seq)));
            }
        }
    }
}
