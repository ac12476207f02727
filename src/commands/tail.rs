//! `andon tail`: prints the events on the log, those that are there and then those that come.

use andon_nats::Bus;
use clap::Args;

use crate::backends::{Backends, NatsRole};
use crate::cli::Settings;
use crate::tail::{Chosen, Format, Since, Tail};
use crate::tool;

/// Arguments of `andon tail`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only this worker: the id, or a part of the name
    #[arg(long, value_name = "WORKER")]
    pub worker: Option<Chosen>,
    /// Every event since then, as 2026-08-01T06:00:00Z or as 10m for ten minutes ago [default: the last event of every
    /// active session]
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Prints until a signal ends it, or nobody reads any more.
///
/// # Errors
/// The log cannot be reached, or standard output fails.
pub fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    tool::run(settings, async |config, stop| {
        let nats = Backends::nats_beside(&config)?.nats(NatsRole::Gateway);
        let format = if arguments.json { Format::Json } else { Format::Text };
        let follow = async {
            let bus = Bus::connect(&nats, NatsRole::Gateway.name()).await?;
            Tail::new(bus, arguments.worker.unwrap_or_default(), arguments.since, format).await?.run().await
        };
        stop.run_until_cancelled(follow).await.unwrap_or(Ok(()))
    })
}
