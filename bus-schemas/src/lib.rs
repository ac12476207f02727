//! The contract on the bus: everything that two Andon processes, or an integrator, must agree on.
//!
//! This crate does no I/O. It owns the ids and how they are derived ([`ids`]), the subjects ([`subject`]), the
//! partitioning ([`partition`]), the encoding ([`codec`]), the messages (commands, replies, events, claims, heartbeats,
//! directory records) and the state they carry. Inside `v1` it changes additively only: new optional fields may
//! appear, readers ignore what they do not know, and `tests/golden.rs` pins the bytes of one example of every message.
//! With the feature `schema` it also describes them, as JSON Schema and AsyncAPI (`schemas/`).

pub mod actor;
pub mod audit;
pub mod builtin;
pub mod claim;
pub mod codec;
pub mod command;
pub mod directory;
pub mod event;
pub mod heartbeat;
pub mod ids;
pub mod limits;
pub mod partition;
pub mod records;
pub mod reply;
pub mod ring;
#[cfg(feature = "schema")]
pub mod schema;
pub mod seen;
pub mod state;
pub mod status;
pub mod subject;
pub mod text;
pub mod time;

pub use actor::Actor;
pub use claim::{Claim, HandOver, NodeStatus, Taken, TakenWhy};
pub use command::{Command, CommandBody, CommandId};
pub use event::{EventKind, SessionEvent};
pub use ids::{DeviceId, EventId, ItemId, JobId, ReasonId, SessionId, StationId, WorkerId};
pub use partition::Partition;
pub use reply::{Done, Effect, Refusal, RefusalCode, Reply};
pub use ring::Ring;
pub use state::{CloseCause, Interval, Session, SessionStatus, WorkerState};
pub use status::StatusCode;
pub use time::TimeUs;

/// Fields a newer minor version wrote and this one does not know: kept and written back unchanged.
pub type Extra = std::collections::BTreeMap<String, rmpv::Value>;
