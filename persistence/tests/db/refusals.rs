//! Logs that are not the one the tables were made from: refused by name, with nothing of them in the tables.

use std::process::Command;

use andon_nats::Bus;
use bus_schemas::subject::STREAM_LOG;
use persistence::{Failure, PersistenceHandle, Refusal, State};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    harness::{Database, Nats, PATIENCE, dump, sql, start, state, store_event},
    story::{Worker, shift},
};

/// Time for one question.
const WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

async fn api(bus: &Bus, what: &str, body: Value) -> Value {
    bus.api(what, &body, WITHIN).await.unwrap_or_else(|error| panic!("{what}: {error}"))
}

async fn store_some(bus: &Bus, events: usize, seed: u64) {
    for event in shift(3, events, seed).iter().take(events) {
        store_event(bus, event).await;
    }
}

/// Projects everything on the log, and stops.
async fn project_all(nats: &Nats, database: &Database) {
    let last = nats.bus().await.stream_info(STREAM_LOG, WITHIN).await.expect("it is there").last_seq;
    let role = start(nats, database).await;
    let mut projected = role.projected();
    let all = timeout(PATIENCE, projected.wait_for(|projected| projected.log >= last)).await;
    all.expect("it gets there").expect("it runs");
    drop(projected);
    role.drain(WITHIN).await;
}

/// What the role says when it refuses; it must be told everywhere.
async fn refusal(role: &PersistenceHandle) -> Refusal {
    let refused = state(role, "refusing", |state| matches!(state, State::Refused(_))).await;
    let State::Refused(refusal) = refused else { unreachable!("it was waited for") };
    let failed = timeout(PATIENCE, role.failed()).await.expect("it is told at once");
    assert_eq!(failed, Failure::Refused(refusal.clone()));
    refusal
}

/// Starts the role, which must refuse and leave the tables as they are.
async fn refused_at_start(nats: &Nats, database: &Database) -> Refusal {
    let tables = &mut database.connect().await;
    let before = dump(tables).await;
    let role = start(nats, database).await;
    let refusal = refusal(&role).await;
    role.drain(WITHIN).await;
    assert_eq!(dump(tables).await, before);
    refusal
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    let _absent = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp starts").success());
}

/// Ten events, a backup of the storage, ten more, all projected; then the backup is put in place.
async fn set_back() -> (Nats, Database) {
    let (mut nats, database) = (Nats::new().await, Database::new().await);
    store_some(&nats.bus().await, 10, 31).await;
    let backup = nats.store().with_extension("backup");
    nats.stop();
    copy(&nats.store(), &backup);
    nats.start();
    store_some(&nats.bus().await, 10, 32).await;
    project_all(&nats, &database).await;
    nats.stop();
    copy(&backup, &nats.store());
    nats.start();
    nats.bus().await;
    (nats, database)
}

/// Fault 1: the log went backwards, is another one or has holes.
#[tokio::test]
async fn a_log_that_went_backwards_is_refused() {
    let (nats, database) = set_back().await;
    let refusal = refused_at_start(&nats, &database).await;
    assert_eq!(refusal, Refusal::Shorter { stream: STREAM_LOG, checkpoint: 20, last_seq: 10 });
}

/// Fault 1: the log went backwards, is another one or has holes.
#[tokio::test]
async fn a_log_that_went_backwards_and_was_written_on_is_refused() {
    let (nats, database) = set_back().await;
    store_some(&nats.bus().await, 15, 33).await;
    let refusal = refused_at_start(&nats, &database).await;
    assert_eq!(refusal, Refusal::OtherMessage { stream: STREAM_LOG, seq: 20 });
}

/// Fault 1: the log went backwards, is another one or has holes.
#[tokio::test]
async fn a_log_that_goes_backwards_under_a_running_role_is_refused() {
    // given a running role, and a backup from before
    let (mut nats, database) = (Nats::new().await, Database::new().await);
    store_some(&nats.bus().await, 10, 34).await;
    let backup = nats.store().with_extension("backup");
    nats.stop();
    copy(&nats.store(), &backup);
    nats.start();
    store_some(&nats.bus().await, 10, 35).await;
    let role = start(&nats, &database).await;
    let mut projected = role.projected();
    timeout(PATIENCE, projected.wait_for(|projected| projected.log >= 20)).await.expect("in time").expect("it runs");
    let tables = &mut database.connect().await;
    let before = dump(tables).await;
    // when the server comes back with the older storage and is written on at once
    nats.stop();
    copy(&backup, &nats.store());
    nats.start();
    store_some(&nats.bus().await, 30, 36).await;
    // then
    let refusal = refusal(&role).await;
    assert!(matches!(refusal, Refusal::OtherMessage { .. } | Refusal::Shorter { .. }), "{refusal:?}");
    assert_eq!(dump(tables).await, before, "nothing of the other log is in the tables");
}

