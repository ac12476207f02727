//! How each gateway is heard, by the small number that cells carry.

use std::{collections::HashMap, time::Duration};

use bus_schemas::heartbeat::Heartbeats;
use parking_lot::RwLock;
use uuid::Uuid;

use crate::{cell::GatewayIndex, clock::Mono, silence::Gateway};

/// Gateways remembered: each start of one is another. Beyond it, sessions fall back to the node's own gaps.
const GATEWAYS_MAX: usize = 10_000;

/// Every gateway this node has heard.
#[derive(Debug, Default)]
pub struct Gateways(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    index: HashMap<Uuid, GatewayIndex>,
    gateways: Vec<Gateway>,
}

impl Gateways {
    /// A batch has come; returns the gateway's number, and whether batches before this one were lost. A gateway counts
    /// its batches for each node, from one.
    pub fn heard(&self, now: Mono, batch: &Heartbeats, our_claim_seq: u64, idle: Duration) -> (GatewayIndex, bool) {
        let mut table = self.0.write();
        let newest_claim = batch.roll_call.then_some(batch.newest_claim_seq);
        if let Some(&index) = table.index.get(&batch.gateway_id) {
            let gateway = table.gateways.get_mut(usize::from(index.0) - 1);
            let lost =
                gateway.is_some_and(|gateway| gateway.heard(now, batch.counter, newest_claim, our_claim_seq, idle));
            return (index, lost);
        }
        if table.gateways.len() >= GATEWAYS_MAX {
            return (GatewayIndex::default(), false);
        }
        let mut gateway = Gateway::new(now);
        let lost = gateway.heard(now, batch.counter, newest_claim, our_claim_seq, idle);
        table.gateways.push(gateway);
        let index = GatewayIndex(u16::try_from(table.gateways.len()).unwrap_or(0));
        table.index.insert(batch.gateway_id, index);
        tracing::info!(gateway = %batch.gateway_id, "heard a gateway for the first time");
        (index, lost)
    }

    /// The number of a gateway that was heard.
    #[must_use]
    pub fn index_of(&self, gateway: Uuid) -> GatewayIndex {
        self.0.read().index.get(&gateway).copied().unwrap_or_default()
    }

    /// How the gateway with this number is heard; none for number 0.
    #[must_use]
    pub fn get(&self, index: GatewayIndex) -> Option<Gateway> {
        let place = usize::from(index.0).checked_sub(1)?;
        self.0.read().gateways.get(place).copied()
    }
}
