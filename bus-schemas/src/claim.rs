//! Who owns a partition, and how a node says that it lives.

use serde::{Deserialize, Serialize};

use crate::{Extra, partition::Partition, time::TimeUs};

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
    /// How the owner came by it; renewals keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// With `released`: the node that has read the partition already and takes it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Box<str>>,
    /// Fields of a newer version.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::NewerFields"))]
    pub extra: Extra,
}

/// How a node came by a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Taken {
    /// When, by the owner's clock.
    pub at_us: TimeUs,
    /// Why it moved.
    pub why: TakenWhy,
    /// From which node; none when nobody had had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Box<str>>,
}

/// Why a partition moved to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TakenWhy {
    /// Nobody had ever had it.
    Unclaimed,
    /// The former owner let go of it, and nobody in particular was to have it.
    Released,
    /// The former owner let go of it for this node, which had read it already.
    HandedOver,
    /// Nobody answered for the former owner, twice.
    NoResponder,
    /// The former owner did not answer for a second.
    Silent,
    /// Somebody told this node to.
    Told,
    /// A reason of a newer version.
    #[serde(other)]
    Other,
}

impl TakenWhy {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unclaimed => "unclaimed",
            Self::Released => "released",
            Self::HandedOver => "handed-over",
            Self::NoResponder => "no-responder",
            Self::Silent => "silent",
            Self::Told => "told",
            Self::Other => "other",
        }
    }
}

/// What a node asks another on its subject: to let go of partitions that it has read already. The answer is the same as
/// to an empty message: a [`NodeStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HandOver {
    /// The node that asks.
    pub node_id: Box<str>,
    /// What it has read.
    pub partitions: Vec<Partition>,
}

/// What a node answers on its own subject, and tells all others twice a second.
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
    /// It is ending: others are to read what it owns and take it over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
}
