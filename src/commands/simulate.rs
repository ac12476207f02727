//! `andon simulate`: virtual workers who do real shifts over HTTP.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use crate::cli::Settings;
use crate::simulate::{CODES_DEFAULT, Codes, JOBS_DEFAULT, SPEED_DEFAULT, SimulateConfig, Simulation};
use crate::tool;

/// Faster than this, and the answers take longer than the shifts.
const SPEED_MAX: f64 = 1e6;

/// Arguments of `andon simulate`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How many workers: the first so many of the codes [default: all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// The gateway
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The codes with which they sign in, one a worker. In the demo factory 1011 and 1012 are left to people
    #[arg(long, value_name = "CODES", default_value = CODES_DEFAULT)]
    pub codes: Codes,
    /// The job numbers they choose from
    #[arg(long, value_name = "JOBS", default_value = JOBS_DEFAULT, value_delimiter = ',', hide_default_value = true)]
    pub jobs: Vec<String>,
    /// How much faster than life they work; heartbeats keep real time
    #[arg(long, value_name = "FACTOR", default_value_t = SPEED_DEFAULT, value_parser = speed)]
    pub speed: f64,
    /// The same seed makes the same decisions
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Stop after this long [default: when asked to]
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// Print a summary this often as well as at the end
    #[arg(long, value_name = "DURATION", value_parser = every)]
    pub every: Option<Duration>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "must be a number".to_owned())?;
    if (0.1..=SPEED_MAX).contains(&speed) { Ok(speed) } else { Err(format!("must be from 0.1 to {SPEED_MAX}")) }
}

fn every(text: &str) -> Result<Duration, String> {
    let every = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if every >= Duration::from_secs(1) { Ok(every) } else { Err("must be 1s or longer".to_owned()) }
}

/// Runs until its time is over or a signal ends it, and prints what was done.
///
/// # Errors
/// There are not enough codes; or some answers were not expected, each of which has been printed.
pub fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    tool::run(settings, async |_config, stop| {
        let config = configured(&arguments)?;
        let simulation = Simulation::new(&config)?;
        let tally = simulation.tally();
        let summaries = async {
            let Some(every) = arguments.every else { return std::future::pending().await };
            let mut ticks = interval_at(Instant::now() + every, every);
            loop {
                ticks.tick().await;
                tool::say(format_args!("{}\n", tally.summary()));
            }
        };
        tokio::select! {
            () = simulation.run(stop.clone()) => {}
            () = time_is_over(arguments.duration, &stop) => {}
            () = summaries => {}
        }
        let summary = tally.summary();
        tool::say(&summary);
        anyhow::ensure!(summary.unexpected() == 0, "{} answers were not expected", summary.unexpected());
        Ok(())
    })
}

fn configured(arguments: &Arguments) -> anyhow::Result<SimulateConfig> {
    let mut codes = arguments.codes.clone().into_inner();
    if let Some(workers) = arguments.workers.map(usize::from) {
        anyhow::ensure!(workers <= codes.len(), "{workers} workers need as many --codes; {} are given", codes.len());
        codes.truncate(workers);
    }
    Ok(SimulateConfig {
        url: arguments.url.clone(),
        codes,
        jobs: arguments.jobs.clone(),
        seed: arguments.seed,
        speed: arguments.speed,
        on_unexpected: |text| tool::say(format_args!("unexpected: {text}")),
    })
}

async fn time_is_over(duration: Option<Duration>, stop: &CancellationToken) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => stop.cancelled().await,
    }
}
