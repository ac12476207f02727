//! Signs of life of everybody, all the time: without them a session would be closed, and rightly.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::bench::load::dealt;
use crate::bench::wire::{Connection, Prepared};

/// How often a session beats, as a tablet does.
const EVERY: Duration = Duration::from_secs(15);
/// Connections to each gateway.
const CONNECTIONS: usize = 4;
/// A beat that is not answered within this is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Beats until it is dropped.
pub struct Beats {
    counts: Arc<Counts>,
    _running: JoinSet<()>,
}

/// What was answered.
#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    sent_away: AtomicU64,
    unanswered: AtomicU64,
    not_open: AtomicU64,
}

impl Beats {
    /// Lets all of them beat.
    pub fn start(beats: BTreeMap<SocketAddr, Vec<Prepared>>) -> Self {
        let counts = Arc::new(Counts::default());
        let mut running = JoinSet::new();
        for (gateway, beats) in beats {
            for hand in dealt(beats, CONNECTIONS) {
                running.spawn(beat(gateway, hand, Arc::clone(&counts)));
            }
        }
        Self { counts, _running: running }
    }

    /// How it went.
    pub fn told(&self) -> String {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        format!(
            "heartbeats: {} sent, {} answered 503 (come back elsewhere), {} not answered",
            of(&self.counts.sent),
            of(&self.counts.sent_away),
            of(&self.counts.unanswered)
        )
    }

    /// How many beats were told that their session is not open.
    pub fn not_open(&self) -> (u64, u64) {
        (self.counts.not_open.load(Ordering::Relaxed), self.counts.sent.load(Ordering::Relaxed))
    }
}

async fn beat(gateway: SocketAddr, hand: Vec<Prepared>, counts: Arc<Counts>) {
    let pause = EVERY / u32::try_from(hand.len()).unwrap_or(u32::MAX).max(1);
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connection = None;
    for beat in hand.iter().cycle() {
        ticks.tick().await;
        count(&counts.sent);
        let exchanged = timeout(ANSWER_WITHIN, exchange(gateway, &mut connection, beat)).await;
        match exchanged {
            Ok(Ok(Heard::Open)) => {}
            Ok(Ok(Heard::NotOpen)) => count(&counts.not_open),
            Ok(Ok(Heard::Elsewhere)) => count(&counts.sent_away),
            Ok(Err(_)) | Err(_) => {
                count(&counts.unanswered);
                connection = None;
            }
        }
    }
}

enum Heard {
    Open,
    NotOpen,
    Elsewhere,
}

async fn exchange(gateway: SocketAddr, connection: &mut Option<Connection>, beat: &Prepared) -> std::io::Result<Heard> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(gateway).await?),
    };
    let answer = open.exchange(beat).await?;
    Ok(match (answer.status, answer.body) {
        (200, br#"{"ok":true}"#) => Heard::Open,
        (503, _) => Heard::Elsewhere,
        _ => Heard::NotOpen,
    })
}

fn count(of: &AtomicU64) {
    of.fetch_add(1, Ordering::Relaxed);
}
