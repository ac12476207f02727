//! Whole shifts at the worker's pages: everything that a person does, on each device, with a reload at every step.

use serde_json::{Value, json};

use super::floor::Floor;
use super::hands::Hands;
use super::{Language, Screen};
use crate::harness::until;

const CODE: &str = "1003";
/// Its paper jam asks for a reason, and both of its lists have items.
const STATION: &str = "DIG-1";
const NOTE: &str = "נייר / бумага / paper";

/// The statuses of a session in their order, each with its note.
fn statuses(story: &Value) -> Vec<(&str, Option<&str>)> {
    let events = story["status_events"].as_array().expect("a list");
    events.iter().map(|event| (event["status"].as_str().expect("a status"), event["note"].as_str())).collect()
}

/// A look for barriers, on the devices where it is looked for: it takes its time.
async fn looked_at(hands: &Hands, looks: bool, step: &str) {
    if looks {
        hands.device.assert_accessible(step).await;
    }
}

async fn whole_shift(floor: &Floor, screen: Screen, language: Language, looks: bool) {
    // when a worker signs in, chooses a station and names a job
    let hands = Hands::at(&floor.url(), screen, language).await;
    hands.sign_in(CODE).await;
    hands.device.is_at("/stations").await;
    hands.reload().await;
    hands.device.sees(STATION).await;
    looked_at(&hands, looks, "stations").await;
    hands.choose(STATION).await;
    hands.reload().await;
    looked_at(&hands, looks, "job").await;
    hands.name_job("24-7001").await;

    // and answers the list, which a reload does not empty
    hands.reload().await;
    hands.tick_all().await;
    let ticked = hands.ticked().await;
    hands.reload().await;
    until("the ticks are there again", async || hands.ticked().await == ticked).await;
    looked_at(&hands, looks, "start").await;
    hands.begin().await;

    // and works: a status, pieces one by one and many, the last ones back
    hands.reload().await;
    hands.press_status("production").await;
    hands.has_status("production").await;
    for _ in 0..3 {
        hands.one_more("good").await;
    }
    hands.one_more("scrap").await;
    hands.add("good", 120).await;
    hands.has_total("good", 123).await;
    hands.device.press_css("button.undo").await;
    hands.has_total("good", 3).await;
    hands.has_total("scrap", 1).await;
    looked_at(&hands, looks, "work").await;

    // and stops for a reason, with a note
    hands.press_status("paper_jam").await;
    hands.device.fill(&hands.device.t("worker.note").await, NOTE).await;
    looked_at(&hands, looks, "reasons").await;
    hands.device.press_css("dialog .reason").await;
    hands.has_status("paper_jam").await;
    hands.device.sees(NOTE).await;
    hands.press_status("production").await;
    hands.has_status("production").await;

    // and neither a reload nor the way back changes where the work is
    hands.reload().await;
    hands.has_status("production").await;
    hands.has_total("good", 3).await;
    hands.device.client().back().await.expect("it goes back");
    hands.device.go("/stations").await;
    hands.device.is_at("/work").await;

    // and finishes
    hands.device.press(&hands.device.t("worker.work.finish").await).await;
    hands.device.is_at("/end").await;
    hands.reload().await;
    hands.tick_all().await;
    looked_at(&hands, looks, "end").await;
    let session = hands.complete().await;
    hands.reload().await;
    looked_at(&hands, looks, "summary").await;
    hands.device.press(&hands.device.t("worker.summary.next").await).await;
    hands.device.is_at("/stations").await;
    hands.device.press(&hands.device.t("worker.leave").await).await;
    hands.device.is_at("/login").await;
    hands.device.close().await;

    // then the log says the same
    let story = floor.story(&session).await;
    let ended = &story["session"];
    assert_eq!((&ended["total_good"], &ended["total_scrap"]), (&json!(3), &json!(1)), "{ended}");
    assert_eq!((&ended["status"], &ended["closed_cause"]), (&json!("completed"), &json!("completed")), "{ended}");
    let worked = [("production", None), ("paper_jam", Some(NOTE)), ("production", None)];
    assert!(statuses(&story).ends_with(&worked), "{:?}", statuses(&story));
    // Three single pieces, one of scrap, many, and many back.
    assert_eq!(story["quantity_changes"].as_array().map(Vec::len), Some(6), "{story}");
}

#[tokio::test]
async fn a_whole_shift_on_a_phone() {
    let floor = Floor::open().await;
    whole_shift(&floor, Screen::Phone, Language::He, true).await;
    whole_shift(&floor, Screen::Phone, Language::En, false).await;
}

#[tokio::test]
async fn a_whole_shift_on_a_desktop() {
    let floor = Floor::open().await;
    whole_shift(&floor, Screen::Desktop, Language::En, true).await;
    whole_shift(&floor, Screen::Desktop, Language::He, false).await;
}

#[tokio::test]
async fn a_second_tab_neither_loses_nor_doubles_anything() {
    // given work in one tab
    let floor = Floor::open().await;
    let hands = Hands::at(&floor.url(), Screen::Desktop, Language::He).await;
    hands.go_to_work(CODE, STATION, "24-7002").await;
    hands.one_more("good").await;
    hands.has_total("good", 1).await;
    let first = hands.device.client().window().await.expect("a tab");

    // when a second one is opened, at an address that begins anew, then it shows the same work
    let second = hands.device.new_tab().await;
    hands.device.go("/stations").await;
    hands.device.is_at("/work").await;
    hands.has_total("good", 1).await;

    // when both count and change the status, then both show everything
    hands.one_more("good").await;
    hands.press_status("production").await;
    hands.has_status("production").await;
    hands.device.switch_to(&first).await;
    hands.has_total("good", 2).await;
    hands.has_status("production").await;
    hands.one_more("good").await;
    hands.one_more("scrap").await;
    hands.has_total("good", 3).await;
    hands.device.switch_to(&second).await;
    hands.has_total("good", 3).await;
    hands.has_total("scrap", 1).await;

    // when one finishes, then the other does not go on with what is over
    let session = hands.finish().await;
    hands.device.switch_to(&first).await;
    hands.device.is_at("/summary/").await;
    hands.device.close().await;
    let story = floor.story(&session).await;
    assert_eq!(story["session"]["total_good"], 3, "{story}");
    assert_eq!(story["quantity_changes"].as_array().map(Vec::len), Some(4), "{story}");
}

#[tokio::test]
async fn a_worker_whose_session_an_admin_closes_is_told_so_and_goes_on() {
    // given somebody at work
    let floor = Floor::open().await;
    let hands = Hands::at(&floor.url(), Screen::Phone, Language::En).await;
    hands.go_to_work(CODE, STATION, "24-7003").await;
    hands.one_more("good").await;
    hands.has_total("good", 1).await;
    let [(session, ..)] = &floor.active().await[..] else { panic!("one session") };

    // when an admin closes the session
    floor.admin.post(&format!("/api/admin/sessions/{session}/close"), &json!({})).await.ok();

    // then the page says who and when, whatever the worker does, until it was read
    hands.device.sees_css("[role=alert][data-cause=admin]").await;
    hands.device.reload().await;
    hands.device.sees_css("[role=alert][data-cause=admin]").await;
    hands.device.assert_accessible("closed").await;
    hands.device.press(&hands.device.t("worker.closed.to_stations").await).await;
    hands.device.is_at("/stations").await;
    hands.open(STATION, "24-7004").await;
    hands.device.close().await;
}
