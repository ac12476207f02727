//! Tests of the routes as clients see them, without servers.

use axum::body::Body;
use bus_schemas::{
    Actor, CommandBody, Done, Refusal, RefusalCode, Reply, Session, SessionStatus, WorkerId, reply::Effect,
};
use http::{Method, Request, header};
use persistence::Role;
use rstest::rstest;
use serde_json::{Value, json};

use crate::test_gateway::{TestGateway, read};

fn done(session: Option<Session>, effect: Effect) -> Reply {
    let interval = session.as_ref().and_then(|session| session.open.clone());
    Reply::Done(Box::new(Done { effect, session, interval, seq: 9, grace_expires_at_us: None }))
}

fn refused(code: RefusalCode) -> Reply {
    Reply::Refused(Box::new(Refusal::new(code, "no")))
}

fn silent() -> TestGateway {
    TestGateway::new(|_| refused(RefusalCode::NotFound))
}

#[rstest]
#[case(Method::GET, "/api/workers/active-session?workerId=0190a5c0-0000-7000-8000-000000000001")]
#[case(Method::GET, "/api/stations?workerId=0190a5c0-0000-7000-8000-000000000001")]
#[case(Method::GET, "/api/checklists")]
#[case(Method::GET, "/api/reasons")]
#[case(Method::GET, "/api/statuses")]
#[case(Method::POST, "/api/jobs")]
#[case(Method::POST, "/api/checklists/responses")]
#[case(Method::POST, "/api/status-events")]
#[case(Method::POST, "/api/sessions/quantities")]
#[case(Method::POST, "/api/sessions/complete")]
#[case(Method::POST, "/api/sessions/abandon")]
#[case(Method::GET, "/api/admin/me")]
#[case(Method::POST, "/api/admin/refresh")]
#[case(Method::GET, "/api/admin/sessions")]
#[case(Method::GET, "/api/admin/sessions/0190a5c0-0000-7000-8000-000000000001")]
#[case(Method::POST, "/api/admin/sessions/0190a5c0-0000-7000-8000-000000000001/close")]
#[case(Method::POST, "/api/admin/sessions/close-all")]
#[case(Method::POST, "/api/admin/directory/import")]
#[case(Method::GET, "/api/admin/directory/export")]
#[case(Method::GET, "/api/admin/directory/worker")]
#[case(Method::PUT, "/api/admin/directory/worker/1")]
#[case(Method::DELETE, "/api/admin/directory/worker/1")]
#[tokio::test]
async fn nothing_is_done_without_a_login(#[case] method: Method, #[case] path: &str) {
    let gateway = silent();
    let (status, body) = gateway.ask(method.clone(), path, None, None).await;
    assert_eq!((status, body["error"].as_str()), (401, Some("LOGIN_REQUIRED")));
    let (status, _) = gateway.ask(method, path, Some("not.a.token"), Some(json!({}))).await;
    assert_eq!(status, 401);
    assert!(gateway.bus.commands.lock().is_empty());
}

#[rstest]
#[case(Method::GET, "/api/admin/me")]
#[case(Method::GET, "/api/admin/sessions")]
#[case(Method::POST, "/api/admin/sessions/close-all")]
#[case(Method::GET, "/api/admin/directory/export")]
#[tokio::test]
async fn a_worker_may_not_use_admin_routes(#[case] method: Method, #[case] path: &str) {
    let gateway = silent();
    let token = gateway.token(gateway.worker("1001"));
    let (status, body) = gateway.ask(method, path, Some(&token), None).await;
    assert_eq!((status, body["error"].as_str()), (403, Some("FORBIDDEN")));
}

