//! Virtual workers who do real shifts over HTTP: they sign in, open sessions, answer checklists, report what they do,
//! make mistakes and correct them, complete, pause, and begin again. Tasks of this process, a few requests a minute
//! each.

mod api;
mod codes;
mod menu;
mod plan;
mod tally;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use api::{Api, Request};
pub use codes::Codes;
pub use tally::{Summary, Tally};
use worker::Worker;

/// How much faster than life they work by default: a shift of two hours takes six minutes.
pub const SPEED_DEFAULT: f64 = 20.0;
/// The codes of the demo factory that are left to simulated workers; 1011 and 1012 are for people.
pub const CODES_DEFAULT: &str = "1001-1010";
/// The jobs of the demo factory.
pub const JOBS_DEFAULT: &str = "24-1001,24-1002,24-1003,24-1004,24-1005,24-1006,24-1007,24-1008,24-1009,24-1010,\
     24-1011,24-1012,24-1013,24-1014,24-1015,24-1016,24-1017,24-1018";

/// Who works, where, and how.
#[derive(Debug, Clone)]
pub struct SimulateConfig {
    /// The gateway, `http://host:port`.
    pub url: String,
    /// One worker for each code.
    pub codes: Vec<String>,
    /// The jobs they choose from; at least one.
    pub jobs: Vec<String>,
    /// The same seed makes the same decisions in the same order.
    pub seed: u64,
    /// How much faster than life they work. Heartbeats keep real time.
    pub speed: f64,
    /// Told at once of every answer that was not expected, as one line without control characters.
    pub on_unexpected: fn(&str),
}

impl SimulateConfig {
    /// The workers of the demo factory; what was not expected goes to the log.
    pub fn demo(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            codes: CODES_DEFAULT.parse().map_or_else(|_| Vec::new(), Codes::into_inner),
            jobs: JOBS_DEFAULT.split(',').map(str::to_owned).collect(),
            seed: 1,
            speed: SPEED_DEFAULT,
            on_unexpected: |text| tracing::warn!("a simulated worker was told something unexpected: {text}"),
        }
    }
}

/// Workers about to start.
pub struct Simulation {
    api: Arc<Api>,
    workers: Vec<Worker>,
    tally: Arc<Tally>,
}

impl Simulation {
    /// # Errors
    /// The address is none, or no code or job is given.
    pub fn new(config: &SimulateConfig) -> anyhow::Result<Self> {
        anyhow::ensure!(!config.codes.is_empty() && !config.jobs.is_empty(), "a worker needs a code and a job");
        let tally = Arc::new(Tally::new(config.on_unexpected));
        let api = Arc::new(Api::new(&config.url, Arc::clone(&tally)).context("the simulation cannot start")?);
        let workers = (0..).zip(&config.codes).map(|(index, code)| Worker::new(Arc::clone(&api), config, index, code));
        let workers = workers.collect();
        Ok(Self { api, workers, tally })
    }

    /// What has been counted so far, also while they work.
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// Works until `stop`. Open sessions stay open, as they do when people go home: the next run takes them up again.
    pub async fn run(self, stop: CancellationToken) {
        let work = async {
            // Nobody comes to work before the doors are open.
            let ready = Request { name: "ready", path: "/readyz", body: None, token: None };
            while self.api.send(ready.clone()).await.is_err() {}
            join_all(self.workers.into_iter().map(Worker::run)).await
        };
        stop.run_until_cancelled(work).await;
    }
}

/// Works until `stop`, and says what was done.
///
/// # Errors
/// The configuration cannot be used.
pub async fn run(config: SimulateConfig, stop: CancellationToken) -> anyhow::Result<Summary> {
    let simulation = Simulation::new(&config)?;
    let tally = simulation.tally();
    simulation.run(stop).await;
    Ok(tally.summary())
}

/// A span of work as long as it takes at this speed.
fn scaled(span: Duration, speed: f64) -> Duration {
    span.div_f64(speed)
}
