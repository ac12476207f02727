//! What was asked, what was answered, and how long it took.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::histogram::Histogram;
use crate::printable::printable;

/// Different outcomes kept apart; the rest is counted together, so that a server gone mad cannot fill the memory.
const OUTCOMES_MAX: usize = 200;
/// Letters of an outcome.
const OUTCOME_MAX_CHARS: usize = 60;

/// Counts; shared by all workers.
pub struct Tally {
    on_unexpected: fn(&str),
    counts: Mutex<Counts>,
}

#[derive(Default, Clone)]
struct Counts {
    requests: BTreeMap<(&'static str, String), Histogram>,
    sessions: u64,
    unexpected: u64,
}

/// What has been counted.
pub struct Summary(Counts);

impl Tally {
    /// Nothing yet.
    pub fn new(on_unexpected: fn(&str)) -> Self {
        Self { on_unexpected, counts: Mutex::default() }
    }

    /// One answer (or none) to one attempt of a request.
    pub fn answered(&self, request: &'static str, outcome: &str, latency: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outcome: String = printable(outcome).chars().take(OUTCOME_MAX_CHARS).collect();
        if counts.requests.len() >= OUTCOMES_MAX {
            outcome = "other".to_owned();
        }
        counts.requests.entry((request, outcome)).or_default().record(latency);
    }

    /// A session was worked from opening to completing.
    pub fn completed(&self) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).sessions += 1;
    }

    /// Something that should not have happened.
    pub fn unexpected(&self, what: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).unexpected += 1;
        (self.on_unexpected)(&printable(what));
    }

    /// What has been counted so far.
    pub fn summary(&self) -> Summary {
        Summary(self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Summary {
    /// How many answers were not expected.
    pub fn unexpected(&self) -> u64 {
        self.0.unexpected
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20} {:<28} {:>8} {:>10} {:>10}", "request", "outcome", "count", "p50", "p99")?;
        for ((request, outcome), latencies) in &self.0.requests {
            let (p50, p99) = (millis(latencies, 50), millis(latencies, 99));
            writeln!(f, "{request:<20} {outcome:<28} {:>8} {p50:>10} {p99:>10}", latencies.count())?;
        }
        write!(f, "{} sessions completed, {} answers not expected", self.0.sessions, self.0.unexpected)
    }
}

fn millis(latencies: &Histogram, percent: u64) -> String {
    latencies.percentile(percent).map_or_else(String::new, |latency| format!("{:.1} ms", latency.as_secs_f64() * 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_their_outcome() {
        let tally = Tally::new(|_| {});
        for _ in 0..3 {
            tally.answered("status", "ok", Duration::from_millis(2));
        }
        tally.answered("status", "503 NO_OWNER", Duration::from_secs(1));
        tally.unexpected("status: 500");
        tally.completed();
        let summary = tally.summary();
        let text = summary.to_string();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1][..3], ["status", "503", "NO_OWNER"]);
        assert_eq!(lines[2][..3], ["status", "ok", "3"]);
        assert!(text.ends_with("1 sessions completed, 1 answers not expected"), "{text}");
        assert_eq!(summary.unexpected(), 1);
    }

    #[test]
    fn endless_outcomes_are_counted_together() {
        let tally = Tally::new(|_| {});
        for number in 0..1_000 {
            tally.answered("status", &format!("{number} \u{1b}[2J"), Duration::ZERO);
        }
        let text = tally.summary().to_string();
        assert!(text.lines().count() <= OUTCOMES_MAX + 3);
        assert!(!text.contains('\u{1b}') && text.contains("other"));
    }
}
