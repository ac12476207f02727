//! Puts a backup into an empty data directory, for `andon up`.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use bus_schemas::subject::STREAM_LOG;
use tokio::time::{Instant, sleep};

use super::put::{Target, into_servers};
use super::take::SECRETS;
use super::{Backup, told_bytes};
use crate::backends::{Backends, NatsRole};
use crate::config::Config;
use crate::servers::data_dir::{free_bytes, write_once};
use crate::servers::{Cluster, DataDir, Installation, Ports, PrivateServers, installation};

/// A fresh Postgres answers within a second; a busy machine takes longer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// Puts it there, and says what is there now. Broken off or failed, nothing of it stays.
///
/// # Errors
/// The directory is not empty, its disk too small, or a server cannot be started.
pub async fn into_data_dir(backup: &Backup, config: &Config) -> anyhow::Result<String> {
    let data = DataDir::hold_for_restore(&config.data_dir)?;
    let restored = restore(backup, config, &data).await;
    match restored {
        Ok(told) => {
            data.restored()?;
            Ok(format!("{told}. Start it with: andon up --data-dir {}", data.path().display()))
        }
        Err(error) => {
            data.empty();
            Err(error)
        }
    }
}

async fn restore(backup: &Backup, config: &Config, data: &DataDir) -> anyhow::Result<String> {
    has_room(backup, data)?;
    let installation = write_secrets(backup, data)?;
    // Here it says at once why it cannot be made; its supervisor would try again for ever.
    let cluster = Cluster::choose(&config.postgres, data, &installation, &mut Ports::default())?;
    ensure!(
        !cluster.data().join("PG_VERSION").is_file(),
        "{} holds a database of an earlier data directory: move it away first",
        cluster.data().display()
    );
    data.restores_outside(&cluster.directory)?;
    cluster.create_once().await?;
    let put = match PrivateServers::start(config, data, &installation).await {
        Ok(servers) => {
            let put = put(backup, config, &servers, &installation).await;
            servers.stop().await;
            put
        }
        Err(error) => Err(error.into()),
    };
    if put.is_err() && !cluster.directory.starts_with(data.path()) {
        let _not_there = std::fs::remove_dir_all(&cluster.directory);
    }
    put
}

async fn put(
    backup: &Backup,
    config: &Config,
    servers: &PrivateServers,
    installation: &Installation,
) -> anyhow::Result<String> {
    let backends = Backends::with_private(config, servers, installation);
    let database_url = backends.database_url.clone().context("a private Postgres has an address")?;
    let deadline = Instant::now() + ANSWERS_WITHIN;
    while let Err(error) = persistence::backup::occupied_by(&database_url).await {
        ensure!(error.is_unavailable() && Instant::now() < deadline, "the private Postgres does not answer: {error}");
        sleep(POLL).await;
    }
    let nats = backends.nats(NatsRole::Operator);
    into_servers(backup, &Target { nats, database_url, pg_bin: config.postgres.binaries.clone() }).await
}

/// What the backup holds must fit, and with it what a factory writes until somebody looks.
fn has_room(backup: &Backup, data: &DataDir) -> anyhow::Result<()> {
    let streams: u64 = backup.manifest.streams.values().map(|stream| stream.bytes).sum();
    let needed = streams + backup.manifest.database.bytes;
    let needed = needed + needed / 10;
    let free = free_bytes(data.path())?;
    ensure!(
        needed <= free,
        "{} has {} left, and this backup needs {}: choose a larger disk with --data-dir",
        data.path().display(),
        told_bytes(free),
        told_bytes(needed)
    );
    Ok(())
}

/// The secrets as they were; the limits anew, because the disk is another.
fn write_secrets(backup: &Backup, data: &DataDir) -> anyhow::Result<Installation> {
    let fresh = Installation::generate(free_bytes(data.path())?);
    let [(_, installation), ..] = SECRETS;
    let mut restored = match backup.file_if_there(installation) {
        Some(path) => Installation::read(&path)?,
        None => fresh.clone(),
    };
    restored.complete();
    let log_bytes = backup.manifest.stream(STREAM_LOG)?.bytes;
    restored.log_max_bytes = fresh.log_max_bytes.max(log_bytes.saturating_mul(2));
    restored.nats_max_file_store = fresh.nats_max_file_store.max(restored.log_max_bytes / 8 * 9);
    write_once(&installation::file(data.path()), &restored.to_file()?)?;
    for (file, name) in &SECRETS[1..] {
        let Some(path) = backup.file_if_there(name) else { continue };
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        if let Some((directory, _)) = file.rsplit_once('/') {
            data.private(directory)?;
        }
        write_once(&data.path().join(file), &text)?;
    }
    Ok(restored)
}
