//! The time as events have it: all processes of a test share the machine's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970.
pub fn now_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_micros()).expect("before the year 294247")
}

/// A short time in microseconds.
pub fn us(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).expect("short")
}
