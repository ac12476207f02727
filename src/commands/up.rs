//! `andon up`: the whole system in one process, with private servers.

use clap::Args;

use crate::cli::Settings;
use crate::config::{Config, Needs};
use crate::lifecycle::Shutdown;
use crate::servers::{DataDir, PrivateServers};
use crate::telemetry;

/// Arguments of `andon up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Load a demo factory, once, and run simulated workers in it
    #[arg(long)]
    pub demo: bool,
}

pub fn run(settings: Settings, up: Up) -> anyhow::Result<()> {
    let config = settings.load(Needs::default())?;
    telemetry::init(&config.logging)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, up))
}

async fn serve(config: Config, _up: Up) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let data = DataDir::hold(&config.data_dir)?;
    let installation = data.installation()?;
    let _metrics = telemetry::serve_metrics(config.metrics_addr, None, shutdown.drain.clone()).await?;
    let servers = PrivateServers::start(&config, &data, &installation).await?;
    let killer = servers.killer();
    tracing::info!(url = ?servers.nats.as_ref().map(|n| n.url()), "up");
    shutdown.drain.cancelled().await;
    tokio::select! {
        () = servers.stop() => {}
        () = shutdown.now.cancelled() => killer.kill(),
    }
    Ok(())
}
