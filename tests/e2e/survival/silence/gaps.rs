//! After a gap in hearing the idle time starts anew: who comes back within it goes on, who does not is closed after it.

use std::time::Duration;

use andon_nats::NatsConfig;
use andon_nats::testing::{Settings, TestServer};

use super::super::floor;
use super::super::keeper::Keeper;
use super::super::ledger::Ledger;
use super::scene::{IDLE, IDLE_SETTING, LATE_MAX, closed, now_us, session, us, workers_at_work};
use crate::harness::{Andon, Signal, Worker};

/// Longer than the idle time.
const OUTAGE: Duration = Duration::from_secs(6);
/// What processes need to find each other again before the idle time starts anew: reconnecting, following, one echo.
const RECOVERY: Duration = Duration::from_secs(3);

/// Three sessions before a gap: one whose worker keeps beating, one whose worker comes back late, one left alone.
struct Three {
    workers: Vec<Worker>,
    faithful: Keeper,
}

impl Three {
    async fn start(url: &str) -> Self {
        let workers = workers_at_work(url, 0..3).await;
        let faithful = Keeper::of(workers[0].client.clone(), session(&workers[0]), IDLE / 6);
        Self { workers, faithful }
    }

    /// The gap ended between these two times (microseconds). Nobody who beats again is closed; the one left alone is,
    /// after the grace and not before.
    async fn check(self, log: &NatsConfig, from: i64, to: i64) {
        let [_, late, alone] = &self.workers[..] else { panic!("three workers") };
        // Comes back when more than half of the grace is over.
        tokio::time::sleep(Duration::from_micros(u64::try_from(from + us(IDLE) * 6 / 10 - now_us()).unwrap_or(0)))
            .await;
        let back = Keeper::of(late.client.clone(), session(late), IDLE / 6);
        let close = closed(log, session(alone)).await;
        let after = close.at_us.as_micros();
        assert!(after >= from + us(IDLE), "closed {} us after the gap", after - from);
        let limit = us(IDLE + RECOVERY + LATE_MAX);
        assert!(after <= to + limit, "closed {} us after the gap", after - to);
        // Another idle time, so that whoever was not heard would be closed as well.
        tokio::time::sleep(IDLE + LATE_MAX).await;
        let ledger = Ledger::read(log).await;
        ledger.holds();
        for kept in &self.workers[..2] {
            assert!(ledger.close_of(session(kept)).is_none(), "closed, although it beat again");
        }
        eprintln!("{:?}, {:?}", back.stop().await, self.faithful.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_idle_across_a_restart_closes_after_the_grace_and_not_before() {
    // given three sessions
    let mut andon = floor::up(IDLE_SETTING).await;
    let three = Three::start(&andon.place.http_url()).await;

    // when andon is killed and started again, by when they have been idle for long
    andon.process.kill().await;
    tokio::time::sleep(IDLE).await;
    let from = now_us();
    andon.again().await;

    // then
    three.check(&andon.place.nats_config("persistence"), from, now_us()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_suspension_of_andon_longer_than_the_idle_time_nobody_who_beats_again_is_closed() {
    let andon = floor::up(IDLE_SETTING).await;
    let three = Three::start(&andon.place.http_url()).await;

    andon.process.signal(Signal::SIGSTOP);
    tokio::time::sleep(OUTAGE).await;
    let from = now_us();
    andon.process.signal(Signal::SIGCONT);

    three.check(&andon.place.nats_config("persistence"), from, now_us()).await;
}

/// `andon up` on a nats-server of the test's, with three sessions.
async fn on_its_own_server() -> (TestServer, Andon, Three) {
    let server = TestServer::start(Settings::default()).await;
    let andon = floor::up_in(floor::beside(&server).set("idle_timeout", IDLE_SETTING)).await;
    let three = Three::start(&andon.place.http_url()).await;
    (server, andon, three)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_nats_was_frozen_for_longer_than_the_idle_time_nobody_who_beats_again_is_closed() {
    let (server, _andon, three) = on_its_own_server().await;

    server.signal("STOP");
    tokio::time::sleep(OUTAGE).await;
    let from = now_us();
    server.signal("CONT");

    three.check(&server.config(), from, now_us()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_nats_was_down_for_longer_than_the_idle_time_nobody_who_beats_again_is_closed() {
    let (mut server, _andon, three) = on_its_own_server().await;

    server.kill();
    tokio::time::sleep(OUTAGE).await;
    let from = now_us();
    server.restart().await;

    three.check(&server.config(), from, now_us()).await;
}
