//! What clients sent and were told: one entry a command, however often it was repeated.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// Which event a command makes: the name of its kind on the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// A session is opened, and the one before it closed when there is one.
    Opened,
    /// The status changes.
    StatusChanged,
    /// Pieces are reported.
    QuantitiesReported,
    /// The session is completed.
    Closed,
}

impl Makes {
    /// Its name on the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::StatusChanged => "status-changed",
            Self::QuantitiesReported => "quantities-reported",
            Self::Closed => "closed",
        }
    }
}

/// What a client knows at the end about one command.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// 2xx, with this body: the event is stored once.
    Ok(Value),
    /// Refused, with this answer: no event is stored.
    Refused(String),
    /// Neither: at most one event is stored.
    Unknown,
}

/// One command.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose.
    pub worker: String,
    /// Its idempotency key.
    pub key: String,
    /// What it makes.
    pub makes: Makes,
    /// What the client knows.
    pub outcome: Outcome,
    /// It was sent to be refused: what it names is over.
    pub out_of_place: bool,
    /// How often it was sent.
    pub tries: u32,
    /// When it was sent first: microseconds since 1970.
    pub sent_us: i64,
    /// From the first sending to the last answer.
    pub took: Duration,
}

/// A 503.
#[derive(Clone, Debug)]
pub struct Unavailable {
    /// `NO_OWNER`, `OUTCOME_UNKNOWN` ….
    pub code: String,
    /// The header `Retry-After`.
    pub retry_after: Option<u64>,
}

/// Everything that clients sent and were told.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Commands, in the order in which they were over.
    pub entries: Vec<Entry>,
    /// Each 503.
    pub unavailable: Vec<Unavailable>,
    /// Requests that nobody answered.
    pub unanswered: u32,
}

impl History {
    /// How many commands were answered 2xx.
    pub fn done(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.outcome, Outcome::Ok(_))).count()
    }

    /// How many commands needed more than one request.
    pub fn repeated(&self) -> usize {
        self.entries.iter().filter(|entry| entry.tries > 1).count()
    }

    /// The longest that a client waited for the answer to a command.
    pub fn slowest(&self) -> Duration {
        self.entries.iter().map(|entry| entry.took).max().unwrap_or_default()
    }

    /// How many were refused as they had to be.
    pub fn refused(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.outcome, Outcome::Refused(_))).count()
    }

    /// How many clients gave up without knowing what became of it.
    pub fn unknown(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.outcome, Outcome::Unknown)).count()
    }

    /// Every client got what it was promised: refused was what is out of place and nothing else, and whoever was sent away was told for how long.
    #[track_caller]
    pub fn is_fair(&self) {
        for entry in &self.entries {
            match &entry.outcome {
                Outcome::Refused(answer) if !entry.out_of_place => {
                    panic!("nothing here deserves a refusal: {} {answer}", entry.key);
                }
                Outcome::Ok(answer) if entry.out_of_place => panic!("not refused: {} {answer}", entry.key),
                Outcome::Ok(_) | Outcome::Refused(_) | Outcome::Unknown => {}
            }
        }
        for unavailable in &self.unavailable {
            assert!(unavailable.retry_after.is_some_and(|seconds| seconds >= 1), "{unavailable:?}");
        }
    }

    /// What was refused, for whoever reads why a test has failed.
    pub fn refusals(&self) -> String {
        let refused = |entry: &Entry| match &entry.outcome {
            Outcome::Refused(why) if !entry.out_of_place => Some(format!("{} {:?}: {why}", entry.key, entry.makes)),
            Outcome::Ok(_) | Outcome::Refused(_) | Outcome::Unknown => None,
        };
        self.entries.iter().filter_map(refused).collect::<Vec<_>>().join("; ")
    }

    /// One line for whoever reads the output of a test.
    pub fn told(&self) -> String {
        let mut codes: BTreeMap<&str, u32> = BTreeMap::new();
        for unavailable in &self.unavailable {
            *codes.entry(&unavailable.code).or_default() += 1;
        }
        let unknown = self.unknown();
        format!(
            "{} commands done, {} of them repeated, {unknown} left unknown, {} requests unanswered, 503s: {codes:?}, \
             slowest {:?}",
            self.done(),
            self.repeated(),
            self.unanswered,
            self.slowest()
        )
    }
}
