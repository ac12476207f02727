//! A nats-server that is mute after a write error, and a log that is full.

use std::{process::Command, sync::Arc, time::Duration};

use bus_schemas::{CommandBody, Reply};

use crate::gateway::{Bench, assert_chains_hold, eventually, open, status, worker};

const IDLE: Duration = Duration::from_secs(300);

/// Fault 8: the nats-server cannot write, and is mute.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_write_is_mute_within_six_seconds_and_serves_after_its_restart() {
    let mut bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    let session = bench.open(&engine, worker(0)).await;
    // No file of the server may grow any more: what a full or broken disk does.
    let limited = Command::new("prlimit")
        .args(["--pid", &bench.server.pid().to_string(), "--fsize=1:1"])
        .status()
        .expect("prlimit runs (util-linux)");
    assert!(limited.success());
    let broken = std::time::Instant::now();
    let reply = bench.attempt(engine.node_id(), "into-the-void", worker(0), status(session.id, "production")).await;
    assert!(!matches!(reply, Ok(Reply::Done(_) | Reply::Refused(_))), "{reply:?}");
    eventually("the engine says that the log is mute", || async { engine.log_is_mute() }).await;
    // Six seconds, and the rest for a machine busy with other tests.
    assert!(broken.elapsed() < Duration::from_secs(12), "after {:?}", broken.elapsed());
    assert!(engine.unready().contains(&"the log does not acknowledge"));
    bench.server.restart().await;
    eventually("it serves again", || async { engine.unready().is_empty() }).await;
    // The same command id again: once, whether it was stored before the fault or not.
    let done = bench.send_as(&engine, "into-the-void", worker(0), status(session.id, "production")).await;
    assert!(matches!(done, Reply::Done(_)), "{done:?}");
    bench.done(&engine, worker(0), CommandBody::Complete { session_id: session.id }).await;
    let events = bench.events().await;
    assert_chains_hold(&events);
    assert_eq!(events.iter().filter(|(_, event)| event.command_id.as_str() == "into-the-void").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_on_a_full_log_is_answered_so_and_stores_nothing() {
    let bench = Bench::start(1).await;
    let engine = bench.owner(IDLE).await;
    let session = bench.open(&engine, worker(0)).await;
    bench.limit_log().await;
    let before = bench.events().await.len();
    let reply = bench.attempt(engine.node_id(), "full", worker(0), status(session.id, "production")).await;
    assert_eq!(reply, Ok(Reply::LogFull));
    let reply = bench.attempt(engine.node_id(), "full-batch", worker(0), open()).await;
    assert_eq!(reply, Ok(Reply::LogFull));
    assert_eq!(bench.events().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_silent_for_long_and_is_full_is_not_mute_when_it_answers() {
    // given a full log, whose server freezes between a command's decision and its publish
    let bench = Bench::start(1).await;
    let pid = bench.server.pid().to_string();
    let mut config = bench.config(IDLE);
    config.before_decide = Some(Arc::new(move |command| {
        if command.id.as_str() == "silence" {
            assert!(Command::new("kill").args(["-STOP", &pid]).status().is_ok_and(|status| status.success()));
        }
    }));
    let engine = bench.engine_with(config).await;
    eventually("it owns all", || async { engine.status().owned == 256 }).await;
    let session = bench.open(&engine, worker(0)).await;
    bench.limit_log().await;
    let reply = bench.attempt(engine.node_id(), "silence", worker(0), status(session.id, "production"));
    let mute = eventually("the log is mute", || async { engine.log_is_mute() });
    let (reply, ()) = tokio::join!(reply, mute);
    assert!(!matches!(reply, Ok(Reply::Done(_) | Reply::Refused(_))), "{reply:?}");
    // when it goes on, then what it answers is heard.
    bench.server.signal("CONT");
    eventually("it is mute no longer", || async { !engine.log_is_mute() }).await;
    eventually("a command is told what is wrong", || async {
        let reply = bench.attempt(engine.node_id(), "full", worker(0), status(session.id, "production")).await;
        reply == Ok(Reply::LogFull)
    })
    .await;
}
