//! What every command that serves does first: configuration, logging, signals, metrics; and the runtime it runs on.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::Settings;
use crate::config::{Config, Needs};
use crate::lifecycle::Shutdown;
use crate::telemetry;

/// What may still run after everything has been drained, such as a read of the disk, is given this long.
const RUNTIME_LIMIT: Duration = Duration::from_secs(1);

/// Runs `body` with the checked configuration until it ends. Nothing is started when the configuration has a problem.
///
/// # Errors
/// The configuration has problems, or `body` fails.
pub fn run<F>(settings: Settings, needs: Needs, body: F) -> anyhow::Result<()>
where
    F: AsyncFnOnce(Config) -> anyhow::Result<()>,
{
    let config = settings.load(needs)?;
    telemetry::init(&config.logging)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot start")?;
    let ended = runtime.block_on(body(config));
    runtime.shutdown_timeout(RUNTIME_LIMIT);
    ended
}

/// The same for a command that serves until a signal ends it: with signals and metrics.
///
/// # Errors
/// As [`run`]; or the metrics cannot be served.
pub fn serve<F>(settings: Settings, needs: Needs, metrics_at: Option<SocketAddr>, body: F) -> anyhow::Result<()>
where
    F: AsyncFnOnce(Config, Shutdown) -> anyhow::Result<()>,
{
    run(settings, needs, async |config| {
        let shutdown = Shutdown::on_signals()?;
        telemetry::serve_metrics(config.metrics_addr, metrics_at, shutdown.ended.clone()).await?;
        let ended = body(config, shutdown.clone()).await;
        shutdown.ended.cancel();
        ended
    })
}
