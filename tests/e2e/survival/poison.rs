//! Messages on the log that nobody can read: set aside with an alarm, and everything else goes on.

use std::time::Duration;

use andon_nats::HeaderMap;
use bus_schemas::{WorkerId, subject};
use serde_json::{Value, json};

use super::floor;
use super::load::Load;
use crate::harness::{Andon, Client, until};

/// A client that has waited this long would be hung up on by its device.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// Stores a message behind everybody's back, with the rights of an engine.
async fn store(andon: &Andon, worker: WorkerId, schema: Option<&'static str>, payload: &'static [u8]) {
    let nats = andon.place.nats("engine").await;
    let mut headers = HeaderMap::new();
    headers.insert("X-Test", "poison");
    if let Some(schema) = schema {
        headers.insert(subject::HEADER_SCHEMA, schema);
    }
    let stored = nats.request_with_headers(subject::session(worker), headers, payload.into()).await;
    let stored: Value = serde_json::from_slice(&stored.expect("an answer").payload).expect("JSON");
    assert!(stored["seq"].is_u64(), "{stored}");
}

/// How many messages are quarantined, and how often that was counted.
async fn set_aside(andon: &Andon) -> (Option<Vec<String>>, u64) {
    let rows = andon.place.sql("select count(*) from quarantine");
    let metrics = andon.metrics().await;
    let counted = metrics.lines().filter(|line| line.starts_with("andon_quarantined_total"));
    (rows, counted.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum())
}

/// Waits until everything up to now is projected.
async fn projected(andon: &Andon) {
    let nats = andon.place.nats_config("persistence");
    let bus = andon_nats::Bus::connect(&nats, "persistence").await.expect("nats-server answers");
    let facts = bus.stream_info(subject::STREAM_LOG, Duration::from_secs(5)).await.expect("it is there");
    let caught_up = format!("select seq >= {} from checkpoints where stream = 'ANDON'", facts.last_seq);
    until("the projection has caught up", async || andon.place.sql(&caught_up) == Some(vec!["t".to_owned()])).await;
}

/// Fault 16: an event of an unknown version, and bytes that are none.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_read_is_set_aside_with_an_alarm_and_everything_else_goes_on() {
    // given workers at work, and two more with a session each
    let mut andon = floor::up("300s").await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..3, Duration::from_secs(1)).await;
    load.goes_on(10).await;
    let mut hurt = floor::sign_in(&url, 3..5).await;
    let station = floor::station(&hurt[0]).await;
    for worker in &mut hurt {
        worker.open(&station, "J-1").await.ok();
    }

    // when bytes come after the one's events, and an event of a version to come after the other's
    let id = |number: usize| hurt[number].id.parse::<WorkerId>().expect("an id");
    store(&andon, id(0), Some("1.0"), b"\xc1 no MessagePack \0").await;
    store(&andon, id(1), Some("9.0"), b"\x80").await;

    // then both are set aside, once, with an alarm
    let both = (Some(vec!["2".to_owned()]), 2);
    until("both are set aside", async || set_aside(&andon).await == both).await;
    until("there is an alarm for each", async || {
        let log = andon.process.log();
        log.lines().filter(|line| line.contains("ERROR") && line.contains("quarantine")).count() >= 2
    })
    .await;

    // and everybody else goes on; those two are answered, and not told that something was stored which was not
    load.goes_on(10).await;
    for worker in &hurt {
        let answer = tokio::time::timeout(ANSWERED_WITHIN, status(&worker.client, worker.session.as_deref())).await;
        let answer = answer.expect("nobody is kept waiting for ever");
        assert!([200, 409, 500, 503].contains(&answer), "answered {answer}");
    }
    projected(&andon).await;
    assert_eq!(set_aside(&andon).await, both, "delivered again and again");

    // and so it is after a restart. It is not ready while a partition has events that only a newer version may judge, and
    // serves all others
    andon.process.terminate().await;
    andon.process = andon.place.spawn(&["up"]);
    load.goes_on(10).await;
    projected(&andon).await;
    assert_eq!(set_aside(&andon).await.0, both.0, "projected again after the restart");
    let history = load.stop().await;
    eprintln!("{}", history.told());
}

async fn status(client: &Client, session: Option<&str>) -> u16 {
    let body = json!({"sessionId": session, "status": "production"});
    client.post("/api/status-events", &body).await.status
}
