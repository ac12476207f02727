//! Claims in a log: each builds on the one before, and whoever closes for silence renews its claim with the same batch
//! (protocol rules 9 and 14).

use std::collections::HashMap;

use andon_nats::{StoredMessage, batch};
use bus_schemas::{Claim, Partition, SessionEvent};

use super::{Findings, Place, Rule, chain};

/// The claims as they stand, and the closes for silence that wait for theirs.
#[derive(Debug, Default)]
pub(super) struct Claims {
    current: HashMap<Partition, Held>,
    open: Option<Batch>,
}

/// The newest claim of a partition.
#[derive(Debug)]
struct Held {
    seq: u64,
    node_id: Box<str>,
    released: bool,
}

/// A batch that has closed sessions for silence; its renewals come after the closes.
#[derive(Debug)]
struct Batch {
    id: String,
    closes: Vec<(Partition, Place)>,
}

impl Claims {
    /// Before a message is looked at: a batch is stored as one, so another message ends it.
    pub(super) fn next_message(&mut self, message: &StoredMessage, findings: &mut Findings) {
        let other = |batch: &Batch| batch_id(message) != Some(&batch.id);
        if self.open.as_ref().is_some_and(other) {
            self.end(findings);
        }
    }

    /// A session was closed for silence.
    pub(super) fn idle_close(&mut self, partition: Partition, message: &StoredMessage, event: &SessionEvent) {
        let id = batch_id(message).unwrap_or_default().to_owned();
        let batch = self.open.get_or_insert_with(|| Batch { id, closes: Vec::new() });
        batch.closes.push((partition, Place::of(message).with(event)));
    }

    /// A claim; whether the partition has another owner now.
    pub(super) fn claim(
        &mut self,
        partition: Partition,
        message: &StoredMessage,
        claim: Claim,
        findings: &mut Findings,
    ) -> bool {
        let before = self.current.get(&partition);
        chain::condition(message, before.map(|held| held.seq), findings, Place::of(message));
        let renewed = before.is_none_or(|held| held.node_id == claim.node_id && !held.released) && !claim.released;
        let moved = before.is_some_and(|held| held.node_id != claim.node_id) && !claim.released;
        if let Some(batch) = &mut self.open {
            let owner = before.map_or("nobody", |held| &held.node_id);
            batch.closes.retain(|(of, place)| {
                if *of == partition && !renewed {
                    let what = format!("closed by {}, when {owner} held the claim", claim.node_id);
                    findings.add(Rule::IdleClose, *place, what);
                }
                *of != partition
            });
        }
        let held = Held { seq: message.seq, node_id: claim.node_id, released: claim.released };
        self.current.insert(partition, held);
        moved
    }

    /// The batch has ended: closes that no claim came with stand alone.
    pub(super) fn end(&mut self, findings: &mut Findings) {
        for (partition, place) in self.open.take().into_iter().flat_map(|batch| batch.closes) {
            let what = format!("no renewal of the claim of partition {partition} was stored with it");
            findings.add(Rule::IdleClose, place, what);
        }
    }
}

/// The atomic batch a message was stored with.
fn batch_id(message: &StoredMessage) -> Option<&str> {
    message.headers.get(batch::BATCH_ID).map(|value| value.as_str())
}
