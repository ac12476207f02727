//! A simulated gateway: attempts and their finality (rule 7, the product's own `Attempts`), beats and roll calls
//! (rule 11).

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bus_schemas::{
    Command, Effect, RefusalCode, Reply, TimeUs,
    limits::{ATTEMPT_EXPIRY, EXPIRY_MARGIN},
};
use gateway::commands::attempts::{Answer, Attempts, Next, Sent, Verdict};
use rand::{Rng, rngs::SmallRng};
use uuid::Uuid;

use super::{
    Mutation,
    desk::{Attempt, virtual_time},
    engine::{NodeName, ToEngine, moved},
    log::Says,
    tablet::{ToTablet, Told},
    world::{ENGINES, Event, IDLE, MS, SECOND, WORKERS, World},
};

/// A gateway without an answer from the owner, or without the head of the log, for longer sends its workers away.
const WINDOW: u64 = if IDLE.as_secs() / 4 < 3 { IDLE.as_secs() / 4 * SECOND } else { 3 * SECOND };

/// What reaches a gateway.
pub(super) enum ToGateway {
    /// A client's command.
    Order(usize),
    /// The owner's answer to an attempt.
    Reply {
        order: usize,
        number: u32,
        reply: Reply,
    },
    /// No answer came to this attempt.
    NoReply {
        order: usize,
        number: u32,
    },
    /// Send the next attempt.
    Again(usize),
    /// Say it.
    GiveUp(usize, Told),
    /// A worker's beat.
    Beat {
        worker: usize,
        session: Uuid,
    },
    Flush,
    RollCall,
    RollCallAnswered(NodeName),
    Head(u64),
    Followed(u64),
}

/// A gateway.
pub(super) struct Gateway {
    pub(super) id: Uuid,
    log_error_us: i64,
    /// It follows nothing of the log until then.
    pub(super) blind_until: u64,
    pub(super) followed_until: u64,
    followed: u64,
    owner: Option<NodeName>,
    claim: u64,
    answered: HashMap<NodeName, u64>,
    head_at: u64,
    counters: HashMap<NodeName, u64>,
    pending: Vec<(usize, Uuid, u64)>,
    flights: HashMap<usize, Flight>,
    lines: Vec<VecDeque<usize>>,
    link_until: [u64; ENGINES],
}

struct Flight {
    attempts: Attempts,
    sent: Option<Sent>,
}

impl Gateway {
    pub(super) fn new(place: usize, random: &mut SmallRng) -> Self {
        Self {
            id: Uuid::from_u128(9_000 + place as u128),
            log_error_us: random.random_range(-200_000..200_000),
            blind_until: 0,
            followed_until: 0,
            followed: 0,
            owner: None,
            claim: 0,
            answered: HashMap::new(),
            head_at: 0,
            counters: HashMap::new(),
            pending: Vec::new(),
            flights: HashMap::new(),
            lines: vec![VecDeque::new(); WORKERS],
            link_until: [0; ENGINES],
        }
    }

    fn log_now(&self, now: u64) -> TimeUs {
        moved(now, self.log_error_us)
    }

    /// Virtual time at which this gateway's log clock says so.
    fn virtual_at(&self, at: TimeUs) -> u64 {
        virtual_time(TimeUs::from_micros(at.as_micros() - self.log_error_us))
    }

    /// Whether beats are answered with `ok` (rule 11).
    fn is_healthy(&self, now: u64) -> bool {
        let answered = self.owner.and_then(|owner| self.answered.get(&owner));
        answered.is_some_and(|at| now - at <= WINDOW) && now - self.head_at <= WINDOW
    }
}

impl World {
    pub(super) fn reach_gateway(&mut self, place: usize, message: ToGateway) {
        match message {
            ToGateway::Order(order) => {
                let worker = self.orders[order].worker;
                self.gateways[place].lines[worker].push_back(order);
                // One command of a worker at a time.
                if self.gateways[place].lines[worker].len() == 1 {
                    self.take_off(place, order);
                }
            }
            ToGateway::Reply { order, number, reply } => self.answered(place, order, number, Some(reply)),
            ToGateway::NoReply { order, number } => self.answered(place, order, number, None),
            ToGateway::Again(order) => self.fly(place, order),
            ToGateway::GiveUp(order, told) => self.land(place, order, told),
            ToGateway::Beat { worker, session } => self.beat(place, worker, session),
            ToGateway::Flush => self.flush(place, false),
            ToGateway::RollCall => {
                self.flush(place, true);
                self.ask_head(place);
                self.after(SECOND, Event::Gateway(place, ToGateway::RollCall));
            }
            ToGateway::RollCallAnswered(node) => {
                // Being heard is proven from when the roll call was sent; here at most a second before.
                let at = self.now.saturating_sub(5 * MS);
                self.gateways[place].answered.insert(node, at);
            }
            ToGateway::Head(head) => {
                let gateway = &mut self.gateways[place];
                if gateway.followed >= head {
                    gateway.head_at = self.now;
                }
            }
            ToGateway::Followed(seq) => self.gateway_followed(place, seq),
        }
    }

