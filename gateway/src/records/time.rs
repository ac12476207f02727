//! Times in JSON.

use bus_schemas::TimeUs;
use chrono::{DateTime, SecondsFormat};
use serde::{Serialize, Serializer};

/// A point in time, shown as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub TimeUs);

impl Time {
    /// Reads RFC 3339 with any offset; `None` when it is not, or outside what can be stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<TimeUs> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| TimeUs::from_micros(time.timestamp_micros()))
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Outside chrono's years only when a clock is off by millennia.
        let time = DateTime::from_timestamp_micros(self.0.as_micros()).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        let time = Time::parse("2026-09-01T14:00:00.123456+03:00").unwrap();
        assert_eq!(Time(time).to_string(), "2026-09-01T11:00:00.123Z");
        assert_eq!(Time::parse("yesterday"), None);
        assert_eq!(Time(TimeUs::from_micros(i64::MAX)).to_string(), "1970-01-01T00:00:00.000Z");
    }
}
