//! An engine node is killed with SIGKILL, and started again afterwards.

use super::{Owned, Plan, Section, TRY_WITHIN, figures};
use crate::bench::failover::figures::at_most;
use crate::bench::failover::scene::Scene;
use crate::bench::failover::site::ENGINES;
use crate::bench::failover::strike::Fault;

pub(super) async fn run(scene: &mut Scene, plan: Plan) -> Section {
    let (trials, ended) = plan.trials(scene, async |scene, number| trial(scene, plan, number).await).await;
    plan.section(trials.len(), figures(&trials, &[at_most(50, 1.0), at_most(99, 2.5)]), ended)
}

async fn trial(scene: &mut Scene, plan: Plan, number: usize) -> anyhow::Result<Owned> {
    let name = ENGINES[number % ENGINES.len()];
    let partitions = scene.owners.now().of(name);
    scene.owners.now().gone(name);
    let orders = [format!("kill {name}")];
    let fault = Fault {
        case: plan.case,
        partitions: &partitions,
        orders: &orders,
        then: &[],
        in_flight: true,
        within: TRY_WITHIN,
    };
    let struck = fault.strike(scene).await?;
    let trial = Owned::of(scene, struck);
    scene.site.order(&format!("start {name}")).await?;
    trial
}
