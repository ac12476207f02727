//! A shard on a real server, without its node.

use std::sync::atomic::AtomicU8;

use andon_nats::testing::{Settings, TestServer};
use bus_schemas::{Command, CommandBody, StationId, codec};
use futures::StreamExt as _;
use uuid::Uuid;

use super::*;
use crate::shared::testing;

fn work(slot: &Slot, panics: u8, reply_to: &str) -> Arc<Work> {
    let worker_id = WorkerId(Uuid::from_u128(7));
    let command = Command {
        id: reply_to.parse().unwrap(),
        worker_id,
        actor: bus_schemas::Actor::Worker(worker_id),
        expires_at_us: TimeUs::from_micros(i64::MAX),
        directory_seq: 0,
        gateway_id: Uuid::nil(),
        reported_at_us: None,
        body: CommandBody::Open { station_id: StationId(Uuid::nil()), job_number: "J-1".into() },
    };
    Arc::new(Work {
        command,
        reply_to: reply_to.into(),
        trace: None,
        arrived: Mono::now(),
        panics: AtomicU8::new(panics),
        _permit: Arc::clone(&slot.permits).try_acquire_owned().unwrap(),
    })
}

#[tokio::test]
async fn rule_6_what_is_queued_when_a_shard_ends_is_answered_not_owner() {
    // given a shard that serves, and commands in its mailbox, one of which may have been published before
    let server = TestServer::start(Settings::default()).await;
    let (shared, stop) = testing::shared(&server).await;
    let mut answers = shared.bus().client().subscribe("_INBOX.gateway.>").await.unwrap();
    let partition = Partition::of(WorkerId(Uuid::from_u128(7)));
    let slot = shared.slot(partition);
    let (shard, ended) =
        ractor::Actor::spawn(None, Shard, ShardArgs { shared: Arc::clone(&shared), partition }).await.unwrap();
    slot.taken(shard.clone(), 7, None);
    slot.recovered(shard.get_id(), Mono::now());
    for (panics, reply_to) in [(1, "_INBOX.gateway.a"), (0, "_INBOX.gateway.b")] {
        shard.cast(ShardMsg::Command(work(slot, panics, reply_to))).unwrap();
    }

    // when it is drained before it comes to them
    slot.leave();
    shard.drain().unwrap();
    ended.await.unwrap();

    // then the gateway hears of the one that is certain, and of nothing else.
    let answer = answers.next().await.unwrap();
    assert_eq!(answer.subject.as_str(), "_INBOX.gateway.b");
    assert_eq!(codec::decode::<Reply>(&answer.payload).unwrap(), Reply::NotOwner);
    assert_eq!(slot.sessions(), 0);
    stop.cancel();
}