    fn gateway_followed(&mut self, place: usize, seq: u64) {
        let Some(stored) = self.stored(seq) else { return };
        let gateway = &mut self.gateways[place];
        gateway.followed = gateway.followed.max(seq);
        if let Says::Claim(node) = stored.says {
            (gateway.owner, gateway.claim) = (Some(node), seq);
        }
    }

    fn ask_head(&mut self, place: usize) {
        if self.now < self.log_down_until || self.now < self.gateways[place].blind_until {
            return;
        }
        let head = self.log.head();
        let delay = self.random.random_range(20 * MS..60 * MS);
        self.after(delay, Event::Gateway(place, ToGateway::Head(head)));
    }

    fn take_off(&mut self, place: usize, order: usize) {
        let gateway = &self.gateways[place];
        let attempts = Attempts::new(gateway.log_now(self.now), false);
        self.gateways[place].flights.insert(order, Flight { attempts, sent: None });
        self.fly(place, order);
    }

    /// Sends the next attempt to the owner, as soon as one is known.
    fn fly(&mut self, place: usize, order: usize) {
        let now = self.now;
        let gateway = &mut self.gateways[place];
        let log_now = gateway.log_now(now);
        let Some(flight) = gateway.flights.get_mut(&order) else { return };
        let Some(owner) = gateway.owner else {
            if log_now < flight.attempts.deadline() {
                return self.after(50 * MS, Event::Gateway(place, ToGateway::Again(order)));
            }
            let next = flight.attempts.give_up(log_now);
            return self.next_is(place, order, next, None);
        };
        let sent = flight.attempts.send(log_now);
        flight.sent = Some(sent);
        let id = gateway.id;
        self.send_attempt(place, order, owner, sent, id);
        // The product waits until the attempt has surely expired; rule 7 allows to try again at once.
        let until_expired = u64::try_from((ATTEMPT_EXPIRY + EXPIRY_MARGIN).as_micros()).unwrap_or(0);
        let wait = if self.rough { 300 * MS } else { until_expired };
        let number = sent.number;
        self.after(wait, Event::Gateway(place, ToGateway::NoReply { order, number }));
    }

    fn send_attempt(&mut self, place: usize, order: usize, owner: NodeName, sent: Sent, gateway_id: Uuid) {
        let id = self.token();
        let asked = &self.orders[order];
        let command = Command {
            id: asked.id.clone(),
            worker_id: super::factory::worker(asked.worker),
            actor: asked.actor.clone(),
            expires_at_us: sent.expires_at,
            directory_seq: 0,
            gateway_id,
            reported_at_us: None,
            body: asked.body.clone(),
        };
        let attempt =
            Attempt { id, gateway: place, order, number: sent.number, worker: asked.worker, command, arrived_at: 0 };
        if self.is_cut(place, owner) || self.engines[owner.place].name != owner {
            return;
        }
        if let Some(delay) = self.network() {
            self.after(delay, Event::Engine(owner, ToEngine::Attempt(Box::new(attempt))));
        }
    }

    fn is_cut(&self, place: usize, node: NodeName) -> bool {
        self.now < self.cut_until[place][node.place] || self.now < self.engines[node.place].deaf_until
    }

    /// An attempt was answered, or was not.
    fn answered(&mut self, place: usize, order: usize, number: u32, reply: Option<Reply>) {
        let now = self.now;
        let at_once = self.is(Mutation::FinalAtOnce);
        let gateway = &mut self.gateways[place];
        let log_now = gateway.log_now(now);
        let Some(flight) = gateway.flights.get_mut(&order) else { return };
        // An answer that comes after its time is not waited for any more.
        let Some(sent) = flight.sent.take_if(|sent| sent.number == number) else { return };
        let (answer, told) = judge(reply);
        let mut next = flight.attempts.answered(sent, answer, log_now);
        if at_once && matches!(answer, Answer::NoEffect | Answer::StillLive) {
            next = Next::Final;
        }
        // A gateway whose client hung up sends no more (rule 7).
        if self.orders[order].hangs_up && next != Next::Final {
            next = flight.attempts.give_up(log_now);
        }
        self.next_is(place, order, next, told);
    }

