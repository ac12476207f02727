//! What a batch of log messages does to the tables, decided without touching one.

use std::collections::{HashMap, HashSet};

use andon_nats::StoredMessage;
use bus_schemas::{EventId, SessionEvent, SessionId, subject::LogSubject};

use super::rows::{self, EventRows, IntervalRow, JobRow, LogRow, QuantityRow, SessionUpsert};
use crate::quarantine::Quarantined;

/// A message of the log, read.
pub struct Read<'a> {
    /// As the log has it.
    pub message: &'a StoredMessage,
    /// What it says.
    pub says: Says,
}

/// What a message says.
pub enum Says {
    /// An event of a session.
    Event(Box<SessionEvent>),
    /// A claim: nothing to the tables.
    Claim,
    /// Nothing that this version can read.
    Unreadable(String),
}

/// Reads a message of the log.
pub fn read(message: &StoredMessage) -> Read<'_> {
    let says = match LogSubject::parse(&message.subject) {
        Some(LogSubject::Claim(_)) => Says::Claim,
        Some(LogSubject::Session(_, worker)) => match message.decode::<SessionEvent>() {
            Ok(event) => match contradiction(&event, worker) {
                Some(why) => Says::Unreadable(why.to_owned()),
                None => Says::Event(Box::new(event)),
            },
            Err(error) => Says::Unreadable(error.to_string()),
        },
        None => Says::Unreadable("its subject is none of the log's".to_owned()),
    };
    Read { message, says }
}

/// What in the event contradicts its subject or itself.
fn contradiction(event: &SessionEvent, worker: bus_schemas::WorkerId) -> Option<&'static str> {
    let session = &event.state.session;
    if session.worker_id != worker {
        Some("its state belongs to another worker than its subject")
    } else if session.id != event.session_id {
        Some("its state is of another session than the event")
    } else if session.version != event.version {
        Some("its state is of another version than the event")
    } else {
        None
    }
}

/// The sessions that a batch speaks of.
pub fn sessions(batch: &[Read<'_>]) -> Vec<SessionId> {
    let sessions: HashSet<SessionId> = batch
        .iter()
        .filter_map(|read| match &read.says {
            Says::Event(event) => Some(event.session_id),
            _ => None,
        })
        .collect();
    sessions.into_iter().collect()
}

/// What a batch does. Of what it writes more than once only the newest is kept: one statement cannot write a row twice.
#[derive(Default)]
pub struct Plan<'a> {
    /// Rows of `session_events`.
    pub events: Vec<LogRow<'a>>,
    /// Rows of `sessions`, one a session.
    pub sessions: Vec<SessionUpsert<'a>>,
    /// Rows of `status_events`, one an interval.
    pub intervals: Vec<IntervalRow<'a>>,
    /// Rows of `quantity_changes`.
    pub quantities: Vec<QuantityRow>,
    /// Rows of `jobs`.
    pub jobs: Vec<JobRow<'a>>,
    /// Sessions that are stopped, with the version that came too early.
    pub halted: Vec<(SessionId, u64)>,
    /// Messages that are not projected.
    pub quarantined: Vec<Quarantined<'a>>,
    session_at: HashMap<SessionId, usize>,
    interval_at: HashMap<EventId, usize>,
}

impl<'a> Plan<'a> {
    /// Plans a batch in the order of the log. `known` is the version of each session in the tables.
    pub fn of(batch: &'a [Read<'a>], mut known: HashMap<SessionId, u64>) -> Self {
        let mut plan = Self::default();
        for read in batch {
            match &read.says {
                Says::Claim => {}
                Says::Unreadable(why) => plan.quarantine(read.message, why.clone()),
                Says::Event(event) => plan.event(read.message, event, known.entry(event.session_id).or_default()),
            }
        }
        plan
    }

    fn event(&mut self, message: &'a StoredMessage, event: &'a SessionEvent, known: &mut u64) {
        if event.version <= *known {
            return;
        }
        if event.version != *known + 1 {
            let why = format!(
                "a hole in session {}: version {} came after {known}; the session is not projected any further",
                event.session_id, event.version
            );
            if *known > 0 && self.halted.iter().all(|(id, _)| *id != event.session_id) {
                self.halted.push((event.session_id, event.version));
            }
            return self.quarantine(message, why);
        }
        match rows::of(message, event) {
            Ok(rows) => {
                *known = event.version;
                self.add(event, rows);
            }
            Err(error) => self.quarantine(message, error.to_string()),
        }
    }

    fn add(&mut self, event: &SessionEvent, rows: EventRows<'a>) {
        self.events.push(rows.event);
        put(&mut self.sessions, &mut self.session_at, event.session_id, rows.session);
        for row in rows.intervals {
            put(&mut self.intervals, &mut self.interval_at, row.interval.id, row);
        }
        self.quantities.extend(rows.quantity);
        self.jobs.extend(rows.job);
    }

    fn quarantine(&mut self, message: &'a StoredMessage, error: String) {
        self.quarantined.push(Quarantined { message, error });
    }
}

fn put<K: std::hash::Hash + Eq, R>(rows: &mut Vec<R>, at: &mut HashMap<K, usize>, key: K, row: R) {
    match at.get(&key).and_then(|&index| rows.get_mut(index)) {
        Some(older) => *older = row,
        None => {
            at.insert(key, rows.len());
            rows.push(row);
        }
    }
}
