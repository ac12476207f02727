//! Log time: the server's clock, as far as this process knows it (protocol rules 7 and 8).

use std::{sync::Arc, time::Duration};

use bus_schemas::{TimeUs, limits::LOG_TIME_ERROR_MAX, subject::STREAM_LOG};
use parking_lot::RwLock;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::Bus;

/// How often the offset is read.
const READ_EVERY: Duration = Duration::from_secs(5);
/// How often while the error is too large.
const READ_AGAIN: Duration = Duration::from_millis(200);
/// A reading that takes longer than this says nothing useful.
const READ_WITHIN: Duration = Duration::from_secs(1);
/// How far two clocks may drift apart: 200 millionths, twice what crystals in servers are sold for.
const DRIFT_PER_MILLION: u32 = 200;

#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    log: TimeUs,
    error: Duration,
}

/// Log time; clones share it. It is read from `ts` of STREAM.INFO, and kept by the monotonic clock in between.
#[derive(Clone)]
pub struct LogClock(Arc<RwLock<Option<Reading>>>);

impl LogClock {
    /// Starts reading; the task ends with `stop`.
    #[must_use]
    pub fn start(bus: Bus, stop: CancellationToken) -> Self {
        let clock = Self(Arc::new(RwLock::new(None)));
        tokio::spawn(clock.clone().run(bus, stop));
        clock
    }

    /// Log time now; `None` while it is known only to more than 0.25 s.
    #[must_use]
    pub fn now(&self) -> Option<TimeUs> {
        let reading = (*self.0.read())?;
        let age = reading.at.elapsed();
        (error_after(reading, age) <= LOG_TIME_ERROR_MAX).then(|| reading.log.after(age))
    }

    /// How far log time may be off; `None` before the first reading.
    #[must_use]
    pub fn error(&self) -> Option<Duration> {
        (*self.0.read()).map(|reading| error_after(reading, reading.at.elapsed()))
    }

    async fn run(self, bus: Bus, stop: CancellationToken) {
        let mut next = interval(READ_AGAIN);
        next.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut read_at: Option<Instant> = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = next.tick() => {}
            }
            let fresh = read_at.is_some_and(|at| at.elapsed() < READ_EVERY);
            if fresh && self.now().is_some() {
                continue;
            }
            if self.read(&bus).await {
                read_at = Some(Instant::now());
            }
        }
    }

    async fn read(&self, bus: &Bus) -> bool {
        let sent = Instant::now();
        let Ok(info) = bus.stream_info(STREAM_LOG, READ_WITHIN).await else { return false };
        let trip = sent.elapsed();
        let new = Reading { at: sent + trip / 2, log: info.server_now_us, error: trip / 2 };
        let mut reading = self.0.write();
        // A slow answer must not replace a better one that is still good.
        let better =
            reading.is_none_or(|old| new.error <= error_after(old, old.at.elapsed()).max(LOG_TIME_ERROR_MAX / 4));
        if better {
            *reading = Some(new);
        }
        true
    }
}

fn error_after(reading: Reading, age: Duration) -> Duration {
    reading.error + age * DRIFT_PER_MILLION / 1_000_000
}
