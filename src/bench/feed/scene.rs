//! A scene: so many viewers, so many changes, for so long; and what came of it.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::crowd::{self, Arrival, Crowd};
use super::side::{Mode, Side, Stamps};
use super::stream::Carrier;
use crate::bench::report::millis;
use crate::bench::{processes, rounds};
use crate::histogram::Histogram;

/// How long the last changes may take to get everywhere.
const ARRIVE_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What is played.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// Viewers who read.
    pub viewers: usize,
    /// Viewers who do not.
    pub stalled: usize,
    /// How they look.
    pub mode: Mode,
    /// Changes made at once.
    pub burst: usize,
    /// How often.
    pub every: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// From when a change was made to its arrival at a viewer.
    pub latencies: Histogram,
    /// Deliveries a second of processor time of whoever serves.
    pub per_core_second: f64,
    /// Changes that were made, a second.
    pub changes_per_second: f64,
    /// Viewers that missed a change that they were to be told of.
    pub short: usize,
}

impl Outcome {
    /// A percentile in milliseconds.
    pub fn latency(&self, percent: u64) -> f64 {
        self.latencies.percentile(percent).map_or(f64::NAN, millis)
    }
}

impl Scene {
    /// Plays it.
    ///
    /// # Errors
    /// A viewer or a change fails.
    pub async fn play(&self, side: &mut impl Side, during: Duration, settle: Duration) -> anyhow::Result<Outcome> {
        let target = side.target(Carrier::Socket, self.mode);
        let crowd = Crowd::gather(&target, self.viewers, self.stalled, crowd::SET).await?;
        rounds::rest(side.process(), settle).await;
        side.stamps().await?;
        side.begin(self.burst).await?;
        let (used, started) = (processes::cpu(side.process()), Instant::now());
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while started.elapsed() < during {
            ticks.tick().await;
            side.change(self.burst).await?;
        }
        let seconds = started.elapsed().as_secs_f64();
        calm(side.process()).await;
        let used = processes::cpu(side.process()).saturating_sub(used).as_secs_f64();
        let stamps = side.stamps().await?;
        let arrivals = crowd.leave().await?;
        Ok(outcome(&stamps, &arrivals, used, seconds, self.mode))
    }
}

/// Waits until nothing is sent any more.
async fn calm(process: i32) {
    sleep(LOOK_EVERY).await;
    rounds::rest(process, ARRIVE_WITHIN).await;
}

fn outcome(stamps: &Stamps, arrivals: &[Vec<Arrival>], used: f64, seconds: f64, mode: Mode) -> Outcome {
    let mut latencies = Histogram::default();
    let mut short = 0;
    for arrived in arrivals {
        let mut count = 0;
        for arrival in arrived {
            if let Some(made_us) = stamps.get(&arrival.number) {
                let micros = u64::try_from(arrival.at_us - made_us).unwrap_or(0);
                latencies.record(Duration::from_micros(micros));
                count += 1;
            }
        }
        short += usize::from(mode == Mode::Every && count != stamps.len());
    }
    Outcome {
        per_core_second: latencies.count() as f64 / used,
        changes_per_second: stamps.len() as f64 / seconds,
        latencies,
        short,
    }
}
