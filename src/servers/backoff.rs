//! How long to wait before a server that keeps failing is started again.

use std::time::Duration;

use tokio::time::Instant;

/// The first wait: a server that died once is back before most clients have noticed.
const FIRST: Duration = Duration::from_millis(200);
/// The longest: a full disk is given space by a person, who should not wait long afterwards.
const LONGEST: Duration = Duration::from_secs(10);
/// A server that ran this long is healthy, and its next failure is a first one.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// Doubles with every failure in a row.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    started: Instant,
}

impl Backoff {
    /// None has failed yet.
    pub fn new() -> Self {
        Self { next: FIRST, started: Instant::now() }
    }

    /// Remembers that the server has just been started.
    pub fn started(&mut self) {
        self.started = Instant::now();
    }

    /// How long to wait now.
    pub fn next(&mut self) -> Duration {
        if self.started.elapsed() >= HEALTHY_AFTER {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_a_limit_and_begin_anew_after_a_healthy_run() {
        let mut backoff = Backoff::new();
        assert_eq!(backoff.next(), FIRST);
        assert_eq!(backoff.next(), FIRST * 2);
        for _ in 0..20 {
            backoff.next();
        }
        assert_eq!(backoff.next(), LONGEST);

        backoff.started();
        tokio::time::advance(HEALTHY_AFTER).await;
        assert_eq!(backoff.next(), FIRST);
    }
}
