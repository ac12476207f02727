//! What lies in the heap of a shard: the earliest deadline first.

use std::{cmp::Ordering, sync::Arc};

use crate::{cell::Cell, clock::Mono};

/// A session and its deadline.
pub(super) struct Due {
    /// When it is to be looked at.
    pub(super) at: Mono,
    /// Of the session.
    pub(super) cell: Arc<Cell>,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
