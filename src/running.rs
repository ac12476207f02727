//! Where the servers of a running `andon up` are, written into its data directory, so that `andon admin` and the like
//! find them without being told.

use std::path::{Path, PathBuf};

use andon_nats::NatsConfig;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::backends::Backends;
use crate::servers::DataDir;
use crate::servers::data_dir::write_private;

const FILE: &str = "running.toml";

/// The addresses; removed when dropped. After a crash they stay, and lead nowhere.
pub struct Running(PathBuf);

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The gateway's.
    pub http_url: String,
    /// NATS', without credentials.
    pub nats_url: String,
    /// That of NATS' monitor, where it is known.
    pub nats_monitor_url: Option<String>,
    /// Postgres', credentials included, where there is one.
    pub database_url: Option<String>,
}

impl Running {
    /// Writes the file, readable by its owner alone.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(data: &DataDir, http_url: &str, nats: &NatsConfig, backends: &Backends) -> anyhow::Result<Self> {
        let addresses = Addresses {
            http_url: http_url.to_owned(),
            nats_url: nats.url.clone(),
            nats_monitor_url: nats.monitor_url.clone(),
            database_url: backends.database_url.clone(),
        };
        let path = data.path().join(FILE);
        write_private(&path, &toml::to_string(&addresses)?)?;
        Ok(Self(path))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, "{} cannot be removed", self.0.display());
        }
    }
}

impl Addresses {
    /// Reads them; `None` when no `andon up` runs in this data directory.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = data_dir.join(FILE);
        let unreadable = || format!("{} cannot be read", path.display());
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map(Some).with_context(unreadable),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(unreadable),
        }
    }
}
