//! The private nats-server: started, watched, started again when it dies or goes mute.

mod health;
mod settings;
pub mod supervisor;
mod watched;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{DataDir, Installation, Ports, ServersError, child, tools};
use crate::config::NatsSettings;
pub use settings::{ClusterSettings, ServerSettings};
use supervisor::Supervisor;

/// What its process is called.
pub const PROGRAM: &str = "nats-server";
/// Its part of the data directory.
const DIRECTORY: &str = "nats";
/// How long it may take to end by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// A free port can be taken by somebody else before the server binds it.
const START_ATTEMPTS: u32 = 3;
/// Requests for a restart that wait while one is under way; more of them say nothing new.
const PENDING_RESTARTS: usize = 1;

/// The running nats-server of this installation.
pub struct PrivateNats {
    settings: ServerSettings,
    restarts: mpsc::Sender<String>,
    until: CancellationToken,
    supervisor: JoinHandle<()>,
}

/// The argument by which the server of a data directory is recognised.
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join(DIRECTORY).join(settings::FILE)
}

/// Asks for a restart of the private nats-server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RestartNats(mpsc::Sender<String>);

impl RestartNats {
    /// Asks for a restart and says why. While one is asked for already, nothing more happens.
    pub fn request(&self, why: impl Into<String>) {
        let _pending_already = self.0.try_send(why.into());
    }
}

impl PrivateNats {
    /// Takes down what an earlier run left, starts the server and waits until it is healthy.
    ///
    /// # Errors
    /// The binary is missing, or the server does not start.
    pub async fn start(
        asked: &NatsSettings,
        data: &DataDir,
        installation: &Installation,
        ports: &mut Ports,
    ) -> Result<Self, ServersError> {
        let binary = tools::nats_server(asked.binary.as_deref())?;
        let directory = data.private(DIRECTORY)?;
        let config_file = directory.join(settings::FILE);
        child::end_leftovers(PROGRAM, &config_file, Signal::SIGTERM, PATIENCE).await;

        let mut attempt = 1;
        let (settings, child) = loop {
            let settings = ServerSettings::new(binary.clone(), &directory, asked, installation, ports)?;
            match supervisor::launch(&settings).await {
                Ok(child) => break (settings, child),
                Err(error) if attempt == START_ATTEMPTS || asked.port != 0 => return Err(error),
                Err(error) => tracing::warn!(%error, "trying again on another port"),
            }
            attempt += 1;
        };
        tracing::info!(url = settings.url(), "nats-server is up");
        let (restarts, requests) = mpsc::channel(PENDING_RESTARTS);
        let until = CancellationToken::new();
        let supervisor = Supervisor::new(settings.clone(), child, requests, until.clone()).run();
        Ok(Self { settings, restarts, until, supervisor: tokio::spawn(supervisor) })
    }

    /// Its address without credentials.
    pub fn url(&self) -> String {
        self.settings.url()
    }

    /// Its monitoring address.
    pub fn monitor_url(&self) -> String {
        self.settings.monitor_url()
    }

    /// The argument by which its process is recognised.
    pub fn marker(&self) -> PathBuf {
        self.settings.file()
    }

    /// A handle that restarts it.
    pub fn restarter(&self) -> RestartNats {
        RestartNats(self.restarts.clone())
    }

    /// Ends it and waits until it has ended.
    pub async fn stop(self) {
        self.until.cancel();
        if self.supervisor.await.is_err() {
            tracing::error!("the supervisor of nats-server had failed");
        }
    }
}
