//! `andon gateway`: one gateway against a given NATS. Postgres is only asked for history and accounts.

use crate::backends::Backends;
use crate::cli::Settings;
use crate::config::Needs;
use crate::process;
use crate::roles::{Gateway, Roles};

/// Runs until a signal ends it.
///
/// # Errors
/// It cannot start, or has stopped itself.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    let needs = Needs { nats: true, ..Needs::default() };
    process::serve(settings, needs, None, async |config, shutdown| {
        let gateway = Gateway::start(&config, &Backends::given(&config), None).await?;
        tracing::info!("the gateway listens on {}", gateway.url());
        let mut roles = Roles::default();
        roles.add(gateway);
        roles.run(&shutdown).await
    })
}
