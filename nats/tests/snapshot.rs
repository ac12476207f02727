//! Snapshots of a stream, against the real nats-server: what is restored is a prefix that reaches at least as far as was
//! told, message by message the same.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use andon_nats::{
    Bus, Expect, HeaderMap, Publish, StoredMessage, batch,
    snapshot::{self, SnapshotError, Snapshotted},
    testing::{Settings, TestServer},
};
use bus_schemas::{Partition, subject};
use bytes::Bytes;

const WITHIN: Duration = Duration::from_secs(5);

fn claim(partition: u8, payload: Vec<u8>) -> Publish {
    let mut headers = HeaderMap::new();
    headers.insert("Some-Header", "some value");
    Publish {
        stream: subject::STREAM_LOG,
        subject: subject::claim(Partition::new(partition)),
        headers,
        payload: payload.into(),
        expect: Expect::Anything,
    }
}

async fn taken(bus: &Bus) -> (Snapshotted, Vec<Bytes>) {
    let mut pieces = Vec::new();
    let taken = snapshot::take(bus, subject::STREAM_LOG, |piece| {
        pieces.push(Bytes::copy_from_slice(piece));
        Ok(())
    });
    (taken.await.unwrap(), pieces)
}

async fn message(bus: &Bus, seq: u64) -> StoredMessage {
    bus.message(subject::STREAM_LOG, seq, WITHIN).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_restored_is_a_prefix_message_by_message_while_others_publish() {
    // given a log that is written all the time, in blocks of some megabytes
    let server = TestServer::start(Settings { sync_always: false }).await;
    let bus = server.bus("operator").await;
    let over = Arc::new(AtomicBool::new(false));
    let writers = (0..4_u8).map(|number| {
        let (bus, over) = (bus.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                bus.publish(&claim(number, vec![number; 30_000]), WITHIN).await.unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    while bus.stream_info(subject::STREAM_LOG, WITHIN).await.unwrap().bytes < 20_000_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // when a snapshot is taken meanwhile and put into another server
    let (about, pieces) = taken(&bus).await;
    over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let head = bus.stream_info(subject::STREAM_LOG, WITHIN).await.unwrap();
    assert!(head.last_seq > about.number("last_seq"), "nothing was published meanwhile");
    let mut other = TestServer::start(Settings { sync_always: false }).await;
    let elsewhere = Bus::connect(&other.config(), "operator").await.unwrap();
    let mut left = pieces.into_iter();
    let put = snapshot::put(&elsewhere, subject::STREAM_LOG, &about, 1, || Ok(left.next().unwrap_or_default()));
    let facts = put.await.unwrap();

    // then it is the same stream up to some message after the one that was told
    assert_eq!(facts.first_seq, head.first_seq);
    assert!((about.number("last_seq")..=head.last_seq).contains(&facts.last_seq), "{facts:?}");
    assert_eq!((facts.messages, facts.num_deleted, facts.lost_bytes), (facts.last_seq, 0, 0));
    for seq in [1, facts.last_seq / 2, facts.last_seq] {
        let (was, is) = (message(&bus, seq).await, message(&elsewhere, seq).await);
        assert_eq!((was.subject, was.time_us, was.headers), (is.subject, is.time_us, is.headers));
        assert_eq!(was.payload, is.payload);
    }
    // and after a restart it is still that one, and goes on with the next sequence
    other.restart().await;
    let elsewhere = Bus::connect(&other.config(), "operator").await.unwrap();
    let again = elsewhere.stream_info(subject::STREAM_LOG, WITHIN).await.unwrap();
    assert_eq!((again.created_us, again.last_seq), (facts.created_us, facts.last_seq));
    let next = elsewhere.publish(&claim(9, vec![1]), WITHIN).await.unwrap();
    assert_eq!(next.seq, facts.last_seq + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_there_is_never_overwritten_and_a_cut_snapshot_makes_none() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("operator").await;
    bus.publish(&claim(1, vec![1]), WITHIN).await.unwrap();
    let (about, pieces) = taken(&bus).await;

    // when it is put where it came from, then it is refused
    let mut left = pieces.clone().into_iter();
    let put = snapshot::put(&bus, subject::STREAM_LOG, &about, 1, || Ok(left.next().unwrap_or_default()));
    assert!(matches!(put.await, Err(SnapshotError::Api { .. })));

    // when it is cut, then so it is elsewhere
    let other = TestServer::start(Settings::default()).await;
    let elsewhere = Bus::connect(&other.config(), "operator").await.unwrap();
    let mut cut = pieces.first().map(|piece| piece.slice(..piece.len() / 2)).into_iter();
    let put = snapshot::put(&elsewhere, subject::STREAM_LOG, &about, 1, || Ok(cut.next().unwrap_or_default()));
    assert!(put.await.is_err());
    assert!(elsewhere.stream_info(subject::STREAM_LOG, WITHIN).await.unwrap_err().is_no_stream());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_says_whether_its_batch_goes_on_after_it() {
    let server = TestServer::start(Settings::default()).await;
    let bus = server.bus("engine").await;
    let alone = bus.publish(&claim(1, vec![1]), WITHIN).await.unwrap().seq;
    let last = bus.publish_batch(&[claim(1, vec![1]), claim(2, vec![1])], WITHIN).await.unwrap().seq;
    let goes_on = async |seq| batch::goes_on_after(&message(&bus, seq).await);
    assert_eq!((goes_on(alone).await, goes_on(last - 1).await, goes_on(last).await), (false, true, false));
}
