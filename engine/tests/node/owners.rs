//! Two nodes on one NATS: rules 6 and 9.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bus_schemas::{Partition, Reply};

use crate::gateway::{Bench, assert_chains_hold, eventually, open, status, worker};

const IDLE: Duration = Duration::from_secs(300);
const WORKERS: u128 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn rule_9_a_second_node_stands_by_until_the_first_has_gone() {
    let bench = Bench::start(1).await;
    let first = bench.owner(IDLE).await;
    let session = bench.open(&first, worker(0)).await;
    let second = bench.engine(IDLE).await;
    assert_eq!(second.status().owned, 0);
    first.drain(Duration::from_secs(5)).await;
    eventually("the second owns all", || async { second.status().owned == 256 && second.status().ready }).await;
    bench.done(&second, worker(0), status(session.id, "production")).await;
    let claims = bench.claims().await;
    assert_eq!(claims.iter().filter(|claim| claim.released).count(), 256, "the first has let go of each");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_1_and_9_two_nodes_that_take_over_from_each_other_never_fork_a_session() {
    let bench = Bench::start(WORKERS).await;
    let (first, second) = (bench.owner(IDLE).await, bench.engine(IDLE).await);
    let over = AtomicBool::new(false);
    let fight = async {
        for round in 0..12 {
            let taker = if round % 2 == 0 { &second } else { &first };
            taker.take_over(Partition::all().collect()).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    // Every worker talks to both nodes, as if its gateway were always late to learn who owns it.
    let workers = futures::future::join_all((0..WORKERS).map(|number| {
        let (bench, over, first, second) = (&bench, &over, &first, &second);
        async move {
            let mut stored = Vec::new();
            let mut round = 0_u32;
            while !over.load(Ordering::Relaxed) {
                round += 1;
                let id = format!("w{number}-{round}");
                for node in [first, second, first, second] {
                    match bench.attempt(node.node_id(), &id, worker(number), open()).await {
                        Ok(Reply::Done(_)) => {
                            stored.push(id.clone());
                            break;
                        }
                        Ok(Reply::Refused(refusal)) => panic!("{refusal:?}"),
                        _ => {}
                    }
                }
            }
            stored
        }
    }));
    let (stored, ()) = tokio::join!(workers, fight);
    let events = bench.events().await;
    assert_chains_hold(&events);
    for id in stored.iter().flatten() {
        let opened =
            |event: &bus_schemas::SessionEvent| event.kind.name() == "opened" && event.command_id.as_str() == id;
        assert_eq!(events.iter().filter(|(_, event)| opened(event)).count(), 1, "{id}");
    }
    assert!(stored.iter().all(|ids| !ids.is_empty()), "every worker got something done");
    let claims = bench.claims().await;
    assert!(claims.len() > 256 * 5, "the nodes have taken over from each other: {} claims", claims.len());
}
