//! The log into the tables: what each event writes, and that neither batches, replays nor crashes make a difference.

use std::{str::FromStr as _, time::Duration};

use andon_nats::StoredMessage;
use bus_schemas::{CloseCause, SessionEvent, TimeUs, subject::STREAM_LOG};
use persistence::{
    Checkpoint,
    projection::{WriteError, Writer},
};
use sqlx::postgres::PgConnectOptions;

use crate::{
    harness::{Database, dump, sql},
    story::{Dice, START, Worker, log, shift},
};

/// A writer into this database.
pub async fn writer(database: &Database) -> Writer {
    let options = PgConnectOptions::from_str(&database.url).expect("an address");
    let mut writer = Writer::connect(&options).await.expect("the database is there");
    writer.begin(&Checkpoint::start(STREAM_LOG, START)).await.expect("the first checkpoint");
    writer.builtin_statuses().await.expect("the built-in statuses");
    writer
}

/// Where a writer stands on the log.
pub async fn standing(writer: &mut Writer) -> Checkpoint {
    writer.checkpoint(STREAM_LOG).await.expect("it can be read").expect("it is there")
}

/// Projects messages that follow on what is in the tables, as one batch.
pub async fn project(writer: &mut Writer, batch: &[StoredMessage]) {
    let at = standing(writer).await;
    let next = writer.project(&at, batch).await.expect("it is written");
    assert_eq!(next, standing(writer).await, "what is returned is what is stored");
}

/// A database with these events, projected one by one.
pub async fn tables_of(events: &[SessionEvent]) -> Database {
    let database = Database::new().await;
    let mut writer = writer(&database).await;
    for message in log(1, events) {
        project(&mut writer, &[message]).await;
    }
    database
}

/// What its tables hold.
async fn dump_of(database: &Database) -> String {
    dump(&mut database.connect().await).await
}

