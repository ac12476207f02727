//! The live feed: one conformance script for every transport, on the real gateway, and through a network that cuts,
//! delays and holds back.

mod consumers;
mod failures;
mod floor;
mod gateways;
pub mod proxy;
mod stalled;
pub mod table;
pub mod viewer;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{ADMIN_PASSWORD, Andon, BUSY, Client, Signal, Worker, until, until_some};
use floor::Floor;
use proxy::Proxy;
use table::Table;
use viewer::{Transport, Viewer};

const ALL: [Transport; 3] = [Transport::Socket, Transport::Events, Transport::Polls];
/// Those whose connection stays.
const LASTING: [Transport; 2] = [Transport::Socket, Transport::Events];

/// How often every connection is cut.
const CUTS: usize = 12;

/// The answer to a poll, of which the beginning is there.
struct Poll {
    answer: reqwest::Response,
    begun: Vec<u8>,
}

impl Poll {
    /// Its last frame.
    async fn last(mut self) -> Value {
        while let Some(piece) = self.answer.chunk().await.expect("the rest") {
            self.begun.extend_from_slice(&piece);
        }
        let whole: Value = serde_json::from_slice(&self.begun).expect("JSON");
        whole["frames"].as_array().and_then(|frames| frames.last().cloned()).expect("a frame")
    }
}

/// The script. `viewer` may reach the gateway through a network of any quality.
async fn conforms(floor: &mut Floor, viewer: &mut Viewer) {
    starts_and_follows(floor, viewer).await;
    comes_back(floor, viewer).await;
    changes_its_filter(floor, viewer).await;
    gets_every_change(floor, viewer).await;
}

async fn starts_and_follows(floor: &mut Floor, viewer: &mut Viewer) {
    let truth = floor.truth().await;
    viewer.until("the snapshot is there", |table| table.brief() == truth).await;
    let (first, second) = (floor.session(0), floor.session(1));
    floor.status(0, "production").await;
    viewer.until("the change is shown", |table| table.status(&first) == Some("production")).await;
    floor.workers[0].quantities(12, 1).await.ok();
    viewer.until("the totals are shown", |table| table.sessions[&first]["total_good"] == 12).await;
    // One worker replaces a session, an admin closes another.
    let third = floor.open(0).await;
    viewer.until("it was replaced", |table| table.sessions.contains_key(&third)).await;
    viewer.until("the old one is gone", |table| !table.sessions.contains_key(&first)).await;
    let path = format!("/api/admin/sessions/{second}/close");
    floor.admin.post(&path, &serde_json::json!({})).await.ok();
    viewer.until("it was closed", |table| !table.sessions.contains_key(&second)).await;
    assert!(viewer.table.gone.iter().any(|(id, why)| *id == second && why == "closed"));
    floor.open(1).await;
}

async fn comes_back(floor: &mut Floor, viewer: &mut Viewer) {
    let truth = floor.truth().await;
    viewer.until("it stands at the end", |table| table.brief() == truth).await;
    let (snapshots, gone) = (viewer.table.count("snapshot"), floor.session(0));
    viewer.cut();
    // While it is away one session ends, one begins, one changes.
    let opened = floor.open(0).await;
    floor.status(1, "fault").await;
    let truth = floor.truth().await;
    viewer.until("it knows what it missed", |table| table.brief() == truth).await;
    assert!(!truth.contains_key(&gone) && truth.contains_key(&opened));
    assert_eq!(viewer.table.count("snapshot"), snapshots, "it resumes by a difference");
    assert_eq!(viewer.table.last["hello"]["resumed"], true);
}

async fn changes_its_filter(floor: &mut Floor, viewer: &mut Viewer) {
    let second = floor.session(1);
    viewer.asks("status=fault&status=setup");
    viewer.until("the filter counts", |table| table.sessions.len() == 1).await;
    assert_eq!(viewer.table.last["reset"]["reason"], "OTHER_FILTER");
    floor.status(1, "setup").await;
    viewer.until("it stays inside", |table| table.status(&second) == Some("setup")).await;
    floor.status(1, "production").await;
    viewer.until("it leaves", |table| table.sessions.is_empty()).await;
    assert!(viewer.table.gone.contains(&(second.clone(), "filtered".to_owned())));
    floor.status(1, "fault").await;
    viewer.until("it enters", |table| table.status(&second) == Some("fault")).await;
    viewer.table.cursor = Some("what.is.this".to_owned());
    viewer.asks("");
    let truth = floor.truth().await;
    viewer.until("it begins anew", |table| table.brief() == truth).await;
    assert_eq!(viewer.table.last["reset"]["reason"], "CURSOR_UNREADABLE");
}

