//! Tests of this crate on the real Postgres and the real nats-server, which `.ci/tools` installs into the checkout.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod accounts;
mod directory;
mod following;
mod harness;
mod history;
mod projecting;
mod refusals;
mod retention;
mod story;
mod trouble;
