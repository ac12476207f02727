//! Numbers and times of the contract as Postgres has them, and back.

use bus_schemas::{Actor, TimeUs};
use chrono::{DateTime, Utc};

/// A value of a message does not fit its column: the message is quarantined, never bent to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {value}, which no table can hold")]
pub struct DoesNotFit {
    what: &'static str,
    value: i128,
}

/// First microsecond of the year 10000, where RFC 3339 ends.
const TIME_END_US: i64 = 253_402_300_800_000_000;

/// A point in time, between 1970 and the year 9999.
pub fn time(what: &'static str, at: TimeUs) -> Result<DateTime<Utc>, DoesNotFit> {
    let micros = at.as_micros();
    Some(micros)
        .filter(|micros| (0..TIME_END_US).contains(micros))
        .and_then(DateTime::from_timestamp_micros)
        .ok_or(DoesNotFit { what, value: micros.into() })
}

/// A point in time that may be absent.
pub fn time_opt(what: &'static str, at: Option<TimeUs>) -> Result<Option<DateTime<Utc>>, DoesNotFit> {
    at.map(|at| time(what, at)).transpose()
}

/// A point in time to compare with: the nearest that a column can hold.
pub fn clamped(at: TimeUs) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.as_micros().clamp(0, TIME_END_US)).unwrap_or_default()
}

/// A sequence or version: Postgres has no unsigned numbers.
pub fn number(what: &'static str, value: u64) -> Result<i64, DoesNotFit> {
    i64::try_from(value).map_err(|_| DoesNotFit { what, value: value.into() })
}

/// A point in time as the contract has it. Postgres' range lies within what 64 bits of microseconds can say.
pub fn time_us(at: DateTime<Utc>) -> TimeUs {
    TimeUs::from_micros(at.timestamp_micros())
}

/// A sequence read back; the projection writes no negative one.
pub fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Who did it, as the tables for audit have it: `worker:<id>`, `admin:<account>` or `system`.
pub fn actor(actor: &Actor) -> String {
    match actor {
        Actor::Worker(id) => format!("worker:{id}"),
        Actor::Admin(name) => format!("admin:{name}"),
        Actor::System => "system".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_to_the_microsecond() {
        let at = TimeUs::from_micros(1_793_526_400_123_457);
        assert_eq!(time("at", at).map(time_us), Ok(at));
    }

    #[test]
    fn what_no_column_holds_is_refused_and_not_bent() {
        for micros in [i64::MIN, -1, TIME_END_US, i64::MAX] {
            assert!(time("at", TimeUs::from_micros(micros)).is_err(), "{micros}");
        }
        assert!(number("seq", u64::MAX).is_err());
        assert_eq!(number("seq", 7), Ok(7));
    }
}
