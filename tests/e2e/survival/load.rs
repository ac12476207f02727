//! Busy workers over HTTP: they open, change status, count and complete, as fast as they are served, and repeat with
//! the same key whatever was not answered. Each also shows signs of life on the side, as a tablet does.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::floor;
use super::history::{Entry, History, Makes, Outcome, Unavailable};
use super::keeper::Keeper;
use crate::harness::{Worker, until};

/// Between two commands of a worker.
const THINKING: Duration = Duration::from_millis(20);
/// Before a command is repeated.
const BEFORE_REPEAT: Duration = Duration::from_millis(100);
/// A client that has waited this long hangs up: longer than a gateway takes for its longest answer (10 s of tries, and
/// the expiry of the last).
const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// Status changes and counts of one session.
const COMMANDS_PER_SESSION: u32 = 12;

/// Busy workers.
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
    keepers: Vec<Keeper>,
}

struct Shared {
    history: Mutex<History>,
    over: AtomicBool,
    done: Vec<AtomicU64>,
}

impl Load {
    /// Signs these workers of the floor in and sets them to work, each with a heartbeat this often.
    pub async fn start(url: &str, numbers: std::ops::Range<usize>, beat_every: Duration) -> Self {
        let workers = floor::sign_in(url, numbers).await;
        let station = floor::station(&workers[0]).await;
        let done = workers.iter().map(|_| AtomicU64::new(0)).collect();
        let shared = Arc::new(Shared { history: Mutex::default(), over: AtomicBool::new(false), done });
        let mut load = Self { shared: Arc::clone(&shared), clients: Vec::new(), keepers: Vec::new() };
        for (number, worker) in workers.into_iter().enumerate() {
            let keeper = Keeper::idle(worker.client.clone(), beat_every);
            let session = keeper.session();
            load.keepers.push(keeper);
            let client =
                Busy { number, worker, station: station.clone(), session, sent: 0, shared: Arc::clone(&shared) };
            load.clients.push(tokio::spawn(client.run()));
        }
        load
    }

    /// Waits until every worker has got this many more commands done.
    pub async fn goes_on(&self, commands: u64) {
        let goals: Vec<u64> = self.shared.done.iter().map(|done| done.load(Ordering::Relaxed) + commands).collect();
        until("every worker is served", async || {
            self.clients.iter().enumerate().for_each(|(number, client)| {
                assert!(!client.is_finished(), "client {number} has failed: {}", self.history().refusals());
            });
            self.shared.done.iter().zip(&goals).all(|(done, goal)| done.load(Ordering::Relaxed) >= *goal)
        })
        .await;
    }

    /// What has happened so far.
    pub fn history(&self) -> History {
        self.shared.history.lock().expect("no client has panicked").clone()
    }

    /// Lets every worker finish the command at hand. Nobody may have been told that a session was closed while it was
    /// shown to be alive.
    pub async fn stop(mut self) -> History {
        self.shared.over.store(true, Ordering::Relaxed);
        until("every worker has finished the command at hand", async || {
            self.clients.iter().all(JoinHandle::is_finished)
        })
        .await;
        for client in std::mem::take(&mut self.clients) {
            client.await.expect("no client has panicked");
        }
        for keeper in std::mem::take(&mut self.keepers) {
            keeper.stop().await;
        }
        let history = self.shared.history.lock().expect("no client has panicked").clone();
        history.is_fair();
        history
    }
}

/// Whoever reads why a test has failed wants to know how far everybody came.
impl Drop for Load {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let history = self.history();
            let done: Vec<_> = self.shared.done.iter().map(|done| done.load(Ordering::Relaxed)).collect();
            let last = history.unavailable.iter().rev().take(8).map(|unavailable| &unavailable.code);
            eprintln!("{}; done by each: {done:?}; last sent away: {:?}", history.told(), last.collect::<Vec<_>>());
        }
    }
}

/// One busy worker.
struct Busy {
    number: usize,
    worker: Worker,
    station: String,
    session: Arc<Mutex<Option<String>>>,
    sent: u32,
    shared: Arc<Shared>,
}

