//! Andon's HTTP side: workers' commands and heartbeats, admins' lists and edits, authentication, the live view.
//!
//! It decides nothing about sessions: it finds the owner of a worker's session, sends it the command and says what the
//! owner said ([`commands`]). What it shows, it folds from the log ([`live_view`]). It writes nothing to Postgres.

mod acting;
pub mod app;
mod audit;
pub mod auth;
pub mod clock;
pub mod commands;
mod config;
pub mod directory;
mod error;
pub mod extract;
pub mod feed;
#[cfg(test)]
mod fixtures;
pub mod heartbeats;
pub mod live_view;
mod middleware;
mod pages;
pub mod records;
mod revoke;
pub mod router;
pub mod routes;
mod server;
mod start;
pub mod telemetry;
#[cfg(test)]
mod test_gateway;
mod websocket;
pub mod wire;
mod worker_socket;

pub use config::{GatewayConfig, Lan, Tls};
pub use directory::demo_factory;
pub use error::{ApiError, Code};
pub use revoke::revoke_all;
pub use server::tls::{LiveCertificate, TlsError, certificate_of};
pub use start::{GatewayError, GatewayFailure, GatewayHandle, start};
