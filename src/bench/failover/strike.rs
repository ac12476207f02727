//! One fault, and what workers notice of it: a command of one worker in every partition concerned that was on its way
//! when it happened, and one of another worker that is sent right afterwards.

use std::time::Duration;

use anyhow::Context as _;
use bus_schemas::Partition;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Case;
use super::client::{Client, Ended};
use super::ledger::Outcome;
use super::scene::Scene;
use crate::bench::clock;

/// A fault.
pub struct Fault<'a> {
    /// What is going on.
    pub case: Case,
    /// The partitions that it concerns.
    pub partitions: &'a [Partition],
    /// What is done to the cluster, in this order.
    pub orders: &'a [String],
    /// What is done as soon as that is done.
    pub then: &'a [String],
    /// Whether commands are on their way when it happens.
    pub in_flight: bool,
    /// How long workers try.
    pub within: Duration,
}

/// What was noticed.
pub struct Struck {
    /// When it began: just before the first order.
    pub wall_us: i64,
    /// From then until a command that was sent after the fault was acknowledged, in seconds, by partition.
    pub served_s: Vec<f64>,
    /// From then until a command that was on its way was answered, in seconds.
    pub answered_s: Vec<f64>,
    /// Partitions without an acknowledgement, and one of the answers there.
    pub unserved: usize,
    /// One of the answers there.
    pub told: Option<String>,
}

/// Workers of this rank in their partition have a command on its way; those of the other send theirs afterwards.
const IN_FLIGHT: usize = 1;
const FRESH: usize = 0;

type Sending = JoinSet<(Client, Ended)>;

impl Fault<'_> {
    /// Does it, and waits until everybody who notices has an answer.
    ///
    /// # Errors
    /// The cluster does not do what it is told.
    pub async fn strike(&self, scene: &mut Scene) -> anyhow::Result<Struck> {
        let mut in_flight = Sending::new();
        if self.in_flight {
            self.send(scene.staff.take(self.partitions, IN_FLIGHT), &mut in_flight);
        }
        let (began, wall_us) = (Instant::now(), clock::wall_us());
        for order in self.orders {
            scene.site.order(order).await?;
        }
        let done = Instant::now();
        let mut fresh = Sending::new();
        self.send(scene.staff.take(self.partitions, FRESH), &mut fresh);
        for order in self.then {
            scene.site.order(order).await?;
        }
        let since = |at: Instant| at.duration_since(began).as_secs_f64();
        let mut struck = Struck { wall_us, served_s: Vec::new(), answered_s: Vec::new(), unserved: 0, told: None };
        for ended in gather(fresh, scene).await? {
            match ended.outcome {
                Outcome::Ok => struck.served_s.push(since(ended.at)),
                Outcome::Refused | Outcome::Unknown => {
                    struck.unserved += 1;
                    struck.told = struck.told.or(ended.told);
                }
            }
        }
        // What was answered before is of no interest.
        let late = |ended: &Ended| ended.at > done;
        struck.answered_s =
            gather(in_flight, scene).await?.iter().filter(|ended| late(ended)).map(|e| since(e.at)).collect();
        Ok(struck)
    }

    fn send(&self, clients: Vec<Client>, sending: &mut Sending) {
        let (case, deadline) = (self.case, Instant::now() + self.within);
        for mut client in clients {
            sending.spawn(async move {
                let ended = client.insist(case, deadline).await;
                (client, ended)
            });
        }
    }
}

async fn gather(mut sending: Sending, scene: &mut Scene) -> anyhow::Result<Vec<Ended>> {
    let mut all = Vec::with_capacity(sending.len());
    while let Some(sent) = sending.join_next().await {
        let (client, ended) = sent.context("a client has failed")?;
        scene.staff.put_back([client]);
        all.push(ended);
    }
    Ok(all)
}

impl Struck {
    /// When the last partition served, in seconds.
    ///
    /// # Errors
    /// One did not.
    pub fn last_s(&self) -> anyhow::Result<f64> {
        let told = self.told.as_deref().unwrap_or("no answer");
        anyhow::ensure!(self.unserved == 0, "{} partitions were not served, one of them: {told}", self.unserved);
        let last = self.served_s.iter().copied().reduce(f64::max);
        last.context("nobody works in the partitions concerned: more sessions are needed")
    }
}