async fn gets_every_change(floor: &mut Floor, viewer: &mut Viewer) {
    viewer.asks("mode=every");
    let truth = floor.truth().await;
    viewer.until("it has begun", |table| table.brief() == truth && table.cursor.is_some()).await;
    let first = floor.session(0);
    let start = viewer.table.statuses.len();
    let changes = ["production", "fault", "setup", "production", "waiting_client"];
    for status in changes {
        floor.status(0, status).await;
    }
    viewer.until("the last is shown", |table| table.status(&first) == Some("waiting_client")).await;
    let shown = viewer.table.statuses[start..].iter().filter(|(id, _)| *id == first);
    let mut shown: Vec<_> = shown.map(|(_, status)| status.as_str()).collect();
    // One that comes back gets a state again; none may be left out.
    shown.dedup();
    assert_eq!(viewer.table.count("gap"), 0);
    assert!(shown.ends_with(&changes), "{shown:?}");
}

#[tokio::test]
async fn every_transport_conforms() {
    let mut floor = Floor::new().await;
    for transport in ALL {
        let mut viewer = floor.viewer(transport, "");
        conforms(&mut floor, &mut viewer).await;
    }
}

#[tokio::test]
async fn every_transport_conforms_through_a_slow_network_that_cuts() {
    let mut floor = Floor::new().await;
    let proxy = Proxy::start(&floor.address()).await;
    proxy.delay(Duration::from_millis(15));
    for transport in ALL {
        let mut viewer = Viewer::new(transport, &proxy.address, &floor.token, "");
        conforms(&mut floor, &mut viewer).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_or_left_behind_however_often_a_connection_is_cut() {
    // given a viewer on every transport that follows all the time, each behind a network of its own
    let mut floor = Floor::new().await;
    let truth = Arc::new(OnceLock::<BTreeMap<String, String>>::new());
    let (mut networks, mut following) = (Vec::new(), Vec::new());
    for transport in ALL {
        let proxy = Proxy::start(&floor.address()).await;
        let mut viewer = Viewer::new(transport, &proxy.address, &floor.token, "");
        networks.push((proxy, Arc::clone(&viewer.hellos)));
        let truth = Arc::clone(&truth);
        following.push(tokio::spawn(async move {
            let holds = |table: &Table| truth.get().is_some_and(|truth| table.brief() == *truth);
            viewer.until("it holds what there is", holds).await;
        }));
    }
    // when sessions change, end and begin while connections are cut, slowed and held, until each was cut often enough
    let statuses = ["production", "fault", "setup", "waiting_client", "stopped"];
    let deadline = std::time::Instant::now() + Duration::from_secs(40);
    let mut number = 0;
    while number < 60 || networks.iter().any(|(_, hellos)| hellos.load(Ordering::Relaxed) < CUTS) {
        assert!(std::time::Instant::now() < deadline, "the networks were not bad enough");
        floor.status(number % 2, statuses[number % 5]).await;
        if number % 5 == 4 {
            floor.open(number / 5 % 2).await;
        }
        for (place, (proxy, _)) in networks.iter().enumerate() {
            match (number + 2 * place) % 12 {
                0 => proxy.cut(),
                2 => proxy.delay(Duration::from_millis(3)),
                5 => proxy.hold(true),
                7 => proxy.hold(false),
                8 => proxy.delay(Duration::ZERO),
                _ => {}
            }
        }
        number += 1;
    }
    // then each comes to hold what there is
    truth.set(floor.truth().await).expect("set once");
    for (proxy, _) in &networks {
        proxy.hold(false);
        proxy.cut();
    }
    for viewer in following {
        viewer.await.expect("it holds what there is");
    }
}

/// Fault 18: the nats-server and the gateway are restarted.
#[tokio::test]
async fn a_cursor_outlives_the_gateway_and_the_log_server() {
    // given viewers on every transport that stand at the end
    let mut floor = Floor::new().await;
    let mut viewers: Vec<_> = ALL.map(|transport| floor.viewer(transport, "")).into();
    let truth = floor.truth().await;
    for viewer in &mut viewers {
        viewer.until("it has begun", |table| table.brief() == truth && table.cursor.is_some()).await;
    }
    // when the process is killed just after a session was replaced that they did not hear of, and comes back
    let replaced = floor.session(0);
    viewers.iter_mut().for_each(Viewer::cut);
    floor.open(0).await;
    floor.andon.process.kill().await;
    floor.andon.again().await;
    // then they go on where they were: the ended session is taken out, though the new gateway never saw it live
    let truth = until_some("the list is there", async || Some(floor.truth().await)).await;
    for viewer in &mut viewers {
        viewer.until("it holds what there is", |table| table.brief() == truth).await;
        assert!(!viewer.table.sessions.contains_key(&replaced));
    }
    // and when the nats-server is gone for a while, those who are connected are told, and then that it is over
    let mut watching = floor.viewer(Transport::Socket, "");
    watching.until("it has begun", |table| table.brief() == truth).await;
    let [nats] = floor.andon.place.processes("nats-server")[..] else { panic!("one nats-server") };
    crate::harness::send(nats, Signal::SIGSTOP);
    watching.until("it is told that the log is lost", |table| table.count("stale") == 1).await;
    crate::harness::send(nats, Signal::SIGCONT);
    watching.until("it is told that the log is there", |table| table.count("fresh") == 1).await;
    floor.status(0, "fault").await;
    let first = floor.session(0);
    watching.until("it goes on", |table| table.status(&first) == Some("fault")).await;
}

/// Fault 22: SIGTERM with viewers on every transport.
#[tokio::test]
async fn a_gateway_that_ends_says_goodbye_and_when_to_come_back() {
    let mut floor = Floor::new().await;
    let truth = floor.truth().await;
    let mut viewers = LASTING.map(|transport| floor.viewer(transport, ""));
    for viewer in &mut viewers {
        viewer.until("it has begun", |table| table.brief() == truth && table.cursor.is_some()).await;
    }
    let poll = floor.waiting_poll(viewers[0].table.cursor.as_deref().expect("a cursor")).await;
    // when it is told to end while they follow
    let goodbyes = viewers.iter_mut().map(|viewer| viewer.until("goodbye", |table| table.count("bye") > 0));
    let (_, last, ended) =
        tokio::join!(futures::future::join_all(goodbyes), poll.last(), floor.andon.process.terminate());
    // then each is told, and it ends soon
    assert!(ended.success());
    for bye in viewers.iter().map(|viewer| &viewer.table.last["bye"]).chain([&last]) {
        assert_eq!((&bye["code"], &bye["reason"]), (&4100.into(), &"DRAINING".into()));
        assert!(bye["retry_in_ms"].as_u64().is_some_and(|wait| wait <= 5_000), "{bye}");
    }
    viewers[0].step().await;
    assert_eq!(viewers[0].closed, Some(4100));
}

#[tokio::test]
async fn a_websocket_takes_filters_and_tokens_in_place() {
    let floor = Floor::new().await;
    let (first, second) = (floor.session(0), floor.session(1));
    let mut viewer = floor.viewer(Transport::Socket, "");
    viewer.until("it has begun", |table| table.sessions.len() == 2).await;
    // another filter is answered with a snapshot on the same connection
    floor.status(0, "fault").await;
    viewer.say(&serde_json::json!({"type": "filter", "status": ["fault"]})).await;
    viewer.until("the filter counts", |table| table.sessions.len() == 1 && table.sessions.contains_key(&first)).await;
    floor.status(1, "fault").await;
    viewer.until("it follows", |table| table.sessions.contains_key(&second)).await;
    // what cannot be done changes nothing
    let unknown = "0190a5c0-0000-7000-8000-000000000001";
    viewer.say(&serde_json::json!({"type": "filter", "station": [unknown]})).await;
    viewer.until("it is refused", |table| table.count("error") == 1).await;
    assert_eq!(viewer.table.last["error"]["code"], "INVALID_FILTER");
    viewer.say(&serde_json::json!({"type": "auth", "token": "not one"})).await;
    viewer.until("it is refused", |table| table.count("error") == 2).await;
    assert_eq!(viewer.table.last["error"]["code"], "INVALID_TOKEN");
    let token = floor.token.clone();
    viewer.say(&serde_json::json!({"type": "auth", "token": token})).await;
    floor.status(1, "setup").await;
    viewer.until("it goes on", |table| !table.sessions.contains_key(&second)).await;
    assert_eq!((viewer.table.count("hello"), viewer.table.count("error")), (1, 2));
    // and what is no message ends it
    viewer.say(&serde_json::json!("what")).await;
    viewer.until("goodbye", |table| table.count("bye") == 1).await;
    assert_eq!(viewer.table.last["bye"]["reason"], "BAD_REQUEST");
    viewer.step().await;
    assert_eq!(viewer.closed, Some(4000));
}

#[tokio::test]
async fn who_may_not_look_is_refused_before_anything_else() {
    let floor = Floor::new().await;
    let path = "/api/admin/feed?wait=0";
    assert_eq!(floor.andon.client().get(path).await.refused(401), "LOGIN_REQUIRED");
    assert_eq!(floor.workers[0].client.get(path).await.refused(403), "FORBIDDEN");
    let unknown = "0190a5c0-0000-7000-8000-000000000001";
    let refused = floor.admin.get(&format!("/api/admin/feed?station={unknown}")).await;
    assert_eq!(refused.refused(400), "INVALID_PAYLOAD");
    assert!(refused.body["message"].as_str().is_some_and(|why| why.contains("unknown station")), "{refused:?}");
    // a page of another site, with the cookie that a browser adds
    let handshake = |origin: &str| {
        floor
            .andon
            .client()
            .request(reqwest::Method::GET, "/api/admin/feed")
            .header("cookie", format!("andon_admin={}", floor.token))
            .header("origin", origin)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let foreign = floor.admin.send(handshake("http://evil.example")).await.expect("an answer");
    assert_eq!(foreign.refused(403), "ORIGIN_REFUSED");
    let own = handshake(&floor.andon.place.http_url()).send().await.expect("an answer");
    assert_eq!(own.status().as_u16(), 101);
}

/// Fault 32: a sign-in is revoked while its feed is open.
#[tokio::test]
async fn a_login_that_is_revoked_is_cut_within_two_seconds() {
    let floor = Floor::new().await;
    let truth = floor.truth().await;
    let mut viewers = LASTING.map(|transport| floor.viewer(transport, ""));
    for viewer in &mut viewers {
        viewer.until("it has begun", |table| table.brief() == truth && table.cursor.is_some()).await;
    }
    let poll = floor.waiting_poll(viewers[0].table.cursor.as_deref().expect("a cursor")).await;
    floor.admin.post("/api/admin/logout", &serde_json::json!({})).await.ok();
    let since = std::time::Instant::now();
    let goodbyes = viewers.iter_mut().map(|viewer| viewer.until("goodbye", |table| table.count("bye") > 0));
    let (_, last) = tokio::join!(futures::future::join_all(goodbyes), poll.last());
    let took = since.elapsed();
    for bye in viewers.iter().map(|viewer| &viewer.table.last["bye"]).chain([&last]) {
        assert_eq!(bye["code"], 4003, "{bye}");
    }
    assert!(took < Duration::from_secs(2) + BUSY, "it took {took:?}");
}

#[tokio::test]
async fn events_are_there_for_backfill_a_page_at_a_time() {
    let floor = Floor::new().await;
    let first = floor.session(0);
    floor.status(0, "fault").await;
    floor.status(0, "setup").await;
    let all = floor.admin.get("/api/admin/events?after=0").await.ok();
    let of_first = |event: &&Value| event["session_id"] == first.as_str();
    let events: Vec<_> = all["events"].as_array().expect("events").iter().filter(of_first).collect();
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().expect("a kind")).collect();
    assert!(kinds.starts_with(&["opened"]) && kinds.ends_with(&["status-changed", "status-changed"]), "{kinds:?}");
    assert_eq!(all["next_after"], Value::Null);
    let last = events[events.len() - 1];
    let (seq, before) = (last["seq"].as_u64().expect("a sequence"), events[events.len() - 2]["seq"].clone());
    let one = floor.admin.get(&format!("/api/admin/events?after={before}&until={seq}")).await.ok();
    let seqs: Vec<_> = one["events"].as_array().expect("events").iter().map(|event| &event["seq"]).collect();
    assert_eq!(seqs, [&last["seq"]]);
    assert_eq!(floor.admin.get("/api/admin/events").await.refused(400), "INVALID_PAYLOAD");
}
