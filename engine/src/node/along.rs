//! Reading along with the owner of a partition, so that it can let go: begun, asked for, given up.

use std::{collections::BTreeMap, sync::Arc};

use bus_schemas::{HandOver, Partition, codec, subject};
use ractor::ActorRef;

use super::{ANSWER_WITHIN, ASK_AGAIN, Holding, NodeMsg, leave, recover};
use crate::{clock::Mono, slot::Ownership};

impl Holding {
    /// Reads partitions of other nodes along, so that they can let go.
    pub(super) async fn read_along(&mut self, myself: &ActorRef<NodeMsg>, partitions: Vec<Partition>) {
        let mut begun = Vec::new();
        for partition in partitions {
            if let Some(shard) = self.spawn_shard(myself, partition).await {
                self.shared.slot(partition).prepare(shard.clone());
                begun.push((partition, shard));
            }
        }
        if !begun.is_empty() {
            tracing::info!(partitions = begun.len(), "reading partitions of other nodes along");
            tokio::spawn(recover::prepare(Arc::clone(&self.shared), myself.clone(), begun));
        }
    }

    /// Asks the owners for what is read and assigned to this node.
    pub(super) fn ask(&mut self) {
        let now = Mono::now();
        let mut by_owner: BTreeMap<Box<str>, Vec<Partition>> = BTreeMap::new();
        for (partition, slot) in self.shared.slots() {
            let Some(known) = self.claims.get(&partition).filter(|known| !known.seen.claim.released) else { continue };
            let due = self.asked.get(&partition).is_none_or(|asked| now.since(*asked) >= ASK_AGAIN)
                && !self.handed_back.contains_key(&partition);
            if due && matches!(slot.ownership(), Ownership::Preparing(_, true)) {
                self.asked.insert(partition, now);
                by_owner.entry(known.seen.claim.node_id.clone()).or_default().push(partition);
            }
        }
        for (owner, partitions) in by_owner {
            let asked = HandOver { node_id: self.shared.node_id.clone(), partitions };
            let Ok(payload) = codec::encode(&asked) else { continue };
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                let answer = shared.bus().request(subject::node(&owner), None, payload.into(), ANSWER_WITHIN).await;
                if let Err(error) = answer {
                    tracing::info!(%owner, %error, "an owner that was asked for partitions did not answer");
                }
            });
        }
    }

    /// Stops reading a partition along: it is another's. What its shard was told before is still handled, so the index is
    /// cleared when it has ended.
    pub(super) fn forget(&mut self, partition: Partition) {
        if let Some(shard) = self.shared.slot(partition).give_up() {
            self.asked.remove(&partition);
            tokio::spawn(leave::step_down(Arc::clone(&self.shared), partition, shard));
        }
    }
}
