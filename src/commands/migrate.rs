//! `andon migrate`: applies migrations and the definitions of streams and consumers, then exits.

use andon_nats::{Bus, consumers, streams};

use crate::backends::{Backends, NatsRole};
use crate::cli::Settings;
use crate::config::Needs;
use crate::process;

/// Brings a given Postgres and a given NATS up to this version. Doing it twice changes nothing.
///
/// # Errors
/// One of them cannot be reached, or refuses.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    let needs = Needs { nats: true, database: true, ..Needs::default() };
    process::run(settings, needs, async |config| {
        let backends = Backends::given(&config);
        let nats = backends.nats(NatsRole::Operator);
        let bus = Bus::connect(&nats, NatsRole::Operator.name()).await?;
        streams::ensure(&bus, &nats).await?;
        andon_nats::server::check(&bus, &nats).await?;
        streams::check(&bus, &nats).await?;
        consumers::ensure(&bus, nats.replicas).await?;
        if let Some(database_url) = &backends.database_url {
            persistence::migrate(database_url).await?;
        }
        println!("the streams, the integrators' consumers and the database are up to date");
        Ok(())
    })
}
