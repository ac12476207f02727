//! Where the messages come from: the log of a server, or a dump.

use std::path::Path;
use std::time::Duration;

use andon_nats::{Bus, Followed, Follower, Start, StoredMessage};
use anyhow::Context as _;
use bus_schemas::subject;
use engine::verify::Range;
use tokio::time::Instant;

use super::dump::{self, About};
use crate::tail::Since;

/// Time for one read of the log.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// A log that gives nothing for this long is not going to: a cluster that has lost its leader has another by then.
const SILENT_MAX: Duration = Duration::from_secs(60);
/// How long a copy of the log that is behind its leader is waited for, before another one is tried.
const LAGS_MAX: Duration = Duration::from_secs(3);

/// Which part of the log is asked for; all of it when nothing is.
#[derive(Debug, Default)]
pub struct Asked {
    /// From this sequence on.
    pub from_seq: Option<u64>,
    /// Up to this one, included.
    pub to_seq: Option<u64>,
    /// From this time on.
    pub since: Option<Since>,
    /// Up to this time.
    pub until: Option<Since>,
}

/// A source of messages in order.
pub enum Source {
    /// The log of a server.
    Log(Box<Log>),
    /// A dump.
    File(dump::Reader),
}

/// The log of a server, up to a point.
pub struct Log {
    follower: Follower,
    about: About,
    bus: Bus,
    /// The last sequence that was read.
    read: u64,
    /// The copy that is read from has given all it had.
    caught_up: bool,
    ended: bool,
}

impl Source {
    /// The asked part of the log of a server.
    ///
    /// # Errors
    /// The log does not answer, or has no such part.
    pub async fn log(bus: &Bus, asked: &Asked) -> anyhow::Result<Self> {
        let unread = "the log cannot be read: has `andon migrate` made its stream?";
        let log = bus.stream_info(subject::STREAM_LOG, READ_WITHIN).await.context(unread)?;
        let since = match asked.since {
            Some(since) => Some(since.sequence(bus).await?),
            None => asked.from_seq,
        };
        let until = match asked.until {
            Some(until) => Some(until.sequence(bus).await?.saturating_sub(1)),
            None => asked.to_seq,
        };
        let first_seq = since.unwrap_or(0).max(log.first_seq).max(1);
        let last_seq = until.unwrap_or(log.last_seq).min(log.last_seq);
        if first_seq > last_seq + 1 {
            anyhow::bail!("the log has no messages there: it holds sequences {} to {}", log.first_seq, log.last_seq);
        }
        let cut = last_seq < log.last_seq;
        let about = About { stream_created_us: log.created_us, first_seq, last_seq, cut };
        let start = Start::Sequence(first_seq);
        let follower = Follower::new(bus.clone(), subject::STREAM_LOG, Vec::new(), start);
        Ok(Self::Log(Box::new(Log {
            follower,
            bus: bus.clone(),
            read: first_seq - 1,
            about,
            caught_up: false,
            ended: first_seq > last_seq,
        })))
    }

    /// A dump.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn file(path: &Path) -> anyhow::Result<Self> {
        dump::Reader::open(path).map(Self::File)
    }

    /// What it is.
    pub fn about(&self) -> About {
        match self {
            Self::Log(log) => log.about,
            Self::File(reader) => reader.about(),
        }
    }

    /// Which part of a log it holds.
    pub fn range(&self) -> Range {
        let About { first_seq, last_seq, cut, .. } = self.about();
        Range { first_seq, last_seq, cut }
    }

    /// The next message; none at the end.
    ///
    /// # Errors
    /// The log gives nothing any more, or the dump is damaged.
    pub async fn next(&mut self) -> anyhow::Result<Option<StoredMessage>> {
        match self {
            Self::Log(log) => log.next().await,
            Self::File(reader) => reader.next(),
        }
    }
}

impl Log {
    async fn next(&mut self) -> anyhow::Result<Option<StoredMessage>> {
        let deadline = Instant::now() + SILENT_MAX;
        while !self.ended {
            let patience = if self.caught_up { deadline.min(Instant::now() + LAGS_MAX) } else { deadline };
            match tokio::time::timeout_at(patience, self.follower.next()).await {
                Ok(Followed::Message(message)) if message.seq <= self.about.last_seq => {
                    (self.read, self.caught_up) = (message.seq, false);
                    self.ended = message.seq == self.about.last_seq;
                    return Ok(Some(message));
                }
                Ok(Followed::Message(_)) => self.ended = true,
                // It reads from a copy that is behind, and what is missing comes; or it is missing indeed.
                Ok(Followed::CaughtUp) => self.caught_up = true,
                Ok(Followed::Interrupted(why)) => tracing::warn!(%why, "the log does not answer, still trying"),
                Err(_) if self.caught_up && Instant::now() < deadline => self.read_anew(),
                Err(_) if self.caught_up => self.ended = true,
                Err(_) => anyhow::bail!("the log has given nothing for {SILENT_MAX:?}"),
            }
        }
        Ok(None)
    }

    /// From where it is, and perhaps from another copy.
    fn read_anew(&mut self) {
        let start = Start::Sequence(self.read + 1);
        self.follower = Follower::new(self.bus.clone(), subject::STREAM_LOG, Vec::new(), start);
        self.caught_up = false;
    }
}
