//! The engine against the real nats-server: what a gateway sees, and what the log says afterwards.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what a test needs and does not get is its failure")]

mod commands;
mod gateway;
mod link;
mod mute;
mod owners;
mod silence;
