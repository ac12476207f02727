//! A worker's socket, end to end: commands, signs of life, pushes of the own session.

use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::harness::{ADMIN_PASSWORD, Andon, Client, Place, Worker, until_some};

const PATIENCE: Duration = Duration::from_secs(30);

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(andon: &Andon, token: &str) -> Self {
        let address = andon.place.http_url().replace("http://", "");
        let stream = TcpStream::connect(&address).await.expect("the gateway listens");
        let mut request = format!("ws://{address}/api/worker/socket").into_client_request().expect("an address");
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {token}").parse().expect("a header"));
        headers.insert("sec-websocket-protocol", "andon.feed.v1".parse().expect("a header"));
        Self(tokio_tungstenite::client_async(request, stream).await.expect("a socket").0)
    }

    async fn say(&mut self, said: Value) {
        self.0.send(Message::text(said.to_string())).await.expect("sent");
    }

    /// The next frame that is wanted; others are passed over.
    async fn next(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let next = async {
            loop {
                let Some(Ok(Message::Text(text))) = self.0.next().await else { panic!("no frame: {what}") };
                let frame: Value = serde_json::from_str(&text).expect("JSON");
                if wanted(&frame) {
                    return frame;
                }
            }
        };
        timeout(PATIENCE, next).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }

    async fn frame(&mut self, kind: &str) -> Value {
        self.next(kind, |frame| frame["type"] == kind).await
    }

    async fn command(&mut self, id: &str, name: &str, body: Value) -> Value {
        self.say(json!({"type": "command", "id": id, "name": name, "body": body})).await;
        self.next("a reply", |frame| frame["type"] == "reply" && frame["id"] == id).await
    }
}

async fn factory(place: Place) -> Andon {
    let andon = Andon::start(place, &["up"]).await;
    std::fs::write(andon.place.directory().join("demo.toml"), gateway::demo_factory()).expect("written");
    let output = andon.place.command(&["admin", "import", "demo.toml"]).output().expect("andon starts");
    assert!(output.status.success(), "{output:?}");
    andon
}

/// A worker and the token, for a socket beside the HTTP client.
async fn signed_in(andon: &Andon, code: &str) -> (Worker, String) {
    andon.client().until_known(code).await;
    let body = andon.client().post("/api/workers/login", &json!({"workerCode": code})).await.ok();
    (andon.worker(code).await, body["token"].as_str().expect("a token").to_owned())
}

async fn admin(andon: &Andon) -> Client {
    let login = json!({"account": "admin", "password": ADMIN_PASSWORD});
    let token = until_some("an admin signs in", async || {
        andon.client().post("/api/admin/login", &login).await.body["token"].as_str().map(str::to_owned)
    })
    .await;
    andon.client().with_token(token)
}

#[tokio::test]
async fn a_shift_goes_over_the_socket_and_each_id_counts_once() {
    let andon = factory(Place::new()).await;
    // Postgres is there as well: it is asked about a session that nobody knows.
    admin(&andon).await;
    let (worker, token) = signed_in(&andon, "1001").await;
    let station = worker.stations().await[0]["id"].clone();
    let mut socket = Socket::open(&andon, &token).await;
    let snapshot = socket.frame("snapshot").await;
    assert_eq!(snapshot["sessions"], json!([]));

    // commands are answered as the routes answer them, and the session is pushed
    let open = json!({"workerId": worker.id, "stationId": station, "jobNumber": "SOCKET-1"});
    let opened = socket.command("k-1", "open", open.clone()).await;
    let again = socket.command("k-1", "open", open).await;
    assert_eq!((&opened["ok"], &opened["body"]["session"]["id"]), (&json!(true), &again["body"]["session"]["id"]));
    let session = opened["body"]["session"]["id"].as_str().expect("an id").to_owned();
    let early = socket.command("k-2", "status", json!({"sessionId": session, "status": "production"})).await;
    assert_eq!((&early["ok"], &early["error"]), (&json!(false), &json!("START_CHECKLIST_REQUIRED")));
    let mut on_http = worker.clone();
    on_http.session = Some(session.clone());
    on_http.checklist(station.as_str().expect("text"), "start").await.ok();
    socket.say(json!({"type": "command", "id": "k-3", "name": "status", "body": {"sessionId": session, "status": "fault"}})).await;
    let pushed = |frame: &Value| frame["set"][0]["current_status"] == "fault";
    socket.next("the change as a delta", pushed).await;
    socket.say(json!({"type": "heartbeat"})).await;
    let counted = socket.command("k-4", "quantities", json!({"sessionId": session, "total_good": 5})).await;
    assert_eq!(counted["body"]["session"]["total_good"], 5);

    // what is none is refused, and nothing else happens
    let unknown = socket.command("k-5", "explode", json!({})).await;
    assert_eq!(unknown["error"], "INVALID_PAYLOAD");
    let foreign = json!({"sessionId": "0190a5c0-0000-7000-8000-000000000001", "status": "setup"});
    assert_eq!(socket.command("k-6", "status", foreign).await["error"], "NOT_FOUND");
    let other = socket.command("k-4", "quantities", json!({"sessionId": session, "total_good": 6})).await;
    assert_eq!(other["error"], "IDEMPOTENCY_KEY_REUSED");
    socket.say(json!({"type": "filter", "status": ["fault"]})).await;
    assert_eq!(socket.frame("error").await["code"], "INVALID_FILTER");

    // a socket that ends is not a sign of death
    drop(socket);
    assert_eq!(worker.active().await["session"]["session"]["id"], session.as_str());
}

