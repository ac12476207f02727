//! The core with a simulated log, under virtual time: seeds that hold, and mutations that do not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what a test needs and does not get is its failure")]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use andon_model::sim::{Met, Mutation, run};

/// Seeds without `ANDON_SIM_SEEDS`.
const SEEDS: u64 = 400;
/// Seeds after which a mutation must have been noticed.
const NOTICED_WITHIN: u64 = 1_000;
/// The same for one that shows only where connections break, which they do in a quarter of the seeds.
const NOTICED_WITHIN_BLINKING: u64 = 4 * NOTICED_WITHIN;
const THREADS: u64 = 2;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

/// Runs these seeds; returns what they came to, and the first that failed.
fn run_all(from: u64, count: u64) -> (Met, Vec<String>) {
    let next = AtomicU64::new(from);
    let met = Mutex::new(Met::default());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count || failed.lock().unwrap().len() > 4 {
                        return;
                    }
                    match run(seed, None) {
                        Ok(one) => *met.lock().unwrap() += one,
                        Err(failure) => {
                            failed.lock().unwrap().push(format!("ANDON_SIM_SEED={seed}: {:#?}", failure.0));
                        }
                    }
                }
            });
        }
    });
    (met.into_inner().unwrap(), failed.into_inner().unwrap())
}

/// Fault 10: any history that a seed makes, with losses, repeats, delays, stale owners and crashes.
#[test]
fn every_seed_keeps_what_is_promised() {
    let (from, count) = match number("ANDON_SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (1, number("ANDON_SIM_SEEDS").unwrap_or(SEEDS)),
    };
    let begun = Instant::now();
    let (met, failed) = run_all(from, count);
    println!("seeds {from} to {}: {met:?}, {:.1?}", from + count - 1, begun.elapsed());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    if count >= 100 {
        // Seeds that never came to it would prove nothing.
        let all = [met.unknown, met.refused, met.refused_closes, met.aborted, met.repeats, met.nothing];
        assert!(
            all.iter().chain(&[met.take_overs, met.gaps, met.lost_beats, met.idle_closes]).all(|count| *count > 0),
            "{met:?}"
        );
    }
}

/// Runs seeds without a rule until it is noticed; the first seed and what was found.
fn is_noticed(mutation: Mutation) -> String {
    is_noticed_within(mutation, NOTICED_WITHIN)
}

fn is_noticed_within(mutation: Mutation, seeds: u64) -> String {
    let failure = (1..=seeds).find_map(|seed| run(seed, Some(mutation)).err().map(|failure| (seed, failure)));
    let (seed, failure) = failure.unwrap_or_else(|| panic!("{mutation:?} was not noticed in {seeds} seeds"));
    println!("{mutation:?}: seed {seed}: {}", failure.0.join("; "));
    failure.0.join("\n")
}

#[test]
fn without_compare_and_set_chains_break() {
    assert!(is_noticed(Mutation::NoCompareAndSet).contains("message"));
}

#[test]
fn an_attempt_that_published_and_is_answered_as_without_effect_is_noticed() {
    assert!(is_noticed(Mutation::ForgetPublished).contains("as without effect, and is stored"));
}

#[test]
fn without_the_leader_read_answers_are_wrong() {
    assert!(is_noticed(Mutation::NoLeaderRead).contains("older than itself"));
}

#[test]
fn without_the_ring_commands_take_effect_twice() {
    assert!(is_noticed(Mutation::NoRing).contains("twice"));
}

#[test]
fn without_expiry_attempts_are_decided_too_late() {
    assert!(is_noticed(Mutation::NoExpiry).contains("after its expiry"));
}

#[test]
fn a_refusal_believed_at_once_is_not_true() {
    assert!(is_noticed(Mutation::FinalAtOnce).contains("without effect"));
}

#[test]
fn without_following_a_silent_worker_stays_open() {
    assert!(is_noticed(Mutation::NoFollow).contains("was not closed"));
}

#[test]
fn without_the_gap_of_a_take_over_a_live_worker_is_closed() {
    assert!(is_noticed(Mutation::NoTakeOverGap).contains("and closed at"));
}

#[test]
fn without_gaps_of_echoes_a_live_worker_is_closed() {
    assert!(is_noticed(Mutation::NoEchoGap).contains("closed at"));
}

#[test]
fn a_reconnect_and_what_was_lost_with_it_must_be_a_gap() {
    assert!(is_noticed(Mutation::NoReconnectGap).contains("was heard at"));
}

#[test]
fn a_gateway_s_lost_batches_must_be_a_gap_of_the_node() {
    assert!(is_noticed_within(Mutation::NoLostGap, NOTICED_WITHIN_BLINKING).contains("was heard at"));
}

#[test]
fn without_the_claim_in_the_batch_a_stale_owner_closes() {
    assert!(is_noticed(Mutation::NoClaimFence).contains("stale claim"));
}

#[test]
fn a_publish_of_unknown_outcome_that_holds_back_closes_keeps_a_silent_worker_open() {
    assert!(is_noticed(Mutation::UnknownHoldsClose).contains("was not closed"));
}

#[test]
fn without_the_second_look_a_worker_who_came_back_is_closed() {
    assert!(is_noticed(Mutation::NoSecondLook).contains("closed at"));
}
