//! What Andon does in a second, with how much memory, and how far that is from what the same machine could do in the
//! same moment if there were nothing but the bare necessities: a figure beside its floor.
//!
//! Everything is started here and ended here: an `andon up` of its own, the floor, the load. The machine may be shared
//! and change its pace at any time, so ours and the floor are measured in turn, in short rounds, and compared round by
//! round.

mod clock;
mod crew;
mod factory;
pub mod failover;
pub mod feed;
pub mod floor;
pub mod heartbeat;
mod load;
mod processes;
mod report;
mod rounds;
mod seed;
pub mod sessions;
mod stack;
pub mod status;
mod wire;

use std::time::Duration;

pub use report::Told;

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// Active sessions.
    pub sessions: usize,
    /// Requests in flight, each on a connection of its own.
    pub connections: usize,
    /// How often ours and the floor are measured.
    pub rounds: usize,
    /// How long each of the two is measured in a round.
    pub round: Duration,
    /// How long both are exercised before anything is measured.
    pub warm_up: Duration,
    /// How long a process may take to come to rest.
    pub settle: Duration,
}
