//! The seeded schedule: the same seed gives the same faults in the same order, for as long as one asks.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};

use super::fault::{Deed, Fault, KINDS};

/// How long a fault lasts: from a hiccup to longer than any suspicion, election or patience in between (5 s at most).
const HOLD_MS: std::ops::RangeInclusive<u64> = 500..=6_000;
/// What a slow link adds each way: below and above what a second of expiry bears.
const DELAY_MS: std::ops::RangeInclusive<u32> = 50..=700;
/// One step of so many has a second fault that begins while the first lasts.
const PAIRED_ONE_IN: u32 = 2;

/// One step: one fault, or two that overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is done, one after the other.
    pub faults: Vec<Fault>,
    /// From the first to the second.
    pub between: Duration,
    /// From the last to when the first is undone; the second is undone as much later as it began.
    pub hold: Duration,
}

/// Steps without end.
pub struct Schedule {
    random: StdRng,
    /// Deeds and kinds that have not come up in this round of all of them.
    deck: Vec<(usize, usize)>,
}

impl Schedule {
    /// Of a seed.
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), deck: Vec::new() }
    }

    /// The next fault: in twenty of them, each deed comes to each kind once.
    fn fault(&mut self) -> Fault {
        if self.deck.is_empty() {
            self.deck = (0..4).flat_map(|deed| (0..KINDS.len()).map(move |kind| (deed, kind))).collect();
            self.deck.shuffle(&mut self.random);
        }
        let (deed, kind) = self.deck.pop().expect("it was filled");
        let target = KINDS[kind].choose(&mut self.random).expect("no kind is empty");
        let deed = match deed {
            0 => Deed::Kill,
            1 => Deed::Freeze,
            2 => Deed::Cut,
            _ => Deed::Delay(self.random.random_range(DELAY_MS)),
        };
        Fault::new(deed, target)
    }

    /// The next step.
    pub fn step(&mut self) -> Step {
        let mut faults = vec![self.fault()];
        if self.random.random_ratio(1, PAIRED_ONE_IN) {
            let second = self.fault();
            // Two deeds to one process would undo each other.
            faults.extend((second.target != faults[0].target).then_some(second));
        }
        let between = Duration::from_millis(self.random.random_range(0..1_000));
        Step { faults, between, hold: Duration::from_millis(self.random.random_range(HOLD_MS)) }
    }
}

#[test]
fn a_seed_gives_the_same_schedule_again_and_every_deed_comes_to_every_kind() {
    let steps = |seed| {
        let mut schedule = Schedule::new(seed);
        (0..40).map(|_| schedule.step()).collect::<Vec<_>>()
    };
    let (once, again, other) = (steps(7), steps(7), steps(8));
    assert_eq!(once, again);
    assert_ne!(once, other);
    for kind in KINDS {
        let faults: Vec<_> = once.iter().flat_map(|step| &step.faults).filter(|f| kind.contains(&f.target)).collect();
        for deed in [Deed::Kill, Deed::Freeze, Deed::Cut] {
            assert!(faults.iter().any(|fault| fault.deed == deed), "no {deed:?} of {kind:?}");
        }
        assert!(faults.iter().any(|fault| matches!(fault.deed, Deed::Delay(_))), "no delay of {kind:?}");
    }
    assert!(once.iter().any(|step| step.faults.len() == 2));
}
