//! A small shop floor: one station without checklists, and workers who sign in with the codes 5000, 5001 ….

use std::fmt::Write as _;
use std::time::Instant;

use andon_nats::testing::TestServer;
use serde_json::Value;

use crate::harness::{Andon, Client, PATIENCE, Place, Process, Worker, until, until_within};

/// Workers of the floor.
const WORKERS: usize = 24;

/// Loads the floor into the directory, by the command line.
pub fn build(place: &Place) {
    let mut text = String::from("[[station]]\ncode = \"SAW\"\nname = \"Saw\"\ntype = \"cutting\"\n");
    for number in 0..WORKERS {
        let worker = format!(
            "\n[[worker]]\ncode = \"{}\"\nname = \"Worker {number}\"\nlanguage = \"en\"\nstations = [\"SAW\"]\n",
            code(number)
        );
        text.push_str(&worker);
    }
    std::fs::write(place.directory().join("floor.toml"), text).expect("written");
    let output = place.command(&["admin", "import", "floor.toml"]).output().expect("andon starts");
    assert!(output.status.success(), "{output:?}");
}

/// A place whose roles use this nats-server.
pub fn beside(server: &TestServer) -> Place {
    Place::new().set("nats_url", &server.config().url).set("nats_monitor_url", &server.monitor_url())
}

/// A database of its own in the private Postgres of `andon`, and its address.
pub async fn database(andon: &Andon) -> String {
    until("Postgres answers", async || andon.place.sql("select 1").is_some()).await;
    andon.place.sql("create database elsewhere").expect("it is created");
    let own = andon.place.postgres_url();
    let (server, _) = own.rsplit_once('/').expect("the database stands at the end");
    format!("{server}/elsewhere")
}

/// `andon up` with this idle time and the floor.
pub async fn up(idle: &str) -> Andon {
    up_in(Place::new().set("idle_timeout", idle)).await
}

/// `andon up` in this place, with the floor.
pub async fn up_in(place: Place) -> Andon {
    let andon = Andon::start(place, &["up"]).await;
    build(&andon.place);
    andon
}

/// The sign-in code of a worker.
pub fn code(number: usize) -> String {
    (5000 + number).to_string()
}

/// Signs workers in, as soon as the gateway knows them.
pub async fn sign_in(url: &str, numbers: std::ops::Range<usize>) -> Vec<Worker> {
    let client = Client::new(url.to_owned());
    client.until_known(&code(numbers.start)).await;
    let mut workers = Vec::new();
    for number in numbers {
        workers.push(Worker::login(client.clone(), &code(number)).await);
    }
    workers
}

/// The station of the floor, as this worker sees it.
pub async fn station(worker: &Worker) -> String {
    let stations = worker.stations().await;
    stations[0]["id"].as_str().expect("an id").to_owned()
}

/// The status of `GET /readyz`, with what is missing; `None` when nobody answers.
pub async fn readiness(url: &str) -> Option<(u16, Value)> {
    let client = Client::new(url.to_owned());
    let asked = client.send(client.request(reqwest::Method::GET, "/readyz")).await;
    asked.ok().map(|answer| (answer.status, answer.body))
}

/// When it was noticed that these nats-servers do not work: `/readyz` says that it is not ready, or others are in their
/// place already, for it may be ready again after a third of a second.
pub async fn noticed(andon: &Andon, broken: &[i32]) -> Instant {
    let url = andon.place.http_url();
    until("it is noticed", async || {
        readiness(&url).await.is_some_and(|(status, _)| status == 503) || andon.place.processes("nats-server") != broken
    })
    .await;
    Instant::now()
}

/// Waits until `GET /readyz` says so. A role that has ended meanwhile fails the test.
pub async fn ready(url: &str, roles: &mut [&mut Process]) {
    let mut said = None;
    let ready = until_within(PATIENCE, async || {
        for role in roles.iter_mut() {
            assert!(!role.has_ended(), "a role has ended: {}", role.log());
        }
        said = readiness(url).await;
        said.as_ref().is_some_and(|(status, _)| *status == 200).then_some(())
    });
    assert!(ready.await.is_some(), "{url} is not ready within {PATIENCE:?}: {said:?}");
}

/// What differs, line by line, for a failing comparison of two long texts.
pub fn difference(expected: &[String], found: &[String]) -> String {
    let missing = expected.iter().filter(|line| !found.contains(line)).take(5);
    let surplus = found.iter().filter(|line| !expected.contains(line)).take(5);
    let mut told = format!("{} lines expected, {} found", expected.len(), found.len());
    for (what, lines) in [("missing", missing.collect::<Vec<_>>()), ("surplus", surplus.collect())] {
        for line in lines {
            let _infallible = write!(told, "\n{what}: {line}");
        }
    }
    told
}
