//! The engine as a role of this process.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context as _;
use engine::{EngineConfig, EngineHandle};

use super::{DRAIN_LIMIT, Future, Role};
use crate::backends::{Backends, NatsRole};
use crate::config::Config;
use crate::servers::RestartNats;

/// How often it is asked whether the log still acknowledges. With the engine's own five seconds of patience a mute
/// server is restarted within seven.
const MUTE_POLL: Duration = Duration::from_secs(1);

/// A running engine node.
pub struct Engine {
    handle: EngineHandle,
    restart_nats: Option<RestartNats>,
}

impl Engine {
    /// Starts it. When the log goes mute, `restart_nats` is asked, where there is one: nothing else would help.
    ///
    /// # Errors
    /// NATS cannot be reached, or it or the log is not what the engine needs; the error names the setting.
    pub async fn start(
        config: &Config,
        backends: &Backends,
        restart_nats: Option<RestartNats>,
    ) -> anyhow::Result<Self> {
        let engine = engine::start(EngineConfig {
            nats: backends.nats(NatsRole::Engine),
            node_name: config.node_id.clone(),
            idle_timeout: config.idle_timeout,
            before_decide: None,
        });
        Ok(Self { handle: engine.await.context("the engine cannot start")?, restart_nats })
    }

    async fn watch_log(&self) -> Infallible {
        let Some(restart) = &self.restart_nats else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(MUTE_POLL);
        loop {
            ticks.tick().await;
            if self.handle.log_is_mute() {
                restart.request("the log does not acknowledge");
            }
        }
    }
}

impl Role for Engine {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn watch(&self) -> Future<'_, anyhow::Error> {
        Box::pin(async {
            let reason = tokio::select! {
                reason = self.handle.failed() => reason,
                never = self.watch_log() => match never {},
            };
            anyhow::Error::msg(reason)
        })
    }

    fn drain(self: Box<Self>) -> Future<'static, ()> {
        Box::pin(async move { self.handle.drain(DRAIN_LIMIT).await })
    }
}
