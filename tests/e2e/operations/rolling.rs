//! A cluster: upgraded process by process under load, backed up while it works, lost whole, restored on other servers.

use std::time::Duration;

use serde_json::{Value, json};

use super::{at_work, goes_on, is_proven, is_told_to_begin_anew, kill_everything, moved, run, run_beside};
use crate::cluster;
use crate::harness::Cluster;
use crate::harness::{Andon, Place, Worker, sql, until, until_some};
use crate::survival::{floor, history::History, ledger::Ledger, load::Load};

const BEAT_EVERY: Duration = Duration::from_secs(1);
const ROLES: [&str; 7] =
    ["engine-1", "engine-2", "engine-3", "gateway-1", "gateway-2", "persistence-1", "persistence-2"];
const STREAMS: [&str; 3] = ["ANDON", "ANDON_DIRECTORY", "ANDON_SEEN"];

/// Where the servers of a running cluster are, as its data directory says.
struct Servers {
    nats_url: String,
    database_url: String,
}

impl Servers {
    fn of(place: &Place) -> Self {
        let text = std::fs::read_to_string(place.data_dir().join("running.toml")).expect("it runs");
        let running: toml::Table = toml::from_str(&text).expect("TOML");
        let text = |name: &str| running[name].as_str().expect("text").to_owned();
        Self { nats_url: text("nats_url"), database_url: text("database_url") }
    }

    /// NATS with the credentials of a role, as a configuration names it.
    fn nats_url_of(&self, place: &Place, role: &str) -> String {
        self.nats_url.replacen("nats://", &format!("nats://{role}:{}@", place.nats_password(role)), 1)
    }

    fn config(&self, place: &Place, role: &str) -> andon_nats::NatsConfig {
        let password = Some(place.nats_password(role));
        andon_nats::NatsConfig { url: self.nats_url.clone(), password, replicas: 3, ..place.nats_config(role) }
    }

    async fn operator(&self, place: &Place) -> andon_nats::Bus {
        andon_nats::Bus::connect(&self.config(place, "operator"), "operator").await.expect("NATS answers")
    }
}

/// The state of a node and its partitions, as `andon nodes` tells them.
fn node(cluster: &Cluster, name: &str) -> Option<(String, u64)> {
    let (_, said) = cluster.run(&["nodes", "--json"]);
    let nodes: Value = serde_json::from_str(said.lines().next()?).ok()?;
    let of = |node: &&Value| node["node_id"].as_str().is_some_and(|id| id.starts_with(name));
    let node = nodes["nodes"].as_array()?.iter().rfind(of)?.clone();
    Some((node["state"].as_str()?.to_owned(), node["partitions"].as_u64()?))
}

/// As the manual says: the next one only when this one has its share again and nothing is without an owner.
async fn engine_is_back(cluster: &Cluster, name: &str) {
    until(&format!("{name} is back"), async || {
        let (ready, share) = node(cluster, name).unwrap_or_default();
        ready == "ready" && share >= 40 && cluster.owned().values().sum::<u64>() == 256
    })
    .await;
}

/// What went wrong for clients since then.
fn trouble(load: &Load, since: &History) -> String {
    let now = load.history();
    let unavailable = &now.unavailable[since.unavailable.len()..];
    let unanswered = now.unanswered - since.unanswered;
    if unavailable.is_empty() && unanswered == 0 {
        return String::new();
    }
    format!("{unavailable:?}, {unanswered} unanswered")
}

