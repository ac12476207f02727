//! All three nats-servers are killed at once, and started again at once.

use super::leader::{Outage, figures};
use super::{Plan, Section, TRY_WITHIN};
use crate::bench::failover::scene::Scene;
use crate::bench::failover::site::SERVERS;
use crate::bench::failover::strike::Fault;

pub(super) async fn run(scene: &mut Scene, plan: Plan) -> Section {
    let (trials, ended) = plan.trials(scene, async |scene, _| trial(scene, plan).await).await;
    plan.section(trials.len(), figures(&trials, 30.0), ended)
}

async fn trial(scene: &mut Scene, plan: Plan) -> anyhow::Result<Outage> {
    let fault = Fault {
        case: plan.case,
        partitions: &Scene::everywhere(),
        orders: &SERVERS.map(|name| format!("kill {name}")),
        then: &SERVERS.map(|name| format!("start {name}")),
        in_flight: true,
        within: TRY_WITHIN,
    };
    let struck = fault.strike(scene).await?;
    Outage::of(scene, struck)
}
