//! What goes into a viewer's state machine, and what comes out of it.

use std::time::Duration;

use bus_schemas::TimeUs;

use super::{
    cursor::{Cursor, NotACursor},
    filter::Filter,
    frame::Frame,
};
use crate::clock::{Moment, wall_now};

/// What a viewer wants to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The newest states; what lies between may be left out.
    Latest,
    /// Every single change.
    Every,
}

/// What carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket: its client answers pings.
    WebSocket,
    /// Server-sent events: its client says nothing.
    Sse,
    /// One long-poll of many: it remembers nothing but the cursor.
    Poll,
}

impl Transport {
    /// For measurements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Poll => "poll",
        }
    }
}

/// The time: for measuring, and for people.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Never goes back.
    pub at: Moment,
    /// By this machine's clock.
    pub wall: TimeUs,
}

impl Now {
    /// Read from the clocks, for the transports.
    #[must_use]
    pub fn read() -> Self {
        Self { at: Moment::now(), wall: wall_now() }
    }
}

/// How a viewer begins.
#[derive(Clone, Debug)]
pub struct Opening {
    /// What it wants to get.
    pub mode: Mode,
    /// What it sees.
    pub filter: Filter,
    /// Where it goes on; none: it holds nothing.
    pub after: Option<Result<Cursor, NotACursor>>,
    /// It gets no two deltas closer than this.
    pub pause: Duration,
    /// When its token ends.
    pub auth_expires_at: TimeUs,
    /// What carries the frames.
    pub transport: Transport,
    /// A number drawn for it, from 0 to 1: deals the time of its return.
    pub lot: f32,
}

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Send this, then ask again.
    Send(Frame),
    /// Nothing to send before this moment; or, unless a pause is held, before the board changes.
    Wait {
        /// Ask again at the latest then.
        until: Moment,
        /// Ask again when the board changes, too.
        or_change: bool,
    },
    /// Send this and hang up.
    End(Frame),
}
