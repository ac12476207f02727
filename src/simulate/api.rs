//! The gateway as a worker's device speaks to it: every request is sent until it has an answer, a command always with
//! the same key, so that it happens once.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::tally::Tally;

/// A gateway answers within ten seconds, whatever happens.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);
/// How long a request is repeated before it counts as never answered: longer than any restart takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pause before the next attempt when the answer does not say how long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that an answer may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The gateway.
pub struct Api {
    http: reqwest::Client,
    base: String,
    tally: Arc<Tally>,
}

/// One request.
#[derive(Clone)]
pub struct Request<'a> {
    /// Its name in summaries.
    pub name: &'static str,
    /// Path and query.
    pub path: &'a str,
    /// The body of a POST; a GET has none.
    pub body: Option<Value>,
    /// The login.
    pub token: Option<&'a str>,
}

/// Why a request did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The login is not valid any more.
    LoginRequired,
    /// Anything else; it has been reported.
    Unexpected,
}

/// What came of one attempt.
enum Outcome {
    Ok(Value),
    /// Nothing happened, or nobody knows: the same again after a pause.
    Again {
        why: String,
        after: Duration,
    },
    LoginRequired,
    Refused(String),
}

impl Api {
    /// # Errors
    /// The address is none.
    pub fn new(url: &str, tally: Arc<Tally>) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        let parsed = url::Url::parse(&base).with_context(|| format!("{base:?} is no address"))?;
        anyhow::ensure!(parsed.scheme() == "http", "{base:?}: only http:// can be simulated against");
        let http = reqwest::Client::builder().no_proxy().timeout(ATTEMPT_LIMIT).build()?;
        Ok(Self { http, base, tally })
    }

    /// Where everything is counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Sends it until it is answered.
    ///
    /// # Errors
    /// The answer is a refusal, or there was none for two minutes.
    pub async fn send(&self, request: Request<'_>) -> Result<Value, Trouble> {
        let key = Uuid::new_v4().to_string();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.attempt(&request, &key).await {
                Outcome::Ok(body) => return Ok(body),
                Outcome::LoginRequired => return Err(Trouble::LoginRequired),
                Outcome::Again { after, .. } if Instant::now() + after < deadline => tokio::time::sleep(after).await,
                Outcome::Again { why, .. } => {
                    self.tally.unexpected(&format!("{}: {why}, for {PATIENCE:?}", request.name));
                    return Err(Trouble::Unexpected);
                }
                Outcome::Refused(what) => {
                    self.tally.unexpected(&format!("{}: {what}", request.name));
                    return Err(Trouble::Unexpected);
                }
            }
        }
    }

    async fn attempt(&self, request: &Request<'_>, key: &str) -> Outcome {
        let started = Instant::now();
        let answer = self.build(request, key).send().await;
        let (outcome, counted) = match answer {
            Ok(answer) => read(answer).await,
            Err(error) => none(&error),
        };
        self.tally.answered(request.name, &counted, started.elapsed());
        outcome
    }

    fn build(&self, request: &Request<'_>, key: &str) -> RequestBuilder {
        let method = if request.body.is_some() { Method::POST } else { Method::GET };
        let mut builder = self.http.request(method, format!("{}{}", self.base, request.path));
        if let Some(token) = request.token {
            builder = builder.bearer_auth(token);
        }
        match &request.body {
            Some(body) => builder.header("Idempotency-Key", key).json(body),
            None => builder,
        }
    }
}

/// No answer: the gateway is down, or took too long, or went away in the middle.
fn none(error: &reqwest::Error) -> (Outcome, String) {
    let why = if error.is_timeout() { "no answer in time" } else { "no connection" };
    (Outcome::Again { why: format!("{why} ({error})"), after: PAUSE }, why.to_owned())
}

async fn read(answer: Response) -> (Outcome, String) {
    let status = answer.status().as_u16();
    let asked = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let pause = asked.map_or(PAUSE, Duration::from_secs).min(PAUSE_MAX);
    let text = match answer.text().await {
        Ok(text) => text,
        Err(error) => return none(&error),
    };
    let body: Option<Value> = serde_json::from_str(&text).ok();
    let code = body.as_ref().and_then(|body| body["error"].as_str()).unwrap_or_default();
    let counted = format!("{status} {code}").trim().to_owned();
    match (status, body) {
        (200..=299, Some(body)) => (Outcome::Ok(body), "ok".to_owned()),
        (401, _) => (Outcome::LoginRequired, counted),
        (429 | 503, _) => (Outcome::Again { why: counted.clone(), after: pause }, counted),
        _ => (Outcome::Refused(format!("{status} {}", text.chars().take(500).collect::<String>())), counted),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{Json, Router, http::HeaderMap, response::IntoResponse, routing::post};
    use serde_json::json;

    use super::*;

    /// A gateway that is asked three times before it does what it is asked, and gives back the key it was asked with.
    async fn reluctant(asked: Arc<AtomicUsize>) -> String {
        let handler = async move |headers: HeaderMap| {
            let key = headers["idempotency-key"].to_str().unwrap_or_default().to_owned();
            match asked.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => unavailable(&key),
                2 => Json(json!({"key": key})).into_response(),
                _ => ([("x", "y")], Json(json!({"error": "SESSION_CLOSED"}))).into_response(),
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(axum::serve(listener, Router::new().route("/do", post(handler))).into_future());
        url
    }

    fn unavailable(key: &str) -> axum::response::Response {
        let mut answer = Json(json!({"error": "NO_OWNER", "key": key})).into_response();
        // 503, spelled as a number: statuses are chosen by the gateway alone.
        *answer.status_mut() = 503_u16.try_into().expect("a status");
        answer.headers_mut().insert("retry-after", 0_u16.into());
        answer
    }

    #[tokio::test]
    async fn what_is_not_available_is_asked_again_with_the_same_key() {
        // given
        let asked = Arc::new(AtomicUsize::new(0));
        let tally = Arc::new(Tally::new(|text| panic!("unexpected: {text}")));
        let api = Api::new(&reluctant(Arc::clone(&asked)).await, Arc::clone(&tally)).expect("an address");

        // when
        let request = Request { name: "do", path: "/do", body: Some(json!({})), token: Some("t") };
        let body = api.send(request).await.expect("an answer");

        // then
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        assert!(body["key"].as_str().is_some_and(|key| key.len() == 36), "{body}");
        let summary = tally.summary().to_string();
        assert!(summary.contains("503 NO_OWNER") && summary.contains("ok"), "{summary}");
    }

    #[test]
    fn only_an_http_address_is_one() {
        for url in ["", "example.com", "https://example.com", "ftp://x"] {
            assert!(Api::new(url, Arc::new(Tally::new(|_| {}))).is_err(), "{url}");
        }
    }
}
