//! Clients that send a byte now and then: cut off in time, and nobody else notices.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use super::hall::Hall;
use crate::harness::BUSY;

/// Slow clients at once.
const SOCKETS: usize = 500;
/// A byte this often.
const BYTE_EVERY: Duration = Duration::from_secs(2);
/// All are cut off by then.
const CUT_WITHIN: Duration = Duration::from_secs(15);
/// A client who is not slow waits no longer than this meanwhile.
const SERVED_WITHIN: Duration = Duration::from_secs(2);

/// Fault 28: clients send a byte now and then.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_slow_clients_are_cut_off_while_others_are_served() {
    // given a worker at work
    let mut hall = Hall::open().await;
    let (worker, _) = hall.at_work("1001").await;
    let address = hall.address();

    // when clients trickle in heads, and bodies
    let started = Instant::now();
    let mut slow = JoinSet::new();
    for number in 0..SOCKETS {
        let beginning = match number % 3 {
            0 => "GET /api/reasons HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            1 => {
                "POST /api/workers/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
            }
            _ => "POST /api/sessions/heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{",
        };
        slow.spawn(trickle(address.clone(), beginning));
    }

    // then the worker is served all along
    let (mut beats, mut longest) = (0, Duration::ZERO);
    let mut ticks = interval(Duration::from_millis(100));
    while !slow.is_empty() {
        tokio::select! {
            ended = slow.join_next() => ended.expect("there is one").expect("it does not panic"),
            _ = ticks.tick() => {
                let sent = Instant::now();
                worker.heartbeat().await.ok();
                worker.status(if beats % 2 == 0 { "setup" } else { "fault" }).await.ok();
                longest = longest.max(sent.elapsed());
                beats += 1;
            }
        }
        assert!(started.elapsed() < CUT_WITHIN, "{} slow clients are not cut off", slow.len());
    }
    assert!(beats > 20, "{beats} beats only");
    assert!(longest < SERVED_WITHIN + BUSY, "the worker waited {longest:?}");
    hall.is_unharmed().await;
}

/// Sends a byte now and then until the other side closes.
async fn trickle(address: String, beginning: &'static str) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(beginning.as_bytes()).await.expect("sent");
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    loop {
        match timeout(BYTE_EVERY, from.read_buf(&mut answer)).await {
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(_)) => {}
            Err(_) => {
                if to.write_all(b" ").await.is_err() {
                    return;
                }
            }
        }
    }
}