#[tokio::test]
async fn a_session_is_in_the_tables_as_the_contract_says() {
    // given a session that ran into an idle close
    let (mut worker, opened) = Worker::opens(1);
    let events = [
        opened,
        worker.starts(),
        worker.turns("production", Some("first run")),
        worker.reports(120, 3),
        worker.closes(CloseCause::Idle),
    ];
    let database = Database::new().await;
    // when
    project(&mut writer(&database).await, &log(1, &events)).await;
    // then the session has its times, totals and names
    let tables = &mut database.connect().await;
    let session = "status, current_status, last_working_status, closed_cause, total_good, total_scrap, worker_name, \
         station_code, station_name, station_type, job_number, customer_name, planned_quantity, version, seq, \
         started_at - created_at AS preparation, ended_at = forced_closed_at AS forced, \
         effective_end_at = last_seen_at AS seen, ended_at - effective_end_at AS unproven, halted_at_version";
    let row = sql(tables, &format!("SELECT row_to_json(s) FROM (SELECT {session} FROM sessions) s")).await;
    let expected = r#"{"status":"completed","current_status":"stopped","last_working_status":"production","closed_cause":"idle","total_good":120,"total_scrap":3,"worker_name":"Dana Levi","station_code":"P-1","station_name":"Press 1","station_type":"offset","job_number":"J-1","customer_name":"Acme","planned_quantity":500,"version":5,"seq":5,"preparation":"00:00:01.000003","forced":true,"seen":true,"unproven":"00:00:01.000003","halted_at_version":null}"#;
    assert_eq!(row, expected);
    // and its intervals follow on each other without a hole, to the microsecond
    let intervals = sql(
        tables,
        "SELECT string_agg(concat_ws(' ', status, note, ended_at - started_at), ', ' ORDER BY version, ordinal) \
         FROM status_events",
    )
    .await;
    assert_eq!(
        intervals,
        "stopped 00:00:01.000003, production first run 00:00:01.000003, stopped closed for a test 00:00:01.000003"
    );
    let sum = sql(
        tables,
        "SELECT (SELECT sum(ended_at - started_at) FROM status_events) = (SELECT ended_at - started_at FROM sessions)",
    );
    assert_eq!(sum.await, "true");
    // and the change of totals belongs to its interval
    let change = sql(
        tables,
        "SELECT concat_ws(' ', q.good_delta, q.scrap_delta, q.total_good, q.total_scrap, s.status) \
         FROM quantity_changes q JOIN status_events s ON s.id = q.status_event_id",
    );
    assert_eq!(change.await, "120 3 120 3 production");
    // and every event is there for audit, the job is known, and the checklist's items are kept
    let kinds = sql(tables, "SELECT string_agg(kind, ' ' ORDER BY seq) FROM session_events").await;
    assert_eq!(kinds, "opened checklist-completed status-changed quantities-reported closed");
    assert_eq!(
        sql(tables, "SELECT concat_ws(' ', job_number, customer_name, directory_seq) FROM jobs").await,
        "J-1 Acme 0"
    );
    let asked = sql(tables, "SELECT detail FROM session_events WHERE detail IS NOT NULL").await;
    assert_eq!(asked, r#"{"list": "start", "items": ["guards", "oil"]}"#);
    let actors = sql(tables, "SELECT string_agg(DISTINCT actor, ' ' ORDER BY actor) FROM session_events").await;
    assert_eq!(actors, format!("system worker:{}", worker.id));
}

#[tokio::test]
async fn a_replaced_session_and_the_next_one_stand_side_by_side() {
    let (mut worker, opened) = Worker::opens(1);
    let mut events = vec![opened, worker.starts(), worker.turns("fault", None)];
    events.extend(worker.reopens());
    events.push(worker.carried());
    let database = Database::new().await;
    project(&mut writer(&database).await, &log(1, &events)).await;
    let tables = &mut database.connect().await;
    let sessions = "SELECT string_agg(concat_ws(' ', status, closed_cause, version), ', ' ORDER BY seq) FROM sessions";
    assert_eq!(sql(tables, sessions).await, "aborted replaced 4, active 2");
    let replaced = "SELECT detail->>'replaces' = (SELECT id::text FROM sessions WHERE status = 'aborted') \
         FROM session_events WHERE detail IS NOT NULL AND detail ? 'replaces'";
    assert_eq!(sql(tables, replaced).await, "true");
}

#[tokio::test]
async fn however_the_log_is_cut_into_batches_the_tables_are_the_same() {
    for seed in 0..4 {
        // given what five workers did
        let events = shift(5, 160, seed);
        let expected = dump_of(&tables_of(&events).await).await;
        // when it is projected in batches of any size
        let database = Database::new().await;
        let mut writer = writer(&database).await;
        let mut dice = Dice::new(seed + 100);
        let mut rest = &log(1, &events)[..];
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(rest.len().min(1 + dice.roll(60) as usize));
            project(&mut writer, batch).await;
            rest = later;
        }
        // then
        assert_eq!(dump(&mut database.connect().await).await, expected, "seed {seed}");
    }
}

/// Fault 15: a batch is projected again.
#[tokio::test]
async fn replays_from_anywhere_change_nothing() {
    for seed in 0..4 {
        // given a projected log
        let events = shift(5, 160, seed);
        let messages = log(1, &events);
        let database = Database::new().await;
        let mut writer = writer(&database).await;
        project(&mut writer, &messages).await;
        let tables = &mut database.connect().await;
        let before = dump(tables).await;
        // when the checkpoint is set back, as by a hand, and everything after it is projected again
        let mut dice = Dice::new(seed + 200);
        for _ in 0..5 {
            let back = dice.roll(events.len() as u64) as usize;
            let set_back = format!("UPDATE checkpoints SET seq = {back}");
            sqlx::query(sqlx::AssertSqlSafe(set_back)).execute(&mut *tables).await.expect("it is set back");
            let mut rest = &messages[back..];
            while !rest.is_empty() {
                let (batch, later) = rest.split_at(rest.len().min(1 + dice.roll(40) as usize));
                project(&mut writer, batch).await;
                // then nothing changes, also in between
                assert_eq!(dump(tables).await, before, "seed {seed}, from {back}");
                rest = later;
            }
        }
    }
}

