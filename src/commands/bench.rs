//! `andon bench`: measures, each figure beside its floor.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::bench::failover::Case;
use crate::bench::{self, Options, Told};
use crate::cli::Settings;
use crate::tool;

/// Warm-up: connections, caches, and as many command ids as a state ever carries.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long the stack may take to come to rest between two measurements.
const SETTLE: Duration = Duration::from_secs(10);
/// The same after a start with all sessions, which Postgres is told of as well.
const SETTLE_SESSIONS: Duration = Duration::from_secs(40);

/// The same load as during a rolling restart, before it, for comparison.
const UNDISTURBED: Duration = Duration::from_secs(5);

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Heartbeats a second, beside a bare handler that parses the same body
    Heartbeat(Load),
    /// Durable status changes a second, beside bare publishes of the same messages
    Status(Load),
    /// Memory of active sessions, and a restart with all of them
    Sessions(Sessions),
    /// The live feed, beside a bare broadcast: latency, deliveries, memory of a connection
    Feed(Feed),
    /// What workers notice when processes of a cluster die, and that nothing is lost by it
    Failover(Failover),
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

/// Arguments of the one that watches.
#[derive(Debug, Args)]
pub struct Feed {
    /// Active sessions
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(8..=1000))]
    pub sessions: u16,
    /// Viewers in a crowd
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(10..=5000))]
    pub viewers: u16,
    /// Idle connections of which memory is measured
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u16).range(100..=8000))]
    pub idle: u16,
    /// How often everything is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub rounds: u8,
    /// How long each scene is played
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = round)]
    pub round: Duration,
    #[command(flatten)]
    print: Print,
}

/// Arguments of the one that kills.
#[derive(Debug, Args)]
pub struct Failover {
    /// Active sessions
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1000..=50_000))]
    pub sessions: u32,
    /// Active sessions at the cold start
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1000..=100_000))]
    pub cold_sessions: u32,
    /// How often each is done [default: 30 of kill and stop, 10 of leader, 5 of rolling and servers, 3 of cold]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub trials: Option<u8>,
    /// Only this is done [default: all of it]
    #[arg(long, value_name = "CASE", value_delimiter = ',', num_args = 1..)]
    pub only: Vec<Case>,
    /// No trial begins later than this
    #[arg(long, value_name = "DURATION", default_value = "90m", value_parser = humantime::parse_duration)]
    pub within: Duration,
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
/// Something does not work; or acknowledged work is lost.
pub fn run(settings: Settings, bench: Bench) -> anyhow::Result<()> {
    tool::run(settings, async |config, stop| {
        if cfg!(debug_assertions) {
            tracing::warn!("this is a debug build: its figures say nothing (cargo build --release)");
        }
        let print = bench.print();
        let measuring = async {
            match bench {
                Bench::Heartbeat(load) => told(bench::heartbeat::measure(&config, &load.options()).await?),
                Bench::Status(load) => told(bench::status::measure(&config, &load.options()).await?),
                Bench::Sessions(sessions) => told(bench::sessions::measure(&config, &sessions.options()).await?),
                Bench::Feed(feed) => told(bench::feed::measure(&config, &feed.options()).await?),
                Bench::Failover(failover) => told(bench::failover::measure(&config, &failover.options()).await?),
            }
        };
        match stop.run_until_cancelled(Box::pin(measuring)).await {
            Some(report) => say(&*report?, print.json),
            None => anyhow::bail!("interrupted: everything it started has ended"),
        }
    })
}

fn told(report: impl Told + 'static) -> anyhow::Result<Box<dyn Told>> {
    Ok(Box::new(report))
}

fn say(report: &dyn Told, json: bool) -> anyhow::Result<()> {
    if json {
        tool::say(report.json())
    } else {
        tool::say(report)
    }
    report.failure().map_or(Ok(()), |why| Err(anyhow::anyhow!(why)))
}

impl Bench {
    fn print(&self) -> Print {
        match self {
            Self::Heartbeat(load) | Self::Status(load) => load.print,
            Self::Sessions(sessions) => sessions.print,
            Self::Feed(feed) => feed.print,
            Self::Failover(failover) => failover.print,
        }
    }
}

impl Load {
    fn options(&self) -> Options {
        let options = Options {
            sessions: usize::from(self.sessions),
            connections: usize::from(self.connections),
            rounds: usize::from(self.rounds),
            round: self.round,
            warm_up: WARM_UP,
            settle: SETTLE,
        };
        if self.print.quick { quick(options) } else { options }
    }
}

impl Sessions {
    fn options(&self) -> Options {
        let options = Options {
            sessions: self.sessions as usize,
            connections: 1,
            rounds: usize::from(self.rounds),
            round: Duration::ZERO,
            warm_up: Duration::ZERO,
            settle: SETTLE_SESSIONS,
        };
        if self.print.quick { quick(options) } else { options }
    }
}

impl Feed {
    fn options(&self) -> bench::feed::Options {
        let options = bench::feed::Options {
            sessions: usize::from(self.sessions),
            viewers: usize::from(self.viewers),
            idle: usize::from(self.idle),
            rounds: usize::from(self.rounds),
            round: self.round,
            settle: SETTLE,
        };
        if !self.print.quick {
            return options;
        }
        bench::feed::Options {
            sessions: options.sessions.min(8),
            viewers: options.viewers.min(20),
            idle: options.idle.min(300),
            rounds: 1,
            round: options.round.min(Duration::from_millis(500)),
            settle: Duration::from_secs(1),
        }
    }
}

impl Failover {
    fn options(&self) -> bench::failover::Options {
        let cases = if self.only.is_empty() { Case::ALL.to_vec() } else { self.only.clone() };
        let options = bench::failover::Options {
            sessions: self.sessions as usize,
            cold_sessions: self.cold_sessions as usize,
            trials: self.trials.map(usize::from),
            cases,
            within: self.within,
            undisturbed: UNDISTURBED,
        };
        if !self.print.quick {
            return options;
        }
        bench::failover::Options {
            sessions: options.sessions.min(600),
            cold_sessions: options.cold_sessions.min(600),
            trials: Some(1),
            undisturbed: options.undisturbed.min(Duration::from_secs(1)),
            ..options
        }
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
