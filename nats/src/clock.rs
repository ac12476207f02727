//! The wall clock: the only place of this crate and of the engine that reads it.

use std::time::{SystemTime, UNIX_EPOCH};

use bus_schemas::TimeUs;

/// Now, by this machine's clock.
#[must_use]
pub fn wall_now() -> TimeUs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeUs::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
