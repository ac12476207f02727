//! Claims of partitions: compare-and-set on the claim before (protocol rules 9 and 10).

use std::time::Duration;

use andon_nats::{Bus, Expect, HeaderMap, Publish, PublishError, ReadError, StoredMessage};
use bus_schemas::{Claim, Extra, Partition, Taken, codec, subject};
use futures::{StreamExt, future, stream};

use crate::{clock::wall_now, shared::Shared};

const WITHIN: Duration = Duration::from_secs(2);
/// A release is tried this often: the first may meet a renewal on its way, the second its own lost ack.
const RELEASE_TRIES: usize = 3;
/// Counts what was refused because it built on a claim that is not the newest: a claim, a renewal, idle closes.
pub const REFUSED: &str = "andon_refused_stale_claims_total";
/// Claims taken at once.
const TAKES: usize = 64;

/// A claim on the log.
#[derive(Clone, Debug)]
pub struct SeenClaim {
    /// Its stream sequence.
    pub seq: u64,
    /// What it says.
    pub claim: Claim,
}

impl SeenClaim {
    /// Reads a claim message; one that cannot be read is a claim nobody may override, so `None`.
    #[must_use]
    pub fn read(message: &StoredMessage) -> Option<Self> {
        match message.decode() {
            Ok(claim) => Some(Self { seq: message.seq, claim }),
            Err(error) => {
                tracing::error!(seq = message.seq, subject = %message.subject, %error, "a claim cannot be read");
                None
            }
        }
    }
}

/// What a claim says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// The partition is this node's, and how it came by it.
    Mine(Option<Taken>),
    /// This node lets go of it, for that one.
    Released(Option<Box<str>>),
}

/// A partition to be claimed.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which.
    pub partition: Partition,
    /// Sequence of the claim before; 0: there is none.
    pub before: u64,
    /// How this node comes by it.
    pub how: Taken,
}

/// A partition that is this node's now, with the sequence of its claim and how it came by it.
pub type Got = (Partition, u64, Option<Taken>);

/// The message of a claim on condition of the one before; 0: there is none. `None` when it cannot be encoded.
#[must_use]
pub fn message(node_id: &str, partition: Partition, before: u64, says: Says) -> Option<Publish> {
    message_of(&claim_of(node_id, says), partition, before)
}

fn claim_of(node_id: &str, says: Says) -> Claim {
    let (released, taken, successor) = match says {
        Says::Mine(taken) => (false, taken, None),
        Says::Released(successor) => (true, None, successor),
    };
    Claim { node_id: node_id.into(), at_us: wall_now(), released, taken, successor, extra: Extra::new() }
}

fn message_of(claim: &Claim, partition: Partition, before: u64) -> Option<Publish> {
    let mut headers = HeaderMap::new();
    headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
    Some(Publish {
        stream: subject::STREAM_LOG,
        subject: subject::claim(partition),
        headers,
        payload: codec::encode(claim).ok()?.into(),
        expect: Expect::LastOnSubject(before),
    })
}

/// The claim of a partition, from the stream's leader.
///
/// # Errors
/// The log does not answer.
pub async fn read(bus: &Bus, partition: Partition) -> Result<Option<SeenClaim>, ReadError> {
    let message = bus.last_message(subject::STREAM_LOG, &subject::claim(partition), WITHIN).await?;
    Ok(message.as_ref().and_then(SeenClaim::read))
}

/// Takes these partitions, each on condition of the claim before it; returns those that are now this node's.
pub async fn take(bus: &Bus, node_id: &str, wanted: Vec<Wanted>) -> Vec<Got> {
    stream::iter(wanted)
        .map(|wanted| take_one(bus, node_id, wanted))
        .buffer_unordered(TAKES)
        .filter_map(future::ready)
        .collect()
        .await
}

async fn take_one(bus: &Bus, node_id: &str, wanted: Wanted) -> Option<Got> {
    let Wanted { partition, before, how } = wanted;
    let message = message(node_id, partition, before, Says::Mine(Some(how.clone())))?;
    match bus.publish(&message, WITHIN).await {
        Ok(ack) => Some((partition, ack.seq, Some(how))),
        // Read the claim; if it is one's own, keep its sequence (rule 10).
        Err(PublishError::Unknown | PublishError::Moved) => {
            let seen = read(bus, partition).await.ok()??;
            let own = *seen.claim.node_id == *node_id && !seen.claim.released;
            metrics::counter!(REFUSED).increment(u64::from(!own));
            own.then_some((partition, seen.seq, seen.claim.taken))
        }
        Err(error) => {
            tracing::warn!(%partition, %error, "a claim was not stored");
            None
        }
    }
}

/// Lets go of a partition, on condition of this node's own claim. A renewal that was on its way moves that claim: then on
/// condition of the renewal.
///
/// Returns what the log says of the partition now; `None` when it cannot be told.
pub async fn release(
    shared: &Shared,
    partition: Partition,
    mut own: u64,
    successor: Option<Box<str>>,
) -> Option<SeenClaim> {
    for _ in 0..RELEASE_TRIES {
        let claim = claim_of(&shared.node_id, Says::Released(successor.clone()));
        let message = message_of(&claim, partition, own)?;
        let error = match shared.bus().publish(&message, WITHIN).await {
            Ok(ack) => return Some(SeenClaim { seq: ack.seq, claim }),
            Err(error) => error,
        };
        metrics::counter!(REFUSED).increment(u64::from(error == PublishError::Moved));
        if let Ok(Some(seen)) = read(shared.bus(), partition).await {
            if *seen.claim.node_id != *shared.node_id || seen.claim.released {
                return Some(seen);
            }
            own = seen.seq;
        }
        tracing::info!(%partition, %error, "a claim was not released");
    }
    // The next node finds no responder behind it.
    tracing::warn!(%partition, "a claim was not released and stays with this node until another takes it");
    None
}
