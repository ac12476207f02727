//! A command's life: rules 1 to 7.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bus_schemas::{CloseCause, CommandBody, Effect, EventKind, RefusalCode, Reply, SessionId};
use engine::EngineConfig;
use uuid::Uuid;

use crate::gateway::{Bench, assert_chains_hold, eventually, open, status, worker};

const IDLE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_opening_to_completion_is_on_the_log() {
    let bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    let session = bench.open(&engine, worker(0)).await;
    bench.done(&engine, worker(0), status(session.id, "production")).await;
    let done = bench.done(&engine, worker(0), CommandBody::Complete { session_id: session.id }).await;
    assert_eq!(done.session.unwrap().closed_cause, Some(CloseCause::Completed));
    let events = bench.events().await;
    let kinds: Vec<_> = events.iter().map(|(_, event)| event.kind.name()).collect();
    assert_eq!(kinds, ["opened", "status-changed", "closed"]);
    assert_chains_hold(&events);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_5_the_same_command_id_has_one_effect_and_the_same_answer_also_after_a_restart() {
    let bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    let first = bench.send_as(&engine, "open-1", worker(0), open()).await;
    let again = bench.send_as(&engine, "open-1", worker(0), open()).await;
    assert_eq!(first, again);
    engine.drain(Duration::from_secs(5)).await;
    let engine = bench.owner(IDLE).await;
    let after_restart = bench.send_as(&engine, "open-1", worker(0), open()).await;
    assert_eq!(first, after_restart);
    let other = CommandBody::Open { station_id: crate::gateway::station(), job_number: "J-2".into() };
    match bench.send_as(&engine, "open-1", worker(0), other).await {
        Reply::Refused(refusal) => assert_eq!(refusal.code, RefusalCode::IdempotencyKeyReused),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.events().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_4_replacing_a_session_is_one_batch_and_its_repeat_finds_the_opening() {
    let bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    let first = bench.open(&engine, worker(0)).await;
    let replaced = bench.send_as(&engine, "replace", worker(0), open()).await;
    assert_eq!(replaced, bench.send_as(&engine, "replace", worker(0), open()).await);
    let events = bench.events().await;
    let [_, (closed_seq, closed), (opened_seq, opened)] = &events[..] else { panic!("{} events", events.len()) };
    assert_eq!(closed_seq + 1, *opened_seq);
    assert!(matches!(closed.kind, EventKind::Closed { cause: CloseCause::Replaced, .. }));
    assert_eq!(opened.kind, EventKind::Opened { replaces: Some(first.id) });
    assert_chains_hold(&events);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_3_a_refusal_and_nothing_to_change_store_nothing() {
    let bench = Bench::start(2).await;
    let engine = bench.owner(IDLE).await;
    let session = bench.open(&engine, worker(0)).await;
    let stopped = bench.done(&engine, worker(0), status(session.id, "stopped")).await;
    assert_eq!(stopped.effect, Effect::Nothing);
    let unknown = status(session.id, "dancing");
    assert_eq!(bench.refused(&engine, worker(0), unknown).await, RefusalCode::UnknownStatus);
    let nobodys = status(SessionId(Uuid::new_v4()), "production");
    assert_eq!(bench.refused(&engine, worker(0), nobodys).await, RefusalCode::NotFound);
    // Another worker's session.
    assert_eq!(bench.refused(&engine, worker(1), status(session.id, "production")).await, RefusalCode::NotFound);
    assert_eq!(bench.events().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_6_a_command_for_a_partition_of_nobody_is_answered_not_owner() {
    let bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    let second = bench.engine(IDLE).await;
    let reply = bench.attempt(second.node_id(), "c", worker(0), open()).await;
    assert_eq!(reply, Ok(Reply::NotOwner));
    bench.open(&engine, worker(0)).await;
}

/// Fault 3: the server freezes between storing and acknowledging.
#[tokio::test(flavor = "multi_thread")]
async fn rule_2_a_command_whose_acknowledgement_never_came_takes_effect_once() {
    let bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    let session = bench.open(&engine, worker(0)).await;
    for round in 0..6_u32 {
        let code = if round % 2 == 0 { "production" } else { "setup" };
        let id = format!("round-{round}");
        let attempt = bench.attempt(engine.node_id(), &id, worker(0), status(session.id, code));
        // The server freezes around the publish: sometimes before it, sometimes between store and answer.
        let freeze = async {
            tokio::time::sleep(Duration::from_micros(u64::from(round) * 400)).await;
            bench.server.signal("STOP");
            tokio::time::sleep(Duration::from_millis(1_300)).await;
            bench.server.signal("CONT");
        };
        let (outcome, ()) = tokio::join!(attempt, freeze);
        assert!(!matches!(outcome, Ok(Reply::Refused(_))), "{outcome:?}");
        match bench.send_as(&engine, &id, worker(0), status(session.id, code)).await {
            Reply::Done(done) => assert_eq!(done.effect, Effect::Stored, "the repeat answers from the event"),
            other => panic!("{other:?}"),
        }
    }
    let events = bench.events().await;
    assert_chains_hold(&events);
    let ids: HashSet<_> = events.iter().map(|(_, event)| event.command_id.to_string()).collect();
    assert_eq!((ids.len(), events.len()), (7, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_command_is_answered_and_the_session_lives_on() {
    let bench = Bench::start(1).await;
    let panics = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&panics);
    let engine = bench
        .engine_with(EngineConfig {
            nats: bench.server.config(),
            node_name: "test".to_owned(),
            idle_timeout: IDLE,
            before_decide: Some(Arc::new(move |command| {
                if command.id.as_str() == "poison" {
                    counted.fetch_add(1, Ordering::Relaxed);
                    panic!("a poison command");
                }
            })),
        })
        .await;
    eventually("it owns all", || async { engine.status().owned == 256 && engine.status().ready }).await;
    let session = bench.open(&engine, worker(0)).await;
    let reply = bench.send_as(&engine, "poison", worker(0), status(session.id, "production")).await;
    assert!(matches!(reply, Reply::Poison { .. }), "{reply:?}");
    assert_eq!(panics.load(Ordering::Relaxed), 2);
    let done = bench.done(&engine, worker(0), status(session.id, "setup")).await;
    assert_eq!(done.effect, Effect::Stored);
    assert_eq!(engine.status().sessions, 1);
    assert_chains_hold(&bench.events().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_survive_a_restart_of_the_engine() {
    let bench = Bench::start(40).await;
    let engine = bench.owner(IDLE).await;
    let mut sessions = Vec::new();
    for number in 0..40 {
        sessions.push(bench.open(&engine, worker(number)).await);
    }
    drop(engine);
    let engine = bench.owner(IDLE).await;
    eventually("all sessions have their actor", || async { engine.status().sessions == 40 }).await;
    for (number, session) in sessions.iter().enumerate() {
        bench.done(&engine, worker(number as u128), status(session.id, "production")).await;
    }
    let events = bench.events().await;
    assert_eq!(events.len(), 80);
    assert_chains_hold(&events);
}