/// Restarts every process of Andon in the order of the manual while both loads work.
async fn upgrade(cluster: &Cluster, at_one: &Load, at_other: &Load) {
    let begun = (at_one.history(), at_other.history());
    let database_url = Servers::of(&cluster.place).database_url;
    for name in ["persistence-1", "persistence-2"] {
        cluster.order(&["restart", name]);
        let at_work = "select 1 from pg_stat_activity where application_name = 'andon-projection'";
        until("one projects and one stands by", async || {
            sql(&database_url, at_work).is_some_and(|rows| rows.len() == 2)
        })
        .await;
    }
    for name in ["engine-1", "engine-2", "engine-3"] {
        cluster.order(&["restart", name]);
        engine_is_back(cluster, name).await;
        at_one.goes_on(3).await;
        at_other.goes_on(3).await;
    }
    // Not one command had to be repeated.
    assert_eq!(trouble(at_one, &begun.0), "");
    assert_eq!(trouble(at_other, &begun.1), "");
    for (number, own, other) in [(1, at_one, at_other), (2, at_other, at_one)] {
        let before = other.history();
        cluster.order(&["restart", &format!("gateway-{number}")]);
        let url = &cluster.gateways[number - 1];
        is_ready(url).await;
        own.goes_on(3).await;
        other.goes_on(3).await;
        assert_eq!(trouble(other, &before), "", "at the gateway that stayed");
    }
}

/// Restarts every nats-server, the next one only when all three hold everything again; at last one comes back with an
/// empty disk, as a new machine of the same name.
async fn restart_servers(cluster: &Cluster, at_one: &Load, at_other: &Load) {
    let servers = Servers::of(&cluster.place);
    for (name, lost) in [("nats-1", false), ("nats-2", false), ("nats-3", false), ("nats-3", true)] {
        if lost {
            cluster.order(&["kill", name]);
            let store = cluster.place.data_dir().join(format!("cluster/{name}/store"));
            std::fs::remove_dir_all(store).expect("it had one");
            cluster.order(&["start", name]);
        } else {
            cluster.order(&["restart", name]);
        }
        until("all three hold everything", async || copies(&servers, &cluster.place).await == Some(3 * STREAMS.len()))
            .await;
        at_one.goes_on(2).await;
        at_other.goes_on(2).await;
    }
}

/// How many copies of streams are whole: those of leaders, and those that are current.
async fn copies(servers: &Servers, place: &Place) -> Option<usize> {
    let bus = servers.operator(place).await;
    let mut whole = 0;
    for stream in STREAMS {
        let info: Value = bus.api(&format!("STREAM.INFO.{stream}"), &json!(null), Duration::from_secs(2)).await.ok()?;
        let others = info["cluster"]["replicas"].as_array()?.iter();
        whole += others.filter(|other| other["current"] == true && other["offline"] != true).count();
        whole += usize::from(info["cluster"]["leader"].as_str().is_some_and(|name| !name.is_empty()));
    }
    Some(whole)
}

/// A second cluster whose roles do not run and whose servers are empty.
async fn empty_cluster() -> (Cluster, Servers) {
    let cluster = Cluster::start(cluster::place()).await;
    ROLES.iter().for_each(|name| drop(cluster.order(&["kill", name])));
    let servers = Servers::of(&cluster.place);
    let bus = servers.operator(&cluster.place).await;
    for stream in STREAMS {
        let deleted = bus.api::<Value>(&format!("STREAM.DELETE.{stream}"), &Value::Null, Duration::from_secs(10)).await;
        assert_eq!(deleted.expect("deleted")["success"], true);
    }
    sql(&servers.database_url, "drop schema public cascade; create schema public").expect("emptied");
    (cluster, servers)
}

/// As the manual says: servers that hold nothing, the backup, the key that signs tokens, then the processes.
async fn restore(backup: &str) -> (Cluster, Servers) {
    let (cluster, servers) = empty_cluster().await;
    let nats_url = servers.nats_url_of(&cluster.place, "operator");
    let given = ["--nats-url", &nats_url, "--database-url", &servers.database_url, "--replicas", "3"];
    let (restored, said) = run_beside(&cluster.place, &[&["restore", backup], &given[..]].concat()).await;
    assert!(restored && said.contains("restored sequences 1 to"), "{said}");
    // A second time there is something, and nothing is changed.
    let (again, said) = run(&cluster.place, &[&["restore", backup], &given[..]].concat());
    assert!(!again && said.contains("has a stream"), "{said}");
    let key = cluster.place.data_dir().join("token.key");
    std::fs::copy(format!("{backup}/secrets/token.key"), key).expect("copied");
    ROLES.iter().for_each(|name| drop(cluster.order(&["start", name])));
    for url in &cluster.gateways {
        is_ready(url).await;
    }
    (cluster, servers)
}

