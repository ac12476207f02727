//! The whole role, from the streams into the tables, with servers that come and go.

use std::time::Duration;

use andon_nats::{Bus, HeaderMap};
use bus_schemas::{
    Actor, Extra, Partition, SessionEvent, codec,
    directory::{Change, DirectoryEvent, Record},
    seen::{LastSeen, SeenRow},
    subject::{self, STREAM_DIRECTORY, STREAM_LOG, STREAM_SEEN},
};
use persistence::{PersistenceHandle, State};
use tokio::time::Instant;

use crate::{
    harness::{BUSY, Database, Nats, PATIENCE, Postgres, dump, sql, start, state, store, store_event, until},
    projecting::tables_of,
    story::{START, Worker, shift},
};

async fn store_all(bus: &Bus, events: &[SessionEvent]) {
    for event in events {
        store_event(bus, event).await;
    }
}

/// Waits until the role has projected up to here.
async fn reached(handle: &PersistenceHandle, seq: u64) {
    let mut projected = handle.projected();
    let reached = tokio::time::timeout(PATIENCE, projected.wait_for(|projected| projected.log >= seq)).await;
    reached
        .unwrap_or_else(|_| panic!("it did not get to {seq}: {:?}", handle.state().borrow().clone()))
        .expect("it runs");
}

/// What differs from one log to another with the same events: when the log stored them.
async fn without_stored_at(database: &Database) -> String {
    let tables = &mut database.connect().await;
    sqlx::raw_sql("UPDATE session_events SET stored_at = 'epoch'").execute(&mut *tables).await.expect("it is there");
    dump(tables).await
}

async fn assert_holds(database: &Database, events: &[SessionEvent]) {
    let expected = tables_of(events).await;
    assert_eq!(without_stored_at(database).await, without_stored_at(&expected).await);
}

const fn end_within() -> Duration {
    Duration::from_secs(10)
}

#[tokio::test]
async fn what_was_stored_before_and_what_comes_later_is_projected_and_a_restart_goes_on() {
    // given events before the start, and others after it
    let (nats, database) = (Nats::new().await, Database::new().await);
    let bus = nats.bus().await;
    let events = shift(4, 90, 21);
    store_all(&bus, &events[..30]).await;
    let role = start(&nats, &database).await;
    reached(&role, 30).await;
    store_all(&bus, &events[30..60]).await;
    reached(&role, 60).await;
    // when it is stopped and started again
    role.drain(end_within()).await;
    store_all(&bus, &events[60..]).await;
    let role = start(&nats, &database).await;
    reached(&role, 90).await;
    // then
    assert_holds(&database, &events).await;
    role.drain(end_within()).await;
}

#[tokio::test]
async fn a_claim_garbage_an_edit_and_a_last_seen_table_each_go_where_they_belong() {
    let (nats, database) = (Nats::new().await, Database::new().await);
    let bus = nats.bus().await;
    let role = start(&nats, &database).await;
    // given an active session, and on the log a claim and garbage before it
    store(&bus, STREAM_LOG, subject::claim(Partition::new(7)), HeaderMap::new(), b"any".to_vec()).await;
    let (worker, opened) = Worker::opens(1);
    store(&bus, STREAM_LOG, subject::session(worker.id), HeaderMap::new(), b"garbage".to_vec()).await;
    store_event(&bus, &opened).await;
    reached(&role, 3).await;
    // when an edit and last-seen tables come, one of a former owner, one not readable
    let mut status = bus_schemas::builtin::statuses().remove(0);
    status.label_en = "Make ready".into();
    let change = Change::Put(Record::Status(status));
    let subject = change.subject();
    let edit = DirectoryEvent { at_us: START, actor: Actor::System, change, extra: Extra::new() };
    store(&bus, STREAM_DIRECTORY, subject, HeaderMap::new(), codec::encode(&edit).unwrap()).await;
    let last_seen = START.after(Duration::from_secs(77));
    let row = SeenRow { session_id: worker.session.id, last_seen_at_us: last_seen };
    let table = LastSeen { claim_seq: 5, at_us: last_seen, seen: vec![row] };
    let partition = Partition::of(worker.id);
    store(&bus, STREAM_SEEN, subject::seen(partition), HeaderMap::new(), codec::encode(&table).unwrap()).await;
    let other = Partition::new(partition.index() as u8 ^ 1);
    store(&bus, STREAM_SEEN, subject::seen(other), HeaderMap::new(), b"garbage".to_vec()).await;
    // then
    let tables = &mut database.connect().await;
    let seen = "SELECT (extract(epoch FROM last_seen_at) * 1000000)::bigint FROM sessions";
    let expected = last_seen.as_micros().to_string();
    until("it was seen", async || sql(tables, seen).await == expected).await;
    let label = "SELECT label_en FROM statuses WHERE code = 'setup'";
    until("the label is new", async || sql(tables, label).await == "Make ready").await;
    let aside = "SELECT string_agg(concat_ws(' ', stream, seq), ',' ORDER BY stream) FROM quarantine";
    until("the garbage is aside", async || sql(tables, aside).await == "ANDON 2,ANDON_SEEN 2").await;
    role.drain(end_within()).await;
}

