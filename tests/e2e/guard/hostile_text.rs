//! Text that is code somewhere else: carried as text through sessions, lists, logs and export, or refused.

use reqwest::Method;
use serde_json::json;

use super::hall::{Hall, ask, text};
use crate::harness::until_some;

/// Markup, formulas, a right-to-left override, quotes, lines.
const HOSTILE: &str = "<script>alert('x')</script> =cmd|'/C calc'!A0 \u{202e}gpj.exe \"\\' {{7*7}} ${x} %n";

/// Fault 34: text that is code somewhere else.
#[tokio::test]
async fn text_stays_text_wherever_it_goes() {
    // given a worker, a station and an account that are called like that
    let mut hall = Hall::open().await;
    let admin = hall.admin().await;
    let (mut worker, station) = hall.at_work("1001").await;
    for (kind, id, field) in [("worker", &worker.id, "full_name"), ("station", &station, "name")] {
        let path = format!("/api/admin/directory/{kind}/{id}");
        let now = admin.get(&path).await.ok();
        let put = admin.request(Method::PUT, &path).header("If-Match", now["sequence"].to_string());
        admin.send(put.json(&json!({field: HOSTILE}))).await.expect("an answer").ok();
    }
    hall.account(&admin, HOSTILE, "viewer", None).await;

    // when a session is opened, noted on and closed
    worker.open(&station, "=1+1\u{202e}").await.ok();
    let session = worker.session.clone().expect("open");
    worker.checklist(&station, "start").await;
    let body = json!({"sessionId": session, "status": "production", "note": format!("{HOSTILE}\nsecond line")});
    worker.client.post("/api/status-events", &body).await.ok();

    // then it is the same text in the list, in the session and in the export
    let note = format!("{HOSTILE}\nsecond line");
    let listed = until_some("the list has the note", async || {
        let listed = admin.get("/api/admin/sessions").await.ok();
        (listed["sessions"][0]["last_note"] == note).then_some(listed)
    })
    .await;
    let row = &listed["sessions"][0];
    assert_eq!((text(&row["worker"]["full_name"]), text(&row["station"]["name"])), (HOSTILE, HOSTILE));
    let one = admin.get(&format!("/api/admin/sessions/{session}")).await.ok();
    assert!(one["status_events"].as_array().expect("a list").iter().any(|event| event["note"] == row["last_note"]));
    let exported = admin.request(Method::GET, "/api/admin/directory/export").send().await.expect("an answer");
    assert_eq!(exported.headers()["content-type"], "application/toml; charset=utf-8");
    assert_eq!(exported.headers()["x-content-type-options"], "nosniff");
    let exported = exported.text().await.expect("text");
    let table: toml::Table = toml::from_str(&exported).expect("TOML");
    assert!(table["worker"].as_array().expect("workers").iter().any(|it| it["name"].as_str() == Some(HOSTILE)));
    let imported =
        admin.request(Method::POST, "/api/admin/directory/import").header("Content-Type", "application/toml");
    let report = admin.send(imported.body(exported)).await.expect("an answer").ok();
    assert_eq!(report["changed"], 0, "{report}");

    // and no line of the log is made of it
    for line in hall.andon.process.log().lines() {
        let strange = line.chars().find(|character| character.is_control() || *character == '\u{202e}');
        assert_eq!(strange, None, "{line}");
    }
    hall.is_unharmed().await;
}

/// Fault 34: control characters, and addresses of scripts.
#[tokio::test]
async fn control_characters_and_addresses_of_scripts_are_refused_and_do_nothing() {
    // given a worker in the middle of a session
    let mut hall = Hall::open().await;
    let admin = hall.admin().await;
    let (worker, station) = hall.at_work("1001").await;
    worker.checklist(&station, "start").await;
    let session = worker.session.clone().expect("open");
    let before = hall.heads().await;

    for bad in ["a\u{0}b", "a\u{1b}[2Jb", "a\rb", "a\u{7}b", "a\u{9b}31mb", "a\u{7f}b"] {
        let note = json!({"sessionId": session, "status": "production", "note": bad});
        assert_eq!(worker.client.post("/api/status-events", &note).await.refused(400), "INVALID_PAYLOAD");
        let job = json!({"workerId": worker.id, "stationId": station, "jobNumber": bad});
        assert_eq!(worker.client.post("/api/jobs", &job).await.refused(400), "INVALID_PAYLOAD");
        let account = json!({"account": bad, "password": "a long password", "role": "viewer"});
        assert_eq!(admin.post("/api/admin/accounts", &account).await.refused(400), "INVALID_PAYLOAD");
        let device = json!({"name": bad});
        assert_eq!(admin.post("/api/admin/devices", &device).await.refused(400), "INVALID_PAYLOAD");
        let path = format!("/api/admin/directory/reason/{}", "0190a5c0-0000-7000-8000-000000000001");
        let reason = json!({"type": "stop", "label_he": "x", "label_ru": "x", "label_en": bad});
        let put = admin.request(Method::PUT, &path).header("If-Match", "0").json(&reason);
        assert_eq!(admin.send(put).await.expect("an answer").refused(400), "INVALID_PAYLOAD");
    }
    for url in ["javascript:alert(1)", "data:image/svg+xml,<svg onload=alert(1)>", "//evil.example/a.png", "http://a/b"]
    {
        let image = json!({"sessionId": session, "status": "production", "imageUrl": url});
        assert_eq!(worker.client.post("/api/status-events", &image).await.refused(400), "INVALID_PAYLOAD", "{url}");
    }
    assert_eq!(hall.heads().await, before);
    let long = json!({"sessionId": session, "status": "production", "note": "x".repeat(2_001)});
    assert_eq!(ask(&worker.client, Method::POST, "/api/status-events", &long).await.status, 400);
    hall.is_unharmed().await;
}
