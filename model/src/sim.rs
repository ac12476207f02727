//! A simulation of engines, gateways, tablets and the log under virtual time: everything that happens follows from a
//! seed.
//!
//! What decides is the product's own code: the core of sessions (`engine::session`), hearing and deadlines
//! (`engine::silence`), and when an answer is final (`gateway::commands::attempts`). The shells around them, which in
//! the product are actors and sockets, are small ones of this module that follow the same rules step by step.

mod closer;
mod desk;
mod engine;
mod factory;
mod gateway;
mod log;
mod nemesis;
mod tablet;
mod verdict;
mod world;

pub use verdict::{Failure, Met};

/// A rule that is left out, to see that the simulation notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Rule 1: publishes without a condition.
    NoCompareAndSet,
    /// Rule 2: an attempt that published, and then found the chain moved, is answered as without effect.
    ForgetPublished,
    /// Rule 3: answers without a leader read.
    NoLeaderRead,
    /// Rule 5: the ring is not looked at.
    NoRing,
    /// Rule 7: the owner does not check the expiry.
    NoExpiry,
    /// Rule 7: the first answer without effect is final.
    FinalAtOnce,
    /// Rule 9: an owner does not follow its chains.
    NoFollow,
    /// Rule 13: a take-over is no gap.
    NoTakeOverGap,
    /// Rule 13: a late echo is no gap.
    NoEchoGap,
    /// Rule 13: neither a reconnect nor what was lost with the connection is a gap.
    NoReconnectGap,
    /// Rule 13: what a gateway lost on its way is no gap.
    NoLostGap,
    /// Rule 14: a publish of unknown outcome, which nobody asks for again, keeps the session from being closed.
    UnknownHoldsClose,
    /// Rule 14: closes are committed without the renewal of the claim.
    NoClaimFence,
    /// Rule 14: closes are sent as they were decided.
    NoSecondLook,
}

/// Runs one seed to its end.
///
/// # Errors
/// What must hold did not.
pub fn run(seed: u64, without: Option<Mutation>) -> Result<Met, Failure> {
    let mut world = world::World::new(seed, without);
    world.run();
    verdict::judge(&world)
}
