//! Last-seen tables: when each active session of a partition last showed a sign of life.

use serde::{Deserialize, Serialize};

use crate::{ids::SessionId, time::TimeUs};

/// The table of a partition, published every 15 s; it serves `last_seen_at` and `effective_end_at` only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastSeen {
    /// Stream sequence of the owner's claim; a table with a lower one than known is ignored.
    pub claim_seq: u64,
    /// When it was made, by the owner's clock.
    pub at_us: TimeUs,
    /// One row an active session.
    pub seen: Vec<SeenRow>,
}

/// When one session was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeenRow {
    /// Which session.
    #[serde(rename = "s")]
    pub session_id: SessionId,
    /// When, by the owner's clock.
    #[serde(rename = "t")]
    pub last_seen_at_us: TimeUs,
}
