//! The fault suite: a cluster under load is killed, frozen, cut and slowed down by a nemesis with a seed, one process or
//! two at a time; afterwards the log, Postgres and what viewers hold are compared with what clients were told.
//!
//! `ANDON_NEMESIS_SEED` repeats a schedule; `ANDON_NEMESIS_FOR` (`1h`) goes on with the next seeds for so long. What a
//! failed round leaves is kept in a directory that it names.

mod acts;
mod artefacts;
mod crew;
mod fault;
mod finale;
mod marks;
mod schedule;
mod stage;
mod verdict;
mod viewers;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::Instant;

use schedule::Schedule;
use stage::Stage;

/// Faults by chance in one round of `./test`, and in one of a long run.
const BY_CHANCE: Duration = Duration::from_secs(30);
const BY_CHANCE_LONG: Duration = Duration::from_secs(240);
/// The seed of `./test`: the same faults for every change. A long run begins with a seed of its own.
const SEED: u64 = 3_800_465_057;

/// A setting of whoever runs the test.
fn asked<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} cannot be read")))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_wrongly_closed_whatever_the_nemesis_does() {
    let long = asked::<humantime::Duration>("ANDON_NEMESIS_FOR").map(Duration::from);
    let chosen = || if long.is_some() { u64::from(rand::random::<u32>()) } else { SEED };
    let mut seed = asked("ANDON_NEMESIS_SEED").unwrap_or_else(chosen);
    let begun = Instant::now();
    loop {
        eprintln!("ANDON_NEMESIS_SEED={seed}");
        round(seed, long.map_or(BY_CHANCE, |_| BY_CHANCE_LONG)).await;
        if long.is_none_or(|long| begun.elapsed() >= long) {
            return;
        }
        seed += 1;
    }
}

/// One cluster, one schedule, one judgement.
async fn round(seed: u64, by_chance: Duration) {
    let mut stage = Stage::set().await;
    let played = AssertUnwindSafe(play(&mut stage, seed, by_chance)).catch_unwind().await;
    if let Err(failure) = played {
        eprintln!("ANDON_NEMESIS_SEED={seed} failed; kept in {}", artefacts::keep(&stage, seed).display());
        std::panic::resume_unwind(failure);
    }
}

async fn play(stage: &mut Stage, seed: u64, by_chance: Duration) {
    let begun = Instant::now();
    stage.crew.one_falls_silent();
    stage.an_engine_freezes().await;
    stage.crew.one_falls_silent();
    stage.an_engine_is_cut_off().await;
    stage.crew.one_falls_silent();
    stage.a_leader_is_far_from_the_others().await;
    stage.a_gateway_forgets().await;
    stage.crew.one_falls_silent();
    stage.servers_drift_apart().await;
    stage.note(&format!("provoked within {:.1?}", begun.elapsed()));

    let (begun, mut schedule) = (Instant::now(), Schedule::new(seed));
    while begun.elapsed() < by_chance {
        stage.crew.one_falls_silent();
        stage.suffer(&schedule.step()).await;
        stage.serves_again().await;
    }
    stage.ends().await;
}
