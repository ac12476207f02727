//! `andon restore`: a backup into an empty data directory, or into given servers that hold nothing yet.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use crate::backends::{Backends, NatsRole};
use crate::backup::{self, Backup, Target};
use crate::cli::Settings;
use crate::config::Config;
use crate::tool;

/// Arguments of `andon restore`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The backup
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// Looks the backup through, and restores it only when it is whole.
///
/// # Errors
/// It is no whole backup, something is at its place already, or a server refuses. Nothing is changed then.
pub fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    tool::run(settings, async |config, stop| {
        let backup = Backup::open(&arguments.directory)?;
        let restoring = Box::pin(restore(&backup, &config));
        tokio::pin!(restoring);
        let told = tokio::select! {
            told = &mut restoring => told?,
            () = stop.cancelled() => {
                // Broken off in the middle, it would leave a half behind.
                tracing::warn!("a restore is not broken off: waiting for its end");
                restoring.await?
            }
        };
        tool::say(told);
        Ok(())
    })
}

async fn restore(backup: &Backup, config: &Config) -> anyhow::Result<String> {
    match (&config.nats.url, &config.postgres.url) {
        (None, None) => backup::into_data_dir(backup, config).await,
        (Some(_), Some(database)) => {
            let nats = Backends::given(config).nats(NatsRole::Operator);
            let pg_bin = config.postgres.binaries.clone();
            let target = Target { nats, database_url: database.to_string(), pg_bin };
            backup::into_servers(backup, &target).await
        }
        _ => bail!(
            "name both servers, with --nats-url and --database-url, or neither: then the backup is restored into the \
             data directory"
        ),
    }
}
