//! SIGTERM in the middle of everything: it ends soon, and nobody is left in doubt for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::hall::Hall;
use crate::harness::{Client, RawSocket, handshake, until};

/// Connections that are open and idle.
const IDLE: usize = 500;
/// Viewers on all transports.
const VIEWERS: usize = 90;
/// Viewers who do not read.
const DEAF: usize = 10;
/// It has ended by then.
const ENDS_WITHIN: Duration = Duration::from_secs(10);
/// The workers of the demo factory.
const CODES: std::ops::RangeInclusive<u16> = 1001..=1012;

/// Commands that were served before the end begins: it comes in the middle of work.
const SERVED: usize = 50;

/// The last command of a worker whose fate nobody told.
struct Untold {
    client: Client,
    key: String,
    body: serde_json::Value,
}

/// Fault 22: SIGTERM with many connections and commands in flight.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_with_many_connections_and_commands_in_flight_ends_soon_and_loses_nothing() {
    // given idle connections, and workers who report as fast as they can
    let mut hall = Hall::open().await;
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(TcpStream::connect(hall.address()).await.expect("it listens"));
    }
    let (mut workers, served) = (Vec::new(), Arc::new(AtomicUsize::new(0)));
    for code in CODES {
        let (worker, _) = hall.at_work(&code.to_string()).await;
        let session = worker.session.clone().expect("open");
        workers.push(tokio::spawn(report(worker.client, session, Arc::clone(&served))));
    }
    until("all are in the middle of it", async || served.load(Ordering::Relaxed) > SERVED).await;

    // when
    let asked = Instant::now();
    let status = timeout(ENDS_WITHIN, hall.andon.process.terminate()).await;

    // then it ends soon
    assert!(status.is_ok_and(|status| status.success()), "after {:?}", asked.elapsed());
    let (mut stored, mut untold) = (Vec::new(), Vec::new());
    for worker in workers {
        let (keys, left) = worker.await.expect("it does not panic");
        stored.extend(keys);
        untold.extend(left);
    }
    assert!(stored.len() > SERVED, "{} commands only", stored.len());

    // and what was not told can be asked again with the same key, and was done once
    hall.andon.again().await;
    for Untold { client, key, body } in untold {
        client.try_post("/api/sessions/quantities", &body, Some(&key)).await.expect("an answer").ok();
        stored.push(key);
    }
    let once = format!(
        "select count(distinct command_id) = {0} and count(*) = {0} from session_events where kind = 'quantities-reported'",
        stored.len()
    );
    until("each is in the log once", async || hall.andon.place.sql(&once) == Some(vec!["t".to_owned()])).await;
}

/// Reads until goodbye: when it may come back, in milliseconds.
async fn goodbye(mut viewer: RawSocket) -> u64 {
    viewer.until("\"code\":4100").await.expect("goodbye");
    viewer.until("\"retry_in_ms\":").await.expect("when to come back");
    let rest = viewer.until("}").await.expect("a number");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// Fault 22: SIGTERM with many viewers.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_sends_viewers_away_over_a_while_and_does_not_wait_for_those_who_do_not_read() {
    // given viewers on sockets, streams and polls, and some who do not read
    let mut hall = Hall::open().await;
    let token = hall.admin().await.token().expect("signed in");
    let get = |accept: &str, query: &str| {
        format!(
            "GET /api/admin/feed?{query} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
    };
    let socket = handshake("/api/admin/feed", &token);
    let (events, poll) = (get("text/event-stream", ""), get("application/json", "wait=60"));
    let (mut viewers, mut deaf) = (Vec::new(), Vec::new());
    for number in 0..VIEWERS {
        let mut viewer = RawSocket::connect(&hall.address(), None).await;
        viewer.send([&socket, &events, &poll][number % 3].as_bytes()).await;
        // A poll begins to wait when it is told what there is; here that is its end: it asks again.
        if number % 3 == 2 {
            let told = viewer.until("\"cursor\":\"").await.expect("a cursor");
            assert!(told.contains("hello"), "{told}");
            let cursor = viewer.until("\"").await.expect("a cursor");
            viewer.until("0\r\n\r\n").await.expect("the end");
            viewer
                .send(get("application/json", &format!("wait=60&after={}", cursor.trim_end_matches('"'))).as_bytes())
                .await;
            viewer.until("hello").await.expect("it waits");
        } else {
            viewer.until("\"last\":true").await.expect("a snapshot");
        }
        viewers.push(tokio::spawn(goodbye(viewer)));
    }
    for number in 0..DEAF {
        let mut viewer = RawSocket::connect(&hall.address(), Some(4_096)).await;
        viewer.send([&socket, &events][number % 2].as_bytes()).await;
        deaf.push(viewer);
    }

    // when
    let asked = Instant::now();
    let status = timeout(ENDS_WITHIN, hall.andon.process.terminate()).await;

    // then it ends soon, and everybody was told a time of their own
    assert!(status.is_ok_and(|status| status.success()), "after {:?}", asked.elapsed());
    let mut times = Vec::new();
    for viewer in viewers {
        times.push(viewer.await.expect("goodbye"));
    }
    let (first, last) = (times.iter().min().expect("some"), times.iter().max().expect("some"));
    assert!(*last <= 5_000 && last - first > 2_500, "dealt over five seconds: {times:?}");
}

/// Reports quantities until nobody answers; returns the keys that were answered, and the one that was not.
async fn report(client: Client, session: String, served: Arc<AtomicUsize>) -> (Vec<String>, Option<Untold>) {
    let mut stored = Vec::new();
    for number in 1_u64.. {
        let key = format!("{session}-{number}");
        let body = json!({"sessionId": session, "good_delta": 1});
        match client.try_post("/api/sessions/quantities", &body, Some(&key)).await {
            Ok(answer) if answer.status == 200 => {
                served.fetch_add(1, Ordering::Relaxed);
                stored.push(key);
            }
            // Refused or unknown, in the words of the contract; or not reached.
            Ok(answer) => {
                assert!(answer.status == 503, "{answer:?}");
                return (stored, Some(Untold { client, key, body }));
            }
            Err(_) => return (stored, Some(Untold { client, key, body })),
        }
    }
    (stored, None)
}