    fn next_is(&mut self, place: usize, order: usize, next: Next, told: Option<Told>) {
        let gateway = &self.gateways[place];
        match next {
            Next::Final => self.land(place, order, told.unwrap_or(Told::Unknown)),
            Next::Again { at } => {
                let at = gateway.virtual_at(at).max(self.now);
                self.at(at, Event::Gateway(place, ToGateway::Again(order)));
            }
            Next::GiveUp { at, verdict } => {
                let told = match verdict {
                    Verdict::OutcomeUnknown => Told::Unknown,
                    Verdict::NoOwner | Verdict::Busy => Told::NoEffect,
                };
                let at = gateway.virtual_at(at).max(self.now);
                self.at(at, Event::Gateway(place, ToGateway::GiveUp(order, told)));
            }
        }
    }

    /// The client is told, and the worker's next command has its turn.
    fn land(&mut self, place: usize, order: usize, told: Told) {
        let worker = self.orders[order].worker;
        self.gateways[place].flights.remove(&order);
        self.gateways[place].lines[worker].pop_front();
        self.after(MS, Event::Tablet(worker, ToTablet::Told(order, told)));
        if let Some(&next) = self.gateways[place].lines[worker].front() {
            self.take_off(place, next);
        }
    }

    fn beat(&mut self, place: usize, worker: usize, session: Uuid) {
        let now = self.now;
        let gateway = &mut self.gateways[place];
        let ok = gateway.is_healthy(now);
        if ok {
            gateway.pending.push((worker, session, now));
            if gateway.pending.len() == 1 {
                self.after(100 * MS, Event::Gateway(place, ToGateway::Flush));
            }
        }
        self.after(MS, Event::Tablet(worker, ToTablet::BeatAnswered(ok)));
    }

    /// A batch to the owner; the once-a-second one goes to every node.
    fn flush(&mut self, place: usize, roll_call: bool) {
        let beats = std::mem::take(&mut self.gateways[place].pending);
        let owner = self.gateways[place].owner;
        for node in 0..ENGINES {
            let name = self.engines[node].name;
            let is_owner = owner == Some(name);
            if !(roll_call || is_owner && !beats.is_empty()) {
                continue;
            }
            let gateway = &mut self.gateways[place];
            let counter = gateway.counters.entry(name).or_insert(0);
            *counter += 1;
            let beats = if is_owner { beats.clone() } else { Vec::new() };
            let newest_claim = roll_call.then_some(gateway.claim);
            let counter = *counter;
            if self.is_cut(place, name) || self.now < self.log_down_until {
                continue;
            }
            if self.log.claim().1 == Some(name) {
                for &(worker, session, _) in &beats {
                    self.heard[worker].push((self.now, session));
                }
            }
            let delay = self.random.random_range(100..60 * MS);
            let at = (self.now + delay).max(self.gateways[place].link_until[node] + 1);
            self.gateways[place].link_until[node] = at;
            self.at(at, Event::Hop(name, ToEngine::Batch { gateway: place, counter, newest_claim, beats }));
        }
    }

    pub(super) fn answer_roll_call(&mut self, gateway: usize, node: NodeName) {
        if !self.is_cut(gateway, node) {
            let delay = self.random.random_range(100..5 * MS);
            self.after(delay, Event::Gateway(gateway, ToGateway::RollCallAnswered(node)));
        }
    }
}

/// What a reply means for finality, and what is said when it is final; as the gateway's `judge`.
fn judge(reply: Option<Reply>) -> (Answer, Option<Told>) {
    match reply {
        None | Some(Reply::Unknown) => (Answer::Unknown, None),
        Some(Reply::Done(done)) if done.effect == Effect::Stored => (Answer::Stored, Some(Told::Ok(done.seq))),
        Some(Reply::Done(_)) => (Answer::NoEffect, Some(Told::Nothing)),
        Some(Reply::Refused(refusal)) if refusal.code == RefusalCode::SessionStillLive => {
            (Answer::StillLive, Some(Told::Refused))
        }
        Some(Reply::Refused(_)) => (Answer::NoEffect, Some(Told::Refused)),
        // A tablet's and an owner's wall clock differ: asked again within the range that `Attempts` allows.
        Some(Reply::Wait { until_us }) => (Answer::Wait(until_us.before(Duration::ZERO)), None),
        Some(Reply::NotOwner | Reply::Expired) => (Answer::Elsewhere, None),
        Some(Reply::Busy { .. }) => (Answer::Busy, None),
        Some(Reply::LogFull | Reply::Poison { .. }) => (Answer::NoEffect, Some(Told::NoEffect)),
    }
}
