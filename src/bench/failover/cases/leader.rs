//! The nats-server that leads the log is killed, and started again afterwards.

use anyhow::Context as _;

use super::{Plan, Section, TRY_WITHIN};
use crate::bench::failover::figures::{Figure, at_most};
use crate::bench::failover::scene::Scene;
use crate::bench::failover::site::log_leader;
use crate::bench::failover::strike::{Fault, Struck};

pub(super) async fn run(scene: &mut Scene, plan: Plan) -> Section {
    let (trials, ended) = plan.trials(scene, async |scene, _| trial(scene, plan).await).await;
    plan.section(trials.len(), figures(&trials, 12.0), ended)
}

async fn trial(scene: &mut Scene, plan: Plan) -> anyhow::Result<Outage> {
    let leader = log_leader(&scene.bus).await.context("nobody leads the log")?;
    let orders = [format!("kill {leader}")];
    let fault = Fault {
        case: plan.case,
        partitions: &Scene::everywhere(),
        orders: &orders,
        then: &[],
        in_flight: true,
        within: TRY_WITHIN,
    };
    let struck = fault.strike(scene).await;
    scene.site.order(&format!("start {leader}")).await?;
    Outage::of(scene, struck?)
}

/// Of one fault in the servers.
pub(super) struct Outage {
    last_s: f64,
    served_s: Vec<f64>,
    answered_s: Vec<f64>,
    moved: f64,
}

impl Outage {
    pub(super) fn of(scene: &Scene, struck: Struck) -> anyhow::Result<Self> {
        let moved = scene.owners.now().moves_since(struck.wall_us).len() as f64;
        Ok(Self { last_s: struck.last_s()?, moved, served_s: struck.served_s, answered_s: struck.answered_s })
    }
}

/// The figures of faults in the servers; the last partition must serve again within so many seconds.
pub(super) fn figures(trials: &[Outage], within_s: f64) -> Vec<Figure> {
    let each = |of: fn(&Outage) -> f64| trials.iter().map(of).collect::<Vec<_>>();
    let all = |of: fn(&Outage) -> &Vec<f64>| trials.iter().flat_map(of).copied().collect::<Vec<_>>();
    vec![
        Figure::new("last partition accepts commands", "s", each(|trial| trial.last_s)).with(&[at_most(99, within_s)]),
        Figure::new("any partition accepts commands", "s", all(|trial| &trial.served_s)),
        Figure::new("command on its way is answered", "s", all(|trial| &trial.answered_s)),
        Figure::new("partitions that changed their owner", "", each(|trial| trial.moved)),
    ]
}
