//! From when on: a point in time, or so long ago by the log's own clock.

use std::str::FromStr;
use std::time::Duration;

use andon_nats::{Bus, ReadError};
use anyhow::Context as _;
use bus_schemas::{TimeUs, subject};
use chrono::DateTime;

/// Time for one read of the log.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This long ago.
    Ago(Duration),
    /// From this moment on.
    At(TimeUs),
}

/// The text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time such as 2026-08-01T06:00:00Z, or how long ago, such as 10m or 2h")]
pub struct NotATime;

impl FromStr for Since {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        if let Ok(ago) = humantime::parse_duration(text.trim()) {
            return Ok(Self::Ago(ago));
        }
        let at = DateTime::parse_from_rfc3339(text.trim()).map_err(|_| NotATime)?;
        Ok(Self::At(TimeUs::from_micros(at.timestamp_micros())))
    }
}

impl Since {
    /// The sequence of the first message that the log stored then or later; the next one's when there is none yet.
    ///
    /// # Errors
    /// The log does not answer.
    pub async fn sequence(self, bus: &Bus) -> anyhow::Result<u64> {
        let unread = "the log cannot be read: has `andon migrate` made its stream?";
        let log = bus.stream_info(subject::STREAM_LOG, READ_WITHIN).await.context(unread)?;
        let at = match self {
            Self::Ago(ago) => log.server_now_us.before(ago),
            Self::At(at) => at,
        };
        let is_later = async |seq| {
            let message = bus.message(subject::STREAM_LOG, seq, READ_WITHIN).await?;
            // One that has left the log was older.
            Ok::<_, ReadError>(message.is_some_and(|message| message.time_us >= at))
        };
        first(log.first_seq.max(1), log.last_seq + 1, is_later).await.context(unread)
    }
}

/// The first number from `low` up to `end` for which `holds`, which holds for all after it too; `end` if there is none.
async fn first<E>(mut low: u64, mut end: u64, holds: impl AsyncFn(u64) -> Result<bool, E>) -> Result<u64, E> {
    while low < end {
        let middle = low + (end - low) / 2;
        if holds(middle).await? {
            end = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_how_long_ago_and_a_time_is_a_time() {
        assert_eq!("10m".parse(), Ok(Since::Ago(Duration::from_secs(600))));
        assert_eq!(" 1h 30m ".parse(), Ok(Since::Ago(Duration::from_secs(5_400))));
        let at = TimeUs::from_micros(1_754_028_000_500_000);
        assert_eq!("2025-08-01T06:00:00.500Z".parse(), Ok(Since::At(at)));
        assert_eq!("2025-08-01T09:00:00.500+03:00".parse(), Ok(Since::At(at)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "yesterday", "10", "-5m", "2025-08-01", "2025-08-01T06:00:00"] {
            assert_eq!(text.parse::<Since>(), Err(NotATime), "{text:?}");
        }
    }

    #[tokio::test]
    async fn the_first_is_found_wherever_it_is() {
        for wanted in 1..=9 {
            let found = first(1, 9, async |number| Ok::<_, ()>(number >= wanted)).await;
            assert_eq!(found, Ok(wanted));
        }
        assert_eq!(first(1, 1, async |_| Err(())).await, Ok(1), "an empty log is not read");
    }
}
