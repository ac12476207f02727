//! `andon cluster`: sessions go on while engines and nats-servers are killed, gateways are cut off and the projecting
//! process dies; afterwards the log is proven.

mod quorum;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, BUSY, Client, Cluster, Place, until, until_some};
use crate::survival::{floor, load::Load};

const BEAT_EVERY: Duration = Duration::from_secs(1);
/// From the death of the projecting process to the work of the other.
const PROJECTED_WITHIN: Duration = Duration::from_secs(5);

/// A cluster whose idle time is short, on a small log.
pub fn place() -> Place {
    Place::new().set("idle_timeout", "30s").set("log_max_bytes", "1GiB")
}

impl Cluster {
    /// How many partitions each node owns, by its configured name.
    pub fn owned(&self) -> std::collections::BTreeMap<String, u64> {
        let (done, said) = self.run(&["nodes", "--json"]);
        assert!(done, "{said}");
        // One line; what it warns of on the side comes after it.
        let nodes: Value = serde_json::from_str(said.lines().next().unwrap_or_default()).expect("JSON");
        let nodes = nodes["nodes"].as_array().expect("nodes").iter();
        nodes
            .map(|node| {
                let (name, _) = node["node_id"].as_str().expect("an id").rsplit_once('-').expect("a random part");
                (name.to_owned(), node["partitions"].as_u64().expect("a number"))
            })
            .collect()
    }

    /// What a long-poll of this gateway tells, after a cursor where there is one: the frames, and the cursor.
    pub async fn poll(gateway: &str, after: Option<&str>) -> (Vec<Value>, String) {
        let account = json!({"account": "admin", "password": ADMIN_PASSWORD});
        let client = Client::new(gateway.to_owned());
        let token = client.post("/api/admin/login", &account).await.ok()["token"].as_str().expect("a token").to_owned();
        let after = after.map_or_else(String::new, |cursor| format!("&after={cursor}"));
        let told = client.with_token(token).get(&format!("/api/admin/feed?wait=1{after}")).await.ok();
        let frames = told["frames"].as_array().expect("frames").clone();
        (frames, told["cursor"].as_str().expect("a cursor").to_owned())
    }

    /// Which persistence process projects.
    fn projecting(&self) -> Option<usize> {
        let log = |number: usize| {
            let file = self.place.data_dir().join(format!("cluster/persistence-{number}.log"));
            std::fs::read_to_string(file).unwrap_or_default()
        };
        (1..=2).find(|&number| log(number).contains("projecting"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_go_on_whatever_one_process_or_link_is_lost_and_the_log_is_proven() {
    // given a cluster, each node with its share, and workers at one of two gateways
    let cluster = Cluster::start(place()).await;
    floor::build(&cluster.place);
    until("each node has its share", async || {
        let owned = cluster.owned();
        owned.len() == 3 && owned.values().sum::<u64>() == 256 && owned.values().all(|owned| (40..=140).contains(owned))
    })
    .await;
    let [one, other] = &cluster.gateways[..] else { panic!("two gateways: {:?}", cluster.gateways) };
    let at_one = Load::start(one, 0..4, BEAT_EVERY).await;
    let at_other = Load::start(other, 4..8, BEAT_EVERY).await;
    let both_go_on = async || {
        at_one.goes_on(5).await;
        at_other.goes_on(5).await;
    };
    both_go_on().await;

    // and a viewer who goes on at the other gateway where the first one left off, without a new beginning
    let (begun, cursor) = Cluster::poll(one, None).await;
    both_go_on().await;
    let (went_on, _) = Cluster::poll(other, Some(&cursor)).await;
    let has = |frames: &[Value], kind: &str| frames.iter().any(|frame| frame["type"] == kind);
    assert!(has(&begun, "snapshot"), "{begun:?}");
    assert!(went_on[0]["resumed"] == true && has(&went_on, "delta"), "{went_on:?}");
    assert!(!has(&went_on, "snapshot") && !has(&went_on, "reset"), "{went_on:?}");

    // when an engine is killed, then the others take its share and all go on
    cluster.order(&["kill", "engine-2"]);
    both_go_on().await;
    until("the others have its share", async || {
        let owned = cluster.owned();
        !owned.contains_key("engine-2") && owned.values().sum::<u64>() == 256
    })
    .await;

    // when a nats-server is killed, one of three copies of the log is gone, and all go on; it comes back
    cluster.order(&["kill", "nats-1"]);
    both_go_on().await;
    cluster.order(&["start", "nats-1"]);
    cluster.order(&["start", "engine-2"]);
    both_go_on().await;

    // when a gateway is cut off, the other's workers go on, and its own do when it is healed
    cluster.order(&["cut", "gateway-1"]);
    assert!(cluster.order(&["status"]).contains("cut: gateway-1 to nats-1"));
    at_other.goes_on(10).await;
    cluster.order(&["heal", "gateway-1"]);
    both_go_on().await;

    // when the process that projects is killed, the other takes over
    let projecting = until_some("one projects", async || cluster.projecting()).await;
    let standby = cluster.place.data_dir().join(format!("cluster/persistence-{}.log", 3 - projecting));
    let killed = Instant::now();
    cluster.order(&["kill", &format!("persistence-{projecting}")]);
    until("the other projects", async || std::fs::read_to_string(&standby).unwrap_or_default().contains("projecting"))
        .await;
    let taken_over = killed.elapsed();
    assert!(taken_over < PROJECTED_WITHIN + BUSY, "taken over after {taken_over:?}");
    both_go_on().await;

    // then nothing was lost, doubled or forked, and Postgres holds the fold of the log
    for load in [at_one, at_other] {
        eprintln!("{}", load.stop().await.told());
    }
    let (proven, report) = cluster.run(&["verify"]);
    assert!(proven, "{report}");
    assert!(report.contains("ok     projection"), "{report}");
    eprintln!("projection taken over after {taken_over:?}\n{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_name_what_is_there_and_a_signal_ends_exactly_what_was_started() {
    // given
    let mut cluster = Cluster::start(place()).await;

    // when somebody asks for what is not there, then they are told what is
    let (done, said) = cluster.run(&["cluster", "kill", "engine-9"]);
    assert!(!done && said.contains("there is no engine-9; there are"), "{said}");
    let status = cluster.order(&["status"]);
    let started = status.lines().filter(|line| line.contains("running")).count();
    assert_eq!(started, 3 + 1 + 3 + 2 + 2, "{status}");

    // when it is asked to end, one process stopped and one link cut
    cluster.order(&["stop", "engine-1"]);
    cluster.order(&["cut", "gateway-2", "nats-3"]);
    cluster.process.signal(crate::harness::Signal::SIGTERM);

    // then all of it ends
    let status = cluster.process.ended().await;
    assert!(status.success(), "{status}: {}", cluster.process.log());
    for program in ["andon", "nats-server", "postgres"] {
        let left = cluster.place.processes(program);
        assert!(left.is_empty(), "{program}: {left:?}");
    }
}
