//! The directory into the tables: edits, removals, codes that move, and that neither batches nor replays matter.

use std::str::FromStr as _;

use andon_nats::StoredMessage;
use bus_schemas::{
    Actor, Extra, JobId, ReasonId, StationId, TimeUs, WorkerId, builtin, codec,
    directory::{Change, DirectoryEvent, Key, Record},
    records::{
        Assignment, ChecklistItem, Credential, Job, Language, Reason, ReasonType, Station, StationType, Worker,
        WorkerRole,
    },
    subject::STREAM_DIRECTORY,
};
use persistence::{Checkpoint, projection::Writer};
use sqlx::{PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::{
    harness::{Database, dump, sql},
    story::{Dice, START, message},
};

fn worker_id(number: u64) -> WorkerId {
    WorkerId(Uuid::from_u128(0xa000 + u128::from(number)))
}

fn station_id(number: u64) -> StationId {
    StationId(Uuid::from_u128(0x5000 + u128::from(number)))
}

fn worker(number: u64, name: &str, stations: &[u64]) -> Record {
    let assignment = |number: &u64| Assignment { station_id: station_id(*number), created_at_us: START };
    Record::Worker(Worker {
        id: worker_id(number),
        full_name: name.into(),
        language: Language::Ru,
        role: WorkerRole::Worker,
        is_active: true,
        assignments: stations.iter().map(assignment).collect(),
        created_at_us: START,
        updated_at_us: START,
        extra: Extra::new(),
    })
}

fn code(number: u64, code: &str) -> Record {
    Record::Credential(Credential { worker_id: worker_id(number), worker_code: code.into(), extra: Extra::new() })
}

fn station(number: u64, name: &str) -> Record {
    let item = ChecklistItem {
        id: "guards".into(),
        order_index: 1,
        label_he: "מגנים".into(),
        label_ru: "Ограждения".into(),
        label_en: "Guards".into(),
        is_required: true,
    };
    Record::Station(Station {
        id: station_id(number),
        name: name.into(),
        code: format!("P-{number}").into(),
        station_type: StationType::DigitalPress,
        is_active: true,
        start_checklist: vec![item],
        end_checklist: Vec::new(),
        created_at_us: START,
        updated_at_us: START,
        extra: Extra::new(),
    })
}

fn job(number: &str, customer: &str) -> Record {
    Record::Job(Job {
        id: JobId::of(number),
        job_number: number.into(),
        customer_name: Some(customer.into()),
        description: None,
        planned_quantity: Some(7),
        created_at_us: START,
        updated_at_us: START,
        extra: Extra::new(),
    })
}

fn reason(number: u64, label: &str) -> Record {
    Record::Reason(Reason {
        id: ReasonId(Uuid::from_u128(u128::from(number))),
        kind: ReasonType::Scrap,
        label_he: label.into(),
        label_ru: label.into(),
        label_en: label.into(),
        is_active: true,
        extra: Extra::new(),
    })
}

fn relabelled(label: &str) -> Record {
    let mut status = builtin::statuses().remove(0);
    status.label_en = label.into();
    Record::Status(status)
}

fn stored(seq: u64, change: Change) -> StoredMessage {
    let subject = change.subject();
    let event = DirectoryEvent { at_us: START, actor: Actor::Admin("admin".into()), change, extra: Extra::new() };
    message(seq, subject, codec::encode(&event).expect("it encodes"))
}

fn stream(changes: Vec<Change>) -> Vec<StoredMessage> {
    changes.into_iter().zip(1..).map(|(change, seq)| stored(seq, change)).collect()
}

async fn writer(database: &Database) -> Writer {
    let options = PgConnectOptions::from_str(&database.url).expect("an address");
    let mut writer = Writer::connect(&options).await.expect("the database is there");
    writer.begin(&Checkpoint::start(STREAM_DIRECTORY, START)).await.expect("the first checkpoint");
    writer.builtin_statuses().await.expect("the built-in statuses");
    writer
}

async fn project(writer: &mut Writer, batch: &[StoredMessage]) {
    let at = writer.checkpoint(STREAM_DIRECTORY).await.unwrap().expect("it is there");
    writer.project(&at, batch).await.expect("it is written");
}

/// Projects these changes as one batch, and gives the database.
async fn projected(changes: Vec<Change>) -> (Database, PgConnection) {
    let database = Database::new().await;
    project(&mut writer(&database).await, &stream(changes)).await;
    let tables = database.connect().await;
    (database, tables)
}

#[tokio::test]
async fn a_whole_factory_is_imported_as_one_message() {
    // given an import in which a code comes before its worker
    let records = vec![
        code(1, "1001"),
        worker(1, "Dana", &[1, 2]),
        station(1, "Press"),
        job("J-1", "Acme"),
        reason(1, "Torn"),
        relabelled("Make ready"),
    ];
    // when
    let (_database, mut tables) = projected(vec![Change::Import { id: Uuid::from_u128(9), records }]).await;
    // then
    let tables = &mut tables;
    let workers =
        "SELECT string_agg(concat_ws(' ', worker_code, full_name, language, role, is_active), ',') FROM workers";
    assert_eq!(sql(tables, workers).await, "1001 Dana ru worker t");
    assert_eq!(sql(tables, "SELECT count(*) FROM worker_stations").await, "2");
    let stations =
        "SELECT concat_ws(' ', code, station_type, start_checklist->0->>'label_en', end_checklist) FROM stations";
    assert_eq!(sql(tables, stations).await, "P-1 digital_press Guards []");
    assert_eq!(
        sql(tables, "SELECT concat_ws(' ', customer_name, planned_quantity, directory_seq) FROM jobs").await,
        "Acme 7 1"
    );
    assert_eq!(sql(tables, "SELECT concat_ws(' ', type, label_en) FROM reasons").await, "scrap Torn");
    let statuses = "SELECT string_agg(label_en, ',' ORDER BY directory_seq DESC, code) FROM statuses";
    let labels = sql(tables, statuses).await;
    assert_eq!(labels, "Make ready,Fault,Plate change,Production,Stopped,Waiting for client");
    // and each record is in the audit trail, without its code
    let edits = "SELECT string_agg(concat_ws(' ', action, kind, actor), ',' ORDER BY ordinal) FROM directory_edits";
    let expected: Vec<_> = ["credential", "worker", "station", "job", "reason", "status"]
        .iter()
        .map(|kind| format!("import {kind} admin:admin"))
        .collect();
    assert_eq!(sql(tables, edits).await, expected.join(","));
    let told = sql(tables, "SELECT count(*) FROM directory_edits e WHERE e::text LIKE '%1001%'").await;
    assert_eq!(told, "0");
}

#[tokio::test]
async fn what_is_removed_keeps_its_row_and_a_built_in_status_its_labels() {
    let status = builtin::statuses().remove(0).code;
    let (_database, mut tables) = projected(vec![
        Change::Put(worker(1, "Dana", &[1])),
        Change::Put(code(1, "1001")),
        Change::Put(relabelled("Make ready")),
        Change::Remove(Key::Worker(worker_id(1))),
        Change::Remove(Key::Credential(worker_id(1))),
        Change::Remove(Key::Status(status)),
    ])
    .await;
    let tables = &mut tables;
    let worker = "SELECT concat_ws(' ', full_name, worker_code, removed_at IS NOT NULL, directory_seq) FROM workers";
    assert_eq!(sql(tables, worker).await, "Dana t 4");
    let setup = "SELECT concat_ws(' ', label_en, removed_at IS NULL) FROM statuses WHERE code = 'setup'";
    assert_eq!(sql(tables, setup).await, "Setup t");
}

#[tokio::test]
async fn a_worker_who_is_put_again_has_the_new_assignments_only() {
    let (_database, mut tables) = projected(vec![
        Change::Put(worker(1, "Dana", &[1, 2])),
        Change::Remove(Key::Worker(worker_id(1))),
        Change::Put(worker(1, "Dana Levi", &[2, 3])),
    ])
    .await;
    let tables = &mut tables;
    assert_eq!(sql(tables, "SELECT concat_ws(' ', full_name, removed_at) FROM workers").await, "Dana Levi");
    let stations = "SELECT string_agg(right(station_id::text, 1), ',' ORDER BY station_id) FROM worker_stations";
    assert_eq!(sql(tables, stations).await, "2,3");
}

#[tokio::test]
async fn an_edit_that_cannot_be_read_is_set_aside_and_a_marker_of_the_server_is_not() {
    // given garbage, a time that no table holds in the middle of an import, and a marker of an expired revocation
    let garbage = message(1, Key::Worker(worker_id(1)).subject(), b"garbage".to_vec());
    let Record::Station(mut late) = station(2, "Late") else { unreachable!("it is a station") };
    late.updated_at_us = TimeUs::from_micros(i64::MAX);
    let records = vec![station(1, "Press"), Record::Station(late)];
    let import = stored(2, Change::Import { id: Uuid::from_u128(9), records });
    let mut marker = message(3, Key::Worker(worker_id(2)).subject(), Vec::new());
    marker.headers.insert("Nats-Marker-Reason", "MaxAge");
    let last = stored(4, Change::Put(station(3, "Cutter")));
    let database = Database::new().await;
    // when
    project(&mut writer(&database).await, &[garbage, import, marker, last]).await;
    // then an import is all or nothing
    let tables = &mut database.connect().await;
    assert_eq!(sql(tables, "SELECT string_agg(name, ',') FROM stations").await, "Cutter");
    assert_eq!(sql(tables, "SELECT string_agg(seq::text, ',' ORDER BY seq) FROM quarantine").await, "1,2");
}

fn any_change(dice: &mut Dice) -> Change {
    let (who, name) = (dice.roll(3), format!("name {}", dice.roll(1_000)));
    match dice.roll(11) {
        0..2 => Change::Put(worker(who, &name, &[dice.roll(4), dice.roll(4)])),
        2..4 => Change::Put(code(who, &name)),
        4 => Change::Put(station(who, &name)),
        5 => Change::Put(relabelled(&name)),
        6 => Change::Remove(Key::Worker(worker_id(who))),
        7 => Change::Remove(Key::Credential(worker_id(who))),
        8 => Change::Remove(Key::Station(station_id(who))),
        9 => Change::Remove(Key::Status(builtin::statuses().remove(0).code)),
        _ => {
            let records =
                vec![worker(who, &name, &[]), worker(who, &name, &[1]), job("J-1", &name), reason(who, &name)];
            Change::Import { id: Uuid::from_u128(9), records }
        }
    }
}

#[tokio::test]
async fn however_the_edits_are_cut_or_replayed_the_tables_are_the_same() {
    for seed in 0..6 {
        // given random edits, projected one by one
        let mut dice = Dice::new(seed);
        let messages = stream((0..60).map(|_| any_change(&mut dice)).collect());
        let single = Database::new().await;
        let mut one_by_one = writer(&single).await;
        for message in &messages {
            project(&mut one_by_one, std::slice::from_ref(message)).await;
        }
        let expected = dump(&mut single.connect().await).await;
        // when they are projected in batches
        let database = Database::new().await;
        let mut writer = writer(&database).await;
        let mut rest = &messages[..];
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(rest.len().min(1 + dice.roll(25) as usize));
            project(&mut writer, batch).await;
            rest = later;
        }
        // then
        let tables = &mut database.connect().await;
        assert_eq!(dump(tables).await, expected, "seed {seed}");
        // and replayed from anywhere, they change nothing
        let back = dice.roll(60) as usize;
        let set_back = format!("UPDATE checkpoints SET seq = {back}");
        sqlx::query(sqlx::AssertSqlSafe(set_back)).execute(&mut *tables).await.expect("it is set back");
        let middle = (back + 60) / 2;
        for batch in [&messages[back..middle], &messages[middle..]] {
            project(&mut writer, batch).await;
            assert_eq!(dump(tables).await, expected, "seed {seed}, replayed from {back}");
        }
    }
}

#[tokio::test]
async fn a_job_of_a_session_takes_the_details_of_the_directory_in_either_order() {
    use crate::{projecting, story};
    let (_, opened) = story::Worker::opens(1);
    let number = opened.state.session.names.job_number.to_string();
    let edit = [stored(1, Change::Put(job(&number, "From the directory")))];
    let mut seen = Vec::new();
    for directory_first in [true, false] {
        let database = Database::new().await;
        let (mut log, mut directory) = (projecting::writer(&database).await, writer(&database).await);
        if directory_first {
            project(&mut directory, &edit).await;
        }
        projecting::project(&mut log, &story::log(1, std::slice::from_ref(&opened))).await;
        if !directory_first {
            project(&mut directory, &edit).await;
        }
        seen.push(sql(&mut database.connect().await, "SELECT jobs::text FROM jobs").await);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].contains("From the directory"), "{}", seen[0]);
}
