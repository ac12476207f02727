//! `andon nodes`: who owns which partitions, since when, and why it moved.

use andon_nats::Bus;
use clap::Args;

use crate::backends::{Backends, NatsRole};
use crate::cli::Settings;
use crate::nodes::Nodes;
use crate::tool;

/// Arguments of `andon nodes`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// As one JSON object, with every partition
    #[arg(long)]
    pub json: bool,
}

/// Prints it.
///
/// # Errors
/// The log cannot be read.
pub fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    tool::run(settings, async |config, stop| {
        let nats = Backends::nats_beside(&config)?.nats(NatsRole::Gateway);
        let looking = async {
            let bus = Bus::connect(&nats, NatsRole::Gateway.name()).await?;
            Nodes::look(&bus).await
        };
        let Some(nodes) = stop.run_until_cancelled(looking).await else { return Ok(()) };
        let nodes = nodes?;
        if arguments.json {
            tool::say(nodes.json())
        } else {
            tool::say(nodes)
        }
        Ok(())
    })
}
