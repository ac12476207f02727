//! The network goes away in the middle of work: everything is kept, sent when it is back, and counted once.

use std::time::{Duration, Instant};

use serde_json::json;

use super::floor::Floor;
use super::hands::Hands;
use super::{Language, Screen};
use crate::feed::proxy::Proxy;
use crate::harness::until;

/// How long the network is away. Much longer than the page waits for an answer, so that what it gave up arrives all the
/// same when the network is back, beside its repetitions.
const AWAY: Duration = Duration::from_secs(60);
const PRESSES: usize = 20;

/// The page is kept by its service worker: it can be loaded without a network from here on.
async fn is_kept(hands: &Hands) {
    let script = "return Boolean((await navigator.serviceWorker.ready).active) && \
                  Boolean(await caches.match('/assets/worker/app.js'))";
    until("the page is kept", async || hands.device.async_script(script, vec![]).await == true).await;
}

#[tokio::test]
async fn twenty_presses_without_a_network_are_counted_once() {
    // given somebody at work, behind a network
    let floor = Floor::open().await;
    let network = Proxy::start(&floor.url().replace("http://", "")).await;
    let hands = Hands::at(&format!("http://{}", network.address), Screen::Phone, Language::He).await;
    hands.go_to_work("1003", "DIG-1", "24-8001").await;
    hands.press_status("production").await;
    hands.has_status("production").await;
    is_kept(&hands).await;
    let [(session, ..)] = &floor.active().await[..] else { panic!("one session") };

    // when it is gone, without a word: connections break, and nothing passes on new ones
    let since = Instant::now();
    network.hold(true);
    network.cut();
    let (mut good, mut scrap) = (0, 0);
    for press in 0..PRESSES {
        match press {
            5 => hands.press_status("setup").await,
            15 => hands.press_status("production").await,
            _ if press % 6 == 3 => {
                hands.one_more("scrap").await;
                scrap += 1;
            }
            _ => {
                hands.one_more("good").await;
                good += 1;
            }
        }
    }

    // then all of it is shown, and that it waits
    let shown = format!("[data-testid=total-good][data-total='{good}'][data-waiting='{good}']");
    hands.device.sees_css(&shown).await;
    hands.device.sees_css(&format!("[data-testid=connection][data-waiting='{PRESSES}']")).await;
    hands.device.sees_css("[data-testid=now][data-status=production][data-waiting=yes]").await;
    hands.device.sees_css("[data-testid=offline]").await;
    hands.device.assert_accessible("without a network").await;
    // and a reload loses nothing of it
    hands.device.reload().await;
    hands.device.sees_css(&shown).await;
    hands.device.is_at("/work").await;
    assert_eq!(floor.active().await[0].2, 0, "nothing has passed");
    until("the network was away long enough", async || since.elapsed() >= AWAY).await;

    // when it is back
    network.hold(false);

    // then everything is confirmed
    hands.has_total("good", good).await;
    hands.has_total("scrap", scrap).await;
    hands.has_status("production").await;
    hands.device.sees_css("[data-testid=connection][data-state=live][data-waiting='0']").await;
    assert!(hands.device.now("[data-testid=refused]", None, false).await.is_empty());
    hands.device.close().await;

    // and counted once, in its order
    let story = floor.story(session).await;
    let (ended, changes) = (&story["session"], story["quantity_changes"].as_array().expect("a list"));
    assert_eq!((&ended["total_good"], &ended["total_scrap"]), (&json!(good), &json!(scrap)), "{ended}");
    assert_eq!(changes.len(), PRESSES - 2, "{story}");
    let statuses: Vec<_> =
        story["status_events"].as_array().expect("a list").iter().map(|event| &event["status"]).collect();
    assert!(statuses.ends_with(&[&json!("production"), &json!("setup"), &json!("production")]), "{statuses:?}");
}

#[tokio::test]
async fn a_press_that_came_too_late_is_shown_to_its_worker() {
    // given somebody at work whose network goes away
    let floor = Floor::open().await;
    let hands = Hands::at(&floor.url(), Screen::Phone, Language::En).await;
    hands.go_to_work("1003", "DIG-1", "24-8002").await;
    hands.one_more("good").await;
    hands.has_total("good", 1).await;
    let [(session, ..)] = &floor.active().await[..] else { panic!("one session") };
    hands.device.network(false).await;
    hands.one_more("good").await;
    hands.device.sees_css("[data-testid=total-good][data-total='2'][data-waiting='1']").await;

    // when the session is closed meanwhile, and the network is back
    floor.admin.post(&format!("/api/admin/sessions/{session}/close"), &json!({})).await.ok();
    hands.device.network(true).await;

    // then the person is told both, and nothing was counted in silence
    hands.device.sees_css("[role=alert][data-cause=admin]").await;
    hands.device.sees_css("[data-testid=refused]").await;
    hands.device.press(&hands.device.t("worker.refused.seen").await).await;
    hands.device.press(&hands.device.t("worker.closed.to_stations").await).await;
    hands.device.is_at("/stations").await;
    hands.device.close().await;
    assert_eq!(floor.story(session).await["session"]["total_good"], 1);
}
