//! nats-server dies, and is away: commands wait or are sent away with a hint, and go on with the same ids.

use std::time::Duration;

use andon_nats::testing::{Settings, TestServer};

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::{Andon, Signal, send, until};

const BEAT_EVERY: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_commands_are_answered_503_with_retry_after_and_then_go_on_with_the_same_ids() {
    // given workers at work, on a nats-server that nobody starts again by himself
    let mut server = TestServer::start(Settings::default()).await;
    let andon = floor::up_in(floor::beside(&server)).await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..6, BEAT_EVERY).await;
    load.goes_on(10).await;

    // when it is gone
    server.kill();

    // then it is not ready, and every worker is told to come back later
    until("it is not ready", async || floor::readiness(&url).await.is_some_and(|(status, _)| status == 503)).await;
    until("workers are sent away", async || load.history().unavailable.len() >= 6).await;

    // and when it is there again, the same commands are done, once
    server.restart().await;
    load.goes_on(10).await;
    floor::ready(&url, &mut []).await;
    let history = load.stop().await;
    eprintln!("{}", history.told());
    assert!(history.repeated() > 0, "nothing was repeated");
    let ledger = Ledger::read(&server.config()).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
    tables::are_the_fold_of(&ledger, &andon.place.postgres_url()).await;
}

/// Fault 2: the nats-server is killed under load.
#[tokio::test(flavor = "multi_thread")]
async fn a_nats_server_killed_again_and_again_loses_nothing_it_acknowledged() {
    // given workers at work
    let andon: Andon = floor::up("300s").await;
    let load = Load::start(&andon.place.http_url(), 0..6, BEAT_EVERY).await;

    // when nats-server is killed, and started again by `andon up`
    for _ in 0..4 {
        load.goes_on(10).await;
        let running = andon.place.processes("nats-server");
        assert_eq!(running.len(), 1);
        send(running[0], Signal::SIGKILL);
        until("another is in its place", async || {
            let now = andon.place.processes("nats-server");
            now.len() == 1 && now != running
        })
        .await;
    }
    load.goes_on(10).await;

    // then
    let history = load.stop().await;
    eprintln!("{}", history.told());
    assert!(history.slowest() > Duration::from_millis(50), "no kill met a command");
    let ledger = Ledger::read(&andon.place.nats_config("persistence")).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
    tables::are_the_fold_of(&ledger, &andon.place.postgres_url()).await;
}
