//! `andon engine`: one engine node against a given NATS.

use crate::backends::Backends;
use crate::cli::Settings;
use crate::config::Needs;
use crate::process;
use crate::roles::{Engine, Roles};

/// Runs until a signal ends it.
///
/// # Errors
/// It cannot start, or has stopped itself.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    let needs = Needs { nats: true, ..Needs::default() };
    process::serve(settings, needs, None, async |config, shutdown| {
        let mut roles = Roles::default();
        roles.add(Engine::start(&config, &Backends::given(&config), None).await?);
        roles.run(&shutdown).await
    })
}
