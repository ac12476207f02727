//! Two engine nodes and one gateway on one NATS: one owner dies or freezes under load.

use std::collections::BTreeMap;
use std::time::Duration;

use andon_nats::testing::{Settings, TestServer};
use andon_nats::{Bus, Followed, Follower, Start};
use bus_schemas::{Claim, subject};

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use crate::harness::{Place, Process, Signal, until};

const BEAT_EVERY: Duration = Duration::from_secs(1);
const PARTITIONS: usize = 256;

/// Two engines, the first of which owns everything, a gateway, and no Postgres anywhere.
struct Two {
    server: TestServer,
    first: Process,
    second: Process,
    _gateway: Process,
    place: Place,
}

impl Two {
    async fn start() -> Self {
        let server = TestServer::start(Settings::default()).await;
        let nowhere = "postgres://andon@127.0.0.1:9/andon";
        let place = floor::beside(&server).set("database_url", nowhere).set("idle_timeout", "20s");
        let mut first = place.spawn(&["engine", "--node-id", "first"]);
        first.logged("engine started").await;
        floor::build(&place);
        let mut gateway = place.spawn(&["gateway"]);
        floor::ready(&place.http_url(), &mut [&mut first, &mut gateway]).await;
        let second = place.spawn(&["engine", "--node-id", "second"]);
        second.logged("engine started").await;
        Self { server, first, second, _gateway: gateway, place }
    }

    /// How many partitions each node owns, by the first word of its id, as the claims on the log say.
    async fn owned(&self) -> BTreeMap<String, usize> {
        let bus = Bus::connect(&self.server.config(), "persistence").await.expect("nats-server answers");
        let mut follower =
            Follower::new(bus, subject::STREAM_LOG, vec![subject::CLAIMS.to_owned()], Start::LastPerSubject);
        let mut owned = BTreeMap::new();
        loop {
            match follower.next().await {
                Followed::Message(message) => {
                    let claim: Claim = message.decode().expect("a claim");
                    assert!(!claim.released, "nobody lets go here");
                    let name = claim.node_id.split('-').next().expect("a name").to_owned();
                    *owned.entry(name).or_default() += 1;
                }
                Followed::CaughtUp => return owned,
                Followed::Interrupted(why) => panic!("{why}"),
            }
        }
    }

    async fn check(&self, load: Load) {
        let history = load.stop().await;
        eprintln!("{}", history.told());
        assert!(history.slowest() > Duration::from_millis(200), "no fault met a command");
        let ledger = Ledger::read(&self.server.config()).await;
        ledger.holds();
        ledger.agrees_with(&history);
        ledger.nobody_fell_silent();
    }
}

fn all_of(name: &str) -> BTreeMap<String, usize> {
    BTreeMap::from([(name.to_owned(), PARTITIONS)])
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_owner_is_killed_the_other_takes_over_and_the_same_commands_go_on_without_a_fork() {
    // given workers at work with the first engine
    let mut two = Two::start().await;
    let load = Load::start(&two.place.http_url(), 0..6, BEAT_EVERY).await;
    load.goes_on(10).await;
    assert_eq!(two.owned().await, all_of("first"));

    // when it is killed
    two.first.kill().await;

    // then the second goes on
    load.goes_on(10).await;
    assert_eq!(two.owned().await, all_of("second"));

    // and so does a third when that one is killed
    let third = two.place.spawn(&["engine", "--node-id", "third"]);
    third.logged("engine started").await;
    two.second.kill().await;
    load.goes_on(10).await;
    assert_eq!(two.owned().await, all_of("third"));
    two.check(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_owner_is_not_taken_for_dead_and_goes_on_when_it_thaws() {
    // given workers at work with the first engine, which is in the middle of it
    let two = Two::start().await;
    let url = two.place.http_url();
    let load = Load::start(&url, 0..6, BEAT_EVERY).await;
    load.goes_on(10).await;

    // when it is frozen until workers are sent away
    two.first.signal(Signal::SIGSTOP);
    until("workers are sent away", async || load.history().unavailable.len() >= 6).await;

    // then the other has not taken anything, since nobody can know that a frozen process will not wake up
    assert_eq!(two.owned().await, all_of("first"));
    let not_ready = floor::readiness(&url).await;
    assert!(matches!(not_ready, Some((503, _))), "{not_ready:?}");

    // and when it thaws, what it was sent in the meantime has expired, and the same commands go on
    two.first.signal(Signal::SIGCONT);
    load.goes_on(10).await;
    assert_eq!(two.owned().await, all_of("first"));
    two.check(load).await;
}
