//! Simulated workers at their tablets: they press, beat, go silent and come back.

use bus_schemas::{Actor, CommandBody, CommandId, SessionId, command::AbandonReason};
use rand::Rng;

use super::{
    factory,
    gateway::ToGateway,
    nemesis::{Fault, Side},
    world::{Event, GATEWAYS, IDLE_US, MS, SECOND, TROUBLE, World},
};

/// How often a worker's tablet beats.
const BEAT_EVERY: u64 = 3 * SECOND;
/// Commands of one worker that wait for an answer: a double press, or somebody else's at the same time.
const OPEN_MAX: usize = 3;
/// How often a client asks again with the same command id.
const REPEATS: u32 = 3;

/// What reaches a tablet.
pub(super) enum ToTablet {
    /// The worker presses something.
    Press,
    /// The tablet beats.
    Beat,
    BeatAnswered(bool),
    /// The worker comes back after a silence.
    Back,
    Told(usize, Told),
    /// The same command again.
    Repeat(usize),
}

/// What a client is told of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Stored, by the event at this sequence.
    Ok(u64),
    Nothing,
    Refused,
    /// It had no effect.
    NoEffect,
    Unknown,
}

/// A command of a client.
pub(super) struct Order {
    pub(super) id: CommandId,
    pub(super) worker: usize,
    pub(super) actor: Actor,
    pub(super) body: CommandBody,
    /// What was said of it, in order.
    pub(super) told: Vec<Told>,
    /// The client waits for one attempt only, and then hears nothing more.
    pub(super) hangs_up: bool,
    /// How often the client asked again.
    pub(super) asked_again: u32,
}

/// A worker's tablet.
pub(super) struct Tablet {
    gateway: usize,
    silent_until: u64,
    /// Commands that have not been answered for good.
    open: usize,
}

impl Tablet {
    pub(super) const fn new(worker: usize) -> Self {
        Self { gateway: worker % GATEWAYS, silent_until: 0, open: 0 }
    }
}

impl World {
    pub(super) fn reach_tablet(&mut self, worker: usize, message: ToTablet) {
        match message {
            ToTablet::Press => self.press(worker),
            ToTablet::Beat => {
                self.after(BEAT_EVERY, Event::Tablet(worker, ToTablet::Beat));
                self.tablet_beats(worker);
            }
            ToTablet::Back => self.tablet_beats(worker),
            ToTablet::BeatAnswered(true) => {}
            // 503: the next beat goes elsewhere.
            ToTablet::BeatAnswered(false) => {
                self.tablets[worker].gateway = (self.tablets[worker].gateway + 1) % GATEWAYS;
            }
            ToTablet::Told(order, told) => self.told(order, told),
            ToTablet::Repeat(order) => self.send_order(order),
        }
    }

    fn session_of(&self, worker: usize) -> Option<SessionId> {
        self.log
            .state(worker)
            .map(|state| state.session)
            .filter(|session| session.is_active())
            .map(|session| session.id)
    }

    fn press(&mut self, worker: usize) {
        if self.now >= TROUBLE {
            return;
        }
        let pause = self.random.random_range(300 * MS..3 * SECOND);
        self.after(pause, Event::Tablet(worker, ToTablet::Press));
        if self.now < self.tablets[worker].silent_until || self.tablets[worker].open >= OPEN_MAX {
            return;
        }
        if self.random.random_bool(0.08) {
            // Often one that ends when the session is about to be closed.
            let about_idle = IDLE_US..IDLE_US + 3 * SECOND;
            let span = if self.random.random_bool(0.7) { about_idle } else { 2 * SECOND..2 * IDLE_US };
            let silence = self.random.random_range(span);
            self.last_sign(worker);
            self.tablets[worker].silent_until = self.now + silence;
            return self.after(silence, Event::Tablet(worker, ToTablet::Back));
        }
        // Nothing may hang on beats where publishes arrive as late as they like.
        let (session, expired) = (self.session_of(worker), !self.late);
        let body = factory::press(&mut self.random, session, expired);
        let own = !matches!(
            body,
            CommandBody::AdminClose { .. } | CommandBody::Abandon { reason: AbandonReason::Expired, .. }
        );
        let by_admin = matches!(body, CommandBody::AdminClose { .. }) || own && self.random.random_bool(0.05);
        let actor = if by_admin { Actor::Admin("noa".into()) } else { Actor::Worker(factory::worker(worker)) };
        let number = self.orders.len();
        let Ok(id) = format!("c{number}").parse() else { return };
        self.tablets[worker].open += 1;
        let hangs_up = self.random.random_bool(0.05);
        if hangs_up && self.random.random_bool(0.5) {
            // The tablet died with it.
            self.tablets[worker].silent_until = TROUBLE;
        }
        self.orders.push(Order { id, worker, actor, body, told: Vec::new(), hangs_up, asked_again: 0 });
        self.send_order(number);
    }

    /// A last beat before a silence, which a breaking connection may take with it: through another gateway now and then,
    /// as the worker was sent away from the one before.
    fn last_sign(&mut self, worker: usize) {
        if !self.blinks || self.random.random_bool(0.5) {
            return;
        }
        if self.random.random_bool(0.5) {
            self.tablets[worker].gateway = (self.tablets[worker].gateway + 1) % GATEWAYS;
        }
        self.tablet_beats(worker);
        let side = if self.random.random_bool(0.5) { Side::Owner } else { Side::Gateway(self.tablets[worker].gateway) };
        let soon = self.random.random_range(0..250 * MS);
        self.after(soon, Event::Fault(Fault::Blink(side)));
    }

    fn send_order(&mut self, order: usize) {
        let worker = self.orders[order].worker;
        // Now and then through another gateway than the beats, also for a double press.
        let elsewhere = self.random.random_bool(0.4);
        let gateway = (self.tablets[worker].gateway + usize::from(elsewhere)) % GATEWAYS;
        self.after(MS, Event::Gateway(gateway, ToGateway::Order(order)));
    }

    fn told(&mut self, order: usize, told: Told) {
        let at = &mut self.orders[order];
        at.told.push(told);
        // Also a command that was stored is repeated now and then: its answer must be the same.
        let again = match told {
            Told::NoEffect | Told::Unknown => 0.9,
            Told::Ok(_) => 0.05,
            // Refused, and then sent again, it would be decided anew.
            Told::Nothing | Told::Refused => 0.0,
        };
        if at.asked_again < REPEATS && !at.hangs_up && self.random.random_bool(again) {
            self.orders[order].asked_again += 1;
            let pause = self.random.random_range(10 * MS..2 * SECOND);
            let worker = self.orders[order].worker;
            self.after(pause, Event::Tablet(worker, ToTablet::Repeat(order)));
        } else {
            let worker = at.worker;
            self.tablets[worker].open -= 1;
        }
    }

    fn tablet_beats(&mut self, worker: usize) {
        if self.now >= TROUBLE || self.now < self.tablets[worker].silent_until {
            return;
        }
        let Some(session) = self.session_of(worker) else { return };
        let gateway = self.tablets[worker].gateway;
        self.after(MS, Event::Gateway(gateway, ToGateway::Beat { worker, session: session.0 }));
    }
}
