//! A nats-server that cannot write acknowledges nothing and says nothing: noticed in seconds, restarted, nothing lost.

use std::process::Command;
use std::time::{Duration, Instant};

use andon_nats::testing::{Settings, TestServer};

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::{BUSY, Place, until};

/// From the fault to the first 503 of `/readyz`.
const NOTICED_WITHIN: Duration = Duration::from_secs(6);

/// No file of this process can grow any more, as on a full or broken disk.
fn mute(pid: &str) {
    let limited = Command::new("prlimit").args(["--pid", pid, "--fsize=1:1"]).status();
    assert!(limited.expect("prlimit starts").success());
}

/// Waits until `/readyz` says 503; how long it took since `broken`.
async fn noticed(url: &str, broken: Instant) -> Duration {
    until("it is not ready", async || floor::readiness(url).await.is_some_and(|(status, _)| status == 503)).await;
    let noticed = broken.elapsed();
    assert!(noticed < NOTICED_WITHIN + BUSY, "noticed after {noticed:?}");
    noticed
}

/// Fault 8: the nats-server cannot write, and is mute.
#[tokio::test(flavor = "multi_thread")]
async fn a_mute_nats_server_is_restarted_and_nothing_acknowledged_is_lost() {
    // given workers at work
    let andon = floor::up("300s").await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..6, Duration::from_secs(1)).await;
    load.goes_on(10).await;

    // when nats-server cannot write any more
    let muted = andon.place.processes("nats-server");
    let broken = Instant::now();
    mute(&muted[0].to_string());

    // then that is noticed within seconds, and another server takes its place
    let noticed = floor::noticed(&andon, &muted).await.duration_since(broken);
    assert!(noticed < NOTICED_WITHIN + BUSY, "noticed after {noticed:?}");
    until("it is restarted", async || {
        let now = andon.place.processes("nats-server");
        now.len() == 1 && now != muted
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

/// With a server that cannot write, and that is somebody else's business: not ready within seconds and for as long as it
/// lasts, workers are told to come back later, and when it was restarted the same commands go on.
async fn lasts_until_somebody_restarts_it(mut server: TestServer, place: Place) {
    // given workers at work
    let andon = floor::up_in(place).await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..6, Duration::from_secs(1)).await;
    load.goes_on(10).await;

    // when it cannot write any more
    mute(&server.pid().to_string());
    let noticed = noticed(&url, Instant::now()).await;

    // then it stays so
    until("workers are sent away", async || load.history().unavailable.len() >= 6).await;
    assert!(matches!(floor::readiness(&url).await, Some((503, _))), "a mute log cannot be served from");

    // and after its restart the same commands are done, once
    server.restart().await;
    load.goes_on(10).await;
    floor::ready(&url, &mut []).await;
    let history = load.stop().await;
    eprintln!("noticed after {noticed:?}; {}", history.told());
    let ledger = Ledger::read(&server.config()).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
    tables::are_the_fold_of(&ledger, &andon.place.postgres_url()).await;
}

/// Fault 8: the nats-server cannot write, and is mute.
#[tokio::test(flavor = "multi_thread")]
async fn a_mute_server_that_nobody_restarts_is_noticed_within_six_seconds_by_its_health_check() {
    let server = TestServer::start(Settings::default()).await;
    let place = floor::beside(&server);
    lasts_until_somebody_restarts_it(server, place).await;
}

/// Fault 8: the nats-server cannot write, and is mute.
#[tokio::test(flavor = "multi_thread")]
async fn a_mute_server_that_nobody_restarts_is_noticed_within_six_seconds_by_its_silence() {
    let server = TestServer::start(Settings::default()).await;
    let place = Place::new().set("nats_url", &server.config().url).set("unsafe_unchecked_log", "1");
    lasts_until_somebody_restarts_it(server, place).await;
}
