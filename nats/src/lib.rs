//! NATS as every role of Andon uses it: connection, bounded requests, compare-and-set publishes and atomic batches,
//! leader reads, log time, the ordered follower, and the definitions of the streams with the checks that make an
//! acknowledgement worth something.
//!
//! async-nats carries the bytes. This crate adds what its users would otherwise each get wrong: a reply that never
//! comes leaks nothing, "refused" is told apart from "unknown", and a follower delivers each message exactly once.

pub mod batch;
pub mod bus;
pub mod clock;
pub mod config;
pub mod consumers;
pub mod directory;
pub mod follow;
pub mod log_clock;
mod majority;
pub mod publish;
pub mod read;
mod replies;
pub mod server;
pub mod snapshot;
pub mod streams;
#[cfg(feature = "testing")]
pub mod testing;

pub use async_nats::{HeaderMap, Message};
pub use bus::{Bus, Connection, NatsError, RequestError};
pub use config::NatsConfig;
pub use directory::DirectoryView;
pub use follow::{Followed, Follower, Start};
pub use log_clock::LogClock;
pub use publish::{Ack, Expect, Publish, PublishError};
pub use read::{ReadError, StoredMessage, StreamFacts};
