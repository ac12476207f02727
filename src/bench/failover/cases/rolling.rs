//! All engine nodes are restarted one after another (SIGTERM, start, wait until it has its share) under a steady load.

use std::time::Duration;

use super::{Plan, Section};
use crate::bench::failover::figures::{Figure, at_most};
use crate::bench::failover::pauses;
use crate::bench::failover::scene::Scene;
use crate::bench::failover::site::ENGINES;
use crate::bench::failover::steady::{PACE, Steady, Walk};
use crate::bench::report::millis;

/// Workers of this rank in their partition are at work.
const RANK: usize = 2;

pub(super) async fn run(scene: &mut Scene, plan: Plan) -> Section {
    let (trials, ended) = plan.trials(scene, async |scene, _| trial(scene, plan).await).await;
    let walks = || trials.iter().flat_map(|trial| trial.walks.iter().map(move |walk| (trial, walk)));
    let pauses = |of: fn(&Trial, &Walk) -> Option<Duration>| {
        walks().filter_map(|(trial, walk)| of(trial, walk)).map(millis).collect::<Vec<_>>()
    };
    let failed = trials.iter().map(|trial| trial.walks.iter().map(|walk| walk.failed.len()).sum::<usize>() as f64);
    let commands =
        trials.iter().map(|trial| trial.walks.iter().map(|walk| walk.acknowledged.len()).sum::<usize>() as f64);
    let figures = vec![
        Figure::new("failed commands", "", failed.collect()).with(&[at_most(100, 0.0)]),
        Figure::new("longest pause of a session", "ms", pauses(Trial::pause)).with(&[at_most(99, 200.0)]),
        Figure::new("the same while nothing is restarted", "ms", pauses(Trial::undisturbed)),
        Figure::new(
            "restart of all nodes",
            "s",
            trials.iter().map(|trial| (trial.to - trial.from).as_secs_f64()).collect(),
        ),
        Figure::new("commands acknowledged meanwhile", "", commands.collect()),
    ];
    let mut section = plan.section(trials.len(), figures, ended);
    let example = walks().flat_map(|(_, walk)| &walk.failed).next();
    section.notes.extend(example.map(|example| format!("one of the failed commands was told: {example}")));
    section
}

/// A rolling restart.
struct Trial {
    walks: Vec<Walk>,
    from: Duration,
    to: Duration,
}

impl Trial {
    fn pause(&self, walk: &Walk) -> Option<Duration> {
        pauses::longest_during(&walk.acknowledged, PACE, self.from, self.to)
    }

    fn undisturbed(&self, walk: &Walk) -> Option<Duration> {
        let before = walk.acknowledged.partition_point(|at| *at < self.from);
        pauses::longest(&walk.acknowledged[..before], PACE)
    }
}

async fn trial(scene: &mut Scene, plan: Plan) -> anyhow::Result<Trial> {
    let load = Steady::start(scene.staff.take(&Scene::everywhere(), RANK), plan.case);
    // No condition is waited for: this is how long the undisturbed load is measured.
    tokio::time::sleep(plan.undisturbed).await;
    let from = load.elapsed();
    let restarted = restart_all(scene).await;
    let to = load.elapsed();
    let walks = load.stop(scene).await?;
    restarted?;
    Ok(Trial { walks, from, to })
}

async fn restart_all(scene: &Scene) -> anyhow::Result<()> {
    for name in ENGINES {
        scene.owners.now().gone(name);
        scene.site.order(&format!("restart {name}")).await?;
        scene.settle().await?;
    }
    Ok(())
}
