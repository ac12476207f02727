//! Who names what belongs to somebody else, or what is over: told so, and nothing happens.

use gateway::router::{Needs, ROUTES};
use reqwest::Method;
use serde_json::{Value, json};

use super::hall::{Hall, ask, text};

fn body(session: &str, station: &str) -> Value {
    json!({
        "sessionId": session, "stationId": station, "kind": "start", "responses": [], "status": "setup",
        "total_good": 7, "reason": "worker_choice",
    })
}

/// Fault 27: a worker names a session of another.
#[tokio::test]
async fn a_session_of_another_worker_does_not_exist() {
    // given two workers at work, and a history that can be asked
    let mut hall = Hall::open().await;
    hall.admin().await;
    let (theirs, station) = hall.at_work("1001").await;
    let (mine, _) = hall.at_work("1002").await;
    let session = theirs.session.clone().expect("open");
    let before = hall.heads().await;

    // when one names the session of the other on every route about sessions
    for route in ROUTES.iter().filter(|route| route.needs == Needs::Session) {
        let answer = ask(&mine.client, route.method.clone(), route.path, &body(&session, &station)).await;

        // then it is not found, as one that never was
        let unknown = body("0190a5c0-0000-7000-8000-00000000dead", &station);
        let never = ask(&mine.client, route.method.clone(), route.path, &unknown).await;
        assert_eq!(answer.refused(404), "NOT_FOUND", "{}", route.path);
        if never.status != 200 {
            assert_eq!((never.status, &never.body), (404, &answer.body), "{}", route.path);
        }
    }

    // nor is anything of the other worker to be had
    let id = &theirs.id;
    for path in [format!("/api/workers/active-session?workerId={id}"), format!("/api/stations?workerId={id}")] {
        assert_eq!(mine.client.get(&path).await.refused(403), "FORBIDDEN");
    }
    let open = json!({"workerId": id, "stationId": station, "jobNumber": "X"});
    assert_eq!(mine.client.post("/api/jobs", &open).await.refused(403), "FORBIDDEN");
    assert_eq!(hall.heads().await, before);
    hall.is_unharmed().await;
}

#[tokio::test]
async fn a_closed_session_takes_nothing_any_more() {
    // given a session that its worker has given up
    let mut hall = Hall::open().await;
    let (worker, station) = hall.at_work("1001").await;
    worker.abandon("worker_choice").await.ok();
    let session = worker.session.clone().expect("it was open");
    // Beats are answered from what the gateway has heard on the log.
    worker.until_told_closed().await;
    let before = hall.heads().await;

    // when the worker goes on all the same
    for route in ROUTES.iter().filter(|route| route.needs == Needs::Session) {
        let answer = ask(&worker.client, route.method.clone(), route.path, &body(&session, &station)).await;

        // then what wants it closed is content, and everything else is told that it is
        let told = (answer.status, answer.body["error"].as_str());
        match route.path {
            "/api/sessions/complete" | "/api/sessions/abandon" => assert_eq!(told, (200, None), "{}", route.path),
            "/api/sessions/heartbeat" => assert_eq!(told, (200, Some("SESSION_CLOSED"))),
            path => assert_eq!(told, (409, Some("SESSION_CLOSED")), "{path}"),
        }
    }
    assert_eq!(hall.heads().await, before);
    hall.is_unharmed().await;
}

/// Fault 27: an account looks beyond its stations.
#[tokio::test]
async fn limits_to_stations_hold_on_the_real_stack() {
    // given two sessions, and a supervisor limited to the station of the first
    let hall = Hall::open().await;
    let admin = hall.admin().await;
    let (here, station) = hall.at_work("1001").await;
    let mut there = hall.andon.worker("1002").await;
    let stations = there.stations().await;
    let elsewhere = stations.iter().map(|it| text(&it["id"])).find(|id| *id != station).expect("another").to_owned();
    there.open(&elsewhere, "G-2").await.ok();
    let (here, there) = (here.session.expect("open"), there.session.expect("open"));
    let limited = hall.account(&admin, "shift lead", "supervisor", Some(&[&station])).await;

    // when the supervisor looks around
    let listed = limited.get("/api/admin/sessions").await.ok();
    let ids: Vec<_> = listed["sessions"].as_array().expect("a list").iter().map(|row| text(&row["id"])).collect();

    // then only what is at the station is there
    assert_eq!(ids, [here.as_str()]);
    assert_eq!(limited.get(&format!("/api/admin/sessions/{there}")).await.refused(404), "NOT_FOUND");
    let close = format!("/api/admin/sessions/{there}/close");
    assert_eq!(limited.post(&close, &json!({})).await.refused(404), "NOT_FOUND");
    assert_eq!(limited.get("/api/admin/directory/export").await.refused(403), "FORBIDDEN");
    assert_eq!(limited.get("/api/admin/accounts").await.refused(403), "FORBIDDEN");
    let seen = limited.get("/api/admin/directory/station").await.ok();
    assert_eq!(seen["records"].as_array().map(Vec::len), Some(1));

    // and closing all closes that alone
    let closed = ask(&limited, Method::POST, "/api/admin/sessions/close-all", &json!({})).await.ok();
    assert_eq!(closed, json!({"closed": 1, "failed": []}));
    let left = admin.get("/api/admin/sessions").await.ok();
    assert_eq!(text(&left["sessions"][0]["id"]), there);
}
