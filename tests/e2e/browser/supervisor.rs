//! Every page of a supervisor, with people at work and a history: no barriers, and no complaints of the browser.

use serde_json::Value;

use super::board::sign_in;
use super::floor::Floor;
use super::{Browser, Language, Screen};
use crate::harness::until;

/// A factory with one session that goes on, two that ended, and an account more.
async fn lived_in() -> (Floor, Vec<String>) {
    let floor = Floor::open().await;
    let mut sessions = Vec::new();
    for (code, ends) in [("1001", false), ("1002", true), ("1003", true)] {
        let mut worker = floor.andon.worker(code).await;
        let station = worker.stations().await[0]["id"].as_str().expect("an id").to_owned();
        worker.open(&station, "24-1001").await.ok();
        worker.checklist(&station, "start").await.ok();
        worker.status("production").await.ok();
        worker.quantities(120, 3).await.ok();
        worker.status("fault").await.ok();
        if ends {
            worker.abandon("worker_choice").await.ok();
        }
        sessions.push(worker.session.clone().expect("a session"));
    }
    let account = serde_json::json!({"account": "watcher", "password": "a long password", "role": "viewer"});
    floor.admin.post("/api/admin/accounts", &account).await.ok();
    for session in &sessions {
        floor.story(session).await;
    }
    (floor, sessions)
}

async fn first(floor: &Floor, kind: &str) -> String {
    let list = floor.admin.get(&format!("/api/admin/directory/{kind}")).await.ok();
    let record = list["records"].as_array().and_then(|records| records.first()).expect("a record");
    let name = record["record"]["id"].as_str().or_else(|| record["record"]["code"].as_str());
    name.unwrap_or_else(|| panic!("no name: {record}")).to_owned()
}

async fn pages(floor: &Floor, sessions: &[String]) -> Vec<String> {
    let mut pages: Vec<_> =
        ["", "?group=status", "?wall=1", "/history", "/history?state=active", "/factory", "/accounts"]
            .into_iter()
            .chain([
                "/tablets",
                "/audit",
                "/directory/assignments",
                "/directory/workers/new",
                "/directory/stations/new",
            ])
            .map(|page| format!("/admin{page}"))
            .collect();
    pages.extend(sessions[..2].iter().map(|session| format!("/admin/sessions/{session}")));
    for (path, kind) in
        [("workers", "worker"), ("stations", "station"), ("jobs", "job"), ("reasons", "reason"), ("statuses", "status")]
    {
        pages.push(format!("/admin/directory/{path}"));
        pages.push(format!("/admin/directory/{path}/{}", first(floor, kind).await));
    }
    pages
}

/// Whether the page has come: its head stands, and it waits for nothing.
async fn has_come(browser: &Browser) -> bool {
    let waits = "return document.querySelectorAll('.loading, [data-testid=connection]:not([data-state=live])').length";
    let waits = browser.script(waits, vec![]).await.unwrap_or(Value::Null);
    waits == 0 && !browser.now("heading", None, false).await.is_empty()
}

async fn every_page(screen: Screen, language: Language) {
    let (floor, sessions) = lived_in().await;
    let browser = Browser::at(&floor.url(), screen, language).await;
    sign_in(&browser).await;
    for page in pages(&floor, &sessions).await {
        browser.go(&page).await;
        until(&format!("{page} has come"), async || has_come(&browser).await).await;
        browser.assert_accessible(&format!("{page} on a {screen}, {language:?}")).await;
        let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let wide = browser.script(wide, vec![]).await.expect("an answer");
        assert!(wide.as_i64().is_some_and(|wide| wide <= 0), "{page} on a {screen} is {wide} pixels too wide");
        browser.assert_no_complaints().await;
    }
    browser.close().await;
}

#[tokio::test]
async fn every_page_of_a_supervisor_on_a_desktop_in_hebrew() {
    every_page(Screen::Desktop, Language::He).await;
}

#[tokio::test]
async fn every_page_of_a_supervisor_on_a_phone_in_english() {
    every_page(Screen::Phone, Language::En).await;
}