/// Fault 15: the projector dies at any moment of a transaction.
#[tokio::test]
async fn a_projector_that_dies_anywhere_leaves_whole_batches_only() {
    // given what five workers did
    let events = shift(5, 200, 7);
    let expected = dump_of(&tables_of(&events).await).await;
    let messages = log(1, &events);
    let database = Database::new().await;
    let (mut died, mut in_a_row, mut dice) = (0, 0, Dice::new(9));
    // when the projector dies again and again at any moment of a transaction, and another goes on from the checkpoint
    loop {
        let mut writer = writer(&database).await;
        let at = standing(&mut writer).await;
        let rest = &messages[at.seq as usize..];
        if rest.is_empty() {
            break;
        }
        let batch = &rest[..rest.len().min(19)];
        // It gets more time after each death, so that it gets somewhere on the slowest machine.
        let moment = Duration::from_micros(dice.roll(800 * (1 + in_a_row)));
        if tokio::time::timeout(moment, writer.project(&at, batch)).await.is_err() {
            (died, in_a_row) = (died + 1, in_a_row + 1);
        } else {
            in_a_row = 0;
        }
    }
    // then nothing is missing and nothing is double
    assert!(died > 5, "it died only {died} times");
    assert_eq!(dump(&mut database.connect().await).await, expected);
}

#[tokio::test]
async fn a_second_writer_is_stopped_by_the_checkpoint_also_without_the_lock() {
    // given two that believe to be at the start
    let messages = log(1, &shift(2, 20, 3));
    let database = Database::new().await;
    let (mut one, mut other) = (writer(&database).await, writer(&database).await);
    let start = standing(&mut other).await;
    project(&mut one, &messages[..10]).await;
    let before = dump(&mut database.connect().await).await;
    // when the other writes what it has
    let refused = other.project(&start, &messages[..5]).await;
    // then it is told, and nothing has changed
    assert!(matches!(refused, Err(WriteError::Moved { seq: 0, .. })), "{refused:?}");
    assert_eq!(dump(&mut database.connect().await).await, before);
}

#[tokio::test]
async fn one_connection_at_a_time_holds_the_lock() {
    let database = Database::new().await;
    let (mut one, mut other) = (writer(&database).await, writer(&database).await);
    assert!(one.try_lock().await.unwrap());
    assert!(!other.try_lock().await.unwrap());
    drop(one);
    crate::harness::until("the lock is free", async || other.try_lock().await.unwrap()).await;
}

#[tokio::test]
async fn last_seen_goes_forward_only_and_only_while_the_session_is_active() {
    // given an active session and a closed one
    let (mut worker, opened) = Worker::opens(1);
    let (mut gone, gone_opened) = Worker::opens(2);
    let events = [opened, worker.starts(), gone_opened, gone.starts(), gone.closes(CloseCause::Completed)];
    let database = Database::new().await;
    let mut writer = writer(&database).await;
    project(&mut writer, &log(1, &events)).await;
    let tables = &mut database.connect().await;
    let proof = worker.session.last_proof_at_us;
    let later = proof.after(Duration::from_secs(40));
    let seen = format!(
        "SELECT (extract(epoch FROM last_seen_at) * 1000000)::bigint FROM sessions WHERE worker_id = '{}'",
        worker.id
    );
    let gone_seen = format!("SELECT last_seen_at = ended_at FROM sessions WHERE worker_id = '{}'", gone.id);
    // when both were seen later, and then a former table comes
    writer.last_seen(&[(worker.session.id, later), (gone.session.id, later)]).await.unwrap();
    writer.last_seen(&[(worker.session.id, proof), (worker.session.id, TimeUs::from_micros(i64::MAX))]).await.unwrap();
    // then
    assert_eq!(sql(tables, &seen).await, later.as_micros().to_string());
    assert_eq!(sql(tables, &gone_seen).await, "true");
    // and an event with an older sign of life does not set it back
    project(&mut writer, &log(6, &[worker.turns("production", None)])).await;
    assert_eq!(sql(tables, &seen).await, later.as_micros().to_string());
}
