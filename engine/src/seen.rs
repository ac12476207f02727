//! The last-seen table of a partition: published every 15 s, read at a take-over. It serves `last_seen_at` and
//! `effective_end_at` only; no deadline hangs on it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use andon_nats::{Bus, Expect, HeaderMap, Publish};
use bus_schemas::{
    Partition, SessionId, TimeUs, codec,
    seen::{LastSeen, SeenRow},
    subject,
};
use futures::{StreamExt, future, stream};

use crate::{cell::Cell, clock::Reading};

/// How often a table is published.
pub const PUBLISH_EVERY: Duration = Duration::from_secs(15);
const WITHIN: Duration = Duration::from_secs(2);
/// Tables read at once at a take-over.
const READS: usize = 32;

/// The table of these sessions.
#[must_use]
pub fn table(claim_seq: u64, cells: &[Arc<Cell>], reading: &Reading) -> LastSeen {
    let row = |cell: &Arc<Cell>| SeenRow { session_id: cell.session_id, last_seen_at_us: cell.last_seen_wall(reading) };
    LastSeen { claim_seq, at_us: reading.wall, seen: cells.iter().map(row).collect() }
}

/// Publishes a table; one that is lost is followed by another.
pub async fn publish(bus: Bus, partition: Partition, table: LastSeen) {
    let Ok(payload) = codec::encode(&table) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(subject::HEADER_SCHEMA, codec::SCHEMA);
    let publish = Publish {
        stream: subject::STREAM_SEEN,
        subject: subject::seen(partition),
        headers,
        payload: payload.into(),
        expect: Expect::Anything,
    };
    if let Err(error) = bus.publish(&publish, WITHIN).await {
        tracing::debug!(%partition, %error, "a last-seen table was not published");
    }
}

/// The tables that former owners of these partitions have left.
pub async fn read(bus: &Bus, partitions: &[Partition]) -> HashMap<Partition, Vec<(SessionId, TimeUs)>> {
    let read_one = |partition: Partition| async move {
        let message = bus.last_message(subject::STREAM_SEEN, &subject::seen(partition), WITHIN).await.ok()??;
        let table: LastSeen = message.decode().ok()?;
        Some((partition, table.seen.into_iter().map(|row| (row.session_id, row.last_seen_at_us)).collect()))
    };
    stream::iter(partitions.iter().copied().map(read_one))
        .buffer_unordered(READS)
        .filter_map(future::ready)
        .collect()
        .await
}
