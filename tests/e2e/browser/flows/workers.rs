//! Workers who change the language or the device, or stay away for too long.

use serde_json::json;

use super::super::board::{at_work, sign_in};
use super::super::floor::Floor;
use super::super::hands::Hands;
use super::super::{Browser, Language, Screen};
use super::closing;
use crate::harness::Place;

/// Longer than a page takes to sign somebody in on a loaded machine, and short enough to be waited for.
const IDLE_TIMEOUT: &str = "15s";

/// Waits until the page has the language and its direction, and says this.
async fn speaks(page: &Browser, language: Language, said: &str) {
    let direction = if language == Language::He { "rtl" } else { "ltr" };
    page.sees_css(&format!("html[lang={}][dir={direction}]", language.code())).await;
    page.sees(said).await;
}

#[tokio::test]
async fn a_language_that_is_chosen_by_hand_stays() {
    // given a new tablet, which speaks Hebrew
    let floor = Floor::open().await;
    let hands = Hands::at(&floor.url(), Screen::Phone, Language::He).await;
    hands.device.go("/login").await;
    speaks(&hands.device, Language::He, "קוד עובד").await;

    // when its person speaks something else, then it does so over a reload, before and after signing in
    hands.device.press_css(".languages button[lang=en]").await;
    speaks(&hands.device, Language::En, "Worker code").await;
    hands.device.reload().await;
    speaks(&hands.device, Language::En, "Worker code").await;
    hands.sign_in("1003").await;
    hands.device.press_css(".languages button[lang=ru]").await;
    speaks(&hands.device, Language::Ru, "Выбор станции").await;
    hands.reload().await;
    speaks(&hands.device, Language::Ru, "Выбор станции").await;

    // and the supervisor's page on the same device does, until another is chosen there
    sign_in(&hands.device).await;
    let name = hands.device.t("language").await;
    let choice = hands.device.find("combobox", &name).await;
    speaks(&hands.device, Language::Ru, "Табло").await;
    choice.select_by_value("he").await.expect("it can be chosen");
    let board = "לוח";
    speaks(&hands.device, Language::He, board).await;
    hands.device.reload().await;
    speaks(&hands.device, Language::He, board).await;
    hands.device.close().await;
}

#[tokio::test]
async fn at_another_device_a_worker_goes_on_or_starts_anew() {
    // given somebody at work at one device
    let floor = Floor::open().await;
    let first = Hands::at(&floor.url(), Screen::Phone, Language::En).await;
    first.go_to_work("1003", "DIG-1", "24-6001").await;
    first.one_more("good").await;
    first.has_total("good", 1).await;
    let [(session, ..)] = &floor.active().await[..] else { panic!("one session") };

    // when they sign in at another one, then it offers the session with the time left
    let second = Hands::at(&floor.url(), Screen::Phone, Language::En).await;
    second.sign_in("1003").await;
    second.device.is_at("/resume").await;
    for told in ["24-6001", &second.device.t("worker.resume.left").await] {
        second.device.sees(told).await;
    }
    second.device.assert_accessible("an open session").await;

    // and going on is the same session on both
    second.device.press(&second.device.t("worker.resume.continue").await).await;
    second.device.is_at("/work").await;
    second.one_more("good").await;
    for hands in [&first, &second] {
        hands.has_total("good", 2).await;
    }
    assert_eq!(floor.active().await[0].0, *session);

    // and starting anew ends it, which the other device is told
    second.device.press(&second.device.t("worker.leave").await).await;
    second.device.press(&second.device.t("worker.leave.anyway").await).await;
    second.sign_in("1003").await;
    second.device.is_at("/resume").await;
    second.device.press(&second.device.t("worker.resume.anew").await).await;
    second.device.is_at("/stations").await;
    first.device.sees_css("[role=alert][data-cause=abandoned]").await;
    assert!(floor.active().await.is_empty());
    let (cause, by) = closing(&floor, session).await;
    assert_eq!((cause.as_str(), by.len()), ("abandoned", 1), "{by:?}");
    second.open("DIG-1", "24-6002").await;
    second.device.close().await;
    first.device.close().await;
    assert_eq!(floor.story(session).await["session"]["total_good"], 2);
}

#[tokio::test]
async fn a_session_that_closes_itself_is_told_in_words_with_a_way_on() {
    // given somebody whose device has gone silent
    let place = Place::new().set("idle_timeout", IDLE_TIMEOUT);
    let floor = Floor::at(place, gateway::demo_factory(), "1012").await;
    let hands = Hands::at(&floor.url(), Screen::Phone, Language::En).await;
    hands.device.go("/login").await;
    let worker = at_work(&floor.andon, "1003").await;
    let session = worker.session.expect("open");

    // when they sign in at another one and do not say whether they go on
    hands.sign_in("1003").await;
    hands.device.is_at("/resume").await;
    hands.device.sees(&hands.device.t("worker.resume.left").await).await;

    // then the session closes itself, which is told until it was read, and the way on is there
    hands.device.sees_css("[role=alert][data-cause=idle]").await;
    hands.device.reload().await;
    hands.device.sees_css("[role=alert][data-cause=idle]").await;
    let told = hands.device.t_with("worker.closed.idle", json!({"time": "|", "until": "|"})).await;
    for part in told.split('|').map(str::trim) {
        hands.device.sees(part).await;
    }
    hands.device.assert_accessible("a session that closed itself").await;
    hands.device.press(&hands.device.t("worker.closed.to_stations").await).await;
    hands.open("DIG-1", "24-6003").await;
    hands.device.close().await;
    let (cause, by) = closing(&floor, &session).await;
    assert_eq!((cause.as_str(), &by[..]), ("idle", &["system".to_owned()][..]));
}
