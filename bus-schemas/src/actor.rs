//! Who did it.

use serde::{Deserialize, Serialize};

use crate::ids::WorkerId;

/// Who caused an event or sends a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The worker whose chain it is.
    Worker(WorkerId),
    /// An account, by its name.
    Admin(Box<str>),
    /// The session itself (idle close) or its owner (`carried`).
    System,
}

impl Actor {
    /// Whether what this actor does is a sign of life of the worker.
    #[must_use]
    pub const fn is_worker(&self) -> bool {
        matches!(self, Self::Worker(_))
    }
}
