//! All engine nodes are started at once, after all were killed: nobody is there to hand anything over.

use super::{Plan, Section, TRY_WITHIN};
use crate::bench::failover::figures::{Figure, at_most};
use crate::bench::failover::scene::Scene;
use crate::bench::failover::site::ENGINES;
use crate::bench::failover::strike::Fault;

pub(super) async fn run(scene: &mut Scene, plan: Plan) -> Section {
    let (trials, ended) = plan.trials(scene, async |scene, _| trial(scene, plan).await).await;
    let last = trials.iter().map(|(last, _)| *last).collect();
    let any = trials.iter().flat_map(|(_, served)| served).copied().collect();
    let figures = vec![
        Figure::new("last partition accepts commands", "s", last).with(&[at_most(99, 10.0)]),
        Figure::new("any partition accepts commands", "s", any),
    ];
    plan.section(trials.len(), figures, ended)
}

async fn trial(scene: &mut Scene, plan: Plan) -> anyhow::Result<(f64, Vec<f64>)> {
    for name in ENGINES {
        scene.owners.now().gone(name);
        scene.site.order(&format!("kill {name}")).await?;
    }
    let fault = Fault {
        case: plan.case,
        partitions: &Scene::everywhere(),
        orders: &ENGINES.map(|name| format!("start {name}")),
        then: &[],
        in_flight: false,
        within: TRY_WITHIN,
    };
    let struck = fault.strike(scene).await?;
    Ok((struck.last_s()?, struck.served_s))
}