#[tokio::test]
async fn a_worker_signs_in_with_a_code_and_gets_a_token_and_a_cookie() {
    let gateway = silent();
    let request = Request::post("/api/workers/login")
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Body::from(r#"{"workerCode": " 1001 "}"#))
        .unwrap();
    let response = gateway.send(request).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let (status, body) = read(response).await;
    assert_eq!((status, &body["worker"]["worker_code"]), (200, &json!("1001")));
    assert!(body["expires_at"].as_str().unwrap().ends_with('Z'));
    let token = body["token"].as_str().unwrap();
    assert!(cookie.contains(&format!("={token};")) && cookie.contains("HttpOnly"), "{cookie}");
    let (status, _) = gateway.get("/api/reasons", token).await;
    assert_eq!(status, 200);
}

#[rstest]
#[case(json!({}), 400, "WORKER_CODE_REQUIRED")]
#[case(json!({"workerCode": " "}), 400, "WORKER_CODE_REQUIRED")]
#[case(json!({"workerCode": 1001}), 400, "INVALID_PAYLOAD")]
#[case(json!({"workerCode": "1001\u{0}"}), 400, "INVALID_PAYLOAD")]
#[case(json!({"workerCode": "9999"}), 404, "NOT_FOUND")]
#[tokio::test]
async fn a_bad_sign_in_says_why(#[case] body: Value, #[case] status: u16, #[case] code: &str) {
    let answer = silent().ask(Method::POST, "/api/workers/login", None, Some(body)).await;
    assert_eq!((answer.0, answer.1["error"].as_str()), (status, Some(code)));
}

#[tokio::test]
async fn guessing_codes_is_braked_and_says_for_how_long() {
    let gateway = silent();
    let mut last = None;
    for guess in 0..150 {
        let body = json!({"workerCode": format!("9{guess:03}")}).to_string();
        let request = Request::post("/api/workers/login")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        last = Some(gateway.send(request).await);
    }
    let last = last.unwrap();
    assert!(last.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(read(last).await.1["error"], "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn opening_a_session_answers_job_and_session() {
    let gateway = TestGateway::new(|command| {
        assert!(matches!(&command.body, CommandBody::Open { job_number, .. } if &**job_number == "24-1001"));
        done(Some(crate::fixtures::session(1, 10)), Effect::Stored)
    });
    let worker = gateway.worker("1001");
    let body = json!({"workerId": worker.0, "stationId": gateway.station_of(worker).0, "jobNumber": " 24-1001 "});
    let (status, body) = gateway.post("/api/jobs", &gateway.token(worker), body).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["session"]["status"], "active");
    assert_eq!(body["session"]["current_status"], Value::Null);
    assert_eq!(body["job"]["job_number"], "J-1");
    let commands = gateway.bus.commands.lock();
    assert_eq!((commands.len(), &commands[0].actor), (1, &Actor::Worker(worker)));
}

#[rstest]
#[case("idempotency-key", "k-1", json!({}), Some("k-1"))]
#[case("x-other", "x", json!({"commandId": "f-1"}), Some("f-1"))]
#[case("idempotency-key", "k-1", json!({"commandId": "f-1"}), Some("k-1"))]
#[case("x-other", "x", json!({"commandId": "has space"}), None)]
#[case("idempotency-key", "sch\u{f6}n", json!({}), None)]
#[tokio::test]
async fn the_command_id_is_the_clients(
    #[case] name: &str,
    #[case] value: &str,
    #[case] extra: Value,
    #[case] id: Option<&str>,
) {
    let gateway = TestGateway::new(|_| done(Some(crate::fixtures::session(1, 10)), Effect::Stored));
    let worker = gateway.worker("1001");
    let session = gateway.open_session(worker, 10);
    let mut body = json!({"sessionId": session.id.0});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let request = Request::post("/api/sessions/complete")
        .header(header::AUTHORIZATION, format!("Bearer {}", gateway.token(worker)))
        .header(header::CONTENT_TYPE, "application/json")
        .header(name, value)
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, _) = read(gateway.send(request).await).await;
    assert_eq!(status, if id.is_some() { 200 } else { 400 });
    assert_eq!(gateway.bus.commands.lock().first().map(|command| command.id.as_str().to_owned()).as_deref(), id);
}

#[tokio::test]
async fn refusals_of_the_owner_keep_code_status_and_session() {
    let gateway = TestGateway::new(|_| {
        let closed = Session { status: SessionStatus::Completed, ..crate::fixtures::session(1, 10) };
        let refusal = Refusal { session: Some(closed), ..Refusal::new(RefusalCode::SessionClosed, "it is closed") };
        Reply::Refused(Box::new(refusal))
    });
    let worker = gateway.worker("1001");
    let session = gateway.open_session(worker, 10);
    let body = json!({"sessionId": session.id.0, "total_good": 5});
    let (status, body) = gateway.post("/api/sessions/quantities", &gateway.token(worker), body).await;
    assert_eq!((status, &body["error"]), (409, &json!("SESSION_CLOSED")));
    assert_eq!(body["details"]["session"]["status"], "completed");
}

#[tokio::test]
async fn a_repeated_checklist_says_so_only_on_an_open_session() {
    for (status, repeated) in [(SessionStatus::Active, json!(true)), (SessionStatus::Completed, Value::Null)] {
        let answer = Session { status, ..crate::fixtures::session(1, 10) };
        let gateway = TestGateway::new(move |_| done(Some(answer.clone()), Effect::Nothing));
        let worker = gateway.worker("1001");
        let session = gateway.open_session(worker, 10);
        let body = json!({"sessionId": session.id.0, "stationId": session.station_id.0, "kind": "end",
            "responses": [{"item_id": "a", "value_bool": true, "extra": 1}]});
        let (_, body) = gateway.post("/api/checklists/responses", &gateway.token(worker), body).await;
        assert_eq!((&body["ok"], &body["repeated"]), (&json!(true), &repeated));
    }
}

#[tokio::test]
async fn somebody_elses_session_is_not_found_and_nothing_is_sent() {
    let gateway = silent();
    let theirs = gateway.open_session(gateway.worker("1002"), 10);
    let token = gateway.token(gateway.worker("1001"));
    for path in ["quantities", "complete", "abandon", "heartbeat"] {
        let body = json!({"sessionId": theirs.id.0});
        let (status, _) = gateway.post(&format!("/api/sessions/{path}"), &token, body).await;
        assert_eq!(status, 404, "{path}");
    }
    let other = gateway.worker("1002").0;
    let (status, _) = gateway.get(&format!("/api/workers/active-session?workerId={other}"), &token).await;
    assert_eq!(status, 403);
    assert!(gateway.bus.commands.lock().is_empty());
}

#[tokio::test]
async fn a_session_before_its_gate_is_pending() {
    let gateway = TestGateway::new(|command| match command.body {
        CommandBody::Look => done(Some(crate::fixtures::session(1, 10)), Effect::Nothing),
        _ => refused(RefusalCode::NotFound),
    });
    let worker = gateway.worker("1001");
    let path = format!("/api/workers/active-session?workerId={}", worker.0);
    let (status, body) = gateway.get(&path, &gateway.token(worker)).await;
    assert_eq!((status, &body["session"]), (200, &Value::Null));
    assert_eq!(body["pending"]["station"]["code"], "OFF-1");
    assert_eq!(body["pending"]["job"]["job_number"], "J-1");
    assert!(body["pending"].get("graceExpiresAt").is_some());
}

fn heartbeat(gateway: &TestGateway, worker: WorkerId, id: &str, content_type: Option<&str>) -> Request<Body> {
    let mut request = Request::post("/api/sessions/heartbeat")
        .header(header::AUTHORIZATION, format!("Bearer {}", gateway.token(worker)));
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    request.body(Body::from(json!({"sessionId": id}).to_string())).unwrap()
}

#[tokio::test(start_paused = true)]
async fn beats_are_taken_in_any_content_type_while_the_owner_hears() {
    let gateway = silent();
    let worker = gateway.worker("1001");
    let id = gateway.open_session(worker, 10).id.to_string();
    for content_type in [Some("application/json"), Some("text/plain;charset=UTF-8"), None] {
        let response = gateway.send(heartbeat(&gateway, worker, &id, content_type)).await;
        assert_eq!(read(response).await, (200, json!({"ok": true})));
    }
    tokio::time::advance(std::time::Duration::from_secs(4)).await;
    let response = gateway.send(heartbeat(&gateway, worker, &id, None)).await;
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(read(response).await.1["error"], "NO_OWNER");
    gateway.hear();
    assert_eq!(read(gateway.send(heartbeat(&gateway, worker, &id, None)).await).await.0, 200);
}

#[tokio::test]
async fn a_beat_of_a_closed_session_is_told_so() {
    let gateway = silent();
    let worker = gateway.worker("1001");
    let session = gateway.open_session(worker, 10);
    let closed = Session { status: SessionStatus::Completed, ..session.clone() };
    gateway.app.view.sessions.fold(crate::fixtures::event(closed), 1_001);
    let response = gateway.send(heartbeat(&gateway, worker, &session.id.to_string(), None)).await;
    assert_eq!(read(response).await, (200, json!({"ok": false, "error": "SESSION_CLOSED"})));
}

#[tokio::test]
async fn a_session_the_view_does_not_know_is_looked_up_before_it_is_called_closed() {
    let gateway = silent();
    let worker = gateway.worker("1001");
    let session = Session { worker_id: worker, ..crate::fixtures::session(0, 77) };
    *gateway.bus.last_event.lock() = Some(crate::fixtures::event(session.clone()));
    let response = gateway.send(heartbeat(&gateway, worker, &session.id.to_string(), None)).await;
    assert_eq!(read(response).await, (200, json!({"ok": true})));
    let response = gateway.send(heartbeat(&gateway, worker, "0190a5c0-0000-7000-8000-00000000dead", None)).await;
    assert_eq!(read(response).await, (200, json!({"ok": false, "error": "SESSION_CLOSED"})));
}

#[rstest]
#[case::foreign_page("http://evil.example", Some("cross-site"), 403)]
#[case::own_page("http://floor.example", Some("same-origin"), 200)]
#[case::front_end_elsewhere("http://front.example:3000", Some("cross-site"), 200)]
#[case::no_page("", None, 403)]
#[tokio::test]
async fn a_cookie_counts_only_from_our_own_pages(
    #[case] origin: &str,
    #[case] site: Option<&str>,
    #[case] status: u16,
) {
    let gateway = TestGateway::new(|_| done(Some(crate::fixtures::session(1, 10)), Effect::Stored));
    let worker = gateway.worker("1001");
    let session = gateway.open_session(worker, 10);
    for path in ["/api/sessions/complete", "/api/sessions/heartbeat"] {
        let cookie = format!("andon_worker_{}={}", worker.0.as_simple(), gateway.token(worker));
        let mut request = Request::post(path)
            .header(header::HOST, "floor.example")
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site).header(header::ORIGIN, origin);
        }
        let body = Body::from(json!({"sessionId": session.id.0}).to_string());
        let response = gateway.send(request.body(body).unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let allowed = response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(allowed, origin.contains("front"), "{path}");
    }
}

