//! The engine's clocks: the wall clock for events, the monotonic one for silence.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

pub use andon_nats::clock::wall_now;
use bus_schemas::TimeUs;

/// How far before the start of the process a monotonic time can lie: longer than any deadline looks back.
const BEFORE_START: Duration = Duration::from_secs(30 * 24 * 3_600);

static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A point on the monotonic clock: microseconds since thirty days before the process started. It goes on while the
/// process is stopped (SIGSTOP), and never jumps with the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// Before everything.
    pub const ZERO: Self = Self(0);

    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self::from_micros(micros(BEFORE_START) + micros(BASE.elapsed()))
    }

    /// The point this many microseconds after the zero of this clock.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the zero of this clock.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The point `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// The point `span` earlier.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    /// Time from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// One reading of both clocks, to tell times of one by the other.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The wall clock.
    pub wall: TimeUs,
    /// The monotonic clock at the same moment.
    pub mono: Mono,
}

impl Reading {
    /// Reads both clocks.
    #[must_use]
    pub fn take() -> Self {
        Self { wall: wall_now(), mono: Mono::now() }
    }

    /// What the wall clock says (or will say) at this monotonic time.
    #[must_use]
    pub fn wall_at(&self, at: Mono) -> TimeUs {
        if at >= self.mono { self.wall.after(at.since(self.mono)) } else { self.wall.before(self.mono.since(at)) }
    }

    /// The monotonic time of something that happened `age` ago.
    #[must_use]
    pub fn mono_before(&self, age: Duration) -> Mono {
        self.mono.before(age)
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
