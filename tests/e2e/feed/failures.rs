//! Everything fails while viewers follow: networks, the nats-server, the gateway. In the end each holds the fold of the
//! log, read from the log itself.
//!
//! `ANDON_TEST_CUTS=10000 ./test whatever_fails` cuts connections as often as that; by itself it is a few dozen.

use std::sync::atomic::{AtomicUsize, Ordering};

use andon_nats::{Bus, Followed, Follower, Start};
use bus_schemas::{SessionEvent, subject};
use rand::Rng as _;

use super::*;

/// Cut connections, where nobody says how many.
const CUTS_DEFAULT: usize = 60;
/// Every so many cuts all networks are cut at once.
const ALL_CUT_EVERY: usize = 10;
/// How long all of it may take, for each cut.
const FOR_EACH_CUT: Duration = Duration::from_secs(2);
const STATUSES: [&str; 5] = ["production", "fault", "setup", "waiting_client", "stopped"];

fn cuts_wanted() -> usize {
    std::env::var("ANDON_TEST_CUTS").map_or(CUTS_DEFAULT, |text| text.parse().expect("a number"))
}

/// The active sessions as the log itself says.
async fn fold_of_the_log(andon: &Andon) -> BTreeMap<String, String> {
    let bus = Bus::connect(&andon.place.nats_config("persistence"), "persistence").await.expect("nats-server answers");
    let filters = vec![subject::SESSIONS.to_owned()];
    let mut follower = Follower::new(bus, subject::STREAM_LOG, filters, Start::LastPerSubject);
    let mut fold = BTreeMap::new();
    loop {
        match follower.next().await {
            Followed::Message(message) => {
                let session = message.decode::<SessionEvent>().expect("an event").state.session;
                if session.is_active() {
                    let brief = serde_json::json!({
                        "current_status": session.current_status, "total_good": session.total_good,
                        "total_scrap": session.total_scrap,
                    });
                    fold.insert(session.id.to_string(), table::brief(&brief));
                }
            }
            Followed::CaughtUp => return fold,
            Followed::Interrupted(_) => fold.clear(),
        }
    }
}

/// Does something until it is done, whatever fails meanwhile.
async fn change(floor: &mut Floor, stations: &[String], number: usize) {
    let status = STATUSES[number % STATUSES.len()];
    until("a change is made", async || {
        let worker = &mut floor.workers[number % 2];
        if number % 5 == 4 {
            let station = &stations[number % 2];
            let body =
                serde_json::json!({"workerId": worker.id, "stationId": station, "jobNumber": format!("F-{number}")});
            let Ok(opened) = worker.client.try_post("/api/jobs", &body, Some(&format!("open-{number}"))).await else {
                return false;
            };
            let Some(id) = opened.body["session"]["id"].as_str() else { return false };
            worker.session = Some(id.to_owned());
            return true;
        }
        let body = serde_json::json!({"sessionId": worker.session, "status": status});
        let key = format!("status-{number}");
        // Refused where a session waits for its start checklist: nothing has changed then.
        let answer = worker.client.try_post("/api/status-events", &body, Some(&key)).await;
        answer.is_ok_and(|answer| answer.status == 200 || answer.status == 409)
    })
    .await;
}

/// Cuts every network, and waits until everybody has been greeted again: on a fast machine all cuts would be over before
/// anybody has come back from the first.
async fn cut_all(networks: &[Proxy], greeted: &[Arc<AtomicUsize>]) {
    let hellos = || greeted.iter().map(|hellos| hellos.load(Ordering::Relaxed));
    let before: Vec<_> = hellos().collect();
    networks.iter().for_each(|network| {
        network.hold(false);
        network.cut();
    });
    until("everybody is connected again", async || hellos().zip(&before).all(|(now, before)| now > *before)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_each_viewer_comes_to_hold_the_fold_of_the_log() {
    // given a viewer on every transport that follows all the time, each behind a network of its own
    let mut floor = Floor::new().await;
    let mut stations = Vec::new();
    for worker in &floor.workers {
        stations.push(worker.stations().await[0]["id"].as_str().expect("a station").to_owned());
    }
    let truth = Arc::new(OnceLock::<BTreeMap<String, String>>::new());
    let (mut networks, mut following, mut greeted) = (Vec::new(), Vec::new(), Vec::new());
    for transport in ALL {
        let proxy = Proxy::start(&floor.address()).await;
        let mut viewer = Viewer::new(transport, &proxy.address, &floor.token, "");
        viewer.patience = FOR_EACH_CUT * u32::try_from(cuts_wanted().max(CUTS_DEFAULT)).expect("few");
        networks.push(proxy);
        let (truth, hellos) = (Arc::clone(&truth), Arc::new(AtomicUsize::new(0)));
        greeted.push(Arc::clone(&hellos));
        following.push(tokio::spawn(async move {
            let holds = |table: &Table| {
                hellos.store(table.count("hello"), Ordering::Relaxed);
                truth.get().is_some_and(|truth| table.brief() == *truth)
            };
            viewer.until("it holds what there is", holds).await;
            viewer.table.count("hello")
        }));
    }
    // when sessions change, end and begin while networks fail at random, the nats-server dies, and then everything
    let cuts_wanted = cuts_wanted();
    let (nats_dies, andon_dies) = (cuts_wanted / 3, 2 * cuts_wanted / 3);
    let (mut cuts, mut number, mut died) = (0, 0, [false; 2]);
    while cuts < cuts_wanted {
        change(&mut floor, &stations, number).await;
        number += 1;
        let (network, weather) = (rand::rng().random_range(0..networks.len()), rand::rng().random_range(0..8));
        match weather {
            0..=3 => {
                networks[network].cut();
                cuts += 1;
                if cuts % ALL_CUT_EVERY == 0 {
                    cut_all(&networks, &greeted).await;
                }
            }
            4 => networks[network].delay(Duration::from_millis(3)),
            5 => networks[network].delay(Duration::ZERO),
            6 => networks[network].hold(true),
            _ => networks.iter().for_each(|network| network.hold(false)),
        }
        if cuts >= nats_dies && !std::mem::replace(&mut died[0], true) {
            let [nats] = floor.andon.place.processes("nats-server")[..] else { panic!("one nats-server") };
            crate::harness::send(nats, Signal::SIGKILL);
        }
        if cuts >= andon_dies && !std::mem::replace(&mut died[1], true) {
            floor.andon.process.kill().await;
            floor.andon.again().await;
        }
    }
    networks.iter().for_each(|network| network.hold(false));
    // then each comes to hold what the log says
    truth.set(fold_of_the_log(&floor.andon).await).expect("set once");
    for viewer in following {
        let hellos = viewer.await.expect("it holds what there is");
        assert!(hellos > cuts_wanted / 20, "it was connected {hellos} times only");
    }
}
