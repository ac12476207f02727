//! What all connections of the feed share: the board, one bell for everything that happens, and the places.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use andon_nats::{Bus, StreamFacts};
use bus_schemas::{TimeUs, subject};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout},
};
use tokio_util::task::TaskTracker;

use super::{
    board::{Board, Memory, Stale},
    cursor::Epoch,
    difference::Tombstone,
    limits::{HEAD_WITHIN, VIEWERS_MAX},
};
use crate::{
    auth::token::Login,
    clock::wall_now,
    live_view::{Folded, Head},
};

/// How long a session may be open before it counts as forgotten, where nobody has said: tests.
const MAX_SESSION_DEFAULT: Duration = Duration::from_secs(16 * 3_600);
/// Renewals remembered before those that have ended are forgotten.
const RENEWALS_MAX: usize = 4_096;

/// See the module.
pub struct Hub {
    board: RwLock<Board>,
    /// Rung with every change; whoever is woken looks at everything, so any number of rings is one.
    bell: watch::Sender<()>,
    /// Counts what may concern logins: revocations, renewals.
    notices: AtomicU64,
    renewals: Mutex<HashMap<Box<str>, TimeUs>>,
    places: Arc<Semaphore>,
    draining: AtomicBool,
    /// Tasks of WebSockets: nobody else waits for them.
    sockets: TaskTracker,
    /// When the log was asked for its end last, and what it said: shared by all who connect meanwhile.
    asked: tokio::sync::Mutex<Option<(Instant, u64)>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self::new(MAX_SESSION_DEFAULT)
    }
}

impl Hub {
    /// One without anything on its board.
    #[must_use]
    pub fn new(max_session: Duration) -> Self {
        Self {
            board: RwLock::new(Board::new(Memory::default(), max_session)),
            bell: watch::Sender::new(()),
            notices: AtomicU64::new(0),
            renewals: Mutex::default(),
            places: Arc::new(Semaphore::new(VIEWERS_MAX)),
            draining: AtomicBool::new(false),
            sockets: TaskTracker::new(),
            asked: tokio::sync::Mutex::default(),
        }
    }

    /// Takes what an event came to.
    pub fn fold(&self, folded: Folded, seq: u64) {
        self.board.write().fold(folded.live, folded.ended.as_deref(), seq);
        self.ring();
    }

    /// Everything up to this sequence has been folded; nothing of it concerns a session.
    pub fn reach(&self, seq: u64) {
        if self.board.read().head() < seq {
            self.board.write().reach(seq);
        }
    }

    /// How long a message stored at this time took to get here.
    pub fn lag(&self, stored_at: TimeUs) {
        let lag = wall_now().since(stored_at);
        self.board.read().set_lag_ms(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
    }

    /// Everything that was there when reading began has been folded.
    pub fn catch_up(&self, seq: u64) {
        self.board.write().catch_up(seq);
        self.ring();
    }

    /// The board, to look at.
    pub fn board(&self) -> RwLockReadGuard<'_, Board> {
        self.board.read()
    }

    /// Adds tombstones from the past; see [`Board::remember`].
    pub(super) fn remember(&self, closings: &[Tombstone], down_to: u64, up_to: u64) -> bool {
        self.board.write().remember(closings, down_to, up_to)
    }

    /// Lists signs of life.
    pub(super) fn list_seen(&self) {
        self.board.write().list_seen();
        self.ring();
    }

    /// Says whether the log is lost; only a change is news.
    pub(super) fn set_stale(&self, stale: Option<Stale>) {
        if self.board.read().stale().is_some() != stale.is_some() {
            self.board.write().set_stale(stale);
            self.ring();
        }
    }

    fn ring(&self) {
        self.bell.send_replace(());
    }

    /// Hears the bell.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// Logins may have been revoked: everybody checks theirs.
    pub fn notify(&self) {
        self.notices.fetch_add(1, Ordering::Relaxed);
        self.ring();
    }

    /// Counts [`Hub::notify`].
    #[must_use]
    pub fn notices(&self) -> u64 {
        self.notices.load(Ordering::Relaxed)
    }

    /// A login was renewed: connections it has opened hold as long.
    pub fn renewed(&self, login: &Login) {
        {
            let mut renewals = self.renewals.lock();
            if renewals.len() >= RENEWALS_MAX {
                let now = wall_now();
                renewals.retain(|_, until| *until > now);
            }
            renewals.insert(login.id.clone(), login.expires_at);
        }
        self.notify();
    }

    /// Until when a login holds, when it was renewed here.
    #[must_use]
    pub fn renewal(&self, login: &Login) -> Option<TimeUs> {
        self.renewals.lock().get(&login.id).copied()
    }

    /// A place for a connection, as long as there are any.
    #[must_use]
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// How many connections there are.
    #[must_use]
    pub fn viewers(&self) -> usize {
        VIEWERS_MAX - self.places.available_permits()
    }

    /// Whether the gateway is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Says goodbye to everybody.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.ring();
        self.sockets.close();
    }

    /// Waits until every WebSocket has ended.
    pub async fn drained(&self) {
        self.sockets.wait().await;
    }

    /// Where tasks of WebSockets are counted.
    #[must_use]
    pub const fn sockets(&self) -> &TaskTracker {
        &self.sockets
    }

    /// Waits until the view has reached the end that the log has now: only then may it be shown. However many connect
    /// at once, the log is asked once.
    pub async fn at_head(&self, bus: Option<&Bus>, head: &Head) -> bool {
        let arrived = Instant::now();
        let reached = async {
            let end = self.end_of_log(bus, arrived).await?;
            let mut bell = self.listen();
            if !head.reached(end, HEAD_WITHIN).await {
                return None;
            }
            while !self.board.read().is_complete() {
                bell.changed().await.ok()?;
            }
            Some(())
        };
        matches!(timeout(HEAD_WITHIN, reached).await, Ok(Some(())))
    }

    async fn end_of_log(&self, bus: Option<&Bus>, arrived: Instant) -> Option<u64> {
        let Some(bus) = bus else { return Some(self.board.read().head()) };
        let mut asked = self.asked.lock().await;
        if let Some((at, end)) = *asked
            && at >= arrived
        {
            return Some(end);
        }
        let now = Instant::now();
        let facts = bus.stream_info(subject::STREAM_LOG, HEAD_WITHIN).await.ok()?;
        *asked = Some((now, facts.last_seq));
        drop(asked);
        let epoch = epoch_of(&facts);
        if self.board.read().epoch() != epoch {
            self.board.write().set_epoch(epoch);
            self.ring();
        }
        Some(facts.last_seq)
    }
}

/// A restore counts the generation up: the same stream, but not what it said.
fn epoch_of(facts: &StreamFacts) -> Epoch {
    let generation = facts.config["metadata"][subject::METADATA_GENERATION].as_str();
    Epoch::new(facts.created_us, generation.and_then(|text| text.parse().ok()).unwrap_or(0))
}
