//! A steady load: one worker of each partition sends one command after another, each once, at a fixed pace.

use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Case;
use super::client::Client;
use super::ledger::Outcome;
use super::scene::Scene;

/// From an acknowledgement to the next command of the same worker.
pub const PACE: Duration = Duration::from_millis(400);

/// Workers at work.
pub struct Steady {
    began: Instant,
    stop: CancellationToken,
    running: JoinSet<(Client, Walk)>,
}

/// What one of them has seen.
#[derive(Debug, Default)]
pub struct Walk {
    /// When each command was acknowledged, since the load began.
    pub acknowledged: Vec<Duration>,
    /// Answers that were no success.
    pub failed: Vec<String>,
}

impl Steady {
    /// Sets them to work, spread over a pace.
    pub fn start(clients: Vec<Client>, case: Case) -> Self {
        let (began, stop) = (Instant::now(), CancellationToken::new());
        let mut running = JoinSet::new();
        let count = u32::try_from(clients.len()).unwrap_or(u32::MAX).max(1);
        for (number, client) in (0..).zip(clients) {
            let offset = PACE * number / count;
            running.spawn(walk(client, case, offset, began, stop.clone()));
        }
        Self { began, stop, running }
    }

    /// How long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Lets everybody finish the command at hand.
    ///
    /// # Errors
    /// A client has failed.
    pub async fn stop(mut self, scene: &mut Scene) -> anyhow::Result<Vec<Walk>> {
        self.stop.cancel();
        let mut walks = Vec::with_capacity(self.running.len());
        while let Some(walked) = self.running.join_next().await {
            let (client, walk) = walked.context("a client has failed")?;
            scene.staff.put_back([client]);
            walks.push(walk);
        }
        Ok(walks)
    }
}

async fn walk(
    mut client: Client,
    case: Case,
    offset: Duration,
    began: Instant,
    stop: CancellationToken,
) -> (Client, Walk) {
    let mut walk = Walk::default();
    sleep(offset).await;
    while !stop.is_cancelled() {
        let ended = client.once(case).await;
        match ended.outcome {
            Outcome::Ok => walk.acknowledged.push(ended.at.duration_since(began)),
            Outcome::Refused | Outcome::Unknown => walk.failed.push(ended.told.unwrap_or_default()),
        }
        let _stopped = tokio::time::timeout(PACE, stop.cancelled()).await;
    }
    (client, walk)
}
