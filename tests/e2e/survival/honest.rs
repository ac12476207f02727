//! Honest start-up: an engine does not serve on a server or a log that could lose what it acknowledges, and names the
//! setting.

use andon_nats::testing::{Settings, TestServer};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::floor;
use crate::harness::Place;

/// What `andon engine` says when it is started here and must not run.
fn refusal(place: &Place) -> String {
    let output = place.command(&["engine"]).output().expect("andon starts");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{told}");
    told
}

/// Makes the log with these settings in place of its own, as somebody might by hand.
async fn make_log(server: &TestServer, settings: &[(&str, Value)]) {
    let mut definition: Value = serde_json::from_str(include_str!("../../../nats/streams/ANDON.json")).expect("JSON");
    definition["max_bytes"] = json!(1 << 30);
    for (setting, value) in settings {
        definition[*setting] = value.clone();
    }
    let nats = async_nats::connect(server.config().url).await.expect("nats-server answers");
    let made = nats.request("$JS.API.STREAM.CREATE.ANDON", definition.to_string().into()).await.expect("an answer");
    let made: Value = serde_json::from_slice(&made.payload).expect("JSON");
    assert!(made["error"].is_null(), "nats-server refuses it by itself: {made}");
}

/// Fault 6: the stream is not written before it is acknowledged, not kept, or can be cut.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_refuses_a_log_that_could_lose_what_it_acknowledged_and_names_the_setting() {
    let day_ns = 86_400_000_000_000_u64;
    let unsafe_ones: [(&str, &[(&str, Value)]); 6] = [
        // A stream cannot acknowledge before writing and take atomic batches at once.
        ("persist_mode", &[("persist_mode", json!("async")), ("allow_atomic", json!(false))]),
        ("storage", &[("storage", json!("memory")), ("max_bytes", json!(1 << 20))]),
        ("discard", &[("discard", json!("old"))]),
        ("max_age", &[("max_age", json!(day_ns))]),
        ("deny_delete", &[("deny_delete", json!(false))]),
        ("allow_atomic", &[("allow_atomic", json!(false))]),
    ];
    for (setting, settings) in unsafe_ones {
        // given
        let server = TestServer::start(Settings::default()).await;
        make_log(&server, settings).await;

        // when
        let told = refusal(&floor::beside(&server));

        // then
        assert!(told.contains("stream ANDON") && told.contains(setting), "{setting}: {told}");
    }
}

/// Fault 6: the server acknowledges before it syncs.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_refuses_a_server_that_acknowledges_before_it_syncs_and_says_what_to_set() {
    let server = TestServer::start(Settings { sync_always: false }).await;

    let told = refusal(&floor::beside(&server));

    assert!(told.contains("sync_interval: always"), "{told}");
}

/// Fault 6: the log has one copy where three were promised.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_refuses_a_log_with_fewer_copies_than_it_was_promised_and_names_the_setting() {
    let server = TestServer::start(Settings::default()).await;
    make_log(&server, &[]).await;
    server.bus("operator").await;

    let told = refusal(&floor::beside(&server).set("replicas", "3"));

    assert!(told.contains("stream ANDON: num_replicas must be 3, and is 1"), "{told}");
}

/// Speaks as much of NATS as a client needs to believe that it is connected to a server of this version.
async fn pretend_to_be(version: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (reader, mut writer) = socket.into_split();
                let info = json!({
                    "server_id": "OLD", "server_name": "old", "version": version, "proto": 1, "headers": true,
                    "jetstream": true, "max_payload": 1 << 20, "host": "127.0.0.1", "port": address.port(),
                });
                let mut sent = writer.write_all(format!("INFO {info}\r\n").as_bytes()).await;
                let mut lines = BufReader::new(reader).lines();
                while let (Ok(()), Ok(Some(line))) = (&sent, lines.next_line().await) {
                    if line.starts_with("PING") {
                        sent = writer.write_all(b"PONG\r\n").await;
                    }
                }
            });
        }
    });
    format!("nats://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_refuses_a_server_older_than_atomic_batches() {
    let url = pretend_to_be("2.11.9").await;
    let place = Place::new().set("nats_url", &url).set("unsafe_unchecked_log", "1");

    let told = refusal(&place);

    assert!(told.contains("2.11.9") && told.contains("2.12"), "{told}");
}
