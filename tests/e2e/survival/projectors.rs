//! Two persistence processes on one database: one projects, the other takes over when it dies.

use std::time::{Duration, Instant};

use andon_nats::testing::{Settings, TestServer};

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::{Andon, BUSY, until};

/// From the death of the one to the work of the other.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(5);
/// What a persistence process logs when it is the one that projects.
const PROJECTING: &str = "projecting";

/// Fault 15: the projecting process is killed.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_projecting_process_is_killed_the_other_takes_over_within_five_seconds() {
    // given one that projects, one that stands by, and workers at work
    let server = TestServer::start(Settings::default()).await;
    let host = Andon::up().await;
    let url = floor::database(&host).await;
    let place = floor::beside(&server).set("database_url", &url);
    let migrated = place.command(&["migrate"]).output().expect("andon starts");
    assert!(migrated.status.success(), "{migrated:?}");
    floor::build(&place);
    let mut roles = [place.spawn(&["engine"]), place.spawn(&["gateway"])];
    let mut first = place.spawn(&["persistence", "--node-id", "first"]);
    first.logged(PROJECTING).await;
    let mut second = place.spawn(&["persistence", "--node-id", "second"]);
    let [engine, gateway] = &mut roles;
    floor::ready(&place.http_url(), &mut [engine, gateway, &mut second]).await;
    let load = Load::start(&place.http_url(), 0..4, Duration::from_secs(1)).await;
    load.goes_on(20).await;
    assert!(!second.log().contains(PROJECTING), "both project");

    // when the one is killed
    let killed = Instant::now();
    first.kill().await;

    // then the other goes on where it was, soon
    until("the other projects", async || second.log().contains(PROJECTING)).await;
    let taken_over = killed.elapsed();
    assert!(taken_over < TAKEN_OVER_WITHIN + BUSY, "taken over after {taken_over:?}");
    load.goes_on(20).await;
    let history = load.stop().await;
    eprintln!("taken over after {taken_over:?}; {}", history.told());
    let ledger = Ledger::read(&server.config()).await;
    ledger.holds();
    ledger.agrees_with(&history);
    tables::are_the_fold_of(&ledger, &url).await;
}
