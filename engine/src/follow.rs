//! The node's follower of the log: what anybody writes to its partitions is applied, claims are watched (rule 9).

use std::sync::Arc;

use andon_nats::{Followed, Follower, Start, StoredMessage};
use bus_schemas::{
    codec::Schema,
    subject::{self, LogSubject},
};
use ractor::ActorRef;
use tokio_util::sync::CancellationToken;

use crate::{chain, claim::SeenClaim, node::NodeMsg, shard::ShardMsg, shared::Shared};

/// Follows the log from `from` on, until `stop`.
pub async fn run(shared: Arc<Shared>, node: ActorRef<NodeMsg>, from: u64, stop: CancellationToken) {
    let filters = vec![subject::SESSIONS.to_owned(), subject::CLAIMS.to_owned()];
    let mut follower = Follower::new(shared.bus().clone(), subject::STREAM_LOG, filters, Start::Sequence(from));
    let mut interrupted = false;
    loop {
        let followed = tokio::select! {
            () = stop.cancelled() => return,
            followed = follower.next() => followed,
        };
        match followed {
            Followed::Message(message) => {
                route(&shared, &node, &message);
                shared.read_up_to(message.seq);
            }
            Followed::CaughtUp => {
                interrupted = false;
                shared.read_up_to(follower.last_seq());
                shared.follow_caught_up();
            }
            Followed::Interrupted(why) => {
                shared.follow_interrupted();
                if !std::mem::replace(&mut interrupted, true) {
                    tracing::warn!(%why, "the log is not followed; trying again");
                }
            }
        }
    }
}

/// Hands a message of the log to whom it concerns.
pub fn route(shared: &Shared, node: &ActorRef<NodeMsg>, message: &StoredMessage) {
    match LogSubject::parse(&message.subject) {
        Some(LogSubject::Claim(partition)) => {
            if let Some(seen) = SeenClaim::read(message) {
                let _ = node.cast(NodeMsg::ClaimSeen(partition, seen));
            }
        }
        Some(LogSubject::Session(partition, worker)) => {
            let Some(shard) = shared.slot(partition).shard() else { return };
            if is_newer(message) {
                tracing::error!(%partition, schema = message.schema(), "events of a newer schema: handing the partition back");
                let _ = node.cast(NodeMsg::HandBack(partition));
                return;
            }
            match chain::read(worker, message) {
                Ok((tip, _)) => drop(shard.cast(ShardMsg::Followed(worker, Box::new(tip)))),
                Err(error) => {
                    metrics::counter!("andon_unreadable_messages_total", "stream" => "log").increment(1);
                    tracing::error!(%error, "a message of the log cannot be read");
                }
            }
        }
        None => {
            metrics::counter!("andon_unreadable_messages_total", "stream" => "log").increment(1);
            tracing::error!(subject = %message.subject, seq = message.seq, "a message on a subject of no worker");
        }
    }
}

/// Whether a newer engine wrote it: its state may hold what this one cannot decide on.
fn is_newer(message: &StoredMessage) -> bool {
    message.schema().and_then(|header| Schema::parse(header).ok()).is_some_and(|schema| schema > Schema::CURRENT)
}
