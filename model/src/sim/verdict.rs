//! What must hold after a run.

use std::collections::HashMap;

use bus_schemas::{CloseCause, EventKind, SessionEvent, WorkerState};
use engine::session;

use super::{
    engine::NodeName,
    log::{Message, Says, Subject},
    tablet::Told,
    world::{IDLE_US, Publish, SECOND, WORKERS, World},
};

/// An echo and a commit may take this long: a beat that comes meanwhile loses the race.
const RACE: u64 = 4 * SECOND + SECOND / 2;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Events in the log.
    pub events: u64,
    /// Commands of clients.
    pub commands: u64,
    /// Publishes whose answer did not come.
    pub unknown: u64,
    /// Publishes that the log refused.
    pub refused: u64,
    /// Batches of closes that the log refused.
    pub refused_closes: u64,
    /// Batches of closes that were given up at the second look.
    pub aborted: u64,
    /// Answers from the ring.
    pub repeats: u64,
    /// Answers "nothing to change".
    pub nothing: u64,
    /// Partitions taken.
    pub take_overs: u64,
    /// Echoes that told of a gap.
    pub gaps: u64,
    /// Beats answered `ok` that were lost with a connection.
    pub lost_beats: u64,
    /// Sessions closed for silence.
    pub idle_closes: u64,
    /// Commands of which the client was never told more than that the outcome is unknown.
    pub never_told: u64,
    /// Steps of the simulation.
    pub steps: u64,
}

impl std::ops::AddAssign for Met {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.commands += other.commands;
        self.unknown += other.unknown;
        self.refused += other.refused;
        self.refused_closes += other.refused_closes;
        self.aborted += other.aborted;
        self.repeats += other.repeats;
        self.nothing += other.nothing;
        self.take_overs += other.take_overs;
        self.gaps += other.gaps;
        self.lost_beats += other.lost_beats;
        self.idle_closes += other.idle_closes;
        self.never_told += other.never_told;
        self.steps += other.steps;
    }
}

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub Vec<String>);

impl World {
    /// Looks at a batch at the moment it is stored: whether a close in it was allowed.
    pub(super) fn judge_closes(&mut self, publish: &Publish, owner: Option<NodeName>) {
        for Message { subject, says, expect, .. } in &publish.messages {
            let (Subject::Worker(worker), Says::Event(event)) = (subject, says) else { continue };
            if !matches!(event.kind, EventKind::Closed { cause: CloseCause::Idle, .. }) {
                continue;
            }
            self.met.idle_closes += 1;
            if owner != Some(publish.by) {
                self.wrong.push(format!("{:?} closed worker {worker} by a stale claim at {}", publish.by, self.now));
            }
            let of_session =
                |(at, session): &&(u64, uuid::Uuid)| *session == event.session_id.0 && at + RACE <= self.now;
            if let Some((at, _)) = self.heard[*worker].iter().rev().find(of_session)
                && self.now - at < IDLE_US
            {
                self.wrong.push(format!("worker {worker} was heard at {at} and closed at {}", self.now));
            }
            let before = expect.and_then(|seq| self.log.message(seq));
            let says_proof = before.and_then(|before| match &before.says {
                Says::Event(event) => Some(event.state.session.last_proof_at_us == event.at_us),
                Says::Claim(_) => None,
            });
            if let (Some(before), Some(true)) = (before, says_proof)
                && self.now + SECOND < before.at + IDLE_US
            {
                self.wrong
                    .push(format!("worker {worker} did something at {} and was closed at {}", before.at, self.now));
            }
        }
    }
}

/// Says what did not hold, or what the run came to.
pub(super) fn judge(world: &World) -> Result<Met, Failure> {
    let mut wrong = world.wrong.clone();
    let chains: Vec<Vec<(u64, &SessionEvent)>> = (0..WORKERS).map(|worker| chain(world, worker)).collect();
    for (worker, chain) in chains.iter().enumerate() {
        judge_chain(worker, chain, &mut wrong);
    }
    judge_orders(world, &chains, &mut wrong);
    for (order, _) in world.stored_by.intersection(&world.without_effect) {
        wrong.push(format!("an attempt of c{order} was answered as without effect, and is stored"));
    }
    if !world.engines.iter().any(|engine| engine.serving && world.log.claim().1 == Some(engine.name)) {
        wrong.push("nobody serves in the end".into());
    }
    if !wrong.is_empty() {
        return Err(Failure(wrong));
    }
    let never_told = world.orders.iter().filter(|order| order.told.iter().all(|told| *told == Told::Unknown)).count();
    let events = chains.iter().map(Vec::len).sum::<usize>();
    Ok(Met {
        events: events as u64,
        commands: world.orders.len() as u64,
        never_told: never_told as u64,
        steps: world.steps,
        ..world.met
    })
}

fn chain(world: &World, worker: usize) -> Vec<(u64, &SessionEvent)> {
    let of_worker = |(seq, stored): (u64, &'_ super::log::Stored)| -> Option<u64> {
        (stored.subject == Subject::Worker(worker)).then_some(seq)
    };
    let seqs = (1..).zip(&world.log.stored).filter_map(of_worker);
    seqs.filter_map(|seq| match &world.log.message(seq)?.says {
        Says::Event(event) => Some((seq, &**event)),
        Says::Claim(_) => None,
    })
    .collect()
}

/// Versions without holes, one active session, intervals that adjoin: every rule of the core at every event.
fn judge_chain(worker: usize, chain: &[(u64, &SessionEvent)], wrong: &mut Vec<String>) {
    let mut state: Option<WorkerState> = None;
    for (seq, event) in chain {
        if let Err(broken) = session::fold_check(state.as_ref(), event) {
            return wrong.push(format!("worker {worker}, message {seq}: {broken:?}"));
        }
        state = Some(session::apply(state.as_ref(), event, *seq));
    }
    if state.is_some_and(|state| state.session.is_active()) {
        wrong.push(format!("worker {worker} is silent, and was not closed"));
    }
}

/// Each command that was answered ok is stored once, each refused one never, each unknown one at most once.
fn judge_orders(world: &World, chains: &[Vec<(u64, &SessionEvent)>], wrong: &mut Vec<String>) {
    let mut effects: HashMap<(usize, &str), Vec<u64>> = HashMap::new();
    for (worker, chain) in chains.iter().enumerate() {
        for (seq, event) in chain {
            // The first half of a replace is no effect of its own.
            if !matches!(event.kind, EventKind::Closed { cause: CloseCause::Replaced, .. }) {
                effects.entry((worker, event.command_id.as_str())).or_default().push(*seq);
            }
        }
    }
    for order in &world.orders {
        let seqs = effects.get(&(order.worker, order.id.as_str())).cloned().unwrap_or_default();
        let mut say = |what: &str| {
            wrong.push(format!("{} of worker {}: {what}: {seqs:?}, {:?}", order.id, order.worker, order.told))
        };
        if seqs.len() > 1 {
            say("took effect twice");
        }
        for told in &order.told {
            match told {
                Told::Ok(seq) if seqs != [*seq] => say("answered ok"),
                Told::Refused | Told::Nothing if !seqs.is_empty() => say("answered as without effect"),
                _ => {}
            }
        }
        // After "no effect" the client may have asked again.
        if order.told.last() == Some(&Told::NoEffect) && !order.told.contains(&Told::Unknown) && !seqs.is_empty() {
            say("said to have had no effect");
        }
    }
}
