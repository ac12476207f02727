//! Who owns a partition, and how a node says that it lives.

use serde::{Deserialize, Serialize};

use crate::{Extra, time::TimeUs};

/// The claim of a partition: compare-and-set on the claim before it (protocol rule 9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Claim {
    /// The node: configured name and a random part per start, so that a frozen process and its replacement never
    /// share an address (protocol rule 8).
    pub node_id: Box<str>,
    /// When it was claimed or renewed, by the owner's clock.
    pub at_us: TimeUs,
    /// The owner let go: anybody may take it.
    #[serde(default)]
    pub released: bool,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// What a node answers on its own subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeStatus {
    /// Which node.
    pub node_id: Box<str>,
    /// When it started.
    pub started_at_us: TimeUs,
    /// Whether it serves all it owns.
    pub ready: bool,
    /// How many partitions it owns.
    pub owned: u16,
    /// How many active sessions it has.
    pub sessions: u64,
    /// The last stream sequence it has read.
    pub log_seq: u64,
}
