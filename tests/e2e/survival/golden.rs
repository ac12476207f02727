//! Logs of earlier releases, as their servers had them: today's code reads them, and comes to the same state.
//!
//! A log lies in `golden/` as a dump (`andon verify --dump`), named by the release that wrote it, and beside it the hash of
//! the state that it comes to. Both are never changed. With `ANDON_WRITE_GOLDEN=1` this test writes those of the release at
//! hand, where there are none: once, before it is released.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bus_schemas::{SessionEvent, WorkerState, codec, subject};
use engine::session;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::harness::{ADMIN_PASSWORD, Andon, Place, Worker, until, until_some};

const RELEASE: &str = env!("CARGO_PKG_VERSION");
/// Kinds of events that a log must have, or it proves little.
const KINDS: [&str; 5] = ["opened", "checklist-completed", "status-changed", "quantities-reported", "closed"];

/// A message of a dump; see `src/verify/dump.rs`, with which nothing is shared.
#[derive(Deserialize)]
struct Record {
    seq: u64,
    subject: String,
    headers: Vec<(String, String)>,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/survival/golden")
}

/// The dumps, by release.
fn dumps() -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory()).expect("there are some").filter_map(|entry| Some(entry.ok()?.path()));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "dump")).collect()
}

/// The messages of a dump: after the record that says what the file is, one a message, each behind its length.
fn read(dump: &Path) -> Vec<Record> {
    let bytes = std::fs::read(dump).expect("a dump");
    let (mut rest, mut records) = (&bytes[..], Vec::new());
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (record, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        records.push(record);
        rest = after;
    }
    records[1..].iter().map(|record| codec::decode(record).expect("a message")).collect()
}

/// What the log comes to: every worker's state, folded from the events, and the kinds of event that were met.
fn fold(messages: &[Record]) -> (BTreeMap<String, WorkerState>, BTreeSet<&'static str>) {
    let (mut states, mut kinds) = (BTreeMap::new(), BTreeSet::new());
    for message in messages.iter().filter(|message| message.subject.starts_with("andon.v1.session.")) {
        let schema = message.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(subject::HEADER_SCHEMA));
        let schema = schema.map(|(_, value)| value.as_str());
        let event: SessionEvent = codec::decode_versioned(schema, &message.payload).expect("today's code reads it");
        let worker = event.state.session.worker_id.to_string();
        let before = states.get(&worker);
        if let Err(broken) = session::fold_check(before, &event) {
            panic!("event {} does not follow any more: {broken:?}", message.seq);
        }
        kinds.insert(event.kind.name());
        let after = session::apply(before, &event, message.seq);
        states.insert(worker, after);
    }
    (states, kinds)
}

/// The hash of all states, by worker.
fn hash(states: &BTreeMap<String, WorkerState>) -> String {
    let mut hasher = Sha256::new();
    for (worker, state) in states {
        hasher.update(worker);
        hasher.update(codec::encode(state).expect("it encodes"));
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fault 20: logs that earlier releases have written.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_each_release_comes_to_the_same_state() {
    if std::env::var_os("ANDON_WRITE_GOLDEN").is_some() {
        write().await;
        panic!("the log of {RELEASE} was written: look at it, then run the test without ANDON_WRITE_GOLDEN");
    }
    // given the log of each release
    let dumps = dumps();
    assert!(
        dumps.iter().any(|dump| dump.file_stem().is_some_and(|stem| stem == RELEASE)),
        "none of {RELEASE}: {dumps:?}"
    );
    for dump in dumps {
        // when it is folded
        let messages = read(&dump);
        let (states, kinds) = fold(&messages);

        // then it comes to the state that it came to
        let known = std::fs::read_to_string(dump.with_extension("sha256")).expect("the hash beside it");
        assert_eq!(hash(&states), known.trim(), "{} comes to another state", dump.display());
        assert!(KINDS.iter().all(|kind| kinds.contains(kind)), "{} has {kinds:?} only", dump.display());

        // and every rule about it is proven
        let place = Place::new();
        let output = place.command(&["verify", "--file"]).arg(&dump).output().expect("andon starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Writes the log of this release: shifts, a replace, and every way a session ends.
async fn write() {
    let andon = Andon::start(Place::new().set("idle_timeout", "5s").set("node_id", "golden"), &["up"]).await;
    std::fs::write(andon.place.directory().join("demo.toml"), gateway::demo_factory()).expect("written");
    let imported = andon.place.command(&["admin", "import", "demo.toml"]).output().expect("andon starts");
    assert!(imported.status.success(), "{imported:?}");
    let account = json!({"account": "admin", "password": ADMIN_PASSWORD});
    let admin = until_some("an admin can sign in", async || {
        let token = andon.client().post("/api/admin/login", &account).await.body["token"].as_str().map(str::to_owned);
        token.map(|token| andon.client().with_token(token))
    })
    .await;
    let mut workers = Vec::new();
    for code in ["1001", "1002", "1003", "1004", "1005"] {
        let mut worker = andon.worker(code).await;
        let station = begin(&mut worker, "G-1").await;
        workers.push((worker, station));
    }
    let [(first, station), (left, _), (closed, _), ..] = &mut workers[..] else { panic!("five workers") };
    begin(first, "G-2").await;
    let note = json!({"sessionId": first.session, "status": "fault", "note": "a note, שלום, привет"});
    first.client.post("/api/status-events", &note).await.ok();
    first.status("production").await.ok();
    first.quantities(120, 3).await.ok();
    first.checklist(station, "end").await.ok();
    first.complete().await.ok();
    left.abandon("worker_choice").await.ok();
    let session = closed.session.clone().expect("open");
    admin.post(&format!("/api/admin/sessions/{session}/close"), &json!({})).await.ok();
    // The fourth falls silent and is closed; the fifth is still there.
    let (kept, silent) = (workers[4].0.clone(), workers[3].0.clone());
    until("the silent one is closed", async || {
        kept.heartbeat().await;
        silent.active().await["session"].is_null()
    })
    .await;
    let dump = directory().join(format!("{RELEASE}.dump"));
    let output = andon.place.command(&["verify", "--no-database", "--dump"]).arg(&dump).output().expect("andon starts");
    assert!(output.status.success(), "{output:?}");
    std::fs::write(dump.with_extension("sha256"), hash(&fold(&read(&dump)).0) + "\n").expect("written");
}

/// Opens a session, and works in it; at which station.
async fn begin(worker: &mut Worker, job: &str) -> String {
    let station = worker.stations().await[0]["id"].as_str().expect("a station").to_owned();
    worker.open(&station, job).await.ok();
    worker.checklist(&station, "start").await;
    worker.status("production").await.ok();
    worker.quantities(10, 1).await.ok();
    station
}
