//! The private Postgres: created once, started in the background, started again when it dies.
//!
//! Nothing waits for it. Its address is known at once; who connects tries until it answers.

mod cluster;
mod unprivileged;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::{DataDir, Installation, Ports, ServersError, child};
use crate::config::PostgresSettings;
pub use cluster::Cluster;

/// The cluster's files.
const DATA: &str = "data";
/// The same while they are being made.
const UNFINISHED: &str = "data.new";
/// What its process is called.
pub const PROGRAM: &str = "postgres";
/// SIGINT is Postgres' fast shutdown: sessions end, a checkpoint is written.
const FAST_SHUTDOWN: Signal = Signal::SIGINT;
/// How long that checkpoint may take before the process is killed; the next start recovers.
const PATIENCE: Duration = Duration::from_secs(10);

/// The arguments by which the server of a data directory is recognised: its files lie inside, or where root has placed
/// them; those of a server that is being made have another name.
pub fn data(data_dir: &Path) -> [PathBuf; 4] {
    let [inside, placed] = [data_dir.join(unprivileged::DIRECTORY), unprivileged::placed(data_dir)];
    [inside.join(DATA), inside.join(UNFINISHED), placed.join(DATA), placed.join(UNFINISHED)]
}

/// The Postgres of this installation, running or being started.
pub struct PrivatePostgres {
    url: String,
    data: PathBuf,
    is_new: bool,
    until: CancellationToken,
    supervisor: JoinHandle<()>,
}

impl PrivatePostgres {
    /// Chooses everything and starts it in the background.
    ///
    /// # Errors
    /// The binaries are missing, or this user cannot run them.
    pub fn start(
        asked: &PostgresSettings,
        data: &DataDir,
        installation: &Installation,
        ports: &mut Ports,
    ) -> Result<Self, ServersError> {
        let cluster = Cluster::choose(asked, data, installation, ports)?;
        let until = CancellationToken::new();
        Ok(Self {
            url: cluster.url(),
            data: cluster.data(),
            is_new: !cluster.is_there(),
            supervisor: tokio::spawn(Supervisor::new(cluster, until.clone()).run()),
            until,
        })
    }

    /// Its address, credentials included.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is made by this start: nothing was ever written to it.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// The argument by which its process is recognised.
    pub fn marker(&self) -> PathBuf {
        self.data.clone()
    }

    /// Ends it and waits until it has ended.
    pub async fn stop(self) {
        self.until.cancel();
        if self.supervisor.await.is_err() {
            tracing::error!("the supervisor of Postgres had failed");
        }
    }
}

/// Owns the running server.
struct Supervisor {
    cluster: Cluster,
    until: CancellationToken,
    backoff: Backoff,
}

impl Supervisor {
    fn new(cluster: Cluster, until: CancellationToken) -> Self {
        let backoff = Backoff::new();
        Self { cluster, until, backoff }
    }

    /// Runs until it is asked to end, and ends the server with it.
    async fn run(mut self) {
        let until = self.until.clone();
        loop {
            self.backoff.started();
            // Cancelled in the middle of a creation, it is begun anew at the next start.
            let Some(started) = until.run_until_cancelled(self.start()).await else {
                return;
            };
            match started {
                Ok(mut child) => {
                    tracing::info!(port = self.cluster.port, "Postgres is started");
                    if until.run_until_cancelled(child.wait()).await.is_none() {
                        return end(&mut child).await;
                    }
                    let output = child::last_lines(&self.cluster.output());
                    tracing::error!(output, "Postgres died, starting it again");
                }
                Err(error) => tracing::error!(%error, "Postgres is not up yet, trying again"),
            }
            let wait = tokio::time::sleep(self.backoff.next());
            if until.run_until_cancelled(wait).await.is_none() {
                return;
            }
        }
    }

    async fn start(&self) -> Result<Child, ServersError> {
        for data in [self.cluster.data(), self.cluster.unfinished()] {
            child::end_leftovers(PROGRAM, &data, FAST_SHUTDOWN, PATIENCE).await;
        }
        self.cluster.create_once().await?;
        self.cluster.spawn()
    }
}

async fn end(child: &mut Child) {
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) else {
        return;
    };
    let _gone_already = kill(Pid::from_raw(pid), FAST_SHUTDOWN);
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        tracing::warn!("Postgres does not end, killing it");
        let _gone_already = child.kill().await;
    }
}
