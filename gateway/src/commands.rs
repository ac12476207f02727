//! Commands to the owner of a worker's session: one at a time per worker, tried until a final answer or the deadline.
//!
//! Protocol rules 6 (one address), 7 (attempts, finality; the pure part is [`attempts`]) and 11 (a worker's command
//! also travels as a beat).

pub mod attempts;
mod flight;
mod queue;

use std::{sync::Arc, time::Duration};

use bus_schemas::{Actor, Command, CommandBody, CommandId, Done, Partition, Refusal, Reply, TimeUs, WorkerId};
use uuid::Uuid;

use crate::{
    commands::{
        attempts::{Answer, Attempts, COMMAND_DEADLINE, Next, Verdict},
        flight::Flight,
        queue::WorkerQueue,
    },
    error::{ApiError, Code},
    live_view::Claims,
    wire::{Exchanged, Wire},
};
use bus_schemas::{
    limits::{ATTEMPT_EXPIRY, EXPIRY_MARGIN},
    reply::Effect,
};

/// How long an answer is waited for: until the attempt has surely expired.
const ANSWER_WITHIN: Duration = ATTEMPT_EXPIRY.saturating_add(EXPIRY_MARGIN);
/// How often it is looked whether log time or the connection is back.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The answer of a node that has handed a partition over was sent before its claim moved: it is there within this, or
/// the node was taken from, and never answers.
const LAST_WORD: Duration = Duration::from_millis(50);

/// A command as a handler gives it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Names it.
    pub id: CommandId,
    /// For whose chain.
    pub worker: WorkerId,
    /// Who sends it.
    pub actor: Actor,
    /// When the person pressed, by the client's clock.
    pub reported_at: Option<TimeUs>,
    /// What to do.
    pub body: CommandBody,
    /// The directory sequence this gateway has seen.
    pub directory_seq: u64,
    /// W3C trace context.
    pub traceparent: String,
}

/// Why a command was not done.
#[derive(Clone, Debug, PartialEq)]
pub enum NotDone {
    /// Refused by the rules about sessions.
    Refused(Box<Refusal>),
    /// No owner in time; it had no effect.
    NoOwner,
    /// The owner, or this worker's line, had no room; it had no effect.
    Busy,
    /// The log is full; it had no effect.
    LogFull,
    /// Whether it had an effect is not known; every attempt has expired.
    OutcomeUnknown,
    /// It made the owner's actor panic twice; it had no effect.
    Poison(Box<str>),
}

impl From<NotDone> for ApiError {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::Refused(refusal) => (&*refusal).into(),
            NotDone::NoOwner => Code::NoOwner.into(),
            NotDone::Busy => Code::Busy.into(),
            NotDone::LogFull => Code::LogFull.into(),
            NotDone::OutcomeUnknown => Code::OutcomeUnknown.into(),
            NotDone::Poison(trace_id) => Self::internal(&trace_id),
        }
    }
}

/// Sends commands. Clones share the workers' lines.
#[derive(Clone)]
pub struct Commands {
    wire: Arc<dyn Wire>,
    claims: Arc<Claims>,
    queue: WorkerQueue,
    gateway_id: Uuid,
}

impl Commands {
    /// Sends through `wire` to the owners that `claims` knows.
    #[must_use]
    pub fn new(wire: Arc<dyn Wire>, claims: Arc<Claims>, gateway_id: Uuid) -> Self {
        Self { wire, claims, queue: WorkerQueue::default(), gateway_id }
    }

    /// Does a command, in the worker's turn. Dropped before its end it sends no more attempts, and the worker's turn
    /// stays taken until those sent have expired (protocol rule 7).
    ///
    /// # Errors
    /// See [`NotDone`].
    pub async fn send(&self, order: &Order) -> Result<Box<Done>, NotDone> {
        let started = tokio::time::Instant::now();
        let answer = self.in_turn(order).await;
        crate::telemetry::command(order.body.name(), outcome_name(&answer), started.elapsed());
        answer
    }

    async fn in_turn(&self, order: &Order) -> Result<Box<Done>, NotDone> {
        let arrived = tokio::time::Instant::now();
        let deadline = arrived + COMMAND_DEADLINE;
        let turn = tokio::time::timeout_at(deadline, self.queue.turn(order.worker)).await;
        // Nothing was sent.
        let Ok(Ok(turn)) = turn else { return Err(NotDone::Busy) };
        let Some(log_now) = self.log_time(deadline).await else { return Err(NotDone::NoOwner) };
        let waited = arrived.elapsed();
        let attempts = Attempts::new(log_now.before(waited), matches!(order.body, CommandBody::Look));
        self.fly(order, Flight::new(turn, attempts, log_now)).await
    }

