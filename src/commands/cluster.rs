//! `andon cluster`: a whole cluster on one machine, and what is done to its processes and links.

use clap::{Args, Subcommand};

use crate::cli::Settings;
use crate::cluster;
use crate::config::Needs;
use crate::{process, tool};

/// Arguments of `andon cluster`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Engine nodes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub nodes: u8,
    /// What to do to the cluster that runs in the data directory; without it, one is started
    #[command(subcommand)]
    pub order: Option<Order>,
}

/// What is done to a running cluster.
#[derive(Debug, Subcommand)]
pub enum Order {
    /// Print every process, where gateways serve and metrics are, and the links that are cut or slowed down
    Status,
    /// Kill a process (SIGKILL)
    Kill(Name),
    /// Suspend a process (SIGSTOP)
    Stop(Name),
    /// Let a suspended process go on (SIGCONT)
    Cont(Name),
    /// Start a process that has ended
    Start(Name),
    /// Ask a process to end, and start it again
    Restart(Name),
    /// Cut all links of a process, or the one with another: nothing passes, and nobody is told
    Cut(Ends),
    /// Slow all links of a process down, or the one with another, by so many milliseconds each way
    Delay(Slow),
    /// Heal them of both: what was held arrives
    Heal(Ends),
}

/// A process.
#[derive(Debug, Args)]
pub struct Name {
    /// Its name: engine-1, gateway-2, persistence-1, nats-3, postgres
    pub name: String,
}

/// One end of links, or both.
#[derive(Debug, Args)]
pub struct Ends {
    /// A process
    pub name: String,
    /// The process at the other end
    pub other: Option<String>,
}

/// Links, and by how much they are slowed down.
#[derive(Debug, Args)]
pub struct Slow {
    /// A process; another at the other end, if it is only that link; milliseconds, 0 for no more
    #[arg(value_name = "NAME [NAME] MS", num_args = 2..=3, required = true)]
    pub what: Vec<String>,
}

/// Runs a cluster until a signal ends it, or tells a running one.
///
/// # Errors
/// It does not start; or none runs, or it refuses.
pub fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    if let Some(order) = arguments.order {
        return tool::run(settings, async |config, stop| {
            let line = line(&order);
            let asking = cluster::send(&config.data_dir, &line);
            let Some(told) = stop.run_until_cancelled(asking).await else { return Ok(()) };
            let told = told?;
            if !told.is_empty() {
                tool::say(told.trim_end());
            }
            Ok(())
        });
    }
    process::serve(settings, Needs::default(), None, async |config, shutdown| {
        cluster::run(&config, arguments.nodes, &shutdown).await
    })
}

fn line(order: &Order) -> String {
    let both = |word: &str, ends: &Ends| format!("{word} {} {}", ends.name, ends.other.as_deref().unwrap_or_default());
    match order {
        Order::Status => "status".to_owned(),
        Order::Kill(of) => format!("kill {}", of.name),
        Order::Stop(of) => format!("stop {}", of.name),
        Order::Cont(of) => format!("cont {}", of.name),
        Order::Start(of) => format!("start {}", of.name),
        Order::Restart(of) => format!("restart {}", of.name),
        Order::Cut(ends) => both("cut", ends),
        Order::Delay(slow) => format!("delay {}", slow.what.join(" ")),
        Order::Heal(ends) => both("heal", ends),
    }
}
