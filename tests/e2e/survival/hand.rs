//! One client's hand: it sends a command, repeats it with the same key at whichever gateway answers, and keeps a record of
//! what it was told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::history::{Entry, History, Makes, Outcome, Unavailable};
use crate::harness::{Ways, now_us};

/// Before a command is repeated.
const BEFORE_REPEAT: Duration = Duration::from_millis(100);
/// A client that has waited this long hangs up: longer than a gateway takes for its longest answer (10 s of tries, and
/// the expiry of the last).
const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// How much a client cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Until there is an answer.
    UntilAnswered,
    /// Once: the command is of unknown outcome when nobody answers.
    Once,
    /// Until there is an answer, which must be a refusal.
    OutOfPlace,
}

/// A worker's.
pub struct Hand {
    /// The worker's id.
    pub worker: String,
    ways: Ways,
    /// What the keys of its commands begin with.
    name: String,
    sent: u32,
    history: Arc<Mutex<History>>,
}

impl Hand {
    /// Of a worker, with a record that may be shared.
    pub fn new(worker: &str, ways: Ways, name: &str, history: Arc<Mutex<History>>) -> Self {
        Self { worker: worker.to_owned(), ways, name: name.to_owned(), sent: 0, history }
    }

    /// How many commands it has sent.
    pub const fn sent(&self) -> u32 {
        self.sent
    }

    /// Opens a session; its id, unless it was refused.
    pub async fn open(&mut self, station: &str, job: &str) -> Option<String> {
        let body = json!({"workerId": self.worker, "stationId": station, "jobNumber": job});
        let opened = self.command("/api/jobs", body, Makes::Opened, Asks::UntilAnswered).await?;
        Some(opened["session"]["id"].as_str().expect("an id").to_owned())
    }

    /// Changes the status; whether it is done.
    pub async fn status(&mut self, session: &str, status: &str) -> bool {
        let body = json!({"sessionId": session, "status": status});
        let told = self.command("/api/status-events", body, Makes::StatusChanged, Asks::UntilAnswered).await;
        if let Some(answer) = &told {
            assert_eq!(answer["event"]["status"], status);
            assert_eq!(answer["event"]["session_id"], session);
        }
        told.is_some()
    }

    /// Counts one piece; whether it is done.
    pub async fn count(&mut self, session: &str, asks: Asks) -> bool {
        let body = json!({"sessionId": session, "good_delta": 1});
        self.command("/api/sessions/quantities", body, Makes::QuantitiesReported, asks).await.is_some()
    }

    /// Completes the session; whether it is done.
    pub async fn complete(&mut self, session: &str) -> bool {
        let body = json!({"sessionId": session});
        self.command("/api/sessions/complete", body, Makes::Closed, Asks::UntilAnswered).await.is_some()
    }

    /// Sends a command, with the same key each time; the body of a 2xx.
    async fn command(&mut self, path: &str, body: Value, makes: Makes, asks: Asks) -> Option<Value> {
        self.sent += 1;
        let key = format!("{}-{}", self.name, self.sent);
        let (started, sent_us) = (Instant::now(), now_us());
        let mut tries = 0;
        let outcome = loop {
            tries += 1;
            if let Some(outcome) = self.attempt(path, &body, &key).await {
                break outcome;
            }
            if asks == Asks::Once {
                break Outcome::Unknown;
            }
            self.ways.next();
            tokio::time::sleep(BEFORE_REPEAT).await;
        };
        let told = match &outcome {
            Outcome::Ok(body) => Some(body.clone()),
            Outcome::Refused(_) | Outcome::Unknown => None,
        };
        let (worker, took) = (self.worker.clone(), started.elapsed());
        let out_of_place = asks == Asks::OutOfPlace;
        let entry = Entry { worker, key, makes, outcome, out_of_place, tries, sent_us, took };
        self.note(|history| history.entries.push(entry));
        told
    }

    /// Sends it once; none when nobody says what became of it.
    async fn attempt(&self, path: &str, body: &Value, key: &str) -> Option<Outcome> {
        let sent = self.ways.now().try_post(path, body, Some(key));
        match tokio::time::timeout(REQUEST_LIMIT, sent).await {
            Ok(Ok(answer)) if answer.status < 300 => Some(Outcome::Ok(answer.body)),
            Ok(Ok(answer)) if answer.status == 503 => {
                let code = answer.body["error"].as_str().unwrap_or_default().to_owned();
                let unavailable = Unavailable { code, retry_after: answer.retry_after };
                self.note(|history| history.unavailable.push(unavailable));
                None
            }
            Ok(Ok(answer)) => Some(Outcome::Refused(format!("{answer:?}"))),
            Ok(Err(_)) | Err(_) => {
                self.note(|history| history.unanswered += 1);
                None
            }
        }
    }

    fn note(&self, what: impl FnOnce(&mut History)) {
        what(&mut self.history.lock().expect("nobody panics with it"));
    }
}
