//! Attacks on WebSockets: frames that no client may send, handshakes that are none, random bytes, too many at once.

use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tokio::time::{Duration, Instant, interval};

use super::hall::Hall;
use super::raw::exchange;
use crate::harness::{BUSY, RawSocket, client_frame, handshake, until};

/// Sockets that come back at once.
const STORM: usize = 500;
/// A client who came before waits no longer than this meanwhile.
const SERVED_WITHIN: Duration = Duration::from_secs(2);
/// Messages beyond this are refused.
const MESSAGE_MAX_BYTES: usize = 16 * 1024;

/// Both sockets, and whose token opens them.
struct Doors {
    hall: Hall,
    admin: String,
    worker: String,
}

impl Doors {
    async fn new() -> Self {
        let hall = Hall::open().await;
        let admin = hall.admin().await.token().expect("signed in");
        let worker = hall.at_work("1001").await.0.client.token().expect("signed in");
        Self { hall, admin, worker }
    }

    fn all(&self) -> [(&'static str, &str); 2] {
        [("/api/admin/feed", &self.admin), ("/api/worker/socket", &self.worker)]
    }

    async fn open(&self, path: &str, token: &str) -> RawSocket {
        let mut socket = RawSocket::connect(&self.hall.address(), None).await;
        let head = socket.handshake(path, token).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        socket
    }
}

/// What is sent, and the code that it is ended with.
fn bad_frames() -> Vec<(&'static str, Vec<u8>, u16)> {
    let large = vec![b'x'; MESSAGE_MAX_BYTES + 1];
    let half = &large[..MESSAGE_MAX_BYTES / 2 + 1];
    vec![
        ("a frame without a mask", vec![0x81, 1, b'x'], 1002),
        ("a reserved bit", client_frame(0xf1, b"x"), 1002),
        ("an unknown opcode", client_frame(0x85, b"x"), 1002),
        ("a ping in fragments", client_frame(0x09, b"x"), 1002),
        ("a huge ping", client_frame(0x89, &[0; 126]), 1002),
        ("a continuation of nothing", client_frame(0x80, b"x"), 1002),
        ("a text within a text", [client_frame(0x01, b"{"), client_frame(0x81, b"}")].concat(), 1002),
        ("half a close code", client_frame(0x88, &[3]), 1002),
        ("a close code that does not travel", client_frame(0x88, &1005_u16.to_be_bytes()), 1002),
        ("a close code of nobody", client_frame(0x88, &99_u16.to_be_bytes()), 1002),
        ("text that is not UTF-8", client_frame(0x81, b"{\"type\":\"\xff\"}"), 1007),
        ("a message that is too large", client_frame(0x81, &large), 1009),
        ("one that is in fragments", [client_frame(0x01, half), client_frame(0x80, half)].concat(), 1009),
        ("64 MiB by its head alone", b"\x81\xff\0\0\0\0\x04\0\0\0\0\0\0\0".to_vec(), 1009),
        ("bytes", client_frame(0x82, b"x"), 4000),
        ("text that is no message", client_frame(0x81, b"what"), 4000),
        ("a message of no known shape", client_frame(0x81, b"{\"type\":\"auth\"}"), 4000),
        ("JSON without end", client_frame(0x81, "[".repeat(10_000).as_bytes()), 4000),
        ("a goodbye", client_frame(0x88, &1001_u16.to_be_bytes()), 1000),
    ]
}

/// Fault 29: frames that are too large, and JSON without end.
#[tokio::test]
async fn frames_that_no_client_may_send_end_their_socket_by_code_and_do_nothing_else() {
    let mut doors = Doors::new().await;
    let (before, memory) = (doors.hall.heads().await, doors.hall.resident_kib());
    for (path, token) in doors.all() {
        for (what, bytes, code) in bad_frames() {
            let mut socket = doors.open(path, token).await;
            socket.send(&bytes).await;
            assert_eq!(socket.close_code().await, Some(code), "{what} on {path}");
        }
    }
    assert_eq!(doors.hall.heads().await, before, "nothing was stored");
    assert!(doors.hall.resident_kib() < memory + (16 << 10), "nothing of it stays in memory");
    doors.hall.is_unharmed().await;
}

#[tokio::test]
async fn a_flood_of_messages_or_pings_ends_its_socket() {
    let mut doors = Doors::new().await;
    for (path, token) in doors.all() {
        for frame in [client_frame(0x81, b"{\"type\":\"pong\"}"), client_frame(0x89, &[0; 125])] {
            let mut socket = doors.open(path, token).await;
            socket.send(&frame.repeat(1_000)).await;
            assert_eq!(socket.close_code().await, Some(4101), "{path}");
        }
    }
    doors.hall.is_unharmed().await;
}

/// Fault 30: random bytes on a WebSocket.
#[test]
fn random_bytes_on_a_socket_end_it_or_mean_nothing() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut doors = runtime.block_on(Doors::new());
    let before = runtime.block_on(doors.hall.heads());
    let frame = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..300));
    let text = prop_oneof![
        "\\PC{0,100}",
        Just(r#"{"type":"heartbeat"}"#.to_owned()),
        "[\\[\\]{}\",:0-9a-z\\\\ ]{1,80}",
        "(pong|auth|filter|command|heartbeat|x)"
            .prop_map(|kind| json!({"type": kind, "token": 1, "id": [], "station": {}}).to_string()),
    ];
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..500),
        prop::collection::vec(frame, 1..6)
            .prop_map(|frames| frames.iter().flat_map(|(first, payload)| client_frame(*first, payload)).collect()),
        text.prop_map(|text| client_frame(0x81, text.as_bytes())),
    ];
    let config = Config { cases: 200, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let ran = TestRunner::new(config).run(&(0..2_usize, bytes), |(door, bytes)| {
        let (path, token) = doors.all()[door];
        // What follows says goodbye, should the bytes have meant nothing.
        let goodbye = client_frame(0x88, &1000_u16.to_be_bytes());
        let sent = [handshake(path, token).as_bytes(), &bytes, &goodbye].concat();
        let answer = runtime.block_on(exchange(&doors.hall.address(), &sent));
        prop_assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(runtime.block_on(doors.hall.heads()), before, "nothing was stored");
    runtime.block_on(doors.hall.is_unharmed());
}

/// The head of the answer to a request.
async fn answer(address: &str, request: &str) -> String {
    let mut socket = RawSocket::connect(address, None).await;
    socket.send(request.as_bytes()).await;
    socket.head().await
}

/// Fault 25: handshakes, also of other sites.
#[tokio::test]
async fn a_handshake_that_is_none_is_refused_and_a_protocol_that_is_not_ours_is_told() {
    let mut doors = Doors::new().await;
    let address = doors.hall.address();
    for (path, token) in doors.all() {
        let whole = handshake(path, token);
        for (line, refused) in [
            ("Upgrade: websocket\r\n", "HTTP/1.1 4"),
            ("Sec-WebSocket-Version: 13\r\n", "HTTP/1.1 400"),
            ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "HTTP/1.1 400"),
            ("Connection: Upgrade\r\n", "HTTP/1.1 400"),
            (&*format!("Authorization: Bearer {token}\r\n"), "HTTP/1.1 401"),
        ] {
            // Without an upgrade the feed is a poll like any other.
            let expected =
                if path.ends_with("feed") && line.starts_with("Upgrade:") { "HTTP/1.1 200" } else { refused };
            let answer = answer(&address, &whole.replace(line, "")).await;
            assert!(answer.starts_with(expected), "{path} without {line:?}: {answer:.80}");
        }
        let other = whole.replace("GET ", "POST ");
        assert!(answer(&address, &other).await.starts_with("HTTP/1.1 405"), "{path}");

        let mut socket = RawSocket::connect(&address, None).await;
        socket.send(whole.replace("Host: x", "Host: x\r\nSec-WebSocket-Protocol: mqtt").as_bytes()).await;
        assert!(!socket.head().await.to_lowercase().contains("sec-websocket-protocol"));
        assert_eq!(socket.close_code().await, Some(4004));
    }
    // a worker does not watch the hall
    let answer = answer(&address, &handshake("/api/admin/feed", &doors.worker)).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer:.80}");
    doors.hall.is_unharmed().await;
}

