//! The ring of accepted command ids: the last 32 of a worker, from one session to the next (protocol rule 5).

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::{command::CommandId, limits::RING_CAPACITY};

/// Bytes of one entry: 16 of the id's hash, 8 of the body's hash, 8 of the stream sequence, all big endian.
const ENTRY_BYTES: usize = 32;

/// The last accepted commands of a worker, oldest first: one byte string of at most 1 KB.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ring(#[serde(with = "serde_bytes")] Vec<u8>);

/// What is remembered of an accepted command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingEntry {
    /// Hash of what was asked.
    pub body_hash: u64,
    /// Stream sequence of its event; 0 in the message that is this event (no message knows its own sequence).
    pub seq: u64,
}

impl Ring {
    /// What is remembered of this command, if it is one of the last 32 accepted.
    #[must_use]
    pub fn get(&self, id: &CommandId) -> Option<RingEntry> {
        let wanted = key(id);
        self.entries()
            .rev()
            .find(|entry| entry[..16] == wanted)
            .map(|entry| RingEntry { body_hash: read_u64(&entry[16..24]), seq: read_u64(&entry[24..32]) })
    }

    /// Remembers a command as accepted by the event that carries this state, and forgets the oldest beyond 32.
    pub fn push(&mut self, id: &CommandId, body_hash: u64) {
        // A damaged length would shift every later entry.
        self.0.truncate(self.0.len() / ENTRY_BYTES * ENTRY_BYTES);
        let surplus = (self.len() + 1).saturating_sub(RING_CAPACITY);
        self.0.drain(..surplus * ENTRY_BYTES);
        self.0.reserve_exact(ENTRY_BYTES);
        self.0.extend_from_slice(&key(id));
        self.0.extend_from_slice(&body_hash.to_be_bytes());
        self.0.extend_from_slice(&0_u64.to_be_bytes());
    }

    /// Fills in the sequence of the message this state was read from (or acknowledged as).
    pub fn resolve(&mut self, seq: u64) {
        for entry in self.0.chunks_exact_mut(ENTRY_BYTES) {
            if entry[24..32] == [0; 8] {
                entry[24..32].copy_from_slice(&seq.to_be_bytes());
            }
        }
    }

    /// How many commands are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() / ENTRY_BYTES
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn entries(&self) -> std::slice::ChunksExact<'_, u8> {
        self.0.chunks_exact(ENTRY_BYTES)
    }
}

fn key(id: &CommandId) -> [u8; 16] {
    xxh3_128(id.as_str().as_bytes()).to_be_bytes()
}

fn read_u64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ring({} of {RING_CAPACITY})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> CommandId {
        format!("command-{number}").parse().unwrap()
    }

    #[test]
    fn the_last_32_are_remembered_and_the_33rd_is_not() {
        let mut ring = Ring::default();
        for number in 0..100 {
            ring.push(&id(number), number as u64);
            ring.resolve(1_000 + number as u64);
        }
        assert_eq!(ring.len(), RING_CAPACITY);
        assert_eq!(ring.get(&id(67)), None);
        for number in 68..100 {
            let seq = 1_000 + number as u64;
            assert_eq!(ring.get(&id(number)), Some(RingEntry { body_hash: number as u64, seq }));
        }
    }

    #[test]
    fn a_new_entry_has_no_sequence_until_its_message_has_one() {
        let mut ring = Ring::default();
        ring.push(&id(1), 5);
        assert_eq!(ring.get(&id(1)), Some(RingEntry { body_hash: 5, seq: 0 }));
        ring.resolve(77);
        ring.resolve(78);
        assert_eq!(ring.get(&id(1)), Some(RingEntry { body_hash: 5, seq: 77 }));
    }

    #[test]
    fn damaged_bytes_never_panic() {
        let mut ring = Ring(vec![7; 45]);
        assert_eq!(ring.get(&id(1)), None);
        ring.push(&id(1), 5);
        assert_eq!(ring.len(), 2);
        assert!(ring.get(&id(1)).is_some());
    }
}
