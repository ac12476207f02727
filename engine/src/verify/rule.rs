//! What must hold of a log, one name and one sentence each.

/// A rule about a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// No sequence is missing.
    Complete,
    /// Every message can be read.
    Readable,
    /// Every event stands where it belongs.
    Place,
    /// Every message builds on the one before it.
    Condition,
    /// Versions are contiguous.
    Versions,
    /// One active session a worker.
    OneActive,
    /// Closed is final.
    Final,
    /// Time never runs back.
    Time,
    /// Intervals adjoin.
    Intervals,
    /// Totals follow from the changes.
    Totals,
    /// Ids are unique and remembered.
    Ids,
    /// The session before is carried.
    Previous,
    /// The state is what the event makes of it.
    State,
    /// The event is one that somebody may make.
    Acts,
    /// A replace is one step.
    Replace,
    /// Only a current owner closes for silence.
    IdleClose,
    /// Postgres says the same.
    Projection,
}

impl Rule {
    /// Every rule, in the order in which they are told.
    pub const ALL: [Self; 17] = [
        Self::Complete,
        Self::Readable,
        Self::Place,
        Self::Condition,
        Self::Versions,
        Self::OneActive,
        Self::Final,
        Self::Time,
        Self::Intervals,
        Self::Totals,
        Self::Ids,
        Self::Previous,
        Self::State,
        Self::Acts,
        Self::Replace,
        Self::IdleClose,
        Self::Projection,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Readable => "readable",
            Self::Place => "place",
            Self::Condition => "condition",
            Self::Versions => "versions",
            Self::OneActive => "one-active",
            Self::Final => "final",
            Self::Time => "time",
            Self::Intervals => "intervals",
            Self::Totals => "totals",
            Self::Ids => "ids",
            Self::Previous => "previous",
            Self::State => "state",
            Self::Acts => "acts",
            Self::Replace => "replace",
            Self::IdleClose => "idle-close",
            Self::Projection => "projection",
        }
    }

    /// What it says.
    #[must_use]
    pub const fn statement(self) -> &'static str {
        match self {
            Self::Complete => "no sequence is missing between the first and the last, and none stands twice",
            Self::Readable => "every message is an event or a claim that can be read",
            Self::Place => "every event lies on the chain of its own worker, in the worker's partition",
            Self::Condition => "every message was stored on condition of the one before it on its subject",
            Self::Versions => "the versions of a session are 1, 2, 3 and so on",
            Self::OneActive => "a worker has at most one active session at any instant",
            Self::Final => "nothing happens to a closed session",
            Self::Time => "the time of a chain never runs back",
            Self::Intervals => "intervals adjoin without overlap or hole and add up to the session's time",
            Self::Totals => "totals follow from the changes and stay within their bounds",
            Self::Ids => "ids are derived, unique, and a remembered command takes effect once",
            Self::Previous => "the session before is carried as it closed",
            Self::State => "every field of the state is what the event makes of it",
            Self::Acts => "every event is one that its author may make, and changes something",
            Self::Replace => "a replaced session is closed and the next one opened in one step",
            Self::IdleClose => "a session is closed for silence only together with a renewal of the current claim",
            Self::Projection => "Postgres holds the fold of the log",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_told_once() {
        let mut names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rule::ALL.len());
        assert!(Rule::ALL.is_sorted());
    }
}
