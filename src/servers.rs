//! The private servers of `andon up`: a real nats-server and a real Postgres, children of this process, with all
//! they own below one data directory.
//!
//! What holds here: both listen on the loopback address only; no server that this installation did not start is ever
//! touched; a server that dies or goes mute is started again on the same port; Postgres is in nobody's way.

mod backoff;
pub mod child;
pub mod data_dir;
pub mod installation;
mod nats;
mod ports;
mod postgres;
pub mod tools;

use std::path::{Path, PathBuf};

use crate::config::Config;
pub use data_dir::DataDir;
pub use installation::Installation;
pub use nats::{ClusterSettings, PrivateNats, RestartNats, ServerSettings, supervisor::spawn as spawn_nats};
pub use ports::Ports;
pub use postgres::{Cluster, PrivatePostgres};

/// Why a private server cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// A binary is not installed.
    #[error(
        "{what} was not found in {looked}: run ./run or ./test once, which install it, or name it with ANDON_{}",
        setting.to_ascii_uppercase()
    )]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// Where.
        looked: String,
        /// The setting that names it.
        setting: &'static str,
    },
    /// Something on disk, or a program, could not be used.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// A file of ours does not hold what we wrote.
    #[error("{} is damaged: {message}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Two `andon up` on one data directory.
    #[error(
        "{} is in use by another `andon up` (process {holder}): stop that one, or choose another directory with --data-dir",
        path.display()
    )]
    Held {
        /// The data directory.
        path: PathBuf,
        /// The process that holds it.
        holder: String,
    },
    /// A restore was broken off in the middle.
    #[error(
        "{} holds half of a restored backup: the restore was broken off. Restore it again, which begins anew",
        path.display()
    )]
    HalfRestored {
        /// The data directory.
        path: PathBuf,
    },
    /// A backup is to be restored where something is.
    #[error(
        "{} is not empty: a backup is restored only into an empty directory. Nothing was changed; name another with \
         --data-dir",
        path.display()
    )]
    NotEmpty {
        /// The data directory.
        path: PathBuf,
    },
    /// A server ended or did not answer while it was being started.
    #[error("{name} did not start: {message}")]
    Start {
        /// Which server.
        name: &'static str,
        /// The last lines it printed, or why it was not even tried.
        message: String,
    },
}

impl ServersError {
    fn file(path: &Path, error: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), error }
    }
}

/// The private servers that are running. A server that the configuration names is not private and not here.
pub struct PrivateServers {
    /// The log, unless an existing nats-server is used.
    pub nats: Option<PrivateNats>,
    /// The projection's database, unless an existing Postgres is used.
    pub postgres: Option<PrivatePostgres>,
}

impl PrivateServers {
    /// Takes down what an earlier run left, starts nats-server and waits for it, and starts Postgres without waiting.
    ///
    /// # Errors
    /// A binary is missing, or nats-server does not start: then nothing runs. A Postgres that does not start is retried
    /// and logged.
    pub async fn start(config: &Config, data: &DataDir, installation: &Installation) -> Result<Self, ServersError> {
        let mut ports = Ports::default();
        let postgres = match config.postgres.url {
            Some(_) => None,
            None => Some(PrivatePostgres::start(&config.postgres, data, installation, &mut ports)?),
        };
        let nats = match config.nats.url {
            Some(_) => None,
            None => match PrivateNats::start(&config.nats, data, installation, &mut ports).await {
                Ok(nats) => Some(nats),
                Err(error) => {
                    // It is being started already, and would outlive this process.
                    if let Some(postgres) = postgres {
                        postgres.stop().await;
                    }
                    return Err(error);
                }
            },
        };
        Ok(Self { nats, postgres })
    }

    /// Ends both and waits until they have ended.
    pub async fn stop(self) {
        if let Some(postgres) = self.postgres {
            postgres.stop().await;
        }
        if let Some(nats) = self.nats {
            nats.stop().await;
        }
    }

    /// Ends both at once when it is told to, from wherever that is.
    pub fn killer(&self) -> Killer {
        Killer {
            nats: self.nats.iter().map(PrivateNats::marker).collect(),
            postgres: self.postgres.iter().map(PrivatePostgres::marker).collect(),
        }
    }
}

/// Kills what runs in a data directory, for whoever holds it and has no [`PrivateServers`]: they are of an earlier run, or
/// their start was broken off.
pub fn kill_leftovers(data_dir: &Path) {
    Killer { nats: vec![nats::file(data_dir)], postgres: postgres::data(data_dir).to_vec() }.kill();
}

/// Ends the private servers without a word to anybody. The next start recovers.
#[derive(Debug, Clone, Default)]
pub struct Killer {
    nats: Vec<PathBuf>,
    postgres: Vec<PathBuf>,
}

impl Killer {
    /// Sends SIGKILL to what belongs to this installation.
    pub fn kill(&self) {
        let nats = self.nats.iter().flat_map(|path| child::find(nats::PROGRAM, path));
        let postgres = self.postgres.iter().flat_map(|path| child::find(postgres::PROGRAM, path));
        for pid in nats.chain(postgres) {
            let _gone_already = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }
}