#[tokio::test]
async fn lost_connections_lose_and_double_nothing() {
    // given a role whose connection to Postgres is cut again and again
    let (nats, database) = (Nats::new().await, Database::new().await);
    let bus = nats.bus().await;
    let events = shift(4, 400, 22);
    let role = start(&nats, &database).await;
    let person = &mut database.connect().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE application_name = 'andon-projection' AND datname = current_database()";
    let mut cuts = 0;
    for (number, event) in events.iter().enumerate() {
        store_event(&bus, event).await;
        if number % 80 == 40 {
            until("there was a connection", async || sql(person, cut).await == "1").await;
            cuts += 1;
        }
    }
    // then
    assert_eq!(cuts, 5);
    reached(&role, 400).await;
    assert_holds(&database, &events).await;
    role.drain(end_within()).await;
}

/// Fault 14: Postgres goes and comes.
#[tokio::test]
async fn with_postgres_and_nats_away_it_waits_and_catches_up() {
    // given servers of its own that are not there at the start
    let mut server = tokio::task::spawn_blocking(Postgres::new).await.expect("it starts");
    let database = server.database().await;
    let mut nats = Nats::new().await;
    let events = shift(4, 150, 23);
    store_all(&nats.bus().await, &events[..50]).await;
    nats.stop();
    server.stop();
    let role = start(&nats, &database).await;
    let retrying = |state: &State| matches!(state, State::Retrying(_));
    state(&role, "waiting", retrying).await;
    // when Postgres comes, and then NATS
    server.start();
    nats.start();
    reached(&role, 50).await;
    // when Postgres goes and comes again
    server.stop();
    let bus = nats.bus().await;
    store_all(&bus, &events[50..100]).await;
    state(&role, "waiting", retrying).await;
    server.start();
    reached(&role, 100).await;
    // when NATS goes and comes again
    nats.stop();
    state(&role, "waiting", retrying).await;
    nats.start();
    store_all(&nats.bus().await, &events[100..]).await;
    reached(&role, 150).await;
    // then
    assert_holds(&database, &events).await;
    role.drain(end_within()).await;
}

#[tokio::test]
async fn one_of_two_projects_and_the_other_takes_over_within_five_seconds() {
    // given two processes
    let (nats, database) = (Nats::new().await, Database::new().await);
    let bus = nats.bus().await;
    let events = shift(3, 60, 24);
    let first = start(&nats, &database).await;
    state(&first, "projecting", |state| *state == State::Projecting).await;
    let second = start(&nats, &database).await;
    state(&second, "standing by", |state| *state == State::StandingBy).await;
    store_all(&bus, &events[..30]).await;
    reached(&first, 30).await;
    assert_eq!(second.projected().borrow().log, 0, "only one of them projects");
    // when the first ends
    first.drain(end_within()).await;
    let ended = Instant::now();
    state(&second, "projecting", |state| *state == State::Projecting).await;
    // then
    assert!(ended.elapsed() < Duration::from_secs(5) + BUSY, "it took {:?}", ended.elapsed());
    store_all(&bus, &events[30..]).await;
    reached(&second, 60).await;
    assert_holds(&database, &events).await;
    second.drain(end_within()).await;
}

#[tokio::test]
async fn a_frozen_postgres_is_noticed_and_drain_ends_all_the_same() {
    let mut server = tokio::task::spawn_blocking(Postgres::new).await.expect("it starts");
    let (nats, database) = (Nats::new().await, server.database().await);
    let role = start(&nats, &database).await;
    state(&role, "projecting", |state| *state == State::Projecting).await;
    server.signal("STOP");
    state(&role, "waiting", |state| matches!(state, State::Retrying(_))).await;
    let asked = Instant::now();
    role.drain(Duration::from_secs(2)).await;
    assert!(asked.elapsed() < Duration::from_secs(2) + BUSY, "it took {:?}", asked.elapsed());
    server.signal("CONT");
    server.stop();
}
