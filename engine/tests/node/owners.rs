//! Two nodes on one NATS: rules 6 and 9.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use bus_schemas::{Claim, Extra, HandOver, NodeStatus, Partition, Reply, TakenWhy, TimeUs, codec, subject};
use futures::StreamExt as _;

use crate::gateway::{Bench, SOON, assert_chains_hold, eventually, open, shared, status, worker};

const IDLE: Duration = Duration::from_secs(300);
const WORKERS: u128 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn rule_9_a_node_that_joins_gets_its_share_after_it_has_read_it_and_no_command_fails_meanwhile() {
    // given a node with sessions at work
    let bench = Bench::start(WORKERS).await;
    let first = bench.owner(IDLE).await;
    let mut sessions = Vec::new();
    for number in 0..WORKERS {
        sessions.push(bench.open(&first, worker(number)).await.id);
    }

    // when a second one joins while commands come in
    let second = bench.engine(IDLE).await;
    shared(&first, &second).await;

    // then each partition was let go for the second, which took it for that reason,
    eventually("as many were let go as the second has", || async {
        let let_go = bench.claims().await.iter().filter(|claim| claim.released).count();
        let_go == usize::from(second.status().owned)
    })
    .await;
    let claims = bench.claims().await;
    let let_go = claims.iter().filter(|claim| claim.released).collect::<Vec<_>>();
    assert!(let_go.iter().all(|claim| claim.successor.as_deref() == Some(second.node_id())), "{let_go:?}");
    let taken =
        claims.iter().filter(|claim| *claim.node_id == *second.node_id()).filter_map(|claim| claim.taken.as_ref());
    let mut why: Vec<_> = taken.map(|taken| (taken.why, taken.from.as_deref())).collect();
    why.dedup();
    assert_eq!(why, [(TakenWhy::HandedOver, Some(first.node_id()))]);

    // and every session goes on where it is owned.
    for (number, session) in (0..WORKERS).zip(sessions) {
        bench.done_anywhere(&[&first, &second], worker(number), status(session, "production")).await;
    }
    assert_chains_hold(&bench.events().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_claims_are_on_their_way_does_not_say_that_it_serves() {
    // given somebody who sees each claim as soon as it is stored, as gateways do
    let bench = Bench::start(1).await;
    let mut claims = bench.bus.client().subscribe(subject::CLAIMS).await.expect("subscribed");
    bench.bus.client().flush().await.expect("flushed");

    // when a node claims, then it is ready from the moment it serves all that is known to be its own
    let engine = engine::start(bench.config(IDLE)).await.expect("it starts");
    for seen in 1..=256 {
        claims.next().await.expect("a claim");
        let status = engine.status();
        assert!(!status.ready || status.owned >= seen, "{seen} are claimed: {status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_9_a_node_that_ends_hands_everything_over_to_whoever_has_read_it() {
    let bench = Bench::start(1).await;
    let (first, second) = (bench.owner(IDLE).await, bench.engine(IDLE).await);
    let session = bench.open_anywhere(&[&first, &second], worker(0)).await;
    shared(&first, &second).await;
    let (leaver, begun) = (first.node_id().to_owned(), Instant::now());
    first.drain(SOON).await;
    // Whoever has not read a partition within a second and a half does not get it by name.
    let in_time = begun.elapsed() < Duration::from_millis(1_500);
    // Nothing is left to be found without an owner.
    let claims = bench.claims().await;
    let let_go = claims.iter().filter(|claim| claim.released && *claim.node_id == *leaver);
    assert!(!in_time || let_go.clone().all(|claim| claim.successor.as_deref() == Some(second.node_id())));
    assert_eq!(let_go.count(), 256, "each partition of the first, once");
    eventually("the second owns all", || async { second.status().owned == 256 && second.status().ready }).await;
    bench.done(&second, worker(0), status(session.id, "production")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_along_and_has_events_of_a_newer_schema_is_not_asked_for() {
    // given an owner of everything, a worker of whose has an event of a newer engine
    let bench = Bench::start(1).await;
    let owner = "newer-1";
    let newer: BTreeSet<_> = (0..400).map(worker).map(|worker| (Partition::of(worker), worker)).collect();
    let newer: BTreeMap<_, _> = newer.into_iter().filter(|(partition, _)| partition.index() % 2 == 0).collect();
    for partition in Partition::all() {
        bench.publish(subject::claim(partition), &claim_of(owner), codec::SCHEMA).await;
    }
    for worker in newer.values() {
        bench.publish(subject::session(*worker), &"of tomorrow", "9.0").await;
    }
    let mut asked = bench.bus.client().subscribe(subject::node(owner)).await.expect("subscribed");
    let status = NodeStatus {
        node_id: owner.into(),
        started_at_us: TimeUs::from_micros(1),
        ready: true,
        owned: 256,
        sessions: 0,
        log_seq: 0,
        leaving: false,
    };
    let status = codec::encode(&status).expect("encoded");

    // when a node joins, and reads its share along
    let engine = engine::start(bench.config(IDLE)).await.expect("it starts");
    let mut hand_over = None;
    while hand_over.is_none() {
        let message = asked.next().await.expect("a question");
        bench.bus.send(subject::NODES.to_owned(), None, status.clone().into()).await.expect("told");
        if let Some(reply) = message.reply {
            bench.bus.send(reply.to_string(), None, status.clone().into()).await.expect("answered");
        }
        hand_over = codec::decode::<HandOver>(&message.payload).ok();
    }

    // then it asks for what it can decide on, and for nothing else.
    let hand_over = hand_over.expect("it asks");
    assert_eq!(*hand_over.node_id, *engine.node_id());
    assert!(hand_over.partitions.len() > 20, "{hand_over:?}");
    let beyond_it: Vec<_> = hand_over.partitions.iter().filter(|partition| newer.contains_key(partition)).collect();
    assert!(beyond_it.is_empty(), "{beyond_it:?}");
}

fn claim_of(owner: &str) -> Claim {
    let (taken, successor) = (None, None);
    let at_us = TimeUs::from_micros(1);
    Claim { node_id: owner.into(), at_us, released: false, taken, successor, extra: Extra::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_ends_alone_lets_go_for_anybody_at_once() {
    let bench = Bench::start(1).await;
    let first = bench.owner(IDLE).await;
    first.drain(SOON).await;
    let claims = bench.claims().await;
    let let_go = claims.iter().filter(|claim| claim.released && claim.successor.is_none());
    assert_eq!(let_go.count(), 256);
    let second = bench.owner(IDLE).await;
    let taken = bench.claims().await.into_iter().filter(|claim| *claim.node_id == *second.node_id());
    assert!(taken.filter_map(|claim| claim.taken).all(|taken| taken.why == TakenWhy::Released));
}

/// Fault 5: two nodes take over from each other all the time.
#[tokio::test(flavor = "multi_thread")]
async fn rules_1_and_9_two_nodes_that_take_over_from_each_other_never_fork_a_session() {
    let bench = Bench::start(WORKERS).await;
    let (first, second) = (bench.owner(IDLE).await, bench.engine(IDLE).await);
    let over = AtomicBool::new(false);
    let fight = async {
        for round in 0..12 {
            let taker = if round % 2 == 0 { &second } else { &first };
            taker.take_over(Partition::all().collect()).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    // Every worker talks to both nodes, as if its gateway were always late to learn who owns it.
    let workers = futures::future::join_all((0..WORKERS).map(|number| {
        let (bench, over, first, second) = (&bench, &over, &first, &second);
        async move {
            let mut stored = Vec::new();
            let mut round = 0_u32;
            while !over.load(Ordering::Relaxed) {
                round += 1;
                let id = format!("w{number}-{round}");
                for node in [first, second, first, second] {
                    match bench.attempt(node.node_id(), &id, worker(number), open()).await {
                        Ok(Reply::Done(_)) => {
                            stored.push(id.clone());
                            break;
                        }
                        Ok(Reply::Refused(refusal)) => panic!("{refusal:?}"),
                        _ => {}
                    }
                }
            }
            stored
        }
    }));
    let (stored, ()) = tokio::join!(workers, fight);
    let events = bench.events().await;
    assert_chains_hold(&events);
    for id in stored.iter().flatten() {
        let opened =
            |event: &bus_schemas::SessionEvent| event.kind.name() == "opened" && event.command_id.as_str() == id;
        assert_eq!(events.iter().filter(|(_, event)| opened(event)).count(), 1, "{id}");
    }
    assert!(stored.iter().all(|ids| !ids.is_empty()), "every worker got something done");
    let claims = bench.claims().await;
    assert!(claims.len() > 256 * 5, "the nodes have taken over from each other: {} claims", claims.len());
}
