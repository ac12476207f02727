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
    /// Where the gateway is.
    place: Place,
    /// Where the engines are.
    engines: Place,
}

impl Two {
    async fn start() -> Self {
        let server = TestServer::start(Settings::default()).await;
        let nowhere = "postgres://andon@127.0.0.1:9/andon";
        let place = floor::beside(&server).set("database_url", nowhere).set("idle_timeout", "20s");
        let engines = floor::beside(&server).set("idle_timeout", "20s");
        let mut first = engines.spawn(&["engine", "--node-id", "first"]);
        first.logged("engine started").await;
        floor::build(&place);
        let mut gateway = place.spawn(&["gateway"]);
        floor::ready(&place.http_url(), &mut [&mut first, &mut gateway]).await;
        let second = engines.spawn(&["engine", "--node-id", "second"]);
        second.logged("engine started").await;
        Self { server, first, second, _gateway: gateway, place, engines }
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
                    if !claim.released {
                        let name = claim.node_id.split('-').next().expect("a name").to_owned();
                        *owned.entry(name).or_default() += 1;
                    }
                }
                Followed::CaughtUp => return owned,
                // It begins anew with the last of each.
                Followed::Interrupted(_) => owned.clear(),
            }
        }
    }

    /// Waits until these nodes own everything, each its share.
    async fn shared_by(&self, names: &[&str]) {
        until(&format!("{names:?} own everything"), async || {
            let owned = self.owned().await;
            owned.keys().map(String::as_str).eq(names.iter().copied())
                && owned.values().sum::<usize>() == PARTITIONS
                && owned.values().all(|share| *share >= PARTITIONS / 4)
        })
        .await;
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

/// So many that each node has some of them: the partitions' owners are drawn by lot.
const WORKERS: usize = 16;

/// Fault 2: engines are killed under load.
#[tokio::test(flavor = "multi_thread")]
async fn when_an_owner_is_killed_the_other_takes_over_and_the_same_commands_go_on_without_a_fork() {
    // given workers at work with two engines, each with its share
    let mut two = Two::start().await;
    let load = Load::start(&two.place.http_url(), 0..WORKERS, BEAT_EVERY).await;
    two.shared_by(&["first", "second"]).await;
    load.goes_on(10).await;

    // when one is killed
    two.first.kill().await;

    // then the other goes on with all
    load.goes_on(10).await;
    two.shared_by(&["second"]).await;

    // and so does a third when that one is killed
    let third = two.engines.spawn(&["engine", "--node-id", "third"]);
    third.logged("engine started").await;
    two.shared_by(&["second", "third"]).await;
    two.second.kill().await;
    load.goes_on(10).await;
    two.shared_by(&["third"]).await;
    two.check(load).await;
}

/// Fault 5: an owner is frozen, and thaws when another has taken over.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_owner_is_taken_over_from_and_nothing_stale_is_accepted_when_it_thaws() {
    // given workers at work with two engines, each with its share
    let two = Two::start().await;
    let load = Load::start(&two.place.http_url(), 0..WORKERS, BEAT_EVERY).await;
    two.shared_by(&["first", "second"]).await;
    load.goes_on(10).await;

    // when one is frozen in the middle of it
    two.first.signal(Signal::SIGSTOP);

    // then the other takes its share over, and all go on
    load.goes_on(10).await;
    two.shared_by(&["second"]).await;

    // and when it thaws, it steps down, decides nothing on what it knew, and is handed a share again
    two.first.signal(Signal::SIGCONT);
    load.goes_on(10).await;
    two.shared_by(&["first", "second"]).await;
    load.goes_on(10).await;
    two.check(load).await;
}
