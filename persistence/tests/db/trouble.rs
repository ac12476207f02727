//! Messages that cannot be projected: kept aside, with everything else flowing.

use bus_schemas::{CloseCause, Partition, TimeUs, codec, subject};
use sqlx::PgConnection;

use crate::{
    harness::{Database, sql},
    projecting::{project, writer},
    story::{Worker, log, message, stored},
};

/// Sequence and reason of everything in quarantine.
async fn quarantine(tables: &mut PgConnection) -> String {
    sql(tables, "SELECT string_agg(concat_ws(' ', seq, error), E'\\n' ORDER BY seq) FROM quarantine").await
}

/// Fault 16: messages that cannot be projected.
#[tokio::test]
async fn what_cannot_be_read_is_kept_whole_and_the_rest_flows() {
    // given garbage, a message of a newer major version, one that contradicts its subject, and a claim, among events
    let (mut worker, opened) = Worker::opens(1);
    let (_, other_opened) = Worker::opens(2);
    let mut newer = stored(3, &opened);
    newer.headers.insert(subject::HEADER_SCHEMA, "2.0");
    let mut foreign = stored(4, &other_opened);
    foreign.subject = subject::session(worker.id);
    let garbage = message(2, subject::session(worker.id), b"\xc1 no MessagePack \0".to_vec());
    let claim = message(5, subject::claim(Partition::new(7)), codec::encode(&1).unwrap());
    let strange = message(6, format!("{}.more", subject::claim(Partition::new(7))), Vec::new());
    let mut unnamed = stored(7, &worker.starts());
    unnamed.headers = andon_nats::HeaderMap::new();
    let batch = [stored(1, &opened), garbage.clone(), newer, foreign, claim, strange, unnamed];
    let database = Database::new().await;
    // when
    project(&mut writer(&database).await, &batch).await;
    // then the events are in the tables, also the one without a header
    let tables = &mut database.connect().await;
    assert_eq!(sql(tables, "SELECT string_agg(seq::text, ' ' ORDER BY seq) FROM session_events").await, "1 7");
    // and the others are aside, whole, each with its reason
    let aside = quarantine(tables).await;
    let reasons: Vec<&str> = aside.lines().collect();
    assert_eq!(reasons.len(), 4, "{aside}");
    assert!(reasons[0].starts_with("2 cannot be decoded"), "{aside}");
    assert!(reasons[1].starts_with("3 the message is of schema 2.0"), "{aside}");
    assert!(reasons[2].starts_with("4 its state belongs to another worker"), "{aside}");
    assert!(reasons[3].starts_with("6 its subject is none of the log's"), "{aside}");
    let payload: Vec<u8> = sqlx::query_scalar("SELECT payload FROM quarantine WHERE seq = 2")
        .fetch_one(&mut *tables)
        .await
        .expect("it is there");
    assert_eq!(payload, garbage.payload);
    let header = sql(tables, "SELECT headers FROM quarantine WHERE seq = 3").await;
    assert_eq!(header, r#"{"Andon-Schema": ["2.0"]}"#);
}

/// Fault 17: an event of a session is missing.
#[tokio::test]
async fn a_hole_in_a_session_stops_that_session_and_no_other() {
    // given a session whose third event is missing
    let (mut worker, opened) = Worker::opens(1);
    let (mut other, other_opened) = Worker::opens(2);
    let whole = [opened, worker.starts(), worker.turns("fault", None), worker.reports(5, 0), worker.reports(6, 0)];
    let mut messages = log(1, &whole);
    messages.remove(2);
    messages.extend(log(6, &[other_opened, other.starts(), worker.closes(CloseCause::Completed)]));
    let database = Database::new().await;
    let mut writer = writer(&database).await;
    // when, in two batches: the stop outlives a batch
    project(&mut writer, &messages[..3]).await;
    project(&mut writer, &messages[3..]).await;
    // then it stands where it was proven to be, and says so
    let tables = &mut database.connect().await;
    let session = |worker: &Worker| {
        format!(
            "SELECT concat_ws(' ', version, status, total_good, halted_at_version) FROM sessions WHERE id = '{}'",
            worker.session.id
        )
    };
    assert_eq!(sql(tables, &session(&worker)).await, "2 active 0 4");
    assert_eq!(sql(tables, &session(&other)).await, "2 active 0");
    let aside = quarantine(tables).await;
    assert_eq!(aside.lines().count(), 3, "{aside}");
    assert!(aside.lines().all(|line| line.contains("a hole in session")), "{aside}");
    assert!(aside.starts_with("4 "), "{aside}");
}

/// Fault 17: an event of a session is missing.
#[tokio::test]
async fn a_session_whose_beginning_is_missing_is_not_guessed() {
    let (mut worker, _opened) = Worker::opens(1);
    let database = Database::new().await;
    project(&mut writer(&database).await, &log(2, &[worker.starts(), worker.turns("fault", None)])).await;
    let tables = &mut database.connect().await;
    assert_eq!(sql(tables, "SELECT count(*) FROM sessions").await, "0");
    assert_eq!(quarantine(tables).await.lines().count(), 2);
}

/// Fault 16: messages that cannot be projected.
#[tokio::test]
async fn values_that_no_table_can_hold_cost_one_message_and_not_the_batch() {
    // given a name with a character that Postgres does not have, and a time beyond every calendar
    let (_, fine) = Worker::opens(1);
    let (_, mut bad_name) = Worker::opens(2);
    bad_name.state.session.names.worker = "zero \0 byte".into();
    let (_, mut bad_time) = Worker::opens(3);
    bad_time.state.session.updated_at_us = TimeUs::from_micros(i64::MAX);
    let (_, last) = Worker::opens(4);
    let database = Database::new().await;
    // when
    project(&mut writer(&database).await, &log(1, &[fine, bad_name, bad_time, last])).await;
    // then
    let tables = &mut database.connect().await;
    assert_eq!(sql(tables, "SELECT string_agg(seq::text, ' ' ORDER BY seq) FROM sessions").await, "1 4");
    let aside = quarantine(tables).await;
    assert!(aside.starts_with("2 ") && aside.contains("\n3 updated_at_us is"), "{aside}");
    assert_eq!(sql(tables, "SELECT seq FROM checkpoints WHERE stream = 'ANDON'").await, "4");
}
