//! Honest start-up, the server's half: its version, and whether an acknowledgement survives a power cut.

use std::time::Duration;

use serde::Deserialize;

use crate::{Bus, NatsConfig};

/// The first nats-server with atomic batches.
const VERSION_MIN: (u64, u64) = (2, 12);
/// Time for the monitor to answer.
const MONITOR_TIMEOUT: Duration = Duration::from_secs(2);

/// The server or the log is not what an honest acknowledgement needs. Each names the setting.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// Too old.
    #[error("nats-server {0} is too old: Andon needs 2.12 or newer (atomic batch publish); upgrade nats-server")]
    Version(String),
    /// The monitor is not known.
    #[error(
        "sync_interval of nats-server cannot be checked: set ANDON_NATS_MONITOR_URL to its monitor \
         (http://host:8222), or ANDON_UNSAFE_UNCHECKED_LOG=1 to run without knowing whether an acknowledged event \
         survives a power cut"
    )]
    NoMonitor,
    /// The monitor does not answer.
    #[error("the monitor of nats-server at {url} does not answer: {why}")]
    Monitor {
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// The server reports that it is not well: after a write error it stays mute until it is restarted.
    #[error("nats-server at {url} is not well: {why}")]
    Ill {
        /// Its monitor.
        url: String,
        /// What it reports.
        why: String,
    },
    /// The monitor belongs to another server.
    #[error("the monitor at {url} is that of another server ({theirs}) than the one connected to ({ours})")]
    OtherServer {
        /// Where.
        url: String,
        /// Id of the monitored server.
        theirs: String,
        /// Id of the connected server.
        ours: String,
    },
    /// Acknowledged before it is on disk.
    #[error(
        "nats-server acknowledges before it writes to disk: set `sync_interval: always` in the jetstream block of its \
         configuration (now: {0})"
    )]
    SyncInterval(String),
    /// Messages are missing in the middle of a stream.
    #[error(
        "stream {stream} is damaged: {missing} messages between its first and last are missing, {lost_bytes} bytes are \
         lost; restore it from a replica or a backup before anybody builds on it"
    )]
    Damaged {
        /// Which stream.
        stream: String,
        /// Messages missing.
        missing: u64,
        /// Bytes the server knows to be lost.
        lost_bytes: u64,
    },
    /// A setting of a stream.
    #[error("stream {stream}: {setting} must be {must}, and is {is}")]
    Setting {
        /// Which stream.
        stream: String,
        /// Which setting.
        setting: &'static str,
        /// What it must be.
        must: String,
        /// What it is.
        is: String,
    },
}

#[derive(Deserialize)]
struct Varz {
    #[serde(default)]
    server_id: String,
    #[serde(default)]
    jetstream: VarzJetStream,
}

#[derive(Deserialize, Default)]
struct VarzJetStream {
    #[serde(default)]
    config: VarzConfig,
}

#[derive(Deserialize, Default)]
struct VarzConfig {
    #[serde(default)]
    sync_always: bool,
    #[serde(default)]
    sync_interval: i64,
}

/// Refuses a server that is too old or, when it stands alone, does not write before it acknowledges. With three
/// replicas a power cut of one machine loses nothing, and `always` is the operator's choice.
///
/// # Errors
/// See [`Unfit`].
pub async fn check(bus: &Bus, config: &NatsConfig) -> Result<(), Unfit> {
    let server = bus.client().server_info();
    if !version_is_enough(&server.version) {
        return Err(Unfit::Version(server.version));
    }
    if config.replicas > 1 {
        return Ok(());
    }
    let Some(url) = &config.monitor_url else {
        if config.unchecked_log {
            tracing::warn!(
                "sync_interval of nats-server is not checked: an acknowledged event may not survive a power cut"
            );
            return Ok(());
        }
        return Err(Unfit::NoMonitor);
    };
    let varz: Varz = monitor(url, "varz").await?;
    if !varz.server_id.is_empty() && varz.server_id != server.server_id {
        return Err(Unfit::OtherServer { url: url.clone(), theirs: varz.server_id, ours: server.server_id });
    }
    let jetstream = varz.jetstream.config;
    if !jetstream.sync_always {
        let interval = Duration::from_nanos(u64::try_from(jetstream.sync_interval).unwrap_or(0));
        return Err(Unfit::SyncInterval(format!("{interval:?}")));
    }
    Ok(())
}

/// Whether the server says that it is well; it reports a write error here and stays mute until a restart.
///
/// # Errors
/// The monitor does not answer, or reports a fault, in words.
pub async fn health(monitor_url: &str) -> Result<(), Unfit> {
    #[derive(Deserialize)]
    struct Health {
        status: String,
        #[serde(default)]
        error: String,
    }
    let health: Health = monitor(monitor_url, "healthz").await?;
    if health.status == "ok" {
        return Ok(());
    }
    Err(Unfit::Ill { url: monitor_url.to_owned(), why: format!("{} {}", health.status, health.error) })
}

async fn monitor<T: serde::de::DeserializeOwned>(url: &str, what: &str) -> Result<T, Unfit> {
    let failed = |error: reqwest::Error| Unfit::Monitor { url: url.to_owned(), why: error.without_url().to_string() };
    let client = reqwest::Client::builder().timeout(MONITOR_TIMEOUT).no_proxy().build().map_err(failed)?;
    let reply = client.get(format!("{}/{what}", url.trim_end_matches('/'))).send().await.map_err(failed)?;
    reply.json().await.map_err(failed)
}

fn version_is_enough(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u64>().ok());
    matches!((numbers.next(), numbers.next()), (Some(Some(major)), Some(Some(minor))) if (major, minor) >= VERSION_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_2_12_are_too_old() {
        for (version, enough) in [
            ("2.12.0", true),
            ("2.15.1", true),
            ("3.0.0", true),
            ("2.12.0-RC.1", true),
            ("2.11.9", false),
            ("1.14.0", false),
            ("dev", false),
            ("", false),
        ] {
            assert_eq!(version_is_enough(version), enough, "{version}");
        }
    }
}
