//! The engine: every rule about sessions ([`session`], pure), and the actors that live by them.
//!
//! Node ► one shard per owned partition ► one session actor per active session. It knows neither HTTP nor SQL. The
//! rules it follows are numbered in `docs/protocol.md`; code and tests name them.

mod alive;
mod assign;
mod cell;
mod chain;
mod claim;
pub mod clock;
mod closer;
mod desk;
mod echo;
mod follow;
mod gateways;
mod handle;
mod log_health;
mod members;
mod node;
mod plan;
mod receive;
mod recheck;
mod seen;
pub mod session;
mod session_actor;
mod shard;
mod shared;
pub mod silence;
mod slot;
pub mod verify;
mod watch;
mod work;

pub use handle::{EngineConfig, EngineError, EngineHandle, start};
pub use shared::BeforeDecide;
