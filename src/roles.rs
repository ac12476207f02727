//! The roles of this process: started the same way by `andon up` and by the commands of the single roles, watched
//! together, drained in order.

pub mod agreement;
mod engine;
mod gateway;
mod persistence;

use std::pin::Pin;
use std::time::Duration;

use futures::future::select_all;

use crate::lifecycle::Shutdown;
pub use engine::Engine;
pub use gateway::Gateway;
pub use persistence::{FirstAccount, Persistence, Setup, prepare_database};

/// How long one role may take to drain; all of them together stay below the ten seconds after which service managers
/// use force.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(3);

type Future<'a, T> = Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

/// A role that is running.
pub trait Role: Send + Sync {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// Watches over it; resolves when it has stopped itself, with the reason.
    fn watch(&self) -> Future<'_, anyhow::Error>;

    /// Finishes what it has begun, hands over what it owns, and ends.
    fn drain(self: Box<Self>) -> Future<'static, ()>;
}

/// The roles of this process. They are drained in the opposite order of their start: who asks before who answers.
#[derive(Default)]
pub struct Roles(Vec<Box<dyn Role>>);

impl Roles {
    /// Adds a role that has just been started.
    pub fn add(&mut self, role: impl Role + 'static) {
        self.0.push(Box::new(role));
    }

    /// Runs until a signal asks for the end or a role stops itself, then drains all.
    ///
    /// # Errors
    /// The reason for which a role stopped itself.
    pub async fn run(self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = shutdown.drain.cancelled() => Ok(()),
            (name, error) = self.first_failure() => {
                tracing::error!("{name} has stopped itself: {error:#}");
                Err(error.context(format!("{name} has stopped itself")))
            }
        };
        self.drain(shutdown).await;
        ended
    }

    async fn first_failure(&self) -> (&'static str, anyhow::Error) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let failures = self.0.iter().map(|role| Box::pin(async { (role.name(), role.watch().await) }));
        select_all(failures).await.0
    }

    /// Drains all in order; a second signal cuts it short.
    pub async fn drain(self, shutdown: &Shutdown) {
        for role in self.0.into_iter().rev() {
            let name = role.name();
            tracing::info!("draining the {name}");
            if shutdown.now.run_until_cancelled(role.drain()).await.is_none() {
                return;
            }
        }
    }
}
