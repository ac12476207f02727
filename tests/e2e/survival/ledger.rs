//! The whole log, read from its first message, and what must be true of it.

use std::collections::HashMap;

use andon_nats::{Bus, Followed, Follower, NatsConfig, Start};
use bus_schemas::{CloseCause, EventKind, SessionEvent, WorkerState, subject};
use tokio::time::{Instant, timeout_at};

use super::history::{Entry, History, Makes, Outcome};
use crate::harness::PATIENCE;

/// Every session event with its sequence, in order.
pub struct Ledger {
    /// The events.
    pub events: Vec<(u64, SessionEvent)>,
    config: NatsConfig,
}

impl Ledger {
    /// Reads the log of this nats-server, as a role that may.
    pub async fn read(config: &NatsConfig) -> Self {
        let role = config.user.clone().unwrap_or_else(|| "persistence".to_owned());
        let bus = Bus::connect(config, &role).await.expect("nats-server answers");
        let filters = vec![subject::SESSIONS.to_owned()];
        let mut follower = Follower::new(bus, subject::STREAM_LOG, filters, Start::Sequence(1));
        let mut events = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match timeout_at(deadline, follower.next()).await.expect("the log is read") {
                Followed::Message(message) => events.push((message.seq, message.decode().expect("an event"))),
                Followed::CaughtUp => return Self { events, config: config.clone() },
                // It goes on by itself.
                Followed::Interrupted(_) => {}
            }
        }
    }

    /// The same log as it is now: somebody may have fallen silent meanwhile.
    pub async fn again(&self) -> Self {
        Self::read(&self.config).await
    }

    /// The sequence of the last event.
    pub fn last_seq(&self) -> u64 {
        self.events.last().map_or(0, |(seq, _)| *seq)
    }

    /// The event that closed a session, which only one may.
    pub fn close_of(&self, session: &str) -> Option<&SessionEvent> {
        let closes = |event: &&SessionEvent| {
            event.session_id.to_string() == session && matches!(event.kind, EventKind::Closed { .. })
        };
        let mut closes = self.events.iter().map(|(_, event)| event).filter(closes);
        let close = closes.next();
        assert!(closes.next().is_none(), "{session} was closed twice");
        close
    }

    /// Chains hold: each event follows from the one before, and nobody ever has two active sessions.
    #[track_caller]
    pub fn holds(&self) {
        let mut states: HashMap<_, WorkerState> = HashMap::new();
        for (seq, event) in &self.events {
            let worker = event.state.session.worker_id;
            let before = states.get(&worker);
            if let Err(broken) = engine::session::fold_check(before, event) {
                panic!("event {seq} of {worker} does not follow: {broken:?}");
            }
            if matches!(event.kind, EventKind::Opened { .. }) {
                let active = before.filter(|before| before.session.is_active());
                assert!(active.is_none(), "event {seq} opens a second active session of {worker}");
            }
            states.insert(worker, engine::session::apply(before, event, *seq));
        }
    }

    /// What clients were told is so: a 2xx is stored once, an unknown once at most, and nothing that nobody sent.
    #[track_caller]
    pub fn agrees_with(&self, history: &History) {
        let mut stored: HashMap<(String, &str), Vec<&SessionEvent>> = HashMap::new();
        for (_, event) in &self.events {
            let worker = event.state.session.worker_id.to_string();
            stored.entry((worker, event.command_id.as_str())).or_default().push(event);
        }
        for entry in &history.entries {
            let events = stored.remove(&(entry.worker.clone(), entry.key.as_str())).unwrap_or_default();
            check(entry, &events);
        }
    }

    /// Nobody was closed for silence.
    #[track_caller]
    pub fn nobody_fell_silent(&self) {
        let silent = |event: &SessionEvent| matches!(event.kind, EventKind::Closed { cause: CloseCause::Idle, .. });
        let closed: Vec<_> = self.events.iter().filter(|(_, event)| silent(event)).collect();
        assert!(closed.is_empty(), "closed for silence: {closed:?}");
    }
}

/// A replace makes two events: `closed` of the session before, and `opened`.
#[track_caller]
fn check(entry: &Entry, events: &[&SessionEvent]) {
    let own = events.iter().filter(|event| event.kind.name() == entry.makes.name()).count();
    let replaced = |event: &&&SessionEvent| {
        entry.makes == Makes::Opened && matches!(event.kind, EventKind::Closed { cause: CloseCause::Replaced, .. })
    };
    let other = events.len() - own - events.iter().filter(replaced).count();
    let right = match entry.outcome {
        Outcome::Ok(_) => own == 1,
        Outcome::Unknown => own <= 1,
        Outcome::Refused(_) => own == 0,
    };
    assert!(right && other == 0 && events.len() <= own + 1, "{entry:?} is stored as {events:?}");
}
