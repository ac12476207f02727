//! Afterwards: what must be true of the log, of Postgres, of what viewers hold, and of who was closed.

use std::collections::BTreeMap;

use andon_nats::{Bus, Followed, Follower, NatsConfig, Start};
use bus_schemas::{Claim, CloseCause, EventKind, TakenWhy, subject};

use super::crew::Sitter;
use super::stage::{BEAT_EVERY, IDLE};
use crate::harness::{until_some, us};
use crate::survival::history::{History, Outcome};
use crate::survival::keeper::Beats;
use crate::survival::ledger::Ledger;

/// Log time, the machine's clock and rounding to milliseconds differ by less.
const ROUNDING_US: i64 = 500_000;

/// How many claims of the log took a partition from a node that was dead or silent.
pub async fn take_overs(config: &NatsConfig) -> usize {
    let bus = Bus::connect(config, "persistence").await.expect("nats-server answers");
    let mut follower = Follower::new(bus, subject::STREAM_LOG, vec![subject::CLAIMS.to_owned()], Start::Sequence(1));
    let mut count = 0;
    loop {
        match follower.next().await {
            Followed::Message(message) => {
                let claim: Claim = message.decode().expect("a claim");
                let why = claim.taken.map(|taken| taken.why);
                count += usize::from(matches!(why, Some(TakenWhy::NoResponder | TakenWhy::Silent)));
            }
            Followed::CaughtUp => return count,
            Followed::Interrupted(_) => {}
        }
    }
}

/// The nats-server that leads the log.
pub async fn leader(config: &NatsConfig) -> String {
    let bus = Bus::connect(config, "persistence").await.expect("nats-server answers");
    until_some("the log has a leader", async || {
        let told = bus.client().request("$JS.API.STREAM.INFO.ANDON", "".into()).await.ok()?;
        let told: serde_json::Value = serde_json::from_slice(&told.payload).ok()?;
        told["cluster"]["leader"].as_str().map(str::to_owned)
    })
    .await
}

/// Everybody who fell silent was closed for it, and once.
#[track_caller]
pub fn everybody_silent_was_closed(ledger: &Ledger, silent: &[Sitter]) {
    for Sitter { session, beats } in silent {
        let close = ledger.close_of(session).unwrap_or_else(|| panic!("{session} was never closed: {beats:?}"));
        let idle = matches!(close.kind, EventKind::Closed { cause: CloseCause::Idle, .. });
        assert!(idle, "{session} fell silent and was closed otherwise: {close:?}");
    }
}

/// Nobody who kept a session was closed.
#[track_caller]
pub fn nobody_kept_was_closed(ledger: &Ledger, kept: &[Sitter]) {
    for Sitter { session, beats } in kept {
        let close = ledger.close_of(session);
        assert!(close.is_none(), "{session} was kept and closed: {close:?}, {beats:?}");
    }
}

/// No session was closed for silence before its time was over since the last sign of life that was accepted: a beat that
/// was answered `ok`, or a command that was done. Beats that a gateway took with it when it was broken do not count.
#[track_caller]
pub fn nobody_was_closed_early<'a>(
    ledger: &Ledger,
    history: &History,
    beats: impl Iterator<Item = &'a Beats>,
    beats_lost: &[i64],
) -> usize {
    let mut signs: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (session, at) in beats.flat_map(|beats| &beats.signs) {
        if !beats_lost.iter().any(|lost| (lost - us(BEAT_EVERY)..*lost + us(BEAT_EVERY)).contains(at)) {
            signs.entry(session.clone()).or_default().push(*at);
        }
    }
    let done: BTreeMap<_, _> = history
        .entries
        .iter()
        .filter(|entry| matches!(entry.outcome, Outcome::Ok(_)))
        .map(|entry| ((entry.worker.as_str(), entry.key.as_str()), entry.sent_us))
        .collect();
    for (_, event) in &ledger.events {
        let worker = event.state.session.worker_id.to_string();
        if let Some(sent) = done.get(&(worker.as_str(), event.command_id.as_str())) {
            signs.entry(event.session_id.to_string()).or_default().push(*sent);
        }
    }
    let mut closed = 0;
    for (seq, event) in &ledger.events {
        if !matches!(event.kind, EventKind::Closed { cause: CloseCause::Idle, .. }) {
            continue;
        }
        closed += 1;
        let at = event.at_us.as_micros();
        let session = event.session_id.to_string();
        let last = signs.get(&session).into_iter().flatten().filter(|sign| **sign < at).max();
        let last = last.unwrap_or_else(|| panic!("event {seq} closes {session}, of which nobody ever heard"));
        let silence = at - last;
        assert!(silence >= us(IDLE) - ROUNDING_US, "event {seq} closes {session} {silence} us after a sign of life");
    }
    closed
}
