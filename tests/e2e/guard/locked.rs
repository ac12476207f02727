//! A table that somebody has locked: who reads history is told soon, and nobody else notices.

use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::interval;

use super::hall::Hall;
use crate::harness::{BUSY, psql, until};

/// Reads at once: ten times what the pool has connections.
const READS: usize = 100;
/// What a reader waits: two and a half seconds for a statement, or for a connection.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// What a worker waits meanwhile.
const SERVED_WITHIN: Duration = Duration::from_secs(2);
const HISTORY: &str = "/api/admin/sessions?state=closed";

/// Fault 35: a table is locked, and the pool of connections is exhausted by those who wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_costs_readers_seconds_and_workers_nothing() {
    // given a worker at work, and somebody who reads the history
    let mut hall = Hall::open().await;
    let admin = hall.admin().await;
    let (worker, _) = hall.at_work("1001").await;
    until("the history is there", async || admin.get(HISTORY).await.status == 200).await;

    // when a person locks the table, and a hundred reads come at once
    let url = hall.andon.place.postgres_url();
    let lock = "lock table sessions in access exclusive mode; select pg_sleep(600)";
    let mut person = psql(&url, lock).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("psql starts");
    let locked = "select count(*) from pg_locks where relation = 'sessions'::regclass and granted \
         and mode = 'AccessExclusiveLock'";
    until("it is locked", async || hall.andon.place.sql(locked) == Some(vec!["1".to_owned()])).await;
    let reads = tokio::spawn(join_all((0..READS).map(|_| {
        let admin = admin.clone();
        async move {
            let asked = Instant::now();
            (admin.get(HISTORY).await, asked.elapsed())
        }
    })));
    let (mut longest, mut number) = (Duration::ZERO, 0);
    let mut ticks = interval(Duration::from_millis(50));
    while !reads.is_finished() {
        ticks.tick().await;
        let sent = Instant::now();
        worker.heartbeat().await.ok();
        worker.status(if number % 2 == 0 { "setup" } else { "fault" }).await.ok();
        longest = longest.max(sent.elapsed());
        number += 1;
    }

    // then each is answered soon, and the worker was served
    for (answer, took) in reads.await.expect("no panic") {
        assert_eq!(answer.refused(503), "HISTORY_UNAVAILABLE");
        assert!(took < ANSWERED_WITHIN + BUSY, "answered after {took:?}");
    }
    assert!(number > 5 && longest < SERVED_WITHIN + BUSY, "the worker waited {longest:?} in {number} rounds");

    // and when it is unlocked, all of them are served
    let unlock = "select pg_terminate_backend(pid) from pg_locks where relation = 'sessions'::regclass \
         and mode = 'AccessExclusiveLock'";
    hall.andon.place.sql(unlock).expect("Postgres answers");
    person.wait().expect("it has ended");
    until("the history is there", async || admin.get(HISTORY).await.status == 200).await;
    let reads = join_all((0..READS).map(|_| admin.get(HISTORY))).await;
    assert!(reads.iter().all(|answer| [200, 503].contains(&answer.status)));
    until("the pool is whole", async || admin.get(HISTORY).await.status == 200).await;
    hall.is_unharmed().await;
}
