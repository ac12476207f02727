//! End-to-end tests: the real `andon` binary on a real nats-server and a real Postgres, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, which is what it is for"
)]

mod accounts;
mod bench;
mod browser;
mod cluster;
mod configuration;
mod factory;
mod feed;
mod guard;
mod harness;
mod integrators;
mod nemesis;
mod operations;
mod roles;
mod shift;
mod simulate;
mod start;
mod survival;
mod tail;
mod tidy;
mod up;
mod worker_socket;
