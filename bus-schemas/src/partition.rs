//! Which of the 256 partitions a worker belongs to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{ids::WorkerId, limits::PARTITIONS};

/// One of the [`PARTITIONS`] that workers are dealt to by the hash of their id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Partition(u8);

impl Partition {
    /// The partition of this worker: `xxh3_64` of the id's hyphenated lower-case text, modulo 256.
    #[must_use]
    pub fn of(worker: WorkerId) -> Self {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = worker.0.as_hyphenated().encode_lower(&mut text);
        let index = xxh3_64(text.as_bytes()) % u64::from(PARTITIONS);
        // Below 256 by the line above.
        Self(u8::try_from(index).unwrap_or(u8::MAX))
    }

    /// Every partition, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..PARTITIONS as usize).map(|index| Self(index as u8))
    }

    /// The partition with this number.
    #[must_use]
    pub const fn new(index: u8) -> Self {
        Self(index)
    }

    /// Its number, for indexing a table of 256.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Three digits, as in subjects: `007`.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

/// The text is not three digits below 256.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a partition: three digits from 000 to 255")]
pub struct NotAPartition(String);

impl FromStr for Partition {
    type Err = NotAPartition;

    fn from_str(text: &str) -> Result<Self, NotAPartition> {
        let refused = || NotAPartition(text.to_owned());
        if text.len() != 3 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        text.parse().map(Self).map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_workers_stay_in_their_partition() {
        // By the reference implementation (python-xxhash). A change of the hash would lose every worker's log.
        for (worker, partition) in [
            ("00000000-0000-0000-0000-000000000000", "233"),
            ("0190a5c0-0000-7000-8000-000000000001", "190"),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", "012"),
        ] {
            assert_eq!(Partition::of(worker.parse().unwrap()).to_string(), partition, "{worker}");
        }
    }

    #[test]
    fn only_three_digits_below_256_are_a_partition() {
        for text in ["", "7", "07", "256", "999", "0007", "+07", "a07"] {
            assert_eq!(text.parse::<Partition>(), Err(NotAPartition(text.to_owned())));
        }
        assert_eq!("007".parse(), Ok(Partition::new(7)));
    }
}
