//! What whoever runs a factory does: the procedures of `docs/operations.md`, carried out on the real servers.

mod bad_backup;
mod deploy;
mod rolling;
mod single;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::Cluster;
use crate::harness::{Andon, Client, Place, Signal, Worker, send, until};
use crate::survival::floor;

/// Runs `andon` in a place; what it printed, and whether it succeeded.
fn run(place: &Place, arguments: &[&str]) -> (bool, String) {
    let output = place.command(arguments).output().expect("andon starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("UTF-8"))
}

/// The same on a thread of its own: others go on meanwhile.
async fn run_beside(place: &Place, arguments: &[&str]) -> (bool, String) {
    let mut command = place.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().expect("andon starts")).await;
    let output = output.expect("it does not panic");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("UTF-8"))
}

/// A factory of one server, the floor in it, with its database at work.
async fn factory(place: Place) -> Andon {
    let andon = floor::up_in(place).await;
    let ready = "select 1 from accounts union all select 1 from checkpoints";
    until("the database is at work", async || andon.place.sql(ready).is_some_and(|rows| rows.len() == 3)).await;
    andon
}

/// A worker with a session, which is left alone.
async fn at_work(url: &str, number: usize) -> Worker {
    let mut worker = floor::sign_in(url, number..number + 1).await.remove(0);
    let station = floor::station(&worker).await;
    worker.open(&station, "LEFT-ALONE").await.ok();
    worker.status("production").await.ok();
    worker
}

/// The same worker, with the same login and session, at another gateway.
fn moved(worker: &Worker, url: &str) -> Worker {
    let token = worker.client.token().expect("a token");
    Worker { client: Client::new(url.to_owned()).with_token(token), ..worker.clone() }
}

/// The session goes on as if nothing had been.
async fn goes_on(worker: &Worker) {
    let active = worker.active().await;
    assert_eq!(active["session"]["session"]["id"].as_str(), worker.session.as_deref(), "{active}");
    worker.quantities(7, 1).await.ok();
    worker.status("setup").await.ok();
}

/// Whoever comes with a cursor from before a restore is told so, and begins anew.
async fn is_told_to_begin_anew(url: &str, cursor: &str) {
    let (frames, _) = Cluster::poll(url, Some(cursor)).await;
    let of = |kind: &str| frames.iter().find(|frame| frame["type"] == kind);
    assert_eq!(of("hello").map(|hello| &hello["resumed"]), Some(&Value::Bool(false)), "{frames:?}");
    assert_eq!(of("reset").map(|reset| &reset["reason"]), Some(&Value::from("OTHER_LOG")), "{frames:?}");
    assert!(of("snapshot").is_some(), "{frames:?}");
}

/// Kills everything that runs in a place, as a machine does that loses its power.
async fn kill_everything(process: &mut crate::harness::Process, place: &Place) {
    process.kill().await;
    for pid in crate::harness::at_home_in(place.directory()) {
        send(pid, Signal::SIGKILL);
    }
}

/// Everything below a directory, with each file's contents.
fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            found.push((path.clone(), Vec::new()));
            found.extend(contents(&path));
        } else {
            let bytes = std::fs::read(&path).expect("read");
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// Proves the log and the tables of a place.
fn is_proven(place: &Place) {
    let (proven, report) = run(place, &["verify"]);
    assert!(proven && report.contains("ok     projection"), "{report}");
}

/// When the durable that an integrator reads was made: another time says that the log was restored.
async fn durable_made_at(andon: &Andon) -> String {
    let nats = andon.place.nats("integrator").await;
    let info = nats.request("ANDON.API.CONSUMER.INFO.ANDON.integrator", "".into()).await.expect("an answer");
    let info: Value = serde_json::from_slice(&info.payload).expect("JSON");
    info["created"].as_str().expect("a time").to_owned()
}
