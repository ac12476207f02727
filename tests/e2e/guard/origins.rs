//! Pages of other sites: a browser sends our cookies along, and nothing comes of it.

use gateway::router::ROUTES;
use reqwest::Method;
use serde_json::json;

use super::hall::{Hall, ask};
use crate::harness::ADMIN_PASSWORD;

/// Fault 25: a page of another site sends requests with somebody's cookies.
#[tokio::test]
async fn a_page_of_another_site_changes_nothing_with_anybodys_cookies() {
    // given a browser in which a worker at work and an admin are signed in
    let mut hall = Hall::open().await;
    hall.admin().await;
    let (worker, station) = hall.at_work("1001").await;
    let browser = hall.andon.client().with_cookies();
    browser.post("/api/workers/login", &json!({"workerCode": "1001"})).await.ok();
    let admin = browser.request(Method::POST, "/api/admin/login").header("Sec-Fetch-Site", "same-origin");
    let admin = admin.json(&json!({"account": "admin", "password": ADMIN_PASSWORD}));
    browser.send(admin).await.expect("an answer").ok();
    let session = worker.session.clone().expect("open");
    let before = hall.heads().await;
    let body = json!({
        "sessionId": session, "workerId": worker.id, "stationId": station, "jobNumber": "X", "kind": "start",
        "responses": [], "status": "setup", "total_good": 1, "name": "x", "account": "x", "role": "admin",
        "password": "a long password", "workerCode": "1001",
    });

    // when a page of another site sends beacons, forms and fetches to every route that changes something
    let said: [&[(&str, &str)]; 4] = [
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "http://evil.example"), ("Content-Type", "text/plain")],
        &[("Origin", "http://evil.example"), ("Content-Type", "text/plain;charset=UTF-8")],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://127.0.0.1:1"), ("Content-Type", "application/json")],
        &[("Origin", "null"), ("Content-Type", "application/x-www-form-urlencoded")],
    ];
    for route in ROUTES.iter().filter(|route| route.method != Method::GET) {
        let path = route.path.replace("{id}", &session).replace("{kind}", "station").replace("{name}", "admin");
        for headers in said {
            let request = browser.request(route.method.clone(), &path).body(body.to_string());
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = browser.send(request).await.expect("an answer");

            // then it is refused for where it comes from
            assert_eq!(answer.refused(403), "ORIGIN_REFUSED", "{} {path} {headers:?}", route.method);
        }
    }
    assert_eq!(hall.heads().await, before);
    hall.is_unharmed().await;

    // while our own page, which says so, is served
    let beat = browser.request(Method::POST, "/api/sessions/heartbeat").header("Sec-Fetch-Site", "same-origin");
    let beat = browser.send(beat.header("Content-Type", "text/plain").body(body.to_string())).await;
    assert_eq!(beat.expect("an answer").ok(), json!({"ok": true}));
    // and a token that no browser sends by itself needs no page
    ask(&worker.client, Method::POST, "/api/sessions/heartbeat", &body).await.ok();
}
