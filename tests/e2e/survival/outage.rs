//! The nats-server is frozen for a long time, and clients try again and again: it costs no memory.
//!
//! `ANDON_TEST_LONG=1` makes it ten minutes.

use std::time::Duration;

use andon_nats::testing::{Settings, TestServer};
use tokio::time::Instant;

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use crate::harness::{span, until};

/// How long it is frozen.
const OUTAGE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));
/// By then everything that an outage takes has been taken: retries, connections that are made again.
const SETTLED: Duration = Duration::from_secs(12);
/// What it may grow by from then on, whatever the length of the outage: pages of the allocator.
const GROWTH_KIB: u64 = 16 << 10;

/// Fault 24: the log is away for long, and everybody tries again and again.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_takes_no_more_memory_the_longer_it_lasts() {
    // given workers at work
    let server = TestServer::start(Settings::default()).await;
    let andon = floor::up_in(floor::beside(&server)).await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..12, Duration::from_secs(1)).await;
    load.goes_on(10).await;

    // when the nats-server is frozen
    server.signal("STOP");
    let frozen = Instant::now();
    tokio::time::sleep_until(frozen + SETTLED).await;
    let settled = andon.resident_kib();
    let mut most = settled;
    while frozen.elapsed() < span(OUTAGE.0, OUTAGE.1) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        most = most.max(andon.resident_kib());
    }
    let sent_away = load.history().unavailable.len();
    server.signal("CONT");

    // then it has taken no more memory, and goes on by itself
    assert!(sent_away >= 12, "{sent_away} commands only were sent away");
    assert!(most < settled + GROWTH_KIB, "{settled} KiB when it had settled, {most} at most");
    load.goes_on(10).await;
    until("it is ready", async || floor::readiness(&url).await.is_some_and(|(status, _)| status == 200)).await;
    let history = load.stop().await;
    eprintln!("{settled} KiB when it had settled, {most} at most; {}", history.told());
    let ledger = Ledger::read(&server.config()).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
}
