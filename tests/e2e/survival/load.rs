//! Busy workers over HTTP: they open, change status, count and complete, as fast as they are served, and repeat with
//! the same key whatever was not answered. Each also shows signs of life on the side, as a tablet does.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::floor;
use super::hand::{Asks, Hand};
use super::history::History;
use super::keeper::{Beats, Keeper};
use crate::harness::{Ways, until};

/// Between two commands of a worker.
const THINKING: Duration = Duration::from_millis(20);
/// Status changes and counts of one session.
const COMMANDS_PER_SESSION: u32 = 12;

/// Busy workers.
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
    keepers: Vec<Keeper>,
}

struct Shared {
    history: Arc<Mutex<History>>,
    over: AtomicBool,
    done: Vec<AtomicU64>,
}

impl Load {
    /// Signs these workers of the floor in and sets them to work, each with a heartbeat this often.
    pub async fn start(url: &str, numbers: std::ops::Range<usize>, beat_every: Duration) -> Self {
        Self::across(&[url.to_owned()], numbers, beat_every).await
    }

    /// The same at several gateways: each worker begins at one of them, and goes to the next when it is not served.
    pub async fn across(gateways: &[String], numbers: std::ops::Range<usize>, beat_every: Duration) -> Self {
        let workers = floor::sign_in(&gateways[0], numbers).await;
        let station = floor::station(&workers[0]).await;
        let done = workers.iter().map(|_| AtomicU64::new(0)).collect();
        let shared = Arc::new(Shared { history: Arc::default(), over: AtomicBool::new(false), done });
        let mut load = Self { shared: Arc::clone(&shared), clients: Vec::new(), keepers: Vec::new() };
        for (number, worker) in workers.into_iter().enumerate() {
            let ways = || Ways::new(&worker.client, gateways, number);
            let keeper = Keeper::idle(ways(), beat_every);
            let session = keeper.session();
            load.keepers.push(keeper);
            let hand = Hand::new(&worker.id, ways(), &format!("w{number}"), Arc::clone(&shared.history));
            let client = Busy { number, hand, station: station.clone(), session, shared: Arc::clone(&shared) };
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

    /// Where everything is written down, for others to write into.
    pub fn record(&self) -> Arc<Mutex<History>> {
        Arc::clone(&self.shared.history)
    }

    /// What has happened so far.
    pub fn history(&self) -> History {
        self.shared.history.lock().expect("no client has panicked").clone()
    }

    /// Lets every worker finish the command at hand. Nobody may have been told that a session was closed while it was
    /// shown to be alive.
    pub async fn stop(self) -> History {
        self.stop_with_beats().await.0
    }

    /// The same, with what became of the beats.
    pub async fn stop_with_beats(mut self) -> (History, Vec<Beats>) {
        self.shared.over.store(true, Ordering::Relaxed);
        until("every worker has finished the command at hand", async || {
            self.clients.iter().all(JoinHandle::is_finished)
        })
        .await;
        for client in std::mem::take(&mut self.clients) {
            client.await.expect("no client has panicked");
        }
        let mut beats = Vec::new();
        for keeper in std::mem::take(&mut self.keepers) {
            beats.push(keeper.stop().await);
        }
        let history = self.shared.history.lock().expect("no client has panicked").clone();
        history.is_fair();
        (history, beats)
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
    hand: Hand,
    station: String,
    session: Arc<Mutex<Option<String>>>,
    shared: Arc<Shared>,
}

impl Busy {
    async fn run(mut self) {
        let mut round = 0;
        while !self.is_over() {
            round += 1;
            self.remember(None);
            let Some(session) = self.hand.open(&self.station, &format!("J-{}-{round}", self.number)).await else {
                return;
            };
            self.done(true);
            self.remember(Some(session.clone()));
            for number in 0..COMMANDS_PER_SESSION {
                if self.is_over() {
                    return;
                }
                let done = match number % 3 {
                    0 => self.hand.status(&session, if number % 2 == 0 { "production" } else { "setup" }).await,
                    _ => self.count(&session).await,
                };
                self.done(done);
                tokio::time::sleep(THINKING).await;
            }
            // Every other session is completed, the rest are replaced by the next.
            if (self.number + round).is_multiple_of(2) && !self.is_over() {
                self.remember(None);
                let done = self.hand.complete(&session).await;
                self.done(done);
                self.hand.count(&session, Asks::OutOfPlace).await;
            }
        }
    }

    fn done(&self, done: bool) {
        self.shared.done[self.number].fetch_add(u64::from(done), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Relaxed)
    }

    fn remember(&self, session: Option<String>) {
        *self.session.lock().expect("nobody panics with it") = session;
    }

    /// Counts one piece. Some of those of unknown outcome are not repeated: they may be stored, but once at most.
    async fn count(&mut self, session: &str) -> bool {
        let asks = if self.hand.sent().is_multiple_of(2) { Asks::UntilAnswered } else { Asks::Once };
        self.hand.count(session, asks).await
    }
}
