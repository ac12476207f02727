//! Wires to the servers that lose what comes back, hold what was said, and go dead without a word.

use std::time::Duration;

use andon_nats::testing::{Settings, TestServer};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::floor;
use super::ledger::Ledger;
use super::load::Load;
use super::tables;
use crate::harness::{ADMIN_PASSWORD, Andon, Answer, Place, Process, Wire, WireTo, Worker, until, until_some};

/// How long the engine's wire is cut: longer than a command's attempt lasts, and than the client's own time-outs.
const CUT: Duration = Duration::from_secs(8);
/// A dead wire is noticed by then: two pings of three seconds without an answer, and the rest for a busy machine.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);

/// An engine whose wire to the nats-server can be changed, and a gateway with one of its own. There is no Postgres.
struct Wired {
    server: TestServer,
    wire: WireTo,
    _roles: [Process; 2],
    _places: [Place; 2],
    worker: Worker,
}

impl Wired {
    /// With a worker at work.
    async fn start() -> Self {
        let server = TestServer::start(Settings::default()).await;
        let wire = WireTo::server(server.config().url.trim_start_matches("nats://")).await;
        let place = floor::beside(&server).set("database_url", "postgres://andon@127.0.0.1:9/andon");
        // An engine that is given the address of a database waits for it a while.
        let wired = Place::new()
            .set("nats_url", &format!("nats://{}", wire.address))
            .set("nats_monitor_url", &server.monitor_url());
        let mut engine = wired.spawn(&["engine"]);
        engine.logged("engine started").await;
        floor::build(&place);
        let mut gateway = place.spawn(&["gateway"]);
        floor::ready(&place.http_url(), &mut [&mut engine, &mut gateway]).await;
        let mut worker = floor::sign_in(&place.http_url(), 0..1).await.remove(0);
        let station = floor::station(&worker).await;
        worker.open(&station, "J-1").await.ok();
        Self { server, wire, _roles: [engine, gateway], _places: [place, wired], worker }
    }

    /// A change of status with this key.
    async fn status(&self, status: &str, key: &str) -> Answer {
        let body = json!({"sessionId": self.worker.session, "status": status});
        self.worker.client.try_post("/api/status-events", &body, Some(key)).await.expect("the gateway answers")
    }

    /// The same until it is done.
    async fn done(&self, status: &str, key: &str) -> Value {
        until_some("it is done", async || {
            let answer = self.status(status, key).await;
            assert!([200, 503].contains(&answer.status), "{answer:?}");
            (answer.status == 200).then_some(answer.body)
        })
        .await
    }

    /// How many events of this command are stored.
    async fn stored(&self, key: &str) -> usize {
        let ledger = Ledger::read(&self.server.config()).await;
        ledger.holds();
        ledger.events.iter().filter(|(_, event)| event.command_id.as_str() == key).count()
    }
}

/// Fault 3: an acknowledgement is lost after the event was stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_acknowledgement_was_lost_is_answered_unknown_and_its_repeat_tells_what_was_stored() {
    // given a worker at work
    let wired = Wired::start().await;

    // when the engine publishes an event, and nothing of what the server says reaches it any more
    wired.wire.is(Wire::LosesAnswersTo(b"andon.v1.session."));
    let answer = wired.status("production", "lost").await;

    // then it is stored, and the worker is told that nobody knows
    wired.wire.has_lost_answers().await;
    assert_eq!(answer.refused(503), "OUTCOME_UNKNOWN");
    assert!(answer.retry_after.is_some(), "{answer:?}");
    assert_eq!(wired.stored("lost").await, 1);

    // and when the engine hears again, the same command is answered by what was stored, as often as it is sent
    wired.wire.is(Wire::Broken);
    wired.wire.is(Wire::Whole);
    let first = wired.done("production", "lost").await;
    assert_eq!(first["event"]["status"], "production");
    assert_eq!(wired.done("production", "lost").await, first);
    assert_eq!(wired.stored("lost").await, 1);
}