#[tokio::test]
async fn the_worker_is_told_at_once_when_somebody_else_ends_the_session() {
    let andon = factory(Place::new()).await;
    let (mut worker, token) = signed_in(&andon, "1001").await;
    let station = worker.stations().await[0]["id"].as_str().expect("text").to_owned();
    let admin = admin(&andon).await;
    let mut socket = Socket::open(&andon, &token).await;
    socket.frame("snapshot").await;
    let mut took = Vec::new();
    for round in 0..5 {
        // the same worker on another device replaces the session
        worker.open(&station, &format!("PUSH-{round}")).await.ok();
        let former = worker.session.clone().expect("a session");
        worker.open(&station, "PUSH-X").await.ok();
        let gone = |id: &str, cause: &str| {
            let (id, cause) = (id.to_owned(), cause.to_owned());
            move |frame: &Value| {
                let dels = frame["del"].as_array().into_iter().flatten();
                dels.into_iter().any(|gone| gone["id"] == id.as_str() && gone["cause"] == cause.as_str())
            }
        };
        socket.next("that it was replaced", gone(&former, "replaced")).await;
        // an admin closes it
        let id = worker.session.clone().expect("a session");
        admin.post(&format!("/api/admin/sessions/{id}/close"), &json!({})).await.ok();
        let acked = Instant::now();
        socket.next("that it was closed", gone(&id, "admin")).await;
        took.push(acked.elapsed());
    }
    // Other tests share the machine: the best of them shows what the gateway does.
    let best = took.iter().min().expect("some");
    assert!(*best <= Duration::from_millis(100), "pushes took {took:?} from the answer on");
}

#[tokio::test]
async fn beats_keep_a_session_and_silence_is_warned_of() {
    let andon = factory(Place::new().set("idle_timeout", "8s")).await;
    let (mut worker, token) = signed_in(&andon, "1001").await;
    let station = worker.stations().await[0]["id"].as_str().expect("text").to_owned();
    worker.open(&station, "SILENT").await.ok();
    let session = worker.session.clone().expect("a session");
    let mut socket = Socket::open(&andon, &token).await;
    socket.frame("snapshot").await;
    // beats on the socket alone carry it beyond its time
    let (opened, mut beat) = (Instant::now(), tokio::time::interval(Duration::from_secs(1)));
    while opened.elapsed() < Duration::from_secs(10) {
        beat.tick().await;
        socket.say(json!({"type": "heartbeat"})).await;
    }
    let active = worker.active().await;
    let found = [&active["session"], &active["pending"]].map(|found| found["session"]["id"].as_str());
    assert!(found.contains(&Some(session.as_str())), "{active}");
    // then nothing: the deadline is announced, and the end comes with its cause
    let warning = socket.frame("grace").await;
    assert_eq!(warning["session_id"], session.as_str());
    assert!(warning["expires_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{warning}");
    let idle = |frame: &Value| frame["del"][0]["id"] == session.as_str() && frame["del"][0]["cause"] == "idle";
    socket.next("the end", idle).await;
}
