//! What workers were told of their commands, against what the log holds: pure.
//!
//! A command is known by its worker and its number, which is its idempotency key: however often it was repeated, it is
//! one command.

use std::collections::{BTreeMap, HashMap};

use bus_schemas::{SessionEvent, WorkerId};

use super::Case;
use super::figures::Count;

/// How the key of a command begins; its number follows.
const KEY: &str = "failover-";

/// The idempotency key of the command with this number.
pub fn key(number: usize) -> String {
    format!("{KEY}{number}")
}

fn number(key: &str) -> Option<usize> {
    key.strip_prefix(KEY)?.parse().ok()
}

/// What a worker knows at the end about a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx: stored once.
    Ok,
    /// Refused: never stored.
    Refused,
    /// Neither: stored once at most.
    Unknown,
}

/// A command that was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// What was going on.
    pub case: Case,
    /// What its worker was told.
    pub outcome: Outcome,
}

/// Commands, and how often each is stored.
#[derive(Debug, Default)]
pub struct Ledger {
    sent: HashMap<WorkerId, Vec<(Sent, u32)>>,
    /// Events with a key that no such command had.
    strangers: u64,
}

/// What is wrong with the commands of a case; all of it must be nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Commands.
    pub sent: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Acknowledged, and not stored.
    pub lost: u64,
    /// Stored more than once, whatever was told.
    pub doubled: u64,
    /// Refused, and stored.
    pub refused_and_stored: u64,
}

impl Ledger {
    /// What this worker has sent, in the order of the numbers.
    pub fn told(&mut self, worker: WorkerId, sent: impl IntoIterator<Item = Sent>) {
        self.sent.entry(worker).or_default().extend(sent.into_iter().map(|sent| (sent, 0)));
    }

    /// The log holds this event.
    pub fn stored(&mut self, event: &SessionEvent) {
        if let Some(number) = number(event.command_id.as_str()) {
            self.stored_once(event.state.session.worker_id, number);
        }
    }

    fn stored_once(&mut self, worker: WorkerId, number: usize) {
        match self.sent.get_mut(&worker).and_then(|sent| sent.get_mut(number)) {
            Some((_, stored)) => *stored += 1,
            None => self.strangers += 1,
        }
    }

    /// The commands of each case, judged.
    pub fn tallies(&self) -> BTreeMap<Case, Tally> {
        let mut tallies: BTreeMap<Case, Tally> = BTreeMap::new();
        for (sent, stored) in self.sent.values().flatten() {
            let tally = tallies.entry(sent.case).or_default();
            let is = |outcome| sent.outcome == outcome;
            tally.sent += 1;
            tally.acknowledged += u64::from(is(Outcome::Ok));
            tally.refused += u64::from(is(Outcome::Refused));
            tally.lost += u64::from(is(Outcome::Ok) && *stored == 0);
            tally.doubled += u64::from(*stored > 1);
            tally.refused_and_stored += u64::from(is(Outcome::Refused) && *stored > 0);
        }
        tallies
    }

    /// What must be nothing over all cases.
    pub fn strangers(&self) -> Count {
        let commands = self.sent.values().map(|sent| sent.len() as u64).sum();
        Count { name: "events of commands that nobody sent", found: self.strangers, of: commands }
    }
}

impl Tally {
    /// What must be nothing.
    pub fn counts(&self) -> [Count; 3] {
        [
            Count { name: "acknowledged commands lost", found: self.lost, of: self.acknowledged },
            Count { name: "commands stored twice", found: self.doubled, of: self.sent },
            Count { name: "refused commands stored", found: self.refused_and_stored, of: self.refused },
        ]
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn worker(number: u128) -> WorkerId {
        WorkerId(Uuid::from_u128(number))
    }

    fn sent(case: Case, outcomes: &[Outcome]) -> Vec<Sent> {
        outcomes.iter().map(|&outcome| Sent { case, outcome }).collect()
    }

    #[test]
    fn keys_are_read_back_and_those_of_others_are_not() {
        assert_eq!(number(&key(4_711)), Some(4_711));
        assert_eq!(number("bench-7"), None);
        assert_eq!(number("failover-x"), None);
    }

    #[test]
    fn what_was_told_is_held_against_what_is_stored() {
        // given a worker with an ok, a refused and an unknown command in one case, and two oks in another
        let mut ledger = Ledger::default();
        ledger.told(worker(1), sent(Case::Kill, &[Outcome::Ok, Outcome::Refused, Outcome::Unknown]));
        ledger.told(worker(1), sent(Case::Leader, &[Outcome::Ok, Outcome::Ok]));

        // when the log holds each ok once, and the unknown one
        [0, 2, 3, 4].into_iter().for_each(|number| ledger.stored_once(worker(1), number));

        // then nothing is wrong
        let tallies = ledger.tallies();
        let (kill, leader) = (tallies[&Case::Kill], tallies[&Case::Leader]);
        assert_eq!((kill.sent, kill.acknowledged, kill.refused), (3, 1, 1));
        assert!(tallies.values().flat_map(Tally::counts).all(|count| count.found == 0), "{tallies:?}");
        assert_eq!(leader.acknowledged, 2);
        assert_eq!(ledger.strangers().found, 0);
    }

    #[test]
    fn each_way_of_being_wrong_is_counted_in_its_own_case() {
        let mut ledger = Ledger::default();
        ledger.told(worker(1), sent(Case::Kill, &[Outcome::Ok, Outcome::Ok, Outcome::Refused, Outcome::Unknown]));
        ledger.told(worker(2), sent(Case::Stop, &[Outcome::Ok]));
        for (of, number) in [(1, 1), (1, 1), (1, 2), (1, 3), (1, 3), (2, 0), (2, 1), (3, 0)] {
            ledger.stored_once(worker(of), number);
        }
        let kill = ledger.tallies()[&Case::Kill];
        assert_eq!((kill.lost, kill.doubled, kill.refused_and_stored), (1, 2, 1));
        assert_eq!(ledger.tallies()[&Case::Stop], Tally { sent: 1, acknowledged: 1, ..Tally::default() });
        assert_eq!(ledger.strangers().found, 2, "a number and a worker that sent no such command");
    }
}
