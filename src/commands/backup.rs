//! `andon backup`: the streams, the database and the secrets of a running factory, into one directory.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Settings;
use crate::{backup, tool};

/// Arguments of `andon backup`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory to make; nothing may be there
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// Takes it, beside an `andon up` or `andon cluster` that runs, or from given servers.
///
/// # Errors
/// A server cannot be read, or the directory cannot be written. Nothing stays behind.
pub fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    tool::run(settings, async |config, stop| {
        let taking = Box::pin(backup::take(&config, &arguments.directory));
        let Some(told) = stop.run_until_cancelled(taking).await else { anyhow::bail!("interrupted") };
        tool::say(told?);
        Ok(())
    })
}
