//! The live feed `andon.feed.v1`: what dashboards and any other viewer read.
//!
//! One state machine ([`viewer`]) over one fold of the log ([`board`]); transports only carry its frames. A viewer that
//! follows it holds, at its cursor, exactly the fold of the log as its filter shows it, whatever was cut in between.
//! `docs/feed.md` is the contract.

pub mod ask;
pub mod board;
pub mod connection;
pub mod cursor;
pub mod cut;
pub mod difference;
pub mod entry;
pub mod filter;
pub mod frame;
mod hub;
mod keep;
pub mod limits;
#[cfg(test)]
mod model;
pub mod poll;
pub mod socket;
pub mod sse;
pub mod step;
pub mod viewer;

pub use hub::Hub;
pub(crate) use keep::{keep, read_past};
