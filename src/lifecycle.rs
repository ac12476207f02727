//! How the process is asked to end: the first signal drains, the second one stops at once.

use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Signals so close together are one request: `timeout`, for example, sends one to the process and one to its group.
const SAME_REQUEST: Duration = Duration::from_millis(300);

/// Requests to end. Cheap to clone; every clone sees the same.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Cancelled by the first signal: stop accepting, answer what is in flight, hand over, end.
    pub drain: CancellationToken,
    /// Cancelled by the second one: end now.
    pub now: CancellationToken,
    /// Cancelled when all has been drained; what only watches, such as the metrics, goes on until then.
    pub ended: CancellationToken,
}

impl Shutdown {
    /// Listens for SIGTERM, Ctrl-C and a terminal that goes away, from now on.
    ///
    /// # Errors
    /// The operating system refuses the handlers.
    pub fn on_signals() -> anyhow::Result<Self> {
        let shutdown = Self::default();
        let listener = Listener {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
            hang_up: signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?,
            shutdown: shutdown.clone(),
        };
        tokio::spawn(listener.run());
        Ok(shutdown)
    }
}

struct Listener {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    shutdown: Shutdown,
}

impl Listener {
    async fn run(mut self) {
        let name = self.next().await;
        tracing::info!("{name}: draining; a second signal stops at once");
        self.shutdown.drain.cancel();
        let first = Instant::now();
        let mut name = self.next().await;
        while first.elapsed() < SAME_REQUEST {
            name = self.next().await;
        }
        tracing::warn!("{name}: stopping at once");
        self.shutdown.now.cancel();
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }
}
