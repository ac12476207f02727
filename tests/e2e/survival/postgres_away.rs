//! Postgres is stopped for half a minute: workers notice nothing, and the projection catches up.

use std::time::Duration;

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::{Andon, Place, Signal, send, until, with_children};

/// How long Postgres is away.
const OUTAGE: Duration = Duration::from_secs(30);
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// No command may take longer meanwhile. It takes milliseconds; the rest is for a machine busy with other tests.
const LATENCY_LIMIT: Duration = Duration::from_secs(3);

/// Work goes on in `andon` for the time of the outage; somebody who comes in the middle of it can start, too.
async fn work_through(andon: &Andon, load: &Load) -> Load {
    let over = tokio::time::Instant::now() + OUTAGE;
    load.goes_on(10).await;
    let newcomers = Load::start(&andon.place.http_url(), 6..8, BEAT_EVERY).await;
    newcomers.goes_on(10).await;
    // The time is what this is about.
    tokio::time::sleep_until(over).await;
    load.goes_on(10).await;
    newcomers
}

/// Ends the work: nobody noticed anything, and what is in the database at `url` is the fold of the log.
async fn nobody_noticed(andon: &Andon, loads: [Load; 2], url: &str) {
    let mut history = super::history::History::default();
    for load in loads {
        let one = load.stop().await;
        eprintln!("{}", one.told());
        history.entries.extend(one.entries);
        history.unavailable.extend(one.unavailable);
        history.unanswered += one.unanswered;
    }
    assert!(history.unavailable.is_empty() && history.unanswered == 0, "somebody noticed: {}", history.told());
    assert!(history.slowest() < LATENCY_LIMIT, "somebody waited {:?}", history.slowest());
    let ledger = Ledger::read(&andon.place.nats_config("persistence")).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
    tables::are_the_fold_of(&ledger, url).await;
}

/// Fault 14: Postgres is frozen.
#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_frozen_workers_notice_nothing_and_afterwards_no_row_is_missing() {
    // given workers at work
    let andon = floor::up("300s").await;
    until("Postgres answers", async || andon.place.sql("select 1").is_some()).await;
    let load = Load::start(&andon.place.http_url(), 0..6, BEAT_EVERY).await;
    load.goes_on(10).await;

    // when every process of Postgres is frozen
    let postgres = with_children(andon.place.processes("postgres")[0]);
    assert!(postgres.len() > 3, "Postgres has helpers: {postgres:?}");
    postgres.iter().for_each(|pid| send(*pid, Signal::SIGSTOP));
    let newcomers = work_through(&andon, &load).await;
    postgres.iter().for_each(|pid| send(*pid, Signal::SIGCONT));

    // then
    nobody_noticed(&andon, [load, newcomers], &andon.place.postgres_url()).await;
}

/// Fault 14: Postgres is dead.
#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_dead_workers_notice_nothing_and_afterwards_no_row_is_missing() {
    // given a Postgres that somebody else runs, and workers at work
    let host = Andon::up().await;
    let url = floor::database(&host).await;
    let andon = floor::up_in(Place::new().set("database_url", &url)).await;
    let load = Load::start(&andon.place.http_url(), 0..6, BEAT_EVERY).await;
    load.goes_on(10).await;

    // when it is killed, and whoever would start it again is frozen
    host.process.signal(Signal::SIGSTOP);
    let killed = with_children(host.place.processes("postgres")[0]);
    killed.iter().for_each(|pid| send(*pid, Signal::SIGKILL));
    until("Postgres is gone", async || crate::harness::sql(&url, "select 1").is_none()).await;
    let newcomers = work_through(&andon, &load).await;
    assert!(crate::harness::sql(&url, "select 1").is_none(), "it came back too early");
    host.process.signal(Signal::SIGCONT);

    // then
    nobody_noticed(&andon, [load, newcomers], &url).await;
}