#[tokio::test]
async fn closing_all_touches_each_active_session_once() {
    let gateway = TestGateway::new(|command| match command.body {
        CommandBody::AdminClose { session_id } if session_id.0.as_u128() == 11 => refused(RefusalCode::SessionClosed),
        CommandBody::AdminClose { .. } => done(None, Effect::Stored),
        _ => refused(RefusalCode::NotFound),
    });
    for (code, id) in [("1001", 10), ("1002", 11), ("1003", 12)] {
        gateway.open_session(gateway.worker(code), id);
    }
    let viewer = gateway.account_token(Role::Viewer);
    let (status, _) = gateway.ask(Method::POST, "/api/admin/sessions/close-all", Some(&viewer), None).await;
    assert_eq!(status, 403);
    let token = gateway.account_token(Role::Supervisor);
    let (status, body) = gateway.ask(Method::POST, "/api/admin/sessions/close-all", Some(&token), None).await;
    assert_eq!((status, body), (200, json!({"closed": 2, "failed": []})));
    let commands = gateway.bus.commands.lock();
    assert_eq!(commands.len(), 3);
    assert!(commands.iter().all(|command| command.actor == Actor::Admin("ada".into())));
}

#[tokio::test]
async fn active_sessions_are_listed_newest_first_a_page_at_a_time() {
    let gateway = silent();
    for (code, id) in [("1001", 10), ("1002", 11), ("1003", 12)] {
        gateway.open_session(gateway.worker(code), id);
    }
    let token = gateway.account_token(Role::Viewer);
    let (_, first) = gateway.get("/api/admin/sessions?limit=2", &token).await;
    assert_eq!(first["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(first["sessions"][0]["worker"]["full_name"], "Noa Levi");
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = gateway.get(&format!("/api/admin/sessions?limit=2&cursor={cursor}"), &token).await;
    assert_eq!(second["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_cursor"], Value::Null);
    let (status, body) = gateway.get("/api/admin/sessions?state=closed", &token).await;
    assert_eq!((status, &body["error"]), (503, &json!("HISTORY_UNAVAILABLE")));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_same_shape() {
    let gateway = silent();
    let (status, body) = gateway.get("/nowhere", "").await;
    assert_eq!((status, body["error"].as_str()), (404, Some("NOT_FOUND")));
    let (status, body) = gateway.get("/api/jobs", "").await;
    assert_eq!((status, body["error"].as_str()), (405, Some("METHOD_NOT_ALLOWED")));
}

#[tokio::test]
async fn ready_says_what_is_missing() {
    let gateway = silent();
    assert_eq!(gateway.get("/readyz", "").await, (200, json!({"ready": true})));
    assert_eq!(gateway.get("/healthz", "").await.0, 200);
    let claim = bus_schemas::Claim {
        node_id: "n-1".into(),
        at_us: bus_schemas::TimeUs::default(),
        released: true,
        taken: None,
        successor: None,
        extra: bus_schemas::Extra::new(),
    };
    gateway.app.view.claims.fold(bus_schemas::Partition::new(3), &claim, 9_999);
    let (status, body) = gateway.get("/readyz", "").await;
    assert_eq!((status, body["error"].as_str()), (503, Some("NOT_READY")));
    assert!(body["message"].as_str().unwrap().contains("partition"), "{body}");
}

#[tokio::test]
async fn the_contract_names_every_route_and_can_be_read_by_people() {
    let gateway = silent();
    let (status, contract) = gateway.get("/api/openapi.json", "").await;
    assert_eq!(status, 200);
    let paths = contract["paths"].as_object().unwrap();
    for path in ["/api/jobs", "/api/sessions/heartbeat", "/api/admin/sessions/{id}", "/readyz"] {
        assert!(paths.contains_key(path), "{path}");
    }
    let response = gateway.send(Request::get("/api/docs").body(Body::empty()).unwrap()).await;
    let csp = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(csp.contains("script-src 'self'") && csp.contains("frame-ancestors 'none'"), "{csp}");
    let page = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert!(!String::from_utf8_lossy(&page).contains("<script"));
}
