//! The directory as its stream says, held in memory and kept current: what engine and gateway decide with.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bus_schemas::{
    directory::{Directory, DirectoryEvent},
    subject,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Bus, Followed, Follower, Start};

/// Where the view stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The last stream sequence folded.
    pub seq: u64,
    /// It has reached the stream's head, and nothing interrupted it since.
    pub current: bool,
}

/// The directory in memory; clones share it.
#[derive(Clone)]
pub struct DirectoryView {
    directory: Arc<ArcSwap<Directory>>,
    position: watch::Receiver<Position>,
}

impl DirectoryView {
    /// Starts following the directory's stream; the task ends with `stop`.
    #[must_use]
    pub fn start(bus: Bus, stop: CancellationToken) -> Self {
        let directory = Arc::new(ArcSwap::from_pointee(Directory::default()));
        let (sender, position) = watch::channel(Position::default());
        let follow = follow(bus, Arc::clone(&directory), sender);
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = follow => {}
            }
        });
        Self { directory, position }
    }

    /// The directory now.
    #[must_use]
    pub fn load(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Where it stands now.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Follows where it stands.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.position.clone()
    }

    /// Waits until the view has folded this sequence; `false` when it has not within the time.
    pub async fn reach(&self, seq: u64, within: Duration) -> bool {
        if self.position().seq >= seq {
            return true;
        }
        let mut position = self.watch();
        let reached = position.wait_for(|position| position.seq >= seq);
        matches!(tokio::time::timeout(within, reached).await, Ok(Ok(_)))
    }
}

async fn follow(bus: Bus, shared: Arc<ArcSwap<Directory>>, position: watch::Sender<Position>) {
    // Built up apart and shown whole: a snapshot half read would refuse what it has not seen yet.
    let mut directory = Directory::default();
    let mut current = false;
    let mut follower =
        Follower::new(bus, subject::STREAM_DIRECTORY, vec![subject::DIRECTORY.to_owned()], Start::Sequence(1));
    loop {
        match follower.next().await {
            Followed::Message(message) => {
                match message.decode::<DirectoryEvent>() {
                    Ok(event) => directory.apply(message.seq, event),
                    Err(error) => {
                        metrics::counter!("andon_unreadable_messages_total", "stream" => "directory").increment(1);
                        tracing::error!(seq = message.seq, subject = %message.subject, %error, "a directory message cannot be read");
                        directory.advance(message.seq);
                    }
                }
                if !current {
                    continue;
                }
            }
            Followed::CaughtUp => {
                current = true;
                directory.advance(follower.last_seq());
            }
            Followed::Interrupted(why) => {
                if std::mem::replace(&mut current, false) {
                    tracing::warn!(%why, "the directory may lag");
                }
                position.send_modify(|position| position.current = false);
                continue;
            }
        }
        shared.store(Arc::new(directory.clone()));
        let _ = position.send_replace(Position { seq: directory.seq(), current });
    }
}
