//! HTTP as the clients of the API speak it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::wait::until;

/// Pause between two attempts to sign in: ten that fail are free, and then last five seconds.
const KNOWN_POLL: Duration = Duration::from_millis(500);

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, `null` when it is no JSON.
    pub body: Value,
    /// The header `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

impl Answer {
    /// The body of an answer that must be a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "unexpected answer: {self:?}");
        self.body
    }

    /// The error code of an answer that must be a refusal with this status.
    #[track_caller]
    pub fn refused(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "unexpected answer: {self:?}");
        self.body["error"].as_str().unwrap_or_else(|| panic!("no error code: {self:?}"))
    }
}

/// Somebody who may have a token.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    token: Option<String>,
}

impl Client {
    /// Without a login.
    pub fn new(base: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { base, http, token: None }
    }

    /// Without a login, from this address of the machine.
    pub fn from_address(base: String, address: std::net::IpAddr) -> Self {
        let http = reqwest::Client::builder().no_proxy().local_address(address).build().expect("a client");
        Self { base, http, token: None }
    }

    /// With a jar for cookies of its own, like a browser.
    pub fn with_cookies(mut self) -> Self {
        self.http = reqwest::Client::builder().no_proxy().cookie_store(true).build().expect("a client");
        self
    }

    /// With a token.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The same at another gateway.
    pub fn at(mut self, base: String) -> Self {
        self.base = base;
        self
    }

    /// Its token.
    pub fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// A request that a test can still change.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends it. An error means that nobody answered.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let header = response.headers().get("Retry-After");
        let retry_after = header.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.bytes().await?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status, body, retry_after })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        let sent = self.send(self.request(Method::GET, path)).await;
        sent.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body, None).await.unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// POST of JSON, with an idempotency key where one is given. An error means that nobody answered.
    pub async fn try_post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Answer, reqwest::Error> {
        let mut request = self.request(Method::POST, path).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.send(request).await
    }

    /// Waits until the gateway knows the worker with this code: it hears of what was imported a moment later. Asks at a
    /// slow pace, because it brakes whoever fails more than ten times.
    pub async fn until_known(&self, code: &str) {
        let body = json!({"workerCode": code});
        until("the gateway knows the workers", async || {
            let known = self.try_post("/api/workers/login", &body, None).await.is_ok_and(|answer| answer.status == 200);
            if !known {
                tokio::time::sleep(KNOWN_POLL).await;
            }
            known
        })
        .await;
    }
}

/// A worker who has signed in, and the session opened last.
#[derive(Debug, Clone)]
pub struct Worker {
    /// With the worker's token.
    pub client: Client,
    /// The worker's id.
    pub id: String,
    /// The session opened last.
    pub session: Option<String>,
}

impl Worker {
    /// Signs in with a code.
    pub async fn login(client: Client, code: &str) -> Self {
        let body = client.post("/api/workers/login", &json!({"workerCode": code})).await.ok();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let token = text(&body["token"]);
        Self { id: text(&body["worker"]["id"]), client: client.with_token(token), session: None }
    }

    /// The stations assigned to the worker.
    pub async fn stations(&self) -> Vec<Value> {
        let body = self.client.get(&format!("/api/stations?workerId={}", self.id)).await.ok();
        body["stations"].as_array().expect("stations").clone()
    }

    /// Opens a session and remembers it.
    pub async fn open(&mut self, station: &str, job_number: &str) -> Answer {
        let body = json!({"workerId": self.id, "stationId": station, "jobNumber": job_number});
        let answer = self.client.post("/api/jobs", &body).await;
        if let Some(session) = answer.body["session"]["id"].as_str() {
            self.session = Some(session.to_owned());
        }
        answer
    }

    /// Waits until a beat is answered that the session is closed: the gateway hears on the log what somebody else did.
    pub async fn until_told_closed(&self) {
        let closed = json!({"ok": false, "error": "SESSION_CLOSED"});
        until("the worker is told", async || self.heartbeat().await.body == closed).await;
    }

    /// The session as the worker's device is told it.
    pub async fn active(&self) -> Value {
        self.client.get(&format!("/api/workers/active-session?workerId={}", self.id)).await.ok()
    }

    /// Answers every item of the station's checklist of this kind (`start`, `end`).
    pub async fn checklist(&self, station: &str, kind: &str) -> Answer {
        let path = format!("/api/checklists?stationId={station}&kind={kind}");
        let list = self.client.get(&path).await.ok();
        let items = list["checklist"]["items"].as_array().cloned().unwrap_or_default();
        let responses: Vec<_> = items.iter().map(|item| json!({"item_id": item["id"], "value_bool": true})).collect();
        let body = json!({
            "sessionId": self.session, "stationId": station, "kind": kind, "responses": responses,
        });
        self.client.post("/api/checklists/responses", &body).await
    }

    /// Changes the status.
    pub async fn status(&self, status: &str) -> Answer {
        self.client.post("/api/status-events", &json!({"sessionId": self.session, "status": status})).await
    }

    /// Reports absolute totals.
    pub async fn quantities(&self, good: u64, scrap: u64) -> Answer {
        let body = json!({"sessionId": self.session, "total_good": good, "total_scrap": scrap});
        self.client.post("/api/sessions/quantities", &body).await
    }

    /// A sign of life.
    pub async fn heartbeat(&self) -> Answer {
        self.client.post("/api/sessions/heartbeat", &json!({"sessionId": self.session})).await
    }

    /// Completes the session.
    pub async fn complete(&self) -> Answer {
        self.client.post("/api/sessions/complete", &json!({"sessionId": self.session})).await
    }

    /// Abandons the session, for the reason given (`worker_choice`, `expired`).
    pub async fn abandon(&self, reason: &str) -> Answer {
        self.client.post("/api/sessions/abandon", &json!({"sessionId": self.session, "reason": reason})).await
    }
}
