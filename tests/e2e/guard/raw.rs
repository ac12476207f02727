//! Bytes on the bare socket: heads that are too large, garbage, pipelines, and the end of a connection.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::hall::Hall;

/// Time for an answer to whatever was sent.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Sends bytes, says that no more will come, and reads until the other side closes.
pub async fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // The other side may have had enough already.
    let _had_enough = stream.write_all(bytes).await;
    let _closed_already = stream.shutdown().await;
    let mut answer = Vec::new();
    let read = timeout(ANSWER_WITHIN, async {
        let mut part = [0; 4_096];
        while let Ok(count @ 1..) = stream.read(&mut part).await {
            answer.extend_from_slice(&part[..count]);
        }
    });
    read.await.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Fault 29: heads that are too large.
#[tokio::test]
async fn a_head_that_is_too_large_is_refused_by_its_status() {
    // given
    let mut hall = Hall::open().await;
    let address = hall.address();
    let before = hall.resident_kib();
    let long = "x".repeat(1 << 20);
    let many: String = (0..500).map(|number| format!("h{number}: x\r\n")).collect();

    // when heads of a mebibyte come, in one header, in the path, in many headers
    for head in [
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n"),
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nCookie: andon_admin={long}\r\n\r\n"),
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
    ] {
        let answer = exchange(&address, head.as_bytes()).await;

        // then each is refused, or cut off while it is still being sent
        let refused = ["HTTP/1.1 431", "HTTP/1.1 414", "HTTP/1.1 400"].iter().any(|line| answer.starts_with(line));
        assert!(refused || answer.is_empty(), "{:.60}: {answer:.80}", head);
    }
    let modest = "x".repeat(40 << 10);
    let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {modest}\r\n\r\n");
    assert!(exchange(&address, head.as_bytes()).await.starts_with("HTTP/1.1 431"));

    // and nothing of them stays in memory
    assert!(hall.resident_kib() < before + (32 << 10), "{before} KiB before, {} after", hall.resident_kib());
    hall.is_unharmed().await;
}

/// Fault 30: random bytes on a connection.
#[test]
fn random_bytes_on_the_socket_are_answered_with_a_refusal_or_closed() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut hall = runtime.block_on(Hall::open());
    let (address, before) = (hall.address(), runtime.block_on(hall.heads()));
    let line = "(GET|POST|PUT|DELETE|PATCH|BREW|OPTIONS|CONNECT) [ -~]{0,60} HTTP/[0-9]\\.[0-9]\r\n";
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..400),
        (line, prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(line, rest)| [line.into_bytes(), rest].concat()),
        (line, "([A-Za-z-]{1,20}: ?[ -~]{0,40}\r\n){0,6}\r\n[ -~]{0,100}").prop_map(|(a, b)| (a + &b).into_bytes()),
        // Two lengths, a length and chunks, a chunk without end: what request smuggling is made of.
        Just(b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\n{}{}GET / ".to_vec()),
        Just(
            b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n"
                .to_vec()
        ),
        Just(b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx".to_vec()),
    ];
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&bytes, |bytes| {
        let answer = runtime.block_on(exchange(&address, &bytes));
        let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse::<u16>().ok());
        // Bytes may happen to be a request that anybody may make.
        prop_assert!(status.is_none_or(|status| status < 500), "{answer}");
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(runtime.block_on(hall.heads()), before);
    runtime.block_on(hall.is_unharmed());
}
