//! `kill -9` of the whole process and of its servers under load, in an order that chance makes, again and again.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::floor;
use super::keeper::Keeper;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::{Andon, Signal, Worker, send};

const IDLE: &str = "6s";
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Which processes are killed in each round, and in which order: andon always, its servers as chance has it, and in the
/// last round all of them.
fn order_of_victims() -> Vec<Vec<&'static str>> {
    let seed = std::env::var("ANDON_TEST_SEED").map_or_else(|_| rand::random(), |text| text.parse().expect("a number"));
    eprintln!("ANDON_TEST_SEED={seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let mut rounds = Vec::new();
    for round in 0..4 {
        let servers = ["nats-server", "postgres"].into_iter().filter(|_| round == 3 || chance.random());
        let mut victims: Vec<_> = servers.chain(["andon"]).collect();
        victims.shuffle(&mut chance);
        rounds.push(victims);
    }
    rounds
}

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

/// Fault 2: processes are killed in random order under load.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_is_stored_once_and_sessions_go_on() {
    // given workers at work, and one who is merely there
    let mut andon = floor::up(IDLE).await;
    let load = Load::start(&andon.place.http_url(), 0..6, BEAT_EVERY).await;
    let (worker, station, keeper) = quiet(&andon, 6).await;

    for victims in order_of_victims() {
        // when the process is killed, its servers before or after it or not at all, and it is started again
        load.goes_on(10).await;
        for victim in victims {
            match victim {
                "andon" => andon.process.kill().await,
                server => andon.place.processes(server).into_iter().for_each(|pid| send(pid, Signal::SIGKILL)),
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
