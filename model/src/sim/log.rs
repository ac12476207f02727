//! The simulated log: one stream, compare-and-set per subject, atomic batches, a leader that answers reads.

use std::collections::HashMap;

use bus_schemas::{SessionEvent, WorkerState};
use engine::session;

use super::engine::NodeName;

/// A subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// A worker's chain.
    Worker(usize),
    /// The one claim.
    Claim,
}

/// What a message says.
#[derive(Clone, Debug)]
pub(super) enum Says {
    /// An event of a worker.
    Event(Box<SessionEvent>),
    /// The partition is this node's.
    Claim(NodeName),
}

/// A message to be stored.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) subject: Subject,
    pub(super) says: Says,
    /// The sequence the subject must end with.
    pub(super) expect: Option<u64>,
}

/// A stored message; its sequence is its place, from 1.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) subject: Subject,
    pub(super) says: Says,
    /// When, in virtual microseconds.
    pub(super) at: u64,
}

/// The stream.
#[derive(Default)]
pub(super) struct Log {
    pub(super) stored: Vec<Stored>,
    last: HashMap<Subject, u64>,
}

impl Log {
    /// The subject's last sequence; 0: it is empty.
    pub(super) fn last(&self, subject: Subject) -> u64 {
        self.last.get(&subject).copied().unwrap_or(0)
    }

    pub(super) fn head(&self) -> u64 {
        self.stored.len() as u64
    }

    pub(super) fn message(&self, seq: u64) -> Option<&Stored> {
        self.stored.get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    /// Stores all, or nothing; returns the last sequence.
    pub(super) fn publish(&mut self, messages: &[Message], at: u64) -> Option<u64> {
        let holds = |message: &Message| message.expect.is_none_or(|expect| expect == self.last(message.subject));
        if !messages.iter().all(holds) {
            return None;
        }
        for Message { subject, says, .. } in messages.iter().cloned() {
            self.stored.push(Stored { subject, says, at });
            self.last.insert(subject, self.head());
        }
        Some(self.head())
    }

    /// The state of a worker after its last message.
    pub(super) fn state(&self, worker: usize) -> Option<WorkerState> {
        let seq = self.last(Subject::Worker(worker));
        match &self.message(seq)?.says {
            Says::Event(event) => Some(session::apply(None, event, seq)),
            Says::Claim(_) => None,
        }
    }

    /// The owner and the sequence of its claim.
    pub(super) fn claim(&self) -> (u64, Option<NodeName>) {
        let seq = self.last(Subject::Claim);
        match self.message(seq).map(|stored| &stored.says) {
            Some(Says::Claim(node)) => (seq, Some(*node)),
            _ => (seq, None),
        }
    }
}
