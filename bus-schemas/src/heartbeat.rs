//! Heartbeats from gateways to owners, and the owner's echo to itself (protocol rules 11 and 12).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ids::SessionId, partition::Partition};

/// What travels on a node's heartbeat subject: beats and echo share it, so that an echo arrives behind every beat sent
/// before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HeartbeatMessage {
    /// A batch from a gateway.
    Beats(Heartbeats),
    /// The node's own.
    Echo(Echo),
}

/// Beats a gateway has collected: every 100 ms at most, and once a second even when empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Heartbeats {
    /// Which gateway; new at every start.
    pub gateway_id: Uuid,
    /// Counts this gateway's batches to this node: 1, 2, 3 …
    pub counter: u64,
    /// The once-a-second batch: goes to every node, and asks for a [`HeartbeatAck`].
    #[serde(default)]
    pub roll_call: bool,
    /// Stream sequence of the newest claim the gateway has seen.
    pub newest_claim_seq: u64,
    /// The beats; a session stands once, with its youngest.
    pub beats: Vec<Beat>,
}

/// One session's sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Beat {
    /// Which session.
    #[serde(rename = "s")]
    pub session_id: SessionId,
    /// The partition of its worker.
    #[serde(rename = "p")]
    pub partition: Partition,
    /// How old the beat was when the batch was sent, in milliseconds.
    #[serde(rename = "a")]
    pub age_ms: u32,
}

/// The owner's answer to a roll call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeartbeatAck {
    /// Which node answers.
    pub node_id: Box<str>,
    /// The counter of the batch.
    pub counter: u64,
}

/// What an owner sends to itself through the server, behind the heartbeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Echo {
    /// Which node sent it.
    pub node_id: Box<str>,
    /// 1, 2, 3 …; the node remembers when it sent each.
    pub number: u64,
}
