//! `andon engine`: one engine node against a given NATS.

use crate::backends::{Backends, NatsRole};
use crate::cli::Settings;
use crate::config::Needs;
use crate::process;
use crate::roles::{Engine, Roles, agreement};

/// Runs until a signal ends it.
///
/// # Errors
/// It cannot start, or has stopped itself.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    let needs = Needs { nats: true, ..Needs::default() };
    process::serve(settings, needs, None, async |config, shutdown| {
        let backends = Backends::given(&config);
        if let Some(url) = &backends.database_url {
            let nats = backends.nats(NatsRole::Engine);
            let agreed = agreement::log_is_the_projected_one(&nats, NatsRole::Engine.name(), url);
            match shutdown.drain.run_until_cancelled(agreed).await {
                None => return Ok(()),
                Some(agreed) => agreed?,
            }
        }
        let mut roles = Roles::default();
        roles.add(Engine::start(&config, &backends, None).await?);
        roles.run(&shutdown).await
    })
}
