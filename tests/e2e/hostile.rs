//! Bad input on every route of the real stack: an error of the contract, nothing on the log, nobody panics.

use std::time::Duration;

use andon_nats::Bus;
use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_LOG};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, Andon, Client, until_some};

const WITHIN: Duration = Duration::from_secs(5);

/// Routes that do what they are for whatever the body says, and whose deed is recorded: they end logins, close sessions,
/// or hand out worker codes.
const EFFECTIVE_WITHOUT_BODY: [&str; 5] = [
    "/api/workers/logout",
    "/api/admin/logout",
    "/api/admin/sessions/close-all",
    "/api/admin/sessions/{id}/close",
    "/api/admin/directory/export",
];

/// Route and method of everything in the contract, which is generated from the handlers: no new route is forgotten.
async fn routes(client: &Client) -> Vec<(Method, String)> {
    let contract = client.get("/api/openapi.json").await.ok();
    let paths = contract["paths"].as_object().expect("paths");
    let mut routes = Vec::new();
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys() {
            if let Ok(method) = method.to_uppercase().parse() {
                routes.push((method, path.clone()));
            }
        }
    }
    assert!(routes.len() > 25, "the contract lists its routes: {routes:?}");
    routes
}

fn filled(path: &str, with: &str) -> String {
    path.replace("{id}", with).replace("{kind}", with)
}

/// Bodies that no route takes.
fn rubbish() -> Vec<(&'static str, Vec<u8>)> {
    let deep = [vec![b'['; 20_000], vec![b']'; 20_000]].concat();
    let id = "0190a5c0-0000-7000-8000-000000000001";
    let huge = "9".repeat(400);
    vec![
        ("nothing", vec![]),
        ("no object", b"7".to_vec()),
        ("broken", b"{\"sessionId\": ".to_vec()),
        ("deep", deep),
        ("invalid UTF-8", b"{\"sessionId\": \"\xff\xfe\", \"workerCode\": \"\xc3\x28\"}".to_vec()),
        ("a megabyte", format!("{{\"sessionId\": \"{}\"}}", "a".repeat(1 << 20)).into_bytes()),
        ("wrong types", json!({"sessionId": 7, "workerId": [], "workerCode": {}, "account": true}).to_string().into()),
        (
            "unknown ids",
            json!({"sessionId": id, "workerId": id, "stationId": id, "kind": "start", "responses": [],
            "status": "production", "jobNumber": "1", "workerCode": "no such code", "account": "nobody",
            "password": "no such password"})
            .to_string()
            .into(),
        ),
        (
            "control characters",
            json!({"sessionId": id, "jobNumber": "a\u{0}b", "note": "\u{1b}[2J", "status": "\u{7}",
            "workerCode": "\u{0}", "account": "\u{0}", "password": "\u{0}"})
            .to_string()
            .into(),
        ),
        (
            "huge numbers",
            format!(
                "{{\"sessionId\": \"{id}\", \"total_good\": {huge}, \"good_delta\": 1e308, \"scrap_delta\": -{huge}}}"
            )
            .into_bytes(),
        ),
    ]
}

async fn ends(bus: &Bus) -> (u64, u64) {
    let log = bus.stream_info(STREAM_LOG, WITHIN).await.expect("the log answers").last_seq;
    let directory = bus.stream_info(STREAM_DIRECTORY, WITHIN).await.expect("the directory answers").last_seq;
    (log, directory)
}

/// The demo factory without simulated workers: only the test writes to the log.
async fn factory() -> Andon {
    let andon = Andon::up().await;
    std::fs::write(andon.place.directory().join("demo.toml"), gateway::demo_factory()).expect("written");
    let output = andon.place.command(&["admin", "import", "demo.toml"]).output().expect("andon starts");
    assert!(output.status.success(), "{output:?}");
    andon
}

async fn admin(andon: &Andon) -> Client {
    let login = json!({"account": "admin", "password": ADMIN_PASSWORD});
    // Ready means that workers are served: Postgres, and so the accounts, may come a moment later.
    let token = until_some("an admin signs in", async || {
        andon.client().post("/api/admin/login", &login).await.body["token"].as_str().map(str::to_owned)
    })
    .await;
    andon.client().with_token(token)
}