/// Fault 4: a publish of which nobody knows arrives long after its command was given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_arrives_late_makes_no_second_event_and_the_next_command_builds_on_it() {
    let wired = Wired::start().await;
    for (round, then) in [Wire::HoldsClient, Wire::Broken].into_iter().enumerate() {
        // given a command whose publish is on its way when the wire is cut
        wired.wire.is(Wire::HoldsClient);
        let begun = Instant::now();
        let late = format!("late-{round}");
        let sent = async { (wired.status("production", &late).await, begun.elapsed()) };
        let cut = async {
            // Longer than it takes to publish: the engine has handed it to its connection.
            tokio::time::sleep(Duration::from_millis(500)).await;
            wired.wire.is(then);
            // The time is what this is about.
            tokio::time::sleep_until(begun + CUT).await;
            wired.wire.is(Wire::Whole);
        };
        let ((answer, took), ()) = tokio::join!(sent, cut);
        assert!([200, 503].contains(&answer.status), "{answer:?}");
        assert!(took >= CUT, "the cut did not meet the command: {answer:?} after {took:?}");

        // when the next command comes, then it is decided on what is stored by then
        let next = wired.done("setup", &format!("next-{round}")).await;
        assert_eq!(next["event"]["status"], "setup");

        // and the first one, repeated, has one event and one answer
        let told = wired.done("production", &late).await;
        assert_eq!(wired.done("production", &late).await, told);
        assert_eq!((wired.stored(&late).await, wired.stored(&format!("next-{round}")).await), (1, 1));
    }
}

/// Fault 21: the link to the nats-server is half open: nothing passes, and nobody is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_link_to_nats_is_noticed_soon_and_commands_are_sent_away_until_it_is_mended() {
    // given workers at work
    let server = TestServer::start(Settings::default()).await;
    let wire = WireTo::server(server.config().url.trim_start_matches("nats://")).await;
    let place = floor::beside(&server).set("nats_url", &format!("nats://{}", wire.address));
    let andon = floor::up_in(place).await;
    let url = andon.place.http_url();
    let load = Load::start(&url, 0..4, Duration::from_secs(1)).await;
    load.goes_on(10).await;

    // when the wire goes dead
    wire.is(Wire::Dead);
    let dead = Instant::now();

    // then it is noticed, and every worker is told to come back later, none is kept waiting for ever
    until("it is not ready", async || floor::readiness(&url).await.is_some_and(|(status, _)| status == 503)).await;
    let noticed = dead.elapsed();
    assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    until("workers are sent away", async || load.history().unavailable.len() >= 4).await;
    let sent_away = dead.elapsed();
    assert!(sent_away < NOTICED_WITHIN, "sent away after {sent_away:?}");

    // and when it is mended, the same commands go on, once
    wire.is(Wire::Whole);
    load.goes_on(10).await;
    floor::ready(&url, &mut []).await;
    let history = load.stop().await;
    eprintln!("noticed after {noticed:?}; {}", history.told());
    assert_eq!(history.unanswered, 0, "somebody was kept waiting");
    let ledger = Ledger::read(&server.config()).await;
    ledger.holds();
    ledger.agrees_with(&history);
    ledger.nobody_fell_silent();
}

/// Fault 21: the link to Postgres is half open.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_link_to_postgres_is_noticed_soon_and_workers_notice_nothing() {
    // given workers at work, and a supervisor who reads the history
    let host = Andon::up().await;
    let (address, database) = {
        let url = floor::database(&host).await;
        let (_, rest) = url.split_once('@').expect("credentials");
        (rest.split('/').next().expect("an address").to_owned(), url)
    };
    let wire = WireTo::server(&address).await;
    let andon = floor::up_in(Place::new().set("database_url", &database.replace(&address, &wire.address))).await;
    let load = Load::start(&andon.place.http_url(), 0..4, Duration::from_secs(1)).await;
    load.goes_on(10).await;
    let admin = until_some("the admin can sign in", async || {
        let account = json!({"account": "admin", "password": ADMIN_PASSWORD});
        let token = andon.client().post("/api/admin/login", &account).await.body["token"].as_str().map(str::to_owned);
        token.map(|token| andon.client().with_token(token))
    })
    .await;
    let history = async || admin.get("/api/admin/sessions?state=closed").await;
    until("the history is there", async || history().await.status == 200).await;

    // when the wire goes dead, then whoever reads the history is told so soon
    wire.is(Wire::Dead);
    let dead = Instant::now();
    assert_eq!(history().await.refused(503), "HISTORY_UNAVAILABLE");
    let noticed = dead.elapsed();
    assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    load.goes_on(10).await;
    // Longer than Postgres' own silence is borne: the projection has given its connection up.
    tokio::time::sleep_until(dead + NOTICED_WITHIN).await;
    load.goes_on(10).await;

    // and when it is mended, the history is there again, and no row is missing
    wire.is(Wire::Whole);
    until("the history is there", async || history().await.status == 200).await;
    let done = load.stop().await;
    eprintln!("noticed after {noticed:?}; {}", done.told());
    assert!(done.unavailable.is_empty() && done.unanswered == 0, "somebody noticed: {}", done.told());
    let ledger = Ledger::read(&andon.place.nats_config("persistence")).await;
    ledger.agrees_with(&done);
    tables::are_the_fold_of(&ledger, &database).await;
}