    async fn log_time(&self, deadline: tokio::time::Instant) -> Option<TimeUs> {
        loop {
            if let Some(now) = self.wire.log_now() {
                return Some(now);
            }
            if tokio::time::Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn fly(&self, order: &Order, mut flight: Flight) -> Result<Box<Done>, NotDone> {
        let partition = Partition::of(order.worker);
        loop {
            let Some(node_id) = self.owner(partition, &flight).await else {
                return Err(give_up(&mut flight).await);
            };
            let sent = flight.send();
            let command = self.command(order, sent.expires_at);
            let asked = self.wire.exchange(&node_id, &command, &order.traceparent, ANSWER_WITHIN);
            let exchanged = tokio::select! {
                biased;
                exchanged = asked => exchanged,
                // Unknown, like any answer that does not come.
                () = self.overtaken(partition, &node_id) => Exchanged::Nothing,
            };
            let (answer, result) = judge(exchanged);
            match flight.answered(sent, answer) {
                Next::Final => {
                    flight.land();
                    return result.unwrap_or(Err(NotDone::OutcomeUnknown));
                }
                Next::Again { at } => {
                    let moved = tokio::select! {
                        () = flight.sleep_until(at) => false,
                        () = self.moved(partition, |owner| owner != Some(&*node_id)) => true,
                    };
                    // Another node is asked at once, and as often as if it were the first.
                    if moved {
                        flight.moved();
                    }
                }
                Next::GiveUp { at, verdict } => {
                    flight.sleep_until(at).await;
                    // A full log and a poisoned command say more than that there was no final answer.
                    return Err(match (verdict, result) {
                        (Verdict::NoOwner, Some(Err(why @ (NotDone::LogFull | NotDone::Poison(_))))) => why,
                        (verdict, _) => verdict.into(),
                    });
                }
            }
        }
    }

    /// The owner, as soon as there is one and a connection; `None` at the deadline.
    async fn owner(&self, partition: Partition, flight: &Flight) -> Option<Box<str>> {
        let mut changed = self.claims.changes();
        loop {
            changed.borrow_and_update();
            let connected = self.wire.connected();
            if connected && let Some(node) = self.claims.owner(partition) {
                return Some(node.id().into());
            }
            let left = flight.left();
            if left.is_zero() {
                return None;
            }
            let pause = if connected { left } else { left.min(LOOK_AGAIN) };
            let _ = tokio::time::timeout(pause, changed.changed()).await;
        }
    }

    /// Returns when another node has this one's partition, and has had it for long enough.
    async fn overtaken(&self, partition: Partition, node_id: &str) {
        self.moved(partition, |owner| owner.is_some_and(|owner| owner != node_id)).await;
        tokio::time::sleep(LAST_WORD).await;
    }

    /// Returns when the owner of a partition is such.
    async fn moved(&self, partition: Partition, is_so: impl Fn(Option<&str>) -> bool) {
        let mut changed = self.claims.changes();
        loop {
            changed.borrow_and_update();
            let owner = self.claims.owner(partition);
            // No claims come any more when the process ends.
            if is_so(owner.as_ref().map(|node| node.id())) || changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn command(&self, order: &Order, expires_at_us: TimeUs) -> Command {
        Command {
            id: order.id.clone(),
            worker_id: order.worker,
            actor: order.actor.clone(),
            expires_at_us,
            directory_seq: order.directory_seq,
            gateway_id: self.gateway_id,
            reported_at_us: order.reported_at,
            body: order.body.clone(),
        }
    }
}

async fn give_up(flight: &mut Flight) -> NotDone {
    match flight.give_up() {
        Next::GiveUp { at, verdict } => {
            flight.sleep_until(at).await;
            verdict.into()
        }
        Next::Final | Next::Again { .. } => NotDone::OutcomeUnknown,
    }
}

impl From<Verdict> for NotDone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NoOwner => Self::NoOwner,
            Verdict::Busy => Self::Busy,
            Verdict::OutcomeUnknown => Self::OutcomeUnknown,
        }
    }
}

/// What an exchange means for finality, and what is said when it is final.
fn judge(exchanged: Exchanged) -> (Answer, Option<Result<Box<Done>, NotDone>>) {
    let reply = match exchanged {
        Exchanged::Answered(reply) => reply,
        Exchanged::Nobody => return (Answer::Elsewhere, None),
        Exchanged::Nothing => return (Answer::Unknown, None),
    };
    match reply {
        Reply::Done(done) if done.effect == Effect::Stored => (Answer::Stored, Some(Ok(done))),
        Reply::Done(done) => (Answer::NoEffect, Some(Ok(done))),
        Reply::Refused(refusal) if refusal.code == bus_schemas::RefusalCode::SessionStillLive => {
            (Answer::StillLive, Some(Err(NotDone::Refused(refusal))))
        }
        Reply::Refused(refusal) => (Answer::NoEffect, Some(Err(NotDone::Refused(refusal)))),
        Reply::LogFull => (Answer::NoEffect, Some(Err(NotDone::LogFull))),
        Reply::Poison { trace_id } => (Answer::NoEffect, Some(Err(NotDone::Poison(trace_id)))),
        Reply::Wait { until_us } => (Answer::Wait(until_us), None),
        Reply::NotOwner | Reply::Expired => (Answer::Elsewhere, None),
        Reply::Busy { why } => {
            tracing::debug!(why = &*why, "the owner is busy");
            (Answer::Busy, None)
        }
        Reply::Unknown => (Answer::Unknown, None),
    }
}

fn outcome_name(answer: &Result<Box<Done>, NotDone>) -> &'static str {
    match answer {
        Ok(done) if done.effect == Effect::Stored => "stored",
        Ok(_) => "nothing",
        Err(NotDone::Refused(_)) => "refused",
        Err(NotDone::NoOwner) => "no-owner",
        Err(NotDone::Busy) => "busy",
        Err(NotDone::LogFull) => "log-full",
        Err(NotDone::OutcomeUnknown) => "unknown",
        Err(NotDone::Poison(_)) => "poison",
    }
}

#[cfg(test)]
#[path = "commands/tests.rs"]
mod tests;
