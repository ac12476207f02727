//! A nats-server that cannot write acknowledges nothing and says nothing: noticed in seconds, restarted, nothing lost.

use std::process::Command;
use std::time::{Duration, Instant};

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::until;

/// From the fault to the first 503 of `/readyz`.
const NOTICED_WITHIN: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_nats_server_is_noticed_within_six_seconds_and_restarted_and_nothing_acknowledged_is_lost() {
    // given workers at work
    let andon = floor::up("300s").await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..6, Duration::from_secs(1)).await;
    load.goes_on(10).await;

    // when no file of nats-server can grow any more, as on a full or broken disk
    let mute = andon.place.processes("nats-server");
    let limited = Command::new("prlimit").args(["--pid", &mute[0].to_string(), "--fsize=1:1"]).status();
    assert!(limited.expect("prlimit starts").success());
    let broken = Instant::now();

    // then it is not ready within seconds, and another server takes its place
    until("it is not ready", async || floor::readiness(&url).await.is_some_and(|(status, _)| status == 503)).await;
    let noticed = broken.elapsed();
    assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    until("it is restarted", async || {
        let now = andon.place.processes("nats-server");
        now.len() == 1 && now != mute
    })
    .await;
    floor::ready(&url, &mut []).await;
    let mended = broken.elapsed();

    // and the same commands go on, once
    load.goes_on(10).await;
    let history = load.stop().await;
    eprintln!("noticed after {noticed:?}, ready again after {mended:?}; {}", history.told());
    let ledger = Ledger::read(&andon.place.nats_config("persistence")).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
    tables::are_the_fold_of(&ledger, &andon.place.postgres_url()).await;
}
