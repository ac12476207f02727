//! A viewer that does not read: nobody else notices, it is given up in its time, and comes back to the exact state.

use super::*;
use crate::harness::RawSocket;

/// What fills a connection whose other side does not read: states with a note of 8 KB each.
const CHANGES: usize = 120;
const NOTE_CHARS: usize = 1_900;
/// A receive buffer that is full at once.
const SMALL_BYTES: u32 = 4_096;
/// Given up fifteen seconds after the last byte; the rest is for a machine busy with other tests.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(40);

/// Metrics of the process, from the address that it logs.
async fn metric(floor: &Floor, line: &str) -> Option<u64> {
    let log = floor.andon.process.log();
    let url = log.split_once("metrics on ")?.1.split_whitespace().next()?.to_owned();
    let text = reqwest::Client::builder().no_proxy().build().ok()?.get(url).send().await.ok()?.text().await.ok()?;
    text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
}

/// Fault 19: viewers do not read.
#[tokio::test]
async fn one_that_does_not_read_is_given_up_and_nobody_else_notices() {
    // given viewers who read on every transport, one socket and one stream that do not, and what these held
    let mut floor = Floor::new().await;
    let truth = floor.truth().await;
    let mut viewers = ALL.map(|transport| floor.viewer(transport, ""));
    let mut returning = floor.viewer(Transport::Socket, "");
    for viewer in viewers.iter_mut().chain([&mut returning]) {
        viewer.until("it has begun", |table| table.brief() == truth && table.cursor.is_some()).await;
    }
    returning.cut();
    let mut deaf_socket = RawSocket::connect(&floor.address(), Some(SMALL_BYTES)).await;
    deaf_socket.handshake("/api/admin/feed", &floor.token).await;
    let mut deaf_stream = RawSocket::connect(&floor.address(), Some(SMALL_BYTES)).await;
    let ask = format!(
        "GET /api/admin/feed HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n\r\n",
        floor.token
    );
    deaf_stream.send(ask.as_bytes()).await;

    // when much happens
    let started = std::time::Instant::now();
    let note = "\u{1f600}".repeat(NOTE_CHARS);
    for number in 0..CHANGES {
        let status = if number % 2 == 0 { "production" } else { "setup" };
        let body = serde_json::json!({"sessionId": floor.session(0), "status": status, "note": note});
        floor.workers[0].client.post("/api/status-events", &body).await.ok();
        for viewer in &mut viewers {
            // then those who read have it, each time
            let first = floor.session(0);
            viewer.until("the change is shown", |table| table.status(&first) == Some(status)).await;
        }
    }
    // and those who do not are given up
    let ended = r#"andon_gateway_feed_ended_total{code="4102"}"#;
    until("the socket is given up", async || metric(&floor, ended).await == Some(1)).await;
    until("and the stream", async || metric(&floor, "andon_gateway_feed_viewers").await == Some(2)).await;
    assert!(started.elapsed() < GIVEN_UP_WITHIN + Duration::from_secs(CHANGES as u64 / 2));

    // and what comes back goes on from where it was
    let (truth, snapshots) = (floor.truth().await, returning.table.count("snapshot"));
    returning.until("it holds what there is", |table| table.brief() == truth).await;
    assert_eq!(returning.table.count("snapshot"), snapshots, "by a difference");
    floor.open(0).await;
    drop((deaf_socket, deaf_stream));
}
