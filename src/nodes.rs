//! `andon nodes`: who owns which partitions, since when and why it moved; told by the claims on the log and by what the
//! nodes say of themselves. Postgres is not asked.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use andon_nats::{Bus, Followed, Follower, RequestError, Start};
use anyhow::Context as _;
use bus_schemas::{Claim, NodeStatus, Partition, TimeUs, codec, subject};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use futures::future::join_all;
use serde_json::{Value, json};

/// A node that does not answer within this does not serve.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Time for reading all claims.
const READ_WITHIN: Duration = Duration::from_secs(20);

/// What an owner says of itself, or why it says nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// It has answered.
    Status(NodeStatus),
    /// Nobody answers there: its process is gone.
    Nobody,
    /// No answer in time: it is suspended or cut off.
    Nothing,
}

/// The partitions and their owners.
#[derive(Debug)]
pub struct Nodes {
    claims: BTreeMap<Partition, Claim>,
    said: BTreeMap<Box<str>, Said>,
}

impl Nodes {
    /// Reads the claims and asks the owners.
    ///
    /// # Errors
    /// The log does not answer.
    pub async fn look(bus: &Bus) -> anyhow::Result<Self> {
        let claims = tokio::time::timeout(READ_WITHIN, read_claims(bus)).await;
        let claims = claims.context("the claims cannot be read: does the log answer?")??;
        let owners: BTreeSet<Box<str>> =
            claims.values().filter(|claim| !claim.released).map(|claim| claim.node_id.clone()).collect();
        let said = join_all(owners.into_iter().map(|owner| async {
            let said = ask(bus, &owner).await;
            (owner, said)
        }));
        Ok(Self { claims, said: said.await.into_iter().collect() })
    }

    /// How many partitions nobody serves: without an owner, or with one that does not say that it serves.
    pub fn unserved(&self) -> usize {
        let serves = |claim: &&Claim| {
            let said = self.said.get(&claim.node_id);
            !claim.released && matches!(said, Some(Said::Status(status)) if status.ready)
        };
        Partition::all().len() - self.claims.values().filter(serves).count()
    }

    /// As one JSON object.
    pub fn json(&self) -> String {
        let owned = |node: &str| self.claims.values().filter(|claim| owns(claim, node)).count();
        let node = |id: &str, said: &Said| {
            let mut node = json!({"node_id": id, "state": state(said), "partitions": owned(id)});
            if let Said::Status(status) = said {
                node["sessions"] = json!(status.sessions);
                node["started_at"] = json!(time(status.started_at_us));
                node["log_seq"] = json!(status.log_seq);
            }
            node
        };
        let partition = |partition: Partition| {
            let claim = self.claims.get(&partition);
            let owner = claim.filter(|claim| !claim.released);
            let taken = owner.and_then(|claim| claim.taken.as_ref());
            json!({
                "partition": partition.to_string(),
                "owner": owner.map(|claim| &claim.node_id),
                "since": claim.map(|claim| time(taken.map_or(claim.at_us, |taken| taken.at_us))),
                "why": taken.map(|taken| taken.why.as_str()),
                "from": taken.and_then(|taken| taken.from.as_ref()),
            })
        };
        let nodes: Vec<Value> = self.said.iter().map(|(id, said)| node(id, said)).collect();
        let partitions: Vec<Value> = Partition::all().map(partition).collect();
        json!({"nodes": nodes, "partitions": partitions, "unserved": self.unserved()}).to_string()
    }
}

fn owns(claim: &Claim, node: &str) -> bool {
    !claim.released && *claim.node_id == *node
}

/// One word for the state of a node.
fn state(said: &Said) -> &'static str {
    match said {
        Said::Status(status) if status.leaving => "leaving",
        Said::Status(status) if status.ready => "ready",
        Said::Status(_) => "not ready",
        Said::Nobody => "gone",
        Said::Nothing => "silent",
    }
}

fn time(at: TimeUs) -> String {
    let at = DateTime::from_timestamp_micros(at.as_micros()).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

async fn read_claims(bus: &Bus) -> anyhow::Result<BTreeMap<Partition, Claim>> {
    let filters = vec![subject::CLAIMS.to_owned()];
    let mut follower = Follower::new(bus.clone(), subject::STREAM_LOG, filters, Start::LastPerSubject);
    let mut claims = BTreeMap::new();
    loop {
        match follower.next().await {
            Followed::Message(message) => {
                if let Some(subject::LogSubject::Claim(partition)) = subject::LogSubject::parse(&message.subject) {
                    let claim = message.decode().with_context(|| format!("the claim of partition {partition}"))?;
                    claims.insert(partition, claim);
                }
            }
            Followed::CaughtUp => return Ok(claims),
            Followed::Interrupted(why) => tracing::warn!(%why, "the log does not answer, still trying"),
        }
    }
}

async fn ask(bus: &Bus, owner: &str) -> Said {
    match bus.request(subject::node(owner), None, Bytes::new(), ANSWER_WITHIN).await {
        Ok(answer) => codec::decode(&answer.payload).map_or(Said::Nothing, Said::Status),
        Err(RequestError::NoResponders) => Said::Nobody,
        Err(RequestError::TimedOut | RequestError::Disconnected) => Said::Nothing,
    }
}
