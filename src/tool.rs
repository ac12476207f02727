//! What the commands beside a running system (`tail`, `simulate`, `bench`) do first: configuration, a log that does
//! not talk over their output, signals that end them quietly; and the one thread they run on.

use std::io::Write as _;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::Settings;
use crate::config::{Config, Needs};
use crate::telemetry;

/// Put before the person's own filter, which can override it: that a connection was made is no news here.
const QUIET: &str = "andon_nats=warn,async_nats=warn";

/// Prints a line. Whoever does not read it any more has seen enough.
pub fn say(line: impl std::fmt::Display) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}

/// Runs `body` until it ends. The token is cancelled by SIGTERM, Ctrl-C and a terminal that goes away.
///
/// One thread is enough for all of them, and leaves the others to what they look at.
///
/// # Errors
/// The configuration has problems, or `body` fails.
pub fn run<F>(settings: Settings, body: F) -> anyhow::Result<()>
where
    F: AsyncFnOnce(Config, CancellationToken) -> anyhow::Result<()>,
{
    let mut config = settings.load(Needs::BESIDE)?;
    config.logging.filter = format!("{QUIET},{}", config.logging.filter);
    telemetry::init(&config.logging)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("the runtime cannot start")?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        cancel_on_signals(&stop)?;
        body(config, stop).await
    })
}

fn cancel_on_signals(stop: &CancellationToken) -> anyhow::Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        let mut signals = signal(kind).context("cannot listen for signals")?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            stop.cancel();
        });
    }
    Ok(())
}
