//! A worker's device: sends commands to its gateway, each with a key of its own, and keeps what it was told.

use std::net::SocketAddr;
use std::time::Duration;

use bus_schemas::{SessionId, WorkerId};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::Case;
use super::ledger::{self, Outcome, Sent};
use crate::bench::wire::{Answer, Connection, Prepared};

/// Reports one piece: always a change, and so an event.
const PATH: &str = "/api/sessions/quantities";
/// A client that has waited this long hangs up: longer than a gateway takes for its longest answer (10 s of tries, and
/// the expiry of the last).
const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// Before a command is repeated.
const BEFORE_REPEAT: Duration = Duration::from_millis(100);

/// A device.
pub struct Client {
    /// Its place in the staff.
    pub index: usize,
    /// Whose it is.
    pub worker: WorkerId,
    gateway: SocketAddr,
    token: String,
    session: SessionId,
    connection: Option<Connection>,
    sent: Vec<Sent>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// When the last answer came, or the client gave up.
    pub at: Instant,
    /// What it knows.
    pub outcome: Outcome,
    /// The last answer that was no success.
    pub told: Option<String>,
}

/// What came of sending once.
enum Heard {
    Ok,
    Refused(String),
    /// To be repeated with the same key: 503, or no answer.
    Again(String),
}

impl Client {
    /// The device of a worker who has signed in and whose session is open.
    pub const fn new(index: usize, worker: WorkerId, gateway: SocketAddr, token: String, session: SessionId) -> Self {
        Self { index, worker, gateway, token, session, connection: None, sent: Vec::new() }
    }

    /// Where it sends.
    pub const fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// Its sign of life.
    pub fn beat(&self) -> Prepared {
        let body = json!({"sessionId": self.session}).to_string();
        Prepared::post("/api/sessions/heartbeat", Some(&self.token), &body)
    }

    /// What it has sent and was told, by number.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// Sends the next command once: what its gateway cannot do within the contract, has failed.
    pub async fn once(&mut self, case: Case) -> Ended {
        self.command(case, None).await
    }

    /// Sends the next command, and the same again with the same key until there is an answer or `deadline` is over.
    pub async fn insist(&mut self, case: Case, deadline: Instant) -> Ended {
        self.command(case, Some(deadline)).await
    }

    async fn command(&mut self, case: Case, insists_until: Option<Instant>) -> Ended {
        let body = json!({"sessionId": self.session, "good_delta": 1}).to_string();
        let request = Prepared::command(PATH, &self.token, &ledger::key(self.sent.len()), &body);
        let mut told = None;
        let outcome = loop {
            match self.send(&request).await {
                Heard::Ok => break Outcome::Ok,
                Heard::Refused(why) => {
                    told = Some(why);
                    break Outcome::Refused;
                }
                Heard::Again(why) => told = Some(why),
            }
            if insists_until.is_none_or(|deadline| Instant::now() + BEFORE_REPEAT >= deadline) {
                break Outcome::Unknown;
            }
            sleep(BEFORE_REPEAT).await;
        };
        self.sent.push(Sent { case, outcome });
        Ended { at: Instant::now(), outcome, told }
    }

    async fn send(&mut self, request: &Prepared) -> Heard {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match Connection::open(self.gateway).await {
                Ok(connection) => connection,
                Err(error) => return Heard::Again(error.to_string()),
            },
        };
        let heard = match timeout(REQUEST_LIMIT, connection.exchange(request)).await {
            Ok(Ok(answer)) => judge(&answer),
            // The connection goes with it.
            Ok(Err(error)) => return Heard::Again(error.to_string()),
            Err(_) => return Heard::Again(format!("no answer within {REQUEST_LIMIT:?}")),
        };
        self.connection = Some(connection);
        heard
    }
}

fn judge(answer: &Answer) -> Heard {
    match answer.status {
        200..=299 => Heard::Ok,
        503 => Heard::Again(answer.told()),
        _ => Heard::Refused(answer.told()),
    }
}