/// Viewers who connect at once, each with its snapshot.
async fn all_come(address: &str, token: &str) -> Vec<RawSocket> {
    let come = |_| {
        let (address, token) = (address.to_owned(), token.to_owned());
        tokio::spawn(async move {
            let mut socket = RawSocket::connect(&address, None).await;
            let head = socket.handshake("/api/admin/feed", &token).await;
            assert!(head.starts_with("HTTP/1.1 101"), "{head}");
            socket.until("\"last\":true").await.expect("a snapshot");
            socket
        })
    };
    let come = join_all((0..STORM).map(come)).await;
    come.into_iter().map(|socket| socket.expect("each has its snapshot")).collect()
}

/// Fault 23: hundreds of feeds come back in the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_sockets_that_come_back_at_once_are_served_beside_a_worker() {
    // given as many sockets as there may be in a large plant, and a worker at work
    let mut doors = Doors::new().await;
    let (worker, _) = doors.hall.at_work("1002").await;
    let (address, token) = (doors.hall.address(), doors.admin.clone());
    let sockets = all_come(&address, &token).await;

    // when all of them are cut and come back at the same moment, three times
    let memory = doors.hall.resident_kib();
    drop(sockets);
    let storm = tokio::spawn(async move {
        for _ in 0..3 {
            all_come(&address, &token).await;
        }
    });
    let (mut longest, mut beats) = (Duration::ZERO, 0);
    let mut ticks = interval(Duration::from_millis(50));
    while !storm.is_finished() {
        ticks.tick().await;
        let sent = Instant::now();
        worker.heartbeat().await.ok();
        worker.status(if beats % 2 == 0 { "setup" } else { "fault" }).await.ok();
        longest = longest.max(sent.elapsed());
        beats += 1;
    }

    // then each was served, and nobody else had to wait
    storm.await.expect("each has its snapshot");
    assert!(longest < SERVED_WITHIN + BUSY, "the worker waited {longest:?}");
    assert!(
        doors.hall.resident_kib() < memory + (32 << 10),
        "{memory} KiB before, {} after",
        doors.hall.resident_kib()
    );
    until("their places are free again", async || {
        doors.hall.metrics().await.lines().any(|line| line == "andon_gateway_feed_viewers 0")
    })
    .await;
    doors.hall.is_unharmed().await;
}
