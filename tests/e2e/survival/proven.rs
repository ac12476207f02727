//! `andon verify` on the real thing: a log that lived through kills and silence is proven, with what Postgres made of it;
//! a forged event, a lost row and a tampered dump are named.

use std::process::Output;
use std::time::Duration;

use andon_nats::{Bus, Expect, Publish};
use bus_schemas::{SessionEvent, codec, subject};
use serde_json::Value;

use super::floor;
use super::load::Load;
use crate::harness::{Andon, Signal, send, until};

const IDLE: &str = "6s";
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// The report, and whether the command succeeded.
fn verify(andon: &Andon, arguments: &[&str]) -> (bool, Value) {
    let arguments = [&["verify", "--json"], arguments].concat();
    let output: Output = andon.place.command(&arguments).output().expect("andon starts");
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), report)
}

fn rule<'a>(report: &'a Value, name: &str) -> &'a Value {
    let rules = report["rules"].as_array().expect("rules");
    rules.iter().find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("no rule {name}"))
}

#[track_caller]
fn is_proven(verdict: &(bool, Value)) {
    let (success, report) = verdict;
    assert!(*success && report["holds"] == true, "{report:#}");
}

/// A log with kills, repeats, replaces and closes for silence.
async fn lived_through() -> Andon {
    let mut andon = floor::up(IDLE).await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..4, BEAT_EVERY).await;
    for _ in 0..2 {
        load.goes_on(8).await;
        andon.process.kill().await;
        for program in ["nats-server", "postgres"] {
            andon.place.processes(program).into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
        }
        andon.again().await;
    }
    load.goes_on(8).await;
    let history = load.stop().await;
    assert!(history.unanswered > 0, "no kill met a command");
    // Nobody waits for Postgres, and whoever was killed last may have been in its very first start.
    until("there are tables", async || andon.place.sql("select seq from checkpoints").is_some()).await;
    until("silent sessions are closed", async || verify(&andon, &["--no-database"]).1["counts"]["idle_closed"] != 0)
        .await;
    andon
}

/// Fault 2: everything is killed under load.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lived_through_kills_is_proven_and_whatever_is_forged_is_named() {
    let andon = lived_through().await;
    until("Postgres answers", async || andon.place.sql("select 1").is_some()).await;

    // given a sound log, all of it and a part of it, then it is proven together with the tables
    let whole = verify(&andon, &[]);
    is_proven(&whole);
    assert_eq!(rule(&whole.1, "projection")["holds"], true);
    let events = whole.1["counts"]["events"].as_u64().expect("a number");
    assert!(events > 50, "{events} events");
    is_proven(&verify(&andon, &["--from-seq", "300", "--to-seq", "330", "--no-database"]));
    is_proven(&verify(&andon, &["--since", "5s"]));

    // and so is its dump, without a server
    is_proven(&verify(&andon, &["--dump", "log.dump", "--no-database"]));
    let file = verify(&andon, &["--file", "log.dump"]);
    is_proven(&file);
    assert_eq!(file.1["counts"]["events"], events);
    assert_eq!(rule(&file.1, "projection")["holds"], Value::Null);

    // when a row is changed behind the projection's back, then the session is named
    let forged = "update status_events set note = 'forged' \
         where id = (select id from status_events where note is null limit 1) returning session_id";
    let changed = andon.place.sql(forged);
    let session = changed.expect("Postgres answers").first().cloned().expect("a row");
    let (success, report) = verify(&andon, &[]);
    assert!(!success, "{report:#}");
    assert_eq!(rule(&report, "projection")["first"]["session_id"], session.as_str());

    // and when somebody writes an event that nobody may make, then it is named, first of all
    let (seq, forged) = forge(&andon).await;
    let (success, report) = verify(&andon, &["--no-database"]);
    assert!(!success, "{report:#}");
    let first = &rule(&report, "final")["first"];
    assert_eq!((&first["seq"], &first["session_id"]), (&seq.into(), &forged.session_id.to_string().into()));
    assert_eq!(first["version"], forged.version);
}

/// Appends an event to a closed session, with the rights of an engine; its sequence.
async fn forge(andon: &Andon) -> (u64, SessionEvent) {
    let bus = Bus::connect(&andon.place.nats_config("engine"), "engine").await.expect("nats-server answers");
    let ledger = super::ledger::Ledger::read(&andon.place.nats_config("persistence")).await;
    let (seq, mut event) = ledger.events.last().cloned().expect("an event");
    assert!(!event.state.session.is_active(), "everybody fell silent");
    event.version += 1;
    event.state.session.version += 1;
    let publish = Publish {
        stream: subject::STREAM_LOG,
        subject: subject::session(event.state.session.worker_id),
        headers: andon_nats::HeaderMap::new(),
        payload: codec::encode(&event).expect("encoded").into(),
        expect: Expect::LastOnSubject(seq),
    };
    (bus.publish(&publish, Duration::from_secs(5)).await.expect("stored").seq, event)
}
