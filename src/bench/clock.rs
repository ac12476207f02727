//! The wall clock of a bench: what nats-server stamps on a message is read against it, on the same machine.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970.
pub fn wall_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
