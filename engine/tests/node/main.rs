//! The engine against the real nats-server: what a gateway sees, and what the log says afterwards.

mod commands;
mod gateway;
mod owners;
mod silence;
