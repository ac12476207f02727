//! The roles on their own, against servers that somebody else runs: how Andon runs in production.

use andon_nats::testing::{Settings, TestServer};

use crate::harness::{Andon, Place, until};

/// A place whose roles use this nats-server.
fn beside(server: &TestServer) -> Place {
    Place::new().set("nats_url", &server.config().url).set("nats_monitor_url", &server.monitor_url())
}

/// Another, empty database in the Postgres of `andon`.
async fn database(andon: &Andon, name: &str) -> String {
    until("Postgres answers", async || andon.place.sql("select 1").is_some()).await;
    andon.place.sql(&format!("create database {name}")).expect("it is created");
    let own = andon.place.postgres_url();
    let (server, _) = own.rsplit_once('/').expect("the database stands at the end");
    format!("{server}/{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_and_the_roles_make_a_whole_system() {
    // given a nats-server and a database, both empty
    let server = TestServer::start(Settings::default()).await;
    let postgres = Andon::up().await;
    let url = database(&postgres, "elsewhere").await;
    let place = beside(&server).set("database_url", &url);

    // when they are migrated, twice, and each role is started in a process of its own
    for _ in 0..2 {
        let output = place.command(&["migrate"]).output().expect("andon starts");
        assert!(output.status.success(), "{output:?}");
    }
    let mut roles = ["engine", "persistence", "gateway"].map(|role| place.spawn(&[role]));

    // then commands are served, and all of them end when asked
    let client = crate::harness::Client::new(place.http_url());
    until("the gateway is ready", async || {
        let asked = client.send(client.request(reqwest::Method::GET, "/readyz")).await;
        asked.is_ok_and(|answer| answer.status == 200)
    })
    .await;
    roles[1].logged("projecting").await;
    for role in &mut roles {
        let status = role.terminate().await;
        assert!(status.success(), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_refuses_a_server_that_acknowledges_before_it_syncs() {
    // given
    let server = TestServer::start(Settings { sync_always: false }).await;
    let place = beside(&server);

    // when
    let output = place.command(&["engine"]).output().expect("andon starts");

    // then it names the setting
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("sync_interval"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_goes_without_that_check_only_when_told_to() {
    // given a server whose monitor is not known
    let server = TestServer::start(Settings { sync_always: false }).await;
    let place = Place::new().set("nats_url", &server.config().url);

    // when nothing is said, it is refused; when it is told to, it runs and says so
    let output = place.command(&["engine"]).output().expect("andon starts");
    assert!(String::from_utf8_lossy(&output.stderr).contains("ANDON_NATS_MONITOR_URL"), "{output:?}");
    let place = place.set("unsafe_unchecked_log", "1");
    let engine = place.spawn(&["engine"]);

    // then
    engine.logged("sync_interval of nats-server is not checked").await;
    engine.logged("engine started").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_factory_is_imported_and_exported_with_nothing_but_nats() {
    // given a NATS with the streams, and nothing else
    let server = TestServer::start(Settings { sync_always: true }).await;
    let engine = Place::new().set("nats_url", &server.config().url).set("nats_monitor_url", &server.monitor_url());
    engine.spawn(&["engine"]).logged("engine started").await;
    let place = Place::new().set("nats_url", &server.config().url);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/gateway/demo/factory.toml");

    // when
    let imported = place.command(&["admin", "import", file]).output().expect("andon starts");
    let exported = place.command(&["admin", "export", "-"]).output().expect("andon starts");

    // then
    assert!(imported.status.success(), "{imported:?}");
    assert!(String::from_utf8_lossy(&exported.stdout).contains("[[worker]]"), "{exported:?}");
}
