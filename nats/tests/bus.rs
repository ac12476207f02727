//! What the bus promises, against the real nats-server.

use std::time::{Duration, Instant};

use andon_nats::{
    Bus, Expect, Followed, Follower, HeaderMap, Publish, PublishError, RequestError, Start, server, streams,
    testing::{Settings, TestServer},
};
use bus_schemas::{Partition, subject};
use bytes::Bytes;

const WITHIN: Duration = Duration::from_secs(5);

fn claim(partition: u8, expect: Expect, payload: &'static str) -> Publish {
    Publish {
        stream: subject::STREAM_LOG,
        subject: subject::claim(Partition::new(partition)),
        headers: HeaderMap::new(),
        payload: Bytes::from_static(payload.as_bytes()),
        expect,
    }
}

async fn publish(bus: &Bus, message: &Publish) -> Result<u64, PublishError> {
    bus.publish(message, WITHIN).await.map(|ack| ack.seq)
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_1_a_publish_on_an_older_sequence_is_refused() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let first = publish(&bus, &claim(1, Expect::LastOnSubject(0), "a")).await.unwrap();
    assert_eq!(publish(&bus, &claim(1, Expect::LastOnSubject(0), "b")).await, Err(PublishError::Moved));
    let second = publish(&bus, &claim(1, Expect::LastOnSubject(first), "c")).await.unwrap();
    let last =
        bus.last_message(subject::STREAM_LOG, &subject::claim(Partition::new(1)), WITHIN).await.unwrap().unwrap();
    assert_eq!((last.seq, &last.payload[..]), (second, &b"c"[..]));
    assert!(bus.last_message(subject::STREAM_LOG, &subject::claim(Partition::new(2)), WITHIN).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_4_a_batch_on_one_subject_is_stored_as_one_or_not_at_all() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let base = publish(&bus, &claim(1, Expect::LastOnSubject(0), "a")).await.unwrap();
    let stale = [claim(1, Expect::LastOnSubject(0), "b"), claim(1, Expect::Anything, "c")];
    assert_eq!(bus.publish_batch(&stale, WITHIN).await, Err(PublishError::Moved));
    assert_eq!(bus.stream_info(subject::STREAM_LOG, WITHIN).await.unwrap().last_seq, base);
    let good = [claim(1, Expect::LastOnSubject(base), "b"), claim(1, Expect::Anything, "c")];
    let ack = bus.publish_batch(&good, WITHIN).await.unwrap();
    assert_eq!((ack.seq, ack.count), (base + 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_4_two_hundred_replaces_at_once_all_get_through() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(16));
    let replaces = (0..200_u8).map(|partition| {
        let (bus, slots) = (bus.clone(), slots.clone());
        tokio::spawn(async move {
            let _slot = slots.acquire().await.unwrap();
            let batch = [claim(partition, Expect::LastOnSubject(0), "a"), claim(partition, Expect::Anything, "b")];
            bus.publish_batch(&batch, WITHIN).await
        })
    });
    for replace in futures::future::join_all(replaces).await {
        assert_eq!(replace.unwrap().map(|ack| ack.count), Ok(2));
    }
    assert_eq!(bus.stream_info(subject::STREAM_LOG, WITHIN).await.unwrap().messages, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_14_a_staged_batch_is_tested_at_its_commit_and_can_be_aborted() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let staged = bus.stage_batch(&[claim(1, Expect::LastOnSubject(0), "a")], WITHIN).await.unwrap();
    // Between staging and commit somebody else writes.
    let moved = publish(&bus, &claim(1, Expect::LastOnSubject(0), "other")).await.unwrap();
    let commit = staged.commit(&bus, &claim(2, Expect::LastOnSubject(0), "b"), WITHIN).await;
    assert_eq!(commit, Err(PublishError::Moved));

    // Aborted batches give their slot back at once: many more than the stream's fifty can follow each other.
    for _ in 0..120 {
        let staged = bus.stage_batch(&[claim(1, Expect::LastOnSubject(moved), "a")], WITHIN).await.unwrap();
        staged.abort(&bus, &claim(2, Expect::LastOnSubject(0), "b"), WITHIN).await;
    }
    assert_eq!(bus.stream_info(subject::STREAM_LOG, WITHIN).await.unwrap().messages, 1);

    let staged = bus.stage_batch(&[claim(1, Expect::LastOnSubject(moved), "a")], WITHIN).await.unwrap();
    let ack = staged.commit(&bus, &claim(2, Expect::LastOnSubject(0), "b"), WITHIN).await.unwrap();
    assert_eq!((ack.seq, ack.count), (moved + 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_2_silence_is_unknown_and_no_responder_is_certain() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let nobody = bus.request("andon.v1.node.nobody".to_owned(), None, Bytes::new(), WITHIN).await;
    assert_eq!(nobody.unwrap_err(), RequestError::NoResponders);
    server.signal("STOP");
    let outcome = bus.publish(&claim(1, Expect::LastOnSubject(0), "a"), Duration::from_millis(300)).await;
    assert_eq!(outcome, Err(PublishError::Unknown));
    server.signal("CONT");
    // It was stored after all: the read tells.
    let until = Instant::now() + WITHIN;
    while bus
        .last_message(subject::STREAM_LOG, &subject::claim(Partition::new(1)), WITHIN)
        .await
        .ok()
        .flatten()
        .is_none()
    {
        assert!(Instant::now() < until, "the publish was stored once the server went on");
        tokio::task::yield_now().await;
    }
}

/// Fault 18: the server is restarted under a follower.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_delivers_each_message_once_and_in_order_across_restarts_of_the_server() {
    let mut server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let mut follower =
        Follower::new(bus.clone(), subject::STREAM_LOG, vec![subject::CLAIMS.to_owned()], Start::Sequence(1));
    let mut delivered = Vec::new();
    for round in 0..3_u64 {
        for partition in 0..20 {
            let before = if round == 0 { 0 } else { (round - 1) * 20 + partition + 1 };
            let message = claim(u8::try_from(partition).unwrap(), Expect::LastOnSubject(before), "x");
            let until = Instant::now() + WITHIN * 2;
            while let Err(error) = publish(&bus, &message).await {
                assert!(error != PublishError::Moved && Instant::now() < until, "{error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let wanted = usize::try_from((round + 1) * 20).unwrap();
        let collect = async {
            while delivered.len() < wanted {
                if let Followed::Message(message) = follower.next().await {
                    delivered.push(message.seq);
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), collect).await.expect("all messages are delivered");
        server.restart().await;
    }
    assert_eq!(delivered, (1..=60).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_last_messages_catches_up_with_one_message_a_subject() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let mut last = 0;
    for _ in 0..5 {
        last = publish(&bus, &claim(1, Expect::LastOnSubject(last), "x")).await.unwrap();
    }
    let other = publish(&bus, &claim(2, Expect::LastOnSubject(0), "y")).await.unwrap();
    let filters = vec![subject::CLAIMS.to_owned(), subject::SESSIONS.to_owned()];
    let mut follower = Follower::new(bus.clone(), subject::STREAM_LOG, filters, Start::LastPerSubject);
    let mut delivered = Vec::new();
    let collect = async {
        loop {
            match follower.next().await {
                Followed::Message(message) => delivered.push(message.seq),
                Followed::CaughtUp => break,
                Followed::Interrupted(why) => panic!("{why}"),
            }
        }
    };
    tokio::time::timeout(WITHIN, collect).await.expect("it catches up");
    assert_eq!(delivered, [last, other]);
    let next = publish(&bus, &claim(3, Expect::LastOnSubject(0), "z")).await.unwrap();
    match tokio::time::timeout(WITHIN, follower.next()).await.unwrap() {
        Followed::Message(message) => assert_eq!(message.seq, next),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_last_messages_has_caught_up_with_every_subject_also_while_the_stream_goes_on() {
    // given a stream that goes on all the time, on each of some subjects in turn
    const SUBJECTS: u8 = 8;
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let publisher = bus.clone();
    let (ready, begun) = tokio::sync::oneshot::channel();
    let publishing = tokio::spawn(async move {
        let mut ready = Some(ready);
        for round in 0_u64.. {
            for partition in 0..SUBJECTS {
                let last = if round == 0 { 0 } else { (round - 1) * u64::from(SUBJECTS) + u64::from(partition) + 1 };
                publish(&publisher, &claim(partition, Expect::LastOnSubject(last), "x")).await.expect("stored");
            }
            if let Some(ready) = ready.take() {
                let _nobody_waits = ready.send(());
            }
        }
    });
    begun.await.expect("each subject has a message");
    for _ in 0..20 {
        // when somebody begins to follow the last message of each
        let filters = vec![subject::CLAIMS.to_owned()];
        let mut follower = Follower::new(bus.clone(), subject::STREAM_LOG, filters, Start::LastPerSubject);
        let mut delivered = std::collections::BTreeSet::new();
        loop {
            match tokio::time::timeout(WITHIN, follower.next()).await.expect("it goes on") {
                Followed::Message(message) => drop(delivered.insert(message.subject)),
                Followed::CaughtUp => break,
                Followed::Interrupted(why) => panic!("{why}"),
            }
        }
        // then there is one of each when it says that it has caught up
        assert_eq!(delivered.len(), usize::from(SUBJECTS), "{delivered:?}");
        follower.end().await;
    }
    publishing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_stream_is_caught_up_at_once() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let mut follower = Follower::new(bus, subject::STREAM_LOG, vec![subject::CLAIMS.to_owned()], Start::LastPerSubject);
    assert!(matches!(tokio::time::timeout(WITHIN, follower.next()).await, Ok(Followed::CaughtUp)));
}

/// Fault 6: an unsafe setting.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_acknowledges_before_it_writes_is_refused_by_the_setting() {
    let server = TestServer::start(Settings { sync_always: false }).await;
    let bus = server.bus("engine").await;
    let refused = server::check(&bus, &server.config()).await.unwrap_err().to_string();
    assert!(refused.contains("sync_interval: always"), "{refused}");
    let mut config = server.config();
    config.monitor_url = None;
    let refused = server::check(&bus, &config).await.unwrap_err().to_string();
    assert!(refused.contains("ANDON_NATS_MONITOR_URL"), "{refused}");
    config.unchecked_log = true;
    server::check(&bus, &config).await.unwrap();
}

/// Fault 6: an unsafe setting.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_may_lose_what_it_acknowledged_is_refused_by_the_setting() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    server::check(&bus, &server.config()).await.unwrap();
    streams::check(&bus, &server.config()).await.unwrap();
    for (setting, value) in [
        ("persist_mode", serde_json::json!("async")),
        ("storage", serde_json::json!("memory")),
        ("discard", serde_json::json!("old")),
        ("max_age", serde_json::json!(3_600_000_000_000_u64)),
    ] {
        let _: serde_json::Value =
            bus.api("STREAM.DELETE.ANDON", &serde_json::Value::Null, WITHIN).await.expect("the stream is deleted");
        let mut definition: serde_json::Value =
            serde_json::from_str(include_str!("../streams/ANDON.json")).expect("the definition is JSON");
        definition[setting] = value;
        if setting == "persist_mode" {
            // The server allows it only without atomic batches.
            definition["allow_atomic"] = serde_json::json!(false);
        }
        let _: serde_json::Value =
            bus.api("STREAM.CREATE.ANDON", &definition, WITHIN).await.expect("the stream is made");
        let refused = streams::check(&bus, &server.config()).await.unwrap_err().to_string();
        assert!(refused.contains(setting), "{setting}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_says_so() {
    let server = TestServer::start(Settings::default()).await;
    let mut config = server.config();
    config.log_max_bytes = Some(4_096);
    let bus = Bus::connect(&config, "engine").await.unwrap();
    streams::ensure(&bus, &config).await.unwrap();
    let payload: &'static str = Box::leak("x".repeat(1_000).into_boxed_str());
    let mut last = 0;
    let outcome = loop {
        match publish(&bus, &claim(1, Expect::LastOnSubject(last), payload)).await {
            Ok(seq) if seq < 100 => last = seq,
            outcome => break outcome,
        }
    };
    assert_eq!(outcome, Err(PublishError::Full));
}

/// Fault 1: the log has a hole.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_a_hole_is_refused() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    // Only a stream that allows it can be damaged without touching the disk.
    let _: serde_json::Value = bus.api("STREAM.DELETE.ANDON", &serde_json::Value::Null, WITHIN).await.unwrap();
    let mut definition: serde_json::Value = serde_json::from_str(include_str!("../streams/ANDON.json")).unwrap();
    definition["deny_delete"] = serde_json::json!(false);
    let _: serde_json::Value = bus.api("STREAM.CREATE.ANDON", &definition, WITHIN).await.unwrap();
    for partition in 0..3 {
        publish(&bus, &claim(partition, Expect::LastOnSubject(0), "x")).await.unwrap();
    }
    let _: serde_json::Value =
        bus.api("STREAM.MSG.DELETE.ANDON", &serde_json::json!({ "seq": 2 }), WITHIN).await.unwrap();
    definition["deny_delete"] = serde_json::json!(true);
    let _: serde_json::Value = bus.api("STREAM.UPDATE.ANDON", &definition, WITHIN).await.unwrap();
    let refused = streams::check(&bus, &server.config()).await.unwrap_err().to_string();
    assert!(refused.contains("damaged") && refused.contains("1 messages"), "{refused}");
}
