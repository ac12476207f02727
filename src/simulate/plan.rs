//! The plan of a shift: what a worker will do and how long each thing takes, from a seed alone.

use std::time::Duration;

use rand::Rng;
use rand::seq::IndexedRandom as _;

use super::menu::{Menu, Status};

/// One thing a worker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How long the worker waits before it.
    pub after: Duration,
    /// What it is.
    pub deed: Deed,
}

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Changes the status.
    Status {
        /// Its code.
        code: String,
        /// Id of the reason.
        reason: Option<String>,
        /// What the worker writes.
        note: Option<&'static str>,
    },
    /// Counts pieces.
    Count {
        /// Good ones since the last time.
        good: i64,
        /// Scrap since the last time.
        scrap: i64,
        /// Id of the reason for scrap.
        reason: Option<String>,
    },
    /// Finds that there were fewer good pieces than reported.
    Correct {
        /// How many fewer.
        fewer: i64,
    },
}

/// What people write.
const NOTES: [&str; 5] = [
    "Paper jam at the feeder",
    "חיכיתי לאישור הלקוח",
    "Замена валика",
    "Called maintenance, they are on their way",
    "ok",
];

/// A shift at a station with these choices: set up, then produce with interruptions, and stand at the end.
pub fn shift(random: &mut impl Rng, menu: &Menu) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(setup) = menu.setup.choose(random) {
        let deed = status(random, menu, setup);
        steps.push(Step { after: minutes(random, 1, 3), deed });
    }
    let mut before = minutes(random, 5, 20);
    for _ in 0..random.random_range(2..=5) {
        if let Some(production) = menu.production.choose(random) {
            steps.push(Step { after: before, deed: status(random, menu, production) });
        }
        produce(random, menu, &mut steps);
        if let Some(stoppage) = menu.stoppage.choose(random) {
            steps.push(Step { after: minutes(random, 1, 5), deed: status(random, menu, stoppage) });
        }
        before = minutes(random, 2, 15);
    }
    steps
}

/// How long reading and answering a checklist takes.
pub fn checklist(random: &mut impl Rng) -> Duration {
    Duration::from_secs(random.random_range(20..=120))
}

/// How long a worker pauses between two sessions.
pub fn pause(random: &mut impl Rng) -> Duration {
    minutes(random, 5, 20)
}

fn produce(random: &mut impl Rng, menu: &Menu, steps: &mut Vec<Step>) {
    let pieces_a_minute = random.random_range(5..=60);
    for _ in 0..random.random_range(2..=6) {
        let after = minutes(random, 4, 12);
        let good = i64::try_from(after.as_secs() / 60).unwrap_or(0) * pieces_a_minute;
        let scrap = if random.random_bool(0.4) { random.random_range(1..=1 + good / 50) } else { 0 };
        let reason = if scrap > 0 { menu.scrap_reasons.choose(random).cloned() } else { None };
        steps.push(Step { after, deed: Deed::Count { good, scrap, reason } });
        if random.random_bool(0.1) {
            let deed = Deed::Correct { fewer: random.random_range(1..=10) };
            steps.push(Step { after: Duration::from_secs(random.random_range(10..=60)), deed });
        }
    }
}

fn status(random: &mut impl Rng, menu: &Menu, status: &Status) -> Deed {
    let stands = menu.stoppage.contains(status);
    let gives_reason = status.requires_reason || (stands && random.random_bool(0.7));
    Deed::Status {
        code: status.code.clone(),
        reason: if gives_reason { menu.stop_reasons.choose(random).cloned() } else { None },
        note: if stands && random.random_bool(0.3) { NOTES.choose(random).copied() } else { None },
    }
}

fn minutes(random: &mut impl Rng, least: u64, most: u64) -> Duration {
    Duration::from_secs(random.random_range(least * 60..=most * 60))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    fn menu() -> Menu {
        let status = |code: &str, requires_reason| Status { code: code.to_owned(), requires_reason };
        Menu {
            setup: vec![status("setup", false)],
            production: vec![status("production", false)],
            stoppage: vec![status("stopped", false), status("fault", true)],
            stop_reasons: vec!["jam".to_owned()],
            scrap_reasons: vec!["smeared".to_owned()],
        }
    }

    fn plan(seed: u64) -> Vec<Step> {
        shift(&mut StdRng::seed_from_u64(seed), &menu())
    }

    #[test]
    fn the_same_seed_is_the_same_shift_and_another_is_another() {
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }

    #[test]
    fn every_shift_is_one_that_the_rules_accept_and_that_people_could_work() {
        for seed in 0..500 {
            let (mut good, mut length, steps) = (0, Duration::ZERO, plan(seed));
            for step in &steps {
                length += step.after;
                match &step.deed {
                    Deed::Status { code, reason, .. } => assert!(code != "fault" || reason.is_some(), "{steps:?}"),
                    Deed::Count { good: more, scrap, .. } => {
                        assert!(*more > 0 && *scrap >= 0, "{steps:?}");
                        good += more;
                    }
                    // A correction follows a count, so the total cannot fall below zero.
                    Deed::Correct { fewer } => assert!(*fewer <= good, "{steps:?}"),
                }
            }
            let hours = length.as_secs_f64() / 3_600.0;
            assert!((0.3..8.0).contains(&hours), "{hours} h: {steps:?}");
        }
    }

    #[test]
    fn all_kinds_of_deeds_happen() {
        let deeds: Vec<_> = (0..50).flat_map(plan).map(|step| step.deed).collect();
        assert!(deeds.iter().any(|deed| matches!(deed, Deed::Correct { .. })));
        assert!(deeds.iter().any(|deed| matches!(deed, Deed::Count { scrap: 1.., reason: Some(_), .. })));
        assert!(deeds.iter().any(|deed| matches!(deed, Deed::Status { reason: Some(_), note: Some(_), .. })));
    }

    #[test]
    fn a_station_without_choices_is_no_reason_to_fail() {
        let steps = shift(&mut StdRng::seed_from_u64(1), &Menu::default());
        assert!(steps.iter().all(|step| !matches!(step.deed, Deed::Status { .. })));
    }
}
