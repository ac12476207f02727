//! What the streams deliver, buffered: a batch is whatever has come while the last one was being written.

use andon_nats::{Bus, Followed, Follower, Start};
use bus_schemas::subject::{SEEN, STREAM_DIRECTORY, STREAM_LOG, STREAM_SEEN};
use tokio::{sync::mpsc, task::JoinSet};

use crate::Checkpoint;

/// Log messages buffered, and at most in one transaction: at 3 to 5 KB each some 5 MB, and 30 ms of Postgres.
const LOG_BUFFER: usize = 1_000;
/// Edits buffered: one of them may be an import of 8 MiB.
const DIRECTORY_BUFFER: usize = 16;
/// Last-seen tables buffered: 256 partitions publish one every 15 s each.
const SEEN_BUFFER: usize = 64;

/// A stream's deliveries.
pub struct Source {
    /// Which stream.
    pub stream: &'static str,
    items: mpsc::Receiver<Followed>,
    room: usize,
}

impl Source {
    /// Waits for something and takes all that is there. Cancel safe. Empty: nothing will ever come.
    pub async fn take(&mut self) -> Vec<Followed> {
        let mut items = Vec::new();
        self.items.recv_many(&mut items, self.room).await;
        items
    }
}

/// The three streams; dropped, it stops following them.
pub struct Feed {
    /// The log, from its checkpoint on.
    pub log: Source,
    /// The directory, from its checkpoint on.
    pub directory: Source,
    /// The last-seen tables, the latest of each partition first.
    pub seen: Source,
    _followers: JoinSet<()>,
}

impl Feed {
    /// Starts following.
    pub fn start(bus: &Bus, log: &Checkpoint, directory: &Checkpoint) -> Self {
        let mut followers = JoinSet::new();
        let mut follow = |stream, filters, start, room| {
            let (sender, items) = mpsc::channel(room);
            followers.spawn(forward(Follower::new(bus.clone(), stream, filters, start), sender));
            Source { stream, items, room }
        };
        Self {
            log: follow(STREAM_LOG, Vec::new(), Start::Sequence(log.seq + 1), LOG_BUFFER),
            directory: follow(STREAM_DIRECTORY, Vec::new(), Start::Sequence(directory.seq + 1), DIRECTORY_BUFFER),
            seen: follow(STREAM_SEEN, vec![SEEN.to_owned()], Start::LastPerSubject, SEEN_BUFFER),
            _followers: followers,
        }
    }
}

async fn forward(mut follower: Follower, items: mpsc::Sender<Followed>) {
    loop {
        let item = follower.next().await;
        if items.send(item).await.is_err() {
            return;
        }
    }
}
