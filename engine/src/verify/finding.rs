//! Where a rule was first broken, and how often.

use std::collections::BTreeMap;

use andon_nats::StoredMessage;
use bus_schemas::{SessionEvent, SessionId, WorkerId};

use super::Rule;

/// Where something was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The stream sequence.
    pub seq: u64,
    /// The session, when it is about one.
    pub session_id: Option<SessionId>,
    /// The version of the session.
    pub version: Option<u64>,
    /// The worker.
    pub worker_id: Option<WorkerId>,
}

impl Place {
    /// A sequence.
    #[must_use]
    pub const fn at(seq: u64) -> Self {
        Self { seq, session_id: None, version: None, worker_id: None }
    }

    /// The place of a message.
    #[must_use]
    pub const fn of(message: &StoredMessage) -> Self {
        Self::at(message.seq)
    }

    /// The same, with the event that the message carries.
    #[must_use]
    pub const fn with(self, event: &SessionEvent) -> Self {
        Self {
            seq: self.seq,
            session_id: Some(event.session_id),
            version: Some(event.version),
            worker_id: Some(event.state.session.worker_id),
        }
    }
}

/// The first place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// How many places break it.
    pub count: u64,
    /// The first of them.
    pub place: Place,
    /// What is wrong there.
    pub what: String,
}

/// What was found, by rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(BTreeMap<Rule, Finding>);

impl Findings {
    /// Adds one; the earliest of each rule is kept.
    pub fn add(&mut self, rule: Rule, place: Place, what: String) {
        match self.0.get_mut(&rule) {
            None => drop(self.0.insert(rule, Finding { rule, count: 1, place, what })),
            Some(finding) => {
                finding.count += 1;
                if place.seq < finding.place.seq {
                    finding.place = place;
                    finding.what = what;
                }
            }
        }
    }

    /// Whether every rule holds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where this rule is first broken.
    #[must_use]
    pub fn of(&self, rule: Rule) -> Option<&Finding> {
        self.0.get(&rule)
    }

    /// The broken rules.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.values()
    }
}