impl Busy {
    async fn run(mut self) {
        let mut round = 0;
        while !self.is_over() {
            round += 1;
            let Some(session) = self.open(round).await else { return };
            for number in 0..COMMANDS_PER_SESSION {
                if self.is_over() {
                    return;
                }
                match number % 3 {
                    0 => self.status(&session, if number % 2 == 0 { "production" } else { "setup" }).await,
                    _ => self.count(&session).await,
                }
                tokio::time::sleep(THINKING).await;
            }
            // Every other session is completed, the rest are replaced by the next.
            if (self.number + round).is_multiple_of(2) && !self.is_over() {
                self.remember(None);
                self.command("/api/sessions/complete", json!({"sessionId": session}), Makes::Closed, true).await;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Relaxed)
    }

    fn remember(&self, session: Option<String>) {
        *self.session.lock().expect("nobody panics with it") = session;
    }

    async fn open(&mut self, round: usize) -> Option<String> {
        self.remember(None);
        let body = json!({
            "workerId": self.worker.id, "stationId": self.station, "jobNumber": format!("J-{}-{round}", self.number),
        });
        let opened = self.command("/api/jobs", body, Makes::Opened, true).await?;
        let session = opened["session"]["id"].as_str().expect("an id").to_owned();
        self.remember(Some(session.clone()));
        Some(session)
    }

    async fn status(&mut self, session: &str, status: &str) {
        let body = json!({"sessionId": session, "status": status});
        if let Some(answer) = self.command("/api/status-events", body, Makes::StatusChanged, true).await {
            assert_eq!(answer["event"]["status"], status);
            assert_eq!(answer["event"]["session_id"], session);
        }
    }

    /// Counts one piece. Some of those of unknown outcome are not repeated: they may be stored, but once at most.
    async fn count(&mut self, session: &str) {
        let insists = self.sent.is_multiple_of(2);
        let body = json!({"sessionId": session, "good_delta": 1});
        self.command("/api/sessions/quantities", body, Makes::QuantitiesReported, insists).await;
    }

    /// Sends a command until there is an answer, with the same key each time; the body of a 2xx.
    async fn command(&mut self, path: &str, body: Value, makes: Makes, insists: bool) -> Option<Value> {
        self.sent += 1;
        let key = format!("w{}-{}", self.number, self.sent);
        let started = Instant::now();
        let mut tries = 0;
        let outcome = loop {
            tries += 1;
            let sent = self.worker.client.try_post(path, &body, Some(&key));
            match tokio::time::timeout(REQUEST_LIMIT, sent).await {
                Ok(Ok(answer)) if answer.status < 300 => break Outcome::Ok(answer.body),
                Ok(Ok(answer)) if answer.status == 503 => {
                    let code = answer.body["error"].as_str().unwrap_or_default().to_owned();
                    let unavailable = Unavailable { code, retry_after: answer.retry_after };
                    self.note(|history| history.unavailable.push(unavailable));
                }
                Ok(Ok(answer)) => break Outcome::Refused(format!("{answer:?}")),
                Ok(Err(_)) | Err(_) => self.note(|history| history.unanswered += 1),
            }
            if !insists {
                break Outcome::Unknown;
            }
            tokio::time::sleep(BEFORE_REPEAT).await;
        };
        let told = match &outcome {
            Outcome::Ok(body) => Some(body.clone()),
            Outcome::Refused(_) | Outcome::Unknown => None,
        };
        let worker = self.worker.id.clone();
        let entry = Entry { worker, key, makes, outcome, tries, took: started.elapsed() };
        self.note(|history| history.entries.push(entry));
        if told.is_some() {
            self.shared.done[self.number].fetch_add(1, Ordering::Relaxed);
        }
        told
    }

    fn note(&self, what: impl FnOnce(&mut History)) {
        what(&mut self.shared.history.lock().expect("nobody panics with it"));
    }
}
