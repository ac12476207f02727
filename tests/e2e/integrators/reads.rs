//! What an integrator can read.

use bus_schemas::directory::{Change, Directory, DirectoryEvent, Key};
use bus_schemas::{Partition, SessionEvent, WorkerId, codec, subject};
use serde_json::{Value, json};

use super::plant::{admin, factory};
use super::reader::{Read, Reader};
use crate::harness::until;

fn session_event(read: &Read) -> SessionEvent {
    codec::decode(&read.payload).expect("a session event")
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_read_as_a_snapshot_and_then_one_by_one() {
    // given a worker with a session, and an integrator
    let andon = factory().await;
    let mut worker = andon.worker("1011").await;
    let station = worker.stations().await[0]["id"].as_str().expect("text").to_owned();
    worker.open(&station, "INT-1").await.ok();
    let reader = Reader::connect(&andon).await;
    let id: WorkerId = worker.id.parse().expect("an id");

    // when it takes the snapshot of the worker's partition
    let snapshot = reader.last(&subject::sessions_of(Partition::of(id))).await;

    // then the worker's session is in it
    let last = snapshot.iter().find(|read| read.subject == subject::session(id)).expect("the worker's subject");
    let event = session_event(last);
    assert_eq!((event.kind.name(), event.state.session.is_active()), ("opened", true));

    // and the durable has every event, from the first on, and remembers what was acknowledged
    worker.complete().await;
    worker.abandon("worker_choice").await.ok();
    let mut read = Vec::new();
    until("the end is read", async || {
        read.extend(reader.pull("ANDON").await.iter().map(|read| (read.seq, session_event(read))));
        read.iter().any(|(_, event)| event.kind.name() == "closed")
    })
    .await;
    assert_eq!(read[0].0, last.seq);
    let polled = reader.from(1, subject::SESSIONS).await;
    assert!(polled.iter().map(|read| read.seq).eq(read.iter().map(|(seq, _)| *seq)), "a further reader has the same");
    assert!(read.iter().zip(1..).all(|((_, event), version)| event.version == version), "no hole in the versions");
    let quiet = json!([0, 0]);
    until("all is acknowledged", async || {
        let info = reader.ask("CONSUMER.INFO.ANDON.integrator", &Value::Null).await;
        json!([info["num_pending"], info["num_ack_pending"]]) == quiet
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_read_whole_and_without_codes() {
    // given the demo factory, loaded by one import
    let andon = factory().await;
    let reader = Reader::connect(&andon).await;

    // when an integrator reads the directory, and later again from nothing
    let read = reader.pull("ANDON_DIRECTORY").await;
    assert!(reader.pull("ANDON_DIRECTORY").await.is_empty(), "it is read");
    reader.ask("CONSUMER.RESET.ANDON_DIRECTORY.integrator", &json!({"seq": 1})).await;
    let again = reader.pull("ANDON_DIRECTORY").await;

    // then it has all there is but the codes
    assert_eq!(read.len(), again.len());
    let mut directory = Directory::default();
    for read in read {
        let event: DirectoryEvent = codec::decode(&read.payload).expect("a directory event");
        let secret = match &event.change {
            Change::Put(record) => record.is_secret(),
            Change::Remove(key) => matches!(key, Key::Credential(_) | Key::Revoked(_)),
            Change::Import { records, .. } => records.iter().any(bus_schemas::directory::Record::is_secret),
            Change::Audit(_) => true,
        };
        assert!(!secret, "{}", read.subject);
        directory.apply(read.seq, event);
    }
    let whole = gateway::directory::factory::read(gateway::directory::demo_factory()).expect("the demo factory");
    assert_eq!(directory.workers().count(), whole.workers.len());
    assert_eq!(directory.stations().count(), whole.stations.len());
    assert_eq!(directory.reasons().count(), whole.reasons.len());
    assert_eq!(directory.credentials().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_edited_alone_is_read_by_its_subject() {
    // given a station that an admin has renamed
    let andon = factory().await;
    let admin = admin(&andon).await;
    let stations = admin.get("/api/admin/directory/station").await.ok();
    let mut station = stations["records"][0].clone();
    let id = station["record"]["id"].as_str().expect("text").to_owned();
    station["record"]["name"] = json!("Renamed");
    let put = admin.request(reqwest::Method::PUT, &format!("/api/admin/directory/station/{id}"));
    let put = put.header("If-Match", station["sequence"].to_string()).json(&station["record"]);
    admin.send(put).await.expect("an answer").ok();

    // when an integrator asks for it, and for the codes
    let reader = Reader::connect(&andon).await;
    let asked = |kind: &str| format!("DIRECT.GET.ANDON_DIRECTORY.andon.v1.directory.{kind}");
    let found = reader.api(&asked(&format!("station.{id}")), &Value::Null).await.expect("an answer");

    // then it is the renamed one
    let event: DirectoryEvent = codec::decode(&found.payload).expect("a directory event");
    let Change::Put(bus_schemas::directory::Record::Station(read)) = event.change else { panic!("{event:?}") };
    assert_eq!(&*read.name, "Renamed");
}
