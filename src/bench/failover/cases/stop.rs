//! An engine node is suspended (SIGSTOP), the others take over, and it goes on (SIGCONT) as if nothing had been: with
//! commands in its buffers that were decided elsewhere meanwhile, and with more on their way.

use super::{Owned, Plan, Section, TRY_WITHIN, figures};
use crate::bench::failover::figures::{Figure, at_most};
use crate::bench::failover::scene::Scene;
use crate::bench::failover::site::ENGINES;
use crate::bench::failover::strike::Fault;

pub(super) async fn run(scene: &mut Scene, plan: Plan) -> Section {
    let (trials, ended) = plan.trials(scene, async |scene, number| trial(scene, plan, number).await).await;
    let (stopped, gone_on): (Vec<_>, Vec<_>) = trials.into_iter().unzip();
    let mut figures = figures(&stopped, &[at_most(99, 3.0)]);
    figures.push(Figure::new(
        "after SIGCONT: the next command is answered",
        "s",
        gone_on.into_iter().flatten().collect(),
    ));
    plan.section(stopped.len(), figures, ended)
}

async fn trial(scene: &mut Scene, plan: Plan, number: usize) -> anyhow::Result<(Owned, Vec<f64>)> {
    let name = ENGINES[number % ENGINES.len()];
    let partitions = scene.owners.now().of(name);
    let (stop, go_on) = ([format!("stop {name}")], [format!("cont {name}")]);
    let mut fault = Fault {
        case: plan.case,
        partitions: &partitions,
        orders: &stop,
        then: &[],
        in_flight: true,
        within: TRY_WITHIN,
    };
    let stopped = fault.strike(scene).await.and_then(|struck| Owned::of(scene, struck));
    // Whatever came of it, nothing stays suspended.
    fault.orders = &go_on;
    let gone_on = fault.strike(scene).await?;
    gone_on.last_s()?;
    Ok((stopped?, gone_on.served_s))
}
