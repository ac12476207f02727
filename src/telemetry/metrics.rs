//! The Prometheus endpoint. It has an address of its own, so that what the public reaches carries no metrics.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Histograms gather samples until somebody drains them; without a scraper nobody else would.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Installs the recorder and serves `GET /metrics` until `until` is cancelled. Returns the bound address.
///
/// `configured` is taken or refused. Without it, `preferred` is tried and a free port taken in its stead: a second
/// installation on one machine should not fail over an address that nobody chose.
///
/// # Errors
/// The address cannot be bound, or the process has a recorder already.
pub async fn serve(
    configured: Option<SocketAddr>,
    preferred: Option<SocketAddr>,
    until: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let listener = bind(configured, preferred).await?;
    let address = listener.local_addr()?;
    let handle = PrometheusBuilder::new().install_recorder()?;
    tokio::spawn(upkeep(handle.clone(), until.clone()));
    let routes = Router::new().route("/metrics", get(move || async move { handle.render() }));
    tokio::spawn(async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(until.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the metrics endpoint ended");
        }
    });
    tracing::info!(%address, "metrics on http://{address}/metrics");
    Ok(address)
}

async fn bind(configured: Option<SocketAddr>, preferred: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    if let Some(address) = configured {
        return TcpListener::bind(address)
            .await
            .with_context(|| format!("metrics_addr {address} cannot be bound; choose another with --metrics-addr"));
    }
    if let Some(address) = preferred {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                tracing::warn!(%address, %error, "the default metrics address is taken, using a free port");
            }
        }
    }
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    TcpListener::bind(any).await.context("no free port for the metrics")
}

async fn upkeep(handle: PrometheusHandle, until: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    while until.run_until_cancelled(ticks.tick()).await.is_some() {
        handle.run_upkeep();
    }
}
