//! Proves or refutes a log: reads its messages in order, and says of every rule whether it holds, and where it was first
//! broken. Pure: whoever has the messages, from a server or a file, may ask.
//!
//! Nothing here is shared with what decided and wrote the events, except the decoding: an event is judged by what it says
//! happened, against the state before it, and by where it stands in the log.
//!
//! Not provable from the log alone, and not looked at: what hung on the directory at that moment (whether a reason was
//! active, an end checklist asked for), and how long somebody was silent.

mod acts;
mod chain;
mod claims;
mod finding;
mod intervals;
mod rule;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use andon_nats::StoredMessage;
use bus_schemas::{
    SessionEvent, WorkerId,
    subject::{self, LogSubject},
};

use chain::Chain;
use claims::Claims;
pub use finding::{Finding, Findings, Place};
pub use rule::Rule;

/// Where the reading of a log begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first sequence that should be there.
    pub first_seq: u64,
    /// The last one.
    pub last_seq: u64,
    /// The log goes on after `last_seq`: what the last messages began may end there.
    pub cut: bool,
}

impl Range {
    /// Whether nothing lies before it: then every chain begins in it.
    #[must_use]
    pub const fn is_from_the_start(&self) -> bool {
        self.first_seq <= 1
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Messages.
    pub messages: u64,
    /// Session events.
    pub events: u64,
    /// Claims.
    pub claims: u64,
    /// Workers with a chain.
    pub workers: u64,
    /// Of these, how many whose chain began before the range: their first state in it was taken as it is.
    pub begun_before: u64,
    /// Sessions that were opened.
    pub opened: u64,
    /// Sessions that were closed.
    pub closed: u64,
    /// Of these, how many for silence.
    pub idle_closed: u64,
    /// Times a partition changed its owner.
    pub take_overs: u64,
}

/// What is known of a log when all of it was read.
#[derive(Debug)]
pub struct Verdict {
    /// What was read.
    pub counts: Counts,
    /// What was found.
    pub findings: Findings,
}

/// Reads a log; see the module.
pub struct Verifier {
    range: Range,
    last_seq: u64,
    counts: Counts,
    chains: HashMap<WorkerId, Chain>,
    claims: Claims,
    findings: Findings,
}

impl Verifier {
    /// A verifier of this range.
    #[must_use]
    pub fn new(range: Range) -> Self {
        Self {
            range,
            last_seq: range.first_seq.saturating_sub(1),
            counts: Counts::default(),
            chains: HashMap::new(),
            claims: Claims::default(),
            findings: Findings::default(),
        }
    }

    /// The next message; the event it carries, if it is one that can be read.
    pub fn read(&mut self, message: &StoredMessage) -> Option<SessionEvent> {
        self.counts.messages += 1;
        self.sequence(message);
        self.claims.next_message(message, &mut self.findings);
        match LogSubject::parse(&message.subject) {
            Some(LogSubject::Session(partition, worker)) => {
                let event = self.decoded::<SessionEvent>(message)?;
                if matches!(event.kind, bus_schemas::EventKind::Closed { cause: bus_schemas::CloseCause::Idle, .. }) {
                    self.counts.idle_closed += 1;
                    self.claims.idle_close(partition, message, &event);
                }
                self.event(worker, message, &event);
                Some(event)
            }
            Some(LogSubject::Claim(partition)) => {
                let claim = self.decoded(message)?;
                self.counts.claims += 1;
                let moved = self.claims.claim(partition, message, claim, &mut self.findings);
                self.counts.take_overs += u64::from(moved);
                None
            }
            None => {
                let what = format!("{:?} is the subject of no worker and no partition", message.subject);
                self.findings.add(Rule::Readable, Place::of(message), what);
                None
            }
        }
    }

    /// A finding of somebody who compares the log with something else.
    pub fn add(&mut self, rule: Rule, place: Place, what: String) {
        self.findings.add(rule, place, what);
    }

    /// The end of the range.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        if self.last_seq < self.range.last_seq {
            let what = format!("the log should go on to {}", self.range.last_seq);
            self.findings.add(Rule::Complete, Place::at(self.last_seq), what);
        }
        if !self.range.cut {
            self.claims.end(&mut self.findings);
            for chain in self.chains.values() {
                chain.end(&mut self.findings);
            }
        }
        self.counts.workers = self.chains.len() as u64;
        Verdict { counts: self.counts, findings: self.findings }
    }

    /// Single messages are never deleted, and retention cuts a prefix: no number may be missing or stand twice.
    fn sequence(&mut self, message: &StoredMessage) {
        let due = self.last_seq + 1;
        if message.seq != due {
            let what = format!("sequence {} came where {due} was due", message.seq);
            self.findings.add(Rule::Complete, Place::of(message), what);
        }
        self.last_seq = self.last_seq.max(message.seq);
    }

    fn decoded<T: serde::de::DeserializeOwned>(&mut self, message: &StoredMessage) -> Option<T> {
        message.decode().map_err(|error| self.findings.add(Rule::Readable, Place::of(message), error.to_string())).ok()
    }

    fn event(&mut self, worker: WorkerId, message: &StoredMessage, event: &SessionEvent) {
        self.counts.events += 1;
        match event.kind {
            bus_schemas::EventKind::Opened { .. } => self.counts.opened += 1,
            bus_schemas::EventKind::Closed { .. } => self.counts.closed += 1,
            _ => {}
        }
        if event.state.session.worker_id != worker {
            let what = format!("its state is that of worker {}", event.state.session.worker_id);
            self.findings.add(Rule::Place, Place::of(message).with(event), what);
        }
        let told = message.headers.get(subject::HEADER_EVENT_ID).map(|value| value.as_str().to_owned());
        if told.is_some_and(|told| told != event.event_id.to_string()) {
            let what = "its header names another event".to_owned();
            self.findings.add(Rule::Place, Place::of(message).with(event), what);
        }
        match self.chains.get_mut(&worker) {
            Some(chain) => chain.next(message, event, &mut self.findings),
            None => {
                let from_the_start = self.range.is_from_the_start();
                self.counts.begun_before += u64::from(!from_the_start);
                let chain = Chain::begin(from_the_start, message, event, &mut self.findings);
                self.chains.insert(worker, chain);
            }
        }
    }
}
