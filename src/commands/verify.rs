//! `andon verify`: proves or refutes a log, and that Postgres holds its fold.

use std::path::PathBuf;

use andon_nats::Bus;
use clap::Args;

use crate::backends::{Backends, NatsRole};
use crate::cli::Settings;
use crate::config::Config;
use crate::tail::Since;
use crate::tool;
use crate::verify::{self, Asked, Options, Report, Source};

/// Arguments of `andon verify`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// From this stream sequence on [default: the beginning of the log]
    #[arg(long, value_name = "SEQ", conflicts_with = "since")]
    pub from_seq: Option<u64>,
    /// Up to this stream sequence [default: the end of the log]
    #[arg(long, value_name = "SEQ", conflicts_with = "until")]
    pub to_seq: Option<u64>,
    /// What was stored since then, as 2026-08-01T06:00:00Z or as 10m for ten minutes ago
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// What was stored until then
    #[arg(long, value_name = "TIME")]
    pub until: Option<Since>,
    /// Read this dump, not the log of a server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from_seq", "to_seq", "since", "until", "dump"])]
    pub file: Option<PathBuf>,
    /// Also write what is read into this new file, for `--file`
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Do not compare with Postgres
    #[arg(long)]
    pub no_database: bool,
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Reads, judges, prints.
///
/// # Errors
/// A rule is broken; or the log or the database cannot be read.
pub fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    tool::run(settings, async |config, stop| {
        let verifying = Box::pin(verify(&config, &arguments));
        let Some(report) = stop.run_until_cancelled(verifying).await else { anyhow::bail!("interrupted") };
        let report = report?;
        if arguments.json {
            tool::say(report.json())
        } else {
            tool::say(&report)
        }
        match report.broken() {
            0 => Ok(()),
            1 => anyhow::bail!("a rule is broken"),
            broken => anyhow::bail!("{broken} rules are broken"),
        }
    })
}

async fn verify(config: &Config, arguments: &Arguments) -> anyhow::Result<Report> {
    let (source, database_url) = match &arguments.file {
        // A dump says nothing of where its database is.
        Some(file) => (Source::file(file)?, config.postgres.url.as_ref().map(ToString::to_string)),
        None => {
            let backends = backends(config, arguments.no_database)?;
            let bus = Bus::connect(&backends.nats(NatsRole::Gateway), NatsRole::Gateway.name()).await?;
            let asked = Asked {
                from_seq: arguments.from_seq,
                to_seq: arguments.to_seq,
                since: arguments.since,
                until: arguments.until,
            };
            (Source::log(&bus, &asked).await?, backends.database_url)
        }
    };
    let database_url = database_url.filter(|_| !arguments.no_database);
    verify::verify(source, &Options { database_url, dump: arguments.dump.clone() }).await
}

/// A given NATS without a given Postgres is verified without one.
fn backends(config: &Config, no_database: bool) -> anyhow::Result<Backends> {
    let nats_alone = no_database || config.nats.url.is_some();
    if nats_alone { Backends::nats_beside(config) } else { Backends::beside(config) }
}
