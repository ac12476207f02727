//! `kill -9` of the whole process under load, and again, and again.

use std::time::Duration;

use serde_json::{Value, json};

use super::floor;
use super::keeper::Keeper;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::{Andon, Signal, Worker, send};

const IDLE: &str = "6s";
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Opens a session and only keeps it.
async fn quiet(andon: &Andon, number: usize) -> (Worker, String, Keeper) {
    let mut workers = floor::sign_in(&andon.place.http_url(), number..number + 1).await;
    let mut worker = workers.remove(0);
    let station = floor::station(&worker).await;
    let opened = open_again(&worker, &station).await;
    let session = opened["id"].as_str().expect("an id").to_owned();
    worker.session = Some(session.clone());
    let keeper = Keeper::of(worker.client.clone(), &session, BEAT_EVERY);
    (worker, station, keeper)
}

/// Opens it with the same key as before.
async fn open_again(worker: &Worker, station: &str) -> Value {
    let body = json!({"workerId": worker.id, "stationId": station, "jobNumber": "J-QUIET"});
    worker.client.try_post("/api/jobs", &body, Some("quiet")).await.expect("an answer").ok()["session"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_is_stored_once_and_sessions_go_on() {
    // given workers at work, and one who is merely there
    let mut andon = floor::up(IDLE).await;
    let load = Load::start(&andon.place.http_url(), 0..6, BEAT_EVERY).await;
    let (worker, station, keeper) = quiet(&andon, 6).await;

    for round in 0..4 {
        // when the process is killed and started again, the last time together with its servers
        load.goes_on(10).await;
        andon.process.kill().await;
        if round == 3 {
            for program in ["nats-server", "postgres"] {
                andon.place.processes(program).into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
            }
        }
        andon.again().await;

        // then the quiet session is the same, and its opening is repeated without another
        let session = worker.session.as_deref().expect("a session");
        assert_eq!(worker.active().await["session"]["session"]["id"], session);
        assert_eq!(open_again(&worker, &station).await["id"], session);
    }
    load.goes_on(10).await;

    // then every command is stored as its client was told, once, and nobody was closed
    let beats = keeper.stop().await;
    let history = load.stop().await;
    eprintln!("{}; {beats:?}", history.told());
    assert!(history.unanswered > 0, "no kill met a command");
    let ledger = Ledger::read(&andon.place.nats_config("persistence")).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
    tables::are_the_fold_of(&ledger, &andon.place.postgres_url()).await;
}
