//! What the rest of the process holds of a running projection.

use std::time::Duration;

use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{projection::Projected, trust::Refusal};

/// What the projection is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has not reached Postgres yet.
    Starting,
    /// Another process projects; this one takes over when that one ends.
    StandingBy,
    /// It projects.
    Projecting,
    /// Something is away; it tries again.
    Retrying(String),
    /// A stream is not the one the tables were made from: it has stopped for good.
    Refused(Refusal),
    /// It was asked to stop and has.
    Stopped,
}

/// Why the projection will never go on by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A stream is not to be trusted.
    #[error("the log is refused, nothing is projected: {0}")]
    Refused(Refusal),
    /// It ended without being asked: a fault of the program.
    #[error("the projection ended unexpectedly")]
    Ended,
}

/// A running projection. Dropped, it goes on; [`PersistenceHandle::drain`] ends it.
#[derive(Debug)]
pub struct PersistenceHandle {
    task: JoinHandle<()>,
    stop: CancellationToken,
    state: watch::Receiver<State>,
    projected: watch::Receiver<Projected>,
}

impl PersistenceHandle {
    pub(crate) const fn new(
        task: JoinHandle<()>,
        stop: CancellationToken,
        state: watch::Receiver<State>,
        projected: watch::Receiver<Projected>,
    ) -> Self {
        Self { task, stop, state, projected }
    }

    /// Ends it: the batch in hand is committed, everything else waits in the streams for the next start. A batch that
    /// takes longer than `within` (Postgres is frozen) is given up, which is safe: it is written whole or not at all.
    pub async fn drain(mut self, within: Duration) {
        self.stop.cancel();
        match timeout(within, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the projection had failed before it was drained"),
            Err(_) => {
                tracing::warn!("the projection does not end, giving its last batch up");
                self.task.abort();
            }
        }
    }

    /// Waits until it will never go on by itself; for ever, when all is well or it was drained.
    pub async fn failed(&self) -> Failure {
        let mut state = self.state.clone();
        let last = match state.wait_for(|state| matches!(state, State::Refused(_) | State::Stopped)).await {
            Ok(state) => state.clone(),
            Err(_) => return Failure::Ended,
        };
        match last {
            State::Refused(refusal) => Failure::Refused(refusal),
            _ => std::future::pending().await,
        }
    }

    /// What it is doing, to watch.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// How far the tables are, as far as this process has projected, to watch.
    #[must_use]
    pub fn projected(&self) -> watch::Receiver<Projected> {
        self.projected.clone()
    }
}
