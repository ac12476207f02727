//! `andon bench`: measures, each figure beside its floor.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::bench::{self, Options, Report};
use crate::cli::Settings;
use crate::tool;

/// Warm-up: connections, caches, and as many command ids as a state ever carries.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long the stack may take to come to rest between two measurements.
const SETTLE: Duration = Duration::from_secs(10);
/// The same after a start with all sessions, which Postgres is told of as well.
const SETTLE_SESSIONS: Duration = Duration::from_secs(40);

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Heartbeats a second, beside a bare handler that parses the same body
    Heartbeat(Load),
    /// Durable status changes a second, beside bare publishes of the same messages
    Status(Load),
    /// Memory of active sessions, and a restart with all of them
    Sessions(Sessions),
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct Print {
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
    /// A moment of everything: whether it works, not how well
    #[arg(long)]
    pub quick: bool,
}

/// Arguments of those that put load on it.
#[derive(Debug, Args)]
pub struct Load {
    /// Connections, each with one request in flight
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub connections: u16,
    /// Sessions that beat (heartbeat only; status has one for each connection)
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub sessions: u16,
    /// How often ours and the floor are measured
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub rounds: u8,
    /// How long each of them is measured in a round
    #[arg(long, value_name = "DURATION", default_value = "4s", value_parser = round)]
    pub round: Duration,
    #[command(flatten)]
    print: Print,
}

/// Arguments of the one that counts memory.
#[derive(Debug, Args)]
pub struct Sessions {
    /// Active sessions
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub sessions: u32,
    /// How often it is restarted with them
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub rounds: u8,
    #[command(flatten)]
    print: Print,
}

fn round(text: &str) -> Result<Duration, String> {
    let round = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let allowed = Duration::from_millis(100)..=Duration::from_secs(60);
    if allowed.contains(&round) { Ok(round) } else { Err("must be from 100ms to 60s".to_owned()) }
}

/// Measures and prints. A missed target is a result, not an error.
///
/// # Errors
/// Something does not work.
pub fn run(settings: Settings, bench: Bench) -> anyhow::Result<()> {
    tool::run(settings, async |config, stop| {
        if cfg!(debug_assertions) {
            tracing::warn!("this is a debug build: its figures say nothing (cargo build --release)");
        }
        let (print, options) = (bench.print(), bench.options());
        let measuring = async {
            match bench {
                Bench::Heartbeat(_) => bench::heartbeat::measure(&config, &options).await,
                Bench::Status(_) => bench::status::measure(&config, &options).await,
                Bench::Sessions(_) => bench::sessions::measure(&config, &options).await,
            }
        };
        match stop.run_until_cancelled(Box::pin(measuring)).await {
            Some(report) => say(&report?, print.json),
            None => anyhow::bail!("interrupted: everything it started has ended"),
        }
        Ok(())
    })
}

fn say(report: &Report, json: bool) {
    if json { tool::say(report.json()) } else { tool::say(report) }
}

impl Bench {
    fn print(&self) -> Print {
        match self {
            Self::Heartbeat(load) | Self::Status(load) => load.print,
            Self::Sessions(sessions) => sessions.print,
        }
    }

    fn options(&self) -> Options {
        let options = match self {
            Self::Heartbeat(load) | Self::Status(load) => Options {
                sessions: usize::from(load.sessions),
                connections: usize::from(load.connections),
                rounds: usize::from(load.rounds),
                round: load.round,
                warm_up: WARM_UP,
                settle: SETTLE,
            },
            Self::Sessions(sessions) => Options {
                sessions: sessions.sessions as usize,
                connections: 1,
                rounds: usize::from(sessions.rounds),
                round: Duration::ZERO,
                warm_up: Duration::ZERO,
                settle: SETTLE_SESSIONS,
            },
        };
        if self.print().quick { quick(options) } else { options }
    }
}

fn quick(options: Options) -> Options {
    Options {
        sessions: options.sessions.min(200),
        connections: options.connections.min(8),
        rounds: options.rounds.min(2),
        round: options.round.min(Duration::from_millis(200)),
        warm_up: options.warm_up.min(Duration::from_millis(200)),
        settle: Duration::from_secs(1),
    }
}