/// Fault 1: the log went backwards, is another one or has holes.
#[tokio::test]
async fn a_stream_made_anew_is_refused() {
    let (nats, database) = (Nats::new().await, Database::new().await);
    let bus = nats.bus().await;
    store_some(&bus, 10, 37).await;
    project_all(&nats, &database).await;
    api(&bus, "STREAM.DELETE.ANDON", Value::Null).await;
    andon_nats::streams::ensure(&bus, &nats.config()).await.expect("it is made anew");
    store_some(&bus, 10, 37).await;
    let refusal = refused_at_start(&nats, &database).await;
    assert!(matches!(refusal, Refusal::AnotherStream { stream: STREAM_LOG, .. }), "{refusal:?}");
}

#[tokio::test]
async fn another_directory_is_refused_as_well() {
    let (nats, database) = (Nats::new().await, Database::new().await);
    let bus = nats.bus().await;
    store_some(&bus, 10, 38).await;
    project_all(&nats, &database).await;
    api(&bus, "STREAM.DELETE.ANDON_DIRECTORY", Value::Null).await;
    andon_nats::streams::ensure(&bus, &nats.config()).await.expect("it is made anew");
    let refusal = refused_at_start(&nats, &database).await;
    assert!(matches!(refusal, Refusal::AnotherStream { stream: "ANDON_DIRECTORY", .. }), "{refusal:?}");
}

#[tokio::test]
async fn a_log_cut_beyond_the_checkpoint_is_refused_until_a_person_accepts_the_gap() {
    // given a log of which more was purged than was projected
    let (nats, database) = (Nats::new().await, Database::new().await);
    let bus = nats.bus().await;
    store_some(&bus, 10, 39).await;
    project_all(&nats, &database).await;
    store_some(&bus, 10, 40).await;
    api(&bus, "STREAM.PURGE.ANDON", json!({ "seq": 16 })).await;
    let refusal = refused_at_start(&nats, &database).await;
    assert_eq!(refusal, Refusal::Gap { stream: STREAM_LOG, checkpoint: 10, first_seq: 16 });
    // and the same by a database that has read nothing
    let empty = Database::new().await;
    let refusal = refused_at_start(&nats, &empty).await;
    assert_eq!(refusal, Refusal::Gap { stream: STREAM_LOG, checkpoint: 0, first_seq: 16 });
    // when a person accepts it, as the documents say
    let accept = "UPDATE checkpoints SET seq = 15, message_hash = NULL WHERE stream = 'ANDON'";
    sqlx::raw_sql(accept).execute(&mut database.connect().await).await.expect("it is accepted");
    // then it goes on
    project_all(&nats, &database).await;
}

/// Fault 1: the log went backwards, is another one or has holes.
/// Fault 17: a message of the log was deleted.
#[tokio::test]
async fn a_hole_in_the_log_is_refused_until_a_person_accepts_it_and_stops_only_its_session() {
    // given a log that allows to delete single messages, with one deleted
    let (nats, database) = (Nats::new().await, Database::new().await);
    let bus = nats.bus().await;
    let log = bus.stream_info(STREAM_LOG, WITHIN).await.expect("it is there");
    api(&bus, "STREAM.DELETE.ANDON", Value::Null).await;
    let mut definition = log.config;
    definition["deny_delete"] = json!(false);
    api(&bus, "STREAM.CREATE.ANDON", definition).await;
    let (mut hurt, hurt_opened) = Worker::opens(1);
    let (mut other, other_opened) = Worker::opens(2);
    let started = other.starts();
    for event in [hurt_opened, other_opened, hurt.starts(), started, hurt.turns("fault", None), other.reports(1, 0)] {
        store_event(&bus, &event).await;
    }
    api(&bus, "STREAM.MSG.DELETE.ANDON", json!({ "seq": 3 })).await;
    let refusal = refused_at_start(&nats, &database).await;
    assert_eq!(refusal, Refusal::Holes { stream: STREAM_LOG, deleted: 1, accepted: 0 });
    // when a person accepts it
    let created = log_created(&bus).await;
    let accept = format!(
        "INSERT INTO checkpoints (stream, stream_created_at, seq, accepted_deleted) \
         VALUES ('ANDON', 'epoch'::timestamptz + {created} * interval '1 microsecond', 0, 1)"
    );
    let tables = &mut database.connect().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(accept)).execute(&mut *tables).await.expect("it is accepted");
    project_all(&nats, &database).await;
    // then one session is stopped and the other is whole
    let versions =
        "SELECT string_agg(concat_ws(' ', version, halted_at_version), ',' ORDER BY worker_id) FROM sessions";
    assert_eq!(sql(tables, versions).await, "1 3,3");
}

async fn log_created(bus: &Bus) -> i64 {
    bus.stream_info(STREAM_LOG, WITHIN).await.expect("it is there").created_us.as_micros()
}
