//! Ours and the floor in turn, and what both used meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Options;
use super::load::{Callers, Load};
use super::processes;
use super::report::{Figure, Target, millis};

/// How the load generator is called among the programs.
const GENERATOR: &str = "load generator";
/// Less than this much of one core is rest, in percent.
const REST_PERCENT: u32 = 10;
/// How long it must rest.
const REST: Duration = Duration::from_millis(200);

/// One of the two that are compared.
pub trait Side {
    /// Works as fast as it can for so long.
    async fn call(&mut self, during: Duration) -> anyhow::Result<Load>;

    /// The process that, with all its children, does the work.
    fn process(&self) -> i32;
}

/// HTTP callers, and the process that answers them.
pub struct Answering {
    /// The callers.
    pub callers: Callers,
    /// Who answers.
    pub process: i32,
}

impl Side for Answering {
    async fn call(&mut self, during: Duration) -> anyhow::Result<Load> {
        self.callers.call(during).await
    }

    fn process(&self) -> i32 {
        self.process
    }
}

/// What was measured of one side, by round.
#[derive(Default)]
pub struct Measured {
    loads: Vec<Load>,
    cpu: BTreeMap<String, Duration>,
}

/// What was measured of both.
#[derive(Default)]
pub struct Rounds {
    ours: Measured,
    floor: Measured,
}

impl Rounds {
    /// Warms both up and measures them in turn; every other round begins with the floor.
    ///
    /// # Errors
    /// One of them fails, or answers something else than expected.
    pub async fn of(ours: &mut impl Side, floor: &mut impl Side, options: &Options) -> anyhow::Result<Self> {
        let mut rounds = Self::default();
        let mut warm = Measured::default();
        warm.measure(ours, options.warm_up, options.settle).await?;
        warm.measure(floor, options.warm_up, options.settle).await?;
        for round in 0..options.rounds {
            if round.is_multiple_of(2) {
                rounds.ours.measure(ours, options.round, options.settle).await?;
            }
            rounds.floor.measure(floor, options.round, options.settle).await?;
            if !round.is_multiple_of(2) {
                rounds.ours.measure(ours, options.round, options.settle).await?;
            }
        }
        Ok(rounds)
    }

    /// How many a second, and the latencies.
    pub fn figures(&self, name: &'static str, share_target: f64, p99_target_ms: Option<f64>) -> Vec<Figure> {
        let figure = |name, unit, of: fn(&Load) -> f64, target| Figure {
            name,
            unit,
            ours: self.ours.loads.iter().map(of).collect(),
            floor: self.floor.loads.iter().map(of).collect(),
            target,
        };
        vec![
            figure(name, "/s", Load::per_second, Some(Target::ShareOfFloor(share_target))),
            figure("p50 latency", "ms", |load| latency(load, 50), None),
            figure("p99 latency", "ms", |load| latency(load, 99), p99_target_ms.map(Target::AtMost)),
        ]
    }

    /// What each of them cost, by program.
    pub fn notes(&self) -> Vec<String> {
        vec![
            format!("processor time for each: ours {}", self.ours.cost()),
            format!("{:25} floor {}", "", self.floor.cost()),
        ]
    }
}

impl Measured {
    async fn measure(&mut self, side: &mut impl Side, during: Duration, settle: Duration) -> anyhow::Result<()> {
        // What the round before left to be done belongs to it, not to this one.
        rest(side.process(), settle).await;
        let before = used(side.process());
        let load = side.call(during).await?;
        let after = used(side.process());
        anyhow::ensure!(
            load.bad == 0,
            "{} answers were not as expected, one of them: {}",
            load.bad,
            load.example.unwrap_or_default()
        );
        for (program, used) in after {
            let so_far = before.get(&program).copied().unwrap_or_default();
            *self.cpu.entry(program).or_default() += used.saturating_sub(so_far);
        }
        self.loads.push(load);
        Ok(())
    }

    fn cost(&self) -> String {
        let count: u64 = self.loads.iter().map(|load| load.latencies.count()).sum();
        let each = |used: &Duration| used.as_secs_f64() * 1e6 / count.max(1) as f64;
        let told = self.cpu.iter().map(|(program, used)| format!("{program} {:.1} µs", each(used)));
        told.collect::<Vec<_>>().join(", ")
    }
}

fn latency(load: &Load, percent: u64) -> f64 {
    load.latencies.percentile(percent).map_or(f64::NAN, millis)
}

fn used(process: i32) -> BTreeMap<String, Duration> {
    let mut used = processes::cpu_below(process);
    used.insert(GENERATOR.to_owned(), processes::cpu(std::process::id().cast_signed()));
    used
}

/// Waits until a process and its children have come to rest, but no longer than `limit`.
pub async fn rest(process: i32, limit: Duration) {
    let total = || processes::cpu_below(process).values().sum::<Duration>();
    let deadline = Instant::now() + limit;
    let mut before = total();
    while Instant::now() < deadline {
        tokio::time::sleep(REST).await;
        let now = total();
        if now.saturating_sub(before) * 100 < REST * REST_PERCENT {
            return;
        }
        before = now;
    }
}
