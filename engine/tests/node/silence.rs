//! Idle closes: rules 11 to 15.

use std::{
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use bus_schemas::{
    CloseCause, CommandBody, Partition, Reply, SessionId, WorkerId, codec, command::AbandonReason, subject,
};
use engine::EngineHandle;

use crate::{
    gateway::{Bench, assert_chains_hold, eventually, open, shared, status, worker},
    link::Link,
};

const IDLE: Duration = Duration::from_secs(2);

async fn closed(bench: &Bench, worker: WorkerId) -> bool {
    bench.last_event(worker).await.is_some_and(|event| event.state.session.closed_cause == Some(CloseCause::Idle))
}

/// Beats for these sessions four times a second, and roll calls, for ever.
async fn keep_beating(bench: &Bench, engine: &EngineHandle, sessions: &[(WorkerId, SessionId)]) {
    loop {
        bench.beat(engine, sessions, false).await;
        tokio::time::sleep(IDLE / 8).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_session_is_closed_within_a_second_after_its_time_and_one_that_beats_is_not() {
    let bench = Bench::start(2).await;
    let engine = bench.owner(IDLE).await;
    let silent = bench.open(&engine, worker(0)).await;
    let beating = bench.open(&engine, worker(1)).await;
    bench.done(&engine, worker(0), status(silent.id, "production")).await;
    let changed = bench.last_event(worker(0)).await.unwrap().at_us;
    let until_closed = eventually("the silent one is closed", || closed(&bench, worker(0)));
    let sessions = [(worker(1), beating.id)];
    tokio::select! {
        () = until_closed => {}
        () = keep_beating(&bench, &engine, &sessions) => {}
    }
    let event = bench.last_event(worker(0)).await.unwrap();
    let session = &event.state.session;
    let silence = event.at_us.since(changed);
    assert!(silence >= IDLE, "closed after {silence:?}");
    // A machine that stands still for a second makes a gap, after which the idle time counts anew (rule 13).
    assert!(silence < IDLE * 3, "closed after {silence:?}");
    assert_eq!(session.effective_end_at_us, Some(changed), "the last proof of life");
    let [production, unproven] = &event.ended[..] else { panic!("{:?}", event.ended) };
    assert_eq!(production.ended_at_us, Some(changed));
    assert_eq!((unproven.started_at_us, unproven.ended_at_us), (changed, session.ended_at_us));
    assert_eq!(unproven.note.as_deref(), Some("auto-abandon"));
    assert!(!closed(&bench, worker(1)).await);
    assert_chains_hold(&bench.events().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_14_many_sessions_that_fall_silent_together_are_closed_once_each() {
    let bench = Bench::start(300).await;
    let engine = bench.owner(IDLE).await;
    futures::future::join_all((0..300).map(|number| bench.open(&engine, worker(number)))).await;
    eventually("all are closed", || async { engine.status().sessions == 0 }).await;
    let events = bench.events().await;
    assert_eq!(events.len(), 600);
    assert!(
        events.iter().filter(|(_, event)| event.state.session.closed_cause == Some(CloseCause::Idle)).count() == 300
    );
    assert_chains_hold(&events);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_15_a_chain_that_cannot_be_read_keeps_no_other_silent_session_open() {
    // given sessions of one partition that are due at the same instant, because a gap lies behind them, and nonsense on
    // one's chain
    const WORKERS: u128 = 600;
    let bench = Bench::start(WORKERS).await;
    let engine = bench.owner(IDLE).await;
    let together = |other: &WorkerId| Partition::of(*other) == Partition::of(worker(0));
    let workers: Vec<_> = (0..WORKERS).map(worker).filter(together).collect();
    assert!(workers.len() > 1);
    for worker in &workers {
        bench.open(&engine, *worker).await;
    }
    bench.publish(subject::session(worker(0)), &"nonsense", codec::SCHEMA).await;
    bench.server.signal("STOP");
    tokio::time::sleep(IDLE + IDLE / 2).await;
    bench.server.signal("CONT");
    // when nobody comes back, then silence closes the others.
    for worker in &workers[1..] {
        eventually("it is closed", || closed(&bench, *worker)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_13_after_an_outage_longer_than_the_idle_time_nobody_who_beats_again_is_closed() {
    let bench = Bench::start(2).await;
    let engine = bench.owner(IDLE).await;
    let back = bench.open(&engine, worker(0)).await;
    bench.open(&engine, worker(1)).await;
    bench.server.signal("STOP");
    tokio::time::sleep(IDLE * 2).await;
    let resumed = Instant::now();
    bench.server.signal("CONT");
    // One who comes back half an idle time after the outage is not closed; one who does not is, after the grace.
    let watch = async {
        eventually("the one who stayed away is closed", || closed(&bench, worker(1))).await;
        assert!(resumed.elapsed() >= IDLE, "closed {:?} after the outage", resumed.elapsed());
    };
    let return_later = async {
        tokio::time::sleep(IDLE / 2).await;
        keep_beating(&bench, &engine, &[(worker(0), back.id)]).await;
    };
    tokio::select! {
        () = watch => {}
        () = return_later => {}
    }
    assert!(!closed(&bench, worker(0)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_13_a_beat_that_is_lost_while_the_owner_reconnects_between_two_echoes_closes_nobody() {
    // given a session that was heard of, whose owner reaches the server over a link
    let bench = Bench::start(1).await;
    let link = Link::to(bench.server.port()).await;
    let mut config = bench.config(IDLE);
    config.nats.url = link.url();
    let engine = bench.engine_with(config).await;
    eventually("it owns all", || async { engine.status().owned == 256 && engine.status().ready }).await;
    let session = bench.open(&engine, worker(0)).await;
    let sessions = [(worker(0), session.id)];
    // As long that the gap of the node's beginning is behind it.
    let _ = tokio::time::timeout(IDLE, keep_beating(&bench, &engine, &sessions)).await;
    tokio::time::sleep(IDLE / 2).await;

    // when its last beat falls into a moment without a connection, and no later batch tells that one was lost
    link.cut(true);
    let lost_at = bench.log_time();
    bench.beat(&engine, &sessions, false).await;
    bench.settled().await;
    link.cut(false);

    // then its silence counts from that moment at the earliest.
    eventually("it is closed", || closed(&bench, worker(0))).await;
    let silence = bench.last_event(worker(0)).await.unwrap().at_us.since(lost_at);
    assert!(silence >= IDLE, "closed {silence:?} after a beat");
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_13_a_client_that_says_a_session_has_expired_is_not_believed_by_an_owner_that_could_not_hear() {
    // given a session whose time ran out while nothing reached its owner
    let bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    let session = bench.open(&engine, worker(0)).await;
    bench.server.signal("STOP");
    tokio::time::sleep(IDLE * 2).await;
    // when the first thing it hears is that the session has expired
    let expired = CommandBody::Abandon { session_id: session.id, reason: AbandonReason::Expired };
    let resume = async {
        tokio::time::sleep(IDLE / 40).await;
        bench.server.signal("CONT");
    };
    let (reply, ()) = tokio::join!(bench.attempt(engine.node_id(), "expired", worker(0), expired), resume);
    // then it is told to wait: silence counts from now.
    assert!(matches!(reply, Ok(Reply::Wait { .. })), "{reply:?}");
    assert!(!closed(&bench, worker(0)).await);
    assert_eq!(bench.events().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_9_a_session_idle_across_a_restart_closes_after_the_grace() {
    let bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    bench.open(&engine, worker(0)).await;
    drop(engine);
    tokio::time::sleep(IDLE).await;
    let started = Instant::now();
    let _engine = bench.owner(IDLE).await;
    eventually("it is closed", || closed(&bench, worker(0))).await;
    assert!(started.elapsed() >= IDLE, "closed {:?} after the restart", started.elapsed());
}

/// The session actor ends with the first command, and what was queued behind it begins a session.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_opened_by_a_command_that_was_queued_while_the_one_before_ended_is_closed_when_silent() {
    // given a worker whose completion is being decided
    const WORKERS: u128 = 100;
    let bench = Bench::start(WORKERS).await;
    let at_work = Arc::new(Barrier::new(2));
    let mut config = bench.config(IDLE);
    let decided = Arc::clone(&at_work);
    config.before_decide = Some(Arc::new(move |command| {
        if command.id.as_str() == "complete" {
            tokio::task::block_in_place(|| [decided.wait(), decided.wait()]);
        }
    }));
    let engine = bench.engine_with(config).await;
    eventually("it owns all", || async { engine.status().owned == 256 }).await;
    let session = bench.open(&engine, worker(0)).await;
    let complete = CommandBody::Complete { session_id: session.id };
    let neighbour = (1..WORKERS).map(worker).find(|other| Partition::of(*other) == Partition::of(worker(0))).unwrap();

    // when the next opening is in the mailbox behind it (the neighbour's, sent later to the same shard, is answered)
    let next = async {
        tokio::task::spawn_blocking({
            let at_work = Arc::clone(&at_work);
            move || at_work.wait()
        })
        .await
        .unwrap();
        let behind = async {
            bench.done(&engine, neighbour, open()).await;
            tokio::task::block_in_place(|| at_work.wait());
        };
        tokio::join!(biased; bench.attempt(engine.node_id(), "next", worker(0), open()), behind).0
    };
    let (completed, opened) = tokio::join!(bench.attempt(engine.node_id(), "complete", worker(0), complete), next);
    assert!(matches!(completed, Ok(Reply::Done(_))), "{completed:?}");
    assert!(matches!(opened, Ok(Reply::Done(_))), "{opened:?}");

    // then silence closes that one, too.
    eventually("it is closed", || closed(&bench, worker(0))).await;
    assert_chains_hold(&bench.events().await);
}

/// Fault 5: a former owner tries to close.
#[tokio::test(flavor = "multi_thread")]
async fn rule_15_a_former_owner_cannot_close_what_another_node_owns() {
    // given a node that has handed half of its partitions, with sessions, to another
    const WORKERS: u128 = 16;
    let bench = Bench::start(WORKERS).await;
    let first = bench.owner(IDLE).await;
    let mut sessions = Vec::new();
    for number in 0..WORKERS {
        sessions.push((worker(number), bench.open(&first, worker(number)).await.id));
    }
    let second = bench.engine(IDLE).await;
    shared(&first, &second).await;
    let owners = bench.owners().await;
    sessions.retain(|(worker, _)| *owners[&Partition::of(*worker)] == *second.node_id());
    assert!(!sessions.is_empty(), "sixteen workers, and none in the half that moved");

    // when beats reach the new owner only
    let watch = tokio::time::sleep(IDLE * 3);
    tokio::select! {
        () = watch => {}
        () = keep_beating(&bench, &second, &sessions) => {}
    }

    // then the former one, which hears nothing, has not said that nobody was there; and silence closes them now.
    for (worker, _) in &sessions {
        assert!(!closed(&bench, *worker).await);
    }
    for (worker, _) in sessions {
        eventually("silence closes it now", || closed(&bench, worker)).await;
    }
    assert_chains_hold(&bench.events().await);
}
