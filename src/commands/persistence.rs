//! `andon persistence`: the projection of a given NATS into a given, migrated Postgres.

use crate::backends::Backends;
use crate::cli::Settings;
use crate::config::Needs;
use crate::process;
use crate::roles::{Persistence, Roles, Setup};

/// Runs until a signal ends it.
///
/// # Errors
/// It has stopped itself.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    let needs = Needs { nats: true, database: true, ..Needs::default() };
    process::serve(settings, needs, None, async |config, shutdown| {
        let mut roles = Roles::default();
        roles.add(Persistence::start(&config, &Backends::given(&config), Setup::None)?);
        roles.run(&shutdown).await
    })
}
