//! Every feed of a large plant is cut at the same moment.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::Rng as _;
use tokio::time::interval;

use super::hall::Hall;
use crate::feed::proxy::Proxy;
use crate::harness::{BUSY, PATIENCE, RawSocket, until};

/// Feeds: what two cores serve beside other tests. A gateway takes four times as many.
const FEEDS: usize = 2_000;
/// So many connect at once in the beginning, as people open their pages.
const AT_ONCE: usize = 200;
/// A page comes back at a random moment of this time, as it is told (`retry_ms`).
const RETRY: Duration = Duration::from_secs(2);
/// When one comes back that was told that there is no room just now.
const COME_BACK: Duration = Duration::from_secs(1);
/// A worker waits no longer than this meanwhile.
const SERVED_WITHIN: Duration = Duration::from_secs(2);
/// What the process may have taken when they have come back, beyond what it had with all of them before.
const GROWTH_KIB: u64 = 64 << 10;
/// Connections of its own that may be there or not: to Postgres above all.
const FILES_MARGIN: usize = 32;

/// A viewer with its snapshot. One that is told to come back later does so, as a page does.
async fn comes(address: &str, token: &str) -> RawSocket {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut socket = RawSocket::connect(address, None).await;
        let head = socket.handshake("/api/admin/feed", token).await;
        let later = head.starts_with("HTTP/1.1 503") && head.contains("retry-after: ");
        if later && Instant::now() < deadline {
            tokio::time::sleep(COME_BACK).await;
            continue;
        }
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        socket.until("\"last\":true").await.expect("a snapshot");
        return socket;
    }
}

/// Fault 23: two thousand feeds are dropped at once, and come back.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_feeds_that_are_cut_at_once_come_back_beside_a_worker() {
    // given a worker at work, and as many viewers as a very large plant has
    let mut hall = Hall::open().await;
    let token = hall.admin().await.token().expect("signed in");
    let (worker, _) = hall.at_work("1002").await;
    let files = hall.open_files();
    let network = Proxy::start(&hall.address()).await;
    let mut viewers = Vec::new();
    while viewers.len() < FEEDS {
        viewers.extend(join_all((0..AT_ONCE).map(|_| comes(&network.address, &token))).await);
    }
    let memory = hall.resident_kib();

    // when all of them are cut, and come back within the time they were told
    network.cut();
    drop(viewers);
    let (address, came) = (network.address.clone(), Instant::now());
    let storm = tokio::spawn(join_all((0..FEEDS).map(move |_| {
        let (address, token) = (address.clone(), token.clone());
        let pause = rand::rng().random_range(Duration::ZERO..RETRY);
        async move {
            tokio::time::sleep(pause).await;
            comes(&address, &token).await
        }
    })));
    let (mut longest, mut number) = (Duration::ZERO, 0);
    let mut ticks = interval(Duration::from_millis(50));
    while !storm.is_finished() {
        ticks.tick().await;
        let sent = Instant::now();
        worker.heartbeat().await.ok();
        worker.status(if number % 2 == 0 { "setup" } else { "fault" }).await.ok();
        longest = longest.max(sent.elapsed());
        number += 1;
    }

    // then each has its snapshot, and the worker was served
    let viewers = storm.await.expect("each has its snapshot");
    eprintln!("all back after {:?}; a worker waited {longest:?} at most", came.elapsed());
    assert!(longest < SERVED_WITHIN + BUSY, "the worker waited {longest:?}");
    let back = hall.resident_kib();
    assert!(back < memory + GROWTH_KIB, "{memory} KiB before, {back} after");

    // and nothing of them is left when they go
    drop(viewers);
    until("their places are free again", async || {
        hall.metrics().await.lines().any(|line| line == "andon_gateway_feed_viewers 0")
    })
    .await;
    until("their files are closed", async || hall.open_files() <= files + FILES_MARGIN).await;
    hall.is_unharmed().await;
}
