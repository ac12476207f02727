//! `andon bench`: each works, says what it measured, and leaves nothing behind.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Place, Process, until};

/// Runs a bench for a moment, with its temporary files in `place`.
fn quick(place: &Place, bench: &str) -> Value {
    quick_with(place, bench, &[])
}

fn quick_with(place: &Place, bench: &str, arguments: &[&str]) -> Value {
    let mut command = place.command(&[&["bench", bench, "--quick", "--json"], arguments].concat());
    let output = command.env("TMPDIR", place.directory()).output().expect("andon starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("debug build") == cfg!(debug_assertions), "{errors}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// That every figure has been measured, beside its floor.
fn assert_measured(report: &Value, figures: &[&str]) {
    let found = report["figures"].as_array().expect("figures");
    let names: Vec<_> = found.iter().map(|figure| figure["name"].as_str().expect("a name")).collect();
    assert_eq!(names, figures);
    for figure in found {
        for side in ["ours", "floor"] {
            let values = figure[side].as_array().expect("values");
            // Two processes may differ by more than so few sessions need: less than nothing is told as nothing.
            let least = if figure["name"].as_str().is_some_and(|name| name.starts_with("memory")) {
                0.0
            } else {
                f64::MIN_POSITIVE
            };
            let measured = |value: &Value| value.as_f64().is_some_and(|value| value >= least);
            assert!(!values.is_empty() && values.iter().all(measured), "{figure}");
        }
    }
}

fn assert_nothing_left(place: &Place) {
    for program in ["andon", "nats-server", "postgres"] {
        assert!(place.processes(program).is_empty(), "{program} runs on");
    }
    let entries = std::fs::read_dir(place.directory()).expect("it is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let left: Vec<_> = names.filter(|name| name.starts_with("andon-bench")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn heartbeats_are_measured_beside_a_bare_handler() {
    let place = Place::new();
    assert_measured(&quick(&place, "heartbeat"), &["heartbeats", "p50 latency", "p99 latency"]);
    assert_nothing_left(&place);
}

#[tokio::test]
async fn status_changes_are_measured_beside_bare_publishes() {
    let place = Place::new();
    assert_measured(&quick(&place, "status"), &["status changes", "p50 latency", "p99 latency"]);
    assert_nothing_left(&place);
}

#[tokio::test]
async fn sessions_are_measured_beside_their_bytes_and_a_bare_read() {
    let place = Place::new();
    let figures = ["memory of a session", "ready after", "first command accepted after"];
    assert_measured(&quick(&place, "sessions"), &figures);
    assert_nothing_left(&place);
}

#[tokio::test]
async fn the_feed_is_measured_beside_a_bare_broadcast() {
    let place = Place::new();
    let figures = [
        "one viewer, p50",
        "one viewer, p95",
        "one viewer, p99",
        "a crowd, p50",
        "a crowd, p95",
        "a crowd, p99",
        "one by one",
        "together",
        "beside stalled ones, p95",
        "beside stalled ones",
        "memory of a WebSocket",
        "memory of an event stream",
        "push to a worker, longest",
    ];
    assert_measured(&quick(&place, "feed"), &figures);
    assert_nothing_left(&place);
}

#[tokio::test]
async fn nothing_is_lost_when_a_node_is_killed_and_all_are_restarted() {
    // when
    let place = Place::new();
    let report = quick_with(&place, "failover", &["--only", "kill,rolling"]);

    // then both were done, with commands of their own
    let cases = report["cases"].as_array().expect("cases");
    let done: Vec<_> = cases.iter().map(|case| (case["case"].as_str().expect("a name"), &case["trials"])).collect();
    assert_eq!(done, [("kill", &1.into()), ("rolling", &1.into())], "{report:#}");
    let log = &report["logs"][0];
    let told = log["cases"].as_array().expect("cases");
    // At the killed node are the workers of some 85 partitions, give or take 25.
    assert!(told.iter().all(|case| case["commands"].as_u64() > Some(50)), "{told:?}");

    // and nothing that must not happen has: not by what workers were told, and not by the rules of the log
    let counts = told.iter().flat_map(|case| case["counts"].as_array().expect("counts"));
    let counts: Vec<_> = counts.chain(log["counts"].as_array().expect("counts")).collect();
    assert!(counts.len() > 8 && counts.iter().all(|count| count["found"] == 0), "{counts:?}");
    assert_eq!(log["verify"]["holds"], true, "{log:#}");
    assert_eq!(report["failure"], Value::Null);
    assert_nothing_left(&place);
}

#[tokio::test]
async fn one_that_is_interrupted_ends_what_it_started() {
    // given a bench that has begun
    let place = Place::new();
    let log = place.directory().join("bench.log");
    let mut command = place.command(&["bench", "heartbeat", "--json"]);
    command.env("TMPDIR", place.directory()).stdout(Stdio::piped()).stderr(File::create(&log).expect("a log file"));
    let mut bench = Process::new(command.spawn().expect("andon starts"), log);
    until("its nats-server runs", async || !place.processes("nats-server").is_empty()).await;

    // when
    let status = bench.terminate().await;

    // then
    assert!(!status.success());
    assert!(bench.log().contains("interrupted"), "{}", bench.log());
    assert_nothing_left(&place);
}
