//! The live feed `andon.feed.v1`: what dashboards and any other viewer read.
//!
//! One state machine ([`viewer`]) over one fold of the log ([`board`]); transports only carry its frames. A viewer that
//! follows it holds, at its cursor, exactly the fold of the log as its filter shows it, whatever was cut in between.
//! `docs/feed.md` is the contract.

pub mod board;
pub mod cursor;
pub mod cut;
pub mod entry;
pub mod filter;
pub mod frame;
pub mod limits;
#[cfg(test)]
mod model;
pub mod step;
pub mod viewer;
