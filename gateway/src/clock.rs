//! The clocks: the only place of this crate that reads one.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bus_schemas::TimeUs;
use tokio::time::Instant;

/// Now, by this machine's clock: for tokens and times shown, never for deciding anything about sessions.
#[must_use]
pub fn wall_now() -> TimeUs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeUs::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A moment of this process, in milliseconds since an arbitrary start: fits into an atomic cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// Now. Never 0, so that 0 can mean "never" in an atomic cell.
    #[must_use]
    pub fn now() -> Self {
        Self::of(Instant::now())
    }

    /// The moment of an instant.
    #[must_use]
    pub fn of(instant: Instant) -> Self {
        let since = instant.saturating_duration_since(*START);
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX).saturating_add(1))
    }

    /// For an atomic cell.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// From an atomic cell; 0 is none.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// Time since `earlier`; zero when that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The moment `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// As an instant, for a timer.
    #[must_use]
    pub fn instant(self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.since(Self::of(now))).unwrap_or(now)
    }
}
