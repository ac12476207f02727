//! Close-all while the hall is busy: each session that was active is closed once, and nobody is closed twice.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::hall::Hall;
use crate::harness::{Worker, until};

/// The workers of the demo factory.
const CODES: std::ops::RangeInclusive<u16> = 1001..=1012;
/// How often all are closed at least.
const TIMES: u64 = 5;
/// Somebody busy, who opens the next session before the close of the one before has its turn, was met by then.
const MET_WITHIN: Duration = Duration::from_secs(60);

/// Opens sessions, replaces and abandons them, until told to stop.
async fn busy(mut worker: Worker, station: String, stop: CancellationToken) {
    for number in 0_u32.. {
        if stop.is_cancelled() {
            return;
        }
        worker.open(&station, &format!("BUSY-{}", number % 7)).await.ok();
        if number % 3 == 0 {
            worker.abandon("worker_choice").await.ok();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_are_active_are_closed_exactly_once_while_others_open_and_end() {
    // given workers who open, replace and end sessions all the time, and some who just work
    let mut hall = Hall::open().await;
    let admin = hall.admin().await;
    let stop = CancellationToken::new();
    let (mut calm, mut busy_ones) = (Vec::new(), Vec::new());
    for code in CODES {
        let (worker, station) = hall.at_work(&code.to_string()).await;
        if code % 2 == 0 {
            busy_ones.push(tokio::spawn(busy(worker, station, stop.clone())));
        } else {
            calm.push((worker, station));
        }
    }
    // when all are closed, again and again
    let (mut closed, mut times, begun) = (0, 0, Instant::now());
    while times < TIMES || closed == times * calm.len() as u64 {
        assert!(begun.elapsed() < MET_WITHIN, "none of the busy ones was met in {times} times");
        times += 1;
        let answer = admin.post("/api/admin/sessions/close-all", &json!({})).await.ok();
        assert_eq!(answer["failed"], json!([]));
        let count = answer["closed"].as_u64().expect("a number");
        assert!(count >= calm.len() as u64, "those who just work are among them: {count}");
        closed += count;
        for (worker, station) in &mut calm {
            assert_eq!(worker.status("setup").await.refused(409), "SESSION_CLOSED");
            worker.open(station, "CALM").await.ok();
        }
    }
    stop.cancel();
    for worker in busy_ones {
        worker.await.expect("each of its commands was served");
    }
    // then as many were closed by an admin as it was told, and none of all sessions has two ends
    let ends = "select count(*) from session_events where kind = 'closed' group by session_id having count(*) > 1";
    let by_admin = "select count(*) from sessions where closed_cause = 'admin'";
    until("the history says so", async || hall.andon.place.sql(by_admin) == Some(vec![closed.to_string()])).await;
    assert_eq!(hall.andon.place.sql(ends), Some(vec![]));
    hall.is_unharmed().await;
}