/// The name of the server that leads the log, and when that server says the log was created.
async fn leader(servers: &Servers, place: &Place) -> Option<(String, Value)> {
    let bus = servers.operator(place).await;
    let info: Value = bus.api("STREAM.INFO.ANDON", &json!(null), Duration::from_secs(2)).await.ok()?;
    Some((info["cluster"]["leader"].as_str()?.to_owned(), info["created"].clone()))
}

async fn is_ready(url: &str) {
    until("the gateway is ready", async || floor::readiness(url).await.is_some_and(|(status, _)| status == 200)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_upgraded_under_load_and_goes_on_elsewhere_after_it_is_lost() {
    // given a cluster, each node with its share, busy workers at both gateways, and one who does nothing more
    let mut lost = Cluster::start(cluster::place()).await;
    floor::build(&lost.place);
    for name in ["engine-1", "engine-2", "engine-3"] {
        engine_is_back(&lost, name).await;
    }
    let [one, other] = [0, 1].map(|number: usize| lost.gateways[number].clone());
    let left_alone: Worker = at_work(&one, 20).await;
    let at_one = Load::start(&one, 0..3, BEAT_EVERY).await;
    let at_other = Load::start(&other, 3..6, BEAT_EVERY).await;
    at_one.goes_on(5).await;

    // when every process is restarted, then no command fails
    upgrade(&lost, &at_one, &at_other).await;
    // and when every nats-server is restarted, none is refused
    restart_servers(&lost, &at_one, &at_other).await;
    is_ready(&one).await;
    let (_, cursor) = Cluster::poll(&one, None).await;

    // when a backup is taken meanwhile, and then everything is lost
    let before = [at_one.history(), at_other.history()];
    let backups = Place::new();
    let backup = backups.directory().join("monday").display().to_string();
    let (taken, said) = run_beside(&lost.place, &["backup", &backup]).await;
    assert!(taken, "{said}");
    at_one.goes_on(2).await;
    for load in [at_one, at_other] {
        eprintln!("{}", load.stop().await.told());
    }
    kill_everything(&mut lost.process, &lost.place).await;

    // and it is tried on one machine, then it is whole
    let trial = Place::new().set("idle_timeout", "1h");
    let (restored, said) = run_beside(&trial, &["restore", &backup]).await;
    assert!(restored, "{said}");
    let trial = Andon::start(trial, &["up"]).await;
    goes_on(&moved(&left_alone, &trial.place.http_url())).await;
    until("Postgres answers", async || trial.place.sql("select 1").is_some()).await;
    is_proven(&trial.place);
    drop(trial);

    // and it is restored on other servers, then what was acknowledged is there and the session goes on
    let (found, servers) = restore(&backup).await;
    let ledger = Ledger::read(&servers.config(&found.place, "persistence")).await;
    before.iter().for_each(|history| ledger.agrees_with(history));
    let url = found.gateways[1].clone();
    goes_on(&moved(&left_alone, &url)).await;
    is_told_to_begin_anew(&url, &cursor).await;
    is_proven(&found.place);

    // and it is one log on all servers: when another one leads it, cursors and the projection go on
    let (_, cursor) = Cluster::poll(&url, None).await;
    let (led, created) = until_some("a server leads", async || leader(&servers, &found.place).await).await;
    found.order(&["kill", &led]);
    let another = async || leader(&servers, &found.place).await.filter(|(name, _)| *name != led);
    assert_eq!(until_some("another one leads", another).await.1, created, "it is another log there");
    let load = Load::start(&url, 6..9, BEAT_EVERY).await;
    load.goes_on(5).await;
    load.stop().await;
    is_ready(&url).await;
    let (frames, _) = Cluster::poll(&url, Some(&cursor)).await;
    assert!(frames.iter().any(|frame| frame["type"] == "hello" && frame["resumed"] == true), "{frames:?}");
    is_proven(&found.place);
}
