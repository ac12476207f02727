//! The floors that answer over HTTP, in a process of their own: of heartbeats a bare axum handler that parses the same
//! body, of the feed a bare broadcast.

mod fan_out;

use std::io::Read as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::stack::Served;

pub use fan_out::{EVENTS_PATH, PUBLISH_PATH, Published, Publishing, SOCKET_PATH};

/// The hidden subcommand that serves them.
pub const SUBCOMMAND: &str = "bench-floor";
/// The path of the route that the floor of heartbeats stands beside.
pub const PATH: &str = "/api/sessions/heartbeat";
/// How its first line begins.
const LISTENING: &str = "listening ";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Beat {
    session_id: Uuid,
}

#[derive(Serialize)]
struct Answer {
    ok: bool,
}

async fn beat(Json(beat): Json<Beat>) -> Json<Answer> {
    Json(Answer { ok: !beat.session_id.is_nil() })
}

/// Serves until whoever started it is gone: its stdin ends then.
///
/// # Errors
/// No port of the loopback address is free.
pub fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.spawn(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{LISTENING}{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            let _slower_without = stream.set_nodelay(true);
        });
        axum::serve(listener, Router::new().route(PATH, post(beat)).merge(fan_out::routes())).await
    });
    let mut nothing = [0];
    while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
    Ok(())
}

/// The floor, running.
pub struct Floor {
    served: Served,
    address: SocketAddr,
}

impl Floor {
    /// Starts it.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SUBCOMMAND).stderr(Stdio::inherit());
        let mut served = Served::start(command, Stdio::piped())?;
        let address = served.said(LISTENING).await.context("the floor does not start")?.parse()?;
        Ok(Self { served, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.served.pid()
    }
}
