//! The cluster that is measured: a child `andon cluster` with three engine nodes and a data directory of its own, whose
//! processes are killed, stopped and started by name. What is started here is ended here, whatever happens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use andon_nats::Bus;
use anyhow::Context as _;
use bus_schemas::subject;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::backends::NatsRole;
use crate::bench::stack::{self, Served};
use crate::bench::wire::{Connection, Prepared};
use crate::cluster;
use crate::config::Config;
use crate::running::Addresses;

/// The engine nodes.
pub const ENGINES: [&str; 3] = ["engine-1", "engine-2", "engine-3"];
/// The nats-servers.
pub const SERVERS: [&str; 3] = ["nats-1", "nats-2", "nats-3"];
/// Three servers that find each other, Postgres and seven processes of ours, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(150);
/// Each server has a quarter of it for its copy of the log and the room for 100 000 sessions, several times over.
const LOG_MAX_BYTES: &str = "3GiB";
/// Time for one question to the log.
const WITHIN: Duration = Duration::from_secs(2);

/// A running cluster.
pub struct Site {
    served: Served,
    /// Declared after what runs in it.
    directory: TempDir,
    gateways: Vec<SocketAddr>,
}

/// `STREAM.INFO`, as far as it tells of the copies.
#[derive(Deserialize)]
struct Info {
    cluster: Copies,
}

#[derive(Deserialize)]
struct Copies {
    leader: Option<String>,
    #[serde(default)]
    replicas: Vec<Copy>,
}

#[derive(Deserialize)]
struct Copy {
    current: bool,
    #[serde(default)]
    offline: bool,
}

impl Site {
    /// Starts one and waits until it serves.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(config: &Config, idle_timeout: &str) -> anyhow::Result<Self> {
        let directory = stack::directory()?;
        let log = directory.path().join("cluster.log");
        let mut command = stack::andon("cluster", directory.path())?;
        command
            .envs(config.nats.binary.as_ref().map(|path| ("ANDON_NATS_SERVER", path)))
            .envs(config.postgres.binaries.as_ref().map(|path| ("ANDON_PG_BIN", path)))
            .args(["--nodes", "3", "--metrics-addr", "127.0.0.1:0", "--log", "info"])
            .args(["--log-max-bytes", LOG_MAX_BYTES, "--idle-timeout", idle_timeout])
            .stderr(std::fs::File::create(&log)?);
        let served = Served::start(command, Stdio::null())?;
        let mut site = Self { served, directory, gateways: Vec::new() };
        let said = site.served.said_within("ready ", START_LIMIT).await;
        let said = said.with_context(|| format!("andon cluster said:\n{}", crate::servers::child::last_lines(&log)))?;
        site.gateways = said.split_whitespace().map(stack::address).collect::<Result<_, _>>()?;
        Ok(site)
    }

    /// Where its gateways listen.
    pub fn gateways(&self) -> &[SocketAddr] {
        &self.gateways
    }

    /// Tells it to do something, and waits until it is done.
    ///
    /// # Errors
    /// It cannot be done.
    pub async fn order(&self, order: &str) -> anyhow::Result<()> {
        cluster::send(&self.data_dir(), order).await.map(drop).with_context(|| format!("cannot {order}"))
    }

    /// A connection to its nats-servers, past the links.
    ///
    /// # Errors
    /// None answers.
    pub async fn bus(&self, role: NatsRole) -> anyhow::Result<Bus> {
        stack::bus(&self.data_dir(), role).await
    }

    /// Its database, credentials included.
    ///
    /// # Errors
    /// The file that says so cannot be read.
    pub fn database_url(&self) -> anyhow::Result<Option<String>> {
        Ok(Addresses::read(&self.data_dir())?.and_then(|addresses| addresses.database_url))
    }

    /// Whether every gateway says that it serves.
    pub async fn is_ready(&self) -> bool {
        for gateway in &self.gateways {
            let Ok(mut connection) = Connection::open(*gateway).await else { return false };
            let asked = tokio::time::timeout(WITHIN, connection.exchange(&Prepared::get("/readyz"))).await;
            if !asked.is_ok_and(|asked| asked.is_ok_and(|answer| answer.is_success())) {
                return false;
            }
        }
        true
    }

    fn data_dir(&self) -> PathBuf {
        stack::data_dir(self.directory.path())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if !self.served.end() {
            stack::kill_leftovers(&self.data_dir());
        }
    }
}

/// The nats-server that leads the log; none while nobody does.
pub async fn log_leader(bus: &Bus) -> Option<String> {
    copies(bus, subject::STREAM_LOG).await?.leader
}

/// Whether every stream has a leader and two more copies that are as far as it is.
pub async fn is_whole(bus: &Bus) -> bool {
    for stream in [subject::STREAM_LOG, subject::STREAM_DIRECTORY, subject::STREAM_SEEN] {
        let Some(copies) = copies(bus, stream).await else { return false };
        let current = copies.replicas.iter().filter(|copy| copy.current && !copy.offline).count();
        if copies.leader.is_none() || current + 1 < SERVERS.len() {
            return false;
        }
    }
    true
}

async fn copies(bus: &Bus, stream: &str) -> Option<Copies> {
    let info: Result<Info, _> = bus.api(&format!("STREAM.INFO.{stream}"), &Value::Null, WITHIN).await;
    Some(info.ok()?.cluster)
}