#[tokio::test]
async fn rubbish_on_every_route_is_a_4xx_and_leaves_nothing_on_the_log() {
    let andon = factory().await;
    let mut worker = andon.worker("1012").await;
    let station = worker.stations().await[0]["id"].as_str().expect("a station").to_owned();
    worker.open(&station, "HOSTILE-1").await.ok();
    let admin = admin(&andon).await;
    let bus = Bus::connect(&andon.place.nats_config("gateway"), "gateway").await.expect("NATS answers");
    let before = ends(&bus).await;

    for (method, path) in routes(&andon.client()).await {
        if EFFECTIVE_WITHOUT_BODY.contains(&&*path) {
            continue;
        }
        for client in [&andon.client(), &worker.client, &admin] {
            for with in ["0190a5c0-0000-7000-8000-000000000001", "%00%1b%5b2J", "..%2f..%2fetc"] {
                for (name, body) in rubbish() {
                    let request = client
                        .request(method.clone(), &format!("{}?workerId=%00&limit=-1&cursor=%ff", filled(&path, with)))
                        .header("content-type", "application/json")
                        .body(body);
                    // A body beyond the limit may be answered while it is still being sent.
                    let Ok(answer) = client.send(request).await else { continue };
                    let reads = method == Method::GET;
                    let expected = |status: u16| (400..500).contains(&status) || (reads && status < 400);
                    // Readiness and the renewal of a token look at no body.
                    let harmless =
                        path.ends_with("/refresh") || path == "/readyz" || answer.body["ok"] == Value::Bool(false);
                    assert!(
                        expected(answer.status) || harmless,
                        "{method} {path} with {name}: {} {}",
                        answer.status,
                        answer.body
                    );
                    if (400..500).contains(&answer.status) {
                        assert!(answer.body["error"].is_string(), "{method} {path} with {name}: {}", answer.body);
                    }
                }
            }
        }
    }

    assert_eq!(ends(&bus).await, before, "nothing was stored");
    assert!(!andon.process.log().contains("panicked"), "nobody panicked");
    assert_eq!(worker.heartbeat().await.ok()["ok"], true, "the session lives on");
}

#[tokio::test]
async fn somebody_elses_and_closed_sessions_are_left_alone() {
    let andon = factory().await;
    let mut mine = andon.worker("1012").await;
    let station = mine.stations().await[0]["id"].as_str().expect("a station").to_owned();
    let session = mine.open(&station, "HOSTILE-2").await.ok()["session"]["id"].as_str().expect("an id").to_owned();
    let other = andon.worker("1011").await;
    let bus = Bus::connect(&andon.place.nats_config("gateway"), "gateway").await.expect("NATS answers");
    let before = ends(&bus).await;
    let commands = |session: &str| {
        [
            ("/api/status-events", json!({"sessionId": session, "status": "production"})),
            ("/api/sessions/quantities", json!({"sessionId": session, "good_delta": 1})),
            ("/api/sessions/complete", json!({"sessionId": session})),
            ("/api/sessions/abandon", json!({"sessionId": session})),
            (
                "/api/checklists/responses",
                json!({"sessionId": session, "stationId": station, "kind": "start", "responses": []}),
            ),
        ]
    };
    for (path, body) in commands(&session) {
        assert_eq!(other.client.post(path, &body).await.refused(404), "NOT_FOUND", "{path}");
    }
    assert_eq!(ends(&bus).await, before, "nothing was stored");

    mine.abandon("worker_choice").await.ok();
    let closed = ends(&bus).await;
    for (path, body) in commands(&session) {
        let answer = mine.client.post(path, &body).await;
        match path {
            // Their aim is reached.
            "/api/sessions/complete" | "/api/sessions/abandon" => drop(answer.ok()),
            _ => assert_eq!(answer.refused(409), "SESSION_CLOSED", "{path}"),
        }
    }
    assert_eq!(ends(&bus).await, closed, "closed is final");
}
