//! Bad input on every route: always an error of the contract, never a panic, never a command.

use axum::body::Body;
use bus_schemas::{Refusal, RefusalCode, Reply};
use http::{Method, Request, header};
use persistence::Role;
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Value, json};

use crate::test_gateway::{TestGateway, read};

/// Routes that take JSON, and the fields they look at.
const POSTS: [(&str, &[&str]); 8] = [
    ("/api/workers/login", &["workerCode"]),
    ("/api/jobs", &["workerId", "stationId", "jobNumber"]),
    ("/api/checklists/responses", &["sessionId", "stationId", "kind", "responses"]),
    ("/api/status-events", &["sessionId", "status", "reasonId", "note", "imageUrl", "occurredAt"]),
    ("/api/sessions/quantities", &["sessionId", "total_good", "good_delta", "scrap_delta", "reasonId"]),
    ("/api/sessions/heartbeat", &["sessionId"]),
    ("/api/sessions/complete", &["sessionId", "commandId"]),
    ("/api/sessions/abandon", &["sessionId", "reason"]),
];

const GETS: [&str; 6] = [
    "/api/workers/active-session",
    "/api/stations",
    "/api/checklists",
    "/api/reasons",
    "/api/statuses",
    "/api/admin/sessions",
];

fn gateway() -> TestGateway {
    TestGateway::new(|_| Reply::Refused(Box::new(Refusal::new(RefusalCode::NotFound, "there is none"))))
}

fn request(path: &str, token: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .unwrap()
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("0190a5c0-0000-7000-8000-000000000001")),
        Just(json!("start")),
        Just(json!("x\u{0}\u{1b}[2J")),
        "[\\x00-\\x7f]{0,90}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("item_id|value_bool|value_text|[a-z]{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Only what the contract knows: a 4xx with a code, or an answer of a route that found nothing wrong.
fn judge(path: &str, (status, body): (u16, Value)) -> Result<(), TestCaseError> {
    prop_assert!((200..500).contains(&status), "{path}: {status} {body}");
    if status >= 400 {
        prop_assert!(body["error"].is_string() && body["message"].is_string(), "{path}: {status} {body}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn json_of_any_shape_is_answered_by_the_contract(
        route in 0..POSTS.len(),
        values in prop::collection::vec(value(), 6),
        whole in prop::option::weighted(0.1, value()),
    ) {
        let (path, fields) = POSTS[route];
        let object = fields.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value)).collect();
        let body = whole.unwrap_or(Value::Object(object));
        let gateway = gateway();
        let token = gateway.token(gateway.worker("1001"));
        let answer = run(async {
            read(gateway.send(request(path, &token, "application/json", body.to_string())).await).await
        });
        judge(path, answer)?;
    }

    #[test]
    fn bytes_of_any_kind_are_answered_by_the_contract(
        route in 0..POSTS.len(),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            "[\\[\\]{}\",:0-9a-z\\\\ ]{0,64}".prop_map(String::into_bytes),
        ],
    ) {
        let (path, _) = POSTS[route];
        let gateway = gateway();
        let token = gateway.token(gateway.worker("1001"));
        let answer = run(async { read(gateway.send(request(path, &token, "application/json", body)).await).await });
        prop_assert!(gateway.bus.commands.lock().is_empty());
        judge(path, answer)?;
    }

    #[test]
    fn queries_of_any_kind_are_answered_by_the_contract(
        route in 0..GETS.len(),
        value in "[%a-zA-Z0-9+&=\\-.:]{0,40}",
        name in "workerId|stationId|kind|type|state|station|job|from|limit|cursor",
    ) {
        let gateway = gateway();
        let token = match GETS[route] {
            "/api/admin/sessions" => gateway.account_token(Role::Admin),
            _ => gateway.token(gateway.worker("1001")),
        };
        let path = format!("{}?{name}={value}", GETS[route]);
        let (status, body) = run(gateway.get(&path, &token));
        // Without a database the history is away, which is no fault of the query.
        if body["error"] != "HISTORY_UNAVAILABLE" {
            judge(&path, (status, body))?;
        }
    }
}

/// Fault 29: bodies that are too large or too deep.
#[tokio::test]
async fn what_is_too_large_too_deep_or_of_another_kind_is_refused_by_name() {
    let gateway = gateway();
    let token = gateway.token(gateway.worker("1001"));
    let deep = format!("{{\"sessionId\":{}", "[".repeat(10_000));
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20));
    for (path, _) in POSTS {
        let cases: [(&str, Vec<u8>, u16); 4] = [
            ("application/json", large.clone().into_bytes(), 413),
            ("application/json", deep.clone().into_bytes(), 400),
            ("application/json", b"{\"sessionId\": \"\xff\xfe\"}".to_vec(), 400),
            ("text/plain", b"{}".to_vec(), if path.ends_with("heartbeat") { 400 } else { 415 }),
        ];
        for (content_type, body, expected) in cases {
            let (status, answer) = read(gateway.send(request(path, &token, content_type, body)).await).await;
            assert_eq!(status, expected, "{path} {content_type} {answer}");
        }
    }
    assert!(gateway.bus.commands.lock().is_empty());
}

#[tokio::test]
async fn a_body_without_an_announced_length_is_limited_too() {
    let gateway = gateway();
    let token = gateway.token(gateway.worker("1001"));
    let chunks = futures::stream::iter((0..1_000).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1_024])));
    let request = request("/api/sessions/complete", &token, "application/json", Body::from_stream(chunks));
    assert_eq!(read(gateway.send(request).await).await.0, 413);
}

#[tokio::test]
async fn numbers_out_of_range_are_refused_before_anybody_is_asked() {
    let gateway = gateway();
    let worker = gateway.worker("1001");
    let session = gateway.open_session(worker, 10);
    for value in ["-1", "1000000001", "1e30", "1.5", "99999999999999999999", "1e999"] {
        let body = format!("{{\"sessionId\": \"{}\", \"total_good\": {value}}}", session.id);
        let request = request("/api/sessions/quantities", &gateway.token(worker), "application/json", body);
        let (status, answer) = read(gateway.send(request).await).await;
        assert_eq!((status, answer["error"].as_str()), (422, Some("INVALID_QUANTITY")), "{value}");
    }
    assert!(gateway.bus.commands.lock().is_empty());
}

#[tokio::test]
async fn paths_that_name_nothing_are_not_found() {
    let gateway = gateway();
    let token = gateway.account_token(Role::Admin);
    for path in ["/api/admin/sessions/x/close", "/api/admin/sessions/%00/close", "/api/admin/sessions/../close"] {
        let (status, _) = gateway.ask(Method::POST, path, Some(&token), None).await;
        assert_eq!(status, 404, "{path}");
    }
    let (status, _) = gateway.get("/api/admin/directory/robot", &token).await;
    assert_eq!(status, 404);
}
